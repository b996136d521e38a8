//! # Room card: engine/levels
//! In:    what the native quoter decided about the levels behind the first; the orders that carry them.
//! Out:   cancels of all of them, then, in a later call, replaces and new orders from the inside out.
//! Holds: at most one native order a level; nothing is done for an instrument without a ladder and without levels left
//!        from one.
//! Costs: two loops over the levels where there is a ladder, else a comparison.
use quote::{OUTER_LEVELS_MAX, OuterActions, OuterQuotes, QuoteAction};
use types::{Code, Effects, InstrumentId, OrderId, Side, UnixNanos, flag};

use crate::Engine;
use crate::quoting::working_quote;

/// The native orders behind the first level.
#[derive(Default)]
pub(crate) struct Outer {
    ids: [[Option<OrderId>; OUTER_LEVELS_MAX]; 2],
    /// Last refusal of each, so that a standing reason is published once.
    refused: [[Option<Code>; OUTER_LEVELS_MAX]; 2],
    /// Some order may be there.
    live: bool,
}

impl Outer {
    pub(crate) fn ids(&self, side: Side) -> &[Option<OrderId>] {
        &self.ids[side.index()]
    }
    pub(crate) fn has(&self, id: OrderId) -> bool {
        self.live && self.ids.iter().any(|side| side.contains(&Some(id)))
    }
}

impl Engine {
    /// The working orders of the further levels, forgetting those that have ended; `None` when there are none and none
    /// are wanted.
    #[inline]
    pub(crate) fn outer_working(&mut self, instrument: InstrumentId) -> Option<OuterQuotes> {
        let market = &mut self.markets[instrument.index()];
        let wanted = market.quoter.as_ref().is_some_and(|quoter| quoter.levels() > 1);
        if !wanted && !market.outer.live {
            return None;
        }
        market.outer.live = wanted;
        let mut outer = OuterQuotes::default();
        for side in Side::BOTH.map(Side::index) {
            for level in 0..OUTER_LEVELS_MAX {
                let slot = &mut market.outer.ids[side][level];
                let order = (*slot).and_then(|id| self.orders.order(id)).filter(|order| order.state.is_open());
                match order {
                    Some(order) => {
                        outer.working[side][level] = Some(working_quote(order));
                        market.outer.live = true;
                    }
                    None => *slot = None,
                }
            }
        }
        Some(outer)
    }

    pub(crate) fn cancel_outer(
        &mut self,
        instrument: InstrumentId,
        decided: &OuterActions,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        for side in Side::BOTH.map(Side::index) {
            for level in 0..OUTER_LEVELS_MAX {
                if decided.actions[side][level] == QuoteAction::Cancel
                    && let Some(id) = self.markets[instrument.index()].outer.ids[side][level]
                {
                    let _ = self.cancel(id, now, effects);
                }
            }
        }
    }

    pub(crate) fn act_outer(
        &mut self,
        instrument: InstrumentId,
        decided: &OuterActions,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        for level in 0..OUTER_LEVELS_MAX {
            for side in Side::BOTH {
                let at = side.index();
                let (target, outcome) = match decided.actions[at][level] {
                    QuoteAction::Place(target) => {
                        let placed = self.place_native(instrument, side, &target, flag::POST_ONLY, now, effects);
                        (target, placed.map(|id| self.markets[instrument.index()].outer.ids[at][level] = Some(id)))
                    }
                    QuoteAction::Replace(target) => {
                        let Some(id) = self.markets[instrument.index()].outer.ids[at][level] else { continue };
                        (target, self.replace_quote(id, &target, now, effects))
                    }
                    QuoteAction::None | QuoteAction::Cancel | QuoteAction::Take(_) => continue,
                };
                let seen = &mut self.markets[instrument.index()].outer.refused[at][level];
                match outcome {
                    Ok(()) => *seen = None,
                    Err(reject) if seen.replace(reject.code) == Some(reject.code) => {
                        self.counts.refused.add(reject.code);
                    }
                    Err(reject) => self.say_refused(instrument, side, &target, &reject, now, effects),
                }
            }
        }
    }
}
