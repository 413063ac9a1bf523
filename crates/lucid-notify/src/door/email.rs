//! E-mail by SMTP, over TLS; in plain text on loopback only.

use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use lucid_https::is_loopback;

use crate::limits::Limits;
use crate::send::Failed;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The server's address with user and password.
pub(crate) struct Server(String);

impl Server {
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("is no address of a mail server")?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host =
            host.rsplit_once(':').map_or(host, |(host, port)| if port.ends_with(']') { authority } else { host });
        let query = rest.split_once('?').map(|(_, query)| query);
        let is_encrypted = scheme == "smtps" || (scheme == "smtp" && query == Some("tls=required"));
        if rest.contains('#') {
            return Err("has a # in it; write %23");
        }
        let is_local = scheme == "smtp" && is_loopback(host);
        if !is_encrypted && !is_local {
            return Err("must begin with smtps://, or with smtp:// and end with ?tls=required");
        }
        Transport::from_url(url).map_err(|_| "is no address of a mail server")?;
        Ok(Self(url.to_owned()))
    }
}

pub(crate) struct Addresses {
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Addresses {
    pub(crate) fn parse(from: &str, to: &[String]) -> Option<Self> {
        let to: Option<Vec<Mailbox>> = to.iter().map(|one| one.parse().ok()).collect();
        Some(Self { from: from.parse().ok()?, to: to.filter(|to| !to.is_empty())? })
    }

    fn letter(&self, subject: &str, text: &str) -> Result<lettre::Message, Failed> {
        let to = self.to.iter().cloned();
        let builder = to.fold(MessageBuilder::new().from(self.from.clone()), MessageBuilder::to);
        let envelope =
            Envelope::new(Some(self.from.email.clone()), self.to.iter().map(|mailbox| mailbox.email.clone()).collect());
        let builder = builder.envelope(envelope.map_err(|_| Failed::Nonsense)?).subject(subject);
        let builder = builder.header(ContentType::TEXT_PLAIN);
        builder.body(format!("{text}\n")).map_err(|_| Failed::Nonsense)
    }
}

pub(crate) async fn tell(
    limits: Limits,
    server: &Server,
    addresses: &Addresses,
    subject: &str,
    text: &str,
) -> Result<(), Failed> {
    let letter = addresses.letter(subject, text)?;
    let builder = Transport::from_url(&server.0).map_err(|_| Failed::Nonsense)?;
    let transport = builder.timeout(Some(limits.attempt)).build();
    let sent = limits
        .patiently(async || transport.send(letter.clone()).await.map(drop).map_err(|error| (failed(&error), None)));
    sent.await
}

/// In our own words: the server's may be anything.
fn failed(error: &Error) -> Failed {
    match error.status() {
        Some(code) if error.is_permanent() => Failed::Refused(u16::from(code)),
        Some(code) => Failed::Status(u16::from(code)),
        None if error.is_timeout() => Failed::TimedOut,
        None if error.is_tls() => Failed::Certificate,
        None if error.is_response() || error.is_client() => Failed::Nonsense,
        None => Failed::Connect,
    }
}
