//! What belongs to no workload: one file an area, each from the view to what was found of each object.

mod apis;
pub(super) mod certificate;
mod ingresses;
mod nodes;
mod policies;
mod quotas;
mod scaling;
mod services;
mod system;
pub(super) mod usage;
mod volumes;
mod webhooks;

use super::report::Area;
use super::view::{Judged, View};

/// Every object of the area, judged. Workloads, endpoints, objects and usage are judged with their components.
pub(super) fn judge(area: Area, view: &View<'_>) -> Vec<Judged> {
    match area {
        Area::Nodes => nodes::judge(view),
        Area::System => system::judge(view),
        Area::Services => services::judge(view),
        Area::Ingresses => ingresses::judge(view),
        Area::Volumes => volumes::judge(view),
        Area::Autoscalers => scaling::autoscalers(view),
        Area::Budgets => scaling::budgets(view),
        Area::Quotas => quotas::judge(view),
        Area::Policies => policies::judge(view),
        Area::Webhooks => webhooks::judge(view),
        Area::Apis => apis::judge(view),
        Area::Workloads | Area::Endpoints | Area::Objects | Area::Usage => Vec::new(),
    }
}
