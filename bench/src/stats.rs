//! Medians, spreads and paired ratios.

use crate::case::{Run, Series};

/// The middle value, and between which values all of them lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Of two in the middle their mean; nothing of nothing.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
    Some(Spread { median, least, most })
}

/// The runs that did what they were asked for.
pub(crate) fn good(series: &Series) -> impl Iterator<Item = &Run> {
    series.runs.iter().filter(|run| run.failed.is_none())
}

pub(crate) fn seconds(series: &Series) -> Option<Spread> {
    spread(good(series).map(|run| run.seconds))
}

/// The median of the ratios of runs of the same round: what slows a whole round down slows both.
pub(crate) fn ratio(series: &Series, against: &Series) -> Option<f64> {
    let pair =
        |run: &Run| good(against).find(|other| other.round == run.round).map(|other| run.seconds / other.seconds);
    spread(good(series).filter_map(pair)).map(|ratios| ratios.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(seconds: &[f64]) -> Series {
        let run = |(round, &seconds)| Run { round, seconds, ..Run::default() };
        Series { state: String::new(), tool: String::new(), runs: seconds.iter().enumerate().map(run).collect() }
    }

    #[test]
    fn the_median_is_not_moved_by_one_slow_run() {
        let told = spread([3.0, 1.0, 900.0, 2.0, 4.0]).expect("values");
        assert_eq!(told, Spread { median: 3.0, least: 1.0, most: 900.0 });
        assert_eq!(spread([1.0, 2.0]).map(|s| s.median), Some(1.5));
        assert_eq!(spread([]), None);
    }

    #[test]
    fn ratios_are_of_runs_of_the_same_round() {
        let (ours, theirs) = (series(&[1.0, 10.0, 1.0]), series(&[2.0, 20.0, 1.0]));
        assert_eq!(ratio(&ours, &theirs), Some(0.5));
        assert_eq!(ratio(&ours, &series(&[])), None);
    }

    #[test]
    fn what_failed_was_not_measured() {
        let (ours, mut theirs) = (series(&[1.0, 1.0]), series(&[2.0, 4.0]));
        theirs.runs[0].failed = Some("timed out".to_owned());
        assert_eq!(ratio(&ours, &theirs), Some(0.25));
        assert_eq!(seconds(&theirs).map(|s| s.least), Some(4.0));
    }
}
