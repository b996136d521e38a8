//! # Room card: driver/report/build
//! In:    an engine at its end, what was measured of it, and what only its driver knows.
//! Out:   `Summary`.
//! Holds: nothing is computed twice in different ways: backtest and live use the same lines.
//! Costs: cold path.
use std::collections::BTreeMap;
use std::time::Duration;

use engine::Engine;
use quote::Quoter;
use types::{Code, Decimal, Instrument, InstrumentId, OrderEvent, Side, Ticks, flag};

use super::{
    BookCounts, BySide, CalibrationSummary, FillSummary, InstrumentSeries, InstrumentSummary, LedgerSummary, Measure,
    MessageCounts, OrderCounts, PnlSummary, QuoteUptime, Sample, Series, Summary,
};

/// What a summary is made of.
pub struct Finished<'a> {
    /// The engine after its last turn.
    pub engine: &'a Engine,
    /// What was measured of it.
    pub measure: &'a Measure,
    /// Hash of all effects.
    pub hash: u128,
    /// Turns of the session.
    pub turns: u64,
    /// Wall time of the run.
    pub wall: Duration,
    /// Lines of recordings that are no receive time and message.
    pub garbage: u64,
    /// Lines of recordings whose receive time was before the one before.
    pub time_steps_back: u64,
    /// Timers refused, beyond the bound.
    pub timers_refused: u64,
    /// Seeds of generated markets.
    pub seeds: Vec<u64>,
    /// Folder of the journal.
    pub journal: Option<String>,
    /// The venue's account of each instrument, by id; empty where the venue is another process.
    pub ledgers: Vec<LedgerSummary>,
}

impl Summary {
    /// Sums a run up.
    pub fn of(mut run: Finished<'_>) -> Summary {
        let (engine, measure, wall) = (run.engine, run.measure, run.wall);
        let counts = engine.counts();
        let mut rejects = BTreeMap::new();
        for (code, n) in counts.refused.seen().chain(counts.venue_rejects.seen()) {
            *rejects.entry(code.name()).or_insert(0) += n;
        }
        let eligible: u64 = measure.uptime.iter().map(|uptime| uptime.eligible_nanos).sum();
        let both: u64 = measure.uptime.iter().map(|uptime| uptime.both_sides_nanos).sum();
        let valid: u64 = measure.uptime.iter().map(|uptime| uptime.valid_nanos).sum();
        let whole = measure.end.0.saturating_sub(measure.start.0) * measure.uptime.len() as u64;
        let instruments = &engine.setup().instruments;
        Summary {
            effects_hash: journal::hex(run.hash),
            turns: run.turns,
            market_start: measure.start.0.to_string(),
            market_end: measure.end.0.to_string(),
            counts: MessageCounts::of(&run),
            book: BookCounts {
                before_join: counts.before_join,
                after_join: counts.after_join,
                gaps: counts.gaps,
                crossed: counts.crossed,
                valid_fraction: ratio(valid, whole),
            },
            quote_uptime: QuoteUptime {
                eligible_nanos: eligible,
                both_sides_nanos: both,
                fraction: ratio(both, eligible),
            },
            instruments: instruments
                .iter()
                .map(|instrument| InstrumentSummary::of(engine, instrument, run.ledgers.get(instrument.id.index())))
                .collect(),
            orders: OrderCounts {
                new: counts.new_orders,
                cancel: counts.cancels,
                replace: counts.replaces,
                refused: counts.refused.seen().map(|(_, n)| n).sum(),
            },
            rejects,
            tick_to_order_nanos: measure.tick_to_order.percentiles(),
            order_to_ack_nanos: measure.order_to_ack.percentiles(),
            wall_seconds: wall.as_secs_f64(),
            events_per_second: run.turns as f64 / wall.as_secs_f64().max(1e-9),
            seeds: core::mem::take(&mut run.seeds),
            journal: run.journal.take(),
            series: Series::of(&run),
            fills: measure.fills.iter().map(|row| fill_summary(&row.event, &run)).collect(),
            fills_dropped: measure.fills_dropped,
        }
    }

    /// Does every known venue account agree with ours?
    pub fn ledger_agrees(&self) -> bool {
        self.instruments.iter().flat_map(|instrument| &instrument.ledger).all(|ledger| ledger.agrees)
    }
}

impl MessageCounts {
    fn of(run: &Finished<'_>) -> MessageCounts {
        let counts = run.engine.counts();
        let mut errors: BTreeMap<&'static str, u64> = counts.faults.seen().map(|(code, n)| (code.name(), n)).collect();
        if run.timers_refused > 0 {
            errors.insert(Code::CommandRingFull.name(), run.timers_refused);
        }
        MessageCounts {
            depth: counts.depth,
            book_ticker: counts.book_ticker,
            trade: counts.trade,
            snapshot: counts.snapshot,
            other: counts.other,
            garbage: run.garbage,
            time_steps_back: run.time_steps_back,
            errors,
        }
    }
}

impl InstrumentSummary {
    fn of(engine: &Engine, instrument: &Instrument, ledger: Option<&LedgerSummary>) -> InstrumentSummary {
        let id = instrument.id;
        let position = engine.orders().position(id);
        let mark = engine.touch(id);
        let pnl = mark.and_then(|mark| position.pnl(instrument, mark)).map(|pnl| PnlSummary {
            total: instrument.money(pnl.total).to_string(),
            spread: instrument.money(pnl.spread).to_string(),
            inventory: instrument.money(pnl.inventory).to_string(),
            fees: instrument.money(pnl.fees).to_string(),
        });
        InstrumentSummary {
            symbol: instrument.symbol().to_string(),
            currency: engine.setup().currencies[instrument.currency.0 as usize].clone(),
            scale: instrument.money_scale,
            position: quantity_text(instrument, position.lots.0),
            fills: BySide { buy: position.fills[0], sell: position.fills[1] },
            quantity: BySide {
                buy: quantity_text(instrument, position.bought.0),
                sell: quantity_text(instrument, position.sold.0),
            },
            pnl,
            calibration: engine.quoter(id).and_then(CalibrationSummary::of),
            ledger: ledger.cloned(),
        }
    }
}

impl CalibrationSummary {
    fn of(quoter: &Quoter) -> Option<CalibrationSummary> {
        let prior = quoter.prior_summary()?;
        let (bid, ask) = (quoter.estimator(Side::Buy)?, quoter.estimator(Side::Sell)?);
        Some(CalibrationSummary {
            arrivals_per_second: prior.arrivals_per_second,
            prior_fills: prior.fills,
            prior_seconds: prior.seconds,
            prior_distance_price: prior.distance_price,
            prior_decay_per_price: prior.decay_per_price,
            fills: BySide { buy: bid.fills(), sell: ask.fills() },
            quoted_seconds: BySide { buy: bid.quoted_seconds(), sell: ask.quoted_seconds() },
            decay_per_price: BySide { buy: bid.decay_per_price(), sell: ask.decay_per_price() },
        })
    }
}

impl Series {
    fn of(run: &Finished<'_>) -> Series {
        let (measure, instruments) = (run.measure, &run.engine.setup().instruments);
        let width = instruments.len();
        let time_nanos = measure.times.iter().map(|at| at.0 - measure.start.0).collect();
        let lines = instruments.iter().enumerate().map(|(i, instrument)| {
            let points = || measure.samples.iter().skip(i).step_by(width.max(1));
            let price = |pick: fn(&Sample) -> Option<i64>| {
                points().map(|sample| pick(sample).map(|ticks| ticks as f64 * instrument.tick_f64())).collect()
            };
            InstrumentSeries {
                symbol: instrument.symbol().to_string(),
                bid: price(|sample| sample.touch[0]),
                ask: price(|sample| sample.touch[1]),
                quote_bid: price(|sample| sample.quotes[0]),
                quote_ask: price(|sample| sample.quotes[1]),
                inventory: points().map(|sample| sample.inventory as f64 * instrument.lot_f64()).collect(),
                pnl: points().map(|sample| instrument.money(sample.pnl).to_f64()).collect(),
            }
        });
        Series { time_nanos, instruments: lines.collect() }
    }
}

fn fill_summary(event: &OrderEvent, run: &Finished<'_>) -> FillSummary {
    let instrument = run.engine.instrument(InstrumentId(event.instrument));
    FillSummary {
        time_nanos: event.time.0.saturating_sub(run.measure.start.0),
        instrument: instrument.symbol().to_string(),
        side: if event.side() == Some(Side::Buy) { "buy" } else { "sell" },
        price: price_text(instrument, event.last_price),
        quantity: quantity_text(instrument, event.last_lots.0),
        fee: instrument.money(event.fee as i128).to_string(),
        liquidity: if event.flags & flag::TAKER != 0 { "taker" } else { "maker" },
        order_id: event.order_id,
    }
}

fn price_text(instrument: &Instrument, price: Ticks) -> String {
    instrument.price.value(price.0).map_or_else(String::new, |value: Decimal| value.to_string())
}

fn quantity_text(instrument: &Instrument, lots: i64) -> String {
    instrument.quantity.value(lots).map_or_else(String::new, |value: Decimal| value.to_string())
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
