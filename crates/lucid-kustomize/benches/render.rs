//! `cargo bench -p lucid-kustomize`: rendering a tree that is in memory.

#[path = "../examples/time/tree.rs"]
mod tree;

use lucid_kustomize::{MemoryLoader, Options, render};

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 100, 1000])]
fn overlay(bencher: divan::Bencher<'_, '_>, objects: usize) {
    let files = tree::tree(objects);
    let loader = files.iter().fold(MemoryLoader::new(), |loader, (path, text)| loader.with(path, text.as_str()));
    bencher.bench(|| render(&loader, "overlay", &Options::default()).expect("a sound tree").to_yaml().len());
}
