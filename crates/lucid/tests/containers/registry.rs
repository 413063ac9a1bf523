//! `lucid images` against real registries, and what a kubelet makes of images that were not looked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{apply, get, told, wait_for};
use crate::one::{NAME, OPEN, One};
use crate::ran::{Ran, lucid};

const USER: &str = "robot";
const PASSWORD: &str = "hunter22-of-the-test";
/// The password's bcrypt hash, which is all that `docker-registry` takes.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuurW0.8cUuYSw79cDraCLKXz01TRZOSSO";

/// The same images on another port, for those who know the password.
struct Registry {
    at: String,
    running: Child,
    folder: PathBuf,
}

impl Registry {
    fn start(port: u16, tls: bool) -> Self {
        let (dir, at) = (told("LUCID_TEST_DIR"), format!("127.0.0.1:{port}"));
        let folder = dir.join(format!("registry-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("htpasswd"), format!("{USER}:{HASH}\n")).expect("write");
        let file = |name: &str| dir.join(name).display().to_string();
        let mut http = json!({"addr": at});
        if tls {
            http["tls"] = json!({"certificate": file("pki/server.crt"), "key": file("pki/server.key")});
        }
        let config = json!({
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": file("registry")}},
            "auth": {"htpasswd": {"realm": "tests", "path": folder.join("htpasswd")}},
            "http": http,
        });
        fs::write(folder.join("config.yaml"), config.to_string()).expect("write");
        let mut command = Command::new(told("LUCID_TEST_TOOLS").join("debian/usr/bin/docker-registry"));
        command.arg("serve").arg(folder.join("config.yaml")).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { at: at.clone(), running: command.spawn().expect("start"), folder };
        wait_for("the registry", Duration::from_secs(20), || std::net::TcpStream::connect(&at).ok());
        registry
    }

    fn image(&self) -> String {
        format!("{}/{NAME}:1.0.0", self.at)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl One {
    fn images(&self, args: &[&str]) -> Ran {
        self.images_with(args, &[])
    }

    /// What came of it holds the password in no case.
    #[track_caller]
    fn images_with(&self, args: &[&str], settings: &[(&str, &str)]) -> Ran {
        let all: Vec<&str> = ["images"].iter().chain(args).copied().collect();
        let ran = lucid(&self.folder, &all, settings);
        assert!(!ran.text.contains(PASSWORD) && !ran.text.contains(&basic()), "{}", ran.text);
        ran
    }

    fn docker(&self, config: &Value) {
        let folder = self.folder.join("docker");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("config.json"), config.to_string()).expect("write");
    }
}

fn basic() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

#[test]
fn an_image_is_found_pinned_and_run_by_its_digest() {
    let one = One::new(&format!("{OPEN}/{NAME}:1.0.0"));
    let ran = one.images(&["--nodes", "--platform", "linux/arm64", "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.check(0, &[]).text).expect("JSON");
    let image = &report["images"][0];
    assert_eq!((&image["state"], &image["platforms"]), (&json!("found"), &json!(["linux/amd64", "linux/arm64"])));
    assert!(image["size"].as_u64().is_some_and(|size| size > 500_000), "{image}");
    let digest = image["digest"].as_str().expect("a digest");
    one.images(&["pin"]).check(0, &["1 pinned"]);
    assert!(one.manifest().contains(&format!("image: {OPEN}/{NAME}:1.0.0@{digest}\n")), "{}", one.manifest());
    one.images(&["pin"]).check(0, &["pinned already"]);
    one.deploy().check(0, &[]);
    let pods = get(&one.namespace.0, &["pods"]);
    let runs = pods["items"][0]["status"]["containerStatuses"][0]["imageID"].as_str().expect("an image");
    assert!(runs.ends_with(digest), "{runs}");
}

#[test]
fn a_missing_image_is_found_before_and_named_by_the_diagnosis() {
    let one = One::new(&format!("{OPEN}/{NAME}:9.9.9"));
    one.images(&[]).check(5, &["L3002", "lucid-standin:9.9.9 does not exist", "deployment.yaml:"]);
    one.images(&["pin"]).check(5, &["nothing was written"]);
    for command in ["deploy", "plan"] {
        lucid(&one.folder, &[command], &[]).check(5, &["L3002", "refused; nothing was changed"]);
    }
    one.deploy().check(1, &["L3002"]);
}

#[test]
fn a_registry_that_does_not_answer_holds_nobody_up_unless_that_is_wanted() {
    let one = One::new(&format!("127.0.0.1:9/{NAME}:1.0.0"));
    lucid(&one.folder, &["plan"], &[]).check(6, &["L3005", "nothing is known of image"]);
    lucid(&one.folder, &["plan", "--strict"], &[]).check(5, &["L3005"]);
    let none = lucid(&one.folder, &["plan", "--no-images"], &[]);
    assert!(!none.check(6, &[]).text.contains("L3005"), "{}", none.text);
}

#[test]
fn an_image_for_another_architecture_is_found_before_and_named_by_the_diagnosis() {
    let one = One::new(&format!("{OPEN}/{NAME}:1.0.0-arm64"));
    one.images(&[]).check(0, &["linux/arm64"]);
    one.images(&["--nodes"]).check(5, &["L3001", "does not exist for linux/amd64"]);
    lucid(&one.folder, &["deploy"], &[]).check(5, &["L3001", "does not exist for linux/amd64"]);
    one.deploy().check(1, &["L3001"]);
}

/// The Secret that the pods name, with a password.
fn pull_secret(one: &One, registry: &Registry, password: &str) {
    let auths = json!({"auths": {registry.at.clone(): {"username": USER, "password": password}}});
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": auths.to_string()},
    });
    apply(&one.namespace.0, &secret);
}

#[test]
fn an_image_behind_a_password_is_found_before_and_named_by_the_diagnosis() {
    let registry = Registry::start(5001, false);
    let one = One::with(&registry.image(), "imagePullSecrets: [{name: pull}]", "");
    one.images(&[]).check(5, &["L3003", "there are none for this host"]);
    one.docker(&json!({"auths": {registry.at.clone(): {"auth": basic()}}}));
    one.images(&[]).check(0, &["1 of 1 images found"]);
    one.docker(&json!({}));
    pull_secret(&one, &registry, "wrong");
    one.images(&["--nodes"]).check(5, &["L3003", "refuses the credentials"]);
    one.deploy().check(1, &["L3003"]);
    pull_secret(&one, &registry, PASSWORD);
    one.images(&["--nodes"]).check(0, &["1 of 1 images found"]);
    // Nothing has changed, so that nothing is looked for.
    lucid(&one.folder, &["plan"], &[]).check(0, &[]);
    // The pods' own secret opens it for the plan as well.
    let scaled = one.manifest().replace("  selector:", "  replicas: 2\n  selector:");
    fs::write(one.folder.join("k8s/deployment.yaml"), scaled).expect("write");
    let ran = lucid(&one.folder, &["plan", "--strict"], &[]);
    assert!(!ran.check(6, &[]).text.contains("L30"), "{}", ran.text);
}

#[test]
fn a_registry_with_a_certificate_of_its_own_is_asked_when_its_authority_is_named() {
    let registry = Registry::start(5443, true);
    let one = One::new(&registry.image());
    let authority = told("LUCID_TEST_DIR").join("pki/ca.crt").display().to_string();
    one.images(&[]).check(0, &["L3005", "the certificate is not trusted"]);
    one.images(&["--strict"]).check(7, &["L3005"]);
    one.images(&["--registry-ca", &authority]).check(5, &["L3003"]);
    let helper = one.folder.join("docker-credential-of-tests");
    let answer = json!({"Username": USER, "Secret": PASSWORD});
    fs::write(&helper, format!("#!/bin/sh\ncat > asked\necho '{answer}'\n")).expect("write");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("a program");
    one.docker(&json!({"credHelpers": {registry.at.clone(): "of-tests"}}));
    let path = format!("{}:{}", one.folder.display(), std::env::var("PATH").expect("PATH"));
    one.images_with(&["--registry-ca", &authority], &[("PATH", &path)]).check(0, &["1 of 1 images found"]);
    assert_eq!(fs::read_to_string(one.folder.join("asked")).expect("it was asked"), registry.at);
    one.images_with(&["--registry-ca", &authority], &[("PATH", &path), ("CI", "true")])
        .check(0, &["under CI only these are run"]);
}
