//! Image references and what comes of pulling them.

use crate::scenario::PullOutcome;

/// The reference as the container runtime spells it: with registry, repository and tag.
pub(crate) fn canonical(image: &str) -> String {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let is_host = first.contains(['.', ':']) || first == "localhost";
    let named = match (first, is_host) {
        ("", _) => format!("docker.io/library/{image}"),
        (_, true) => image.to_owned(),
        (_, false) => format!("docker.io/{first}/{rest}"),
    };
    let last = named.rsplit('/').next().unwrap_or("");
    if last.contains([':', '@']) { named } else { format!("{named}:latest") }
}

/// The repository with its registry, without tag and digest.
fn repository(image: &str) -> String {
    let canonical = canonical(image);
    let name = canonical.split('@').next().unwrap_or("");
    let (path, last) = name.rsplit_once('/').unwrap_or(("", name));
    format!("{path}/{}", last.split(':').next().unwrap_or(""))
}

/// The image by its digest; one that is not pinned has a digest made of its name.
pub(crate) fn id(image: &str) -> String {
    let digest = image.split_once('@').map_or_else(|| pseudo_digest(image), |(_, digest)| digest.to_owned());
    format!("{}@{digest}", repository(image))
}

/// Hexadecimal characters that depend on the text alone.
pub(crate) fn pseudo_hex(text: &str) -> String {
    let word = |salt: u64| {
        let seed = 0xcbf2_9ce4_8422_2325_u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{:016x}", hash ^ (hash >> 29))
    };
    (1..=4).map(word).collect()
}

fn pseudo_digest(image: &str) -> String {
    format!("sha256:{}", pseudo_hex(&canonical(image)))
}

/// Why a reference is none; the runtime would not even be asked.
pub(crate) fn invalid(image: &str) -> Option<String> {
    let name = image.split('@').next().unwrap_or("");
    let first = name.split('/').next().unwrap_or("");
    let is_host = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let path = if is_host { name.split_once('/').map_or("", |(_, path)| path) } else { name };
    let (path, tag) = match path.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (path, None),
    };
    let tag_is_good =
        tag.is_none_or(|tag| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b);
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        let full = if path.contains('/') || is_host { path.to_owned() } else { format!("library/{path}") };
        return Some(format!("invalid reference format: repository name ({full}) must be lowercase"));
    }
    (path.is_empty() || !path.bytes().all(lower) || !tag_is_good).then(|| "invalid reference format".to_owned())
}

/// The runtime's words for a pull that failed; `None` for one that works.
pub(crate) fn failure(outcome: &PullOutcome, image: &str) -> Option<String> {
    let reference = canonical(image);
    let (host, path) = reference.split_once('/').unwrap_or(("", &reference));
    let (path, tag) = path.rsplit_once(['@', ':']).unwrap_or((path, "latest"));
    let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
    let unpack = format!("failed to pull and unpack image {reference:?}");
    let resolve = format!("{unpack}: failed to resolve reference {reference:?}");
    Some(match outcome {
        PullOutcome::Ok { .. } => return None,
        PullOutcome::NotFound => format!("rpc error: code = NotFound desc = {resolve}: {reference}: not found"),
        PullOutcome::Auth => format!(
            "rpc error: code = Unknown desc = {resolve}: pull access denied, repository does not exist or may require \
             authorization: server message: insufficient_scope: authorization failed"
        ),
        PullOutcome::Platform => {
            format!("rpc error: code = NotFound desc = {unpack}: no match for platform in manifest: not found")
        }
        PullOutcome::RateLimited => format!(
            "rpc error: code = Unknown desc = {resolve}: unexpected status from HEAD request to \
             https://{host}/v2/{path}/manifests/{tag}: 429 Too Many Requests: toomanyrequests: You have reached your \
             unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
        ),
        PullOutcome::Unreachable => format!(
            "rpc error: code = Unknown desc = {resolve}: failed to do request: Head \
             \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host}: i/o timeout"
        ),
        PullOutcome::InvalidName => invalid(image).unwrap_or_else(|| "invalid reference format".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, expect: &str) {
        assert_eq!(canonical(image), expect);
        assert_eq!(invalid(image), None);
    }

    #[test]
    fn references_are_spelt_out() {
        check("redis", "docker.io/library/redis:latest");
        check("bitnami/redis:8", "docker.io/bitnami/redis:8");
        check("ghcr.io/x/y:1", "ghcr.io/x/y:1");
        check("localhost:5000/y", "localhost:5000/y:latest");
        check("redis@sha256:00", "docker.io/library/redis@sha256:00");
    }

    #[test]
    fn ids_are_digests() {
        assert_eq!(id("ghcr.io/x/y:1@sha256:ab"), "ghcr.io/x/y@sha256:ab");
        let id = id("redis:8");
        assert!(
            id.starts_with("docker.io/library/redis@sha256:")
                && id.len() == "docker.io/library/redis@sha256:".len() + 64
        );
    }

    #[test]
    fn bad_references() {
        assert!(invalid("Redis:8").unwrap().ends_with("repository name (library/Redis) must be lowercase"));
        assert_eq!(invalid("redis:").as_deref(), Some("invalid reference format"));
        assert_eq!(invalid("a b").as_deref(), Some("invalid reference format"));
        assert_eq!(invalid(":8").as_deref(), Some("invalid reference format"));
    }

    #[test]
    fn a_missing_platform_reads_like_not_found() {
        let text = failure(&PullOutcome::Platform, "redis:8").unwrap();
        assert!(text.contains("no match for platform in manifest") && text.ends_with("not found"));
    }
}
