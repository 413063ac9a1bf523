//! Block scalars as go-yaml writes them. Folded ones change when kustomize writes them and reads them back.
//!
//! go-yaml's writer doubles each single line break that follows a line without indentation, also before a line with one,
//! and none at all where the text begins with a blank. What its reader then makes of it, ours does.

use std::borrow::Cow;

use super::emit::{is_break, printable};
use super::parse::parse;
use super::scalar::Style;

/// The text of a folded scalar after one round trip.
pub(super) fn reread(text: &str) -> Cow<'_, str> {
    let is_one_line = !text.strip_suffix('\n').unwrap_or(text).contains(is_break);
    if is_one_line || !block_allowed(text) {
        return text.into();
    }
    let read = parse(&format!("- {}", written(text, Style::Folded, 2)), 0).ok();
    let scalar = read.as_ref().and_then(|nodes| nodes.first()?.items().first()?.as_scalar());
    scalar.map_or(text.into(), |scalar| scalar.text.as_str().to_owned().into())
}

/// A text as go-yaml writes it as a block, behind its key or dash and without the line break that may follow; none where it
/// takes double quotes.
pub fn block(text: &str, style: Style, indent: usize) -> Option<String> {
    block_allowed(text).then(|| {
        let block = written(text, style, indent);
        block.strip_suffix('\n').map(str::to_owned).unwrap_or(block)
    })
}

fn written(text: &str, style: Style, indent: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    write(&mut out, text, style, indent);
    out
}

/// Its indicators and its lines.
pub(super) fn write(out: &mut String, text: &str, style: Style, indent: usize) {
    out.push(if style == Style::Folded { '>' } else { '|' });
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        out.push('2');
    }
    let mut ends = text.chars().rev();
    match (ends.next().is_some_and(is_break), ends.next()) {
        (false, _) => out.push('-'),
        (true, None) => out.push('+'),
        (true, Some(before)) if is_break(before) => out.push('+'),
        (true, Some(_)) => {}
    }
    out.push('\n');
    let blank = |c: char| matches!(c, ' ' | '\t');
    let doubles = style == Style::Folded && !text.trim_start_matches(is_break).starts_with(blank);
    let (mut after_break, mut is_indented) = (true, true);
    for c in text.chars() {
        if is_break(c) {
            if c == '\n' && doubles && !after_break && !is_indented {
                out.push('\n');
            }
        } else if after_break {
            out.extend(std::iter::repeat_n(' ', indent));
            is_indented = blank(c);
        }
        out.push(c);
        after_break = is_break(c);
    }
}

/// Where a block scalar cannot hold the text, the writer uses double quotes, which keep it.
pub(super) fn block_allowed(text: &str) -> bool {
    let mut before = None;
    let is_blank_before_break = text.chars().any(|c| before.replace(c) == Some(' ') && is_break(c));
    !text.ends_with(' ') && !is_blank_before_break && text.chars().all(|c| c == '\t' || printable(c))
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

    #[test]
    fn other_line_breaks() {
        check("a\n\u{2028} b\n", "a\n\n\u{2028} b\n");
        check("a\n  \u{2028}", "a\n  \u{2028}");
    }
}
