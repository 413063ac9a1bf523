//! Addresses of Git repositories and files, as kustomize reads them.

use std::time::Duration;

/// A repository to fetch, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// What `git fetch` is given.
    pub address: String,
    /// A branch, tag or commit; none for what the repository itself points to.
    pub reference: Option<String>,
    pub submodules: bool,
    pub timeout: Duration,
}

/// The address of a folder in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) repository: Repository,
    /// From the root of the repository; may be empty.
    pub(crate) path: String,
    /// Something says that this is a repository: a mark before the path, a suffix, or a query.
    pub(crate) is_marked: bool,
}

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];
/// How long one call of git may take, unless the address says otherwise.
const PATIENCE: Duration = Duration::from_secs(27);

/// True for what is loaded with HTTP, wherever a file is wanted.
pub(crate) fn is_url(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.starts_with("http://") || path.starts_with("https://")
}

/// The address of a repository; none for anything else.
pub(crate) fn parse(text: &str) -> Option<Address> {
    if text.starts_with('/') {
        return None;
    }
    let (rest, query) = text.split_once('?').unwrap_or((text, ""));
    let rest = strip(rest, "git::").unwrap_or(rest);
    let (host, rest) = host(rest)?;
    let (path, below, marked) = split(rest, host == "file://")?;
    if path.is_empty() || leaves(below) {
        return None;
    }
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| decode(value)).next()
    };
    let reference = parameter("ref").or_else(|| parameter("version"));
    Some(Address {
        is_marked: marked || reference.is_some(),
        repository: Repository {
            address: format!("{host}{path}"),
            reference,
            submodules: !parameter("submodules")
                .is_some_and(|text| matches!(&*text, "0" | "f" | "F" | "false" | "False" | "FALSE")),
            timeout: parameter("timeout").and_then(|text| timeout(&text)).unwrap_or(PATIENCE),
        },
        path: below.trim_start_matches('/').to_owned(),
    })
}

fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    Some(&text[prefix.len()..])
}

/// Scheme, user and host, and what follows them.
fn host(text: &str) -> Option<(String, &str)> {
    let (scheme, text) = SCHEMES.iter().find_map(|scheme| Some((*scheme, strip(text, scheme)?))).unwrap_or(("", text));
    if scheme == "file://" {
        return Some((scheme.into(), text));
    }
    let (user, text) = user(text);
    let is_github = ["github.com/", "github.com:"].iter().any(|host| strip(text, host).is_some());
    // `user@host:path`, as ssh writes it.
    let colon = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !colon {
        return None;
    }
    let slash = text.find('/');
    let end = match text.find(':').filter(|_| colon) {
        Some(at) if at > 0 && slash.is_none_or(|slash| at < slash) => Some(at),
        _ => slash,
    };
    let (host, rest) = end.map_or((text, ""), |at| text.split_at(at + 1));
    if host.is_empty() {
        return None;
    }
    if is_github {
        let by_ssh = scheme == "ssh://" || !user.is_empty();
        let host = if by_ssh { format!("{user}github.com:") } else { "https://github.com/".to_owned() };
        return Some((host, rest));
    }
    Some((format!("{scheme}{user}{host}"), rest))
}

fn user(text: &str) -> (&str, &str) {
    let name = text.split('@').next().unwrap_or_default();
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() < text.len()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { text.split_at(name.len() + 1) } else { ("", text) }
}

/// The repository's own path and the path in it: by a mark, or after two parts.
fn split(text: &str, whole: bool) -> Option<(&str, &str, bool)> {
    if let Some(at) = text.find("_git/") {
        let end = text[at + 5..].find('/').map_or(text.len(), |slash| at + 5 + slash);
        return Some((&text[..end], text[end..].strip_prefix('/').unwrap_or_default(), true));
    }
    if let Some(at) = text.find("//") {
        return Some((&text[..at], &text[at + 2..], true));
    }
    if let Some(at) = text.find(".git") {
        return Some((&text[..at + 4], &text[at + 4..], true));
    }
    if whole {
        return Some((text, "", true));
    }
    let slashes: Vec<usize> = text.match_indices('/').map(|(at, _)| at).collect();
    match slashes[..] {
        [] => None,
        [_] => Some((text, "", false)),
        [_, second, ..] => Some((&text[..second], &text[second + 1..], false)),
    }
}

/// True for a path that ends outside of the repository.
fn leaves(path: &str) -> bool {
    let clean = super::path::clean(path.trim_start_matches('/'));
    clean == ".." || clean.starts_with("../")
}

/// Seconds, or a number with a unit.
fn timeout(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let seconds = number.parse::<f64>().ok()? * unit;
    (seconds > 0.0 && seconds < 1e6).then(|| Duration::from_secs_f64(seconds))
}

/// A query's percent escapes.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(&str, &str, Option<&str>)>) {
        let found = parse(text);
        let got =
            found.as_ref().map(|a| (a.repository.address.as_str(), a.path.as_str(), a.repository.reference.as_deref()));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn addresses() {
        check("github.com/org/repo/path/to?ref=v1", Some(("https://github.com/org/repo", "path/to", Some("v1"))));
        check("https://github.com/org/repo", Some(("https://github.com/org/repo", "", None)));
        check("https://github.com/org/repo.git/sub?ref=a", Some(("https://github.com/org/repo.git", "sub", Some("a"))));
        check("git@github.com:org/repo//sub", Some(("git@github.com:org/repo", "sub", None)));
        check("ssh://git@github.com/org/repo", Some(("git@github.com:org/repo", "", None)));
        check("https://example.com/a/b/c?version=x", Some(("https://example.com/a/b", "c", Some("x"))));
        check("https://u@dev.azure.com/o/p/_git/r/s/t", Some(("https://u@dev.azure.com/o/p/_git/r", "s/t", None)));
        check("user@host:a/b", Some(("user@host:a/b", "", None)));
        check("file:///srv/repo//sub?ref=main", Some(("file:///srv/repo", "sub", Some("main"))));
        check("git::https://example.com/a/b", Some(("https://example.com/a/b", "", None)));
    }

    #[test]
    fn no_addresses() {
        for text in [
            "../base",
            "base",
            "/abs/path",
            "a/b/c",
            "https://example.com",
            "example.com/a/b",
            "https://h/a/b//../../x",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn parameters() {
        let address = parse("https://example.com/a/b?timeout=90&submodules=false&ref=feature%2Fx").expect("an address");
        assert_eq!(address.repository.timeout, Duration::from_secs(90));
        assert_eq!(address.repository.reference.as_deref(), Some("feature/x"));
        assert!(!address.repository.submodules && address.is_marked);
        assert_eq!(
            parse("https://example.com/a/b?timeout=2m").expect("an address").repository.timeout,
            Duration::from_secs(120)
        );
    }
}
