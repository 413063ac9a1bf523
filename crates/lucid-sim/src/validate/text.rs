//! The forms that names, keys and values must have, with the server's words for what is wrong.
//!
//! Source: apimachinery's `util/validation/validation.go` and `api/validate/content`.

fn pattern(what: &str, examples: &[&str], regex: &str) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{what} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

fn characters(most: usize) -> String {
    format!("must be no more than {most} characters")
}

fn bytes(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

pub(crate) fn range(from: i64, to: i64) -> String {
    format!("must be between {from} and {to}, inclusive")
}

pub(crate) const NOT_EMPTY: &str = "must be non-empty";
const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// All characters fit, and the first and the last fit more strictly.
fn framed(text: &str, ends: fn(char) -> bool, inner: fn(char) -> bool) -> bool {
    text.starts_with(ends) && text.ends_with(ends) && text.chars().all(inner)
}

fn fits_label(text: &str) -> bool {
    framed(text, lower, |c| lower(c) || c == '-')
}

fn fits_subdomain(text: &str) -> bool {
    text.split('.').all(fits_label)
}

pub(crate) fn label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(characters(63));
    }
    if !fits_label(text) {
        out.push(if fits_subdomain(text) {
            "must not contain dots".into()
        } else {
            let what = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
            pattern(what, &["my-name", "123-abc"], LABEL)
        });
    }
    out
}

const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

pub(crate) fn subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(characters(253));
    }
    if !fits_subdomain(text) {
        out.push(pattern(SUBDOMAIN_WORDS, &["example.com"], &format!("{LABEL}(\\.{LABEL})*")));
    }
    out
}

pub(crate) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(characters(253));
    }
    if !text.strip_prefix("*.").is_some_and(fits_subdomain) {
        let what = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        out.push(pattern(what, &["*.example.com"], &format!("\\*\\.{LABEL}(\\.{LABEL})*")));
    }
    out
}

/// As [`subdomain`], with underscores.
pub(crate) fn search_domain(text: &str) -> Vec<String> {
    let within = |c: char| lower(c) || c == '-' || c == '_';
    let fits = text.split('.').all(|part| {
        let part = part.strip_prefix('_').unwrap_or(part);
        part.starts_with(lower) && part.ends_with(lower) && part.chars().all(within)
    });
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(characters(253));
    }
    if !fits {
        let what = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
        let part = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
        out.push(pattern(what, &["example.com"], &format!("{part}(\\.{part})*")));
    }
    out
}

#[cfg_attr(not(test), expect(dead_code, reason = "no kind that is validated so far asks for it"))]
pub(crate) fn label_1035(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(characters(63));
    }
    if !fits_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        let what = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        out.push(pattern(what, &["my-name", "abc-123"], "[a-z]([-a-z0-9]*[a-z0-9])?"));
    }
    out
}

fn key_part(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    framed(text, alphanumeric, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

const KEY_WORDS: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A label's or annotation's key, a finalizer, a resource: an optional prefix and a name.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let words = || pattern(KEY_WORDS, &["MyName", "my.name", "123-abc"], KEY);
    let mut out = Vec::new();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                out.push(format!("prefix part {NOT_EMPTY}"));
            } else {
                out.extend(prefix_problems(prefix));
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                words()
            )];
        }
    };
    if name.is_empty() {
        out.push(format!("name part {NOT_EMPTY}"));
    } else if name.len() > 63 {
        out.push(format!("name part {}", bytes(63)));
    }
    if !key_part(name) {
        out.push(format!("name part {}", words()));
    }
    out
}

fn prefix_problems(prefix: &str) -> Vec<String> {
    let mut out = Vec::new();
    if prefix.len() > 253 {
        out.push(format!("prefix part {}", bytes(253)));
    }
    if !fits_subdomain(prefix) {
        let words = pattern(SUBDOMAIN_WORDS, &["example.com"], &format!("{LABEL}(\\.{LABEL})*"));
        out.push(format!("prefix part {words}"));
    }
    out
}

/// As [`qualified_name`], with a prefix.
#[cfg_attr(not(test), expect(dead_code, reason = "no kind that is validated so far asks for it"))]
pub(crate) fn prefixed_name(text: &str) -> Vec<String> {
    let problems = qualified_name(text);
    if problems.is_empty() && !text.contains('/') {
        return vec!["must include a prefix (e.g. 'example.com/key')".into()];
    }
    problems
}

/// A name that must have a domain before it: `example.com/name`.
pub(crate) fn domain_prefixed_path(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![NOT_EMPTY.into()];
    }
    let Some((domain, path)) = text.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty())
    else {
        return vec!["must be a domain-prefixed path (such as \"acme.io/foo\")".into()];
    };
    let mut out = subdomain(domain);
    let legal = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    if !path.chars().all(legal) {
        out.push(format!("Invalid path (regex used for validation is '{}')", r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"));
    }
    out
}

pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(bytes(63));
    }
    if !text.is_empty() && !key_part(text) {
        let what = format!("a valid label must be an empty string or {}", KEY_WORDS.trim_start_matches("must "));
        out.push(pattern(&what, &["MyValue", "my_value", "12345"], &format!("({KEY})?")));
    }
    out
}

pub(crate) fn config_key(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(characters(253));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(legal) {
        let what = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        out.push(pattern(what, &["key.name", "KEY_NAME", "key-name"], "[-._a-zA-Z0-9]+"));
    }
    out.extend(no_way_up(text));
    out
}

fn no_way_up(text: &str) -> Vec<String> {
    match text {
        "." => vec!["must not be '.'".into()],
        ".." => vec!["must not be '..'".into()],
        _ if text.starts_with("..") => vec!["must not start with '..'".into()],
        _ => Vec::new(),
    }
}

pub(crate) fn variable(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![format!("environment variable name {NOT_EMPTY}")];
    }
    let printable = |c: char| (' '..='~').contains(&c) && c != '=';
    if text.chars().all(printable) {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".into()]
}

pub(crate) fn port_number(number: i64) -> Vec<String> {
    if (1..=65_535).contains(&number) { Vec::new() } else { vec![range(1, 65_535)] }
}

pub(crate) fn port_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 15 {
        out.push(characters(15));
    }
    if text.is_empty() || !text.chars().all(|c| lower(c) || c == '-') {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        out.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        out.push("must not begin or end with a hyphen".into());
    }
    out
}

pub(crate) fn header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Vec::new();
    }
    let what = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern(what, &["X-Header-Name"], "[-A-Za-z0-9]+")]
}

pub(crate) fn percent(text: &str) -> Vec<String> {
    if text.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
        return Vec::new();
    }
    let what = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern(what, &["1%", "93%"], "[0-9]+%")]
}

/// What a name may be in a path.
pub(crate) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    path_segment_prefix(text)
}

pub(crate) fn path_segment_prefix(text: &str) -> Vec<String> {
    let found = ["/", "%"].into_iter().filter(|illegal| text.contains(illegal));
    found.map(|illegal| format!("may not contain '{illegal}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: fn(&str) -> Vec<String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(form(text), Vec::<String>::new(), "{text:?}");
        }
        for text in bad {
            assert!(!form(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn names() {
        let long = "a".repeat(64);
        check(label, &["a", "1-b"], &["", "A", "-a", "a-", "a.b", &long]);
        check(subdomain, &["a.b", "1", &long], &["", "a..b", "a_b", "A", "a."]);
        check(label_1035, &["a1"], &["1a", ""]);
        check(qualified_name, &["a", "A_b.c", "example.com/a"], &["", "a b", "a/b/c", "/a", "a/", "A_/b", &long]);
        check(prefixed_name, &["a/b"], &["b"]);
        check(label_value, &["", "a", "A_b"], &["-", "a b", &long]);
    }

    #[test]
    fn keys_ports_and_the_rest() {
        check(config_key, &["a", ".a", "A-b_c.d"], &["", "a b", "..", ".", "..a"]);
        check(variable, &["A", "a.b-c", "1"], &["", "a=b", "ü"]);
        check(port_name, &["http", "a-1"], &["", "A", "1", "a--b", "-a", "abcdefghijklmnop"]);
        check(percent, &["0%", "150%"], &["", "%", "-1%", "1"]);
        check(path_segment, &["a", "..."], &[".", "..", "a/b", "a%"]);
        check(domain_prefixed_path, &["a.b/c"], &["", "a", "/a", "A/b"]);
    }
}
