//! `simulator-N`: how many scenarios of a release of N components the simulator plays a second, and how much faster than the
//! clock it is.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::case::{Case, Run};
use crate::folder;
use crate::machine::Measured;
use crate::meter::{self, Task};
use crate::release::Release;
use crate::scene::Setup;
use crate::tool::{Tool, quoted};

const SCENARIOS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const EXPLORED: &str = "50 scenarios with faults";
const REHEARSED: &str = "deployed and broken once";

pub(crate) async fn measure(setup: &Setup, size: usize) -> Result<Case> {
    let measured = Measured::now(&format!("simulator-{size}"), &setup.versions);
    let mut case = Case::new(&format!("Simulator: a release of {size} components"), measured);
    case.about = vec![
        "A scenario is one deployment, or an upgrade, with something else going wrong in each, resumed until it is through and \
         judged by the containers. Virtual over real: the time that the simulated deployment took over what computing it took."
            .to_owned(),
    ];
    case.setting(Tool::Lucid.name(), &format!("`lucid rehearse --explore {SCENARIOS}`, `lucid rehearse -o json`"));
    folder::whole(&Release::generate(size), "bench", &setup.folder)?;
    for round in 0..setup.rounds {
        let (mut run, _) = rehearse(setup, &format!("--explore {SCENARIOS}"), round).await?;
        run.figures = BTreeMap::from([("scenarios a second".to_owned(), SCENARIOS as f64 / run.seconds)]);
        case.add(EXPLORED, Tool::Lucid.name(), run);
        let (mut run, said) = rehearse(setup, "-o json", round).await?;
        if run.failed.is_none() {
            run.figures = BTreeMap::from([("virtual over real".to_owned(), virtual_over_real(&said)?)]);
        }
        case.add(REHEARSED, Tool::Lucid.name(), run);
    }
    case.measured.done();
    Ok(case)
}

async fn rehearse(setup: &Setup, how: &str, round: usize) -> Result<(Run, String)> {
    let script = format!("exec {} rehearse {how} --progress quiet\n", quoted(&setup.lucid));
    let ran = meter::run(&Task { script: &script, folder: &setup.folder, patience: PATIENCE }).await?;
    let run = ran.run(round);
    println!("  round {}: rehearse {how}: {}", round + 1, run.told());
    Ok((run, ran.said()))
}

fn virtual_over_real(report: &str) -> Result<f64> {
    let report: Value = serde_json::from_str(report).context("read the rehearsal's report")?;
    let seconds =
        |name: &str| report["deploy"][name].as_f64().with_context(|| format!("the report has no deploy.{name}"));
    Ok(seconds("tookSeconds")? / seconds("computingSeconds")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_is_that_of_the_first_deployment() {
        let report =
            r#"{"deploy": {"tookSeconds": 8.0, "computingSeconds": 0.5}, "broken": {"run": {"tookSeconds": 99}}}"#;
        assert_eq!(virtual_over_real(report).ok(), Some(16.0));
        assert!(virtual_over_real("{}").is_err(), "not a number that means nothing");
    }
}
