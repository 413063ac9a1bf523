//! Regular expressions as Go has them, without paying for the engine where the pattern is a plain word.

use regex::Regex;

/// A pattern that must match a whole text, or its beginning.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Letters, digits and `-_/:`, where `.` stands for any character.
    Word(String),
    Full(Regex),
}

impl Pattern {
    /// A pattern for whole texts.
    pub(crate) fn whole(pattern: &str) -> Result<Self, regex::Error> {
        if is_word(pattern) {
            return Ok(Self::Word(pattern.to_owned()));
        }
        Regex::new(&format!("^(?:{})$", go(pattern))).map(Self::Full)
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word_prefix(word, text) == Some(text.len()),
            Self::Full(regex) => regex.is_match(text),
        }
    }
}

/// True for a pattern without operators other than the dot.
pub(crate) fn is_word(pattern: &str) -> bool {
    pattern.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':' | b'.' | b'~' | b'@'))
}

/// How many bytes of the text a word covers from its beginning.
pub(crate) fn word_prefix(word: &str, text: &str) -> Option<usize> {
    let mut rest = text.char_indices();
    for wanted in word.bytes() {
        let (_, c) = rest.next()?;
        let fits = if wanted == b'.' { c != '\n' } else { c == char::from(wanted) };
        if !fits {
            return None;
        }
    }
    Some(rest.offset())
}

/// A Go (RE2) pattern in the dialect of the `regex` crate, where classes are Unicode by default.
pub(crate) fn go(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut chars, mut in_class) = (pattern.chars().peekable(), false);
    while let Some(c) = chars.next() {
        if c == '\\' {
            let next = chars.next().unwrap_or('\\');
            match (next, in_class) {
                ('d', false) => out.push_str("[0-9]"),
                ('d', true) => out.push_str("0-9"),
                ('w', false) => out.push_str("[0-9A-Za-z_]"),
                ('w', true) => out.push_str("0-9A-Za-z_"),
                ('s', false) => out.push_str("[\\t\\n\\f\\r ]"),
                ('s', true) => out.push_str("\\t\\n\\f\\r "),
                ('D', false) => out.push_str("[^0-9]"),
                ('W', false) => out.push_str("[^0-9A-Za-z_]"),
                ('S', false) => out.push_str("[^\\t\\n\\f\\r ]"),
                ('b' | 'B', false) => out.push_str(&format!("(?-u:\\{next})")),
                _ => out.extend(['\\', next]),
            }
            continue;
        }
        match c {
            '[' if in_class && chars.peek() != Some(&':') => {
                out.push_str("\\[");
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '&' | '~' | '-' if in_class && chars.peek() == Some(&c) => {
                out.push('\\');
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let pattern = Pattern::whole(pattern).expect("a pattern");
        for text in yes {
            assert!(pattern.matches(text), "{pattern:?} should match {text}");
        }
        for text in no {
            assert!(!pattern.matches(text), "{pattern:?} should not match {text}");
        }
    }

    #[test]
    fn whole_texts() {
        check("web", &["web"], &["web2", "aweb", ""]);
        check("w.b", &["web", "wéb"], &["wb", "w\nb"]);
        check("web|db", &["web", "db"], &["webdb", "web|db"]);
        check(r"a\d+", &["a1", "a12"], &["a", "a١"]);
        check("[a-z]+-(x|y)", &["ab-x"], &["ab-", "AB-x"]);
        check(".*", &["", "anything"], &[]);
        assert!(Pattern::whole("[").is_err());
        assert!(Pattern::whole("a(").is_err());
    }
}
