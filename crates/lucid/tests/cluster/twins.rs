//! The simulator beside a real API server: the same random requests to both, and every difference explained or mended.
//!
//! The real one is a second kube-apiserver on the cluster's etcd, under a prefix of its own and without controllers, so
//! that nobody but the test writes to it. The simulator runs without controllers too. `LUCID_TWINS_SEED` and
//! `LUCID_TWINS_COUNT` choose another run, `LUCID_TWINS_LOG` names a file for the whole conversation,
//! `LUCID_TWINS_RECORD` one for the transcript that `sim.rs` plays without a cluster.

/// What is compared, and in which form.
#[path = "twins/canonical.rs"]
mod canonical;
/// Differences that stay, each with its reason.
#[path = "twins/differences.rs"]
mod differences;
/// Pod Security, word for word.
#[path = "twins/hardened.rs"]
mod hardened;
/// Objects to begin with, and what is done to them.
#[path = "twins/objects.rs"]
mod objects;
/// The real server.
#[path = "twins/real.rs"]
mod real;
/// What differs.
#[path = "twins/report.rs"]
mod report;
/// The random conversation.
#[path = "twins/requests.rs"]
mod requests;
/// What both servers are to the test, and the simulated one.
#[path = "twins/servers.rs"]
mod servers;
/// What the real server answered, kept for those who have none.
#[expect(dead_code, reason = "who records does not play")]
#[path = "twins/transcript.rs"]
mod transcript;

use std::env;
use std::fmt::Write as _;

use crate::figure::figure;
use canonical::Identities;
use real::Real;
use report::{Report, examine};
use requests::Conversation;
use servers::{Server, Simulated};
use transcript::{Step, Transcript};

/// Differences of the test run's 500 requests that nobody has explained or mended yet. It may only become smaller; the
/// soak, whose requests are others, allows the same share.
const OPEN: usize = lucid_sim::SCORE.twins.1 as usize;

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

async fn compare(seed: u64, count: usize) -> Report {
    let real = Real::start().await;
    let simulated = Simulated::start().await;
    let mut report = Report { seed, ..Report::default() };
    let mut identities = Identities::default();
    let mut conversation = Conversation::new(seed);
    let mut log = env::var_os("LUCID_TWINS_LOG").map(|_| String::new());
    let mut transcript = Transcript { seed, steps: Vec::new() };
    while report.requests < count {
        let request = conversation.next();
        let there = real.send(&identities.for_real(&request)).await;
        let here = simulated.send(&identities.for_simulated(&request)).await;
        let same = examine(&mut report, &mut identities, &request, &there, &here);
        if let Some(log) = &mut log {
            let _ = writeln!(log, "{request}\n  real {there}\n  sim  {here}\n");
        }
        conversation.heard(&request, &there, same);
        let parted = !same && there.code != here.code;
        transcript.steps.push(Step { there, same, parted });
        if parted {
            // From here on the two would go different ways with this object.
            for server in [&real as &dyn Server, &simulated] {
                server.forget(&request).await;
            }
        }
    }
    if let (Some(log), Some(path)) = (log, env::var_os("LUCID_TWINS_LOG")) {
        std::fs::write(path, log).expect("write the log");
    }
    if let Some(path) = env::var_os("LUCID_TWINS_RECORD") {
        transcript.write(path.as_ref());
    }
    report
}
