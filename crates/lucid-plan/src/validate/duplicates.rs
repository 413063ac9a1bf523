//! Values that stand twice where the server wants them once, and that no list type tells.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::Finding;

use super::scene::{Scene, containers, list, spec_pointer, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for (maker, _) in &scene.makers {
        let spec = maker.pod_spec().expect("it makes pods");
        let mut names: BTreeMap<&str, String> = BTreeMap::new();
        for (pointer, container) in containers(spec) {
            let Some(name) = text(container, "name") else { continue };
            let other = names.insert(name, pointer.clone());
            // Twice in one list is told by its type.
            let same_list = other.as_ref().is_some_and(|other| list_of(other) == list_of(&pointer));
            if other.is_some() && !same_list {
                let message = format!("{} has two containers named {name}", maker.reference());
                let place = maker.position(&format!("{}{pointer}/name", spec_pointer(maker)));
                found.push(Finding::error(1021, message).on(maker.reference()).at(place).help("rename one of them"));
            }
        }
        named_ports(maker, spec, found);
    }
}

fn list_of(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or(pointer, |(list, _)| list)
}

/// A port's name means one port of its container. Source: pkg/apis/core/validation (validateContainerPorts).
fn named_ports(maker: &lucid_object::Object, spec: &serde_json::Value, found: &mut Vec<Finding>) {
    for (container_pointer, container) in containers(spec) {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (pointer, port) in list(container, "/ports") {
            let Some(name) = text(port, "name") else { continue };
            if !names.insert(name) {
                let message = format!("{} has two ports named {name}", maker.reference());
                let place = maker.position(&format!("{}{container_pointer}{pointer}/name", spec_pointer(maker)));
                found.push(Finding::error(1021, message).on(maker.reference()).at(place).help("rename one of them"));
            }
        }
    }
}
