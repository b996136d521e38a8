//! # Room card: bindings/node/quant/cointegration
//! In:    price series (or their logarithms) as arrays; terms and lags as JSON.
//! Out:   statistics as JSON; spreads, ratios, eigenvalues and critical values as arrays.
//! Holds: no logic.
//! Costs: see `quant::cointegration`.
use quant::JobControl;
use quant::cointegration::{
    Deterministic, DickeyFuller, Lags, dickey_fuller, engle_granger, half_life, hedge_ratio, johansen,
};
use serde::{Deserialize, Serialize};
use types::Fault;

use super::{Answer, Arguments, Call};

pub(super) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "engleGranger" => engle,
        "dickeyFuller" => |arguments, _| {
            let Regression { terms, lags } = arguments.options()?;
            Answer::new(&dickey_fuller(arguments.series("series", 0)?, terms, lags)?, Vec::new())
        },
        "johansen" => johansen_test,
        "hedgeRatio" => |arguments, _| {
            let (asset, hedge) = (arguments.series("asset", 0)?, arguments.series("hedge", 1)?);
            Answer::new(&hedge_ratio(asset, hedge)?, Vec::new())
        },
        "halfLife" => |arguments, _| Answer::new(&half_life(arguments.series("series", 0)?)?, Vec::new()),
        _ => return None,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Regression {
    terms: Deterministic,
    lags: Lags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    constant: f64,
    r_squared: f64,
    test: DickeyFuller,
    half_life: Option<f64>,
    z_score: f64,
}

fn engle(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let hedges = arguments.matrix("hedges", 1)?;
    let found = engle_granger(arguments.series("first", 0)?, &hedges, arguments.options()?)?;
    let numbers = Pair {
        constant: found.constant,
        r_squared: found.r_squared,
        test: found.test,
        half_life: found.half_life,
        z_score: found.z_score,
    };
    Answer::new(&numbers, vec![found.hedge_ratios, found.spread])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lags: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relations {
    rank: usize,
    trace_critical: Vec<[f64; 3]>,
    largest_critical: Vec<[f64; 3]>,
}

fn johansen_test(arguments: &Arguments, _: &JobControl<'_>) -> Result<Answer, Fault> {
    let Order { lags } = arguments.options()?;
    let found = johansen(&arguments.matrix("prices", 0)?, lags)?;
    let numbers =
        Relations { rank: found.rank, trace_critical: found.trace_critical, largest_critical: found.largest_critical };
    Answer::new(&numbers, vec![found.eigenvalues, found.trace, found.largest, found.vectors.into_values()])
}
