//! How often and how long a receiver is asked.

use std::time::Duration;

use crate::send::Failed;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At least one.
    pub attempts: u32,
    /// Before the second attempt; twice as long before each next one.
    pub first_pause: Duration,
    /// Also when the receiver wishes for a longer one.
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
}

impl Default for Limits {
    /// 70 s at the most: four attempts of 10 s, and three pauses of at most 10 s.
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(10),
            attempt: Duration::from_secs(10),
        }
    }
}

/// What an attempt came to, with the pause that the receiver asks for.
pub(crate) type Attempt<T> = Result<T, (Failed, Option<Duration>)>;

impl Limits {
    /// Tries until it works, or it is no use to try again, or it was tried often enough.
    pub(crate) async fn patiently<T>(&self, mut attempt: impl AsyncFnMut() -> Attempt<T>) -> Result<T, Failed> {
        let mut pause = self.first_pause;
        let mut tried = 1;
        loop {
            let outcome = tokio::time::timeout(self.attempt, attempt()).await;
            let (failed, wish) = match outcome.unwrap_or(Err((Failed::TimedOut, None))) {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            if tried >= self.attempts || !failed.may_pass() {
                return Err(failed);
            }
            tokio::time::sleep(wish.unwrap_or(pause).min(self.longest_pause)).await;
            pause = pause.saturating_mul(2);
            tried += 1;
        }
    }
}
