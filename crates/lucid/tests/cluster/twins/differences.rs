//! Differences that stay, each with its reason.

use serde_json::Value;

use super::canonical::Canonical;
use super::requests::Request;

/// One known difference: what it is called, and whether it is this one.
struct Known {
    name: &'static str,
    is: fn(&Request, &Canonical, &Canonical) -> bool,
}

const KNOWN: &[Known] = &[
    // A new claim's phase is empty in the database and read as `Pending`. The first update that reads it writes it down,
    // and so gets a version though nothing else changes; the simulator keeps what it shows.
    Known {
        name: "the first update of a claim is a write",
        is: |request, real, simulated| {
            request.kind == "PersistentVolumeClaim" && without_versions(real) == without_versions(simulated)
        },
    },
];

/// The name of the known difference that this is.
pub(crate) fn explained(request: &Request, real: &Canonical, simulated: &Canonical) -> Option<&'static str> {
    KNOWN.iter().find(|known| (known.is)(request, real, simulated)).map(|known| known.name)
}

fn without_versions(answer: &Canonical) -> (u16, Vec<String>, Value) {
    let mut body = answer.body.clone();
    forget_versions(&mut body);
    (answer.code, answer.warnings.clone(), body)
}

fn forget_versions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("resourceVersion");
            map.values_mut().for_each(forget_versions);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_versions),
        _ => {}
    }
}
