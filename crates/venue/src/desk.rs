//! # Room card: venue/desk
//! In:    requests, and what the floor (recorded or generated) decided about them.
//! Out:   the venue's own table of our orders, its ledgers, and the reports.
//! Holds: at most `OWN_ORDERS_MAX` open orders; an order's cumulative quantity, the ledger and the Fills agree.
//! Costs: O(1) per request and fill; no allocation after construction (reports go to the caller's buffer).
use types::{Code, Instrument, Lots, OrderEvent, OrderEventKind, OrderId, Side, Ticks, UnixNanos, flag};

use crate::accounts::Accounts;
use crate::idmap::{IdMap, Memory};
use crate::matching::{ORDER_LOTS_MAX, ORDER_TICKS_MAX};

/// Open orders of ours that a venue holds per instrument; one more is rejected with `VenueFull`.
pub const OWN_ORDERS_MAX: usize = 4_096;
/// Ended orders whose ids are remembered, so that a reused id is rejected.
pub const ENDED_IDS_MAX: usize = 16_384;

/// One of our open orders. `Place` is where it rests, in the floor's terms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnOrder<Place> {
    /// The last request that shaped it: ids, flags and stamps of the reports come from here.
    request: OrderEvent,
    pub(crate) side: Side,
    pub(crate) price: Ticks,
    pub(crate) quantity: i64,
    pub(crate) filled: i64,
    pub(crate) open: bool,
    /// Whose it is.
    account: u16,
    pub(crate) place: Place,
}

impl<Place> OwnOrder<Place> {
    pub(crate) const fn left(&self) -> i64 {
        self.quantity - self.filled
    }
    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.request.flags & flag != 0
    }
}

/// Our account at the venue.
#[derive(Debug)]
pub(crate) struct Desk<Place> {
    pub(crate) instrument: Instrument,
    pub(crate) accounts: Accounts,
    orders: Vec<OwnOrder<Place>>,
    free: Vec<u32>,
    ids: IdMap,
    ended: Memory,
    /// Inputs that are no request at all.
    pub(crate) malformed: u64,
}

impl<Place: Copy + Default> Desk<Place> {
    pub(crate) fn new(instrument: &Instrument) -> Desk<Place> {
        Desk {
            instrument: instrument.clone(),
            accounts: Accounts::new(),
            orders: Vec::with_capacity(OWN_ORDERS_MAX),
            free: Vec::with_capacity(OWN_ORDERS_MAX),
            ids: IdMap::with_capacity(OWN_ORDERS_MAX),
            ended: Memory::with_capacity(ENDED_IDS_MAX),
            malformed: 0,
        }
    }

    /// Open orders.
    pub(crate) fn open_count(&self) -> usize {
        self.orders.len() - self.free.len()
    }
    /// Slots ever used; some may be free.
    pub(crate) fn slots(&self) -> u32 {
        self.orders.len() as u32
    }
    #[inline]
    pub(crate) fn order(&self, slot: u32) -> &OwnOrder<Place> {
        &self.orders[slot as usize]
    }
    #[inline]
    pub(crate) fn order_mut(&mut self, slot: u32) -> &mut OwnOrder<Place> {
        &mut self.orders[slot as usize]
    }
    /// The id of an order.
    pub(crate) fn report_id(&self, slot: u32) -> u64 {
        self.order(slot).request.order_id
    }
    /// The open order a request is about.
    pub(crate) fn find(&self, request: &OrderEvent) -> Option<u32> {
        self.ids.get(request.order_id)
    }
    /// Are there reduce-only orders of this side whose session has nothing left to reduce?
    pub(crate) fn reduce_only_is_spent(&self, side: Side) -> bool {
        self.accounts.any_spent(side)
    }
    /// How much of an order may be filled now.
    #[inline]
    pub(crate) fn fillable(&self, slot: u32) -> i64 {
        let order = self.order(slot);
        if order.has(flag::REDUCE_ONLY) { order.left().min(self.reducible(slot)) } else { order.left() }
    }
    /// How much of its session's position an order could close now, lots.
    pub(crate) fn reducible(&self, slot: u32) -> i64 {
        let order = self.order(slot);
        self.accounts.reducible(order.account, order.side)
    }

    /// Price, quantity and value an order may have at this venue.
    pub(crate) fn check_terms(&self, price: Ticks, quantity: Lots, flags: u8) -> Result<(), Code> {
        let in_range = (1..=ORDER_TICKS_MAX).contains(&price.0) && (1..=ORDER_LOTS_MAX).contains(&quantity.0);
        if !in_range || !self.instrument.on_increment(price) {
            return Err(Code::VenueInvalid);
        }
        // A value beyond 64 bits could not be reported; the notional floor does not hold a closing order back.
        let value = self.instrument.value(price, quantity).and_then(|value| i64::try_from(value).ok());
        let value = value.ok_or(Code::VenueInvalid)?;
        let too_small = value < self.instrument.min_notional && flags & flag::REDUCE_ONLY == 0;
        if too_small { Err(Code::VenueInvalid) } else { Ok(()) }
    }

    /// Everything about a New that does not depend on the book.
    pub(crate) fn check_new(&self, request: &OrderEvent) -> Result<Side, Code> {
        let side = request.side().ok_or(Code::VenueInvalid)?;
        let known = self.ids.get(request.order_id).is_some() || self.ended.contains(request.order_id);
        let both = flag::POST_ONLY | flag::IOC;
        let spent = request.flags & flag::REDUCE_ONLY != 0 && self.accounts.reducible_for(request.order_id, side) == 0;
        let named = request.order_id != 0 && request.instrument == self.instrument.id.0;
        if known || !named || spent || request.flags & both == both {
            return Err(Code::VenueInvalid);
        }
        self.check_terms(request.price, request.quantity, request.flags)?;
        if self.open_count() == OWN_ORDERS_MAX { Err(Code::VenueFull) } else { Ok(side) }
    }

    /// Takes a checked New into the table.
    pub(crate) fn open(&mut self, request: &OrderEvent, side: Side) -> Result<u32, Code> {
        let account = self.accounts.open(request.order_id)?;
        let order = OwnOrder {
            request: *request,
            side,
            price: request.price,
            quantity: request.quantity.0,
            filled: 0,
            open: true,
            account,
            place: Place::default(),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.orders[slot as usize] = order;
                slot
            }
            None if self.orders.len() < OWN_ORDERS_MAX => {
                self.orders.push(order);
                self.orders.len() as u32 - 1
            }
            None => return Err(Code::VenueFull),
        };
        self.ids.insert(request.order_id, slot);
        if order.has(flag::REDUCE_ONLY) {
            self.accounts.count_reduce_only(account, side, true);
        }
        Ok(slot)
    }

    /// New terms from an accepted Replace; the flags stay as they were.
    pub(crate) fn amend(&mut self, slot: u32, request: &OrderEvent) {
        let order = &mut self.orders[slot as usize];
        let (flags, client_id) = (order.request.flags, order.request.client_id);
        (order.price, order.quantity) = (request.price, request.quantity.0);
        order.request = OrderEvent { flags, client_id, ..*request };
    }

    /// Books a fill of an earlier life of this venue.
    pub(crate) fn restore(&mut self, session: u32, side: Side, price: Ticks, lots: Lots, fee: i64) -> Result<(), Code> {
        let account = self.accounts.open(OrderId::new(session, 0).0)?;
        self.accounts.book(account, side, lots.0, self.instrument.cash_flow(side, price, lots), Some(fee));
        Ok(())
    }

    /// Takes an ended order out of the table and remembers its id.
    pub(crate) fn close(&mut self, slot: u32) {
        let order = &mut self.orders[slot as usize];
        if !core::mem::replace(&mut order.open, false) {
            return;
        }
        if order.has(flag::REDUCE_ONLY) {
            self.accounts.count_reduce_only(order.account, order.side, false);
        }
        self.ids.remove(order.request.order_id);
        self.ended.add(order.request.order_id);
        self.free.push(slot);
    }

    /// Books a fill and reports it; true when the order is filled whole (the caller takes it off its floor and closes
    /// it).
    pub(crate) fn fill(
        &mut self,
        now: UnixNanos,
        slot: u32,
        price: Ticks,
        lots: i64,
        taker: bool,
        reports: &mut Vec<OrderEvent>,
    ) -> bool {
        debug_assert!(lots > 0 && lots <= self.order(slot).left());
        let quantity = Lots(lots);
        let side = self.order(slot).side;
        let fee = self.instrument.fee(price, quantity, taker);
        let cash = self.instrument.cash_flow(side, price, quantity);
        self.accounts.book(self.order(slot).account, side, lots, cash, fee);
        self.orders[slot as usize].filled += lots;
        let mut report = self.report(now, OrderEventKind::Fill, slot);
        (report.last_price, report.last_lots, report.fee) = (price, quantity, fee.unwrap_or(0));
        report.flags |= if taker { flag::TAKER } else { 0 };
        reports.push(report);
        self.order(slot).left() == 0
    }

    /// A report about an order, by its last accepted request.
    pub(crate) fn report(&self, now: UnixNanos, kind: OrderEventKind, slot: u32) -> OrderEvent {
        let order = self.order(slot);
        OrderEvent {
            price: order.price,
            quantity: Lots(order.quantity),
            filled: Lots(order.filled),
            side: order.side as u8,
            ..answer(now, kind, &order.request)
        }
    }

    /// A report about an order that answers a request other than its last accepted one.
    pub(crate) fn answer_for(
        &self,
        now: UnixNanos,
        kind: OrderEventKind,
        slot: u32,
        request: &OrderEvent,
    ) -> OrderEvent {
        let stamps = (request.request, request.decision_time, request.submission_time);
        let mut report = self.report(now, kind, slot);
        (report.request, report.decision_time, report.submission_time) = stamps;
        report
    }
}

/// A report that echoes a request: identity, terms and stamps.
pub(crate) fn answer(now: UnixNanos, kind: OrderEventKind, request: &OrderEvent) -> OrderEvent {
    OrderEvent {
        length: size_of::<OrderEvent>() as u32,
        record: types::event::RECORD_ORDER,
        sequence: 0,
        time: now,
        kind: kind as u8,
        state: 0,
        reason: 0,
        flags: request.flags & (flag::POST_ONLY | flag::REDUCE_ONLY | flag::IOC),
        filled: Lots::ZERO,
        last_price: Ticks(0),
        last_lots: Lots::ZERO,
        venue_ack_time: now,
        fee: 0,
        ..*request
    }
}
