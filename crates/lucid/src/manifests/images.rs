//! `--images FILE`: which image a name stands for in this run, as the job that has built the images notes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lucid_images::Reference;
use lucid_object::yaml::Position;
use lucid_object::{Finding, Findings, ObjectSet};

use crate::failure::{Failure, Result};
use crate::files;

const WRONG_VALUE: u16 = 8005;
const NO_TARGET: u16 = 8007;

/// What a line of the file says of a name.
#[derive(Debug, PartialEq)]
struct Choice {
    digest: String,
    position: Position,
}

/// Gives each container the image that the file names for it. Every mistake is told, and with one nothing is changed.
pub(super) fn choose(file: &Path, objects: &mut ObjectSet) -> Result<()> {
    let name = file.display().to_string();
    let text = files::text(file).map_err(|error| {
        Failure::usage(format!("read {name}: {error}")).help("name the file with the lines NAME=sha256:DIGEST")
    })?;
    let (choices, mut findings) = read(&text, &name);
    findings.extend(unused(&choices, objects));
    if !findings.is_empty() {
        return Err(Failure::manifests(Findings(findings)));
    }
    apply(&choices, objects);
    Ok(())
}

fn read(text: &str, file: &str) -> (BTreeMap<String, Choice>, Vec<Finding>) {
    let file: Arc<str> = file.into();
    let (mut choices, mut findings) = (BTreeMap::<String, Choice>::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let position = Position { file: Arc::clone(&file), line: number, column: 1 };
        let Some((name, digest)) = parse(line) else {
            let finding = Finding::error(WRONG_VALUE, "a line that names no image and its digest").at(Some(position));
            findings.push(finding.help("each line is NAME=sha256: and 64 hexadecimal digits"));
            continue;
        };
        match choices.get(name) {
            Some(before) if before.digest != digest => findings.push(
                Finding::error(WRONG_VALUE, format!("{name} has another digest in line {}", before.position.line))
                    .at(Some(position))
                    .help("keep the line of the image that is meant"),
            ),
            Some(_) => {}
            None => {
                choices.insert(name.to_owned(), Choice { digest: digest.to_owned(), position });
            }
        }
    }
    (choices, findings)
}

/// Name and digest, by the rules of image references.
fn parse(line: &str) -> Option<(&str, &str)> {
    let (name, digest) = line.split_once('=')?;
    let is_last_part = !name.contains(['/', ':', '@']);
    let fits = is_last_part && Reference::parse(&format!("{name}@{digest}")).is_ok();
    fits.then_some((name, digest))
}

fn unused(choices: &BTreeMap<String, Choice>, objects: &ObjectSet) -> Vec<Finding> {
    let images = objects.iter().flat_map(|object| object.images());
    let used: Vec<Reference> = images.filter_map(|(_, image)| Reference::parse(image).ok()).collect();
    let unused = choices.iter().filter(|(name, _)| !used.iter().any(|image| image.last() == name.as_str()));
    let finding = |(name, choice): (&String, &Choice)| {
        let near = lucid_release::load::nearest(name, used.iter().map(Reference::last));
        Finding::error(NO_TARGET, format!("no container runs an image whose name ends in {name}"))
            .at(Some(choice.position.clone()))
            .help(near.unwrap_or_else(|| "correct the name, or remove the line".to_owned()))
    };
    unused.map(finding).collect()
}

fn apply(choices: &BTreeMap<String, Choice>, objects: &mut ObjectSet) {
    for object in objects.iter_mut() {
        let chosen = |(pointer, image): (String, &str)| {
            let image = Reference::parse(image).ok()?;
            let choice = choices.get(image.last())?;
            Some((pointer, image.exactly(&choice.digest).to_string(), &choice.position))
        };
        let changes: Vec<_> = object.images().into_iter().filter_map(chosen).collect();
        for (pointer, image, position) in changes {
            object.set_text(&pointer, &image, position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers:
      - {name: first, image: localhost:5000/team/web:1.0.0}
      containers:
      - {name: main, image: registry.test/team/web}
      - {name: other, image: registry.test/team/other-web:2}
---
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec: {containers: [{name: main, image: web}]}
";

    fn digest(byte: &str) -> String {
        format!("sha256:{}", byte.repeat(32))
    }

    fn objects() -> ObjectSet {
        lucid_object::yaml::parse_documents(MANIFEST, "web.yaml").expect("objects").into_iter().collect()
    }

    #[test]
    fn every_image_of_the_name_gets_the_digest_and_its_line() {
        let lines = format!("# built just now\n\n  web={}\r\n", digest("ab"));
        let (choices, findings) = read(&lines, "images.txt");
        assert!(findings.is_empty(), "{findings:?}");
        let mut objects = objects();
        assert!(unused(&choices, &objects).is_empty());
        apply(&choices, &mut objects);
        let mut images = Vec::new();
        for object in objects.iter() {
            let place = |pointer: &str| object.position(pointer).expect("a place").to_string();
            images.extend(object.images().into_iter().map(|(at, image)| (image.to_owned(), place(&at))));
        }
        let at = digest("ab");
        let chosen = "images.txt:3:1".to_owned();
        let expect = [
            (format!("localhost:5000/team/web@{at}"), chosen.clone()),
            (format!("registry.test/team/web@{at}"), chosen.clone()),
            ("registry.test/team/other-web:2".to_owned(), "web.yaml:11:30".to_owned()),
            (format!("web@{at}"), chosen),
        ];
        assert_eq!(images, expect);
        let printed: String = objects.iter().map(lucid_object::Object::to_yaml).collect();
        assert_eq!(printed.matches(&at).count(), 3, "{printed}");
    }

    #[track_caller]
    fn wrong(lines: &str, expect: &[(u32, &str)]) {
        let (choices, mut findings) = read(lines, "images.txt");
        findings.extend(unused(&choices, &objects()));
        let line = |finding: &Finding| finding.position.as_ref().expect("a place").line;
        let said: Vec<(u32, &str)> = findings.iter().map(|found| (line(found), found.message.as_str())).collect();
        assert_eq!(said.len(), expect.len(), "{said:?}");
        for ((line, message), (expect_line, words)) in said.iter().zip(expect) {
            assert_eq!(line, expect_line, "{message}");
            assert!(message.contains(words), "{words:?} is not in {message:?}");
        }
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        let malformed = "names no image and its digest";
        for line in [
            "web",
            "web=latest",
            "web=sha256:abc",
            "team/web=DIGEST",
            "web:1=DIGEST",
            "=DIGEST",
            "web =DIGEST",
            "web= DIGEST",
            "web@DIGEST=DIGEST",
            "web=DIGEST # why",
            "WEB=DIGEST",
        ] {
            wrong(&format!("\n{}\n", line.replace("DIGEST", &digest("ab"))), &[(2, malformed)]);
        }
        wrong(&format!("web=sha256:{}", "AB".repeat(32)), &[(1, malformed)]);
    }

    #[test]
    fn one_name_has_one_digest() {
        let (one, two) = (digest("ab"), digest("cd"));
        wrong(&format!("web={one}\nweb={one}\n"), &[]);
        wrong(&format!("web={one}\nweb={two}\n"), &[(2, "web has another digest in line 1")]);
    }

    #[test]
    fn a_name_that_nobody_runs_is_a_mistake_and_all_mistakes_are_told() {
        let lines = format!("x\nweb={0}\nweb={1}\nwbe={0}\n", digest("ab"), digest("cd"));
        wrong(
            &lines,
            &[(1, "names no image"), (3, "another digest"), (4, "no container runs an image whose name ends in wbe")],
        );
    }
}
