//! GitHub annotations: at most ten, as the runner shows no more, and the causes first.

use lucid_object::{Finding, Severity};
use lucid_status::HealthReport;

use crate::redact::strip;

const MOST: usize = 10;
/// Of each line.
const LONGEST: usize = 600;

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

fn annotation(message: &str, finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "notice",
    };
    let place = finding
        .position
        .as_ref()
        .map(|position| format!("file={},line={},col={},", property(&position.file), position.line, position.column));
    let title =
        property(&format!("{} {}", finding.code, lucid_status::entry(finding.code).map_or("", |entry| entry.title)));
    let mut text = strip(message, LONGEST);
    for evidence in &finding.evidence {
        text.push_str(&format!("\nseen: {}", strip(evidence, LONGEST)));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    format!("::{word} {}title={title}::{}\n", place.unwrap_or_default(), data(&text))
}

/// Source: actions/toolkit, packages/core/src/command.ts.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
