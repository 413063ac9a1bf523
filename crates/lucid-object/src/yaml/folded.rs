//! Folded scalars change when kustomize writes them and reads them back; this is that change.
//!
//! go-yaml's writer doubles the line break before a more indented line, and forgets to double any where the text
//! begins with a blank; its reader then keeps or loses one break.

use std::borrow::Cow;

/// The text of a folded scalar after one round trip.
pub(super) fn reread(text: &str) -> Cow<'_, str> {
    if !text.trim_end_matches('\n').contains('\n') && !text.ends_with("\n\n") || !block_allowed(text) {
        return text.into();
    }
    let doubles = !text.trim_start_matches('\n').starts_with([' ', '\t']);
    let body = text.trim_end_matches('\n');
    let start = body.len() - body.trim_start_matches('\n').len();
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(&body[..start]);
    let mut lines = Lines(&body[start..]);
    let Some((mut previous, mut breaks)) = lines.take() else { return text.into() };
    out.push_str(previous);
    while breaks > 0 {
        let Some((line, next)) = lines.take() else { break };
        let blank = |line: &str| line.starts_with([' ', '\t']);
        let written = breaks + usize::from(doubles && !blank(previous));
        match (blank(previous) || blank(line), written) {
            (true, n) => out.extend(std::iter::repeat_n('\n', n)),
            (false, 1) => out.push(' '),
            (false, n) => out.extend(std::iter::repeat_n('\n', n - 1)),
        }
        out.push_str(line);
        (previous, breaks) = (line, next);
    }
    out.push_str(&text[body.len()..]);
    if text.ends_with("\n\n") && doubles && !previous.starts_with([' ', '\t']) {
        out.push('\n');
    }
    out.into()
}

/// Where a block scalar cannot hold the text, the writer uses double quotes, which keep it.
fn block_allowed(text: &str) -> bool {
    !text.ends_with(' ') && !text.contains(" \n") && text.chars().all(|c| c == '\t' || super::emit::printable(c))
}

/// Splits a text into lines, each with the number of breaks behind it.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    fn take(&mut self) -> Option<(&'a str, usize)> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.find('\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.trim_start_matches('\n');
        Some((line, rest.len() - self.0.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::reread;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(reread(text), want);
    }

    #[test]
    fn round_trips() {
        check("one line\n", "one line\n");
        check("a\nb\n", "a\nb\n");
        check("a\n\nb\n", "a\n\nb\n");
        check("a\n\n", "a\n\n\n");
        check("a\n  more\nb\n", "a\n\n  more\nb\n");
        check(" first is blank\nb\nc\n", " first is blank\nb c\n");
    }
}
