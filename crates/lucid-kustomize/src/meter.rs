//! Bounds on what a build makes out of what it reads, so that a small tree cannot become a large one.

use lucid_object::yaml::{Entry, Kind, Node, Pos};

use crate::report::{Report, code};

/// What one build may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Files read; a file that is used twice counts twice.
    pub files: usize,
    /// Bytes read, each file once.
    pub bytes: usize,
    /// Bytes of memory, beyond a few times the bytes that were read, for what the build adds: aliases, bases that are
    /// used again, labels, values that patches and replacements copy.
    pub growth: usize,
    /// Bases of bases.
    pub bases: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { files: 20_000, bytes: 256 << 20, growth: 64 << 20, bases: 100 }
    }
}

/// How deep an object may become.
pub(crate) const DEPTH: usize = 256;

/// What is left of the growth that is allowed.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    left: usize,
    stopped: Option<(Pos, Stop)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Growth,
    Time,
}

impl Meter {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { left: bounds.growth, stopped: None }
    }

    /// Takes room for something new, made at the instruction at `pos`. If there is none left, it must not be made.
    pub(crate) fn grow(&mut self, bytes: usize, pos: Pos) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.stop(pos, Stop::Growth),
        }
        !self.is_spent()
    }

    /// Gives room: a large tree may grow more than a small one.
    pub(crate) fn give(&mut self, bytes: usize) {
        if !self.is_spent() {
            self.left += bytes;
        }
    }

    /// Takes room for the nodes that aliases in a text stand for.
    pub(crate) fn grow_by_aliases(&mut self, nodes: usize, pos: Pos) -> bool {
        self.grow(nodes * size_of::<Entry>(), pos)
    }

    pub(crate) fn out_of_time(&mut self, pos: Pos) {
        self.stop(pos, Stop::Time);
    }

    fn stop(&mut self, pos: Pos, why: Stop) {
        self.left = 0;
        self.stopped.get_or_insert((pos, why));
    }

    /// True once the build has to end.
    pub(crate) fn is_spent(&self) -> bool {
        self.stopped.is_some()
    }
}

impl Report {
    /// Says why the build ends early, if it does.
    pub(crate) fn tell_stop(&mut self, bounds: Bounds) {
        match self.meter.stopped {
            Some((pos, Stop::Growth)) => {
                let message = format!("the build makes more than {} MiB out of what it reads", bounds.growth >> 20);
                let help = "aliases, bases that are used again and values copied to many places count; `--max-growth` allows more";
                self.error_help(code::TOO_LARGE, pos, message, help);
            }
            Some((pos, Stop::Time)) => {
                self.error_help(code::TOO_LARGE, pos, "the build takes too long", "`--max-time` gives it more")
            }
            None => {}
        }
    }
}

/// Bytes of memory that a tree takes, about.
pub(crate) fn weight(node: &Node) -> usize {
    let below = match &node.kind {
        Kind::Scalar(scalar) => scalar.text.len(),
        Kind::Seq(items) => items.iter().map(weight).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| 32 + entry.key.text.len() + weight(&entry.value)).sum(),
    };
    size_of::<Node>() + below
}

/// Levels of collections in a tree.
pub(crate) fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::Seq(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
    }
}
