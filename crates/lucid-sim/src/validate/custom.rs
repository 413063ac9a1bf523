//! Custom resources against the schema of their definition, and against its rules in CEL.
//!
//! What an update leaves as it was is not refused, though the schema would not have it.
//!
//! Source: kube-openapi's `pkg/validation`, apiextensions-apiserver's `pkg/registry/customresource`.

use regex::Regex;
use serde_json::{Map, Value};

use super::field::{At, Problems};
use crate::cel::{self, Scope};
use crate::error::Cause;
use crate::go;
use crate::json::Json;
use crate::kinds::Kind;
use crate::schema::Root;

pub(super) fn check(kind: &Kind, subresource: &str, old: Option<&Value>, new: &Value, problems: &mut Problems) {
    let Root::Custom(schema) = &kind.schema else { return };
    if subresource == "status" {
        if new.get("status").is_some() {
            let (status, told) = (schema.at("properties/status"), problems.causes.len());
            value(status, new.at("status"), old.map(|old| old.at("status")), &At::new("status"), problems);
            // Within the texts, the status is where paths begin.
            for cause in &mut problems.causes[told..] {
                let within = cause.field.strip_prefix("status").unwrap_or(&cause.field).trim_start_matches('.');
                cause.message =
                    cause.message.replace(&format!("{} in body", cause.field), &format!("{within} in body"));
            }
        }
    } else {
        value(schema, new, old, &At::new(""), problems);
        replicas(kind, "specReplicasPath", new, problems);
    }
    replicas(kind, "statusReplicasPath", new, problems);
    let mut before = Problems::default();
    if let Some(old) = old {
        lists(schema, old, &At::new(""), &mut before);
    }
    if before.is_empty() {
        lists(schema, new, &At::new(""), problems);
    }
    // Rules may rely on what the schema says.
    if problems.is_empty() {
        match subresource {
            "status" => {
                let old = old.map(|old| old.at("status"));
                rules(schema.at("properties/status"), new.at("status"), old, &At::new("status"), problems);
            }
            _ => rules(schema, new, old, &At::new(""), problems),
        }
    }
}

/// The rules of a schema and of all below it. What did not change is not looked at again.
///
/// Source: apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
fn rules(schema: &Value, new: &Value, old: Option<&Value>, at: &At, problems: &mut Problems) {
    if new.is_null() || old == Some(new) {
        return;
    }
    for rule in schema.list("x-kubernetes-validations") {
        own_rule(schema, rule, new, old, at, problems);
    }
    match new {
        Value::Object(map) => {
            let (declared, more) = (schema.map("properties"), schema.at("additionalProperties"));
            for (key, held) in map {
                let old = old.and_then(|old| old.get(key));
                if let Some(field) = declared.and_then(|declared| declared.get(key)) {
                    rules(field, held, old, &at.child(key), problems);
                } else if more.is_object() {
                    rules(more, held, old, &at.key(key), problems);
                }
            }
        }
        Value::Array(list) => {
            let keys = schema.list("x-kubernetes-list-map-keys");
            for (index, item) in list.iter().enumerate() {
                let same = |other: &&Value| {
                    !keys.is_empty() && keys.iter().filter_map(Value::as_str).all(|key| other.at(key) == item.at(key))
                };
                let old = old.and_then(Value::as_array).and_then(|old| old.iter().find(same));
                rules(schema.at("items"), item, old, &at.index(index), problems);
            }
        }
        _ => {}
    }
}

fn own_rule(schema: &Value, rule: &Value, new: &Value, old: Option<&Value>, at: &At, problems: &mut Problems) {
    let text = rule.str("rule");
    let optional = rule.flag("optionalOldSelf");
    let is_transition = text.contains("oldSelf");
    if is_transition && old.is_none() && !optional {
        return;
    }
    let mut scope = Scope::default().with("self", new);
    let before = match (optional, old) {
        (true, old) => cel::Val::Optional(old.map(|old| Box::new(old.into()))),
        (false, old) => old.unwrap_or(&Value::Null).into(),
    };
    scope.set("oldSelf", before);
    let why = || match rule.str("message").trim() {
        "" => format!("failed rule: {}", text.trim()),
        message => message.to_owned(),
    };
    let detail = match cel::holds(text, &scope) {
        Ok(true) => return,
        Ok(false) => {
            let told = rule.at("messageExpression").as_str().and_then(|text| cel::json(text, &scope).ok());
            told.and_then(|value| value.as_str().map(|text| text.trim().to_owned())).unwrap_or_else(why)
        }
        Err(error) => format!("{error} evaluating rule: {}", why()),
    };
    let place = rule.str("fieldPath").trim_start_matches('.');
    let at = if place.is_empty() { at.clone() } else { at.child(place) };
    let of: Value = schema.at("type").clone();
    match rule.str("reason") {
        "FieldValueForbidden" => problems.forbidden(&at, &detail),
        "FieldValueRequired" => problems.required(&at, &detail),
        "FieldValueDuplicate" => problems.duplicate(&at, of),
        _ => problems.invalid(&at, of, detail),
    }
}

/// The counts that the scale subresource shows.
fn replicas(kind: &Kind, which: &str, object: &Value, problems: &mut Problems) {
    let Some(path) = kind.custom.as_ref().map(|custom| custom.at("scale").str(which)).filter(|path| !path.is_empty())
    else {
        return;
    };
    let at = At::new(path);
    let mut held = object;
    let mut walked = String::new();
    for step in path.trim_start_matches('.').split('.') {
        walked.push('.');
        walked.push_str(step);
        match held {
            Value::Object(map) => held = map.get(step).unwrap_or(&Value::Null),
            Value::Null => return,
            other => {
                let (shown, go) = (go::plain(other), go::type_name(other));
                let detail =
                    format!("{walked} accessor error: {shown} is of the type {go}, expected map[string]interface{{}}");
                return problems.invalid(&at, 0, detail);
            }
        }
    }
    match held.as_i64() {
        Some(..0) => problems.invalid(&at, held.clone(), "should be a non-negative integer"),
        Some(2_147_483_648..) => problems.invalid(&at, held.clone(), "should be less than or equal to 2147483647"),
        Some(_) => {}
        None if held.is_null() => {}
        None => {
            let (shown, go) = (go::plain(held), go::type_name(held));
            let detail = format!("{path} accessor error: {shown} is of the type {go}, expected int64");
            problems.invalid(&at, 0, detail);
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn has_type(value: &Value, expected: &str) -> bool {
    let whole = |value: &Value| value.as_f64().is_some_and(|number| number.fract() == 0.0);
    match (type_of(value), expected) {
        (is, wanted) if is == wanted => true,
        ("integer", "number") => true,
        ("number", "integer") => whole(value),
        _ => false,
    }
}

fn value(schema: &Value, new: &Value, old: Option<&Value>, at: &At, problems: &mut Problems) {
    if old == Some(new) {
        return;
    }
    let expected = if schema.flag("x-kubernetes-int-or-string") {
        vec!["integer", "string"]
    } else {
        vec![schema.str("type")].into_iter().filter(|name| !name.is_empty()).collect()
    };
    let nullable = new.is_null() && schema.flag("nullable");
    if !expected.is_empty() && !nullable && !expected.iter().any(|one| has_type(new, one)) {
        type_mismatch(schema, &expected.join(","), new, at, problems);
    }
    one_of(schema, new, at, problems);
    match new {
        Value::String(text) => string(schema, text, at, problems),
        Value::Number(_) => number(schema, new, at, problems),
        Value::Array(list) => array(schema, list, old, at, problems),
        Value::Object(map) => object(schema, map, old, at, problems),
        _ => {}
    }
    for part in schema.list("allOf") {
        value(part, new, old, at, problems);
    }
    choices(schema, new, at, problems);
}

/// Where a format is declared, numbers, flags and maps are told in formats, too.
fn type_mismatch(schema: &Value, expected: &str, new: &Value, at: &At, problems: &mut Problems) {
    let format = schema.str("format");
    let (mut is, mut expected) = (type_of(new), expected);
    let textual = new.is_string() || new.is_array();
    if !format.is_empty() && textual && !expected.contains("integer") && !expected.contains("number") {
        return;
    }
    if !format.is_empty() && !textual && !new.is_null() {
        expected = format;
        is = match is {
            "integer" => "int64",
            "number" => "float64",
            _ => "",
        };
    }
    let shown = at.to_string();
    let detail = format!("{shown} in body must be of type {expected}: \"{is}\"");
    let message = format!("Invalid value: \"{is}\": {detail}");
    problems.push(Cause::new("FieldValueTypeInvalid", shown, message));
}

/// `anyOf`, `oneOf` and `not`.
fn choices(schema: &Value, new: &Value, at: &At, problems: &mut Problems) {
    let fits = |part: &Value| {
        let mut inner = Problems::default();
        value(part, new, None, at, &mut inner);
        inner.is_empty()
    };
    let any = schema.list("anyOf");
    if !any.is_empty() && !any.iter().any(fits) && !schema.flag("x-kubernetes-int-or-string") {
        let detail = format!("\"{at}\" must validate at least one schema (anyOf)");
        problems.invalid(at, "", detail);
    }
    let one = schema.list("oneOf");
    let count = one.iter().filter(|part| fits(part)).count();
    if !one.is_empty() && count != 1 {
        let found = if count == 0 { "none".to_owned() } else { count.to_string() };
        let words =
            if count == 0 { "Found none valid".to_owned() } else { format!("Found {found} valid alternatives") };
        problems.invalid(at, "", format!("\"{at}\" must validate one and only one schema (oneOf). {words}"));
    }
    if schema.has("not") && fits(schema.at("not")) {
        problems.invalid(at, "", format!("\"{at}\" must not validate the schema (not)"));
    }
}

fn one_of(schema: &Value, new: &Value, at: &At, problems: &mut Problems) {
    let allowed = schema.list("enum");
    if allowed.is_empty() || allowed.contains(new) {
        return;
    }
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let allowed: Vec<String> = allowed.iter().map(plain).collect();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let list: Vec<String> = allowed.iter().map(|one| format!("{one:?}")).collect();
    let shown = if new.is_null() { "null".to_owned() } else { new.to_string() };
    let message = format!("Unsupported value: {shown}: supported values: {}", list.join(", "));
    problems.push(Cause::new("FieldValueNotSupported", at.to_string(), message));
}

fn should(at: &At, new: &Value, what: &str, problems: &mut Problems) {
    problems.invalid(at, new.clone(), format!("{at} in body should {what}"));
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok())
}

fn string(schema: &Value, text: &str, at: &At, problems: &mut Problems) {
    let length = text.chars().count();
    // The first that does not fit is all that is told.
    if let Some(most) = size(schema.at("maxLength")).filter(|most| length > *most) {
        return problems.too_long(at, most);
    }
    if let Some(least) = size(schema.at("minLength")).filter(|least| length < *least) {
        return should(at, &text.into(), &format!("be at least {least} chars long"), problems);
    }
    let pattern = schema.str("pattern");
    if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
        should(at, &text.into(), &format!("match '{pattern}'"), problems);
    }
}

fn number(schema: &Value, new: &Value, at: &At, problems: &mut Problems) {
    let held = new.as_f64().unwrap_or(0.0);
    if schema.str("type") == "integer" {
        let format = schema.str("format");
        let whole = new.as_i64().or_else(|| Some(held as i64).filter(|_| held.fract() == 0.0));
        if whole.is_none_or(|number| format == "int32" && i32::try_from(number).is_err()) {
            let format = if format.is_empty() { "(default format)".into() } else { format!("with format {format}") };
            // The server does not say where but in the text.
            let why = format!("Checked value must be of type integer {format} in {at}");
            problems.push(Cause::invalid("<nil>", &"".into(), &why));
        }
    }
    let bound = |field: &str| schema.at(field).as_f64();
    if let Some(factor) = bound("multipleOf").filter(|factor| (held / factor).fract() != 0.0) {
        should(at, new, &format!("be a multiple of {factor}"), problems);
    }
    if let Some(most) = bound("maximum") {
        let exclusive = schema.flag("exclusiveMaximum");
        if held > most || exclusive && held >= most {
            let words = if exclusive { "less than" } else { "less than or equal to" };
            should(at, new, &format!("be {words} {most}"), problems);
        }
    }
    if let Some(least) = bound("minimum") {
        let exclusive = schema.flag("exclusiveMinimum");
        if held < least || exclusive && held <= least {
            let words = if exclusive { "greater than" } else { "greater than or equal to" };
            should(at, new, &format!("be {words} {least}"), problems);
        }
    }
}

fn array(schema: &Value, list: &[Value], old: Option<&Value>, at: &At, problems: &mut Problems) {
    let keys = schema.list("x-kubernetes-list-map-keys");
    for (index, item) in list.iter().enumerate().filter(|_| schema.has("items")) {
        let same = |other: &&Value| {
            !keys.is_empty() && keys.iter().filter_map(Value::as_str).all(|key| other.at(key) == item.at(key))
        };
        let old = old.and_then(Value::as_array).and_then(|old| old.iter().find(same));
        value(schema.at("items"), item, old, &at.index(index), problems);
    }
    if let Some(most) = size(schema.at("maxItems")).filter(|most| list.len() > *most) {
        problems.too_many(at, list.len(), most);
    }
    if let Some(least) = size(schema.at("minItems")).filter(|least| list.len() < *least) {
        should(at, &list.len().into(), &format!("have at least {least} items"), problems);
    }
}

fn object(schema: &Value, map: &Map<String, Value>, old: Option<&Value>, at: &At, problems: &mut Problems) {
    if let Some(least) = size(schema.at("minProperties")).filter(|least| map.len() < *least) {
        should(at, &map.len().into(), &format!("have at least {least} properties"), problems);
    }
    if let Some(most) = size(schema.at("maxProperties")).filter(|most| map.len() > *most) {
        problems.too_many(at, map.len(), most);
    }
    let declared = schema.map("properties");
    let more = schema.at("additionalProperties");
    for (key, held) in map {
        let field = declared.and_then(|declared| declared.get(key)).or_else(|| more.is_object().then_some(more));
        if let Some(field) = field {
            value(field, held, old.and_then(|old| old.get(key)), &at.child(key), problems);
        }
    }
    for key in schema.list("required").iter().filter_map(Value::as_str).filter(|key| !map.contains_key(*key)) {
        problems.required(&at.child(key), "");
    }
}

/// Sets hold nothing twice, and lists with keys hold no key twice.
fn lists(schema: &Value, value: &Value, at: &At, problems: &mut Problems) {
    match value {
        Value::Object(map) => {
            let (declared, more) = (schema.map("properties"), schema.at("additionalProperties"));
            for (key, held) in map {
                if let Some(field) = declared.and_then(|declared| declared.get(key)) {
                    lists(field, held, &at.child(key), problems);
                } else if more.is_object() {
                    lists(more, held, &at.key(key), problems);
                }
            }
        }
        Value::Array(list) => {
            repeated(schema, list, at, problems);
            for (index, item) in list.iter().enumerate().filter(|_| schema.has("items")) {
                lists(schema.at("items"), item, &at.index(index), problems);
            }
        }
        _ => {}
    }
}

fn repeated(schema: &Value, list: &[Value], at: &At, problems: &mut Problems) {
    let keys = schema.list("x-kubernetes-list-map-keys");
    let identity = |item: &Value| match schema.str("x-kubernetes-list-type") {
        "set" => item.clone(),
        _ => {
            let pairs = keys.iter().filter_map(Value::as_str).filter(|key| item.get(key).is_some());
            Value::Object(pairs.map(|key| (key.to_owned(), item.at(key).clone())).collect())
        }
    };
    let kind = schema.str("x-kubernetes-list-type");
    if !matches!(kind, "set" | "map") {
        return;
    }
    let foreign = |item: &&Value| kind == "map" && !item.is_object() && !item.is_null();
    if let Some(index) = list.iter().position(|item| foreign(&item)) {
        let detail = "must be an object for an array of list-type map";
        return problems.invalid(&at.index(index), list[index].clone(), detail);
    }
    let identities: Vec<Value> = list.iter().map(identity).collect();
    for (index, one) in identities.iter().enumerate() {
        // The third of the same is not named again.
        if identities[..index].iter().filter(|other| *other == one).count() == 1 {
            problems.duplicate(&at.index(index), one.clone());
        }
    }
}
