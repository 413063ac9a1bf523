//! Who has signed an image, and what it was built from: Sigstore bundles, as cosign and GitHub's attestations write them.
//! Decided from bytes and a policy alone. A bundle is about a digest: which name and tag the image has now, nobody signs.

use std::collections::BTreeSet;

use serde_json::Value;
use sigstore_verify::crypto::{KeyAlgorithm, verify_signature};
use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_verify::types::bundle::SignatureContent;
use sigstore_verify::types::{Bundle, DerPublicKey, Sha256Hash, Statement};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

/// Who must have signed.
#[derive(Debug, Clone)]
pub enum Signer {
    /// The holder of this key.
    Key(DerPublicKey),
    /// Somebody whose identity a certificate of Sigstore, or of GitHub's own instance, vouches for.
    Identity {
        issuer: String,
        /// A workflow's address or an e-mail address; `*` stands for anything.
        subject: String,
    },
}

/// What a signed provenance must say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The repository that it was built from; `*` stands for anything.
    pub source: String,
    /// Who built it; `*` stands for anything.
    pub builder: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Policy {
    pub signer: Signer,
    pub provenance: Option<Provenance>,
}

impl Signer {
    /// From a public key in PEM.
    ///
    /// # Errors
    /// It is none.
    pub fn key(pem: &str) -> Result<Self, String> {
        DerPublicKey::from_pem(pem).map(Self::Key).map_err(|error| error.to_string())
    }
}

/// Why an image is not taken for signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// One line for each kind of bundle that there is; none when there is no bundle.
    pub why: Vec<String>,
}

/// The roots of trust, read once.
pub struct Judge {
    public: Verifier,
    /// GitHub signs attestations of private repositories with certificates of its own, and logs them nowhere.
    github: Verifier,
}

impl Default for Judge {
    fn default() -> Self {
        let verifier = |instance| {
            let root = TrustedRoot::from_embedded(instance).expect("the library's own root can be read");
            Verifier::new(&root).expect("the library's own root is sound")
        };
        Self { public: verifier(SigstoreInstance::PublicGood), github: verifier(SigstoreInstance::GitHub) }
    }
}

impl Judge {
    /// By whom the image of this digest is signed as the policy wants it: one good bundle is enough.
    ///
    /// # Errors
    /// None of the bundles is what the policy asks for.
    pub fn judge(&self, digest: &str, bundles: &[impl AsRef<[u8]>], policy: &Policy) -> Result<String, Untrusted> {
        let mut why = BTreeSet::new();
        for bundle in bundles {
            match self.one(digest, bundle.as_ref(), policy) {
                Ok(by) => return Ok(by),
                Err(reason) => _ = why.insert(reason),
            }
        }
        Err(Untrusted { why: why.into_iter().collect() })
    }

    fn one(&self, digest: &str, bytes: &[u8], policy: &Policy) -> Result<String, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "a bundle that is not text".to_owned())?;
        let bundle = Bundle::from_json(text).map_err(|error| format!("a bundle that cannot be read: {error}"))?;
        let digest = digest.strip_prefix("sha256:").and_then(|hex| Sha256Hash::from_hex(hex).ok());
        let digest = digest.ok_or("only sha256 digests are signed")?;
        let signed = self.signed(digest, &bundle, &policy.signer)?;
        let statement = statement(&bundle);
        match &policy.provenance {
            Some(wanted) => comes_from(statement.as_ref(), signed.source.as_deref(), wanted)?,
            None => says_signed(statement.as_ref())?,
        }
        Ok(signed.by)
    }

    fn signed(&self, digest: Sha256Hash, bundle: &Bundle, signer: &Signer) -> Result<Signed, String> {
        let material = &bundle.verification_material;
        let is_logged = !material.tlog_entries.is_empty();
        match signer {
            // Whoever signs with a key of their own need not tell the world when.
            Signer::Key(key) if !is_logged && material.timestamp_verification_data.rfc3161_timestamps.is_empty() => {
                by_key_alone(digest, bundle, key)?;
                Ok(Signed::with_key())
            }
            Signer::Key(key) => {
                let policy = PublicKeyVerificationPolicy::new(key.clone());
                let policy = if is_logged { policy } else { policy.skip_tlog_unsafe() };
                self.public.verify(digest, bundle, &policy).map_err(|error| error.to_string())?;
                Ok(Signed::with_key())
            }
            Signer::Identity { issuer, subject } => {
                let policy = VerificationPolicy::any_identity().require_issuer(issuer.as_str());
                let verified = match is_logged {
                    true => self.public.verify(digest, bundle, &policy),
                    false => self.github.verify(digest, bundle, &policy.skip_sct().skip_tlog_unsafe()),
                };
                let verified = verified.map_err(|error| error.to_string())?;
                let by = verified.identity().map(ToString::to_string).unwrap_or_default();
                let claims = verified.certificate().map(|certificate| &certificate.ci_claims);
                let source = claims.and_then(|claims| claims.source_repository_uri.clone());
                if fits(subject, &by) { Ok(Signed { by, source }) } else { Err(format!("signed by {by}")) }
            }
        }
    }
}

/// What is known of a good signature.
struct Signed {
    by: String,
    /// As the certificate has it.
    source: Option<String>,
}

impl Signed {
    fn with_key() -> Self {
        Self { by: "the key of the policy".into(), source: None }
    }
}

/// A statement about the digest, signed with the key: no log and no clock vouch for it, only who holds the key.
fn by_key_alone(digest: Sha256Hash, bundle: &Bundle, key: &DerPublicKey) -> Result<(), String> {
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err("a bare signature that no log knows".into());
    };
    if envelope.payload_type != STATEMENT {
        return Err(format!("something else than a statement is signed: {}", envelope.payload_type));
    }
    let scheme = KeyAlgorithm::from_spki(key).map_err(|error| error.to_string())?.default_signing_scheme();
    verify_signature(key, &envelope.pae(), &envelope.signature.sig, scheme)
        .map_err(|_| "signed with another key".to_owned())?;
    let statement: Statement = serde_json::from_slice(envelope.payload.as_bytes())
        .map_err(|error| format!("a signed statement that cannot be read: {error}"))?;
    match statement.matches_sha256(&digest) {
        true => Ok(()),
        false => Err("a signed statement about another image".into()),
    }
}

const STATEMENT: &str = "application/vnd.in-toto+json";
/// What `cosign sign` states.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// What was signed, if it is a statement and not the image itself.
fn statement(bundle: &Bundle) -> Option<Value> {
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else { return None };
    Some(serde_json::from_slice(envelope.payload.as_bytes()).unwrap_or_default())
}

/// A statement about an image is not yet an approval of it: the list of its flaws is signed, too.
fn says_signed(statement: Option<&Value>) -> Result<(), String> {
    let Some(statement) = statement else { return Ok(()) };
    match statement["predicateType"].as_str().unwrap_or_default() {
        kind if kind == SIGNED || PROVENANCE.contains(&kind) => Ok(()),
        other => Err(format!("a signed statement that is no approval: {other}")),
    }
}

const PROVENANCE: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];

/// Both what was signed and, where there is one, the certificate must name the source.
fn comes_from(statement: Option<&Value>, claimed: Option<&str>, wanted: &Provenance) -> Result<(), String> {
    let statement = statement.ok_or("signed, but not a statement about where it comes from")?;
    let kind = statement["predicateType"].as_str().unwrap_or_default();
    if !PROVENANCE.contains(&kind) {
        return Err(format!("a signed statement of another kind than provenance: {kind}"));
    }
    let predicate = &statement["predicate"];
    let source = source(predicate).ok_or("a provenance that names no source")?;
    if let Some(other) = [Some(source), claimed].into_iter().flatten().find(|source| !fits(&wanted.source, source)) {
        return Err(format!("built from {other}"));
    }
    let builder = ["/runDetails/builder/id", "/builder/id"].iter().find_map(|at| predicate.pointer(at)?.as_str());
    match (&wanted.builder, builder) {
        (None, _) => Ok(()),
        (Some(wanted), Some(builder)) if fits(wanted, builder) => Ok(()),
        (Some(_), builder) => Err(format!("built by {}", builder.unwrap_or("nobody knows whom"))),
    }
}

/// The repository's address, without what was checked out of it. What was built with, such as a base image, is no source.
fn source(predicate: &Value) -> Option<&str> {
    let fields = ["/buildDefinition/externalParameters/workflow/repository", "/invocation/configSource/uri"];
    let named = fields.iter().find_map(|field| predicate.pointer(field)?.as_str());
    let dependencies = predicate.pointer("/buildDefinition/resolvedDependencies").and_then(Value::as_array);
    let mut used = dependencies.into_iter().flatten().filter_map(|dependency| dependency["uri"].as_str());
    let uri = named.or_else(|| used.find(|uri| uri.starts_with("git+")))?;
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    let path = uri.find("://").map_or(0, |at| at + 3);
    let path = uri[path..].find('/').map_or(uri.len(), |at| path + at);
    Some(uri[path..].find('@').map_or(uri, |at| &uri[..path + at]))
}

/// True if the text is that of the pattern, in which `*` stands for any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// A public record: the attestation of `signed-package-2.1.0-hb0f4dca_0.conda`, which the example of prefix.dev on GitHub
    /// signed with its workflow's identity in August 2025.
    const KEYLESS: &str = include_str!("../tests/data/keyless.sigstore.json");
    const DIGEST: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
    const ISSUER: &str = "https://token.actions.githubusercontent.com";
    const WORKFLOW: &str =
        "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";

    fn by(issuer: &str, subject: &str) -> Policy {
        Policy { signer: Signer::Identity { issuer: issuer.into(), subject: subject.into() }, provenance: None }
    }

    fn judged(digest: &str, bundle: &str, policy: &Policy) -> Result<String, String> {
        Judge::default().judge(digest, &[bundle], policy).map_err(|untrusted| untrusted.why.join("; "))
    }

    #[test]
    fn an_identity_is_vouched_for() {
        let bundle = Bundle::from_json(KEYLESS).unwrap();
        let digest = Sha256Hash::from_hex(&DIGEST["sha256:".len()..]).unwrap();
        for subject in [WORKFLOW, "https://github.com/prefix-dev/*@refs/heads/main"] {
            let signed = Judge::default().signed(digest, &bundle, &by(ISSUER, subject).signer).unwrap();
            assert_eq!(signed.by, WORKFLOW);
            assert_eq!(signed.source.as_deref(), Some("https://github.com/prefix-dev/sigstore-example"));
        }
        // What it has signed says where the file was published, and does not approve of it.
        let error = judged(DIGEST, KEYLESS, &by(ISSUER, WORKFLOW)).unwrap_err();
        assert!(error.contains("no approval: https://schemas.conda.org/"), "{error}");
    }

    #[test]
    fn somebody_else_is_named() {
        let other = by(ISSUER, "https://github.com/HamiGames/*");
        assert_eq!(judged(DIGEST, KEYLESS, &other).unwrap_err(), format!("signed by {WORKFLOW}"));
        let error = judged(DIGEST, KEYLESS, &by("https://accounts.google.com", "*")).unwrap_err();
        assert!(error.contains(ISSUER), "{error}");
        assert!(judged(DIGEST, KEYLESS, &Policy { signer: key().1, provenance: None }).is_err());
    }

    #[test]
    fn another_image_or_a_changed_bundle_is_not_signed() {
        let other = DIGEST.replace("5430", "5431");
        assert!(judged(&other, KEYLESS, &by(ISSUER, "*")).is_err());
        assert!(judged("sha512:00", KEYLESS, &by(ISSUER, "*")).is_err());
        let bundle: Value = serde_json::from_str(KEYLESS).unwrap();
        for field in
            ["/dsseEnvelope/payload", "/dsseEnvelope/signatures/0/sig", "/verificationMaterial/certificate/rawBytes"]
        {
            let mut changed = bundle.clone();
            let text = changed.pointer(field).and_then(Value::as_str).unwrap().to_owned();
            let mut bytes = STANDARD.decode(text).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            *changed.pointer_mut(field).unwrap() = STANDARD.encode(bytes).into();
            assert!(judged(DIGEST, &changed.to_string(), &by(ISSUER, "*")).is_err(), "{field}");
        }
        for gone in ["tlogEntries", "certificate"] {
            let mut changed = bundle.clone();
            changed["verificationMaterial"].as_object_mut().unwrap().remove(gone);
            assert!(judged(DIGEST, &changed.to_string(), &by(ISSUER, "*")).is_err(), "without {gone}");
        }
        assert!(judged(DIGEST, "{}", &by(ISSUER, "*")).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn provenance_is_asked_for_where_it_is_wanted() {
        let provenance =
            Some(Provenance { source: "https://github.com/prefix-dev/sigstore-example".into(), builder: None });
        let policy = Policy { provenance, ..by(ISSUER, "*") };
        let error = judged(DIGEST, KEYLESS, &policy).unwrap_err();
        assert!(error.contains("another kind than provenance: https://schemas.conda.org/"), "{error}");
    }

    /// A key pair of the tests': what signs, and what its holder is known by.
    fn key() -> (rcgen::KeyPair, Signer) {
        let pair = rcgen::KeyPair::generate().unwrap();
        let signer = Signer::key(&pair.public_key_pem()).unwrap();
        (pair, signer)
    }

    fn statement(source: &str, builder: &str) -> String {
        let hex = &DIGEST["sha256:".len()..];
        serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "image", "digest": {"sha256": hex}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {"resolvedDependencies": [{"uri": format!("git+{source}@refs/heads/main")}]},
                "runDetails": {"builder": {"id": builder}},
            },
        })
        .to_string()
    }

    fn signed(pair: &rcgen::KeyPair, payload: &str) -> String {
        use rcgen::SigningKey as _;
        let kind = "application/vnd.in-toto+json";
        let pae = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let signature = STANDARD.encode(pair.sign(pae.as_bytes()).unwrap());
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "tests"}},
            "dsseEnvelope": {"payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [{"sig": signature}]},
        })
        .to_string()
    }

    #[test]
    fn a_key_signs_what_an_image_was_built_from() {
        let (pair, signer) = key();
        let wants = |source: &str, builder: Option<&str>| Policy {
            signer: signer.clone(),
            provenance: Some(Provenance { source: source.into(), builder: builder.map(str::to_owned) }),
        };
        let bundle = signed(&pair, &statement("https://github.com/HamiGames/Lucid", "https://example.com/runner"));
        let ours = wants("https://github.com/HamiGames/Lucid", Some("https://example.com/*"));
        assert_eq!(judged(DIGEST, &bundle, &ours).unwrap(), "the key of the policy");
        let error = judged(DIGEST, &bundle, &wants("https://github.com/HamiGames/Other", None)).unwrap_err();
        assert_eq!(error, "built from https://github.com/HamiGames/Lucid");
        let error = judged(DIGEST, &bundle, &wants("*", Some("https://github.com/*"))).unwrap_err();
        assert_eq!(error, "built by https://example.com/runner");
        let plain = Policy { provenance: None, ..ours.clone() };
        assert!(judged(DIGEST, &bundle, &plain).is_ok(), "provenance approves of what it is about");
        let scan =
            statement("https://github.com/HamiGames/Lucid", "x").replace(PROVENANCE[0], "https://cyclonedx.org/bom");
        assert_eq!(
            judged(DIGEST, &signed(&pair, &scan), &plain).unwrap_err(),
            "a signed statement that is no approval: https://cyclonedx.org/bom"
        );
        // The same statement, signed by another key, and that key's bundle first: the good one counts.
        let (other, _) = key();
        let forged = signed(&other, &statement("https://github.com/HamiGames/Lucid", "https://example.com/runner"));
        assert_eq!(judged(DIGEST, &forged, &ours).unwrap_err(), "signed with another key");
        let elsewhere = DIGEST.replace("5430", "5431");
        assert_eq!(judged(&elsewhere, &bundle, &ours).unwrap_err(), "a signed statement about another image");
        assert!(Judge::default().judge(DIGEST, &[forged, bundle], &ours).is_ok());
        let none: [&str; 0] = [];
        assert_eq!(Judge::default().judge(DIGEST, &none, &ours), Err(Untrusted { why: Vec::new() }));
    }

    #[test]
    fn a_source_is_a_repository() {
        let of = |dependencies: &[&str]| {
            let all: Vec<Value> = dependencies.iter().map(|uri| serde_json::json!({"uri": uri})).collect();
            let predicate = serde_json::json!({"buildDefinition": {"resolvedDependencies": all}});
            source(&predicate).map(str::to_owned)
        };
        assert_eq!(of(&["pkg:docker/rust@1", "git+https://h/a/b@refs/heads/x"]).as_deref(), Some("https://h/a/b"));
        assert_eq!(of(&["git+ssh://git@h/a/b@refs/tags/v1"]).as_deref(), Some("ssh://git@h/a/b"));
        assert_eq!(of(&["pkg:docker/rust@1"]), None);
    }

    #[test]
    fn patterns_stand_for_whole_texts() {
        for (pattern, text, expect) in [
            ("ghcr.io/a/*", "ghcr.io/a/b/c", true),
            ("ghcr.io/a/*", "ghcr.io.evil.example/a/b", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(fits(pattern, text), expect, "{pattern} {text}");
        }
    }
}
