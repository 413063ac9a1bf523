//! What runtimes say when an image cannot be pulled.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    // Before "not found": the text ends in it (containerd#2410).
    on(3001, &["no match for platform"], &[
        ("containerd 1.7", "failed to pull and unpack image \"r.example/api:1\": no match for platform in manifest: not found"),
        ("containerd 2.1", "rpc error: code = NotFound desc = failed to pull and unpack image \"r.example/api:1\": no match for platform in manifest sha256:d0: not found"),
    ]),
    on(3001, &["no matching manifest for"], &[("dockerd 27", "no matching manifest for linux/arm64/v8 in the manifest list entries")]),
    on(3001, &["no image found in", "for architecture"], &[("CRI-O 1.31", "choosing image instance: no image found in image index for architecture \"arm64\", variant \"v8\", OS \"linux\"")]),
    on(3010, &["no space left on device"], &[("containerd 1.7", "failed to pull and unpack image \"x\": failed to extract layer sha256:aa: write /var/lib/containerd/x: no space left on device: unknown")]),
    on(3004, &["toomanyrequests"], &[("containerd 1.7", "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/redis/manifests/sha256:1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.")]),
    on(3004, &["429 too many requests"], &[("CRI-O 1.31", "reading manifest 1 in r.example/api: received unexpected HTTP status: 429 Too Many Requests")]),
    on(3006, &["x509:"], &[("containerd 1.7", "failed to do request: Head \"https://r.example/v2/api/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority")]),
    on(3006, &["server gave http response to https client"], &[("containerd 1.7", "failed to do request: Head \"https://10.0.0.1:5000/v2/api/manifests/1\": http: server gave HTTP response to HTTPS client")]),
    on(3006, &["tls: handshake failure"], &[("containerd 1.7", "failed to do request: Head \"https://r.example/v2/a/manifests/1\": remote error: tls: handshake failure")]),
    on(3005, &["no such host"], &[("containerd 1.7", "failed to do request: Head \"https://r.example/v2/api/manifests/1\": dial tcp: lookup r.example on 10.0.0.10:53: no such host")]),
    on(3005, &["i/o timeout"], &[("containerd 1.7", "failed to do request: Head \"https://r.example/v2/api/manifests/1\": dial tcp 192.0.2.1:443: i/o timeout")]),
    on(3005, &["connection refused"], &[("containerd 1.6", "failed to do request: Head \"http://127.0.0.1:5000/v2/api/manifests/1\": dial tcp 127.0.0.1:5000: connect: connection refused")]),
    on(3005, &["connection reset"], &[("containerd 1.7", "read tcp 10.0.0.2:4->192.0.2.1:443: read: connection reset by peer")]),
    on(3005, &["no route to host"], &[("containerd 1.7", "dial tcp 192.0.2.1:443: connect: no route to host")]),
    on(3005, &["network is unreachable"], &[("containerd 1.7", "dial tcp 192.0.2.1:443: connect: network is unreachable")]),
    on(3005, &["server misbehaving"], &[("containerd 1.7", "dial tcp: lookup r.example on 127.0.0.53:53: server misbehaving")]),
    on(3005, &["tls handshake timeout"], &[("containerd 1.7", "failed to do request: Head \"https://r.example/v2/\": net/http: TLS handshake timeout")]),
    on(3005, &["context deadline exceeded"], &[("containerd 1.7", "failed to resolve reference \"r.example/api:1\": context deadline exceeded")]),
    on(3005, &["503 service unavailable"], &[("containerd 1.7", "unexpected status from HEAD request to https://r.example/v2/api/manifests/1: 503 Service Unavailable")]),
    on(3005, &["registryunavailable"], &[("kubelet 1.34", "RegistryUnavailable: registry is unavailable")]),
    on(3003, &["pull access denied"], &[("containerd 1.7", "failed to resolve reference \"docker.io/me/private:1\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed")]),
    on(3003, &["401 unauthorized"], &[("containerd 1.7", "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 401 Unauthorized")]),
    on(3003, &["403 forbidden"], &[("containerd 1.7", "unexpected status from HEAD request to https://r.example/v2/api/manifests/1: 403 Forbidden")]),
    on(3003, &["authorization failed"], &[("containerd 1.6", "failed to resolve reference \"r.example/a:1\": unexpected status: authorization failed: no basic auth credentials")]),
    on(3003, &["no basic auth credentials"], &[("dockerd 24", "Error response from daemon: Head \"https://1.dkr.ecr.eu-1.amazonaws.com/v2/a/manifests/1\": no basic auth credentials")]),
    on(3003, &["authentication required"], &[("CRI-O 1.31", "initializing source docker://r.example/a:1: reading manifest 1 in r.example/a: unauthorized: authentication required")]),
    on(3003, &["unauthorized:"], &[("CRI-O 1.29", "reading manifest 1 in quay.io/me/a: unauthorized: access to the requested resource is not authorized")]),
    on(3003, &["denied: requested access"], &[("CRI-O 1.31", "reading manifest 1 in docker.io/me/a: denied: requested access to the resource is denied")]),
    on(3002, &["manifest unknown"], &[("CRI-O 1.31", "initializing source docker://r.example/a:9: reading manifest 9 in r.example/a: manifest unknown: manifest unknown")]),
    on(3002, &["name_unknown"], &[("CRI-O 1.31", "reading manifest 1 in r.example/a: NAME_UNKNOWN: repository name not known to registry")]),
    on(3002, &["name unknown"], &[("CRI-O 1.31", "reading manifest 1 in r.example/a: name unknown: repository not found")]),
    on(3002, &["not found"], &[
        ("containerd 1.6", "rpc error: code = NotFound desc = failed to pull and unpack image \"127.0.0.1:5000/api:nope\": failed to resolve reference \"127.0.0.1:5000/api:nope\": 127.0.0.1:5000/api:nope: not found"),
        ("containerd 2.1", "failed to pull and unpack image \"docker.io/library/redis:nope\": failed to resolve reference \"docker.io/library/redis:nope\": docker.io/library/redis:nope: not found"),
    ]),
    on(3007, &["invalid reference format"], &[("kubelet 1.37", "Failed to apply default image tag \"Api:1\": couldn't parse image name \"Api:1\": invalid reference format: repository name must be lowercase")]),
];
