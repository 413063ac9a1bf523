//! What a URL path names.

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    Target(Target),
    Fixed(Fixed),
    Nowhere,
}

/// A collection, an object or a part of one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) plural: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// What follows `proxy/`.
    pub(crate) rest: String,
}

/// Paths that are about the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fixed {
    Version,
    Health,
    Api,
    Apis,
    Group(String),
    Resources { group: String, version: String },
    OpenApi(String),
}

pub(crate) fn parse(path: &str) -> Place {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(super::query::unescape).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["version"] => Place::Fixed(Fixed::Version),
        ["healthz" | "livez" | "readyz", ..] => Place::Fixed(Fixed::Health),
        ["api"] => Place::Fixed(Fixed::Api),
        ["apis"] => Place::Fixed(Fixed::Apis),
        ["openapi", rest @ ..] => Place::Fixed(Fixed::OpenApi(rest.join("/"))),
        ["api", version] => Place::Fixed(Fixed::Resources { group: String::new(), version: (*version).into() }),
        ["apis", group] => Place::Fixed(Fixed::Group((*group).into())),
        ["apis", group, version] => {
            Place::Fixed(Fixed::Resources { group: (*group).into(), version: (*version).into() })
        }
        ["api", version, rest @ ..] => target("", version, rest),
        ["apis", group, version, rest @ ..] => target(group, version, rest),
        _ => Place::Nowhere,
    }
}

fn target(group: &str, version: &str, rest: &[&str]) -> Place {
    let mut target = Target { group: group.into(), version: version.into(), ..Target::default() };
    // `namespaces/n/status` and `namespaces/n/finalize` are about the namespace itself.
    let rest = match rest {
        ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => {
            target.plural = "namespaces".into();
            target.name = (*name).into();
            target.subresource = (*sub).into();
            return Place::Target(target);
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
            target.namespace = (*namespace).into();
            rest
        }
        rest => rest,
    };
    let Some((plural, rest)) = rest.split_first() else { return Place::Nowhere };
    target.plural = (*plural).into();
    if let Some((name, rest)) = rest.split_first() {
        target.name = (*name).into();
        if let Some((subresource, rest)) = rest.split_first() {
            target.subresource = (*subresource).into();
            target.rest = rest.join("/");
        }
    }
    Place::Target(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: [&str; 6]) {
        let Place::Target(t) = parse(path) else { panic!("{path} is no target") };
        assert_eq!([&*t.group, &*t.version, &*t.namespace, &*t.plural, &*t.name, &*t.subresource], expect, "{path}");
    }

    #[test]
    fn objects_and_collections() {
        check("/api/v1/pods", ["", "v1", "", "pods", "", ""]);
        check("/api/v1/namespaces/n/pods/p", ["", "v1", "n", "pods", "p", ""]);
        check("/apis/apps/v1/namespaces/n/deployments/d/scale", ["apps", "v1", "n", "deployments", "d", "scale"]);
        check("/api/v1/namespaces/n", ["", "v1", "", "namespaces", "n", ""]);
        check("/api/v1/namespaces/n/status", ["", "v1", "", "namespaces", "n", "status"]);
        check("/api/v1/nodes/x/status", ["", "v1", "", "nodes", "x", "status"]);
    }

    #[test]
    fn the_rest_of_a_proxy_path() {
        let Place::Target(target) = parse("/api/v1/namespaces/n/pods/p:8080/proxy/health/x") else { panic!() };
        assert_eq!((&*target.name, &*target.rest), ("p:8080", "health/x"));
    }

    #[test]
    fn fixed_paths() {
        assert_eq!(parse("/api"), Place::Fixed(Fixed::Api));
        assert_eq!(parse("/apis/apps"), Place::Fixed(Fixed::Group("apps".into())));
        assert_eq!(parse("/healthz/ping"), Place::Fixed(Fixed::Health));
        assert_eq!(parse("/"), Place::Nowhere);
    }
}
