//! Every field knows the line that last set it, through bases, overlays, patches, generators and all the rest.

use lucid_kustomize::{MemoryLoader, Options, render};

const BASE: &str = "\
resources: [web.yaml]
configMapGenerator:
- name: conf
  literals:
  - a=1
  - b=2
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    note: |
      two
      lines
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: web
        image: nginx:1
        command:
        - run
        envFrom:
        - configMapRef: {name: conf}
      - name: side
        image: side:1
";

const OVERLAY: &str = "\
resources: [../base]
components: [../part]
namePrefix: p-
namespace: prod
labels:
- pairs:
    team: x
images:
- name: nginx
  newTag: v2
replicas:
- name: web
  count: 3
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - name: side
            tty: true
- path: op.yaml
  target: {kind: Deployment}
configMapGenerator:
- name: conf
  behavior: merge
  envs: [more.env]
replacements:
- source: {kind: ConfigMap, name: conf, fieldPath: data.a}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [metadata.annotations.copied]
    options: {create: true}
";

fn tree() -> MemoryLoader {
    MemoryLoader::new()
        .with("base/kustomization.yaml", BASE)
        .with("base/web.yaml", WEB)
        .with(
            "part/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations:\n  by: part\n",
        )
        .with("overlay/kustomization.yaml", OVERLAY)
        .with("overlay/op.yaml", "- op: add\n  path: /spec/paused\n  value: false\n")
        .with("overlay/more.env", "# more\nc=3\n")
}

#[test]
fn every_line_has_the_place_that_last_set_it() {
    let rendered = render(&tree(), "overlay", &Options::default()).expect("it builds");
    let expected = include_str!("origins.txt");
    assert_eq!(rendered.to_yaml_with_origins(), expected);
    let plain: String =
        expected.lines().map(|line| format!("{}\n", line.split_once(" | ").expect("a margin").1)).collect();
    assert_eq!(rendered.to_yaml(), plain, "beside the margin stands the print");
}
