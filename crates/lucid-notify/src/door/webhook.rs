//! Any program: a JSON object, signed over its bytes as GitHub signs its own webhooks.

use hmac::{Hmac, KeyInit, Mac};
use http::Uri;
use serde_json::Value;
use sha2::Sha256;

use crate::http::{Ask, Http, hex};
use crate::send::Failed;

/// `sha256=` and the HMAC-SHA256 of the body, in hexadecimal digits.
const SIGNATURE: &str = "x-lucid-signature-256";
/// The same in every attempt.
const DELIVERY: &str = "x-lucid-delivery";

pub(crate) async fn tell(http: &Http, url: &Uri, key: &str, object: &Value) -> Result<(), Failed> {
    let ask = Ask::post(url.clone(), object);
    let signature = signature(key, &ask.body);
    let ask = ask.header(SIGNATURE, &signature)?.header(DELIVERY, object["id"].as_str().unwrap_or_default())?;
    http.send(&ask).await.map(drop)
}

fn signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length will do");
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation ("Validating webhook deliveries").
    #[test]
    fn the_signature_is_what_everybody_verifies() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
