//! `lucid history export` and `import`, on the real control plane.

use serde_json::Value;

use crate::canary;
use crate::shop::{Shop, kubectl};

fn data(shop: &Shop, object: &str) -> String {
    kubectl(&["get", object, "-n", &shop.namespace, "-o", "jsonpath={.data}"])
}

fn secret(value: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: token}}\nstringData: {{token: '{value}'}}\n")
}

#[test]
fn a_revision_goes_out_as_a_file_and_comes_back() {
    let mut shop = Shop::new("carry");
    shop.extra = secret(canary::CANARY);
    shop.run(&["deploy"]).check(0, &["verified"]);
    let first = (data(&shop, "secret/token"), data(&shop, "configmap/db"));
    shop.app("db").config = "b".into();
    shop.run(&["deploy"]).check(0, &["verified"]);
    let file = shop.folder.join("revision.json");
    let path = file.to_str().unwrap();
    let exported = shop.run(&["history", "export", "1", "--out", path]);
    exported.check(0, &["wrote revision 1", "no value of a Secret"]);
    canary::check_clean(&std::fs::read_to_string(&file).unwrap(), "the file of a revision");
    let printed = shop.run(&["history", "export", "1"]);
    printed.check(0, &[]);
    canary::check_clean(&format!("{printed}"), "history export");
    let on_disk: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(printed.json(), on_disk);
    shop.run(&["history", "export", "9"]).check(5, &["there is no revision 9"]);

    // It is one revision more, it is not what a rollback leads to by itself, and its values are exactly the old ones.
    shop.run(&["history", "import", path]).check(0, &["kept as revision 3", "rollback --to 3"]);
    shop.run(&["history"]).check(0, &["imported"]);
    shop.run(&["deploy"]).check(0, &["nothing to change"]);
    shop.extra = secret("another-value-altogether");
    shop.run(&["deploy"]).check(0, &["verified"]);
    shop.run(&["rollback", "--to", "3"]).check(0, &["in service"]);
    assert_eq!((data(&shop, "secret/token"), data(&shop, "configmap/db")), first);
}

#[test]
fn a_release_that_lost_its_record_takes_values_from_the_cluster_or_says_which_are_missing() {
    let mut shop = Shop::new("lost");
    shop.extra = secret("first-value-of-it");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let file = shop.folder.join("revision.json");
    let path = file.to_str().unwrap();
    shop.run(&["history", "export", "--out", path]).check(0, &["wrote revision 1"]);
    kubectl(&[
        "delete",
        "secrets",
        "-n",
        &shop.namespace,
        "-l",
        "lucid.dev/release=shop",
        "--field-selector=type!=Opaque",
    ]);
    kubectl(&["delete", "secret", "token", "-n", &shop.namespace]);
    let missing = shop.run(&["history", "import", path]);
    missing.check(5, &["error[L9032]", "Secret", "token", "create the Secret with these keys"]);
    kubectl(&["create", "secret", "generic", "token", "-n", &shop.namespace, "--from-literal=token=brought-by-hand"]);
    shop.run(&["history", "import", path]).check(0, &["kept as revision 1"]);
    kubectl(&["delete", "deployment", "api", "-n", &shop.namespace]);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"release\": \"shop\"", "\"release\": \"other\"")).unwrap();
    shop.run(&["history", "import", path]).check(5, &["error[L9017]", "the file is of release other"]);
    std::fs::write(&file, "{}").unwrap();
    shop.run(&["history", "import", path]).check(2, &["is no revision"]);
}
