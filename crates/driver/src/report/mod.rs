//! # Room card: driver/report
//! In:    an engine's state and effects turn by turn, and its end.
//! Out:   `Summary`: what the report and the command line show of a run, backtest or live, serialisable as JSON.
//! Holds: money and positions as exact decimal strings; floats only where a plot reads them.
//! Costs: cold path; see `measure` for what a turn costs.
mod build;
mod latency;
mod measure;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use build::Finished;
pub use latency::Latency;
pub use measure::{FILLS_MAX, FillRow, Measure, Sample, Uptime};

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
    /// The venue's own account against ours; absent where the venue is another process.
    pub ledger: Option<LedgerSummary>,
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
