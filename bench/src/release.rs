//! A synthetic release: layers of workloads, each with its time to readiness and what it needs. The same for the same size.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One component: a Deployment, with its ConfigMap and Service unless it stands alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) layer: usize,
    /// From the start of its pod until that is ready.
    pub(crate) delay: Duration,
    /// Indices of workloads that must be available first; always smaller than its own.
    pub(crate) needs: Vec<usize>,
    /// Which image it runs.
    pub(crate) version: u32,
    pub(crate) replicas: u32,
    /// The Deployment only.
    pub(crate) alone: bool,
    /// Its image cannot be pulled.
    pub(crate) broken: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Release {
    pub(crate) workloads: Vec<Workload>,
}

const DELAYS_MILLIS: [u64; 7] = [1000, 1500, 2000, 2500, 3000, 3500, 4000];

impl Release {
    /// Five layers at 27 workloads, seven at 300: about the depth of the Lucid release.
    pub(crate) fn generate(size: usize) -> Self {
        let layers = (size.max(1).ilog10() as usize * 2 + 3).min(size.max(1));
        let mut random = Random(0x9e37_79b9 ^ size as u64);
        let mut workloads: Vec<Workload> = Vec::with_capacity(size);
        for index in 0..size {
            let layer = index * layers / size;
            let before: Vec<usize> = (0..index).filter(|&i| workloads[i].layer + 1 == layer).collect();
            let delay = Duration::from_millis(DELAYS_MILLIS[random.below(DELAYS_MILLIS.len())]);
            let needs = choose(&before, 3, &mut random);
            workloads.push(Workload { layer, delay, needs, ..Workload::named(index) });
        }
        Self { workloads }
    }

    /// Workloads that need nothing of each other, each ready after a second.
    pub(crate) fn flat(size: usize) -> Self {
        Self { workloads: (0..size).map(Workload::named).collect() }
    }

    /// The same release with another image in these workloads.
    pub(crate) fn changed(&self, which: &[usize]) -> Self {
        let mut next = self.clone();
        which.iter().for_each(|&index| next.workloads[index].version += 1);
        next
    }

    /// One workload out of the middle.
    pub(crate) fn one(&self) -> Vec<usize> {
        vec![self.workloads.len() / 2]
    }

    /// Every tenth workload.
    pub(crate) fn tenth(&self) -> Vec<usize> {
        (0..self.workloads.len()).step_by(10).collect()
    }

    /// The time that no deploy can beat: the most expensive chain of workloads that need each other.
    pub(crate) fn longest_path(&self) -> Duration {
        self.longest_path_of(&(0..self.workloads.len()).collect::<Vec<_>>())
    }

    /// The same when only these workloads change: what others need of them is there already.
    pub(crate) fn longest_path_of(&self, changed: &[usize]) -> Duration {
        let mut ends: Vec<Duration> = Vec::with_capacity(self.workloads.len());
        for (index, workload) in self.workloads.iter().enumerate() {
            let start = workload.needs.iter().map(|&i| ends[i]).max().unwrap_or_default();
            let takes = if changed.contains(&index) { workload.delay } else { Duration::ZERO };
            ends.push(start + takes);
        }
        ends.into_iter().max().unwrap_or_default()
    }

    pub(crate) fn layers(&self) -> usize {
        self.workloads.iter().map(|w| w.layer + 1).max().unwrap_or(0)
    }
}

impl Workload {
    fn named(index: usize) -> Self {
        Self {
            name: format!("app-{index:03}"),
            layer: 0,
            delay: Duration::from_secs(1),
            needs: Vec::new(),
            version: 1,
            replicas: 1,
            alone: false,
            broken: false,
        }
    }
}

/// One to `most` of them, each once, in order; none of none.
fn choose(from: &[usize], most: usize, random: &mut Random) -> Vec<usize> {
    if from.is_empty() {
        return Vec::new();
    }
    let mut chosen: Vec<usize> = (0..=random.below(most)).map(|_| from[random.below(from.len())]).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Marsaglia's xorshift: repeatable, and good enough to spread needs and delays.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(delay: u64, needs: &[usize]) -> Workload {
        Workload { delay: Duration::from_secs(delay), needs: needs.to_vec(), ..Workload::named(0) }
    }

    #[test]
    fn the_longest_path_is_a_sum_along_needs_and_not_of_layers() {
        let workloads =
            vec![workload(4, &[]), workload(1, &[]), workload(1, &[0]), workload(3, &[1]), workload(1, &[2, 3])];
        let release = Release { workloads };
        assert_eq!(release.longest_path(), Duration::from_secs(6));
        assert_eq!(release.longest_path_of(&[1, 4]), Duration::from_secs(2));
        assert_eq!(release.longest_path_of(&[]), Duration::ZERO);
        assert_eq!(Release { workloads: vec![] }.longest_path(), Duration::ZERO);
    }

    #[test]
    fn a_size_gives_the_same_release_again_with_needs_in_the_layer_before() {
        for (size, layers) in [(27, 5), (100, 7), (300, 7)] {
            let release = Release::generate(size);
            assert_eq!(release, Release::generate(size));
            assert_eq!((release.workloads.len(), release.layers()), (size, layers));
            for workload in &release.workloads {
                assert_eq!(workload.needs.is_empty(), workload.layer == 0, "{}", workload.name);
                assert!(workload.needs.iter().all(|&i| release.workloads[i].layer + 1 == workload.layer));
            }
        }
    }

    #[test]
    fn a_change_touches_what_it_names_and_nothing_else() {
        let release = Release::generate(100);
        let next = release.changed(&release.tenth());
        let differs = |&i: &usize| release.workloads[i] != next.workloads[i];
        assert_eq!((0..100).filter(differs).collect::<Vec<_>>(), release.tenth());
        assert_eq!(release.changed(&release.one()).workloads[50].version, 2);
    }

    #[test]
    fn small_sizes_work() {
        for size in 0..12 {
            assert_eq!(Release::generate(size).workloads.len(), size);
        }
    }
}
