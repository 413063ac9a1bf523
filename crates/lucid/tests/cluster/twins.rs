//! The simulator beside a real API server: the same random requests to both, and every difference explained or mended.
//!
//! The real one is a second kube-apiserver on the cluster's etcd, under a prefix of its own and without controllers, so
//! that nobody but the test writes to it. The simulator runs without controllers too. `LUCID_TWINS_SEED` and
//! `LUCID_TWINS_COUNT` choose another run, `LUCID_TWINS_LOG` names a file for the whole conversation.

/// What is compared, and in which form.
#[path = "twins/canonical.rs"]
mod canonical;
/// Differences that stay, each with its reason.
#[path = "twins/differences.rs"]
mod differences;
/// Objects to begin with, and what is done to them.
#[path = "twins/hardened.rs"]
mod hardened;
#[path = "twins/objects.rs"]
mod objects;
/// The random conversation.
#[path = "twins/requests.rs"]
mod requests;
/// The two servers.
#[path = "twins/servers.rs"]
mod servers;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use crate::figure::figure;
use canonical::{Identities, canonical, first_difference};
use requests::{Conversation, Request};
use servers::{Answer, Real, Server, Simulated};

/// Differences of the test run's 500 requests that nobody has explained or mended yet. It may only become smaller; the
/// soak, whose requests are others, allows the same share.
const OPEN: usize = lucid_sim::SCORE.twins.1 as usize;

/// How many differences are shown; the log holds all.
const SHOWN: usize = 40;

#[test]
fn the_simulator_answers_as_the_server_does() {
    let soak = env::var_os("LUCID_SOAK").is_some();
    let number = |name: &str, default: usize| env::var(name).ok().map_or(default, |text| text.parse().expect(name));
    let count = number("LUCID_TWINS_COUNT", if soak { 5_000 } else { lucid_sim::SCORE.twins.0 as usize });
    let seed = number("LUCID_TWINS_SEED", 1) as u64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(compare(seed, count));
    figure(&format!("twins: {} requests, {} unexplained differences", report.requests, report.unexplained.len()));
    assert!(report.unexplained.len() <= OPEN * count / 500, "{report}");
    assert!(report.requests >= count && report.kinds.len() >= 15, "{report}");
}

#[derive(Default)]
struct Report {
    seed: u64,
    requests: usize,
    /// Requests by kind, and how many of them both servers refused.
    kinds: BTreeMap<&'static str, (usize, usize)>,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
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

async fn compare(seed: u64, count: usize) -> Report {
    let real = Real::start().await;
    let simulated = Simulated::start().await;
    let mut report = Report { seed, ..Report::default() };
    let mut identities = Identities::default();
    let mut conversation = Conversation::new(seed);
    let mut log = env::var_os("LUCID_TWINS_LOG").map(|_| String::new());
    while report.requests < count {
        let request = conversation.next();
        let there = real.send(&identities.for_real(&request)).await;
        let here = simulated.send(&identities.for_simulated(&request)).await;
        report.requests += 1;
        let counts = report.kinds.entry(request.kind).or_default();
        counts.0 += 1;
        counts.1 += usize::from(there.code >= 400);
        let same = examine(&mut report, &mut identities, &request, &there, &here);
        if let Some(log) = &mut log {
            let _ = writeln!(log, "{request}\n  real {there}\n  sim  {here}\n");
        }
        conversation.heard(&request, &there, same);
        if !same && there.code != here.code {
            // From here on the two would go different ways with this object.
            for server in [&real as &dyn Server, &simulated] {
                server.forget(&request).await;
            }
        }
    }
    if let (Some(log), Some(path)) = (log, env::var_os("LUCID_TWINS_LOG")) {
        std::fs::write(path, log).expect("write the log");
    }
    report
}

/// Whether the two answers are the same, or differ as is known of them.
fn examine(
    report: &mut Report,
    identities: &mut Identities,
    request: &Request,
    real: &Answer,
    simulated: &Answer,
) -> bool {
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
