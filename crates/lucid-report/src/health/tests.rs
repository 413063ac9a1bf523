//! Every output of one report: two components, one broken, with hostile text in what the cluster says.

use jiff::Timestamp;
use lucid_object::{Finding, ObjectRef, Position};
use lucid_status::health::{Area, Change, Check, ComponentHealth, HealthReport, SinceHealthy, State, Summary, Usage};
use lucid_status::{Certainty, Class, Diagnosis, Group};
use serde_json::Value;

use super::{Output, render};
use crate::style::Paint;

fn check(area: Area, component: Option<&str>, name: &str, state: State, message: &str) -> Check {
    let component = component.map(str::to_owned);
    Check {
        name: name.into(),
        area,
        component,
        object: None,
        state,
        message: message.into(),
        took_ms: 12,
        findings: Vec::new(),
    }
}

fn component(name: &str, phase: &str, state: State, message: &str, checks: Vec<Check>) -> ComponentHealth {
    let usage = (state == State::Ok).then_some(Usage {
        cpu_milli: 25,
        cpu_request_milli: 100,
        memory: 48 << 20,
        memory_request: 64 << 20,
        pods: 2,
        ..Usage::default()
    });
    let ready = if state == State::Ok { 2 } else { 0 };
    ComponentHealth {
        name: name.into(),
        phase: Some(phase.into()),
        state,
        message: message.into(),
        ready,
        desired: 2,
        restarts: 3,
        usage,
        checks,
    }
}

/// What the registry "says" would be markup, an escape sequence, a workflow command, and the end of an XML section.
const HOSTILE: &str = "404 <script>alert('x')</script> & \"]]>\" \u{1b}[31m|pipe|\n::error::no, 100%";

fn report() -> HealthReport {
    let missing = Finding::error(3002, "image r.example/api:2 does not exist")
        .on(ObjectRef::new("", "Pod", Some("shop"), "api-1"))
        .at(Some(Position { file: "k8s/api.yaml".into(), line: 19, column: 16 }))
        .seen(HOSTILE)
        .help("push the image, or correct the reference");
    let mut broken = check(
        Area::Workloads,
        Some("api"),
        "Deployment api",
        State::Failed,
        "0 of 2 new pods ready: image r.example/api:2 does not exist",
    );
    broken.findings = vec![missing.clone(), missing.clone()];
    let fine = vec![
        check(Area::Workloads, Some("db"), "StatefulSet db", State::Ok, "2 pods available"),
        check(Area::Endpoints, Some("db"), "GET /health on 8080", State::Ok, "/health on 8080 answers at 2 pods"),
    ];
    let components = vec![
        component("db", "data", State::Ok, "2 pods available", fine),
        component("api", "core", State::Failed, &broken.message.clone(), vec![broken]),
    ];
    let mut nodes = check(Area::Nodes, None, "nodes", State::Warning, "1 of 5: node n3 takes no new pods");
    let cordoned = Finding::advice(7003, "node n3 takes no new pods").on(ObjectRef::new("", "Node", None, "n3"));
    nodes.findings = vec![cordoned.clone()];
    let checks = vec![
        check(Area::Volumes, None, "volumes", State::Ok, "nothing beside the components' own"),
        check(Area::Usage, None, "PodMetrics in shop", State::Unknown, "we may not list pods"),
        nodes,
    ];
    let example = Diagnosis {
        finding: missing,
        class: Class::FatalNow,
        certainty: Certainty::Proven,
        since: None,
        deadline: None,
        shares: Vec::new(),
    };
    let members = ["api-1", "api-2"].map(|name| ObjectRef::new("", "Pod", Some("shop"), name)).to_vec();
    let message = "2 of 2: image r.example/api:2 does not exist".to_owned();
    let cause = Group { code: example.finding.code, message, shares: Vec::new(), members, example };
    let all = || components.iter().flat_map(|component| &component.checks).chain(&checks);
    HealthReport {
        release: "shop".into(),
        namespace: "shop".into(),
        cluster: Some("5d0e".into()),
        server_version: "v1.37.2".into(),
        checked_at: "2026-11-25T12:00:00Z".parse::<Timestamp>().unwrap(),
        took_ms: 140,
        state: State::Failed,
        summary: Summary::of(all()),
        causes: vec![cause],
        symptoms: vec![Finding::warning(5202, "Service api has no ready endpoint")],
        warnings: vec![cordoned],
        components,
        checks,
        since_healthy: Some(since_healthy()),
    }
}

fn since_healthy() -> SinceHealthy {
    let change = |at: &str, object: Option<ObjectRef>, what: &str, by: Option<&str>| Change {
        at: at.parse::<Timestamp>().unwrap(),
        object,
        what: what.into(),
        by: by.map(str::to_owned),
    };
    let api = ObjectRef::new("apps", "Deployment", Some("shop"), "api");
    let changes = vec![
        change("2026-11-25T11:41:00Z", None, "run 8 (lucid deploy production) failed", Some("ann@ci")),
        change("2026-11-25T11:40:00Z", Some(api), "spec.replicas set", Some("kubectl-edit <script> \u{1b}[31m")),
    ];
    SinceHealthy::new(7, "2026-11-24T09:00:00Z".parse().unwrap(), changes)
}

fn printed(output: Output) -> String {
    let text = render(&report(), output, Paint(false));
    assert!(text.ends_with('\n'), "{output:?}");
    assert!(!text.contains('\u{1b}'), "{output:?} lets an escape sequence through");
    text
}

#[test]
fn text() {
    insta::assert_snapshot!(printed(Output::Text));
    assert!(
        printed(Output::Text).lines().filter(|line| !line.contains("seen:")).all(|line| line.chars().count() <= 100)
    );
}

#[test]
fn wide() {
    insta::assert_snapshot!(printed(Output::Wide));
}

#[test]
fn json_ndjson_and_yaml_say_the_same() {
    let json: Value = serde_json::from_str(&printed(Output::Json)).unwrap();
    insta::assert_snapshot!(printed(Output::Yaml));
    let documents = lucid_object::yaml::parse(&printed(Output::Yaml), 0).unwrap();
    assert_eq!(documents[0].to_json(), json);
    let lines: Vec<Value> = printed(Output::Ndjson).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "HealthCause", "causes come first");
    assert_eq!(kinds.iter().filter(|kind| **kind == "HealthCheck").count(), 6);
    assert_eq!(kinds.iter().filter(|kind| **kind == "HealthChange").count(), 2);
    assert_eq!(lines.last().unwrap()["summary"], json["summary"]);
}

#[test]
fn junit() {
    insta::assert_snapshot!(printed(Output::Junit));
}

#[test]
fn sarif() {
    insta::assert_snapshot!(printed(Output::Sarif));
}

#[test]
fn prometheus() {
    insta::assert_snapshot!(printed(Output::Prometheus));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(printed(Output::Markdown));
}

#[test]
fn html() {
    let page = printed(Output::Html);
    assert!(
        !page.contains("<script") && !page.contains("http://") && !page.contains("https://"),
        "nothing runs, nothing is loaded"
    );
    let (_, body) = page.split_once("<body>").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn github_shows_ten_at_most_and_obeys_no_stranger() {
    insta::assert_snapshot!(printed(Output::Github));
    let mut many = report();
    many.warnings = vec![many.warnings[0].clone(); 40];
    let text = render(&many, Output::Github, Paint(false));
    assert_eq!(text.lines().count(), 10);
    assert!(text.starts_with("::error file=k8s/api.yaml,line=19,col=16,"), "{text}");
}
