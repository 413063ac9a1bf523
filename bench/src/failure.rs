//! `failure-N`: one image among N workloads that cannot be pulled. How long until the tool says so, and until the old release
//! serves again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};

use crate::case::{Case, Run};
use crate::machine::Measured;
use crate::objects;
use crate::release::{Release, Workload};
use crate::scene::{Scene, Setup, turns};
use crate::tool::Tool;

const STATE: &str = "one bad image";
const TOOLS: [Tool; 4] = [Tool::Lucid, Tool::Script, Tool::Helm, Tool::HelmTuned];
/// How often the API is asked whether the failure can be seen.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn measure(setup: &Setup, size: usize) -> Result<Case> {
    let release = Release::generate(size);
    let mut case = Case::new(
        &format!("Failure: one bad image among {size}"),
        Measured::now(&format!("failure-{size}"), &setup.versions),
    );
    case.about = vec![
        "A release that serves gets one image that no registry has, in the middle of its graph. Seconds: until the tool has \
         ended. Says so after: from the moment at which the API shows that the pull has failed until the tool names it in its \
         output. Serves again after: from that same moment until the tool has ended and the old image is what is available. A \
         tool that ends well, or leaves the bad image behind, has failed."
            .to_owned(),
    ];
    for tool in TOOLS {
        case.setting(tool.name(), setting(tool));
    }
    let mut tools = TOOLS.to_vec();
    for round in 0..setup.rounds {
        for tool in turns(&tools, round) {
            let run = fail(setup, &release, tool, round).await?;
            println!("  round {}: {}: {}", round + 1, tool.name(), run.told());
            if run.failed.is_some() {
                tools.retain(|&other| other != tool);
            }
            case.add(STATE, tool.name(), run);
        }
    }
    case.measured.done();
    Ok(case)
}

fn setting(tool: Tool) -> &'static str {
    match tool {
        Tool::Lucid => "`lucid deploy` with `onFailure: rollback`",
        Tool::Script => {
            "`kubectl apply -f phase-N`, `kubectl rollout status --timeout=2m`; when that fails `kubectl rollout undo` and \
             `rollout status` again"
        }
        Tool::Helm => "`helm upgrade --wait --rollback-on-failure` with the default 5 minutes",
        Tool::HelmTuned => {
            "the same with `--qps 1000 --burst-limit 2000 --timeout 2m`: as short as a slow image would just bear"
        }
        Tool::Bare | Tool::ApplySet => "it has no way back",
    }
}

/// Deploys the release, breaks it, and looks on.
async fn fail(setup: &Setup, release: &Release, tool: Tool, round: usize) -> Result<Run> {
    let scene = Scene::open(setup, tool).await?;
    scene.stage.write(release)?;
    let deployed = scene.measure(&scene.stage.deploy(release)?, round).await?;
    if let Some(why) = deployed.failed {
        bail!("{}: the release that is to be broken was not deployed: {why}", tool.name());
    }
    let index = release.workloads.len() / 2;
    let mut broken = release.changed(&[index]);
    broken.workloads[index].broken = true;
    scene.stage.write(&broken)?;
    let victim = &release.workloads[index];
    let (pods, deployments) = apis(&scene).await?;
    let name = victim.name.clone();
    let seen = tokio::spawn(async move { visible(&pods, &name).await });
    let (mut run, ran) = scene.watch(&script(&scene, &broken, victim)?, round).await?;
    seen.abort();
    let seen = match seen.await {
        Ok(seen) => seen?,
        Err(_) => bail!("{} ended before the failure could be seen", tool.name()),
    };
    let said = ran.first(marker(tool));
    let is_back = serves(&deployments.get(&victim.name).await?, victim);
    run.failed = match (run.failed.is_some(), is_back) {
        (false, _) => Some("it ended well with a bad image".to_owned()),
        (true, false) => Some("the old release does not serve again".to_owned()),
        (true, true) => None,
    };
    let after = |moment: Instant| moment.saturating_duration_since(seen).as_secs_f64();
    run.figures = BTreeMap::from([("serves again after".to_owned(), after(ran.ended))]);
    run.figures.extend(said.map(|moment| ("says so after".to_owned(), after(moment))));
    scene.close().await?;
    Ok(run)
}

async fn apis(scene: &Scene<'_>) -> Result<(Api<Pod>, Api<Deployment>)> {
    let client = scene.cluster.admin().await?;
    let namespace = &scene.stage.namespace;
    Ok((Api::namespaced(client.clone(), namespace), Api::namespaced(client, namespace)))
}

/// The moment at which a pod of the workload shows that its image cannot be pulled.
async fn visible(pods: &Api<Pod>, name: &str) -> Result<Instant> {
    let of_workload = ListParams::default().labels(&format!("app.kubernetes.io/name={name}"));
    loop {
        let found = pods.list(&of_workload).await.context("look at the pods")?;
        if found.items.iter().any(cannot_pull) {
            return Ok(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn cannot_pull(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut reasons = statuses.filter_map(|status| status.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    reasons.any(|reason| matches!(reason, "ErrImagePull" | "ImagePullBackOff"))
}

fn serves(deployment: &Deployment, workload: &Workload) -> bool {
    let spec = deployment.spec.as_ref();
    let image = spec.and_then(|spec| spec.template.spec.as_ref()?.containers.first()?.image.as_deref());
    let ready = deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
    image == Some(objects::image(workload).as_str()) && i64::from(ready) >= i64::from(workload.replicas)
}

/// What the tool's first word about the failure has in it.
fn marker(tool: Tool) -> &'static str {
    if tool == Tool::Lucid { "L3002" } else { "error" }
}

fn script(scene: &Scene<'_>, broken: &Release, victim: &Workload) -> Result<String> {
    let stage = &scene.stage;
    let phases = 0..broken.layers();
    Ok(match stage.tool {
        // Each finding as it comes, and not only at the end.
        Tool::Lucid => stage.lucid_does("deploy --progress plain"),
        Tool::Helm => phases.map(|phase| stage.helm_phase(phase, "--rollback-on-failure")).collect(),
        Tool::HelmTuned => {
            let flags = "--rollback-on-failure --qps 1000 --burst-limit 2000 --timeout 2m";
            phases.map(|phase| stage.helm_phase(phase, flags)).collect()
        }
        Tool::Script => with_undo(&stage.kubectl(), &stage.deploy(broken)?, &victim.name),
        Tool::Bare | Tool::ApplySet => bail!("{} has no way back", stage.tool.name()),
    })
}

/// The plain script, but whatever is not rolled out in two minutes is taken back.
fn with_undo(kubectl: &str, plain: &str, name: &str) -> String {
    let status = format!("{kubectl} rollout status deployment/{name}");
    let careful = format!(
        "{status} --timeout=2m || {{ {kubectl} rollout undo deployment/{name}; {status} --timeout=2m; exit 1; }}"
    );
    let line = |line: &str| if line == status { format!("{careful}\n") } else { format!("{line}\n") };
    plain.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_script_takes_back_what_does_not_roll_out() {
        let plain = "k apply -f phase-0 \nk rollout status deployment/a\nk rollout status deployment/ab\n";
        let lines = with_undo("k", plain, "a");
        let expected = "k apply -f phase-0 \nk rollout status deployment/a --timeout=2m || { k rollout undo deployment/a; \
                        k rollout status deployment/a --timeout=2m; exit 1; }\nk rollout status deployment/ab\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_pod_that_cannot_pull_is_told_from_one_that_starts() {
        let pod = |reason: &str| -> Pod {
            let state = json!({"waiting": {"reason": reason}});
            let status =
                json!({"name": "app", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
            serde_json::from_value(json!({"metadata": {}, "status": {"containerStatuses": [status]}})).expect("a pod")
        };
        assert!(cannot_pull(&pod("ImagePullBackOff")) && !cannot_pull(&pod("ContainerCreating")));
    }

    #[test]
    fn the_old_release_serves_with_its_own_image_only() {
        let workload = Release::flat(1).workloads.remove(0);
        let deployment = |image: String, available: i32| -> Deployment {
            let template = json!({"spec": {"containers": [{"name": "app", "image": image}]}});
            let spec = json!({"selector": {}, "template": template});
            let value = json!({"metadata": {}, "spec": spec, "status": {"availableReplicas": available}});
            serde_json::from_value(value).expect("a Deployment")
        };
        let old = objects::image(&workload);
        assert!(serves(&deployment(old.clone(), 1), &workload));
        assert!(!serves(&deployment(old, 0), &workload) && !serves(&deployment("other".into(), 1), &workload));
    }
}
