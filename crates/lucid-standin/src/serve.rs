//! Listening on a service's ports, and an orderly end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::answer;
use crate::service::Speaks;
use crate::state::State;

/// How many connections a port has at a time; more wait.
const CONNECTIONS: usize = 4096;
const HEADER: Duration = Duration::from_secs(10);
/// A connection on which nothing is said.
const IDLE: Duration = Duration::from_secs(300);

#[derive(Debug, thiserror::Error)]
#[error("listen on {address}: {source}")]
pub(crate) struct Error {
    address: SocketAddr,
    source: std::io::Error,
}

/// What is served on one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Service(Speaks),
    Metrics,
}

/// Everything that listens. While a connection is open, it holds a clone of the sender `alive`.
pub(crate) struct Listening {
    stop: watch::Sender<bool>,
    gone: tokio::sync::mpsc::Receiver<()>,
}

/// Listens on all ports of the service, or on none.
pub(crate) async fn listen(state: &Arc<State>) -> Result<Listening, Error> {
    let settings = &state.settings;
    let doors = settings.ports().map(|(port, speaks)| (port, Door::Service(speaks)));
    let mut open = Vec::new();
    for (port, door) in doors.chain([(settings.service.metrics, Door::Metrics)]) {
        let address = SocketAddr::new(settings.bind, port);
        let listener = TcpListener::bind(address).await.map_err(|source| Error { address, source })?;
        open.push((listener, door));
    }
    let (stop, stopping) = watch::channel(false);
    let (alive, gone) = tokio::sync::mpsc::channel(1);
    for (listener, door) in open {
        tokio::spawn(accept(listener, door, state.clone(), stopping.clone(), alive.clone()));
    }
    Ok(Listening { stop, gone })
}

impl Listening {
    /// Takes no new connections, and gives requests under way this long to end.
    pub(crate) async fn close(mut self, within: Duration) -> bool {
        let _ = self.stop.send(true);
        timeout(within, self.gone.recv()).await.is_ok()
    }
}

async fn accept(
    listener: TcpListener,
    door: Door,
    state: Arc<State>,
    mut stopping: watch::Receiver<bool>,
    alive: tokio::sync::mpsc::Sender<()>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, say: others may be given back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (state, stopping, alive) = (state.clone(), stopping.clone(), alive.clone());
        tokio::spawn(async move {
            converse(stream, door, state, stopping).await;
            drop((place, alive));
        });
    }
}

async fn converse(stream: TcpStream, door: Door, state: Arc<State>, mut stopping: watch::Receiver<bool>) {
    match door {
        Door::Service(Speaks::Http) | Door::Metrics => http(stream, door, state, stopping).await,
        Door::Service(Speaks::Redis) => until_stopped(redis(stream), &mut stopping).await,
        Door::Service(Speaks::Silence) => until_stopped(silence(stream), &mut stopping).await,
    }
}

async fn until_stopped(work: impl Future<Output = ()>, stopping: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = work => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

async fn http(stream: TcpStream, door: Door, state: Arc<State>, mut stopping: watch::Receiver<bool>) {
    let answer = service_fn(|request| respond(request, door, state.clone()));
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER).max_buf_size(32 * 1024);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // A client that breaks off is no event here.
    let _ = connection.await;
}

async fn respond(request: Request<Incoming>, door: Door, state: Arc<State>) -> Result<answer::Answer, Infallible> {
    if door == Door::Metrics {
        return Ok(answer::metrics(&state, request.uri().path()));
    }
    if let Some(time) = state.settings.faults.slow {
        sleep(time).await;
    }
    let answer = answer::service(&state, request.uri().path(), request.headers());
    state.answered(answer.status().as_u16());
    Ok(answer)
}

/// Answers `PING`, alone on a line or as an array of one, and refuses everything else.
async fn redis(stream: TcpStream) {
    let (read, mut write) = stream.into_split();
    // A client that says a lot without a line's end is not listened to for ever.
    let mut lines = BufReader::new(read.take(64 * 1024)).lines();
    while let Ok(Ok(Some(line))) = timeout(IDLE, lines.next_line()).await {
        let answer: &[u8] = match line.trim() {
            word if word.eq_ignore_ascii_case("ping") => b"+PONG\r\n",
            "" => continue,
            word if word.starts_with(['*', '$']) => continue,
            _ => b"-ERR a stand-in only answers PING\r\n",
        };
        if write.write_all(answer).await.is_err() {
            return;
        }
    }
}

async fn silence(mut stream: TcpStream) {
    let mut heard = [0; 1024];
    while let Ok(Ok(1..)) = timeout(IDLE, stream.read(&mut heard)).await {}
}
