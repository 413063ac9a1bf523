//! Where in the manifests the cause of a finding stands: the cluster names a pod, a person wants a file and a line.

use std::collections::BTreeMap;

use lucid_engine::{Event, Stamped};
use lucid_object::{Finding, Object, ObjectSet, Position};
use lucid_plan::{Plan, references};

/// The rendered objects of each component, to look places up in.
pub struct Places<'a> {
    workloads: BTreeMap<&'a str, Vec<&'a Object>>,
}

impl<'a> Places<'a> {
    pub fn new(plan: &'a Plan, objects: &'a ObjectSet) -> Self {
        let by_reference: BTreeMap<_, _> = objects.iter().map(|object| (object.reference(), object)).collect();
        let mut workloads: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
        for lane in &plan.lanes {
            let own = lane.operations.iter().filter_map(|operation| by_reference.get(&operation.object).copied());
            workloads.entry(&lane.name).or_default().extend(own);
        }
        Self { workloads }
    }

    /// The same event, its findings with the place that they are about.
    pub fn add_to(&self, stamped: &Stamped) -> Stamped {
        let mut stamped = stamped.clone();
        match &mut stamped.event {
            Event::Failed { component, findings, .. } => {
                for finding in findings {
                    self.place(component, finding);
                }
            }
            Event::Waiting { component, finding: Some(finding), .. } => self.place(component, finding),
            _ => {}
        }
        stamped
    }

    pub(crate) fn place(&self, component: &str, finding: &mut Finding) {
        if finding.position.is_none() {
            finding.position = self.workloads.get(component).and_then(|objects| position_of(finding, objects));
        }
    }
}

fn position_of(finding: &Finding, objects: &[&Object]) -> Option<Position> {
    let about = finding.object.as_ref()?;
    let own = objects.iter().copied().find(|object| object.reference() == *about);
    let by_name = || {
        let workloads = objects.iter().copied().filter(|object| object.pod_spec().is_some());
        workloads.filter(|object| about.name.starts_with(object.name())).max_by_key(|object| object.name().len())
    };
    let object = own.or_else(by_name)?;
    let text = format!("{}\n{}", finding.message, finding.evidence.join("\n"));
    named_field(object, &text).and_then(|pointer| object.position(&pointer)).or_else(|| object.position(""))
}

/// The field of a pod template whose value the finding names: an image, or something the pod refers to.
fn named_field(object: &Object, text: &str) -> Option<String> {
    let (template, spec) = (object.pod_template_pointer()?, object.pod_spec()?);
    for list in ["initContainers", "containers"] {
        let containers = spec.get(list).and_then(|list| list.as_array()).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            let image = container.get("image").and_then(|image| image.as_str()).unwrap_or_default();
            if !image.is_empty() && text.contains(image) {
                return Some(format!("{template}/spec/{list}/{index}/image"));
            }
        }
    }
    let named =
        references::of_pod_spec(spec).into_iter().find(|reference| text.contains(&format!("\"{}\"", reference.name)));
    named.map(|reference| format!("{template}/spec{}", reference.pointer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::ObjectRef;

    const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: n
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry/web:2
        envFrom:
        - secretRef:
            name: tokens
";

    #[track_caller]
    fn check(about: &str, message: &str, line: u32) {
        let objects = lucid_object::yaml::parse_documents(WEB, "web.yaml").unwrap();
        let finding = Finding::error(3002, message).on(ObjectRef::new("", "Pod", Some("n"), about));
        let position = position_of(&finding, &objects.iter().collect::<Vec<_>>());
        assert_eq!(position.map(|position| position.line), Some(line));
    }

    #[test]
    fn the_image_the_reference_or_the_object() {
        check("web-5d8-x7", "image registry/web:2 does not exist", 11);
        check("web-5d8-x7", "secret \"tokens\" not found", 14);
        check("web-5d8-x7", "something else", 1);
    }
}
