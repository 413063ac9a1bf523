//! `lucid render`: options, remote bases, Helm charts, and what is refused.

use super::bench::{Bench, Ran, refused};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

/// The same bytes as the real program, where it is at hand.
#[track_caller]
fn same(bench: &Bench, arguments: &[&str], ours: &Ran) {
    let Some(real) = bench.kustomize(arguments) else { return };
    assert_eq!((ours.code == 0, &ours.out), (real.code == 0, &real.out), "{}{}", ours.err, real.err);
}

#[test]
fn every_mistake_in_one_go_with_its_place() {
    let bench = Bench::new(&[
        (
            "k/kustomization.yaml",
            "resources: [a.yml, b.yaml]\nnamePrefx: x\nimages: [{name: n, newTag: 1.1}]\nreplicas: [{name: wb, count: 2}]\n",
        ),
        ("k/a.yaml", CONFIG),
        ("k/b.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n---\nkind: X\n"),
    ]);
    let ran = bench.lucid(&["render", "k"]);
    let places = [
        "a.yml does not exist\n  --> k/kustomization.yaml:1:13\n  help: did you mean `a.yaml`?",
        "a kustomization has no field \"namePrefx\"\n  --> k/kustomization.yaml:2:1\n  help: did you mean `namePrefix`?",
        "newTag must be a string, not the number 1.1\n  --> k/kustomization.yaml:3:28\n  help: put the value in quotes",
        "X without metadata.name\n  --> k/b.yaml:6:1",
        "errors in the manifests; nothing was sent",
    ];
    refused(&ran, &places);
    assert!(!ran.err.contains("accumulat"), "no Go talk: {}", ran.err);
}

#[test]
fn output_to_a_file_and_to_a_folder() {
    let bench = Bench::new(&[
        ("k/kustomization.yaml", "resources: [x.yaml]\n"),
        (
            "k/x.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A, namespace: One}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n",
        ),
        ("ours/.keep", ""),
        ("theirs/.keep", ""),
    ]);
    assert_eq!(bench.lucid(&["render", "k", "-o", "one.yaml"]).out, "");
    assert_eq!(bench.read("one.yaml"), bench.lucid(&["render", "k"]).out);
    assert_eq!(bench.lucid(&["render", "k", "-o", "ours"]).code, 0);
    let names = ["one_v1_configmap_a.yaml", "default_apps_v1_deployment_d.yaml", "v1_namespace_ns.yaml"];
    if bench.kustomize(&["k", "-o", "theirs"]).is_some() {
        for name in names {
            assert_eq!(bench.read(&format!("ours/{name}")), bench.read(&format!("theirs/{name}")), "{name}");
        }
    }
    assert_eq!(bench.read(&format!("ours/{}", names[2])), "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n");
    refused(&bench.lucid(&["render", "k", "-o", "nowhere/x.yaml"]), &["write nowhere/x.yaml"]);
}

#[test]
fn origins_stand_beside_the_lines() {
    let bench = Bench::new(&[("k/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\n"), ("k/a.yaml", CONFIG)]);
    let ran = bench.lucid(&["render", "k", "--origins"]);
    assert!(ran.out.contains("k/kustomization.yaml:2 |   name: p-a\n"), "{}", ran.out);
    assert!(ran.out.contains("k/a.yaml:2             | kind: ConfigMap\n"), "{}", ran.out);
}

#[test]
fn order_and_the_label_of_the_manager() {
    let bench = Bench::new(&[
        ("k/kustomization.yaml", "resources: [x.yaml]\n"),
        ("k/x.yaml", &format!("{CONFIG}---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: n\n")),
    ]);
    for arguments in [&["k"][..], &["k", "--reorder", "none"], &["k", "--enable-managedby-label"]] {
        let ours = bench.lucid(&[&["render"], arguments].concat());
        assert_eq!(ours.code, 0, "{}", ours.err);
        same(&bench, arguments, &ours);
    }
}

#[test]
fn files_outside_of_the_folder() {
    let bench = Bench::new(&[("k/kustomization.yaml", "resources: [../a.yaml]\n"), ("a.yaml", CONFIG)]);
    refused(
        &bench.lucid(&["render", "k"]),
        &["error[L8010]", "leads to a.yaml, which is not in or below k", "--load-restrictor"],
    );
    let arguments = ["k", "--load-restrictor", "LoadRestrictionsNone"];
    let ours = bench.lucid(&[&["render"][..], &arguments].concat());
    assert_eq!((ours.code, ours.out.as_str()), (0, CONFIG));
    same(&bench, &arguments, &ours);
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_outside() {
    let bench = Bench::new(&[("k/kustomization.yaml", "resources: [link.yaml]\n"), ("secret.yaml", CONFIG)]);
    std::os::unix::fs::symlink(bench.path("secret.yaml"), bench.path("k/link.yaml")).expect("a link");
    refused(&bench.lucid(&["render", "k"]), &["error[L8010]", "link.yaml leads to secret.yaml"]);
}

/// A repository with two commits, the first one tagged.
fn repository(bench: &Bench) -> String {
    bench.write("repo/sub/kustomization.yaml", "resources: [a.yaml, ../other]\n");
    bench.write("repo/sub/a.yaml", CONFIG);
    bench.write("repo/other/kustomization.yaml", "resources: [b.yaml]\n");
    bench.write("repo/other/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n");
    bench.write("repo/escape/kustomization.yaml", "resources: [../../outside]\n");
    bench.write("outside/kustomization.yaml", "resources: [a.yaml]\n");
    bench.write("outside/a.yaml", CONFIG);
    bench.git("repo", &["init", "--quiet"]);
    bench.git("repo", &["add", "."]);
    bench.git("repo", &["commit", "--quiet", "-m", "one"]);
    bench.git("repo", &["tag", "v1"]);
    bench.write("repo/sub/a.yaml", &CONFIG.replace("name: a", "name: later"));
    bench.git("repo", &["commit", "--quiet", "-a", "-m", "two"]);
    format!("file://{}", bench.path("repo").display())
}

#[test]
fn remote_bases_are_refused_and_then_loaded_with_git() {
    let bench = Bench::new(&[]);
    let address = repository(&bench);
    bench.write(
        "k/kustomization.yaml",
        &format!("namePrefix: p-\nresources: ['{address}//sub?ref=v1']\nbuildMetadata: [originAnnotations]\n"),
    );
    refused(
        &bench.lucid(&["render", "k"]),
        &["error[L8009]", "is remote", "k/kustomization.yaml:2:13", "`--allow-remote` allows it"],
    );
    let ours = bench.lucid(&["render", "k", "--allow-remote"]);
    assert_eq!(ours.code, 0, "{}", ours.err);
    assert!(ours.out.contains("name: p-a\n") && ours.out.contains("name: p-b\n"), "{}", ours.out);
    assert!(ours.out.contains("ref: v1"), "{}", ours.out);
    same(&bench, &["k"], &ours);
    let newest = bench.lucid(&["render", "--allow-remote", &format!("{address}//sub")]);
    assert!(newest.out.contains("name: later"), "{}{}", newest.out, newest.err);
    let origins = bench.lucid(&["render", "k", "--allow-remote", "--origins"]);
    assert!(
        origins.out.contains(&format!("{address}//sub/a.yaml:2")),
        "the address, not a scratch folder: {}",
        origins.out
    );
}

#[test]
fn what_comes_from_a_repository_stays_in_it() {
    let bench = Bench::new(&[]);
    let address = repository(&bench);
    bench.write("k/kustomization.yaml", &format!("resources: ['{address}//escape?ref=v1']\n"));
    let none = ["--load-restrictor", "LoadRestrictionsNone"];
    let ran = bench.lucid(&[&["render", "k", "--allow-remote"][..], &none].concat());
    assert_eq!(ran.code, 2, "{}", ran.err);
    bench.write("k/kustomization.yaml", &format!("resources: ['{address}//sub?ref=nothing']\n"));
    refused(&bench.lucid(&["render", "k", "--allow-remote"]), &["cannot load", "git says"]);
}

#[cfg(unix)]
#[test]
fn charts_are_refused_and_then_inflated_by_helm() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(&[
        (
            "k/kustomization.yaml",
            "namespace: prod\nhelmCharts:\n- name: web\n  releaseName: r\n  includeCRDs: true\n  valuesInline: {a: {b: 2}, list: [x]}\n  additionalValuesFiles: [more.yaml]\n  apiVersions: [x/v1]\n",
        ),
        ("k/more.yaml", "more: 1\n"),
        ("k/charts/web/values.yaml", "a: {b: 1, c: 3}\nlist: [p, q]\n"),
        // Says its arguments and values as an object.
        (
            "helm",
            "#!/bin/sh\ncase \"$1\" in version) echo v3.19.0+g1; exit;; esac\necho 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: web}'; echo 'data:'\nfor a in \"$@\"; do i=$((i+1)); case \"$a\" in */values.yaml|*-values.yaml) echo \"  v$i: |\"; sed 's/^/    /' \"$a\";; /*) echo \"  a$i: $(basename \"$a\")\";; *) echo \"  a$i: '$a'\";; esac; done\n",
        ),
    ]);
    let helm = bench.path("helm");
    std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o755)).expect("executable");
    refused(
        &bench.lucid(&["render", "k"]),
        &[
            "error[L8009]",
            "helmCharts: Helm charts are not inflated: web",
            "k/kustomization.yaml:3:3",
            "`--enable-helm`",
            "helm template",
        ],
    );
    let helm = helm.display().to_string();
    let arguments = ["k", "--enable-helm", "--helm-command", &helm, "--helm-kube-version", "1.37"];
    let ours = bench.lucid(&[&["render"][..], &arguments].concat());
    assert_eq!(ours.code, 0, "{}", ours.err);
    assert!(
        ours.out.contains("a2: r\n") && ours.out.contains("a5: prod\n") && ours.out.contains("b: 2\n"),
        "{}",
        ours.out
    );
    same(&bench, &arguments, &ours);
    let missing = bench.lucid(&["render", "k", "--enable-helm", "--helm-command", "no-such-helm"]);
    refused(&missing, &["no-such-helm cannot be run"]);
}

#[test]
fn functions_and_programs_are_refused_by_name() {
    let bench = Bench::new(&[
        ("k/kustomization.yaml", "transformers: [f.yaml]\n"),
        (
            "k/f.yaml",
            "apiVersion: example.com/v1\nkind: Robot\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: |\n      container: {image: x}\n",
        ),
    ]);
    let help = "use a built-in plugin";
    refused(
        &bench.lucid(&["render", "k"]),
        &["error[L8009]", "example.com/v1 Robot is not built in", "k/f.yaml:4:9", help],
    );
}
