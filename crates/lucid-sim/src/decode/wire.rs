//! JSON off the wire, with the fields that are given twice.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The document, and one text for each field that it names again: `duplicate field "spec.replicas"`. The last one counts.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let (mut duplicates, mut reader) = (Vec::new(), serde_json::Deserializer::from_slice(bytes));
    let mut told = Told { duplicates: &mut duplicates, paths: None };
    let value = At { path: String::new(), told: &mut told }.deserialize(&mut reader)?;
    reader.end()?;
    Ok((value, duplicates))
}

/// The fields of a document in their order, by path.
pub(crate) fn paths(bytes: &[u8]) -> Vec<String> {
    let (mut duplicates, mut paths) = (Vec::new(), Vec::new());
    let mut told = Told { duplicates: &mut duplicates, paths: Some(&mut paths) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // A document that ends too early has the fields that it has.
    let _ = At { path: String::new(), told: &mut told }.deserialize(&mut reader);
    paths
}

struct Told<'a> {
    duplicates: &'a mut Vec<String>,
    paths: Option<&'a mut Vec<String>>,
}

struct At<'a, 't> {
    path: String,
    told: &'a mut Told<'t>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) =
            items.next_element_seed(At { path: format!("{}[{}]", self.path, out.len()), told: self.told })?
        {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if let Some(paths) = &mut self.told.paths {
                paths.push(path.clone());
            }
            if out.contains_key(&key) {
                let told = format!("duplicate field {path:?}");
                if !self.told.duplicates.contains(&told) {
                    self.told.duplicates.push(told);
                }
            }
            let value = fields.next_value_seed(At { path, told: self.told })?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_given_twice_is_told_once() {
        let (value, duplicates) = parse(br#"{"a": [{"b": 1, "b": 2, "b": 3}], "c": {"d": 1, "d": null}}"#).unwrap();
        assert_eq!(value, json!({"a": [{"b": 3}], "c": {"d": null}}));
        assert_eq!(duplicates, ["duplicate field \"a[0].b\"", "duplicate field \"c.d\""]);
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(parse(b"{} {}").is_err() && parse(b"").is_err() && parse(b"{").is_err());
    }
}
