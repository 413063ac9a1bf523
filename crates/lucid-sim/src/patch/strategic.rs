//! Strategic merge patches: lists merge by key, and directives say what to delete, replace and reorder.
//!
//! Source: apimachinery's `util/strategicpatch/patch.go`.

mod order;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::go;
use crate::schema::TypeRef;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_LIST: &str = "$deleteFromPrimitiveList";
const ORDER: &str = "$setElementOrder";

/// Why a patch cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The client's fault, as the server sees it.
    Format(&'static str),
    /// What the server answers with a 500.
    Other(String),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Format(why) => Self::bad_request(why),
            Error::Other(why) => Self::failed(why),
        }
    }
}

const BAD_RETAIN: Error = Error::Format("invalid patch format of retainKeys");
const BAD_ORDER: Error = Error::Format("invalid patch format of setElementOrder list");

fn no_merge_key(item: &Value, key: &str) -> Error {
    Error::Other(format!("map: {} does not contain declared merge key: {key}", go::plain(item)))
}

/// Applies the patch to an object of this type; a patch that is null changes nothing.
pub(crate) fn apply(target: &mut Value, patch: &Value, ty: TypeRef<'_>) -> Result<(), Error> {
    let Some(patch) = patch.as_object() else { return Ok(()) };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    maps(target.as_object_mut().expect("made an object above"), patch, ty)
}

fn maps(target: &mut Map<String, Value>, patch: &Map<String, Value>, ty: TypeRef<'_>) -> Result<(), Error> {
    let mut patch = patch.clone();
    match patch.remove(DIRECTIVE) {
        None => {}
        Some(directive) if directive == "replace" => {
            *target = patch;
            return Ok(());
        }
        Some(directive) if directive == "delete" => {
            target.clear();
            return Ok(());
        }
        Some(directive) => {
            patch.insert(DIRECTIVE.into(), directive.clone());
            return Err(bad_directive(&directive, &Value::Object(patch)));
        }
    }
    retain(target, &mut patch)?;
    ordered(target, &mut patch, ty)?;
    for (key, value) in &patch {
        let deleting = key.starts_with(DELETE_LIST);
        let key = if deleting { list_of(key, DELETE_LIST)? } else { key };
        if value.is_null() {
            target.remove(key);
            continue;
        }
        let field = ty.field(key).unwrap_or(TypeRef::Unknown);
        match target.get_mut(key) {
            Some(Value::Object(current)) if value.is_object() => {
                let patch = value.as_object().expect("looked above");
                if strategy(field) == "replace" {
                    *current = patch.clone();
                } else {
                    maps(current, patch, field)?;
                }
            }
            Some(Value::Array(current)) if value.is_array() => {
                let patch = value.as_array().expect("looked above");
                if deleting && patch.iter().chain(current.iter()).all(|item| !item.is_object()) {
                    current.retain(|item| !patch.contains(item));
                } else if deleting || strategy(field) == "merge" {
                    *current = lists(current, patch, field)?;
                } else {
                    current.clone_from(patch);
                }
            }
            Some(Value::Array(_)) if deleting => {}
            current if !deleting => match fresh(value) {
                Some(fresh) => drop(target.insert(key.into(), fresh)),
                None if current.is_some() => drop(target.remove(key)),
                None => {}
            },
            _ => {}
        }
    }
    Ok(())
}

fn bad_directive(directive: &Value, map: &Value) -> Error {
    Error::Other(format!("unknown patch type: {} in map: {}", go::plain(directive), go::plain(map)))
}

fn strategy(ty: TypeRef<'_>) -> &'static str {
    ty.patch_strategy().1.split(',').find(|word| *word != "retainKeys").unwrap_or("")
}

/// The list that a directive is about: `x` of `$setElementOrder/x`.
fn list_of<'k>(key: &'k str, prefix: &str) -> Result<&'k str, Error> {
    let bad = if prefix == ORDER { BAD_ORDER } else { Error::Format("invalid patch format of primitive list") };
    key.split_once('/').filter(|(first, _)| *first == prefix).map(|(_, list)| list).ok_or(bad)
}

/// What the object did not have is taken from the patch, without nulls and without parts that carry a directive.
fn fresh(value: &Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            let fields = map.iter().filter(|(_, value)| !value.is_null());
            Some(Value::Object(fields.filter_map(|(key, value)| Some((key.clone(), fresh(value)?))).collect()))
        }
        Value::Array(list) => Some(list.iter().filter_map(fresh).collect()),
        other => Some(other.clone()),
    }
}

/// Fields that are not named go.
fn retain(target: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), Error> {
    let Some(keys) = patch.remove(RETAIN) else { return Ok(()) };
    let Value::Array(keys) = keys else { return Err(BAD_RETAIN) };
    let named = |key: &str| keys.iter().any(|name| name.as_str() == Some(key));
    let counts =
        |key: &str, value: &Value| !value.is_null() && !key.starts_with(DELETE_LIST) && !key.starts_with(ORDER);
    if patch.iter().any(|(key, value)| counts(key, value) && !named(key)) {
        return Err(BAD_RETAIN);
    }
    target.retain(|key, _| named(key));
    Ok(())
}

/// The lists whose order the patch gives.
fn ordered(target: &mut Map<String, Value>, patch: &mut Map<String, Value>, ty: TypeRef<'_>) -> Result<(), Error> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for directive in directives {
        let wanted = patch.remove(&directive).unwrap_or_default();
        let wanted = as_list(&wanted)?.to_vec();
        let list = list_of(&directive, ORDER)?;
        let field = ty.field(list).unwrap_or(TypeRef::Unknown);
        let key = field.patch_strategy().0;
        let current = target.get(list).map(as_list).transpose()?.map(<[Value]>::to_vec);
        let change = patch.get(list).map(as_list).transpose()?.map(<[Value]>::to_vec);
        order::agree(change.as_deref().unwrap_or_default(), &wanted, key)?;
        let merged = match (&current, &change) {
            (None, None) => continue,
            (Some(current), None) => current.clone(),
            (None, Some(change)) => change.iter().filter_map(fresh).collect(),
            (Some(current), Some(change)) if strategy(field) == "merge" => lists(current, change, field)?,
            (Some(_), Some(change)) => change.clone(),
        };
        let current = current.unwrap_or_default();
        target.insert(list.to_owned(), order::arrange(merged, &wanted, &current, key)?.into());
        patch.remove(list);
    }
    Ok(())
}

fn as_list(value: &Value) -> Result<&[Value], Error> {
    let wrong = || Error::Other(format!("expected a []interface {{}}, but received a {}", go::type_name(value)));
    value.as_array().map(Vec::as_slice).ok_or_else(wrong)
}

/// Two lists as one: items with the same key are merged, new ones come before those that the object had.
fn lists(current: &[Value], patch: &[Value], ty: TypeRef<'_>) -> Result<Vec<Value>, Error> {
    let mut all = current.iter().chain(patch);
    let Some(first) = all.next() else { return Ok(Vec::new()) };
    if first.is_array() {
        return Err(Error::Other("lists of lists are not supported".into()));
    }
    if all.any(|item| go::type_name(item) != go::type_name(first)) {
        let shown = go::plain(&Value::from(vec![Value::from(current.to_vec()), Value::from(patch.to_vec())]));
        return Err(Error::Other(format!("list element types are not identical: {shown}")));
    }
    if !first.is_object() {
        let mut merged = current.to_vec();
        merged.extend(patch.iter().cloned());
        order::distinct(&mut merged);
        return order::arrange(merged, patch, current, None);
    }
    let Some(key) = ty.patch_strategy().0 else {
        return Err(Error::Other("cannot merge lists without merge key for struct".into()));
    };
    let mut kept = current.to_vec();
    let mut plain = Vec::new();
    let mut replace = false;
    for item in patch {
        match item.get(DIRECTIVE) {
            None => plain.push(item.clone()),
            Some(directive) if directive == "delete" => {
                let name = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
                kept.retain(|other| other.get(key) != Some(name));
            }
            Some(directive) if directive == "replace" => replace = true,
            Some(directive) if directive == "merge" => {
                return Err(Error::Other("merging lists cannot yet be specified in the patch".into()));
            }
            Some(directive) => return Err(bad_directive(directive, item)),
        }
    }
    if replace {
        return order::arrange(plain.clone(), &[], &plain, Some(key));
    }
    let mut merged = kept.clone();
    for item in &plain {
        let name = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
        match merged.iter_mut().find(|other| other.get(key) == Some(name)) {
            Some(other) => {
                let (Some(other), Some(item)) = (other.as_object_mut(), item.as_object()) else { continue };
                maps(other, item, ty.items())?;
            }
            None => merged.push(item.clone()),
        }
    }
    order::arrange(merged, &plain, &kept, Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::Gvk;
    use lucid_schema::Schema;
    use serde_json::json;

    #[track_caller]
    fn check(target: Value, patch: Value, expect: Value) {
        let mut target = json!({"spec": target});
        let pod = TypeRef::Builtin(Schema::of(&Gvk::new("", "v1", "Pod")).unwrap());
        apply(&mut target, &json!({"spec": patch}), pod).unwrap();
        assert_eq!(target["spec"], expect);
    }

    #[test]
    fn lists_merge_by_their_patch_key() {
        check(
            json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "c"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "c"}, {"name": "b"}]}),
        );
        check(
            json!({"tolerations": [{"key": "a"}]}),
            json!({"tolerations": [{"key": "b"}]}),
            json!({"tolerations": [{"key": "b"}]}),
        );
    }

    #[test]
    fn directives() {
        let two = || json!({"containers": [{"name": "a"}, {"name": "b"}]});
        check(
            two(),
            json!({"containers": [{"name": "a", "$patch": "delete"}]}),
            json!({"containers": [{"name": "b"}]}),
        );
        check(
            two(),
            json!({"containers": [{"name": "z"}, {"$patch": "replace"}]}),
            json!({"containers": [{"name": "z"}]}),
        );
        check(
            two(),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
            json!({"containers": [{"name": "b"}, {"name": "a"}]}),
        );
        check(
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}, "$retainKeys": ["name", "secret"]}]}),
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
        );
    }

    #[test]
    fn null_deletes() {
        check(json!({"hostname": "x", "subdomain": "y"}), json!({"hostname": null}), json!({"subdomain": "y"}));
    }
}
