//! # Room card: quant/options
//! In:    terms of European options, prices, books, scenarios.
//! Out:   prices, Greeks, implied volatilities, Greeks of a book, hedges of its tail.
//! Holds: theta is per calendar day (a year over 365), vega and rho are per 1 %.
//! Costs: at most 60 ns an option with all Greeks in a batch (bench `quant/greeks`).

mod black_scholes;
mod hedge;
mod implied;
mod portfolio;

pub(crate) use black_scholes::{DEVIATION_MIN, greeks as greeks_unchecked, hold};

pub use black_scholes::{DAYS_PER_YEAR, GreekColumns, Greeks, OptionColumns, OptionKind, OptionTerms, greeks_batch};
pub use hedge::{HedgeInstrument, HedgeOptions, HedgeSize, TailHedge, tail_hedge};
pub use implied::{ImpliedStatus, implied_volatility, implied_volatility_batch};
pub use portfolio::{AssetGreeks, PortfolioGreeks, portfolio_greeks};
