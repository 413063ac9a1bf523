//! Lists what the fate of objects depends on in this cluster, and has it foreseen.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::Timestamp;
use lucid_client::{ApiClient, Change, Error, ListKind, Result, Target};
use lucid_health::certificate;
use lucid_object::{Finding, Gvk, Object, ObjectRef, ObjectSet, Severity};
use lucid_plan::Resources;
use lucid_plan::foresee::{Ground, Need, foresee, needs};
use lucid_status::Cluster;
use lucid_status::health::{Sieve, Tls, troubles_of};
use serde_json::Value;

use crate::cache::Cache;
use crate::health::tls_of;

/// What was looked at beside the survey of the release's own kinds.
#[derive(Default)]
struct Further {
    cache: Cache,
    seen: BTreeSet<(String, String, Option<String>)>,
    /// Kinds that we may not list.
    refused: BTreeSet<String>,
}

/// Everything that can be foreseen of these objects, with what could not be looked at.
///
/// # Errors
/// When the cluster does not answer.
pub async fn foreseen(
    client: &ApiClient,
    objects: &ObjectSet,
    resources: &Resources,
    surveyed: &Cache,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    let mut further = Further::default();
    further.look(client, resources, needs(objects)).await?;
    let backends = further.webhook_backends();
    further.look(client, resources, backends).await?;
    let both = Both(surveyed, &further.cache);
    let own: BTreeSet<(String, String, Option<String>)> = surveyed_kinds(objects);
    let is_seen = |group: &str, kind: &str, namespace: Option<&str>| {
        let key = (group.to_owned(), kind.to_owned(), namespace.map(str::to_owned));
        further.seen.contains(&key) || own.contains(&key)
    };
    let mut findings = foresee(objects, &Ground { cluster: &both, is_seen: &is_seen });
    findings.extend(certificates(client, objects, &both, now).await?);
    if !further.refused.is_empty() {
        let kinds: Vec<&str> = further.refused.iter().map(String::as_str).collect();
        let message = format!("not everything could be foreseen: we may not list {}", kinds.join(", "));
        findings.push(Finding::advice(9014, message).help("`lucid rbac` lists what each read buys"));
    }
    Ok(findings)
}

/// What every survey lists in the namespaces of workloads.
fn surveyed_kinds(objects: &ObjectSet) -> BTreeSet<(String, String, Option<String>)> {
    let homes = objects.iter().filter(|object| object.pod_spec().is_some()).filter_map(Object::namespace);
    homes.map(|home| (String::new(), "PersistentVolumeClaim".to_owned(), Some(home.to_owned()))).collect()
}

impl Further {
    async fn look(&mut self, client: &ApiClient, resources: &Resources, wanted: BTreeSet<Need>) -> Result<()> {
        let target = |(gvk, namespace): Need| {
            let plural = resources.get(&gvk).filter(|_| resources.is_served(&gvk))?.plural.clone();
            Some(Target::new(gvk, plural, namespace.as_deref()))
        };
        let targets: Vec<Target> = wanted.into_iter().filter_map(target).collect();
        let lists = join_all(targets.iter().map(|target| async move {
            let mut sieve = Sieve::new(None, true);
            client.list_keeping(target, ListKind::Full, &mut |object| sieve.keep(object)).await
        }));
        for (target, listed) in targets.iter().zip(lists.await) {
            let Gvk { group, kind, .. } = &target.gvk;
            match listed {
                Ok(listed) => {
                    let change = Change::Replace(listed.items);
                    self.cache.take(group, kind, target.namespace.as_deref(), change);
                    self.seen.insert((group.clone(), kind.clone(), target.namespace.clone()));
                }
                Err(Error::Status { code: 403, .. }) => drop(self.refused.insert(target.plural.clone())),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn webhook_backends(&self) -> BTreeSet<Need> {
        let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
        let all = kinds.into_iter().flat_map(|kind| self.cache.list("admissionregistration.k8s.io", kind, None));
        let webhooks = all.filter_map(|configuration| configuration.get("webhooks")?.as_array()).flatten();
        let homes = webhooks.filter_map(|webhook| webhook.pointer("/clientConfig/service/namespace")?.as_str());
        homes.map(|home| (Gvk::new("discovery.k8s.io", "v1", "EndpointSlice"), Some(home.to_owned()))).collect()
    }
}

/// Two caches as one.
struct Both<'a>(&'a Cache, &'a Cache);

impl Cluster for Both<'_> {
    fn get(&self, reference: &ObjectRef) -> Option<&Value> {
        self.0.get(reference).or_else(|| self.1.get(reference))
    }

    fn owned_by(&self, uid: &str) -> Vec<&Value> {
        self.0.owned_by(uid)
    }

    fn events_for(&self, uid: &str) -> Vec<&Value> {
        self.0.events_for(uid)
    }

    /// The whole cluster is only in what was looked at further.
    fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&Value> {
        let further: Vec<&Value> = match namespace {
            Some(_) => self.1.list(group, kind, namespace),
            None => self.1.everywhere(group, kind),
        };
        if further.is_empty() { self.0.list(group, kind, namespace) } else { further }
    }

    fn everywhere(&self, group: &str, kind: &str) -> Vec<&Value> {
        self.list(group, kind, None)
    }
}

/// An Ingress, the number of its `tls` entry, and the names in it.
type Door<'a> = (&'a Object, usize, Vec<&'a str>);

/// The certificates that the release's Ingresses will serve. They may be renewed at any moment, so nothing is refused.
async fn certificates(
    client: &ApiClient,
    objects: &ObjectSet,
    cluster: &dyn Cluster,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    let mut wanted: BTreeMap<ObjectRef, Vec<Door<'_>>> = BTreeMap::new();
    for ingress in objects.iter().filter(|object| object.kind() == "Ingress") {
        let tls = ingress.value().pointer("/spec/tls").and_then(Value::as_array);
        for (index, tls) in tls.into_iter().flatten().enumerate() {
            let Some(name) = tls.get("secretName").and_then(Value::as_str) else { continue };
            let secret = ObjectRef::new("", "Secret", ingress.namespace(), name);
            let hosts = tls.get("hosts").and_then(Value::as_array).into_iter().flatten();
            let hosts = hosts.filter_map(Value::as_str).collect();
            wanted.entry(secret).or_default().push((ingress, index, hosts));
        }
    }
    // Secrets that come with the release, or are not there, are others' business.
    wanted.retain(|secret, _| objects.get(secret).is_none() && cluster.get(secret).is_some());
    let read = join_all(wanted.keys().map(|secret| async move {
        client.get(&Target::core("Secret", "secrets", secret.namespace.as_deref()), &secret.name).await
    }));
    let mut findings = Vec::new();
    for ((secret, users), read) in wanted.iter().zip(read.await) {
        let object = match read {
            Ok(object) => object,
            Err(Error::Status { code: 403 | 404, .. }) => continue,
            Err(error) => return Err(error),
        };
        let (chain, key) = tls_of(&object);
        let Some(Tls::Certificate(read)) = chain.map(|chain| certificate::read(&chain, key.as_deref())) else {
            continue;
        };
        for (ingress, index, hosts) in users {
            let words = format!("the certificate in {secret} of {}", ingress.reference());
            for mut finding in troubles_of(&read, hosts, now, &ingress.reference(), &words) {
                finding.severity = finding.severity.min(Severity::Warning);
                findings.push(finding.at(ingress.position(&format!("/spec/tls/{index}"))));
            }
        }
    }
    Ok(findings)
}
