//! Credentials that stand in manifests. Values are looked at, and never repeated.

use lucid_object::{Finding, Object};
use serde_json::Value;

use super::scene::{Scene, containers, list, spec_pointer, text};

const ADVICE: &str = "refer to an existing Secret, an ExternalSecret or a SealedSecret, and change this credential";

/// Endings of names that hold a secret. `PASSWORD_FILE` and `TOKEN_URL` do not.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "secretkey",
    "credentials",
    "pwd",
    "clientsecret",
];

/// Beginnings of well-known credentials.
const MARKS: [&str; 9] = [
    "-----BEGIN PRIVATE KEY",
    "-----BEGIN RSA PRIVATE KEY",
    "-----BEGIN EC PRIVATE KEY",
    "-----BEGIN OPENSSH PRIVATE KEY",
    "AKIA",
    "ghp_",
    "github_pat_",
    "glpat-",
    "xoxb-",
];

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for object in &scene.objects {
        match (object.group(), object.kind()) {
            ("", "Secret") => found.extend(secret(object)),
            ("", "ConfigMap") => config_map(object, found),
            _ => {}
        }
    }
    for (maker, _) in &scene.makers {
        for (pointer, container) in containers(maker.pod_spec().expect("it makes pods")) {
            variables(maker, &pointer, container, found);
        }
    }
}

fn secret(object: &Object) -> Option<Finding> {
    let filled = |field: &str| {
        let entries = object.value().get(field).and_then(Value::as_object).into_iter().flatten();
        entries
            .filter(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty()))
            .map(|(key, _)| key.as_str())
            .collect()
    };
    for field in ["stringData", "data"] {
        let keys: Vec<&str> = filled(field);
        if let Some(first) = keys.first() {
            let message = format!("the values of {} stand in the manifests ({})", object.reference(), keys.join(", "));
            let key = first.replace('~', "~0").replace('/', "~1");
            let finding = Finding::warning(8215, message).on(object.reference());
            return Some(finding.at(object.position(&format!("/{field}/{key}"))).help(ADVICE));
        }
    }
    None
}

fn config_map(object: &Object, found: &mut Vec<Finding>) {
    for (key, value) in object.value().get("data").and_then(Value::as_object).into_iter().flatten() {
        let Some(value) = value.as_str().filter(|value| is_secret(key, value)) else { continue };
        debug_assert!(!value.is_empty());
        let message = format!("the key {key} of {} looks like a credential", object.reference());
        let pointer = format!("/data/{}", key.replace('~', "~0").replace('/', "~1"));
        let finding = Finding::warning(8215, message).on(object.reference()).at(object.position(&pointer));
        found.push(finding.help(ADVICE));
    }
}

fn variables(maker: &Object, at: &str, container: &Value, found: &mut Vec<Finding>) {
    for (pointer, variable) in list(container, "/env") {
        let (Some(name), Some(value)) = (text(variable, "name"), text(variable, "value")) else { continue };
        if is_secret(name, value) {
            let message = format!("the variable {name} of {} looks like a credential", maker.reference());
            let place = maker.position(&format!("{}{at}{pointer}/value", spec_pointer(maker)));
            found.push(Finding::warning(8215, message).on(maker.reference()).at(place).help(ADVICE));
        }
    }
}

/// A name that means a secret with a value that is not a reference, or a value that is one under any name.
fn is_secret(name: &str, value: &str) -> bool {
    let flat: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let is_named = NAMES.iter().any(|end| flat.ends_with(end));
    let value = value.trim();
    let is_reference = value.is_empty()
        || value.contains("$(")
        || value.starts_with(['/', '{', '$', '<'])
        || ["true", "false", "null", "none"].contains(&value)
        || value.contains("://") && !has_login(value);
    is_named && !is_reference && !value.contains('\n') && value.len() >= 4
        || has_login(value)
        || MARKS.iter().any(|mark| value.contains(mark) && value.len() > mark.len() + 8)
}

/// `scheme://user:password@host`, with a password that is no placeholder.
fn has_login(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let host = rest.split(['/', '?', '#', ' ', '\n']).next().unwrap_or_default();
        let login = host.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
        login.is_some_and(|(_, password)| !password.is_empty() && !password.starts_with(['$', '<', '{']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_that_give_a_credential_away() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter22"),
            ("api-token", "abcdef"),
            ("URL", "postgres://me:pw@db/x"),
            ("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nabcdefgh"),
            ("SOME", "AKIAIOSFODNN7EXAMPLE"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD", "$(OTHER)"),
            ("DB_PASSWORD", ""),
            ("PASSWORD_FILE", "/run/secrets/p"),
            ("TOKEN", "/var/run/token"),
            ("TOKEN_URL", "https://a/b"),
            ("AUTH_TOKEN", "https://a/b"),
            ("URL", "postgres://me:$(PW)@db/x"),
            ("URL", "https://me@host/"),
            ("AUTO_MOUNT_TOKEN", "false"),
            ("MODE", "password"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }
}
