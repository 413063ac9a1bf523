//! Telling everybody at once; one that cannot be told keeps no other from it.

use crate::door::Doorway;
use crate::limits::Limits;
use crate::message::Message;
use crate::outside::Receiver;

/// Why somebody was not told, without a word that the other side has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("nobody answers there")]
    Connect,
    #[error("its certificate is not trusted")]
    Certificate,
    #[error("it did not answer in time")]
    TimedOut,
    #[error("the connection broke")]
    Broken,
    #[error("its answer is longer than it may be")]
    TooLarge,
    #[error("its answer is not what it should be")]
    Nonsense,
    #[error("it leads to another address, which is not followed")]
    Redirect,
    #[error("it answered {0}")]
    Status(u16),
    /// For good: a mail server's 5xx.
    #[error("it refused with {0}")]
    Refused(u16),
}

impl Failed {
    /// Another attempt may go better.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::Connect | Self::TimedOut | Self::Broken => true,
            Self::Status(status) => matches!(status, 408 | 421 | 425 | 429 | 450..=459 | 500..=599),
            Self::Refused(_) | Self::Certificate | Self::TooLarge | Self::Nonsense | Self::Redirect => false,
        }
    }

    /// What whoever set it up can do.
    pub fn help(self) -> &'static str {
        match self {
            Self::Connect | Self::TimedOut | Self::Broken => "check the address and the network",
            Self::Certificate => "check the address, and the certificate authorities of this system",
            Self::Status(401 | 403) => "check the key or token: it is refused",
            Self::Status(404 | 410) => "check the address: the receiver does not know it (any more)",
            Self::Refused(_) => "check the user, the password and the addresses",
            Self::Redirect => "give the address that it leads to",
            Self::Status(_) | Self::TooLarge | Self::Nonsense => "check that the address is that of such a receiver",
        }
    }
}

/// What became of it, by the receiver's name.
#[derive(Debug)]
pub struct Told {
    pub name: String,
    pub door: &'static str,
    pub outcome: Result<(), Failed>,
}

/// Tells each receiver that wants such events.
pub async fn tell(receivers: &[Receiver], message: &Message, limits: Limits) -> Vec<Told> {
    let wanted = receivers.iter().filter(|receiver| receiver.notification.wants(message.event));
    let doorway = Doorway::new(limits);
    let telling = wanted.map(async |receiver| {
        let text = message.text(receiver.notification.template.as_ref());
        let outcome = doorway.pass(&receiver.door, message, &text).await;
        Told { name: receiver.notification.name.clone(), door: receiver.door.name(), outcome }
    });
    futures::future::join_all(telling).await
}
