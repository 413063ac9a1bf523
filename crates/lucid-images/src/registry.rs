//! Asking registries about images, by the OCI distribution specification: many at once, in one time limit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use lucid_https::is_loopback;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::challenge::Challenge;
use crate::error::{Error, Result};
use crate::keychain::{Credentials, Keychain};
use crate::manifest::{self, Config, Manifest, Platform};
use crate::reference::{Reference, is_digest};
use crate::transport::{Ask, Failed, Reply, Transport, Trust};

/// Requests under way at a time, of all registries together.
const AT_ONCE: usize = 8;
/// A registry that asks for patience gets this much, once.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const TOKEN: usize = 256 * 1024;

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Of what the name leads to: the index, where there is one.
    pub digest: String,
    pub platforms: Vec<Platform>,
    /// Of one platform, as it is transferred.
    pub size: Option<u64>,
    /// When it was built, as its builder says.
    pub created: Option<String>,
}

/// Registries, the credentials for them, and what they were asked already.
pub struct Registries {
    transport: Transport,
    keychain: Keychain,
    /// Host → whether it speaks TLS. Asked of loopback only.
    plain: Mutex<HashMap<String, bool>>,
    /// Host and name → the header that opened it.
    opened: Mutex<HashMap<(String, String), HeaderValue>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registries {
    pub fn new(keychain: Keychain, trust: &Trust) -> Self {
        Self { transport: Transport::new(trust), keychain, plain: Mutex::default(), opened: Mutex::default() }
    }

    /// Asks for all images at once. Those that were not answered within the time are [`Error::TimedOut`].
    pub async fn resolve_all(
        &self,
        images: impl IntoIterator<Item = Reference>,
        within: Duration,
    ) -> BTreeMap<Reference, Result<Resolved>> {
        let images: BTreeSet<Reference> = images.into_iter().collect();
        let mut all: BTreeMap<_, _> = images.iter().map(|image| (image.clone(), Err(Error::TimedOut))).collect();
        let asked = images.iter().map(|image| async move { (image.clone(), self.resolve(image).await) });
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
        let collect = async {
            while let Some((image, answer)) = answers.next().await {
                all.insert(image, answer);
            }
        };
        // Those that are under way when the time is up stay as they are.
        let _ = timeout(within, collect).await;
        all
    }

    /// # Errors
    /// The image is missing or refused, or nothing is known about it.
    pub async fn resolve(&self, image: &Reference) -> Result<Resolved> {
        let bytes = self.manifest(image, image.version()).await?;
        let digest = manifest::digest(&bytes);
        match manifest::read(&bytes).ok_or_else(|| wrong(image, "what is no manifest of an image"))? {
            Manifest::Image { config, size } => {
                let config = self.config(image, &config).await?;
                let platforms = vec![config.platform()];
                Ok(Resolved { digest, platforms, size: Some(size), created: config.created })
            }
            Manifest::Index(entries) => {
                let platforms = entries.iter().map(|(platform, _)| platform.clone()).collect();
                Ok(Resolved { digest, platforms, size: None, created: None })
            }
        }
    }

    /// The same with size and age, of one of the platforms where there are several.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub async fn describe(&self, image: &Reference) -> Result<Resolved> {
        let mut whole = self.resolve(image).await?;
        if whole.size.is_some() {
            return Ok(whole);
        }
        let bytes = self.manifest(image, &whole.digest).await?;
        if let Some(Manifest::Index(entries)) = manifest::read(&bytes)
            && let Some((_, digest)) = entries.first()
        {
            let part = Reference::parse(&image.pinned(digest).to_string())?;
            let part = Box::pin(self.resolve(&part)).await?;
            (whole.size, whole.created) = (part.size, part.created);
        }
        Ok(whole)
    }

    /// The bytes of a manifest, which are what its digest says.
    async fn manifest(&self, image: &Reference, version: &str) -> Result<Bytes> {
        let path = format!("/v2/{}/manifests/{version}", image.name);
        let reply = self.get(image, &path, manifest::ACCEPT).await?;
        let said = reply.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
        let wanted = if is_digest(version) { Some(version) } else { said.filter(|digest| is_digest(digest)) };
        self.checked(image, reply.body, wanted)
    }

    async fn config(&self, image: &Reference, digest: &str) -> Result<Config> {
        if !is_digest(digest) {
            return Err(wrong(image, "a manifest whose configuration has no digest"));
        }
        let reply = self.get(image, &format!("/v2/{}/blobs/{digest}", image.name), "*/*").await?;
        let bytes = self.checked(image, reply.body, Some(digest))?;
        Config::read(&bytes).ok_or_else(|| wrong(image, "a configuration that names no platform"))
    }

    pub(crate) fn checked(&self, image: &Reference, bytes: Bytes, wanted: Option<&str>) -> Result<Bytes> {
        match wanted {
            Some(digest) if manifest::digest(&bytes) != digest => {
                Err(wrong(image, &format!("other content than that of {digest}")))
            }
            _ => Ok(bytes),
        }
    }

    /// Asks, meets the challenge if there is one, and asks again; waits once where the registry asks for that.
    pub(crate) async fn get(&self, image: &Reference, path: &str, accept: &'static str) -> Result<Reply> {
        let mut waited = false;
        let mut challenged = false;
        loop {
            let reply = self.once(image, path, accept).await?;
            match reply.status {
                StatusCode::OK => return Ok(reply),
                StatusCode::NOT_FOUND => return Err(Error::Missing { image: image.to_string() }),
                StatusCode::UNAUTHORIZED if !challenged => {
                    challenged = true;
                    self.open(image, &reply).await?;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.refused(image).await),
                StatusCode::TOO_MANY_REQUESTS if !waited => {
                    waited = true;
                    let wait = retry_after(&reply.headers).filter(|wait| *wait <= LONGEST_WAIT);
                    sleep(wait.ok_or_else(|| Error::RateLimited { host: image.host.clone() })?).await;
                }
                StatusCode::TOO_MANY_REQUESTS => return Err(Error::RateLimited { host: image.host.clone() }),
                status if status.is_server_error() && !waited => {
                    waited = true;
                    sleep(Duration::from_millis(200)).await;
                }
                status => return Err(status_of(image, status)),
            }
        }
    }

    async fn once(&self, image: &Reference, path: &str, accept: &'static str) -> Result<Reply> {
        let host = image.api_host();
        let plain = self.speaks_plain(image).await?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(header) = locked(&self.opened).get(&key(image)) {
            headers.insert(AUTHORIZATION, header.clone());
        }
        let scheme = if plain { "http" } else { "https" };
        let ask = Ask {
            method: Method::GET,
            uri: address(image, &format!("{scheme}://{host}{path}"))?,
            headers,
            body: Bytes::new(),
            limit: manifest::LARGEST,
        };
        self.transport.send(ask).await.map_err(|error| said(image, host, &error))
    }

    /// Registries on loopback may go without TLS; whether one does is found out by asking it.
    async fn speaks_plain(&self, image: &Reference) -> Result<bool> {
        let host = image.api_host();
        let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
        if !is_loopback(name) {
            return Ok(false);
        }
        if let Some(known) = locked(&self.plain).get(host) {
            return Ok(*known);
        }
        let ask = Ask {
            method: Method::GET,
            uri: address(image, &format!("https://{host}/v2/"))?,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            limit: TOKEN,
        };
        // A certificate that is not trusted is no reason to go without one.
        let plain = match self.transport.send(ask).await {
            Err(Failed::Connect(_) | Failed::Broken(_)) => true,
            Err(error @ Failed::Certificate(_)) => return Err(said(image, host, &error)),
            _ => false,
        };
        locked(&self.plain).insert(host.to_owned(), plain);
        Ok(plain)
    }

    /// Meets what the registry asked for, and keeps the header that it wants.
    async fn open(&self, image: &Reference, reply: &Reply) -> Result<()> {
        let credentials = self.keychain.of(&image.host).await?;
        let asked = reply.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let header = match (asked.and_then(Challenge::read), credentials) {
            (Some(Challenge::Basic), Some(Credentials::Password { user, password })) => basic(&user, &password),
            (Some(Challenge::Bearer { realm, service, scope }), credentials) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", image.name));
                let token = self.token(image, &realm, service.as_deref(), &scope, credentials).await?;
                format!("Bearer {token}")
            }
            _ => return Err(self.refused(image).await),
        };
        let mut header =
            HeaderValue::from_str(&header).map_err(|_| wrong(image, "a token that is no header's value"))?;
        header.set_sensitive(true);
        locked(&self.opened).insert(key(image), header);
        Ok(())
    }

    async fn token(
        &self,
        image: &Reference,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        credentials: Option<Credentials>,
    ) -> Result<String> {
        let realm = address(image, realm)?;
        let host = realm.host().unwrap_or_default();
        let may_be_plain = is_loopback(host) && self.speaks_plain(image).await?;
        if realm.scheme_str() != Some("https") && !may_be_plain {
            return Err(wrong(image, "a challenge whose token service has no TLS"));
        }
        let mut fields = vec![("scope", scope)];
        fields.extend(service.map(|service| ("service", service)));
        let mut headers = HeaderMap::new();
        let (method, uri, body) = match &credentials {
            Some(Credentials::Identity(token)) => {
                fields.extend([("grant_type", "refresh_token"), ("client_id", "lucid"), ("refresh_token", token)]);
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
                (Method::POST, realm.clone(), Bytes::from(form(&fields)))
            }
            other => {
                if let Some(Credentials::Password { user, password }) = other
                    && let Ok(mut header) = HeaderValue::from_str(&basic(user, password))
                {
                    header.set_sensitive(true);
                    headers.insert(AUTHORIZATION, header);
                }
                let joint = if realm.query().is_some() { '&' } else { '?' };
                (Method::GET, address(image, &format!("{realm}{joint}{}", form(&fields)))?, Bytes::new())
            }
        };
        let ask = Ask { method, uri, headers, body, limit: TOKEN };
        let reply = self.transport.send(ask).await.map_err(|error| said(image, host, &error))?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(Error::RateLimited { host: host.to_owned() }),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(self.refused(image).await);
            }
            status => return Err(status_of(image, status)),
        }
        let token: Option<Token> = serde_json::from_slice(&reply.body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        token.ok_or_else(|| wrong(image, "no token where it said that there is one"))
    }

    async fn refused(&self, image: &Reference) -> Error {
        let with = self.keychain.of(&image.host).await.is_ok_and(|credentials| credentials.is_some());
        Error::Refused { image: image.to_string(), host: image.host.clone(), with }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tokens are for one name.
fn key(image: &Reference) -> (String, String) {
    (image.host.clone(), image.name.clone())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn address(image: &Reference, text: &str) -> Result<Uri> {
    text.parse().map_err(|_| wrong(image, "what is no address"))
}

/// In seconds; dates are for proxies.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

pub(crate) fn wrong(image: &Reference, what: &str) -> Error {
    Error::Wrong { image: image.to_string(), host: image.host.clone(), what: what.to_owned() }
}

fn status_of(image: &Reference, status: StatusCode) -> Error {
    Error::Status { image: image.to_string(), host: image.host.clone(), status: status.as_u16() }
}

fn said(image: &Reference, host: &str, failed: &Failed) -> Error {
    match failed {
        Failed::TooLarge(_) => wrong(image, &failed.to_string()),
        Failed::Redirect(why) => wrong(image, &format!("an answer that is not followed: {why}")),
        Failed::Connect(_) | Failed::Certificate(_) | Failed::Broken(_) => {
            Error::Unreachable { host: host.to_owned(), cause: failed.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(
            form(&[("scope", "repository:a/b:pull"), ("x", "é&=")]),
            "scope=repository%3Aa%2Fb%3Apull&x=%C3%A9%26%3D"
        );
    }

    #[test]
    fn only_seconds_are_waited() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(2)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT"));
        assert_eq!(retry_after(&headers), None);
    }
}
