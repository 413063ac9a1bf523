//! A deployment of a GitHub repository and its statuses. Nothing is kept between runs: the newest deployment of this commit
//! to this environment that `lucid` has made is the one.

use http::Uri;
use serde_json::{Value, json};

use lucid_release::NotifyEvent;

use crate::http::{Ask, Http};
use crate::message::Message;
use crate::send::Failed;

/// Tells our deployments from those that GitHub makes for a job with an environment.
const TASK: &str = "deploy:lucid";
/// GitHub's own limit of a status' description.
const DESCRIPTION: usize = 140;
const ANSWER: usize = 1 << 20;

pub(crate) async fn tell(
    http: &Http,
    deployments: &Uri,
    token: &str,
    message: &Message,
    text: &str,
) -> Result<(), Failed> {
    let known = match message.event {
        NotifyEvent::Start => None,
        _ => find(http, deployments, token, message).await?,
    };
    let id = match known {
        Some(id) => id,
        None => create(http, deployments, token, message).await?,
    };
    let mut status = json!({
        "state": state(message.event), "environment": message.environment,
        "description": text.chars().take(DESCRIPTION).collect::<String>(),
    });
    if !message.link.is_empty() {
        status["log_url"] = Value::String(message.link.clone());
    }
    let uri = below(deployments, &format!("/{id}/statuses"))?;
    http.send(&with_token(Ask::post(uri, &status), token)?).await.map(drop)
}

fn state(event: NotifyEvent) -> &'static str {
    match event {
        NotifyEvent::Start => "in_progress",
        NotifyEvent::Success => "success",
        NotifyEvent::Failure => "failure",
        // What was asked for is not what serves.
        NotifyEvent::Rollback => "error",
    }
}

async fn find(http: &Http, deployments: &Uri, token: &str, message: &Message) -> Result<Option<u64>, Failed> {
    let query = format!(
        "?task={}&environment={}&sha={}&per_page=1",
        quoted(TASK),
        quoted(&message.environment),
        quoted(&message.commit)
    );
    let ask = with_token(Ask::get(below(deployments, &query)?).answered(ANSWER), token)?;
    let answer: Value = serde_json::from_slice(&http.send(&ask).await?).map_err(|_| Failed::Nonsense)?;
    let list = answer.as_array().ok_or(Failed::Nonsense)?;
    list.first().map(|first| first["id"].as_u64().ok_or(Failed::Nonsense)).transpose()
}

async fn create(http: &Http, deployments: &Uri, token: &str, message: &Message) -> Result<u64, Failed> {
    let wanted = json!({
        "ref": message.commit, "environment": message.environment, "task": TASK, "auto_merge": false,
        // Whether it may be deployed was decided elsewhere.
        "required_contexts": [], "description": message.headline().chars().take(DESCRIPTION).collect::<String>(),
    });
    let ask = with_token(Ask::post(deployments.clone(), &wanted).answered(ANSWER), token)?;
    let answer: Value = serde_json::from_slice(&http.send(&ask).await?).map_err(|_| Failed::Nonsense)?;
    answer["id"].as_u64().ok_or(Failed::Nonsense)
}

fn with_token(ask: Ask, token: &str) -> Result<Ask, Failed> {
    ask.header("authorization", &format!("Bearer {token}"))?
        .header("accept", "application/vnd.github+json")?
        .header("x-github-api-version", "2022-11-28")
}

fn below(deployments: &Uri, rest: &str) -> Result<Uri, Failed> {
    format!("{deployments}{rest}").parse().map_err(|_| Failed::Nonsense)
}

fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
