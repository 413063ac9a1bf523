//! What a registry asks for when it answers 401: the `WWW-Authenticate` header (RFC 9110, 11.6.1).

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    /// Fetch a token from `realm`, for this service and scope, and come back with it.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The first challenge of a header that can be met. None when none can.
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        let mut named = parameters(rest);
        let realm = named.remove("realm").filter(|realm| !realm.is_empty());
        let bearer = |realm| Self::Bearer { realm, service: named.remove("service"), scope: named.remove("scope") };
        realm.filter(|_| scheme.eq_ignore_ascii_case("bearer")).map(bearer)
    }
}

/// `name="value", other=word`: values in quotes may hold commas.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        all.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        rest = next.trim_start().trim_start_matches(',');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: Option<Challenge>) {
        assert_eq!(Challenge::read(header), expect, "{header}");
    }

    #[test]
    fn challenges_of_registries_in_use() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            Some(Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) })
        };
        check(
            r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
            bearer("https://auth.example/token", Some("registry.example"), Some("repository:a/b:pull,push")),
        );
        check("bearer realm=https://a/t, service=b", bearer("https://a/t", Some("b"), None));
        check(r#"Basic realm="Registry""#, Some(Challenge::Basic));
        check("Basic", Some(Challenge::Basic));
    }

    #[test]
    fn what_cannot_be_met_is_none() {
        check("", None);
        check("Negotiate", None);
        check(r#"Bearer service="x""#, None);
        check(r#"Bearer realm="unfinished"#, Challenge::read(r#"Bearer realm="unfinished""#));
    }
}
