//! Cron schedules: when the next moment is.

/// The minutes, hours, days, months and weekdays that a schedule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    every: Option<i64>,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Five fields, or a word such as `@daily` or `@every 90s`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(every) = text.strip_prefix("@every ") {
            let seconds = go_seconds(every.trim())?;
            let any = Self {
                every: Some(seconds.max(1)),
                minutes: 0,
                hours: 0,
                days: 0,
                months: 0,
                weekdays: 0,
                any_day: true,
                any_weekday: true,
            };
            return Some(any);
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let sevens = field(weekdays, 0, 7, &WEEKDAYS)?;
        Some(Self {
            every: None,
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: if sevens & (1 << 7) != 0 { sevens | 1 } else { sevens },
            any_day: starts_with_any(days),
            any_weekday: starts_with_any(weekdays),
        })
    }

    /// The first moment after `from`, both in seconds since 1970; `None` when there is none within five years.
    pub(crate) fn next(&self, from: i64) -> Option<i64> {
        if let Some(every) = self.every {
            return Some(from + every);
        }
        let mut at = (from / 60 + 1) * 60;
        let limit = from + 5 * 366 * 86_400;
        while at < limit {
            let (month, day, weekday) = calendar(at);
            if self.months & (1 << month) == 0 || !self.is_day(day, weekday) {
                at = (at / 86_400 + 1) * 86_400;
            } else if self.hours & (1 << (at / 3600 % 24)) == 0 {
                at = (at / 3600 + 1) * 3600;
            } else if self.minutes & (1 << (at / 60 % 60)) == 0 {
                at += 60;
            } else {
                return Some(at);
            }
        }
        None
    }

    /// Where both days are restricted, either will do.
    fn is_day(&self, day: u32, weekday: u32) -> bool {
        let (day, weekday) = (self.days & (1 << day) != 0, self.weekdays & (1 << weekday) != 0);
        if self.any_day || self.any_weekday { day && weekday } else { day || weekday }
    }
}

fn starts_with_any(field: &str) -> bool {
    field.starts_with(['*', '?'])
}

fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    text.split(',').map(|part| range(part, least, most, names)).try_fold(0, |bits, part| Some(bits | part?))
}

/// `*`, `5`, `1-5`, each with `/step`.
fn range(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let (span, step) = text.split_once('/').unwrap_or((text, "1"));
    let step: u32 = step.parse().ok().filter(|step| *step > 0)?;
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + least.min(1));
        named.or_else(|| text.parse().ok()).filter(|number| (least..=most).contains(number))
    };
    let (first, last) = match span {
        "*" | "?" => (least, most),
        _ => match span.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(span)?, if text.contains('/') { most } else { number(span)? }),
        },
    };
    (first <= last).then(|| (first..=last).step_by(step as usize).fold(0, |bits, number| bits | 1 << number))
}

/// Month, day and weekday of a moment.
fn calendar(at: i64) -> (u32, u32, u32) {
    let text = crate::time::format_seconds(at);
    let number = |range: std::ops::Range<usize>| text[range].parse().unwrap_or(0);
    let weekday = u32::try_from((at.div_euclid(86_400) + 4).rem_euclid(7)).unwrap_or(0);
    (number(5..7), number(8..10), weekday)
}

/// `1h30m`, `90s`.
fn go_seconds(text: &str) -> Option<i64> {
    let (mut total, mut digits) = (0, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total += digits.parse::<i64>().ok()? * unit;
        digits.clear();
    }
    digits.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{format_seconds, parse_seconds};

    #[track_caller]
    fn check(schedule: &str, from: &str, expect: &str) {
        let next = Schedule::parse(schedule).unwrap().next(parse_seconds(from).unwrap());
        assert_eq!(format_seconds(next.unwrap()), expect, "{schedule}");
    }

    #[test]
    fn the_next_moment() {
        check("*/5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z");
        check("30 2 * * *", "2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z");
        check("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
        check("0 9 * * mon-fri", "2026-01-02T10:00:00Z", "2026-01-05T09:00:00Z");
        check("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        check("0 12 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T12:00:00Z");
        check("15 10 1 jan,jul *", "2026-01-02T00:00:00Z", "2026-07-01T10:15:00Z");
        check("@hourly", "2026-01-01T00:59:59Z", "2026-01-01T01:00:00Z");
        check("@every 1h30m", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z");
        check("1-10/3 * * * *", "2026-01-01T00:02:00Z", "2026-01-01T00:04:00Z");
    }

    #[test]
    fn not_a_schedule() {
        for text in ["", "* * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "@never", "a * * * *"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
        assert_eq!(Schedule::parse("0 0 31 2 *").unwrap().next(0), None);
    }
}
