//! `lucid deploy`: the whole run, and what is shown of it.

use std::time::Duration;

use jiff::Timestamp;
use lucid_client::Connected;
use lucid_deploy::lease::Identity;
use lucid_deploy::{Deployed, DryRun, FreshKey, ImageCheck, OnFail, OnlyIf, Request, Rollback, Verdict};
use lucid_engine::{RunOutcome, Stamped};
use lucid_plan::{Action, Plan, Reach, Selection};
use lucid_report::Paint;

use crate::cli::{Deploy, DryRunMode, Format, Global, OnFailure, Part};
use crate::commands::plan::{self, PlanFile};
use crate::commands::{block_on, connect, fresh_key, signals};
use crate::exit::Exit;
use crate::failure::Result;
use crate::manifests::{self, Manifests};
use crate::output::{Outlet, Show};

pub(crate) fn run(global: &Global, args: &Deploy, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.part.source)?;
    super::keep_secrets(outlet, &manifests.objects);
    manifests.tell_warnings(outlet);
    manifests.check(outlet)?;
    block_on(async {
        let connected = connect(global).await?;
        deploy(global, args, outlet, manifests, &connected).await
    })
}

async fn deploy(global: &Global, args: &Deploy, outlet: &Outlet, manifests: Manifests, to: &Connected) -> Result<Exit> {
    let began = Timestamp::now();
    let mut show = Show::start(outlet, global.progress, manifests.release.name(), began, args.events.as_deref())?;
    let mut sink = |stamped: &Stamped| show.take(stamped);
    let planned = args.plan.as_deref().map(PlanFile::read).transpose()?;
    let (name, namespace) = (manifests.release.name(), &manifests.release.spec.namespace);
    let key = if planned.is_some() { plan::key(&to.client, &manifests.release).await? } else { None };
    let differs = planned.map(|file| move |plan: &Plan| file.differs(name, namespace, plan, key.as_ref()));
    let mut request = request(&args.part, &manifests, outlet, began, fresh_key()?);
    request.only_if = differs.as_ref().map(|differs| differs as &OnlyIf<'_>);
    request.dry_run = args.dry_run.into();
    request.probe = !args.no_verify;
    request.deadline = args.timeout.map_or(request.deadline, |span| span.0);
    request.on_failure = on_failure(args, &manifests);
    let before = super::images::Before::of(&args.part, &manifests, &to.client, outlet)?;
    request.images = before.as_ref().map(|before| before as &dyn ImageCheck);
    request.bake = args.bake.map_or(Duration::ZERO, |span| span.0);
    let wants_rollback = request.on_failure != OnFail::Stop;
    let result = lucid_deploy::deploy(&to.client, request, &mut sink, &mut signals()).await;
    let value = show.finish();
    let deployed = result?;
    match deployed.verdict {
        Verdict::DryRun => {
            outlet.findings(deployed.findings.iter());
            show_plan(&deployed, args.output, outlet);
            Ok(Exit::Done)
        }
        Verdict::Run(outcome) => {
            if args.output == Format::Json {
                outlet.json(&value);
            }
            if outcome != RunOutcome::Verified {
                farewell(outlet, outcome, wants_rollback, deployed.rollback);
                show.say_where_the_log_is();
            }
            Ok(match deployed.rollback {
                Some(Rollback { outcome: RunOutcome::Failed | RunOutcome::DeadlinePassed, .. }) => Exit::WayBackFailed,
                _ => exit_of(outcome),
            })
        }
    }
}

/// What every way of looking at a deploy has in common; nothing is written unless the caller says so.
pub(crate) fn request<'a>(
    part: &Part,
    manifests: &'a Manifests,
    outlet: &'a Outlet,
    began: Timestamp,
    fresh_key: FreshKey,
) -> Request<'a> {
    let reach = if part.with_needs { Reach::Needs } else { Reach::Alone };
    let selection = part.component.clone().map_or(Selection::All, |name| Selection::Component { name, reach });
    Request {
        release: &manifests.release,
        objects: manifests.objects.clone(),
        selection,
        dry_run: DryRun::Server,
        deadline: manifests.release.spec.deadline.0,
        take_ownership: part.take_ownership,
        only_if: None,
        images: None,
        probe: true,
        on_failure: OnFail::Stop,
        way_back: None,
        emergency: false,
        may_replace: part.allow_replace.clone(),
        bake: Duration::ZERO,
        cleaner: outlet,
        source: manifests.name.clone(),
        command: format!("deploy {}", manifests.name),
        identity: Identity::of_this_process(),
        fresh_key,
        wall: began,
    }
}

fn on_failure(args: &Deploy, manifests: &Manifests) -> OnFail {
    match (args.on_failure, manifests.release.spec.on_failure) {
        (Some(OnFailure::Rollback), _) | (None, lucid_release::OnFailure::Rollback) => OnFail::Rollback,
        (Some(OnFailure::Stop), _) | (None, lucid_release::OnFailure::Stop) => OnFail::Stop,
        (Some(OnFailure::Remove), _) => OnFail::Remove,
    }
}

impl From<DryRunMode> for DryRun {
    fn from(mode: DryRunMode) -> Self {
        match mode {
            DryRunMode::None => Self::No,
            DryRunMode::Client => Self::Client,
            DryRunMode::Server => Self::Server,
        }
    }
}

pub(crate) fn exit_of(outcome: RunOutcome) -> Exit {
    match outcome {
        RunOutcome::Verified => Exit::Done,
        RunOutcome::Failed | RunOutcome::LockLost => Exit::Failed,
        RunOutcome::DeadlinePassed => Exit::Deadline,
        RunOutcome::Interrupted => Exit::Interrupted,
        RunOutcome::Terminated => Exit::Terminated,
    }
}

/// The last word of a run that failed: what is served now, and what to do.
fn farewell(outlet: &Outlet, outcome: RunOutcome, wants_rollback: bool, rollback: Option<Rollback>) {
    let paint = outlet.paint_err();
    let text = match rollback {
        Some(Rollback { to: Some(number), outcome: RunOutcome::Verified }) => {
            format!("{} rolled back: revision {number} is in service again and verified", paint.good("note:"))
        }
        Some(Rollback { to: None, outcome: RunOutcome::Verified }) => {
            format!("{} what the first install had created is gone; volumes were kept", paint.good("note:"))
        }
        Some(Rollback { outcome: RunOutcome::Interrupted | RunOutcome::Terminated | RunOutcome::LockLost, .. }) => {
            format!("{} the rollback was stopped half way; `lucid rollback` goes on with it", paint.warn("note:"))
        }
        Some(_) => format!(
            "{} the rollback failed too; see above what is left, then `lucid rollback` or deploy a mended release",
            paint.bad("note:")
        ),
        None if wants_rollback && matches!(outcome, RunOutcome::Failed | RunOutcome::DeadlinePassed) => format!(
            "{} stopped, and everything kept as it is: there is nothing to roll back to, or this run broke nothing",
            paint.warn("note:")
        ),
        None => return,
    };
    outlet.talk(&format!("\n{text}\n"));
}

pub(crate) fn show_plan(deployed: &Deployed, output: Format, outlet: &Outlet) {
    match output {
        Format::Json => outlet.json(&plan_json(&deployed.plan)),
        Format::Text => outlet.result(&plan_text(&deployed.plan, outlet.paint_out())),
    }
}

fn plan_json(plan: &Plan) -> serde_json::Value {
    let operation = |component: &str, operation: &lucid_plan::Operation| serde_json::json!({"component": component, "object": operation.object, "action": verb(&operation.action)});
    let lanes = plan.lanes.iter().flat_map(|lane| lane.operations.iter().map(|op| operation(&lane.name, op)));
    let prune = plan.prune.iter().map(|op| operation(lucid_release::names::SHARED, op));
    serde_json::json!({
        "apiVersion": lucid_report::result::VERSION, "kind": "DryRun",
        "operations": lanes.chain(prune).collect::<Vec<_>>(),
    })
}

fn verb(action: &Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace { .. } => "replace",
        Action::Delete { .. } => "delete",
        Action::Unchanged => "unchanged",
    }
}

fn plan_text(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    for lane in plan.lanes.iter().filter(|lane| lane.changes() > 0) {
        for operation in lane.operations.iter().filter(|operation| operation.action != Action::Unchanged) {
            out.push_str(&format!(
                "{} {} {}\n",
                sign(&operation.action, paint),
                operation.object,
                paint.dim(&lane.name)
            ));
        }
    }
    for operation in &plan.prune {
        out.push_str(&format!("{} {}\n", sign(&operation.action, paint), operation.object));
    }
    let (create, update, delete, unchanged) = lucid_deploy::deploy::count(plan);
    out.push_str(&format!("dry run: {create} to create, {update} to update, {delete} to delete, {unchanged} unchanged; nothing was written\n"));
    out
}

fn sign(action: &Action, paint: Paint) -> String {
    match action {
        Action::Create => paint.good("+"),
        Action::Update => paint.warn("~"),
        Action::Replace { .. } => paint.warn("±"),
        Action::Delete { .. } => paint.bad("-"),
        Action::Unchanged => "=".into(),
    }
}
