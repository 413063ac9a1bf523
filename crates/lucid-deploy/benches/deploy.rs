//! `cargo bench -p lucid-deploy`: a release of five components deployed to a simulated cluster, and deployed again.

#[expect(dead_code, reason = "the crash matrix uses all of it")]
#[path = "../tests/crash/shop.rs"]
mod shop;
#[expect(dead_code, reason = "the crash matrix uses all of it")]
#[path = "../tests/crash/stage.rs"]
mod stage;

use lucid_sim::{Sim, Snapshot};
use shop::Version::One;
use stage::{Act, End, Stage, config, runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn deploy(snapshot: &Snapshot) -> Snapshot {
    runtime().block_on(async {
        let mut stage = Stage::restored(snapshot, 1);
        assert!(matches!(stage.act_well(Act::Deploy(One)).await, End::Verified));
        stage.sim.snapshot()
    })
}

#[divan::bench]
fn first(bencher: divan::Bencher<'_, '_>) {
    let empty = Sim::new(config()).snapshot();
    bencher.bench(|| deploy(&empty));
}

#[divan::bench]
fn again(bencher: divan::Bencher<'_, '_>) {
    let deployed = deploy(&Sim::new(config()).snapshot());
    bencher.bench(|| deploy(&deployed));
}
