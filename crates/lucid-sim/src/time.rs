//! RFC 3339 stamps to and from seconds since 1970, without a clock.

/// `2026-01-31T12:00:00Z`.
pub(crate) fn format_seconds(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `2026-01-31T12:00:00.000000Z`, as Leases and events carry it.
pub(crate) fn format_micros(micros: i64) -> String {
    let text = format_seconds(micros.div_euclid(1_000_000));
    format!("{}.{:06}Z", text.trim_end_matches('Z'), micros.rem_euclid(1_000_000))
}

/// Seconds since 1970; a fraction is dropped, an offset is honoured.
pub(crate) fn parse_seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, offset) = split_offset(time)?;
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    in_range.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Microseconds since 1970, of a stamp with exactly six digits behind the point.
pub(crate) fn parse_micros(text: &str) -> Option<i64> {
    let seconds = parse_seconds(text)?;
    let (_, fraction) = text.split_once('.')?;
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
    (digits.len() == 6).then_some(seconds * 1_000_000 + digits.parse::<i64>().ok()?)
}

/// What Go says of a text that does not fit a layout: the part that does not, and the part of the layout.
pub(crate) fn parse_error(text: &str, layout: &str) -> String {
    let micros = layout.contains(".000000");
    let (rest, part) = match text.get(..19).filter(|_| parse_seconds(text).is_some()) {
        Some(begin) if micros => (&text[begin.len()..], ".000000"),
        _ => (text, "2006"),
    };
    format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}")
}

fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    Some((&time[..at], if time.as_bytes()[at] == b'-' { -seconds } else { seconds }))
}

/// Days since 1970 of a date of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: i64, text: &str) {
        assert_eq!(format_seconds(seconds), text);
        assert_eq!(parse_seconds(text), Some(seconds));
    }

    #[test]
    fn stamps_round_trip() {
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_767_225_599, "2025-12-31T23:59:59Z");
        check(-1, "1969-12-31T23:59:59Z");
    }

    #[test]
    fn fractions_and_offsets() {
        assert_eq!(parse_seconds("1970-01-01T01:00:00.5+01:00"), Some(0));
        assert_eq!(parse_seconds("yesterday"), None);
        assert_eq!(parse_seconds("2026-13-01T00:00:00Z"), None);
        assert_eq!(parse_micros("1970-01-01T00:00:01.250000Z"), Some(1_250_000));
        assert_eq!(parse_micros("1970-01-01T00:00:01.25Z"), None);
        assert_eq!(format_micros(1_500_000), "1970-01-01T00:00:01.500000Z");
    }
}
