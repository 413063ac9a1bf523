//! Delays that double.

use std::time::Duration;

/// Ten seconds, doubled with each failure up to five minutes, as for restarts and image pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BackOff {
    delay: Duration,
    from: Duration,
    limit: Duration,
    last: Option<Duration>,
}

impl BackOff {
    pub(crate) const fn new(from: Duration, limit: Duration) -> Self {
        Self { delay: Duration::ZERO, from, limit, last: None }
    }

    pub(crate) const fn of_containers() -> Self {
        Self::new(Duration::from_secs(10), Duration::from_secs(300))
    }

    /// The delay that counts at present; zero before the first failure.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// Notes a failure. After twice the limit without one it begins anew.
    pub(crate) fn next(&mut self, now: Duration) -> Duration {
        let quiet = self.last.is_some_and(|last| now.saturating_sub(last) > self.limit * 2);
        self.delay = if self.delay.is_zero() || quiet { self.from } else { (self.delay * 2).min(self.limit) };
        self.last = Some(now);
        self.delay
    }

    /// When one may try again after something that ended at `since`; `None`: at once.
    pub(crate) fn until(&self, since: Duration, now: Duration) -> Option<Duration> {
        let fresh = self.last.is_some_and(|last| now.saturating_sub(last) <= self.limit * 2);
        let until = since + self.delay;
        (fresh && !self.delay.is_zero() && until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_limit_and_forgets() {
        let mut back_off = BackOff::of_containers();
        let secs = Duration::from_secs;
        let delays: Vec<u64> = (0..7).map(|i| back_off.next(secs(i * 100)).as_secs()).collect();
        assert_eq!(delays, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(back_off.next(secs(600 + 601)), secs(10));
    }

    #[test]
    fn the_first_failure_is_free() {
        let mut back_off = BackOff::of_containers();
        let secs = Duration::from_secs;
        assert_eq!(back_off.until(secs(5), secs(5)), None);
        back_off.next(secs(5));
        assert_eq!(back_off.until(secs(7), secs(8)), Some(secs(17)));
        assert_eq!(back_off.until(secs(7), secs(17)), None);
    }
}
