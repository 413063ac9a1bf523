//! `lucid cleanup`: the release taken away in reverse order.

use jiff::Timestamp;
use lucid_deploy::cleanup::{self, Cleanup as Plan, Progress, Step, Wanted};
use lucid_deploy::lease::Identity;
use lucid_deploy::removal::Left;
use lucid_object::Findings;

use crate::cli::{Cleanup, Global};
use crate::commands::{confirm, connect, runtime};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Cleanup, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    let wanted = Wanted {
        release: release.name().to_owned(),
        namespace: global.namespace.clone().unwrap_or_else(|| release.spec.namespace.clone()),
        component: args.component.clone(),
        delete_data: args.delete_data,
        patience: args.timeout.0,
        identity: Identity::of_this_process(),
        wall: Timestamp::now(),
    };
    runtime()?.block_on(async {
        let client = connect(global).await?.client;
        let plan = cleanup::plan(&client, &wanted).await?;
        show(&plan, args, outlet);
        if args.dry_run {
            outlet.talk("dry run: nothing was removed\n");
            return Ok(Exit::Done);
        }
        let count: usize = plan.steps.iter().map(|step| step.objects.len()).sum();
        let data = if args.delete_data { " and their data" } else { "; volumes and their data stay" };
        confirm(
            global,
            outlet,
            &format!("This removes {count} objects of {} in {}{data}.", wanted.release, wanted.namespace),
        )?;
        let paint = outlet.paint_err();
        let over = |mark: String, step: &Step| {
            outlet.talk(&format!("{mark} {} ({} objects)\n", step.name, step.objects.len()));
        };
        let mut tell = |progress: Progress<'_>| match progress {
            Progress::Gone(step) => over(paint.good("gone"), step),
            Progress::NotGone(step) => over(paint.bad("not gone"), step),
            Progress::Latecomers(time) => outlet.talk(&format!(
                "the last run died at work; what it had sent may still arrive: waiting {} s to take that away too\n",
                time.as_secs_f64().ceil()
            )),
        };
        let cleaned = cleanup::clean(&client, &wanted, &plan, &mut tell).await?;
        if !cleaned.left.is_empty() {
            let findings = Findings(cleaned.left.iter().map(Left::to_finding).collect());
            let message = format!("{} objects were removed, then the cleanup stopped", cleaned.removed);
            return Err(Failure { findings, ..Failure::new(Exit::Failed, message) });
        }
        if cleaned.is_over {
            let (gone, kept) = cleanup::remove_empty_namespaces(&client, &plan).await?;
            gone.iter().for_each(|name| outlet.result(&format!("namespace {name} was empty and is gone\n")));
            kept.iter().for_each(|line| outlet.result(&format!("namespace {line}\n")));
        }
        outlet.result(&format!("{} objects removed\n", cleaned.removed));
        Ok(Exit::Done)
    })
}

fn show(plan: &Plan, args: &Cleanup, outlet: &Outlet) {
    let paint = outlet.paint_out();
    for step in &plan.steps {
        for removal in &step.objects {
            outlet.result(&format!("{} {} {}\n", paint.bad("-"), removal.object, paint.dim(&step.name)));
        }
    }
    let kept = plan.kept.iter().filter(|object| object.kind != "Namespace");
    for object in kept {
        let why = if args.delete_data { "never removed by lucid" } else { "kept; --delete-data removes claims" };
        outlet.result(&format!("= {object} {}\n", paint.dim(why)));
    }
}
