//! Unquoted dates: go-yaml reads them as times, and JSON turns them into RFC 3339 strings.

/// The date or time in RFC 3339 with the zone kept, if the text is one in a notation that go-yaml knows.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let year_ok = bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    if !year_ok {
        return None;
    }
    let mut rest = Reader(&text[5..]);
    let year: u32 = text[..4].parse().ok()?;
    let month = rest.number(1, 12)?;
    rest.expect('-')?;
    let day = rest.number(1, days(year, month))?;
    if rest.0.is_empty() {
        return Some(format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
    }
    let spaced = rest.0.starts_with(' ');
    rest.one_of("Tt ")?;
    let hour = rest.number(0, 23)?;
    rest.expect(':')?;
    let minute = rest.number(0, 59)?;
    rest.expect(':')?;
    let second = rest.number(0, 59)?;
    let fraction = rest.fraction()?;
    let zone = if spaced { String::from("Z") } else { rest.zone()? };
    if !rest.0.is_empty() {
        return None;
    }
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn number(&mut self, least: u32, most: u32) -> Option<u32> {
        let digits = self.0.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let value = self.0[..digits].parse().ok()?;
        self.0 = &self.0[digits..];
        (least..=most).contains(&value).then_some(value)
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    fn one_of(&mut self, wanted: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(|c| wanted.contains(c))?;
        Some(())
    }

    /// A fraction of a second without trailing zeros, at most nine digits.
    fn fraction(&mut self) -> Option<String> {
        let Some(rest) = self.0.strip_prefix(['.', ',']) else { return Some(String::new()) };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let kept = rest[..digits.min(9)].trim_end_matches('0').to_owned();
        self.0 = &rest[digits..];
        Some(if kept.is_empty() { kept } else { format!(".{kept}") })
    }

    fn zone(&mut self) -> Option<String> {
        if let Some(rest) = self.0.strip_prefix('Z') {
            self.0 = rest;
            return Some("Z".into());
        }
        let sign = self.0.chars().next().filter(|c| matches!(c, '+' | '-'))?;
        let (hours, minutes) = self.0.get(1..6)?.split_once(':')?;
        let (h, m): (u32, u32) = (two_digits(hours)?, two_digits(minutes)?);
        if h > 24 || m > 59 {
            return None;
        }
        self.0 = &self.0[6..];
        Some(if h == 0 && m == 0 { "Z".into() } else { format!("{sign}{h:02}:{m:02}") })
    }
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_and_times() {
        for (text, want) in [
            ("2021-01-01", Some("2021-01-01T00:00:00Z")),
            ("2021-1-2", Some("2021-01-02T00:00:00Z")),
            ("2021-02-30", None),
            ("2024-02-29", Some("2024-02-29T00:00:00Z")),
            ("2021-01-01T10:00:00Z", Some("2021-01-01T10:00:00Z")),
            ("2021-01-01t1:2:3.500+02:00", Some("2021-01-01T01:02:03.5+02:00")),
            ("2021-01-01 10:00:00", Some("2021-01-01T10:00:00Z")),
            ("2021-01-01 10:00:00Z", None),
            ("2021-01-01T10:00:00", None),
            ("2021-01", None),
            ("12021-01-01", None),
            ("2021-01-01x", None),
        ] {
            assert_eq!(rfc3339(text).as_deref(), want, "{text}");
        }
    }
}
