//! Counting a user's requests in the audit log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Requests by verb.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requests(pub(crate) BTreeMap<String, usize>);

const CHANGING: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

impl Requests {
    pub(crate) fn all(&self) -> usize {
        self.0.values().sum()
    }

    /// Those that change something. A dry run counts too: the log's verb does not tell.
    pub(crate) fn changing(&self) -> usize {
        CHANGING.iter().filter_map(|verb| self.0.get(*verb)).sum()
    }
}

/// The audit log from some moment on. The server begins a new file when one has grown large; the old one stays open here.
pub(crate) struct Mark {
    path: PathBuf,
    log: File,
    from: u64,
}

#[derive(Deserialize)]
pub(crate) struct Event {
    stage: String,
    pub(crate) verb: String,
    user: User,
}

impl Event {
    /// A watch is logged when it starts and, who knows when, at its end; its start counts. Proxied requests are logged
    /// twice as well, and their end counts.
    pub(crate) fn counts_for(&self, user: &str) -> bool {
        let counted = if self.verb == "watch" { "ResponseStarted" } else { "ResponseComplete" };
        self.user.username == user && self.stage == counted
    }
}

#[derive(Deserialize)]
struct User {
    username: String,
}

impl Mark {
    pub(crate) fn now(path: &Path) -> Result<Self> {
        let log = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let from = log.metadata()?.len();
        Ok(Self { path: path.to_owned(), log, from })
    }

    pub(crate) fn requests(&self, user: &str) -> Result<Requests> {
        Ok(count(&self.text()?, user))
    }

    /// What was logged since.
    pub(crate) fn text(&self) -> Result<String> {
        let mut text = String::new();
        let mut log = &self.log;
        log.seek(SeekFrom::Start(self.from))?;
        log.read_to_string(&mut text)?;
        if self.path.metadata()?.ino() != self.log.metadata()?.ino() {
            File::open(&self.path)?.read_to_string(&mut text)?;
        }
        Ok(text)
    }
}

fn count(log: &str, user: &str) -> Requests {
    let mut verbs = BTreeMap::new();
    for event in log.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok()) {
        if event.counts_for(user) {
            *verbs.entry(event.verb).or_default() += 1;
        }
    }
    Requests(verbs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stage: &str, verb: &str, user: &str) -> String {
        format!("{{\"stage\":\"{stage}\",\"verb\":\"{verb}\",\"user\":{{\"username\":\"{user}\"}}}}\n")
    }

    #[test]
    fn only_the_users_own_requests_count_and_half_a_line_does_not() {
        let done = |verb: &str, user: &str| line("ResponseComplete", verb, user);
        let log = done("get", "lucid") + &done("patch", "lucid") + &done("patch", "bench") + "{\"stage\":\"Resp";
        let requests = count(&log, "lucid");
        assert_eq!((requests.all(), requests.changing()), (2, 1));
    }

    #[test]
    fn what_is_logged_twice_counts_once() {
        let both = |verb: &str| line("ResponseStarted", verb, "lucid") + &line("ResponseComplete", verb, "lucid");
        assert_eq!(count(&both("watch"), "lucid").all(), 1);
        assert_eq!(count(&both("get"), "lucid").all(), 1);
        assert_eq!(count(&line("ResponseStarted", "watch", "lucid"), "lucid").all(), 1, "a watch that is still open");
    }

    #[test]
    fn a_log_that_was_put_aside_is_read_to_its_end() {
        let folder = std::env::temp_dir().join(format!("lucid-bench-audit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (log, old) = (folder.join("audit.log"), folder.join("audit-old.log"));
        let append = |verb: &str| {
            let mut file = File::options().append(true).create(true).open(&log).expect("the log");
            std::io::Write::write_all(&mut file, line("ResponseComplete", verb, "lucid").as_bytes()).expect("write");
        };
        append("list");
        let mark = Mark::now(&log).expect("mark");
        append("get");
        std::fs::rename(&log, &old).expect("put aside");
        append("patch");
        let requests = mark.requests("lucid").expect("count");
        assert_eq!(requests.0.keys().collect::<Vec<_>>(), ["get", "patch"]);
        std::fs::remove_dir_all(&folder).expect("remove");
    }
}
