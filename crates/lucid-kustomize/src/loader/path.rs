//! Paths as text: joining, cleaning, containment.

/// A path without `.`, `..` and doubled slashes, where that is possible without a file system.
pub(crate) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// `path` seen from `root`, unless it is absolute.
pub(crate) fn join(root: &str, path: &str) -> String {
    if path.starts_with('/') || root == "." || root.is_empty() { clean(path) } else { clean(&format!("{root}/{path}")) }
}

/// True if `path` is `root` or below it.
pub(crate) fn is_within(path: &str, root: &str) -> bool {
    match root {
        "." => !path.starts_with('/') && path != ".." && !path.starts_with("../"),
        "/" => path.starts_with('/'),
        _ => path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')),
    }
}

/// The folder of a path.
pub(crate) fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".into(),
        Some((folder, _)) => folder.into(),
        None => ".".into(),
    }
}

/// The last part of a path.
pub(crate) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    trimmed.rsplit_once('/').map_or(trimmed, |(_, name)| name)
}

/// A folder path such as `a/..b`, which kustomize refuses because it is mostly a typing mistake.
pub(crate) fn is_ambiguous(path: &str) -> bool {
    path.split('/').any(|part| part != ".." && part.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning() {
        for (path, want) in [
            ("a/./b/../c", "a/c"),
            ("./a", "a"),
            ("a/..", "."),
            ("../a", "../a"),
            ("../../a/..", "../.."),
            ("/..", "/"),
            ("/a//b/", "/a/b"),
            ("", "."),
        ] {
            assert_eq!(clean(path), want, "{path}");
        }
        assert_eq!(join("a/b", "../c"), "a/c");
        assert_eq!(join("a", "/c"), "/c");
        assert_eq!(join(".", "c"), "c");
    }

    #[test]
    fn containment() {
        assert!(is_within("a/b", "a"));
        assert!(is_within("a", "a"));
        assert!(!is_within("ab", "a"));
        assert!(!is_within("../a", "."));
        assert!(is_within("a", "."));
        assert!(is_within("/a", "/"));
    }

    #[test]
    fn ambiguity() {
        assert!(is_ambiguous("a/..b"));
        assert!(is_ambiguous("..."));
        assert!(!is_ambiguous("../a/./b"));
    }
}
