//! Lives of single pods.

use serde_json::{Value, json};

use crate::controllers::testing::{Stage, conditions, pod};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::delete::DeleteOptions;

/// The status of the only container.
fn app(pod: &Value) -> Value {
    pod.list("status/containerStatuses").first().cloned().unwrap_or_default()
}

fn waiting(pod: &Value) -> String {
    app(pod).str("state/waiting/reason").to_owned()
}

#[test]
fn a_plain_pod_becomes_ready() {
    let mut stage = Stage::new(json!({}));
    stage.create(pod("web", "nginx:1"));
    let took = stage.until("ready", 5, |s| s.get(Table::PODS, "web").condition("Ready") == "True");
    assert!(took <= 2, "{took}");
    let pod = stage.get(Table::PODS, "web");
    assert_eq!(pod.str("status/phase"), "Running");
    assert_eq!(
        conditions(&pod),
        [
            "PodScheduled=True",
            "PodReadyToStartContainers=True",
            "Initialized=True",
            "Ready=True",
            "ContainersReady=True"
        ]
    );
    assert!(pod.str("status/podIP").starts_with("10.244."));
    let events = stage.events("web");
    let reasons: Vec<&str> = events.iter().map(|e| e.split(':').next().unwrap()).collect();
    assert_eq!(reasons, ["Normal Scheduled", "Normal Pulling", "Normal Pulled", "Normal Created", "Normal Started"]);
}

#[test]
fn a_missing_image_backs_off() {
    let mut stage = Stage::new(json!({"behaviours": [{"select": {"image": "nope"}, "pull": "notFound"}]}));
    stage.create(pod("web", "nope:1"));
    stage.until("pull error", 3, |s| waiting(&s.get(Table::PODS, "web")) == "ErrImagePull");
    stage.until("back-off", 3, |s| waiting(&s.get(Table::PODS, "web")) == "ImagePullBackOff");
    let pod = stage.get(Table::PODS, "web");
    assert_eq!(pod.str("status/phase"), "Pending");
    let message = app(&pod).str("state/waiting/message").to_owned();
    assert!(
        message.starts_with("Back-off pulling image \"nope:1\": ErrImagePull: rpc error: code = NotFound"),
        "{message}"
    );
    stage.until("second try", 20, |s| waiting(&s.get(Table::PODS, "web")) == "ErrImagePull");
    assert!(stage.events("web").contains(&"Warning Failed: Error: ImagePullBackOff".to_owned()));
}

#[test]
fn crashes_back_off_longer_and_longer() {
    let mut stage = Stage::new(
        json!({"behaviours": [{"then": {"crash": {"after": 1, "exitCode": 3}}, "start": 0, "log": ["boom"]}]}),
    );
    stage.create(pod("web", "app:1"));
    stage.until("crash loop", 10, |s| waiting(&s.get(Table::PODS, "web")) == "CrashLoopBackOff");
    let pod = stage.get(Table::PODS, "web");
    let status = app(&pod);
    assert_eq!(status.int("restartCount"), 1);
    assert_eq!((status.int("lastState/terminated/exitCode"), status.str("lastState/terminated/reason")), (3, "Error"));
    let message = format!("back-off 10s restarting failed container=app pod=web_default({})", pod.uid());
    assert_eq!(status.str("state/waiting/message"), message);
    assert_eq!(pod.str("status/phase"), "Running");
    let restarts = |s: &Stage| app(&s.get(Table::PODS, "web")).int("restartCount");
    let second = stage.until("second", 20, |s| restarts(s) == 2);
    let third = stage.until("third", 40, |s| restarts(s) == 3);
    let fourth = stage.until("fourth", 60, |s| restarts(s) == 4);
    assert!(
        (9..=12).contains(&second) && (20..=24).contains(&third) && (40..=44).contains(&fourth),
        "{second} {third} {fourth}"
    );
    assert_eq!(stage.world.kubelets.log(pod.uid(), "app", true), Some(vec!["boom".to_owned()]));
}

#[test]
fn a_slow_start_is_killed_by_an_impatient_probe() {
    let mut stage = Stage::new(json!({"behaviours": [{"start": 0, "readyAfter": 60}]}));
    let mut slow = pod("web", "app:1");
    slow["spec"]["containers"][0]["livenessProbe"] =
        json!({"httpGet": {"port": 80}, "periodSeconds": 5, "failureThreshold": 2});
    stage.create(slow);
    stage.until("killed", 20, |s| app(&s.get(Table::PODS, "web")).int("restartCount") == 1);
    let events = stage.events("web");
    assert!(
        events.contains(&"Normal Killing: Container app failed liveness probe, will be restarted".to_owned()),
        "{events:?}"
    );
    let pod = stage.get(Table::PODS, "web");
    assert_eq!(app(&pod).int("lastState/terminated/exitCode"), 143);
}

#[test]
fn readiness_follows_the_application() {
    let mut stage = Stage::new(json!({"behaviours": [{"start": 0, "then": {"flap": {"up": 30, "down": 30}}}]}));
    let mut flapping = pod("web", "app:1");
    flapping["spec"]["containers"][0]["readinessProbe"] =
        json!({"httpGet": {"port": 80}, "periodSeconds": 1, "failureThreshold": 3});
    stage.create(flapping);
    stage.until("ready", 5, |s| s.get(Table::PODS, "web").condition("Ready") == "True");
    let took = stage.until("unready", 40, |s| s.get(Table::PODS, "web").condition("Ready") == "False");
    assert!((30..=34).contains(&took), "{took}");
    assert!(
        stage
            .events("web")
            .contains(&"Warning Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned())
    );
}

#[test]
fn init_containers_run_in_order_and_sidecars_stay() {
    let mut stage = Stage::new(json!({}));
    let mut web = pod("web", "app:1");
    web["spec"]["initContainers"] = json!([{"name": "one", "image": "i:1"},
        {"name": "side", "image": "s:1", "restartPolicy": "Always"}, {"name": "two", "image": "i:1"}]);
    stage.create(web);
    stage.until("second init", 10, |s| {
        s.get(Table::PODS, "web").list("status/initContainerStatuses").iter().all(|c| c.flag("ready"))
    });
    stage.until("ready", 10, |s| s.get(Table::PODS, "web").condition("Ready") == "True");
    let events = stage.events("web");
    let started: Vec<&String> = events.iter().filter(|event| event.contains("Started")).collect();
    assert_eq!(started.len(), 4);
    let pod = stage.get(Table::PODS, "web");
    assert!(pod.list("status/initContainerStatuses")[1].has("state/running"));
    assert_eq!(pod.list("status/initContainerStatuses")[0].str("state/terminated/reason"), "Completed");
}

#[test]
fn a_missing_key_holds_the_container_until_it_is_there() {
    let mut stage = Stage::new(json!({}));
    let mut web = pod("web", "app:1");
    web["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]);
    stage.create(web);
    stage.until("error", 5, |s| waiting(&s.get(Table::PODS, "web")) == "CreateContainerConfigError");
    let message = |s: &Stage| app(&s.get(Table::PODS, "web")).str("state/waiting/message").to_owned();
    assert_eq!(message(&stage), "configmap \"settings\" not found");
    stage
        .create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"b": "1"}}));
    stage.until("key", 20, |s| message(s) == "couldn't find key a in ConfigMap default/settings");
    stage.edit(Table::CONFIG_MAPS, "settings", |map| map.put("data/a", "2"));
    stage.until("ready", 20, |s| s.get(Table::PODS, "web").condition("Ready") == "True");
}

#[test]
fn a_missing_volume_source_holds_the_pod() {
    let mut stage = Stage::new(json!({}));
    let mut web = pod("web", "app:1");
    web["spec"]["volumes"] = json!([{"name": "cfg", "configMap": {"name": "files"}}]);
    stage.create(web);
    stage.advance(10);
    assert_eq!(waiting(&stage.get(Table::PODS, "web")), "ContainerCreating");
    let text = "Warning FailedMount: MountVolume.SetUp failed for volume \"cfg\" : configmap \"files\" not found";
    assert!(stage.events("web").contains(&text.to_owned()));
    stage.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files"}}));
    stage.until("ready", 20, |s| s.get(Table::PODS, "web").condition("Ready") == "True");
}

#[test]
fn a_deleted_pod_ends_in_its_own_time() {
    let mut stage = Stage::new(json!({"behaviours": [{"then": {"hang": {"after": 0}}}]}));
    stage.create(pod("hung", "app:1"));
    stage.until("running", 10, |s| s.get(Table::PODS, "hung").str("status/phase") == "Running");
    stage.delete(Table::PODS, "hung", &DeleteOptions::default());
    stage.advance(29);
    assert!(stage.get(Table::PODS, "hung").is_deleting());
    assert!(stage.events("hung").contains(&"Normal Killing: Stopping container app".to_owned()));
    stage.advance(3);
    assert!(stage.names(Table::PODS).is_empty());
}

#[test]
fn a_pod_of_its_own_completes_or_fails() {
    let mut stage = Stage::new(json!({"behaviours": [{"select": {"workload": "bad"}, "then": {"crash": {"after": 1}}},
        {"then": {"complete": {"after": 1}}}]}));
    for name in ["good", "bad"] {
        let mut once = pod(name, "app:1");
        once.put("spec/restartPolicy", "Never");
        stage.create(once);
    }
    stage.advance(10);
    let (good, bad) = (stage.get(Table::PODS, "good"), stage.get(Table::PODS, "bad"));
    assert_eq!((good.str("status/phase"), bad.str("status/phase")), ("Succeeded", "Failed"));
    assert_eq!(
        conditions(&good)[2..],
        ["Initialized=True PodCompleted", "Ready=False PodCompleted", "ContainersReady=False PodCompleted"]
    );
}

#[test]
fn a_pod_that_fits_nowhere_says_why() {
    let mut stage = Stage::new(json!({}));
    let mut big = pod("big", "app:1");
    big["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "100"}});
    stage.create(big);
    stage.advance(1);
    let pod = stage.get(Table::PODS, "big");
    let condition = &pod.list("status/conditions")[0];
    assert_eq!((condition.str("type"), condition.str("reason")), ("PodScheduled", "Unschedulable"));
    assert_eq!(
        condition.str("message"),
        "0/5 nodes are available: 5 Insufficient cpu. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling."
    );
}
