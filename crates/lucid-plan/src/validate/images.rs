//! Images: names that a node can read, and tags that stay what they are.

use lucid_object::{Finding, Object};

use super::scene::{Scene, containers, spec_pointer, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for (maker, _) in &scene.makers {
        for (pointer, container) in containers(maker.pod_spec().expect("it makes pods")) {
            if let Some(image) = text(container, "image") {
                found.extend(one(maker, &pointer, image));
            }
        }
    }
}

fn one(maker: &Object, pointer: &str, image: &str) -> Option<Finding> {
    let at = |finding: Finding| {
        finding.on(maker.reference()).at(maker.position(&format!("{}{pointer}/image", spec_pointer(maker))))
    };
    if let Some(why) = flaw(image) {
        let message = format!("{image:?} of {} is no image name: {why}", maker.reference());
        return Some(at(Finding::error(3007, message)).help("a name is registry/repository:tag or @sha256:digest"));
    }
    let (_, tag, digest) = parts(image);
    if digest.is_some() || tag.is_some_and(|tag| tag != "latest") {
        return None;
    }
    let message = match tag {
        Some(tag) => format!("{} runs {image}: the tag {tag} moves", maker.reference()),
        None => format!("{} runs {image} without a tag, which means latest", maker.reference()),
    };
    Some(at(Finding::warning(8211, message)).help("pin the image by digest, or at least name a version"))
}

/// Name, tag and digest. A colon before the last slash belongs to a host.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    match rest[last..].find(':') {
        Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..]), digest),
        None => (rest, None, digest),
    }
}

/// Source: github.com/distribution/reference, regexp.go.
fn flaw(image: &str) -> Option<&'static str> {
    let (name, tag, digest) = parts(image);
    let repository = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => name,
    };
    let is_lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let component = |part: &str| {
        part.starts_with(is_lower) && part.ends_with(is_lower) && part.chars().all(|c| is_lower(c) || "._-".contains(c))
    };
    let is_tag = |tag: &str| {
        tag.len() <= 128
            && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            let long = if algorithm == "sha256" { hex.len() == 64 } else { hex.len() >= 32 };
            long && hex.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        })
    };
    match () {
        () if image.is_empty() => Some("it is empty"),
        () if image.contains(char::is_whitespace) => Some("it contains a blank"),
        () if image.contains("://") => Some("it is an address with a scheme"),
        () if repository.chars().any(|c| c.is_ascii_uppercase()) => Some("the repository has an upper-case letter"),
        () if !repository.split('/').all(component) => Some("the repository has a character that is not allowed"),
        () if tag.is_some_and(str::is_empty) => Some("the tag is empty"),
        () if !tag.is_none_or(is_tag) => Some("the tag has a character that is not allowed"),
        () if !digest.is_none_or(is_digest) => Some("the digest is not one"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_registries_read_them() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for good in
            ["nginx", "nginx:1.27", "ghcr.io/a/b_c:v1", "localhost:5000/a/b", "host:5000/a:1", &digest, "a/b__c"]
        {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in
            ["", "Nginx", "nginx:", "a b", "https://x/a", "a@sha256:12", "a:b:c", "-a", "a/", "a:-x", "ghcr.io/A"]
        {
            assert!(flaw(bad).is_some(), "{bad}");
        }
        assert_eq!(flaw("EXAMPLE.com/a"), None, "hosts may be in capitals");
    }
}
