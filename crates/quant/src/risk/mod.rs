//! # Room card: quant/risk
//! In:    returns, P&L, weights, books, forecasts.
//! Out:   value at risk and shortfall by every method, their parts, stress, backtests, drawdowns, factor risk.
//! Holds: losses positive, unless the convention `Signed` is asked for.
//! Costs: a sort or a pass for most; see the functions.

mod backtest;
mod components;
mod drawdown;
mod factor;
mod filtered;
mod stress;
mod student;
mod value_at_risk;

pub(crate) use value_at_risk::{historical_order, mean_and_deviation, order_index, tail_of};

pub use backtest::{
    BaselLight, BaselZone, Christoffersen, EXCEPTIONS_MAX, LikelihoodRatio, RollingBacktestOptions, RollingQuantile,
    VarBacktest, backtest_forecasts, backtest_historical, basel_traffic_light, christoffersen, exception_probabilities,
    kupiec,
};
pub use components::{IncrementalRisk, RiskComponents, gaussian_components, historical_components, incremental_risk};
pub use drawdown::{Compounding, DrawdownEpisode, DrawdownRisk, drawdown_risk};
pub use factor::{FactorModel, FactorRisk, VectorAutoregression, fit_factor_model, fit_vector_autoregression};
pub use filtered::{FilteredOptions, FilteredRisk, VolatilityFilter, filtered_value_at_risk};
pub use stress::{
    CorrelationBreak, CorrelationStress, Shock, StressResult, WindowStress, correlation_stress, stress, stress_window,
};
pub use student::{StudentFit, StudentSearch, fit_student};
pub use value_at_risk::{Convention, TailMethod, TailOptions, TailRisk, entropic_value_at_risk, value_at_risk};
