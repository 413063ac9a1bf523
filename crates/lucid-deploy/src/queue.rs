//! Requests that wait for their turn: the one with the most behind it goes first.
//!
//! There is no fixed rate. The number of requests under way grows while answers come quickly and shrinks when they slow
//! down or the server says 429, so that requests queue here, where their order can still be chosen.

use std::collections::BinaryHeap;
use std::time::Duration;

/// Something to send, ordered by weight and then by age.
#[derive(Debug)]
struct Waiting<T> {
    weight: u32,
    age: std::cmp::Reverse<u64>,
    item: T,
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.weight, self.age) == (other.weight, other.age)
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.weight, self.age).cmp(&(other.weight, other.age))
    }
}

/// A queue and how many of its items may be under way.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: BinaryHeap<Waiting<T>>,
    pushed: u64,
    under_way: usize,
    limit: f64,
    /// The quickest answer so far: what the server takes when nobody queues.
    floor: Option<Duration>,
}

const SMALLEST: f64 = 4.0;
const LARGEST: f64 = 64.0;

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: BinaryHeap::new(), pushed: 0, under_way: 0, limit: 16.0, floor: None }
    }
}

impl<T> Queue<T> {
    pub fn push(&mut self, weight: u32, item: T) {
        self.pushed += 1;
        self.waiting.push(Waiting { weight, age: std::cmp::Reverse(self.pushed), item });
    }

    /// The next item that may be sent now.
    pub fn pop(&mut self) -> Option<T> {
        if self.under_way as f64 >= self.limit {
            return None;
        }
        let waiting = self.waiting.pop()?;
        self.under_way += 1;
        Some(waiting.item)
    }

    /// An item was answered after this long; `is_overload` when the server asked for less.
    pub fn answered(&mut self, took: Duration, is_overload: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        let floor = *self.floor.get_or_insert(took);
        self.floor = Some(floor.min(took));
        let is_slow = took > floor.max(Duration::from_millis(5)) * 12;
        self.limit = match (is_overload, is_slow) {
            (true, _) => self.limit / 2.0,
            (false, true) => self.limit - 0.5,
            (false, false) => self.limit + 1.0 / self.limit,
        }
        .clamp(SMALLEST, LARGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(5);

    #[test]
    fn the_heaviest_goes_first_and_of_equals_the_oldest() {
        let mut queue = Queue::default();
        for (weight, item) in [(1, "b"), (3, "a"), (1, "c")] {
            queue.push(weight, item);
        }
        assert_eq!([queue.pop(), queue.pop(), queue.pop(), queue.pop()], [Some("a"), Some("b"), Some("c"), None]);
    }

    #[test]
    fn no_more_than_the_limit_are_under_way() {
        let mut queue = Queue::default();
        (0..100).for_each(|item| queue.push(0, item));
        let sent = std::iter::from_fn(|| queue.pop()).count();
        assert_eq!(sent, 16);
        queue.answered(QUICK, false);
        assert!(queue.pop().is_some());
    }

    #[test]
    fn quick_answers_widen_and_overload_narrows() {
        let mut queue: Queue<u8> = Queue::default();
        (0..200).for_each(|_| queue.answered(QUICK, false));
        let wide = queue.limit;
        assert!(wide > 20.0);
        queue.answered(QUICK, true);
        assert!(queue.limit <= wide / 2.0);
        (0..20).for_each(|_| queue.answered(QUICK, true));
        assert!((queue.limit - SMALLEST).abs() < f64::EPSILON);
    }

    #[test]
    fn slow_answers_narrow() {
        let mut queue: Queue<u8> = Queue::default();
        queue.answered(QUICK, false);
        let before = queue.limit;
        queue.answered(Duration::from_secs(2), false);
        assert!(queue.limit < before);
    }
}
