//! The same seed gives the same run.

use std::time::Duration;

use lucid_client::Apply;
use lucid_sim::Config;

use crate::support::{client, deployment, deployments, started};

/// A rollout seen from outside, and the hash of all that happened meanwhile.
fn run(seed: u64) -> (u64, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let sim = started(Config { seed, ..Config::default() });
        let client = client(&sim);
        let names = ["a", "b", "c"];
        let bodies = names.map(|name| (name, deployment(name, 3, "x:1")));
        let applies = bodies.iter().map(|(name, body)| {
            let client = client.clone();
            async move {
                let apply = Apply { manager: "t", body, dry_run: false, force: false };
                client.apply(&deployments(), name, &apply).await.unwrap();
            }
        });
        futures::future::join_all(applies).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        (sim.trace_hash(), sim.elapsed())
    })
}

#[test]
fn a_seed_is_a_run() {
    for seed in 1..=5 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).0, run(2).0);
}
