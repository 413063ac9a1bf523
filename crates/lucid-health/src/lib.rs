//! Probes of running components.
//!
//! [`probe`] asks the health endpoints of one component at its pods, or where its Ingresses answer; `way` is how a pod is reached, `talk` and [`tls`] what
//! is said over the line. Where an endpoint cannot be asked from here, the kubelet's verdict on the pod's own probe counts,
//! and the answer says so. [`endpoint`] gives each endpoint its own answer, and [`certificate`] reads TLS Secrets, for a
//! health report.

pub mod certificate;
pub mod endpoint;
pub mod probe;
mod talk;
pub mod tls;
mod way;

pub use endpoint::{Whom, ask_all};
pub use probe::{Asked, NotHealthy, Pod, Site, probe};
pub use tls::served_at;
pub use way::accepts_inside;
