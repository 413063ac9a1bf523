//! L52xx: Services, Ingresses, Gateways, names and policies.

use super::{Entry, entry_of};
use crate::diagnosis::Class::{Advice, After, FatalNow, Symptom, Wait};

#[rustfmt::skip]
pub(super) const TABLE: &[Entry] = &[
    entry_of(5201, "SelectorMismatch", After(120), "the Service selects no pod", ["no pod and no workload carries the labels of `spec.selector`", "a typo in a label; the API gives no warning", "make the selector equal to the pods' labels"]),
    entry_of(5202, "NoReadyEndpoints", Symptom, "the Service has no ready endpoint", ["EndpointSlices without a ready address", "its pods are not ready", "see the findings about the pods"]),
    entry_of(5203, "TargetPort", After(120), "the Service's target port is no port of its pods", ["a named `targetPort` that no container has", "the name is misspelt, or the container lost the port", "name the container's port, or use its number"]),
    entry_of(5204, "LbPending", After(300), "the load balancer has no address", ["`type: LoadBalancer` without `status.loadBalancer.ingress`", "the cloud is slow or refuses, or the cluster has no load balancer controller", "read the Service's events; on bare metal install a controller or use another type"]),
    entry_of(5205, "IngressClass", Advice, "the Ingress has no class that exists", ["`ingressClassName` names no IngressClass, or none is the default", "no controller will serve it", "name an installed class"]),
    entry_of(5206, "IngressBackend", FatalNow, "the Ingress routes to a Service or port that does not exist", ["`backend.service` without a counterpart", "a typo, or the Service was renamed", "correct the backend"]),
    entry_of(5207, "TlsSecret", FatalNow, "the TLS Secret is missing or not of its type", ["`spec.tls[].secretName` names no Secret of type `kubernetes.io/tls`", "nobody created the certificate yet", "create it, or look at cert-manager's Certificate"]),
    entry_of(5208, "Certificate", FatalNow, "the certificate does not serve its purpose", ["expired, soon to expire, host name not in it, or key and certificate do not belong together", "it was not renewed, or made for another name", "renew it for the names in `spec.tls[].hosts`"]),
    entry_of(5209, "CertManager", Wait, "the certificate has not been issued", ["cert-manager `Certificate`, `Order` or `Challenge` is not Ready", "the authority has not answered, or cannot verify the name", "read the deepest of them: Challenge, then Order, then Certificate"]),
    entry_of(5210, "IngressNoAddress", Advice, "the Ingress shows no address", ["empty `status.loadBalancer`", "some controllers never publish one; nothing is wrong for that alone", "ask its URL; it never holds back a deploy"]),
    entry_of(5211, "Gateway", FatalNow, "the route is not attached to its Gateway", ["`Accepted`, `ResolvedRefs` or `Programmed` is False", "the backend is missing, a reference is not permitted, or no listener allows it", "repair what the reason names"]),
    entry_of(5212, "Dns", FatalNow, "a name cannot be resolved", ["logs: `no such host`, `NXDOMAIN`, `EAI_AGAIN`", "a wrong name or namespace, or the cluster's DNS is down", "use `service.namespace`, and see whether the Service exists"]),
    entry_of(5213, "NetworkPolicy", Advice, "a NetworkPolicy does not allow a connection that the release needs", ["no policy allows it; seen as a timeout, not as refused", "default deny, and a rule is missing", "add the rule for this port in both directions, and DNS"]),
    entry_of(5214, "LoopbackBind", FatalNow, "the application listens on its loopback address only", ["a port-forward works and the pod's address refuses", "it binds 127.0.0.1", "bind 0.0.0.0 (or ::)"]),
];
