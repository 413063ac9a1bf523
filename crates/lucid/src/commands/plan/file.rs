//! A plan on disk: which object gets what, as hashes under the key of the release, which never leaves the cluster.
//!
//! A plan file holds no value of any object. Manifests are rendered again when it runs, and it runs only if they and the
//! cluster still lead to the same operations. Before the first deploy there is no key; then the values of Secrets are left
//! out of the hashes, since a plain hash can be guessed at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lucid_client::ApiClient;
use lucid_deploy::Deployed;
use lucid_deploy::revisions::Shelf;
use lucid_object::Finding;
use lucid_plan::{Action, Operation, Plan};
use lucid_release::names::EPOCH_ANNOTATION;
use lucid_release::{Key, ReleaseFile};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};

const KIND: &str = "PlanFile";

/// A plan, kept for later.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PlanFile {
    api_version: String,
    kind: String,
    release: String,
    namespace: String,
    /// The hashes are under the release's key, and Secret values are part of them.
    keyed: bool,
    /// Object → what happens to it.
    operations: BTreeMap<String, String>,
}

impl PlanFile {
    pub(crate) fn of(release: &ReleaseFile, deployed: &Deployed, key: Option<&Key>) -> Self {
        Self {
            api_version: lucid_report::result::VERSION.to_owned(),
            kind: KIND.to_owned(),
            release: release.name().to_owned(),
            namespace: release.spec.namespace.clone(),
            keyed: key.is_some(),
            operations: operations(&deployed.plan, key),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("a plan file is plain data");
        fs::write(path, format!("{text}\n"))
            .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let unreadable = |why: String| {
            Failure::usage(format!("{} is no plan file: {why}", path.display()))
                .help("make one with `lucid plan --out FILE`")
        };
        let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let file: Self = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        match file.kind == KIND && file.api_version == lucid_report::result::VERSION {
            true => Ok(file),
            false => Err(unreadable(format!("it is a {} of {}", file.kind, file.api_version))),
        }
    }

    /// What is not any more as it was planned; `None` when all of it is.
    pub(crate) fn differs(&self, release: &str, namespace: &str, plan: &Plan, key: Option<&Key>) -> Option<Finding> {
        let now = operations(plan, key.filter(|_| self.keyed));
        let changed = |(object, what): (&String, &String)| {
            let then = self.operations.get(object);
            (then != Some(what)).then(|| format!("{object}: planned {}, now {}", word(then), word(Some(what))))
        };
        let gone = self.operations.iter().filter(|(object, _)| !now.contains_key(*object));
        let mut differences: Vec<String> = now.iter().filter_map(changed).collect();
        differences.extend(gone.map(|(object, what)| format!("{object}: planned {}, now nothing", word(Some(what)))));
        if (self.release.as_str(), self.namespace.as_str()) != (release, namespace) {
            differences.insert(0, format!("it is for release {} in {}", self.release, self.namespace));
        }
        let mut finding = Finding::error(9017, "the plan does not fit the manifests and the cluster any more");
        finding.evidence = differences.iter().take(10).cloned().collect();
        (!differences.is_empty()).then(|| finding.help("plan again, look at it, and deploy that"))
    }
}

/// `update 3f…` → `update`; the hash says only that it is another content.
fn word(what: Option<&String>) -> &str {
    what.map_or("nothing", |what| what.split(' ').next().unwrap_or(what))
}

fn operations(plan: &Plan, key: Option<&Key>) -> BTreeMap<String, String> {
    let all = plan.lanes.iter().flat_map(|lane| &lane.operations).chain(&plan.prune);
    let changing = all.filter(|operation| operation.action != Action::Unchanged);
    changing.map(|operation| (operation.object.to_string(), what(operation, key))).collect()
}

fn what(operation: &Operation, key: Option<&Key>) -> String {
    match &operation.action {
        Action::Delete { uid } => format!("delete {uid}"),
        Action::Create => format!("create {}", fingerprint(operation, key)),
        Action::Update => format!("update {}", fingerprint(operation, key)),
        Action::Replace { uid, .. } => format!("replace {uid} {}", fingerprint(operation, key)),
        Action::Unchanged => "unchanged".to_owned(),
    }
}

/// Of what is sent.
fn fingerprint(operation: &Operation, key: Option<&Key>) -> String {
    let is_secret = operation.object.kind == "Secret" && operation.object.group.is_empty();
    let mut sent = Vec::new();
    for request in &operation.requests {
        let mut body = (*request.body).clone();
        forget_epoch(&mut body);
        if is_secret && key.is_none() {
            body["data"] = Value::Null;
            body["stringData"] = Value::Null;
        }
        sent.push(json!([request.manager, body]));
    }
    let sent = Value::Array(sent);
    match key {
        Some(key) => key.fingerprint(&sent),
        None => Sha256::digest(sent.to_string()).iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn forget_epoch(body: &mut Value) {
    let Some(annotations) = body.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return };
    annotations.remove(EPOCH_ANNOTATION);
    if annotations.is_empty()
        && let Some(metadata) = body["metadata"].as_object_mut()
    {
        metadata.remove("annotations");
    }
}

/// The key of the release, if it has one that we may read.
pub(crate) async fn key(client: &ApiClient, release: &ReleaseFile) -> Result<Option<Key>> {
    let shelf = Shelf { client, namespace: &release.spec.namespace, release: release.name() };
    match shelf.known_key().await {
        Err(error) if error.is_forbidden() => Ok(None),
        result => Ok(result?),
    }
}
