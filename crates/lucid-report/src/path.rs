//! The longest path of a run: the chain of components that decided how long it took.

use std::time::Duration;

use crate::view::{Row, RunView};

/// One component on the path and how long it held the path up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub component: String,
    pub took: Duration,
}

/// From the first component of the chain to the one that was ready last. Only components that changed count.
pub fn longest(view: &RunView) -> Vec<Leg> {
    let changed = || view.components().filter(|row| row.changes > 0 && row.ready.is_some());
    let Some(mut row) = changed().max_by_key(|row| row.ready) else { return Vec::new() };
    let mut legs = Vec::new();
    loop {
        let before = latest_need(view, row);
        let began = before.and_then(|need| need.ready).or(row.started).unwrap_or_default();
        let took = row.ready.unwrap_or_default().saturating_sub(began);
        legs.push(Leg { component: row.name.clone(), took });
        match before {
            Some(need) => row = need,
            None => break,
        }
    }
    legs.reverse();
    legs
}

fn latest_need<'a>(view: &'a RunView, row: &Row) -> Option<&'a Row> {
    let needs =
        row.needs.iter().filter_map(|need| view.find(need)).filter(|need| need.changes > 0 && need.ready.is_some());
    needs.max_by_key(|need| need.ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_engine::{Event, LaneInfo, Stamped};

    #[test]
    fn follows_the_need_that_was_ready_last() {
        let lane = |name: &str, needs: &[&str]| LaneInfo {
            name: name.into(),
            phase: None,
            needs: needs.iter().map(|need| (*need).into()).collect(),
            objects: 1,
            changes: 1,
        };
        let mut view = RunView::default();
        let mut tell = |at_ms: u64, event: Event| view.take(&Stamped { at_ms, event });
        tell(
            0,
            Event::RunStarted {
                release: "r".into(),
                namespace: "n".into(),
                command: "deploy".into(),
                run: None,
                cluster: None,
                components: vec![lane("db", &[]), lane("cache", &[]), lane("api", &["db", "cache"])],
                create: 3,
                update: 0,
                replace: 0,
                delete: 0,
                unchanged: 0,
            },
        );
        for (at, name) in [(0, "db"), (0, "cache"), (3000, "api")] {
            tell(at, Event::Started { component: name.into() });
        }
        for (at, name) in [(1000, "cache"), (3000, "db"), (5000, "api")] {
            tell(at, Event::Ready { component: name.into() });
        }
        let legs: Vec<_> = longest(&view).into_iter().map(|leg| (leg.component, leg.took.as_millis())).collect();
        assert_eq!(legs, [("db".to_owned(), 3000), ("api".to_owned(), 2000)]);
    }
}
