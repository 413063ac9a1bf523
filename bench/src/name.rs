//! Names of cases: a kind and a size, like `deploy-300`.

use std::fmt;
use std::str::FromStr;

/// In the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Deploy,
    Flat,
    Failure,
    Render,
    Health,
    Simulator,
    Start,
}

impl Kind {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Deploy, "deploy"),
        (Self::Flat, "flat"),
        (Self::Failure, "failure"),
        (Self::Render, "render"),
        (Self::Health, "health"),
        (Self::Simulator, "simulator"),
        (Self::Start, "start"),
    ];

    fn text(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, text)| text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) kind: Kind,
    /// In workloads, pods or components.
    pub(crate) size: usize,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, size) = text.split_once('-').unwrap_or((text, ""));
        let known = Kind::ALL.iter().find(|(_, name)| *name == word).map(|(kind, _)| *kind);
        match (known, size.parse()) {
            (Some(kind), Ok(size)) if size > 0 => Ok(Self { kind, size }),
            _ => Err(format!(
                "{text} is no case; cases are like deploy-27, flat-1000, failure-300, health-10000, simulator-10, start-50"
            )),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.kind.text(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["deploy-27", "flat-1000", "failure-300", "health-10000", "simulator-10", "start-50"] {
            assert_eq!(name.parse::<Name>().expect(name).to_string(), name);
        }
        for wrong in ["deploy", "deploy-0", "deploy-x", "elsewhere-3", ""] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }
}
