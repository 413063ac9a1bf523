//! Anchors, aliases, tags, and the directives that a document may begin with.

use super::{Fault, Mark, Result, Scanner, What, fault};

/// Letters of anchors and tag handles.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_uri(byte: u8) -> bool {
    is_name(byte)
        || matches!(
            byte,
            b';' | b'/'
                | b'?'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']'
                | b'%'
        )
}

impl<'t> Scanner<'t> {
    pub(super) fn anchor_or_alias(&mut self, alias: bool) -> Result<()> {
        self.key_may_begin()?;
        self.key_allowed = false;
        let start = self.mark;
        self.step_ascii();
        let name = self.name();
        let ends = matches!(self.byte(0), Some(b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'));
        if name.is_empty() || !(ends || self.is_blank_or_end(0)) {
            return fault(
                start,
                "`&` and `*` begin anchors and aliases, whose names have letters, digits, `-` and `_`",
            );
        }
        self.push(if alias { What::Alias(name) } else { What::Anchor(name) }, start);
        Ok(())
    }

    fn name(&mut self) -> &'t str {
        let from = self.at;
        while self.byte(0).is_some_and(is_name) {
            self.step_ascii();
        }
        &self.text[from..self.at]
    }

    pub(super) fn tag(&mut self) -> Result<()> {
        self.key_may_begin()?;
        self.key_allowed = false;
        let start = self.mark;
        let (handle, suffix) = if self.byte(1) == Some(b'<') {
            self.step_ascii();
            self.step_ascii();
            let suffix = self.uri("", start)?;
            if self.byte(0) != Some(b'>') {
                return fault(start, "a tag that begins with `!<` ends with `>`");
            }
            self.step_ascii();
            ("", suffix)
        } else {
            let handle = self.handle(start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                (handle, self.uri("", start)?)
            } else {
                match self.uri(handle, start)? {
                    suffix if suffix.is_empty() => ("", "!".to_owned()),
                    suffix => ("!", suffix),
                }
            }
        };
        if !self.is_blank_or_end(0) {
            return fault(start, "a blank is missing behind the tag");
        }
        self.push(What::Tag { handle, suffix }, start);
        Ok(())
    }

    /// `!`, `!name` or `!name!`.
    fn handle(&mut self, start: Mark) -> Result<&'t str> {
        let from = self.at;
        if self.byte(0) != Some(b'!') {
            return fault(start, "a tag begins with `!`");
        }
        self.step_ascii();
        self.name();
        if self.byte(0) == Some(b'!') {
            self.step_ascii();
        }
        Ok(&self.text[from..self.at])
    }

    /// The rest of a tag; `head` is a part of it that was taken for a handle.
    fn uri(&mut self, head: &str, start: Mark) -> Result<String> {
        let mut uri = head.get(1..).unwrap_or_default().to_owned();
        let mut any = !head.is_empty();
        while let Some(byte) = self.byte(0).filter(|byte| is_uri(*byte)) {
            if byte == b'%' {
                uri.push(self.escaped(start)?);
            } else {
                uri.push(char::from(byte));
                self.step_ascii();
            }
            any = true;
        }
        if any { Ok(uri) } else { fault(start, "the name of the tag is missing") }
    }

    /// One character as percent-escaped bytes.
    fn escaped(&mut self, start: Mark) -> Result<char> {
        let mut bytes = Vec::with_capacity(4);
        loop {
            let digits = (self.byte(0) == Some(b'%')).then(|| self.text.get(self.at + 1..self.at + 3)).flatten();
            let byte = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let Some(byte) = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                return fault(start, "`%` in a tag begins two hexadecimal digits");
            };
            bytes.push(byte);
            (0..3).for_each(|_| self.step_ascii());
            let first = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
            match first {
                Some(c) => return Ok(c),
                None if bytes.len() == 4 => return fault(start, "the tag has an escape that is not UTF-8"),
                None => {}
            }
        }
    }

    /// `%YAML 1.1` or `%TAG !handle! prefix`.
    pub(super) fn directive(&mut self) -> Result<()> {
        self.dedent_to(-1);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.mark;
        self.step_ascii();
        let what = match self.name() {
            name if !name.is_empty() && !self.is_blank_or_end(0) => {
                return fault(start, "the name of a directive is followed by a blank");
            }
            "YAML" => {
                self.skip_blanks();
                let major = self.version_number(start)?;
                if self.byte(0) != Some(b'.') {
                    return fault(start, "a version like 1.1 is expected behind %YAML");
                }
                self.step_ascii();
                What::Version { major, minor: self.version_number(start)? }
            }
            "TAG" => {
                self.skip_blanks();
                let handle = self.handle(start)?;
                if (handle.len() > 1 && !handle.ends_with('!')) || !self.is_blank(0) {
                    return fault(start, "%TAG is followed by a handle like `!name!` and a prefix");
                }
                self.skip_blanks();
                let prefix = self.uri("", start)?;
                if !self.is_blank_or_end(0) {
                    return fault(start, "a blank or the end of the line is expected behind the prefix of %TAG");
                }
                What::TagDirective { handle, prefix }
            }
            other => {
                let message =
                    format!("`%` begins a directive, and {other:?} is none; put text that begins with `%` in quotes");
                return Err(Fault { mark: start, message: message.into() });
            }
        };
        self.skip_blanks();
        if self.byte(0) == Some(b'#') {
            self.skip_one_comment();
        }
        if !self.is_break_or_end(0) {
            return fault(start, "the directive goes on where its line should end");
        }
        if self.is_break(0) {
            self.step_line();
        }
        self.push(what, start);
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.step_ascii();
        }
    }

    fn version_number(&mut self, start: Mark) -> Result<u8> {
        let from = self.at;
        while self.byte(0).is_some_and(|b| b.is_ascii_digit()) && self.at - from < 3 {
            self.step_ascii();
        }
        match self.text[from..self.at].parse() {
            Ok(number) if self.at - from < 3 => Ok(number),
            _ => fault(start, "a version like 1.1 is expected behind %YAML"),
        }
    }
}
