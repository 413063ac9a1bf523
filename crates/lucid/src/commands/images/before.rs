//! What a plan or a deploy asks of registries before anything changes: are the images of what changes there?

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use lucid_client::ApiClient;
use lucid_deploy::{ImageCheck, ImagesFound};
use lucid_images::{Registries, Trust};
use lucid_object::{Finding, ObjectSet, Severity};
use lucid_plan::pins::Pinned;

use super::look::{self, Answered, Detail};
use super::trust::Rules;
use super::{empty_keychain, findings_of};
use crate::cli::Part;
use crate::failure::Result;
use crate::manifests::Manifests;
use crate::output::Outlet;

/// The time that all look-ups of a command share, those of nodes and pull secrets included.
const SHARED: Duration = Duration::from_secs(5);

pub(crate) struct Before<'a> {
    client: &'a ApiClient,
    outlet: &'a Outlet,
    strict: bool,
    rules: Rules,
}

impl<'a> Before<'a> {
    /// None when the user or the release file wants no look-ups.
    pub(crate) fn of(
        part: &Part,
        manifests: &Manifests,
        client: &'a ApiClient,
        outlet: &'a Outlet,
    ) -> Result<Option<Self>> {
        let images = &manifests.release.spec.images;
        if !images.check || part.no_images {
            if !images.trust.is_empty() {
                outlet.findings([&unasked()]);
            }
            return Ok(None);
        }
        let rules = Rules::of(&manifests.release, &manifests.home)?;
        Ok(Some(Self { client, outlet, strict: part.strict, rules }))
    }

    async fn found(&self, objects: &ObjectSet) -> ImagesFound {
        let used = look::used(objects);
        if used.is_empty() {
            return ImagesFound::default();
        }
        let began = tokio::time::Instant::now();
        let mut keychain = look::keychain().unwrap_or_else(|_| empty_keychain());
        // Who may not list nodes learns of a missing platform from the kubelet.
        let nodes = tokio::time::timeout(SHARED / 2, look::platforms_of_nodes(self.client)).await;
        let mut platforms = nodes.ok().and_then(Result::ok).unwrap_or_default();
        platforms.sort();
        platforms.dedup();
        let secrets = look::add_pull_secrets(&mut keychain, self.client, &used, self.outlet);
        let _ = tokio::time::timeout(SHARED / 2, secrets).await;
        let registries = Registries::new(keychain, &Trust::default());
        let left = SHARED.saturating_sub(began.elapsed());
        let wanted = look::Wanted { platforms: &platforms, detail: Detail::Existence, rules: &self.rules };
        let answers = look::ask(&registries, &used, &wanted, left).await;
        ImagesFound { findings: findings_of(&answers), digests: digests(&answers) }
    }
}

impl ImageCheck for Before<'_> {
    fn check<'a>(&'a self, objects: &'a ObjectSet) -> BoxFuture<'a, ImagesFound> {
        Box::pin(async move {
            let mut found = self.found(objects).await;
            if self.strict {
                found.findings.iter_mut().for_each(|finding| finding.severity = Severity::Error);
            }
            found
        })
    }
}

fn unasked() -> Finding {
    Finding::warning(3009, "nobody is asked who has signed the images")
        .help("leave out --no-images, and `check: false` in lucid.yaml, so that spec.images.trust is heeded")
}

/// Of those that have no digest of their own.
fn digests(answers: &[Answered]) -> BTreeMap<String, Pinned> {
    let open = answers.iter().filter(|answered| !answered.used.image.contains('@'));
    let pin = |answered: &Answered| Some(Pinned { image: answered.pinned()?, must: answered.trust.is_some() });
    open.filter_map(|answered| Some((answered.used.image.clone(), pin(answered)?))).collect()
}
