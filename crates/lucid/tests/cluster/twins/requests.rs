//! The random conversation: what is asked next, from what was answered so far.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::objects::{self, KINDS, Kind};
use super::servers::Answer;

/// One request, in the form that both servers get it in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    what: &'static str,
    pub(crate) method: &'static str,
    pub(crate) collection: String,
    pub(crate) name: String,
    pub(crate) subresource: &'static str,
    query: Vec<(&'static str, String)>,
    pub(crate) media: &'static str,
    pub(crate) content: Content,
}

/// The body: the same for both servers, or made from what each has shown.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    None,
    Json(Value),
    Raw(String),
    /// The object as the server showed it last, with some changes.
    Latest {
        of: String,
        edits: Vec<Edit>,
    },
    Preconditions {
        of: String,
        field: &'static str,
        wrong: bool,
    },
}

/// One change to an object; no value removes.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) pointer: String,
    pub(crate) value: Option<Value>,
}

impl Request {
    pub(crate) fn uri(&self) -> String {
        let mut uri = self.collection.clone();
        for part in [self.name.as_str(), self.subresource].into_iter().filter(|part| !part.is_empty()) {
            uri = format!("{uri}/{part}");
        }
        for (at, (key, value)) in self.query.iter().enumerate() {
            let escaped: String = value.bytes().map(escape).collect();
            uri = format!("{uri}{}{key}={escaped}", if at == 0 { '?' } else { '&' });
        }
        uri
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.query.iter().any(|(key, _)| *key == "dryRun")
    }

    /// The object that the request may have changed.
    pub(crate) fn object_path(&self) -> Option<String> {
        let named = match &self.content {
            Content::Json(value) if self.name.is_empty() => value["metadata"]["name"].as_str().unwrap_or_default(),
            _ => &self.name,
        };
        (!named.is_empty() && self.method != "GET").then(|| format!("{}/{named}", self.collection))
    }
}

fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.what, self.method, self.uri())?;
        match &self.content {
            Content::None => Ok(()),
            Content::Raw(text) => write!(f, " [{}] {text}", self.media),
            Content::Json(value) => write!(f, " [{}] {value}", self.media),
            Content::Latest { edits, .. } => {
                let edits = edits
                    .iter()
                    .map(|edit| format!("{}={}", edit.pointer, edit.value.as_ref().unwrap_or(&Value::Null)));
                write!(f, " [latest with {}]", edits.collect::<Vec<_>>().join(", "))
            }
            Content::Preconditions { field, wrong, .. } => {
                write!(f, " [{} {field}]", if *wrong { "wrong" } else { "right" })
            }
        }
    }
}

/// Draws from a seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % bound.max(1) as u64).expect("below a usize")
    }

    pub(crate) fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What was said so far.
#[derive(Debug)]
pub(crate) struct Conversation {
    random: Random,
    made: usize,
    /// Names that both servers hold, by collection.
    alive: BTreeMap<String, Vec<String>>,
}

const MANAGERS: [&str; 3] = ["lucid", "kubectl", "other"];

impl Conversation {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), made: 0, alive: BTreeMap::new() }
    }

    pub(crate) fn next(&mut self) -> Request {
        let kind = self.random.pick(KINDS);
        let alive = self.alive.get(&kind.collection()).is_some_and(|names| !names.is_empty());
        let mut request = match self.random.below(100) {
            0..=24 => self.create(kind),
            25..=27 => self.create_again(kind),
            28..=30 => self.list(kind),
            31..=44 => self.apply(kind),
            _ if !alive => self.create(kind),
            45..=57 => self.replace(kind),
            58..=67 => self.merge(kind),
            68..=77 => self.strategic(kind),
            78..=86 => self.json(kind),
            87..=89 => self.get(kind),
            90..=94 => self.delete(kind),
            _ => self.part(kind),
        };
        if request.method != "GET" && request.method != "DELETE" {
            if self.random.one_in(8) {
                request.query.push(("dryRun", (*self.random.pick(&["All", "All", "All", "Some"])).into()));
            }
            if self.random.one_in(4) {
                let validation = self.random.pick(&["Strict", "Strict", "Warn", "Ignore", "Maybe"]);
                request.query.push(("fieldValidation", (*validation).into()));
            }
        }
        request
    }

    /// Takes the answer of the real server into account.
    pub(crate) fn heard(&mut self, request: &Request, answer: &Answer, same: bool) {
        let Some(path) = request.object_path() else { return };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let names = self.alive.entry(request.collection.clone()).or_default();
        let held = request.method != "DELETE" && answer.code < 300 && !request.is_dry_run();
        // What waits for controllers that are not there is left alone.
        let going = answer.body["metadata"]["deletionTimestamp"].is_string();
        if !same || going || request.method == "DELETE" && answer.code == 200 && !request.is_dry_run() {
            names.retain(|one| *one != name);
        } else if held && !names.contains(&name) {
            names.push(name);
        }
    }

    fn request(&mut self, kind: &Kind, what: &'static str, method: &'static str) -> Request {
        Request {
            kind: kind.kind,
            what,
            method,
            collection: kind.collection(),
            name: String::new(),
            subresource: "",
            query: Vec::new(),
            media: "application/json",
            content: Content::None,
        }
    }

    fn fresh(&mut self) -> String {
        self.made += 1;
        format!("t{}", self.made)
    }

    fn old(&mut self, kind: &Kind) -> String {
        let names = self.alive.get(&kind.collection()).map_or(&[][..], Vec::as_slice);
        if names.is_empty() || self.random.one_in(30) { "missing".into() } else { self.random.pick(names).clone() }
    }

    fn named(&mut self, request: &mut Request) {
        if self.random.one_in(3) {
            request.query.push(("fieldManager", (*self.random.pick(&MANAGERS)).into()));
        }
    }

    /// An object, sound or not.
    fn object(&mut self, kind: &Kind, name: &str) -> Value {
        let mut object = objects::sound(kind, name, &mut self.random);
        for _ in 0..[0, 0, 1, 1, 1, 2][self.random.below(6)] {
            objects::edit(kind, &object, &mut self.random).apply(&mut object);
        }
        object
    }

    fn create(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "create", "POST");
        let name = self.fresh();
        let mut object = self.object(kind, &name);
        if self.random.one_in(25) {
            object["metadata"] = json!({"generateName": format!("{name}-")});
        }
        self.named(&mut request);
        if self.random.one_in(40) {
            request.content =
                Content::Raw(self.random.pick(&["", "{", "[]", "7", "\"x\"", "{\"metadata\":", "null"]).to_string());
        } else {
            request.content = Content::Json(object);
        }
        if self.random.one_in(60) {
            request.media = "text/plain";
        }
        request
    }

    fn create_again(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "create again", "POST");
        let name = self.old(kind);
        let name = if name == "missing" { self.fresh() } else { name };
        request.content = Content::Json(objects::sound(kind, &name, &mut self.random));
        request
    }

    fn apply(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "apply", "PATCH");
        request.media = "application/apply-patch+yaml";
        request.name = if self.random.one_in(3) { self.fresh() } else { self.old(kind) };
        if request.name == "missing" {
            request.name = self.fresh();
        }
        let name = request.name.clone();
        request.content = Content::Json(self.object(kind, &name));
        if !self.random.one_in(20) {
            request.query.push(("fieldManager", (*self.random.pick(&MANAGERS)).into()));
        }
        if self.random.one_in(2) {
            request.query.push(("force", "true".into()));
        }
        request
    }

    fn replace(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "replace", "PUT");
        request.name = self.old(kind);
        let mut edits: Vec<Edit> = Vec::new();
        let base = objects::sound(kind, &request.name, &mut self.random);
        for _ in 0..self.random.below(3) {
            edits.push(objects::edit(kind, &base, &mut self.random));
        }
        let set = |pointer: &str, value: Option<Value>| Edit { pointer: pointer.into(), value };
        match self.random.below(14) {
            0 => edits.push(set("/metadata/resourceVersion", None)),
            1 => edits.push(set("/metadata/resourceVersion", Some("1".into()))),
            2 => edits.push(set("/metadata/uid", Some("another".into()))),
            3 => edits.push(set("/metadata/managedFields", Some(json!([])))),
            4 => edits.push(set("/metadata/generation", Some(json!(99)))),
            5 => edits.push(set("/metadata/creationTimestamp", None)),
            6 => edits.push(set("/status", Some(json!({})))),
            7 => edits.push(set("/metadata/name", Some("other".into()))),
            8 => edits.push(set("/metadata/namespace", Some("other".into()))),
            _ => {}
        }
        self.named(&mut request);
        request.content = Content::Latest { of: format!("{}/{}", request.collection, request.name), edits };
        if self.random.one_in(6) {
            let name = request.name.clone();
            request.content = Content::Json(self.object(kind, &name));
        }
        request
    }

    /// A change as a patch that holds nothing else.
    fn difference(&mut self, kind: &Kind, name: &str) -> Value {
        let base = objects::sound(kind, name, &mut self.random);
        let mut patch = json!({});
        for _ in 0..=self.random.below(2) {
            let edit = objects::edit(kind, &base, &mut self.random);
            let keys: Vec<&str> = edit.pointer.split('/').skip(1).collect();
            if keys.iter().any(|key| key.parse::<usize>().is_ok() || *key == "-") {
                // Lists are sent whole.
                let list: Vec<&str> =
                    keys.iter().take_while(|key| key.parse::<usize>().is_err() && **key != "-").copied().collect();
                let pointer = format!("/{}", list.join("/"));
                let mut whole = base.clone();
                edit.apply(&mut whole);
                let value = whole.pointer(&pointer).cloned();
                Edit { pointer, value: Some(value.unwrap_or(Value::Null)) }.apply(&mut patch);
            } else {
                Edit { value: Some(edit.value.unwrap_or(Value::Null)), ..edit }.apply(&mut patch);
            }
        }
        patch
    }

    fn merge(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "merge", "PATCH");
        request.media = "application/merge-patch+json";
        request.name = self.old(kind);
        let name = request.name.clone();
        request.content = Content::Json(self.difference(kind, &name));
        self.named(&mut request);
        if self.random.one_in(30) {
            request.query.push(("force", "true".into()));
        }
        if self.random.one_in(30) {
            request.content = Content::Raw(self.random.pick(&["", "[]", "{", "null", "7"]).to_string());
        }
        request
    }

    fn strategic(&mut self, kind: &Kind) -> Request {
        let mut request = self.merge(kind);
        (request.what, request.media) = ("strategic", "application/strategic-merge-patch+json");
        if self.random.one_in(6)
            && let Some(special) = objects::strategic(kind, &mut self.random)
        {
            request.content = Content::Json(special);
        }
        request
    }

    fn json(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "json", "PATCH");
        request.media = "application/json-patch+json";
        request.name = self.old(kind);
        let base = objects::sound(kind, &request.name, &mut self.random);
        let mut operations = Vec::new();
        for _ in 0..=self.random.below(2) {
            let edit = objects::edit(kind, &base, &mut self.random);
            let operation = match (&edit.value, self.random.below(8)) {
                (None, _) => json!({"op": "remove", "path": edit.pointer}),
                (Some(value), 0) => json!({"op": "test", "path": edit.pointer, "value": value}),
                (Some(value), 1 | 2) => json!({"op": "replace", "path": edit.pointer, "value": value}),
                (Some(_), 3) => json!({"op": "copy", "from": "/metadata/name", "path": edit.pointer}),
                (Some(value), _) => json!({"op": "add", "path": edit.pointer, "value": value}),
            };
            operations.push(operation);
        }
        request.content = Content::Json(operations.into());
        self.named(&mut request);
        request
    }

    fn get(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "get", "GET");
        request.name = self.old(kind);
        request.media = "";
        request
    }

    fn list(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "list", "GET");
        request.media = "";
        let selectors = ["", "app=a", "app!=a", "app in (a,b)", "app,!tier", "a b", "app notin (a)", "=", "app=%"];
        match self.random.below(4) {
            0 => request.query.push(("labelSelector", (*self.random.pick(&selectors)).into())),
            1 => {
                let fields =
                    ["metadata.name=missing", "metadata.namespace=twins", "spec.nothing=1", "metadata.name", "a=b,c=d"];
                request.query.push(("fieldSelector", (*self.random.pick(&fields)).into()));
            }
            2 => request.query.push(("limit", (*self.random.pick(&["1", "2", "0", "-1", "x"])).into())),
            _ => {}
        }
        request
    }

    fn delete(&mut self, kind: &Kind) -> Request {
        let mut request = self.request(kind, "delete", "DELETE");
        request.name = self.old(kind);
        let of = format!("{}/{}", request.collection, request.name);
        request.content = match self.random.below(12) {
            0 => Content::Preconditions { of, field: "uid", wrong: true },
            1 => Content::Preconditions { of, field: "resourceVersion", wrong: true },
            2 => Content::Preconditions { of, field: "uid", wrong: false },
            3 => Content::Preconditions { of, field: "resourceVersion", wrong: false },
            4 => Content::Json(json!({"propagationPolicy": "Foreground"})),
            5 => Content::Json(json!({"propagationPolicy": "Orphan"})),
            6 => Content::Json(json!({"propagationPolicy": "Sideways"})),
            7 => Content::Json(json!({"propagationPolicy": "Background", "orphanDependents": true})),
            8 => Content::Json(json!({"gracePeriodSeconds": 0, "dryRun": ["All"]})),
            _ => Content::None,
        };
        if matches!(&request.content, Content::Json(options) if options.get("dryRun").is_some()) {
            request.query.push(("dryRun", "All".into()));
        }
        if matches!(request.content, Content::None) && self.random.one_in(3) {
            let policy = self.random.pick(&["Background", "Foreground", "Orphan"]);
            request.query.push(("propagationPolicy", (*policy).into()));
        }
        request
    }

    /// Status, scale, and parts that are not there.
    fn part(&mut self, kind: &Kind) -> Request {
        let mut request = self.merge(kind);
        request.what = "part";
        request.subresource = *self.random.pick(&["status", "status", "scale", "nothing"]);
        match request.subresource {
            "scale" => {
                let replicas = self.random.pick(&[json!(0), json!(3), json!(-1), json!("x"), Value::Null]).clone();
                request.content = Content::Json(json!({"spec": {"replicas": replicas}}));
            }
            "status" => {
                let status = objects::status(kind, &mut self.random);
                let mut patch = json!({"status": status});
                if self.random.one_in(3) {
                    patch["metadata"] = json!({"labels": {"by": "status"}, "annotations": {"by": "status"}});
                }
                request.content = Content::Json(patch);
            }
            _ => {}
        }
        if self.random.one_in(4) {
            (request.method, request.content) = ("GET", Content::None);
            request.query.clear();
        }
        request
    }
}
