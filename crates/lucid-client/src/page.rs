//! One page of a LIST, read object by object: what is not kept of one is gone before the next is read.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What a page says beside its objects.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    /// Where the next page begins; empty after the last one.
    #[serde(rename = "continue")]
    pub(crate) next: String,
    pub(crate) resource_version: String,
}

/// Hands over each object as it is read.
pub(crate) fn read(bytes: &[u8], take: &mut dyn FnMut(Value)) -> serde_json::Result<Meta> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let meta = Page(take).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(meta)
}

struct Page<'a>(&'a mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = Meta;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Meta, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Meta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta, A::Error> {
        let mut meta = Meta::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => meta = map.next_value()?,
                "items" => map.next_value_seed(Items(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(meta)
    }
}

struct Items<'a>(&'a mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the objects of a list")
    }

    /// Some servers write `null` for no objects.
    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            (self.0)(item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(&str, &str, usize)>) {
        let mut items = Vec::new();
        let read = read(text.as_bytes(), &mut |item| items.push(item)).ok();
        let said = read.as_ref().map(|meta| (meta.next.as_str(), meta.resource_version.as_str(), items.len()));
        assert_eq!(said, expect, "{text}");
    }

    #[test]
    fn pages_are_read_whatever_the_order_of_their_fields() {
        check(r#"{"metadata":{"continue":"x","resourceVersion":"7"},"items":[{"a":1},{}]}"#, Some(("x", "7", 2)));
        check(r#"{"items":[{}],"kind":"PodList","metadata":{"remainingItemCount":3}}"#, Some(("", "", 1)));
        check(r#"{"items":null,"metadata":{}}"#, Some(("", "", 0)));
        check("{}", Some(("", "", 0)));
        check("[]", None);
        check(r#"{"items":[{}"#, None);
        check(r#"{"items":7}"#, None);
        check("{} and more", None);
    }
}
