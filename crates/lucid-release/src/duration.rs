//! Durations as Go and Kubernetes write them: `90s`, `15m`, `1h30m`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time that reads and prints in Go's notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).map(Self).ok_or_else(|| format!("{text:?} is not a duration; write it like 90s, 15m or 1h30m"))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number * seconds_of(&rest[..unit_end])?;
        rest = &rest[unit_end..];
    }
    Duration::try_from_secs_f64(total).ok()
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

impl fmt::Display for Span {
    /// `1h30m`, `12.4s`, `350ms`: as exact as a person cares for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 if self.0.is_zero() => write!(f, "0s"),
            0 => write!(f, "{}ms", self.0.as_millis().max(1)),
            1..60 if self.0.subsec_millis() >= 100 => write!(f, "{}.{}s", seconds, self.0.subsec_millis() / 100),
            1..60 => write!(f, "{seconds}s"),
            60..3600 if seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            60..3600 => write!(f, "{}m{}s", seconds / 60, seconds % 60),
            _ if seconds.is_multiple_of(3600) => write!(f, "{}h", seconds / 3600),
            _ => write!(f, "{}h{}m", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time, like 90s, 15m or 1h30m.",
            "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), shown);
    }

    #[test]
    fn reads_what_go_reads() {
        check("90s", "1m30s");
        check("15m", "15m");
        check("1h30m", "1h30m");
        check("1.5s", "1.5s");
        check("250ms", "250ms");
        check("2h", "2h");
        check("0s", "0s");
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "15", "m", "1d", "-1s", "1s2"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
