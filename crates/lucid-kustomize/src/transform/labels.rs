//! `labels`, `commonLabels` and `commonAnnotations`.

use lucid_object::yaml::{Entry, Kind, Scalar, Tag, Text};

use super::failed;
use crate::config::{Config, Conflict, merge_all, merge_one};
use crate::fieldspec::{Field, Make};
use crate::model::{At, Label};
use crate::report::Report;
use crate::resmap::ResMap;
use crate::resource::set_field;
use crate::share;
use crate::tables::{Spec, f};

/// Writes key-value pairs into the maps that the specifications name.
pub(crate) fn apply(map: &mut ResMap, what: &str, pairs: &[(Text, At<Text>)], specs: &[Spec], report: &mut Report) {
    let Some((_, first)) = pairs.first() else { return };
    let fields: Vec<Field<'_>> = specs.iter().map(Field::new).collect();
    let weight = pairs.iter().map(|(key, value)| size_of::<Entry>() + key.len() + value.value.len()).sum();
    for resource in map.list_mut() {
        let first_share = resource.shares.len();
        for field in &fields {
            if !field.applies(resource) {
                continue;
            }
            let written = field.visit(&mut resource.node, Make::Map, first.pos, &mut |node| {
                if !matches!(node.kind, Kind::Map(_)) {
                    return Err("the field is not a mapping".into());
                }
                if !report.meter.grow(weight, first.pos) {
                    return Ok(());
                }
                for (index, (key, value)) in pairs.iter().enumerate() {
                    let is_new = node.get(key).is_none();
                    set_field(node, key, &value.value, Tag::Str, value.pos);
                    if is_new {
                        share::mark(node, key, first_share + index + 1);
                    }
                }
                Ok(())
            });
            if let Err(error) = written {
                failed(report, resource, first.pos, what, &error);
            }
        }
        share::follow(resource);
        resource.shares.extend(pairs.iter().map(|(_, value)| Scalar::plain(value.value.clone(), Tag::Str)));
    }
}

/// The fields that one entry of `labels` writes.
pub(crate) fn specs(label: &Label, config: &Config) -> Result<Vec<Spec>, Conflict> {
    const OWN: Spec = f("", "", "", "metadata/labels", true);
    let mut specs = label.fields.clone().into();
    merge_all(&mut specs, &config.labels)?;
    if label.selectors {
        merge_all(&mut specs, &config.common_labels)?;
    } else {
        if label.templates {
            merge_all(&mut specs, &config.template_labels)?;
        }
        if label.volume_claim_templates {
            merge_all(&mut specs, &config.volume_claim_template_labels)?;
        }
        merge_one(&mut specs, &OWN)?;
    }
    Ok(specs.into_owned())
}
