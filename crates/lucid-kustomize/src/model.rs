//! A kustomization file as data, every value with its place.

use lucid_object::yaml::{Pos, Text};

pub(crate) mod decode;
mod generators;
pub(crate) mod helm;
mod kustomization;
mod replacement;

pub(crate) use decode::{Manner, Shared};
pub(crate) use generators::{GeneratorArgs, GeneratorOptions};
pub(crate) use helm::Chart;
pub(crate) use kustomization::{
    Image, Kustomization, Label, Patch, Replica, Var, field_spec, image, patch_fields, replica, selector,
    selector_fields,
};
pub(crate) use replacement::{
    FieldOptions, Replacement, Selected, Target as ReplacementTarget, replacement, replacements, replacements_file,
};

/// A value and the place it was read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) pos: Pos,
}

/// A target of a patch: every part a regular expression, empty for any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    pub(crate) name: Text,
    pub(crate) namespace: Text,
    pub(crate) annotations: Text,
    pub(crate) labels: Text,
    pub(crate) pos: Pos,
}
