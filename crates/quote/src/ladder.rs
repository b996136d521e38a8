//! # Room card: quote/ladder
//! In:    the decision of the first level, the working quotes of the further levels.
//! Out:   for each further level of each side the quote wanted and what to do about it.
//! Holds: inner levels are served first; what is sent never passes the gate, whatever is in flight on any level; a
//!        level rests strictly behind the one before it.
//! Costs: a loop over the levels, at most `QUOTE_LEVELS_MAX` a side; not called without a ladder.
//!
//! Level k rests k·`spacing_ticks` behind the first, on the next order increment outward. Its quantity is the first
//! level's before the gate times growth^k, rounded down, at least one lot. The gate is asked twice for each level. The
//! **plan** counts the orders of others and what the levels before it are to have: so an inner level takes room from an
//! outer one. The **allowance** counts every open lot of the side, in flight or not, and what this decision adds: so
//! nothing is sent before the room for it is free. An outer level with more than its plan is made smaller or cancelled;
//! an inner one with a plan and no allowance waits.
use types::limits::QUOTE_LEVELS_MAX;
use types::{Lots, Side, Ticks};

use crate::gate::allowed_lots;
use crate::grid::{increment_at_or_above, increment_at_or_below};
use crate::quoter::{QuoteAction, QuoteDecision, QuoteTarget, QuoteView, Quoter, WorkingQuote, meets};

/// Levels beyond the first.
pub const OUTER_LEVELS_MAX: usize = QUOTE_LEVELS_MAX - 1;

/// Working quotes of the further levels, by side and level.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct OuterQuotes {
    /// `working[side][k]` is level k + 1.
    pub working: [[Option<WorkingQuote>; OUTER_LEVELS_MAX]; 2],
}

/// What the further levels come to on each side; part of the view of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OuterSummary {
    /// Open lots, as in `QuoteView::side_open_lots`.
    pub open_lots: [Lots; 2],
    /// The price nearest to the other side.
    pub nearest: [Option<Ticks>; 2],
}

impl OuterQuotes {
    /// Their sum.
    pub fn summary(&self) -> OuterSummary {
        let mut summary = OuterSummary::default();
        for side in Side::BOTH.map(Side::index) {
            for quote in self.working[side].iter().flatten() {
                let open = &mut summary.open_lots[side];
                *open = Lots(open.0.saturating_add(quote.open_lots.0.max(0)));
                let nearest = summary.nearest[side].get_or_insert(quote.price);
                *nearest = if side == 0 { quote.price.max(*nearest) } else { quote.price.min(*nearest) };
            }
        }
        summary
    }
}

/// What to do about the further levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OuterActions {
    /// The quotes wanted, by side and level.
    pub targets: [[Option<QuoteTarget>; OUTER_LEVELS_MAX]; 2],
    /// What to do, by side and level.
    pub actions: [[QuoteAction; OUTER_LEVELS_MAX]; 2],
}

impl Default for OuterActions {
    fn default() -> Self {
        OuterActions { targets: [[None; OUTER_LEVELS_MAX]; 2], actions: [[QuoteAction::None; OUTER_LEVELS_MAX]; 2] }
    }
}

impl Quoter {
    /// Levels a side.
    pub fn levels(&self) -> usize {
        self.params.rules.ladder.levels
    }

    /// Rule 21: what to do about the further levels after `inner` was decided on the same view.
    pub fn decide_outer(&self, view: &QuoteView, inner: &QuoteDecision, outer: &OuterQuotes) -> OuterActions {
        let mut decided = OuterActions::default();
        for (side, first) in Side::BOTH.into_iter().zip([inner.bid, inner.ask]) {
            self.outer_side(view, side, first, inner.actions[side.index()], outer, &mut decided);
        }
        decided
    }

    fn outer_side(
        &self,
        view: &QuoteView,
        side: Side,
        first: Option<QuoteTarget>,
        first_action: QuoteAction,
        outer: &OuterQuotes,
        decided: &mut OuterActions,
    ) {
        let at = side.index();
        let ladder = self.params.rules.ladder;
        let crossing = matches!(first_action, QuoteAction::Take(_)) || self.is_crossing();
        let first_open = view.working[at].map_or(0, |quote| quote.open_lots.0.max(0));
        let own = first_open.saturating_add(view.outer.open_lots[at].0);
        let foreign = view.side_open_lots[at].0.saturating_sub(own);
        let mut planned = first.map_or(0, |target| target.quantity.0);
        let mut open = view.side_open_lots[at].0.saturating_add(grown(first_action, first_open));
        let (mut behind, limit) = (first.map(|target| target.price), self.limit_of(view));
        let mut size = self.terms.sides[at].wanted_lots.0 as f64;
        for k in 0..OUTER_LEVELS_MAX {
            let working = outer.working[at][k];
            size *= ladder.size_growth;
            let price = match behind {
                Some(price) if k + 1 < ladder.levels && !crossing => self.level_price(side, first, price, k),
                _ => None,
            };
            behind = price;
            let target = price.and_then(|price| {
                let wanted = Lots((size as i64).max(1));
                let taken = Lots(foreign.saturating_add(planned));
                let quantity = allowed_lots(side, view.position, taken, limit, wanted);
                (quantity.0 > 0).then_some(QuoteTarget { price, quantity })
            });
            planned = planned.saturating_add(target.map_or(0, |target| target.quantity.0));
            let working_open = working.map_or(0, |quote| quote.open_lots.0.max(0));
            let others = Lots(open.saturating_sub(working_open));
            let nearest = self.nearest_opposite(view, side);
            let action = self.level_action(side, working, target, nearest, |target| {
                allowed_lots(side, view.position, others, limit, target.quantity)
            });
            open = open.saturating_add(grown(action, working_open));
            (decided.targets[at][k], decided.actions[at][k]) = (target, action);
        }
    }

    /// Strictly behind the level before; `None` where no positive price is left.
    fn level_price(&self, side: Side, first: Option<QuoteTarget>, before: Ticks, k: usize) -> Option<Ticks> {
        let first = first?.price;
        let distance = self.params.rules.ladder.spacing_ticks.saturating_mul(k as i64 + 1);
        let price = match side {
            Side::Buy => {
                let wanted = first.0.saturating_sub(distance).min(before.0.saturating_sub(1));
                increment_at_or_below(&self.instrument, Ticks(wanted))?
            }
            Side::Sell => {
                let wanted = first.0.saturating_add(distance).max(before.0.saturating_add(1));
                increment_at_or_above(&self.instrument, Ticks(wanted))?
            }
        };
        (price.0 > 0).then_some(price)
    }

    /// Our own working price of the other side that is nearest to this one.
    pub(crate) fn nearest_opposite(&self, view: &QuoteView, side: Side) -> Option<Ticks> {
        let other = side.opposite();
        let first = view.working[other.index()].map(|quote| quote.price);
        match (first, view.outer.nearest[other.index()]) {
            (Some(first), Some(outer)) => Some(match other {
                Side::Buy => first.max(outer),
                Side::Sell => first.min(outer),
            }),
            (first, outer) => first.or(outer),
        }
    }

    /// Rules 7 to 11 for one order. `allowance` is asked for what may be sent now.
    #[inline]
    pub(crate) fn level_action(
        &self,
        side: Side,
        working: Option<WorkingQuote>,
        target: Option<QuoteTarget>,
        nearest_opposite: Option<Ticks>,
        allowance: impl Fn(QuoteTarget) -> Lots,
    ) -> QuoteAction {
        let cancel = match working {
            Some(quote) if !quote.cancelling => QuoteAction::Cancel,
            _ => QuoteAction::None,
        };
        let Some(target) = target else { return cancel };
        let action = match working {
            None => QuoteAction::Place(target),
            Some(quote) if quote.in_flight => return QuoteAction::None,
            // An order that takes is no quote: it ends by itself.
            Some(quote) if quote.taking => return QuoteAction::None,
            Some(quote) => {
                let off = quote.price.0.abs_diff(target.price.0) >= self.params.requote_ticks.max(1) as u64;
                if off || quote.open_lots > target.quantity {
                    QuoteAction::Replace(target)
                } else {
                    return QuoteAction::None;
                }
            }
        };
        // Never against ourselves: not asked where the two working quotes already meet.
        let own = working.map(|quote| quote.price);
        if let Some(other) = nearest_opposite
            && meets(side, target.price, other)
            && !own.is_some_and(|own| meets(side, own, other))
        {
            return QuoteAction::None;
        }
        let allowed = allowance(target);
        match action {
            _ if allowed == target.quantity => action,
            QuoteAction::Place(_) if allowed.0 <= 0 => QuoteAction::None,
            QuoteAction::Place(_) => QuoteAction::Place(QuoteTarget { quantity: allowed, ..target }),
            _ if allowed.0 <= 0 => cancel,
            _ => QuoteAction::Replace(QuoteTarget { quantity: allowed, ..target }),
        }
    }
}

/// By how much an action adds to the open lots of its side.
fn grown(action: QuoteAction, open: i64) -> i64 {
    match action {
        QuoteAction::Place(target) | QuoteAction::Take(target) => target.quantity.0,
        QuoteAction::Replace(target) => target.quantity.0.saturating_sub(open).max(0),
        QuoteAction::None | QuoteAction::Cancel => 0,
    }
}
