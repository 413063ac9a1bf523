//! What is compared: answers without what must differ between two servers (uids, versions, times, chosen addresses).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::requests::{Content, Edit, Request};
use super::servers::{Answer, Wire};

/// The names that each server gave to the same things.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    real: Side,
    simulated: Side,
    next: usize,
}

/// One server's names, and the objects as it showed them last.
#[derive(Debug, Default)]
pub(crate) struct Side {
    symbols: BTreeMap<String, String>,
    latest: BTreeMap<String, Value>,
}

impl Identities {
    pub(crate) fn real(&self) -> &Side {
        &self.real
    }

    pub(crate) fn simulated(&self) -> &Side {
        &self.simulated
    }

    pub(crate) fn for_real(&self, request: &Request) -> Wire {
        self.real.wire(request)
    }

    pub(crate) fn for_simulated(&self, request: &Request) -> Wire {
        self.simulated.wire(request)
    }

    /// Takes note of what two answers to the same request call the same thing.
    pub(crate) fn learn(&mut self, request: &Request, real: &Answer, simulated: &Answer) {
        if real.code >= 300 || simulated.code >= 300 {
            return;
        }
        self.pair(&real.body, &simulated.body);
        let items = |body: &Value| body["items"].as_array().cloned().unwrap_or_default();
        for item in items(&real.body) {
            let name = &item["metadata"]["name"];
            if let Some(twin) = items(&simulated.body).iter().find(|twin| twin["metadata"]["name"] == *name) {
                self.pair(&item, twin);
            }
        }
        if !request.is_dry_run() && real.body["metadata"]["uid"].is_string() {
            let name = |body: &Value| body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let path = |body: &Value| format!("{}/{}", request.collection, name(body));
            if request.subresource.is_empty() {
                self.real.latest.insert(path(&real.body), real.body.clone());
                self.simulated.latest.insert(path(&simulated.body), simulated.body.clone());
            }
        }
    }

    fn pair(&mut self, real: &Value, simulated: &Value) {
        for field in ["/metadata/uid", "/metadata/resourceVersion", "/metadata/name"] {
            let text = |value: &Value| value.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (there, here) = (text(real), text(simulated));
            let chosen = match field {
                "/metadata/name" => real.pointer("/metadata/generateName").is_some() && there != here,
                _ => !there.is_empty(),
            };
            if chosen && !self.real.symbols.contains_key(&there) && !self.simulated.symbols.contains_key(&here) {
                self.next += 1;
                let what = field.rsplit('/').next().unwrap_or_default();
                let symbol = format!("<{what} {}>", self.next);
                self.real.symbols.insert(there, symbol.clone());
                self.simulated.symbols.insert(here, symbol);
            }
        }
    }
}

impl Side {
    fn wire(&self, request: &Request) -> Wire {
        let body = match &request.content {
            Content::None => Vec::new(),
            Content::Raw(text) => text.clone().into_bytes(),
            Content::Json(value) => value.to_string().into_bytes(),
            Content::Latest { of, edits } => {
                let mut object = self.latest.get(of).cloned().unwrap_or(Value::Null);
                edits.iter().for_each(|edit| edit.apply(&mut object));
                object.to_string().into_bytes()
            }
            Content::Preconditions { of, field, wrong } => {
                let held = self.latest.get(of).and_then(|o| o["metadata"][field].as_str()).unwrap_or_default();
                let wanted = if *wrong { "7" } else { held };
                let key = if *field == "uid" { "uid" } else { "resourceVersion" };
                json!({"preconditions": {key: wanted}}).to_string().into_bytes()
            }
        };
        let builder =
            http::Request::builder().method(request.method).uri(request.uri()).header("accept", "application/json");
        let builder = if request.media.is_empty() { builder } else { builder.header("content-type", request.media) };
        builder.header("user-agent", "twins/1").body(body).expect("a request")
    }

    fn name(&self, text: &str) -> String {
        if let Some(symbol) = self.symbols.get(text).filter(|_| !text.bytes().all(|byte| byte.is_ascii_digit())) {
            return symbol.clone();
        }
        let mut out = text.to_owned();
        for (held, symbol) in self.symbols.iter().filter(|(held, _)| held.len() > 8) {
            if out.contains(held.as_str()) {
                out = out.replace(held, symbol);
            }
        }
        out
    }
}

impl Edit {
    pub(crate) fn apply(&self, object: &mut Value) {
        let (parent, last) = self.pointer.rsplit_once('/').expect("a pointer");
        if let Some(value) = &self.value {
            let mut at = object;
            for key in parent.split('/').skip(1) {
                let key = key.replace("~1", "/");
                at = match at {
                    Value::Array(list) => match key.parse::<usize>().ok().filter(|index| *index < list.len()) {
                        Some(index) => &mut list[index],
                        None => return,
                    },
                    Value::Object(map) => map.entry(key).or_insert(Value::Null),
                    other => {
                        *other = json!({});
                        other.as_object_mut().expect("made an object above").entry(key).or_insert(Value::Null)
                    }
                };
            }
            let last = last.replace("~1", "/");
            match at {
                Value::Array(list) => match last.parse::<usize>() {
                    Ok(index) if index < list.len() => list[index] = value.clone(),
                    _ => list.push(value.clone()),
                },
                Value::Object(map) => drop(map.insert(last, value.clone())),
                other => *other = json!({last: value}),
            }
        } else if let Some(parent) = object.pointer_mut(parent) {
            let last = last.replace("~1", "/");
            match parent {
                Value::Object(map) => drop(map.remove(&last)),
                Value::Array(list) => {
                    if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < list.len()) {
                        list.remove(index);
                    }
                }
                _ => {}
            }
        }
    }
}

/// An answer in the form in which it is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Canonical {
    pub(crate) code: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

pub(crate) fn canonical(side: &Side, request: &Request, answer: &Answer) -> Canonical {
    let mut body = walk(side, "", &answer.body);
    if answer.code >= 400 {
        refusal(&mut body);
        nameless(request, &mut body);
    }
    let mut warnings: Vec<String> = answer.warnings.iter().map(|text| side.name(text)).collect();
    warnings.sort();
    Canonical { code: answer.code, warnings, body }
}

fn walk(side: &Side, key: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                out.insert(generated(&side.name(key)), walk(side, key, value));
            }
            list_metadata(&mut out);
            Value::Object(out)
        }
        Value::Array(list) => {
            let mut out: Vec<Value> = list.iter().map(|value| walk(side, key, value)).collect();
            // Generated names sort as chance would have it.
            if key == "items" && list.iter().any(|item| item["metadata"]["generateName"].is_string()) {
                out.sort_by_key(|item| item["metadata"]["name"].to_string());
            }
            if key == "managedFields" {
                out.sort_by_key(|entry| {
                    ["manager", "operation", "apiVersion", "subresource"].map(|k| entry[k].to_string())
                });
            }
            Value::Array(out)
        }
        Value::String(text) if matches!(key, "clusterIP" | "clusterIPs") && is_chosen_address(text) => {
            "<address>".into()
        }
        Value::String(text) if key == "resourceVersion" => {
            side.symbols.get(text).cloned().unwrap_or("<rv ?>".into()).into()
        }
        Value::String(text) => generated(&prefix(&versions(&times(&side.name(text))))).into(),
        Value::Number(number) if matches!(key, "nodePort" | "healthCheckNodePort") => {
            // A dry run of the real server hands out ports beyond the end of the range, too.
            let chosen =
                number.as_u64().is_some_and(|n| (30_000..=32_900).contains(&n) && !matches!(n, 30_080 | 30_081));
            if chosen { "<port>".into() } else { value.clone() }
        }
        other => other.clone(),
    }
}

/// An address of the range for Services that no request asked for.
fn is_chosen_address(text: &str) -> bool {
    let asked = ["10.96.0.77", "10.96.0.78", "10.96.0.79", "10.96.0.80", "10.96.0.1"];
    let within = text.strip_prefix("10.").and_then(|rest| rest.split_once('.')).map(|(second, _)| second);
    within.and_then(|second| second.parse::<u8>().ok()).is_some_and(|second| (96..112).contains(&second))
        && !asked.contains(&text)
}

/// The version of a list moves with everything on the server, and its token hides it.
fn list_metadata(map: &mut Map<String, Value>) {
    if map.contains_key("items")
        && let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut)
    {
        for key in ["resourceVersion", "continue"] {
            if metadata.contains_key(key) {
                metadata.insert(key.into(), format!("<{key}>").into());
            }
        }
    }
}

/// Stamps of the form `2026-01-01T00:00:00Z` become `<time>`.
fn times(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let stamp = |at: usize| {
        [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].iter().all(|offset| digit(at + offset))
            && is(at + 4, b'-')
            && is(at + 7, b'-')
            && is(at + 10, b'T')
            && is(at + 13, b':')
            && is(at + 19, b'Z')
    };
    match (0..bytes.len()).find(|at| stamp(*at)) {
        Some(at) => format!("{}<time>{}", &text[..at], times(&text[at + 20..])),
        None => text.into(),
    }
}

/// The version that a refused precondition quotes.
fn versions(text: &str) -> String {
    const MARK: &str = "does not match the ResourceVersion in record (";
    let Some((begin, rest)) = text.split_once(MARK) else { return text.into() };
    format!("{begin}{MARK}<rv>{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Where the server keeps its objects; the real one has a prefix of its own for this test.
fn prefix(text: &str) -> String {
    const MARK: &str = "Key: /twins-";
    let Some((begin, rest)) = text.split_once(MARK) else { return text.into() };
    format!("{begin}Key: /registry{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Addresses within texts, and names of volumes with the account's token.
fn generated(text: &str) -> String {
    const MARK: &str = "kube-api-access-";
    let mut out = text.to_owned();
    if let Some(at) = out.find(MARK).filter(|at| out.len() >= at + MARK.len() + 5) {
        out.replace_range(at + MARK.len()..at + MARK.len() + 5, "<suffix>");
    }
    // Within a text that is quoted itself, its quotes are escaped.
    let words: Vec<String> = out.split('"').map(|word| word.trim_end_matches('\\').to_owned()).collect();
    for word in words.iter().filter(|word| is_chosen_address(word)) {
        out = out.replace(word.as_str(), "<address>");
    }
    out
}

/// The causes of a refusal come in the order of Go's maps, and quote Go's structs. What two layers of the server's
/// validation both find, it says twice; the simulator says everything once.
fn refusal(body: &mut Value) {
    let quote = |value: &mut Value| {
        if let Some(text) = value.as_str() {
            *value = without_structs(without_difference(text)).into();
        }
    };
    let mut many = false;
    if let Some(causes) = body.pointer_mut("/details/causes").and_then(Value::as_array_mut) {
        many = causes.len() > 1;
        causes.iter_mut().for_each(|cause| quote(&mut cause["message"]));
        causes.sort_by_key(Value::to_string);
        causes.dedup();
    }
    if let Some(message) = body.get_mut("message") {
        *message = in_order(message.as_str().unwrap_or_default()).into();
        let text = message.as_str().unwrap_or_default().to_owned();
        match text.split_once("is invalid: [").filter(|_| many) {
            Some((begin, _)) => *message = format!("{begin}is invalid: […]").into(),
            None => quote(message),
        }
    }
}

/// What does not fit a schema is told in the order of Go's maps, too.
fn in_order(text: &str) -> String {
    let Some((begin, rest)) = text.split_once("errors:\n") else { return text.into() };
    let mut lines: Vec<&str> = rest.lines().collect();
    lines.sort_unstable();
    format!("{begin}errors:\n{}", lines.join("\n"))
}

/// A refused change of an unchangeable spec ends with the difference in Go's notation.
fn without_difference(text: &str) -> &str {
    text.split_once("\n@@ ").map_or(text, |(begin, _)| begin)
}

/// A refused object that asked for a name got another one on each server.
fn nameless(request: &Request, body: &mut Value) {
    let Content::Json(sent) = &request.content else { return };
    let Some(base) = sent.pointer("/metadata/generateName").and_then(Value::as_str) else { return };
    let Some(name) = body.pointer("/details/name").and_then(Value::as_str).map(str::to_owned) else { return };
    if name.len() > 5 && base.starts_with(&name[..name.len() - 5]) {
        body["details"]["name"] = "<generated>".into();
        let message = body["message"].as_str().unwrap_or_default().replace(&name, "<generated>");
        body["message"] = message.into();
        for cause in body.pointer_mut("/details/causes").and_then(Value::as_array_mut).into_iter().flatten() {
            let message = cause["message"].as_str().unwrap_or_default().replace(&name, "<generated>");
            cause["message"] = message.into();
        }
    }
}

/// `Invalid value: {"Name":"",…}: why` without the value.
fn without_structs(text: &str) -> String {
    const MARK: &str = "alue: ";
    let Some(at) = text.find(MARK).map(|at| at + MARK.len()) else { return text.into() };
    let (begin, rest) = text.split_at(at);
    let end = match rest.as_bytes().first() {
        // Go tells missing maps and lists from empty ones where it quotes them.
        Some(b'n') if rest.starts_with("null: ") => Some("null".len()),
        Some(b'{' | b'[') => block_end(rest),
        Some(b'"') if rest.starts_with("\"{") || rest.starts_with("\"map[") => quoted_end(rest),
        Some(b'a'..=b'z') if rest.contains('{') && rest.find('{') < rest.find(": ") => block_end(rest),
        _ => None,
    };
    match end {
        Some(end) => format!("{begin}…{}", without_structs(&rest[end..])),
        None => format!("{begin}{}", without_structs(rest)),
    }
}

fn block_end(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' | '(' if !quoted => depth += 1,
            '}' | ']' | ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Where two answers differ first, and how.
pub(crate) fn first_difference(real: &Canonical, simulated: &Canonical) -> Option<String> {
    if real.code != simulated.code {
        return Some(format!(
            "code {} / {}\n  real {}\n  sim  {}",
            real.code,
            simulated.code,
            short(&real.body),
            short(&simulated.body)
        ));
    }
    if real.warnings != simulated.warnings {
        return Some(format!("warnings\n  real {:?}\n  sim  {:?}", real.warnings, simulated.warnings));
    }
    differ("", &real.body, &simulated.body)
}

fn differ(path: &str, real: &Value, simulated: &Value) -> Option<String> {
    match (real, simulated) {
        _ if real == simulated => None,
        (Value::Object(there), Value::Object(here)) => {
            let keys = there.keys().chain(here.keys().filter(|key| !there.contains_key(*key)));
            let missing = Value::String("<absent>".into());
            keys.into_iter().find_map(|key| {
                differ(&format!("{path}/{key}"), there.get(key).unwrap_or(&missing), here.get(key).unwrap_or(&missing))
            })
        }
        (Value::Array(there), Value::Array(here)) if there.len() == here.len() => there
            .iter()
            .zip(here)
            .enumerate()
            .find_map(|(at, (there, here))| differ(&format!("{path}/{at}"), there, here)),
        _ => Some(format!("at {path}\n  real {}\n  sim  {}", short(real), short(simulated))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 1500 { text.chars().take(1500).chain("…".chars()).collect() } else { text }
}
