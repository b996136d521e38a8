//! # Room card: quant/cointegration
//! In:    price series, or their logarithms.
//! Out:   Engle-Granger and Johansen tests, Dickey-Fuller test, hedge ratios, half-life of a spread.
//! Holds: conventions of statsmodels 0.15, so that statistics agree to 1e-10.
//! Costs: a few QR factorisations of the length of the series.

mod engle_granger;
mod johansen;
mod mackinnon;

pub use engle_granger::{
    DickeyFuller, EngleGranger, EngleGrangerOptions, LAGS_MAX, Lags, dickey_fuller, engle_granger, half_life,
    hedge_ratio,
};
pub use johansen::{Johansen, johansen};

/// Deterministic terms of a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deterministic {
    /// None (statsmodels' `n`).
    None,
    /// A constant (`c`).
    #[default]
    Constant,
    /// A constant and a linear trend (`ct`).
    ConstantAndTrend,
}

impl Deterministic {
    /// How many columns they are.
    const fn count(self) -> usize {
        match self {
            Deterministic::None => 0,
            Deterministic::Constant => 1,
            Deterministic::ConstantAndTrend => 2,
        }
    }

    /// The columns for a number of rows.
    fn columns(self, rows: usize) -> Vec<Vec<f64>> {
        let constant = vec![1.0; rows];
        match self {
            Deterministic::None => Vec::new(),
            Deterministic::Constant => vec![constant],
            Deterministic::ConstantAndTrend => vec![constant, (1..=rows).map(|t| t as f64).collect()],
        }
    }
}
