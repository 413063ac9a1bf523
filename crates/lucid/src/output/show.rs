//! Everything that is seen and kept of a command that writes: one screen for the run, another for the way back, the log
//! of both.

use std::path::Path;

use jiff::Timestamp;
use lucid_engine::{Event, Stamped};
use lucid_report::{RunView, result};
use serde_json::Value;

use crate::cli::Progress;
use crate::failure::Result;
use crate::output::{Outlet, RunLog, Screen};

/// A run on the stage.
pub(crate) struct Show<'a> {
    outlet: &'a Outlet,
    progress: Progress,
    log: Option<RunLog>,
    events: Option<RunLog>,
    screen: Option<Screen>,
    /// Runs that are over: the first, then the way back.
    views: Vec<RunView>,
}

impl<'a> Show<'a> {
    pub(crate) fn start(
        outlet: &'a Outlet,
        progress: Progress,
        release: &str,
        began: Timestamp,
        events: Option<&Path>,
    ) -> Result<Self> {
        Ok(Self {
            outlet,
            progress,
            // A log that cannot be written stops nothing.
            log: RunLog::start(release, began).ok(),
            events: events.map(RunLog::create).transpose()?,
            screen: Some(Screen::new(outlet, progress, false)),
            views: Vec::new(),
        })
    }

    pub(crate) fn take(&mut self, stamped: &Stamped) {
        for file in self.log.iter_mut().chain(self.events.iter_mut()) {
            file.write(stamped, |line| self.outlet.clean(line));
        }
        if let Event::RollingBack { to, because } = &stamped.event {
            self.close_screen();
            let what = match to {
                Some(number) => format!("rolling back to revision {number}"),
                None => "taking away what this first install has created".to_owned(),
            };
            let paint = self.outlet.paint_err();
            let because = because.join(", ");
            self.outlet.talk(&format!("\n{} {what}, because {because} failed\n", paint.warn("note:")));
            self.screen = Some(Screen::new(self.outlet, self.progress, false));
            return;
        }
        if let Some(screen) = &self.screen {
            screen.take(self.outlet, stamped);
        }
    }

    fn close_screen(&mut self) {
        if let Some(screen) = self.screen.take() {
            self.views.push(screen.finish(self.outlet));
        }
    }

    /// Leaves the summary; answers with the result for machines.
    pub(crate) fn finish(&mut self) -> Value {
        self.close_screen();
        let mut views = self.views.iter();
        let mut value = views.next().map(result::to_json).unwrap_or_default();
        if let Some(back) = views.next() {
            value["rollback"] = result::to_json(back);
        }
        value
    }

    pub(crate) fn say_where_the_log_is(&self) {
        if let Some(log) = &self.log {
            let paint = self.outlet.paint_err();
            self.outlet.talk(&format!("{} the complete log is {}\n", paint.dim("log:"), log.path.display()));
        }
    }
}
