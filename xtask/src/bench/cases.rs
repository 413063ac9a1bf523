//! The cases there are, and their usual sizes.

use std::fmt;

/// As `lucid-bench run` calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    kind: &'static str,
    size: usize,
}

/// A kind, its usual sizes, and the one of a quick run.
struct Usual {
    kind: &'static str,
    sizes: &'static [usize],
    quick: usize,
}

const USUAL: [Usual; 6] = [
    Usual { kind: "deploy", sizes: &[27, 100, 300, 1000], quick: 27 },
    Usual { kind: "flat", sizes: &[1000], quick: 50 },
    Usual { kind: "failure", sizes: &[300], quick: 27 },
    Usual { kind: "health", sizes: &[10_000], quick: 500 },
    Usual { kind: "simulator", sizes: &[10], quick: 10 },
    Usual { kind: "start", sizes: &[50], quick: 50 },
];

impl Case {
    /// The simulator is a cluster of its own, and a start needs none.
    pub(super) fn needs_cluster(&self) -> bool {
        !matches!(self.kind, "simulator" | "start")
    }
}

pub(super) fn all() -> Vec<Case> {
    USUAL.iter().flat_map(of_kind).collect()
}

pub(super) fn quick() -> Vec<Case> {
    USUAL.iter().map(|usual| Case { kind: usual.kind, size: usual.quick }).collect()
}

fn of_kind(usual: &Usual) -> Vec<Case> {
    usual.sizes.iter().map(|&size| Case { kind: usual.kind, size }).collect()
}

/// `deploy-27`, or a kind alone for all of its usual sizes.
pub(super) fn parse(text: &str) -> Result<Vec<Case>, String> {
    let (kind, size) = text.split_once('-').map_or((text, None), |(kind, size)| (kind, Some(size)));
    let known = || USUAL.iter().map(|usual| usual.kind).collect::<Vec<_>>().join(", ");
    let usual = USUAL.iter().find(|usual| usual.kind == kind);
    let usual = usual.ok_or_else(|| format!("there is no such kind of case; there are {}", known()))?;
    match size {
        None => Ok(of_kind(usual)),
        Some(size) => match size.parse() {
            Ok(size) if size > 0 => Ok(vec![Case { kind: usual.kind, size }]),
            _ => Err(format!("{size} is no size of {kind}")),
        },
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.kind, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cases: &[Case]) -> Vec<String> {
        cases.iter().map(Case::to_string).collect()
    }

    #[test]
    fn a_kind_alone_is_all_of_its_sizes() {
        assert_eq!(names(&parse("deploy").expect("a kind")), ["deploy-27", "deploy-100", "deploy-300", "deploy-1000"]);
        assert_eq!(names(&parse("deploy-5").expect("a case")), ["deploy-5"]);
        for wrong in ["elsewhere", "deploy-", "deploy-0", "deploy-x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(all().len() > quick().len());
    }
}
