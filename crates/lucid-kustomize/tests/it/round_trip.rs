//! Text to YAML and back beside go-yaml: what one reads the other reads, and both print the same.
//!
//! The texts are what fuzzing has collected, and soups of what YAML is made of, each below a field of an object. Without
//! `LUCID_TEST_TOOLS` we print them alone. `LUCID_SOAK` asks for the large number; `LUCID_SEED` for one soup.

use crate::figure::figure;
use crate::fuzz::collected;
use crate::random::{alone, beside, ours, shrink};
use crate::support::oracle::Oracle;
use crate::support::random::Dice;
use crate::support::{Case, Golden, soup};
use lucid_kustomize::Order;

const FEW: u64 = 1_500;
const MANY: u64 = 60_000;

/// An object with the text below `spec`.
fn below(text: &str) -> Case {
    let indented: String = text.split_inclusive('\n').map(|line| format!("  {line}")).collect();
    object(&format!("spec:\n{indented}\n"))
}

/// An object with the text behind it, at the margin.
fn behind(text: &str) -> Case {
    object(text)
}

fn object(rest: &str) -> Case {
    let head = "apiVersion: x/v1\nkind: X\nmetadata:\n  name: a\n";
    Case::of(
        vec![("kustomization.yaml".into(), "resources: [a.yaml]\n".into()), ("a.yaml".into(), format!("{head}{rest}"))],
        Golden::Missing,
    )
}

#[test]
fn texts_beside_go_yaml() {
    let mut oracle = Oracle::from_environment();
    let count = if std::env::var_os("LUCID_SOAK").is_some() { MANY } else { FEW };
    let one = std::env::var("LUCID_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let stop = std::env::var("LUCID_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let soups =
        one.map_or(1..=count, |seed| seed..=seed).map(|seed| (format!("seed {seed}"), soup::of(&mut Dice::new(seed))));
    let old = collected("yaml").into_iter().filter_map(|input| String::from_utf8(input).ok());
    let old = old.filter(|_| one.is_none()).map(|text| ("collected".to_owned(), text));
    let (mut failures, mut all, mut built) = (Vec::new(), 0u64, 0u64);
    for (name, text) in old.chain(soups) {
        for case in [below(&text), behind(&text)] {
            all += 1;
            built += u64::from(ours(&case, Order::Legacy).is_ok());
            let mut check = |case: &Case| match &mut oracle {
                Some(oracle) => beside(case, oracle),
                None => alone(case),
            };
            if let Err(failure) = check(&case) {
                let small = shrink(case, &mut |candidate| check(candidate).is_err());
                let again = check(&small).err().unwrap_or_default();
                failures.push(format!("{name}: {failure}\nshrunk:\n{}\n{again}", small.text()));
            }
        }
        if failures.len() >= stop {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n==========\n"));
    assert!(one.is_some() || built * 10 > all, "too few can be read to say much: {built} of {all}");
    figure(&format!("{all} texts to YAML and back, {built} of them readable"));
}
