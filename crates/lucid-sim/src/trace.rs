//! A hash over everything that happened: requests and changes, in order, with their times.

use std::time::Duration;

use serde_json::Value;

use crate::api::Request;
use crate::store::Change;

/// FNV-1a, folded over bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Trace {
    pub(crate) fn hash(self) -> u64 {
        self.0
    }

    pub(crate) fn request(&mut self, now: Duration, request: &Request) {
        self.number(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        self.text(request.method.as_str());
        self.text(&request.path);
        for (key, value) in request.query.pairs() {
            self.text(key);
            self.text(value);
        }
        self.text(&request.content_type);
        self.bytes(&request.body);
    }

    pub(crate) fn reply(&mut self, code: u16) {
        self.number(code.into());
    }

    pub(crate) fn change(&mut self, change: &Change) {
        self.number(change.revision);
        self.number(u64::from(change.table.0));
        match &change.new {
            Some(object) => self.value(object),
            None => self.text("deleted"),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.text(key);
                    self.value(value);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.value(value)),
            Value::String(text) => return self.text(text),
            other => return self.text(&other.to_string()),
        }
        self.bytes(&[0xff]);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xfe]);
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(values: &[Value]) -> u64 {
        let mut trace = Trace::default();
        values.iter().for_each(|value| trace.value(value));
        trace.hash()
    }

    #[test]
    fn order_and_nesting_count() {
        assert_eq!(hash(&[json!({"a": [1]})]), hash(&[json!({"a": [1]})]));
        assert_ne!(hash(&[json!(1), json!(2)]), hash(&[json!(2), json!(1)]));
        assert_ne!(hash(&[json!(["a", "b"])]), hash(&[json!(["ab"])]));
        assert_ne!(hash(&[json!({"a": {}, "b": 1})]), hash(&[json!({"a": {"b": 1}})]));
    }
}
