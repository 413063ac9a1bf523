//! The corpus with small accidents: what a slip of the pen makes of a case, kustomize and we take alike.
//!
//! Without `LUCID_TEST_TOOLS` the same texts are rendered by us alone: no panic, twice the same. `LUCID_SOAK` asks for
//! the large number; `LUCID_SEED` for one accident.

use crate::figure::figure;
use crate::random::{alone, beside, ours, shrink};
use crate::support::accident;
use crate::support::oracle::Oracle;
use crate::support::{Case, cases};
use lucid_kustomize::Order;

const FEW: u64 = 1_500;
const MANY: u64 = 40_000;

#[test]
fn accidents_of_many_seeds() {
    let mut oracle = Oracle::from_environment();
    let corpus: Vec<Case> = cases().iter().map(|path| Case::read(path)).collect();
    let one = std::env::var("LUCID_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let count = if std::env::var_os("LUCID_SOAK").is_some() { MANY } else { FEW };
    let stop = std::env::var("LUCID_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let (mut failures, mut built) = (Vec::new(), 0u64);
    for seed in one.map_or(1..=count, |seed| seed..=seed) {
        let case = accident::of(seed, &corpus);
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
        if failures.len() >= stop {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n==========\n"));
    figure(&format!("{count} accidents in the corpus, {built} of them built"));
}
