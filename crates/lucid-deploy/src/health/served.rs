//! The certificates that the addresses of Ingresses show for their hosts, as far as they can be reached from here.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use lucid_status::Cluster;
use lucid_status::health::{Area, Served, Unreached};
use serde_json::Value;

use super::HealthRequest;
use crate::cache::Cache;

/// Greetings under way at the same time.
const AT_ONCE: usize = 16;
/// Names that are asked of one address: a controller serves them all from the same table.
const HOSTS_ASKED: usize = 32;
/// An address that does not answer by then cannot be reached from here.
const PATIENCE: Duration = Duration::from_secs(3);
const PORT: u16 = 443;

/// An address with the names to be asked for there.
type Doors = BTreeMap<String, (String, Vec<String>)>;

pub(super) async fn served(
    cache: &Cache,
    namespaces: &[String],
    request: &HealthRequest<'_>,
) -> (Vec<Served>, Vec<Unreached>) {
    if request.skip.contains(&Area::Ingresses) {
        return (Vec::new(), Vec::new());
    }
    let doors = doors(cache, namespaces);
    let patience = request.patience.min(PATIENCE);
    let mut answers = stream::iter(doors.iter().map(|(address, (ingress, hosts))| async move {
        // The first name shows whether the address can be reached at all.
        let mut seen = Vec::new();
        for host in hosts.iter().take(HOSTS_ASKED) {
            match lucid_health::served_at(address, PORT, host, patience).await {
                Ok(tls) => seen.push(Served { host: host.clone(), by: address.clone(), tls }),
                Err(reason) if seen.is_empty() => {
                    let reason = format!("port {PORT} cannot be asked from here: {reason}");
                    return (seen, Some(Unreached { what: format!("{address} of Ingress {ingress}"), reason }));
                }
                Err(_) => {}
            }
        }
        (seen, None)
    }))
    .buffered(AT_ONCE);
    let (mut served, mut unreached) = (Vec::new(), Vec::new());
    while let Some((seen, not_reached)) = answers.next().await {
        served.extend(seen);
        unreached.extend(not_reached);
    }
    (served, unreached)
}

/// Each address once, with the names of all Ingresses that it serves with TLS.
fn doors(cache: &Cache, namespaces: &[String]) -> Doors {
    let ingresses = namespaces.iter().flat_map(|namespace| cache.list("networking.k8s.io", "Ingress", Some(namespace)));
    let mut doors = Doors::new();
    for ingress in ingresses {
        let hosts: Vec<&str> = array(ingress, "/spec/tls").flat_map(|tls| texts(tls, "/hosts")).collect();
        let name = |field: &str| ingress.pointer(field).and_then(Value::as_str).unwrap_or_default();
        for address in crate::doors::of(ingress).filter(|_| !hosts.is_empty()) {
            let title = format!("{}/{}", name("/metadata/namespace"), name("/metadata/name"));
            let (_, known) = doors.entry(address.to_owned()).or_insert_with(|| (title, Vec::new()));
            // A wildcard is no name that can be asked for.
            known.extend(hosts.iter().filter(|host| !host.starts_with('*')).map(|host| (*host).to_owned()));
            known.sort();
            known.dedup();
        }
    }
    doors
}

fn array<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn texts<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    array(value, pointer).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_asked_once_for_all_its_names() {
        let ingress = |name: &str, hosts: &[&str], address: Value| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "n"},
                "spec": {"tls": [{"hosts": hosts, "secretName": "tls"}]},
                "status": {"loadBalancer": {"ingress": [address]}}})
        };
        let mut cache = Cache::default();
        cache.set(ingress("a", &["a.example", "*.example"], json!({"ip": "192.0.2.7"})));
        cache.set(ingress("b", &["b.example", "a.example"], json!({"ip": "192.0.2.7"})));
        cache.set(ingress("c", &["c.example"], json!({"hostname": "lb.example"})));
        cache.set(ingress("plain", &[], json!({"ip": "192.0.2.8"})));
        let names = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            doors(&cache, &["n".into()]),
            Doors::from([
                ("192.0.2.7".into(), ("n/a".into(), names(&["a.example", "b.example"]))),
                ("lb.example".into(), ("n/c".into(), names(&["c.example"]))),
            ])
        );
    }
}
