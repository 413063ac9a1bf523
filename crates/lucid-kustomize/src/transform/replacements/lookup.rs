//! Reading one field by path: names, indices, and `[key=value]` for the first item that has it.

use lucid_object::yaml::Node;

use crate::fieldspec::trimmed;

/// The field at a path; none if it is not there.
pub(crate) fn lookup<'n>(root: &'n Node, path: &[String]) -> Result<Option<&'n Node>, String> {
    let mut node = root;
    for part in trimmed(path) {
        match step(node, part)? {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn step<'n>(node: &'n Node, part: &str) -> Result<Option<&'n Node>, String> {
    if node.is_null() {
        return Ok(None);
    }
    if let Ok(index) = part.parse::<i64>() {
        let index = usize::try_from(index).map_err(|_| format!("index {index} is negative"))?;
        return items(node, part).map(|items| items.get(index));
    }
    match part {
        "-" => items(node, part).map(<[Node]>::last),
        "*" => Err("`*` cannot be used in a source".into()),
        _ => match selector(part) {
            Some(Some((key, value))) => items(node, part).map(|items| items.iter().find(|item| has(item, key, value))),
            Some(None) => Err(format!("{part} is not of the form [key=value]")),
            None if node.is_map() => Ok(node.get(part)),
            None => Err(format!("{part} is looked for in something that is not a mapping")),
        },
    }
}

fn items<'n>(node: &'n Node, part: &str) -> Result<&'n [Node], String> {
    if node.is_seq() { Ok(node.items()) } else { Err(format!("{part} is looked for in something that is not a list")) }
}

fn has(item: &Node, key: &str, value: &str) -> bool {
    match key {
        "" => item.text() == Some(value),
        key => item.get(key).is_some_and(|field| field.text().unwrap_or_default() == value),
    }
}

/// `[key=value]` taken apart; none for other parts, an inner none for one without an equals sign.
pub(super) fn selector(part: &str) -> Option<Option<(&str, &str)>> {
    let inner = part.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.split_once('='))
}
