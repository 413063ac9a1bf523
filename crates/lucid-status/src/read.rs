//! Reading raw API objects: fields, times, conditions and events, none of which need be there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lucid_object::{ObjectRef, at};
use serde_json::Value;

/// The string at a JSON pointer, or the empty one.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn int(value: &Value, pointer: &str) -> Option<i64> {
    at(value, pointer)?.as_i64()
}

/// A count that the API leaves out when it is zero.
pub(crate) fn count(value: &Value, pointer: &str) -> i64 {
    int(value, pointer).unwrap_or(0)
}

pub(crate) fn is_true(value: &Value, pointer: &str) -> bool {
    at(value, pointer) == Some(&Value::Bool(true))
}

pub(crate) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}

pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    at(value, pointer).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn keys<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> {
    at(value, pointer).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().map(String::as_str))
}

pub(crate) fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

pub(crate) fn namespace(value: &Value) -> Option<&str> {
    Some(text(value, "/metadata/namespace")).filter(|namespace| !namespace.is_empty())
}

pub(crate) fn uid(value: &Value) -> &str {
    text(value, "/metadata/uid")
}

pub(crate) fn kind(value: &Value) -> &str {
    text(value, "/kind")
}

pub(crate) fn group(value: &Value) -> &str {
    text(value, "/apiVersion").rsplit_once('/').map_or("", |(group, _)| group)
}

pub(crate) fn created(value: &Value) -> Option<Timestamp> {
    time(value, "/metadata/creationTimestamp")
}

/// When somebody last changed what it shall be, by the server's record of owners; status does not count.
pub(crate) fn changed(value: &Value) -> Option<Timestamp> {
    let entries = items(value, "/metadata/managedFields").filter(|entry| text(entry, "/subresource") != "status");
    entries.filter_map(|entry| time(entry, "/time")).max().or_else(|| created(value))
}

pub(crate) fn is_leaving(value: &Value) -> bool {
    !text(value, "/metadata/deletionTimestamp").is_empty()
}

pub(crate) fn reference(value: &Value) -> ObjectRef {
    ObjectRef::new(group(value), kind(value), namespace(value), name(value))
}

pub(crate) fn label<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    at(value, "/metadata/labels")?.get(key)?.as_str()
}

/// A map of labels, as selectors want it.
pub(crate) fn labels(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let labels = at(value, pointer).and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

pub(crate) fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    at(value, "/metadata/annotations")?.get(key)?.as_str()
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a>(&'a Value);

impl<'a> Condition<'a> {
    pub(crate) fn all(object: &'a Value) -> impl Iterator<Item = Self> {
        items(object, "/status/conditions").map(Self)
    }

    pub(crate) fn of(object: &'a Value, kind: &str) -> Option<Self> {
        Self::all(object).find(|condition| condition.kind() == kind)
    }

    pub(crate) fn kind(self) -> &'a str {
        text(self.0, "/type")
    }

    pub(crate) fn is(self, status: &str) -> bool {
        text(self.0, "/status") == status
    }

    pub(crate) fn reason(self) -> &'a str {
        text(self.0, "/reason")
    }

    pub(crate) fn message(self) -> &'a str {
        text(self.0, "/message")
    }

    pub(crate) fn since(self) -> Option<Timestamp> {
        time(self.0, "/lastTransitionTime")
    }

    /// The generation that this one condition speaks of, where its author says so.
    pub(crate) fn generation(self) -> Option<i64> {
        int(self.0, "/observedGeneration")
    }

    /// `Reason: message`, or whichever of them is there.
    pub(crate) fn words(self) -> String {
        match (self.reason(), self.message()) {
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// True if the condition is there and has this status.
pub(crate) fn has_condition(object: &Value, kind: &str, status: &str) -> bool {
    Condition::of(object, kind).is_some_and(|condition| condition.is(status))
}

/// Entries of the record of fields for those who write the status.
pub(crate) fn writers_of_status(object: &Value) -> impl Iterator<Item = &Value> {
    items(object, "/metadata/managedFields").filter(|entry| text(entry, "/subresource") == "status")
}

/// An Event, in either of its two spellings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a>(pub(crate) &'a Value);

impl<'a> Event<'a> {
    pub(crate) fn reason(self) -> &'a str {
        text(self.0, "/reason")
    }

    pub(crate) fn message(self) -> &'a str {
        Some(text(self.0, "/message")).filter(|message| !message.is_empty()).unwrap_or(text(self.0, "/note"))
    }

    pub(crate) fn first(self) -> Option<Timestamp> {
        let pointers = ["/firstTimestamp", "/eventTime", "/deprecatedFirstTimestamp", "/metadata/creationTimestamp"];
        pointers.iter().find_map(|pointer| time(self.0, pointer))
    }

    pub(crate) fn last(self) -> Option<Timestamp> {
        let pointers = ["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp", "/eventTime"];
        pointers.iter().find_map(|pointer| time(self.0, pointer)).or_else(|| self.first())
    }

    /// The container that the event is about, where it is about one.
    pub(crate) fn container(self) -> Option<&'a str> {
        let path = Some(text(self.0, "/involvedObject/fieldPath")).filter(|path| !path.is_empty());
        let path = path.unwrap_or(text(self.0, "/regarding/fieldPath"));
        path.split_once('{')?.1.strip_suffix('}')
    }
}
