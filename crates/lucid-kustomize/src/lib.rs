//! kustomize in Rust: a kustomization tree in, the bytes of kustomize build out, with the origin of every field.
