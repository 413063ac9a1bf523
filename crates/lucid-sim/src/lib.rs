//! Kubernetes in the process: store, API, controllers, scheduler and kubelet under a virtual clock.
