//! `namespace`.

use std::collections::HashMap;

use lucid_object::yaml::{Kind, Node, Pos, Tag};

use super::failed;
use crate::fieldspec::{Field, Make};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::{Previous, Resource, set_field, set_scalar};
use crate::tables::{Spec, f};

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    #[default]
    NamedDefault,
    ServiceAccounts,
    None,
}

/// How to set the namespace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
    pub(crate) pos: Pos,
}

/// Puts every resource that is not known to be cluster-scoped into the namespace, and renames Namespaces.
pub(crate) fn apply(map: &mut ResMap, settings: Settings<'_>, specs: &[Spec], report: &mut Report) {
    if settings.namespace.is_empty() {
        return;
    }
    let fields: Vec<Field<'_>> =
        specs.iter().filter(|spec| spec.path != "metadata/namespace").map(Field::new).collect();
    for resource in map.renaming().iter_mut().filter(|resource| !is_by_helm(resource)) {
        if !report.meter.grow(settings.namespace.len() + size_of::<Previous>(), settings.pos) {
            return;
        }
        resource.store_previous();
        if let Err(error) = one(resource, settings, &fields) {
            failed(report, resource, settings.pos, "namespace", &error);
        }
    }
    conflicts(map, settings.pos, report);
}

fn is_by_helm(resource: &Resource) -> bool {
    const MARK: &str = "kustomize.config.k8s.io/helm-generated";
    resource.by_helm || resource.metadata_map("annotations").any(|(key, value)| key == MARK && value == "true")
}

/// Sets the namespace of one resource, with everything that follows from it.
pub(crate) fn one(resource: &mut Resource, settings: Settings<'_>, fields: &[Field<'_>]) -> Result<(), String> {
    const OWN: Spec = f("", "", "", "metadata/namespace", true);
    let set = |node: &mut Node| {
        if settings.unset_only && node.text().is_some_and(|text| !text.is_empty() && !node.is_null()) {
            return Ok(());
        }
        set_scalar(node, settings.namespace, Tag::Str, settings.pos)
    };
    if !resource.is_cluster_scoped() {
        Field::new(&OWN).visit(&mut resource.node, Make::Scalar(Tag::Unset), settings.pos, &mut { set })?;
    }
    let is_binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    if is_binding {
        subjects(resource, settings)?;
    }
    for field in fields {
        let own_subjects = is_binding && field.path() == "subjects/namespace" && field.is_for_binding();
        let foreign = field.path() == "metadata/name" && resource.api_version() != "v1";
        if !own_subjects && !foreign && field.applies(resource) {
            field.visit(&mut resource.node, Make::Scalar(Tag::Str), settings.pos, &mut { set })?;
        }
    }
    Ok(())
}

fn subjects(resource: &mut Resource, settings: Settings<'_>) -> Result<(), String> {
    let (field, wanted) = match settings.subjects {
        Subjects::None => return Ok(()),
        Subjects::NamedDefault => ("name", "default"),
        Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
    };
    let Some(subjects) = resource.node.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
        return Ok(());
    };
    let Kind::Seq(subjects) = &mut subjects.kind else { return Err("subjects is not a list".into()) };
    for subject in subjects {
        if subject.get(field).and_then(Node::text) != Some(wanted) {
            continue;
        }
        let kept = subject.get("namespace").and_then(Node::text).is_some_and(|text| !text.is_empty());
        if !(settings.unset_only && kept) {
            set_field(subject, "namespace", settings.namespace, Tag::Str, settings.pos);
        }
    }
    Ok(())
}

fn conflicts(map: &ResMap, pos: Pos, report: &mut Report) {
    let mut seen = HashMap::with_capacity(map.list().len());
    for resource in map.list() {
        let id = resource.id();
        if let Some(first) = seen.insert(id.clone(), resource.pos()) {
            let places = [first, resource.pos()].map(|pos| report.files.position(pos).map(|p| p.to_string()));
            let places = places.into_iter().flatten().collect::<Vec<_>>().join(" and ");
            report.error_help(
                code::DUPLICATE_OBJECT,
                pos,
                format!("the namespace makes two objects the same: {id} ({places})"),
                "give the two different names, or leave out one",
            );
        }
    }
}
