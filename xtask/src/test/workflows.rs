//! GitHub's workflows beside actionlint, which knows their syntax, expressions and contexts.

use std::process::Command;

use anyhow::Result;

use crate::process::run;
use crate::root::root;
use crate::tools;

/// What actionlint does not know yet, each with the reason why it is right.
const IGNORED: [&str; 1] = [
    // GitHub keeps up to a hundred waiting runs with `queue: max`; without it a newer one throws the waiting one away.
    r#"unexpected key "queue" for "concurrency" section"#,
];

pub(super) fn check() -> Result<()> {
    tools::workflows()?;
    let mut actionlint = Command::new(tools::path("actionlint"));
    actionlint.arg("-no-color").current_dir(root());
    for pattern in IGNORED {
        actionlint.args(["-ignore", pattern]);
    }
    run(&mut actionlint)
}
