//! # Room card: driver/report/latency
//! In:    durations in nanoseconds, from one thread.
//! Out:   their percentiles, in any thread, at any time.
//! Holds: no lock and no allocation; a duration is kept to one part in 128; longer ones than 68 s count as 68 s.
//! Costs: one load and one store a duration, in one of 3,968 counters (31 kB).
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Percentiles;

/// Counters for each doubling.
const STEPS: u64 = 128;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Durations from two to this power on count as the longest.
const LONGEST_BITS: u32 = 36;
const COUNTERS: usize = ((LONGEST_BITS - STEP_BITS + 1) as u64 * STEPS) as usize;

/// Counts durations by size: exact below 128 ns, then 128 steps to each doubling. One thread records, any may read;
/// a reader beside the writer sees a moment's counts, each whole.
#[derive(Debug)]
pub struct Latency {
    counters: Box<[AtomicU64]>,
    longest: AtomicU64,
}

impl Default for Latency {
    fn default() -> Self {
        let counters = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Latency { counters, longest: AtomicU64::new(0) }
    }
}

#[inline]
const fn place(nanos: u64) -> usize {
    if nanos < STEPS {
        return nanos as usize;
    }
    let doublings = 63 - nanos.leading_zeros() - STEP_BITS;
    (doublings as u64 * STEPS + (nanos >> doublings)) as usize
}

/// Largest duration that is counted at a place.
const fn largest_at(place: usize) -> u64 {
    let place = place as u64;
    if place < STEPS {
        return place;
    }
    let doublings = place / STEPS - 1;
    ((place % STEPS + STEPS + 1) << doublings) - 1
}

impl Latency {
    /// Counts one duration.
    #[inline]
    pub fn record(&self, nanos: u64) {
        let kept = nanos.min((1 << LONGEST_BITS) - 1);
        let counter = &self.counters[place(kept)];
        // One writer: a plain load and store, no locked instruction.
        counter.store(counter.load(Relaxed) + 1, Relaxed);
        if nanos > self.longest.load(Relaxed) {
            self.longest.store(nanos, Relaxed);
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counters.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    /// The percentiles of what was counted so far; each is the largest duration of its counter, at most 1/128 above.
    pub fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = self.counters.iter().map(|counter| counter.load(Relaxed)).collect();
        let (count, longest) = (counts.iter().sum::<u64>(), self.longest.load(Relaxed));
        let at = |share: f64| {
            let wanted = ((count as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let found = counts.iter().position(|n| {
                seen += n;
                seen >= wanted
            });
            found.map_or(0, |place| largest_at(place).min(longest))
        };
        Percentiles { count, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn every_duration_has_a_place_that_holds_it() {
        for bits in 0..LONGEST_BITS {
            for near in [-1i64, 0, 1] {
                let nanos = ((1u64 << bits) as i64 + near) as u64;
                let largest = largest_at(place(nanos));
                assert!(largest >= nanos && largest - nanos <= nanos / 128, "{nanos}: {largest}");
                assert_eq!(place(largest), place(nanos));
                assert_eq!(place(largest + 1), place(nanos) + 1);
            }
        }
        assert_eq!(place((1 << LONGEST_BITS) - 1), COUNTERS - 1);
    }

    #[test]
    fn percentiles_agree_with_a_sorted_list() {
        for seed in 1..20 {
            let (mut rng, latency, mut all) = (SplitMix64::new(seed), Latency::default(), Vec::new());
            for _ in 0..1 + rng.below(3_000) {
                let nanos = rng.next_u64() >> (28 + rng.below(36));
                latency.record(nanos);
                all.push(nanos);
            }
            all.sort_unstable();
            let found = latency.percentiles();
            let exact = |share: f64| all[((all.len() as f64 * share).ceil() as usize).max(1) - 1];
            for (share, value) in [(0.5, found.p50), (0.9, found.p90), (0.99, found.p99), (0.999, found.p999)] {
                let exact = exact(share);
                assert!(value >= exact && value - exact <= exact / 128, "seed {seed} {share}: {value} {exact}");
            }
            assert_eq!((found.count, found.max), (all.len() as u64, all[all.len() - 1]), "seed {seed}");
        }
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let latency = Latency::default();
        assert_eq!(latency.percentiles().max, 0);
        latency.record(u64::MAX);
        assert_eq!((latency.count(), latency.percentiles().max), (1, u64::MAX));
        assert_eq!(latency.percentiles().p50, (1 << LONGEST_BITS) - 1);
    }
}
