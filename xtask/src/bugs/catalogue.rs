//! The list of bugs, and how one is put into a tree.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};

use super::SWITCH;
use crate::root::root;

const FILE: &str = "xtask/src/bugs/catalogue.txt";
const TEXT: &str = include_str!("catalogue.txt");

/// One bug.
#[derive(Debug, Default)]
pub(super) struct Bug {
    pub(super) name: String,
    /// The thread that it was found in.
    pub(super) from: String,
    what: String,
    edits: Vec<Edit>,
}

#[derive(Debug, Default)]
struct Edit {
    file: String,
    old: Vec<String>,
    new: Vec<String>,
}

/// All of them.
pub(super) fn read() -> Result<Vec<Bug>> {
    parse(TEXT)
}

fn parse(text: &str) -> Result<Vec<Bug>> {
    let mut bugs: Vec<Bug> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("line {} of the catalogue of bugs", index + 1);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "bug" {
            bugs.push(Bug { name: rest.to_owned(), ..Bug::default() });
            continue;
        }
        // What comes before the first bug is for people.
        let Some(bug) = bugs.last_mut() else { continue };
        match word {
            "" => {}
            "from" => bug.from = rest.to_owned(),
            "is" => bug.what = rest.to_owned(),
            "in" => bug.edits.push(Edit { file: rest.to_owned(), ..Edit::default() }),
            "-" => bug.edits.last_mut().with_context(place)?.old.push(rest.to_owned()),
            "+" => bug.edits.last_mut().with_context(place)?.new.push(rest.to_owned()),
            _ => bail!("{}: {word}", place()),
        }
    }
    for bug in &bugs {
        let is_whole = !bug.what.is_empty() && bug.from.starts_with("https://") && !bug.edits.is_empty();
        ensure!(is_whole, "the bug {} lacks something", bug.name);
    }
    Ok(bugs)
}

impl Bug {
    /// Changes the lines of a tree; until it is turned on, the program does what it did.
    pub(super) fn put_into(&self, tree: &Path) -> Result<()> {
        let condition = format!("std::env::var_os(\"{SWITCH}\").is_some_and(|bug| bug == \"{}\")", self.name);
        for edit in &self.edits {
            let path = tree.join(&edit.file);
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", edit.file))?;
            let changed = edit.apply(&text, &condition).with_context(|| format!("the bug {}", self.name))?;
            let (own, list) = (modified(&path)?, modified(&root().join(FILE))?);
            fs::write(&path, changed)?;
            fs::File::options().write(true).open(&path)?.set_modified(own.max(list))?;
        }
        Ok(())
    }
}

fn modified(path: &Path) -> Result<SystemTime> {
    Ok(fs::metadata(path)?.modified()?)
}

impl Edit {
    fn apply(&self, text: &str, condition: &str) -> Result<String> {
        let lines: Vec<&str> = text.lines().collect();
        let is_here = |at: &usize| {
            let here = lines[*at..].iter().take(self.old.len());
            here.len() == self.old.len() && here.zip(&self.old).all(|(line, old)| line.trim() == old.trim())
        };
        let places: Vec<usize> = (0..lines.len()).filter(is_here).collect();
        let [at] = places[..] else {
            bail!("{} has {} places like {:?}, and one is wanted", self.file, places.len(), self.old);
        };
        let new = self.new.iter().map(|line| line.replace("BUG", condition));
        let before = lines[..at].iter().map(|line| (*line).to_owned());
        let after = lines[at + self.old.len()..].iter().map(|line| (*line).to_owned());
        let all: Vec<String> = before.chain(new).chain(after).collect();
        Ok(all.join("\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes a line that a bug changes too sees it here, and not after an hour of a soak.
    #[test]
    fn every_bug_still_has_its_place() {
        let bugs = read().unwrap();
        assert!(bugs.len() >= 40, "{}", bugs.len());
        let mut files = std::collections::BTreeMap::new();
        for bug in &bugs {
            for edit in &bug.edits {
                let text = files
                    .entry(&edit.file)
                    .or_insert_with(|| fs::read_to_string(root().join(&edit.file)).expect("a file of the tree"));
                *text = edit.apply(text, "false").unwrap_or_else(|error| panic!("{}: {error:#}", bug.name));
            }
        }
    }

    #[test]
    fn an_edit_wants_one_place() {
        let edit = Edit { file: "f".into(), old: vec!["b".into()], new: vec!["if BUG {".into(), "}".into()] };
        assert_eq!(edit.apply("a\n    b\nc\n", "x").unwrap(), "a\nif x {\n}\nc\n");
        assert!(edit.apply("b\nb\n", "x").is_err() && edit.apply("a\n", "x").is_err());
    }
}
