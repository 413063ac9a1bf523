//! What `lucid.yaml` only names: addresses, keys and tokens, from environment variables and files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::http::Uri;
use ::http::uri::Scheme;
use lucid_https::is_loopback;
use lucid_release::Notification;
use lucid_release::load::is_repository;
use lucid_release::notification::{Email, Github, Source};

use crate::door::{Door, email};

/// No address, key or token is longer.
const LIMIT: u64 = 16 << 10;
/// A key that can be guessed signs nothing.
const SHORTEST_KEY: usize = 16;

/// Where values come from.
pub struct Outside<'a> {
    /// That of the release file.
    pub folder: &'a Path,
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// Somebody who can be told.
pub struct Receiver {
    pub notification: Notification,
    pub(crate) door: Door,
    /// What must not be seen, for a redactor.
    pub secrets: Vec<String>,
}

/// Why somebody cannot be told. It names places, never values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    #[error("{0}")]
    Missing(String),
    #[error("{place} {what}")]
    Wrong { place: String, what: &'static str },
}

impl Receiver {
    /// # Errors
    /// A value is not there, or it is not what it should be.
    pub fn new(notification: &Notification, outside: &Outside<'_>) -> Result<Self, Unready> {
        let mut values = Values { outside, seen: Vec::new() };
        let door = if let Some(slack) = &notification.slack {
            Door::Slack { url: values.address(&slack.url)? }
        } else if let Some(webhook) = &notification.webhook {
            let url = values.address(&webhook.url)?;
            Door::Webhook { url, key: values.key(&webhook.key)? }
        } else if let Some(email) = &notification.email {
            values.email(email)?
        } else if let Some(github) = &notification.github {
            values.github(github)?
        } else {
            return Err(Unready::Missing("it has no door".to_owned()));
        };
        Ok(Self { notification: notification.clone(), door, secrets: values.seen })
    }

    /// What it is told through.
    pub fn door(&self) -> &'static str {
        self.door.name()
    }
}

struct Values<'a> {
    outside: &'a Outside<'a>,
    seen: Vec<String>,
}

impl Values<'_> {
    fn get(&mut self, source: &Source) -> Result<String, Unready> {
        let value = match source {
            Source::Env(name) => (self.outside.variable)(name).unwrap_or_default(),
            Source::File(path) => read(&self.outside.folder.join(path))
                .map_err(|why| Unready::Missing(format!("file {path} cannot be read: {why}")))?,
        };
        let value = value.trim().to_owned();
        if value.is_empty() {
            return Err(Unready::Missing(format!("{} is empty", place(source))));
        }
        self.seen.push(value.clone());
        Ok(value)
    }

    /// An https address; http on loopback only. What stands in it is never shown, not even the host.
    fn address(&mut self, source: &Source) -> Result<Uri, Unready> {
        let text = self.get(source)?;
        address(&text).map_err(|what| Unready::Wrong { place: place(source), what })
    }

    fn key(&mut self, source: &Source) -> Result<String, Unready> {
        let key = self.get(source)?;
        match key.len() < SHORTEST_KEY {
            true => {
                Err(Unready::Wrong { place: place(source), what: "is shorter than 16 characters, which is no key" })
            }
            false => Ok(key),
        }
    }

    fn email(&mut self, email: &Email) -> Result<Door, Unready> {
        let url = self.get(&email.url)?;
        let wrong = |what| Unready::Wrong { place: place(&email.url), what };
        // The password alone is a secret too.
        if let Some((user, _)) = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')) {
            let password = user.split_once(':').map_or(user, |(_, password)| password);
            self.seen.push(password.to_owned());
        }
        let letter = email::Addresses::parse(&email.from, &email.to)
            .ok_or(Unready::Wrong { place: "`from` or `to`".to_owned(), what: "is no e-mail address" })?;
        Ok(Door::Email { server: email::Server::parse(&url).map_err(wrong)?, letter })
    }

    fn github(&mut self, github: &Github) -> Result<Door, Unready> {
        let token = self.get(&github.token)?;
        let variable = |name: &str| (self.outside.variable)(name).filter(|value| !value.is_empty());
        let repository = github.repository.clone().or_else(|| variable("GITHUB_REPOSITORY"));
        let repository = repository.filter(|name| is_repository(name)).ok_or_else(|| {
            Unready::Missing("neither `repository` nor GITHUB_REPOSITORY names a repository".to_owned())
        })?;
        let of_the_runner = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        let api = match &github.api {
            Some(source) => self.get(source)?,
            None => of_the_runner,
        };
        let wrong = |what| Unready::Wrong { place: "the address of GitHub's API".to_owned(), what };
        let base = format!("{}/repos/{repository}/deployments", api.trim_end_matches('/'));
        Ok(Door::Github { deployments: address(&base).map_err(wrong)?, token })
    }
}

fn place(source: &Source) -> String {
    match source {
        Source::Env(name) => format!("environment variable {name}"),
        Source::File(path) => format!("file {path}"),
    }
}

fn read(path: &Path) -> Result<String, &'static str> {
    let mut text = String::new();
    let file = File::open(path).map_err(|_| "it is not there, or may not be opened")?;
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(|_| "it is no text")?;
    if text.len() as u64 > LIMIT { Err("it is too large") } else { Ok(text) }
}

fn address(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "is no address")?;
    let host = uri.host().unwrap_or_default();
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("has a user in its address; use a header's token or a key instead");
    }
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS && !host.is_empty() => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Ok(uri),
        _ => Err("is no https address"),
    }
}
