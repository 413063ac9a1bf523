//! Scalars: numbers, text, and the types that read themselves (quantities, times, base64).

use lucid_schema::Type;
use serde_json::Value;

use super::{Dialect, Walk};
use crate::{base64, quantity, time};

/// What the decoder calls a JSON value.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .into()
}

impl Walk {
    pub(super) fn scalar(&mut self, value: Option<&Value>, ty: Type, go: &'static str) -> Value {
        let null = Value::Null;
        let value = value.unwrap_or(&null);
        match ty {
            Type::String => self.plain(value, ty, go, Value::is_string, || "".into()),
            Type::Boolean => self.plain(value, ty, go, Value::is_boolean, || false.into()),
            Type::Number => self.plain(value, ty, go, Value::is_number, || 0.into()),
            Type::Int32 | Type::Int64 => self.integer(value, ty, go),
            Type::Bytes => self.bytes(value, ty, go),
            Type::IntOrString => self.int_or_string(value),
            Type::Quantity => self.quantity(value),
            Type::Time => self
                .time(value, "2006-01-02T15:04:05Z07:00", |text| time::parse_seconds(text).map(time::format_seconds)),
            Type::MicroTime => {
                let layout = "2006-01-02T15:04:05.000000Z07:00";
                self.time(value, layout, |text| time::parse_micros(text).map(time::format_micros))
            }
            Type::Any | Type::Ref(_) | Type::Map(..) | Type::List(..) => value.clone(),
        }
    }

    fn plain(&mut self, value: &Value, ty: Type, go: &str, fits: fn(&Value) -> bool, zero: fn() -> Value) -> Value {
        if fits(value) {
            return value.clone();
        }
        if !value.is_null() {
            self.mismatch(value, go, ty);
        }
        zero()
    }

    fn integer(&mut self, value: &Value, ty: Type, go: &str) -> Value {
        let Value::Number(number) = value else { return self.plain(value, ty, go, Value::is_number, || 0.into()) };
        let fits = number.as_i64().is_some_and(|n| ty == Type::Int64 || i32::try_from(n).is_ok());
        if fits {
            return value.clone();
        }
        if self.dialect == Dialect::Tree {
            if let Some(whole) =
                number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64))
            {
                // Go's conversion keeps the lower half.
                return if ty == Type::Int32 { (whole as i32).into() } else { whole.into() };
            }
            self.fatal.get_or_insert_with(|| format!("cannot convert float64 to {go}"));
            return 0.into();
        }
        let error = self.type_error(&format!("number {number}"), go);
        self.saved.get_or_insert(error);
        0.into()
    }

    fn bytes(&mut self, value: &Value, ty: Type, go: &str) -> Value {
        match value {
            Value::String(text) => match base64::check(text) {
                Ok(()) => base64::encode(&base64::decode(text).unwrap_or_default()).into(),
                Err(at) => {
                    let why = format!("illegal base64 data at input byte {at}");
                    let why =
                        if self.dialect == Dialect::Tree { format!("error decoding from json: {why}") } else { why };
                    // A tree is not read on after that.
                    let told = if self.dialect == Dialect::Tree { &mut self.fatal } else { &mut self.saved };
                    told.get_or_insert(why);
                    "".into()
                }
            },
            Value::Null => "".into(),
            Value::Array(list) if list.iter().all(|item| item.as_u64().is_some_and(|byte| byte < 256)) => {
                let bytes: Vec<u8> = list.iter().filter_map(|item| u8::try_from(item.as_u64()?).ok()).collect();
                base64::encode(&bytes).into()
            }
            other => {
                self.mismatch(other, go, ty);
                "".into()
            }
        }
    }

    fn int_or_string(&mut self, value: &Value) -> Value {
        match value {
            Value::String(_) => value.clone(),
            Value::Null => 0.into(),
            Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => value.clone(),
            Value::Number(number) => self.stop(&format!("number {number}"), "int32"),
            other => self.stop(&kind(other), "int32"),
        }
    }

    fn stop(&mut self, what: &str, go: &str) -> Value {
        // In a tree, such a type reads its part alone.
        let error = match self.dialect {
            Dialect::Tree => format!("json: cannot unmarshal {what} into Go value of type {go}"),
            Dialect::Json => self.type_error(what, go),
        };
        self.fatal.get_or_insert(error);
        Value::Null
    }

    fn quantity(&mut self, value: &Value) -> Value {
        let text = match value {
            Value::Null => return "0".into(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match quantity::read(&text) {
            Ok(spelt) => spelt.into(),
            Err(why) => {
                self.fatal.get_or_insert(why.into());
                Value::Null
            }
        }
    }

    fn time(&mut self, value: &Value, layout: &str, read: impl Fn(&str) -> Option<String>) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::String(text) => read(text).map_or_else(
                || {
                    self.fatal.get_or_insert_with(|| time::parse_error(text, layout));
                    Value::Null
                },
                Value::String,
            ),
            other => self.stop(&kind(other), "string"),
        }
    }
}

/// What the reader of trees says of a value of another shape.
pub(super) fn cannot_restore(value: &Value, go: &str, ty: Type) -> String {
    let what = match value {
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) | Value::Null => "map",
    };
    match ty {
        Type::Ref(_) => format!("cannot restore struct from: {what}"),
        Type::Map(..) => format!("cannot restore map from {what}"),
        Type::List(..) | Type::Bytes => format!("cannot restore slice from {what}"),
        // Go can make a text of an integer, though not the one that is meant.
        Type::String if what == "int64" => format!("cannot convert int64 to {go}"),
        Type::String => "unrecognized type: string".into(),
        Type::Boolean => "unrecognized type: bool".into(),
        _ => format!("unrecognized type: {go}"),
    }
}
