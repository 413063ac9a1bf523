//! How often a deployment asks for memory, client, engine and simulated cluster together. A ratchet: the numbers may only
//! fall.

#[expect(dead_code, reason = "the crash matrix uses all of it")]
#[path = "crash/shop.rs"]
mod shop;
#[expect(dead_code, reason = "the crash matrix uses all of it")]
#[path = "crash/stage.rs"]
mod stage;

use lucid_sim::Sim;
use shop::Version::One;
use stage::{Act, End, Stage, config, runtime};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Of a first deployment, and of the same again.
const BLOCKS: [u64; 2] = [362_962, 49_179];

#[test]
fn a_deployment_asks_for_no_more_memory_than_it_did() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let counted = runtime().block_on(async {
        let mut stage = Stage::new(Sim::new(config()));
        let mut counted = [0, 0];
        for count in &mut counted {
            let before = dhat::HeapStats::get().total_blocks;
            assert!(matches!(stage.act_well(Act::Deploy(One)).await, End::Verified));
            *count = dhat::HeapStats::get().total_blocks - before;
        }
        counted
    });
    for (count, limit) in counted.into_iter().zip(BLOCKS) {
        // A handful more is a wider page or a longer name, and no other way of working.
        assert!(count * 1000 <= limit * 1005, "{counted:?} blocks; there were {BLOCKS:?}");
        assert!(count * 100 >= limit * 95, "{counted:?} blocks are fewer than {BLOCKS:?}: write that down in BLOCKS");
    }
}
