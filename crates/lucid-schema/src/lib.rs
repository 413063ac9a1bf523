//! What the engine and the simulator may both know of Kubernetes: tables generated from its OpenAPI.
