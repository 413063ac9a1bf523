//! The check of JSON Web Tokens: signed by the release's Ed25519 key, and valid now (RFC 7519, RFC 8037).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::DecodePublicKey;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

/// A token longer than this is not looked at.
const LONGEST: usize = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a token is needed: Authorization: Bearer …")]
    Missing,
    #[error("the token is malformed, or not signed with EdDSA")]
    Malformed,
    #[error("the token was signed by someone else")]
    Forged,
    #[error("the token is not valid at this time")]
    Untimely,
}

/// The key in a PEM file of the kind that `openssl pkey -pubout` writes.
pub(crate) fn public_key(pem: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_public_key_pem(pem).ok()
}

/// Checks the value of an `Authorization` header at this time, in seconds since 1970.
pub(crate) fn check(header: Option<&str>, key: &VerifyingKey, now: u64) -> Result<(), Refused> {
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refused::Missing)?;
    if token.len() > LONGEST {
        return Err(Refused::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    // The algorithm is compared, never chosen by the token.
    if json(header)?["alg"] != "EdDSA" {
        return Err(Refused::Malformed);
    }
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| Refused::Malformed)?;
    key.verify_strict(signed.as_bytes(), &signature).map_err(|_| Refused::Forged)?;
    let claims = json(claims)?;
    let ends = claims["exp"].as_u64().ok_or(Refused::Untimely)?;
    let begins = claims["nbf"].as_u64().unwrap_or(0);
    if now < begins || now >= ends { Err(Refused::Untimely) } else { Ok(()) }
}

fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)
}

fn json(text: &str) -> Result<Value, Refused> {
    serde_json::from_slice(&decode(text)?).map_err(|_| Refused::Malformed)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::json;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn token(header: &Value, claims: &Value, by: &SigningKey) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(by.sign(signed.as_bytes()).to_bytes()))
    }

    #[track_caller]
    fn check_token(header: Value, claims: Value, by: u8, expect: Result<(), Refused>) {
        let token = token(&header, &claims, &key(by));
        assert_eq!(check(Some(&token), &key(1).verifying_key(), 1000), expect);
    }

    #[test]
    fn a_token_counts_when_it_is_ours_and_its_time_is_now() {
        let eddsa = || json!({"alg": "EdDSA"});
        check_token(eddsa(), json!({"exp": 1001}), 1, Ok(()));
        check_token(eddsa(), json!({"exp": 1000}), 1, Err(Refused::Untimely));
        check_token(eddsa(), json!({"exp": 1001, "nbf": 1001}), 1, Err(Refused::Untimely));
        check_token(eddsa(), json!({}), 1, Err(Refused::Untimely));
        check_token(eddsa(), json!({"exp": 1001}), 2, Err(Refused::Forged));
    }

    #[test]
    fn a_token_does_not_choose_its_algorithm() {
        check_token(json!({"alg": "none"}), json!({"exp": 1001}), 1, Err(Refused::Malformed));
        check_token(json!({"alg": "HS256"}), json!({"exp": 1001}), 1, Err(Refused::Malformed));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let ours = key(1).verifying_key();
        for (header, expect) in [
            (None, Refused::Missing),
            (Some("Basic YTpi"), Refused::Missing),
            (Some("Bearer x"), Refused::Malformed),
            (Some("Bearer .."), Refused::Malformed),
            (Some("Bearer e30.e30.e30"), Refused::Malformed),
        ] {
            assert_eq!(check(header, &ours, 1000), Err(expect), "{header:?}");
        }
        let long = format!("Bearer {}", "a.".repeat(LONGEST));
        assert_eq!(check(Some(&long), &ours, 1000), Err(Refused::Malformed));
    }

    #[test]
    fn the_key_is_read_from_pem() {
        // RFC 8410, 10.1.
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        assert!(public_key(pem).is_some());
        assert!(public_key("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n").is_none());
    }
}
