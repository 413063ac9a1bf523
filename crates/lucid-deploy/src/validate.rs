//! `lucid validate --cluster`: everything that this cluster would object to, all at once. The server tries every change,
//! and a pod of every workload, and keeps none.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use lucid_client::{Access, ApiClient, Error, Target};
use lucid_object::{Finding, Findings, Object, ObjectRef, ObjectSet};
use lucid_plan::intent::Marks;
use lucid_plan::{Input, Selection, build, pins, scope};
use lucid_release::ReleaseFile;
use lucid_status::Cluster;
use serde_json::{Value, json};

use crate::cache::Cache;
use crate::checks;
use crate::deploy::Refusal;
use crate::drive::explain;
use crate::foresight::foreseen;
use crate::prepare::try_on_server;
use crate::store;
use crate::survey::{self, Survey};

/// Pods that are tried at once.
const AT_ONCE: usize = 16;

/// # Errors
/// When the cluster does not answer, or does not know us.
pub async fn validate(
    client: &ApiClient,
    release: &ReleaseFile,
    mut objects: ObjectSet,
    now: Timestamp,
) -> Result<Findings, Refusal> {
    let mut server = survey::ask_server(client).await?;
    server.resources.define(&objects);
    let mut findings: Vec<Finding> = checks::version(&server).into_iter().collect();
    findings.extend(scope::place(&mut objects, &release.spec.namespace, &server.resources));
    let stored = store::load(client, &release.spec.namespace, release.name()).await;
    let inventory = stored.map(|stored| stored.record.may_own()).unwrap_or_default();
    let survey = survey::look(client, &survey::wishes(&objects, &inventory, &server.resources)).await?;
    findings.extend(checks::refused(&survey));
    let Survey { cache, .. } = survey;
    if let Some(kept) = pins::keep(&objects, &|reference| cache.find(reference)) {
        objects = kept;
    }
    let plan = build(&Input {
        release,
        objects: &objects,
        resources: &server.resources,
        live: &|reference| cache.find(reference),
        inventory: &inventory,
        selection: Selection::All,
        epoch: None,
        take_ownership: false,
        restart_readers: false,
        given_back: &BTreeSet::new(),
    });
    match plan {
        Ok(plan) => {
            findings.extend(plan.findings.clone());
            findings.extend(checks::permissions(client, &plan, &server).await?);
            findings.extend(try_on_server(client, &server, &plan, &cache).await?.findings);
        }
        Err(wrong) => findings.extend(wrong),
    }
    let marks = Marks { release: release.name(), namespace: &release.spec.namespace };
    let (references, room, foreseen, pods) = tokio::join!(
        checks::missing_references(client, &objects, &cache),
        checks::room(client, &objects, &marks),
        foreseen(client, &objects, &server.resources, &cache, now),
        tried_pods(client, &objects, &cache)
    );
    for more in [references, room, foreseen, pods] {
        findings.extend(more?);
    }
    Ok(once(findings))
}

/// What is foreseen and what the server says of the same are one thing.
fn once(findings: Vec<Finding>) -> Findings {
    let mut seen = BTreeSet::new();
    let is_new = |finding: &Finding| match &finding.object {
        Some(object) => seen.insert((finding.code, object.clone())),
        None => true,
    };
    Findings(findings.into_iter().filter(is_new).collect::<Vec<_>>())
}

/// One pod of each workload, tried by the server: quotas, LimitRanges, Pod Security, policies and webhooks speak of pods only.
async fn tried_pods(client: &ApiClient, objects: &ObjectSet, cache: &Cache) -> Result<Vec<Finding>, Error> {
    let has_home = |object: &&Object| {
        let namespace = object.namespace().unwrap_or_default();
        objects.get(&ObjectRef::new("", "Namespace", None, namespace)).is_none()
            || cache.find(&ObjectRef::new("", "Namespace", None, namespace)).is_some()
    };
    let pods: Vec<(&Object, Value)> =
        objects.iter().filter(has_home).filter_map(|object| Some((object, pod_of(object, cache)?))).collect();
    let homes: BTreeSet<&str> = pods.iter().filter_map(|(object, _)| object.namespace()).collect();
    let mut allowed = BTreeSet::new();
    for home in homes {
        if client.may(&Access::new("create", "", "pods", Some(home))).await? {
            allowed.insert(home);
        }
    }
    let tries = pods.iter().filter(|(object, _)| object.namespace().is_some_and(|home| allowed.contains(home)));
    let tries = tries.map(|(object, pod)| async move {
        (object, client.try_create(&Target::core("Pod", "pods", object.namespace()), pod).await)
    });
    let answers: Vec<_> = stream::iter(tries).buffered(AT_ONCE).collect().await;
    let mut findings = Vec::new();
    for (object, answer) in answers {
        match answer {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => {
                let template = object.pod_template_pointer().unwrap_or_default();
                findings.push(explain(&error, &object.reference()).finding.at(object.position(template)));
            }
        }
    }
    Ok(findings)
}

fn pod_of(object: &Object, cache: &Cache) -> Option<Value> {
    if object.kind() == "Pod" {
        return None;
    }
    let (template, namespace) = (object.pod_template()?, object.namespace()?);
    let mut spec = object.pod_spec()?.clone();
    // An account that comes with the release is not there yet.
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    if cache.get(&ObjectRef::new("", "ServiceAccount", Some(namespace), account)).is_none() {
        spec["serviceAccountName"] = "default".into();
        spec.as_object_mut()?.remove("serviceAccount");
    }
    let claims = object.value().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    for claim in claims.into_iter().flatten() {
        let name = claim.pointer("/metadata/name")?.as_str()?;
        let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        match spec.get_mut("volumes").and_then(Value::as_array_mut) {
            Some(volumes) => volumes.push(volume),
            None => spec["volumes"] = json!([volume]),
        }
    }
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    metadata["generateName"] = format!("{}-", object.name()).into();
    metadata["namespace"] = namespace.into();
    Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_as_its_controller_would_make_it() {
        let set = Object::new(
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "n"},
            "spec": {"template": {"metadata": {"labels": {"app": "db"}}, "spec": {"serviceAccountName": "own", "containers": []}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}),
        );
        assert_eq!(
            pod_of(&set, &Cache::default()).unwrap(),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "db-", "namespace": "n", "labels": {"app": "db"}},
                "spec": {"serviceAccountName": "default", "containers": [],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}})
        );
        let mut cache = Cache::default();
        cache.set(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "own", "namespace": "n"}}));
        assert_eq!(pod_of(&set, &cache).unwrap()["spec"]["serviceAccountName"], "own");
    }

    #[test]
    fn the_same_is_said_once() {
        let on = |code: u16, name: &str| Finding::error(code, "x").on(ObjectRef::new("", "Pod", None, name));
        let all = vec![on(1010, "a"), on(1010, "b"), on(1010, "a"), on(1009, "a"), Finding::error(1010, "y")];
        assert_eq!(once(all).0.len(), 4);
    }
}
