//! `lucid status`: where each component stands now.

use std::time::Duration;

use jiff::Timestamp;
use lucid_deploy::status::{ComponentStatus, StatusReport};
use lucid_report::style::{cut, pad};
use lucid_report::{Paint, diagnostic};
use lucid_status::Status as Word;
use serde_json::{Value, json};

use crate::cli::{Format, Global, Status};
use crate::commands::{connect, runtime, signals};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

/// How often the followed view looks again at what only time changes.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) fn run(global: &Global, args: &Status, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.source)?;
    if let Some(name) = &args.component
        && manifests.release.component(name).is_none()
    {
        let names = manifests.release.spec.components.iter().map(|component| component.name.as_str());
        let help =
            lucid_release::load::nearest(name, names).unwrap_or_else(|| "see the components of lucid.yaml".into());
        return Err(Failure::usage(format!("there is no component {name}")).help(help));
    }
    runtime()?.block_on(async {
        let connected = connect(global).await?;
        let mut signals = signals();
        let mut shown = String::new();
        loop {
            let watcher =
                lucid_deploy::status(&connected.client, &manifests.release, manifests.objects.clone()).await?;
            let mut report = watcher.report(connected.client.server_time().unwrap_or_else(Timestamp::now));
            report.components.retain(|component| args.component.as_ref().is_none_or(|name| &component.name == name));
            let text = match args.output {
                Format::Json => format!("{}\n", to_json(&report, &manifests.release)),
                Format::Text => to_text(&report, &manifests.release, outlet.paint_out()),
            };
            if !args.watch {
                outlet.result(&text);
                return Ok(exit_of(&report));
            }
            if text != shown {
                outlet.result(&text);
                shown = text;
            }
            tokio::select! {
                _ = signals.recv() => return Ok(Exit::Interrupted),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    })
}

fn exit_of(report: &StatusReport) -> Exit {
    let all_current = report.components.iter().all(|component| component.status == Word::Current);
    if all_current { Exit::Done } else { Exit::Failed }
}

fn word(status: &Word) -> &'static str {
    match status {
        Word::Current => "Current",
        Word::InProgress => "InProgress",
        Word::Failed => "Failed",
        Word::Terminating => "Terminating",
        Word::NotFound => "NotFound",
        Word::Unknown => "Unknown",
    }
}

fn paint_word(status: &Word, paint: Paint, width: usize) -> String {
    let text = pad(word(status), width);
    match status {
        Word::Current => paint.good(&text),
        Word::Failed => paint.bad(&text),
        _ => paint.warn(&text),
    }
}

fn to_text(report: &StatusReport, release: &lucid_release::ReleaseFile, paint: Paint) -> String {
    let name_width = report.components.iter().map(|component| component.name.len()).max().unwrap_or(4).max(9);
    let mut out = format!("{} in {}", paint.bold(release.name()), release.spec.namespace);
    match &report.last_run {
        Some(run) => out.push_str(&format!(
            "; run {} {} {} by {} in {}\n",
            run.run,
            run.command,
            json_word(&run.outcome),
            run.by,
            run.took
        )),
        None => out.push_str("; never deployed by lucid\n"),
    }
    out.push_str(&paint.dim(&format!(
        "{}  {}  {}  {}\n",
        pad("COMPONENT", name_width),
        pad("STATUS", 11),
        pad("READY", 6),
        "WHAT IT SAYS"
    )));
    for component in &report.components {
        let line = format!(
            "{}  {}  {}  {}",
            pad(&component.name, name_width),
            paint_word(&component.status, paint, 11),
            pad(&ready(component), 6),
            cut(&component.message, 100)
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for finding in report.components.iter().flat_map(|component| &component.findings) {
        out.push('\n');
        out.push_str(&diagnostic::render(finding, paint));
    }
    out
}

fn ready(component: &ComponentStatus) -> String {
    if component.workloads.is_empty() {
        return "–".into();
    }
    let sum =
        |count: fn(&lucid_deploy::status::WorkloadStatus) -> i64| component.workloads.iter().map(count).sum::<i64>();
    format!("{}/{}", sum(|workload| workload.ready), sum(|workload| workload.desired))
}

fn json_word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn to_json(report: &StatusReport, release: &lucid_release::ReleaseFile) -> String {
    let components: Vec<Value> = report
        .components
        .iter()
        .map(|component| {
            let workloads: Vec<Value> = component
                .workloads
                .iter()
                .map(|w| json!({"object": w.object, "desired": w.desired, "ready": w.ready, "image": w.image}))
                .collect();
            json!({"name": component.name, "phase": component.phase, "status": word(&component.status),
                "message": component.message, "workloads": workloads, "findings": component.findings})
        })
        .collect();
    let value = json!({"apiVersion": lucid_report::result::VERSION, "kind": "ReleaseStatus", "release": release.name(),
        "namespace": release.spec.namespace, "lastRun": report.last_run, "components": components});
    serde_json::to_string_pretty(&value).expect("a report is plain data")
}
