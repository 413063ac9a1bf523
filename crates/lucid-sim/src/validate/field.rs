//! Paths of fields, and the problems found at them.

use std::fmt;

use serde_json::Value;

use crate::error::Cause;

/// Where a field is: `spec.containers[0].name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At(String);

impl At {
    pub(crate) fn new(path: &str) -> Self {
        Self(path.into())
    }

    /// A field of it; several steps may be given at once, with dots.
    pub(crate) fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.into()) } else { Self(format!("{}.{name}", self.0)) }
    }

    pub(crate) fn index(&self, at: usize) -> Self {
        Self(format!("{}[{at}]", self.0))
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong, in the order in which it was found.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) causes: Vec<Cause>,
}

impl Problems {
    pub(crate) fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    pub(crate) fn push(&mut self, cause: Cause) {
        self.causes.push(cause);
    }

    pub(crate) fn invalid(&mut self, at: &At, value: impl Into<Value>, detail: impl AsRef<str>) {
        self.push(Cause::invalid(at.to_string(), &value.into(), detail.as_ref()));
    }

    /// As [`Problems::invalid`], where the server shows no value.
    pub(crate) fn invalid_whole(&mut self, at: &At, detail: &str) {
        self.push(Cause::new("FieldValueInvalid", at.to_string(), format!("Invalid value: {detail}")));
    }

    /// One problem for each text.
    pub(crate) fn all_invalid(&mut self, at: &At, value: &Value, details: Vec<String>) {
        details.into_iter().for_each(|detail| self.invalid(at, value.clone(), detail));
    }

    pub(crate) fn required(&mut self, at: &At, detail: &str) {
        self.push(Cause::required(at.to_string(), detail));
    }

    pub(crate) fn forbidden(&mut self, at: &At, detail: &str) {
        self.push(Cause::forbidden(at.to_string(), detail));
    }

    pub(crate) fn unsupported(&mut self, at: &At, value: &str, supported: &[&str]) {
        self.push(Cause::not_supported(at.to_string(), value, supported));
    }

    pub(crate) fn duplicate(&mut self, at: &At, value: impl Into<Value>) {
        self.push(Cause::duplicate(at.to_string(), &value.into()));
    }

    pub(crate) fn not_found(&mut self, at: &At, value: impl Into<Value>) {
        self.push(Cause::not_found(at.to_string(), &value.into()));
    }

    pub(crate) fn too_long(&mut self, at: &At, bytes: usize) {
        let message = format!("Too long: may not be more than {bytes} bytes");
        self.push(Cause::new("FieldValueTooLong", at.to_string(), message));
    }

    pub(crate) fn too_many(&mut self, at: &At, count: usize, most: usize) {
        let items = if most == 1 { "item" } else { "items" };
        let message = format!("Too many: {count}: must have at most {most} {items}");
        self.push(Cause::new("FieldValueTooMany", at.to_string(), message));
    }

    pub(crate) fn not_negative(&mut self, at: &At, value: &Value) {
        if value.as_i64().is_some_and(|number| number < 0) {
            self.invalid(at, value.clone(), "must be greater than or equal to 0");
        }
    }

    pub(crate) fn positive(&mut self, at: &At, value: &Value) {
        if value.as_i64().is_some_and(|number| number <= 0) {
            self.invalid(at, value.clone(), "must be greater than zero");
        }
    }

    /// The field cannot change.
    pub(crate) fn immutable(&mut self, at: &At, old: &Value, new: &Value) {
        if old != new {
            // A list that is gone is shown as an empty one.
            let shown = if new.is_null() && old.is_array() { Value::Array(Vec::new()) } else { new.clone() };
            self.invalid(at, shown, "field is immutable");
        }
    }

    pub(crate) fn one_of(&mut self, at: &At, value: &Value, supported: &[&str]) {
        if let Some(text) = value.as_str().filter(|text| !supported.contains(text)) {
            self.unsupported(at, text, supported);
        }
    }
}
