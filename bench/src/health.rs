//! `health-N`: a release of N pods looked at by `lucid health` and by a loop of kubectl, as the old scripts had it.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::case::Case;
use crate::machine::Measured;
use crate::release::Release;
use crate::scene::{Scene, Setup, turns};
use crate::tool::Tool;

const STATE: &str = "all well";
const LOOP: &str = "kubectl loop";
const WORKLOADS: usize = 200;

pub(crate) async fn measure(setup: &Setup, pods: usize) -> Result<Case> {
    let release = crowd(pods);
    let (workloads, each) = (release.workloads.len(), release.workloads[0].replicas);
    let mut case = Case::new(
        &format!("Health: {} pods in {workloads} workloads", workloads * each as usize),
        Measured::now(&format!("health-{pods}"), &setup.versions),
    );
    case.about = vec![format!(
        "{workloads} Deployments of {each} pods each, deployed by `lucid` and all ready. `lucid health` also asks an endpoint of \
         every workload and looks at what workloads depend on; the loop asks only whether replicas are ready, pods run and \
         Services have endpoints."
    )];
    case.against = Some(LOOP.to_owned());
    case.setting(Tool::Lucid.name(), "`lucid health`");
    case.setting(
        LOOP,
        "for each Deployment: `kubectl get deployment` (replicas and ready ones), `kubectl get pods -l …`, `kubectl get endpointslices -l …`",
    );
    let scene = Scene::open(setup, Tool::Lucid).await?;
    scene.stage.write(&release)?;
    let deployed = scene.measure(&scene.stage.deploy(&release)?, 0).await?;
    if let Some(why) = deployed.failed {
        bail!("the release that health is asked of was not deployed: {why}");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let scripts = [
        (Tool::Lucid.name(), scene.stage.lucid_does("health --progress quiet")),
        (LOOP, each_by_kubectl(&scene.stage.kubectl(), &release)),
    ];
    for round in 0..setup.rounds {
        for which in turns(&[0, 1], round) {
            let (tool, script) = &scripts[which];
            let run = scene.measure(script, round).await?;
            println!("  round {}: {tool}: {}", round + 1, run.told());
            case.add(STATE, tool, run);
        }
    }
    scene.close().await?;
    case.measured.done();
    Ok(case)
}

/// So many pods in 200 workloads, or in one each when there are fewer.
fn crowd(pods: usize) -> Release {
    let mut release = Release::flat(WORKLOADS.min(pods));
    let each = pods.div_ceil(release.workloads.len().max(1));
    release.workloads.iter_mut().for_each(|workload| workload.replicas = u32::try_from(each).unwrap_or(u32::MAX));
    release
}

fn each_by_kubectl(kubectl: &str, release: &Release) -> String {
    let one = |name: &str| {
        format!(
            "{kubectl} get deployment {name} -o 'jsonpath={{.spec.replicas}} {{.status.readyReplicas}}' | \
             awk '$1 != $2 {{ exit 1 }}' || bad={name}\n\
             if {kubectl} get pods -l app.kubernetes.io/name={name} --no-headers | grep -v Running; then bad={name}; fi\n\
             {kubectl} get endpointslices -l kubernetes.io/service-name={name} --no-headers | grep -q . || bad={name}\n"
        )
    };
    let all: String = release.workloads.iter().map(|workload| one(&workload.name)).collect();
    format!("bad=\n{all}if [ -n \"$bad\" ]; then echo \"Error: $bad is not well\"; exit 1; fi\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_the_pods_that_are_asked_for_in_at_most_200_workloads() {
        let shape = |pods| {
            let release = crowd(pods);
            (release.workloads.len(), release.workloads[0].replicas)
        };
        assert_eq!([shape(10_000), shape(500), shape(7)], [(200, 50), (200, 3), (7, 1)]);
    }

    #[test]
    fn the_loop_asks_three_questions_of_every_workload() {
        let script = each_by_kubectl("kubectl", &crowd(1000));
        assert_eq!(script.matches("kubectl get").count(), 600);
    }
}
