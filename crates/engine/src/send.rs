//! # Room card: engine/send
//! In:    wanted orders, cancels and replaces of the native quoter and of strategies.
//! Out:   gate, then order table, then FIX bytes and the order's event, in that order.
//! Holds: the gate sits before every new and replace and before no cancel; every request leaves one event with its
//!        state.
//! Costs: gate, table, encode and two effect copies: `npm run bench -- engine`.
use oms::{Order, OrderSpec};
use risk::{Exposure, OrderAsk, Reference};
use types::{
    Code, ConnId, Effects, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Reject, Side, Ticks,
    UnixNanos, VenueId, flag,
};
use wire::fix;

use crate::Engine;
use crate::entry::Sent;

impl Engine {
    /// Sends a new order if the gate and the table agree.
    pub(crate) fn place(&mut self, spec: &OrderSpec, now: UnixNanos, effects: &mut Effects) -> Result<OrderId, Reject> {
        let ask = OrderAsk {
            side: spec.side,
            price: spec.price,
            quantity: spec.quantity,
            replaces: None,
            reduce_only: spec.flags & flag::REDUCE_ONLY != 0,
        };
        self.check(spec.instrument, &ask, now)?;
        let event = self.orders.place(spec, now).map_err(|code| self.table_reject(code, spec.quantity))?;
        self.counts.new_orders += 1;
        let order = fix::NewOrder {
            cl_ord_id: event.request_id(),
            instrument: &self.setup.instruments[spec.instrument.index()],
            side: spec.side,
            price: spec.price,
            quantity: spec.quantity,
            flags: spec.flags,
        };
        let entry = &self.entries[order.instrument.venue.0 as usize];
        let header = entry.header(now);
        let length = fix::new_order(&mut self.message[..], &header, &order);
        self.sent(length, event, effects);
        Ok(event.order_id())
    }

    /// Sends a replace if the gate and the table agree; the order's instrument. `quantity` is the new total, filled
    /// part included.
    pub(crate) fn replace(
        &mut self,
        id: OrderId,
        price: Ticks,
        quantity: Lots,
        now: UnixNanos,
        effects: &mut Effects,
    ) -> Result<InstrumentId, Reject> {
        let Some(order) = self.orders.order(id) else { return Err(self.table_reject(Code::UnknownOrder, quantity)) };
        let (instrument, side, filled) = (order.instrument, order.side, order.filled);
        let orig = self.orders.current_cl_ord_id(id);
        let ask = OrderAsk {
            side,
            price,
            quantity: Lots(quantity.0.saturating_sub(filled.0)),
            replaces: Some(order.open_lots()),
            reduce_only: order.flags & flag::REDUCE_ONLY != 0,
        };
        let flags = order.flags;
        self.check(instrument, &ask, now)?;
        let event = self.orders.replace(id, price, quantity, now).map_err(|code| self.table_reject(code, quantity))?;
        self.counts.replaces += 1;
        let order = fix::ReplaceOrder {
            cl_ord_id: event.request_id(),
            orig_cl_ord_id: orig,
            instrument: &self.setup.instruments[instrument.index()],
            side,
            price,
            quantity,
            flags,
        };
        let entry = &self.entries[order.instrument.venue.0 as usize];
        let header = entry.header(now);
        let length = fix::replace_order(&mut self.message[..], &header, &order);
        self.sent(length, event, effects);
        Ok(instrument)
    }

    /// Sends a cancel. Nothing but the order's own state can refuse it, and a FIX session that is not open (VenueDown):
    /// the mass cancel after the next logon stands for it.
    pub(crate) fn cancel(&mut self, id: OrderId, now: UnixNanos, effects: &mut Effects) -> Result<(), Code> {
        if let Some(order) = self.orders.order(id)
            && !self.entries[self.venue_of(order.instrument).0 as usize].takes_requests()
        {
            return Err(if order.state.is_open() { Code::VenueDown } else { Code::IllegalTransition });
        }
        let orig = self.orders.current_cl_ord_id(id);
        let event = self.orders.cancel(id, now)?;
        self.counts.cancels += 1;
        let Some(side) = event.side() else { return Err(Code::UnknownOrder) };
        let order = fix::CancelOrder {
            cl_ord_id: event.request_id(),
            orig_cl_ord_id: orig,
            instrument: &self.setup.instruments[event.instrument().index()],
            side,
            quantity: event.quantity,
        };
        let entry = &self.entries[order.instrument.venue.0 as usize];
        let header = entry.header(now);
        let length = fix::cancel_order(&mut self.message[..], &header, &order);
        self.sent(length, event, effects);
        Ok(())
    }

    /// Hands an encoded message to the wire and publishes the request's event.
    fn sent(&mut self, length: Result<usize, Code>, event: OrderEvent, effects: &mut Effects) {
        let venue = self.setup.instruments[event.instrument().index()].venue;
        match length {
            Ok(length) => {
                effects.send(ConnId::orders(venue), &self.message[..length]);
                self.entries[venue.0 as usize].sent(Sent::Request(event.request), event.submission_time);
            }
            // Comp ids and symbols are checked at start and ticks by the gate, so no order can reach this; if one does,
            // it stands unacknowledged and the acknowledgement time-out says so.
            Err(code) => return self.unencoded(code, event, effects),
        }
        self.publish_order(event, effects);
        if event.kind() != Some(OrderEventKind::Cancel) {
            let instrument = &self.setup.instruments[event.instrument().index()];
            self.gate.sent(instrument, event.request_id(), event.submission_time);
        }
    }

    #[cold]
    fn unencoded(&mut self, code: Code, event: OrderEvent, effects: &mut Effects) {
        self.fault(code, event.instrument(), event.time, effects);
        self.publish_order(event, effects);
    }

    pub(crate) fn publish_order(&mut self, mut event: OrderEvent, effects: &mut Effects) {
        self.sequence += 1;
        event.sequence = self.sequence;
        effects.order(&event);
    }

    fn check(&self, instrument: InstrumentId, ask: &OrderAsk, now: UnixNanos) -> Result<(), Reject> {
        let exposure = Exposure {
            position: self.orders.position(instrument).lots,
            open_buy: self.orders.open_lots(instrument, Side::Buy),
            open_sell: self.orders.open_lots(instrument, Side::Sell),
        };
        let market = &self.markets[instrument.index()];
        let mid = market.touch().and_then(|touch| touch.mid_half_ticks());
        let reference = mid.map(|mid_half_ticks| Reference { mid_half_ticks, at: market.touch_at });
        if self.closing {
            return Err(Reject { code: Code::EngineClosed, limit: 0, used: 0, asked: 1 });
        }
        self.gate.check(now, &self.setup.instruments[instrument.index()], ask, &exposure, reference)
    }

    /// The order table's refusals in the shape of the gate's: its size, what is in use, what was asked.
    fn table_reject(&self, code: Code, quantity: Lots) -> Reject {
        let limit = self.setup.orders.max_orders as i64;
        Reject { code, limit, used: self.orders.open_count() as i64, asked: quantity.0 }
    }

    /// Counts a refusal and publishes it; nothing was sent.
    pub(crate) fn refuse(&mut self, reject: &Reject, mut event: OrderEvent, now: UnixNanos, effects: &mut Effects) {
        self.counts.refused.add(reject.code);
        event.time = now;
        event.decision_time = now;
        event.reason = reject.code as u16;
        (event.last_price, event.last_lots, event.fee) = (Ticks(reject.limit), Lots(reject.used), reject.asked);
        self.publish_order(event, effects);
    }

    /// Cancels every open order of the scope that has no cancel on its way.
    pub(crate) fn cancel_all(&mut self, which: CancelScope, now: UnixNanos, effects: &mut Effects) {
        let mut ids = core::mem::take(&mut self.open_ids);
        ids.clear();
        let open = self.orders.open_orders().filter(|order| order.state != OrderState::PendingCancel);
        ids.extend(open.filter(|order| which.covers(order, self)).map(|order| order.id));
        for &id in &ids {
            // The only refusals left: a cancel already on its way, which is what was wanted; a session that is not
            // open.
            let _ = self.cancel(id, now, effects);
        }
        self.open_ids = ids;
    }

    pub(crate) fn venue_of(&self, instrument: InstrumentId) -> VenueId {
        self.setup.instruments[instrument.index()].venue
    }
}

/// Which orders to cancel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelScope {
    Everything,
    Instrument(InstrumentId),
    Venue(VenueId),
    /// Of strategies that failed.
    Failed,
}

impl CancelScope {
    pub(crate) fn covers(self, order: &Order, engine: &Engine) -> bool {
        match self {
            CancelScope::Everything => true,
            CancelScope::Instrument(instrument) => order.instrument == instrument,
            CancelScope::Venue(venue) => engine.venue_of(order.instrument) == venue,
            CancelScope::Failed => order.client_id.0 != 0 && engine.halted.contains(order.client_id.producer()),
        }
    }
}
