//! # Room card: bench/floors
//! In:    this machine, now.
//! Out:   what no program here can go below: a clock read, a system call, a cache line between two threads; the load.
//! Holds: the least of several batches, because noise only adds.
//! Costs: well under a second.
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::timing::timed;

const BATCHES: usize = 7;
const CLOCK_READS: u32 = 100_000;
const SYSTEM_CALLS: u32 = 20_000;
const ROUND_TRIPS: u64 = 20_000;
/// Spins before a waiting thread gives its core away: both may share one.
const SPINS_BEFORE_YIELD: u32 = 20_000;

/// The floors, printed with every table.
#[derive(Clone, PartialEq, Debug)]
pub struct Floors {
    /// One `Instant::now()`.
    pub clock_nanos: f64,
    /// One system call that does nothing (getppid); absent where the system has none.
    pub syscall_nanos: Option<f64>,
    /// One cache line from one thread to another, one way.
    pub cache_line_nanos: f64,
    /// Load average of the last minute; absent where the system tells none.
    pub load_1: Option<f64>,
}

impl Floors {
    /// As the bench runner reads it.
    pub fn to_json(&self) -> Value {
        json!({
            "clockNs": self.clock_nanos,
            "syscallNs": self.syscall_nanos,
            "cacheLineNs": self.cache_line_nanos,
            "load1": self.load_1,
        })
    }
}

/// Measures them.
pub fn measure() -> Floors {
    Floors {
        clock_nanos: least(|| per_call(CLOCK_READS, Instant::now)),
        syscall_nanos: system_call(),
        cache_line_nanos: least(cache_line),
        load_1: load_average(),
    }
}

fn least(batch: impl Fn() -> f64) -> f64 {
    (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

fn per_call<R>(calls: u32, call: impl Fn() -> R) -> f64 {
    let ((), nanos) = timed(|| {
        for _ in 0..calls {
            black_box(call());
        }
    });
    nanos as f64 / f64::from(calls)
}

#[cfg(unix)]
fn system_call() -> Option<f64> {
    // getppid is not cached by any C library, because a parent may end at any time.
    Some(least(|| per_call(SYSTEM_CALLS, std::os::unix::process::parent_id)))
}

#[cfg(not(unix))]
fn system_call() -> Option<f64> {
    let _ = SYSTEM_CALLS;
    None
}

/// A line of its own: neighbours would be dragged along (adjacent lines are fetched in pairs).
#[repr(align(128))]
struct Line(AtomicU64);

impl Line {
    fn wait(&self, value: u64) {
        let mut spins = 0;
        while self.0.load(Ordering::Acquire) != value {
            spins += 1;
            if spins % SPINS_BEFORE_YIELD == 0 {
                std::thread::yield_now();
            }
            spin_loop();
        }
    }
}

fn cache_line() -> f64 {
    let (there, back) = (Line(AtomicU64::new(0)), Line(AtomicU64::new(0)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUND_TRIPS {
                there.wait(round);
                back.0.store(round, Ordering::Release);
            }
        });
        // The first rounds wait for the thread to start.
        let warm = ROUND_TRIPS / 10;
        let mut begun = Instant::now();
        for round in 1..=ROUND_TRIPS {
            if round == warm + 1 {
                begun = Instant::now();
            }
            there.0.store(round, Ordering::Release);
            back.wait(round);
        }
        begun.elapsed().as_nanos() as f64 / (2 * (ROUND_TRIPS - warm)) as f64
    })
}

fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_plausible() {
        let floors = measure();
        assert!((1.0..10_000.0).contains(&floors.clock_nanos), "{floors:?}");
        assert!(floors.syscall_nanos.is_none_or(|nanos| (1.0..100_000.0).contains(&nanos)), "{floors:?}");
        assert!(floors.cache_line_nanos > 1.0, "{floors:?}");
        assert!(floors.to_json()["clockNs"].is_f64());
    }
}
