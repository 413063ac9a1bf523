//! How often rendering asks for memory. A ratchet: the numbers may only fall, and growth stays linear.

#[path = "../examples/time/tree.rs"]
mod tree;

use lucid_kustomize::{MemoryLoader, Options, render};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Of a tree of a thousand objects, rendered and written.
const BLOCKS: u64 = 113_500;

/// Blocks that rendering so many objects asks for.
fn blocks(objects: usize) -> u64 {
    let files = tree::tree(objects);
    let loader = files.iter().fold(MemoryLoader::new(), |loader, (path, text)| loader.with(path, text.as_str()));
    let before = dhat::HeapStats::get().total_blocks;
    let rendered = render(&loader, "overlay", &Options::default()).expect("a sound tree");
    assert!(rendered.to_yaml().len() > objects * 100);
    dhat::HeapStats::get().total_blocks - before
}

#[test]
fn rendering_asks_for_no_more_memory_than_it_did() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let (thousand, two) = (blocks(1000), blocks(2000));
    // A handful more is no other way of working.
    assert!(thousand * 1000 <= BLOCKS * 1005, "{thousand} blocks; there were {BLOCKS}");
    let is_new = cfg!(debug_assertions) && thousand * 100 < BLOCKS * 97;
    assert!(!is_new, "{thousand} blocks are fewer than {BLOCKS}: write that down in BLOCKS");
    assert!(two * 100 <= thousand * 205, "{thousand} blocks for a thousand objects, {two} for two thousand");
}
