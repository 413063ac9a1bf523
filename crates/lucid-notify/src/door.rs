//! The doors through which people and programs are told.

pub(crate) mod email;
mod github;
mod slack;
mod webhook;

use http::Uri;

use crate::http::Http;
use crate::limits::Limits;
use crate::message::Message;
use crate::send::Failed;

pub(crate) enum Door {
    Slack { url: Uri },
    Webhook { url: Uri, key: String },
    Email { server: email::Server, letter: email::Addresses },
    Github { deployments: Uri, token: String },
}

impl Door {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Slack { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Email { .. } => "email",
            Self::Github { .. } => "github",
        }
    }
}

/// What all doors share.
pub(crate) struct Doorway {
    http: Http,
    limits: Limits,
}

impl Doorway {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { http: Http::new(limits), limits }
    }

    pub(crate) async fn pass(&self, door: &Door, message: &Message, text: &str) -> Result<(), Failed> {
        match door {
            Door::Slack { url } => slack::tell(&self.http, url, text).await,
            Door::Webhook { url, key } => webhook::tell(&self.http, url, key, &message.object(text)).await,
            Door::Email { server, letter } => email::tell(self.limits, server, letter, &message.headline(), text).await,
            Door::Github { deployments, token } => github::tell(&self.http, deployments, token, message, text).await,
        }
    }
}
