//! # Room card: oms/report
//! In:    a venue's report, the instrument, the touch now.
//! Out:   the same report complete in every field, what was wrong with it, whether a request is done.
//! Holds: a report is applied whole or not at all; a fill that happened reaches the position whatever the order's
//!        state.
//! Costs: O(1); no allocation.
//!
//! Fields of a report that are read: kind, order_id (any ClOrdID of the order; 0: `request` names it), instrument and
//! side (must be the order's), last_price, last_lots, filled (the venue's cumulative quantity; 0 = not given; fills may
//! come in any order, see `fills`), fee and
//! TAKER (fills; the fee is taken as given, see [`fee_by_rate`]), reason, price and quantity (Accepted, Replaced; 0 =
//! as asked), time (the venue's stamp, which becomes `venue_ack_time`), and `request`: of an answer to a cancel or
//! replace it may name that request; of a fill the ClOrdID in force.
use types::{Code, Instrument, Lots, OrderEvent, OrderEventKind, OrderId, Ticks, Touch, UnixNanos, flag};

use crate::order::{Asked, Order};
use crate::orders::Orders;
use crate::table::{Next, settle, transition};

/// A report that was applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The report, complete: state, filled, terms, ids, times; ready to publish once it has its sequence.
    /// `request` is the request it answers, else the ClOrdID in force; decision and submission times are of that
    /// request.
    pub event: OrderEvent,
    /// Overfill, MissedReport, or IllegalTransition for a fill after the end that nothing foretold: applied, and worth
    /// a look.
    pub anomaly: Option<Code>,
    /// A request of ours that was unanswered is so no more: this answers it, or ended its order.
    pub request_done: bool,
}

/// Fills in the fee of a report that came without one, by the instrument's maker or taker rate (flag TAKER). The table
/// itself takes `fee` as it stands, for a fee of 0 is a fee. Errors: Overflow.
pub fn fee_by_rate(report: &mut OrderEvent, instrument: &Instrument) -> Result<(), Code> {
    let taker = report.flags & flag::TAKER != 0;
    report.fee = instrument.fee(report.last_price, report.last_lots, taker).ok_or(Code::Overflow)?;
    Ok(())
}

impl Orders {
    /// Applies a venue's report. `Err` means that nothing changed but a count: ReportMalformed, UnknownOrder,
    /// IllegalTransition, DuplicateReport, Overflow.
    pub fn report(
        &mut self,
        report: &OrderEvent,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<Applied, Code> {
        let result = self.apply(report, now, instrument, touch);
        match &result {
            Err(code) => self.counts.refused(*code),
            Ok(applied) => {
                if let Some(kind) = applied.event.kind() {
                    self.counts.add(kind);
                }
            }
        }
        result
    }

    fn apply(
        &mut self,
        report: &OrderEvent,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<Applied, Code> {
        let kind = report.kind().filter(is_report).ok_or(Code::ReportMalformed)?;
        let id = if report.order_id == 0 { self.own_request(report.request) } else { report.order_id() };
        let slot = self.slot_of(id).ok_or(Code::UnknownOrder)?;
        let order = self.pool[slot];
        check_shape(report, kind, &order, instrument)?;
        match transition(order.state, kind).ok_or(Code::IllegalTransition)? {
            next if kind == OrderEventKind::Fill => self.fill(slot, next, report, now, instrument, touch),
            next => self.answer(slot, next, kind, report, now),
        }
    }

    fn fill(
        &mut self,
        slot: usize,
        next: Next,
        report: &OrderEvent,
        now: UnixNanos,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Result<Applied, Code> {
        let before = self.pool[slot];
        let (mut order, mut fills) = (before, self.fills[slot]);
        let taken = fills.take(before.filled, report.filled, report.last_lots, report.last_price)?;
        order.filled = before.filled.max(taken.end);
        let late = next == Next::Late;
        // Filled under the ClOrdID of a replace: it took effect, and its own report went missing.
        let asked = before.pending.replace;
        let replaced = !late && asked.request != 0 && report.request == asked.request;
        if replaced {
            take_terms(&mut order, report, asked.price, asked.quantity);
            (order.current, order.pending.replace) = (asked.request, Asked::default());
        }
        let over = taken.end > order.quantity;
        if !late {
            order.state = settle(&order.pending, order.filled, order.quantity);
        }
        let at = order.instrument.index();
        let position = self.positions[at]
            .after(order.side, report.last_price, report.last_lots, report.fee, instrument, touch)
            .ok_or(Code::Overflow)?;
        self.commit(slot, order)?;
        (self.positions[at], self.fills[slot]) = (position, fills);
        self.counts.late_fills += late as u64;
        self.counts.overfills += over as u64;
        self.counts.missed += (taken.missed || replaced) as u64;
        self.counts.reordered += taken.fills_gap as u64;
        let mut event = self.event(&order, OrderEventKind::Fill, order.current, now);
        (event.last_price, event.last_lots, event.fee) = (report.last_price, report.last_lots, report.fee);
        event.flags |= report.flags & flag::TAKER;
        (event.reason, event.venue_ack_time) = (report.reason, report.time);
        let anomaly = if over {
            Some(Code::Overfill)
        } else if late && !taken.fills_gap {
            Some(Code::IllegalTransition)
        } else {
            (taken.missed || replaced).then_some(Code::MissedReport)
        };
        let request_done = replaced || ended(&before, &order) && before.pending.any();
        Ok(Applied { event, anomaly, request_done })
    }

    fn answer(
        &mut self,
        slot: usize,
        next: Next,
        kind: OrderEventKind,
        report: &OrderEvent,
        now: UnixNanos,
    ) -> Result<Applied, Code> {
        use OrderEventKind::*;
        let before = self.pool[slot];
        let (mut order, mut fills) = (before, self.fills[slot]);
        let pending = &mut order.pending;
        let request = match kind {
            Accepted | Rejected => core::mem::take(&mut pending.new),
            Replaced | ReplaceRejected => core::mem::take(&mut pending.replace).request,
            // It names the order, so it was not asked for: our cancel has crossed it and will be refused.
            Cancelled if report.request != 0 && report.request != pending.cancel => 0,
            CancelRejected | Cancelled => core::mem::take(&mut pending.cancel),
            _ => 0,
        };
        let unsolicited = matches!(kind, Cancelled | Expired);
        if !unsolicited && (request == 0 || self.answers_another(report, &before, request)) {
            return Err(Code::IllegalTransition);
        }
        match kind {
            Accepted => take_terms(&mut order, report, before.price, before.quantity),
            Replaced => {
                let Asked { request, price, quantity } = before.pending.replace;
                take_terms(&mut order, report, price, quantity);
                order.current = request;
            }
            _ => {}
        }
        // The venue has counted fills that we have not: the lots are not guessed, they are waited for or asked about.
        let missed = report.filled > order.filled;
        if missed {
            fills.overtaken(order.filled, report.filled);
            order.filled = report.filled;
        }
        match next {
            Next::To(state) => order.state = state,
            Next::Settle => order.state = settle(&order.pending, order.filled, order.quantity),
            Next::Keep | Next::Late => {}
        }
        self.commit(slot, order)?;
        self.fills[slot] = fills;
        self.counts.missed += missed as u64;
        let named = if request == 0 { order.current } else { request };
        let mut event = self.event(&order, kind, named, now);
        (event.reason, event.venue_ack_time) = (report.reason, report.time);
        let was_open = before.state.is_open();
        let request_done = was_open && request != 0 || ended(&before, &order) && before.pending.any();
        Ok(Applied { event, anomaly: missed.then_some(Code::MissedReport), request_done })
    }

    /// Does the report name a cancel or replace other than the one it would answer? Reports that name the order's first
    /// or current ClOrdID, or none, leave it to their kind.
    fn answers_another(&self, report: &OrderEvent, order: &Order, request: u32) -> bool {
        let named = report.request;
        named != 0 && named != request && named != order.id.counter() && named != order.current
    }

    pub(crate) fn own_request(&self, counter: u32) -> OrderId {
        if counter == 0 { OrderId::NONE } else { OrderId::new(self.session(), counter) }
    }
}

fn is_report(kind: &OrderEventKind) -> bool {
    use OrderEventKind::*;
    matches!(kind, Accepted | Rejected | Fill | Cancelled | Replaced | CancelRejected | ReplaceRejected | Expired)
}

pub(crate) fn ended(before: &Order, after: &Order) -> bool {
    before.state.is_open() && !after.state.is_open()
}

fn check_shape(report: &OrderEvent, kind: OrderEventKind, order: &Order, instrument: &Instrument) -> Result<(), Code> {
    let same = report.side == order.side as u8 && report.instrument() == order.instrument;
    let grid = report.price.0 >= 0 && report.quantity.0 >= 0 && report.filled.0 >= 0;
    let fill = kind != OrderEventKind::Fill || report.last_lots > Lots(0) && report.last_price > Ticks(0);
    if same && grid && fill && instrument.id == order.instrument { Ok(()) } else { Err(Code::ReportMalformed) }
}

fn take_terms(order: &mut Order, report: &OrderEvent, price: Ticks, quantity: Lots) {
    order.price = if report.price == Ticks(0) { price } else { report.price };
    order.quantity = if report.quantity == Lots(0) { quantity } else { report.quantity };
}
