//! Every case of `tests/corpus`: what kustomize 5.8.2 prints is what we print; where it fails, we fail.
//!
//! With `LUCID_TEST_TOOLS` (a folder with the real `kustomize`) the goldens are made anew and compared;
//! with `LUCID_UPDATE=1` as well they are rewritten.

use crate::figure::figure;
use crate::support::oracle::Oracle;
use crate::support::{self, Case, Golden, Kustomize, cases};
use lucid_kustomize::{MemoryLoader, Options, Order, render};

fn loader(case: &Case) -> MemoryLoader {
    let mut loader = MemoryLoader::new();
    for (path, content) in &case.files {
        loader.add(path, content.as_bytes());
    }
    loader
}

/// What we print, or what we find.
fn ours(case: &Case, reorder: Order) -> Result<String, String> {
    let options = Options { reorder, ..Options::default() };
    render(&loader(case), case.root(), &options)
        .map(|rendered| rendered.to_yaml().to_owned())
        .map_err(|findings| findings.errors().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("\n"))
}

fn check(case: &Case) -> Result<(), String> {
    let compare = |reorder, want: &str| match ours(case, reorder) {
        Ok(got) if got == want => Ok(()),
        Ok(got) => Err(format!("{reorder:?}: different bytes\n{}", support::diff(want, &got))),
        Err(error) => Err(format!("{reorder:?}: refused: {error}")),
    };
    match &case.golden {
        Golden::Text { legacy, none } => {
            compare(Order::Legacy, legacy)?;
            compare(Order::None, none.as_deref().unwrap_or(legacy))
        }
        Golden::Error(error) => match ours(case, Order::Legacy) {
            Err(found) if case.says.iter().all(|words| found.contains(words.as_str())) => Ok(()),
            Err(found) => Err(format!("the findings do not say {:?}: {found}", case.says)),
            Ok(_) => Err(format!("kustomize refuses this, and we print something: {error}")),
        },
        Golden::Missing => Err("there is no golden output; set LUCID_TEST_TOOLS and LUCID_UPDATE=1".into()),
    }
}

#[test]
fn same_bytes_or_both_refuse() {
    let mut failures = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty(), "the corpus is empty");
    for path in &cases {
        let case = Case::read(path);
        let result = std::panic::catch_unwind(|| check(&case)).unwrap_or_else(|_| Err("panicked".into()));
        if let Err(failure) = result {
            failures.push(format!("{}: {failure}", path.display()));
        }
    }
    let total = cases.len();
    figure(&format!("corpus of {total} cases"));
    assert!(failures.is_empty(), "{} of {total} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn goldens_are_those_of_the_real_kustomize() {
    let Some(kustomize) = Kustomize::from_environment() else { return };
    let update = std::env::var_os("LUCID_UPDATE").is_some();
    let mut stale = Vec::new();
    for path in cases() {
        let case = Case::read(&path);
        let golden = kustomize.golden(&case);
        if golden.differs_from(&case.golden) {
            stale.push(path.display().to_string());
            if update {
                case.with(golden).write(&path);
            }
        }
    }
    assert!(update || stale.is_empty(), "goldens that kustomize does not print any more: {}", stale.join(", "));
}

#[test]
fn the_oracle_answers_like_the_real_program() {
    let Some(mut oracle) = Oracle::from_environment() else { return };
    let mut wrong = Vec::new();
    for path in cases() {
        let case = Case::read(&path);
        if oracle.golden(&case).differs_from(&case.golden) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "the oracle says something else: {}", wrong.join(", "));
}
