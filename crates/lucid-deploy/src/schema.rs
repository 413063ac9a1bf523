//! Objects that the server cannot try yet, held against the schemas that it publishes.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use lucid_client::ApiClient;
use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use lucid_plan::openapi::{Document, mistakes_by_definition};
use lucid_plan::{Plan, replace};
use serde_json::Value;

use crate::deploy::Refusal;

/// The mistakes of these objects. What the server has no schema for is not judged.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn check(
    client: &ApiClient,
    plan: &Plan,
    untried: &BTreeSet<ObjectRef>,
) -> Result<Vec<Finding>, Refusal> {
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations);
    let all: ObjectSet = operations.filter_map(replace::own_body).cloned().map(Object::new).collect();
    let objects = || all.iter().filter(|object| untried.contains(&object.reference()));
    let versions: BTreeSet<(String, String)> = objects().map(Object::gvk).map(|gvk| (gvk.group, gvk.version)).collect();
    let documents = join_all(versions.into_iter().map(|(group, version)| async move {
        let document = client.openapi(&group, &version).await;
        ((group, version), document)
    }));
    let mut known: BTreeMap<(String, String), Value> = BTreeMap::new();
    for (version, document) in documents.await {
        match document {
            Ok(document) => drop(known.insert(version, document)),
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "no schema to hold objects against"),
        }
    }
    let look = |object: &Object| {
        let gvk = object.gvk();
        let by_server = known.get(&(gvk.group, gvk.version)).and_then(|document| Document(document).mistakes(object));
        let mistakes = by_server.or_else(|| mistakes_by_definition(&all, object))?;
        finding(object, &mistakes)
    };
    Ok(objects().filter_map(look).collect())
}

fn finding(object: &Object, mistakes: &[String]) -> Option<Finding> {
    let first = mistakes.first()?;
    let reference = object.reference();
    let message = format!("{reference} does not fit the schema of its kind: {first}");
    let finding = Finding::error(1002, message).on(reference).help("mend the manifest");
    Some(mistakes[1..].iter().fold(finding, Finding::seen))
}
