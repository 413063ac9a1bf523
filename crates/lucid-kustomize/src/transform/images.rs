//! `images`.

use std::cell::{Cell, RefCell};

use lucid_object::yaml::{Kind, Node, Tag};
use regex::Regex;

use super::{failed, unmatched};
use crate::fieldspec::{Field, Make};
use crate::meter::Meter;
use crate::model::Image;
use crate::pattern::{go, is_word, word_prefix};
use crate::report::Report;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::tables::Spec;

/// One entry, ready to match.
struct Change<'a> {
    image: &'a Image,
    meter: &'a RefCell<Meter>,
    /// Absent for a plain word; an invalid pattern matches nothing.
    regex: Option<Option<Regex>>,
    matched: Cell<bool>,
}

/// Rewrites image references: in every `containers` and `initContainers` list, then in the configured fields.
pub(crate) fn apply(map: &mut ResMap, images: &[Image], specs: &[Spec], report: &mut Report) {
    if images.is_empty() {
        return;
    }
    let meter = RefCell::new(std::mem::take(&mut report.meter));
    let changes: Vec<Change<'_>> = images.iter().map(|image| Change::new(image, &meter)).collect();
    let fields: Vec<Field<'_>> = specs.iter().map(Field::new).collect();
    for resource in map.list_mut() {
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        if let Err(error) = one(resource, &changes, &fields) {
            failed(report, resource, images[0].pos, "images", &error);
        }
    }
    let idle: Vec<&Image> = changes.iter().filter(|change| !change.matched.get()).map(|change| change.image).collect();
    idle.into_iter().for_each(|image| unmatched::image(image, report));
    report.meter = meter.into_inner();
}

fn one(resource: &mut Resource, changes: &[Change<'_>], fields: &[Field<'_>]) -> Result<(), String> {
    let fields: Vec<&Field<'_>> = fields.iter().filter(|field| field.applies(resource)).collect();
    let (twice, once): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| is_container_image(field));
    let mut path = Vec::with_capacity(8);
    containers(&mut resource.node, &mut path, &twice, changes)?;
    for field in once {
        field.visit(&mut resource.node, Make::Nothing, resource_pos(changes), &mut |node| {
            changes.iter().try_for_each(|change| change.apply(node))
        })?;
    }
    Ok(())
}

fn resource_pos(changes: &[Change<'_>]) -> lucid_object::yaml::Pos {
    changes[0].image.pos
}

/// Fields that the walk over container lists sees as well.
fn is_container_image(field: &Field<'_>) -> bool {
    let mut names = field.names().rev();
    names.next() == Some("image") && matches!(names.next(), Some("containers" | "initContainers"))
}

/// Visits container lists anywhere. A field that is also configured is changed twice, as kustomize does.
fn containers(
    node: &mut Node,
    path: &mut Vec<String>,
    twice: &[&Field<'_>],
    changes: &[Change<'_>],
) -> Result<(), String> {
    match &mut node.kind {
        Kind::Scalar(_) => Ok(()),
        Kind::Seq(items) => items.iter_mut().try_for_each(|item| containers(item, path, twice, changes)),
        Kind::Map(entries) => {
            for entry in entries {
                let is_list = matches!(entry.key.text.as_str(), "containers" | "initContainers");
                if !is_list && matches!(entry.value.kind, Kind::Scalar(_)) {
                    continue;
                }
                path.push(entry.key.text.to_string());
                containers(&mut entry.value, path, twice, changes)?;
                if is_list {
                    container_list(&mut entry.value, path, twice, changes)?;
                }
                path.pop();
            }
            Ok(())
        }
    }
}

fn container_list(
    list: &mut Node,
    path: &[String],
    twice: &[&Field<'_>],
    changes: &[Change<'_>],
) -> Result<(), String> {
    let again = twice.iter().filter(|field| is_at(field, path)).count();
    if again > 0 && list.is_null() {
        // A configured list field that is null becomes an empty list.
        list.kind = Kind::Seq(Vec::new());
    }
    let Kind::Seq(items) = &mut list.kind else {
        return if again > 0 && !list.is_map() { Err("containers must be a list".into()) } else { Ok(()) };
    };
    for container in items.iter_mut().filter(|item| !item.is_null()) {
        if !container.is_map() {
            return Err("a container is not a mapping".into());
        }
        let Some(image) = container.get_mut("image") else { continue };
        for change in changes {
            for _ in 0..=again {
                change.apply(image)?;
            }
        }
    }
    Ok(())
}

fn is_at(field: &Field<'_>, path: &[String]) -> bool {
    let mut names = field.names();
    path.iter().all(|name| names.next() == Some(name.as_str())) && names.next() == Some("image")
}

impl<'a> Change<'a> {
    fn new(image: &'a Image, meter: &'a RefCell<Meter>) -> Self {
        let regex = (!is_word(&image.name)).then(|| {
            let pattern = format!(
                "^{}(:[a-zA-Z0-9_.{{}}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{{}}-]*)?$",
                go(&image.name)
            );
            Regex::new(&pattern).ok()
        });
        Self { image, meter, regex, matched: Cell::new(false) }
    }

    fn matches(&self, reference: &str) -> bool {
        match &self.regex {
            Some(regex) => regex.as_ref().is_some_and(|regex| regex.is_match(reference)),
            None => word_prefix(&self.image.name, reference).is_some_and(|end| is_tag_and_digest(&reference[end..])),
        }
    }

    fn apply(&self, node: &mut Node) -> Result<(), String> {
        let pos = self.image.pos;
        let Kind::Scalar(scalar) = &mut node.kind else { return Err("an image is not a string".into()) };
        if scalar.tag == Tag::Null || !self.matches(&scalar.text) {
            return Ok(());
        }
        self.matched.set(true);
        let added = self.image.new_name.len() + self.image.new_tag.len() + self.image.tag_suffix.len();
        if !self.meter.borrow_mut().grow(added + self.image.digest.len(), pos) {
            return Ok(());
        }
        scalar.text = self.rewrite(&scalar.text).into();
        scalar.tag = Tag::Unset;
        node.pos = pos;
        Ok(())
    }

    fn rewrite(&self, reference: &str) -> String {
        let image = self.image;
        let (name, tag, digest) = split(reference);
        let name = if image.new_name.is_empty() { name } else { &image.new_name };
        let (tag, digest) = match (image.new_tag.is_empty(), image.digest.is_empty()) {
            (false, _) => (image.new_tag.to_string(), image.digest.as_str()),
            (true, false) => (String::new(), image.digest.as_str()),
            (true, true) if !image.tag_suffix.is_empty() => (format!("{tag}{}", image.tag_suffix), ""),
            (true, true) => (tag.to_owned(), digest),
        };
        let mut out = name.to_owned();
        if !tag.is_empty() {
            out.push(':');
            out.push_str(&tag);
        }
        if !digest.is_empty() {
            out.push('@');
            out.push_str(digest);
        }
        out
    }
}

/// `(:tag)?(@algorithm:hex)?` to the end.
fn is_tag_and_digest(rest: &str) -> bool {
    let loose =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'{' | b'}' | b'-'));
    let (tag, digest) = match rest.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (rest, None),
    };
    let tag_ok = tag.is_empty() || tag.strip_prefix(':').is_some_and(loose);
    let digest_ok = digest.is_none_or(|digest| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            let parts = algorithm.split(['.', '+', '_', '-']);
            loose(hex)
                && parts.into_iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        })
    });
    tag_ok && digest_ok
}

/// Name, tag and digest; a colon before the first slash belongs to a host.
fn split(reference: &str) -> (&str, &str, &str) {
    let from = reference.find('/').unwrap_or(0);
    let at = reference[from..].find('@').map(|index| index + from);
    let colon = reference[from..].find(':').map(|index| index + from);
    match (at, colon) {
        (None, None) => (reference, "", ""),
        (Some(at), colon) if colon.is_none_or(|colon| at < colon) => (&reference[..at], "", &reference[at + 1..]),
        (Some(at), Some(colon)) => (&reference[..colon], &reference[colon + 1..at], &reference[at + 1..]),
        (_, Some(colon)) => (&reference[..colon], &reference[colon + 1..], ""),
        (Some(at), None) => (&reference[..at], "", &reference[at + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: Image, reference: &str, want: &str) {
        let meter = RefCell::default();
        let change = Change::new(&image, &meter);
        let got = if change.matches(reference) { change.rewrite(reference) } else { "no match".into() };
        assert_eq!(got, want);
    }

    fn image(name: &str) -> Image {
        Image { name: name.into(), ..Image::default() }
    }

    #[test]
    fn references() {
        let tag = |name: &str| Image { new_tag: "2".into(), ..image(name) };
        check(tag("nginx"), "nginx:1", "nginx:2");
        check(tag("nginx"), "nginx", "nginx:2");
        check(tag("nginx"), "nginx@sha256:ab", "nginx:2");
        check(tag("nginx"), "nginx2:1", "no match");
        check(tag("nginx"), "docker.io/nginx:1", "no match");
        check(tag("host:5000/a"), "host:5000/a:1", "host:5000/a:2");
        check(tag(".*/a"), "x/y/a:1", "x/y/a:2");
        check(tag("["), "[", "no match");
        check(Image { digest: "sha256:cd".into(), ..image("a") }, "a:1@sha256:ab", "a@sha256:cd");
        check(Image { digest: "sha256:cd".into(), ..tag("a") }, "a:1", "a:2@sha256:cd");
        check(Image { tag_suffix: "-x".into(), ..image("a") }, "a:1", "a:1-x");
        check(Image { new_name: "b".into(), ..image("a") }, "a:1@sha256:ab", "b:1@sha256:ab");
    }

    #[test]
    fn tags_and_digests() {
        for (rest, want) in [
            ("", true),
            (":1.0_{x}-y", true),
            (":1@sha256:ab", true),
            ("@sha512+b64:ab", true),
            ("@sha256", false),
            (":a/b", false),
            ("x", false),
            ("@:ab", false),
        ] {
            assert_eq!(is_tag_and_digest(rest), want, "{rest}");
        }
    }
}
