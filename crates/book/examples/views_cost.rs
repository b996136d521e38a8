//! Prints what a view costs, and how much of it is the sum: `cargo run --release -p fafnir-book --example views_cost`.
//! The sum alone runs over levels already in an array, once in exact integers and once in eight lanes of floats, the
//! form a vector unit takes.
use std::hint::black_box;
use std::time::Instant;

use fafnir_book::{Ladder, views};
use types::rng::SplitMix64;
use types::{Level, Lots, Side, Ticks};

const CALLS: u32 = 100_000;
const PASSES: usize = 9;

fn best_nanos(mut call: impl FnMut()) -> f64 {
    let pass = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..CALLS).for_each(|_| call());
        begun.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..PASSES).map(|_| pass(&mut call)).fold(f64::INFINITY, f64::min)
}

/// Sums in eight lanes, lanes added in their order: what a scalar and a vector unit would agree on.
fn lanes(prices: &[f64], lots: &[f64]) -> (f64, f64) {
    let (mut weights, mut values) = ([0.0; 8], [0.0; 8]);
    for (price, lot) in prices.chunks_exact(8).zip(lots.chunks_exact(8)) {
        for lane in 0..8 {
            weights[lane] += lot[lane];
            values[lane] += price[lane] * lot[lane];
        }
    }
    (weights.iter().fold(0.0, |sum, lane| sum + lane), values.iter().fold(0.0, |sum, lane| sum + lane))
}

fn main() {
    let mut rng = SplitMix64::new(1);
    let mut ladder = Ladder::new();
    for i in 0..200 {
        let (price, lots) = (600_000 - 2 * i - rng.below(2) as i64, 1 + rng.below(5_000) as i64);
        ladder.set(Side::Buy, Ticks(price), Lots(lots)).expect("room");
        ladder.set(Side::Sell, Ticks(1_200_002 - price), Lots(lots)).expect("room");
    }
    println!(
        "{:>6} {:>14} {:>16} {:>18} {:>20}",
        "levels", "walk alone ns", "walk and sum ns", "integer sum ns", "float lanes sum ns"
    );
    for count in [8, 16, 64, 128] {
        let levels: Vec<Level> = ladder.levels(Side::Buy).take(count).collect();
        let prices: Vec<f64> = levels.iter().map(|level| level.price.0 as f64).collect();
        let lots: Vec<f64> = levels.iter().map(|level| level.quantity.0 as f64).collect();
        let walk = best_nanos(|| {
            let walked = black_box(&ladder).levels(Side::Buy).take(count);
            black_box(walked.fold(0, |bits, level| bits ^ level.price.0 ^ level.quantity.0));
        });
        let both = best_nanos(|| {
            black_box(views::depth_of_levels(black_box(&ladder).levels(Side::Buy), count));
        });
        let integers = best_nanos(|| {
            black_box(views::depth_of_levels(black_box(&levels).iter().copied(), count));
        });
        let floats = best_nanos(|| {
            black_box(lanes(black_box(&prices), black_box(&lots)));
        });
        println!("{count:>6} {walk:>14.1} {both:>16.1} {integers:>18.1} {floats:>20.1}");
    }
}
