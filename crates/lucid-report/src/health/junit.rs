//! JUnit XML: a suite a component, a case a check. What is unknown is skipped, with its reason.

use lucid_status::HealthReport;
use lucid_status::health::{Check, State, Summary};

use super::seconds;
use crate::page::escape;

pub(super) fn render(report: &HealthReport) -> String {
    let all = report.summary;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{}\">\n",
        escape(&report.release),
        all.total(),
        all.failed,
        all.unknown,
        seconds(report.took_ms)
    );
    for component in &report.components {
        out.push_str(&suite(&component.name, &component.checks, report));
    }
    if !report.checks.is_empty() {
        out.push_str(&suite("(cluster)", &report.checks, report));
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(name: &str, checks: &[Check], report: &HealthReport) -> String {
    let sum = Summary::of(checks.iter());
    let took = checks.iter().map(|check| check.took_ms).sum();
    let cases: String = checks.iter().map(|check| case(name, check, report)).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{}\" timestamp=\"{}\">\n{cases}  </testsuite>\n",
        escape(name),
        sum.total(),
        sum.failed,
        sum.unknown,
        seconds(took),
        report.checked_at
    )
}

fn case(suite: &str, check: &Check, report: &HealthReport) -> String {
    let head = format!(
        "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{}\"",
        escape(&report.release),
        escape(suite),
        escape(&check.name),
        seconds(check.took_ms)
    );
    let message = escape(&check.message);
    let text = escape(&words(check));
    match check.state {
        State::Ok => format!("{head}/>\n"),
        State::Unknown => format!("{head}>\n      <skipped message=\"{message}\"/>\n    </testcase>\n"),
        State::Warning => format!("{head}>\n      <system-out>{text}</system-out>\n    </testcase>\n"),
        State::Failed => {
            let kind = check.findings.first().map_or(String::new(), |finding| finding.code.to_string());
            format!("{head}>\n      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>\n    </testcase>\n")
        }
    }
}

/// Everything that is known of it.
fn words(check: &Check) -> String {
    let mut lines = vec![check.message.clone()];
    let mut said = std::collections::BTreeSet::new();
    // Ten pods that fail alike are one story.
    for finding in check.findings.iter().filter(|finding| said.insert((finding.code, &finding.message))) {
        lines.push(format!("{}: {}", finding.code, finding.message));
        lines.extend(finding.position.iter().map(|position| format!("  at {position}")));
        lines.extend(finding.evidence.iter().map(|evidence| format!("  seen: {evidence}")));
        lines.extend(finding.help.iter().map(|help| format!("  help: {help}")));
    }
    lines.join("\n")
}
