//! `docs/guide/release.md`: its tables are made here and must stand in it word for word. `LUCID_UPDATE=1` rewrites them.

use std::fmt::Write as _;

use lucid_object::yaml;
use serde_json::Value;

use crate::manifests::{OVERLAYS, Release, root};
use crate::peers::EXCUSED;
use crate::table::{INGRESS, REPLICAS, WORKLOADS, Workload, called_ports};

fn words(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn workloads() -> String {
    let mut text = "| phase | workload | kind | ports | metrics | needs |\n|---|---|---|---|---|---|\n".to_owned();
    for row in &WORKLOADS {
        let needs = if row.needs.is_empty() { "–".to_owned() } else { row.needs.join(", ") };
        let (name, kind, ports) = (row.full_name(), row.kind, words(row.ports));
        let _ = writeln!(
            text,
            "| {} | `{name}` | {kind:?} ×{} | {ports} | {} | {needs} |",
            row.phase, row.replicas, row.metrics
        );
    }
    text
}

/// The table that `isolation.rs` holds the policies against, as people read it: one row a caller.
fn isolation() -> String {
    let mut text = "| from | to |\n|---|---|\n".to_owned();
    let mut line = |from: &str, to: &str| _ = writeln!(text, "| {from} | {to} |");
    for row in &WORKLOADS {
        let own = REPLICAS.iter().find(|(name, _)| *name == row.name);
        let replicas = own.map(|(_, ports)| format!("its replicas {}", words(ports)));
        let called = row.calls.iter().map(|callee| match called_ports_of(callee) {
            Some(ports) => format!("`lucid-{callee}` {}", words(ports)),
            None => (*callee).to_owned(),
        });
        line(&format!("`{}`", row.full_name()), &called.chain(replicas).collect::<Vec<_>>().join("; "));
    }
    let backends = INGRESS.map(|(name, port, _)| format!("`lucid-{name}` {port}"));
    line("the ingress controller (`app: envoy` in `projectcontour`)", &backends.join("; "));
    line("the namespace `monitoring`", "port `metrics` of every workload");
    line("every sidecar", "`lucid-service-mesh-controller` 8502");
    line("the Job `lucid-mongodb-init`", "`lucid-mongodb` 27017");
    line("every pod of both namespaces", "DNS (`k8s-app: kube-dns` in `kube-system`) 53");
    text
}

fn called_ports_of(callee: &str) -> Option<&'static [u16]> {
    let is_workload = WORKLOADS.iter().any(|row: &Workload| row.name == callee);
    is_workload.then(|| called_ports(callee))
}

fn sizes() -> String {
    let mut text = "| overlay | objects | pods | CPU | memory |\n|---|---|---|---|---|\n".to_owned();
    for name in OVERLAYS {
        let release = Release::overlay(name);
        let (mut pods, mut cpu, mut memory) = (0, 0, 0);
        for workload in release.workloads() {
            let (each_cpu, each_memory) = crate::manifests::requests(workload.pod_spec().expect("pods"));
            let count = release.replicas(workload);
            (pods, cpu, memory) =
                (pods + count, cpu + each_cpu * i128::from(count), memory + each_memory * i128::from(count));
        }
        let objects = release.objects().count();
        let _ = writeln!(text, "| `{name}` | {objects} | {pods} | {cpu}m | {memory}Mi |");
    }
    text
}

fn secrets() -> String {
    let file = std::fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml");
    let file = yaml::parse(&file, 0).expect("YAML")[0].to_json();
    let mut text = "| Secret | namespace | keys | `lucid secrets init` |\n|---|---|---|---|\n".to_owned();
    for secret in file["spec"]["secrets"].as_array().expect("secrets") {
        let name = secret["name"].as_str().expect("a name");
        let namespace = secret["namespace"].as_str().unwrap_or("lucid-system");
        let keys = secret["keys"].as_object().expect("keys");
        let names = keys.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let how = if keys.values().any(|how| how.get("required") == Some(&Value::Bool(true))) {
            "never: it must come from you"
        } else {
            "makes it"
        };
        let _ = writeln!(text, "| `{name}` | `{namespace}` | {names} | {how} |");
    }
    text
}

fn excuses() -> String {
    let mut text = "| check | of | why it stays |\n|---|---|---|\n".to_owned();
    for (check, name, why) in EXCUSED {
        let of = if name.is_empty() { "everything".to_owned() } else { format!("`{name}`") };
        let _ = writeln!(text, "| `{check}` | {of} | {why} |");
    }
    text
}

#[test]
fn its_tables_are_those_of_the_release() {
    let path = root().join("docs/guide/release.md");
    let there = std::fs::read_to_string(&path).expect("docs/guide/release.md");
    let sections = [
        ("workloads", workloads()),
        ("sizes", sizes()),
        ("secrets", secrets()),
        ("isolation", isolation()),
        ("kube-score", excuses()),
    ];
    let mut wanted = there.clone();
    for (name, table) in sections {
        let (begin, end) = (format!("<!-- {name}: made by a test -->\n"), format!("<!-- end of {name} -->"));
        let from = wanted.find(&begin).unwrap_or_else(|| panic!("no section {name}")) + begin.len();
        let to = wanted[from..].find(&end).unwrap_or_else(|| panic!("no end of {name}")) + from;
        wanted.replace_range(from..to, &table);
    }
    if std::env::var_os("LUCID_UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("write docs/guide/release.md");
    } else {
        let line = wanted.lines().zip(there.lines()).find(|(a, b)| a != b);
        assert_eq!(line, None, "the release says (left) what the guide does not (right); LUCID_UPDATE=1 rewrites it");
        assert!(wanted == there, "the guide has rows too many or too few; LUCID_UPDATE=1 rewrites it");
    }
}

#[test]
fn it_names_every_overlay_and_component() {
    let guide = std::fs::read_to_string(root().join("docs/guide/release.md")).expect("docs/guide/release.md");
    for list in ["overlays", "components"] {
        let folder = root().join("infrastructure/kubernetes").join(list);
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            assert!(guide.contains(&format!("| `{name}` |")), "{list}/{name} has no row");
        }
    }
}
