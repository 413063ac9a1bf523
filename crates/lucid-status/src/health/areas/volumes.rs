//! Claims and the volumes behind them.

use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::health::view::{Judged, View};
use crate::read::{name, reference, text};

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let claims = view.in_namespaces("", "PersistentVolumeClaim");
    let of_claims = claims.iter().map(|claim| {
        let used = view.facts.volumes.get(&reference(claim)).map(|used| used.percent());
        let fine = match (text(claim, "/status/phase"), used) {
            ("Bound", Some(percent)) => format!("bound to {}, {percent} % full", text(claim, "/spec/volumeName")),
            ("Bound", None) => format!("bound to {}", text(claim, "/spec/volumeName")),
            _ => "waits for its first pod".to_owned(),
        };
        let mut diagnoses = view.diagnose(claim);
        diagnoses.extend(used.filter(|percent| *percent >= NEARLY_FULL).map(|percent| nearly_full(claim, percent)));
        Judged::new(reference(claim), fine, diagnoses)
    });
    let volumes = view.in_cluster("", "PersistentVolume").into_iter().filter_map(|volume| broken(volume, view));
    of_claims.chain(volumes).collect()
}

/// From here on, in percent, somebody should do something. Source: health.md, PvcFull.
const NEARLY_FULL: u64 = 85;

fn nearly_full(claim: &Value, percent: u64) -> Diagnosis {
    let message = format!("the volume of claim {} is {percent} % full", name(claim));
    Diagnosis::new(6005, reference(claim), message).seen("of bytes or of inodes, as the kubelet counts them")
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
