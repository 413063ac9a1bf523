//! What was measured of a case, as it stands in `docs/benchmarks.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::audit::Requests;
use crate::machine::Measured;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) title: String,
    /// What was done and how to read it, a paragraph each.
    pub(crate) about: Vec<String>,
    pub(crate) measured: Measured,
    /// Ratios are to this tool's run in the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<String>,
    /// Seconds that nobody can beat, by state: the longest path of what changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) floors: BTreeMap<String, f64>,
    /// How each tool was called.
    pub(crate) settings: Vec<Setting>,
    /// One for each pair of state and tool, in the order of the first round.
    pub(crate) series: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) tool: String,
    pub(crate) command: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) state: String,
    pub(crate) tool: String,
    pub(crate) runs: Vec<Run>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Runs of the same round are a pair.
    pub(crate) round: usize,
    pub(crate) seconds: f64,
    /// User and system time of the client and of everything that it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_seconds: Option<f64>,
    /// Of the largest of its processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_mb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Requests>,
    /// Why it did not do what it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
    /// What only this case measures, by the heading of its column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Case {
    pub(crate) fn new(title: &str, measured: Measured) -> Self {
        Self {
            title: title.to_owned(),
            about: Vec::new(),
            measured,
            against: None,
            floors: BTreeMap::new(),
            settings: Vec::new(),
            series: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, state: &str, tool: &str, run: Run) {
        match self.series.iter_mut().find(|series| series.state == state && series.tool == tool) {
            Some(series) => series.runs.push(run),
            None => self.series.push(Series { state: state.to_owned(), tool: tool.to_owned(), runs: vec![run] }),
        }
    }

    pub(crate) fn setting(&mut self, tool: &str, command: &str) {
        self.settings.push(Setting { tool: tool.to_owned(), command: command.to_owned() });
    }

    pub(crate) fn find(&self, state: &str, tool: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.state == state && series.tool == tool)
    }

    /// States in the order in which they were measured.
    pub(crate) fn states(&self) -> Vec<&str> {
        let mut states: Vec<&str> = Vec::new();
        for series in &self.series {
            if !states.contains(&series.state.as_str()) {
                states.push(&series.state);
            }
        }
        states
    }
}

impl Run {
    /// For whoever watches.
    pub(crate) fn told(&self) -> String {
        match &self.failed {
            None => format!("{:.2} s", self.seconds),
            Some(why) => format!("FAILED after {:.2} s: {why}", self.seconds),
        }
    }
}
