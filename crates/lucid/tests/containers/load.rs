//! A client that opens a new connection for every request, whatever came of the one before.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How many clients ask, and how often each does: 60 connections a second together.
const CLIENTS: usize = 6;
const EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(5);
/// It ends by itself, should nobody stop it.
const LONGEST: Duration = Duration::from_secs(300);

/// Requests that are being sent until this is stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Answers>>,
    began: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Revision → how often it answered.
    pub(crate) by_revision: BTreeMap<String, usize>,
    pub(crate) failed: Vec<String>,
    pub(crate) took: Duration,
}

impl Load {
    pub(crate) fn on(address: &str, path: &'static str) -> Self {
        let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let client = |number: u32| {
            let (stop, address) = (stop.clone(), address.to_owned());
            thread::spawn(move || {
                let mut answers = Answers::default();
                let mut next = began + EVERY * number / 6;
                while !stop.load(Ordering::Relaxed) && began.elapsed() < LONGEST {
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                    next += EVERY;
                    match ask(&address, path) {
                        Ok(revision) => *answers.by_revision.entry(revision).or_default() += 1,
                        Err(error) => answers.failed.push(format!("{:.1} s: {error}", began.elapsed().as_secs_f64())),
                    }
                }
                answers
            })
        };
        let clients = (0..CLIENTS as u32).map(client).collect();
        Self { stop, clients, began }
    }

    pub(crate) fn stop(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Answers::default();
        for client in self.clients {
            let answers = client.join().expect("a client");
            for (revision, count) in answers.by_revision {
                *all.by_revision.entry(revision).or_default() += count;
            }
            all.failed.extend(answers.failed);
        }
        all.took = self.began.elapsed();
        all
    }
}

impl Answers {
    pub(crate) fn count(&self) -> usize {
        self.by_revision.values().sum::<usize>() + self.failed.len()
    }

    pub(crate) fn revisions(&self) -> Vec<&str> {
        self.by_revision.keys().map(String::as_str).collect()
    }

    /// In words, for people.
    pub(crate) fn told(&self) -> String {
        let rate = self.count() as f64 / self.took.as_secs_f64();
        format!("{} requests, {rate:.0} a second, {} failed, {:?}", self.count(), self.failed.len(), self.by_revision)
    }
}

/// The revision that answered.
fn ask(address: &str, path: &str) -> Result<String, String> {
    let (status, body) = get(address, path).map_err(|error| error.to_string())?;
    let about: Value = serde_json::from_str(&body).map_err(|error| format!("{status}: {error}: {body:?}"))?;
    match (status, about["revision"].as_str()) {
        (200, Some(revision)) => Ok(revision.to_owned()),
        _ => Err(format!("{status}: {body:?}")),
    }
}

/// Status and body of one request on a connection of its own.
pub(crate) fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    get_for(address, address, path)
}

/// The same, for a host name.
pub(crate) fn get_for(address: &str, host: &str, path: &str) -> std::io::Result<(u16, String)> {
    let at = address.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.take(64 * 1024).read_to_string(&mut text)?;
    parts(&text)
}

/// Status and body of an answer.
pub(crate) fn parts(text: &str) -> std::io::Result<(u16, String)> {
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other("no HTTP"))?;
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    Ok((status.ok_or_else(|| std::io::Error::other("no status"))?, body.to_owned()))
}
