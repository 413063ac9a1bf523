//! The object that a request carries: read, checked against its kind, defaulted.

use lucid_object::Gvk;
use lucid_schema::Schema;
use serde_json::{Map, Value, json};

use crate::api::{BODY_LIMIT, Request, convert};
use crate::decode::{self, Dialect, Findings};
use crate::defaults;
use crate::error::ApiError;
use crate::json::Json;
use crate::kinds::Kind;
use crate::schema::{Root, Topology, TypeRef};
use crate::world::World;

const MEDIA: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The body as JSON, with the fields that it names twice. YAML is read where it is said to be YAML.
pub(crate) fn raw(request: &Request) -> Result<(Value, Vec<String>), ApiError> {
    if request.body.len() > BODY_LIMIT {
        return Err(ApiError::too_large(format!("limit is {BODY_LIMIT}")));
    }
    if request.content_type.contains("application/vnd.kubernetes.protobuf") && !request.body.is_empty() {
        let value = decode::protobuf::read(&request.body);
        return Ok((value.map_err(ApiError::bad_request)?, Vec::new()));
    }
    if request.content_type.contains("yaml") {
        let text = std::str::from_utf8(&request.body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let (value, repeated) = yaml(text).map_err(|error| unreadable(request, &error))?;
        return Ok((value, repeated.into_iter().collect()));
    }
    decode::parse(&request.body).map_err(|error| unreadable(request, &go_words(&error)))
}

/// YAML as JSON, and the first key that it sets twice. The last one counts.
pub(crate) fn yaml(text: &str) -> Result<(Value, Option<String>), String> {
    let error = match serde_saphyr::from_str(text) {
        Ok(value) => return Ok((value, None)),
        Err(error) => error,
    };
    let lenient = serde_saphyr::options! { duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins };
    let value = serde_saphyr::from_str_with_options(text, lenient).map_err(|_| error.to_string())?;
    let repeated = error.location().map(|location| {
        let line = usize::try_from(location.line()).unwrap_or(0);
        let key = text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split(':').next()).unwrap_or_default();
        format!("line {line}: key {:?} already set in map", key.trim().trim_matches(['\'', '"']))
    });
    Ok((value, repeated))
}

/// The object of a POST or PUT.
pub(crate) fn object(world: &mut World, kind: &Kind, request: &Request) -> Result<Value, ApiError> {
    let (value, duplicates) = raw(request).map_err(|error| unrecognised(kind, request, error))?;
    let value = typed(world, kind, request, value)?;
    if kind.is_custom() {
        crate::api::patches::check_type(kind, value.name(), &value)?;
    }
    let (object, findings) = read(kind, value, Dialect::Json);
    if let Some(error) = findings.error {
        return Err(unfit(kind, &kind.version, &kind.kind, &error));
    }
    let told = in_order(kind, request, duplicates, findings.strict);
    match validation(request) {
        Validation::Strict if !told.is_empty() => {
            let why = format!("strict decoding error: {}", told.join(", "));
            return Err(unfit(kind, &kind.version, &kind.kind, &why));
        }
        Validation::Ignore => {}
        _ => world.warnings.extend(told),
    }
    Ok(object)
}

/// What is told of fields, in the order of the document where the kind is built in.
fn in_order(kind: &Kind, request: &Request, duplicates: Vec<String>, unknown: Vec<String>) -> Vec<String> {
    let is_mixed = !duplicates.is_empty() && !unknown.is_empty();
    let mut told: Vec<String> = duplicates.into_iter().chain(unknown).collect();
    if is_mixed && !kind.is_custom() && !request.content_type.contains("yaml") {
        let paths = decode::paths(&request.body);
        told.sort_by_key(|text| {
            let path = text.split('"').nth(1).unwrap_or_default();
            let mut found = paths.iter().enumerate().filter(|(_, known)| *known == path).map(|(at, _)| at);
            if text.starts_with("duplicate") { found.nth(1) } else { found.next() }
        });
    }
    told
}

/// From JSON that claims to be of this kind to the object in its stored version, with defaults.
pub(crate) fn read(kind: &Kind, value: Value, dialect: Dialect) -> (Value, Findings) {
    let (mut object, findings) = match kind.type_ref() {
        TypeRef::Custom { .. } => custom(kind, value, dialect),
        ty => decode::decode(&value, ty, dialect),
    };
    object.get_mut("metadata").map(forgotten);
    convert::store(kind, &mut object);
    defaults::apply(kind, &mut object);
    (object, findings)
}

/// `managedFields: []` asks that the record of owners be forgotten, as `[{}]` does.
fn forgotten(metadata: &mut Value) {
    if let Some(list) = metadata.get_mut("managedFields").and_then(Value::as_array_mut)
        && list.is_empty()
    {
        list.push(Value::Object(Map::new()));
    }
}

/// What is to be made of fields that the kind does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

pub(crate) fn validation(request: &Request) -> Validation {
    match request.query.get("fieldValidation") {
        "Strict" => Validation::Strict,
        "Ignore" => Validation::Ignore,
        _ => Validation::Warn,
    }
}

pub(crate) fn check_media(request: &Request) -> Result<(), ApiError> {
    let media = request.content_type.split(';').next().unwrap_or("").trim();
    if matches!(media, "" | "application/json" | "application/yaml" | "application/vnd.kubernetes.protobuf") {
        return Ok(());
    }
    Err(ApiError::unsupported_media_type(MEDIA))
}

fn unreadable(request: &Request, why: &str) -> ApiError {
    ApiError::bad_request(format!("couldn't get version/kind; json parse error: {why} ({})", summary(&request.body)))
}

fn unrecognised(kind: &Kind, _request: &Request, error: ApiError) -> ApiError {
    if error.code != 400 {
        return error;
    }
    let why = error.message;
    ApiError::bad_request(format!("the object provided is unrecognized (must be of type {}): {why}", kind.kind))
}

/// The beginning of a body, as the server quotes it.
fn summary(body: &[u8]) -> String {
    let (shown, more) = if body.len() > 30 { (&body[..30], " ...") } else { (body, "") };
    match body.first() {
        None => "<empty>".into(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => format!("{}{more}", shown.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

fn go_words(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".into() } else { error.to_string() }
}

fn unfit(expected: &Kind, version: &str, named: &str, why: &str) -> ApiError {
    let shown = if expected.is_custom() { named } else { &expected.kind };
    ApiError::bad_request(format!("{named} in version {version:?} cannot be handled as a {shown}: {why}"))
}

const SCHEME: &str = "\"pkg/runtime/scheme.go:111\"";

/// A version in the server's own spelling: `/v1` is `v1`.
fn group_version(version: &str) -> &str {
    version.strip_prefix('/').unwrap_or(version)
}

/// The type with which the server first looks at an object.
const HEAD: &str =
    "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";

/// Version and kind of what is to be an object; what is missing is empty.
fn head(value: &Value) -> Result<(String, String), String> {
    if !value.is_object() && !value.is_null() {
        return Err(format!("json: cannot unmarshal {} into Go value of type {HEAD}", decode::kind(value)));
    }
    let text = |field: &str| match value.at(field) {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        other => {
            let what = decode::kind(other);
            Err(format!("json: cannot unmarshal {what} into Go struct field .{field} of type string"))
        }
    };
    Ok((text("apiVersion")?, text("kind")?))
}

/// Whether a patched object still says that it is of its kind; why not, in the words of the decoder.
pub(crate) fn check_patched(kind: &Kind, patched: &Value) -> Result<(), String> {
    let (version, name) = head(patched).map_err(|why| format!("couldn't get version/kind; json parse error: {why}"))?;
    if version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {version}"));
    }
    if kind.is_custom() {
        return if name.is_empty() { Err(format!("Object 'Kind' is missing in '{patched}'")) } else { Ok(()) };
    }
    let name = if name.is_empty() { &kind.kind } else { &name };
    if version.is_empty() {
        if *name == kind.kind {
            return Ok(());
        }
        return Err(format!(
            "no kind {name:?} is registered for the internal version of group {:?} in scheme {SCHEME}",
            kind.group
        ));
    }
    if *name == kind.kind && was_served(&version, name) {
        return Ok(());
    }
    if Schema::of(&Gvk::from_api_version(&version, name)).is_some() {
        let same = version == kind.api_version() && *name == kind.kind;
        return if same { Ok(()) } else { Err(foreign(kind, &version, name, patched)) };
    }
    let version = group_version(&version);
    Err(format!("no kind {name:?} is registered for version {version:?} in scheme {SCHEME}"))
}

/// The value with the type that the URL says, unless it says another one itself.
fn typed(world: &World, kind: &Kind, request: &Request, value: Value) -> Result<Value, ApiError> {
    let (version, name) = head(&value).map_err(|why| unrecognised(kind, request, unreadable(request, &why)))?;
    if version.matches('/').count() > 1 {
        let why = format!("unexpected GroupVersion string: {version} ({})", summary(&request.body));
        return Err(unrecognised(kind, request, ApiError::bad_request(why)));
    }
    if kind.is_custom() && name.is_empty() {
        let body = String::from_utf8_lossy(&request.body);
        let why = format!("Object 'Kind' is missing in '{body}' ({})", summary(&request.body));
        return Err(ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why}",
            kind.kind
        )));
    }
    // Said and empty is another version; not said is the URL's.
    if kind.is_custom() && version.is_empty() && value.get("apiVersion").is_some_and(Value::is_string) {
        return Err(version_mismatch(kind, ""));
    }
    let mut map = if let Value::Object(map) = value { map } else { Map::new() };
    let version = if version.is_empty() { kind.api_version() } else { version };
    let name = if name.is_empty() { kind.kind.clone() } else { name };
    check_kind(world, kind, &version, &name, &Value::Object(map.clone()))?;
    map.insert("apiVersion".into(), version.into());
    map.insert("kind".into(), name.into());
    Ok(Value::Object(map))
}

fn check_kind(world: &World, kind: &Kind, version: &str, name: &str, value: &Value) -> Result<(), ApiError> {
    if version == kind.api_version() && name == kind.kind {
        return Ok(());
    }
    let short = version.rsplit_once('/').map_or(version, |(_, short)| short);
    if version != kind.api_version() && was_served(version, name) {
        return Err(version_mismatch(kind, version));
    }
    let known = world.kinds.by_kind(version, name).filter(|known| !known.is_custom());
    if kind.is_custom() {
        if version != kind.api_version() {
            return Err(version_mismatch(kind, version));
        }
        // Validation will say that it is of another kind.
        return Ok(());
    }
    match known {
        None => {
            let version = group_version(version);
            let why = format!("no kind {name:?} is registered for version {version:?} in scheme {SCHEME}");
            Err(unfit(kind, short, name, &why))
        }
        Some(known) if known.table == kind.table => Err(version_mismatch(kind, version)),
        Some(_) => Err(unfit(kind, short, name, &foreign(kind, version, name, value))),
    }
}

/// What is wrong with an object of another kind: that it does not even fit that one, or that it is not this one.
fn foreign(kind: &Kind, version: &str, name: &str, value: &Value) -> String {
    let schema = Schema::of(&Gvk::from_api_version(version, name));
    let error = schema.and_then(|schema| decode::decode(value, TypeRef::Builtin(schema), Dialect::Json).1.error);
    error.unwrap_or_else(|| {
        let short = version.rsplit_once('/').map_or(version, |(_, short)| short);
        let group = go_package(&kind.group);
        format!("converting ({short}.{name}) to ({group}.{}): unknown conversion", kind.kind)
    })
}

/// Versions that are served no more and still known.
fn was_served(version: &str, name: &str) -> bool {
    let kinds: &[&str] = match version {
        "apps/v1beta1" => &["Deployment", "StatefulSet", "ControllerRevision", "Scale"],
        "apps/v1beta2" => &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision", "Scale"],
        "batch/v1beta1" => &["CronJob"],
        "extensions/v1beta1" => &["Deployment", "DaemonSet", "ReplicaSet", "Ingress", "NetworkPolicy", "Scale"],
        "policy/v1beta1" => &["PodDisruptionBudget", "Eviction"],
        "networking.k8s.io/v1beta1" => &["Ingress", "IngressClass"],
        "rbac.authorization.k8s.io/v1beta1" | "rbac.authorization.k8s.io/v1alpha1" => {
            &["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]
        }
        "coordination.k8s.io/v1beta1" => &["Lease"],
        _ => &[],
    };
    kinds.contains(&name)
}

fn version_mismatch(kind: &Kind, version: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the API version in the data ({version}) does not match the expected API version ({})",
        kind.api_version()
    ))
}

/// The Go package of a group's internal types.
fn go_package(group: &str) -> &str {
    match group.split('.').next() {
        None | Some("") => "core",
        Some(first) => first,
    }
}

/// A custom resource: typed metadata, and of the rest what its schema declares.
fn custom(kind: &Kind, value: Value, dialect: Dialect) -> (Value, Findings) {
    let mut value = value;
    let mut findings = Findings::default();
    if let Some(metadata) = value.get_mut("metadata") {
        let ty = TypeRef::Builtin(Schema::object_meta());
        let (mut held, found) = decode::decode(metadata, ty, Dialect::Json);
        // What an apply says wrongly of the metadata counts as not said, and the rest as said.
        if dialect != Dialect::Json && found.error.is_some() {
            held = by_field(metadata, ty);
        }
        *metadata = decode::printed(&held, ty);
        findings.error = found.error.filter(|_| dialect == Dialect::Json);
        let within = |text: String| text.replacen("field \"", "field \"metadata.", 1);
        findings.strict.extend(found.strict.into_iter().map(within));
    }
    let metadata = value.as_object_mut().and_then(|map| map.remove("metadata"));
    if let (Dialect::Json, Root::Custom(schema)) = (dialect, &kind.schema) {
        drop_nulls(&mut value, schema);
    }
    prune(&mut value, kind.type_ref(), &mut String::new(), &mut findings.strict);
    if let (Some(metadata), Some(map)) = (metadata, value.as_object_mut()) {
        map.insert("metadata".into(), metadata);
    }
    findings.strict.sort();
    (value, findings)
}

/// The fields that can be read, each for itself.
fn by_field(value: &Value, ty: TypeRef) -> Value {
    let fields = value.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let (held, found) = decode::decode(&json!({name: value}), ty, Dialect::Json);
        found.error.is_none().then(|| held.as_object().cloned().unwrap_or_default())
    });
    Value::Object(fields.flatten().collect())
}

/// What is null and cannot be, and has no default, is as if it were not there.
fn drop_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let (declared, more) = (schema.map("properties"), schema.at("additionalProperties"));
            let field_of = |name: &str| {
                let declared = declared.and_then(|declared| declared.get(name));
                declared.or_else(|| more.is_object().then_some(more))
            };
            let stays = |field: &Value| field.flag("nullable") || field.get("default").is_some();
            map.retain(|name, value| !value.is_null() || field_of(name).is_none_or(stays));
            for (name, value) in map.iter_mut() {
                if let Some(field) = field_of(name) {
                    drop_nulls(value, field);
                }
            }
        }
        Value::Array(list) if schema.has("items") => {
            list.iter_mut().for_each(|item| drop_nulls(item, schema.at("items")));
        }
        _ => {}
    }
}

fn prune(value: &mut Value, ty: TypeRef<'_>, path: &mut String, unknown: &mut Vec<String>) {
    if matches!(ty, TypeRef::Unknown) || matches!(ty.topology(), Topology::Deduced) {
        return;
    }
    let length = path.len();
    match value {
        Value::Object(map) => map.retain(|key, value| {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            let field = ty.field(key);
            match field {
                Some(field) => prune(value, field, path, unknown),
                None => unknown.push(format!("unknown field {path:?}")),
            }
            path.truncate(length);
            field.is_some()
        }),
        Value::Array(list) => {
            for (at, item) in list.iter_mut().enumerate() {
                path.push_str(&format!("[{at}]"));
                prune(item, ty.items(), path, unknown);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Makes sure that the object is the one that the URL names.
pub(crate) fn check_name(object: &Value, name: &str) -> Result<(), ApiError> {
    match object.name() {
        "" => Err(ApiError::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))),
        given if given == name => Ok(()),
        given => Err(ApiError::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        ))),
    }
}
