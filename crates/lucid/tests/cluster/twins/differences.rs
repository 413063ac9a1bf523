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
    // The server hands out an address before it validates, and keeps it as an object that names its Service: without a
    // name, that object is refused first. The simulator refuses the Service itself.
    Known {
        name: "the address of a Service without a name is refused",
        is: |request, real, simulated| {
            let told = real.body["message"].as_str().unwrap_or_default();
            let nameless = told.contains("IPAddress.networking.k8s.io") && told.contains("spec.parentRef.name");
            request.kind == "Service" && nameless && (real.code, simulated.code) == (422, 422)
        },
    },
    // A field that is not declared ends the look at the map that holds it, which goes in the order of Go's maps: what
    // else does not fit is told or not.
    Known {
        name: "what is told besides a field that is not declared",
        is: |_, real, simulated| {
            let told = |answer: &Canonical| {
                let text = answer.body["message"].as_str().unwrap_or_default();
                text.contains("field not declared in schema")
            };
            (real.code, simulated.code) == (500, 500) && told(real) && told(simulated)
        },
    },
    // Volumes of storage plugins that a rehearsal does not need are taken as they are.
    Known {
        name: "the fields of storage plugins",
        is: |_, real, _| {
            const PLUGINS: [&str; 8] =
                [".iscsi", ".rbd", ".cephfs", ".glusterfs", ".fc", ".azureDisk", ".portworxVolume", ".scaleIO"];
            let causes = real.body.pointer("/details/causes").and_then(Value::as_array);
            let about = |cause: &Value| {
                let field = cause["field"].as_str().unwrap_or_default();
                PLUGINS.iter().any(|plugin| field.contains(plugin))
            };
            causes.is_some_and(|causes| causes.iter().any(about))
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
