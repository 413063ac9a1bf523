//! GitHub's annotations: workflow commands with a place and a title.

use lucid_object::{Finding, Severity};

use crate::redact::strip;

/// As many of one severity as GitHub shows of a step.
pub(crate) const MOST: usize = 10;
/// Of each line.
pub(crate) const LONGEST: usize = 600;

pub(crate) fn annotation(message: &str, finding: &Finding) -> String {
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
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
