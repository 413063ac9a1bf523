//! A dozen of Kubernetes' own conformance tests; `cargo xtask conformance` runs all that concern the API server.

use super::server::{Server, said};

const DOZEN: [&str; 12] = [
    "should observe add, update, and delete watch notifications on configmaps",
    "should be able to restart watching from the last resource version observed by the previous watch",
    "should observe an object deletion if it stops meeting the requirements of the selector",
    "should return chunks of results for list calls",
    "creating/deleting custom resource definition objects works",
    "should include custom resource definition resources in discovery documents",
    "should locate the groupVersion and a resource within each APIGroup",
    "should support aggregated discovery interface for CRDs",
    "should detect unknown and duplicate fields of a typed object",
    "should patch a Namespace",
    "should manage the lifecycle of a ResourceQuota",
    "should find the server version",
];

#[test]
fn a_dozen_of_the_conformance_suite() {
    let server = Server::with(&[]);
    let report = server.folder.join("report.json");
    let mut suite = server.tool("conformance");
    let config = format!("--kubeconfig={}", server.config().display());
    let focus = format!("--ginkgo.focus={}", DOZEN.map(escape).join("|"));
    let json = format!("--ginkgo.json-report={}", report.display());
    let args = [
        &config,
        "--provider=skeleton",
        &focus,
        r"--ginkgo.skip=\[Serial\]|\[Slow\]",
        &json,
        "--kube-api-content-type=application/json",
        "--num-nodes=5",
        "--allowed-not-ready-nodes=-1",
    ];
    said(&mut suite, &args, 0);
    let text = std::fs::read_to_string(report).unwrap();
    assert!(text.matches("\"State\": \"passed\"").count() >= DOZEN.len(), "{text}");
}

fn escape(text: &str) -> String {
    text.replace(['(', ')', '.'], ".")
}
