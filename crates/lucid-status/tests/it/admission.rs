//! The API server's answers to our own writes: what each means, and what looks much like it.

use lucid_object::ObjectRef;
use lucid_status::Class::{self, After, FatalNow, Wait};
use lucid_status::classify_status;
use serde_json::{Value, json};

pub(crate) struct Answer {
    pub(crate) code: u16,
    class: Class,
    http: u16,
    status: Value,
}

fn answer(code: u16, class: Class, http: u16, reason: &str, message: &str) -> Answer {
    Answer {
        code,
        class,
        http,
        status: json!({"kind": "Status", "reason": reason, "message": message, "details": {"name": "api", "kind": "deployments"}}),
    }
}

fn with_details(mut answer: Answer, details: Value) -> Answer {
    crate::world::merge(&mut answer.status["details"], details);
    answer
}

pub(crate) fn all() -> Vec<Answer> {
    let conflict = json!({"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kube-controller-manager\" using apps/v1", "field": ".spec.replicas"}]});
    let terminating = json!({"causes": [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated", "field": "metadata.namespace"}]});
    let field = json!({"causes": [{"reason": "FieldValueInvalid", "message": "must be greater than 0", "field": "spec.replicas"}]});
    let mut all = vec![
        answer(1000, FatalNow, 400, "BadRequest", "a new sentence of a new server"),
        answer(
            1001,
            FatalNow,
            422,
            "Invalid",
            "Deployment.apps \"api\" is invalid: spec.selector: Invalid value: {}: field is immutable",
        ),
        answer(
            1001,
            FatalNow,
            422,
            "Invalid",
            "StatefulSet.apps \"api\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
        ),
        answer(
            1002,
            FatalNow,
            500,
            "",
            "failed to create typed patch object (shop/api; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema",
        ),
        answer(1002, FatalNow, 400, "BadRequest", "strict decoding error: unknown field \"spec.replica\""),
        answer(1006, FatalNow, 403, "Forbidden", "admission webhook \"p.example.com\" denied the request: no"),
        answer(
            1007,
            FatalNow,
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"p.example.com\": failed to call webhook: Post \"https://p.n.svc:443/\": x509: certificate has expired",
        ),
        // A backend that is just starting may come.
        answer(
            1007,
            After(60),
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"p.example.com\": failed to call webhook: Post \"https://p.n.svc:443/\": no endpoints available for service \"p\"",
        ),
        answer(
            1008,
            FatalNow,
            422,
            "Invalid",
            "deployments.apps \"api\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        ),
        answer(
            1009,
            FatalNow,
            403,
            "Forbidden",
            "pods \"api\" is forbidden: violates PodSecurity \"restricted:latest\": seccompProfile (pod or container \"api\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
        ),
        answer(
            1010,
            FatalNow,
            403,
            "Forbidden",
            "pods \"api\" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=1, limited: cpu=1",
        ),
        answer(
            1011,
            FatalNow,
            403,
            "Forbidden",
            "pods \"api\" is forbidden: failed quota: q: must specify limits.cpu for: api",
        ),
        answer(
            1012,
            FatalNow,
            403,
            "Forbidden",
            "pods \"api\" is forbidden: minimum cpu usage per Container is 100m, but request is 10m",
        ),
        answer(
            1013,
            FatalNow,
            403,
            "Forbidden",
            "deployments.apps \"api\" is forbidden: User \"ci\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
        ),
        answer(1016, FatalNow, 413, "RequestEntityTooLarge", "etcdserver: request is too large"),
        answer(
            1017,
            FatalNow,
            422,
            "Invalid",
            "Service \"api\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
        ),
        answer(
            1018,
            FatalNow,
            400,
            "BadRequest",
            "admission webhook \"v.nginx\" denied the request: host \"a\" and path \"/\" is already defined in ingress shop/old",
        ),
        answer(
            1019,
            Wait,
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ),
        answer(1019, Wait, 503, "ServiceUnavailable", "the server is currently unable to handle the request"),
        answer(1020, FatalNow, 401, "Unauthorized", "Unauthorized"),
        answer(
            1022,
            Wait,
            409,
            "Conflict",
            "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified; please apply your changes to the latest version and try again",
        ),
        answer(1023, FatalNow, 409, "AlreadyExists", "deployments.apps \"api\" already exists"),
    ];
    all.push(with_details(
        answer(
            1014,
            FatalNow,
            409,
            "Conflict",
            "Apply failed with 1 conflict: conflict with \"kube-controller-manager\" using apps/v1: .spec.replicas",
        ),
        conflict,
    ));
    all.push(with_details(
        answer(1015, FatalNow, 403, "Forbidden", "deployments.apps \"api\" is forbidden"),
        terminating,
    ));
    all.push(with_details(
        answer(1015, FatalNow, 404, "NotFound", "namespaces \"shop\" not found"),
        json!({"name": "shop", "kind": "namespaces"}),
    ));
    all.push(with_details(
        answer(
            1021,
            FatalNow,
            422,
            "Invalid",
            "Deployment.apps \"api\" is invalid: spec.replicas: Invalid value: -1: must be greater than 0",
        ),
        field,
    ));
    all.push(with_details(
        answer(1003, FatalNow, 404, "NotFound", "the server could not find the requested resource"),
        json!({"name": null}),
    ));
    all
}

fn judge(answer: &Answer) -> lucid_status::Diagnosis {
    let object = ObjectRef::new("apps", "Deployment", Some("shop"), "api");
    classify_status(&answer.status, answer.http, Some(&object))
}

#[test]
fn every_answer_has_its_meaning() {
    for answer in all() {
        let found = judge(&answer);
        let words = &answer.status["message"];
        assert_eq!((found.finding.code.0, found.class), (answer.code, answer.class), "{words}");
        assert!(found.finding.help.is_some());
        assert!(
            found.finding.evidence.iter().any(|seen| seen == words.as_str().unwrap()),
            "{:?}",
            found.finding.evidence
        );
    }
}

#[track_caller]
fn check(code: u16, message: &str, help: Option<&str>) {
    let answers = all();
    let found: Vec<_> = answers.iter().filter(|answer| answer.code == code).map(judge).collect();
    let found = found.iter().find(|found| found.finding.message == message);
    let found = found.unwrap_or_else(|| {
        panic!("{:?}", answers.iter().filter(|a| a.code == code).map(|a| judge(a).finding.message).collect::<Vec<_>>())
    });
    if let Some(help) = help {
        assert_eq!(found.finding.help.as_deref(), Some(help));
    }
}

#[test]
fn sentences_name_what_matters() {
    check(1001, "Deployment shop/api changes a field that cannot change: spec.selector", None);
    check(1002, "Deployment shop/api has a field that its kind does not know: spec.replica", None);
    check(
        1007,
        "the admission webhook p.example.com does not answer",
        Some("repair the webhook's own workload: Service p in namespace n"),
    );
    check(
        1009,
        "the Pod Security level restricted:latest forbids the pods of Deployment shop/api",
        Some("add to the container's securityContext: seccompProfile: {type: RuntimeDefault}"),
    );
    check(1010, "quota q is used up", None);
    check(1013, "ci may not patch deployments", None);
    check(1014, "kube-controller-manager owns spec.replicas of Deployment shop/api, which the release sets too", None);
    check(1015, "namespace shop does not exist", None);
    check(1021, "Deployment shop/api is not valid: spec.replicas", None);
}

#[test]
fn an_answer_without_a_body_is_survived() {
    for (http, code) in [(404, 1003), (403, 1013), (409, 1022), (422, 1021), (500, 1019), (418, 1000), (413, 1016)] {
        assert_eq!(classify_status(&Value::Null, http, None).finding.code.0, code, "{http}");
    }
}

#[test]
fn control_characters_and_credentials_do_not_pass() {
    let status =
        json!({"message": "\u{1b}[2J::error::admission webhook \"p\" denied the request: see https://bob:pw@host/x"});
    let text = format!("{:?}", classify_status(&status, 400, None));
    assert!(!text.contains('\u{1b}') && !text.contains("pw@") && text.contains("https://***@host/x"), "{text}");
}
