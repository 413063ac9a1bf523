//! Objects that are deleted and made anew.

use lucid_plan::Children;

use super::*;

/// A run in which the api is replaced, up to the point where that begins.
fn replacing() -> Play {
    let mut play = Play::new();
    let lane = play.engine.lanes.iter_mut().find(|lane| lane.plan.name == "api").unwrap();
    for operation in &mut lane.plan.operations {
        operation.action = Action::Replace { uid: "old".into(), children: Children::Stay };
    }
    play.deploy("cache");
    play.deploy("db");
    play
}

fn answer(play: &mut Play, outcome: Result<(), ApplyError>) {
    let Effect::Delete { effect, .. } = play.effect("api") else { panic!("not a deletion") };
    play.step(Input::Deleted { effect, outcome });
}

fn refused(is_transient: bool) -> ApplyError {
    ApplyError { finding: Finding::error(9019, "Deployment n/api is not gone"), is_transient }
}

#[test]
fn the_new_object_comes_when_the_old_one_is_gone() {
    let mut play = replacing();
    assert_eq!(play.sent(), ["delete api"]);
    answer(&mut play, Err(refused(true)));
    assert_eq!(play.sent(), Vec::<String>::new());
    play.wait(1);
    assert_eq!(play.sent(), ["delete api"]);
    answer(&mut play, Ok(()));
    assert_eq!(play.sent(), ["apply api"]);
    play.deploy("api");
    let replaced = |stamped: &Stamped| matches!(&stamped.event, Event::Applied { as_what: AppliedAs::Replaced, .. });
    assert!(play.events.iter().any(replaced));
}

#[test]
fn a_name_that_is_anothers_by_now_is_left_alone() {
    let mut play = replacing();
    answer(&mut play, Err(refused(false)));
    assert_eq!(play.sent(), Vec::<String>::new());
    assert_eq!(play.told().last().unwrap(), "finished Failed");
}

#[test]
fn what_the_watch_still_shows_of_the_old_object_does_not_count() {
    let mut play = replacing();
    let mut old = deployment("api").value().clone();
    old["metadata"]["uid"] = "old".into();
    old["metadata"]["generation"] = 5.into();
    play.cluster.0.insert(reference("api"), old);
    play.generation = 5;
    play.roll_out("api");
    play.generation = 1;
    answer(&mut play, Ok(()));
    let Effect::Apply { effect, request, .. } = play.effect("api") else { panic!("not an apply") };
    let mut object = (*request.body).clone();
    object["metadata"]["generation"] = 1.into();
    object["metadata"]["uid"] = "new".into();
    play.step(Input::Applied { effect, outcome: Ok(Arc::new(object.clone())) });
    assert!(!play.told().contains(&"ready api".to_owned()));
    play.cluster.0.insert(reference("api"), object);
    play.roll_out("api");
    assert!(play.told().contains(&"ready api".to_owned()));
}

#[test]
fn a_signal_between_the_two_sends_nothing_more() {
    let mut play = replacing();
    play.step(Input::Signal(Signal::Terminate));
    answer(&mut play, Ok(()));
    assert_eq!(play.sent(), Vec::<String>::new());
    assert_eq!(play.told().last().unwrap(), "finished Terminated");
}
