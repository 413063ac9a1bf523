//! Plans from small releases, drawn as text.

use super::*;
use crate::scope::Resource;

const RELEASE: &str = "apiVersion: lucid.dev/v1alpha1
kind: Release
metadata: {name: shop}
spec:
  source: k8s
  namespace: n
  components:
  - {name: db, select: {app: db}, needs: []}
  - {name: api, select: {app: api}, needs: [db]}
  - {name: web, select: {app: web}, needs: [api]}
";

fn object(api_version: &str, kind: &str, name: &str) -> Object {
    let mut value =
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": {"app": name}}});
    if kind != "Namespace" {
        value["metadata"]["namespace"] = "n".into();
    }
    Object::new(value)
}

fn objects() -> ObjectSet {
    let namespace = Object::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}));
    let policy = Object::new(
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "n"}, "spec": {"podSelector": {}}}),
    );
    let apps = ["web", "db", "api"]
        .iter()
        .flat_map(|name| [object("apps/v1", "Deployment", name), object("v1", "Service", name)]);
    [policy, namespace].into_iter().chain(apps).collect()
}

fn resources() -> Resources {
    let kinds = [
        ("v1", "Namespace"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ];
    Resources::new(
        kinds
            .iter()
            .map(|(version, kind)| {
                (
                    Gvk::from_api_version(version, *kind),
                    Resource { plural: kind.to_lowercase(), namespaced: *kind != "Namespace" },
                )
            })
            .collect(),
    )
}

/// The live form of what a first deploy applied.
fn applied(plan: &Plan) -> BTreeMap<ObjectRef, Arc<Value>> {
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations);
    operations
        .map(|operation| {
            let mut live = (*operation.requests[0].body).clone();
            let fields = fields_of(&live);
            live["metadata"]["uid"] = format!("uid-{}", operation.object.name).into();
            live["metadata"]["managedFields"] = json!([{"manager": "lucid", "operation": "Apply", "fieldsV1": fields}]);
            (operation.object.clone(), Arc::new(live))
        })
        .collect()
}

fn fields_of(value: &Value) -> Value {
    let Some(map) = value.as_object() else { return json!({}) };
    let skip = |key: &str| matches!(key, "apiVersion" | "kind" | "name" | "namespace");
    Value::Object(
        map.iter().filter(|(key, _)| !skip(key)).map(|(key, value)| (format!("f:{key}"), fields_of(value))).collect(),
    )
}

struct Case {
    release: ReleaseFile,
    objects: ObjectSet,
    live: BTreeMap<ObjectRef, Arc<Value>>,
    inventory: Vec<InventoryEntry>,
    selection: Selection,
    take_ownership: bool,
    restart_readers: bool,
    given_back: BTreeSet<ObjectRef>,
}

impl Case {
    fn new() -> Self {
        let release = lucid_release::load(RELEASE, "lucid.yaml").unwrap();
        Self {
            release,
            objects: objects(),
            live: BTreeMap::new(),
            inventory: vec![],
            selection: Selection::All,
            take_ownership: false,
            restart_readers: false,
            given_back: BTreeSet::new(),
        }
    }

    fn deployed() -> Self {
        let plan = Self::new().plan().unwrap();
        Self { live: applied(&plan), inventory: plan.inventory, ..Self::new() }
    }

    fn plan(&self) -> Result<Plan, Findings> {
        build(&Input {
            release: &self.release,
            objects: &self.objects,
            resources: &resources(),
            live: &|reference| self.live.get(reference).cloned(),
            inventory: &self.inventory,
            selection: self.selection.clone(),
            epoch: Some(7),
            take_ownership: self.take_ownership,
            restart_readers: self.restart_readers,
            given_back: &self.given_back,
        })
    }

    #[track_caller]
    fn check(&self, expect: &[&str]) {
        let plan = self.plan().unwrap_or_else(|findings| panic!("{findings:?}"));
        assert_eq!(draw(&plan), expect);
    }

    #[track_caller]
    fn check_refused(&self, expect: &[&str]) {
        let findings = self.plan().expect_err("a refusal");
        let shown: Vec<_> = findings.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect();
        assert_eq!(shown, expect);
    }
}

fn draw(plan: &Plan) -> Vec<String> {
    let symbol = |action: &Action| match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace { .. } => "±",
        Action::Delete { .. } => "-",
        Action::Unchanged => "=",
    };
    let operations = |list: &[Operation]| {
        list.iter()
            .map(|operation| format!("{}{}", symbol(&operation.action), operation.object.short()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut lines: Vec<String> = plan
        .lanes
        .iter()
        .map(|lane| format!("{} {:?} w{}: {}", lane.name, lane.needs, lane.weight, operations(&lane.operations)))
        .collect();
    if !plan.prune.is_empty() {
        lines.push(format!("prune: {}", operations(&plan.prune)));
    }
    lines.extend(plan.preconditions.iter().map(|lane| format!("must be ready: {}", lane.name)));
    lines
}

#[test]
fn a_first_deploy_creates_everything_in_graph_order() {
    Case::new().check(&[
        "(shared) [] w4: +Namespace/n",
        "(shared) [0] w3: +NetworkPolicy/deny",
        "db [0, 1] w2: +Service/db +Deployment/db",
        "api [0, 1, 2] w1: +Service/api +Deployment/api",
        "web [0, 1, 3] w0: +Service/web +Deployment/web",
    ]);
}

#[test]
fn what_is_already_there_is_not_sent() {
    let plan = Case::deployed().plan().unwrap();
    let operations = || plan.lanes.iter().flat_map(|lane| &lane.operations);
    assert!(operations().all(|operation| operation.action == Action::Unchanged && operation.requests.is_empty()));
}

#[test]
fn one_change_touches_one_object() {
    let mut case = Case::deployed();
    for object in case.objects.iter_mut().filter(|object| object.kind() == "Deployment" && object.name() == "api") {
        object.value_mut()["spec"] = json!({"replicas": 2});
    }
    let plan = case.plan().unwrap();
    let changed: Vec<_> = plan
        .lanes
        .iter()
        .flat_map(|lane| &lane.operations)
        .filter(|operation| operation.action != Action::Unchanged)
        .map(|operation| operation.object.short())
        .collect();
    assert_eq!(changed, ["Deployment/api"]);
}

#[test]
fn what_left_the_release_is_pruned_last() {
    let mut case = Case::deployed();
    case.objects = case.objects.into_iter().filter(|object| object.name() != "web").collect();
    case.release.spec.components.pop();
    let plan = case.plan().unwrap();
    assert_eq!(draw(&plan).last().unwrap(), "prune: -Deployment/web -Service/web");
    assert!(plan.inventory.iter().all(|entry| entry.component != "web"));
}

#[test]
fn a_namespace_that_left_is_kept() {
    let mut case = Case::deployed();
    case.objects = case.objects.into_iter().filter(|object| object.kind() != "Namespace").collect();
    assert!(case.plan().unwrap().prune.is_empty());
}

#[test]
fn a_foreign_object_is_never_adopted_silently() {
    let mut case = Case::new();
    let live = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "n", "annotations": {"meta.helm.sh/release-name": "old"}}});
    case.live.insert(ObjectRef::new("", "Service", Some("n"), "db"), Arc::new(live));
    case.check_refused(&["L9002 Service n/db exists and does not belong to this release"]);
    assert_eq!(case.plan().unwrap_err().0[0].evidence, ["it belongs to the Helm release old"]);
    case.take_ownership = true;
    assert!(case.plan().is_ok());
}

#[test]
fn an_object_under_deletion_is_not_applied() {
    let mut case = Case::deployed();
    let key = ObjectRef::new("", "Service", Some("n"), "db");
    let mut live = (*case.live[&key]).clone();
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    case.live.insert(key, Arc::new(live));
    case.check_refused(&["L9010 Service n/db is being deleted"]);
}

#[test]
fn one_component_needs_the_others_to_be_ready() {
    let mut case = Case::deployed();
    case.selection = Selection::Component { name: "api".into(), reach: Reach::Alone };
    case.check(&[
        "(shared) [] w2: =Namespace/n",
        "(shared) [0] w1: =NetworkPolicy/deny",
        "api [0, 1] w0: =Service/api =Deployment/api",
        "must be ready: db",
    ]);
    assert_eq!(case.plan().unwrap().inventory, case.inventory);
}

#[test]
fn one_component_with_what_it_needs() {
    let mut case = Case::new();
    case.selection = Selection::Component { name: "api".into(), reach: Reach::Needs };
    case.check(&[
        "(shared) [] w3: +Namespace/n",
        "(shared) [0] w2: +NetworkPolicy/deny",
        "db [0, 1] w1: +Service/db +Deployment/db",
        "api [0, 1, 2] w0: +Service/api +Deployment/api",
    ]);
}

#[test]
fn an_unknown_component_lists_what_there_is() {
    let mut case = Case::new();
    case.selection = Selection::Component { name: "apo".into(), reach: Reach::Alone };
    case.check_refused(&["L8114 there is no component apo"]);
    assert_eq!(case.plan().unwrap_err().0[0].help.as_deref(), Some("did you mean api?"));
}

#[test]
fn an_autoscaled_workload_starts_large_enough_and_is_then_left_alone() {
    let mut case = Case::new();
    case.objects.push(Object::new(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "n"},
        "spec": {"minReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})));
    let plan = case.plan().unwrap();
    let web = plan
        .lanes
        .iter()
        .flat_map(|lane| &lane.operations)
        .find(|operation| operation.object.short() == "Deployment/web")
        .unwrap();
    let sent: Vec<_> =
        web.requests.iter().map(|request| (request.manager, request.body["spec"]["replicas"].clone())).collect();
    assert_eq!(sent, [("lucid", Value::Null), ("lucid-replicas", json!(3))]);
}

#[test]
fn giving_up_replicas_keeps_the_live_number() {
    let mut case = Case::new();
    for object in case.objects.iter_mut().filter(|object| object.kind() == "Deployment") {
        object.value_mut()["spec"] = json!({"replicas": 2});
    }
    case.live = applied(&case.plan().unwrap());
    let key = ObjectRef::new("apps", "Deployment", Some("n"), "web");
    let mut live = (*case.live[&key]).clone();
    live["spec"]["replicas"] = 4.into();
    case.live.insert(key, Arc::new(live));
    case.objects.push(Object::new(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "n"},
        "spec": {"minReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})));
    let plan = case.plan().unwrap();
    let web = plan
        .lanes
        .iter()
        .flat_map(|lane| &lane.operations)
        .find(|operation| operation.object.short() == "Deployment/web")
        .unwrap();
    let sent: Vec<_> =
        web.requests.iter().map(|request| (request.manager, request.body["spec"]["replicas"].clone())).collect();
    assert_eq!(sent, [("lucid-replicas", json!(4)), ("lucid", Value::Null)]);
}

#[test]
fn a_configuration_that_changes_back_restarts_those_that_read_it() {
    let mut case = Case::new();
    let mut config = object("v1", "ConfigMap", "web");
    config.value_mut()["data"] = json!({"mode": "old"});
    case.objects.push(config);
    let web = ObjectRef::new("apps", "Deployment", Some("n"), "web");
    for object in case.objects.iter_mut().filter(|object| object.reference() == web) {
        let spec = json!({"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "web"}}]}]});
        object.value_mut()["spec"] = json!({"template": {"spec": spec}});
    }
    case.live = applied(&case.plan().unwrap());
    case.restart_readers = true;
    assert!(case.plan().unwrap().lanes.iter().all(|lane| lane.changes() == 0));
    let config = ObjectRef::new("", "ConfigMap", Some("n"), "web");
    let mut live = (*case.live[&config]).clone();
    live["data"]["mode"] = "new".into();
    case.live.insert(config, Arc::new(live));
    let plan = case.plan().unwrap();
    let changed: Vec<_> =
        plan.lanes.iter().flat_map(|lane| &lane.operations).filter(|op| op.action != Action::Unchanged).collect();
    let shown: Vec<String> =
        changed.iter().map(|op| format!("{} by {}", op.object.short(), op.requests[0].manager)).collect();
    assert_eq!(shown, ["ConfigMap/web by lucid", "Deployment/web by lucid-restart"]);
    let body = &changed[1].requests[0].body;
    assert_eq!(body["spec"], json!({"template": {"metadata": {"annotations": {"lucid.dev/restarted": "7"}}}}));
}
