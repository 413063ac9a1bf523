//! GitHub annotations: at most ten, as the runner shows no more, and the causes first.

use lucid_status::HealthReport;

use crate::findings::github::{LONGEST, MOST, annotation, data};
use crate::redact::strip;

pub(super) fn render(report: &HealthReport) -> String {
    let causes = report.causes.iter().map(|group| (group.message.as_str(), &group.example.finding));
    let warnings = report.warnings.iter().map(|warning| (warning.message.as_str(), warning));
    let unknown = super::unknown(report).map(|check| {
        format!(
            "::notice title=not checked::{}\n",
            data(&strip(&format!("{}: {}", check.name, check.message), LONGEST))
        )
    });
    causes.chain(warnings).map(|(message, finding)| annotation(message, finding)).chain(unknown).take(MOST).collect()
}
