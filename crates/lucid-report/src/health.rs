//! Health reports, one file an output: for eyes, for pages, and for machines.

mod github;
mod html;
mod junit;
mod markdown;
mod object;
mod prometheus;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use lucid_status::HealthReport;
use lucid_status::health::{Change, Check, SinceHealthy, State};

use crate::style::Paint;

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Text,
    Wide,
    Json,
    Ndjson,
    Yaml,
    Junit,
    Sarif,
    Prometheus,
    Markdown,
    Html,
    Github,
}

/// The whole report, each line ended.
pub fn render(report: &HealthReport, output: Output, paint: Paint) -> String {
    match output {
        Output::Text => text::render(report, paint, false),
        Output::Wide => text::render(report, paint, true),
        Output::Json => object::json(report),
        Output::Ndjson => object::ndjson(report),
        Output::Yaml => object::yaml(report),
        Output::Junit => junit::render(report),
        Output::Sarif => sarif::render(report),
        Output::Prometheus => prometheus::render(report),
        Output::Markdown => markdown::render(report),
        Output::Html => html::render(report),
        Output::Github => github::render(report),
    }
}

/// "30 ok, 2 failed": what did not happen is not said.
fn counts(report: &HealthReport) -> String {
    let summary = report.summary;
    let all = [
        (summary.failed, "failed"),
        (summary.unknown, "unknown"),
        (summary.warning, "with warnings"),
        (summary.ok, "ok"),
    ];
    let said: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if said.is_empty() { "nothing was checked".to_owned() } else { said.join(", ") }
}

fn verdict(state: State) -> &'static str {
    match state {
        State::Ok => "healthy",
        State::Warning => "healthy, with warnings",
        State::Unknown => "healthy, as far as could be checked",
        State::Failed => "not healthy",
    }
}

/// "kubectl-edit: Deployment shop/api: spec.replicas set".
fn told(change: &Change) -> String {
    let by = change.by.as_ref().map(|by| format!("{by}: ")).unwrap_or_default();
    let object = change.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
    format!("{by}{object}{}", change.what)
}

/// "since it was last healthy (run 7, 2026-11-24T09:00:00Z)".
fn since_when(since: &SinceHealthy) -> String {
    format!("since it was last healthy (run {}, {})", since.run, since.at)
}

fn omitted(since: &SinceHealthy) -> Option<String> {
    (since.omitted > 0).then(|| format!("and {} older ones", since.omitted))
}

fn unknown(report: &HealthReport) -> impl Iterator<Item = &Check> {
    report.all_checks().filter(|check| check.state == State::Unknown)
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}
