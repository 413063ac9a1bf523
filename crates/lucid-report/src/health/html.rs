//! One self-contained page: nothing is loaded from anywhere, and nothing in it runs.

use lucid_status::HealthReport;
use lucid_status::health::{Check, ComponentHealth, State};

use super::{counts, omitted, since_when, told, unknown, verdict};
use crate::page::{escape, finding, frame, list, section};

pub(super) fn render(report: &HealthReport) -> String {
    let mut body = format!(
        "<header class=\"{}\"><h1>{}</h1><p class=\"verdict\">{}</p><p>{}</p><p class=\"dim\">namespace {} · Kubernetes {} · {} · {} s</p></header>\n",
        report.state,
        escape(&report.release),
        verdict(report.state),
        counts(report),
        escape(&report.namespace),
        escape(&report.server_version),
        report.checked_at,
        super::seconds(report.took_ms)
    );
    section(
        &mut body,
        "Causes",
        report.causes.iter().map(|group| finding(&group.message, &group.example.finding)).collect(),
    );
    if let Some(since) = &report.since_healthy {
        let changes = since.changes.iter().map(|change| format!("{} {}", change.at, told(change)));
        let changes = changes.chain(omitted(since)).map(|change| format!("<li>{}</li>\n", escape(&change))).collect();
        section(&mut body, &format!("Changed {}", since_when(since)), list(changes));
    }
    section(&mut body, "Components", vec![components(report)]);
    let rest: Vec<String> = report.checks.iter().map(check).collect();
    section(&mut body, "Beside the components", list(rest));
    section(&mut body, "Warnings", report.warnings.iter().map(|warning| finding(&warning.message, warning)).collect());
    section(
        &mut body,
        "Symptoms",
        list(report.symptoms.iter().map(|symptom| format!("<li>{}</li>\n", escape(&symptom.message))).collect()),
    );
    section(&mut body, "Not checked", list(unknown(report).map(check).collect()));
    frame(&format!("{}: {}", report.release, verdict(report.state)), &body)
}

fn components(report: &HealthReport) -> String {
    let mut out = String::from(
        "<table><thead><tr><th>component</th><th>phase</th><th>state</th><th>ready</th><th>checks</th></tr></thead>\n",
    );
    out.push_str(&report.components.iter().map(row).collect::<String>());
    out + "</table>\n"
}

fn row(component: &ComponentHealth) -> String {
    let open = if component.state > State::Ok { " open" } else { "" };
    let checks: String = component.checks.iter().map(check).collect();
    let pods = if component.desired == 0 { "–".into() } else { format!("{}/{}", component.ready, component.desired) };
    format!(
        "<tr><td>{}</td><td>{}</td><td class=\"{state}\">{state}</td><td>{pods}</td><td><details{open}><summary>{}</summary><ul>\n{checks}</ul></details></td></tr>\n",
        escape(&component.name),
        escape(component.phase.as_deref().unwrap_or("")),
        escape(&component.message),
        state = component.state,
    )
}

fn check(check: &Check) -> String {
    format!(
        "<li><span class=\"{state}\">{state}</span> <b>{}</b> {} <span class=\"dim\">{} ms</span></li>\n",
        escape(&check.name),
        escape(&check.message),
        check.took_ms,
        state = check.state,
    )
}
