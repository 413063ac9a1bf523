//! Registries of the tests' own on loopback: well-behaved ones in every manner of asking, and hostile ones.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lucid_images::{Error, Keychain, Reference, Registries, Resolved, Trust};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    headers: BTreeMap<String, String>,
}

impl Asked {
    fn authorization(&self) -> &str {
        self.headers.get("authorization").map_or("", String::as_str)
    }
}

/// Status, headers and body; `endless` goes on with the body until the client has had enough.
#[derive(Debug, Clone, Default)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    endless: bool,
}

impl Answer {
    fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A registry, by what it answers.
struct Server {
    at: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let at = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, seen) = (answer.clone(), seen.clone());
                std::thread::spawn(move || {
                    // Someone who speaks TLS is hung up on.
                    if let Some(asked) = read(&stream) {
                        seen.lock().expect("a list").push(asked.clone());
                        let _ = write(stream, answer(&asked));
                    }
                });
            }
        });
        Self { at, asked }
    }

    fn image(&self, rest: &str) -> Reference {
        Reference::parse(&format!("{}/{rest}", self.at)).expect("a reference")
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a list").clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let fields = lines.take_while(|line| !line.is_empty());
    let headers = fields.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    Some(Asked { path, headers: headers.collect() })
}

fn write(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status)?;
    if !answer.endless {
        write!(stream, "Content-Length: {}\r\n", answer.body.len())?;
    }
    for (name, value) in &answer.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body)?;
    match answer.endless {
        true => loop {
            stream.write_all(&[b'x'; 64 * 1024])?;
        },
        false => Ok(()),
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn config() -> Vec<u8> {
    json!({"os": "linux", "architecture": "arm64", "created": "2026-01-02T03:04:05Z"}).to_string().into_bytes()
}

fn image() -> Vec<u8> {
    let config = config();
    json!({"config": {"digest": digest(&config), "size": config.len()}, "layers": [{"digest": "sha256:l", "size": 100}]})
        .to_string()
        .into_bytes()
}

/// What a registry with one image `a` answers.
fn good(asked: &Asked) -> Answer {
    match asked.path.as_str() {
        path if path.starts_with("/v2/a/manifests/") => Answer::of(200, image()),
        path if path == format!("/v2/a/blobs/{}", digest(&config())) => Answer::of(200, config()),
        _ => Answer::of(404, "{}"),
    }
}

fn keychain(server: &Server) -> Keychain {
    let mut keychain = Keychain::default();
    let config = json!({"auths": {server.at.clone(): {"auth": STANDARD.encode("me:hunter22")}}});
    keychain.add(config.to_string().as_bytes(), "a test").expect("a configuration");
    keychain
}

async fn ask(keychain: Keychain, image: Reference) -> Result<Resolved, Error> {
    Registries::new(keychain, &Trust::default()).resolve(&image).await
}

#[tokio::test]
async fn an_image_is_there_with_digest_platform_and_size() {
    let server = Server::new(good);
    let found = ask(Keychain::default(), server.image("a:1")).await.expect("it is there");
    assert_eq!(found.digest, digest(&image()));
    assert_eq!(found.platforms[0].to_string(), "linux/arm64");
    assert_eq!(found.size, Some(100 + config().len() as u64));
    let missing = ask(Keychain::default(), server.image("b:1")).await;
    assert!(matches!(missing, Err(Error::Missing { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_password_is_given_when_it_is_asked_for_and_not_before() {
    let server = Server::new(|asked| match asked.authorization() {
        "Basic bWU6aHVudGVyMjI=" => good(asked),
        _ => Answer::of(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
    });
    let refused = ask(Keychain::default(), server.image("a:1")).await.expect_err("it wants a password");
    assert!(refused.to_string().contains("there are none for this host"), "{refused}");
    assert!(ask(keychain(&server), server.image("a:1")).await.is_ok());
    let first = server.asked().iter().position(|asked| !asked.authorization().is_empty()).expect("it was given");
    assert!(first >= 2, "both began without");
}

#[tokio::test]
async fn a_token_is_fetched_for_the_scope_that_was_named() {
    let server = Server::new(|asked| match (asked.path.as_str(), asked.authorization()) {
        ("/token?service=tests&scope=x", _) => panic!("the scope was not kept"),
        (path, "Basic bWU6aHVudGVyMjI=") if path.starts_with("/token?scope=repository%3Aa%3Apull&service=tests") => {
            Answer::of(200, r#"{"token":"t0ken"}"#)
        }
        (_, "Bearer t0ken") => good(asked),
        _ => {
            let at = &asked.headers["host"];
            let header = format!(r#"Bearer realm="http://{at}/token",service="tests",scope="repository:a:pull""#);
            Answer::of(401, "").with("WWW-Authenticate", &header)
        }
    });
    let registries = Registries::new(keychain(&server), &Trust::default());
    assert!(registries.resolve(&server.image("a:1")).await.is_ok());
    let tokens = || server.asked().iter().filter(|asked| asked.path.starts_with("/token")).count();
    assert_eq!(tokens(), 1);
    assert!(registries.resolve(&server.image("a:2")).await.is_ok());
    assert_eq!(tokens(), 1, "the token is for the name, and is kept");
}

#[tokio::test]
async fn credentials_stay_with_the_host_that_they_are_for() {
    let other = Server::new(good);
    let to = other.at.clone();
    let server = Server::new(move |asked| match asked.authorization() {
        "" => Answer::of(401, "").with("WWW-Authenticate", "Basic"),
        _ => Answer::of(307, "").with("Location", &format!("http://{to}{}", asked.path)),
    });
    assert!(ask(keychain(&server), server.image("a:1")).await.is_ok(), "the redirect is followed");
    assert!(server.asked().iter().any(|asked| !asked.authorization().is_empty()));
    let leaked: Vec<Asked> = other.asked().into_iter().filter(|asked| !asked.authorization().is_empty()).collect();
    assert!(!other.asked().is_empty() && leaked.is_empty(), "{leaked:?}");
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::new(|asked| Answer::of(302, "").with("Location", &asked.path));
    let error = ask(Keychain::default(), server.image("a:1")).await.expect_err("it turns in circles");
    assert!(error.to_string().contains("redirects without end"), "{error}");
    let server = Server::new(|_| Answer::of(302, "").with("Location", "http://192.0.2.1/x"));
    let error = ask(Keychain::default(), server.image("a:1")).await.expect_err("it leads away");
    assert!(error.to_string().contains("plain text"), "{error}");
}

#[tokio::test]
async fn content_is_what_its_digest_says() {
    let server = Server::new(good);
    let other = format!("a@sha256:{}", "0".repeat(64));
    let error = ask(Keychain::default(), server.image(&other)).await.expect_err("another content");
    assert!(error.to_string().contains("other content"), "{error}");
    let lying = Server::new(|asked| good(asked).with("Docker-Content-Digest", &format!("sha256:{}", "1".repeat(64))));
    let error = ask(Keychain::default(), lying.image("a:1")).await.expect_err("another digest");
    assert!(matches!(error, Error::Wrong { .. }) && !error.is_unknown(), "{error}");
}

#[tokio::test]
async fn bodies_are_bounded() {
    let endless = Server::new(|_| Answer { endless: true, ..Answer::of(200, "{") });
    let error = ask(Keychain::default(), endless.image("a:1")).await.expect_err("it never ends");
    assert!(error.to_string().contains("more than 4194304 bytes"), "{error}");
    let huge = Server::new(|_| Answer::of(200, vec![b' '; 5 << 20]));
    let error = ask(Keychain::default(), huge.image("a:1")).await.expect_err("it is too large");
    assert!(error.to_string().contains("more than 4194304 bytes"), "{error}");
}

#[tokio::test]
async fn patience_is_bounded_too() {
    let once = Mutex::new(false);
    let server = Server::new(move |asked| match asked.path.contains("/manifests/") {
        true if !std::mem::replace(&mut *once.lock().expect("a flag"), true) => {
            Answer::of(429, "").with("Retry-After", "0")
        }
        _ => good(asked),
    });
    assert!(ask(Keychain::default(), server.image("a:1")).await.is_ok(), "it was asked again");
    let strict = Server::new(|_| Answer::of(429, "").with("Retry-After", "3600"));
    let error = ask(Keychain::default(), strict.image("a:1")).await.expect_err("not now");
    assert!(matches!(error, Error::RateLimited { .. }) && error.is_unknown(), "{error}");
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_unknown_and_the_rest_is_known() {
    let quick = Server::new(good);
    let slow = Server::new(|asked| {
        std::thread::sleep(Duration::from_secs(30));
        good(asked)
    });
    let (there, late) = (quick.image("a:1"), slow.image("a:1"));
    let registries = Registries::new(Keychain::default(), &Trust::default());
    let all = registries.resolve_all([there.clone(), late.clone(), there.clone()], Duration::from_secs(3)).await;
    assert_eq!(all.len(), 2);
    assert!(all[&there].is_ok(), "{:?}", all[&there]);
    assert_eq!(all[&late], Err(Error::TimedOut));
}

#[tokio::test]
async fn nobody_there_is_unknown() {
    let port = TcpListener::bind("127.0.0.1:0").expect("bind").local_addr().expect("an address");
    let image = Reference::parse(&format!("{port}/a:1")).expect("a reference");
    let error = ask(Keychain::default(), image).await.expect_err("nobody listens");
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_unknown(), "{error}");
}

#[tokio::test]
async fn an_index_has_the_platforms_of_its_parts() {
    let entry = |os: &str| json!({"digest": digest(&image()), "platform": {"os": os, "architecture": "arm64"}});
    let index = json!({"manifests": [entry("linux"), entry("unknown")]}).to_string();
    let by_digest = format!("/v2/a/manifests/{}", digest(index.as_bytes()));
    let server = Server::new(move |asked| match asked.path.as_str() {
        path if path == "/v2/a/manifests/1" || path == by_digest => Answer::of(200, index.clone()),
        _ => good(asked),
    });
    let registries = Registries::new(Keychain::default(), &Trust::default());
    let found = registries.describe(&server.image("a:1")).await.expect("it is there");
    assert_eq!(found.platforms.len(), 1, "an attestation is no platform");
    assert_eq!(found.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert!(found.size.is_some() && found.digest != digest(&image()));
}

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The manifest that holds a bundle.
fn holder(bundle: &[u8]) -> Vec<u8> {
    json!({"artifactType": BUNDLE, "layers": [{"mediaType": BUNDLE, "digest": digest(bundle)}]})
        .to_string()
        .into_bytes()
}

async fn bundles(server: &Server) -> Result<Vec<String>, Error> {
    let registries = Registries::new(Keychain::default(), &Trust::default());
    let bundles = registries.bundles(&server.image("a:1"), &digest(&image())).await?;
    let found = bundles.found.iter().map(AsRef::as_ref).chain(bundles.unread.iter().map(String::as_bytes));
    Ok(found.collect::<Vec<&[u8]>>().into_iter().map(|bundle| String::from_utf8_lossy(bundle).into_owned()).collect())
}

#[tokio::test]
async fn bundles_are_found_by_the_list_of_referrers_and_by_the_tag_that_stands_in_for_it() {
    let bundle = b"{\"a\":1}";
    let list = json!({"manifests": [
        {"digest": digest(&holder(bundle)), "artifactType": BUNDLE},
        {"digest": digest(b"an SBOM"), "artifactType": "application/spdx+json"},
        // Its own manifest says what it is.
        {"digest": digest(&holder(b"{}"))},
    ]})
    .to_string();
    for place in [
        format!("/v2/a/referrers/{}", digest(&image())),
        format!("/v2/a/manifests/{}", digest(&image()).replace(':', "-")),
    ] {
        let list = list.clone();
        let server = Server::new(move |asked| {
            let parts: [&[u8]; 2] = [bundle, b"{}"];
            let held = parts.iter().find_map(|bundle| match asked.path.rsplit('/').next() {
                Some(last) if last == digest(&holder(bundle)) => Some(holder(bundle)),
                Some(last) if last == digest(bundle) => Some(bundle.to_vec()),
                _ => None,
            });
            match held {
                _ if asked.path == place => Answer::of(200, list.clone()),
                Some(bytes) => Answer::of(200, bytes),
                None => Answer::of(404, ""),
            }
        });
        assert_eq!(bundles(&server).await.expect("bundles"), ["{\"a\":1}", "{}"]);
    }
    let none = Server::new(|_| Answer::of(404, ""));
    assert_eq!(bundles(&none).await, Ok(Vec::new()));
}

#[tokio::test]
async fn what_a_registry_says_of_referrers_is_bounded_and_held_to_its_digests() {
    // Each is two requests more.
    let many: Vec<_> = (0..500).map(|_| json!({"digest": digest(&holder(b"x")), "artifactType": BUNDLE})).collect();
    let many = json!({"manifests": many}).to_string();
    let server = Server::new(move |asked| match asked.path.as_str() {
        path if path.contains("/referrers/") => Answer::of(200, many.clone()),
        path if path.contains("/manifests/") => Answer::of(200, holder(b"x")),
        _ => Answer::of(200, "x"),
    });
    assert_eq!(bundles(&server).await.expect("bundles").len(), 64);
    assert!(server.asked().len() < 140, "{}", server.asked().len());
    // What cannot be read hides nothing, wherever it stands.
    let one = json!({"manifests": [
        {"digest": digest(&holder(b"x")), "artifactType": BUNDLE}, {"digest": digest(&holder(b"good")), "artifactType": BUNDLE},
    ]})
    .to_string();
    let lying = Server::new(move |asked| match asked.path.as_str() {
        path if path.contains("/referrers/") => Answer::of(200, one.clone()),
        path if path.ends_with(&digest(&holder(b"good"))) => Answer::of(200, holder(b"good")),
        path if path.contains("/manifests/") => Answer::of(200, holder(b"x")),
        path if path.ends_with(&digest(b"good")) => Answer::of(200, "good"),
        _ => Answer { endless: true, ..Answer::of(200, "y") },
    });
    let said = bundles(&lying).await.expect("the good one");
    assert!(said[0] == "good" && said[1].contains("more than 4194304 bytes"), "{said:?}");
    let garbage = Server::new(|_| Answer::of(200, "<html>"));
    assert!(matches!(bundles(&garbage).await, Err(Error::Wrong { .. })));
    let endless = Server::new(|_| Answer { endless: true, ..Answer::of(200, "{") });
    assert!(matches!(bundles(&endless).await, Err(Error::Wrong { .. })));
    let refuses = Server::new(|_| Answer::of(403, ""));
    assert!(matches!(bundles(&refuses).await, Err(Error::Refused { .. })));
}
