//! What is found wrong with the cluster before anything changes.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use lucid_client::{Access, ApiClient, Error, ListKind, Result, Target};
use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use lucid_plan::check::Known;
use lucid_plan::intent::Marks;
use lucid_plan::{Action, Plan, capacity, references};
use serde_json::Value;

use crate::cache::{Cache, reference};
use crate::survey::{Server, Survey};

/// The minors that every test run is made with.
const SUPPORTED: std::ops::RangeInclusive<u32> = 34..=37;

/// A warning when the cluster is older or newer than what was tried.
pub fn version(server: &Server) -> Option<Finding> {
    if SUPPORTED.contains(&server.minor) {
        return None;
    }
    let message =
        format!("Kubernetes {} was never tried with this version of lucid (1.34 to 1.37 were)", server.version);
    Some(Finding::warning(9013, message))
}

/// Kinds that we may not even list.
pub fn refused(survey: &Survey) -> Vec<Finding> {
    let shown = |wish: &crate::survey::Wish| match &wish.target.namespace {
        Some(namespace) => format!("{} in {namespace} cannot be listed", wish.target.plural),
        None => format!("{} cannot be listed", wish.target.plural),
    };
    survey.refused.iter().map(|(wish, error)| forbidden(&shown(wish), error)).collect()
}

/// A privilege that we lack.
pub fn forbidden(what: &str, error: &Error) -> Finding {
    let finding = Finding::error(9005, what).seen(error.to_string());
    finding.help("`lucid rbac` prints the privileges that the deployer needs")
}

/// Every privilege that the plan needs and we do not have.
///
/// # Errors
/// When the question cannot be asked.
pub async fn permissions(client: &ApiClient, plan: &Plan, server: &Server) -> Result<Vec<Finding>> {
    let needed = needed_accesses(plan, server);
    let namespaces: BTreeSet<Option<String>> = needed.iter().map(|access| access.namespace.clone()).collect();
    let all = join_all(namespaces.iter().map(|namespace| async move {
        let everything = Access::new("*", "*", "*", namespace.as_deref());
        client.may(&everything).await.map(|may| (namespace.clone(), may))
    }));
    let all: BTreeMap<Option<String>, bool> = all.await.into_iter().collect::<Result<_>>()?;
    let open: Vec<&Access> = needed.iter().filter(|access| !all[&access.namespace]).collect();
    let answers = join_all(open.iter().map(|access| client.may(access))).await;
    let mut findings = Vec::new();
    for (access, may) in open.into_iter().zip(answers) {
        if !may? {
            let finding = Finding::error(9005, format!("we may not {access}"));
            findings.push(finding.help("`lucid rbac` prints the privileges that the deployer needs"));
        }
    }
    Ok(findings)
}

fn needed_accesses(plan: &Plan, server: &Server) -> BTreeSet<Access> {
    let changed = plan.lanes.iter().flat_map(|lane| &lane.operations).chain(&plan.prune);
    let mut needed = BTreeSet::new();
    for operation in changed {
        let verbs: &[&str] = match operation.action {
            Action::Unchanged => continue,
            // Server-side apply of what is not there yet asks for both.
            Action::Create => &["create", "patch"],
            Action::Update => &["patch"],
            Action::Replace { .. } => &["get", "delete", "create", "patch"],
            Action::Delete { .. } => &["delete"],
        };
        let Some(resource) = server.resources.get(&operation.gvk) else { continue };
        for verb in verbs {
            let namespace = operation.object.namespace.as_deref();
            let access = Access::new(verb, &operation.gvk.group, &resource.plural, namespace);
            // Of what the whole cluster shares, the deployer has the release's own, by name; a create has no name to ask for.
            let is_by_name = namespace.is_none() && *verb != "create";
            needed.insert(if is_by_name { access.named(&operation.object.name) } else { access });
        }
    }
    needed
}

/// References of pods to what is neither in the release nor in the cluster, and to keys that are not there.
///
/// # Errors
/// When the cluster cannot be asked.
pub async fn missing_references(client: &ApiClient, objects: &ObjectSet, cache: &Cache) -> Result<Vec<Finding>> {
    let own: BTreeSet<ObjectRef> = objects.iter().map(Object::reference).collect();
    let wanted = outside(objects, &own);
    let known = join_all(wanted.iter().map(|(target, needs_keys)| async move {
        if target.kind == "Secret" && cache.find(target).is_none() {
            return Ok((target.clone(), Known::Absent));
        }
        if !needs_keys && cache.find(target).is_some() {
            return Ok((target.clone(), Known::Present));
        }
        look_up(client, target).await.map(|known| (target.clone(), known))
    }));
    let known: BTreeMap<ObjectRef, Known> = known.await.into_iter().collect::<Result<_>>()?;
    Ok(lucid_plan::check::references(objects, &|target| known.get(target).cloned().unwrap_or(Known::Present)))
}

/// What pods refer to outside the release, and whether it matters which keys it has.
fn outside(objects: &ObjectSet, own: &BTreeSet<ObjectRef>) -> BTreeMap<ObjectRef, bool> {
    let mut wanted: BTreeMap<ObjectRef, bool> = BTreeMap::new();
    for object in objects {
        let Some(spec) = object.pod_spec() else { continue };
        for reference in references::of_pod_spec(spec).into_iter().filter(|reference| !reference.optional) {
            let target = ObjectRef::new("", reference.kind, object.namespace(), &reference.name);
            if !own.contains(&target) {
                *wanted.entry(target).or_default() |= reference.key.is_some();
            }
        }
    }
    wanted
}

async fn look_up(client: &ApiClient, reference: &ObjectRef) -> Result<Known> {
    let plural = match reference.kind.as_str() {
        "Secret" => "secrets",
        "ConfigMap" => "configmaps",
        "ServiceAccount" => "serviceaccounts",
        _ => "persistentvolumeclaims",
    };
    let target = Target::core(&reference.kind, plural, reference.namespace.as_deref());
    match client.get(&target, &reference.name).await {
        Ok(object) => Ok(Known::PresentWith(keys(&object))),
        Err(error) if error.is_not_found() => Ok(Known::Absent),
        // We may not look: the pod may still be allowed to.
        Err(error) if error.is_forbidden() => Ok(Known::Present),
        Err(error) => Err(error),
    }
}

fn keys(object: &Value) -> BTreeSet<String> {
    let maps = ["data", "binaryData"].iter().filter_map(|field| object.get(field)?.as_object());
    maps.flat_map(|map| map.keys().cloned()).collect()
}

/// Whether the release can fit on the nodes. Needs to read nodes and pods of the whole cluster; says nothing where that
/// is not allowed.
///
/// # Errors
/// When the cluster does not answer.
pub async fn room(client: &ApiClient, objects: &ObjectSet, marks: &Marks<'_>) -> Result<Vec<Finding>> {
    let (nodes, pods) = (Target::core("Node", "nodes", None), Target::core("Pod", "pods", None));
    let (nodes, pods) = tokio::join!(client.list(&nodes, ListKind::Full), client.list(&pods, ListKind::Full));
    let (Some(nodes), Some(pods)) = (allowed(nodes)?, allowed(pods)?) else {
        let message = "whether the release fits on the nodes was not checked: we may not list nodes and all pods";
        return Ok(vec![Finding::advice(9014, message)]);
    };
    let workloads: BTreeSet<ObjectRef> = objects.iter().map(Object::reference).collect();
    let is_ours = |pod: &Value| {
        let component = pod.pointer("/metadata/labels").map(|_| reference(pod).namespace);
        component.flatten().is_some_and(|namespace| {
            let labels = Object::new(pod.clone()).labels();
            objects.iter().any(|object| {
                object.namespace() == Some(&namespace)
                    && workloads.contains(&object.reference())
                    && object
                        .pod_labels()
                        .is_some_and(|own| !own.is_empty() && own.iter().all(|(k, v)| labels.get(k) == Some(v)))
            })
        }) || marks.are_on(pod)
    };
    let (nodes, pods): (Vec<&Value>, Vec<&Value>) = (nodes.iter().collect(), pods.iter().collect());
    Ok(capacity::check(objects, &nodes, &pods, &is_ours))
}

fn allowed(listed: Result<lucid_client::Listed>) -> Result<Option<Vec<Value>>> {
    match listed {
        Ok(listed) => Ok(Some(listed.items)),
        Err(Error::Status { code: 403, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
