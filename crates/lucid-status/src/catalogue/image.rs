//! L30xx: images that cannot be pulled.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{After, FatalNow, Symptom, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(3000, "PullFailed", After(60), "the image cannot be pulled", ["waiting `ErrImagePull` or `ImagePullBackOff`, in words no other code knows", "see the runtime's own words", "try the same reference from a node: `crictl pull IMAGE`"]),
    entry_of(3001, "PlatformMismatch", FatalNow, "the image does not exist for the node's CPU", ["`no match for platform in manifest`, `no matching manifest for linux/arm64`", "the tag exists, but was built for another architecture", "build for all architectures of the nodes, or select nodes by `kubernetes.io/arch`"]),
    entry_of(3002, "ImageNotFound", FatalNow, "the image does not exist", ["`manifest unknown`, `not found`, `NAME_UNKNOWN`", "tag or repository are misspelt, or were never pushed", "push the image, or correct the reference; pin it by digest"]),
    entry_of(3003, "ImageAuth", FatalNow, "the registry refuses the credentials", ["401, 403, `pull access denied`, `no basic auth credentials`", "no pull secret, a wrong one, or one for another host; some registries say this for images that do not exist", "check that `imagePullSecrets` names a Secret of type `kubernetes.io/dockerconfigjson` with this host"]),
    entry_of(3004, "RateLimit", After(120), "the registry limits how often images are pulled", ["429, `toomanyrequests`", "too many pulls from these nodes, often without an account", "pull with an account, or through a mirror"]),
    entry_of(3005, "RegistryUnreachable", After(60), "the node cannot reach the registry", ["`i/o timeout`, `no such host`, `connection refused`, `RegistryUnavailable`", "DNS, a firewall, a proxy, or the registry is down", "try it from that node; if one node only, it is the node's network"]),
    entry_of(3006, "RegistryTls", FatalNow, "the node does not trust the registry's certificate", ["`x509: …`, `server gave HTTP response to HTTPS client`", "the certificate is self-signed or expired, or the registry speaks plain HTTP", "add the CA to the container runtime of the nodes, or serve HTTPS"]),
    entry_of(3007, "InvalidImageName", FatalNow, "the image reference is malformed", ["waiting `InvalidImageName`", "upper-case letters, an empty tag, a stray character, often from a template", "correct the reference"]),
    entry_of(3008, "NeverPull", FatalNow, "the image is not on the node and must not be pulled", ["waiting `ErrImageNeverPull`", "`imagePullPolicy: Never`, and nobody loaded the image there", "load the image on the node, or allow pulling"]),
    entry_of(3009, "Signature", FatalNow, "the image's signature is not accepted", ["waiting `SignatureValidationFailed`, or what stands beside the image in its registry", "a policy of the node, or spec.images.trust of the release, demands a signature that the image does not have", "sign the image, or correct the policy"]),
    entry_of(3010, "NodeDiskFull", Symptom, "the node's disk is full", ["`no space left on device` while pulling", "images, logs or volumes filled the node", "see the finding about the node; free space there"]),
    entry_of(3011, "SlowPull", Wait, "the image is being pulled", ["event `Pulling` without `Pulled`", "a large image, or a slow registry", "nothing: the clock stands still while it is pulled; a smaller image starts sooner"]),
];
