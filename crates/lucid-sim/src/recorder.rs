//! Events: who saw what, repeated ones counted instead of written again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

/// Which events were written already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder {
    written: BTreeMap<(String, String, String, String), Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

use Severity::{Normal, Warning};

impl World {
    pub(crate) fn normal(&mut self, component: &str, about: &Value, reason: &str, message: &str) {
        self.event(component, about, Normal, reason, message, "");
    }

    pub(crate) fn warning(&mut self, component: &str, about: &Value, reason: &str, message: &str) {
        self.event(component, about, Warning, reason, message, "");
    }

    /// Writes an event about an object, or counts it up when it was written before. `field` names the container.
    pub(crate) fn event(
        &mut self,
        component: &str,
        about: &Value,
        severity: Severity,
        reason: &str,
        message: &str,
        field: &str,
    ) {
        let id = (about.uid().to_owned(), reason.to_owned(), message.to_owned(), field.to_owned());
        let now = self.stamp();
        if let Some(key) = self.recorder.written.get(&id).cloned()
            && self.store.get(Table::EVENTS, &key.namespace, &key.name).is_some()
        {
            self.edit(Table::EVENTS, &key.namespace, &key.name, By::system(component), |event| {
                let count = event.int("count") + 1;
                event.put("count", count);
                event.put("lastTimestamp", now);
            });
            return;
        }
        let namespace = if about.namespace().is_empty() { "default" } else { about.namespace() };
        let name = format!("{}.{:016x}", about.name(), self.chooser.next() >> 4);
        let mut event = json!({
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {"apiVersion": about.str("apiVersion"), "kind": about.str("kind"), "name": about.name(),
                "namespace": about.namespace(), "uid": about.uid(), "resourceVersion": about.str("metadata/resourceVersion")},
            "reason": reason, "message": message, "type": if severity == Warning { "Warning" } else { "Normal" },
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "eventTime": null,
        });
        if about.namespace().is_empty() {
            event.cut("involvedObject/namespace");
        }
        if !field.is_empty() {
            event.put("involvedObject/fieldPath", field);
        }
        if component == "kubelet" {
            event.put("source/host", about.str("spec/nodeName"));
            event.put("reportingInstance", about.str("spec/nodeName"));
        }
        // A namespace that is going takes no more events; nobody misses them.
        if self.make(Table::EVENTS, namespace, event, component).is_ok() {
            self.recorder.written.insert(id, Key::new(namespace, &name));
        }
    }
}
