//! The text format of Prometheus, for a node exporter's textfile or a push gateway. Names are part of the interface.

use lucid_status::HealthReport;
use lucid_status::health::{Check, State};

pub(super) fn render(report: &HealthReport) -> String {
    let release = [("release", report.release.as_str()), ("namespace", report.namespace.as_str())];
    let mut out = String::new();
    let mut family = |name: &str, help: &str, samples: Vec<(Vec<(&str, &str)>, String)>| {
        if samples.is_empty() {
            return;
        }
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for (labels, value) in samples {
            let labels: Vec<String> =
                release.iter().chain(&labels).map(|(key, value)| format!("{key}=\"{}\"", escape(value))).collect();
            out.push_str(&format!("{name}{{{}}} {value}\n", labels.join(",")));
        }
    };
    let flag = |is_set: bool| u8::from(is_set).to_string();
    let words =
        [(State::Ok, "ok"), (State::Warning, "warning"), (State::Unknown, "unknown"), (State::Failed, "failed")];
    family(
        "lucid_health_state",
        "1 for the state that the release is in.",
        words.iter().map(|(state, word)| (vec![("state", *word)], flag(report.state == *state))).collect(),
    );
    family(
        "lucid_health_component_state",
        "1 for the state that the component is in.",
        report
            .components
            .iter()
            .flat_map(|component| {
                words.iter().map(move |(state, word)| {
                    (vec![("component", component.name.as_str()), ("state", *word)], flag(component.state == *state))
                })
            })
            .collect(),
    );
    let pods = |of: fn(&lucid_status::health::ComponentHealth) -> i64| {
        report
            .components
            .iter()
            .map(|component| (vec![("component", component.name.as_str())], of(component).to_string()))
            .collect()
    };
    family("lucid_health_component_pods_ready", "Pods that are ready.", pods(|component| component.ready));
    family("lucid_health_component_pods_desired", "Pods that are wanted.", pods(|component| component.desired));
    family(
        "lucid_health_component_restarts",
        "Restarts of its containers so far.",
        pods(|component| component.restarts),
    );
    family(
        "lucid_health_check_duration_seconds",
        "How long the check took.",
        report.all_checks().map(|check| (names(check), super::seconds(check.took_ms))).collect(),
    );
    family(
        "lucid_health_check_failed",
        "1 if the check failed.",
        report.all_checks().map(|check| (names(check), flag(check.state == State::Failed))).collect(),
    );
    family(
        "lucid_health_check_unknown",
        "1 if it could not be checked.",
        report.all_checks().map(|check| (names(check), flag(check.state == State::Unknown))).collect(),
    );
    family(
        "lucid_health_duration_seconds",
        "How long the whole look took.",
        vec![(Vec::new(), super::seconds(report.took_ms))],
    );
    family(
        "lucid_health_timestamp_seconds",
        "When it was looked.",
        vec![(Vec::new(), report.checked_at.as_second().to_string())],
    );
    out
}

fn names(check: &Check) -> Vec<(&str, &str)> {
    vec![("component", check.component.as_deref().unwrap_or("")), ("area", check.area.as_str()), ("check", &check.name)]
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
