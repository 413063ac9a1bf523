//! `lucid.yaml`: the release file, as people write it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Span;
use crate::notification::Notification;

/// A named system: where its manifests are, what its components are, and in which order they need each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseFile {
    /// Always `lucid.dev/v1alpha1`.
    pub api_version: String,
    /// Always `Release`.
    pub kind: String,
    pub metadata: Metadata,
    pub spec: Spec,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The release's name; part of the names of its Lease and record, and the value of its ownership label.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Overlay name → folder, relative to this file. Either this or `source`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overlays: BTreeMap<String, String>,
    /// The one folder of a release without overlays, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where the release's Lease and record live, and where objects go that name no namespace.
    pub namespace: String,
    /// The phases, in the order in which people speak of them.
    #[serde(default)]
    pub phases: Vec<String>,
    /// How long a whole run may take before it is given up.
    #[serde(default = "default_deadline")]
    pub deadline: Span,
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How many revisions are kept; the one in service is kept whatever its age.
    #[serde(default = "default_history")]
    pub history_limit: usize,
    #[serde(default)]
    pub images: Images,
    /// The Secrets that the release refers to and that do not stand in the manifests.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    /// Who is told how a run went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<Notification>,
    #[serde(default)]
    pub components: Vec<Component>,
}

fn default_deadline() -> Span {
    Span(std::time::Duration::from_secs(15 * 60))
}

fn default_history() -> usize {
    20
}

/// What a deploy does when a component fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Go back to the revision that served before.
    #[default]
    Rollback,
    /// Stop, and leave everything as it is for a person to look at.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    /// Resolve every image in its registry before anything changes.
    #[serde(default = "yes")]
    pub check: bool,
    /// Image name (the last part of its repository) → where it is built from.
    #[serde(default)]
    pub catalogue: BTreeMap<String, ImageSource>,
    /// Who must have signed which images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<ImageTrust>,
}

impl Default for Images {
    fn default() -> Self {
        Self { check: true, catalogue: BTreeMap::new(), trust: Vec::new() }
    }
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageSource {
    /// The folder of its build context, relative to this file.
    pub context: String,
}

/// A Sigstore bundle beside the image must say this. Where several rules hold for an image, each must be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageTrust {
    /// The images that it holds for, such as `ghcr.io/hamigames/lucid/*`; `*` stands for anything.
    pub images: String,
    pub signed_by: SignedBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<ImageProvenance>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SignedBy {
    /// The file of a public key (PEM), relative to this file.
    Key(String),
    /// Somebody whom a certificate of Sigstore vouches for.
    Identity {
        #[serde(default = "github")]
        issuer: String,
        /// A workflow's or an e-mail address; `*` stands for anything.
        subject: String,
    },
}

fn github() -> String {
    "https://token.actions.githubusercontent.com".to_owned()
}

/// What a signed SLSA provenance must say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageProvenance {
    /// The repository that the image was built from; `*` stands for anything.
    pub source: String,
    /// Who built it; `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
}

/// A Secret that must exist before the release starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSpec {
    pub name: String,
    /// Default: the release's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The Secret's type, `Opaque` when absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    pub keys: BTreeMap<String, KeySpec>,
}

/// One key of a Secret: generated by `lucid secrets init`, or required from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeySpec {
    /// What `lucid secrets init` may make for it on a fresh cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// Must come from outside; never generated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// A value that is no secret, such as a user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The same value as another key of the release: `namespace/secret/key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

impl KeySpec {
    /// `lucid secrets init` can provide it.
    pub fn can_be_made(&self) -> bool {
        !self.required && (self.generate.is_some() || self.value.is_some() || self.copy.is_some())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Generate {
    /// 32 letters and digits (190 bits).
    Password,
    /// 64 hexadecimal digits (256 bits).
    Hex,
    /// 756 random bytes in base64, as a MongoDB key file wants them.
    Keyfile,
    /// An Ed25519 private key, PKCS#8 PEM. The public key stands under the same name with `private` → `public`.
    Ed25519,
    /// A self-signed certificate chain and its key, under `tls.crt` and `tls.key`.
    SelfSigned,
}

/// A named part of the release, with the objects that belong to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    pub name: String,
    /// One of `spec.phases`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Labels that its objects (or their pods) carry.
    pub select: BTreeMap<String, String>,
    /// Components that must be ready first. Absent: the whole phase before its own. Empty: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
    /// What must answer before the component counts as verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<HealthCheck>,
    #[serde(default)]
    pub strategy: Strategy,
}

/// How a new revision of a component takes over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// By the workload's own update strategy.
    #[default]
    Rolling,
}

/// One test of a component's own endpoint. Only GET is ever sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum HealthCheck {
    /// Answers 2xx or 3xx over plain HTTP.
    Http {
        port: u16,
        path: String,
        /// The host name to be asked for; without it the pod's own address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// The only status that is right, such as 301 for what must be redirected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// Accepts a connection.
    Tcp { port: u16 },
    /// Answers 2xx or 3xx over TLS for this host name.
    Https {
        #[serde(default = "https_port")]
        port: u16,
        host: String,
        #[serde(default = "root_path")]
        path: String,
        /// The only status that is right.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
}

impl HealthCheck {
    /// GET of a path on a port, which must answer 2xx or 3xx.
    pub fn http(port: u16, path: &str) -> Self {
        Self::Http { port, path: path.to_owned(), host: None, status: None }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Http { port, .. } | Self::Tcp { port } | Self::Https { port, .. } => *port,
        }
    }

    /// The host name that it asks for.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Http { host, .. } => host.as_deref(),
            Self::Https { host, .. } => Some(host),
            Self::Tcp { .. } => None,
        }
    }

    /// What is asked for a host name; the port only where it is not the usual one.
    pub fn url(&self) -> Option<String> {
        let (scheme, usual, host, path) = match self {
            Self::Http { host: Some(host), path, .. } => ("http", 80, host, path),
            Self::Https { host, path, .. } => ("https", 443, host, path),
            _ => return None,
        };
        let port = if self.port() == usual { String::new() } else { format!(":{}", self.port()) };
        Some(format!("{scheme}://{host}{port}{path}"))
    }

    /// The only status that is right, if there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Http { status, .. } | Self::Https { status, .. } => *status,
            Self::Tcp { .. } => None,
        }
    }

    /// True if this is a status that it wants.
    pub fn wants(&self, code: u16) -> bool {
        self.status().map_or_else(|| (200..400).contains(&code), |status| code == status)
    }
}

fn https_port() -> u16 {
    443
}

fn root_path() -> String {
    "/".to_owned()
}

impl ReleaseFile {
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    pub fn component(&self, name: &str) -> Option<&Component> {
        self.spec.components.iter().find(|component| component.name == name)
    }

    /// What a component waits for: its `needs`, or the phase before its own when it says nothing.
    pub fn needs_of<'a>(&'a self, component: &'a Component) -> Vec<&'a str> {
        if let Some(needs) = &component.needs {
            return needs.iter().map(String::as_str).collect();
        }
        let phase_index =
            |name: &Option<String>| name.as_ref().and_then(|p| self.spec.phases.iter().position(|q| q == p));
        let Some(own) = phase_index(&component.phase) else { return Vec::new() };
        let members =
            |index: usize| self.spec.components.iter().filter(move |other| phase_index(&other.phase) == Some(index));
        let before = (0..own).rev().find(|&index| members(index).next().is_some());
        before.into_iter().flat_map(members).map(|other| other.name.as_str()).collect()
    }

    /// The JSON Schema of the file, for editors.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".into(), "lucid.yaml".into());
        }
        schema
    }
}
