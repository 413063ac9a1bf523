//! What every byte passes on its way out: Secret values are struck out, foreign control sequences defused.

/// Knows the values that must not leave the program, and whether a CI system reads along.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    /// Lines that look like workflow commands are defused.
    in_ci: bool,
}

/// Shorter values would strike out half of every sentence.
const SHORTEST: usize = 8;
const STRUCK_OUT: &str = "•••";

impl Redactor {
    pub fn new(in_ci: bool) -> Self {
        Self { secrets: Vec::new(), in_ci }
    }

    /// Registers a value in the forms in which it may turn up: as it is, each line of it, in base64, and JSON-escaped.
    pub fn register(&mut self, value: &str) {
        let escaped = serde_json::to_string(value).unwrap_or_default();
        let forms = value.lines().map(str::to_owned).chain([
            value.to_owned(),
            escaped.trim_matches('"').to_owned(),
            base64(value.as_bytes()),
        ]);
        for form in forms.filter(|form| form.len() >= SHORTEST) {
            if !self.secrets.contains(&form) {
                self.secrets.push(form);
            }
        }
        // The longest first, so that a value that contains another is struck out whole.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// The text as it may be shown. `ours` escape sequences (colours) are kept: foreign text was stripped when it came in.
    pub fn clean(&self, text: &str) -> String {
        let text = self.strike(text);
        if self.in_ci { defuse(&text) } else { text }
    }

    /// Values only: for text whose workflow commands are our own.
    pub fn strike(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), STRUCK_OUT);
            }
        }
        text
    }
}

/// `::error::` and `##[…]` at the start of a line are commands to GitHub's runner.
fn defuse(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let start = line.trim_start();
        if start.starts_with("::") || start.starts_with("##[") { format!("\u{200b}{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Foreign text without control characters, bidirectional overrides and zero-width signs; a line of it at most `limit`
/// characters long.
pub fn strip(text: &str, limit: usize) -> String {
    let is_allowed = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let cleaned =
        text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).filter(|c| is_allowed(*c));
    cleaned.take(limit).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let digit = ALPHABET[(n >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.register("correct horse");
        redactor.register("line one is long\nline two is long");
        redactor
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(redactor().clean(text), expect);
    }

    #[test]
    fn values_are_struck_out_in_every_form() {
        check("password correct horse!", "password •••!");
        check("data Y29ycmVjdCBob3JzZQ==", "data •••");
        check("only line two is long here", "only ••• here");
        check(r#"{"k": "line one is long\nline two is long"}"#, r#"{"k": "•••"}"#);
        check("nothing to see", "nothing to see");
    }

    #[test]
    fn short_values_are_not_registered() {
        let mut redactor = Redactor::default();
        redactor.register("a");
        assert_eq!(redactor.clean("a cat"), "a cat");
    }

    #[test]
    fn workflow_commands_are_defused_in_ci_only() {
        let mut redactor = redactor();
        assert_eq!(redactor.clean("::error::x"), "::error::x");
        redactor.in_ci = true;
        assert!(!redactor.clean("ok\n ::set-output name=x::y").lines().any(|line| line.trim_start().starts_with("::")));
    }

    #[test]
    fn foreign_text_loses_its_control_characters() {
        assert_eq!(strip("a\u{1b}[2Jb\r\nc\u{202e}d\u{7}", 100), "a[2Jb  cd");
        assert_eq!(strip("abcdef", 3), "abc");
    }

    #[test]
    fn base64_as_everyone_writes_it() {
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"M"), "TQ==");
    }
}
