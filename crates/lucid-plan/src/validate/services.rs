//! Services: pods behind them, and the ports that these have.

use lucid_object::{Finding, LabelSelector, Object};
use serde_json::Value;

use super::scene::{Scene, list, shown, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for service in scene.of("", "Service") {
        let selector = LabelSelector::from_map(&service.value()["spec"]["selector"]);
        if selector.is_empty() || service.str_at("/spec/type") == Some("ExternalName") {
            continue;
        }
        let makers: Vec<&Object> = scene.selected(service.namespace(), &selector).collect();
        match makers.is_empty() {
            true => found.push(selects_nothing(scene, service, &selector)),
            false => ports(service, &makers, found),
        }
    }
}

fn selects_nothing(scene: &Scene<'_>, service: &Object, selector: &LabelSelector) -> Finding {
    let message = format!("{} selects no pod of the release ({})", service.reference(), shown(selector));
    let finding = match scene.may_have_other_pods(service.namespace()) {
        true => Finding::warning(5201, message),
        false => Finding::error(5201, message),
    };
    let finding = finding.on(service.reference()).at(service.position("/spec/selector"));
    match scene.nearest_labels(service.namespace(), selector) {
        Some(near) => finding.help(format!("make the selector equal to the pods' labels: {near}")),
        None => finding.help("make the selector equal to the labels of the pods, or remove the Service"),
    }
}

fn ports(service: &Object, makers: &[&Object], found: &mut Vec<Finding>) {
    for (pointer, port) in list(service.value(), "/spec/ports") {
        let target = port.get("targetPort").filter(|target| !target.is_null()).unwrap_or(&port["port"]);
        let protocol = text(port, "protocol").unwrap_or("TCP");
        let open: Vec<(&Value, &str)> = makers.iter().flat_map(|maker| open_ports(maker)).collect();
        let name = target.as_str().filter(|name| name.parse::<u16>().is_err());
        let number = target.as_i64().or_else(|| target.as_str()?.parse().ok());
        let is_there = open.iter().any(|(container, over)| {
            *over == protocol
                && match name {
                    Some(name) => text(container, "name") == Some(name),
                    None => container.get("containerPort").and_then(Value::as_i64) == number,
                }
        });
        // Ports that are not declared may be open all the same; a name that is not declared means nothing.
        if is_there || (name.is_none() && open.is_empty()) {
            continue;
        }
        let who = makers.iter().map(|maker| maker.reference().short()).collect::<Vec<_>>().join(", ");
        let shown_target = target.as_str().map_or_else(|| target.to_string(), str::to_owned);
        let message = format!(
            "{} forwards to {protocol} port {shown_target}, which no container of {who} has",
            service.reference()
        );
        let finding = if name.is_some() { Finding::error(5203, message) } else { Finding::warning(5203, message) };
        let field = if port.get("targetPort").is_some() { "targetPort" } else { "port" };
        let finding = finding.on(service.reference()).at(service.position(&format!("{pointer}/{field}")));
        found.push(finding.help(format!("the ports there are: {}", all(&open))));
    }
}

/// The declared ports of the containers, each with its protocol.
pub(super) fn open_ports(maker: &Object) -> Vec<(&Value, &str)> {
    let Some(spec) = maker.pod_spec() else { return Vec::new() };
    let sidecars = list(spec, "/initContainers").filter(|(_, container)| text(container, "restartPolicy").is_some());
    let containers = list(spec, "/containers").chain(sidecars);
    let ports = containers.flat_map(|(_, container)| list(container, "/ports"));
    ports.map(|(_, port)| (port, text(port, "protocol").unwrap_or("TCP"))).collect()
}

fn all(open: &[(&Value, &str)]) -> String {
    let one = |(port, protocol): &(&Value, &str)| {
        let number = port.get("containerPort").map(Value::to_string).unwrap_or_default();
        match text(port, "name") {
            Some(name) => format!("{name} ({number}/{protocol})"),
            None => format!("{number}/{protocol}"),
        }
    };
    match open.is_empty() {
        true => "none".to_owned(),
        false => open.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}
