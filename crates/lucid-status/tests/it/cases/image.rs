//! L30xx: images that cannot be pulled.

use lucid_status::Class::{self, After, FatalNow, Symptom, Wait};
use serde_json::json;

use super::{Case, case, of_pod};
use crate::world::{and, object, rollout, running, waiting};

pub(super) fn cases() -> Vec<Case> {
    let of = |code, class: Class, words: &str| {
        of_pod(code, class, waiting("ErrImagePull", words), waiting("ErrImagePull", "a new sentence of a new runtime"))
    };
    let by_reason = |code, class, reason: &str| {
        of_pod(code, class, waiting(reason, "words"), waiting("ImagePullBackOff", "Back-off pulling image"))
    };
    vec![
        of_pod(3000, After(60), waiting("ErrImagePull", "a new sentence"), waiting("ErrImagePull", "manifest unknown")),
        // The text ends in "not found", and yet the image is there.
        of(
            3001,
            FatalNow,
            "failed to pull and unpack image \"r.example/api:1\": no match for platform in manifest: not found",
        ),
        of(3002, FatalNow, "failed to resolve reference \"r.example/api:1\": r.example/api:1: not found"),
        of(3003, FatalNow, "pull access denied, repository does not exist or may require authorization"),
        of(
            3004,
            After(120),
            "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
        ),
        of(3005, After(60), "dial tcp: lookup r.example: no such host"),
        of(3006, FatalNow, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        by_reason(3007, FatalNow, "InvalidImageName"),
        by_reason(3008, FatalNow, "ErrImageNeverPull"),
        by_reason(3009, FatalNow, "SignatureValidationFailed"),
        by_reason(3005, After(60), "RegistryUnavailable"),
        of(3010, Symptom, "failed to extract layer: write /var/lib/x: no space left on device"),
        back_off_without_words(),
        pulling(),
        wrong_secret(),
    ]
}

/// Older kubelets say the reason in an event only; the waiting reason then no longer does (krane#124).
fn back_off_without_words() -> Case {
    let backing_off = || rollout(waiting("ImagePullBackOff", "Back-off pulling image \"r.example/api:1\""));
    let reason =
        "Failed to pull image \"r.example/api:1\": rpc error: code = NotFound desc = r.example/api:1: not found";
    // The same words about another image of the pod say nothing about this one.
    let other = "Failed to pull image \"r.example/other:1\": r.example/other:1: not found";
    case(3002, FatalNow, backing_off().told("Pod", "Failed", reason), backing_off().told("Pod", "Failed", other))
}

fn pulling() -> Case {
    let creating = || rollout(waiting("ContainerCreating", ""));
    let pulling = creating().told("Pod", "Pulling", "Pulling image \"r.example/api:1\"");
    // An event of the past: the container runs.
    let neighbour = rollout(running()).told("Pod", "Pulling", "Pulling image \"r.example/api:1\"");
    case(3011, Wait, pulling, neighbour)
}

fn wrong_secret() -> Case {
    let denied = and(
        waiting("ErrImagePull", "unexpected status from HEAD request: 401 Unauthorized"),
        json!({"spec": {"imagePullSecrets": [{"name": "regcred"}]}}),
    );
    let trigger = rollout(denied).with(object("v1", "Secret", "other", json!({})));
    case(3003, FatalNow, trigger, rollout(waiting("ErrImagePull", "dial tcp: i/o timeout")))
}

#[test]
fn the_pull_secret_is_named() {
    let found = wrong_secret().trigger.diagnose();
    let evidence = found[0].finding.evidence.join("\n");
    assert!(evidence.contains("pull secret regcred, which does not exist"), "{evidence}");
}
