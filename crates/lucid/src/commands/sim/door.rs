//! The door: connections on a loopback port, TLS, then HTTP/1.1 or HTTP/2 as the client chose.

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use lucid_sim::Sim;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A client that does not shake hands must not keep its connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What one client may have under way on a connection: every informer of a large client is one watch.
const STREAMS: u32 = 1000;

/// Takes connections until it is stopped.
pub(super) async fn accept(listener: TcpListener, tls: TlsAcceptor, sim: Sim) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, tls.clone(), sim.clone()))),
            // Out of file descriptors, or the client has gone already: others may still come.
            Err(error) => {
                tracing::debug!(%error, "accept");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// One connection, to its end. How a client hangs up is its own affair.
async fn serve(stream: TcpStream, tls: TlsAcceptor, sim: Sim) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_concurrent_streams(STREAMS);
    let service = TowerToHyperService::new(sim.service());
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection");
    }
}
