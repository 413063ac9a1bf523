//! `replicas`.

use lucid_object::yaml::Tag;

use super::failed;
use crate::fieldspec::{Field, Make, selects};
use crate::model::Replica;
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::{Resource, set_scalar};
use crate::suggest::nearest;
use crate::tables::Spec;

/// Sets the replica count of the workloads with one name.
pub(crate) fn apply(map: &mut ResMap, replica: &Replica, specs: &[Spec], report: &mut Report) {
    let mut found = false;
    for spec in specs {
        let field = Field::new(spec);
        for resource in map.list_mut().iter_mut().filter(|resource| matches(resource, &replica.name, spec)) {
            found = true;
            if !field.applies(resource) {
                continue;
            }
            let count = replica.count.value.to_string();
            let set = &mut |node: &mut _| set_scalar(node, &count, Tag::Int, replica.count.pos);
            if let Err(error) = field.visit(&mut resource.node, Make::Scalar(Tag::Int), replica.count.pos, set) {
                failed(report, resource, replica.pos, "replicas", &error);
            }
        }
    }
    if !found {
        no_target(map, replica, specs, report);
    }
}

/// True if the resource has or had this name, as a kind that the specification is for.
fn matches(resource: &Resource, name: &str, spec: &Spec) -> bool {
    let (group, version) = resource.group_version();
    let fits = |kind: &str| selects(spec, group, version, kind);
    (resource.name() == name && fits(resource.kind()))
        || resource.previous.iter().any(|previous| previous.name == name && fits(&previous.kind))
}

fn no_target(map: &ResMap, replica: &Replica, specs: &[Spec], report: &mut Report) {
    let scalable = |resource: &&Resource| {
        let (group, version) = resource.group_version();
        specs.iter().any(|spec| selects(spec, group, version, resource.kind()))
    };
    let names = map.list().iter().filter(scalable).map(Resource::name);
    let help = match nearest(&replica.name, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "name a Deployment, StatefulSet, ReplicaSet or ReplicationController of this kustomization".into(),
    };
    let message = format!("replicas: no workload is named {:?}", replica.name);
    report.error_help(code::NO_TARGET, replica.pos, message, help);
}
