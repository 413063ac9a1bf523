//! Case files, and the real kustomize.
//!
//! A case is one text: files under `-- path --` lines (`-- path | no-newline --` for a last line without a break), then
//! `expected.yaml`, `expected.none.yaml` if the order of reading differs, or `expected.error`. Lines `# says: words` at
//! the top are words that our findings must contain.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) mod accident;
pub(crate) mod oracle;
pub(crate) mod random;
pub(crate) mod soup;
pub(crate) mod targets;

/// One case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    head: String,
    pub(crate) says: Vec<String>,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) golden: Golden,
}

/// What the real kustomize answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Golden {
    Text { legacy: String, none: Option<String> },
    Error(String),
    Missing,
}

impl Golden {
    /// Error texts are kept for reading; only that there is one counts.
    pub(crate) fn differs_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Error(_), Self::Error(_)) => false,
            _ => self != other,
        }
    }
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a case");
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut case = Self { head: String::new(), says: Vec::new(), files: Vec::new(), golden: Golden::Missing };
        let mut current: Option<(String, bool)> = None;
        let mut content = String::new();
        for line in text.split_inclusive('\n') {
            let mark = line.trim_end_matches('\n').strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            match mark {
                Some(mark) => {
                    case.section(current.take(), std::mem::take(&mut content));
                    let (name, bare) = match mark.strip_suffix(" | no-newline") {
                        Some(name) => (name, true),
                        None => (mark, false),
                    };
                    current = Some((name.to_owned(), bare));
                }
                None => content.push_str(line),
            }
        }
        case.section(current, content);
        case
    }

    pub(crate) fn of(files: Vec<(String, String)>, golden: Golden) -> Self {
        Self { head: String::new(), says: Vec::new(), files, golden }
    }

    fn section(&mut self, name: Option<(String, bool)>, mut content: String) {
        let Some((name, bare)) = name else {
            self.says = content.lines().filter_map(|line| line.strip_prefix("# says: ").map(str::to_owned)).collect();
            self.head = content;
            return;
        };
        if bare {
            content.pop();
        }
        match (name.as_str(), &mut self.golden) {
            ("expected.yaml", golden) => *golden = Golden::Text { legacy: content, none: None },
            ("expected.none.yaml", Golden::Text { none, .. }) => *none = Some(content),
            ("expected.error", golden) => *golden = Golden::Error(content),
            _ => self.files.push((name, content)),
        }
    }

    /// The folder to build: `.`, or `overlay` if there is no kustomization at the top.
    pub(crate) fn root(&self) -> &'static str {
        let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
        let at_top = self.files.iter().any(|(path, _)| names.contains(&path.as_str()));
        let in_overlay = self.files.iter().any(|(path, _)| path.starts_with("overlay/"));
        if at_top || !in_overlay { "." } else { "overlay" }
    }

    pub(crate) fn with(&self, golden: Golden) -> Self {
        Self { golden, ..self.clone() }
    }

    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.text()).expect("a case is written");
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.head.clone();
        let mut section = |name: &str, content: &str| {
            let bare = !content.is_empty() && !content.ends_with('\n');
            let _ = write!(text, "-- {name}{} --\n{content}", if bare { " | no-newline" } else { "" });
            if bare {
                text.push('\n');
            }
        };
        for (path, content) in &self.files {
            section(path, content);
        }
        match &self.golden {
            Golden::Text { legacy, none } => {
                section("expected.yaml", legacy);
                if let Some(none) = none {
                    section("expected.none.yaml", none);
                }
            }
            Golden::Error(error) => section("expected.error", error),
            Golden::Missing => {}
        }
        text
    }
}

/// The files of the corpus, in order.
pub(crate) fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the corpus")
        .flat_map(|folder| std::fs::read_dir(folder.expect("a folder").path()).expect("a folder"))
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    files
}

/// The program, version 5.8.2.
pub(crate) struct Kustomize {
    program: PathBuf,
}

impl Kustomize {
    /// From the folder in `LUCID_TEST_TOOLS`.
    pub(crate) fn from_environment() -> Option<Self> {
        let program = Path::new(&std::env::var_os("LUCID_TEST_TOOLS")?).join("kustomize");
        assert!(program.exists(), "{} does not exist", program.display());
        Some(Self { program })
    }

    pub(crate) fn golden(&self, case: &Case) -> Golden {
        let folder = Scratch::new();
        for (path, content) in &case.files {
            let path = folder.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
            std::fs::write(path, content).expect("a file is written");
        }
        let root = folder.0.join(case.root());
        match (self.build(&root, "legacy"), self.build(&root, "none")) {
            (Ok(legacy), Ok(none)) => {
                let none = (none != legacy).then_some(none);
                Golden::Text { legacy, none }
            }
            (Err(error), _) | (_, Err(error)) => {
                let shown = error
                    .replace(&format!("{}/", folder.0.display()), "")
                    .replace(&folder.0.display().to_string(), ".");
                Golden::Error(shown)
            }
        }
    }

    pub(crate) fn build(&self, folder: &Path, reorder: &str) -> Result<String, String> {
        let output = Command::new(&self.program)
            .args(["build", "--reorder", reorder])
            .arg(folder)
            .output()
            .expect("kustomize runs");
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).expect("UTF-8")),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

/// A folder that goes away.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lucid-kustomize-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder is made");
        // kustomize shows and compares resolved paths.
        Self(path.canonicalize().expect("it exists"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The lines around the first difference.
pub(crate) fn diff(want: &str, got: &str) -> String {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.lines().collect(), got.lines().collect());
    let first = want.iter().zip(&got).position(|(a, b)| a != b).unwrap_or(want.len().min(got.len()));
    let show = |lines: &[&str]| {
        let from = first.saturating_sub(4).min(lines.len());
        lines[from..lines.len().min(first + 6)].iter().map(|line| format!("    {line}\n")).collect::<String>()
    };
    format!("  line {}\n  want:\n{}  got:\n{}", first + 1, show(&want), show(&got))
}
