//! The services that this one calls: waited for at the start, watched afterwards.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::settings::Peer;
use crate::state::State;

const WAIT: Duration = Duration::from_millis(250);
const WATCH: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts up: takes its time, then waits for every service without which it cannot work.
pub(crate) async fn start(state: &State) {
    sleep(state.settings.startup).await;
    for peer in state.settings.needed() {
        let mut said = false;
        while let Err(error) = reach(peer).await {
            state.saw(&peer.name, false);
            if !said {
                println!("waiting for {} at {}: {error}", peer.name, peer.address);
                said = true;
            }
            sleep(WAIT).await;
        }
        state.saw(&peer.name, true);
    }
    state.start();
    println!("{} {} serves", state.settings.service.name, state.settings.revision);
}

/// Keeps asking; what it finds is told by the health endpoint and the metrics.
pub(crate) async fn watch(state: &State) {
    loop {
        for peer in &state.settings.peers {
            state.saw(&peer.name, reach(peer).await.is_ok());
        }
        sleep(WATCH).await;
    }
}

async fn reach(peer: &Peer) -> io::Result<()> {
    timeout(PATIENCE, TcpStream::connect(&peer.address)).await??;
    Ok(())
}
