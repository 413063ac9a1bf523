//! `--images FILE`: what was built is what is rendered, and a file with a mistake changes nothing.

use super::bench::{Bench, refused};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: first, image: \"registry.example:5000/team/web:1.0\"}
      containers:
      - {name: main, image: \"registry.example:5000/team/web:1.0\"}
      - {name: proxy, image: \"registry.example/envoy:1.30.1\"}
";

fn digest() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

fn bench(images: &str) -> Bench {
    let top = "resources: [web.yaml]\nimages: [{name: registry.example/envoy, newTag: 1.31.0}]\n";
    Bench::new(&[("k/kustomization.yaml", top), ("k/web.yaml", WEB), ("images.txt", images), ("out/.keep", "")])
}

#[test]
fn what_was_built_is_what_is_rendered() {
    let bench = bench(&format!("# of this run\n\nweb={}\n", digest()));
    let before = bench.lucid(&["render", "k"]);
    let ran = bench.lucid(&["render", "k", "--images", "images.txt"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let pinned = format!("registry.example:5000/team/web@{}", digest());
    assert_eq!(ran.out, before.out.replace("registry.example:5000/team/web:1.0", &pinned));
    assert_eq!(ran.out.matches(&pinned).count(), 2, "{}", ran.out);
    assert!(ran.out.contains("registry.example/envoy:1.31.0"), "{}", ran.out);
    // A file an object, and which line of which file has set it.
    assert_eq!(bench.lucid(&["render", "k", "--images", "images.txt", "-o", "out"]).code, 0);
    assert_eq!(bench.read("out/apps_v1_deployment_web.yaml"), ran.out);
    let origins = bench.lucid(&["render", "k", "--images", "images.txt", "--origins"]).out;
    let line = origins.lines().find(|line| line.contains(&pinned)).expect("the image");
    assert!(line.starts_with("images.txt:3 "), "{origins}");
    // The manifests stay as they are.
    assert_eq!(bench.lucid(&["render", "k"]).out, before.out);
    assert_eq!(bench.read("k/web.yaml"), WEB);
}

#[test]
fn every_command_that_reads_manifests_takes_them() {
    let plain = Bench::new(&[("k/web.yaml", WEB), ("images.txt", "wbe=x\n")]);
    for command in ["validate", "images", "plan", "deploy", "rehearse", "status", "health", "rbac"] {
        let ran = plain.lucid(&[command, "k", "--images", "images.txt"]);
        refused(&ran, &["error[L8005]", "images.txt:1:1"]);
    }
    plain.write("images.txt", &format!("web={}\n", digest()));
    let ran = plain.lucid(&["validate", "k", "--images", "images.txt", "-o", "json"]);
    assert!(!ran.err.contains("images.txt"), "{}", ran.err);
}

#[test]
fn every_mistake_is_told_with_its_line_and_nothing_is_written() {
    let other = digest().replace("ab", "cd");
    let bench = bench(&format!("web={0}\nlatest\nweb={other}\nwbe={0}\n", digest()));
    let ran = bench.lucid(&["render", "k", "--images", "images.txt", "-o", "out"]);
    refused(
        &ran,
        &[
            "a line that names no image and its digest\n  --> images.txt:2:1",
            "web has another digest in line 1\n  --> images.txt:3:1",
            "no container runs an image whose name ends in wbe\n  --> images.txt:4:1\n  help: did you mean web?",
            "3 errors in the manifests; nothing was sent",
        ],
    );
    assert!(!bench.path("out/apps_v1_deployment_web.yaml").exists());
    refused(&bench.lucid(&["render", "k", "--images", "nowhere.txt"]), &["read nowhere.txt", "help: "]);
}
