//! # Room card: quote/calibrate
//! In:    depths of market orders with the time they were watched, or our own fills with the time and distance quoted.
//! Out:   A (1/second) and κ (1/price) of λ(δ) = A·e^(-κδ), with standard errors, 95 % intervals and goodness of fit.
//! Holds: what has no estimate is a `FitRefusal` with its reason, never a number that looks like one.
//! Costs: tallies add in O(1); one streaming refit step is at most `LEVELS_MAX` multiplications; whole fits are cold.
//!
//! **The model.** λ(δ) is a rate of *exceedance*: how many market orders a second reach a quote at distance δ from the
//! mid. So depths are exponential with rate κ, not a density to be fitted by itself, and A is the rate at the mid,
//! which nobody can see directly where the spread is not zero.
//!
//! **The half tick.** The mid lies on the half-tick grid, the prices that trade on the tick grid. With a spread of an
//! odd number of ticks the levels stand at ½, 1½, … ticks from the mid, with an even one at 1, 2, …. A depth that is
//! rounded down to whole ticks is short by up to half a tick, which multiplies A by e^(-κ·tick/2). Depths here are
//! counted in half ticks and keep their lattice.
mod fills;
mod lattice;
mod least_squares;
mod likelihood;
mod market;
mod statistics;
mod tally;
mod watch;

pub use fills::{FillPrior, INFORMATION_MIN, OwnFillFit, OwnFillTally};
pub use lattice::{LEVELS_MAX, RefitState, RunningEstimate};
pub use least_squares::{LinePoint, LogLineFit};
pub use likelihood::{FitInterval, FitRefusal, IntensityFit};
pub use market::{DepthSample, fit_depths};
pub use statistics::GoodnessOfFit;
pub use tally::{DepthTally, ORDERS_MIN};
pub use watch::{DepthWatch, Unwatched};
