//! # Room card: bench/timing
//! In:    work to time; times of its blocks.
//! Out:   how long it took, in nanoseconds; the median of blocks; a run by the best of its slices; the wall clock.
//! Holds: the clock is read right before the work and right after it; what the work gave is the caller's.
//! Costs: two clock reads, which are one of the floors.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use types::UnixNanos;

/// Does work; what it gave, and the nanoseconds it took.
#[inline(always)]
pub fn timed<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed().as_nanos() as u64)
}

/// The middle one of the times of blocks; of an even number, the upper one of the two in the middle.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The least time of each slice of a run over several runs of the same: noise only adds, and a whole run seldom is free
/// of it.
pub struct Slices {
    length: usize,
    best: Vec<u64>,
}

impl Slices {
    /// Slices of `length` items, of runs of `count` items.
    pub fn new(length: usize, count: usize) -> Slices {
        Slices { length, best: vec![u64::MAX; count.div_ceil(length)] }
    }

    /// One run over all items; allocates nothing.
    #[inline(always)]
    pub fn run<T>(&mut self, items: &[T], mut work: impl FnMut(&[T])) {
        for (slice, best) in items.chunks(self.length).zip(&mut self.best) {
            let ((), nanos) = timed(|| work(slice));
            *best = (*best).min(nanos);
        }
    }

    /// Nanoseconds of a run whose every slice took its least time.
    pub fn nanos(&self) -> f64 {
        self.best.iter().sum::<u64>() as f64
    }
}

/// The wall clock, for protocols that stamp what they send.
pub fn wall() -> UnixNanos {
    UnixNanos(SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_its_time_is_told() {
        let mut done = 0;
        let (result, nanos) = timed(|| {
            done += 1;
            std::thread::sleep(std::time::Duration::from_millis(2));
            "result"
        });
        assert_eq!((done, result), (1, "result"));
        // A sleep is never shorter than asked for.
        assert!(nanos >= 2_000_000, "{nanos}");
    }

    #[test]
    fn a_slice_keeps_its_least_time() {
        let (mut slices, mut runs) = (Slices::new(2, 5), 0);
        for _ in 0..3 {
            runs += 1;
            // Each run is slow at another slice; the last slice is a short one.
            slices.run(&[1, 2, 3, 4, 5], |slice| {
                if slice[0] == 2 * runs - 1 {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            });
        }
        assert_eq!(slices.best.len(), 3);
        assert!(slices.nanos() < 20e6, "{}", slices.nanos());
    }

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        for times in [[3.0, 1.0, 9.0], [9.0, 3.0, 1.0], [1.0, 3.0, 9.0]] {
            assert_eq!(median(times.to_vec()), 3.0);
        }
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 3.0);
    }
}
