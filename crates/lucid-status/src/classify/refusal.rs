//! What the API server says when it refuses an object: ours, or the pods that a controller makes from it.

use super::{Table, on};

#[rustfmt::skip]
pub(crate) const TABLE: Table = &[
    on(1008, &["validatingadmissionpolicy"], &[("apiserver 1.37", "deployments.apps \"api\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'all' denied request: at most five replicas")]),
    on(1018, &["admission webhook", "is already defined in ingress"], &[("ingress-nginx 1.12", "admission webhook \"validate.nginx.ingress.kubernetes.io\" denied the request: host \"a.example\" and path \"/\" is already defined in ingress shop/old")]),
    on(1006, &["admission webhook", "denied the request"], &[("apiserver 1.37", "admission webhook \"policy.example.com\" denied the request: no latest tags")]),
    on(1007, &["failed calling webhook"], &[
        ("apiserver 1.37", "Internal error occurred: failed calling webhook \"policy.example.com\": failed to call webhook: Post \"https://policy.kyverno.svc:443/validate?timeout=10s\": no endpoints available for service \"policy\""),
        ("apiserver 1.34", "Internal error occurred: failed calling webhook \"p.example.com\": failed to call webhook: Post \"https://p.n.svc:443/?timeout=10s\": tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ]),
    on(1009, &["violates podsecurity"], &[("apiserver 1.37", "pods \"api-1-\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"api\" must set securityContext.allowPrivilegeEscalation=false)")]),
    on(1011, &["failed quota", "must specify"], &[("apiserver 1.37", "pods \"api-1-x\" is forbidden: failed quota: compute: must specify limits.memory for: api; requests.memory for: api")]),
    on(1010, &["exceeded quota"], &[("apiserver 1.37", "pods \"api-1-x\" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=4, limited: requests.cpu=4")]),
    on(1012, &["maximum ", " usage per "], &[("apiserver 1.37", "pods \"api-1-x\" is forbidden: maximum cpu usage per Container is 1, but limit is 2")]),
    on(1012, &["minimum ", " usage per "], &[("apiserver 1.37", "pods \"api-1-x\" is forbidden: minimum memory usage per Container is 64Mi, but request is 32Mi")]),
    on(1012, &["limit to request ratio per"], &[("apiserver 1.37", "pods \"a\" is forbidden: memory max limit to request ratio per Container is 2, but provided ratio is 4.000000")]),
    on(2002, &["serviceaccount \"", "\" not found"], &[("apiserver 1.37", "pods \"api-1-\" is forbidden: error looking up service account shop/api: serviceaccount \"api\" not found")]),
    on(2002, &["no priorityclass with name"], &[("apiserver 1.37", "pods \"api-1-\" is forbidden: no PriorityClass with name high was found")]),
    on(2002, &["runtimeclass \"", "\" not found"], &[("apiserver 1.37", "pods \"api-1-\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found")]),
    on(1015, &["because it is being terminated"], &[("apiserver 1.37", "pods \"api-1-\" is forbidden: unable to create new content in namespace shop because it is being terminated")]),
    on(1015, &["namespaces \"", "\" not found"], &[("apiserver 1.37", "namespaces \"shop\" not found")]),
    on(1002, &["strict decoding error"], &[("apiserver 1.37", "failed to create typed patch object: strict decoding error: unknown field \"spec.replica\"")]),
    on(1002, &["field not declared in schema"], &[("apiserver 1.37", "failed to create typed patch object (shop/api; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema")]),
    on(1002, &["unknown field"], &[("apiserver 1.34", "Deployment in version \"v1\" cannot be handled as a Deployment: unknown field \"spec.replica\"")]),
    on(1001, &["field is immutable"], &[("apiserver 1.37", "Deployment.apps \"api\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"}}: field is immutable")]),
    on(1001, &["updates to statefulset spec for fields other than"], &[("apiserver 1.37", "StatefulSet.apps \"mongo\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")]),
    on(1001, &["spec is immutable after creation"], &[("apiserver 1.37", "PersistentVolumeClaim \"data\" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")]),
    on(1001, &["may not change once set"], &[("apiserver 1.37", "Service \"api\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.0.0.5\"]: may not change once set")]),
    on(1001, &["cannot change roleref"], &[("apiserver 1.37", "RoleBinding.rbac.authorization.k8s.io \"api\" is invalid: roleRef: Invalid value: {}: cannot change roleRef")]),
    on(1017, &["provided port is already allocated"], &[("apiserver 1.37", "Service \"api\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated")]),
    on(1017, &["provided ip is already allocated"], &[("apiserver 1.37", "Service \"api\" is invalid: spec.clusterIPs: Invalid value: [\"10.0.0.5\"]: failed to allocate IP 10.0.0.5: provided IP is already allocated")]),
    on(1016, &["request is too large"], &[("etcd 3.6", "etcdserver: request is too large")]),
    on(1016, &["too long: may not be more than"], &[("apiserver 1.37", "ConfigMap \"big\" is invalid: []: Too long: may not be more than 1048576 bytes")]),
    on(1016, &["must have at most", "bytes"], &[("apiserver 1.30", "ConfigMap \"big\" is invalid: metadata.annotations: Too long: must have at most 262144 bytes")]),
    on(1003, &["no matches for kind"], &[("apiserver 1.37", "no matches for kind \"Certificate\" in version \"cert-manager.io/v1\"")]),
    on(1003, &["could not find the requested resource"], &[("apiserver 1.37", "the server could not find the requested resource")]),
    on(1022, &["the object has been modified"], &[("apiserver 1.37", "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified; please apply your changes to the latest version and try again")]),
    on(1013, &["cannot ", " resource \""], &[("apiserver 1.37", "deployments.apps \"api\" is forbidden: User \"deployer\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"")]),
];
