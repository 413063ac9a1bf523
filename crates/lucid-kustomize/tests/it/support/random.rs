//! Random kustomization trees: few names, so that references, patches and clashes meet; nasty values.

use std::fmt::Write as _;

use super::{Case, Golden};

/// A repeatable source of choices (xorshift).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

pub(crate) const NAMES: [&str; 4] = ["a", "b", "web", "db"];
pub(crate) const VALUES: [&str; 40] = [
    "1",
    "\"1\"",
    "yes",
    "\"yes\"",
    "0644",
    "1.50",
    "x",
    "'it''s'",
    "\"a: b\"",
    "null",
    "~",
    "\"\"",
    "true",
    "2021-01-01",
    "\"2021-01-01\"",
    "1e3",
    "[1, two]",
    "{k: v}",
    "-dash",
    "\"- dash\"",
    "long words that go on and on until the line is full and has to be folded somewhere, \
     which is after eighty columns",
    "|\n{}  lines\n{}    deep\n{}  end",
    ">\n{}  folded\n{}  text\n{}    more\n{}  end",
    "\"tab\\there\"",
    "\"two\\nlines\\n\"",
    "\"trailing \"",
    "é",
    "\"\\U0001F600\"",
    "0x1F",
    "1_000",
    "on",
    "N",
    "'0.0.0.0:80'",
    "12:30",
    "\"#x\"",
    "a#b",
    "{}",
    "[]",
    ".5",
    "-0",
];
const KINDS: [&str; 14] = [
    "apps/v1 Deployment",
    "apps/v1 StatefulSet",
    "apps/v1 DaemonSet",
    "batch/v1 Job",
    "batch/v1 CronJob",
    "v1 Pod",
    "v1 Service",
    "v1 ConfigMap",
    "v1 Secret",
    "v1 ServiceAccount",
    "rbac.authorization.k8s.io/v1 RoleBinding",
    "networking.k8s.io/v1 Ingress",
    "example.com/v1 Widget",
    "autoscaling/v2 HorizontalPodAutoscaler",
];

/// One tree for a seed.
pub(crate) fn tree(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let mut files = Vec::new();
    folder(&mut dice, &mut files, "base", None);
    let bases = if dice.chance(30) {
        folder(&mut dice, &mut files, "second", None);
        "../base, ../second"
    } else {
        "../base"
    };
    let component = dice.chance(35);
    if component {
        let text = instructions(&mut dice, &mut files, "comp", false);
        files.push((
            "comp/kustomization.yaml".into(),
            format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{text}commonAnnotations: {{comp: \"1\"}}\n"),
        ));
    }
    folder(&mut dice, &mut files, "overlay", Some((bases, component)));
    Case::of(files, Golden::Missing)
}

fn folder(dice: &mut Dice, files: &mut Vec<(String, String)>, name: &str, below: Option<(&str, bool)>) {
    let mut kinds: Vec<&str> = Vec::new();
    let mut objects = String::new();
    for _ in 0..1 + dice.below(if below.is_some() { 2 } else { 5 }) {
        let kind = dice.pick(&KINDS);
        let text = object(dice, kind);
        if !kinds.contains(&kind) || dice.chance(30) {
            let _ = write!(objects, "---\n{text}");
            kinds.push(kind);
        }
    }
    files.push((format!("{name}/objects.yaml"), objects));
    let mut text = match below {
        Some((bases, true)) => format!("resources: [{bases}, objects.yaml]\ncomponents: [../comp]\n"),
        Some((bases, false)) => format!("resources: [{bases}, objects.yaml]\n"),
        None => "resources: [objects.yaml]\n".to_owned(),
    };
    text.push_str(&instructions(dice, files, name, true));
    files.push((format!("{name}/kustomization.yaml"), text));
}

fn value(dice: &mut Dice, indent: usize) -> String {
    dice.pick(&VALUES).replace("{}", &" ".repeat(indent)).replace("{ ", "{")
}

fn scalar(dice: &mut Dice) -> &'static str {
    dice.pick(&["1", "\"1\"", "yes", "\"yes\"", "x", "0644", "1.50", "null", "true", "2021-01-01", "'q'", "\"a b\""])
}

fn map(dice: &mut Dice, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    for key in ["k1", "k10", "k2", "K", "a.b/c", "y"].iter().filter(|_| true).collect::<Vec<_>>() {
        if dice.chance(40) {
            let _ = writeln!(out, "{pad}{key}: {}", value(dice, indent));
        }
    }
    if out.is_empty() { format!("{pad}only: 1\n") } else { out }
}

fn object(dice: &mut Dice, kind: &str) -> String {
    let (api, kind) = kind.split_once(' ').expect("api and kind");
    let mut out = format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {}\n", dice.pick(&NAMES));
    if dice.chance(15) {
        let _ = writeln!(out, "  namespace: {}", dice.pick(&["n1", "n2", "default"]));
    }
    if dice.chance(40) {
        let _ = writeln!(out, "  labels: {{app: {}, tier: \"{}\"}}", dice.pick(&NAMES), dice.below(3));
    }
    if dice.chance(20) {
        let _ = write!(out, "  annotations:\n    note: {}\n", scalar(dice));
    }
    out.push_str(&body(dice, kind));
    out
}

fn body(dice: &mut Dice, kind: &str) -> String {
    let name = dice.pick(&NAMES);
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
            let mut out = String::from("spec:\n");
            if dice.chance(50) {
                let _ = writeln!(out, "  replicas: {}", dice.pick(&["1", "\"2\"", "null", "3"]));
            }
            if dice.chance(50) {
                let _ = writeln!(out, "  selector: {{matchLabels: {{app: {name}}}}}");
            }
            out + "  template:\n" + &pod(dice, 4)
        }
        "CronJob" => format!("spec:\n  jobTemplate:\n    spec:\n      template:\n{}", pod(dice, 8)),
        "Pod" => pod(dice, 0),
        "Service" => format!(
            "spec:\n  selector: {{app: {name}}}\n  ports:\n  - port: 80\n  - {{port: 53, protocol: UDP, name: dns}}\n"
        ),
        "ConfigMap" | "Secret" => format!("data:\n{}", map(dice, 2)),
        "RoleBinding" => format!(
            "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}\nsubjects:\n- {{kind: ServiceAccount, name: {name}}}\n- {{kind: ServiceAccount, name: default, namespace: n1}}\n"
        ),
        "Ingress" => format!(
            "spec:\n  tls: [{{secretName: {name}}}]\n  rules:\n  - http: {{paths: [{{backend: {{service: {{name: {}, port: {{number: 80}}}}}}}}]}}\n",
            dice.pick(&NAMES)
        ),
        "HorizontalPodAutoscaler" => {
            let target = dice.pick(&["Deployment", "StatefulSet"]);
            format!("spec:\n  scaleTargetRef: {{apiVersion: apps/v1, kind: {target}, name: {name}}}\n")
        }
        "Widget" => format!(
            "spec:\n  list: [{{name: x}}, {{name: y}}]\n  containers:\n  - image: nginx:1\n  deep:\n{}",
            map(dice, 4)
        ),
        _ => String::new(),
    }
}

/// A pod template, or what a Pod has.
fn pod(dice: &mut Dice, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    if indent > 0 && dice.chance(60) {
        let _ = writeln!(out, "{pad}metadata: {{labels: {{app: {}}}}}", dice.pick(&NAMES));
    }
    let _ = writeln!(out, "{pad}spec:");
    if dice.chance(30) {
        let _ = writeln!(out, "{pad}  serviceAccountName: {}", dice.pick(&NAMES));
    }
    if dice.chance(40) {
        let (v, w) = (dice.pick(&NAMES), dice.pick(&NAMES));
        let _ = writeln!(
            out,
            "{pad}  volumes: [{{name: v, configMap: {{name: {v}}}}}, {{name: w, secret: {{secretName: {w}}}}}]"
        );
    }
    let _ = writeln!(out, "{pad}  containers:");
    for container in ["main", "side"].iter().take(1 + dice.below(2)) {
        let image = dice.pick(&["nginx:1.0", "nginx", "redis@sha256:ab", "host:5000/app:1", "\"nginx:2\""]);
        let _ = writeln!(out, "{pad}  - name: {container}\n{pad}    image: {image}");
        if dice.chance(40) {
            let _ = writeln!(out, "{pad}    ports: [{{containerPort: 80}}, {{containerPort: 53, protocol: UDP}}]");
        }
        if dice.chance(40) {
            let reference = dice.pick(&NAMES);
            let _ = writeln!(
                out,
                "{pad}    env:\n{pad}    - {{name: A, value: \"1\"}}\n{pad}    - {{name: B, valueFrom: {{configMapKeyRef: {{name: {reference}, key: k1}}}}}}"
            );
        }
    }
    out
}

fn instructions(dice: &mut Dice, files: &mut Vec<(String, String)>, folder: &str, names: bool) -> String {
    let mut out = String::new();
    if names && dice.chance(35) {
        let _ = writeln!(out, "namePrefix: {}-", dice.pick(&["p", "q"]));
    }
    if names && dice.chance(25) {
        let _ = writeln!(out, "nameSuffix: -{}", dice.pick(&["s", "t"]));
    }
    if names && dice.chance(25) {
        let _ = writeln!(out, "namespace: {}", dice.pick(&["n1", "n3"]));
    }
    if dice.chance(20) {
        let _ = writeln!(out, "commonLabels: {{team: {}, app: \"{}\"}}", dice.pick(&["x", "z"]), dice.below(2));
    }
    if dice.chance(25) {
        let flags = dice.pick(&["", ", includeSelectors: true", ", includeTemplates: true"]);
        let _ = writeln!(out, "labels: [{{pairs: {{env: {}}}{flags}}}]", dice.pick(&["prod", "\"1\""]));
    }
    if dice.chance(30) {
        let change =
            dice.pick(&["newTag: v2", "newName: other", "digest: sha256:ff", "tagSuffix: -x", "newTag: \"7\""]);
        let _ =
            writeln!(out, "images: [{{name: {}, {change}}}]", dice.pick(&["nginx", "redis", "host:5000/app", ".*"]));
    }
    generators(dice, &mut out);
    patches(dice, files, folder, &mut out);
    if dice.chance(6) {
        let _ = writeln!(
            out,
            "replacements:\n- source: {{kind: {}, fieldPath: {}}}\n  targets:\n  - select: {{kind: {}}}\n    fieldPaths: [{}]\n    options: {{create: {}}}",
            dice.pick(&["Service", "Widget", "ServiceAccount", "ConfigMap"]),
            dice.pick(&["metadata.name", "metadata.name", "spec", "spec.ports.0.port", "spec.list"]),
            dice.pick(&["Deployment", "ConfigMap", "Pod|Job", "Widget"]),
            dice.pick(&["metadata.labels.app", "data.k1", "spec.template.spec.containers.*.image", "spec.made.up"]),
            dice.chance(60)
        );
    }
    out
}

fn generators(dice: &mut Dice, out: &mut String) {
    if dice.chance(30) {
        let name = dice.pick(&NAMES);
        let behavior = dice.pick(&["create", "create", "create", "create", "", "", "", "merge", "replace"]);
        let _ = writeln!(
            out,
            "configMapGenerator:\n- name: {name}\n  behavior: {}\n  literals: [k1=v{}, \"k3=x y\"]\n  options: {{disableNameSuffixHash: {}}}",
            if behavior.is_empty() { "null" } else { behavior },
            dice.below(3),
            dice.chance(30)
        );
    }
    if dice.chance(20) {
        let _ = writeln!(
            out,
            "secretGenerator:\n- name: {}\n  literals: [p={}]\n",
            dice.pick(&NAMES),
            "s".repeat(dice.below(80))
        );
    }
}

fn patches(dice: &mut Dice, files: &mut Vec<(String, String)>, folder: &str, out: &mut String) {
    let mut entries = String::new();
    for number in 0..dice.below(3) {
        if dice.chance(50) {
            let kind = dice.pick(&KINDS);
            let path = format!("patch{number}.yaml");
            let text = object(dice, kind);
            let text = if dice.chance(15) {
                format!("$patch: {}\n{text}", dice.pick(&["delete", "replace", "merge"]))
            } else {
                text
            };
            files.push((format!("{folder}/{path}"), text));
            let _ = writeln!(entries, "- path: {path}");
            if dice.chance(88) {
                let kind = kind.split_once(' ').expect("api and kind").1;
                let _ = writeln!(entries, "  target: {{kind: {kind}}}");
            }
        } else {
            let op = dice.pick(&[
                "{op: add, path: /metadata/annotations/x, value: y}",
                "{op: replace, path: /metadata/labels, value: {l: \"1\"}}",
                "{op: add, path: /spec/extra, value: [1, 2.50, yes]}",
                "{op: remove, path: /metadata/labels}",
                "{op: add, path: /spec/template/spec/containers/-, value: {name: new, image: nginx}}",
                "{op: test, path: /kind, value: Pod}",
            ]);
            let target =
                dice.pick(&["kind: Deployment", "kind: Pod", "name: web", "kind: \"S.*\"", "labelSelector: app=web"]);
            let _ = writeln!(entries, "- patch: |-\n    - {op}\n  target: {{{target}}}");
        }
    }
    if !entries.is_empty() {
        let _ = write!(out, "patches:\n{entries}");
    }
}
