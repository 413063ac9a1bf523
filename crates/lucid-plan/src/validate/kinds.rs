//! API versions: known, served by every supported minor, and not on their way out.

use std::collections::BTreeSet;

use lucid_object::{Finding, Gvk, Object};
use lucid_release::load::nearest;
use lucid_schema::minors::{self, Life, SUPPORTED};

use super::scene::Scene;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let defined: BTreeSet<(&str, &str)> = scene
        .of("apiextensions.k8s.io", "CustomResourceDefinition")
        .filter_map(|crd| Some((crd.str_at("/spec/group")?, crd.str_at("/spec/names/kind")?)))
        .collect();
    for object in &scene.objects {
        if !defined.contains(&(object.group(), object.kind())) {
            found.extend(one(object));
        }
    }
}

fn one(object: &Object) -> Option<Finding> {
    let gvk = object.gvk();
    let at = |finding: Finding| finding.on(object.reference()).at(object.position("/apiVersion"));
    let life = minors::life(&gvk);
    if let Some(life) = life.filter(|life| life.removed.is_none()) {
        return Some(at(Finding::advice(1024, format!("{gvk} is deprecated")).help(instead(&gvk, life))));
    }
    if let Some(since) = minors::kind_since(&gvk) {
        let message =
            format!("{gvk} is there since Kubernetes 1.{since}; {} to 1.{} are supported too", first(), since - 1);
        return Some(at(Finding::warning(1003, message)).help("deploy it to newer clusters only"));
    }
    if let Some(resource) = lucid_schema::resource(&gvk) {
        let gone = if resource.is_stored() {
            None
        } else {
            Some(format!("a {gvk} is a question to the server, nothing to deploy"))
        };
        return gone.map(|message| at(Finding::error(1003, message)).help("take it out of the manifests"));
    }
    if let Some(life) = life {
        return Some(at(ended(&gvk, life)));
    }
    minors::is_own_group(&gvk.group).then(|| at(unknown(&gvk)))
}

fn first() -> String {
    format!("1.{}", SUPPORTED.start())
}

fn instead(gvk: &Gvk, life: &Life) -> String {
    match life.replacement {
        "" => alternatives(gvk).unwrap_or_else(|| "nothing takes its place".into()),
        new => format!("use {new}"),
    }
}

fn ended(gvk: &Gvk, life: &Life) -> Finding {
    let instead = instead(gvk, life);
    match life.removed {
        Some((1, minor)) if minor <= *SUPPORTED.start() => {
            Finding::error(1004, format!("{gvk} was removed in Kubernetes 1.{minor}")).help(instead)
        }
        Some((major, minor)) => {
            Finding::warning(1024, format!("{gvk} is not served by default, and is gone in Kubernetes {major}.{minor}"))
                .help(instead)
        }
        None => Finding::warning(1024, format!("{gvk} is deprecated")).help(instead),
    }
}

fn unknown(gvk: &Gvk) -> Finding {
    let message = format!("Kubernetes has no {gvk}");
    let kinds = || lucid_schema::resources().iter().filter(|resource| resource.is_stored());
    let here = kinds().filter(|r| r.group == gvk.group && r.version == gvk.version);
    let near = alternatives(gvk)
        .or_else(|| nearest(&gvk.kind, here.map(|r| r.kind)))
        .or_else(|| nearest(&gvk.kind, kinds().map(|r| r.kind)));
    Finding::error(1003, message).help(near.unwrap_or_else(|| "correct `apiVersion` or `kind`".into()))
}

/// Where the same kind is served.
fn alternatives(gvk: &Gvk) -> Option<String> {
    let same = lucid_schema::resources().iter().filter(|resource| resource.kind == gvk.kind && resource.is_stored());
    let versions: Vec<String> = same.map(|resource| resource.gvk().api_version()).collect();
    (!versions.is_empty()).then(|| format!("{} is {}", gvk.kind, versions.join(" or ")))
}
