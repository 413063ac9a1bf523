//! `lucid deploy`: the whole run, and what is shown of it.

use jiff::Timestamp;
use lucid_client::Connected;
use lucid_deploy::lease::Identity;
use lucid_deploy::{Deployed, DryRun, Request, Verdict};
use lucid_engine::{RunOutcome, Stamped};
use lucid_plan::{Action, Plan, Selection};
use lucid_report::Paint;
use lucid_report::result::to_json;

use crate::cli::{Deploy, DryRunMode, Format, Global};
use crate::commands::{connect, runtime, signals};
use crate::exit::Exit;
use crate::failure::Result;
use crate::manifests::{self, Manifests};
use crate::output::{Outlet, RunLog, Screen};

pub(crate) fn run(global: &Global, args: &Deploy, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, args.source.source.as_deref())?;
    super::keep_secrets(outlet, &manifests.objects);
    outlet.findings(manifests.warnings.iter());
    runtime()?.block_on(async {
        let connected = connect(global).await?;
        deploy(global, args, outlet, manifests, &connected).await
    })
}

async fn deploy(global: &Global, args: &Deploy, outlet: &Outlet, manifests: Manifests, to: &Connected) -> Result<Exit> {
    let began = Timestamp::now();
    let mut log = RunLog::start(manifests.release.name(), began).ok();
    let mut events = args.events.as_deref().map(RunLog::create).transpose()?;
    let screen = Screen::new(outlet, global.progress, false);
    let mut sink = |stamped: &Stamped| {
        for file in log.iter_mut().chain(events.iter_mut()) {
            file.write(stamped, |line| outlet.clean(line));
        }
        screen.take(outlet, stamped);
    };
    let request = request(args, &manifests, began);
    let result = lucid_deploy::deploy(&to.client, request, &mut sink, &mut signals()).await;
    let view = screen.finish(outlet);
    let deployed = result?;
    match deployed.verdict {
        Verdict::DryRun => {
            outlet.findings(deployed.findings.iter());
            show_plan(&deployed, args, outlet);
            Ok(Exit::Done)
        }
        Verdict::Run(outcome) => {
            if args.output == Format::Json {
                outlet.json(&to_json(&view));
            }
            if outcome != RunOutcome::Verified {
                farewell(outlet, outcome, &manifests, log.as_ref());
            }
            Ok(exit_of(outcome))
        }
    }
}

fn request<'a>(args: &Deploy, manifests: &'a Manifests, began: Timestamp) -> Request<'a> {
    let selection = args
        .component
        .clone()
        .map_or(Selection::All, |name| Selection::Component { name, with_needs: args.with_needs });
    Request {
        release: &manifests.release,
        objects: manifests.objects.clone(),
        selection,
        dry_run: match args.dry_run {
            DryRunMode::None => DryRun::No,
            DryRunMode::Client => DryRun::Client,
            DryRunMode::Server => DryRun::Server,
        },
        deadline: args.timeout.unwrap_or(manifests.release.spec.deadline).0,
        take_ownership: args.take_ownership,
        probe: !args.no_verify,
        command: format!("deploy {}", manifests.name),
        identity: Identity::of_this_process(),
        wall: began,
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

fn farewell(outlet: &Outlet, outcome: RunOutcome, manifests: &Manifests, log: Option<&RunLog>) {
    let paint = outlet.paint_err();
    let wants_rollback = manifests.release.spec.on_failure == lucid_release::OnFailure::Rollback;
    if matches!(outcome, RunOutcome::Failed | RunOutcome::DeadlinePassed) && wants_rollback {
        outlet.talk(&format!("\n{} stopped: automatic rollback is not built yet\n", paint.warn("note:")));
    }
    if let Some(log) = log {
        outlet.talk(&format!("{} the complete log is {}\n", paint.dim("log:"), log.path.display()));
    }
}

fn show_plan(deployed: &Deployed, args: &Deploy, outlet: &Outlet) {
    match args.output {
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
        Action::Delete { .. } => paint.bad("-"),
        Action::Unchanged => "=".into(),
    }
}
