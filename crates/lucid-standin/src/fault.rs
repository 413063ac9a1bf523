//! What may go wrong with a stand-in, on command.

use std::str::FromStr;
use std::time::Duration;

/// All that goes wrong with one stand-in; nothing, unless it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Every answer waits this long.
    pub(crate) slow: Option<Duration>,
    /// Health alternates, beginning well, and changes after each such time.
    pub(crate) flapping: Option<Duration>,
    /// It ends with an error this long after its start.
    pub(crate) crash: Option<Duration>,
    /// Bytes that it takes each second and never gives back.
    pub(crate) leak: Option<usize>,
    /// It listens one port beside its own.
    pub(crate) wrong_port: bool,
    /// It is never healthy.
    pub(crate) unhealthy: bool,
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let after = |default| value.map_or(Ok(default), time).map(Some);
            match (name, value) {
                ("slow", _) => faults.slow = after(Duration::from_secs(5))?,
                ("flapping", _) => faults.flapping = after(Duration::from_secs(10))?,
                ("crash", _) => faults.crash = after(Duration::from_secs(1))?,
                ("leak", _) => faults.leak = value.map_or(Ok(32 << 20), bytes).map(Some)?,
                ("wrong-port", None) => faults.wrong_port = true,
                ("unhealthy", None) => faults.unhealthy = true,
                _ => {
                    return Err(format!(
                        "`{word}` is none of slow, flapping, crash, leak (these take `=…`), wrong-port, unhealthy"
                    ));
                }
            }
        }
        Ok(faults)
    }
}

impl Faults {
    /// True while health fails on purpose, this long after the start.
    pub(crate) fn spoils_health(&self, running: Duration) -> bool {
        let flaps = |period: Duration| !(running.as_millis() / period.as_millis().max(1)).is_multiple_of(2);
        self.unhealthy || self.flapping.is_some_and(flaps)
    }
}

/// `2s` or `500ms`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let (number, of): (&str, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => (text.strip_suffix('s').unwrap_or(""), Duration::from_secs),
    };
    let number: u64 = number.parse().map_err(|_| "expected a time such as 2s or 500ms".to_owned())?;
    (number <= 1_000_000).then(|| of(number)).ok_or_else(|| "longer than anyone waits".to_owned())
}

/// `16Mi`, `512Ki` or a number of bytes.
fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = match (text.strip_suffix("Mi"), text.strip_suffix("Ki")) {
        (Some(number), _) => (number, 1 << 20),
        (_, Some(number)) => (number, 1 << 10),
        _ => (text, 1),
    };
    let number = number.parse().ok().and_then(|number: usize| number.checked_mul(unit));
    number.ok_or_else(|| "expected a size such as 16Mi".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_combine_and_have_defaults() {
        let faults: Faults = "slow=200ms, leak=16Mi,crash,wrong-port".parse().expect("faults");
        let expect = Faults {
            slow: Some(Duration::from_millis(200)),
            leak: Some(16 << 20),
            crash: Some(Duration::from_secs(1)),
            wrong_port: true,
            ..Faults::default()
        };
        assert_eq!(faults, expect);
        assert_eq!("".parse::<Faults>(), Ok(Faults::default()));
    }

    #[test]
    fn health_that_flaps_begins_well() {
        let faults: Faults = "flapping=10s".parse().expect("faults");
        let seen: Vec<bool> = [0, 9, 10, 19, 20].map(|s| faults.spoils_health(Duration::from_secs(s))).into();
        assert_eq!(seen, [false, false, true, true, false]);
        assert!(!Faults::default().spoils_health(Duration::from_secs(15)));
    }

    #[test]
    fn a_switch_takes_no_value_and_sizes_do_not_overflow() {
        assert!("wrong-port=1".parse::<Faults>().is_err());
        assert!("leak=18446744073709551615Mi".parse::<Faults>().is_err());
        assert!("slow=s".parse::<Faults>().is_err());
    }
}
