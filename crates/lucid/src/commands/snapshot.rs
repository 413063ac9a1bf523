//! `lucid snapshot`: a live cluster as `rehearse --from FILE` and `sim --state FILE` take it. `rehearse --from-cluster` takes
//! the same from memory, with nothing left out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use jiff::Timestamp;
use lucid_client::{ApiClient, ListKind, Served, Target};
use lucid_object::Gvk;
use serde_json::{Value, json};

use crate::cli::{Global, Snapshot as Args};
use crate::commands::sim::state::write_private;
use crate::commands::{block_on, connect};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Outlet;

/// Made anew by the simulated cluster, or of no use without the real one.
const LEFT: [&str; 7] =
    ["Event", "Lease", "Endpoints", "EndpointSlice", "CertificateSigningRequest", "CSINode", "VolumeAttachment"];
/// Lists under way at one time.
const AT_ONCE: usize = 8;
/// What stands where the value of a Secret stood.
const REPLACED: &str = "replaced";

/// The objects of a cluster.
pub(super) struct Snapshot {
    objects: Vec<Value>,
    revision: u64,
    /// Kinds that we may not list.
    pub(super) unseen: Vec<String>,
}

pub(crate) fn run(global: &Global, args: &Args, outlet: &Outlet) -> Result<Exit> {
    let mut snapshot = block_on(async {
        let client = connect(global).await?.client;
        take(&client).await
    })?;
    snapshot.redact();
    write_private(&args.out, snapshot.state().to_string().as_bytes())?;
    let (count, out) = (snapshot.objects.len(), args.out.display());
    let unseen = match snapshot.unseen.is_empty() {
        true => String::new(),
        false => format!("; not seen: {}", snapshot.unseen.join(", ")),
    };
    outlet.talk(&format!("wrote {count} objects to {out}, the values of Secrets replaced{unseen}\n"));
    Ok(Exit::Done)
}

/// Everything that the simulator knows, in all namespaces.
pub(super) async fn take(client: &ApiClient) -> Result<Snapshot> {
    let served = client.discover().await?;
    let mut snapshot = Snapshot { objects: Vec::new(), revision: 1, unseen: Vec::new() };
    snapshot.list(client, builtin(&served)).await?;
    let custom = snapshot.objects.iter().filter_map(custom).collect();
    snapshot.list(client, custom).await?;
    Ok(snapshot)
}

/// Each built-in kind in its best version.
fn builtin(served: &BTreeMap<Gvk, Served>) -> Vec<Target> {
    let mut best: BTreeMap<(&str, &str), (&Gvk, &Served)> = BTreeMap::new();
    for (gvk, how) in served {
        if !lucid_sim::is_builtin(gvk) || LEFT.contains(&gvk.kind.as_str()) {
            continue;
        }
        let slot = best.entry((&gvk.group, &gvk.kind)).or_insert((gvk, how));
        if age(&gvk.version) > age(&slot.0.version) {
            *slot = (gvk, how);
        }
    }
    best.into_values().map(|(gvk, how)| Target::new(gvk.clone(), &how.plural, None)).collect()
}

/// Stable before beta before alpha, later before earlier.
fn age(version: &str) -> (u8, String) {
    let rank = if version.contains("alpha") { 0 } else { 1 + u8::from(!version.contains("beta")) };
    (rank, version.to_owned())
}

/// Where the objects are that a CustomResourceDefinition defines.
fn custom(object: &Value) -> Option<Target> {
    if object["kind"] != "CustomResourceDefinition" {
        return None;
    }
    let spec = &object["spec"];
    let stored = spec["versions"].as_array()?.iter().find(|version| version["storage"] == true)?;
    let gvk = Gvk::new(spec["group"].as_str()?, stored["name"].as_str()?, spec["names"]["kind"].as_str()?);
    Some(Target::new(gvk, spec["names"]["plural"].as_str()?, None))
}

impl Snapshot {
    async fn list(&mut self, client: &ApiClient, targets: Vec<Target>) -> Result<()> {
        let lists = targets.into_iter().map(|target| async move {
            let listed = client.list(&target, ListKind::Full).await;
            (target, listed)
        });
        let mut lists = futures::stream::iter(lists).buffered(AT_ONCE);
        while let Some((target, listed)) = lists.next().await {
            match listed {
                Ok(listed) => {
                    self.revision = self.revision.max(listed.resource_version.parse().unwrap_or(0));
                    self.objects.extend(listed.items);
                }
                // Reviews and the like cannot be listed by anybody.
                Err(error) if matches!(error.code(), Some(404 | 405)) => {}
                Err(error) if error.is_forbidden() => self.unseen.push(target.plural),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The values of Secrets go, and with them what releases keep of themselves, which would be of no use without.
    fn redact(&mut self) {
        let is_ours = |object: &Value| object["type"].as_str().is_some_and(|kind| kind.starts_with("lucid.dev/"));
        self.objects.retain(|object| object["kind"] != "Secret" || !is_ours(object));
        for secret in self.objects.iter_mut().filter(|object| object["kind"] == "Secret") {
            for value in secret["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
                *value = STANDARD.encode(REPLACED).into();
            }
            if let Some(annotations) = secret["metadata"]["annotations"].as_object_mut() {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }

    /// As [`lucid_sim::Sim::load`] takes it.
    pub(super) fn state(&self) -> Value {
        // What defines kinds comes before what is of these kinds.
        let is_definition = |object: &&Value| object["kind"] == "CustomResourceDefinition";
        let (first, rest): (Vec<&Value>, Vec<&Value>) = self.objects.iter().partition(is_definition);
        let objects: Vec<&Value> = first.into_iter().chain(rest).collect();
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        json!({"format": lucid_sim::STATE_FORMAT, "revision": self.revision, "time": now, "objects": objects})
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(|object| object["kind"] == "Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_listed_once_in_its_best_version() {
        let served = |namespaced| Served { plural: "x".into(), namespaced };
        let kinds = [
            Gvk::new("autoscaling", "v1", "HorizontalPodAutoscaler"),
            Gvk::new("autoscaling", "v2", "HorizontalPodAutoscaler"),
            Gvk::new("", "v1", "Event"),
            Gvk::new("metrics.k8s.io", "v1beta1", "PodMetrics"),
        ];
        let served = kinds.into_iter().map(|gvk| (gvk, served(true))).collect();
        let targets = builtin(&served);
        assert_eq!(targets.iter().map(|target| target.gvk.version.as_str()).collect::<Vec<_>>(), ["v2"]);
        assert!(age("v1") > age("v1beta2") && age("v1beta2") > age("v1beta1") && age("v1beta1") > age("v1alpha1"));
    }

    #[test]
    fn no_value_of_a_secret_is_left() {
        let applied = json!({"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"key\":\"aGlkZGVu\"}}"});
        let secret = json!({"kind": "Secret", "type": "Opaque", "metadata": {"annotations": applied}, "data": {"key": "aGlkZGVu"}});
        let pack = json!({"kind": "Secret", "type": "lucid.dev/pack", "data": {"0": "aGlkZGVu"}});
        let mut snapshot = Snapshot { objects: vec![secret, pack], revision: 7, unseen: Vec::new() };
        snapshot.redact();
        let state = snapshot.state().to_string();
        assert!(!state.contains("aGlkZGVu") && state.contains("\"key\""), "{state}");
        assert_eq!(snapshot.objects.len(), 1);
    }
}
