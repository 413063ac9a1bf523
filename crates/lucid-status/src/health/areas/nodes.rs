//! Nodes: ready, not starved, taking pods.

use crate::health::view::{Judged, View};
use crate::read::reference;

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let nodes = view.in_cluster("", "Node").into_iter();
    nodes.map(|node| Judged::new(reference(node), "ready", view.diagnose(node))).collect()
}
