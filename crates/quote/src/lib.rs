//! # Room card: quote
//! In:    one instrument's touch, volatility, position and working quotes, as a `QuoteView`; own fills, by side.
//! Out:   `QuoteDecision`: the bid and ask wanted now, and per side what to do: nothing, place, replace or cancel.
//! Holds: quotes never cross the touch or each other, lie on the order increment and keep inventory within its limit.
//! Costs: tens of nanoseconds a decision; no allocation; logarithms only when a parameter or an estimate changes.
//!
//! Floats live in `model`, `glft` and `intensity` and come back to the grid once, by the steps of `grid::snap_outward`.
#![forbid(unsafe_code)]

pub mod calibrate;
pub mod experiment;
pub mod flow;
pub mod gate;
pub mod glft;
pub mod grid;
mod inputs;
pub mod intensity;
pub mod ladder;
pub mod market_fit;
pub mod model;
mod pricing;
pub mod published;
pub mod quoter;
mod standing;
pub mod terms;

pub use flow::TradeFlow;
pub use gate::allowed_lots;
pub use glft::{Glft, GlftParams, GlftQuote};
pub use grid::snap_outward;
pub use intensity::{IntensityEstimator, PriorSummary};
pub use ladder::{OUTER_LEVELS_MAX, OuterActions, OuterQuotes, OuterSummary};
pub use market_fit::{FitCounts, FittedIntensity, MarketFit};
pub use model::{
    ModelRefusal, StationaryBound, StationaryForm, StationaryInputs, StationaryPrices, drift_shift, full_spread,
    reservation_price, stationary_discount, stationary_reservation_prices,
};
pub use published::{AskedQuotes, Signals};
pub use quoter::{MarketSignals, QuoteAction, QuoteDecision, QuoteTarget, QuoteView, Quoter, WorkingQuote};
pub use terms::{QuoteTerms, SideTerms, Standing};
