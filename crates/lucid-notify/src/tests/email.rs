//! A mail server that takes a letter, or says no.

use std::sync::{Arc, Mutex};

use lucid_release::NotifyEvent;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{LIMITS, receiver, tell};
use crate::Failed;
use crate::door::email::Server;

/// What one conversation was, line by line.
type Heard = Arc<Mutex<Vec<String>>>;

async fn server(recipients: &'static str) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heard = Heard::default();
    let notes = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = talk(stream, recipients, &notes).await;
        }
    });
    (format!("smtp://{address}"), heard)
}

async fn talk(stream: TcpStream, recipients: &str, notes: &Heard) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail\r\n").await?;
    let mut is_letter = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        notes.lock().expect("notes").push(line.trim_end().to_owned());
        let answer = match line.trim_end() {
            "." => "250 taken",
            _ if is_letter => continue,
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            rcpt if rcpt.starts_with("RCPT") => recipients,
            _ => "250 fine",
        };
        is_letter = answer.starts_with("354");
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn send(url: String) -> Result<(), Failed> {
    let yaml = json!({"name": "mail", "email": {"url": {"env": "SMTP"}, "from": "Lucid <lucid@example.com>",
        "to": ["ann@example.com", "bob@example.com"]}});
    tell(receiver(yaml, &[("SMTP", url)]).expect("ready"), NotifyEvent::Failure).await.outcome
}

#[tokio::test]
async fn a_letter_has_its_subject_its_receivers_and_the_sentence() {
    let (url, heard) = server("250 fine").await;
    assert_eq!(send(url).await, Ok(()));
    let heard = heard.lock().expect("notes").clone();
    for line in [
        "MAIL FROM:<lucid@example.com>",
        "RCPT TO:<ann@example.com>",
        "RCPT TO:<bob@example.com>",
        "Subject: shop to production: deploy FAILED",
    ] {
        assert!(heard.iter().any(|one| one.starts_with(line)), "{line}: {heard:#?}");
    }
    assert!(heard.join("\n").contains("redis failed (L3002)"));
}

#[tokio::test]
async fn a_server_that_says_no_is_asked_once_and_one_that_says_later_a_few_times() {
    for (answer, failed, times) in [
        ("550 no such user, password hush", Failed::Refused(550), 1),
        ("451 later", Failed::Status(451), LIMITS.attempts as usize),
    ] {
        let (url, heard) = server(answer).await;
        assert_eq!(send(url).await, Err(failed));
        let heard = heard.lock().expect("notes").clone();
        assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), times, "{answer}");
    }
}

#[test]
fn a_password_travels_by_tls_or_on_loopback() {
    for (url, is_taken) in [
        ("smtps://u:p@mail.example", true),
        ("smtp://u:p@mail.example:587?tls=required", true),
        ("smtp://127.0.0.1:2525", true),
        ("smtp://[::1]:2525", true),
        ("smtp://u:p@mail.example", false),
        ("smtp://u:p@mail.example?tls=opportunistic", false),
        ("smtp://u:p@mail.example?x=?tls=required", false),
        ("smtp://u:p@mail.example#?tls=required", false),
        ("smtp://127.0.0.1@mail.example", false),
        ("https://mail.example", false),
        ("mail.example", false),
    ] {
        assert_eq!(Server::parse(url).is_ok(), is_taken, "{url}");
    }
}
