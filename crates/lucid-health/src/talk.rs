//! What is said over an open line: a GET, a TLS greeting, or nothing at all. Whatever comes back, little of it is read.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// The most of a body that is kept, to be shown when it is no success.
const KEPT: usize = 2048;
/// A refusal takes its way through the kubelet: a line that nobody has cut by then is taken to be accepted.
const ACCEPTED_AFTER: Duration = Duration::from_millis(700);

/// A line to a port.
pub(crate) trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// The beginning of the body.
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn words(&self) -> String {
        format!("{} {}", self.code, self.text.trim()).trim_end().to_owned()
    }
}

/// GETs a path, in HTTP/1.1.
pub(crate) async fn get(line: impl Line + 'static, host: &str, path: &str) -> Result<Reply, String> {
    let request = Request::get(path)
        .header(hyper::header::HOST, host)
        .header(hyper::header::USER_AGENT, "lucid-health")
        .header(hyper::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("{path} is no path that can be asked for: {error}"))?;
    let said = |error: hyper::Error| match error {
        error if error.is_parse() => format!("what came back is not HTTP: {error}"),
        error if error.is_incomplete_message() => "the connection was closed without an answer".to_owned(),
        error => error.to_string(),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(line)).await.map_err(said)?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let code = response.status().as_u16();
        Ok(Reply { code, text: beginning(response.into_body()).await })
    };
    let driven = async move {
        // Ends when the line does; the exchange says what went wrong.
        let _ = connection.await;
        std::future::pending::<Result<Reply, hyper::Error>>().await
    };
    tokio::select! {
        biased;
        reply = exchange => reply.map_err(said),
        reply = driven => reply.map_err(said),
    }
}

async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < KEPT {
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            _ => break,
        }
    }
    bytes.truncate(KEPT);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Says nothing, and sees whether the line stays open: a server that waits for its client accepts.
pub(crate) async fn stays_open(mut line: impl Line) -> Result<(), String> {
    let mut first = [0; 1];
    match tokio::time::timeout(ACCEPTED_AFTER, line.read(&mut first)).await {
        // It greets, as databases do.
        Ok(Ok(1)) | Err(_) => Ok(()),
        Ok(Ok(_)) => Err("the connection was closed at once".into()),
        Ok(Err(error)) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// A server that reads a request and then says this, again and again if it is told to.
    fn server(says: &'static [u8], times: usize) -> tokio::io::DuplexStream {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let mut request = [0; 256];
            let _ = theirs.read(&mut request).await;
            for _ in 0..times {
                if theirs.write_all(says).await.is_err() {
                    return;
                }
            }
        });
        ours
    }

    async fn asked(says: &'static [u8], times: usize) -> Result<Reply, String> {
        get(server(says, times), "a.example", "/health?x=1").await
    }

    #[tokio::test]
    async fn an_answer_is_read() {
        let reply = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1).await.unwrap();
        assert_eq!((reply.code, reply.text.as_str()), (200, "ok"));
        let reply = asked(b"HTTP/1.1 503 Down\r\n\r\nno database", 1).await.unwrap();
        assert_eq!(reply.words(), "503 no database");
    }

    #[tokio::test]
    async fn garbage_and_silence_are_said() {
        let garbage = asked(b"\x15\x03\x01\x00\x02\x02\x50 what is this\r\n\r\n", 1).await.unwrap_err();
        assert!(garbage.contains("is not HTTP"), "{garbage}");
        let nothing = asked(b"", 1).await.unwrap_err();
        assert!(nothing.contains("without an answer"), "{nothing}");
        assert!(get(server(b"", 1), "a", "not a path").await.unwrap_err().contains("no path"));
    }

    #[tokio::test]
    async fn of_a_gigabyte_two_kibibytes_are_read() {
        const CHUNK: &[u8] = &[b'x'; 1 << 16];
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let writer = tokio::spawn(async move {
            let mut request = [0; 256];
            let _ = theirs.read(&mut request).await;
            let _ = theirs.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").await;
            let mut sent = 0;
            while theirs.write_all(CHUNK).await.is_ok() {
                sent += CHUNK.len();
            }
            sent
        });
        let reply = get(ours, "a", "/").await.unwrap();
        assert_eq!((reply.code, reply.text.len()), (200, KEPT));
        assert!(writer.await.unwrap() < 2 << 20, "nobody reads on");
        // A head that never ends is cut off too.
        let endless = asked(b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 1 << 20).await;
        assert!(endless.is_err(), "{endless:?}");
    }

    #[tokio::test]
    async fn a_port_accepts_when_it_greets_or_waits() {
        let (waits, _held) = tokio::io::duplex(64);
        assert_eq!(stays_open(waits).await, Ok(()));
        let (greets, mut other) = tokio::io::duplex(64);
        other.write_all(b"+OK").await.unwrap();
        assert_eq!(stays_open(greets).await, Ok(()));
        let (cut, other) = tokio::io::duplex(64);
        drop(other);
        assert_eq!(stays_open(cut).await, Err("the connection was closed at once".into()));
    }
}
