//! # Room card: engine/quoting
//! In:    touch, volatility, position and working orders of one instrument.
//! Out:   the native quoter's decision carried out: cancels first, then replaces and new orders, bid before ask.
//! Holds: at most one native order a side and level; a standing refusal or model fault is published once, counted every
//!        time.
//! Costs: the decision itself is tens of ns when nothing is to be done.
use oms::{Order, OrderSpec};
use quote::{MarketSignals, OuterSummary, QuoteAction, QuoteTarget, QuoteView, WorkingQuote};
use types::{
    AlgoId, ClientId, Effects, Event, EventKind, InstrumentId, OrderEvent, OrderEventKind, OrderId, OrderState, Reject,
    Side, Ticks, TraderId, UnixNanos, flag,
};

use crate::Engine;

impl Engine {
    /// Decides the native quotes of one instrument and carries the decision out.
    pub(crate) fn decide(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        if self.markets[instrument.index()].quoter.is_none() {
            return;
        }
        let mut working = [None; 2];
        for side in Side::BOTH {
            working[side.index()] = self.working(instrument, side);
        }
        let outer = self.outer_working(instrument);
        let mut view = self.view(instrument, working, now);
        if let Some(outer) = &outer {
            view.outer = outer.summary();
        }
        let market = &mut self.markets[instrument.index()];
        let Some(quoter) = market.quoter.as_mut() else { return };
        let decision = quoter.decide(&view);
        let further = outer.map(|outer| quoter.decide_outer(&view, &decision, &outer));
        let wake_at = quoter.wake_at(&view);
        let failed_before = core::mem::replace(&mut market.model_failed, decision.code.is_some());
        match decision.code {
            Some(code) if failed_before => self.counts.faults.add(code),
            Some(code) => self.fault(code, instrument, now, effects),
            None => {}
        }
        self.show(instrument, [decision.bid, decision.ask], now, effects);
        // Cancels go before quotes: a stale quote costs more than a late one.
        for side in Side::BOTH {
            if decision.actions[side.index()] == QuoteAction::Cancel
                && let Some(id) = self.markets[instrument.index()].quotes[side.index()]
            {
                let _ = self.cancel(id, now, effects);
            }
        }
        if let Some(further) = &further {
            self.cancel_outer(instrument, further, now, effects);
        }
        for side in Side::BOTH {
            self.act(instrument, side, decision.actions[side.index()], now, effects);
        }
        if let Some(further) = &further {
            self.act_outer(instrument, further, now, effects);
        }
        if let Some(at) = wake_at {
            self.arm_quote_timer(at, effects);
        }
    }

    fn view(&self, instrument: InstrumentId, working: [Option<WorkingQuote>; 2], now: UnixNanos) -> QuoteView {
        let market = &self.markets[instrument.index()];
        let touch = market.touch();
        QuoteView {
            now,
            started: self.started,
            touch,
            book_valid: market.is_valid(),
            sigma: market.volatility.sigma(),
            position: self.orders.position(instrument).lots,
            working,
            side_open_lots: [
                self.orders.open_lots(instrument, Side::Buy),
                self.orders.open_lots(instrument, Side::Sell),
            ],
            trading: !self.closing && !self.gate.is_killed(),
            touch_at: market.touch_at,
            outer: OuterSummary::default(),
            signals: market.signals.as_ref().map_or(MarketSignals::default(), |signals| signals.seen(touch.as_ref())),
        }
    }

    /// The native order of a side, forgetting it when it has ended.
    fn working(&mut self, instrument: InstrumentId, side: Side) -> Option<WorkingQuote> {
        let slot = &mut self.markets[instrument.index()].quotes[side.index()];
        let order = (*slot).and_then(|id| self.orders.order(id)).filter(|order| order.state.is_open());
        if order.is_none() {
            *slot = None;
        }
        order.map(working_quote)
    }

    fn act(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        action: QuoteAction,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let (target, outcome) = match action {
            QuoteAction::None | QuoteAction::Cancel => return,
            QuoteAction::Place(target) => {
                (target, self.place_quote(instrument, side, &target, flag::POST_ONLY, now, effects))
            }
            QuoteAction::Take(target) => {
                let flags = flag::IOC | flag::REDUCE_ONLY;
                (target, self.place_quote(instrument, side, &target, flags, now, effects))
            }
            QuoteAction::Replace(target) => {
                let Some(id) = self.markets[instrument.index()].quotes[side.index()] else { return };
                (target, self.replace_quote(id, &target, now, effects))
            }
        };
        match outcome {
            Ok(()) => self.markets[instrument.index()].refused[side.index()] = None,
            Err(reject) => self.quote_refused(instrument, side, &target, &reject, now, effects),
        }
    }

    fn place_quote(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        target: &QuoteTarget,
        flags: u8,
        now: UnixNanos,
        effects: &mut Effects,
    ) -> Result<(), Reject> {
        let id = self.place_native(instrument, side, target, flags, now, effects)?;
        self.markets[instrument.index()].quotes[side.index()] = Some(id);
        Ok(())
    }

    /// An order of the native quoter.
    pub(crate) fn place_native(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        target: &QuoteTarget,
        flags: u8,
        now: UnixNanos,
        effects: &mut Effects,
    ) -> Result<OrderId, Reject> {
        let params = self.markets[instrument.index()].quoter.as_ref().map(|quoter| quoter.params());
        let spec = OrderSpec {
            instrument,
            side,
            price: target.price,
            quantity: target.quantity,
            flags,
            client_id: ClientId(0),
            algo_id: params.map_or(AlgoId(0), |params| params.algo_id),
            trader_id: params.map_or(TraderId(0), |params| params.trader_id),
        };
        self.place(&spec, now, effects)
    }

    pub(crate) fn replace_quote(
        &mut self,
        id: OrderId,
        target: &QuoteTarget,
        now: UnixNanos,
        effects: &mut Effects,
    ) -> Result<(), Reject> {
        let filled = self.orders.order(id).map_or(0, |order| order.filled.0);
        let total = types::Lots(target.quantity.0.saturating_add(filled));
        self.replace(id, target.price, total, now, effects).map(|_| ())
    }

    #[cold]
    fn quote_refused(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        target: &QuoteTarget,
        reject: &Reject,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let seen = &mut self.markets[instrument.index()].refused[side.index()];
        if seen.replace(reject.code) == Some(reject.code) {
            return self.counts.refused.add(reject.code);
        }
        self.say_refused(instrument, side, target, reject, now, effects);
    }

    /// Publishes the refusal of a native quote.
    pub(crate) fn say_refused(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        target: &QuoteTarget,
        reject: &Reject,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let mut event = OrderEvent::new(OrderEventKind::Refused, instrument, side, OrderId::NONE);
        (event.price, event.quantity, event.flags) = (target.price, target.quantity, flag::POST_ONLY);
        self.refuse(reject, event, now, effects);
    }

    /// Publishes the wanted quotes where they changed.
    fn show(
        &mut self,
        instrument: InstrumentId,
        targets: [Option<QuoteTarget>; 2],
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        for side in Side::BOTH {
            let wanted = targets[side.index()].map_or((Ticks(0), 0), |target| (target.price, target.quantity.0));
            if self.markets[instrument.index()].shown[side.index()] == wanted {
                continue;
            }
            let mut event = Event::new(EventKind::Quote, instrument);
            (event.side, event.price, event.quantity) = (side as u8, wanted.0, types::Lots(wanted.1));
            // What found no room is shown at the next decision.
            if self.publish_beside(event, now, effects).is_some() {
                self.markets[instrument.index()].shown[side.index()] = wanted;
            }
        }
    }

    /// Tells the quoter's intensity estimate of a fill of one of its orders.
    pub(crate) fn filled(&mut self, event: &OrderEvent) {
        let market = &mut self.markets[event.instrument().index()];
        if let (Some(quoter), Some(side)) = (market.quoter.as_mut(), event.side())
            && market.quotes[side.index()] == Some(event.order_id())
        {
            quoter.on_fill(side);
        }
    }
}

/// A native order as the quoter sees it.
pub(crate) fn working_quote(order: &Order) -> WorkingQuote {
    WorkingQuote {
        price: nearest_price(order),
        open_lots: order.open_lots(),
        acknowledged: order.state != OrderState::New && order.pending.new == 0,
        in_flight: matches!(
            order.state,
            OrderState::New | OrderState::PendingNew | OrderState::PendingReplace | OrderState::PendingCancel
        ),
        cancelling: order.state == OrderState::PendingCancel,
        taking: order.flags & flag::IOC != 0,
    }
}

/// The price an order may trade at soonest: while a replace is on its way, the nearer of old and new to the other side.
fn nearest_price(order: &Order) -> Ticks {
    let asked = order.pending.replace;
    match order.side {
        _ if asked.request == 0 => order.price,
        Side::Buy => order.price.max(asked.price),
        Side::Sell => order.price.min(asked.price),
    }
}
