//! Putting a plan together: lanes of operations, and the order between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lucid_object::{Finding, Findings, Gvk, Object, ObjectRef, ObjectSet};
use lucid_release::names::{EPOCH_ANNOTATION, FIELD_MANAGER, REPLICAS_MANAGER, SHARED};
use lucid_release::{HealthCheck, InventoryEntry, ReleaseFile};
use serde_json::{Value, json};

use crate::graph;
use crate::intent::{self, Marks};
use crate::order;
use crate::owned;
use crate::ownership;
use crate::restart;
use crate::scope::Resources;

/// What is to be done, in which order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub lanes: Vec<Lane>,
    /// Objects that left the release; removed last, users before what they use.
    pub prune: Vec<Operation>,
    /// Objects that the release will own when the plan has run.
    pub inventory: Vec<InventoryEntry>,
    /// Components that must be ready already, because this plan does not touch them.
    pub preconditions: Vec<Lane>,
    /// Names of the components that the plan is for; `None` is all of them.
    pub selected: Option<BTreeSet<String>>,
    /// Workloads whose autoscaler leaves with this plan, or has just left.
    pub given_back: BTreeSet<ObjectRef>,
    /// Warnings and advice; errors stop the planning.
    pub findings: Findings,
}

/// One component, or one object of the shared part: operations that are done one after the other.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The component's name, or `(shared)`.
    pub name: String,
    pub phase: Option<String>,
    pub operations: Vec<Operation>,
    /// Lanes that must be ready first.
    pub needs: Vec<usize>,
    /// Number of lanes on the longest chain that waits for this one.
    pub weight: u32,
    pub health: Vec<HealthCheck>,
}

impl Lane {
    pub fn is_shared(&self) -> bool {
        self.name == SHARED
    }

    pub fn changes(&self) -> usize {
        self.operations.iter().filter(|operation| operation.action != Action::Unchanged).count()
    }
}

/// What happens to one object.
#[derive(Debug, Clone)]
pub struct Operation {
    pub object: ObjectRef,
    pub gvk: Gvk,
    pub action: Action,
    /// The requests that do it, one after the other; none when it is unchanged.
    pub requests: Vec<Request>,
    /// The object must be watched until it is as it should be.
    pub is_watched: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    /// Deleted and made anew, because the server takes no change of some field. With the uid that the plan saw.
    Replace {
        uid: String,
        children: Children,
    },
    /// With the uid that the plan saw.
    Delete {
        uid: String,
    },
    Unchanged,
}

/// What becomes of what an object owns while it is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// It stays as it is, and the new object adopts it.
    Stay,
    /// It is gone before the new object comes.
    Go,
}

/// One server-side apply.
#[derive(Debug, Clone)]
pub struct Request {
    pub manager: &'static str,
    pub body: Arc<Value>,
    /// Takes the fields from whoever has them. Only ever set for `spec.replicas` of a workload whose autoscaler leaves.
    pub force: bool,
}

/// Which part of the release a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    All,
    Component {
        name: String,
        reach: Reach,
    },
}

/// How far the choice of one component reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    #[default]
    Alone,
    /// With everything that it waits for.
    Needs,
    /// With everything that waits for it.
    Dependents,
}

/// A live object, from the cache of what was listed.
pub type Live<'a> = &'a dyn Fn(&ObjectRef) -> Option<Arc<Value>>;

/// Everything that planning looks at.
pub struct Input<'a> {
    pub release: &'a ReleaseFile,
    /// Already placed in namespaces.
    pub objects: &'a ObjectSet,
    pub resources: &'a Resources,
    pub live: Live<'a>,
    pub inventory: &'a [InventoryEntry],
    pub selection: Selection,
    /// The epoch of the run, when there is one (a dry run has none).
    pub epoch: Option<u64>,
    /// Adopt objects that exist and belong to nobody or to others.
    pub take_ownership: bool,
    /// Restart pods whose template stays as it is when a ConfigMap or Secret that they read changes.
    pub restart_readers: bool,
    /// Workloads whose autoscaler has left in this very run: it may have set their number after that.
    pub given_back: &'a BTreeSet<ObjectRef>,
}

/// Makes the plan.
///
/// # Errors
/// All mistakes at once; then nothing may be sent.
pub fn build(input: &Input<'_>) -> Result<Plan, Findings> {
    let mut findings = Findings::default();
    findings.extend(crate::check::identities(input.objects));
    let ownership = ownership::assign(input.release, input.objects);
    findings.extend(ownership.findings);
    findings.extend(crate::check::empty_components(input.release, &ownership.owners, "lucid.yaml"));
    let needs = graph::needs(input.release, input.objects, &ownership.owners);
    findings.extend(needs.findings);
    let planner = Planner {
        input,
        autoscaled: intent::autoscaled(input.objects),
        given_back: given_back(input),
        owners: &ownership.owners,
    };
    let mut operations: Vec<Operation> =
        (0..input.objects.len()).map(|index| planner.operation(index, &mut findings)).collect();
    if input.restart_readers {
        restart::readers(input, &mut operations);
    }
    let selected = planner.selected(&needs.of, &mut findings);
    if findings.has_errors() {
        return Err(findings);
    }
    let mut plan = planner.arrange(operations, &needs.of, &selected);
    plan.prune = planner.prune(&selected);
    plan.inventory = planner.inventory(&selected);
    let names = |indices: BTreeSet<usize>| indices.into_iter().map(|i| planner.component_name(i).to_owned()).collect();
    plan.selected = selected.map(names);
    plan.given_back = planner.given_back;
    plan.findings = findings;
    Ok(plan)
}

struct Planner<'a> {
    input: &'a Input<'a>,
    autoscaled: BTreeMap<ObjectRef, i64>,
    /// Workloads whose autoscaler leaves with this plan.
    given_back: BTreeSet<ObjectRef>,
    owners: &'a [Option<usize>],
}

/// The components that the plan is for; `None` is all of them.
type Selected = Option<BTreeSet<usize>>;

impl Planner<'_> {
    fn marks(&self) -> Marks<'_> {
        Marks { release: self.input.release.name(), namespace: &self.input.release.spec.namespace }
    }

    fn component_name(&self, index: usize) -> &str {
        &self.input.release.spec.components[index].name
    }

    fn object(&self, index: usize) -> &Object {
        self.input.objects.iter().nth(index).expect("an index into the same set")
    }

    fn operation(&self, index: usize, findings: &mut Findings) -> Operation {
        let object = self.object(index);
        let reference = object.reference();
        let live = (self.input.live)(&reference);
        findings.extend(live.as_deref().and_then(|live| self.refuse(object, live)));
        let mut intent = self.marks().put_on(object, self.owners[index].map(|owner| self.component_name(owner)));
        let minimum = self.autoscaled.get(&reference).copied();
        let replicas = minimum.map(|minimum| intent::give_up_replicas(&mut intent).unwrap_or(1).max(minimum));
        let action = match live.as_deref() {
            None => Action::Create,
            Some(live) if owned::is_unchanged(&intent, live) => Action::Unchanged,
            Some(_) => Action::Update,
        };
        let requests = match action {
            Action::Unchanged => Vec::new(),
            _ => self.requests(intent, live.as_deref(), replicas),
        };
        let is_watched = !order::is_settled_at_once(&reference.group, &reference.kind);
        Operation { object: reference, gvk: object.gvk(), action, requests, is_watched }
    }

    /// Why a live object may not be touched.
    fn refuse(&self, object: &Object, live: &Value) -> Option<Finding> {
        let reference = object.reference();
        if live.pointer("/metadata/deletionTimestamp").is_some() {
            let finalizers =
                live.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_else(|| "none".into());
            let finding = Finding::error(9010, format!("{reference} is being deleted")).on(reference);
            return Some(
                finding.seen(format!("finalizers: {finalizers}")).help("wait until it is gone, then deploy again"),
            );
        }
        // A namespace is commonly made by someone else beforehand: it is used, and never owned.
        if self.input.take_ownership || self.marks().are_on(live) || object.kind() == "Namespace" {
            return None;
        }
        let owner = foreign_owner(live);
        let finding = Finding::error(9002, format!("{reference} exists and does not belong to this release"));
        let help = "remove or rename it, or adopt it with --take-ownership";
        Some(finding.on(reference).at(object.position("/metadata/name")).seen(owner).help(help))
    }

    fn requests(&self, mut intent: Value, live: Option<&Value>, replicas: Option<i64>) -> Vec<Request> {
        if let Some(epoch) = self.input.epoch {
            let annotations = &mut intent["metadata"]["annotations"];
            if !annotations.is_object() {
                *annotations = json!({});
            }
            annotations[EPOCH_ANNOTATION] = epoch.to_string().into();
        }
        let hold = |replicas: i64| Request {
            manager: REPLICAS_MANAGER,
            body: Arc::new(intent::replicas_only(&intent, Some(replicas))),
            force: false,
        };
        // An autoscaled workload starts with enough replicas, and keeps its number while lucid lets go of the field.
        let before = live
            .filter(|live| replicas.is_some() && owns_replicas(live))
            .and_then(|live| Some(hold(live.pointer("/spec/replicas")?.as_i64()?)));
        let after = replicas.filter(|_| live.is_none()).map(hold);
        let taken_back = self.take_back(&intent, live);
        let main = Request { manager: FIELD_MANAGER, body: Arc::new(intent), force: false };
        let (first, last) = taken_back.map_or((None, None), |(first, last)| (Some(first), Some(last)));
        before.into_iter().chain(first).chain([main]).chain(last).chain(after).collect()
    }

    /// The autoscaler leaves, and the release says how many again: whoever set the number last (the autoscaler, through
    /// the scale subresource) loses it to the manager that passes it on, which lets go once lucid has it too.
    fn take_back(&self, intent: &Value, live: Option<&Value>) -> Option<(Request, Request)> {
        let reference = Object::new(intent.clone()).reference();
        let replicas = intent.pointer("/spec/replicas").and_then(Value::as_i64)?;
        live.filter(|live| self.given_back.contains(&reference) && !owns_replicas(live))?;
        let request = |replicas, force| Request {
            manager: REPLICAS_MANAGER,
            body: Arc::new(intent::replicas_only(intent, replicas)),
            force,
        };
        Some((request(Some(replicas), true), request(None, false)))
    }

    fn selected(&self, needs: &[Vec<usize>], findings: &mut Findings) -> Selected {
        let Selection::Component { name, reach } = &self.input.selection else { return None };
        let components = &self.input.release.spec.components;
        let Some(index) = components.iter().position(|component| &component.name == name) else {
            let names = components.iter().map(|component| component.name.as_str());
            let help = lucid_release::load::nearest(name, names.clone())
                .unwrap_or_else(|| format!("the components are: {}", names.collect::<Vec<_>>().join(", ")));
            findings.push(Finding::error(8114, format!("there is no component {name}")).help(help));
            return Some(BTreeSet::new());
        };
        Some(match reach {
            Reach::Alone => BTreeSet::from([index]),
            Reach::Needs => graph::with_needs(index, needs).into_iter().collect(),
            Reach::Dependents => graph::with_dependents(index, needs),
        })
    }

    /// Lanes: first the shared objects, one lane each, then the components.
    fn arrange(&self, operations: Vec<Operation>, needs: &[Vec<usize>], selected: &Selected) -> Plan {
        let mut shared = Vec::new();
        let mut by_component: BTreeMap<usize, Vec<Operation>> = BTreeMap::new();
        for (operation, owner) in operations.into_iter().zip(self.owners) {
            match owner {
                Some(owner) => by_component.entry(*owner).or_default().push(operation),
                // For a single component, the shared part is only completed, never changed.
                None if selected.is_some() && operation.action == Action::Update => {}
                None => shared.push(operation),
            }
        }
        shared.sort_by_key(|operation| order::rank(&operation.object.group, &operation.object.kind));
        let mut lanes: Vec<Lane> = shared.into_iter().map(shared_lane).collect();
        order_shared(&mut lanes);
        let shared_count = lanes.len();
        let mut preconditions = Vec::new();
        let mut lane_of = BTreeMap::new();
        for (index, operations) in by_component {
            let lane = self.component_lane(index, operations);
            if selected.as_ref().is_none_or(|selected| selected.contains(&index)) {
                lane_of.insert(index, lanes.len());
                lanes.push(lane);
            } else if is_needed(index, selected, needs) {
                preconditions.push(lane);
            }
        }
        for (index, lane) in &lane_of {
            let own = needs[*index].iter().filter_map(|need| lane_of.get(need).copied());
            lanes[*lane].needs = (0..shared_count).chain(own).collect();
        }
        let edges: Vec<Vec<usize>> = lanes.iter().map(|lane| lane.needs.clone()).collect();
        for (lane, weight) in lanes.iter_mut().zip(graph::weights(&edges)) {
            lane.weight = weight;
        }
        Plan { lanes, preconditions, ..Plan::default() }
    }

    fn component_lane(&self, index: usize, mut operations: Vec<Operation>) -> Lane {
        operations.sort_by_key(|operation| order::rank(&operation.object.group, &operation.object.kind));
        let component = &self.input.release.spec.components[index];
        Lane {
            name: component.name.clone(),
            phase: component.phase.clone(),
            operations,
            needs: Vec::new(),
            weight: 0,
            health: component.health.clone(),
        }
    }

    /// Objects of the inventory that the release no longer has. What holds data or defines kinds is kept.
    fn prune(&self, selected: &Selected) -> Vec<Operation> {
        let wanted: BTreeSet<ObjectRef> = self.input.objects.iter().map(Object::reference).collect();
        let mut gone: Vec<Operation> = self
            .input
            .inventory
            .iter()
            .filter(|entry| !wanted.contains(&entry.object) && self.is_selected(entry, selected))
            .filter(|entry| !order::holds_data(&entry.object))
            .filter_map(|entry| self.deletion(entry))
            .collect();
        gone.sort_by_key(|operation| std::cmp::Reverse(order::rank(&operation.object.group, &operation.object.kind)));
        gone
    }

    fn is_selected(&self, entry: &InventoryEntry, selected: &Selected) -> bool {
        selected
            .as_ref()
            .is_none_or(|selected| selected.iter().any(|index| self.component_name(*index) == entry.component))
    }

    fn deletion(&self, entry: &InventoryEntry) -> Option<Operation> {
        let live = (self.input.live)(&entry.object)?;
        if !self.marks().are_on(&live) {
            return None;
        }
        let uid = live.pointer("/metadata/uid")?.as_str()?.to_owned();
        let gvk = Gvk::new(entry.object.group.clone(), entry.version.clone(), entry.object.kind.clone());
        let action = Action::Delete { uid };
        Some(Operation { object: entry.object.clone(), gvk, action, requests: Vec::new(), is_watched: false })
    }

    fn inventory(&self, selected: &Selected) -> Vec<InventoryEntry> {
        let own = self.input.objects.iter().zip(self.owners).map(|(object, owner)| InventoryEntry {
            object: object.reference(),
            version: object.gvk().version,
            component: owner.map_or(SHARED, |owner| self.component_name(owner)).to_owned(),
        });
        let mut inventory: BTreeSet<InventoryEntry> = match selected {
            None => own.collect(),
            Some(_) => own.filter(|entry| entry.component == SHARED || self.is_selected(entry, selected)).collect(),
        };
        let untouched = |entry: &&InventoryEntry| selected.is_some() && !self.is_selected(entry, selected);
        inventory.extend(self.input.inventory.iter().filter(untouched).cloned());
        inventory.into_iter().collect()
    }
}

fn shared_lane(operation: Operation) -> Lane {
    Lane { name: SHARED.into(), phase: None, operations: vec![operation], needs: vec![], weight: 0, health: vec![] }
}

/// Namespaces and definitions come before everything else that is shared.
fn order_shared(lanes: &mut [Lane]) {
    let is_first =
        |lane: &Lane| matches!(lane.operations[0].object.kind.as_str(), "Namespace" | "CustomResourceDefinition");
    let first: Vec<usize> = (0..lanes.len()).filter(|index| is_first(&lanes[*index])).collect();
    for lane in lanes.iter_mut().filter(|lane| !is_first(lane)) {
        lane.needs.clone_from(&first);
    }
}

fn is_needed(index: usize, selected: &Selected, needs: &[Vec<usize>]) -> bool {
    selected.as_ref().is_some_and(|selected| selected.iter().any(|other| needs[*other].contains(&index)))
}

/// The targets of autoscalers that the release owns and no longer has.
fn given_back(input: &Input<'_>) -> BTreeSet<ObjectRef> {
    let is_scaler = |kind: &str| matches!(kind, "HorizontalPodAutoscaler" | "ScaledObject");
    let left = input.inventory.iter().filter(|entry| is_scaler(&entry.object.kind));
    let left = left.filter(|entry| input.objects.get(&entry.object).is_none());
    let live: ObjectSet = left.filter_map(|entry| Some(Object::new((*(input.live)(&entry.object)?).clone()))).collect();
    intent::autoscaled(&live).into_keys().chain(input.given_back.iter().cloned()).collect()
}

fn owns_replicas(live: &Value) -> bool {
    let fields = owned::applied_fields(live, FIELD_MANAGER);
    fields.and_then(|fields| fields.get("f:spec")?.get("f:replicas")).is_some()
}

fn foreign_owner(live: &Value) -> String {
    let release = live.pointer("/metadata/labels/lucid.dev~1release").and_then(Value::as_str);
    let helm = live.pointer("/metadata/annotations/meta.helm.sh~1release-name").and_then(Value::as_str);
    let manager = live.pointer("/metadata/managedFields/0/manager").and_then(Value::as_str);
    match (release, helm, manager) {
        (Some(release), ..) => format!("it belongs to the release {release}"),
        (_, Some(helm), _) => format!("it belongs to the Helm release {helm}"),
        (_, _, Some(manager)) => format!("it was made by {manager}"),
        _ => "nobody says it is theirs".to_owned(),
    }
}

#[cfg(test)]
mod tests;
