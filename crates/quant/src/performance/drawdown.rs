//! # Room card: quant/performance/drawdown
//! In:    simple returns.
//! Out:   the largest drawdown with its places, every drawdown, ulcer index.
//! Holds: places count points of the equity curve: 0 is before the first return, t is after the t-th.
//! Costs: one pass.
use super::checked_returns;
use crate::QuantError;

/// A fall of the equity from a peak, and its way back.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawdown {
    /// Trough over peak, less 1: negative.
    pub depth: f64,
    /// Point of the peak, the first of equal ones without a fall between.
    pub peak: usize,
    /// Point of the trough, the first of equal ones.
    pub trough: usize,
    /// First point at or above the peak again; none while it is not.
    pub recovery: Option<usize>,
}

/// The falls of an equity curve.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawdowns {
    /// Product of (1 + r), less 1.
    pub total_return: f64,
    /// Depth of the deepest, 0 without a loss.
    pub max_drawdown: f64,
    /// The deepest, the first of equal ones; none without a loss.
    pub deepest: Option<Drawdown>,
    /// Every one in order of its peak.
    pub all: Vec<Drawdown>,
    /// Equity over its running peak, less 1, after each return.
    #[serde(skip)]
    pub curve: Vec<f64>,
    /// Root mean square of `curve` over the number of returns.
    pub ulcer_index: f64,
}

/// Drawdowns of compounded simple returns; the equity starts at 1 before the first.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` (a return below -1), `QUANT_UNDEFINED` where the
/// equity overflows.
pub fn drawdowns(returns: &[f64]) -> Result<Drawdowns, QuantError> {
    checked_returns("returns", returns)?;
    let (mut equity, mut top, mut peak) = (1.0f64, 1.0f64, 0);
    let mut open: Option<Drawdown> = None;
    let mut all = Vec::new();
    let mut curve = Vec::with_capacity(returns.len());
    for (at, r) in returns.iter().enumerate() {
        equity *= 1.0 + r;
        let point = at + 1;
        if equity >= top {
            if equity > top || open.is_some() {
                (top, peak) = (equity, point);
            }
            all.extend(open.take().map(|fall| Drawdown { recovery: Some(point), ..fall }));
        }
        let depth = equity / top - 1.0;
        curve.push(depth);
        if equity < top {
            let fall = open.get_or_insert(Drawdown { depth, peak, trough: point, recovery: None });
            if depth < fall.depth {
                (fall.depth, fall.trough) = (depth, point);
            }
        }
    }
    all.extend(open);
    if !equity.is_finite() || !top.is_finite() {
        return Err(QuantError::Undefined { what: "totalReturn", why: "the equity overflows" });
    }
    let deepest = all.iter().copied().reduce(|most, fall| if fall.depth < most.depth { fall } else { most });
    let squares: f64 = curve.iter().map(|depth| depth * depth).sum();
    Ok(Drawdowns {
        total_return: equity - 1.0,
        max_drawdown: deepest.map_or(0.0, |fall| fall.depth),
        deepest,
        ulcer_index: libm::sqrt(squares / returns.len() as f64),
        all,
        curve,
    })
}
