//! # Room card: quant/risk/drawdown
//! In:    returns of one strategy or portfolio.
//! Out:   its drawdowns as a series and as episodes; maximum, average, conditional and entropic drawdown at risk, ulcer
//!        index.
//! Holds: drawdowns are positive parts of the peak (or of the start, uncompounded); the start itself is the first peak.
//! Costs: one pass, one sort, the search of the entropic measure (about 30 passes).

use super::value_at_risk::{entropic, historical_order, tail_of};
use crate::error::finite;
use crate::matrix::checked_vector;
use crate::stats::sorted;
use crate::{JobControl, QuantError};

/// How returns become a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Compounding {
    /// Returns are reinvested; a drawdown is a part of the peak (Riskfolio-Lib's `_Rel`).
    #[default]
    Compounded,
    /// Returns of a constant stake; a drawdown is a part of the stake (Riskfolio-Lib's `_Abs`).
    Uncompounded,
}

/// One fall from a peak.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrawdownEpisode {
    /// Place of the peak on the curve: 0 is the start, i is after return i - 1.
    pub peak: usize,
    /// Place of the lowest point.
    pub trough: usize,
    /// Place where the peak was reached again, if it was.
    pub recovery: Option<usize>,
    /// Depth at the trough, positive.
    pub depth: f64,
}

/// What drawdowns say of risk.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrawdownRisk {
    /// Drawdown after each return, positive.
    #[serde(skip)]
    pub drawdowns: Vec<f64>,
    /// Falls from peaks, in order.
    pub episodes: Vec<DrawdownEpisode>,
    /// Deepest.
    pub maximum: f64,
    /// Mean over all periods.
    pub average: f64,
    /// Drawdown at risk: the drawdown that is not passed with the confidence (order statistic).
    pub at_risk: f64,
    /// Conditional drawdown at risk: mean of the worst drawdowns (Chekhlov, Uryasev, Zabarankin 2005).
    pub conditional: f64,
    /// Entropic drawdown at risk.
    pub entropic: f64,
    /// Ulcer index: root of the mean square over all periods (Martin 1987).
    pub ulcer: f64,
}

/// Drawdown risk of returns; `confidence` 0.95 looks at the worst 5 % of the periods.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE` for the confidence, `QUANT_UNDEFINED` where a
/// compounded curve falls to nothing (a return of -100 % or less), `QUANT_CANCELLED`.
pub fn drawdown_risk(
    returns: &[f64],
    compounding: Compounding,
    confidence: f64,
    control: &JobControl<'_>,
) -> Result<DrawdownRisk, QuantError> {
    checked_vector("returns", returns)?;
    let tail = tail_of(confidence)?;
    let (drawdowns, episodes) = curve(returns, compounding)?;
    control.check()?;
    let count = drawdowns.len() as f64;
    let falls: Vec<f64> = drawdowns.iter().map(|d| -d).collect();
    let worst = historical_order(&sorted(&falls), tail);
    let square: f64 = drawdowns.iter().map(|d| d * d).sum();
    let risk = DrawdownRisk {
        maximum: drawdowns.iter().fold(0.0, |most, &d| most.max(d)),
        average: drawdowns.iter().sum::<f64>() / count,
        at_risk: worst.value_at_risk,
        conditional: worst.expected_shortfall,
        entropic: entropic(&drawdowns, tail, control)?,
        ulcer: libm::sqrt(square / count),
        drawdowns,
        episodes,
    };
    finite("drawdown", risk.maximum)?;
    finite("entropic", risk.entropic)?;
    finite("ulcer", risk.ulcer)?;
    Ok(risk)
}

fn curve(returns: &[f64], compounding: Compounding) -> Result<(Vec<f64>, Vec<DrawdownEpisode>), QuantError> {
    let mut drawdowns = Vec::with_capacity(returns.len());
    let mut episodes: Vec<DrawdownEpisode> = Vec::new();
    let (mut level, mut top, mut peak, mut open) = (1.0, 1.0, 0, false);
    for (i, &r) in returns.iter().enumerate() {
        match compounding {
            Compounding::Compounded => level *= 1.0 + r,
            Compounding::Uncompounded => level += r,
        }
        if compounding == Compounding::Compounded && level <= 0.0 {
            return Err(QuantError::Undefined {
                what: "drawdown",
                why: "the curve falls to nothing: a return of -100 % or less",
            });
        }
        finite("level", level)?;
        let place = i + 1;
        if level >= top {
            if let (true, Some(last)) = (open, episodes.last_mut()) {
                last.recovery = Some(place);
            }
            (top, peak, open) = (level, place, false);
        }
        let depth = match compounding {
            Compounding::Compounded => (top - level) / top,
            Compounding::Uncompounded => top - level,
        };
        drawdowns.push(depth);
        if depth > 0.0 {
            match episodes.last_mut() {
                Some(last) if open => {
                    if depth > last.depth {
                        (last.trough, last.depth) = (place, depth);
                    }
                }
                _ => episodes.push(DrawdownEpisode { peak, trough: place, recovery: None, depth }),
            }
            open = true;
        }
    }
    Ok((drawdowns, episodes))
}
