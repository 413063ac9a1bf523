//! Findings, gathered while rendering goes on, and the table of files they point into.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use lucid_object::yaml::Pos;
use lucid_object::{Files, Finding, Findings, Severity};

use crate::meter::{Bounds, Meter};

/// The codes of this crate.
pub mod code {
    /// Text that is not YAML.
    pub const INVALID_YAML: u16 = 8001;
    /// A file or folder that is not there, or cannot be read.
    pub const MISSING_FILE: u16 = 8002;
    /// A field that does not exist.
    pub const UNKNOWN_FIELD: u16 = 8003;
    /// A document that is no Kubernetes object.
    pub const NOT_AN_OBJECT: u16 = 8004;
    /// A value of the wrong type, or that makes no sense.
    pub const WRONG_VALUE: u16 = 8005;
    /// Two objects with one identity.
    pub const DUPLICATE_OBJECT: u16 = 8006;
    /// A patch, replica count or other instruction that matches nothing it must match.
    pub const NO_TARGET: u16 = 8007;
    /// A patch that does not fit its target.
    pub const PATCH_FAILED: u16 = 8008;
    /// Something that kustomize can do and this program will not, or not yet.
    pub const NOT_SUPPORTED: u16 = 8009;
    /// A path that leaves its root, or bases that contain each other.
    pub const PATH_REFUSED: u16 = 8010;
    /// A generator that cannot make its object.
    pub const GENERATOR: u16 = 8011;
    /// A replacement without source or target.
    pub const REPLACEMENT: u16 = 8012;
    /// A name that could mean several objects.
    pub const AMBIGUOUS_NAME: u16 = 8013;
    /// A field that a transformer cannot write.
    pub const TRANSFORM: u16 = 8014;
    /// A deprecated field (warning).
    pub const DEPRECATED: u16 = 8015;
    /// A variable that cannot be resolved.
    pub const VARIABLE: u16 = 8016;
    /// A folder without a kustomization, or with more than one, or an empty one.
    pub const NO_KUSTOMIZATION: u16 = 8017;
    /// An object that cannot be written as JSON.
    pub const UNPRINTABLE: u16 = 8018;
    /// More files, nodes or bytes than are allowed.
    pub const TOO_LARGE: u16 = 8019;
    /// Text that is not read (warning).
    pub const IGNORED: u16 = 8020;
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) files: Files,
    pub(crate) meter: Meter,
    found: Vec<(Finding, Pos)>,
    /// Hashes of what was found.
    known: HashSet<u64>,
    errors: usize,
    more: usize,
}

/// Errors, and warnings, that are kept: nobody reads more, and a hostile tree can have millions.
const FINDINGS: usize = 1000;

impl Report {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { meter: Meter::new(bounds), ..Self::default() }
    }

    pub(crate) fn error(&mut self, code: u16, pos: Pos, message: impl Into<String>) {
        self.push(Finding::error(code, message), pos);
    }

    /// An error, and what to do about it.
    pub(crate) fn error_help(&mut self, code: u16, pos: Pos, message: impl Into<String>, help: impl Into<String>) {
        self.push(Finding::error(code, message).help(help), pos);
    }

    pub(crate) fn warning_help(&mut self, code: u16, pos: Pos, message: impl Into<String>, help: impl Into<String>) {
        self.push(Finding::warning(code, message).help(help), pos);
    }

    pub(crate) fn advice_help(&mut self, code: u16, pos: Pos, message: impl Into<String>, help: impl Into<String>) {
        self.push(Finding::advice(code, message).help(help), pos);
    }

    /// A base that is used twice has its mistakes once.
    pub(crate) fn push(&mut self, finding: Finding, pos: Pos) {
        let mut hasher = DefaultHasher::new();
        (finding.code, &finding.message, pos).hash(&mut hasher);
        if !self.known.insert(hasher.finish()) {
            return;
        }
        let is_error = finding.severity == Severity::Error;
        let kept = if is_error { self.errors } else { self.found.len() - self.errors.min(FINDINGS) };
        self.errors += usize::from(is_error);
        if kept < FINDINGS {
            self.found.push((finding, pos));
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Everything found, with places as names.
    pub(crate) fn take(&mut self) -> Findings {
        if self.more > 0 {
            let message = format!("{} more problems are not shown", std::mem::take(&mut self.more));
            self.found.push((Finding::warning(code::TOO_LARGE, message), Pos::NOWHERE));
        }
        self.errors = 0;
        let files = &self.files;
        Findings(self.found.drain(..).map(|(finding, pos)| finding.at(files.position(pos))).collect())
    }
}
