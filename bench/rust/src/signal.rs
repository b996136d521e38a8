//! # Room card: bench/signal
//! In:    seeded mids, touches and trades, drawn before the clock runs.
//! Out:   nanoseconds of one update of each signal, with its value read where a quoter reads it; allocations of all.
//! Holds: the median over blocks of updates during which the core was ours, in rounds that go over all signals in turn,
//!        so that a disturbance of the machine meets all alike; windows are full and wrap before the first block.
//! Costs: a second or two.
use std::hint::black_box;

use ::signal::{
    ContractValue, EwmaVolatility, HORIZONS_DEFAULT, KyleLambda, MarkOuts, MicroPrice, MicroPriceParams,
    OrderFlowImbalance, PreAveragedVolatility, RealisedVolatility, RollingVolatility, TradeClusterPin,
    TradeFlowImbalance, TradeIntensity, TwoScalesVolatility, Vpin, WindowParams, queue_imbalance, weighted_mid_ticks,
};
use serde_json::{Value, json};
use types::config::{Sampling, VolatilityParams};
use types::rng::SplitMix64;
use types::{Contract, Lots, Nanos, Side, Ticks, Touch, UnixNanos};

use crate::core_watch::{Blocks, CoreWatch};
use crate::timing::timed;

/// Updates of a block: long enough that the clock's own cost does not show.
const BLOCK: usize = 4_096;
const ROUNDS: usize = 160;
const WARM_ROUNDS: usize = 40;
const WINDOW: usize = 1_000;

/// One update of everything a signal may ask for.
#[derive(Clone, Copy)]
struct Tick {
    time: UnixNanos,
    mid: i64,
    touch: Touch,
    side: Side,
    lots: Lots,
    price: Ticks,
}

/// The next block; times go on from `at`.
fn block(rng: &mut SplitMix64, at: &mut (u64, i64)) -> Vec<Tick> {
    let mut ticks = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        at.0 += 100_000 + rng.below(20_000_000);
        at.1 += rng.below(9) as i64 - 4;
        let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let lots = |rng: &mut SplitMix64| Lots(1 + rng.below(500) as i64);
        let (bid, spread) = (at.1.div_euclid(2), 1 + rng.below(3) as i64);
        let touch = Touch { bid: Ticks(bid), bid_lots: lots(rng), ask: Ticks(bid + spread), ask_lots: lots(rng) };
        let price = Ticks(bid + if side == Side::Buy { spread + rng.below(6) as i64 } else { -(rng.below(6) as i64) });
        ticks.push(Tick { time: UnixNanos(at.0), mid: 2 * bid + spread, touch, side, lots: lots(rng), price });
    }
    ticks
}

type Update = Box<dyn FnMut(&[Tick]) -> f64>;

/// A signal's block: the loop is inside, so that the call through the box is paid once a block.
fn each(mut update: impl FnMut(&Tick) -> f64 + 'static) -> Update {
    Box::new(move |ticks| {
        let mut sum = 0.0;
        for tick in ticks {
            sum += update(black_box(tick));
        }
        sum
    })
}

fn volatilities(window: &WindowParams) -> Result<Vec<(&'static str, &'static str, Update)>, ::signal::SignalFault> {
    let params = VolatilityParams { window: WINDOW, min_observations: WINDOW, sampling: Sampling::EveryUpdate };
    let mut rolling = RollingVolatility::new(&params, 0.1);
    let mut ewma = EwmaVolatility::new(30.0, 0.1)?;
    let mut realised = RealisedVolatility::new(window, 0.1)?;
    let mut two_scales = TwoScalesVolatility::new(WINDOW, 10, 0.1)?;
    let mut pre_averaged = PreAveragedVolatility::new(WINDOW, 7, 0.1)?;
    let known = |sigma: Option<f64>| sigma.unwrap_or(0.0);
    Ok(vec![
        (
            "signal/rolling-sigma-ns",
            "rolling, update and sigma",
            each(move |tick| {
                rolling.on_mid(tick.time, tick.mid);
                known(rolling.sigma())
            }),
        ),
        (
            "signal/ewma-sigma-ns",
            "EWMA, update and sigma",
            each(move |tick| {
                ewma.on_mid(tick.time, tick.mid);
                known(ewma.sigma())
            }),
        ),
        (
            "signal/realised-ns",
            "realised over a window of time, update",
            each(move |tick| {
                realised.on_mid(tick.time, tick.mid);
                realised.samples() as f64
            }),
        ),
        (
            "signal/two-scales-ns",
            "two scales, update",
            each(move |tick| f64::from(u8::from(two_scales.on_price(tick.time, tick.mid)))),
        ),
        (
            "signal/pre-averaged-ns",
            "pre-averaged, update",
            each(move |tick| f64::from(u8::from(pre_averaged.on_price(tick.time, tick.mid)))),
        ),
    ])
}

fn flows(window: &WindowParams) -> Result<Vec<(&'static str, &'static str, Update)>, ::signal::SignalFault> {
    let mut order_flow = OrderFlowImbalance::new(window)?;
    let mut trade_flow = TradeFlowImbalance::new(window)?;
    let mut kyle = KyleLambda::new(Nanos(1_000_000_000), WINDOW, 0.1)?;
    let mut intensity = TradeIntensity::new(window, 64)?;
    let value = ContractValue { contract: Contract::Linear, tick_price: 0.1, lot_value: 0.001 };
    let mut marks = MarkOuts::new(&HORIZONS_DEFAULT, 65_536, value)?;
    let mut vpin = Vpin::new(Lots(5_000), 50)?;
    let mut cluster = TradeClusterPin::new(WINDOW)?;
    Ok(vec![
        (
            "signal/order-flow-ns",
            "order-flow imbalance, update",
            each(move |tick| order_flow.on_touch(tick.time, &tick.touch).unwrap_or(0) as f64),
        ),
        (
            "signal/trade-flow-ns",
            "trade-flow imbalance, update and value",
            each(move |tick| {
                trade_flow.on_trade(tick.time, tick.side, tick.lots);
                trade_flow.value().unwrap_or(0.0)
            }),
        ),
        (
            "signal/kyle-ns",
            "Kyle's lambda, a trade",
            each(move |tick| f64::from(u8::from(kyle.on_trade(tick.time, tick.side, tick.lots)))),
        ),
        (
            "signal/intensity-ns",
            "trade intensity by depth, a trade",
            each(move |tick| f64::from(u8::from(intensity.on_trade(tick.time, tick.side, tick.price, tick.mid)))),
        ),
        (
            "signal/mark-outs-ns",
            "mark-outs at 1, 10 and 60 s, a fill and a mid",
            each(move |tick| {
                marks.on_mid(tick.time, tick.mid);
                f64::from(u8::from(marks.on_fill(tick.time, tick.side, tick.price, tick.lots)))
            }),
        ),
        (
            "signal/vpin-ns",
            "VPIN, a trade and value",
            each(move |tick| {
                vpin.on_trade(tick.side, tick.lots);
                vpin.value().unwrap_or(0.0)
            }),
        ),
        (
            "signal/cluster-pin-ns",
            "trade clusters, a trade",
            each(move |tick| {
                cluster.on_trade(tick.side);
                0.0
            }),
        ),
    ])
}

fn prices(sample: &[Tick]) -> Result<Vec<(&'static str, &'static str, Update)>, ::signal::SignalFault> {
    let params = MicroPriceParams { imbalance_buckets: 10, spread_ticks_max: 3, jump_half_ticks_max: 20 };
    let micro = MicroPrice::fit(&params, sample.iter().map(|tick| tick.touch))?;
    Ok(vec![
        (
            "signal/micro-price-ns",
            "micro-price, look-up",
            each(move |tick| micro.price_ticks(&tick.touch).unwrap_or(0.0)),
        ),
        (
            "signal/touch-ns",
            "weighted mid and queue imbalance",
            each(|tick| weighted_mid_ticks(&tick.touch).unwrap_or(0.0) + queue_imbalance(&tick.touch).unwrap_or(0.0)),
        ),
    ])
}

/// Rows of the room `signal`.
pub fn rows() -> Result<(Vec<Value>, Vec<String>), String> {
    let window = WindowParams { length: Nanos(10_000_000_000), events_max: 8_192 };
    let mut rng = SplitMix64::new(5);
    let mut at = (1_000_000_000, 1_000_000);
    let sample: Vec<Tick> = (0..8).flat_map(|_| block(&mut rng, &mut at)).collect();
    let fault = |fault: ::signal::SignalFault| format!("a signal of the bench was refused: {fault:?}");
    let mut signals = volatilities(&window).map_err(fault)?;
    signals.extend(flows(&window).map_err(fault)?);
    signals.extend(prices(&sample).map_err(fault)?);
    let mut blocks: Vec<Blocks> = signals.iter().map(|_| Blocks::default()).collect();
    let (mut watch, mut allocations, mut warm) = (CoreWatch::new(), 0, 0);
    while !blocks.iter().all(|blocks| blocks.are_enough(ROUNDS)) {
        let ticks = block(&mut rng, &mut at);
        let mut before = watch.is_ours();
        for (place, (_, _, update)) in signals.iter_mut().enumerate() {
            let ((sum, counted), spent) = timed(|| testkit::allocations_during(|| update(&ticks)));
            black_box(sum);
            let after = watch.is_ours();
            if warm == WARM_ROUNDS {
                blocks[place].add(spent as f64 / BLOCK as f64, before && after);
                allocations += counted.count;
            }
            before = after;
        }
        warm = (warm + 1).min(WARM_ROUNDS);
    }
    let mut rows = Vec::new();
    for ((id, what, _), blocks) in signals.into_iter().zip(blocks) {
        let mut row = row(id, format!("{what} ({})", blocks.said()), blocks.median(ROUNDS), "ns");
        row["loaded"] = blocks.is_loaded(ROUNDS).into();
        rows.push(row);
    }
    rows.push(row("signal/allocations", "allocations of all updates".into(), allocations as f64, "allocations"));
    let notes = vec![
        format!("windows: {WINDOW} mids or trades, or 10 s (about 1,000 events); blocks of {BLOCK} updates"),
        "sigma in plain JavaScript, listed and not run beside: 15.6 ns (quiet machine, Node 20)".to_string(),
    ];
    Ok((rows, notes))
}

fn row(id: &str, what: String, ours: f64, unit: &str) -> Value {
    json!({ "id": id, "what": what, "ours": ours, "rival": null, "rivalName": null, "unit": unit })
}
