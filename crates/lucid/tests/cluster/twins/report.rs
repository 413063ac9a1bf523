//! What differs between the two answers to each request, and what of it is known.

use std::collections::BTreeMap;
use std::env;

use super::canonical::{Identities, canonical, first_difference};
use super::differences;
use super::requests::Request;
use super::servers::Answer;

/// How many differences are shown; the log holds all.
const SHOWN: usize = 40;

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) requests: usize,
    /// Requests by kind, and how many of them both servers refused.
    pub(crate) kinds: BTreeMap<&'static str, (usize, usize)>,
    pub(crate) explained: BTreeMap<&'static str, usize>,
    pub(crate) unexplained: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = env::var("LUCID_TWINS_SHOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(SHOWN);
        for difference in self.unexplained.iter().take(shown) {
            writeln!(f, "{difference}")?;
        }
        writeln!(
            f,
            "seed {}: {} requests, {} unexplained differences",
            self.seed,
            self.requests,
            self.unexplained.len()
        )?;
        writeln!(f, "explained: {:?}", self.explained)?;
        write!(f, "by kind (all, refused): {:?}", self.kinds)
    }
}

/// Counts the request, and says whether the two answers are the same, or differ as is known of them.
pub(crate) fn examine(
    report: &mut Report,
    identities: &mut Identities,
    request: &Request,
    real: &Answer,
    simulated: &Answer,
) -> bool {
    report.requests += 1;
    let counts = report.kinds.entry(request.kind).or_default();
    counts.0 += 1;
    counts.1 += usize::from(real.code >= 400);
    identities.learn(request, real, simulated);
    let (there, here) =
        (canonical(identities.real(), request, real), canonical(identities.simulated(), request, simulated));
    let Some(difference) = first_difference(&there, &here) else { return true };
    if let Some(name) = differences::explained(request, &there, &here) {
        *report.explained.entry(name).or_default() += 1;
        return there.code == here.code;
    }
    report.unexplained.push(format!("#{} {request}\n  {difference}\n", report.requests));
    false
}
