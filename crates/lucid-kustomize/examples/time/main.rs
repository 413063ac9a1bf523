//! Times a render of many objects: `cargo run --release -p lucid-kustomize --example time -- 1000`.
//!
//! With a folder as second argument the tree is written there instead, for the real kustomize.

mod tree;

use std::time::Instant;

use lucid_kustomize::{MemoryLoader, Options, render};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let files = tree::tree(count);
    if let Some(folder) = arguments.next() {
        for (path, content) in &files {
            let path = std::path::Path::new(&folder).join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
            std::fs::write(path, content).expect("a file is written");
        }
        return;
    }
    let mut loader = MemoryLoader::new();
    files.into_iter().for_each(|(path, content)| loader.add(&path, content));
    let mut times: Vec<_> = (0..7)
        .map(|_| {
            let start = Instant::now();
            let rendered = render(&loader, "overlay", &Options::default()).expect("it builds");
            (start.elapsed(), rendered.objects.len(), rendered.to_yaml().len())
        })
        .collect();
    times.sort();
    let (median, objects, bytes) = times[3];
    #[expect(clippy::print_stdout, reason = "the result")]
    {
        println!("{objects} objects, {bytes} bytes: median {median:?}, best {:?}", times[0].0);
    }
}
