//! # Room card: bench/quote
//! In:    a seeded walk of mids and touches, drawn before the clock runs.
//! Out:   nanoseconds of σ update, Avellaneda-Stoikov quote and rounding together, and of a whole decision.
//! Holds: the median over blocks during which the core was ours; the volatility window is full before the first.
//! Costs: a second.
use std::hint::black_box;

use ::quote::model::intensity_spread;
use ::quote::{MarketSignals, OuterSummary, QuoteView, Quoter, reservation_price, snap_outward};
use ::signal::RollingVolatility;
use serde_json::{Value, json};
use types::config::{EngineConfig, Sampling, VolatilityParams};
use types::rng::SplitMix64;
use types::{Lots, Ticks, Touch, UnixNanos};

use crate::core_watch::{Blocks, CoreWatch};
use crate::timing::timed;

const BLOCK: usize = 4_096;
const ROUNDS: usize = 200;
const WARM_ROUNDS: usize = 20;
const WINDOW: usize = 1_000;
const GAMMA: f64 = 0.5;
const KAPPA: f64 = 2.0;

const CONFIG: &str = r#"{"venues":[{"name":"v"}],
    "instruments":[{"symbol":"X","venue":"v","tickSize":"0.1","lotSize":"0.001"}],
    "quoters":[{"instrument":"X","riskAversionPerMoney":0.5,"intensityDecayPerPrice":2.0,
                "orderQuantity":"0.010","maxInventory":"0.100"}]}"#;

struct Tick {
    time: UnixNanos,
    touch: Touch,
    mid: i64,
    position: Lots,
}

fn block(rng: &mut SplitMix64, at: &mut (u64, i64)) -> Vec<Tick> {
    let mut ticks = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        at.0 += 100_000 + rng.below(20_000_000);
        at.1 += rng.below(9) as i64 - 4;
        let (bid, ask) = (Ticks(at.1), Ticks(at.1 + 1 + rng.below(3) as i64));
        let touch = Touch { bid, bid_lots: Lots(5), ask, ask_lots: Lots(7) };
        let position = Lots(rng.below(200) as i64 - 100);
        ticks.push(Tick { time: UnixNanos(at.0), touch, mid: bid.0 + ask.0, position });
    }
    ticks
}

/// What the quoter sees: a trading venue, nothing working.
fn view_of(tick: &Tick, sigma: Option<f64>) -> QuoteView {
    QuoteView {
        now: tick.time,
        started: UnixNanos(1),
        touch: Some(tick.touch),
        book_valid: true,
        sigma,
        position: tick.position,
        working: [None; 2],
        side_open_lots: [Lots(0); 2],
        trading: true,
        touch_at: tick.time,
        outer: OuterSummary::default(),
        signals: MarketSignals::default(),
    }
}

/// Rows and notes of the room.
pub fn rows() -> Result<(Vec<Value>, Vec<String>), String> {
    let (_, setup) = EngineConfig::from_json(CONFIG).map_err(|fault| fault.to_string())?;
    let instrument = &setup.instruments[0];
    let params = setup.quoters[0].clone().ok_or("no quoter")?;
    let sampling = VolatilityParams { window: WINDOW, min_observations: WINDOW, sampling: Sampling::ChangedMid };
    let tick_price = instrument.tick_f64();
    let mut volatility = RollingVolatility::new(&sampling, tick_price);
    let mut quoter = Quoter::new(params, instrument);
    // All that depends on γ and κ alone, as the quoter keeps it.
    let half = intensity_spread(GAMMA, KAPPA) * 0.5;
    let lot_worth = instrument.lot_f64();
    let (mut rng, mut at) = (SplitMix64::new(5), (1_000_000_000, 600_000));
    let (mut together, mut decisions) = (Blocks::default(), Blocks::default());
    let mut watch = CoreWatch::new();
    let mut sum = 0i64;
    let mut warm = 0;
    while !together.are_enough(ROUNDS) {
        let ticks = block(&mut rng, &mut at);
        let before = watch.is_ours();
        let ((), both) = timed(|| {
            for tick in &ticks {
                let tick = black_box(tick);
                volatility.on_mid(tick.time, tick.mid);
                let sigma = volatility.sigma().unwrap_or(0.0);
                let mid_price = tick.mid as f64 * (tick_price * 0.5);
                let inventory = tick.position.0 as f64 * lot_worth;
                let reservation = reservation_price(mid_price, inventory, GAMMA, sigma, 1.0);
                let quotes = snap_outward(reservation - half, reservation + half, instrument, &tick.touch);
                if let Ok((bid, ask)) = black_box(quotes) {
                    sum += bid.0 ^ ask.0;
                }
            }
        });
        let between = watch.is_ours();
        let sigma = volatility.sigma();
        let decide = |tick: &Tick| {
            let tick = black_box(tick);
            let view = view_of(tick, sigma);
            black_box(quoter.decide(&view));
        };
        let ((), decision) = timed(|| ticks.iter().for_each(decide));
        let after = watch.is_ours();
        if warm < WARM_ROUNDS {
            warm += 1;
            continue;
        }
        together.add(both as f64 / BLOCK as f64, before && between);
        decisions.add(decision as f64 / BLOCK as f64, between && after);
    }
    black_box(sum);
    let what = format!("sigma update + A-S quote + rounding ({})", together.said());
    let rows = vec![json!({
        "id": "quote/sigma-as-rounding", "what": what, "unit": "ns",
        "ours": together.median(ROUNDS), "loaded": together.is_loaded(ROUNDS),
    })];
    let decision = decisions.median(ROUNDS);
    let notes = vec![format!("a whole decision (gate, actions and terms included): {decision:.1} ns")];
    Ok((rows, notes))
}
