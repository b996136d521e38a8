//! Engine and exchange over a bad network in virtual time: one process, no sockets, no threads, no wall clock. A seed
//! is an episode: trouble of every kind, then calm, then the end. `FAFNIR_FAULT_SEED=n` runs one seed with a trace.
mod faults {
    pub mod books;
    pub mod checks;
    pub mod client;
    pub mod memory;
    pub mod pipes;
    pub mod plan;
    pub mod spoil;
    pub mod truth;
    pub mod venue;
    pub mod world;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use faults::world::{Outcome, World};
use types::Effects;

const SEEDS: u64 = 300;
const SEEDS_LONG: u64 = 10_000;
/// Failing seeds that are named before the rest is given up.
const FAILURES_MAX: usize = 25;
/// Episodes at a time.
const WORKERS: u64 = 2;

/// One episode; what was wrong with it, and when.
fn episode(seed: u64, effects: Box<Effects>, loud: bool) -> (Result<Outcome, String>, Box<Effects>) {
    let mut world = World::new(seed, effects, loud);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.run()));
    let outcome = outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default();
        let seconds = (world.now - faults::plan::START.0) as f64 / 1e9;
        format!("seed {seed}, step {}, {seconds:.6} s: {text}", world.steps)
    });
    (outcome, world.into_effects())
}

/// Sums of many episodes.
#[derive(Default)]
struct Total {
    seeds: u64,
    sum: Outcome,
    killed: u64,
}

impl Total {
    fn add(&mut self, one: &Outcome) {
        self.seeds += 1;
        self.killed += one.killed as u64;
        self.sum.add(one);
    }
}

/// Every other seed from `first` on, and which of them failed.
fn every_other(first: u64, end: u64) -> (Total, Vec<String>) {
    let (mut total, mut failures, mut effects) = (Total::default(), Vec::new(), Box::new(Effects::new()));
    for seed in (first..end).step_by(WORKERS as usize) {
        let (outcome, back) = episode(seed, effects, false);
        effects = back;
        match outcome {
            Ok(outcome) => total.add(&outcome),
            Err(failure) => {
                println!("{failure}");
                failures.push(failure);
            }
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    (total, failures)
}

/// Runs seeds from `first` on and says what they were. An episode is one thread; two run side by side.
fn episodes(first: u64, count: u64) {
    let started = Instant::now();
    // What a failing episode says is printed as it fails.
    std::panic::set_hook(Box::new(|_| {}));
    let end = first + count;
    let halves = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..WORKERS).map(|worker| scope.spawn(move || every_other(first + worker, end))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker stands")).collect::<Vec<_>>()
    });
    drop(std::panic::take_hook());
    let (mut total, mut failures) = (Total::default(), Vec::new());
    for (half, failed) in halves {
        (total.seeds, total.killed) = (total.seeds + half.seeds, total.killed + half.killed);
        total.sum.add(&half.sum);
        failures.extend(failed);
    }
    let sum = &total.sum;
    println!(
        "seed {first} to {}: {} episodes in {:.1} s, {} turns, {} requests, {} fills, {} books lost, {} compared, \
         {} agreements, {} engine crashes, {} venue crashes, {} killed, {} fills unreported",
        end - 1,
        total.seeds,
        started.elapsed().as_secs_f64(),
        sum.turns,
        sum.requests,
        sum.fills,
        sum.book_losses,
        sum.books_compared,
        sum.agreements,
        sum.engine_lives - total.seeds,
        sum.venue_lives - total.seeds,
        total.killed,
        sum.unreported,
    );
    println!("seed {first} to {}, faults named: {:?}", end - 1, sum.faults);
    assert!(failures.is_empty(), "{} episodes failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn three_hundred_seeds() {
    if let Some(seed) = std::env::var("FAFNIR_FAULT_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let (outcome, _) = episode(seed, Box::new(Effects::new()), true);
        println!("{:#?}", outcome.unwrap_or_else(|failure| panic!("{failure}")));
        return;
    }
    episodes(1, SEEDS);
}

#[test]
#[ignore = "ten thousand episodes"]
fn ten_thousand_seeds() {
    episodes(1, SEEDS_LONG);
}
