//! One table a case: a row for each state and tool, a column for each figure that any of them has.

use std::collections::BTreeSet;

use crate::case::{Case, Run, Series};
use crate::stats::{self, Spread};

/// A heading, and the cell of a row.
struct Column<'a> {
    head: String,
    cell: Box<dyn Fn(&Series) -> String + 'a>,
}

pub(crate) fn text(case: &Case) -> String {
    let rows = rows(case);
    let columns: Vec<Column<'_>> =
        columns(case).into_iter().filter(|column| rows.iter().any(|row| !(column.cell)(row).is_empty())).collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(columns.iter().map(|column| column.head.clone()).collect());
    text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
    for row in rows {
        text.push_str(&line(columns.iter().map(|column| (column.cell)(row).replace('|', "/")).collect()));
    }
    text
}

/// State by state, the quickest first and what failed last.
fn rows(case: &Case) -> Vec<&Series> {
    let time = |series: &Series| stats::seconds(series).map_or(f64::INFINITY, |s| s.median);
    let mut rows = Vec::new();
    for state in case.states() {
        let mut of_state: Vec<&Series> = case.series.iter().filter(|series| series.state == state).collect();
        of_state.sort_by(|a, b| time(a).total_cmp(&time(b)));
        rows.extend(of_state);
    }
    rows
}

fn columns(case: &Case) -> Vec<Column<'_>> {
    let mut all = vec![
        column("", |series| series.state.clone()),
        column("", |series| series.tool.clone()),
        column("seconds", |series| stats::seconds(series).map_or_else(|| failure(series), |s| number(s.median))),
        column("least – most", |series| stats::seconds(series).map_or_else(String::new, range)),
        column("x path", |series| against_path(case, series)),
    ];
    if let Some(other) = &case.against {
        all.push(column(&format!("x {other}"), |series| against_tool(case, series)));
    }
    all.push(column("CPU s", |series| median(series, |run| run.cpu_seconds)));
    all.push(column("peak MB", |series| median(series, |run| run.peak_mb)));
    for name in figures(case) {
        let head = name.clone();
        all.push(column(&head, move |series| median(series, |run| run.figures.get(&name).copied())));
    }
    all.push(column("requests", |series| median(series, |run| Some(run.requests.as_ref()?.all() as f64))));
    all.push(column("changing", |series| median(series, |run| Some(run.requests.as_ref()?.changing() as f64))));
    all.push(column("by verb", by_verb));
    all.push(column("runs", runs));
    all
}

fn column<'a>(head: &str, cell: impl Fn(&Series) -> String + 'a) -> Column<'a> {
    Column { head: head.to_owned(), cell: Box::new(cell) }
}

fn figures(case: &Case) -> BTreeSet<String> {
    case.series.iter().flat_map(|series| &series.runs).flat_map(|run| run.figures.keys().cloned()).collect()
}

fn against_path(case: &Case, series: &Series) -> String {
    let ratio = || Some(stats::seconds(series)?.median / case.floors.get(&series.state)?);
    ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

fn against_tool(case: &Case, series: &Series) -> String {
    let ratio = || stats::ratio(series, case.find(&series.state, case.against.as_deref()?)?);
    ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

fn median(series: &Series, figure: impl Fn(&Run) -> Option<f64>) -> String {
    stats::spread(stats::good(series).filter_map(figure)).map_or_else(String::new, |spread| number(spread.median))
}

fn failure(series: &Series) -> String {
    let why = |run: &Run| Some(format!("failed after {}: {}", number(run.seconds), run.failed.as_ref()?));
    series.runs.iter().find_map(why).unwrap_or_default()
}

/// Of the run in the middle of the request counts.
fn by_verb(series: &Series) -> String {
    let mut all: Vec<_> = stats::good(series).filter_map(|run| run.requests.as_ref()).collect();
    all.sort_by_key(|requests| requests.all());
    let Some(middle) = all.get(all.len() / 2) else { return String::new() };
    middle.0.iter().map(|(verb, count)| format!("{verb} {count}")).collect::<Vec<_>>().join(", ")
}

fn runs(series: &Series) -> String {
    match (stats::good(series).count(), series.runs.len()) {
        (good, all) if good == all => all.to_string(),
        (good, all) => format!("{good} of {all}"),
    }
}

fn range(spread: Spread) -> String {
    format!("{} – {}", number(spread.least), number(spread.most))
}

/// Three digits that say something.
pub(super) fn number(value: f64) -> String {
    match value {
        v if v == v.round() => format!("{v:.0}"),
        v if v < 0.1 => format!("{v:.4}"),
        v if v < 1.0 => format!("{v:.3}"),
        v if v < 100.0 => format!("{v:.2}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::Requests;
    use crate::machine::Measured;

    fn run(round: usize, seconds: f64) -> Run {
        Run { round, seconds, ..Run::default() }
    }

    #[test]
    fn a_table_has_the_columns_that_were_measured_and_the_losers_too() {
        let mut case = Case::new("x", Measured::default());
        case.against = Some("bare client".to_owned());
        case.floors.insert("from empty".to_owned(), 10.0);
        for (round, (lucid, bare)) in [(12.0, 10.0), (11.5, 11.5), (13.5, 10.0)].into_iter().enumerate() {
            case.add("from empty", "lucid", run(round, lucid));
            case.add("from empty", "bare client", run(round, bare));
        }
        case.add("from empty", "helm", Run { failed: Some("exit code 1: a | b".to_owned()), ..run(0, 300.0) });
        let requests = Requests(BTreeMap::from([("get".to_owned(), 3), ("patch".to_owned(), 2)]));
        case.add("again", "lucid", Run { requests: Some(requests), ..run(0, 0.1504) });
        let expected = "\
|  |  | seconds | least – most | x path | x bare client | requests | changing | by verb | runs |
|---|---|---|---|---|---|---|---|---|---|
| from empty | bare client | 10 | 10 – 11.50 | 1.00 | 1.00 |  |  |  | 3 |
| from empty | lucid | 12 | 11.50 – 13.50 | 1.20 | 1.20 |  |  |  | 3 |
| from empty | helm | failed after 300: exit code 1: a / b |  |  |  |  |  |  | 0 of 1 |
| again | lucid | 0.150 | 0.150 – 0.150 |  |  | 5 | 2 | get 3, patch 2 | 1 |
";
        assert_eq!(text(&case), expected);
    }

    #[test]
    fn nothing_is_written_as_0_and_little_with_its_digits() {
        let written = [0.0, 0.0421, 0.1268, 12.161, 453.0, 133.4].map(number);
        assert_eq!(written, ["0", "0.0421", "0.127", "12.16", "453", "133"]);
    }

    #[test]
    fn a_figure_of_one_case_has_its_own_column() {
        let mut case = Case::new("x", Measured::default());
        let figures = BTreeMap::from([("binary MB".to_owned(), 38.66)]);
        case.add("start", "lucid", Run { figures, ..run(0, 0.0042) });
        let text = text(&case);
        assert!(text.contains("| binary MB |") && text.contains("| 38.66 |") && text.contains("| 0.0042 |"), "{text}");
    }
}
