//! Bodies in protobuf, which typed Go clients send unless they are told otherwise, as the JSON that they stand for.
//!
//! Answers are always JSON: whoever sends protobuf takes that, too.
//!
//! Source: apimachinery/pkg/runtime/serializer/protobuf, and the `generated.proto` files of k8s.io/api.

use lucid_object::Gvk;
use lucid_schema::{Field, Presence, Schema, Type};
use serde_json::{Map, Value, json};

use crate::time;

const MAGIC: &[u8] = b"k8s\0";

/// One field on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

type Read<T> = Result<T, String>;

/// The object that an envelope carries.
pub(crate) fn read(body: &[u8]) -> Read<Value> {
    let body = body.strip_prefix(MAGIC).ok_or("provided data does not appear to be a protobuf message")?;
    let envelope = fields(body)?;
    let about = fields(bytes(&envelope, 1).unwrap_or_default())?;
    let (version, kind) = (text(&about, 1), text(&about, 2));
    let raw = bytes(&envelope, 2).unwrap_or_default();
    let gvk = Gvk::from_api_version(&version, &kind);
    let mut object = if kind == "DeleteOptions" {
        options(raw)?
    } else {
        let schema = lucid_schema::schema_of(&gvk);
        let schema = schema.ok_or_else(|| format!("no kind {kind:?} is registered for version {version:?}"))?;
        message(raw, schema)?
    };
    object.insert("apiVersion".into(), version.into());
    object.insert("kind".into(), kind.into());
    Ok(Value::Object(object))
}

fn fields(mut rest: &[u8]) -> Read<Vec<(u64, Wire<'_>)>> {
    const SHORT: &str = "unexpected EOF";
    let mut out = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut rest)?),
            kind @ (1 | 5) => {
                let (number, after) = rest.split_at_checked(if kind == 1 { 8 } else { 4 }).ok_or(SHORT)?;
                rest = after;
                Wire::Number(number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| SHORT)?;
                let (inner, after) = rest.split_at_checked(length).ok_or(SHORT)?;
                rest = after;
                Wire::Bytes(inner)
            }
            other => return Err(format!("illegal wireType {other}")),
        };
        out.push((tag >> 3, wire));
    }
    Ok(out)
}

fn varint(rest: &mut &[u8]) -> Read<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or("unexpected EOF")?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("integer overflow".into())
}

/// All that stands at a path of numbers.
fn at<'b>(entries: &[(u64, Wire<'b>)], path: &[u16]) -> Read<Vec<Wire<'b>>> {
    let Some((first, rest)) = path.split_first() else { return Ok(Vec::new()) };
    let found = entries.iter().filter(|(number, _)| *number == u64::from(*first)).map(|(_, wire)| *wire);
    if rest.is_empty() {
        return Ok(found.collect());
    }
    let mut out = Vec::new();
    for wire in found {
        if let Wire::Bytes(inner) = wire {
            out.extend(at(&fields(inner)?, rest)?);
        }
    }
    Ok(out)
}

fn bytes<'b>(entries: &[(u64, Wire<'b>)], number: u64) -> Option<&'b [u8]> {
    entries.iter().rev().find_map(|(n, wire)| match wire {
        Wire::Bytes(bytes) if *n == number => Some(*bytes),
        _ => None,
    })
}

fn text(entries: &[(u64, Wire<'_>)], number: u64) -> String {
    String::from_utf8_lossy(bytes(entries, number).unwrap_or_default()).into_owned()
}

fn number(entries: &[(u64, Wire<'_>)], number: u64) -> Option<i64> {
    entries.iter().rev().find_map(|(n, wire)| match wire {
        Wire::Number(value) if *n == number => Some(value.cast_signed()),
        _ => None,
    })
}

fn message(raw: &[u8], schema: Schema) -> Read<Map<String, Value>> {
    let entries = fields(raw)?;
    let mut out = Map::new();
    for field in schema.definition().map_or(&[][..], |definition| definition.fields) {
        let found = at(&entries, field.proto)?;
        let Some(inner) = schema.field(field.name).filter(|_| !found.is_empty()) else { continue };
        let value = value(&found, inner)?;
        if !is_unset(field, &value) {
            out.insert(field.name.into(), value);
        }
    }
    Ok(out)
}

/// What Go does not hold by a pointer is on the wire even when nobody set it.
fn is_unset(field: &Field, value: &Value) -> bool {
    let zero = match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(flag) => !flag,
        Value::Null => true,
        Value::Object(map) => map.is_empty() && matches!(field.ty, Type::Time | Type::MicroTime),
        Value::Array(_) => false,
    };
    zero && !field.is_pointer() && field.presence != Presence::Always || value.is_null()
}

fn value(found: &[Wire<'_>], schema: Schema) -> Read<Value> {
    match schema.ty() {
        Type::List(..) => {
            let items = schema.items().ok_or("a list has items")?;
            Ok(Value::Array(found.iter().map(|wire| one(*wire, items)).collect::<Read<_>>()?))
        }
        Type::Map(..) => {
            let values = schema.field("*").ok_or("a map has values")?;
            let mut out = Map::new();
            for wire in found {
                let Wire::Bytes(entry) = wire else { continue };
                let entry = fields(entry)?;
                out.insert(text(&entry, 1), map_value(&entry, values)?);
            }
            Ok(Value::Object(out))
        }
        _ => one(*found.last().ok_or("a field has a value")?, schema),
    }
}

fn map_value(entry: &[(u64, Wire<'_>)], schema: Schema) -> Read<Value> {
    let held = at(entry, &[2])?;
    match (held.last(), schema.ty()) {
        // A list in a map is a message with one repeated field.
        (Some(Wire::Bytes(inner)), Type::List(..)) => value(&at(&fields(inner)?, &[1])?, schema),
        (Some(wire), _) => one(*wire, schema),
        (None, Type::String | Type::Bytes) => Ok("".into()),
        (None, _) => Ok(Value::Null),
    }
}

fn one(wire: Wire<'_>, schema: Schema) -> Read<Value> {
    match (wire, schema.ty()) {
        (Wire::Number(value), Type::Boolean) => Ok((value != 0).into()),
        (Wire::Number(value), Type::Number) => Ok(f64::from_bits(value).into()),
        (Wire::Number(value), Type::Int32) => Ok((value as i32).into()),
        (Wire::Number(value), _) => Ok(value.cast_signed().into()),
        (Wire::Bytes(raw), Type::String) => Ok(String::from_utf8_lossy(raw).into_owned().into()),
        (Wire::Bytes(raw), Type::Bytes) => Ok(crate::base64::encode(raw).into()),
        (Wire::Bytes(raw), Type::Quantity) => Ok(text(&fields(raw)?, 1).into()),
        (Wire::Bytes(raw), Type::Time) => Ok(stamp(&fields(raw)?, false)),
        (Wire::Bytes(raw), Type::MicroTime) => Ok(stamp(&fields(raw)?, true)),
        (Wire::Bytes(raw), Type::IntOrString) => {
            let entries = fields(raw)?;
            Ok(match number(&entries, 1) {
                Some(1) => text(&entries, 3).into(),
                _ => number(&entries, 2).unwrap_or(0).into(),
            })
        }
        (Wire::Bytes(raw), Type::Ref(_)) => message(raw, schema).map(Value::Object),
        (Wire::Bytes(raw), _) if of_schema(schema) => schema_or(raw, schema),
        // Raw JSON is a message around its text.
        (Wire::Bytes(raw), _) => {
            let inner = fields(raw)?;
            Ok(bytes(&inner, 1).and_then(|text| serde_json::from_slice(text).ok()).unwrap_or(Value::Null))
        }
    }
}

/// Whether a place of a definition's schema holds a schema or something simpler.
fn of_schema(schema: Schema) -> bool {
    schema.row().is_some_and(|row| row.go.contains(".JSONSchemaPropsOr"))
}

/// A schema, several, a flag, or names.
fn schema_or(raw: &[u8], schema: Schema) -> Read<Value> {
    let entries = fields(raw)?;
    let of = schema.row().map_or("", |row| row.go);
    let definition = || {
        let root = lucid_schema::schema_of(&Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))?;
        root.field("spec")?.field("versions")?.items()?.field("schema")?.field("openAPIV3Schema")
    };
    let read = |raw: &[u8]| message(raw, definition().ok_or("definitions have schemas")?).map(Value::Object);
    if of.ends_with("OrBool") {
        return match bytes(&entries, 2) {
            Some(raw) => read(raw),
            None => Ok((number(&entries, 1) == Some(1)).into()),
        };
    }
    if let Some(raw) = bytes(&entries, 1) {
        return read(raw);
    }
    let several = at(&entries, &[2])?.into_iter().filter_map(|wire| match wire {
        Wire::Bytes(raw) if of.ends_with("OrArray") => Some(read(raw)),
        Wire::Bytes(raw) => Some(Ok(String::from_utf8_lossy(raw).into_owned().into())),
        Wire::Number(_) => None,
    });
    Ok(Value::Array(several.collect::<Read<_>>()?))
}

fn stamp(entries: &[(u64, Wire<'_>)], micros: bool) -> Value {
    match (number(entries, 1), micros) {
        (None, _) => Value::Null,
        (Some(seconds), false) => time::format_seconds(seconds).into(),
        (Some(seconds), true) => {
            time::format_micros(seconds * 1_000_000 + number(entries, 2).unwrap_or(0) / 1000).into()
        }
    }
}

/// DeleteOptions are no resource, so the tables do not have them.
fn options(raw: &[u8]) -> Read<Map<String, Value>> {
    let entries = fields(raw)?;
    let mut out = Map::new();
    if let Some(seconds) = number(&entries, 1) {
        out.insert("gracePeriodSeconds".into(), seconds.into());
    }
    if let Some(inner) = bytes(&entries, 2) {
        let inner = fields(inner)?;
        let mut conditions = json!({});
        for (number, name) in [(1, "uid"), (2, "resourceVersion")] {
            if bytes(&inner, number).is_some() {
                conditions[name] = text(&inner, number).into();
            }
        }
        out.insert("preconditions".into(), conditions);
    }
    if let Some(orphan) = number(&entries, 3) {
        out.insert("orphanDependents".into(), (orphan != 0).into());
    }
    if bytes(&entries, 4).is_some() {
        out.insert("propagationPolicy".into(), text(&entries, 4).into());
    }
    let dry: Vec<Value> = at(&entries, &[5])?
        .into_iter()
        .filter_map(|wire| match wire {
            Wire::Bytes(raw) => Some(String::from_utf8_lossy(raw).into_owned().into()),
            Wire::Number(_) => None,
        })
        .collect();
    if !dry.is_empty() {
        out.insert("dryRun".into(), dry.into());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, inner: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(inner.len()).unwrap()][..], inner].concat()
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let about = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &about), &field(2, raw)].concat()
    }

    #[test]
    fn a_config_map() {
        let metadata = [field(1, b"m"), field(3, b"n"), field(5, b"")].concat();
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let body = envelope("v1", "ConfigMap", &[field(1, &metadata), field(2, &entry)].concat());
        let expect = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"}, "data": {"k": "v"}});
        assert_eq!(read(&body).unwrap(), expect);
    }

    #[test]
    fn numbers_lists_and_what_json_does_not_show() {
        // spec.volumes[0]: name and, within its source, an empty directory; spec.terminationGracePeriodSeconds.
        let volume = [field(1, b"v"), field(2, &field(2, b""))].concat();
        let spec = [field(1, &volume), vec![4 << 3, 30]].concat();
        let pod = read(&envelope("v1", "Pod", &field(2, &spec))).unwrap();
        assert_eq!(
            pod["spec"],
            json!({"volumes": [{"name": "v", "emptyDir": {}}], "terminationGracePeriodSeconds": 30})
        );
    }

    #[test]
    fn options_and_nonsense() {
        let body = envelope(
            "v1",
            "DeleteOptions",
            &[vec![1 << 3, 0], field(2, &field(1, b"u")), field(4, b"Orphan")].concat(),
        );
        let options = read(&body).unwrap();
        assert_eq!(options["preconditions"], json!({"uid": "u"}));
        assert_eq!(
            (options["gracePeriodSeconds"].as_i64(), options["propagationPolicy"].as_str()),
            (Some(0), Some("Orphan"))
        );
        assert!(read(b"{}").is_err());
        assert!(read(&envelope("v1", "Nothing", b"")).unwrap_err().contains("no kind \"Nothing\""));
        assert!(read(&[MAGIC, &[0x0a, 0x7f]].concat()).is_err());
    }
}
