//! Walking to the fields that a field specification names, making missing ones where it says so.

use lucid_object::yaml::{Entry, Key, Kind, Node, Pos, Scalar, Tag, Text};

use crate::meter::DEPTH;
use crate::resource::Resource;
use crate::tables::Spec;

/// What to make where a field is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    Nothing,
    Map,
    Scalar(Tag),
}

/// A specification with its path taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    spec: &'a Spec,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    name: Text,
    /// Written with `[]`: known to be a list, and never made.
    list: bool,
}

impl Part {
    /// kustomize looks fields up without the blanks around their names; a blank name is no step at all.
    fn new(part: &str) -> Option<Self> {
        let (name, list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let trimmed = name.trim();
        (name.is_empty() || !trimmed.is_empty()).then(|| Self { name: trimmed.into(), list })
    }

    /// An index or a condition: kustomize takes it for one of a list, whatever stands there.
    fn is_of_list(&self) -> bool {
        let name = self.name.as_str();
        name == "-" || name == "*" || name.parse::<i64>().is_ok() || (name.starts_with('[') && name.ends_with(']'))
    }
}

impl<'a> Field<'a> {
    pub(crate) fn new(spec: &'a Spec) -> Self {
        Self { spec, parts: split(&spec.path, '/').iter().filter_map(|part| Part::new(part)).collect() }
    }

    pub(crate) fn path(&self) -> &str {
        &self.spec.path
    }

    /// The names on the way, lists left out.
    pub(crate) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.parts.iter().map(|part| part.name.as_str())
    }

    /// True for a specification of role bindings by name.
    pub(crate) fn is_for_binding(&self) -> bool {
        matches!(&*self.spec.kind, "RoleBinding" | "ClusterRoleBinding")
    }

    /// True if the specification is for resources of this type.
    pub(crate) fn applies(&self, resource: &Resource) -> bool {
        let (group, version) = resource.group_version();
        selects(self.spec, group, version, resource.kind())
    }

    /// Calls `set` on every field that the path leads to.
    pub(crate) fn visit(
        &self,
        node: &mut Node,
        make: Make,
        pos: Pos,
        set: &mut dyn FnMut(&mut Node) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.parts.len() > DEPTH {
            return Err(format!("the field is more than {DEPTH} deep"));
        }
        let make = if self.spec.create { make } else { Make::Nothing };
        walk(node, &self.parts, make, pos, set).map_err(|error| format!("field {}: {error}", self.spec.path))
    }
}

/// True if a specification is for this type.
pub(crate) fn selects(spec: &Spec, group: &str, version: &str, kind: &str) -> bool {
    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    fits(&spec.kind, kind) && fits(&spec.group, group) && fits(&spec.version, version)
}

fn walk(
    node: &mut Node,
    path: &[Part],
    make: Make,
    pos: Pos,
    set: &mut dyn FnMut(&mut Node) -> Result<(), String>,
) -> Result<(), String> {
    let Some((part, rest)) = path.split_first() else { return set(node) };
    if node.is_null() {
        return Ok(());
    }
    match &mut node.kind {
        Kind::Seq(items) => items.iter_mut().try_for_each(|item| walk(item, path, make, pos, set)),
        Kind::Map(entries) => {
            if part.name.is_empty() {
                return Err("an empty field name".into());
            }
            if part.is_of_list() {
                return Err(format!("{} is for a list, and here is a mapping", part.name));
            }
            let wanted = if part.list || make == Make::Nothing {
                Make::Nothing
            } else if rest.is_empty() {
                make
            } else {
                Make::Map
            };
            let Some(field) = find_or_make(entries, part, wanted, pos) else { return Ok(()) };
            walk(field, rest, make, pos, set)
        }
        Kind::Scalar(_) => Err("a mapping or a list is expected".into()),
    }
}

fn find_or_make<'n>(entries: &'n mut Vec<Entry>, part: &Part, make: Make, pos: Pos) -> Option<&'n mut Node> {
    let made = match make {
        Make::Nothing => None,
        Make::Map => Some(Kind::Map(Vec::new())),
        Make::Scalar(tag) => Some(Kind::Scalar(Scalar::plain(Text::default(), tag))),
    };
    match entries.iter().position(|entry| entry.key.text == part.name) {
        Some(index) => {
            let field = &mut entries[index].value;
            if field.is_null() {
                if part.list {
                    field.kind = Kind::Seq(Vec::new());
                } else if let Some(kind) = made {
                    field.kind = kind;
                }
            }
            Some(field)
        }
        None => {
            let kind = match made? {
                Kind::Scalar(scalar) => Kind::Scalar(Scalar { tag: Tag::Unset, ..scalar }),
                kind => kind,
            };
            entries.push(Entry { key: Key::new(part.name.clone(), pos), value: Node::new(kind, pos) });
            entries.last_mut().map(|entry| &mut entry.value)
        }
    }
}

/// Splits a path; a backslash before the delimiter keeps it. A leading delimiter does not count.
pub(crate) fn split(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(delimiter).collect();
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let mut joined: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            None => joined.push(part.to_owned()),
        }
    }
    joined
}

/// The steps of a path as kustomize looks fields up: blanks around names do not count, and blank names are no steps.
pub(crate) fn trimmed(path: &[String]) -> impl Iterator<Item = &str> {
    path.iter().map(|part| part.trim()).filter(|part| !part.is_empty())
}

/// Splits a field path such as `a.[k=x.y].b`, keeping dots inside brackets.
pub(crate) fn split_smart(path: &str) -> Vec<String> {
    let mut parts = split(path, '.').into_iter();
    let mut joined = Vec::new();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            joined.push(part);
            continue;
        }
        let mut bracketed = part;
        for next in parts.by_ref() {
            let last = next.ends_with(']');
            bracketed.push('.');
            bracketed.push_str(&next);
            if last {
                break;
            }
        }
        let keep = bracketed.contains('=');
        joined.push(if keep { bracketed } else { bracketed.trim_matches(['[', ']']).to_owned() });
    }
    joined
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::parse;

    use super::*;
    use crate::resource::set_scalar;
    use crate::tables::f;

    #[track_caller]
    fn check(text: &str, path: &'static str, make: Make, want: &str) {
        let spec = f("", "", "", path, true);
        let mut node = parse(text, 0).expect("readable").remove(0);
        let result = Field::new(&spec).visit(&mut node, make, Pos::NOWHERE, &mut |node| {
            if make == Make::Map {
                node.set(Key::new("k", Pos::NOWHERE), Node::string("v", Pos::NOWHERE));
                return Ok(());
            }
            set_scalar(node, "set", Tag::Str, Pos::NOWHERE)
        });
        let got = match result {
            Ok(()) => node.to_json().to_string(),
            Err(error) => error,
        };
        assert_eq!(got, want);
    }

    #[test]
    fn fields_are_found_and_made() {
        check("{a: {b: 1}}", "a/b", Make::Nothing, r#"{"a":{"b":"set"}}"#);
        check("{a: 1}", "x/y", Make::Nothing, r#"{"a":1}"#);
        check("{a: 1}", "x/y", Make::Scalar(Tag::Str), r#"{"a":1,"x":{"y":"set"}}"#);
        check("{a: ~}", "a/b", Make::Map, r#"{"a":{"b":{"k":"v"}}}"#);
        check("{a: [{b: 1}, {b: 2}]}", "a/b", Make::Nothing, r#"{"a":[{"b":"set"},{"b":"set"}]}"#);
        check("{a: ~}", "a[]/b", Make::Nothing, r#"{"a":[]}"#);
        check("{}", "a[]/b", Make::Scalar(Tag::Str), "{}");
        check("{a: 1}", "a/b", Make::Nothing, "field a/b: a mapping or a list is expected");
        check("{a: {}}", "a//b", Make::Nothing, "field a//b: an empty field name");
    }

    #[test]
    fn paths() {
        assert_eq!(split(r"a/b\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(split("/a/b", '/'), ["a", "b"]);
        assert_eq!(split_smart(r"a.b\.c.[name=x.y].0"), ["a", "b.c", "[name=x.y]", "0"]);
        assert_eq!(split_smart("a.[b.c].d"), ["a", "b.c", "d"]);
    }
}
