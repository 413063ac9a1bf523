//! What is fuzzed: one function a target. None may panic, whatever the bytes.

use lucid_kustomize::{Bounds, MemoryLoader, Options, Order, render};
use lucid_object::yaml::{Dialect, Limits, Node, Pos, emit_node, emit_with_places, parse_first, parse_with};

pub(crate) type Target = fn(&[u8]);

pub(crate) const TARGETS: [(&str, Target); 4] =
    [("yaml", yaml), ("kustomization", kustomization), ("strategic", strategic), ("json6902", json6902)];

/// The line between an object and the patch for it.
pub(crate) const LINE: &str = "===\n";

const OBJECTS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: 'nginx:1', ports: [{containerPort: 80}], env: [{name: A, value: \"1\"}]}
      - {name: side, image: side, envFrom: [{configMapRef: {name: conf}}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, annotations: {a: b}}
data: {k: v, j: '{\"a\": [1, 2]}', y: \"b: c\\n\"}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: n}
spec: {list: [1, two, {three: 3}], ref: web}
";

fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for dialect in [Dialect::Resource, Dialect::Tree, Dialect::Yaml11, Dialect::Strict11] {
        let Ok(nodes) = parse_with(text, 0, dialect, limits()) else { continue };
        nodes.iter().for_each(written_and_read);
        let start = Pos { file: 0, line: 1, column: 1 };
        let first = parse_first(text, start, dialect, limits()).expect("a part of what is readable is readable");
        let whole = nodes.first().map(Node::to_json);
        // An empty document is none among many, and none as the first.
        if let Some(node) = first.node.filter(|_| whole.is_some()) {
            assert!(nodes.iter().any(|other| other.to_json() == node.to_json()), "the first is one of all");
        }
    }
}

/// What is printed reads back, and prints the same again.
fn written_and_read(node: &Node) {
    let text = emit_node(node);
    let (same, places) = emit_with_places(node);
    assert_eq!(text, same);
    assert_eq!(text.lines().count(), places.len());
    // go-yaml writes some characters as they are that it does not read again.
    if let Ok(again) = parse_with(&text, 0, Dialect::Resource, limits())
        && let [again] = &again[..]
    {
        let twice = emit_node(again);
        let third = parse_with(&twice, 0, Dialect::Resource, limits()).ok();
        if let Some([third]) = third.as_deref() {
            assert_eq!(emit_node(third), twice, "printing is not stable");
        }
    }
}

fn kustomization(data: &[u8]) {
    let loader = MemoryLoader::new()
        .with("k/kustomization.yaml", data)
        .with("k/a.yaml", OBJECTS)
        .with("k/p.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n")
        .with("k/env", "A=1\n#c\nB\n")
        .with("k/b/kustomization.yaml", "resources: [../../c/x.yaml]\nnamePrefix: p-\n")
        .with("c/kustomization.yaml", "kind: Component\nresources: [x.yaml]\n")
        .with("c/x.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}}\n");
    build(&loader);
}

fn strategic(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (objects, patch) = text.split_once(LINE).unwrap_or((OBJECTS, text));
    let top = "resources: [a.yaml]\npatches: [{path: p.yaml}, {path: p.yaml, target: {kind: .*}}]\n";
    build(&MemoryLoader::new().with("k/kustomization.yaml", top).with("k/a.yaml", objects).with("k/p.yaml", patch));
    let top = "resources: [a.yaml]\npatchesStrategicMerge: [p.yaml]\n";
    build(&MemoryLoader::new().with("k/kustomization.yaml", top).with("k/a.yaml", objects).with("k/p.yaml", patch));
}

fn json6902(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (objects, patch) = text.split_once(LINE).unwrap_or((OBJECTS, text));
    let top = "resources: [a.yaml]\npatches: [{path: p.yaml, target: {kind: .*}}]\n";
    build(&MemoryLoader::new().with("k/kustomization.yaml", top).with("k/a.yaml", objects).with("k/p.yaml", patch));
}

/// Twice the same, in both orders; findings have a message and errors stand for a failure.
fn build(loader: &MemoryLoader) {
    for reorder in [Order::Legacy, Order::None] {
        let bounds = Bounds { growth: 4 << 20, ..Bounds::default() };
        let options = Options { reorder, bounds, ..Options::default() };
        match (render(loader, "k", &options), render(loader, "k", &options)) {
            (Ok(first), Ok(second)) => {
                assert_eq!(first.to_yaml(), second.to_yaml());
                assert!(!first.to_yaml_with_origins().contains('\0'));
            }
            (Err(first), Err(second)) => {
                assert_eq!(first, second);
                assert!(first.has_errors() && first.iter().all(|finding| !finding.message.is_empty()));
            }
            _ => panic!("not the same twice"),
        }
    }
}

/// Small enough that a second is enough for anything.
fn limits() -> Limits {
    Limits { nodes: 100_000, alias_nodes: 10_000, indent: 1 << 20, ..Limits::default() }
}
