//! # Room card: quote/quoter
//! In:    `QuoteView` at each turn that may change a quote; own fills by side; parameter sets.
//! Out:   `QuoteDecision`.
//! Holds: the rules below, which another language can follow to the same orders; a parameter set changes all at once.
//! Costs: no allocation, no loop but the increment table's; logarithms only when parameters or estimates change.
//!
//! The rules, in order. f64 operations are written in the order in which they are evaluated.
//!
//! 1. **Quoted time** (only with calibration). For each side whose working quote stood at the previous decision
//!    (acknowledged, with a valid two-sided touch then), the seconds since that decision, `(now - previous) / 1e9`,
//!    count as quoted at the distance of then: `(mid half ticks - 2·bid) · (tick·0.5)`, or `(2·ask - mid half ticks) ·
//!    (tick·0.5)`. κ is refreshed at each fill and when 1 s of quoted time has come together since (`intensity`).
//! 2. **Wanted at all.** Quotes are wanted when `enabled`, `trading`, `book_valid`, the touch is two-sided and σ is
//!    there.
//! 3. **Horizon** T: the constant; or `seconds - (now - started)/1e9`, at least 0 and at most `seconds`.
//! 4. **Inventory** q = `position · (lot·multiplier)`; for an inverse contract that divided by the mid price (its lots
//!    are money). Mid price s = `mid half ticks · (tick·0.5)`.
//! 5. **Prices.** r = `s - q·γ·(σ·σ)·T`. For each side δ = `2/γ · log1p(γ/κ)`, κ the side's own when calibrated, plus
//!    `γ·(σ·σ)·T` when the inventory spread term is on. bid = `r - δ_bid·0.5`, ask = `r + δ_ask·0.5`; both through
//!    `grid::snap_outward`. If that refuses, or σ is negative or NaN, `code` is `QUOTER_INVALID` and no side is wanted.
//! 6. **Quantity.** `order_lots` through `gate::allowed_lots`, with the open lots of the side less those of the working
//!    quote. Zero lots: the side is not wanted.
//! 7. **Side not wanted:** Cancel when a quote is working and no cancel is on its way; else None. (A request in flight
//!    does not hold a cancel back. Whoever cannot send it yet may wait: it is asked for again at every decision.)
//! 8. **Side wanted, nothing working:** Place.
//! 9. **Side wanted, quote in flight:** None.
//! 10. **Side wanted, quote working:** Replace by the whole target when the prices differ by `requote_ticks` or more,
//!     or when the open lots are above the target's (the gate or the parameters allow less); else None. A part-filled
//!     quote keeps its place in the queue with what is left: it is filled up again only when its price moves.
//! 11. **Never against ourselves.** A Place or Replace that would meet our own working quote of the other side (bid at
//!     or above it, ask at or below it) is None until that one has moved or gone. It does not hold if the two working
//!     quotes already meet, since then each would wait for the other.
//!
//! Whoever acts on a decision sends cancels before places and replaces.
use types::config::{Horizon, QuoterParams};
use types::{Code, Contract, Instrument, Lots, Nanos, Side, Ticks, Touch, UnixNanos};

use crate::gate::allowed_lots;
use crate::grid::snap_outward_ticks;
use crate::intensity::{IntensityEstimator, PriorSummary};
use crate::model::{intensity_spread, inventory_spread, reservation_price};

/// The quoter's own order on one side, as order management sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkingQuote {
    /// Price in ticks; while a replace is on its way, the nearer to the other side of old and new: the higher of a
    /// bid's, the lower of an ask's (either may turn out to stand, and rule 11 must hold for both).
    pub price: Ticks,
    /// Lots not yet filled; while a replace is on its way, the larger of old and new.
    pub open_lots: Lots,
    /// The venue has acknowledged the order at least once: false only before the first answer.
    pub acknowledged: bool,
    /// A request is on its way: PendingNew, PendingReplace or PendingCancel.
    pub in_flight: bool,
    /// The request on its way is a cancel.
    pub cancelling: bool,
}

/// What a decision depends on. Two-element arrays are by `Side::index`: bid, ask.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct QuoteView {
    /// Engine time.
    pub now: UnixNanos,
    /// Engine time of the first input: the start of a countdown horizon.
    pub started: UnixNanos,
    /// The newest touch.
    pub touch: Option<Touch>,
    /// The L2 book is joined and has no gap.
    pub book_valid: bool,
    /// Volatility σ in price units per √second; `None` until its window is full.
    pub sigma: Option<f64>,
    /// Own position, long positive.
    pub position: Lots,
    /// The quoter's own order on each side.
    pub working: [Option<WorkingQuote>; 2],
    /// All live, pending and in-cancel lots of each side, the working quotes' and any other order's.
    pub side_open_lots: [Lots; 2],
    /// Trading is open for the quoter: not killed, not closing. (A venue that is down is the gate's to refuse.)
    pub trading: bool,
}

/// A quote wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuoteTarget {
    /// Price on the order increment.
    pub price: Ticks,
    /// Open lots the order should have, above zero.
    pub quantity: Lots,
}

/// What to do on one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuoteAction {
    /// Leave as it is.
    None,
    /// Send a new order.
    Place(QuoteTarget),
    /// Move the working order to this price and these open lots (the order's filled lots come on top of them).
    Replace(QuoteTarget),
    /// Cancel the working order.
    Cancel,
}

/// The outcome of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuoteDecision {
    /// The bid wanted; `None` when none is.
    pub bid: Option<QuoteTarget>,
    /// The ask wanted; `None` when none is.
    pub ask: Option<QuoteTarget>,
    /// What to do, by `Side::index`.
    pub actions: [QuoteAction; 2],
    /// `QuoterInvalid` when the model gave no price; `None` otherwise, also where quotes are simply not wanted.
    pub code: Option<Code>,
}

/// An Avellaneda-Stoikov maker for one instrument. A plain state machine: same calls, same decisions.
#[derive(Clone, Debug)]
pub struct Quoter {
    params: QuoterParams,
    instrument: Instrument,
    tick_price: f64,
    half_tick_price: f64,
    /// Base asset of one lot (linear), or money of one lot (inverse): lot size x multiplier.
    lot_worth: f64,
    /// δ of each side without the inventory term: all that depends on γ and κ alone.
    intensity_spread_price: [f64; 2],
    /// Kept for the whole life once calibration was on, so that switching it off and on loses nothing.
    estimators: [Option<IntensityEstimator>; 2],
    previous: UnixNanos,
    /// Distance from the mid of each quote that stood at the previous decision.
    quoted_distance_price: [Option<f64>; 2],
}

impl Quoter {
    /// A quoter that has seen nothing. Parameters come checked from the configuration; others give `QuoterInvalid`
    /// decisions.
    pub fn new(params: QuoterParams, instrument: &Instrument) -> Quoter {
        let tick_price = instrument.tick_f64();
        let mut quoter = Quoter {
            tick_price,
            half_tick_price: tick_price * 0.5,
            lot_worth: instrument.lot_f64() * instrument.multiplier.to_f64(),
            intensity_spread_price: [f64::NAN; 2],
            estimators: [None, None],
            previous: UnixNanos::NONE,
            quoted_distance_price: [None; 2],
            instrument: instrument.clone(),
            params: params.clone(),
        };
        quoter.set_params(params);
        quoter
    }

    /// Takes a whole new set of parameters; it rules from the next decision on. What the κ estimators observed is kept.
    pub fn set_params(&mut self, params: QuoterParams) {
        let prior_decay = params.intensity_decay_per_price;
        for (estimator, distance) in self.estimators.iter_mut().zip(&mut self.quoted_distance_price) {
            match (params.calibration, estimator) {
                (Some(calibration), Some(estimator)) => estimator.set_prior(calibration, prior_decay),
                (Some(calibration), empty) => *empty = Some(IntensityEstimator::new(calibration, prior_decay)),
                (None, _) => *distance = None,
            }
        }
        self.params = params;
        for side in Side::BOTH {
            self.refresh_spread(side);
        }
    }

    /// The parameters in force.
    pub fn params(&self) -> &QuoterParams {
        &self.params
    }

    /// κ in force on a side, 1/price.
    pub fn intensity_decay_per_price(&self, side: Side) -> f64 {
        match &self.estimators[side.index()] {
            Some(estimator) if self.params.calibration.is_some() => estimator.decay_per_price(),
            _ => self.params.intensity_decay_per_price,
        }
    }

    /// The prior of the κ estimates (the same on both sides), for reports; `None` without calibration.
    pub fn prior_summary(&self) -> Option<PriorSummary> {
        self.params.calibration.and(self.estimators[0].as_ref()).map(IntensityEstimator::prior_summary)
    }

    /// What was observed of a side, for reports; `None` without calibration.
    pub fn estimator(&self, side: Side) -> Option<&IntensityEstimator> {
        self.params.calibration.and(self.estimators[side.index()].as_ref())
    }

    /// One of the quoter's own orders had a fill report. Call it once per report, before the next `decide`.
    pub fn on_fill(&mut self, side: Side) {
        if self.params.calibration.is_some()
            && let Some(estimator) = &mut self.estimators[side.index()]
        {
            estimator.on_fill();
            self.refresh_spread(side);
        }
    }

    /// What to quote and what to do about it, by the rules of the module.
    pub fn decide(&mut self, view: &QuoteView) -> QuoteDecision {
        let mid_half_ticks = if view.book_valid { view.touch.as_ref().and_then(Touch::mid_half_ticks) } else { None };
        if self.params.calibration.is_some() {
            self.count_quoted_time(view, mid_half_ticks);
        }
        let (prices, code) = match (mid_half_ticks, &view.touch, view.sigma) {
            (Some(mid), Some(touch), Some(sigma)) if self.params.enabled && view.trading => {
                match self.prices(view, touch, mid, sigma) {
                    Ok(prices) => (Some(prices), None),
                    Err(code) => (None, Some(code)),
                }
            }
            _ => (None, None),
        };
        // Side by side, not by `map`: an array of options is stored narrow and loaded wide, and those stalls measured
        // more than all the rest of a decision.
        let bid = self.target(view, Side::Buy, prices.map(|[bid, _]| bid));
        let ask = self.target(view, Side::Sell, prices.map(|[_, ask]| ask));
        let actions = [self.action(view, Side::Buy, bid), self.action(view, Side::Sell, ask)];
        QuoteDecision { bid, ask, actions, code }
    }

    /// Rules 3 to 5.
    #[inline]
    fn prices(&self, view: &QuoteView, touch: &Touch, mid_half_ticks: i64, sigma: f64) -> Result<[Ticks; 2], Code> {
        // σ enters squared, which would hide a wrong sign. NaN goes on and is refused by the grid.
        if sigma < 0.0 {
            return Err(Code::QuoterInvalid);
        }
        let horizon_seconds = match self.params.horizon {
            Horizon::Constant { seconds } => seconds,
            Horizon::Countdown { seconds } => {
                let left = seconds - Nanos(view.now.since(view.started).0.max(0)).as_seconds();
                if left > 0.0 { left } else { 0.0 }
            }
        };
        let gamma = self.params.risk_aversion_per_money;
        let mid_price = mid_half_ticks as f64 * self.half_tick_price;
        let position_worth = view.position.0 as f64 * self.lot_worth;
        let inventory_base = match self.instrument.contract {
            Contract::Linear => position_worth,
            Contract::Inverse => position_worth / mid_price,
        };
        let reservation = reservation_price(mid_price, inventory_base, gamma, sigma, horizon_seconds);
        let [mut bid_spread, mut ask_spread] = self.intensity_spread_price;
        if self.params.inventory_spread_term {
            let term = inventory_spread(gamma, sigma, horizon_seconds);
            (bid_spread, ask_spread) = (bid_spread + term, ask_spread + term);
        }
        let (bid_price, ask_price) = (reservation - bid_spread * 0.5, reservation + ask_spread * 0.5);
        let (bid, ask) =
            snap_outward_ticks(bid_price / self.tick_price, ask_price / self.tick_price, &self.instrument, touch)?;
        Ok([bid, ask])
    }

    /// Rule 6.
    #[inline]
    fn target(&self, view: &QuoteView, side: Side, price: Option<Ticks>) -> Option<QuoteTarget> {
        let price = price?;
        let working_lots = view.working[side.index()].map_or(0, |quote| quote.open_lots.0.max(0));
        let others = Lots(view.side_open_lots[side.index()].0.saturating_sub(working_lots));
        let limit = self.params.max_inventory_lots;
        let quantity = allowed_lots(side, view.position, others, limit, self.params.order_lots);
        (quantity.0 > 0).then_some(QuoteTarget { price, quantity })
    }

    /// Rules 7 to 11.
    #[inline]
    fn action(&self, view: &QuoteView, side: Side, target: Option<QuoteTarget>) -> QuoteAction {
        let working = view.working[side.index()];
        let Some(target) = target else {
            return if working.is_some_and(|quote| !quote.cancelling) {
                QuoteAction::Cancel
            } else {
                QuoteAction::None
            };
        };
        let action = match working {
            None => QuoteAction::Place(target),
            Some(quote) if quote.in_flight => QuoteAction::None,
            Some(quote) => {
                let off = quote.price.0.abs_diff(target.price.0) >= self.params.requote_ticks.max(1) as u64;
                if off || quote.open_lots > target.quantity { QuoteAction::Replace(target) } else { QuoteAction::None }
            }
        };
        if action != QuoteAction::None && meets_own_quote(view, side, target.price) {
            QuoteAction::None
        } else {
            action
        }
    }

    /// Rule 1.
    fn count_quoted_time(&mut self, view: &QuoteView, mid_half_ticks: Option<i64>) {
        let seconds = view.now.since(self.previous).as_seconds();
        self.previous = view.now;
        for side in Side::BOTH {
            let at = side.index();
            let distance = match (view.working[at], mid_half_ticks) {
                (Some(quote), Some(mid)) if quote.acknowledged => {
                    let half_ticks = (mid as f64 - 2.0 * quote.price.0 as f64) * side.sign() as f64;
                    Some(half_ticks * self.half_tick_price)
                }
                _ => None,
            };
            let stood = core::mem::replace(&mut self.quoted_distance_price[at], distance);
            if let (Some(distance), Some(estimator)) = (stood, &mut self.estimators[at])
                && estimator.on_quoted(seconds, distance)
            {
                self.refresh_spread(side);
            }
        }
    }

    fn refresh_spread(&mut self, side: Side) {
        let (gamma, decay) = (self.params.risk_aversion_per_money, self.intensity_decay_per_price(side));
        // Two wrong signs would give a right-looking spread.
        let spread = if gamma > 0.0 && decay > 0.0 { intensity_spread(gamma, decay) } else { f64::NAN };
        self.intensity_spread_price[side.index()] = spread;
    }
}

/// Would an order at this price trade with our own working quote of the other side? Not asked where the two working
/// quotes already meet.
#[inline]
fn meets_own_quote(view: &QuoteView, side: Side, price: Ticks) -> bool {
    let Some(other) = view.working[side.opposite().index()] else { return false };
    let meets = |own: Ticks| match side {
        Side::Buy => own >= other.price,
        Side::Sell => own <= other.price,
    };
    meets(price) && !view.working[side.index()].is_some_and(|quote| meets(quote.price))
}
