//! What can go wrong in a rehearsal, written so that a person can read it and `--replay` can take it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lucid_sim::Fault;

/// What a trial does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// The first deployment, onto an empty cluster.
    Install,
    /// Every workload gets another image.
    Upgrade,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A request that changes something, by its number.
    Request(usize, Fault),
    /// Every watch ends, as when an API server restarts.
    WatchesEnd(Duration),
    /// Every watch ends, and the versions it could go on from are forgotten.
    HistoryExpires(Duration),
}

/// A trial: what is done, and what goes wrong meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) case: Case,
    pub(super) seed: u64,
    pub(super) troubles: Vec<Trouble>,
}

/// The faults that one request can meet.
pub(super) const FAULTS: [Fault; 10] = [
    Fault::DieBefore,
    Fault::DieAfter,
    Fault::Late(5),
    Fault::Lost,
    Fault::AnswerLost,
    Fault::Refused(409),
    Fault::Refused(429),
    Fault::Refused(500),
    Fault::Refused(503),
    Fault::Refused(504),
];

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = if self.case == Case::Install { "install" } else { "upgrade" };
        write!(f, "{case},seed={}", self.seed)?;
        self.troubles.iter().try_for_each(|trouble| write!(f, ",{trouble}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(number, fault) => match fault {
                Fault::DieBefore => write!(f, "die-before={number}"),
                Fault::DieAfter => write!(f, "die-after={number}"),
                Fault::Late(steps) => write!(f, "die-late-{steps}={number}"),
                Fault::Lost => write!(f, "lost={number}"),
                Fault::AnswerLost => write!(f, "answer-lost={number}"),
                Fault::Refused(code) => write!(f, "refused-{code}={number}"),
            },
            Self::WatchesEnd(at) => write!(f, "watches-end={}s", at.as_secs_f64()),
            Self::HistoryExpires(at) => write!(f, "history-expires={}s", at.as_secs_f64()),
        }
    }
}

impl FromStr for Choices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let case = match parts.next() {
            Some("install") => Case::Install,
            Some("upgrade") => Case::Upgrade,
            _ => return Err("choices begin with `install` or `upgrade`".into()),
        };
        let mut choices = Self { case, seed: 1, troubles: Vec::new() };
        for part in parts {
            match part.strip_prefix("seed=") {
                Some(seed) => choices.seed = seed.parse().map_err(|_| format!("{seed} is no seed"))?,
                None => choices.troubles.push(part.parse()?),
            }
        }
        Ok(choices)
    }
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text} is nothing that can go wrong in a rehearsal");
        let (what, value) = text.split_once('=').ok_or_else(unknown)?;
        let seconds = || {
            let number = value.strip_suffix('s').and_then(|number| number.parse::<f64>().ok());
            number.and_then(|number| Duration::try_from_secs_f64(number).ok()).ok_or_else(unknown)
        };
        let fault = match what {
            "watches-end" => return Ok(Self::WatchesEnd(seconds()?)),
            "history-expires" => return Ok(Self::HistoryExpires(seconds()?)),
            "die-before" => Fault::DieBefore,
            "die-after" => Fault::DieAfter,
            "lost" => Fault::Lost,
            "answer-lost" => Fault::AnswerLost,
            _ => match (what.strip_prefix("die-late-"), what.strip_prefix("refused-")) {
                (Some(steps), _) => Fault::Late(steps.parse().map_err(|_| unknown())?),
                (_, Some(code)) => Fault::Refused(code.parse().map_err(|_| unknown())?),
                _ => return Err(unknown()),
            },
        };
        Ok(Self::Request(value.parse().map_err(|_| unknown())?, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        let mut troubles: Vec<Trouble> = FAULTS.iter().map(|fault| Trouble::Request(17, *fault)).collect();
        troubles.push(Trouble::WatchesEnd(Duration::from_millis(2500)));
        troubles.push(Trouble::HistoryExpires(Duration::from_secs(9)));
        let choices = Choices { case: Case::Upgrade, seed: 7, troubles };
        assert_eq!(choices.to_string().parse(), Ok(choices));
        let short = Choices { case: Case::Install, seed: 1, troubles: vec![Trouble::Request(3, Fault::Lost)] };
        assert_eq!("install, lost=3".parse(), Ok(short));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, wrong) in [("lost=3", "begin with"), ("install,lost=x", "lost=x"), ("install,flood=3", "flood=3")] {
            assert!(text.parse::<Choices>().unwrap_err().contains(wrong), "{text}");
        }
    }
}
