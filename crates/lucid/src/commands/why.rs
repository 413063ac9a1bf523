//! `lucid why`: what was seen when a run failed. It asks the record, so the broken pods may be long gone.

use lucid_deploy::revisions::Shelf;
use lucid_deploy::store;
use lucid_release::{Evidence, Outcome, PodEvidence};
use lucid_report::redact::strip;
use lucid_report::{Paint, diagnostic};

use crate::cli::{Format, Global, Why};
use crate::commands::{connect, runtime};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

/// Longest line of a log that is shown.
const WIDEST: usize = 2000;

pub(crate) fn run(global: &Global, args: &Why, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    let namespace = global.namespace.as_ref().unwrap_or(&release.spec.namespace);
    let evidence = runtime()?.block_on(async {
        let client = connect(global).await?.client;
        find(&Shelf { client: &client, namespace, release: release.name() }, args.run).await
    })?;
    match args.output {
        Format::Json => outlet.json(&serde_json::json!({
            "apiVersion": lucid_report::result::VERSION, "kind": "RunEvidence", "release": release.name(), "evidence": evidence,
        })),
        Format::Text => outlet.result(&text(&evidence, outlet.paint_out())),
    }
    Ok(Exit::Done)
}

async fn find(shelf: &Shelf<'_>, asked: Option<u64>) -> Result<Evidence> {
    let record = store::load(shelf.client, shelf.namespace, shelf.release).await?.record;
    let failed = record.runs.iter().rev().filter(|run| matches!(run.outcome, Outcome::Failed | Outcome::RolledBack));
    let runs: Vec<u64> = asked.map_or_else(|| failed.map(|run| run.run).collect(), |run| vec![run]);
    for run in &runs {
        if let Some(evidence) = shelf.evidence(*run).await? {
            return Ok(evidence);
        }
    }
    Err(match asked {
        Some(run) => Failure::new(Exit::Failed, format!("run {run} left no evidence of a failure")),
        None => Failure::new(Exit::Failed, "no run of this release has failed that is still remembered"),
    }
    .help("`lucid history` lists the runs"))
}

fn text(evidence: &Evidence, paint: Paint) -> String {
    let mut out = format!("{} {}: {}\n", paint.bold("run"), evidence.run, evidence.command);
    for component in &evidence.components {
        out.push_str(&format!("\n{} {}\n", paint.bold(&component.name), paint.bad("failed")));
        for finding in &component.findings {
            out.push_str(&diagnostic::render(finding, paint));
        }
        component.pods.iter().for_each(|pod| out.push_str(&pod_text(pod, paint)));
    }
    if !evidence.changes.is_empty() {
        out.push_str(&format!("\n{}\n", paint.bold("what had changed")));
        evidence.changes.iter().for_each(|line| out.push_str(&format!("  {}\n", strip(line, WIDEST))));
    }
    out
}

fn pod_text(pod: &PodEvidence, paint: Paint) -> String {
    let mut out = format!("  {}\n", paint.bold(&pod.pod.to_string()));
    let line = |text: &str| format!("    {}\n", strip(text, WIDEST));
    pod.containers.iter().for_each(|container| out.push_str(&line(container)));
    if !pod.events.is_empty() {
        out.push_str(&paint.dim("  events\n"));
        pod.events.iter().for_each(|event| out.push_str(&line(event)));
    }
    for log in &pod.logs {
        let which = if log.previous { ", before its last restart" } else { "" };
        out.push_str(&paint.dim(&format!("  log of {}{which}\n", log.container)));
        log.text.lines().for_each(|text| out.push_str(&line(text)));
    }
    out
}
