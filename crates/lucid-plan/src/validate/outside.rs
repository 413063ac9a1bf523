//! What pods name and the release does not have: Secrets, ConfigMaps, keys, claims, ServiceAccounts.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, Object, ObjectRef};
use lucid_release::load::nearest;

use super::scene::{Scene, Source, list, spec_pointer, text};
use crate::check::{Known, is_made_by_the_cluster, keys_of};
use crate::references::{self, Reference};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for (maker, _) in &scene.makers {
        let spec = maker.pod_spec().expect("it makes pods");
        let mut told = BTreeSet::new();
        for reference in references::of_pod_spec(spec).into_iter().filter(|reference| !reference.optional) {
            if told.insert((reference.kind, reference.name.clone(), reference.key.clone())) {
                found.extend(missing(scene, maker, &reference));
            }
        }
    }
}

fn missing(scene: &Scene<'_>, maker: &Object, reference: &Reference) -> Option<Finding> {
    let target = ObjectRef::new("", reference.kind, maker.namespace(), &reference.name);
    if is_made_by_the_cluster(maker, &target) {
        return None;
    }
    let at = |finding: Finding, field: &str| {
        let pointer = format!("{}{}{field}", spec_pointer(maker), reference.pointer);
        finding.on(maker.reference()).at(maker.position(&pointer))
    };
    let known = match scene.find("", reference.kind, maker.namespace(), &reference.name) {
        Some(object) => Known::PresentWith(keys_of(object)),
        None if reference.kind == "Secret" => {
            comes_from_outside(scene, maker.namespace(), &reference.name).unwrap_or(Known::Absent)
        }
        None => Known::Absent,
    };
    match (known, &reference.key) {
        (Known::Absent, _) => {
            let message = format!("{} uses {target}, which is not in the release", maker.reference());
            let near = nearest(&reference.name, scene.names("", reference.kind, maker.namespace()));
            let advice = match (reference.kind, scene.source) {
                ("Secret", Source::ReleaseFile) => "declare it in `secrets` of lucid.yaml, or add it",
                (_, Source::ReleaseFile) => "add it to the release, or correct the name",
                (_, Source::Folder) => "add it, or see to it that the cluster has it",
            };
            Some(at(scene.absent(code(reference), message), "").help(near.unwrap_or_else(|| advice.into())))
        }
        (Known::PresentWith(keys), Some(key)) if !keys.contains(key) => {
            let message = format!("{} uses the key {key} of {target}, which has no such key", maker.reference());
            let near = nearest(key, keys.iter().map(String::as_str));
            let all = keys.iter().cloned().collect::<Vec<_>>().join(", ");
            let help = near.unwrap_or_else(|| match all.as_str() {
                "" => "it has no keys".into(),
                all => format!("its keys are: {all}"),
            });
            Some(at(Finding::error(4002, message), "").help(help))
        }
        _ => None,
    }
}

/// What the pod would fail with.
fn code(reference: &Reference) -> u16 {
    match reference.kind {
        "ServiceAccount" => 2002,
        "PersistentVolumeClaim" => 2009,
        _ if reference.pointer.starts_with("/volumes/") => 4005,
        _ => 4001,
    }
}

/// A Secret that lucid.yaml declares, or that an object of the release makes the cluster create.
pub(super) fn comes_from_outside(scene: &Scene<'_>, namespace: Option<&str>, name: &str) -> Option<Known> {
    let home = &scene.release.spec.namespace;
    let declared = scene
        .release
        .spec
        .secrets
        .iter()
        .find(|secret| secret.name == name && Some(secret.namespace.as_deref().unwrap_or(home)) == namespace);
    if let Some(declared) = declared {
        return Some(Known::PresentWith(declared.keys.keys().cloned().collect()));
    }
    made(scene).remove(&(namespace.map(str::to_owned), name.to_owned()))
}

type Secrets = BTreeMap<(Option<String>, String), Known>;

/// The Secrets that operators make of objects of the release.
fn made(scene: &Scene<'_>) -> Secrets {
    let mut secrets = Secrets::new();
    for object in &scene.objects {
        let value = object.value();
        let (name, keys) = match (object.group(), object.kind()) {
            ("external-secrets.io", "ExternalSecret") => {
                let whole = ["dataFrom"].iter().any(|field| value["spec"].get(field).is_some())
                    || value.pointer("/spec/target/template").is_some();
                let keys = list(value, "/spec/data").filter_map(|(_, entry)| text(entry, "secretKey"));
                let keys: BTreeSet<String> = keys.map(str::to_owned).collect();
                (object.str_at("/spec/target/name"), (!whole).then_some(keys))
            }
            ("bitnami.com", "SealedSecret") => {
                let sealed = value.pointer("/spec/encryptedData").and_then(|data| data.as_object());
                let plain = value.pointer("/spec/template/data").and_then(|data| data.as_object());
                let keys = sealed.into_iter().chain(plain).flat_map(|map| map.keys().cloned()).collect();
                (object.str_at("/spec/template/metadata/name"), Some(keys))
            }
            ("cert-manager.io", "Certificate") => (object.str_at("/spec/secretName"), None),
            _ => continue,
        };
        let name = name.unwrap_or(object.name()).to_owned();
        let known = keys.map_or(Known::Present, Known::PresentWith);
        secrets.insert((object.namespace().map(str::to_owned), name), known);
    }
    secrets
}
