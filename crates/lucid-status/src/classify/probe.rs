//! Events about probes and kills.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(5004, &["failed startup probe, will be restarted"], &[("kubelet 1.37", "Container api failed startup probe, will be restarted")]),
    on(5003, &["failed liveness probe, will be restarted"], &[("kubelet 1.37", "Container api failed liveness probe, will be restarted")]),
    on(5004, &["startup probe failed"], &[("kubelet 1.37", "Startup probe failed: HTTP probe failed with statuscode: 503")]),
    on(5004, &["startup probe errored"], &[("kubelet 1.37", "Startup probe errored and resulted in unknown state: rpc error: code = Unknown")]),
    on(5003, &["liveness probe failed"], &[("kubelet 1.37", "Liveness probe failed: Get \"http://10.0.0.9:8080/health\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)")]),
    on(5003, &["liveness probe errored"], &[("kubelet 1.37", "Liveness probe errored and resulted in unknown state: command timed out")]),
    on(5007, &["readiness probe failed"], &[("kubelet 1.37", "Readiness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused")]),
    on(5007, &["readiness probe errored"], &[("kubelet 1.37", "Readiness probe errored and resulted in unknown state: rpc error: code = Unknown")]),
];

/// What the answer to a probe means, in plain words.
pub(crate) fn meaning(message: &str) -> &'static str {
    let text = message.to_lowercase();
    let has = |part: &str| text.contains(part);
    if has("connection refused") {
        "nothing listens on that port"
    } else if has("statuscode: 404") {
        "the path does not exist"
    } else if has("statuscode: 401") || has("statuscode: 403") {
        "the path asks for a login"
    } else if has("statuscode: 5") {
        "the application, or what it depends on, is in trouble"
    } else if has("deadline exceeded") || has("timeout") || has("timed out") {
        "the application answers too slowly, or not at all"
    } else if has("server gave http response to https client") {
        "the probe speaks HTTPS and the application HTTP"
    } else if has("malformed http response") || has("statuscode: 400") {
        "the probe speaks HTTP and the application something else"
    } else if has("executable file not found") || has("no such file") {
        "the probe's command is not in the image"
    } else {
        "the probe does not pass"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expect: &str) {
        assert_eq!(meaning(message), expect, "{message}");
    }

    #[test]
    fn answers_have_meanings() {
        check(
            "Readiness probe failed: dial tcp 10.0.0.9:80: connect: connection refused",
            "nothing listens on that port",
        );
        check("Readiness probe failed: HTTP probe failed with statuscode: 404", "the path does not exist");
        check("Liveness probe failed: HTTP probe failed with statuscode: 403", "the path asks for a login");
        check("HTTP probe failed with statuscode: 503", "the application, or what it depends on, is in trouble");
        check("context deadline exceeded (Client.Timeout)", "the application answers too slowly, or not at all");
        check("http: server gave HTTP response to HTTPS client", "the probe speaks HTTPS and the application HTTP");
        check("exec: \"sh\": executable file not found in $PATH", "the probe's command is not in the image");
        check("something else", "the probe does not pass");
    }
}
