//! # Room card: quant/allocate/lots
//! In:    weights, the weight of one lot of each asset, bounds.
//! Out:   the same portfolio in whole lots, and the cash that is left.
//! Holds: every weight a whole number of lots within its bounds; never more invested than the weights were.
//! Costs: O(N log N).
use crate::QuantError;
use crate::error::{finite, positive};
use crate::matrix::checked_vector;
use crate::optimise::PerAsset;

/// What `round_to_lots` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct LotOptions {
    /// Weight of one lot: lot size × price / capital.
    pub lot: PerAsset,
    /// Lowest weight of each asset.
    pub lower: PerAsset,
    /// Highest weight of each asset.
    pub upper: PerAsset,
}

/// A portfolio in whole lots.
#[derive(Clone, Debug, PartialEq)]
pub struct LotWeights {
    /// Lots of each asset, negative for short ones.
    pub lots: Vec<f64>,
    /// Lots times the weight of a lot.
    pub weights: Vec<f64>,
    /// Sum of the weights as they came less the sum of these.
    pub cash: f64,
}

/// Lots nearest below each weight, then one more for the assets with the largest remainder of a lot while the cash
/// lasts.
///
/// Errors: `QUANT_OUT_OF_RANGE` for a lot of no weight; `QUANT_INFEASIBLE` naming the bounds between which no whole
/// lot lies, or the lower bounds that whole lots pay more for than there is; `QUANT_NOT_FINITE`, `QUANT_RAGGED`.
pub fn round_to_lots(weights: &[f64], options: &LotOptions) -> Result<LotWeights, QuantError> {
    checked_vector("weights", weights)?;
    let n = weights.len();
    let lot = options.lot.spread("lot", n)?;
    let (lower, upper) = (options.lower.spread("lower", n)?, options.upper.spread("upper", n)?);
    let total: f64 = weights.iter().sum();
    let mut lots = Vec::with_capacity(n);
    let mut remainders: Vec<(f64, usize)> = Vec::with_capacity(n);
    for asset in 0..n {
        positive("lot", lot[asset])?;
        let wanted = weights[asset] / lot[asset];
        finite("lots", wanted)?;
        // A weight within rounding of a whole number of lots is that number.
        let near = wanted.round();
        let below = if (wanted - near).abs() <= 1e-9 * near.abs().max(1.0) { near } else { wanted.floor() };
        let least = (lower[asset] / lot[asset] - 1e-9).ceil();
        let most = (upper[asset] / lot[asset] + 1e-9).floor();
        if least > most {
            let names = ["lower bound", "minimum lot", "upper bound"];
            return Err(QuantError::Infeasible {
                constraints: names.iter().map(|name| format!("{name} of asset {asset}")).collect(),
            });
        }
        let start = below.clamp(least, most);
        lots.push(start);
        if start + 1.0 <= most && wanted > start {
            remainders.push((wanted - start, asset));
        }
    }
    let invested = |lots: &[f64]| lots.iter().zip(&lot).map(|(lots, lot)| lots * lot).sum::<f64>();
    let mut cash = total - invested(&lots);
    if cash < -1e-12 * total.abs().max(1.0) {
        return Err(QuantError::Infeasible { constraints: vec!["budget".into(), "lower bounds in whole lots".into()] });
    }
    remainders.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, asset) in remainders {
        if lot[asset] <= cash + 1e-12 {
            lots[asset] += 1.0;
            cash -= lot[asset];
        }
    }
    let weights = lots.iter().zip(&lot).map(|(lots, lot)| lots * lot).collect();
    Ok(LotWeights { cash: total - invested(&lots), weights, lots })
}
