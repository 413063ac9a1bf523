//! A webhook that takes Slack's messages; Mattermost, Rocket.Chat, Discord (`/slack`) and Google's gateways do as well.

use http::Uri;
use serde_json::json;

use crate::http::{Ask, Http};
use crate::send::Failed;

pub(crate) async fn tell(http: &Http, url: &Uri, text: &str) -> Result<(), Failed> {
    http.send(&Ask::post(url.clone(), &json!({"text": escaped(text)}))).await.map(drop)
}

/// Slack's three signs: without them `<!channel>` in a reason would call everybody, and a link could wear another's name.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
