//! The API server's proxy to pods and Services: HTTP to the simulated application.

use std::sync::Arc;

use serde_json::Value;

use lucid_object::LabelSelector;

use crate::api::path::Target;
use crate::api::{Reply, Request};
use crate::error::ApiError;
use crate::json::Json;
use crate::kinds::{Kind, Table};
use crate::world::World;

pub(crate) fn serve(world: &World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let (name, port) = address(&target.name);
    let object =
        world.get(kind.table, &target.namespace, name).ok_or_else(|| ApiError::not_found(kind.about(), name))?;
    match kind.table {
        Table::PODS => pod(world, &object, port, request),
        Table::SERVICES => service(world, &object, port, request),
        _ => Err(ApiError::no_such_path()),
    }
}

/// `name`, `name:port`, `scheme:name:port`.
fn address(text: &str) -> (&str, &str) {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [name, port] => (name, port),
        [_, name, port] => (name, port),
        _ => (text, ""),
    }
}

fn pod(world: &World, pod: &Value, port: &str, request: &Request) -> Result<Reply, ApiError> {
    let containers = pod.list("spec/containers").iter().chain(pod.list("spec/initContainers"));
    let mut ports = containers.flat_map(|c| c.list("ports").iter().map(move |p| (c, p)));
    let wanted = |p: &Value| port.is_empty() || p.int("containerPort").to_string() == port || p.str("name") == port;
    let found = ports.find(|(_, p)| wanted(p));
    let number = found.map_or(port.parse().unwrap_or(80), |(_, p)| p.int("containerPort"));
    let address = format!("{}:{number}", pod.str("status/podIP"));
    if pod.str("status/podIP").is_empty() {
        return Err(ApiError::bad_request(format!("address not allowed: pod {} has no address", pod.name())));
    }
    match found.and_then(|(container, _)| world.kubelets.answer(pod, container.str("name"), world.now())) {
        Some(true) => Ok(answer(pod, request)),
        Some(false) => Ok(Reply::text(503, "not ready\n")),
        None => {
            let message = format!("error trying to reach service: dial tcp {address}: connect: connection refused");
            let mut error = ApiError::unavailable(message);
            error.code = 502;
            error.reason = "";
            Ok(Reply::text(502, error.message))
        }
    }
}

/// What a healthy application says on every path.
fn answer(pod: &Value, request: &Request) -> Reply {
    let body = serde_json::json!({"status": "ok", "pod": pod.name(), "path": request.path.split("/proxy").nth(1).unwrap_or("/")});
    Reply::json(200, &body)
}

fn service(world: &World, service: &Value, port: &str, request: &Request) -> Result<Reply, ApiError> {
    let ports = service.list("spec/ports");
    let wanted = |p: &&Value| port.is_empty() || p.int("port").to_string() == port || p.str("name") == port;
    let Some(found) = ports.iter().find(wanted) else {
        return Err(ApiError::unavailable(format!("no service port {port:?} found for service {:?}", service.name())));
    };
    let selector = LabelSelector::from_map(service.at("spec/selector"));
    let ready =
        |pod: &&Arc<Value>| pod.condition("Ready") == "True" && !pod.is_deleting() && selector.matches(&pod.labels());
    let Some(backend) =
        world.store.list_in(Table::PODS, service.namespace()).find(ready).filter(|_| !selector.is_empty())
    else {
        return Err(ApiError::unavailable(format!("no endpoints available for service {:?}", service.name())));
    };
    let target = match found.at("targetPort") {
        Value::String(name) => name.clone(),
        Value::Number(number) => number.to_string(),
        _ => found.int("port").to_string(),
    };
    pod(world, backend, &target, request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("web"), ("web", ""));
        assert_eq!(address("web:http"), ("web", "http"));
        assert_eq!(address("https:web:443"), ("web", "443"));
    }
}
