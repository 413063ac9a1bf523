//! Which fields the transformers write: kustomize's defaults, plus what `configurations` and `crds` add.

use std::borrow::Cow;

use crate::tables::{NameRule, Spec, config};

/// Field specifications by transformer.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) name_prefix: Cow<'static, [Spec]>,
    pub(crate) name_suffix: Cow<'static, [Spec]>,
    pub(crate) namespace: Cow<'static, [Spec]>,
    pub(crate) common_labels: Cow<'static, [Spec]>,
    pub(crate) labels: Cow<'static, [Spec]>,
    pub(crate) template_labels: Cow<'static, [Spec]>,
    pub(crate) volume_claim_template_labels: Cow<'static, [Spec]>,
    pub(crate) common_annotations: Cow<'static, [Spec]>,
    pub(crate) name_reference: Cow<'static, [NameRule]>,
    pub(crate) var_reference: Cow<'static, [Spec]>,
    pub(crate) images: Cow<'static, [Spec]>,
    pub(crate) replicas: Cow<'static, [Spec]>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name_prefix: Cow::Borrowed(config::NAME_PREFIX),
            name_suffix: Cow::Borrowed(config::NAME_SUFFIX),
            namespace: Cow::Borrowed(config::NAMESPACE),
            common_labels: Cow::Borrowed(config::COMMON_LABELS),
            labels: Cow::Borrowed(&[]),
            template_labels: Cow::Borrowed(config::TEMPLATE_LABELS),
            volume_claim_template_labels: Cow::Borrowed(config::VOLUME_CLAIM_TEMPLATE_LABELS),
            common_annotations: Cow::Borrowed(config::COMMON_ANNOTATIONS),
            name_reference: Cow::Borrowed(config::NAME_REFERENCE),
            var_reference: Cow::Borrowed(config::VAR_REFERENCE),
            images: Cow::Borrowed(config::IMAGES),
            replicas: Cow::Borrowed(config::REPLICAS),
        }
    }
}

/// Two specifications of one field that disagree on making it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("conflicting field specifications for {0}: one makes the field, the other does not")]
pub(crate) struct Conflict(pub(crate) String);

impl Config {
    /// Nothing at all: what a configuration file starts from.
    pub(crate) fn empty() -> Self {
        let none = || Cow::Borrowed(&[] as &[Spec]);
        Self {
            name_prefix: none(),
            name_suffix: none(),
            namespace: none(),
            common_labels: none(),
            labels: none(),
            template_labels: none(),
            volume_claim_template_labels: none(),
            common_annotations: none(),
            name_reference: Cow::Borrowed(&[]),
            var_reference: none(),
            images: none(),
            replicas: none(),
        }
    }

    /// Adds the specifications of another configuration.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Conflict> {
        merge_all(&mut self.name_prefix, &other.name_prefix)?;
        merge_all(&mut self.name_suffix, &other.name_suffix)?;
        merge_all(&mut self.namespace, &other.namespace)?;
        merge_all(&mut self.common_annotations, &other.common_annotations)?;
        merge_all(&mut self.common_labels, &other.common_labels)?;
        merge_all(&mut self.labels, &other.labels)?;
        merge_all(&mut self.template_labels, &other.template_labels)?;
        merge_all(&mut self.volume_claim_template_labels, &other.volume_claim_template_labels)?;
        merge_all(&mut self.var_reference, &other.var_reference)?;
        merge_rules(&mut self.name_reference, &other.name_reference)?;
        merge_all(&mut self.images, &other.images)?;
        merge_all(&mut self.replicas, &other.replicas)
    }
}

/// Adds specifications that are not covered yet.
pub(crate) fn merge_all(into: &mut Cow<'static, [Spec]>, more: &[Spec]) -> Result<(), Conflict> {
    if std::ptr::eq(into.as_ref(), more) {
        return Ok(());
    }
    more.iter().try_for_each(|spec| merge_one(into, spec))
}

/// Adds one specification, unless one that selects its type has its path.
pub(crate) fn merge_one(into: &mut Cow<'static, [Spec]>, spec: &Spec) -> Result<(), Conflict> {
    let covers = |known: &Spec| {
        let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        known.path == spec.path
            && fits(&spec.group, &known.group)
            && fits(&spec.version, &known.version)
            && fits(&spec.kind, &known.kind)
    };
    match into.iter().find(|known| covers(known)) {
        Some(known) if known.create != spec.create => Err(Conflict(spec.path.to_string())),
        Some(_) => Ok(()),
        None => {
            into.to_mut().push(spec.clone());
            Ok(())
        }
    }
}

fn merge_rules(into: &mut Cow<'static, [NameRule]>, more: &[NameRule]) -> Result<(), Conflict> {
    if std::ptr::eq(into.as_ref(), more) {
        return Ok(());
    }
    for rule in more {
        let same =
            |known: &NameRule| (&known.group, &known.version, &known.kind) == (&rule.group, &rule.version, &rule.kind);
        match into.iter().position(same) {
            Some(index) if into[index] == *rule => {}
            Some(index) => merge_all(&mut into.to_mut()[index].referrers, &rule.referrers)?,
            None => into.to_mut().push(rule.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::f;

    #[test]
    fn merging_is_idempotent_and_finds_conflicts() {
        let mut config = Config::default();
        let mut other = Config::default();
        config.merge(&other).expect("the same");
        assert!(matches!(config.images, Cow::Borrowed(_)), "nothing was copied");
        other.images.to_mut().push(f("", "", "Robot", "spec/arm/image", true));
        config.merge(&other).expect("no conflict");
        config.merge(&other).expect("no conflict");
        assert_eq!(config.images.len(), Config::default().images.len() + 1);
        other.images.to_mut().last_mut().expect("one").create = false;
        assert_eq!(config.merge(&other), Err(Conflict("spec/arm/image".into())));
    }
}
