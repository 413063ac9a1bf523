//! What programs write before they end, by the language's runtime and not by the program itself.

use super::{Table, first, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(5212, &["no such host"], &[("Go 1.26", "dial tcp: lookup lucid-mongo on 10.96.0.10:53: no such host")]),
    on(5212, &["getaddrinfo enotfound"], &[("Node.js 24", "Error: getaddrinfo ENOTFOUND lucid-mongo")]),
    on(5212, &["getaddrinfo eai_again"], &[("Node.js 24", "Error: getaddrinfo EAI_AGAIN lucid-mongo")]),
    on(5212, &["name or service not known"], &[("glibc 2.36", "psql: error: could not translate host name \"lucid-db\" to address: Name or service not known")]),
    on(5212, &["temporary failure in name resolution"], &[("glibc 2.36", "socket.gaierror: [Errno -3] Temporary failure in name resolution")]),
    on(5212, &["no address associated with hostname"], &[("glibc 2.36", "socket.gaierror: [Errno -5] No address associated with hostname")]),
    on(5212, &["name does not resolve"], &[("musl 1.2", "failed to lookup address information: Name does not resolve")]),
    on(5212, &["failed to lookup address information"], &[("Rust 1.96", "failed to lookup address information: Try again")]),
    on(5212, &["unknownhostexception"], &[("OpenJDK 21", "java.net.UnknownHostException: lucid-mongo: Name does not resolve")]),
    on(5212, &["nxdomain"], &[("c-ares 1.34", "queryA NXDOMAIN lucid-mongo")]),
];

/// What stands before the name that could not be resolved.
const BEFORE: [&str; 7] = [
    "lookup ",
    "getaddrinfo ENOTFOUND ",
    "getaddrinfo EAI_AGAIN ",
    "host name \"",
    "UnknownHostException: ",
    "NXDOMAIN ",
    "getaddrinfo for ",
];

/// A name that a program could not resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unresolved<'a> {
    /// If the runtime says it.
    pub(crate) name: Option<&'a str>,
    /// The words by which it was recognised: a log may hold secrets, and they do not.
    pub(crate) words: &'static str,
}

/// The last line that complains of a name.
pub(crate) fn unresolved(log: &str) -> Option<Unresolved<'_>> {
    log.lines().rev().find_map(|line| {
        let pattern = first(TABLE, line)?;
        Some(Unresolved { name: BEFORE.iter().find_map(|before| name_after(line, before)), words: pattern.all[0] })
    })
}

fn name_after<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let rest = &line[line.find(before)? + before.len()..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(rest.len());
    let name = rest[..end].trim_end_matches('.');
    (!name.is_empty() && name.len() <= 253 && name != "address").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_where_the_runtime_says_it() {
        let name = |line| unresolved(line).and_then(|found| found.name);
        assert_eq!(name("dial tcp: lookup lucid-mongo on 10.96.0.10:53: no such host"), Some("lucid-mongo"));
        assert_eq!(name("dial tcp: lookup db.shop.svc.: no such host"), Some("db.shop.svc"));
        assert_eq!(name("Error: getaddrinfo EAI_AGAIN db"), Some("db"));
        assert_eq!(name("could not translate host name \"db\" to address: Name or service not known"), Some("db"));
        assert_eq!(name("java.net.UnknownHostException: db: Name does not resolve"), Some("db"));
        assert_eq!(name("failed to lookup address information: Name or service not known"), None);
    }

    #[test]
    fn the_last_complaint_counts_and_the_rest_of_the_line_is_not_told() {
        let log = "lookup old: no such host\npostgres://root:hunter2@db/x: lookup db: no such host\nbye\n";
        assert_eq!(unresolved(log), Some(Unresolved { name: Some("db"), words: "no such host" }));
        assert_eq!(unresolved("listening on 8080\n"), None);
    }
}
