//! The properties that Kubernetes demands of its storage, each restated at the API that clients see.
//!
//! The list is that of apiserver's `pkg/storage/testing`; each test names the entry that it stands for. Entries about
//! encryption at rest and about decoding have no counterpart here: what takes their place says so.

use std::time::Duration;

use http_body_util::BodyExt;
use lucid_sim::{Config, Sim, SimBody};
use serde_json::{Value, json};

use crate::support::{Answer, CONFIG_MAPS, config_map, delete, get, open, patch, post, put, started};

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

/// An API server alone, so that nobody but the test writes.
fn cluster() -> Sim {
    started(Config { controllers: false, ..Config::default() })
}

async fn make(sim: &Sim, name: &str) -> Value {
    post(sim, CONFIG_MAPS, &config_map(name, json!({"k": "1"}))).await.ok()
}

async fn made(sim: &Sim, names: &[&str]) -> Vec<Value> {
    let mut out = Vec::new();
    for name in names {
        out.push(make(sim, name).await);
    }
    out
}

async fn change(sim: &Sim, name: &str, value: &str) -> Value {
    patch(sim, "merge", &format!("{CONFIG_MAPS}/{name}"), &json!({"data": {"k": value}})).await.ok()
}

async fn remove(sim: &Sim, name: &str, options: Value) -> Answer {
    delete(sim, &format!("{CONFIG_MAPS}/{name}"), &options).await
}

async fn list(sim: &Sim, query: &str) -> Value {
    get(sim, &format!("{CONFIG_MAPS}?{query}")).await.ok()
}

fn at(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

/// A watch that is being read.
struct Watch(SimBody);

impl Watch {
    async fn open(sim: &Sim, uri: &str) -> Self {
        let response = open(sim, "GET", uri, "", &Value::Null).await;
        assert_eq!(response.status(), 200);
        Self(response.into_body())
    }

    async fn of(sim: &Sim, query: &str) -> Self {
        Self::open(sim, &format!("{CONFIG_MAPS}?watch=1&{query}")).await
    }

    /// Type, name and value of the next event.
    async fn next(&mut self) -> (String, String, u64) {
        let event = self.event().await.expect("an event");
        let object = &event["object"];
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        (event["type"].as_str().unwrap().to_owned(), name, version(object))
    }

    async fn event(&mut self) -> Option<Value> {
        let frame = tokio::time::timeout(Duration::from_secs(7200), self.0.frame()).await.expect("in time")?;
        Some(serde_json::from_slice(frame.unwrap().data_ref().unwrap()).unwrap())
    }

    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(20), self.0.frame()).await.is_err()
    }
}

// Create.

/// Create: what comes back is what was sent, with a version, and reading it gives the same.
#[tokio::test(start_paused = true)]
async fn create() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    assert!(version(&made) > 0 && made["data"] == json!({"k": "1"}));
    assert_eq!(get(&sim, &at("a")).await.ok(), made);
}

/// CreateWithTTL: events are forgotten after an hour.
#[tokio::test(start_paused = true)]
async fn create_with_a_time_to_live() {
    let sim = cluster();
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "R",
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}});
    let uri = "/api/v1/namespaces/default/events";
    post(&sim, uri, &event).await.ok();
    tokio::time::sleep(Duration::from_secs(3000)).await;
    get(&sim, &format!("{uri}/e")).await.ok();
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!(get(&sim, &format!("{uri}/e")).await.reason(), (404, "NotFound"));
}

/// GuaranteedUpdateWithTTL: an event that is written again lives on.
#[tokio::test(start_paused = true)]
async fn an_update_renews_the_time_to_live() {
    let sim = cluster();
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "R",
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}});
    let uri = "/api/v1/namespaces/default/events";
    post(&sim, uri, &event).await.ok();
    tokio::time::sleep(Duration::from_secs(3000)).await;
    patch(&sim, "merge", &format!("{uri}/e"), &json!({"count": 2})).await.ok();
    tokio::time::sleep(Duration::from_secs(1200)).await;
    get(&sim, &format!("{uri}/e")).await.ok();
    tokio::time::sleep(Duration::from_secs(2500)).await;
    assert_eq!(get(&sim, &format!("{uri}/e")).await.reason(), (404, "NotFound"));
}

/// CreateWithKeyExist: the first object stays as it is.
#[tokio::test(start_paused = true)]
async fn create_what_exists() {
    let sim = cluster();
    let first = make(&sim, "a").await;
    let second = post(&sim, CONFIG_MAPS, &config_map("a", json!({"k": "2"}))).await;
    assert_eq!(second.reason(), (409, "AlreadyExists"));
    assert_eq!(get(&sim, &at("a")).await.ok(), first);
}

// Get.

/// Get: of what is there and what is not, at any version up to the present, and not from the future.
#[tokio::test(start_paused = true)]
async fn get_at_versions() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let now = version(&make(&sim, "b").await);
    for version in ["".to_owned(), "0".into(), version(&made).to_string(), now.to_string()] {
        assert_eq!(get(&sim, &format!("{}?resourceVersion={version}", at("a"))).await.ok(), made, "{version}");
        let missing = get(&sim, &format!("{}?resourceVersion={version}", at("none"))).await;
        assert_eq!(missing.reason(), (404, "NotFound"), "{version}");
    }
    let future = get(&sim, &format!("{}?resourceVersion={}", at("a"), now + 1_000)).await;
    assert_eq!(future.reason(), (504, "Timeout"));
    assert_eq!(future.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

// Delete.

/// UnconditionalDelete: once; then there is nothing to delete.
#[tokio::test(start_paused = true)]
async fn delete_without_conditions() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let gone = remove(&sim, "a", Value::Null).await.ok();
    assert_eq!(gone["details"]["uid"], made["metadata"]["uid"]);
    assert_eq!(remove(&sim, "a", Value::Null).await.reason(), (404, "NotFound"));
}

/// ConditionalDelete: only of the object that was meant.
#[tokio::test(start_paused = true)]
async fn delete_with_a_uid() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let wrong = remove(&sim, "a", json!({"preconditions": {"uid": "other"}})).await;
    assert_eq!(wrong.reason(), (409, "Conflict"));
    let right = json!({"preconditions": {"uid": made["metadata"]["uid"]}});
    assert_eq!(remove(&sim, "a", right).await.code, 200);
}

/// DeleteWithSuggestion: whoever deletes what he has just read deletes it.
#[tokio::test(start_paused = true)]
async fn delete_at_the_version_that_was_read() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let read = json!({"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}});
    assert_eq!(remove(&sim, "a", read).await.code, 200);
}

/// DeleteWithSuggestionAndConflict: an old version in a client's hands does not stop a deletion that names none.
#[tokio::test(start_paused = true)]
async fn delete_after_somebody_changed_it() {
    let sim = cluster();
    make(&sim, "a").await;
    change(&sim, "a", "2").await;
    assert_eq!(remove(&sim, "a", Value::Null).await.code, 200);
    assert_eq!(get(&sim, &at("a")).await.code, 404);
}

/// DeleteWithConflict: a version that has passed stops it, and the object stays as it is.
#[tokio::test(start_paused = true)]
async fn delete_at_a_version_that_has_passed() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let now = change(&sim, "a", "2").await;
    let old = json!({"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}});
    assert_eq!(remove(&sim, "a", old).await.reason(), (409, "Conflict"));
    assert_eq!(get(&sim, &at("a")).await.ok(), now);
}

/// DeleteWithSuggestionOfDeletedObject: what somebody else deleted meanwhile is not found, whatever was read before.
#[tokio::test(start_paused = true)]
async fn delete_what_is_gone_meanwhile() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    remove(&sim, "a", Value::Null).await.ok();
    let read = json!({"preconditions": {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}});
    assert_eq!(remove(&sim, "a", read).await.reason(), (404, "NotFound"));
}

/// ValidateDeletionWithSuggestion: admission looks at what is there, not at what was.
#[tokio::test(start_paused = true)]
async fn a_deletion_is_judged_by_the_present_object() {
    let sim = cluster();
    let mut held = config_map("a", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    post(&sim, CONFIG_MAPS, &held).await.ok();
    let marked = remove(&sim, "a", Value::Null).await.ok();
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    patch(&sim, "merge", &at("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(get(&sim, &at("a")).await.code, 404);
}

/// ValidateDeletionWithOnlySuggestionValid: a condition that the old object met and the new one does not, stops it.
#[tokio::test(start_paused = true)]
async fn a_condition_that_only_the_old_object_met() {
    let sim = cluster();
    let first = make(&sim, "a").await;
    remove(&sim, "a", Value::Null).await.ok();
    let second = make(&sim, "a").await;
    let old = json!({"preconditions": {"uid": first["metadata"]["uid"]}});
    assert_eq!(remove(&sim, "a", old).await.reason(), (409, "Conflict"));
    assert_eq!(get(&sim, &at("a")).await.ok(), second);
}

/// PreconditionalDeleteWithSuggestion: a condition that only the present object meets is met.
#[tokio::test(start_paused = true)]
async fn a_condition_that_only_the_present_object_meets() {
    let sim = cluster();
    make(&sim, "a").await;
    let now = change(&sim, "a", "2").await;
    let present = json!({"preconditions": {"uid": now["metadata"]["uid"], "resourceVersion": now["metadata"]["resourceVersion"]}});
    assert_eq!(remove(&sim, "a", present).await.code, 200);
}

/// PreconditionalDeleteWithOnlySuggestionPass: both conditions have to hold at once.
#[tokio::test(start_paused = true)]
async fn both_conditions_hold_at_once() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let now = change(&sim, "a", "2").await;
    let mixed = json!({"preconditions": {"uid": now["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}});
    assert_eq!(remove(&sim, "a", mixed).await.reason(), (409, "Conflict"));
}

/// The DeleteWith…TransformOrDecodeError entries are about objects that cannot be read back. Nothing here can be unreadable;
/// what stands for them is that the option to delete unreadable objects does no harm to sound ones.
#[tokio::test(start_paused = true)]
async fn sound_objects_are_not_taken_for_unreadable_ones() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let unsafe_option = format!("{}?ignoreStoreReadErrorWithClusterBreakingPotential=true&dryRun=All", at("a"));
    delete(&sim, &unsafe_option, &Value::Null).await;
    assert_eq!(get(&sim, &at("a")).await.ok(), made);
}

// List.

/// List: of nothing, of everything, by label, by field, by namespace, in order.
#[tokio::test(start_paused = true)]
async fn list_by_selector() {
    let sim = cluster();
    for (name, tier) in [("c", "x"), ("a", "y"), ("b", "x")] {
        let mut body = config_map(name, json!({}));
        body["metadata"]["labels"] = json!({"tier": tier});
        post(&sim, CONFIG_MAPS, &body).await.ok();
    }
    assert_eq!(names(&list(&sim, "").await), ["a", "b", "c"]);
    assert_eq!(names(&list(&sim, "labelSelector=tier=x").await), ["b", "c"]);
    assert_eq!(names(&list(&sim, "labelSelector=tier=x&fieldSelector=metadata.name!=b").await), ["c"]);
    assert_eq!(names(&list(&sim, "labelSelector=tier=none").await), Vec::<&str>::new());
    let elsewhere = get(&sim, "/api/v1/namespaces/kube-public/configmaps").await.ok();
    assert_eq!(names(&elsewhere), Vec::<&str>::new());
}

/// ConsistentList: a list that names no version shows every write that was answered before it.
#[tokio::test(start_paused = true)]
async fn a_list_shows_what_was_answered_before() {
    let sim = cluster();
    for at in 0..20 {
        let name = format!("m{at:02}");
        let made = make(&sim, &name).await;
        let seen = list(&sim, "").await;
        assert!(names(&seen).contains(&name.as_str()));
        assert!(version(&seen) >= version(&made));
    }
}

/// GetListNonRecursive: a collection narrowed to one name has one object or none.
#[tokio::test(start_paused = true)]
async fn a_list_of_one() {
    let sim = cluster();
    made(&sim, &["a", "ab"]).await;
    let query = |name: &str| format!("fieldSelector=metadata.name={name}&resourceVersion=0");
    assert_eq!(names(&list(&sim, &query("a")).await), ["a"]);
    assert_eq!(names(&list(&sim, &query("b")).await), Vec::<&str>::new());
    let future = get(&sim, &format!("{CONFIG_MAPS}?fieldSelector=metadata.name=a&resourceVersion=99999999")).await;
    assert_eq!(future.reason(), (504, "Timeout"));
}

/// GetListRecursivePrefix: a namespace whose name begins like another's is another namespace.
#[tokio::test(start_paused = true)]
async fn a_prefix_is_not_a_namespace() {
    let sim = cluster();
    for namespace in ["ns", "ns-2"] {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        post(&sim, "/api/v1/namespaces", &body).await.ok();
        post(&sim, &format!("/api/v1/namespaces/{namespace}/configmaps"), &config_map(namespace, json!({}))).await.ok();
    }
    assert_eq!(names(&get(&sim, "/api/v1/namespaces/ns/configmaps").await.ok()), ["ns"]);
    let everywhere = get(&sim, "/api/v1/configmaps").await.ok();
    assert_eq!(names(&everywhere), ["ns", "ns-2"]);
}

/// GetListWithErrorAggregation and GetListWithoutErrorAggregation: one broken selector fails the list, with one answer.
#[tokio::test(start_paused = true)]
async fn a_list_fails_as_a_whole() {
    let sim = cluster();
    made(&sim, &["a", "b"]).await;
    let refused = get(&sim, &format!("{CONFIG_MAPS}?labelSelector=a%20b&fieldSelector=nonsense")).await;
    assert_eq!(refused.reason(), (400, "BadRequest"));
    assert!(refused.body.get("items").is_none());
}

/// ListContinuation: page by page, each object once, all of one moment.
#[tokio::test(start_paused = true)]
async fn pages() {
    let sim = cluster();
    made(&sim, &["a", "b", "c", "d", "e"]).await;
    let (mut seen, mut next, mut versions) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = list(&sim, &format!("limit=2&continue={next}")).await;
        assert!(names(&page).len() <= 2);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        versions.push(version(&page));
        next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            break;
        }
        make(&sim, &format!("z{}", versions.len())).await;
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    assert!(versions.windows(2).all(|pair| pair[0] == pair[1]), "{versions:?}");
}

/// ListPaginationRareObject: a page is filled with what is selected, however far apart it lies.
#[tokio::test(start_paused = true)]
async fn a_page_of_something_rare() {
    let sim = cluster();
    for at in 0..200 {
        make(&sim, &format!("m{at:03}")).await;
    }
    let page = list(&sim, "limit=1&fieldSelector=metadata.name=m199").await;
    assert_eq!(names(&page), ["m199"]);
    assert!(page["metadata"].get("continue").is_none());
}

/// ListContinuationWithFilter: pages of a selection; how many are left is not said.
#[tokio::test(start_paused = true)]
async fn pages_of_a_selection() {
    let sim = cluster();
    made(&sim, &["a", "b", "c", "d"]).await;
    let page = list(&sim, "limit=2&fieldSelector=metadata.name!=b").await;
    assert_eq!(names(&page), ["a", "c"]);
    assert!(page["metadata"].get("remainingItemCount").is_none());
    let next = page["metadata"]["continue"].as_str().unwrap();
    let filter = "fieldSelector=metadata.name!=b";
    assert_eq!(names(&list(&sim, &format!("limit=2&{filter}&continue={next}")).await), ["d"]);
}

/// ListInconsistentContinuation: after a compaction 410 comes with a token, which goes on with what is there now.
#[tokio::test(start_paused = true)]
async fn pages_after_a_compaction() {
    let sim = cluster();
    made(&sim, &["a", "b", "c"]).await;
    let first = list(&sim, "limit=1").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    make(&sim, "bb").await;
    sim.compact();
    let expired = get(&sim, &format!("{CONFIG_MAPS}?limit=1&continue={token}")).await;
    assert_eq!(expired.reason(), (410, "Expired"));
    let fresh = expired.body["metadata"]["continue"].as_str().unwrap();
    let page = list(&sim, &format!("limit=2&continue={fresh}")).await;
    assert_eq!(names(&page), ["b", "bb"]);
    assert!(version(&page) > version(&first));
    let next = page["metadata"]["continue"].as_str().unwrap();
    assert_eq!(names(&list(&sim, &format!("continue={next}")).await), ["c"]);
}

/// ListResourceVersionMatch: exactly as it was, or not older than.
#[tokio::test(start_paused = true)]
async fn exactly_as_it_was() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    make(&sim, "b").await;
    let then = list(&sim, &format!("resourceVersion={}&resourceVersionMatch=Exact", version(&a))).await;
    assert_eq!((names(&then), version(&then)), (vec!["a"], version(&a)));
    let since = list(&sim, &format!("resourceVersion={}&resourceVersionMatch=NotOlderThan", version(&a))).await;
    assert_eq!(names(&since), ["a", "b"]);
}

/// ListPaging: as many pages as it takes, whatever else is written meanwhile.
#[tokio::test(start_paused = true)]
async fn as_many_pages_as_it_takes() {
    let sim = cluster();
    for at in 0..25 {
        make(&sim, &format!("m{at:02}")).await;
    }
    let (mut pages, mut count, mut next) = (0, 0, String::new());
    loop {
        let page = list(&sim, &format!("limit=10&continue={next}")).await;
        (pages, count) = (pages + 1, count + names(&page).len());
        next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!((pages, count), (3, 25));
}

/// NamespaceScopedList: the same name in two namespaces is two objects.
#[tokio::test(start_paused = true)]
async fn one_name_in_two_namespaces() {
    let sim = cluster();
    let here = make(&sim, "a").await;
    let there = post(&sim, "/api/v1/namespaces/kube-public/configmaps", &config_map("a", json!({"k": "9"}))).await.ok();
    assert_ne!(here["metadata"]["uid"], there["metadata"]["uid"]);
    assert_eq!(names(&get(&sim, "/api/v1/configmaps").await.ok()), ["a", "a"]);
    let narrowed =
        get(&sim, "/api/v1/configmaps?fieldSelector=metadata.namespace=kube-public,metadata.name=a").await.ok();
    assert_eq!(narrowed["items"][0]["metadata"]["uid"], there["metadata"]["uid"]);
}

/// CompactRevision: what lies before a compaction cannot be listed any more.
#[tokio::test(start_paused = true)]
async fn before_the_compaction() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    make(&sim, "b").await;
    sim.compact();
    let old = get(&sim, &format!("{CONFIG_MAPS}?resourceVersion={}&resourceVersionMatch=Exact", version(&a))).await;
    assert_eq!(old.reason(), (410, "Expired"));
    assert_eq!(names(&list(&sim, "").await), ["a", "b"]);
}

/// KeySchema and Stats: a name is found under its namespace and kind only, and a collection counts its own.
#[tokio::test(start_paused = true)]
async fn collections_do_not_mix() {
    let sim = cluster();
    make(&sim, "a").await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
    post(&sim, "/api/v1/namespaces/default/secrets", &secret).await.ok();
    assert_eq!(names(&list(&sim, "").await), ["a"]);
    assert_eq!(names(&get(&sim, "/api/v1/namespaces/default/secrets").await.ok()), ["a"]);
    assert_eq!(get(&sim, "/api/v1/namespaces/kube-public/configmaps/a").await.code, 404);
}

// Update.

/// GuaranteedUpdate: a change moves the version, no change does not, and what is not there is not made.
#[tokio::test(start_paused = true)]
async fn update() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let same = change(&sim, "a", "1").await;
    assert_eq!(version(&same), version(&made));
    let changed = change(&sim, "a", "2").await;
    assert!(version(&changed) > version(&made));
    assert_eq!(changed["metadata"]["uid"], made["metadata"]["uid"]);
    assert_eq!(patch(&sim, "merge", &at("none"), &json!({"data": {}})).await.code, 404);
    assert_eq!(put(&sim, &at("none"), &config_map("none", json!({}))).await.code, 404);
}

/// GuaranteedUpdateChecksStoredData: whether something changes is judged by what is stored.
#[tokio::test(start_paused = true)]
async fn an_update_compares_with_what_is_stored() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    change(&sim, "a", "2").await;
    // The same as what the client read first, but not as what is there.
    let back = change(&sim, "a", "1").await;
    assert!(version(&back) > version(&made));
    assert_eq!(back["data"], made["data"]);
}

/// GuaranteedUpdateWithConflict: patches by two writers are both there in the end.
#[tokio::test(start_paused = true)]
async fn patches_do_not_undo_each_other() {
    let sim = cluster();
    make(&sim, "a").await;
    let path = at("a");
    let (x, y) = (json!({"data": {"x": "1"}}), json!({"data": {"y": "2"}}));
    let (one, two) = tokio::join!(patch(&sim, "merge", &path, &x), patch(&sim, "merge", &path, &y));
    assert_eq!((one.code, two.code), (200, 200));
    assert_eq!(get(&sim, &path).await.ok()["data"], json!({"k": "1", "x": "1", "y": "2"}));
}

/// GuaranteedUpdateWithSuggestionAndConflict: a replacement of a version that has passed is refused.
#[tokio::test(start_paused = true)]
async fn replacing_a_version_that_has_passed() {
    let sim = cluster();
    let read = make(&sim, "a").await;
    let now = change(&sim, "a", "2").await;
    let mut old = read.clone();
    old["data"]["k"] = json!("3");
    assert_eq!(put(&sim, &at("a"), &old).await.reason(), (409, "Conflict"));
    assert_eq!(get(&sim, &at("a")).await.ok(), now);
}

/// TransformationFailure: a write that fails leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn a_refused_write_leaves_nothing_behind() {
    let sim = cluster();
    let made = make(&sim, "a").await;
    let before = version(&list(&sim, "").await);
    let refused = patch(&sim, "merge", &at("a"), &json!({"data": {"not a key": "x"}})).await;
    assert_eq!(refused.reason(), (422, "Invalid"));
    assert_eq!(post(&sim, CONFIG_MAPS, &config_map("b", json!({"not a key": "x"}))).await.code, 422);
    assert_eq!(get(&sim, &at("a")).await.ok(), made);
    assert_eq!(version(&list(&sim, "").await), before);
}

// Watch.

/// Watch: an object that comes into the selection is added, one that leaves it is deleted.
#[tokio::test(start_paused = true)]
async fn watch_a_selection() {
    let sim = cluster();
    let from = version(&list(&sim, "").await);
    let mut watch = Watch::of(&sim, &format!("labelSelector=on=yes&resourceVersion={from}")).await;
    make(&sim, "a").await;
    let label = |value: Value| json!({"metadata": {"labels": {"on": value}}});
    let labelled = patch(&sim, "merge", &at("a"), &label(json!("yes"))).await.ok();
    assert_eq!(watch.next().await, ("ADDED".into(), "a".into(), version(&labelled)));
    let changed = change(&sim, "a", "2").await;
    assert_eq!(watch.next().await, ("MODIFIED".into(), "a".into(), version(&changed)));
    let left = patch(&sim, "merge", &at("a"), &label(Value::Null)).await.ok();
    assert_eq!(watch.next().await, ("DELETED".into(), "a".into(), version(&left)));
    remove(&sim, "a", Value::Null).await.ok();
    assert!(watch.is_silent().await);
}

/// WatchFromZero: what is there first, then what happens.
#[tokio::test(start_paused = true)]
async fn watch_from_zero() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let mut watch = Watch::of(&sim, "resourceVersion=0").await;
    assert_eq!(watch.next().await, ("ADDED".into(), "a".into(), version(&a)));
    let b = make(&sim, "b").await;
    assert_eq!(watch.next().await, ("ADDED".into(), "b".into(), version(&b)));
}

/// DeleteTriggerWatch: a deletion is told.
#[tokio::test(start_paused = true)]
async fn a_deletion_is_told() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&a))).await;
    remove(&sim, "a", Value::Null).await.ok();
    let (event, name, _) = watch.next().await;
    assert_eq!((event.as_str(), name.as_str()), ("DELETED", "a"));
}

/// WatchFromNonZero: from a version, only what came after it.
#[tokio::test(start_paused = true)]
async fn watch_from_a_version() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let changed = change(&sim, "a", "2").await;
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&a))).await;
    assert_eq!(watch.next().await, ("MODIFIED".into(), "a".into(), version(&changed)));
}

/// DelayedWatchDelivery: a client that reads late still gets everything, in order.
#[tokio::test(start_paused = true)]
async fn a_late_reader_misses_nothing() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&a))).await;
    let mut told = Vec::new();
    for value in 2..50 {
        told.push(version(&change(&sim, "a", &value.to_string()).await));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    for expect in told {
        assert_eq!(watch.next().await.2, expect);
    }
}

/// WatchError: what cannot be watched says so.
#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_be() {
    let sim = cluster();
    for query in ["labelSelector=a%20b", "resourceVersion=x", "fieldSelector=nonsense=1"] {
        let refused = get(&sim, &format!("{CONFIG_MAPS}?watch=1&{query}")).await;
        assert_eq!(refused.reason(), (400, "BadRequest"), "{query}");
    }
    let first = make(&sim, "a").await;
    make(&sim, "b").await;
    sim.compact();
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&first))).await;
    let event = watch.event().await.unwrap();
    assert_eq!((event["type"].as_str(), event["object"]["code"].as_u64()), (Some("ERROR"), Some(410)));
}

/// WatchWithUnsafeDelete: the end of an object that finalizers held is told once, when it is gone.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_held_object_is_told_once() {
    let sim = cluster();
    let mut held = config_map("a", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let a = post(&sim, CONFIG_MAPS, &held).await.ok();
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&a))).await;
    remove(&sim, "a", Value::Null).await.ok();
    assert_eq!(watch.next().await.0, "MODIFIED");
    patch(&sim, "merge", &at("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(watch.next().await.0, "DELETED");
    assert!(watch.is_silent().await);
}

/// WatchContextCancel: a watch that its client has left costs nothing and harms nobody.
#[tokio::test(start_paused = true)]
async fn a_watch_that_was_left() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let from = format!("resourceVersion={}", version(&a));
    drop(Watch::of(&sim, &from).await);
    let mut other = Watch::of(&sim, &from).await;
    change(&sim, "a", "2").await;
    assert_eq!(other.next().await.0, "MODIFIED");
}

/// WatcherTimeout: a watch ends when the time that the client gave it has passed, and not before.
#[tokio::test(start_paused = true)]
async fn a_watch_ends_in_time() {
    let sim = cluster();
    let from = version(&list(&sim, "").await);
    let begun = tokio::time::Instant::now();
    let mut watch = Watch::of(&sim, &format!("resourceVersion={from}&timeoutSeconds=30")).await;
    assert!(watch.event().await.is_none());
    assert_eq!(begun.elapsed().as_secs(), 30);
}

/// WatchDeleteEventObjectHaveLatestRV: a deletion carries its own version, not that of the last change.
#[tokio::test(start_paused = true)]
async fn a_deletion_has_a_version_of_its_own() {
    let sim = cluster();
    let a = make(&sim, "a").await;
    let mut watch = Watch::of(&sim, &format!("resourceVersion={}", version(&a))).await;
    remove(&sim, "a", Value::Null).await.ok();
    let (_, _, deleted) = watch.next().await;
    assert!(deleted > version(&a));
    assert!(version(&list(&sim, "").await) >= deleted);
}

/// WatchInitializationSignal: a watch is answered at once, also when there is nothing to tell.
#[tokio::test(start_paused = true)]
async fn a_watch_is_answered_at_once() {
    let sim = cluster();
    let from = version(&list(&sim, "").await);
    let begun = tokio::time::Instant::now();
    let mut watch = Watch::of(&sim, &format!("resourceVersion={from}")).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(watch.is_silent().await);
}

/// ClusterScopedWatch: by name and by field.
#[tokio::test(start_paused = true)]
async fn watch_what_has_no_namespace() {
    let sim = cluster();
    let class = |name: &str| json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1});
    let uri = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let from = version(&get(&sim, uri).await.ok());
    let mut one =
        Watch::open(&sim, &format!("{uri}?watch=1&resourceVersion={from}&fieldSelector=metadata.name=b")).await;
    let mut all = Watch::open(&sim, &format!("{uri}?watch=1&resourceVersion={from}")).await;
    for name in ["a", "b"] {
        post(&sim, uri, &class(name)).await.ok();
    }
    assert_eq!(one.next().await.1, "b");
    assert_eq!((all.next().await.1, all.next().await.1), ("a".into(), "b".into()));
    assert!(one.is_silent().await);
}

/// NamespaceScopedWatch: of one namespace, of all, of one name in all.
#[tokio::test(start_paused = true)]
async fn watch_within_a_namespace() {
    let sim = cluster();
    let from = version(&list(&sim, "").await);
    let everywhere = "/api/v1/configmaps?watch=1";
    let mut here = Watch::of(&sim, &format!("resourceVersion={from}")).await;
    let mut named =
        Watch::open(&sim, &format!("{everywhere}&resourceVersion={from}&fieldSelector=metadata.name=a")).await;
    let mut there =
        Watch::open(&sim, &format!("{everywhere}&resourceVersion={from}&fieldSelector=metadata.namespace=kube-public"))
            .await;
    let b = make(&sim, "b").await;
    let a = post(&sim, "/api/v1/namespaces/kube-public/configmaps", &config_map("a", json!({}))).await.ok();
    assert_eq!(here.next().await.2, version(&b));
    assert_eq!(named.next().await.2, version(&a));
    assert_eq!(there.next().await.2, version(&a));
    assert!(here.is_silent().await);
}

/// WatchDispatchBookmarkEvents: who asks for bookmarks gets them, who does not, does not.
#[tokio::test(start_paused = true)]
async fn bookmarks_for_those_who_ask() {
    let sim = cluster();
    let from = version(&list(&sim, "").await);
    let mut asked = Watch::of(&sim, &format!("resourceVersion={from}&allowWatchBookmarks=true")).await;
    let mut not = Watch::of(&sim, &format!("resourceVersion={from}&timeoutSeconds=200")).await;
    assert_eq!(asked.next().await.0, "BOOKMARK");
    assert!(not.event().await.is_none());
}

/// OptionalWatchBookmarksWithCorrectResourceVersion: a bookmark is never ahead of an event that is still to come.
#[tokio::test(start_paused = true)]
async fn bookmarks_are_not_ahead() {
    let sim = started(Config { latency: Duration::ZERO, controllers: false, ..Config::default() });
    let from = version(&make(&sim, "a").await);
    let mut watch = Watch::of(&sim, &format!("resourceVersion={from}&allowWatchBookmarks=true")).await;
    let writer = sim.clone();
    tokio::spawn(async move {
        for value in 0..40 {
            change(&writer, "a", &value.to_string()).await;
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
    });
    let (mut last, mut bookmarks) = (from, 0);
    while bookmarks < 3 {
        let (event, _, at) = watch.next().await;
        if event == "BOOKMARK" {
            assert!(at >= last, "{at} {last}");
            bookmarks += 1;
        } else {
            assert!(at > last, "{at} {last}");
        }
        last = at;
    }
}
