//! # Room card: oms/statement
//! In:    what a venue states of an order or a position when asked.
//! Out:   the order as the venue has it, fills nobody reported, the opening position, or a mismatch.
//! Holds: after a statement no request waits that the venue evidently does not have; a lot is booked once, whether a
//!        report or a statement told of it. Nothing changes when an `Err` is returned.
//! Costs: O(1); after a connection was lost, once an order and once an instrument.
//!
//! Fields of a `Status` that are read: order_id or request (any ClOrdID of the order; the one in force at the venue
//! says whether a replace arrived), instrument, side (not of an order the venue does not know), state, filled,
//! last_price (average price of its fills), price and quantity in force (0 = not said), TAKER (the fee of recovered
//! fills is by the instrument's rate), reason, time.
use types::{
    Code, Instrument, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks, Touch, UnixNanos, flag,
};

use crate::order::{Asked, Order};
use crate::orders::Orders;
use crate::report::ended;
use crate::table::settle;

/// A statement of an order that was applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stated {
    /// Fills nobody reported, as one fill with reason FILL_RECOVERED; ready to publish, before `event`.
    pub fill: Option<OrderEvent>,
    /// The order as it stands now, complete; reason ORDER_LOST when the venue does not know it.
    pub event: OrderEvent,
    /// FillRecovered; OrderLost; IllegalTransition when the venue has an order open that has ended here.
    pub anomaly: Option<Code>,
    /// Counters of requests that were unanswered and are so no more (the order itself, a cancel, a replace); 0 = none.
    pub settled: [u32; 3],
}

/// A statement of a position, compared with ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionStated {
    /// last_lots = as stated, filled = ours as it was; reason POSITION_ADOPTED or POSITION_MISMATCH or 0.
    pub event: OrderEvent,
    /// PositionMismatch.
    pub anomaly: Option<Code>,
}

impl Orders {
    /// Applies what the venue states of an order. `asked_below` is `next_request()` of the moment the question was sent
    /// (or the connection came up): requests with smaller counters are settled by the answer, later ones still wait.
    /// Errors, counted, nothing changed: ReportMalformed, UnknownOrder, Overflow; IllegalTransition when it does not
    /// know an order that was sent after the question.
    pub fn status(
        &mut self,
        report: &OrderEvent,
        asked_below: u32,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<Stated, Code> {
        let result = self.apply_status(report, asked_below, now, instrument, touch);
        match &result {
            Err(code) => self.counts.refused(*code),
            Ok(stated) => {
                self.counts.add(OrderEventKind::Status);
                self.counts.lost += (stated.anomaly == Some(Code::OrderLost)) as u64;
                if let Some(fill) = &stated.fill {
                    self.counts.add(OrderEventKind::Fill);
                    self.counts.recovered += 1;
                    self.counts.overfills += (fill.filled > fill.quantity) as u64;
                }
            }
        }
        result
    }

    fn apply_status(
        &mut self,
        report: &OrderEvent,
        asked_below: u32,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<Stated, Code> {
        let id = if report.order_id == 0 { self.own_request(report.request) } else { report.order_id() };
        let slot = self.slot_of(id).ok_or(Code::UnknownOrder)?;
        let before = self.pool[slot];
        let state = OrderState::from_u8(report.state).ok_or(Code::ReportMalformed)?;
        let unknown = state == OrderState::Rejected && report.reason == Code::VenueUnknownOrder as u16;
        let same_side = unknown || report.side == before.side as u8;
        let grid = report.price.0 >= 0 && report.quantity.0 >= 0 && report.filled.0 >= 0 && report.last_price.0 >= 0;
        let same = report.instrument() == before.instrument && instrument.id == before.instrument;
        if report.kind() != Some(OrderEventKind::Status) || !same || !same_side || !grid {
            return Err(Code::ReportMalformed);
        }
        if unknown && before.pending.new >= asked_below && before.pending.new != 0 {
            return Err(Code::IllegalTransition);
        }
        let mut order = before;
        if before.state.is_open() && !unknown {
            take_over(&mut order, report, id, asked_below);
        }
        let mut fills = self.fills[slot];
        let missing = fills.missing(before.filled, report.filled, report.last_price, order.price)?;
        order.filled = before.filled.max(report.filled);
        if before.state.is_open() {
            order.state = if state.is_open() { settle(&order.pending, order.filled, order.quantity) } else { state };
        }
        let at = order.instrument.index();
        let mut booked = None;
        if let Some((lots, price)) = missing {
            let fee = instrument.fee(price, lots, report.flags & flag::TAKER != 0).ok_or(Code::Overflow)?;
            let position = self.positions[at].after(order.side, price, lots, fee, instrument, touch);
            fills.recover(lots, price)?;
            booked = Some((position.ok_or(Code::Overflow)?, lots, price, fee));
        }
        self.commit(slot, order)?;
        let fill = booked.map(|(position, lots, price, fee)| {
            (self.positions[at], self.fills[slot]) = (position, fills);
            let mut fill = self.event(&order, OrderEventKind::Fill, order.current, now);
            (fill.last_price, fill.last_lots, fill.fee, fill.venue_ack_time) = (price, lots, fee, report.time);
            fill.reason = Code::FillRecovered as u16;
            fill.flags |= report.flags & flag::TAKER;
            fill
        });
        let anomaly = if fill.is_some() {
            Some(Code::FillRecovered)
        } else if unknown && before.state.is_open() {
            Some(Code::OrderLost)
        } else {
            (state.is_open() && !before.state.is_open()).then_some(Code::IllegalTransition)
        };
        let mut event = self.event(&order, OrderEventKind::Status, order.current, now);
        (event.last_price, event.venue_ack_time) = (report.last_price, report.time);
        event.reason = if anomaly == Some(Code::OrderLost) { Code::OrderLost as u16 } else { report.reason };
        let mut settled = [0; 3];
        if before.state.is_open() {
            let ends = ended(&before, &order);
            for (at, (was, is)) in before.pending.counters().into_iter().zip(order.pending.counters()).enumerate() {
                settled[at] = if ends || was != is { was } else { 0 };
            }
        }
        Ok(Stated { fill, event, anomaly, settled })
    }

    /// Compares the position the venue states with ours. Where this session has neither held nor traded the instrument
    /// the stated one is taken over: its cost is its worth at the mid of `touch`, so that profit counts from now; 0
    /// until a touch is known (`value_opening`). Errors, counted, nothing changed: ReportMalformed, UnknownInstrument,
    /// Overflow.
    pub fn position_stated(
        &mut self,
        report: &OrderEvent,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<PositionStated, Code> {
        let result = self.apply_position(report, now, instrument, touch);
        match &result {
            Err(code) => self.counts.refused(*code),
            Ok(stated) => {
                self.counts.add(OrderEventKind::Position);
                self.counts.mismatches += stated.anomaly.is_some() as u64;
            }
        }
        result
    }

    fn apply_position(
        &mut self,
        report: &OrderEvent,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<PositionStated, Code> {
        if report.kind() != Some(OrderEventKind::Position) || instrument.id != report.instrument() {
            return Err(Code::ReportMalformed);
        }
        let (at, stated) = (instrument.id.index(), report.last_lots);
        let ours = *self.positions.get(at).ok_or(Code::UnknownInstrument)?;
        let side = if stated.0 < 0 { Side::Sell } else { Side::Buy };
        let mut event = OrderEvent::new(OrderEventKind::Position, instrument.id, side, OrderId::NONE);
        (event.time, event.venue_ack_time) = (now, report.time);
        (event.last_lots, event.filled) = (stated, ours.lots);
        if stated == ours.lots {
            return Ok(PositionStated { event, anomaly: None });
        }
        if !ours.is_fresh() {
            event.reason = Code::PositionMismatch as u16;
            return Ok(PositionStated { event, anomaly: Some(Code::PositionMismatch) });
        }
        self.positions[at] = ours.opened(stated, instrument, touch).ok_or(Code::Overflow)?;
        event.reason = Code::PositionAdopted as u16;
        Ok(PositionStated { event, anomaly: None })
    }

    /// Values an opening position that was taken over while no touch was known. `true` when there is none left to
    /// value: also when it has filled meanwhile, and then it stands at no cost.
    pub fn value_opening(&mut self, instrument: &Instrument, touch: Touch) -> bool {
        let Some(position) = self.positions.get_mut(instrument.id.index()) else { return true };
        if let Some(valued) = position.valued(instrument, touch) {
            *position = valued;
        }
        !position.opening_unvalued
    }
}

/// The terms in force at the venue; requests it must have had by now, and says nothing of, are dropped.
fn take_over(order: &mut Order, report: &OrderEvent, named: OrderId, asked_below: u32) {
    let asked = order.pending.replace;
    let stated = |ours: Ticks, said: Ticks| said == Ticks(0) || said == ours;
    let stated_lots = |ours: Lots, said: Lots| said == Lots(0) || said == ours;
    if asked.request != 0 && asked.request < asked_below {
        // It arrived if the venue names it, or states its terms and not those of before.
        // A name alone may only repeat the question.
        let by_name = named.counter() == asked.request || report.request == asked.request;
        let said = report.price != Ticks(0) || report.quantity != Lots(0);
        let before = stated(order.price, report.price) && stated_lots(order.quantity, report.quantity);
        let after = stated(asked.price, report.price) && stated_lots(asked.quantity, report.quantity);
        if after && if said && before { false } else { by_name || said } {
            (order.price, order.quantity, order.current) = (asked.price, asked.quantity, asked.request);
        }
        order.pending.replace = Asked::default();
    }
    if report.price != Ticks(0) {
        order.price = report.price;
    }
    if report.quantity != Lots(0) {
        order.quantity = report.quantity;
    }
    for request in [&mut order.pending.new, &mut order.pending.cancel] {
        if *request < asked_below {
            *request = 0;
        }
    }
}
