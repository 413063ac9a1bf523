//! When CronJobs run: the form of schedules and time zones.
//!
//! Source: github.com/robfig/cron/v3 and k8s.io/kubernetes/pkg/apis/batch/validation.

use serde_json::Value;

use super::field::{At, Problems};
use crate::json::Json;

pub(super) fn check(spec: &Value, old: &Value, at: &At, problems: &mut Problems) {
    let (schedule, zone) = (spec.str("schedule"), spec.at("timeZone"));
    let schedule_at = at.child("schedule");
    if schedule.is_empty() {
        problems.required(&schedule_at, "");
    } else {
        if let Err(error) = parse(schedule) {
            problems.invalid(&schedule_at, schedule, error);
        }
        let zoned = schedule.contains("TZ");
        if zoned && !old.str("schedule").contains("TZ") {
            let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            problems.invalid(&schedule_at, schedule, detail);
        } else if zoned && !zone.is_null() {
            problems.invalid(&schedule_at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
        }
    }
    if old.is_null() || old.at("timeZone") != zone {
        time_zone(zone, &at.child("timeZone"), problems);
    }
}

fn time_zone(zone: &Value, at: &At, problems: &mut Problems) {
    let Some(name) = zone.as_str() else { return };
    if name.is_empty() {
        return problems.invalid(at, name, "timeZone must be nil or non-empty string");
    }
    let legal = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
        (1..=14).contains(&part.len())
            && part.chars().all(known)
            && !part.starts_with('-')
            && part != "."
            && part != ".."
    };
    if !name.split('/').all(legal) {
        return problems.invalid(at, name, format!("unknown time zone {name}"));
    }
    if name.eq_ignore_ascii_case("local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        problems.invalid(at, name, detail);
    }
    if !is_known_zone(name) {
        problems.invalid(at, name, format!("unknown time zone {name}"));
    }
}

/// The simulator has no table of time zones: it knows the areas, and trusts the places.
fn is_known_zone(name: &str) -> bool {
    const AREAS: [&str; 12] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Etc",
        "Europe",
        "Indian",
        "Pacific",
        "US",
    ];
    match name.split_once('/') {
        Some((area, _)) => AREAS.contains(&area),
        None => matches!(name, "UTC" | "GMT" | "EST" | "MST" | "HST" | "CET" | "EET" | "MET" | "WET" | "Local"),
    }
}

struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MONTHS: [&str; 13] = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Bounds; 5] = [
    Bounds { min: 0, max: 59, names: &[] },
    Bounds { min: 0, max: 23, names: &[] },
    Bounds { min: 1, max: 31, names: &[] },
    Bounds { min: 1, max: 12, names: &MONTHS },
    Bounds { min: 0, max: 6, names: &DAYS },
];

fn parse(schedule: &str) -> Result<(), String> {
    let mut rest = schedule;
    if schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=") {
        let zone = schedule.split_once('=').map_or("", |(_, zone)| zone);
        let Some((zone, after)) = zone.split_once(' ') else {
            // The parser falls over its own slice here, and the server reports that.
            return Err("invalid schedule format".into());
        };
        if !zone.is_empty() && !is_known_zone(zone) {
            return Err(format!("provided bad location {zone}: unknown time zone {zone}"));
        }
        rest = after.trim();
    }
    if rest.starts_with('@') {
        return descriptor(rest);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    fields.iter().zip(&FIELDS).try_for_each(|(field, bounds)| {
        field.split(',').filter(|part| !part.is_empty()).try_for_each(|part| range(part, bounds))
    })
}

fn descriptor(text: &str) -> Result<(), String> {
    match text {
        "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly" => Ok(()),
        _ => match text.strip_prefix("@every ") {
            Some(span) if span.ends_with(['s', 'm', 'h']) => Ok(()),
            Some(span) => Err(format!("failed to parse duration {text}: time: invalid duration {span:?}")),
            None => Err(format!("unrecognized descriptor: {text}")),
        },
    }
}

fn range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end) = if matches!(ends[0], "*" | "?") {
        (bounds.min, bounds.max)
    } else {
        let start = number(ends[0], bounds.names)?;
        match ends.len() {
            1 => (start, start),
            2 => (start, number(ends[1], bounds.names)?),
            _ => return Err(format!("too many hyphens: {text}")),
        }
    };
    let step = match parts.len() {
        1 => 1,
        2 => {
            let step = number(parts[1], &[])?;
            if ends.len() == 1 {
                end = bounds.max;
            }
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < bounds.min {
        return Err(format!("beginning of range ({start}) below minimum ({}): {text}", bounds.min));
    }
    if end > bounds.max {
        return Err(format!("end of range ({end}) above maximum ({}): {text}", bounds.max));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number(text: &str, names: &[&str]) -> Result<u64, String> {
    let lower = text.to_lowercase();
    if let Some(at) = names.iter().position(|name| !name.is_empty() && *name == lower) {
        return Ok(at as u64);
    }
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}")),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        for good in ["* * * * *", "*/5 0-3 1,15 jan-dec mon", "@daily", "@every 5m", "TZ=UTC 0 0 * * *"] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("@never", "unrecognized descriptor: @never"),
        ] {
            assert_eq!(parse(bad), Err(why.into()));
        }
    }
}
