//! # Room card: venue/arrivals
//! In:    a seed and the rates of a generated market.
//! Out:   `Arrivals`: when the next event is, what it is, its size and distance, and where the reference is.
//! Holds: one random stream, drawn in a fixed order; market orders are a Hawkes process by Ogata's thinning.
//! Costs: one logarithm per event and one per size or distance drawn.
//!
//! Market orders: intensity λ(t) = μ + Σ nβ·e^(-β(t - t_i)) over past market orders t_i, with base rate μ, branching
//! ratio n and decay β (Hawkes 1971); simulated by thinning (Ogata 1981): between events the intensity only falls, so
//! its value now bounds it. Limit orders (Poisson) and cancels (rate per resting order) run on the same clock: one
//! exponential waiting time for the sum of the bounds, then a uniform draw says which, or none. The reference price
//! walks by ±σ√Δt, a coin per event: it tends to a Brownian motion of volatility σ.
use types::config::GeneratedConfig;
use types::rng::SplitMix64;
use types::time::NANOS_PER_SECOND;

/// Limit orders are not placed further than this from the reference, ticks.
pub(crate) const DISTANCE_TICKS_MAX: i64 = 1_000;

/// What the next event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// A market order.
    Market,
    /// A limit order.
    Limit,
    /// A resting order is cancelled.
    Cancel,
    /// A candidate that thinning drops.
    Nothing,
}

/// The random side of a generated market.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    rng: SplitMix64,
    base: f64,
    jump: f64,
    decay: f64,
    limit: f64,
    cancel: f64,
    /// 1 / ln of the probability to go on, for geometric draws of size and distance; zero when it never goes on.
    size_scale: f64,
    distance_scale: f64,
    volatility: f64,
    /// The self-excited part of λ, per second, at the last event.
    excitement: f64,
    /// Bounds drawn against, per second: market orders, cancels.
    bound: (f64, f64),
    wait_seconds: f64,
    reference: f64,
    reference_min: f64,
}

impl Arrivals {
    pub(crate) fn new(config: &GeneratedConfig, start_ticks: i64) -> Arrivals {
        let stop = 1.0 / config.mean_order_lots.max(1.0);
        Arrivals {
            rng: SplitMix64::new(config.seed),
            base: config.market_orders_per_second,
            jump: config.cluster_branching * config.cluster_decay_per_second,
            decay: config.cluster_decay_per_second,
            limit: config.limit_orders_per_second,
            cancel: config.cancel_rate_per_second,
            size_scale: if stop < 1.0 { 1.0 / libm::log(1.0 - stop) } else { 0.0 },
            distance_scale: -1.0 / config.depth_decay_per_tick,
            volatility: config.reference_volatility_ticks,
            excitement: 0.0,
            bound: (0.0, 0.0),
            wait_seconds: 0.0,
            reference: start_ticks as f64,
            // Half of the start, so that a bid at the largest distance still has a price when the start allows it.
            reference_min: start_ticks as f64 / 2.0,
        }
    }

    /// Draws the waiting time to the next event, nanoseconds, at least 1.
    pub(crate) fn draw_wait(&mut self, resting: usize) -> u64 {
        self.bound = (self.base + self.excitement, self.cancel * resting as f64);
        let rate = self.bound.0 + self.bound.1 + self.limit;
        // 1 - u is in (0, 1]: the logarithm is finite.
        self.wait_seconds = -libm::log(1.0 - self.rng.unit_f64()) / rate;
        // `as` saturates; a rate near zero waits for ever.
        let nanos = (self.wait_seconds * NANOS_PER_SECOND as f64) as u64;
        nanos.max(1)
    }

    /// Says what the event after the waiting time is, and moves the intensity and the reference there.
    pub(crate) fn arrive(&mut self, resting: usize) -> Arrival {
        self.excitement *= libm::exp(-self.decay * self.wait_seconds);
        let step = self.volatility * libm::sqrt(self.wait_seconds);
        self.reference += if self.rng.next_u64() >> 63 == 0 { step } else { -step };
        if self.reference < self.reference_min {
            self.reference = 2.0 * self.reference_min - self.reference;
        }
        let mut at = self.rng.unit_f64() * (self.bound.0 + self.bound.1 + self.limit);
        if at < self.bound.0 {
            let happens = at < self.base + self.excitement;
            if happens {
                self.excitement += self.jump;
            }
            return if happens { Arrival::Market } else { Arrival::Nothing };
        }
        at -= self.bound.0;
        if at < self.limit {
            return Arrival::Limit;
        }
        // Our own orders may have taken resting ones away since the draw: thinned as well.
        let happens = at - self.limit < self.cancel * resting as f64;
        if happens && resting > 0 { Arrival::Cancel } else { Arrival::Nothing }
    }

    /// The reference price, ticks, rounded down.
    pub(crate) fn reference_ticks(&self) -> i64 {
        self.reference as i64
    }
    /// A fair coin.
    pub(crate) fn coin(&mut self) -> bool {
        self.rng.next_u64() >> 63 == 0
    }
    /// A position among `count` (> 0).
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        self.rng.below(count as u64) as usize
    }
    /// Size of an order, lots: geometric from 1.
    pub(crate) fn size(&mut self) -> i64 {
        let lots = libm::log(1.0 - self.rng.unit_f64()) * self.size_scale;
        1 + (lots as i64).clamp(0, crate::ORDER_LOTS_MAX - 1)
    }
    /// Distance of a limit order from the reference, ticks: geometric from 0; `None` beyond `DISTANCE_TICKS_MAX`.
    pub(crate) fn distance(&mut self) -> Option<i64> {
        let ticks = (libm::log(1.0 - self.rng.unit_f64()) * self.distance_scale) as i64;
        (ticks <= DISTANCE_TICKS_MAX).then_some(ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the clock alone with `resting` orders; returns counts of (market, limit, cancel), seconds and the gaps
    /// between market orders.
    fn run(config: &GeneratedConfig, events: usize, resting: usize) -> ([f64; 3], f64, Vec<f64>) {
        let mut arrivals = Arrivals::new(config, 600_000);
        let (mut counts, mut now, mut last, mut gaps) = ([0.0; 3], 0.0, 0.0, Vec::new());
        for _ in 0..events {
            now += arrivals.draw_wait(resting) as f64 / 1e9;
            match arrivals.arrive(resting) {
                Arrival::Market => {
                    counts[0] += 1.0;
                    gaps.push(now - last);
                    last = now;
                }
                Arrival::Limit => counts[1] += 1.0,
                Arrival::Cancel => counts[2] += 1.0,
                Arrival::Nothing => {}
            }
        }
        (counts, now, gaps)
    }

    #[test]
    fn rates_are_those_of_the_theory() {
        let config = GeneratedConfig {
            market_orders_per_second: 20.0,
            cluster_branching: 0.6,
            cluster_decay_per_second: 5.0,
            limit_orders_per_second: 400.0,
            cancel_rate_per_second: 0.5,
            ..GeneratedConfig::default()
        };
        let (counts, seconds, _) = run(&config, 600_000, 300);
        // Stationary Hawkes rate μ / (1 - n) = 50; Poisson 400; 300 resting at 0.5 = 150. A thousand seconds: errors
        // of a few per cent at most.
        for (count, expected, within) in [(counts[0], 50.0, 2.5), (counts[1], 400.0, 4.0), (counts[2], 150.0, 2.5)] {
            assert!((count / seconds - expected).abs() < within, "{} is not {expected}", count / seconds);
        }
    }

    #[test]
    fn market_orders_cluster_only_when_asked() {
        let variation = |branching: f64| {
            // A low base rate, so that clusters stand apart in the gaps.
            let config = GeneratedConfig {
                market_orders_per_second: 2.0,
                cluster_branching: branching,
                limit_orders_per_second: 10.0,
                cancel_rate_per_second: 0.1,
                ..GeneratedConfig::default()
            };
            let (_, _, gaps) = run(&config, 400_000, 300);
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
            libm::sqrt(variance) / mean
        };
        // A Poisson process has a coefficient of variation of 1, a self-exciting one more.
        assert!((variation(0.0) - 1.0).abs() < 0.03);
        assert!(variation(0.8) > 1.2);
    }

    #[test]
    fn draws_have_their_means() {
        let config =
            GeneratedConfig { mean_order_lots: 20.0, depth_decay_per_tick: 0.02, ..GeneratedConfig::default() };
        let mut arrivals = Arrivals::new(&config, 600_000);
        let n = 200_000;
        let size = (0..n).map(|_| arrivals.size()).sum::<i64>() as f64 / n as f64;
        assert!((size - 20.0).abs() < 0.3, "{size}");
        // Floor of an exponential with rate 0.02: mean 1 / (e^0.02 - 1) = 49.5.
        let distance = (0..n).filter_map(|_| arrivals.distance()).sum::<i64>() as f64 / n as f64;
        assert!((distance - 49.5).abs() < 0.7, "{distance}");
        let config = GeneratedConfig { mean_order_lots: 1.0, ..config };
        assert!((0..1_000).all(|_| Arrivals::new(&config, 600_000).size() == 1));
    }

    #[test]
    fn reference_walks_with_its_volatility_and_stays_positive() {
        let config = GeneratedConfig { reference_volatility_ticks: 15.0, ..GeneratedConfig::default() };
        let mut squares = 0.0;
        for seed in 0..400 {
            let mut arrivals = Arrivals::new(&GeneratedConfig { seed, ..config.clone() }, 600_000);
            let mut now = 0.0;
            while now < 1.0 {
                now += arrivals.draw_wait(300) as f64 / 1e9;
                arrivals.arrive(300);
            }
            squares += (arrivals.reference - 600_000.0) * (arrivals.reference - 600_000.0);
        }
        // σ = 15 ticks per √s over 1 s; 400 runs give σ within some 4 %.
        assert!((libm::sqrt(squares / 400.0) - 15.0).abs() < 1.8, "{}", libm::sqrt(squares / 400.0));
        let mut wild = Arrivals::new(&GeneratedConfig { reference_volatility_ticks: 1e4, ..config }, 1_000);
        for _ in 0..100_000 {
            wild.draw_wait(300);
            wild.arrive(300);
            assert!(wild.reference_ticks() >= 500);
        }
    }
}
