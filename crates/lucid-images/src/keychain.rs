//! The credentials of each host: from Docker's configuration and its helpers, and from pull secrets of the cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// Never shown: it has no `Debug` that tells.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    Password {
        user: String,
        password: String,
    },
    /// Exchanged for an access token at the registry's token service.
    Identity(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    pub fn password(user: &str, password: &str) -> Self {
        match user {
            // How helpers mark what is an identity token.
            "<token>" => Self::Identity(password.to_owned()),
            _ => Self::Password { user: user.to_owned(), password: password.to_owned() },
        }
    }
}

/// Where credentials come from. Under CI only helpers that are known by name are run: a checked-out configuration must
/// not choose a program.
#[derive(Debug, Clone, Default)]
pub struct Keychain {
    hosts: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    known_helpers_only: bool,
}

const KNOWN: [&str; 10] = [
    "acr-env",
    "acr-login",
    "desktop",
    "ecr-login",
    "gcloud",
    "gcr",
    "osxkeychain",
    "pass",
    "secretservice",
    "wincred",
];

const PATIENCE: Duration = Duration::from_secs(4);
const LONGEST: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Keychain {
    /// Run only helpers that are known by name.
    #[must_use]
    pub fn with_known_helpers_only(mut self, only: bool) -> Self {
        self.known_helpers_only = only;
        self
    }

    /// Adds what Docker's configuration knows. That there is none is no error.
    ///
    /// # Errors
    /// It cannot be read; the message holds nothing of its content.
    pub fn add_docker(&mut self, file: &Path) -> Result<()> {
        match std::fs::read(file) {
            Ok(bytes) => self.add(&bytes, &file.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::File { file: file.display().to_string(), cause: error.to_string() }),
        }
    }

    /// Adds the content of a `.dockerconfigjson`; `source` names it in errors. What was added first stays.
    ///
    /// # Errors
    /// It is no such document.
    pub fn add(&mut self, config: &[u8], source: &str) -> Result<()> {
        let read: Option<DockerConfig> = serde_json::from_slice(config).ok();
        let cause = || "it is no Docker configuration".to_owned();
        let read = read.ok_or_else(|| Error::File { file: source.to_owned(), cause: cause() })?;
        for (key, auth) in read.auths {
            if let Some(credentials) = auth.credentials() {
                self.hosts.entry(host_of(&key)).or_insert(credentials);
            }
        }
        for (key, helper) in read.cred_helpers {
            self.helpers.entry(host_of(&key)).or_insert(helper);
        }
        self.store = self.store.take().or(read.creds_store);
        Ok(())
    }

    /// The credentials for a host as images name it; none when it is to be asked as nobody.
    ///
    /// # Errors
    /// A helper that was named for the host fails. The store's having nothing for it is no failure.
    pub async fn of(&self, host: &str) -> Result<Option<Credentials>> {
        if let Some(helper) = self.helpers.get(host) {
            return self.helped(helper, host).await;
        }
        if let Some(credentials) = self.hosts.get(host) {
            return Ok(Some(credentials.clone()));
        }
        match &self.store {
            Some(helper) => self.helped(helper, host).await,
            None => Ok(None),
        }
    }

    async fn helped(&self, helper: &str, host: &str) -> Result<Option<Credentials>> {
        let failed = |cause: String| Error::Helper { helper: helper.to_owned(), cause };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if helper.is_empty() || !helper.bytes().all(fits) {
            return Err(failed("its name is no program's".to_owned()));
        }
        if self.known_helpers_only && !KNOWN.contains(&helper) {
            return Err(failed(format!("under CI only these are run: {}", KNOWN.join(", "))));
        }
        // Docker Hub is stored under the name that it had first.
        let server = if host == "docker.io" { "https://index.docker.io/v1/" } else { host };
        match timeout(PATIENCE, run(helper, server)).await {
            Err(_) => Err(failed("it does not end".to_owned())),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(output))) => {
                let helped: Option<Helped> = serde_json::from_slice(&output).ok();
                let helped = helped.ok_or_else(|| failed("its answer is not what helpers say".to_owned()))?;
                Ok(Some(Credentials::password(&helped.username, &helped.secret)))
            }
        }
    }
}

/// What the helper prints; none when it has nothing for this server, which is how helpers fail.
async fn run(helper: &str, server: &str) -> std::io::Result<Option<Vec<u8>>> {
    let mut command = Command::new(format!("docker-credential-{helper}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that needs no input may have closed it.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST).read_to_end(&mut output).await?;
    }
    Ok(child.wait().await?.success().then_some(output))
}

impl Auth {
    fn credentials(self) -> Option<Credentials> {
        if let Some(token) = self.identitytoken.filter(|token| !token.is_empty()) {
            return Some(Credentials::Identity(token));
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Some(Credentials::password(user, password));
        }
        let decoded = STANDARD.decode(self.auth?.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Credentials::password(user, password))
    }
}

/// Keys are hosts, with or without a scheme and a path: `https://index.docker.io/v1/`.
fn host_of(key: &str) -> String {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keychain(config: &serde_json::Value) -> Keychain {
        let mut keychain = Keychain::default();
        keychain.add(config.to_string().as_bytes(), "a test").expect("a configuration");
        keychain
    }

    #[tokio::test]
    async fn hosts_are_found_however_they_are_written() {
        let auth = STANDARD.encode("me:pass:word");
        let keychain = keychain(&json!({"auths": {
            "https://index.docker.io/v1/": {"auth": auth},
            "127.0.0.1:5000": {"username": "a", "password": "b"},
            "https://acr.example/v2/": {"identitytoken": "t"},
            "empty.example": {},
        }}));
        let found = |host: &'static str| keychain.of(host);
        assert_eq!(found("docker.io").await, Ok(Some(Credentials::password("me", "pass:word"))));
        assert_eq!(found("127.0.0.1:5000").await, Ok(Some(Credentials::password("a", "b"))));
        assert_eq!(found("acr.example").await, Ok(Some(Credentials::Identity("t".into()))));
        assert_eq!(found("empty.example").await, Ok(None));
        assert_eq!(found("127.0.0.1:5001").await, Ok(None), "another port is another registry");
    }

    #[tokio::test]
    async fn a_configuration_cannot_name_just_any_program() {
        let helpers = |name: &str| keychain(&json!({"credHelpers": {"a.example": name}}));
        for name in ["../x", "x y", ""] {
            assert!(matches!(helpers(name).of("a.example").await, Err(Error::Helper { .. })), "{name:?}");
        }
        let error = helpers("mine").with_known_helpers_only(true).of("a.example").await.expect_err("refused");
        assert!(error.to_string().contains("under CI"), "{error}");
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let keychain = keychain(&json!({"auths": {"a": {"username": "a", "password": "hunter22"}}}));
        assert!(!format!("{keychain:?}").contains("hunter22"));
        let error = Keychain::default().add(b"{\"auths\": \"hunter22\"", "config.json").expect_err("no JSON");
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}
