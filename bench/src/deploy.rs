//! `deploy-N`: a release of N workloads through its life, by every tool. `flat-N`: N Deployments in one go.

use anyhow::Result;

use crate::case::Case;
use crate::machine::Measured;
use crate::release::Release;
use crate::scene::{Scene, Setup, turns};
use crate::tool::Tool;

/// From nothing to gone, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    Again,
    One,
    Tenth,
    Removed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "from empty",
            Self::Again => "again, unchanged",
            Self::One => "one image changed",
            Self::Tenth => "10 % changed",
            Self::Removed => "removed",
        }
    }

    /// The release of this state, and the workloads that become others by it.
    fn next(self, before: &Release) -> (Release, Vec<usize>) {
        let changed = match self {
            Self::Empty => return (before.clone(), (0..before.workloads.len()).collect()),
            Self::Again | Self::Removed => Vec::new(),
            Self::One => before.one(),
            Self::Tenth => before.tenth(),
        };
        (before.changed(&changed), changed)
    }
}

pub(crate) async fn graph(setup: &Setup, size: usize) -> Result<Case> {
    let states = [State::Empty, State::Again, State::One, State::Tenth, State::Removed];
    let mut case =
        Case::new(&format!("Deploy: {size} workloads"), Measured::now(&format!("deploy-{size}"), &setup.versions));
    let release = Release::generate(size);
    case.about = vec![
        format!(
            "{size} workloads (ConfigMap, Service and Deployment each), each with a known time to readiness and what it \
             needs, on a real control plane with kwok nodes. `lucid` and the bare client follow the graph. The other tools \
             cannot: they get the same release in {} phases, one after the other, which the graph's layers are. Its longest \
             path is {:.1} s.",
            release.layers(),
            release.longest_path().as_secs_f64()
        ),
        "x path: times the longest path through what changes, the time that nobody can beat. Unchanged workloads hold up \
         nothing. Removed: until the tool says so; what each waits for differs."
            .to_owned(),
    ];
    measure(setup, case, &release, &states).await
}

pub(crate) async fn flat(setup: &Setup, size: usize) -> Result<Case> {
    let title = format!("The published case: {size} Deployments in one go");
    let mut case = Case::new(&title, Measured::now(&format!("flat-{size}"), &setup.versions));
    case.about = vec![format!(
        "{size} Deployments of one pod each that need nothing of each other, each ready a second after its pod starts. Published \
         for 1,000 of them on a kind cluster: `kpt live apply` 4 m 28 s (268 s), destroy 55 s (kptdev/kpt#3293; another machine, \
         and real containers, so a mark and no comparison)."
    )];
    let mut release = Release::flat(size);
    release.workloads.iter_mut().for_each(|workload| workload.alone = true);
    measure(setup, case, &release, &[State::Empty, State::Removed]).await
}

async fn measure(setup: &Setup, mut case: Case, release: &Release, states: &[State]) -> Result<Case> {
    case.against = Some(Tool::Bare.name().to_owned());
    Tool::ALL.iter().for_each(|tool| case.setting(tool.name(), tool.setting()));
    floors(&mut case, release, states);
    // A tool that has failed is not asked again: its minutes are spent on the others.
    let mut tools = Tool::ALL.to_vec();
    for round in 0..setup.rounds {
        for tool in turns(&tools, round) {
            if !life(setup, &mut case, release, states, tool, round).await? {
                tools.retain(|&other| other != tool);
            }
        }
    }
    case.measured.done();
    Ok(case)
}

fn floors(case: &mut Case, release: &Release, states: &[State]) {
    let mut now = release.clone();
    for state in states {
        let (next, changed) = state.next(&now);
        let path = next.longest_path_of(&changed).as_secs_f64();
        if path > 0.0 {
            case.floors.insert(state.name().to_owned(), path);
        }
        now = next;
    }
}

/// All states by one tool, up to the first that fails; whether none did.
async fn life(
    setup: &Setup,
    case: &mut Case,
    release: &Release,
    states: &[State],
    tool: Tool,
    round: usize,
) -> Result<bool> {
    let scene = Scene::open(setup, tool).await?;
    let mut now = release.clone();
    let mut is_well = true;
    for state in states {
        (now, _) = state.next(&now);
        let script = if *state == State::Removed { scene.stage.remove(&now)? } else { scene.stage.deploy(&now)? };
        scene.stage.write(&now)?;
        let run = scene.measure(&script, round).await?;
        println!("  round {}: {}, {}: {}", round + 1, state.name(), tool.name(), run.told());
        is_well = run.failed.is_none();
        case.add(state.name(), tool.name(), run);
        if !is_well {
            break;
        }
    }
    scene.close().await?;
    Ok(is_well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_of_a_state_is_the_path_through_what_it_changes() {
        let mut case = Case::new("x", Measured::default());
        let release = Release::generate(27);
        floors(&mut case, &release, &[State::Empty, State::Again, State::One, State::Tenth, State::Removed]);
        let floor = |state: State| case.floors.get(state.name()).copied();
        assert_eq!(floor(State::Empty), Some(release.longest_path().as_secs_f64()));
        assert_eq!(floor(State::One), Some(release.workloads[13].delay.as_secs_f64()));
        assert!(floor(State::Tenth) >= floor(State::One).map(|_| 1.0));
        assert_eq!((floor(State::Again), floor(State::Removed)), (None, None));
    }
}
