//! Small trees that would fill memory: refused while there is little of it.

use std::fmt::Write as _;
use std::process::Command;

use crate::bench::{Bench, Ran};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v.v}\n";

/// Renders in 180 MB of address space: the binary takes some of that, and the allocator reserves more than it fills.
fn render(bench: &Bench) -> Ran {
    let script = format!("ulimit -v {}; MIMALLOC_ARENA_RESERVE=4096 exec \"$0\" render k", 180 << 10);
    bench.run(Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_lucid")]))
}

#[track_caller]
fn refused(files: &[(&str, &str)], want: &str) {
    let ran = render(&Bench::new(files));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("error[L8019]") || ran.err.contains("error[L8001]"), "{}", ran.err);
    assert!(ran.err.contains(want), "{}", ran.err);
}

#[test]
fn a_bomb_is_refused_in_little_memory() {
    let list = vec!["x"; 900].join(",");
    let uses = vec!["*l"; 100].join(",");
    let aliases: Vec<(String, String)> = (0..300)
        .map(|n| {
            (
                format!("k/{n}.yaml"),
                format!("apiVersion: v1\nkind: X\nmetadata: {{name: a{n}}}\nl: &l [{list}]\nm: [{uses}]\n"),
            )
        })
        .collect();
    let names: String = aliases.iter().map(|(path, _)| format!("- {}\n", &path[2..])).collect();
    let top = format!("resources:\n{names}");
    let mut files: Vec<(&str, &str)> = aliases.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("k/kustomization.yaml", &top));
    refused(&files, "MiB out of what it reads");

    let copies = (0..40).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "    - {{op: copy, from: /data, path: /data/c{n}}}");
        text
    });
    let top = format!("resources: [a.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{copies}");
    refused(&[("k/kustomization.yaml", &top), ("k/a.yaml", OBJECT)], "MiB out of what it reads");

    let step = "- source: {kind: ConfigMap, fieldPath: data.k}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.k]\n    options: {delimiter: ., index: 9}\n";
    let top = format!("resources: [a.yaml]\nreplacements:\n{}", step.repeat(40));
    refused(&[("k/kustomization.yaml", &top), ("k/a.yaml", OBJECT)], "the text becomes longer");

    let objects: String =
        (0..500).map(|n| format!("---\n{}", OBJECT.replace("name: a", &format!("name: a{n}")))).collect();
    let top = format!("resources: [a.yaml]\ncommonAnnotations: {{a: {}}}\n", "x".repeat(1_000_000));
    refused(&[("k/kustomization.yaml", &top), ("k/a.yaml", &objects)], "MiB out of what it reads");
}

#[test]
fn time_ends() {
    let bench = Bench::new(&[("k/kustomization.yaml", "resources: [a.yaml]\n"), ("k/a.yaml", OBJECT)]);
    let ran = bench.lucid(&["render", "k", "--max-time", "0"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the build takes too long") && ran.err.contains("`--max-time`"), "{}", ran.err);
}
