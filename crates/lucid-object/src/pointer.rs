//! JSON pointers, read often.

use serde_json::Value;

/// What is at a JSON pointer. As [`Value::pointer`], which makes a text of each name on the way.
pub fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    if pointer.contains('~') {
        return value.pointer(pointer);
    }
    let mut names = pointer.split('/');
    if names.next() != Some("") {
        return None;
    }
    names.try_fold(value, |value, name| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::at;

    #[test]
    fn as_serde_has_it() {
        let value = json!({"a": {"b": [1, {"c": 2}], "": 3}, "x/y": 4, "~": 5});
        for pointer in
            ["", "/", "/a", "/a/b", "/a/b/1/c", "/a/b/2", "/a/b/x", "/a/", "a", "/x~1y", "/~0", "/a/b/1/c/d", "/q"]
        {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }
}
