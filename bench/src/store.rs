//! `docs/benchmarks.json`: cases by name. A case that is measured anew takes the place of the old one; the others stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::case::Case;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) cases: BTreeMap<String, Case>,
}

const JSON: &str = "benchmarks.json";

impl Store {
    /// Empty when there is none yet.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(JSON);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is of another version: remove it", path.display()))
    }

    /// In one step, so that nothing that was measured gets lost on the way.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let (path, new) = (folder.join(JSON), folder.join(format!("{JSON}.new")));
        fs::write(&new, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("write {}", new.display()))?;
        fs::rename(&new, &path).with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Run;
    use crate::machine::Measured;

    #[test]
    fn cases_of_other_evenings_stay() {
        let folder =
            crate::folder::fresh(&std::env::temp_dir().join(format!("lucid-bench-store-{}", std::process::id())));
        let folder = folder.expect("a folder");
        let mut case = Case::new("one", Measured::default());
        case.add("empty", "lucid", Run { seconds: 1.5, ..Run::default() });
        for name in ["one", "two", "one"] {
            let mut store = Store::read(&folder).expect("read");
            store.cases.insert(name.to_owned(), case.clone());
            store.write(&folder).expect("write");
        }
        let store = Store::read(&folder).expect("read");
        assert_eq!(store.cases.keys().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(store.cases["two"], case);
        fs::remove_dir_all(&folder).expect("remove");
    }
}
