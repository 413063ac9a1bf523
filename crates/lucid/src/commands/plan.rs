//! `lucid plan`: what would change, field by field; `lucid diff`: what differs between two revisions, or one and the
//! cluster.

mod file;

use jiff::Timestamp;
use lucid_deploy::{Deployed, ImageCheck, Preview};
use lucid_engine::Stamped;
use lucid_object::ObjectRef;
use lucid_plan::{Action, Children, Operation};
use lucid_release::names::SHARED;
use lucid_report::changes::{self, Change, Verb};
use serde_json::json;

use crate::cli::{Global, Plan, PlanFormat};
use crate::commands::{block_on, connect, fresh_key, signals};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) use file::{PlanFile, key};

pub(crate) fn run(global: &Global, args: &Plan, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.part.source)?;
    super::keep_secrets(outlet, &manifests.objects);
    manifests.tell_warnings(outlet);
    manifests.check(outlet)?;
    let (deployed, key) = block_on(async {
        let client = connect(global).await?.client;
        let mut request = super::deploy::request(&args.part, &manifests, outlet, Timestamp::now(), fresh_key()?);
        let before = super::images::Before::of(&args.part, &manifests, &client, outlet)?;
        request.images = before.as_ref().map(|before| before as &dyn ImageCheck);
        let mut sink = |_: &Stamped| {};
        let deployed = lucid_deploy::deploy(&client, request, &mut sink, &mut signals()).await?;
        let key = if args.out.is_some() { key(&client, &manifests.release).await? } else { None };
        Ok::<_, Failure>((deployed, key))
    })?;
    outlet.findings(deployed.findings.iter().filter(|finding| !is_told_in_the_plan(finding)));
    let changes = of(&deployed);
    if let Some(path) = &args.out {
        PlanFile::of(&manifests.release, &deployed, key.as_ref()).write(path)?;
        outlet.talk(&format!("wrote {}; `lucid deploy --plan {0}` runs exactly this\n", path.display()));
    }
    show(&manifests.name, &changes, args.output, outlet);
    refuse_one_way(args, &changes)?;
    Ok(if changes.is_empty() { Exit::Done } else { Exit::HasChanges })
}

/// That an object was not tried stands beside it.
fn is_told_in_the_plan(finding: &lucid_object::Finding) -> bool {
    finding.code == lucid_object::Finding::advice(9016, "").code
}

fn refuse_one_way(args: &Plan, changes: &[Change]) -> Result<()> {
    let doors: Vec<String> =
        changes.iter().filter(|change| change.one_way.is_some()).map(|change| change.object.to_string()).collect();
    if !args.require_reversible || doors.is_empty() {
        return Ok(());
    }
    let message = format!("{} cannot be taken back: {}", count(doors.len(), "change"), doors.join(", "));
    Err(Failure::new(Exit::Refused, message).help("leave out --require-reversible if that is meant"))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The changes of a plan, in the order in which they would be made.
fn of(deployed: &Deployed) -> Vec<Change> {
    let lanes = deployed.plan.lanes.iter();
    let own = lanes.flat_map(|lane| lane.operations.iter().map(move |operation| (lane.name.as_str(), operation)));
    let pruned = deployed.plan.prune.iter().map(|operation| (SHARED, operation));
    own.chain(pruned).filter_map(|(component, operation)| change(component, operation, &deployed.preview)).collect()
}

fn change(component: &str, operation: &Operation, preview: &Preview) -> Option<Change> {
    let action = verb(&operation.action)?;
    let fields = preview.changes.get(&operation.object).cloned().unwrap_or_default();
    let not_tried = preview.untried.contains(&operation.object);
    // What the server would leave exactly as it is, is no change.
    if action == Verb::Update && fields.is_empty() && !not_tried {
        return None;
    }
    let one_way = one_way(operation, action).map(str::to_owned);
    let reverse = one_way.is_none().then(|| action.reverse());
    let meanwhile = meanwhile(&operation.action).map(str::to_owned);
    let managers = preview.managers.get(&operation.object).cloned().unwrap_or_default();
    Some(Change {
        component: component.to_owned(),
        object: operation.object.clone(),
        action,
        fields,
        not_tried,
        one_way,
        reverse,
        meanwhile,
        managers,
    })
}

fn meanwhile(action: &Action) -> Option<&'static str> {
    match action {
        Action::Replace { children: Children::Stay, .. } => Some("made anew; its pods and volumes stay"),
        Action::Replace { children: Children::Go, .. } => Some("made anew; what it owns goes first"),
        _ => None,
    }
}

/// The changes of a plan that cannot be taken back, and why.
pub(super) fn doors(plan: &lucid_plan::Plan) -> impl Iterator<Item = (ObjectRef, &'static str)> {
    let own = plan.lanes.iter().flat_map(|lane| &lane.operations);
    own.chain(&plan.prune).filter_map(|operation| {
        let why = one_way(operation, verb(&operation.action)?)?;
        Some((operation.object.clone(), why))
    })
}

fn verb(action: &Action) -> Option<Verb> {
    match action {
        Action::Create => Some(Verb::Create),
        Action::Update => Some(Verb::Update),
        Action::Replace { .. } => Some(Verb::Replace),
        Action::Delete { .. } => Some(Verb::Delete),
        Action::Unchanged => None,
    }
}

/// Why bringing the old revision back would not bring this back.
fn one_way(operation: &Operation, action: Verb) -> Option<&'static str> {
    match (operation.object.kind.as_str(), action) {
        ("Job", Verb::Create | Verb::Replace) => Some("a Job that has run has run"),
        ("CustomResourceDefinition", Verb::Update) => Some("objects may be stored in the new form"),
        ("PersistentVolumeClaim", Verb::Update) => Some("a volume that has grown does not shrink"),
        ("PersistentVolumeClaim" | "PersistentVolume", Verb::Replace) => Some("the data in it is lost"),
        ("CustomResourceDefinition", Verb::Replace) => Some("every object of its kind is deleted with it"),
        ("Namespace", Verb::Replace) => Some("everything in it is deleted"),
        ("Service", Verb::Delete | Verb::Replace) => Some("its address may be another when it comes back"),
        _ => None,
    }
}

fn show(source: &str, changes: &[Change], format: PlanFormat, outlet: &Outlet) {
    match format {
        PlanFormat::Json => outlet.json(&json!({
            "apiVersion": lucid_report::result::VERSION, "kind": "Plan", "source": source, "changes": changes,
        })),
        PlanFormat::Markdown => outlet.result(&changes::markdown(&format!("Plan for {source}"), changes)),
        PlanFormat::Text => {
            outlet.result(&changes::text(changes, outlet.paint_out()));
            let of = |verb| changes.iter().filter(|change| change.action == verb).count();
            outlet.result(&format!(
                "plan: {} to create, {} to update, {}{} to delete; nothing was written\n",
                of(Verb::Create),
                of(Verb::Update),
                changes::to_replace(of(Verb::Replace)),
                of(Verb::Delete)
            ));
        }
    }
}
