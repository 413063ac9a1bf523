//! `lucid rollback`: what a revision contained, brought back and verified.

use jiff::Timestamp;
use lucid_deploy::lease::Identity;
use lucid_deploy::rollback::{Wanted, rollback};
use lucid_deploy::{Deployed, Verdict};
use lucid_engine::{RunOutcome, Stamped};

use crate::cli::{DryRunMode, Format, Global, Rollback};
use crate::commands::deploy::{self, exit_of};
use crate::commands::{confirm, connect, fresh_key, runtime, signals};
use crate::exit::Exit;
use crate::failure::Result;
use crate::manifests;
use crate::output::{Outlet, Show};

pub(crate) fn run(global: &Global, args: &Rollback, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    if args.emergency && args.dry_run == DryRunMode::None {
        let what = args.component.as_ref().map_or("every workload of the release".to_owned(), |name| {
            format!("the workloads of {name} and of what depends on it")
        });
        confirm(global, outlet, &format!("This deletes {what} by force and makes them again; volumes stay."))?;
    }
    let began = Timestamp::now();
    let wanted = Wanted {
        cleaner: outlet,
        release: release.name().to_owned(),
        namespace: global.namespace.clone().unwrap_or_else(|| release.spec.namespace.clone()),
        to: args.to,
        component: args.component.clone(),
        dry_run: args.dry_run.into(),
        emergency: args.emergency,
        may_replace: args.allow_replace.clone(),
        deadline: args.timeout.map(|span| span.0),
        probe: !args.no_verify,
        identity: Identity::of_this_process(),
        fresh_key: fresh_key()?,
        wall: began,
    };
    runtime()?.block_on(async {
        let client = connect(global).await?.client;
        let mut show = Show::start(outlet, global.progress, release.name(), began, args.events.as_deref())?;
        let mut sink = |stamped: &Stamped| show.take(stamped);
        let result = rollback(&client, wanted, &mut sink, &mut signals()).await;
        let value = show.finish();
        let (_, deployed) = result?;
        match deployed.verdict {
            Verdict::DryRun => {
                outlet.findings(deployed.findings.iter());
                deploy::show_plan(&deployed, args.output, outlet);
                Ok(Exit::Done)
            }
            Verdict::Run(outcome) => {
                if args.output == Format::Json {
                    outlet.json(&value);
                }
                Ok(conclude(outcome, &deployed, &show, outlet))
            }
        }
    })
}

fn conclude(outcome: RunOutcome, deployed: &Deployed, show: &Show<'_>, outlet: &Outlet) -> Exit {
    if outcome == RunOutcome::Verified {
        if let Some(number) = deployed.revision {
            outlet.talk(&format!("in service: revision {number}\n"));
        }
        return Exit::Done;
    }
    show.say_where_the_log_is();
    // Interrupted ways back can be gone again; a way back that failed needs eyes.
    match exit_of(outcome) {
        Exit::Failed | Exit::Deadline => Exit::WayBackFailed,
        exit => exit,
    }
}
