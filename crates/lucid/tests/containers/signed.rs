//! Images that must be signed, in the real registry: by whom, from which source, and what is refused. And tags, which a
//! deploy resolves.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::get;
use crate::load::parts;
use crate::one::{NAME, OPEN, One};
use crate::ran::{Ran, lucid};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SOURCE: &str = "https://github.com/HamiGames/Lucid";

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Status and whole answer of one request to the registry.
fn send(method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(OPEN).expect("the registry");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {OPEN}\r\nConnection: close\r\nAccept: {kind}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("send");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (status, _) = parts(&text).expect("HTTP");
    (status, text)
}

fn blob(bytes: &[u8]) -> Value {
    let (_, started) = send("POST", &format!("/v2/{NAME}/blobs/uploads/"), "application/octet-stream", b"");
    let location = started.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a place");
    let path = location.trim().strip_prefix(&format!("http://{OPEN}")).expect("of this registry");
    let (status, _) = send("PUT", &format!("{path}&digest={}", digest(bytes)), "application/octet-stream", bytes);
    assert_eq!(status, 201);
    json!({"mediaType": BUNDLE, "digest": digest(bytes), "size": bytes.len()})
}

fn manifest(reference: &str, kind: &str, document: &Value) {
    let (status, said) =
        send("PUT", &format!("/v2/{NAME}/manifests/{reference}"), kind, document.to_string().as_bytes());
    assert_eq!(status, 201, "{said}");
}

/// A statement that the image was built from this source.
fn bundle(key: &KeyPair, image: &str, source: &str) -> Vec<u8> {
    let hex = image.strip_prefix("sha256:").expect("a digest");
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": NAME, "digest": {"sha256": hex}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"resolvedDependencies": [{"uri": format!("git+{source}@refs/heads/main")}]}},
    })
    .to_string();
    let kind = "application/vnd.in-toto+json";
    let encoded = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    let signature = STANDARD.encode(key.sign(encoded.as_bytes()).expect("a signature"));
    json!({
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": "tests"}},
        "dsseEnvelope": {"payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [{"sig": signature}]},
    })
    .to_string()
    .into_bytes()
}

/// Keeps these bundles beside the image, as whoever pushes to a registry without a list of referrers does.
fn keep(image: &str, bundles: &[Vec<u8>]) {
    let empty = blob(b"{}");
    let holders: Vec<Value> = bundles
        .iter()
        .map(|bytes| {
            let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty["digest"], "size": 2});
            let document = json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE, "config": config, "layers": [blob(bytes)],
            });
            let text = document.to_string();
            manifest(&digest(text.as_bytes()), MANIFEST, &document);
            json!({"mediaType": MANIFEST, "artifactType": BUNDLE, "digest": digest(text.as_bytes()), "size": text.len()})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": holders});
    manifest(&image.replace(':', "-"), INDEX, &index);
}

/// Lets the tag mean the image that another tag means.
fn move_tag(tag: &str, to: &str) {
    let (status, text) = send("GET", &format!("/v2/{NAME}/manifests/{to}"), INDEX, b"");
    assert_eq!(status, 200, "{text}");
    let (_, body) = parts(&text).expect("HTTP");
    let (status, said) = send("PUT", &format!("/v2/{NAME}/manifests/{tag}"), INDEX, body.as_bytes());
    assert_eq!(status, 201, "{said}");
}

impl One {
    /// The release now trusts images that this key has signed.
    fn trust(&self, key: &KeyPair) {
        fs::write(self.folder.join("team.pub"), key.public_key_pem()).expect("write");
        let path = self.folder.join("lucid.yaml");
        let text = fs::read_to_string(&path).expect("read");
        let rule = format!(
            "  images:\n    trust:\n    - images: \"{OPEN}/hamigames/*\"\n      signedBy: {{key: team.pub}}\n      \
             provenance: {{source: {SOURCE}}}\n"
        );
        fs::write(&path, format!("{text}{rule}")).expect("write");
    }

    fn ask(&self, args: &[&str]) -> Ran {
        lucid(&self.folder, args, &[])
    }
}

#[test]
fn an_image_that_must_be_signed_is_refused_until_somebody_has_signed_it() {
    // A version that no other test signs.
    let one = One::new(&format!("{OPEN}/{NAME}:2.0.0"));
    let ran = one.ask(&["images", "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.check(0, &[]).text).expect("JSON");
    let image = report["images"][0]["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(report["images"][0]["signedBy"], Value::Null, "nobody asked");

    let [ours, theirs] = [(); 2].map(|()| KeyPair::generate().expect("a key"));
    one.trust(&ours);
    one.ask(&["images"])
        .check(5, &["L3009", "no Sigstore bundle in the registry refers to sha256:", "deployment.yaml:"]);
    keep(&image, &[bundle(&theirs, &image, SOURCE)]);
    one.ask(&["images"]).check(5, &["L3009", "signed with another key"]);
    keep(&image, &[bundle(&theirs, &image, SOURCE), bundle(&ours, &image, "https://github.com/somebody/else")]);
    one.ask(&["images"]).check(5, &["L3009", "built from https://github.com/somebody/else"]);
    for command in ["plan", "deploy"] {
        one.ask(&[command]).check(5, &["L3009", "refused; nothing was changed"]);
    }
    keep(&image, &[bundle(&theirs, &image, SOURCE), bundle(&ours, &image, SOURCE)]);
    one.ask(&["images"]).check(0, &["signed by the key of the policy"]);
    one.ask(&["deploy"]).check(0, &[]);
    // Not to be able to ask is no permission, and not to want to is said.
    let elsewhere = one.manifest().replace(OPEN, "127.0.0.1:9");
    fs::write(one.folder.join("k8s/deployment.yaml"), &elsewhere).expect("write");
    let rules = fs::read_to_string(one.folder.join("lucid.yaml")).expect("read");
    fs::write(one.folder.join("lucid.yaml"), rules.replace(&format!("\"{OPEN}/"), "\"*/")).expect("write");
    one.ask(&["plan"]).check(5, &["L3009", "nobody knows whether image 127.0.0.1:9/"]);
    one.ask(&["plan", "--no-images"]).check(6, &["L3009", "nobody is asked who has signed the images"]);
    fs::remove_file(one.folder.join("team.pub")).expect("remove");
    one.ask(&["deploy"]).check(2, &["team.pub", "public key in PEM"]);
}

#[test]
fn a_tag_is_resolved_when_its_component_is_deployed_and_stays_until_the_tag_changes() {
    move_tag("moving", "1.0.0");
    let one = One::new(&format!("{OPEN}/{NAME}:moving"));
    let runs = || {
        let deployment = get(&one.namespace.0, &["deployment", "one"]);
        deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned()
    };
    one.ask(&["deploy"]).check(0, &[]);
    let first = runs();
    assert!(first.starts_with(&format!("{OPEN}/{NAME}:moving@sha256:")), "{first}");
    // The manifests still name the tag, and nothing has changed: wherever the tag has gone.
    move_tag("moving", "2.0.0");
    one.ask(&["plan"]).check(0, &[]);
    one.ask(&["deploy"]).check(0, &["nothing to change"]);
    let scaled = one.manifest().replace("  selector:", "  replicas: 2\n  selector:");
    fs::write(one.folder.join("k8s/deployment.yaml"), scaled).expect("write");
    one.ask(&["deploy"]).check(0, &[]);
    assert_eq!(runs(), first);
    // Another tag is another image; a plan is about the digest that was found.
    move_tag("next", "2.0.0");
    fs::write(one.folder.join("k8s/deployment.yaml"), one.manifest().replace(":moving", ":next")).expect("write");
    one.ask(&["plan", "--out", "plan.json"]).check(6, &[":next@sha256:"]);
    move_tag("next", "3.0.0");
    one.ask(&["deploy", "--plan", "plan.json"]).check(5, &["refused; nothing was changed"]);
    move_tag("next", "2.0.0");
    one.ask(&["deploy", "--plan", "plan.json"]).check(0, &[]);
    let second = runs();
    assert!(second.contains(":next@sha256:") && second.split('@').nth(1) != first.split('@').nth(1), "{second}");
    one.ask(&["rollback", "--yes"]).check(0, &[]);
    assert_eq!(runs(), first, "the very image that ran before");
}
