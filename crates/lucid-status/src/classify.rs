//! Foreign text to codes: tables of patterns, the first match counts, and who knows no pattern keeps the raw text.
//!
//! A pattern is a list of fragments that must all occur, whatever the case. Each carries real samples with the
//! program and version that wrote them; the tests hold every sample against the whole table.

pub(crate) mod image;
pub(crate) mod mount;
pub(crate) mod probe;
pub(crate) mod refusal;
pub(crate) mod saying;
pub(crate) mod schedule;
pub(crate) mod start;

/// One line of a table. Its place in the table is its priority.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) code: u16,
    /// In lower case.
    pub(crate) all: &'static [&'static str],
    /// Who wrote it, and what. Read by the tests only.
    #[cfg_attr(not(test), expect(dead_code, reason = "samples stand beside their pattern, and only tests read them"))]
    pub(crate) samples: &'static [(&'static str, &'static str)],
}

pub(crate) type Table = &'static [Pattern];

pub(crate) const fn on(
    code: u16,
    all: &'static [&'static str],
    samples: &'static [(&'static str, &'static str)],
) -> Pattern {
    Pattern { code, all, samples }
}

/// The code of the first pattern that matches.
pub(crate) fn classify(table: Table, text: &str) -> Option<u16> {
    first(table, text).map(|pattern| pattern.code)
}

/// The first pattern that matches.
pub(crate) fn first(table: Table, text: &str) -> Option<&'static Pattern> {
    let text = text.to_lowercase();
    table.iter().find(|pattern| pattern.all.iter().all(|part| text.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [Table; 7] =
        [image::TABLE, mount::TABLE, probe::TABLE, refusal::TABLE, saying::TABLE, schedule::TABLE, start::TABLE];

    #[test]
    fn every_sample_finds_its_own_code() {
        for table in TABLES {
            for pattern in table {
                for (author, text) in pattern.samples {
                    assert_eq!(classify(table, text), Some(pattern.code), "{author}: {text}");
                }
            }
        }
    }

    #[test]
    fn every_code_has_a_sample_and_an_entry() {
        for table in TABLES {
            for pattern in table {
                let mut same = table.iter().filter(|other| other.code == pattern.code);
                assert!(same.any(|other| !other.samples.is_empty()), "{:?} has no sample", pattern.all);
                assert!(crate::catalogue::entry(lucid_object::Code(pattern.code)).is_some(), "{}", pattern.code);
            }
        }
    }

    #[test]
    fn fragments_are_lower_case() {
        for pattern in TABLES.into_iter().flatten() {
            assert!(pattern.all.iter().all(|part| *part == part.to_lowercase() && !part.is_empty()), "{pattern:?}");
        }
    }

    #[test]
    fn unknown_text_has_no_code() {
        for table in TABLES {
            for text in ["", "the quick brown fox", "404 bottles", "Everything is fine"] {
                assert_eq!(classify(table, text), None, "{text}");
            }
        }
    }

    #[test]
    fn any_text_is_survived() {
        let nasty = ["\u{0}", "İ", "ẞ\"{}%s", &"x".repeat(1 << 16)];
        for table in TABLES {
            for text in nasty {
                assert_eq!(classify(table, text), None);
            }
        }
    }
}
