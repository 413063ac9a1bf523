//! Quotas: how near the used amount is to the allowed one.

use lucid_object::Quantity;
use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::health::view::{Judged, View};
use crate::read::{keys, name, reference};

/// From here on the next rollout's surge may not fit.
const NEAR: i128 = 90;

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    view.in_namespaces("", "ResourceQuota").into_iter().map(about).collect()
}

fn about(quota: &Value) -> Judged {
    let shares: Vec<(&str, i128, String)> = keys(quota, "/status/hard").filter_map(|key| share(quota, key)).collect();
    let near = shares.iter().filter(|(_, percent, _)| *percent >= NEAR);
    let diagnoses: Vec<Diagnosis> = near
        .map(|(key, percent, words)| {
            let message = format!("quota {} has {percent} % of {key} in use", name(quota));
            Diagnosis::new(7011, reference(quota), message).seen(words)
        })
        .collect();
    let most = shares.iter().map(|(_, percent, _)| *percent).max().unwrap_or(0);
    Judged::new(reference(quota), format!("at most {most} % in use"), diagnoses)
}

fn share<'a>(quota: &'a Value, key: &'a str) -> Option<(&'a str, i128, String)> {
    let amount = |list: &str| quota.get("status")?.get(list)?.get(key)?.as_str();
    let (hard, used) = (amount("hard")?, amount("used")?);
    let (all, taken) = (Quantity::parse(hard)?.milli(), Quantity::parse(used)?.milli());
    (all > 0).then(|| (key, taken * 100 / all, format!("{used} of {hard} {key}")))
}
