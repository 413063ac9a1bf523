//! What was measured, for people and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::audit::Requests;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) workloads: usize,
    pub(crate) objects: usize,
    pub(crate) longest_path_seconds: f64,
    pub(crate) runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) what: &'static str,
    pub(crate) seconds: f64,
    pub(crate) requests: Requests,
}

pub(crate) const BARE: &str = "bare client";
pub(crate) const LUCID: &str = "lucid deploy";
pub(crate) const AGAIN: &str = "lucid deploy, nothing changed";

impl Report {
    pub(crate) fn add(&mut self, what: &'static str, took: Duration, requests: Requests) {
        self.runs.push(Run { what, seconds: took.as_secs_f64(), requests });
    }

    /// The quickest run of that name.
    fn best(&self, what: &str) -> Option<f64> {
        self.runs.iter().filter(|run| run.what == what).map(|run| run.seconds).min_by(f64::total_cmp)
    }

    /// `lucid` against the quicker of the bare client's runs.
    pub(crate) fn ratio(&self) -> Option<f64> {
        Some(self.best(LUCID)? / self.best(BARE)?)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} workloads, {} objects; longest path {:.1} s\n",
            self.workloads, self.objects, self.longest_path_seconds
        );
        for run in &self.runs {
            let _ = writeln!(text, "{}", self.row(run));
        }
        if let Some(ratio) = self.ratio() {
            let _ = writeln!(text, "lucid / bare client: {ratio:.2}");
        }
        text
    }

    fn row(&self, run: &Run) -> String {
        let verbs: Vec<String> = run.requests.0.iter().map(|(verb, count)| format!("{verb} {count}")).collect();
        let against_path = match run.what {
            AGAIN => "          ".to_owned(),
            _ => format!("{:.2} x path", run.seconds / self.longest_path_seconds),
        };
        format!(
            "  {:<30} {:>7.2} s  {against_path}  {} requests, {} changing ({})",
            run.what,
            run.seconds,
            run.requests.all(),
            run.requests.changing(),
            verbs.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lucid_is_compared_with_the_quicker_bare_run() {
        let mut report = Report { workloads: 1, objects: 3, longest_path_seconds: 10.0, runs: vec![] };
        assert_eq!(report.ratio(), None);
        report.add(BARE, Duration::from_secs(12), Requests::default());
        report.add(LUCID, Duration::from_secs(11), Requests::default());
        report.add(BARE, Duration::from_secs(10), Requests::default());
        assert_eq!(report.ratio(), Some(1.1));
        assert!(report.text().contains("1.10 x path"), "{}", report.text());
    }
}
