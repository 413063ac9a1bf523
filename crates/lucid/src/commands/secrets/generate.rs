//! Random secrets of the kinds that a release can ask for. Values go to the cluster and nowhere else.

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_release::Generate;

/// The keys and values that one key asks for: most make one, key pairs make two.
pub(super) fn generate(kind: Generate, key: &str, secret: &str) -> Result<Vec<(String, String)>, String> {
    let one = |value: String| vec![(key.to_owned(), value)];
    Ok(match kind {
        // The other half of a pair is made with the first, never alone.
        Generate::Ed25519 if key.contains("public") => Vec::new(),
        Generate::SelfSigned if key == "tls.key" => Vec::new(),
        Generate::Password => one(password()?),
        Generate::Hex => one(bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect()),
        Generate::Keyfile => one(STANDARD.encode(bytes::<756>()?)),
        Generate::Ed25519 => ed25519(key)?,
        Generate::SelfSigned => self_signed(secret)?,
    })
}

fn bytes<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(bytes)
}

/// 32 letters and digits, each as likely as any other: bytes beyond the last multiple of 62 are thrown away.
fn password() -> Result<String, String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::new();
    while out.len() < 32 {
        let fair = bytes::<64>()?.into_iter().filter(|byte| *byte < 248);
        out.extend(fair.take(32 - out.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    Ok(out)
}

fn ed25519(key: &str) -> Result<Vec<(String, String)>, String> {
    let pair = Ed25519KeyPair::generate().map_err(|_| "make a signing key".to_owned())?;
    let private = pair.to_pkcs8v1().map_err(|_| "encode a signing key".to_owned())?;
    // SubjectPublicKeyInfo of RFC 8410: a fixed header and the 32 bytes.
    let mut public = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    public.extend_from_slice(pair.public_key().as_ref());
    let mut made = vec![(key.to_owned(), pem("PRIVATE KEY", private.as_ref()))];
    if key.contains("private") {
        made.push((key.replace("private", "public"), pem("PUBLIC KEY", &public)));
    }
    Ok(made)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn self_signed(name: &str) -> Result<Vec<(String, String)>, String> {
    let certified = rcgen::generate_simple_self_signed(vec![format!("{name}.local"), "localhost".to_owned()])
        .map_err(|error| format!("make a certificate: {error}"))?;
    Ok(vec![
        ("tls.crt".to_owned(), certified.cert.pem()),
        ("tls.key".to_owned(), certified.signing_key.serialize_pem()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_different() {
        let (a, b) = (password().unwrap(), password().unwrap());
        assert_ne!(a, b);
        assert!(a.len() == 32 && a.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_private_key_brings_its_public_key() {
        let made = generate(Generate::Ed25519, "private.pem", "jwt").unwrap();
        let names: Vec<_> = made.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["private.pem", "public.pem"]);
        assert!(made[0].1.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(made[1].1.lines().nth(1).unwrap().len(), 60);
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        let made = generate(Generate::SelfSigned, "tls.crt", "edge").unwrap();
        assert!(made[0].1.contains("BEGIN CERTIFICATE") && made[1].1.contains("PRIVATE KEY"));
    }
}
