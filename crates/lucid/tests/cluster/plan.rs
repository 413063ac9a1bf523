//! `lucid plan`, plan files and `lucid diff`, on the real control plane.

use serde_json::Value;

use crate::shop::{Shop, kubectl};

#[test]
fn a_plan_names_every_field_and_writes_nothing() {
    let mut shop = Shop::new("plan");
    shop.extra =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: first-value-of-it}\n".into();
    let empty = shop.run(&["plan"]);
    empty.check(6, &["+ Deployment", "not tried by the server", "14 to create, 0 to update, 0 to delete"]);
    assert_eq!(kubectl(&["get", "namespace", &shop.namespace, "--ignore-not-found", "-o", "name"]), "");
    shop.run(&["deploy"]).check(0, &[]);
    shop.run(&["plan"]).check(0, &["0 to create, 0 to update, 0 to delete"]);

    shop.app("api").image = "registry.test/api:2".into();
    shop.app("db").config = "b".into();
    shop.extra = shop.extra.replace("first", "second");
    shop.apps.retain(|app| app.name != "cache");
    let before = shop.versions();
    let plan = shop.run(&["plan"]);
    plan.check(
        6,
        &[
            "spec.template.spec.containers[main].image: registry.test/api:1 → registry.test/api:2",
            "data.setting: a → b",
            "data.token: (secret) → another value",
            "- Deployment",
            "0 to create, 3 to update, 3 to delete",
        ],
    );
    assert_eq!(shop.versions(), before);
    assert!(!format!("{plan}").contains("value-of-it"), "{plan}");
    let json = shop.run(&["plan", "-o", "json"]);
    json.check(6, &[]);
    let changes = json.json()["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 6);
    shop.run(&["plan", "-o", "markdown"]).check(6, &["### Plan for", "| `~` |", "<details>"]);
    // The address of a Service that goes may be another when it comes back.
    shop.run(&["plan", "--require-reversible"]).check(5, &["cannot be taken back", "Service"]);
}

#[test]
fn what_another_manager_holds_is_named_before_anything_is_sent() {
    let mut shop = Shop::new("planown");
    shop.run(&["deploy"]).check(0, &[]);
    let patch = "{\"spec\":{\"replicas\":3}}";
    kubectl(&["patch", "deployment", "api", "-n", &shop.namespace, "--type=merge", "-p", patch, "--field-manager=ann"]);
    shop.app("api").image = "registry.test/api:2".into();
    // With the time, and not as a guess: the server keeps it.
    shop.run(&["plan"]).check(5, &["error[L1014]", "ann", "spec.replicas", "ann wrote last at 20"]);
    shop.run(&["deploy"]).check(1, &["error[L1014]", "ann wrote last at 20"]);
}

#[test]
fn who_else_writes_is_told_with_the_time() {
    let shop_with = |shop: &mut Shop| shop.app("api").image = "registry.test/api:2".into();
    let mut shop = Shop::new("planothers");
    shop.run(&["deploy"]).check(0, &[]);
    kubectl(&["label", "deployment", "api", "-n", &shop.namespace, "team=ann", "--field-manager=ann"]);
    shop_with(&mut shop);
    shop.run(&["plan"]).check(6, &["also written by ann (20"]);
    let json = shop.run(&["plan", "-o", "json"]);
    let managers = json.json()["changes"][0]["managers"].clone();
    assert_eq!((managers.as_array().unwrap().len(), &managers[0]["name"]), (1, &"ann".into()), "{json}");
}

#[test]
fn what_cannot_be_tried_yet_is_held_against_the_clusters_schemas() {
    let mut shop = Shop::new("planschema");
    shop.app("api").container = "\n        imagePullPolice: Always\n        tty: \"yes\"";
    // Kinds that every cluster has are known without asking one.
    shop.run(&["plan"]).check(2, &["error[L1002]", "has no field `imagePullPolice`", "must be true or false"]);
    shop.app("api").container = "";
    shop.extra = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.planschema.test}
spec:
  group: planschema.test
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
---
apiVersion: planschema.test/v1
kind: Thing
metadata: {name: one}
spec: {size: large}
"
    .into();
    shop.run(&["plan"]).check(5, &["error[L1002]", "spec.size: a value of type integer is wanted, not a string"]);
    shop.extra = shop.extra.replace("large", "3");
    shop.run(&["plan"]).check(6, &["+ Thing", "not tried by the server"]);
}

#[test]
fn a_plan_file_knows_the_values_of_secrets_without_telling_them() {
    let mut shop = Shop::new("plankey");
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: token}}\nstringData: {{token: {value}}}\n")
    };
    shop.extra = secret("first-value-of-it");
    let file = shop.folder.join("plan.json");
    let path = file.to_str().unwrap().to_owned();
    // Before the first deploy there is no key; the plan runs all the same.
    shop.run(&["plan", "--out", &path]).check(6, &[]);
    shop.run(&["deploy", "--plan", &path]).check(0, &["verified"]);
    shop.extra = secret("second-value-of-it");
    shop.run(&["plan", "--out", &path]).check(6, &[]);
    // Another value is another plan, although both plans update the same object.
    shop.extra = secret("third-value-of-it");
    shop.run(&["deploy", "--plan", &path]).check(5, &["error[L9017]", "token: planned update, now update"]);
    shop.extra = secret("second-value-of-it");
    shop.run(&["deploy", "--plan", &path]).check(0, &["verified"]);
}

#[test]
fn a_plan_file_runs_as_it_is_or_not_at_all() {
    let mut shop = Shop::new("planfile");
    shop.run(&["deploy"]).check(0, &[]);
    shop.app("api").image = "registry.test/api:2".into();
    let file = shop.folder.join("plan.json");
    let path = file.to_str().unwrap().to_owned();
    shop.run(&["plan", "--out", &path]).check(6, &["wrote", "deploy --plan"]);

    // The manifests moved on.
    shop.app("web").image = "registry.test/web:2".into();
    let before = shop.versions();
    shop.run(&["deploy", "--plan", &path]).check(5, &["error[L9017]", "web: planned nothing, now update"]);
    assert_eq!(shop.versions(), before);
    shop.app("web").image = "registry.test/web:1".into();

    // The cluster moved on.
    kubectl(&["delete", "service", "db", "-n", &shop.namespace]);
    shop.run(&["deploy", "--plan", &path]).check(5, &["error[L9017]", "db: planned nothing, now create"]);
    shop.app("api").image = "registry.test/api:1".into();
    shop.run(&["deploy"]).check(0, &[]);
    shop.app("api").image = "registry.test/api:2".into();

    shop.run(&["deploy", "--plan", &path, "-o", "json"]).check(0, &[]);
    shop.run(&["deploy", "--plan", &path]).check(5, &["error[L9017]", "planned update, now nothing"]);
    std::fs::write(&file, "{}").unwrap();
    shop.run(&["deploy", "--plan", &path]).check(2, &["is no plan file"]);
}

#[test]
fn a_plan_with_built_images_runs_only_with_these() {
    let mut shop = Shop::new("planimages");
    shop.run(&["deploy"]).check(0, &[]);
    let (file, images) = (shop.folder.join("plan.json"), shop.folder.join("images.txt"));
    let (path, built) = (file.to_str().unwrap().to_owned(), images.to_str().unwrap().to_owned());
    let write = |byte: &str| std::fs::write(&images, format!("# built\napi=sha256:{}\n", byte.repeat(32))).unwrap();
    write("ab");
    let digest = format!("registry.test/api@sha256:{}", "ab".repeat(32));
    let change = format!("image: registry.test/api:1 → {digest}");
    shop.run(&["plan", "--images", &built, "--out", &path]).check(6, &[&change, "1 to update"]);
    let before = shop.versions();
    // Without the images it is another plan, with other images too, and one that fits no image is none.
    shop.run(&["deploy", "--plan", &path]).check(5, &["error[L9017]", "api: planned update, now nothing"]);
    write("cd");
    let with_plan = ["deploy", "--plan", &path, "--images", &built];
    shop.run(&with_plan).check(5, &["error[L9017]", "api: planned update, now update"]);
    std::fs::write(&images, format!("aip=sha256:{}\n", "ab".repeat(32))).unwrap();
    shop.run(&with_plan).check(2, &["error[L8007]", "images.txt:1:1", "did you mean api?"]);
    assert_eq!(shop.versions(), before);
    write("ab");
    shop.run(&with_plan).check(0, &["verified"]);
    let jsonpath = "-o=jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(kubectl(&["get", "deployment", "api", "-n", &shop.namespace, jsonpath]), digest);
    // The revision knows it: a plan without the file would take the tag again.
    shop.run(&["plan"]).check(6, &["1 to update"]);
    shop.app("web").image = "registry.test/web:2".into();
    shop.run(&["deploy", "--images", &built]).check(0, &["verified"]);
    shop.run(&["rollback"]).check(0, &[]);
    assert_eq!(kubectl(&["get", "deployment", "api", "-n", &shop.namespace, jsonpath]), digest);
}

#[test]
fn revisions_are_compared_with_each_other_and_with_the_cluster() {
    let mut shop = Shop::new("diff");
    shop.run(&["deploy"]).check(0, &[]);
    shop.app("api").image = "registry.test/api:2".into();
    shop.apps.retain(|app| app.name != "cache");
    shop.run(&["deploy"]).check(0, &[]);
    let diff = shop.run(&["diff", "1", "2"]);
    diff.check(0, &["containers[main].image: registry.test/api:1 → registry.test/api:2", "- Deployment", "/cache"]);
    shop.run(&["diff", "2", "2"]).check(0, &["no difference"]);
    shop.run(&["diff", "2", "live"]).check(0, &["no difference"]);
    let patch = "{\"data\":{\"setting\":\"drifted\"}}";
    kubectl(&["patch", "configmap", "db", "-n", &shop.namespace, "--type=merge", "-p", patch, "--field-manager=ann"]);
    shop.run(&["diff", "2", "live"]).check(0, &["data.setting: a → drifted"]);
    let json: Value = shop.run(&["diff", "2", "live", "-o", "json"]).json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 1);
    shop.run(&["diff", "1", "9"]).check(5, &["there is no revision 9"]);
}
