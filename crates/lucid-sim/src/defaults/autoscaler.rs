//! Defaults of HorizontalPodAutoscalers.

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Kind;

pub(crate) fn autoscaler(kind: &Kind, object: &mut Value) {
    object.default_to("spec/minReplicas", 1);
    if kind.version == "v1" {
        return;
    }
    if object.list("spec/metrics").is_empty() {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        object.put("spec/metrics", json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    if object.has("spec/behavior") {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        object.default_to("spec/behavior/scaleUp/stabilizationWindowSeconds", 0);
        object.default_to("spec/behavior/scaleUp/policies", json!([pods, percent]));
        object.default_to("spec/behavior/scaleDown/policies", json!([percent]));
        for direction in ["scaleUp", "scaleDown"] {
            object.default_to(&format!("spec/behavior/{direction}/selectPolicy"), "Max");
        }
    }
}
