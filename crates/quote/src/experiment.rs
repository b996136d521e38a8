//! # Room card: quote/experiment
//! In:    the parameters of Avellaneda and Stoikov's simulation and a seed.
//! Out:   for each strategy P&L and final inventory of every path, and one path to draw.
//! Holds: the same seed gives the same bits; both strategies see the same prices and the same luck.
//! Costs: cold; two exponentials a step and strategy.
//!
//! Source: section 3.3 of the paper. The mid moves by ±σ·√dt with equal chance. At each step a maker's ask at distance
//! δ above the mid is lifted with probability A·e^(-κδ)·dt, its bid is hit likewise, both by one unit. The *inventory*
//! strategy quotes r ± δ/2 with r = s - q·γ·σ²·(T-t) and the whole spread δ = γ·σ²·(T-t) + (2/γ)·ln(1 + γ/κ); the
//! *symmetric* one quotes s ± half of the inventory strategy's mean spread, whatever it holds. What is left at T is
//! valued at the mid.
use types::rng::SplitMix64;

use crate::model::{ModelRefusal, full_spread, in_range, positive, reservation_price};

/// Most paths, and most steps of one.
const COUNT_MAX: f64 = 1e6;
/// Most steps of all paths together.
const STEPS_MAX: f64 = 1e9;

/// Parameters of the experiment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ExperimentParams {
    /// Paths, 2 to a million.
    pub paths: u32,
    /// Seed of the prices and of the fills.
    pub seed: u64,
    /// s at the start, price units.
    pub start_price: f64,
    /// T, seconds.
    pub horizon_seconds: f64,
    /// dt, seconds.
    pub step_seconds: f64,
    /// σ, price per √second.
    pub volatility_price_per_sqrt_second: f64,
    /// γ, 1/money.
    pub risk_aversion_per_money: f64,
    /// A, 1/second.
    pub arrivals_per_second: f64,
    /// κ, 1/price.
    pub decay_per_price: f64,
}

impl Default for ExperimentParams {
    /// The paper's, with γ = 0.1.
    fn default() -> ExperimentParams {
        ExperimentParams {
            paths: 1_000,
            seed: 1,
            start_price: 100.0,
            horizon_seconds: 1.0,
            step_seconds: 0.005,
            volatility_price_per_sqrt_second: 2.0,
            risk_aversion_per_money: 0.1,
            arrivals_per_second: 140.0,
            decay_per_price: 1.5,
        }
    }
}

/// Mean and standard deviation (with n - 1) of a sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SampleMoments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

/// What one strategy did.
#[derive(Clone, PartialEq, Debug)]
pub struct StrategyResult {
    /// Mean spread quoted, price units.
    pub mean_spread_price: f64,
    /// P&L at T of every path, money.
    pub pnl: Vec<f64>,
    /// Inventory at T of every path, units.
    pub final_inventory: Vec<f64>,
}

impl StrategyResult {
    /// Moments of the P&L.
    pub fn pnl_moments(&self) -> SampleMoments {
        moments(&self.pnl)
    }
    /// Moments of the final inventory.
    pub fn inventory_moments(&self) -> SampleMoments {
        moments(&self.final_inventory)
    }
}

/// One moment of the path that is drawn: the inventory strategy's first.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PathPoint {
    /// Seconds from the start.
    pub seconds: f64,
    /// Mid s.
    pub mid_price: f64,
    /// Reservation price r.
    pub reservation_price: f64,
    /// Bid quoted.
    pub bid_price: f64,
    /// Ask quoted.
    pub ask_price: f64,
    /// Inventory before the step's fills.
    pub inventory: f64,
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Experiment {
    /// The inventory strategy.
    pub inventory: StrategyResult,
    /// The symmetric one.
    pub symmetric: StrategyResult,
    /// The first path of the inventory strategy.
    pub path: Vec<PathPoint>,
}

/// A maker on one path.
#[derive(Clone, Copy, Default)]
struct Account {
    cash: f64,
    inventory: f64,
}

impl Account {
    /// One step at these quotes; `luck` are the two draws in [0, 1) that decide on ask and bid.
    fn step(&mut self, params: &ExperimentParams, mid: f64, bid: f64, ask: f64, luck: [f64; 2]) {
        let chance = |distance: f64| {
            params.arrivals_per_second * libm::exp(-params.decay_per_price * distance) * params.step_seconds
        };
        if luck[0] < chance(ask - mid) {
            self.cash += ask;
            self.inventory -= 1.0;
        }
        if luck[1] < chance(mid - bid) {
            self.cash -= bid;
            self.inventory += 1.0;
        }
    }
}

/// Runs the experiment. Errors: `OutOfRange` with the parameter's name; a step that A·dt makes certain to trade at the
/// mid (above 1) is refused as `stepSeconds`.
pub fn run_experiment(params: &ExperimentParams) -> Result<Experiment, ModelRefusal> {
    let paths = in_range("paths", f64::from(params.paths), 2.0, COUNT_MAX)?;
    positive("startPrice", params.start_price)?;
    let horizon = positive("horizonSeconds", params.horizon_seconds)?;
    let gamma = positive("riskAversionPerMoney", params.risk_aversion_per_money)?;
    let kappa = positive("decayPerPrice", params.decay_per_price)?;
    let arrivals = positive("arrivalsPerSecond", params.arrivals_per_second)?;
    let sigma = in_range("volatilityPricePerSqrtSecond", params.volatility_price_per_sqrt_second, 0.0, f64::MAX)?;
    let step = in_range("stepSeconds", params.step_seconds, horizon / COUNT_MAX, horizon.min(1.0 / arrivals))?;
    let steps = libm::round(horizon / step);
    in_range("paths", paths * steps, 0.0, STEPS_MAX)?;
    let steps = steps as usize;
    let spread_at = |left: f64| full_spread(gamma, kappa, sigma, left, true);
    let left_at = |n: usize| horizon - n as f64 * step;
    let mean_spread_price = (0..steps).map(|n| spread_at(left_at(n))).sum::<f64>() / steps as f64;

    let mut rng = SplitMix64::new(params.seed);
    let jump = sigma * libm::sqrt(step);
    let empty = || StrategyResult { mean_spread_price, pnl: Vec::new(), final_inventory: Vec::new() };
    let (mut inventory, mut symmetric, mut path) = (empty(), empty(), Vec::with_capacity(steps));
    for number in 0..params.paths {
        let (mut held, mut blind, mut mid) = (Account::default(), Account::default(), params.start_price);
        for n in 0..steps {
            let left = left_at(n);
            let reservation = reservation_price(mid, held.inventory, gamma, sigma, left);
            let half = spread_at(left) * 0.5;
            let (bid, ask) = (reservation - half, reservation + half);
            if number == 0 {
                let seconds = n as f64 * step;
                let (mid_price, inventory) = (mid, held.inventory);
                let (reservation_price, bid_price, ask_price) = (reservation, bid, ask);
                path.push(PathPoint { seconds, mid_price, reservation_price, bid_price, ask_price, inventory });
            }
            let luck = [rng.unit_f64(), rng.unit_f64()];
            held.step(params, mid, bid, ask, luck);
            let half = mean_spread_price * 0.5;
            blind.step(params, mid, mid - half, mid + half, luck);
            mid += if rng.next_u64() >> 63 == 1 { jump } else { -jump };
        }
        for (account, result) in [(held, &mut inventory), (blind, &mut symmetric)] {
            result.pnl.push(account.cash + account.inventory * mid);
            result.final_inventory.push(account.inventory);
        }
    }
    Ok(Experiment { inventory, symmetric, path })
}

fn moments(sample: &[f64]) -> SampleMoments {
    let count = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / count;
    let squares = sample.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    SampleMoments { mean, sd: libm::sqrt(squares / (count - 1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_table() {
        // The paper (γ = 0.1): inventory P&L sd 6.6, final inventory sd 2.9; symmetric 13.4 and 8.7; mean spread 1.49.
        for seed in 1..=5 {
            let outcome = run_experiment(&ExperimentParams { seed, ..ExperimentParams::default() }).expect("in range");
            let (inventory, symmetric) = (&outcome.inventory, &outcome.symmetric);
            assert!((inventory.mean_spread_price - 1.49).abs() < 0.005, "{}", inventory.mean_spread_price);
            assert_eq!(symmetric.mean_spread_price, inventory.mean_spread_price);
            let within = |what: &str, value: f64, low: f64, high: f64| {
                println!("seed {seed}: {what} {value:.2}");
                assert!((low..=high).contains(&value), "seed {seed}: {what} {value} is not in {low} to {high}");
            };
            within("inventory strategy: sd of P&L", inventory.pnl_moments().sd, 6.1, 7.0);
            within("inventory strategy: sd of final inventory", inventory.inventory_moments().sd, 2.7, 3.2);
            within("symmetric strategy: sd of P&L", symmetric.pnl_moments().sd, 12.5, 14.7);
            within("symmetric strategy: sd of final inventory", symmetric.inventory_moments().sd, 8.0, 9.0);
            // It gives up some profit for that, not much.
            let (less, more) = (inventory.pnl_moments().mean, symmetric.pnl_moments().mean);
            assert!(less > 60.0 && more > less && more < 75.0, "seed {seed}: {less} {more}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_does_not() {
        let run = |seed| run_experiment(&ExperimentParams { seed, paths: 20, ..ExperimentParams::default() });
        let (first, again, other) = (run(7).expect("runs"), run(7).expect("runs"), run(8).expect("runs"));
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert_eq!(first.path.len(), 200);
        assert!(first.path.iter().all(|point| point.bid_price < point.ask_price));
    }

    #[test]
    fn refuses_by_name() {
        let good = ExperimentParams::default();
        let named = |params: ExperimentParams| match run_experiment(&params) {
            Err(ModelRefusal::OutOfRange { name, .. }) => name,
            other => panic!("{:?}", other.map(|outcome| outcome.path.len())),
        };
        assert_eq!(named(ExperimentParams { paths: 1, ..good }), "paths");
        assert_eq!(named(ExperimentParams { paths: 1_000_000, step_seconds: 1e-4, ..good }), "paths");
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            assert_eq!(named(ExperimentParams { step_seconds: bad, ..good }), "stepSeconds");
            assert_eq!(named(ExperimentParams { horizon_seconds: bad, ..good }), "horizonSeconds");
            assert_eq!(named(ExperimentParams { start_price: bad, ..good }), "startPrice");
            assert_eq!(named(ExperimentParams { decay_per_price: bad, ..good }), "decayPerPrice");
            assert_eq!(named(ExperimentParams { arrivals_per_second: bad, ..good }), "arrivalsPerSecond");
            assert_eq!(named(ExperimentParams { risk_aversion_per_money: bad, ..good }), "riskAversionPerMoney");
        }
        assert_eq!(named(ExperimentParams { step_seconds: 0.1, ..good }), "stepSeconds");
    }
}
