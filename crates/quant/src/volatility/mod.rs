//! # Room card: quant/volatility
//! In:    returns of one series, parameters of a model.
//! Out:   volatilities of every period as forecast one before, fitted parameters, forecasts.
//! Holds: units of the returns: nothing is rescaled in the result.
//! Costs: EWMA 2 ns a return; a GARCH fit of 5,000 returns under 8 ms (bench `quant/garch`).

mod ewma;
mod garch;
mod likelihood;
mod polytope;

pub use ewma::{EwmaEstimate, EwmaOptions, EwmaStart, ewma_volatility};
pub use garch::{
    GarchDistribution, GarchFit, GarchModel, GarchOptions, GarchParameters, GarchPath, fit_garch, garch_path,
};
