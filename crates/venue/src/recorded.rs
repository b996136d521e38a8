//! # Room card: venue/recorded
//! In:    a recorded market (diffs, snapshots, trades, L1 prints) and our requests, in the order of the venue's time.
//! Out:   `RecordedVenue`: reports of what would have happened to our orders in that market.
//! Holds: we never alter the recorded book; no traded quantity fills two of our orders; a queue only gets shorter.
//! Costs: a book update per message and one lookup per own order; no allocation after construction.
//!
//! Rules, each with its test in `tests/it/recorded.rs`; all of them once more, by a second implementation over whole
//! recordings, in `tests/it/oracle.rs`.
//! - Arrival: the queue ahead is the quantity displayed at our price: the newest L1's where it shows our price, else
//!   the L2's. Nothing is ahead of a price better than the touch. Behind the touch of an invalid L2 the queue is
//!   unknown: nothing fills from it until the L2 joins and caps it.
//! - Trade at our price, by an aggressor of the other side: our orders have price-time priority among themselves, also
//!   where the later one met a shorter queue (a newer L1) than the earlier one is still thought to wait in; what the
//!   trade leaves after better-priced own orders and own orders in front eats the queue ahead, the rest fills us,
//!   whole lots at a time.
//! - Trade through our price: nothing is ahead any more; fills up to the trade's quantity. One trade is one budget for
//!   all our orders.
//! - Diff: a decrease at our price is netted of the trades there since the last diff, the rest is shared by `queue`.
//! - L1 (the newer touch of L1 and L2) strictly through our price: filled whole, at our price. An order whose
//!   remainder rests where the recorded market already stands through it waits until that market has been back once: we
//!   took that quantity.
//! - Snapshot or join: the queue ahead is at most what is displayed; it is not reset.
//! - Orders that cross take what is displayed, level by level (one Fill a level), and cannot take the same displayed
//!   quantity again before the next diff (before the next L1 print while the L2 is invalid).
//!
//! Not modelled: hidden and iceberg quantity (trades above the displayed quantity still count whole), market impact,
//! other markets' reaction, quantity beyond the levels a snapshot lists (it counts as none until a diff shows it).
use book::{DepthOutcome, MarketBook, Rule, TouchOutcome, TouchSource};
use types::config::Feed;
use types::{
    Code, DepthHeader, Instrument, Level, Lots, OrderEvent, OrderEventKind, Side, SnapshotHeader, Ticks, TouchPrint,
    TradePrint, UnixNanos, flag,
};

use crate::desk::Desk;
use crate::entry::{Floor, cancel_spent, end, serve};
use crate::ledger::Ledger;
use crate::queue::{PRICES_MAX, Tally, ahead_after_diff, whole_lots};

/// Where an order waits in a recorded queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    /// Estimated recorded quantity ahead of us, lots; infinite while unknown.
    ahead: f64,
    /// Displayed quantity at our price after the last diff, lots.
    displayed: i64,
    /// The market has stood on its own side of our price since we rested: going through it now is news.
    armed: bool,
}

/// Fills against a recorded market; one instrument.
pub struct RecordedVenue {
    book: MarketBook,
    desk: Desk<Waiting>,
    /// Slots of resting orders, best price first, then by time.
    resting: [Vec<u32>; 2],
    unarmed: u32,
    tape: Tally,
    taken: Tally,
    /// Levels of the walk in progress.
    walk: Vec<Level>,
    malformed: u64,
}

/// Grows towards the better price for the side.
#[inline]
const fn key(side: Side, price: Ticks) -> i64 {
    price.0.saturating_mul(side.sign())
}

impl RecordedVenue {
    /// A closed market: everything is rejected until the first touch or snapshot.
    pub fn new(instrument: &Instrument, feed: Feed) -> RecordedVenue {
        let resting = || Vec::with_capacity(crate::OWN_ORDERS_MAX);
        RecordedVenue {
            // A normalised feed has no diffs, so that its rule is never asked.
            book: MarketBook::new(Rule::for_feed(feed).unwrap_or(Rule::Usdm)),
            desk: Desk::new(instrument),
            resting: [resting(), resting()],
            unarmed: 0,
            tape: Tally::new(),
            taken: Tally::new(),
            walk: Vec::with_capacity(PRICES_MAX),
            malformed: 0,
        }
    }

    /// The venue's account of us: all sessions together.
    pub fn ledger(&self) -> &Ledger {
        self.desk.accounts.total()
    }
    /// The account of one session (the upper half of its order ids); `None` before its first order or fill.
    pub fn account(&self, session: u32) -> Option<&Ledger> {
        self.desk.accounts.of(session)
    }
    /// Books a fill that an earlier life of this venue reported, so that accounts go on. `VenueFull` with more sessions
    /// than `ACCOUNTS_MAX`.
    pub fn restore_fill(&mut self, session: u32, side: Side, price: Ticks, lots: Lots, fee: i64) -> Result<(), Code> {
        self.desk.restore(session, side, price, lots, fee)
    }
    /// The recorded market.
    pub fn book(&self) -> &MarketBook {
        &self.book
    }
    /// Our open orders.
    pub fn open_orders(&self) -> usize {
        self.desk.open_count()
    }
    /// Messages and requests that made no sense (other instrument, no quantity, no request) and were left out.
    pub fn malformed(&self) -> u64 {
        self.malformed + self.desk.malformed
    }
    /// Traded quantities that were not netted because more prices traded between two diffs than are remembered.
    pub fn tape_dropped(&self) -> u64 {
        self.tape.dropped
    }
    /// Estimated recorded quantity ahead of an open order, lots; infinite while unknown, `None` when it is not open.
    pub fn queue_ahead(&self, order_id: u64) -> Option<f64> {
        let mut slots = self.resting.iter().flatten();
        slots.find(|&&slot| self.desk.report_id(slot) == order_id).map(|&slot| self.desk.order(slot).place.ahead)
    }

    /// A request arrives at the venue.
    pub fn on_request(&mut self, now: UnixNanos, request: &OrderEvent, reports: &mut Vec<OrderEvent>) {
        serve(self, now, request, reports);
    }

    /// The market-data recording lost its connection: nothing is displayed until it is back.
    pub fn on_disconnect(&mut self) {
        self.book.on_disconnect();
    }

    /// A depth diff of the recording.
    pub fn on_depth(
        &mut self,
        now: UnixNanos,
        header: &DepthHeader,
        bids: &[Level],
        asks: &[Level],
        reports: &mut Vec<OrderEvent>,
    ) -> DepthOutcome {
        if header.instrument != self.desk.instrument.id {
            self.malformed += 1;
            return DepthOutcome::Refused(Code::UnknownSymbol);
        }
        let outcome = self.book.on_depth(header, bids, asks);
        self.after_depth(now, outcome, reports);
        outcome
    }

    /// A depth snapshot of the recording.
    pub fn on_snapshot(
        &mut self,
        now: UnixNanos,
        header: &SnapshotHeader,
        bids: &[Level],
        asks: &[Level],
        reports: &mut Vec<OrderEvent>,
    ) -> DepthOutcome {
        if header.instrument != self.desk.instrument.id {
            self.malformed += 1;
            return DepthOutcome::Refused(Code::UnknownSymbol);
        }
        let outcome = self.book.on_snapshot(header, bids, asks);
        // A snapshot of a valid book is no step from one diff to the next: it caps like a join.
        let caps = if outcome == DepthOutcome::Applied { DepthOutcome::Joined { replayed: 0 } } else { outcome };
        self.after_depth(now, caps, reports);
        outcome
    }

    /// An L1 print of the recording.
    pub fn on_touch(&mut self, now: UnixNanos, print: &TouchPrint, reports: &mut Vec<OrderEvent>) {
        if print.instrument != self.desk.instrument.id {
            self.malformed += 1;
        } else if self.book.on_touch(print) == TouchOutcome::Updated {
            if !self.book.is_valid() {
                self.taken.clear();
            }
            self.fill_through_touch(now, reports);
        }
    }

    /// A public trade of the recording.
    pub fn on_trade(&mut self, now: UnixNanos, print: &TradePrint, reports: &mut Vec<OrderEvent>) {
        if print.instrument != self.desk.instrument.id || print.price.0 <= 0 || print.quantity.0 <= 0 {
            self.malformed += 1;
            return;
        }
        let side = print.aggressor.opposite();
        self.tape.add(side, print.price.0, print.quantity.0);
        // `left` is what of the trade is not yet used; `budget` the same in whole lots, so that rounding can never
        // create quantity.
        let (mut left, mut budget) = (print.quantity.0 as f64, print.quantity.0);
        // Recorded quantity at the trade's price eaten so far.
        let mut eaten = 0.0;
        let mut at = 0;
        // Bound: our resting orders of the side; each round moves on or removes one.
        while let Some(&slot) = self.resting[side.index()].get(at) {
            let order = self.desk.order(slot);
            if key(side, order.price) < key(side, print.price) {
                break;
            }
            let (price, mut place) = (order.price, order.place);
            if price == print.price {
                let eats = (place.ahead - eaten).max(0.0).min(left);
                eaten += eats;
                left -= eats;
                place.ahead = (place.ahead - eaten).max(0.0);
            } else {
                place.ahead = 0.0;
            }
            self.desk.order_mut(slot).place = place;
            let lots = self.desk.fillable(slot).min(whole_lots(left)).min(budget);
            if lots > 0 {
                left = (left - lots as f64).max(0.0);
                budget -= lots;
            }
            if !self.fill(now, slot, price, lots, reports) {
                at += 1;
            }
        }
        cancel_spent(self, now, reports);
    }

    /// A maker fill of a resting order; true when it is gone. Zero lots: nothing happens.
    fn fill(&mut self, now: UnixNanos, slot: u32, price: Ticks, lots: i64, reports: &mut Vec<OrderEvent>) -> bool {
        let gone = lots > 0 && self.desk.fill(now, slot, price, lots, false, reports);
        if gone {
            self.withdraw(slot);
            self.desk.close(slot);
        }
        gone
    }

    fn after_depth(&mut self, now: UnixNanos, outcome: DepthOutcome, reports: &mut Vec<OrderEvent>) {
        let step = match outcome {
            DepthOutcome::Applied => true,
            DepthOutcome::Joined { .. } => false,
            _ => return,
        };
        for side in Side::BOTH {
            let (mut price_before, mut ahead_before) = (None, 0.0);
            for &slot in &self.resting[side.index()] {
                let price = self.desk.order(slot).price;
                let displayed = self.book.quantity_at(side, price).0;
                let traded = self.tape.at(side, price.0);
                let place = &mut self.desk.order_mut(slot).place;
                let mut ahead = if step {
                    ahead_after_diff(place.ahead, place.displayed, displayed, traded)
                } else {
                    place.ahead.min(displayed as f64)
                };
                // The shares of a decrease do not keep the order of two estimates; our own queue does.
                if price_before == Some(price) {
                    ahead = ahead.max(ahead_before);
                }
                (price_before, ahead_before) = (Some(price), ahead);
                (place.ahead, place.displayed) = (ahead, displayed);
            }
        }
        self.tape.clear();
        self.taken.clear();
        self.fill_through_touch(now, reports);
    }

    /// Fills every order that the newest touch stands strictly through.
    fn fill_through_touch(&mut self, now: UnixNanos, reports: &mut Vec<OrderEvent>) {
        let Some(touch) = self.book.touch() else { return };
        for side in Side::BOTH {
            let against = touch.touch.price(side.opposite());
            let mut at = 0;
            while let Some(&slot) = self.resting[side.index()].get(at) {
                let order = self.desk.order(slot);
                let price = order.price;
                let through = against.is_some_and(|against| key(side, price) > key(side, against));
                if !through && self.unarmed == 0 {
                    break;
                }
                if through && order.place.armed {
                    let lots = self.desk.fillable(slot);
                    if !self.fill(now, slot, price, lots, reports) {
                        at += 1;
                    }
                    continue;
                }
                if !through {
                    self.arm(slot);
                }
                at += 1;
            }
        }
        cancel_spent(self, now, reports);
    }

    fn arm(&mut self, slot: u32) {
        let place = &mut self.desk.order_mut(slot).place;
        self.unarmed -= !place.armed as u32;
        place.armed = true;
    }

    /// Is one of our own orders resting on the other side at this price or better for us?
    fn meets_own(&self, side: Side, price: Ticks) -> Option<u32> {
        let &slot = self.resting[side.opposite().index()].first()?;
        crosses(side, price, self.desk.order(slot).price).then_some(slot)
    }

    /// Takes displayed quantity within the limit, level by level.
    fn take(&mut self, now: UnixNanos, slot: u32, reports: &mut Vec<OrderEvent>) {
        let order = self.desk.order(slot);
        let (side, limit) = (order.side, order.price);
        let other = side.opposite();
        self.plan_walk(slot);
        for at in 0..self.walk.len() {
            let level = self.walk[at];
            if self.desk.fillable(slot) == 0 || !self.taken.has_room(other) {
                break;
            }
            // Own orders in front of the level would be met first: they are cancelled, not traded with.
            self.cancel_met(now, side, Ticks(level.price.0.saturating_sub(side.sign())), reports);
            let lots = (level.quantity.0 - self.taken.at(other, level.price.0)).min(self.desk.fillable(slot));
            if lots > 0 {
                self.taken.add(other, level.price.0, lots);
                self.desk.fill(now, slot, level.price, lots, true, reports);
            }
        }
        if self.desk.fillable(slot) > 0 {
            self.cancel_met(now, side, limit, reports);
        }
    }

    /// Lists the levels an order may take, best first: the newest touch, then what the L2 shows strictly behind it.
    fn plan_walk(&mut self, slot: u32) {
        self.walk.clear();
        let order = self.desk.order(slot);
        let other = order.side.opposite();
        let Some(touch) = self.book.touch().map(|newest| newest.touch) else { return };
        let Some(best) = touch.price(other) else { return };
        let quantity = if other == Side::Buy { touch.bid_lots } else { touch.ask_lots };
        let behind = self.book.levels(other).skip_while(|level| key(other, level.price) >= key(other, best));
        let mut wanted = order.left();
        for level in core::iter::once(Level { price: best, quantity }).chain(behind) {
            if wanted <= 0 || self.walk.len() == PRICES_MAX || !crosses(order.side, order.price, level.price) {
                break;
            }
            wanted -= (level.quantity.0 - self.taken.at(other, level.price.0)).max(0);
            self.walk.push(level);
        }
    }

    fn cancel_met(&mut self, now: UnixNanos, side: Side, price: Ticks, reports: &mut Vec<OrderEvent>) {
        // Bound: our resting orders.
        while let Some(own) = self.meets_own(side, price) {
            end(self, now, OrderEventKind::Cancelled, own, None, reports);
        }
    }

    fn rest(&mut self, slot: u32) {
        let order = self.desk.order(slot);
        let (side, price) = (order.side, order.price);
        let displayed = self.book.quantity_at(side, price).0;
        let against = self.book.touch().and_then(|touch| touch.touch.price(side.opposite()));
        let armed = against.is_none_or(|against| key(side, price) <= key(side, against));
        let place = Waiting { ahead: self.queue_on_arrival(side, price), displayed, armed };
        self.unarmed += !armed as u32;
        self.desk.order_mut(slot).place = place;
        let list = &self.resting[side.index()];
        let at = list.partition_point(|&other| key(side, self.desk.order(other).price) >= key(side, price));
        self.resting[side.index()].insert(at, slot);
    }

    fn queue_on_arrival(&self, side: Side, price: Ticks) -> f64 {
        let Some(newest) = self.book.touch() else { return f64::INFINITY };
        match newest.touch.price(side) {
            None => 0.0,
            Some(best) if key(side, price) > key(side, best) => 0.0,
            Some(best) if price == best && newest.source == TouchSource::L1 => {
                let lots = if side == Side::Buy { newest.touch.bid_lots } else { newest.touch.ask_lots };
                lots.0 as f64
            }
            Some(_) if self.book.is_valid() => self.book.quantity_at(side, price).0 as f64,
            Some(_) => f64::INFINITY,
        }
    }
}

/// Does an order of this side and limit reach an order at `other`?
#[inline]
const fn crosses(side: Side, limit: Ticks, other: Ticks) -> bool {
    key(side, limit) >= key(side, other)
}

impl Floor for RecordedVenue {
    type Place = Waiting;

    fn desk(&mut self) -> &mut Desk<Waiting> {
        &mut self.desk
    }
    fn admits(&self, _price: Ticks) -> Result<(), Code> {
        if self.book.touch().is_some() { Ok(()) } else { Err(Code::VenueClosed) }
    }
    fn would_take(&self, side: Side, price: Ticks) -> bool {
        let against = self.book.touch().and_then(|touch| touch.touch.price(side.opposite()));
        against.is_some_and(|against| crosses(side, price, against)) || self.meets_own(side, price).is_some()
    }
    fn enter(&mut self, now: UnixNanos, slot: u32, reports: &mut Vec<OrderEvent>) {
        self.take(now, slot, reports);
        let order = self.desk.order(slot);
        if order.left() == 0 {
            self.desk.close(slot);
        } else if order.has(flag::IOC) {
            end(self, now, OrderEventKind::Expired, slot, None, reports);
        } else {
            self.rest(slot);
        }
    }
    fn withdraw(&mut self, slot: u32) {
        let order = self.desk.order(slot);
        let list = &mut self.resting[order.side.index()];
        if let Some(at) = list.iter().position(|&other| other == slot) {
            list.remove(at);
            self.unarmed -= !order.place.armed as u32;
        }
    }
    fn shrink(&mut self, _slot: u32, _left: i64) {
        // The desk holds the quantity; the recorded queue does not see ours.
    }
}
