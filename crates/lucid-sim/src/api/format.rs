//! In which form objects go out: whole, metadata only, or as table rows.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::{convert, table};
use crate::json::Json;
use crate::kinds::Kind;

/// What the `Accept` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Full,
    Metadata,
    MetadataList,
    Table(Include),
}

/// What a table's rows carry of their objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    /// What `includeObject` asks for.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "None" => Some(Self::None),
            "Object" => Some(Self::Object),
            _ => None,
        }
    }
}

impl Format {
    /// The first form that the server can give; `None` when it can give none.
    pub(crate) fn negotiate(accept: &str) -> Option<Self> {
        if accept.is_empty() {
            return Some(Self::Full);
        }
        accept.split(',').find_map(|part| {
            let mut parts = part.split(';').map(str::trim);
            let media = parts.next()?;
            if !matches!(media, "application/json" | "application/*" | "*/*" | "application/yaml") {
                return None;
            }
            match parts.find_map(|parameter| parameter.strip_prefix("as=")) {
                None => Some(Self::Full),
                Some("Table") => Some(Self::Table(Include::Metadata)),
                Some("PartialObjectMetadata") => Some(Self::Metadata),
                Some("PartialObjectMetadataList") => Some(Self::MetadataList),
                Some(_) => None,
            }
        })
    }
}

pub(crate) fn one(object: &Arc<Value>, kind: &Kind, format: Format, now: i64) -> Arc<Value> {
    match format {
        Format::Full => convert::present(kind, object),
        Format::Metadata | Format::MetadataList => Arc::new(metadata(object)),
        Format::Table(include) => {
            let metadata = json!({"resourceVersion": object.str("metadata/resourceVersion")});
            Arc::new(table::of(kind, std::slice::from_ref(object), metadata, include, now))
        }
    }
}

pub(crate) fn metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.at("metadata")})
}

/// One line of a watch.
pub(crate) fn encode_event(event: &str, object: &Arc<Value>, kind: &Kind, format: Format, now: i64) -> Bytes {
    let shown = match (event, format) {
        ("ERROR", _) => object.clone(),
        ("BOOKMARK", Format::Full) => object.clone(),
        _ => one(object, kind, format, now),
    };
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(event.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    serde_json::to_writer(&mut out, &*shown).expect("JSON values can be written");
    out.extend_from_slice(b"}\n");
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expect: Option<Format>) {
        assert_eq!(Format::negotiate(accept), expect, "{accept}");
    }

    #[test]
    fn negotiation() {
        check("", Some(Format::Full));
        check("application/json, */*", Some(Format::Full));
        check("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some(Format::Table(Include::Metadata)));
        check("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Some(Format::Metadata));
        check("application/vnd.kubernetes.protobuf,application/json", Some(Format::Full));
        check("application/vnd.kubernetes.protobuf", None);
        check("text/html", None);
    }
}
