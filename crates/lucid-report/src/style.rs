//! Colours, which are never the only carrier of a meaning.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub fn active(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }
}

/// Pads to a width in columns.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Cuts to a width in columns, with an ellipsis.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + c.to_string().width() + 1 > width {
            break;
        }
        out.push(c);
    }
    format!("{out}…")
}

/// `12.4s`, `1m05s`: time as it goes by.
pub fn seconds(duration: std::time::Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    format!("{}m{:02}s", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn text_is_cut_and_padded_by_columns() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(pad("日", 4), "日  ");
    }

    #[test]
    fn time_is_short() {
        assert_eq!(seconds(Duration::from_millis(12_440)), "12.4s");
        assert_eq!(seconds(Duration::from_secs(65)), "1m05s");
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint(false).bad("x"), "x");
        assert!(Paint(true).bad("x").contains("\u{1b}["));
    }
}
