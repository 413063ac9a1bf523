//! An image's name as manifests write it: `host:port/name:tag@sha256:…`, most of it optional.

use std::fmt;

use crate::error::{Error, Result};

/// Docker's own rules for what is left out: no host is Docker Hub, no tag is `latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub host: String,
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// Everything before tag and digest, as it was written.
    written: String,
}

const HUB: &str = "docker.io";

impl Reference {
    /// # Errors
    /// Whatever a container runtime would refuse as an image's name.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::Reference(text.to_owned());
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        // A colon after the last slash is a tag's; one before is a port's.
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (written, tag) = match rest[slash..].split_once(':') {
            Some((last, tag)) => (&rest[..slash + last.len()], Some(tag)),
            None => (rest, None),
        };
        let (host, name) = split_host(written);
        let fine = written.len() <= 255
            && is_host(&host)
            && name.split('/').all(is_part)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        let own = |text: &str| text.to_owned();
        let made = Self { host, name, tag: tag.map(own), digest: digest.map(own), written: own(written) };
        fine.then_some(made).ok_or_else(wrong)
    }

    /// What a registry calls this version.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The host that is asked: Docker Hub's registry has another one than its images' names.
    pub fn api_host(&self) -> &str {
        if self.host == HUB { "registry-1.docker.io" } else { &self.host }
    }

    /// The same image held to this digest. The tag stays, for people.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// Exactly the image with this digest. A tag would go on naming the one that was meant before.
    #[must_use]
    pub fn exactly(&self, digest: &str) -> Self {
        Self { tag: None, ..self.pinned(digest) }
    }

    /// The last part of the name.
    pub fn last(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// The first part is a host when it could be no part of a name: with a dot, a port, or `localhost`.
fn split_host(written: &str) -> (String, String) {
    match written.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
            let host = if first == "index.docker.io" { HUB } else { first };
            let name = if host == HUB && !rest.contains('/') { format!("library/{rest}") } else { rest.to_owned() };
            (host.to_owned(), name)
        }
        Some(_) => (HUB.to_owned(), written.to_owned()),
        None => (HUB.to_owned(), format!("library/{written}")),
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => match address.parse::<std::net::Ipv6Addr>() {
            Ok(_) => ("ipv6", port.strip_prefix(':')),
            Err(_) => return false,
        },
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let label = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(fits) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or dashes.
fn is_part(part: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    part.bytes().all(fits) && ends(part.bytes().next()) && ends(part.bytes().last()) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&tag.len()) && tag.bytes().all(fits) && !tag.starts_with(['.', '-'])
}

pub(crate) fn is_digest(digest: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digest.strip_prefix("sha256:").is_some_and(|rest| rest.len() == 64 && rest.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, name: &str, version: &str) {
        let reference = Reference::parse(text).expect("a reference");
        assert_eq!((reference.host.as_str(), reference.name.as_str(), reference.version()), (host, name, version));
        assert_eq!(reference.to_string(), text, "it is written as it was read");
    }

    #[test]
    fn what_is_left_out_is_docker_hub_and_latest() {
        check("redis", "docker.io", "library/redis", "latest");
        check("bitnami/redis:7", "docker.io", "bitnami/redis", "7");
        check("docker.io/redis:7", "docker.io", "library/redis", "7");
        check("ghcr.io/a/b/c:1.0.0", "ghcr.io", "a/b/c", "1.0.0");
        check("localhost/x", "localhost", "x", "latest");
        check("127.0.0.1:5000/x:1", "127.0.0.1:5000", "x", "1");
        check("[::1]:5000/x", "[::1]:5000", "x", "latest");
        assert_eq!(Reference::parse("redis").expect("a reference").api_host(), "registry-1.docker.io");
    }

    #[test]
    fn a_digest_wins_over_the_tag_and_pinning_keeps_the_tag() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        check(&format!("ghcr.io/a:1@{digest}"), "ghcr.io", "a", &digest);
        let pinned = Reference::parse("ghcr.io/a:1").expect("a reference").pinned(&digest);
        assert_eq!(pinned.to_string(), format!("ghcr.io/a:1@{digest}"));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let upper = format!("a@sha256:{}", "0F".repeat(32));
        for text in
            ["", "A", "a/", "/a", "a:", "a b", "a:-1", "a@sha256:12", &upper, "ghcr.io/../a", "-x.io/a", "a.b:99999/c"]
        {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }
}
