//! The record of a release, in a Secret of its namespace.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_client::{ApiClient, Error, Result, Target};
use lucid_release::Record;
use lucid_release::names::{self, FIELD_MANAGER};
use serde_json::{Value, json};

/// A record and the version of the Secret that it was read from.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    pub record: Record,
    version: Option<String>,
}

fn target(namespace: &str) -> Target {
    Target::core("Secret", "secrets", Some(namespace))
}

/// Reads the record; an empty one when there is none.
///
/// # Errors
/// When it cannot be read, or a newer version of lucid wrote it.
pub async fn load(client: &ApiClient, namespace: &str, release: &str) -> Result<Stored> {
    let name = names::record(release);
    let secret = match client.get(&target(namespace), &name).await {
        Err(error) if error.is_not_found() => return Ok(Stored::default()),
        result => result?,
    };
    let unreadable =
        |cause: String| Error::Answer { doing: format!("read the record in Secret {namespace}/{name}"), cause };
    let text =
        secret.pointer("/data/record").and_then(Value::as_str).ok_or_else(|| unreadable("it holds none".into()))?;
    let bytes = STANDARD.decode(text).map_err(|error| unreadable(error.to_string()))?;
    let record = Record::decode(&bytes).map_err(unreadable)?;
    let version = secret.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    Ok(Stored { record, version })
}

/// Writes the record over the version it was read from, which then is this one.
///
/// # Errors
/// 409 when someone else has written in between.
pub async fn save(client: &ApiClient, namespace: &str, release: &str, stored: &mut Stored) -> Result<()> {
    let name = names::record(release);
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "lucid.dev/record",
        "metadata": {"name": name, "namespace": namespace, "labels": {names::RELEASE_LABEL: release}},
        "data": {"record": STANDARD.encode(stored.record.encode())},
    });
    let written = match &stored.version {
        None => client.create(&target(namespace), &secret, FIELD_MANAGER).await?,
        Some(version) => {
            secret["metadata"]["resourceVersion"] = version.clone().into();
            client.replace(&target(namespace), &name, &secret, FIELD_MANAGER).await?
        }
    };
    stored.version = written.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    Ok(())
}
