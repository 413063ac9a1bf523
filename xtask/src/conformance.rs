//! `cargo xtask conformance`: the API server's part of Kubernetes' conformance suite against `lucid sim --listen`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::process::{cargo, run as run_command};
use crate::root::root;
use crate::{soak, tools};

#[derive(Parser)]
pub(crate) struct Args {
    /// Only the tests whose names match this regular expression
    #[arg(long)]
    focus: Option<String>,
    /// Note the result in docs/soak.md
    #[arg(long)]
    note: bool,
}

/// The conformance tests of the API server that need neither a webhook nor an aggregated server of their own.
const FOCUS: &str = r"\[sig-api-machinery\].*\[Conformance\]";
/// Selectable fields are asked for in another version, which only a conversion webhook could make.
const SKIP: &str = r"\[Serial\]|\[Slow\]|\[Disruptive\]|Webhook|Aggregator|CustomResourceFieldSelectors";

pub(crate) fn run(args: Args) -> Result<()> {
    tools::clients()?;
    run_command(cargo().args(["build", "-p", "lucid", "--quiet"]))?;
    let folder = root().join("target/conformance");
    fs::create_dir_all(&folder)?;
    let kubeconfig = folder.join("kubeconfig");
    let mut server = Server::start(&kubeconfig)?;
    let began = Instant::now();
    let report = folder.join("report.json");
    let _ = fs::remove_file(&report);
    let log = fs::File::create(folder.join("log"))?;
    let mut suite = Command::new(tools::path("conformance"));
    suite
        .args([format!("--kubeconfig={}", kubeconfig.display()), "--provider=skeleton".into()])
        .args([format!("--ginkgo.focus={}", args.focus.as_deref().unwrap_or(FOCUS)), format!("--ginkgo.skip={SKIP}")])
        .args([format!("--ginkgo.json-report={}", report.display()), "--ginkgo.no-color".into()])
        .args(["--kube-api-content-type=application/json", "--num-nodes=5", "--allowed-not-ready-nodes=-1"])
        .arg(format!("--kubectl-path={}", tools::path("kubectl").display()))
        .env("KUBECONFIG", &kubeconfig)
        .current_dir(&folder)
        .stdout(log.try_clone()?)
        .stderr(log);
    suite.status().context("run the conformance suite")?;
    server.stop();
    let results = results(&report)?;
    let (passed, all) = (results.values().filter(|state| *state == "passed").count(), results.len());
    for (name, state) in results.iter().filter(|(_, state)| *state != "passed") {
        println!("{state}: {name}");
    }
    println!("{passed} of {all} conformance tests of the API server pass");
    let told = if passed == all && all > 0 {
        Ok(format!("{passed} of {all}"))
    } else {
        Err(anyhow::anyhow!("{passed} of {all}"))
    };
    if args.note {
        soak::note_result("Conformance", began.elapsed(), &told)?;
    }
    told.map(drop).with_context(|| format!("see {}", folder.join("log").display()))
}

/// What became of each test that was not skipped.
fn results(report: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(report).context("the suite left no report; see target/conformance/log")?;
    let suites: serde_json::Value = serde_json::from_str(&text)?;
    let mut out = BTreeMap::new();
    for spec in suites.as_array().into_iter().flatten().flat_map(|suite| suite["SpecReports"].as_array()).flatten() {
        let state = spec["State"].as_str().unwrap_or_default();
        if spec["LeafNodeType"] != "It" || matches!(state, "skipped" | "pending") {
            continue;
        }
        let above = spec["ContainerHierarchyTexts"].as_array().into_iter().flatten();
        let parts: Vec<&str> = above.chain([&spec["LeafNodeText"]]).filter_map(serde_json::Value::as_str).collect();
        out.insert(parts.join(" "), state.to_owned());
    }
    if out.is_empty() {
        bail!("no test ran; see target/conformance/log");
    }
    Ok(out)
}

/// The simulated API server.
struct Server(Child);

impl Server {
    fn start(kubeconfig: &Path) -> Result<Self> {
        let _ = fs::remove_file(kubeconfig);
        let mut command = Command::new(root().join("target/debug/lucid"));
        command.args(["sim", "--listen", "127.0.0.1:0", "--kubeconfig"]).arg(kubeconfig).stdout(Stdio::piped());
        let mut child = command.spawn().context("start lucid sim")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        if line.is_empty() {
            let _ = child.kill();
            bail!("lucid sim did not start");
        }
        print!("{line}");
        Ok(Self(child))
    }

    fn stop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
