//! The record of a release, in a Secret of its namespace.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_client::{ApiClient, Error, Result, Target};
use lucid_release::Record;
use lucid_release::names::{self, FIELD_MANAGER};
use serde_json::{Value, json};

use crate::fence;

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
    let target = target(namespace);
    if let Some(version) = &stored.version {
        secret["metadata"]["resourceVersion"] = version.clone().into();
    }
    let written = write(client, &target, &name, &secret, stored.version.is_none()).await?;
    stored.version = written.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    Ok(())
}

/// Touches the record, so that what a run that died had sent comes too late.
///
/// # Errors
/// When it cannot be touched.
pub(crate) async fn fence(client: &ApiClient, namespace: &str, release: &str, epoch: u64) -> Result<()> {
    let name = names::record(release);
    let live = match client.get(&target(namespace), &name).await {
        Err(error) if error.is_not_found() => return Ok(()),
        result => result?,
    };
    let uid = live.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    fence::touch(client, &target(namespace), &name, uid, epoch).await
}

/// How often a write is tried whose answer is lost, or that the server is too busy for.
const ATTEMPTS: u32 = 6;

/// Creates or replaces; when the answer says nothing about the object, it is looked at before the next attempt. One that
/// holds the same data is what was wanted, whoever has written it.
///
/// # Errors
/// 409 when someone else has written.
pub(crate) async fn write(
    client: &ApiClient,
    target: &Target,
    name: &str,
    object: &Value,
    is_new: bool,
) -> Result<Value> {
    let mut attempt = 0;
    loop {
        let result = match is_new {
            true => client.create(target, object, FIELD_MANAGER).await,
            false => client.replace(target, name, object, FIELD_MANAGER).await,
        };
        let error = match result {
            Err(error) if error.is_conflict() || error.is_transient() => error,
            result => return result,
        };
        attempt += 1;
        let live = match client.get(target, name).await {
            Err(error) if error.is_not_found() => None,
            result => Some(result?),
        };
        let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
        match live {
            Some(live) if live["data"] == object["data"] => return Ok(live),
            // Nothing has happened to it: the refusal was about something else.
            Some(live) if !is_new && version(&live) == version(object) && attempt < ATTEMPTS => {}
            None if is_new && attempt < ATTEMPTS => {}
            _ => return Err(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
    }
}
