//! # Room card: venue/entry
//! In:    New, Cancel and Replace requests.
//! Out:   their answers; what rests or takes is left to the floor.
//! Holds: one set of rules for every floor; each request gets exactly one answer, before its consequences.
//! Costs: O(1) plus what the floor does.
//!
//! Rules. A request that is wrong in itself is answered `VenueInvalid`; a cancel or replace of an order that is not
//! open `VenueUnknownOrder`; a post-only order that would take `VenuePostOnly` (a Replace then leaves the old order as
//! it was).
//! A Replace at the same price with no larger total keeps its turn, any other loses it. A Replace to a total at or
//! below what is filled ends the order: it is answered Cancelled (Binance does the same). An order never trades with
//! another of ours: the resting one is cancelled (expire-maker). Reduce-only orders are cancelled when there is nothing
//! left to reduce.
use types::{Code, OrderEvent, OrderEventKind, Side, Ticks, UnixNanos, flag};

use crate::desk::{Desk, answer};

/// Where orders rest and trade: a recorded book or a generated market.
pub(crate) trait Floor {
    /// Where an order rests, in the floor's terms.
    type Place: Copy + Default;
    /// Our account.
    fn desk(&mut self) -> &mut Desk<Self::Place>;
    /// Is there a market, and is the price within its bounds, and room for one more?
    fn admits(&self, price: Ticks) -> Result<(), Code>;
    /// Would an order of this side and price trade on arrival?
    fn would_take(&self, side: Side, price: Ticks) -> bool;
    /// An accepted order arrives: it takes what it can, then rests or (IOC) expires.
    fn enter(&mut self, now: UnixNanos, slot: u32, reports: &mut Vec<OrderEvent>);
    /// An order leaves the floor; the desk closes it.
    fn withdraw(&mut self, slot: u32);
    /// An order's open quantity was lowered to `left`; it keeps its turn.
    fn shrink(&mut self, slot: u32, left: i64);
}

/// Answers one request.
pub(crate) fn serve<F: Floor>(floor: &mut F, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
    match request.kind() {
        Some(OrderEventKind::New) => place(floor, now, request, reports),
        Some(OrderEventKind::Cancel) => cancel(floor, now, request, reports),
        Some(OrderEventKind::Replace) => replace(floor, now, request, reports),
        _ => floor.desk().malformed += 1,
    }
    cancel_spent(floor, now, reports);
}

fn refuse(now: UnixNanos, kind: OrderEventKind, request: &OrderEvent, code: Code, reports: &mut Vec<OrderEvent>) {
    reports.push(OrderEvent { reason: code as u16, ..answer(now, kind, request) });
}

fn place<F: Floor>(floor: &mut F, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
    let checked = floor.desk().check_new(request).and_then(|side| {
        floor.admits(request.price)?;
        let refused = request.flags & flag::POST_ONLY != 0 && floor.would_take(side, request.price);
        if refused { Err(Code::VenuePostOnly) } else { Ok(side) }
    });
    let opened = checked.and_then(|side| floor.desk().open(request, side));
    match opened {
        Ok(slot) => {
            reports.push(floor.desk().report(now, OrderEventKind::Accepted, slot));
            floor.enter(now, slot, reports);
        }
        Err(code) => refuse(now, OrderEventKind::Rejected, request, code, reports),
    }
}

fn cancel<F: Floor>(floor: &mut F, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
    match floor.desk().find(request) {
        Some(slot) => end(floor, now, OrderEventKind::Cancelled, slot, Some(request), reports),
        None => refuse(now, OrderEventKind::CancelRejected, request, Code::VenueUnknownOrder, reports),
    }
}

/// Takes an order off the floor and reports its end, as an answer to `request` if there is one.
pub(crate) fn end<F: Floor>(
    floor: &mut F,
    now: UnixNanos,
    kind: OrderEventKind,
    slot: u32,
    request: Option<&OrderEvent>,
    reports: &mut Vec<OrderEvent>,
) {
    floor.withdraw(slot);
    let desk = floor.desk();
    reports.push(match request {
        Some(request) => desk.answer_for(now, kind, slot, request),
        None => desk.report(now, kind, slot),
    });
    desk.close(slot);
}

fn replace<F: Floor>(floor: &mut F, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
    let Some(slot) = floor.desk().find(request) else {
        return refuse(now, OrderEventKind::ReplaceRejected, request, Code::VenueUnknownOrder, reports);
    };
    let order = floor.desk().order(slot);
    let (side, price, quantity, filled) = (order.side, order.price, order.quantity, order.filled);
    let (post_only, reduce_only) = (order.has(flag::POST_ONLY), order.has(flag::REDUCE_ONLY));
    let keeps_turn = request.price == price && request.quantity.0 <= quantity;
    let kept_flags = if reduce_only { flag::REDUCE_ONLY } else { 0 };
    let same_order = request.side == side as u8 && request.instrument == floor.desk().instrument.id.0;
    let ends = request.quantity.0 > 0 && request.quantity.0 <= filled;
    let checked = if same_order { Ok(()) } else { Err(Code::VenueInvalid) }
        .and_then(
            |()| if ends { Ok(()) } else { floor.desk().check_terms(request.price, request.quantity, kept_flags) },
        )
        .and_then(|()| if keeps_turn || ends { Ok(()) } else { floor.admits(request.price) })
        .and_then(|()| {
            let takes = post_only && !keeps_turn && !ends && floor.would_take(side, request.price);
            if takes { Err(Code::VenuePostOnly) } else { Ok(()) }
        });
    if let Err(code) = checked {
        let mut report = floor.desk().answer_for(now, OrderEventKind::ReplaceRejected, slot, request);
        report.reason = code as u16;
        reports.push(report);
    } else if ends {
        end(floor, now, OrderEventKind::Cancelled, slot, Some(request), reports);
    } else if keeps_turn {
        floor.desk().amend(slot, request);
        floor.shrink(slot, request.quantity.0 - filled);
        reports.push(floor.desk().report(now, OrderEventKind::Replaced, slot));
    } else {
        floor.withdraw(slot);
        floor.desk().amend(slot, request);
        reports.push(floor.desk().report(now, OrderEventKind::Replaced, slot));
        floor.enter(now, slot, reports);
    }
}

/// Cancels reduce-only orders whose session has nothing left to reduce. A comparison per account when there are none.
pub(crate) fn cancel_spent<F: Floor>(floor: &mut F, now: UnixNanos, reports: &mut Vec<OrderEvent>) {
    for side in Side::BOTH {
        if !floor.desk().reduce_only_is_spent(side) {
            continue;
        }
        // Bound: `OWN_ORDERS_MAX` slots.
        for slot in 0..floor.desk().slots() {
            let order = floor.desk().order(slot);
            let spent = order.open && order.side == side && order.has(flag::REDUCE_ONLY);
            if spent && floor.desk().reducible(slot) == 0 {
                end(floor, now, OrderEventKind::Cancelled, slot, None, reports);
            }
        }
    }
}
