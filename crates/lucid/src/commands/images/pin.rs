//! `lucid images pin`: the digest that each image has now, written to the line that names it.

use std::collections::BTreeMap;
use std::fs;

use lucid_images::Reference;
use lucid_object::Findings;

use super::look::{self, Answered};
use super::trust::Rules;
use super::{answers, finding};
use crate::cli::{Global, Pin};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(super) fn run(global: &Global, args: &Pin, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.lookup.source)?;
    super::super::keep_secrets(outlet, &manifests.objects);
    let used = look::used(&manifests.objects);
    let rules = Rules::of(&manifests.release, &manifests.home)?;
    let answers = answers(global, &args.lookup, &used, &rules, outlet)?;
    let mut findings = Findings::default();
    findings.extend(answers.iter().filter_map(finding));
    // All or nothing: half of the images pinned would be a release that nobody has looked at.
    if !findings.is_empty() {
        outlet.findings(findings.iter());
        return Err(Failure::new(Exit::Refused, "not every image was found; nothing was written"));
    }
    let changed = edited(&used, &answers)?;
    for (file, (text, count)) in &changed {
        outlet.talk(&format!("{file}: {count} pinned\n"));
        if !args.dry_run {
            fs::write(file, text)?;
        }
    }
    if changed.is_empty() {
        outlet.talk("every image is pinned already\n");
    }
    Ok(Exit::Done)
}

/// File → its new text, and how many lines of it changed.
fn edited(used: &[look::Used], answers: &[Answered]) -> Result<BTreeMap<String, (String, usize)>> {
    let mut edits: BTreeMap<(String, usize), (&str, String)> = BTreeMap::new();
    for one in used {
        let Some(answered) = answers.iter().find(|answered| answered.used.image == one.image) else { continue };
        let Ok(found) = &answered.answer else { continue };
        let reference = Reference::parse(&one.image).map_err(|error| Failure::usage(error.to_string()))?;
        if reference.digest.as_deref() == Some(found.digest.as_str()) {
            continue;
        }
        let nowhere = || Failure::usage(format!("nobody knows where image {} is set", one.image));
        let position = one.position.as_ref().ok_or_else(nowhere)?;
        let place = (position.file.to_string(), position.line as usize);
        let before = edits.insert(place.clone(), (one.image.as_str(), found.digest.clone()));
        if before.is_some_and(|(_, digest)| digest != found.digest) {
            return Err(Failure::usage(format!("{}:{} names two images", place.0, place.1)));
        }
    }
    let mut files: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for ((file, line), (image, digest)) in &edits {
        let entry = match files.entry(file.clone()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert((fs::read_to_string(file)?, 0)),
        };
        entry.0 = with_digest(&entry.0, *line, image, digest).ok_or_else(|| {
            Failure::usage(format!("{file}:{line}: no tag or digest of {image} stands there"))
                .help("write its `newTag` or the whole reference on one line, and pin again")
        })?;
        entry.1 += 1;
    }
    Ok(files)
}

/// The text with this line's tag or digest changed: `newTag: …` and `digest: …` of a kustomization, or the reference as a
/// manifest has it. None when the line holds neither.
fn with_digest(text: &str, line: usize, image: &str, digest: &str) -> Option<String> {
    let index = line.checked_sub(1)?;
    let old = text.split('\n').nth(index)?;
    let new = match (after(old, "newTag:"), after(old, "digest:")) {
        (_, Some((start, end))) => format!("{}digest: {digest}{}", &old[..start], &old[end..]),
        (Some((start, end)), None) => format!("{}digest: {digest}{}", &old[..start], &old[end..]),
        (None, None) => {
            let bare = image.split_once('@').map_or(image, |(bare, _)| bare);
            old.contains(image).then(|| old.replacen(image, &format!("{bare}@{digest}"), 1))?
        }
    };
    let lines = text.split('\n').enumerate().map(|(at, line)| if at == index { new.as_str() } else { line });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// Where the key begins and its value ends, in a block or in braces.
fn after(line: &str, key: &str) -> Option<(usize, usize)> {
    let start = line.find(key)?;
    let value = start + key.len();
    let end = line[value..].find([',', '}', '#']).map_or(line.len(), |end| value + end);
    let end = value + line[value..end].trim_end().len();
    (end > value).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, image: &str, expect: Option<&str>) {
        let text = format!("first\n{line}\nlast\n");
        let changed = with_digest(&text, 2, image, "sha256:d");
        assert_eq!(changed, expect.map(|line| format!("first\n{line}\nlast\n")));
    }

    #[test]
    fn only_the_version_changes() {
        check(
            "- {name: a, newName: r/a, newTag: 1.0.0}",
            "r/a:1.0.0",
            Some("- {name: a, newName: r/a, digest: sha256:d}"),
        );
        check(
            "- {name: a, newTag: 1.0.0, newName: r/a}",
            "r/a:1.0.0",
            Some("- {name: a, digest: sha256:d, newName: r/a}"),
        );
        check("  newTag: \"1.0.0\" # why", "r/a:1.0.0", Some("  digest: sha256:d # why"));
        check("- {name: a, digest: sha256:old}", "a@sha256:old", Some("- {name: a, digest: sha256:d}"));
        check("        image: r/a:1.0.0", "r/a:1.0.0", Some("        image: r/a:1.0.0@sha256:d"));
        check("        image: r/a:1@sha256:old", "r/a:1@sha256:old", Some("        image: r/a:1@sha256:d"));
    }

    #[test]
    fn a_line_that_names_no_version_is_left_alone() {
        check("- name: a", "r/a:1.0.0", None);
        assert_eq!(with_digest("one", 0, "a", "d"), None);
        assert_eq!(with_digest("one", 9, "a", "d"), None);
    }
}
