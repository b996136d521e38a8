//! A and κ from the market while the quoter runs: they follow what is simulated, and guards keep the last good ones.
mod common;

use common::{instrument, params, print, touch, view};
use fafnir_quote::calibrate::DepthWatch;
use fafnir_quote::market_fit::{LEVELS_FILLED_MIN, STEPS_MAX};
use fafnir_quote::{FitCounts, QuoteView, Quoter};
use testkit::{CountingAllocator, allocations_during};
use types::config::{MarketCalibration, Model, QuoterParams};
use types::rng::SplitMix64;
use types::{Lots, Nanos, Side, Ticks, Touch, UnixNanos};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const SECOND: u64 = 1_000_000_000;
const TICK: f64 = 0.01;

fn calibration() -> MarketCalibration {
    MarketCalibration {
        every: Nanos(5 * SECOND as i64),
        half_life_seconds: 200.0,
        min_orders: 50.0,
        nearest_half_ticks: 0,
        levels: 1_024,
        min_per_price: 0.01,
        max_per_price: 1_000.0,
    }
}

fn quoter(calibration: MarketCalibration) -> Quoter {
    let model = Model::Glft { arrivals_per_second: [9.0, 9.0], fill_aversion_per_money: 0.1 };
    let set = QuoterParams { market_calibration: Some(calibration), model, ..params() };
    Quoter::new(set, &instrument("0.01", "1", ""))
}

/// A market whose orders go deep by A·e^(-κδ) on each side, a touch every tenth of a second.
struct Market {
    rng: SplitMix64,
    now: u64,
    arrivals: [f64; 2],
    decay: [f64; 2],
    mid: i64,
}

impl Market {
    fn new(seed: u64, arrivals: [f64; 2], decay: [f64; 2]) -> Market {
        Market { rng: SplitMix64::new(seed), now: SECOND, arrivals, decay, mid: 20_000 }
    }

    /// Prints of one tenth of a second, told before its touch. `side` is that of the quote they would fill.
    fn step(&mut self, mut told: impl FnMut(u64, Option<(Side, i64)>, &Touch)) {
        let around = touch(self.mid / 2 - 1, self.mid / 2 + 1);
        self.now += SECOND / 10;
        told(self.now, None, &around);
        for side in Side::BOTH {
            // Orders that reach at least the touch, one tick away; at most one a step.
            let (a, k) = (self.arrivals[side.index()], self.decay[side.index()]);
            if self.rng.unit_f64() < 0.1 * a * (-k * TICK).exp() {
                let far = (-(1.0 - self.rng.unit_f64()).ln() / (k * TICK)) as i64;
                let depth = 1 + far.min(2_000);
                let price = self.mid / 2 - side.sign() * depth;
                self.now += 1;
                told(self.now, Some((side, price)), &around);
            }
        }
    }

    fn run(&mut self, quoter: &mut Quoter, steps: usize) {
        for _ in 0..steps {
            self.step(|now, order, around| match order {
                None => quoter.on_touch(UnixNanos(now), Some(around), UnixNanos(now)),
                Some((side, price)) => {
                    quoter.on_trade(UnixNanos(now), &print(side.opposite(), price, 1, now));
                }
            });
        }
    }
}

fn near(got: f64, want: f64, share: f64) {
    assert!((got / want - 1.0).abs() < share, "{got} is not {want}");
}

#[test]
fn both_sides_follow_their_own_market_and_a_change_of_it() {
    let mut quoter = quoter(calibration());
    assert_eq!(quoter.intensity_decay_per_price(Side::Buy), 1.5, "as given, before the first estimate");
    assert_eq!(quoter.arrivals_per_second(Side::Sell), Some(9.0));
    let mut market = Market::new(1, [2.0, 4.0], [8.0, 20.0]);
    market.run(&mut quoter, 20_000);
    let seen = |quoter: &Quoter| {
        Side::BOTH.map(|side| (quoter.arrivals_per_second(side).expect("A"), quoter.intensity_decay_per_price(side)))
    };
    // Some 600 orders count a side: standard errors of 4 to 5 %.
    let [bid, ask] = seen(&quoter);
    near(bid.0, 2.0, 0.2);
    near(bid.1, 8.0, 0.2);
    near(ask.0, 4.0, 0.2);
    near(ask.1, 20.0, 0.2);
    let fit = quoter.market_fit().expect("on");
    for side in Side::BOTH {
        let counts = fit.counts(side);
        assert!(counts.accepted > 350 && counts.unsettled == 0 && counts.too_few > 0, "{counts:?}");
        assert_eq!(counts.refused(), counts.too_few, "{counts:?}");
    }
    (market.arrivals, market.decay) = ([4.0, 4.0], [20.0, 5.0]);
    market.run(&mut quoter, 20_000);
    let [bid, ask] = seen(&quoter);
    near(bid.1, 20.0, 0.2);
    near(ask.1, 5.0, 0.2);
    near(bid.0, 4.0, 0.2);
}

#[test]
fn the_estimate_in_force_is_that_of_a_whole_fit_of_what_was_seen() {
    // With a half-life beyond the run next to nothing is forgotten.
    let mut rules = calibration();
    rules.half_life_seconds = 1e9;
    let mut quoter = quoter(rules);
    let mut watch = DepthWatch::new(TICK, rules.levels, 0).expect("in range");
    let mut market = Market::new(7, [3.0, 3.0], [10.0, 10.0]);
    for _ in 0..10_000 {
        market.step(|now, order, around| {
            let now = UnixNanos(now);
            watch.pass_time(now);
            match order {
                None => {
                    watch.on_touch(Some(around), now);
                    quoter.on_touch(now, Some(around), now);
                }
                Some((side, price)) => {
                    let print = print(side.opposite(), price, 1, now.0);
                    watch.on_trade(&print);
                    quoter.on_trade(now, &print);
                }
            }
        });
    }
    watch.end_order();
    for side in Side::BOTH {
        let whole = watch.tally(side).fit().expect("a fit");
        // The last round saw all but a few seconds, and stops within a tenth of a standard error.
        let slack = 0.3 * whole.decay_per_price.standard_error;
        let got = quoter.intensity_decay_per_price(side);
        assert!((got - whole.decay_per_price.value).abs() < slack, "{got} is not {whole:?}");
    }
}

#[test]
fn prices_move_with_the_estimate() {
    let around = Touch { bid_lots: Lots(5), ask_lots: Lots(5), ..touch(9_990, 10_010) };
    let view = QuoteView { touch: Some(around), sigma: Some(0.01), ..view(around) };
    let mut set = params();
    set.market_calibration = Some(calibration());
    let mut quoter = Quoter::new(set.clone(), &instrument("0.01", "1", ""));
    let before = quoter.decide(&view);
    Market::new(3, [3.0, 3.0], [8.0, 8.0]).run(&mut quoter, 10_000);
    let after = quoter.decide(&view);
    // κ from 1.5 to 8: half spreads from 0.65 to 0.12.
    let bid = |decision: fafnir_quote::QuoteDecision| decision.bid.expect("a bid").price;
    assert_eq!(bid(before), Ticks(9_935));
    assert!((Ticks(9_985)..=Ticks(9_989)).contains(&bid(after)), "{after:?}");
    assert!(quoter.terms().adds_up(Side::Buy) && quoter.terms().adds_up(Side::Sell));
    // Another set keeps what was seen; without the key the given κ is back.
    set.requote_ticks = 2;
    quoter.set_params(set.clone());
    assert_eq!(bid(quoter.decide(&view)), bid(after));
    set.market_calibration = None;
    quoter.set_params(set);
    assert_eq!(bid(quoter.decide(&view)), bid(before));
}

#[test]
fn other_rules_keep_what_was_seen_and_other_levels_begin_anew() {
    let mut set = QuoterParams { market_calibration: Some(calibration()), ..params() };
    let mut quoter = Quoter::new(set.clone(), &instrument("0.01", "1", ""));
    let mut market = Market::new(13, [3.0, 3.0], [20.0, 20.0]);
    market.run(&mut quoter, 5_000);
    let in_force = |quoter: &Quoter| Side::BOTH.map(|side| quoter.intensity_decay_per_price(side));
    let (seen, before) = (in_force(&quoter), *quoter.market_fit().expect("on").counts(Side::Buy));
    near(seen[0], 20.0, 0.3);
    // Bounds that the market is outside of hold from the next round on: what is in force stays.
    for bounds in [(50.0, 1_000.0), (0.01, 5.0)] {
        let (min_per_price, max_per_price) = bounds;
        set.market_calibration = Some(MarketCalibration { min_per_price, max_per_price, ..calibration() });
        quoter.set_params(set.clone());
        let outside = quoter.market_fit().expect("on").counts(Side::Buy).out_of_bounds;
        market.run(&mut quoter, 1_000);
        let after = quoter.market_fit().expect("on").counts(Side::Buy);
        // A round every five seconds of the hundred.
        assert!((19..=21).contains(&(after.out_of_bounds - outside)), "{after:?}");
        assert_eq!((in_force(&quoter), after.accepted), (seen, before.accepted), "{bounds:?}");
    }
    // Depths that are counted otherwise cannot be added to those that were seen.
    for other in [
        MarketCalibration { levels: 512, ..calibration() },
        MarketCalibration { nearest_half_ticks: 3, ..calibration() },
    ] {
        let mut quoter = quoter.clone();
        set.market_calibration = Some(other);
        quoter.set_params(set.clone());
        assert_eq!((in_force(&quoter), quoter.arrivals_per_second(Side::Sell)), ([1.5; 2], None));
        assert_eq!(*quoter.market_fit().expect("on").counts(Side::Buy), FitCounts::default());
        market.run(&mut quoter, 5_000);
        near(in_force(&quoter)[1], 20.0, 0.3);
    }
}

#[test]
fn guards_keep_the_last_good_estimate_and_count() {
    let counts = |quoter: &Quoter| *quoter.market_fit().expect("on").counts(Side::Buy);
    // Every order at the same two levels: no slope to tell.
    let feed = |quoter: &mut Quoter, from: u64, depths: &[i64], rounds: u64| {
        let around = touch(9_999, 10_001);
        for n in 0..rounds {
            let now = UnixNanos((1 + from + n) * SECOND / 4);
            quoter.on_touch(now, Some(&around), now);
            if let Some(depth) = depths.get(n as usize % depths.len().max(1)) {
                let at = UnixNanos(now.0 + 1);
                quoter.on_trade(at, &print(Side::Sell, 10_000 - depth, 1, at.0));
            }
        }
    };
    let mut few = quoter(calibration());
    feed(&mut few, 0, &[], 400);
    assert!(counts(&few).too_few > 15 && counts(&few).accepted == 0, "{:?}", counts(&few));
    assert_eq!(few.intensity_decay_per_price(Side::Buy), 1.5);

    let mut bins = quoter(calibration());
    feed(&mut bins, 0, &[1, 1, 1, 4], 2_000);
    let seen = counts(&bins);
    assert!(seen.empty_bins > 50 && seen.accepted == 0, "{seen:?}");
    assert_eq!(LEVELS_FILLED_MIN, 3);

    let mut flat = quoter(calibration());
    feed(&mut flat, 0, &[1], 2_000);
    let seen = counts(&flat);
    assert!(seen.decay_not_positive + seen.empty_bins + seen.out_of_bounds > 50 && seen.accepted == 0, "{seen:?}");

    // A good market, then nothing at all: the orders fade below the least number, and the estimate stays.
    let mut kept = quoter(calibration());
    Market::new(5, [3.0, 3.0], [8.0, 8.0]).run(&mut kept, 10_000);
    let (good, before) = (kept.intensity_decay_per_price(Side::Buy), counts(&kept));
    feed(&mut kept, 8_000, &[], 8_000);
    let after = counts(&kept);
    assert!(after.too_few > before.too_few + 50, "{before:?} {after:?}");
    let last = kept.intensity_decay_per_price(Side::Buy);
    assert!((last / good - 1.0).abs() < 0.05, "{last} is not {good}");

    // Bounds that the market is outside of.
    let mut bounded = quoter(MarketCalibration { max_per_price: 5.0, ..calibration() });
    Market::new(5, [3.0, 3.0], [20.0, 20.0]).run(&mut bounded, 10_000);
    let seen = counts(&bounded);
    assert!(seen.out_of_bounds > 100 && seen.accepted == 0, "{seen:?}");
    assert_eq!(FitCounts { accepted: seen.accepted, ..FitCounts::default() }.refused(), 0);
}

#[test]
fn rounds_that_change_nothing_are_counted_by_their_reason() {
    let each =
        FitCounts { accepted: 1, too_few: 2, empty_bins: 3, decay_not_positive: 5, out_of_bounds: 7, unsettled: 11 };
    assert_eq!(each.refused(), 2 + 3 + 5 + 7 + 11);
    // So many touches, a tenth of a second apart, and after each so many orders at a depth of its own.
    let rounds = |rules: MarketCalibration, touches: u64, orders: u64, depth: fn(u64) -> i64| {
        let (mut quoter, around) = (quoter(rules), touch(9_999, 10_001));
        for n in 1..=touches {
            let now = UnixNanos(n * SECOND / 10);
            quoter.on_touch(now, Some(&around), now);
            for order in 1..=orders {
                let at = UnixNanos(now.0 + order);
                quoter.on_trade(at, &print(Side::Sell, 10_000 - depth(n), 1, at.0));
            }
        }
        *quoter.market_fit().expect("on").counts(Side::Buy)
    };
    // At three levels, as few as an estimate needs.
    let spread = |n: u64| [1, 1, 1, 1, 2, 2, 3, 3][n as usize % 8];
    let (good, many) = (rounds(calibration(), 2_000, 1, spread), calibration().min_orders);
    assert!(good.accepted > 30 && many == 50.0, "{good:?}");
    // Fewer orders than are asked for, though enough for a fit; and fewer than a fit needs, though none are asked for.
    let asked = rounds(MarketCalibration { min_orders: 1e6, ..calibration() }, 2_000, 1, spread);
    assert_eq!(asked, FitCounts { too_few: asked.too_few, ..FitCounts::default() });
    let needed =
        rounds(MarketCalibration { min_orders: 1.0, every: Nanos(SECOND as i64 / 2), ..calibration() }, 19, 1, spread);
    assert_eq!(needed, FitCounts { too_few: needed.too_few, ..FitCounts::default() });
    assert!(asked.too_few >= 38 && needed.too_few >= 2, "{asked:?} {needed:?}");
    // Each touch finds a market that is another one: no step is the last.
    let restless = rounds(calibration(), 400, 20, |n| if n % 2 == 0 { 1 } else { 30 });
    assert_eq!(restless, FitCounts { unsettled: 7, ..FitCounts::default() });
}

#[test]
fn wild_events_give_no_wild_estimates_and_no_memory_is_asked_for() {
    let mut rng = SplitMix64::new(11);
    let mut quoter = quoter(MarketCalibration { every: Nanos(100_000_000), min_orders: 20.0, ..calibration() });
    let mut now = 1;
    let ((), allocations) = allocations_during(|| {
        for _ in 0..50_000 {
            now = match rng.below(500) {
                0 => now + 3_000 * SECOND,
                1 => now.saturating_sub(5 * SECOND),
                _ => now + rng.below(50_000_000),
            };
            let price = if rng.below(200) == 0 { rng.next_u64() as i64 >> 2 } else { 9_900 + rng.below(200) as i64 };
            let widest = if rng.below(50) == 0 { 1 << 40 } else { 20 };
            let width = 1 + rng.below(widest) as i64;
            let around = touch(price, price.saturating_add(width));
            let time = UnixNanos(now);
            match rng.below(6) {
                0 => quoter.on_touch(time, None, time),
                1..=3 => quoter.on_touch(time, Some(&around), UnixNanos(rng.below(2) * now)),
                _ => {
                    let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
                    quoter.on_trade(time, &print(side, price, 1, rng.below(2) * now));
                }
            }
            for side in Side::BOTH {
                let decay = quoter.intensity_decay_per_price(side);
                let arrivals = quoter.arrivals_per_second(side).expect("A");
                assert!((0.01..=1_000.0).contains(&decay), "κ {decay}");
                assert!(arrivals > 0.0 && arrivals.is_finite(), "A {arrivals}");
            }
        }
    });
    assert_eq!(allocations.count, 0);
    let fit = quoter.market_fit().expect("on");
    let counts = Side::BOTH.map(|side| *fit.counts(side));
    assert!(counts.iter().all(|side| side.accepted + side.refused() > 1_000), "{counts:?}");
    const { assert!(STEPS_MAX >= 16) };
}
