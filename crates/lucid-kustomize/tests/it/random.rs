//! Random trees: the real kustomize and we print the same, or both refuse.
//!
//! Without `LUCID_TEST_TOOLS` the same trees are rendered by us alone: twice the same, without a panic, and what is
//! printed reads back as the objects. `LUCID_SOAK` asks for the large number; `LUCID_SEED` for one tree.

use crate::figure::figure;
use crate::support::oracle::Oracle;
use crate::support::{self, Case, Golden, random};
use lucid_kustomize::{MemoryLoader, Options, Order, Rendered, render};
use lucid_object::{Finding, Findings, Object};

const FEW: u64 = 500;
const MANY: u64 = 10_000;

pub(crate) fn ours(case: &Case, reorder: Order) -> Result<Rendered, Findings> {
    let mut loader = MemoryLoader::new();
    case.files.iter().for_each(|(path, content)| loader.add(path, content.as_bytes()));
    render(&loader, case.root(), &Options { reorder, ..Options::default() })
}

fn messages(findings: &Findings) -> String {
    findings.errors().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
}

/// What we alone can be held to: no panic, twice the same, and what is printed reads back as the objects.
pub(crate) fn alone(case: &Case) -> Result<(), String> {
    match (ours(case, Order::Legacy), ours(case, Order::Legacy)) {
        (Ok(first), Ok(second)) if first.to_yaml() == second.to_yaml() => {
            let read = lucid_object::yaml::parse(first.to_yaml(), 0).map_err(|error| error.to_string())?;
            // kustomize's text loses U+0085, which its own JSON does not escape; the objects keep it.
            let loses = first.objects.iter().any(|object| object.value().to_string().contains('\u{85}'));
            let same = loses
                || read.iter().map(|node| node.to_json()).eq(first.objects.iter().map(|object| object.value().clone()));
            if same { Ok(()) } else { Err("the text reads back as something else".into()) }
        }
        (Err(first), Err(second)) if first == second && first.has_errors() => Ok(()),
        _ => Err("not the same twice".into()),
    }
}

/// The same bytes as kustomize in both orders, or both refuse.
pub(crate) fn beside(case: &Case, kustomize: &mut Oracle) -> Result<(), String> {
    let none = ours(case, Order::None);
    match (kustomize.golden(case), ours(case, Order::Legacy)) {
        (Golden::Text { legacy, none: want_none }, Ok(got)) => {
            if got.to_yaml() != legacy && !(is_without_order(&got) && same_documents(got.to_yaml(), &legacy)) {
                return Err(support::diff(&legacy, got.to_yaml()));
            }
            let want_none = want_none.unwrap_or(legacy);
            match none {
                Ok(got) if got.to_yaml() == want_none => Ok(()),
                Ok(got) => Err(format!("--reorder none: {}", support::diff(&want_none, got.to_yaml()))),
                Err(findings) => Err(format!("--reorder none: refused: {}", messages(&findings))),
            }
        }
        (Golden::Error(_), Err(_)) => Ok(()),
        (Golden::Error(error), Ok(_)) => Err(format!("kustomize refuses this: {error}")),
        (Golden::Text { .. }, Err(findings)) if findings.errors().all(is_stricter) => Ok(()),
        (Golden::Text { .. }, Err(findings)) => Err(format!("we refuse this: {}", messages(&findings))),
        (Golden::Missing, _) => Err("no answer".into()),
    }
}

/// A kind called Namespace of a group of its own turns kustomize's comparison around, so that more objects than its sort
/// simply inserts come out in an order that depends on how that sort is made.
fn is_without_order(rendered: &Rendered) -> bool {
    let foreign = |object: &Object| object.kind() == "Namespace" && !object.group().is_empty();
    rendered.objects.iter().count() > 12 && rendered.objects.iter().any(foreign)
}

fn same_documents(a: &str, b: &str) -> bool {
    let documents = |text: &str| {
        let mut documents: Vec<String> = text.split("---\n").map(str::to_owned).collect();
        documents.sort();
        documents
    };
    documents(a) == documents(b)
}

/// Where we refuse what kustomize lets pass, on purpose: `docs/guide/render.md` names each.
fn is_stricter(finding: &Finding) -> bool {
    let refused = [
        "contains itself",
        "is already defined",
        "a merge key with a tag",
        "the key ~ is",
        "the key null is",
        "is no OpenAPI document",
        "comments whose place",
    ];
    refused.iter().any(|words| finding.message.contains(words))
}

/// Leaves out files and lines for as long as the difference stays.
pub(crate) fn shrink(case: Case, differs: &mut dyn FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    let mut budget = 400;
    loop {
        let mut smaller = None;
        'search: for (index, (path, content)) in best.files.iter().enumerate() {
            let lines: Vec<&str> = content.lines().collect();
            for chunk in [8, 4, 2, 1] {
                for from in (0..lines.len()).step_by(chunk) {
                    if budget == 0 {
                        return best;
                    }
                    budget -= 1;
                    let kept: String = lines
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| *at < from || *at >= from + chunk)
                        .map(|(_, line)| format!("{line}\n"))
                        .collect();
                    let mut files = best.files.clone();
                    files[index] = (path.clone(), kept);
                    let candidate = Case::of(files, Golden::Missing);
                    if differs(&candidate) {
                        smaller = Some(candidate);
                        break 'search;
                    }
                }
            }
        }
        match smaller {
            Some(case) => best = case,
            None => return best,
        }
    }
}

#[test]
fn trees_of_many_seeds() {
    let mut oracle = Oracle::from_environment();
    let one = std::env::var("LUCID_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let count = if std::env::var_os("LUCID_SOAK").is_some() { MANY } else { FEW };
    let seeds = one.map_or(1..=count, |seed| seed..=seed);
    let (mut built, mut failures) = (0u64, Vec::new());
    for seed in seeds.clone() {
        let case = random::tree(seed);
        built += u64::from(ours(&case, Order::Legacy).is_ok());
        let mut check = |case: &Case| match &mut oracle {
            Some(oracle) => beside(case, oracle),
            None => alone(case),
        };
        if let Err(failure) = check(&case) {
            let small = shrink(case, &mut |candidate| check(candidate).is_err());
            let again = check(&small).err().unwrap_or_default();
            failures.push(format!("seed {seed}: {failure}\nshrunk:\n{}\n{again}", small.text()));
        }
        if failures.len() >= 5 {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n==========\n"));
    figure(&format!("{count} random trees, {built} of them built"));
    assert!(one.is_some() || built * 4 > count, "most trees should build, or the test says little: {built} of {count}");
}
