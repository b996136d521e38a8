//! # Room card: driver/report/measure
//! In:    the engine's state and effects after each turn, and the wall time of order-emitting turns.
//! Out:   quote uptime, time series, fills, tick-to-order percentiles.
//! Holds: diagnostics only: nothing measured here is an input or an effect; every buffer has a bound, what is beyond is
//!        counted.
//! Costs: a few loads a turn; order state is looked at only in turns with order events.
use std::sync::Arc;

use engine::Engine;
use types::{EffectRef, Effects, InstrumentId, OrderEvent, OrderEventKind, OrderState, Side, UnixNanos};

use super::Latency;

/// Fills kept for the report; later ones are counted only.
pub const FILLS_MAX: usize = 200_000;
/// First distance between samples; doubled whenever the series is full.
const FIRST_INTERVAL_NANOS: u64 = 10_000_000;

/// One fill as the report shows it.
#[derive(Clone, Copy, Debug)]
pub struct FillRow {
    /// The fill as published.
    pub event: OrderEvent,
}

/// One instrument's point of the time series.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Best bid and ask in ticks, where there are.
    pub touch: [Option<i64>; 2],
    /// Our quotes in ticks, where there are.
    pub quotes: [Option<i64>; 2],
    /// Position in lots.
    pub inventory: i64,
    /// Total P&L in smallest money units.
    pub pnl: i128,
}

/// Time in which a quote could and did stand on both sides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uptime {
    /// Book valid, in nanoseconds.
    pub valid_nanos: u64,
    /// Book valid, σ full, inventory inside the gate.
    pub eligible_nanos: u64,
    /// Of that, an order of ours live at the venue on both sides.
    pub both_sides_nanos: u64,
}

/// Everything measured of one run.
pub struct Measure {
    /// Time of the first and last turn.
    pub start: UnixNanos,
    /// Time of the last turn.
    pub end: UnixNanos,
    /// By instrument.
    pub uptime: Vec<Uptime>,
    live: Vec<[bool; 2]>,
    eligible: Vec<bool>,
    valid: Vec<bool>,
    samples_max: usize,
    interval: u64,
    next_sample: UnixNanos,
    /// Moments of the series.
    pub times: Vec<UnixNanos>,
    /// Points of the series, by moment then instrument.
    pub samples: Vec<Sample>,
    /// Fills, at most `FILLS_MAX`.
    pub fills: Vec<FillRow>,
    /// Fills beyond the bound.
    pub fills_dropped: u64,
    /// Requests to the venue: new, cancel, replace.
    pub requests: u64,
    /// Wall time from the input's bytes to the end of the turn, for turns that sent an order, ns.
    pub tick_to_order: Arc<Latency>,
    /// Engine time from a new order's submission to its acknowledgement, ns.
    pub order_to_ack: Latency,
}

impl Measure {
    /// With room for `samples` points, and for `fills` fills before the list has to grow.
    pub fn new(instruments: usize, samples: usize, fills: usize) -> Measure {
        Measure {
            start: UnixNanos::NONE,
            end: UnixNanos::NONE,
            uptime: vec![Uptime::default(); instruments],
            live: vec![[false; 2]; instruments],
            eligible: vec![false; instruments],
            valid: vec![false; instruments],
            samples_max: samples,
            interval: FIRST_INTERVAL_NANOS,
            next_sample: UnixNanos::NONE,
            times: Vec::with_capacity(samples),
            samples: Vec::with_capacity(samples * instruments),
            fills: Vec::with_capacity(fills),
            fills_dropped: 0,
            requests: 0,
            tick_to_order: Arc::new(Latency::default()),
            order_to_ack: Latency::default(),
        }
    }

    /// Called before a turn at `now`: the state of before has lasted until now.
    pub fn before(&mut self, now: UnixNanos, engine: &Engine) {
        if self.start == UnixNanos::NONE {
            (self.start, self.end, self.next_sample) = (now, now, now);
        }
        let elapsed = now.0.saturating_sub(self.end.0);
        self.end = now;
        if elapsed == 0 {
            return;
        }
        for (i, uptime) in self.uptime.iter_mut().enumerate() {
            uptime.valid_nanos += if self.valid[i] { elapsed } else { 0 };
            uptime.eligible_nanos += if self.eligible[i] { elapsed } else { 0 };
            uptime.both_sides_nanos += if self.eligible[i] && self.live[i] == [true; 2] { elapsed } else { 0 };
        }
        if self.samples_max > 0 && now >= self.next_sample {
            self.sample(now, engine);
        }
    }

    /// Called after a turn.
    pub fn after(&mut self, engine: &Engine, effects: &Effects) {
        let mut orders_moved = false;
        for effect in effects {
            let EffectRef::Order(event) = effect else { continue };
            orders_moved = true;
            match event.kind() {
                Some(OrderEventKind::Fill) if self.fills.len() < FILLS_MAX => {
                    self.fills.push(FillRow { event: *event })
                }
                Some(OrderEventKind::Fill) => self.fills_dropped += 1,
                Some(OrderEventKind::Accepted) if event.submission_time != UnixNanos::NONE => {
                    self.order_to_ack.record(event.time.0.saturating_sub(event.submission_time.0));
                }
                Some(kind) if kind.is_request() => self.requests += 1,
                _ => {}
            }
        }
        if orders_moved {
            self.live.fill([false; 2]);
            for order in engine.orders().open_orders() {
                let live = !matches!(order.state, OrderState::New | OrderState::PendingNew);
                self.live[order.instrument.index()][order.side.index()] |= live;
            }
        }
        for i in 0..self.valid.len() {
            let id = InstrumentId(i as u16);
            self.valid[i] = engine.book_valid(id);
            let inside = match engine.quoter(id) {
                Some(quoter) => engine.orders().position(id).lots.0.abs() < quoter.params().max_inventory_lots.0,
                None => true,
            };
            self.eligible[i] = self.valid[i] && inside && engine.sigma(id).is_some();
        }
    }

    fn sample(&mut self, now: UnixNanos, engine: &Engine) {
        if self.times.len() >= self.samples_max {
            self.halve();
        }
        self.times.push(now);
        for i in 0..self.uptime.len() {
            let id = InstrumentId(i as u16);
            let touch = engine.touch(id);
            let quote = |side: Side| {
                let order = engine.quotes(id)[side.index()].and_then(|order| engine.orders().order(order));
                order.filter(|order| order.state.is_open()).map(|order| order.price.0)
            };
            self.samples.push(Sample {
                touch: [Side::Buy, Side::Sell]
                    .map(|side| touch.and_then(|touch| touch.price(side)).map(|price| price.0)),
                quotes: [Side::Buy, Side::Sell].map(quote),
                inventory: engine.orders().position(id).lots.0,
                pnl: touch
                    .and_then(|mark| engine.orders().position(id).pnl(engine.instrument(id), mark))
                    .map_or(0, |pnl| pnl.total),
            });
        }
        self.next_sample = UnixNanos(now.0 + self.interval);
    }

    /// Keeps every second point and doubles the distance.
    fn halve(&mut self) {
        let width = self.uptime.len();
        let kept = self.times.len().div_ceil(2);
        for i in 0..kept {
            self.times[i] = self.times[2 * i];
            for k in 0..width {
                self.samples[i * width + k] = self.samples[2 * i * width + k];
            }
        }
        self.times.truncate(kept);
        self.samples.truncate(kept * width);
        self.interval *= 2;
    }
}
