//! Markdown, as a job's summary shows it: causes first, then the table, then what could not be checked.

use lucid_object::Finding;
use lucid_status::HealthReport;
use lucid_status::health::State;

use super::{counts, omitted, since_when, told, unknown, verdict};

pub(super) fn render(report: &HealthReport) -> String {
    let mut out = format!(
        "## {} {} in {}: {}\n\n{} · Kubernetes {} · {} · {} s\n",
        mark(report.state),
        cell(&report.release),
        cell(&report.namespace),
        verdict(report.state),
        counts(report),
        cell(&report.server_version),
        report.checked_at,
        super::seconds(report.took_ms)
    );
    for group in &report.causes {
        out.push_str(&cause(&group.message, &group.example.finding));
    }
    out.push_str("\n| | component | phase | ready | what it says |\n|---|---|---|---|---|\n");
    for component in &report.components {
        let pods =
            if component.desired == 0 { "–".into() } else { format!("{}/{}", component.ready, component.desired) };
        let phase = component.phase.as_deref().unwrap_or("");
        out.push_str(&format!(
            "| {} | {} | {} | {pods} | {} |\n",
            mark(component.state),
            cell(&component.name),
            cell(phase),
            cell(&component.message)
        ));
    }
    for check in report.checks.iter().filter(|check| check.state > State::Ok) {
        out.push_str(&format!("| {} | | | | {}: {} |\n", mark(check.state), cell(&check.name), cell(&check.message)));
    }
    if let Some(since) = &report.since_healthy {
        let changes = since.changes.iter().map(|change| format!("{} {}", change.at, cell(&told(change))));
        section(&mut out, &format!("Changed {}", since_when(since)), changes.chain(omitted(since)));
    }
    section(
        &mut out,
        "Warnings",
        report.warnings.iter().map(|warning| format!("`{}` {}", warning.code, cell(&warning.message))),
    );
    section(
        &mut out,
        "Not checked",
        unknown(report).map(|check| {
            let whose = check.component.as_ref().map(|component| format!("{}, ", cell(component))).unwrap_or_default();
            format!("{whose}{}: {}", cell(&check.name), cell(&check.message))
        }),
    );
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("- {line}\n")).collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n### {title}\n{}", lines.concat()));
    }
}

fn cause(message: &str, finding: &Finding) -> String {
    let mut out = format!("\n**{}**: {}\n", finding.code, cell(message));
    if let Some(position) = &finding.position {
        out.push_str(&format!("- at `{}`\n", position.to_string().replace('`', "'")));
    }
    for evidence in &finding.evidence {
        out.push_str(&format!("- seen: {}\n", cell(evidence)));
    }
    if let Some(help) = &finding.help {
        out.push_str(&format!("- help: {}\n", cell(help)));
    }
    out
}

fn mark(state: State) -> &'static str {
    match state {
        State::Ok => "✅",
        State::Warning => "⚠️",
        State::Unknown => "❔",
        State::Failed => "❌",
    }
}

/// Foreign text must not become markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in crate::redact::strip(text, 600).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
