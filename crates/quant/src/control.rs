//! # Room card: quant/control
//! In:    a cancellation flag and a progress callback of the caller.
//! Out:   `JobControl`, which every long function borrows; `Cancelled` when the flag is set.
//! Holds: cancelling never changes a result, it only ends the work; progress never goes back and ends at its total.
//! Costs: one relaxed load a check.
use std::sync::atomic::{AtomicBool, Ordering};

use crate::QuantError;

/// What a long function asks between its blocks of work: may it go on, and how far is it.
#[derive(Clone, Copy, Default)]
pub struct JobControl<'a> {
    cancelled: Option<&'a AtomicBool>,
    progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

impl<'a> JobControl<'a> {
    /// Never cancelled, nobody watches.
    pub const NONE: JobControl<'static> = JobControl { cancelled: None, progress: None };

    /// `cancelled` set ends the work with `QuantError::Cancelled`; `progress(done, total)` is called from the
    /// working thread, at most once a block.
    pub const fn new(cancelled: &'a AtomicBool, progress: Option<&'a (dyn Fn(u64, u64) + Sync)>) -> JobControl<'a> {
        JobControl { cancelled: Some(cancelled), progress }
    }

    /// Between two blocks of work.
    #[inline]
    pub fn check(&self) -> Result<(), QuantError> {
        match self.cancelled {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(QuantError::Cancelled),
            _ => Ok(()),
        }
    }

    /// `done` of `total` blocks are made.
    #[inline]
    pub fn progress(&self, done: u64, total: u64) {
        if let Some(report) = self.progress {
            report(done, total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn a_set_flag_cancels_and_progress_is_passed_on() {
        assert_eq!(JobControl::NONE.check(), Ok(()));
        let (flag, seen) = (AtomicBool::new(false), AtomicU64::new(0));
        let report = |done: u64, total: u64| seen.store(done * 100 + total, Ordering::Relaxed);
        let control = JobControl::new(&flag, Some(&report));
        control.progress(3, 7);
        assert_eq!((control.check(), seen.load(Ordering::Relaxed)), (Ok(()), 307));
        flag.store(true, Ordering::Relaxed);
        assert_eq!(control.check(), Err(QuantError::Cancelled));
    }
}
