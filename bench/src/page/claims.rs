//! What the scripts that `lucid` has replaced claimed, beside what was measured.

use crate::case::{Run, Series};
use crate::name::{Kind, Name};
use crate::page::table::number;
use crate::stats;
use crate::store::Store;
use crate::tool::Tool;

const HEAD: &str = "
## Beside the old scripts
The deployment scripts of the system that `lucid` was made for said how long they take; nobody can run them any more.

| | they claimed | `lucid`, seconds | measured as |
|---|---|---|---|
";

pub(crate) fn text(store: &Store) -> String {
    let rows = [
        row(store, "full deployment", "10–15 minutes", Kind::Deploy, "from empty", |run| Some(run.seconds)),
        row(store, "rollback", "5–10 minutes", Kind::Failure, "one bad image", |run| {
            run.figures.get("serves again after").copied()
        }),
        row(store, "health check", "2–3 minutes", Kind::Health, "all well", |run| Some(run.seconds)),
    ];
    let rows: String = rows.into_iter().flatten().collect();
    if rows.is_empty() { rows } else { format!("{HEAD}{rows}") }
}

/// The largest size of which there is a figure; the deployment at the size of the old system.
fn row(
    store: &Store,
    what: &str,
    claimed: &str,
    kind: Kind,
    state: &str,
    figure: impl Fn(&Run) -> Option<f64>,
) -> Option<String> {
    let names = store.cases.keys().filter_map(|name| name.parse::<Name>().ok()).filter(|name| name.kind == kind);
    let sizes = names.map(|name| name.size).collect::<Vec<_>>();
    let size = if kind == Kind::Deploy { sizes.iter().min()? } else { sizes.iter().max()? };
    let name = Name { kind, size: *size };
    let series: &Series = store.cases[&name.to_string()].find(state, Tool::Lucid.name())?;
    let median = stats::spread(stats::good(series).filter_map(figure))?.median;
    Some(format!("| {what} | {claimed} | {} | `{name}`, {state} |\n", number(median)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::machine::Measured;

    #[test]
    fn only_what_was_measured_stands_beside_a_claim() {
        let mut store = Store::default();
        assert_eq!(text(&store), "");
        for (name, seconds) in [("deploy-300", 26.0), ("deploy-27", 17.5)] {
            let mut case = Case::new(name, Measured::default());
            case.add("from empty", "lucid", Run { seconds, ..Run::default() });
            store.cases.insert(name.to_owned(), case);
        }
        let page = text(&store);
        assert!(page.contains("| full deployment | 10–15 minutes | 17.50 | `deploy-27`, from empty |"), "{page}");
        assert!(!page.contains("health check |"), "{page}");
    }
}
