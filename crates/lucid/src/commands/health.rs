//! `lucid health`: the whole system checked, in one look.

use std::time::Duration;

use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_deploy::HealthRequest;
use lucid_report::health::{Output, render};
use lucid_status::{HealthReport, State};

use crate::cli::{Global, Health, HealthFormat};
use crate::commands::{connect, keep_secrets, runtime, signals};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests::{self, Manifests};
use crate::output::Outlet;

/// How often a followed report looks again: each look lists everything.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) fn run(global: &Global, args: &Health, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.source)?;
    keep_secrets(outlet, &manifests.objects);
    check_name(args, &manifests)?;
    runtime()?.block_on(async {
        let connected = connect(global).await?;
        let mut signals = signals();
        let mut shown = None;
        loop {
            let report = tokio::select! {
                report = look(&connected.client, args, &manifests, outlet) => report?,
                _ = signals.recv() => return Ok(Exit::Interrupted),
            };
            if !args.watch {
                print(&report, args.output, outlet);
                return Ok(exit_of(&report, args.strict));
            }
            let now = what_counts(&report);
            if shown.as_ref() != Some(&now) {
                print(&report, args.output, outlet);
                shown = Some(now);
            }
            tokio::select! {
                _ = signals.recv() => return Ok(Exit::Interrupted),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    })
}

fn check_name(args: &Health, manifests: &Manifests) -> Result<()> {
    let Some(name) = args.component.as_ref().filter(|name| manifests.release.component(name).is_none()) else {
        return Ok(());
    };
    let names = manifests.release.spec.components.iter().map(|component| component.name.as_str());
    let help = lucid_release::load::nearest(name, names).unwrap_or_else(|| "see the components of lucid.yaml".into());
    Err(Failure::usage(format!("there is no component {name}")).help(help))
}

async fn look(client: &ApiClient, args: &Health, manifests: &Manifests, outlet: &Outlet) -> Result<HealthReport> {
    let request = HealthRequest {
        release: &manifests.release,
        objects: manifests.objects.clone(),
        only: args.component.clone(),
        skip: args.skip.iter().copied().collect(),
        since_healthy: args.since_healthy,
        patience: args.timeout.0,
        cleaner: outlet,
    };
    Ok(lucid_deploy::health(client, request, Timestamp::now).await?)
}

fn print(report: &HealthReport, format: HealthFormat, outlet: &Outlet) {
    let output = output_of(format);
    let text = render(report, output, outlet.paint_out());
    if output == Output::Github { outlet.annotations(&text) } else { outlet.result(&text) }
}

fn output_of(format: HealthFormat) -> Output {
    match format {
        HealthFormat::Text => Output::Text,
        HealthFormat::Wide => Output::Wide,
        HealthFormat::Json => Output::Json,
        HealthFormat::Ndjson => Output::Ndjson,
        HealthFormat::Yaml => Output::Yaml,
        HealthFormat::Junit => Output::Junit,
        HealthFormat::Sarif => Output::Sarif,
        HealthFormat::Prometheus => Output::Prometheus,
        HealthFormat::Markdown => Output::Markdown,
        HealthFormat::Html => Output::Html,
        HealthFormat::Github => Output::Github,
    }
}

fn exit_of(report: &HealthReport, strict: bool) -> Exit {
    match report.state {
        State::Failed => Exit::Failed,
        State::Unknown if strict => Exit::PartlyChecked,
        State::Ok | State::Warning | State::Unknown => Exit::Done,
    }
}

/// A report that differs only in its times is the same.
fn what_counts(report: &HealthReport) -> Vec<(String, State, String)> {
    report.all_checks().map(|check| (check.name.clone(), check.state, check.message.clone())).collect()
}
