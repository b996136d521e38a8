//! # Room card: driver/feed_link/backoff
//! In:    failures, one after the other; randomness.
//! Out:   how long to wait before the next attempt.
//! Holds: full jitter: even between zero and a ceiling that starts at 100 ms and doubles to 30 s, so that clients of a
//!        venue that comes back do not come in step.
//! Costs: cold path.
use types::Nanos;
use types::rng::SplitMix64;

/// Ceiling of the first wait.
pub const BACKOFF_FIRST: Nanos = Nanos::from_millis(100);
/// Ceiling of every wait.
pub const BACKOFF_MAX: Nanos = Nanos::from_millis(30_000);

/// Waits that grow with failures.
#[derive(Clone, Debug)]
pub struct Backoff {
    ceiling: Nanos,
    entropy: SplitMix64,
}

impl Backoff {
    /// No failure yet.
    pub const fn new(entropy: SplitMix64) -> Backoff {
        Backoff { ceiling: BACKOFF_FIRST, entropy }
    }
    /// One more failure: how long to wait.
    pub const fn failed(&mut self) -> Nanos {
        let wait = self.entropy.below(self.ceiling.0 as u64 + 1) as i64;
        let doubled = self.ceiling.0 * 2;
        self.ceiling = if doubled > BACKOFF_MAX.0 { BACKOFF_MAX } else { Nanos(doubled) };
        Nanos(wait)
    }
    /// It worked: the next failure is the first again.
    pub const fn reset(&mut self) {
        self.ceiling = BACKOFF_FIRST;
    }
    /// 64 random bits.
    pub(super) const fn random(&mut self) -> u64 {
        self.entropy.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_a_ceiling_that_doubles_to_its_bound() {
        let ceilings = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
        let mut longest = [0; 12];
        for seed in 0..500 {
            let mut backoff = Backoff::new(SplitMix64::new(seed));
            for (attempt, millis) in ceilings.into_iter().enumerate() {
                let wait = backoff.failed().0;
                assert!((0..=millis * 1_000_000).contains(&wait), "seed {seed}: attempt {attempt} waits {wait} ns");
                longest[attempt] = wait.max(longest[attempt]);
            }
            backoff.reset();
            assert!(backoff.failed() <= BACKOFF_FIRST, "seed {seed}");
        }
        for (attempt, millis) in ceilings.into_iter().enumerate() {
            // Of 500 even draws one in a hundred lies in the last hundredth: none there has a chance of 0.7 percent.
            assert!(longest[attempt] > millis * 980_000, "attempt {attempt}: never above {} ns", longest[attempt]);
        }
    }
}
