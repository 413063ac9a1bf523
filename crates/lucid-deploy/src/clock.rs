//! The time of a run: tokio's clock, so that a paused runtime gives virtual time.

use std::time::Duration;

use jiff::Timestamp;
use lucid_engine::Now;
use tokio::time::Instant;

/// When a run began, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that starts now; `wall` is what a calendar says.
    pub fn start(wall: Timestamp) -> Self {
        Self { began: Instant::now(), wall }
    }

    pub fn now(&self) -> Now {
        let elapsed = self.began.elapsed();
        let wall =
            self.wall.checked_add(jiff::SignedDuration::try_from(elapsed).unwrap_or_default()).unwrap_or(self.wall);
        Now { elapsed, wall }
    }

    /// The moment on tokio's clock when this much has elapsed.
    pub fn at(&self, elapsed: Duration) -> Instant {
        self.began + elapsed
    }
}
