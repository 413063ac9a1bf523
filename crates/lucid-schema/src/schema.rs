//! The walk through a type: from a kind to its fields, items and merge rules.

use lucid_object::Gvk;

use crate::generated::DEFINITIONS;
use crate::resource::{Resource, Subresource, resource};
use crate::types::{Definition, Field, ListKind, Type};

/// The type at one place of an object, and the field that led there.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    ty: Type,
    field: Option<&'static Field>,
}

/// What a value of a [`Schema`] is made of.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Struct(&'static Definition),
    Map { atomic: bool },
    List(ListKind),
    Scalar,
    Any,
}

impl Schema {
    /// The schema of a built-in kind.
    pub fn of(gvk: &Gvk) -> Option<Self> {
        Self::of_resource(resource(gvk)?)
    }

    pub fn of_resource(resource: &Resource) -> Option<Self> {
        Self::at(resource.definition?)
    }

    /// The schema of what a subresource speaks (`Scale`, `Eviction`).
    pub fn of_subresource(subresource: &Subresource) -> Option<Self> {
        Self::at(subresource.definition?)
    }

    fn at(index: u16) -> Option<Self> {
        Some(Self { ty: Type::Ref(index), field: None })
    }

    /// The schema of `metadata`, the same for every kind (custom resources too).
    pub fn object_meta() -> Self {
        let pod = resource(&Gvk::new("", "v1", "Pod")).and_then(Self::of_resource).expect("Pod is a built-in kind");
        pod.field("metadata").expect("every object has metadata")
    }

    pub fn ty(self) -> Type {
        self.ty
    }

    /// The name of the definition that a type refers to.
    pub fn name_of(ty: Type) -> Option<&'static str> {
        Self { ty, field: None }.definition().map(|definition| definition.name)
    }

    /// The row of the field that led here; `None` at the root and for list and map values.
    pub fn row(self) -> Option<&'static Field> {
        self.field
    }

    pub fn definition(self) -> Option<&'static Definition> {
        match self.ty {
            Type::Ref(index) => DEFINITIONS.get(usize::from(index)),
            _ => None,
        }
    }

    pub fn shape(self) -> Shape {
        match self.ty {
            Type::Ref(index) => Shape::Struct(&DEFINITIONS[usize::from(index)]),
            Type::Map(_, atomic) => Shape::Map { atomic },
            Type::List(_, kind) => Shape::List(kind),
            Type::Any => Shape::Any,
            _ => Shape::Scalar,
        }
    }

    /// The schema of a struct's field or of a map's value; `None` when a struct has no such field.
    pub fn field(self, name: &str) -> Option<Self> {
        match self.ty {
            Type::Map(value, _) => Some(Self { ty: *value, field: None }),
            Type::Any => Some(self),
            _ => self.definition()?.field(name).map(|field| Self { ty: field.ty, field: Some(field) }),
        }
    }

    /// The schema of a list's items.
    pub fn items(self) -> Option<Self> {
        match self.ty {
            Type::List(item, _) => Some(Self { ty: *item, field: None }),
            Type::Any => Some(self),
            _ => None,
        }
    }
}

/// The list type at a path of field names, stepping through lists and maps on the way
/// (`["spec", "containers", "ports"]`).
pub fn list_type(gvk: &Gvk, path: &[&str]) -> Option<ListKind> {
    let mut at = Schema::of(gvk)?;
    for name in path {
        while let Some(items) = at.items().filter(|_| matches!(at.ty, Type::List(..))) {
            at = items;
        }
        at = at.field(name)?;
    }
    match at.ty {
        Type::List(_, kind) => Some(kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: (&str, &str), path: &str, expect: Option<ListKind>) {
        let path: Vec<&str> = path.split('.').collect();
        assert_eq!(list_type(&Gvk::from_api_version(kind.0, kind.1), &path), expect, "{path:?}");
    }

    #[test]
    fn list_types_and_keys() {
        let deployment = ("apps/v1", "Deployment");
        let pod = "spec.template.spec";
        check(deployment, &format!("{pod}.containers"), Some(ListKind::Map(&["name"])));
        check(deployment, &format!("{pod}.containers.ports"), Some(ListKind::Map(&["containerPort", "protocol"])));
        check(deployment, &format!("{pod}.containers.args"), Some(ListKind::Atomic));
        check(deployment, &format!("{pod}.tolerations"), Some(ListKind::Atomic));
        check(deployment, "metadata.finalizers", Some(ListKind::Set));
        check(deployment, "metadata.ownerReferences", Some(ListKind::Map(&["uid"])));
        check(deployment, "status.conditions", Some(ListKind::Map(&["type"])));
        check(("v1", "Service"), "spec.ports", Some(ListKind::Map(&["port", "protocol"])));
        check(("networking.k8s.io/v1", "Ingress"), "spec.rules", Some(ListKind::Atomic));
        check(deployment, "spec.replicas", None);
        check(deployment, "spec.nonsense", None);
    }

    #[test]
    fn fields_know_their_defaults_and_merge_keys() {
        let ports = walk("spec.containers.ports");
        assert_eq!(ports.row().unwrap().merge_key, Some("containerPort"));
        assert_eq!(ports.items().unwrap().field("protocol").unwrap().row().unwrap().default, Some("\"TCP\""));
        assert_eq!(walk("spec.volumes").row().unwrap().strategy, "merge,retainKeys");
        assert!(walk("spec.containers.resources").row().unwrap().always_present());
        assert!(walk("spec.containers").row().unwrap().always_present());
        assert!(!walk("spec.volumes").row().unwrap().always_present());
    }

    #[test]
    fn maps_and_atoms() {
        assert!(matches!(walk("metadata.labels").shape(), Shape::Map { atomic: false }));
        assert!(matches!(walk("spec.nodeSelector").shape(), Shape::Map { atomic: true }));
        let secret = walk("spec.containers.env.valueFrom.secretKeyRef");
        assert!(secret.definition().unwrap().atomic);
        assert_eq!(walk("spec.containers.resources.limits").field("cpu").unwrap().ty(), Type::Quantity);
        assert_eq!(walk("spec.containers.ports.containerPort").ty(), Type::Int32);
    }

    #[test]
    fn scale_has_a_schema_of_its_own() {
        let scale = crate::by_plural("apps", "v1", "deployments").unwrap().subresource("scale").unwrap();
        assert!(Schema::of_subresource(scale).unwrap().field("spec").unwrap().field("replicas").is_some());
    }

    #[track_caller]
    fn walk(path: &str) -> Schema {
        path.split('.').fold(Schema::of(&Gvk::new("", "v1", "Pod")).unwrap(), |at, name| {
            let at = if matches!(at.ty(), Type::List(..)) { at.items().unwrap() } else { at };
            at.field(name).unwrap_or_else(|| panic!("no {name} in {path}"))
        })
    }
}
