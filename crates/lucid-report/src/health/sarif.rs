//! SARIF: a result for each cause and warning, and a note for what could not be checked.

use lucid_object::Finding;
use lucid_status::HealthReport;
use serde_json::{Value, json};

use crate::findings::sarif;

pub(super) fn render(report: &HealthReport) -> String {
    let notes: Vec<Value> = super::unknown(report)
        .map(|check| json!({"level": "warning", "message": {"text": format!("not checked: {}: {}", check.name, check.message)}}))
        .collect();
    let invocation =
        json!({"executionSuccessful": true, "endTimeUtc": report.checked_at, "toolExecutionNotifications": notes});
    sarif::log(&findings(report), invocation)
}

/// Causes as they are grouped, then what only warns.
fn findings(report: &HealthReport) -> Vec<Finding> {
    let causes = report.causes.iter().map(|group| {
        let mut finding = group.example.finding.clone();
        finding.message.clone_from(&group.message);
        finding
    });
    causes.chain(report.warnings.iter().cloned()).collect()
}
