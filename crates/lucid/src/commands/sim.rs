//! `lucid sim`: the simulated Kubernetes on a loopback port, for kubectl, helm and any other client.

mod certificate;
mod door;
mod kubeconfig;
pub(super) mod state;

use std::net::SocketAddr;

use jiff::Timestamp;
use lucid_sim::{Config, Sim};
use tokio::net::TcpListener;

use crate::cli::{Global, SimArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &SimArgs, outlet: &Outlet) -> Result<Exit> {
    let address = loopback(&args.listen)?;
    let file = global.kubeconfig.as_deref().ok_or_else(|| {
        Failure::usage("clients need a kubeconfig to find the simulation")
            .help("name a file to write it to: --kubeconfig FILE")
    })?;
    kubeconfig::check(file)?;
    let scenario = super::scenario::read(args.scenario.as_deref())?;
    let token = token()?;
    outlet.keep_secret(&token);
    let config = Config {
        seed: args.seed,
        start: Timestamp::now().as_second(),
        latency: if args.scenario.is_some() { scenario.latency } else { std::time::Duration::ZERO },
        speed: args.speed,
        token: Some(token.clone()),
        controllers: !args.api_only,
        ..scenario
    };
    let sim = match args.state.as_deref() {
        Some(path) => state::open(path, config)?,
        None => Sim::new(config),
    };
    super::runtime()?.block_on(serve(&sim, address, file, &token, args, outlet))
}

async fn serve(
    sim: &Sim,
    address: SocketAddr,
    file: &std::path::Path,
    token: &str,
    args: &SimArgs,
    outlet: &Outlet,
) -> Result<Exit> {
    let mut signals = super::signals();
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Failed, format!("listen on {address}: {error}"))
            .help("choose another port, or port 0 for any that is free")
    })?;
    let address = listener.local_addr()?;
    let identity = certificate::make()?;
    kubeconfig::write(file, address, &identity.authority, token)?;
    outlet.result(&format!(
        "simulated Kubernetes 1.37 at https://{address}\nexport KUBECONFIG={}\n",
        std::path::absolute(file)?.display()
    ));
    let running = sim.clone();
    let driver = tokio::spawn(async move { running.run().await });
    let doors = tokio::spawn(door::accept(listener, identity.tls, sim.clone()));
    signals.recv().await;
    doors.abort();
    driver.abort();
    if let Some(path) = args.state.as_deref() {
        state::save(path, sim)?;
        outlet.talk(&format!("saved the cluster to {}\n", path.display()));
    }
    Ok(Exit::Done)
}

/// The simulation knows no secrets of its own worth keeping, but it is a server: nobody else on the network may ask it.
fn loopback(text: &str) -> Result<SocketAddr> {
    let address: SocketAddr = text.parse().map_err(|_| {
        Failure::usage(format!("--listen {text}: no address and port"))
            .help("write 127.0.0.1:PORT or [::1]:PORT; port 0 takes any that is free")
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(Failure::usage(format!("--listen {text}: the simulation answers on loopback addresses only"))
        .help("write 127.0.0.1:PORT or [::1]:PORT; use ssh -L to reach it from elsewhere"))
}

fn token() -> Result<String> {
    let mut bytes = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::new(Exit::Failed, "the system gives no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_only() {
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:6443").is_ok() && loopback("127.1.2.3:1").is_ok());
        for refused in ["0.0.0.0:6443", "10.0.0.1:6443", "[::]:6443", "localhost:6443", "6443", ""] {
            let failure = loopback(refused).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{refused}");
            assert!(failure.help.unwrap().contains("127.0.0.1:PORT"));
        }
    }
}
