//! The certificates that Ingresses serve: each Secret is read once, by name, and its key leaves no trace.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use futures::future::join_all;
use lucid_client::{ApiClient, Target};
use lucid_health::certificate;
use lucid_object::ObjectRef;
use lucid_status::Cluster;
use lucid_status::health::{Area, Tls};
use serde_json::Value;

use super::HealthRequest;
use super::look::in_time;
use crate::cache::Cache;

pub(super) async fn certificates(
    client: &ApiClient,
    cache: &Cache,
    namespaces: &[String],
    request: &HealthRequest<'_>,
) -> BTreeMap<ObjectRef, Tls> {
    if request.skip.contains(&Area::Ingresses) {
        return BTreeMap::new();
    }
    let secrets: BTreeSet<ObjectRef> = namespaces.iter().flat_map(|namespace| named(cache, namespace)).collect();
    let read = join_all(secrets.iter().map(|secret| one(client, secret, request))).await;
    secrets.into_iter().zip(read).filter_map(|(secret, tls)| Some((secret, tls?))).collect()
}

fn named(cache: &Cache, namespace: &str) -> Vec<ObjectRef> {
    let ingresses = cache.list("networking.k8s.io", "Ingress", Some(namespace)).into_iter();
    let tls = ingresses.filter_map(|ingress| ingress.pointer("/spec/tls")?.as_array()).flatten();
    let names = tls.filter_map(|tls| tls.get("secretName")?.as_str()).filter(|name| !name.is_empty());
    names.map(|name| ObjectRef::new("", "Secret", Some(namespace), name)).collect()
}

/// `None` when it does not exist: that is said of the Ingress itself.
async fn one(client: &ApiClient, secret: &ObjectRef, request: &HealthRequest<'_>) -> Option<Tls> {
    let target = Target::core("Secret", "secrets", secret.namespace.as_deref());
    let read = in_time(request.patience, "read a certificate", client.get(&target, &secret.name)).await;
    let object = match read {
        Ok(object) => object,
        Err(error) if error.is_not_found() => return None,
        Err(error) if error.is_forbidden() => return Some(Tls::Unseen("we may not read this Secret".into())),
        Err(error) => return Some(Tls::Unseen(error.to_string())),
    };
    let (chain, key) = tls_of(&object);
    if let Some(key) = &key {
        request.cleaner.keep(key);
    }
    let Some(chain) = chain else { return Some(Tls::Unreadable("it has no tls.crt".into())) };
    Some(certificate::read(&chain, key.as_deref()))
}

/// `tls.crt` and `tls.key` of a Secret.
pub(crate) fn tls_of(secret: &Value) -> (Option<Vec<u8>>, Option<String>) {
    (decoded(secret, "tls.crt"), decoded(secret, "tls.key").and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn decoded(secret: &Value, field: &str) -> Option<Vec<u8>> {
    let text = secret.get("data")?.get(field)?.as_str()?;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
