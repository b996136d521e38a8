//! # Room card: backtest/summary
//! In:    a finished run.
//! Out:   `Summary`: what the report and the command line show, serialisable as JSON.
//! Holds: money and positions as exact decimal strings; floats only where a plot reads them.
//! Costs: cold path.
use std::collections::BTreeMap;
use std::time::Duration;

use engine::Engine;
use hdrhistogram::Histogram;
use quote::Quoter;
use serde::{Deserialize, Serialize};
use types::{Code, Decimal, Instrument, InstrumentId, Lots, OrderEvent, Side, Ticks, flag};

use crate::measure::{Measure, Sample};

/// What a summary is made of.
pub(crate) struct Facts<'a> {
    pub engine: &'a Engine,
    pub measure: &'a Measure,
    pub hash: u128,
    pub turns: u64,
    pub wall: Duration,
    /// Lines of recordings that are no receive time and message.
    pub garbage: u64,
    /// Lines of recordings whose receive time was before the one before.
    pub time_steps_back: u64,
    pub timers_refused: u64,
    pub seeds: Vec<u64>,
    pub journal: Option<String>,
    /// From input to encoded order, ns.
    pub tick_to_order: Percentiles,
    /// The venue's account of an instrument, if there is one.
    pub account: &'a dyn Fn(InstrumentId) -> Option<Account>,
}

/// The venue's own count of an instrument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub position: Lots,
    /// Smallest units of the settlement currency.
    pub fees: i128,
    pub open_orders: u64,
}

/// A finished run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// XXH3-128 of the canonical effects, 32 lower-case hex digits.
    pub effects_hash: String,
    /// Turns of the engine.
    pub turns: u64,
    /// Virtual time of the first turn, Unix ns.
    pub market_start: String,
    /// Virtual time of the last turn, Unix ns.
    pub market_end: String,
    /// Messages by kind.
    pub counts: MessageCounts,
    /// The books' life.
    pub book: BookCounts,
    /// Share of the time in which quotes could stand that they stood on both sides.
    pub quote_uptime: QuoteUptime,
    /// By instrument.
    pub instruments: Vec<InstrumentSummary>,
    /// Requests sent.
    pub orders: OrderCounts,
    /// Refusals of the gate and rejects of the venue, by code.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Wall time from input to encoded order, ns.
    pub tick_to_order_nanos: Percentiles,
    /// Engine time from a new order's submission to its acknowledgement, ns.
    pub order_to_ack_nanos: Percentiles,
    /// Wall time of the run.
    pub wall_seconds: f64,
    /// Turns per second of wall time.
    pub events_per_second: f64,
    /// Seeds of generated markets.
    pub seeds: Vec<u64>,
    /// Folder of the journal.
    pub journal: Option<String>,
    /// Points for plots.
    pub series: Series,
    /// Fills, oldest first.
    pub fills: Vec<FillSummary>,
    /// Fills beyond the bound of the list.
    pub fills_dropped: u64,
}

/// Messages by kind.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageCounts {
    /// Depth updates.
    pub depth: u64,
    /// Best bid and offer.
    pub book_ticker: u64,
    /// Trades.
    pub trade: u64,
    /// Snapshots.
    pub snapshot: u64,
    /// Of no known type.
    pub other: u64,
    /// Lines of recordings that are no receive time and message.
    pub garbage: u64,
    /// Lines of recordings whose receive time was before the one before.
    pub time_steps_back: u64,
    /// Faults by code.
    pub errors: BTreeMap<&'static str, u64>,
}

/// The books' life.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookCounts {
    /// Depth updates older than the snapshot that joined.
    pub before_join: u64,
    /// Depth updates applied.
    pub after_join: u64,
    /// Gaps.
    pub gaps: u64,
    /// Crossed after an update.
    pub crossed: u64,
    /// Share of the run in which the book was valid, over all instruments.
    pub valid_fraction: f64,
}

/// Share of quotable time quoted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuoteUptime {
    /// Book valid, σ full, inventory inside the gate, ns.
    pub eligible_nanos: u64,
    /// Of that, live on both sides, ns.
    pub both_sides_nanos: u64,
    /// The second over the first; 0 when there was no such time.
    pub fraction: f64,
}

/// One instrument.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentSummary {
    /// Symbol.
    pub symbol: String,
    /// Settlement currency.
    pub currency: String,
    /// Decimals of its smallest unit.
    pub scale: u8,
    /// Final position.
    pub position: String,
    /// Fills by side.
    pub fills: BySide<u64>,
    /// Filled quantity by side.
    pub quantity: BySide<String>,
    /// Profit and loss; absent without a mark price.
    pub pnl: Option<PnlSummary>,
    /// κ from our own fills; absent where it is not calibrated.
    pub calibration: Option<CalibrationSummary>,
    /// The venue's own account against ours.
    pub ledger: LedgerSummary,
}

/// Intensity decay κ from our own fills (`quote::IntensityEstimator`): what it began with and what it came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationSummary {
    /// Market orders a second that reach a side (A), given.
    pub arrivals_per_second: f64,
    /// Fills the prior counts for (a0).
    pub prior_fills: f64,
    /// Quoted seconds the prior counts for (b0).
    pub prior_seconds: f64,
    /// Distance from the mid the prior was quoted at, price.
    pub prior_distance_price: f64,
    /// κ of the prior alone, 1/price.
    pub prior_decay_per_price: f64,
    /// Fills observed.
    pub fills: BySide<f64>,
    /// Seconds quoted.
    pub quoted_seconds: BySide<f64>,
    /// κ at the end, 1/price.
    pub decay_per_price: BySide<f64>,
}

/// A value for each side.
#[derive(Clone, Debug, Serialize)]
pub struct BySide<T> {
    /// Buys.
    pub buy: T,
    /// Sells.
    pub sell: T,
}

/// Profit and loss in the settlement currency.
#[derive(Clone, Debug, Serialize)]
pub struct PnlSummary {
    /// spread + inventory - fees.
    pub total: String,
    /// Earned against the mid at each fill.
    pub spread: String,
    /// From holding inventory while the mid moved.
    pub inventory: String,
    /// Paid (negative: received).
    pub fees: String,
}

/// The venue's account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerSummary {
    /// Position.
    pub position: String,
    /// Fees.
    pub fees: String,
    /// Equal to the engine's to the last lot and unit.
    pub agrees: bool,
    /// Our orders still open at the venue at the end.
    pub open_orders: u64,
}

/// Requests sent.
#[derive(Clone, Debug, Serialize)]
pub struct OrderCounts {
    /// New orders.
    pub new: u64,
    /// Cancels.
    pub cancel: u64,
    /// Replaces.
    pub replace: u64,
    /// Refused by our own gate.
    pub refused: u64,
}

/// Percentiles in ns.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// Largest.
    pub max: u64,
}

/// Points for plots.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Nanoseconds since the first turn.
    pub time_nanos: Vec<u64>,
    /// By instrument.
    pub instruments: Vec<InstrumentSeries>,
}

/// One instrument's lines; prices in price units, `null` where there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentSeries {
    /// Symbol.
    pub symbol: String,
    /// Best bid.
    pub bid: Vec<Option<f64>>,
    /// Best ask.
    pub ask: Vec<Option<f64>>,
    /// Our bid.
    pub quote_bid: Vec<Option<f64>>,
    /// Our ask.
    pub quote_ask: Vec<Option<f64>>,
    /// Position in quantity units.
    pub inventory: Vec<f64>,
    /// Total P&L in the settlement currency.
    pub pnl: Vec<f64>,
}

/// One fill.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FillSummary {
    /// Nanoseconds since the first turn.
    pub time_nanos: u64,
    /// Symbol.
    pub instrument: String,
    /// "buy" or "sell".
    pub side: &'static str,
    /// Price.
    pub price: String,
    /// Quantity.
    pub quantity: String,
    /// Fee in the settlement currency.
    pub fee: String,
    /// "maker" or "taker".
    pub liquidity: &'static str,
    /// Order id.
    pub order_id: u64,
}

impl Summary {
    pub(crate) fn of(facts: Facts<'_>) -> Summary {
        let (engine, measure) = (facts.engine, facts.measure);
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
            effects_hash: journal::hex(facts.hash),
            turns: facts.turns,
            market_start: measure.start.0.to_string(),
            market_end: measure.end.0.to_string(),
            counts: MessageCounts::of(&facts),
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
            instruments: instruments.iter().map(|instrument| InstrumentSummary::of(&facts, instrument)).collect(),
            orders: OrderCounts {
                new: counts.new_orders,
                cancel: counts.cancels,
                replace: counts.replaces,
                refused: counts.refused.seen().map(|(_, n)| n).sum(),
            },
            rejects,
            tick_to_order_nanos: facts.tick_to_order,
            order_to_ack_nanos: Percentiles::of(&measure.order_to_ack),
            wall_seconds: facts.wall.as_secs_f64(),
            events_per_second: facts.turns as f64 / facts.wall.as_secs_f64().max(1e-9),
            seeds: facts.seeds,
            journal: facts.journal,
            series: Series::of(engine, measure),
            fills: measure.fills.iter().map(|row| fill_summary(&row.event, engine, measure)).collect(),
            fills_dropped: measure.fills_dropped,
        }
    }

    /// Does every instrument's venue account agree with ours?
    pub fn ledger_agrees(&self) -> bool {
        self.instruments.iter().all(|instrument| instrument.ledger.agrees)
    }
}

impl MessageCounts {
    fn of(facts: &Facts<'_>) -> MessageCounts {
        let counts = facts.engine.counts();
        let mut errors: BTreeMap<&'static str, u64> = counts.faults.seen().map(|(code, n)| (code.name(), n)).collect();
        if facts.timers_refused > 0 {
            errors.insert(Code::CommandRingFull.name(), facts.timers_refused);
        }
        MessageCounts {
            depth: counts.depth,
            book_ticker: counts.book_ticker,
            trade: counts.trade,
            snapshot: counts.snapshot,
            other: counts.other,
            garbage: facts.garbage,
            time_steps_back: facts.time_steps_back,
            errors,
        }
    }
}

impl InstrumentSummary {
    fn of(facts: &Facts<'_>, instrument: &Instrument) -> InstrumentSummary {
        let (engine, id) = (facts.engine, instrument.id);
        let position = engine.orders().position(id);
        let mark = engine.touch(id);
        let pnl = mark.and_then(|mark| position.pnl(instrument, mark)).map(|pnl| PnlSummary {
            total: instrument.money(pnl.total).to_string(),
            spread: instrument.money(pnl.spread).to_string(),
            inventory: instrument.money(pnl.inventory).to_string(),
            fees: instrument.money(pnl.fees).to_string(),
        });
        let ledger = match (facts.account)(id) {
            Some(Account { position: lots, fees, open_orders }) => LedgerSummary {
                position: quantity_text(instrument, lots.0),
                fees: instrument.money(fees).to_string(),
                agrees: (lots, fees) == (position.lots, position.fees),
                open_orders,
            },
            None => {
                LedgerSummary { position: "0".into(), fees: "0".into(), agrees: position.lots.0 == 0, open_orders: 0 }
            }
        };
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
            ledger,
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

impl Percentiles {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Percentiles {
        Percentiles {
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

impl Series {
    fn of(engine: &Engine, measure: &Measure) -> Series {
        let instruments = &engine.setup().instruments;
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

fn fill_summary(event: &OrderEvent, engine: &Engine, measure: &Measure) -> FillSummary {
    let instrument = engine.instrument(InstrumentId(event.instrument));
    FillSummary {
        time_nanos: event.time.0.saturating_sub(measure.start.0),
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
