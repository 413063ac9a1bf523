//! The simulator beside a real API server, without one: what the real one once answered to the same requests is kept in
//! `transcript.json.zst`. Record it anew when the conversation changes: in a cluster (`cargo xtask cluster exec`),
//! `LUCID_TWINS_RECORD=FILE cargo test -p lucid --test cluster the_simulator_answers`.

#[path = "../cluster/twins/canonical.rs"]
mod canonical;
#[path = "../cluster/twins/differences.rs"]
mod differences;
#[path = "../cluster/twins/objects.rs"]
mod objects;
#[path = "../cluster/twins/report.rs"]
mod report;
#[path = "../cluster/twins/requests.rs"]
mod requests;
#[path = "../cluster/twins/servers.rs"]
mod servers;
#[path = "../cluster/twins/transcript.rs"]
mod transcript;

use canonical::Identities;
use report::{Report, examine};
use requests::Conversation;
use servers::{Server, Simulated};
use transcript::Transcript;

#[test]
fn the_simulator_answers_as_the_server_did() {
    let transcript = Transcript::read(include_bytes!("transcript.json.zst"));
    assert!(transcript.steps.len() >= 500, "{} requests", transcript.steps.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(play(&transcript));
    assert!(report.unexplained.len() <= lucid_sim::SCORE.twins.1 as usize, "{report}");
    assert!(report.kinds.len() >= 15, "{report}");
}

async fn play(transcript: &Transcript) -> Report {
    let simulated = Simulated::start().await;
    let mut report = Report { seed: transcript.seed, ..Report::default() };
    let mut identities = Identities::default();
    let mut conversation = Conversation::new(transcript.seed);
    for step in &transcript.steps {
        let request = conversation.next();
        let here = simulated.send(&identities.for_simulated(&request)).await;
        examine(&mut report, &mut identities, &request, &step.there, &here);
        // The conversation goes on as it did then, whatever the simulator says today.
        conversation.heard(&request, &step.there, step.same);
        if step.parted {
            simulated.forget(&request).await;
        }
    }
    report
}
