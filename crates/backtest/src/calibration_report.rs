//! # Room card: backtest/calibration_report
//! In:    tallies of depth at the end of a reading.
//! Out:   `Calibration` as it crosses to TypeScript: plain numbers with their intervals, refusals with their reason.
//! Holds: a side without an estimate says why and still shows its measured intensities.
//! Costs: cold path.
use quote::calibrate::{DepthTally, FitInterval, FitRefusal};
use serde::Serialize;

/// What a recording says about σ, A and κ.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// Symbol.
    pub symbol: String,
    /// Price of one tick.
    pub tick_price: f64,
    /// From the first line to the last.
    pub seconds: f64,
    /// Lines read.
    pub lines: u64,
    /// Times the mid changed.
    pub changed_mids: u64,
    /// σ, price per √second.
    pub volatility: VolatilityReport,
    /// Orders that fill a bid: sold at the market.
    pub bid: SideReport,
    /// Orders that fill an ask: bought at the market.
    pub ask: SideReport,
    /// What did not count.
    pub left_out: LeftOut,
}

/// σ three ways, price per √second.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolatilityReport {
    /// Over the whole recording, from every change of the mid: sqrt(Σ Δmid² / watched seconds); bid-ask bounce
    /// included.
    pub realised: Option<f64>,
    /// As the quoter would have seen it.
    pub rolling: RollingReport,
    /// Against bid-ask bounce, over the last changes of the mid; `None` with too few.
    pub pre_averaged: Option<PreAveragedReport>,
}

/// Rolling σ, noted once a second.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingReport {
    /// Mids of its window.
    pub window: usize,
    /// At the end.
    pub last: Option<f64>,
    /// Twentieth part of the time it was below.
    pub low: Option<f64>,
    /// Half of the time it was below.
    pub median: Option<f64>,
    /// Twentieth part of the time it was above.
    pub high: Option<f64>,
    /// Seconds noted.
    pub notes: usize,
}

/// Pre-averaged σ.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreAveragedReport {
    /// σ.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard deviation of the noise of one mid, price.
    pub noise: f64,
    /// Mids it rests on.
    pub mids: u64,
}

/// An estimate with its 95 % interval; an end that is beyond a float is `None`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntervalReport {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<FitInterval> for IntervalReport {
    fn from(fit: FitInterval) -> IntervalReport {
        IntervalReport { value: fit.value, standard_error: fit.standard_error, low: fit.low, high: fit.high }
    }
}

/// Why there is no estimate.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalReport {
    /// Code.
    pub code: &'static str,
    /// A word for it.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

impl From<FitRefusal> for RefusalReport {
    fn from(refusal: FitRefusal) -> RefusalReport {
        RefusalReport { code: refusal.code().name(), reason: refusal.reason(), message: refusal.to_fault().message }
    }
}

/// A and κ by maximum likelihood.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FitReport {
    /// A, 1/second.
    pub arrivals_per_second: IntervalReport,
    /// κ, 1/price.
    pub decay_per_price: IntervalReport,
    /// Correlation of the errors of ln A and κ.
    pub correlation: f64,
    /// Pearson's χ² of the counts by level; `None` with too few levels.
    pub goodness: Option<GoodnessReport>,
}

/// χ².
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GoodnessReport {
    /// χ².
    pub chi_square: f64,
    /// Cells less two.
    pub degrees_of_freedom: usize,
    /// Chance of a larger one if the model holds.
    pub p_value: f64,
}

/// The line through ln λ.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineReport {
    /// A, 1/second.
    pub arrivals_per_second: f64,
    /// κ, 1/price.
    pub decay_per_price: f64,
    /// R².
    pub r_squared: f64,
    /// Levels.
    pub levels: usize,
}

/// A measured intensity.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PointReport {
    /// δ, price.
    pub depth_price: f64,
    /// Orders a second that reached at least δ.
    pub per_second: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Orders that ended at this level.
    pub orders: f64,
}

/// One side.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SideReport {
    /// Market orders that count.
    pub orders: f64,
    /// Prints of trades, of all orders.
    pub prints: u64,
    /// Seconds watched.
    pub seconds: f64,
    /// Maximum likelihood.
    pub fit: Option<FitReport>,
    /// Why there is none.
    pub refusal: Option<RefusalReport>,
    /// Least squares.
    pub line: Option<LineReport>,
    /// Why there is none.
    pub line_refusal: Option<RefusalReport>,
    /// Measured intensities at the levels where orders ended, nearest first.
    pub points: Vec<PointReport>,
    /// Orders nearer than the nearest level that counts, or on the wrong side of the mid.
    pub orders_left_out: u64,
    /// Orders beyond the last level, counted as having reached it.
    pub orders_cut: f64,
    /// Seconds with the touch beyond the last level.
    pub seconds_left_out: f64,
}

impl SideReport {
    /// What a tally says.
    pub(crate) fn of(tally: &DepthTally, prints: u64) -> SideReport {
        let outcome = tally.fit();
        let fit = outcome.ok().map(|fit| FitReport {
            arrivals_per_second: fit.arrivals_per_second.into(),
            decay_per_price: fit.decay_per_price.into(),
            correlation: fit.correlation,
            goodness: tally.goodness(&fit).map(|goodness| GoodnessReport {
                chi_square: goodness.chi_square,
                degrees_of_freedom: goodness.degrees_of_freedom,
                p_value: goodness.p_value,
            }),
        });
        let line = tally.fit_line();
        let points = tally.points().into_iter().filter(|point| point.orders > 0.0);
        SideReport {
            orders: tally.orders(),
            prints,
            seconds: tally.seconds(),
            fit,
            refusal: outcome.err().map(RefusalReport::from),
            line: line.ok().map(|line| LineReport {
                arrivals_per_second: line.arrivals_per_second,
                decay_per_price: line.decay_per_price,
                r_squared: line.r_squared,
                levels: line.levels,
            }),
            line_refusal: line.err().map(RefusalReport::from),
            points: points
                .map(|point| PointReport {
                    depth_price: point.depth_price,
                    per_second: point.per_second,
                    standard_error: point.standard_error,
                    orders: point.orders,
                })
                .collect(),
            orders_left_out: tally.orders_left_out(),
            orders_cut: tally.orders_cut(),
            seconds_left_out: tally.seconds_left_out(),
        }
    }
}

/// What did not count, of the whole recording.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Lines that are no receive time and message.
    pub garbage_lines: u64,
    /// Messages that could not be decoded.
    pub unreadable_messages: u64,
    /// Messages that say nothing about this market.
    pub other_messages: u64,
    /// Pauses in which nothing came for ten seconds or more: taken for an interrupted recording.
    pub gaps: u64,
    /// Their length.
    pub gap_seconds: f64,
    /// Seconds without a two-sided touch.
    pub seconds_without_touch: f64,
    /// Prints without any touch before them.
    pub prints_without_mid: u64,
}
