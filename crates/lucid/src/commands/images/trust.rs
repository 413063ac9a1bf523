//! Who must have signed which images, as `spec.images.trust` has it, and whether somebody has.

use std::fs;
use std::path::Path;

use lucid_images::signature::{Judge, Policy, Provenance, Signer, Untrusted, fits};
use lucid_images::{Error, Reference, Registries, Resolved};
use lucid_release::{ReleaseFile, SignedBy};

use crate::failure::{Failure, Result};

/// The rules of a release, with the roots of trust if there are any rules.
#[derive(Default)]
pub(crate) struct Rules {
    all: Vec<(String, Policy)>,
    judge: Option<Judge>,
}

/// What came of the rules that hold for an image.
#[derive(Debug)]
pub(crate) enum Trust {
    /// By whom it is signed.
    Signed(String),
    Not(Untrusted),
    /// The registry could not be asked.
    Unknown(Error),
}

impl Rules {
    /// Reads the keys that the release file names, relative to the folder that it is in.
    pub(crate) fn of(release: &ReleaseFile, home: &Path) -> Result<Self> {
        let mut all = Vec::new();
        for rule in &release.spec.images.trust {
            let signer = match &rule.signed_by {
                SignedBy::Identity { issuer, subject } => {
                    Signer::Identity { issuer: issuer.clone(), subject: subject.clone() }
                }
                SignedBy::Key(file) => key(&home.join(file))?,
            };
            let provenance = rule.provenance.as_ref();
            let provenance =
                provenance.map(|wanted| Provenance { source: wanted.source.clone(), builder: wanted.builder.clone() });
            all.push((rule.images.clone(), Policy { signer, provenance }));
        }
        let judge = (!all.is_empty()).then(Judge::default);
        Ok(Self { all, judge })
    }

    /// What is known of an image that could not be looked at; none where no rule holds for it.
    pub(crate) fn unknown(&self, image: &str, error: Error) -> Option<Trust> {
        let image = Reference::parse(image).ok().filter(|_| error.is_unknown())?;
        self.fitting(&image).next().map(|_| Trust::Unknown(error))
    }

    fn fitting(&self, image: &Reference) -> impl Iterator<Item = &Policy> {
        let name = format!("{}/{}", image.host.to_ascii_lowercase(), image.name);
        self.all.iter().filter(move |(pattern, _)| fits(pattern, &name)).map(|(_, policy)| policy)
    }

    /// None where no rule holds for the image. Of several rules each must be met.
    pub(crate) async fn judge(&self, registries: &Registries, image: &Reference, found: &Resolved) -> Option<Trust> {
        let judge = self.judge.as_ref()?;
        let fitting: Vec<&Policy> = self.fitting(image).collect();
        if fitting.is_empty() {
            return None;
        }
        let bundles = match registries.bundles(image, &found.digest).await {
            Ok(bundles) => bundles,
            Err(error) => return Some(Trust::Unknown(error)),
        };
        let mut by: Vec<String> = Vec::new();
        for policy in fitting {
            match judge.judge(&found.digest, &bundles.found, policy) {
                Ok(who) => by.push(who),
                Err(mut untrusted) => {
                    untrusted.why.extend(bundles.unread);
                    return Some(Trust::Not(untrusted));
                }
            }
        }
        by.dedup();
        Some(Trust::Signed(by.join(" and ")))
    }
}

fn key(file: &Path) -> Result<Signer> {
    let said = |why: String| {
        Failure::usage(format!("the key {} of spec.images.trust: {why}", file.display()))
            .help("name a file with a public key in PEM, relative to lucid.yaml")
    };
    let pem = fs::read_to_string(file).map_err(|error| said(error.to_string()))?;
    Signer::key(&pem).map_err(said)
}
