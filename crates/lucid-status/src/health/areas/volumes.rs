//! Claims and the volumes behind them.

use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::health::view::{Judged, View};
use crate::read::{name, reference, text};

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let claims = view.in_namespaces("", "PersistentVolumeClaim");
    let of_claims = claims.iter().map(|claim| {
        let fine = match text(claim, "/status/phase") {
            "Bound" => format!("bound to {}", text(claim, "/spec/volumeName")),
            _ => "waits for its first pod".to_owned(),
        };
        Judged::new(reference(claim), fine, view.diagnose(claim))
    });
    let volumes = view.in_cluster("", "PersistentVolume").into_iter().filter_map(|volume| broken(volume, view));
    of_claims.chain(volumes).collect()
}

/// A volume that a claim of ours holds, or held, and that is not in order. Everyone else's are not our business.
fn broken(volume: &Value, view: &View<'_>) -> Option<Judged> {
    let home = text(volume, "/spec/claimRef/namespace");
    if !view.facts.namespaces.iter().any(|namespace| namespace == home) || text(volume, "/status/phase") != "Failed" {
        return None;
    }
    let message = format!("volume {} of claim {home}/{} has failed", name(volume), text(volume, "/spec/claimRef/name"));
    let diagnosis = Diagnosis::new(6009, reference(volume), message).seen(text(volume, "/status/message"));
    Some(Judged::new(reference(volume), "", vec![diagnosis]))
}
