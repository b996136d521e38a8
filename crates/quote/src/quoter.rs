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
//!    A and κ from the market's trades: `market_fit`; they are in force from the touch on at which a refit settles.
//! 2. **Wanted at all** (`standing`). Quotes are wanted when `enabled`, `trading`, `book_valid`, the touch is two-sided
//!    and σ is there (or the parameters say which σ counts until it is).
//! 3. **Horizon** T (`pricing`, 3 to 5): the constant; or `seconds - (now - started)/1e9`, at least 0 and at most
//!    `seconds`.
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
//! Around the model, each off unless its parameters are there:
//!
//! 12. **Stale feed.** No quotes once the feed has brought no touch for `stale_feed`, by receive time alone.
//! 13. **Volatility pause.** No quotes from σ above the upper limit until σ is below the lower.
//! 14. **Toxic flow.** No quotes while toxicity (`flow`, VPIN of the view, or published; a published value that is
//!     missing or too old counts as 1, a VPIN that is not there yet as 0) is above `pull_above`.
//! 15. **End of session.** From `reduce` on the gate's limit is zero: only the reducing side is quoted, at most the
//!     position. From `cross` on see 22. From `over` on no quotes.
//! 16. **Toxicity widening.** Each half spread grows by `widening`·toxicity times itself.
//! 17. **Largest spread.** In whole ticks after rounding: both quotes come in evenly, an odd tick on the ask.
//! 18. **Smallest spread.** Both go out evenly.
//! 19. **Fees.** Both go out evenly until a round trip at the two quotes earns both maker fees. 17 to 19 hold for two
//!     sides; fees are the last word, and the touch and the increments after them only widen.
//! 20. **Sizing.** Quantity before the gate: fixed; `order_lots·e^(-shape·|position|/max)`, rounded down, at least one
//!     lot, on the side that adds; or `fraction` of what rests at the touch on the side.
//! 21. **QuoteLadder.** See `ladder`.
//! 22. **Crossing.** Quotes are cancelled; then one order at a time on the reducing side takes up to `order_lots`, at
//!     most `cross_limit_ticks` through the touch, immediate or cancel and reduce-only, until nothing is left.
//!
//! Fair value and drift (`pricing`): s is the mid, the weighted mid, the micro-price of the view (the mid where it has
//! none) or a published value; r moves by drift x seconds. A model of `Strategy` takes bid and ask as asked for; σ is
//! not needed then. Infinite horizon and the other model stand in `model` and `glft`; beyond the inventory limit the
//! infinite horizon prices as at the limit.
//!
//! Whoever acts on a decision sends cancels before places and replaces.
use types::config::{Model, QuoterParams, QuoterRules, Sizing};
use types::{Code, Contract, Instrument, Lots, Side, Ticks, Touch, UnixNanos};

use crate::flow::TradeFlow;
use crate::gate::allowed_lots;
use crate::glft::Glft;
use crate::grid::{increment_at_or_above, increment_at_or_below};
use crate::intensity::IntensityEstimator;
use crate::ladder::OuterSummary;
use crate::market_fit::MarketFit;
use crate::model::intensity_spread;
use crate::published::{AskedQuotes, Published};
use crate::terms::{QuoteTerms, Standing};

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
    /// It takes (immediate or cancel): the end of a session, no quote.
    pub taking: bool,
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
    /// Volatility σ in price units per √second; `None` until there are mids enough for one.
    pub sigma: Option<f64>,
    /// Own position, long positive.
    pub position: Lots,
    /// The quoter's own order on each side.
    pub working: [Option<WorkingQuote>; 2],
    /// All live, pending and in-cancel lots of each side, the working quotes' and any other order's.
    pub side_open_lots: [Lots; 2],
    /// Trading is open for the quoter: not killed, not closing. (A venue that is down is the gate's to refuse.)
    pub trading: bool,
    /// When the feed last brought a touch, by our clock.
    pub touch_at: UnixNanos,
    /// The quoter's further levels; nothing without a ladder.
    pub outer: OuterSummary,
    /// Signals of the market that the rules ask for; nothing where they do not.
    pub signals: MarketSignals,
}

/// Signals of the market that another room computes for the rules.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MarketSignals {
    /// Micro-price of the touch, ticks; `None` where its table has none.
    pub micro_price_ticks: Option<f64>,
    /// VPIN of the trades, 0 to 1; `None` until its buckets are full.
    pub vpin: Option<f64>,
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
    /// Send a new order that takes at this price or better, immediate or cancel, reduce-only (the end of a session).
    Take(QuoteTarget),
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

/// A maker for one instrument. A plain state machine: same calls, same decisions.
#[derive(Clone, Debug)]
pub struct Quoter {
    pub(crate) params: QuoterParams,
    pub(crate) instrument: Instrument,
    pub(crate) tick_price: f64,
    pub(crate) half_tick_price: f64,
    /// Base asset of one lot (linear), or money of one lot (inverse): lot size x multiplier.
    pub(crate) lot_worth: f64,
    /// δ of each side without the inventory term: all that depends on γ and κ alone.
    pub(crate) intensity_spread_price: [f64; 2],
    /// The other model, where it is chosen.
    pub(crate) glft: Option<Glft>,
    /// A and κ from the market, where asked for.
    pub(crate) market: Option<Box<MarketFit>>,
    /// Some rule around the model is on.
    pub(crate) ruled: bool,
    /// Kept for the whole life once calibration was on, so that switching it off and on loses nothing.
    pub(crate) estimators: [Option<IntensityEstimator>; 2],
    previous: UnixNanos,
    /// Distance from the mid of each quote that stood at the previous decision.
    quoted_distance_price: [Option<f64>; 2],
    pub(crate) published: Published,
    pub(crate) asked: Option<AskedQuotes>,
    pub(crate) flow: TradeFlow,
    /// The volatility pause is on.
    pub(crate) paused: bool,
    pub(crate) terms: QuoteTerms,
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
            glft: None,
            market: None,
            ruled: false,
            estimators: [None, None],
            previous: UnixNanos::NONE,
            quoted_distance_price: [None; 2],
            published: Published::default(),
            asked: None,
            flow: TradeFlow::default(),
            paused: false,
            terms: QuoteTerms::default(),
            instrument: instrument.clone(),
            params: params.clone(),
        };
        quoter.set_params(params);
        quoter
    }

    /// Takes a whole new set of parameters; it rules from the next decision on. What the κ estimators observed, what
    /// was published and the flow of trades are kept.
    pub fn set_params(&mut self, params: QuoterParams) {
        let prior_decay = params.intensity_decay_per_price;
        for (estimator, distance) in self.estimators.iter_mut().zip(&mut self.quoted_distance_price) {
            match (params.calibration, estimator) {
                (Some(calibration), Some(estimator)) => estimator.set_prior(calibration, prior_decay),
                (Some(calibration), empty) => *empty = Some(IntensityEstimator::new(calibration, prior_decay)),
                (None, _) => *distance = None,
            }
        }
        let seen = self.market.take();
        self.market = params.market_calibration.and_then(|calibration| {
            let kept = seen.and_then(|mut fit| fit.set_params(calibration).then_some(fit));
            kept.or_else(|| MarketFit::new(calibration, self.tick_price).ok().map(Box::new))
        });
        self.ruled = params.model == Model::Strategy || params.rules != QuoterRules::default();
        self.params = params;
        self.terms = QuoteTerms { tick_price: self.tick_price, ..QuoteTerms::default() };
        for side in Side::BOTH {
            self.refresh_spread(side);
        }
    }

    /// How the last decision came to be.
    pub fn terms(&self) -> &QuoteTerms {
        &self.terms
    }

    /// The parameters in force.
    pub fn params(&self) -> &QuoterParams {
        &self.params
    }

    /// What to quote and what to do about it, by the rules of the module.
    pub fn decide(&mut self, view: &QuoteView) -> QuoteDecision {
        let mid_half_ticks = if view.book_valid { view.touch.as_ref().and_then(Touch::mid_half_ticks) } else { None };
        if self.params.calibration.is_some() {
            self.count_quoted_time(view, mid_half_ticks);
        }
        let phase = self.phase(view);
        self.terms.standing = self.standing(view, mid_half_ticks, phase);
        let limit = self.limit(phase);
        (self.terms.now, self.terms.position, self.terms.limit_lots) = (view.now, view.position, limit);
        let (prices, code) = match (self.terms.standing, mid_half_ticks, &view.touch) {
            (Standing::Quoting, Some(mid), Some(touch)) => match self.prices(view, touch, mid) {
                Ok(prices) => (prices, None),
                Err(code) => {
                    self.terms.standing = Standing::ModelInvalid;
                    ([None; 2], Some(code))
                }
            },
            (Standing::Crossing, _, Some(touch)) => return self.cross(view, touch),
            _ => ([None; 2], None),
        };
        // Side by side, not by `map`: an array of options is stored narrow and loaded wide, and those stalls measured
        // more than all the rest of a decision.
        let [bid, ask] = prices;
        let bid = self.target(view, Side::Buy, bid, limit);
        let ask = self.target(view, Side::Sell, ask, limit);
        let actions = [self.action(view, Side::Buy, bid, limit), self.action(view, Side::Sell, ask, limit)];
        QuoteDecision { bid, ask, actions, code }
    }

    /// Rule 6: the plan.
    #[inline]
    fn target(&mut self, view: &QuoteView, side: Side, price: Option<Ticks>, limit: Lots) -> Option<QuoteTarget> {
        let at = side.index();
        let working_lots = view.working[at].map_or(0, |quote| quote.open_lots.0.max(0));
        let others = view.side_open_lots[at].0.saturating_sub(working_lots);
        let terms = &mut self.terms.sides[at];
        (terms.other_lots, terms.lots) = (Lots(others), Lots::ZERO);
        let price = price?;
        let wanted = if self.ruled { self.sized(view, side) } else { self.params.order_lots };
        // Levels behind this one give way to it.
        let before = Lots(others.saturating_sub(view.outer.open_lots[at].0));
        let quantity = allowed_lots(side, view.position, before, limit, wanted);
        let terms = &mut self.terms.sides[at];
        (terms.wanted_lots, terms.lots) = (wanted, quantity);
        (quantity.0 > 0).then_some(QuoteTarget { price, quantity })
    }

    /// Rule 20.
    fn sized(&self, view: &QuoteView, side: Side) -> Lots {
        let (at, whole) = (side.index(), self.params.order_lots);
        if let (Model::Strategy, Some(asked)) = (self.params.model, &self.asked)
            && asked.lots[at].0 > 0
        {
            return asked.lots[at];
        }
        match self.params.rules.sizing {
            Sizing::Fixed => whole,
            Sizing::Inventory { .. } if view.position.0.saturating_mul(side.sign()) <= 0 => whole,
            Sizing::Inventory { shape } => {
                let held = libm::fabs(view.position.0 as f64) / self.params.max_inventory_lots.0 as f64;
                Lots(((whole.0 as f64 * libm::exp(-shape * held)) as i64).max(1))
            }
            Sizing::Depth { fraction, min_lots } => {
                let touch = view.touch.unwrap_or_default();
                let resting = if side == Side::Buy { touch.bid_lots } else { touch.ask_lots };
                Lots(((resting.0 as f64 * fraction) as i64).clamp(min_lots.0, whole.0.max(min_lots.0)))
            }
        }
    }

    /// Rules 7 to 11.
    #[inline]
    fn action(&self, view: &QuoteView, side: Side, target: Option<QuoteTarget>, limit: Lots) -> QuoteAction {
        let (at, nearest) = (side.index(), self.nearest_opposite(view, side));
        let others = self.terms.sides[at].other_lots;
        self.level_action(side, view.working[at], target, nearest, |target| {
            allowed_lots(side, view.position, others, limit, target.quantity)
        })
    }

    /// Rule 22: out of what is left, by orders that take; quotes that still work go first.
    #[inline(never)]
    fn cross(&mut self, view: &QuoteView, touch: &Touch) -> QuoteDecision {
        let mut decision = QuoteDecision { bid: None, ask: None, actions: [QuoteAction::None; 2], code: None };
        let through = self.params.rules.unwind.map_or(0, |unwind| unwind.cross_limit_ticks);
        for side in Side::BOTH {
            let at = side.index();
            let limit = match side {
                Side::Buy => increment_at_or_below(&self.instrument, Ticks(touch.ask.0.saturating_add(through))),
                Side::Sell => {
                    increment_at_or_above(&self.instrument, Ticks((touch.bid.0.saturating_sub(through)).max(1)))
                }
            };
            let lots = allowed_lots(side, view.position, view.side_open_lots[at], Lots::ZERO, self.params.order_lots);
            let target = limit.map(|price| QuoteTarget { price, quantity: lots }).filter(|_| lots.0 > 0);
            decision.actions[at] = match (view.working[at], target) {
                (Some(quote), _) if quote.taking || quote.cancelling => QuoteAction::None,
                (Some(_), _) => QuoteAction::Cancel,
                // Not against a quote of our own that is still on its way out.
                (None, Some(target)) if self.nearest_opposite(view, side).is_none() => QuoteAction::Take(target),
                (None, _) => QuoteAction::None,
            };
            if side == Side::Buy { decision.bid = target } else { decision.ask = target }
        }
        decision
    }

    pub(crate) fn is_crossing(&self) -> bool {
        self.terms.standing == Standing::Crossing
    }

    pub(crate) fn limit_of(&self, view: &QuoteView) -> Lots {
        self.limit(self.phase(view))
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

    pub(crate) fn refresh_spread(&mut self, side: Side) {
        let (gamma, decay) = (self.params.risk_aversion_per_money, self.intensity_decay_per_price(side));
        // Two wrong signs would give a right-looking spread.
        let spread = if gamma > 0.0 && decay > 0.0 { intensity_spread(gamma, decay) } else { f64::NAN };
        self.intensity_spread_price[side.index()] = spread;
        // The mid is read for an inverse contract only, whose model is made anew at each decision.
        self.glft = if self.instrument.contract == Contract::Linear { self.new_glft(f64::NAN) } else { None };
    }
}

/// Would an order of a side at this price trade with one of the other side at `other`?
#[inline]
pub(crate) fn meets(side: Side, price: Ticks, other: Ticks) -> bool {
    match side {
        Side::Buy => price >= other,
        Side::Sell => price <= other,
    }
}
