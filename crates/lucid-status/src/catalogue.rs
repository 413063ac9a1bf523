//! The one table of codes: what each means, why it happens and what to do. `lucid explain` and the docs print it.

use std::sync::LazyLock;

use lucid_object::Code;
use serde::Serialize;

use crate::diagnosis::Class;

mod admission;
mod cluster;
mod controllers;
mod image;
mod manifests;
mod markdown;
mod network;
mod placement;
mod run;
mod running;
mod start;
mod storage;

pub use markdown::{class_words, markdown};

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub code: Code,
    /// `MissingKey`: for machines and for searching.
    pub name: &'static str,
    pub class: Class,
    pub title: &'static str,
    /// What the cluster, or the manifest, shows.
    pub signal: &'static str,
    pub cause: &'static str,
    pub remedy: &'static str,
}

const fn entry_of(code: u16, name: &'static str, class: Class, title: &'static str, words: [&'static str; 3]) -> Entry {
    let [signal, cause, remedy] = words;
    Entry { code: Code(code), name, class, title, signal, cause, remedy }
}

/// The families of codes, in the order of their numbers.
pub const FAMILIES: [(u16, &str); 13] = [
    (1000, "The API server refuses it"),
    (2000, "Pods are not made, or not placed"),
    (3000, "Images"),
    (4000, "Containers cannot start"),
    (5000, "Containers run badly"),
    (5100, "Controllers"),
    (5200, "Network"),
    (6000, "Storage"),
    (7000, "The cluster"),
    (8000, "Rendering the manifests"),
    (8100, "lucid.yaml and the release"),
    (8200, "References and selectors in the manifests"),
    (9000, "The run itself"),
];

static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let tables = [
        admission::TABLE,
        placement::TABLE,
        image::TABLE,
        start::TABLE,
        running::TABLE,
        controllers::TABLE,
        network::TABLE,
        storage::TABLE,
        cluster::TABLE,
        manifests::TABLE,
        run::TABLE,
    ];
    let mut entries: Vec<Entry> = tables.concat();
    entries.sort_by_key(|entry| entry.code);
    entries
});

/// Every code, in the order of the numbers.
pub fn catalogue() -> &'static [Entry] {
    &CATALOGUE
}

/// What is known of a code.
pub fn entry(code: Code) -> Option<&'static Entry> {
    let entries = catalogue();
    entries.binary_search_by_key(&code, |entry| entry.code).ok().map(|index| &entries[index])
}

/// The family that a code belongs to.
pub fn family(code: Code) -> &'static str {
    FAMILIES.iter().rev().find(|(first, _)| code.0 >= *first).map_or("", |(_, title)| title)
}

pub(crate) fn class_of(code: u16) -> Class {
    entry(Code(code)).map_or(Class::FatalNow, |entry| entry.class)
}

/// How far down a family stands: a node explains a pod, a pod explains its Deployment.
pub(crate) fn depth_of(code: u16) -> u8 {
    match code {
        7000..=7999 => 0,
        6000..=6999 | 1000..=1999 => 1,
        2000..=2999 => 2,
        3000..=3999 => 3,
        4000..=4999 => 4,
        5000..=5099 => 5,
        5200..=5299 => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found() {
        for pair in catalogue().windows(2) {
            assert!(pair[0].code < pair[1].code, "{} stands twice", pair[1].code);
        }
        for known in catalogue() {
            assert_eq!(entry(known.code), Some(known));
            assert!(!family(known.code).is_empty());
        }
        assert_eq!(entry(Code(1)), None);
    }

    #[test]
    fn names_are_unique_words() {
        let mut names: Vec<&str> = catalogue().iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert!(
            names.iter().all(|name| name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase))
        );
    }

    #[test]
    fn every_entry_says_something() {
        for known in catalogue() {
            for words in [known.title, known.signal, known.cause, known.remedy] {
                assert!(words.len() > 6, "{}: {words:?}", known.code);
            }
            assert!(!known.title.ends_with('.') && !known.remedy.ends_with('.'), "{}", known.code);
        }
    }
}
