//! # Room card: oms/orders
//! In:    orders that risk has passed, cancels, replaces, the time of the turn.
//! Out:   request events with their ClOrdID, look-ups, worst-case open lots, overdue requests.
//! Holds: at most `max_orders` open; at least as many ended ones are remembered, by their first and current ClOrdID,
//!        and forgotten in the order they ended. Nothing changes when an `Err` is returned.
//! Costs: O(1) per call (see `requests` for the one amortised step); memory fixed at `new`.
use types::config::OrderLimits;
use types::{
    AlgoId, ClientId, Code, InstrumentId, Lots, Nanos, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks,
    TraderId, UnixNanos, flag,
};

use crate::clients::Clients;
use crate::counts::Counts;
use crate::fills::Fills;
use crate::list::{Links, List, NIL};
use crate::order::{Asked, Order, Pending};
use crate::position::Position;
use crate::requests::Requests;
use crate::table::{Next, transition};

/// The last counters of a session are kept for cancels: with fewer than this left, new orders and replaces are refused.
pub const COUNTER_RESERVE: u32 = 1 << 20;
const ORDER_FLAGS: u8 = flag::POST_ONLY | flag::REDUCE_ONLY | flag::IOC;

/// An order to place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderSpec {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Price, ticks.
    pub price: Ticks,
    /// Quantity, lots.
    pub quantity: Lots,
    /// POST_ONLY, REDUCE_ONLY, IOC of `types::flag`; other bits are dropped.
    pub flags: u8,
    /// The caller's reference, 0 for none; unique among open orders.
    pub client_id: ClientId,
    /// Deciding algorithm.
    pub algo_id: AlgoId,
    /// Trader or desk.
    pub trader_id: TraderId,
}

/// Orders, positions and their history, of one session.
#[derive(Debug)]
pub struct Orders {
    session: u32,
    ack_timeout: Nanos,
    max_orders: usize,
    open_count: usize,
    pub(crate) pool: Box<[Order]>,
    /// Of the order in the same slot of the pool.
    pub(crate) fills: Box<[Fills]>,
    links: Links,
    open: List,
    /// Slots of no open order, the one to take next first: never used, then ended longest ago.
    ended: List,
    pub(crate) requests: Requests,
    clients: Clients,
    open_lots: Box<[[i64; 2]]>,
    pub(crate) positions: Box<[Position]>,
    pub(crate) counts: Counts,
}

impl Orders {
    /// An empty table. `limits.max_orders` is a power of two (checked by the configuration; rounded up otherwise).
    /// Memory: about 900 bytes per order of `max_orders` and 200 per instrument.
    pub fn new(session: u32, limits: &OrderLimits, instruments: usize) -> Orders {
        Orders::starting_at(session, limits, instruments, 1)
    }

    /// The same for a session that has used the counters below `first_counter`.
    pub fn starting_at(session: u32, limits: &OrderLimits, instruments: usize, first_counter: u32) -> Orders {
        let max_orders = limits.max_orders.clamp(1, types::limits::ORDERS_MAX).next_power_of_two();
        let (mut links, mut ended) = (Links::new(max_orders * 2), List::EMPTY);
        for slot in 0..max_orders as u32 * 2 {
            links.push_back(&mut ended, slot);
        }
        Orders {
            session,
            ack_timeout: limits.ack_timeout,
            max_orders,
            open_count: 0,
            pool: vec![Order::BLANK; max_orders * 2].into_boxed_slice(),
            fills: vec![Fills::NONE; max_orders * 2].into_boxed_slice(),
            links,
            open: List::EMPTY,
            ended,
            requests: Requests::new(max_orders, first_counter),
            clients: Clients::new(max_orders),
            open_lots: vec![[0; 2]; instruments].into_boxed_slice(),
            positions: vec![Position::FLAT; instruments].into_boxed_slice(),
            counts: Counts::default(),
        }
    }

    /// Creates an order and its request to the venue: state PendingNew, ready to encode.
    /// Errors: QuantityNotPositive, PriceNotPositive, UnknownInstrument, OrdersFull, DuplicateClientId,
    /// OrderIdsExhausted, Overflow.
    pub fn place(&mut self, spec: &OrderSpec, now: UnixNanos) -> Result<OrderEvent, Code> {
        positive(spec.price, spec.quantity)?;
        let open_lots = self.open_lots.get(spec.instrument.index()).ok_or(Code::UnknownInstrument)?;
        let grown = open_lots[spec.side.index()].checked_add(spec.quantity.0).ok_or(Code::Overflow)?;
        if self.open_count >= self.max_orders {
            return Err(Code::OrdersFull);
        }
        if self.clients.find(spec.client_id).is_some() {
            return Err(Code::DuplicateClientId);
        }
        let Some(Next::To(state)) = transition(OrderState::New, OrderEventKind::New) else {
            return Err(Code::IllegalTransition);
        };
        let counter = self.counter_for_risk()?;
        let slot = self.ended.head;
        debug_assert!(slot != NIL, "half of the pool is never open");
        self.links.unlink(&mut self.ended, slot);
        self.links.push_back(&mut self.open, slot);
        self.open_count += 1;
        let order = Order {
            id: OrderId::new(self.session, counter),
            instrument: spec.instrument,
            side: spec.side,
            state,
            flags: spec.flags & ORDER_FLAGS,
            price: spec.price,
            quantity: spec.quantity,
            filled: Lots(0),
            client_id: spec.client_id,
            algo_id: spec.algo_id,
            trader_id: spec.trader_id,
            current: counter,
            pending: Pending { new: counter, ..Pending::default() },
        };
        (self.pool[slot as usize], self.fills[slot as usize]) = (order, Fills::NONE);
        self.requests.take(counter, slot, counter, now);
        if spec.client_id.0 != 0 {
            self.clients.insert(spec.client_id, slot);
        }
        self.open_lots[spec.instrument.index()][spec.side.index()] = grown;
        self.counts.add(OrderEventKind::New);
        Ok(self.event(&order, OrderEventKind::New, counter, now))
    }

    /// Asks to cancel; legal before the acknowledgement and while a replace is unanswered.
    /// Errors: UnknownOrder; IllegalTransition when the order has ended; RequestPending when a cancel is unanswered;
    /// OrderIdsExhausted only after `COUNTER_RESERVE` further cancels.
    pub fn cancel(&mut self, id: OrderId, now: UnixNanos) -> Result<OrderEvent, Code> {
        let (slot, state) = self.requested(id, OrderEventKind::Cancel)?;
        let counter = self.requests.next_counter(&self.pool, u32::MAX).ok_or(Code::OrderIdsExhausted)?;
        self.requests.take(counter, slot as u32, id.counter(), now);
        let order = &mut self.pool[slot];
        (order.state, order.pending.cancel) = (state, counter);
        let order = *order;
        self.counts.add(OrderEventKind::Cancel);
        Ok(self.event(&order, OrderEventKind::Cancel, counter, now))
    }

    /// Asks for a new price and a new total quantity (filled part included).
    /// Errors: as `cancel`, and QuantityNotPositive, PriceNotPositive, QuantityBelowFilled, Overflow; RequestPending
    /// also before the acknowledgement.
    pub fn replace(&mut self, id: OrderId, price: Ticks, quantity: Lots, now: UnixNanos) -> Result<OrderEvent, Code> {
        positive(price, quantity)?;
        let (slot, state) = self.requested(id, OrderEventKind::Replace)?;
        let mut order = self.pool[slot];
        if quantity.0 < order.filled.0 {
            return Err(Code::QuantityBelowFilled);
        }
        let counter = self.counter_for_risk()?;
        order.state = state;
        order.pending.replace = Asked { request: counter, price, quantity };
        self.commit(slot, order)?;
        self.requests.take(counter, slot as u32, id.counter(), now);
        self.counts.add(OrderEventKind::Replace);
        let mut event = self.event(&order, OrderEventKind::Replace, counter, now);
        (event.price, event.quantity) = (price, quantity);
        Ok(event)
    }

    fn requested(&self, id: OrderId, kind: OrderEventKind) -> Result<(usize, OrderState), Code> {
        let slot = self.slot_of(id).filter(|&slot| self.pool[slot].id == id).ok_or(Code::UnknownOrder)?;
        let state = self.pool[slot].state;
        match transition(state, kind) {
            Some(Next::To(next)) => Ok((slot, next)),
            _ if state.is_open() => Err(Code::RequestPending),
            _ => Err(Code::IllegalTransition),
        }
    }

    fn counter_for_risk(&self) -> Result<u32, Code> {
        self.requests.next_counter(&self.pool, u32::MAX - COUNTER_RESERVE).ok_or(Code::OrderIdsExhausted)
    }

    /// Puts an order's new facts in place: open lots, lists, waiting requests, references. `Err` changes nothing.
    pub(crate) fn commit(&mut self, slot: usize, order: Order) -> Result<(), Code> {
        let before = self.pool[slot];
        let open_lots = &mut self.open_lots[order.instrument.index()][order.side.index()];
        // Both are within 0..=i64::MAX, so their difference fits.
        *open_lots = open_lots.checked_add(order.open_lots().0 - before.open_lots().0).ok_or(Code::Overflow)?;
        let ends = before.state.is_open() && !order.state.is_open();
        for (was, is) in before.pending.counters().into_iter().zip(order.pending.counters()) {
            if was != 0 && (was != is || ends) {
                self.requests.stop_waiting(was);
            }
        }
        if ends {
            self.links.unlink(&mut self.open, slot as u32);
            self.links.push_back(&mut self.ended, slot as u32);
            self.clients.remove(order.client_id);
            self.open_count -= 1;
        }
        self.pool[slot] = order;
        Ok(())
    }

    /// An event about an order, complete but for what only its kind has. `request` gives the times of decision and
    /// submission.
    pub(crate) fn event(&self, order: &Order, kind: OrderEventKind, request: u32, now: UnixNanos) -> OrderEvent {
        let asked_at = self.requests.asked_at(request);
        OrderEvent {
            time: now,
            flags: order.flags,
            state: order.state as u8,
            price: order.price,
            quantity: order.quantity,
            client_id: order.client_id.0,
            algo_id: order.algo_id.0,
            trader_id: order.trader_id.0,
            request,
            filled: order.filled,
            decision_time: asked_at,
            submission_time: asked_at,
            ..OrderEvent::new(kind, order.instrument, order.side, order.id)
        }
    }

    /// The slot of the order that a ClOrdID of this session belongs to.
    #[inline]
    pub(crate) fn slot_of(&self, id: OrderId) -> Option<usize> {
        if id.session() != self.session { None } else { self.requests.order_of(id.counter(), &self.pool) }
    }

    /// The order that any of its ClOrdIDs names, open or ended and not yet forgotten.
    #[inline]
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.slot_of(id).map(|slot| &self.pool[slot])
    }
    /// The ClOrdID whose terms are in force: what a cancel or replace names as its original. It changes after a
    /// Replaced. An id this table does not know is returned as it is.
    #[inline]
    pub fn current_cl_ord_id(&self, id: OrderId) -> OrderId {
        self.order(id).map_or(id, |order| OrderId::new(self.session, order.current))
    }
    /// The open order with a caller's reference.
    #[inline]
    pub fn find_client(&self, client: ClientId) -> Option<OrderId> {
        self.clients.find(client).map(|slot| self.pool[slot as usize].id)
    }
    /// What can still fill at worst on a side, lots: the sum of `Order::open_lots` of its open orders.
    #[inline]
    pub fn open_lots(&self, instrument: InstrumentId, side: Side) -> Lots {
        Lots(self.open_lots.get(instrument.index()).map_or(0, |sides| sides[side.index()]))
    }
    /// Open orders, oldest first (in order of id); at most `max_orders`.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        let mut at = self.open.head;
        core::iter::from_fn(move || {
            let slot = (at != NIL).then_some(at as usize)?;
            at = self.links.after(slot as u32);
            Some(&self.pool[slot])
        })
    }
    /// Remembered orders that have ended and have fills the venue has counted and nobody has told, in no order of
    /// time. A scan of the whole table: for when a connection is back.
    pub fn incomplete(&self) -> impl Iterator<Item = &Order> {
        let slots = self.pool.iter().zip(&self.fills);
        slots.filter(|(order, fills)| !order.state.is_open() && !fills.complete(order.filled)).map(|(order, _)| order)
    }
    /// The session number, first half of every ClOrdID.
    pub fn session(&self) -> u32 {
        self.session
    }
    /// The counter the next request takes, or one below it: every request so far has a smaller one. What a venue
    /// states in answer to a question sent now settles the requests below it.
    pub fn next_request(&self) -> u32 {
        self.requests.next()
    }
    /// Uses up a request's id for a question that is about no order. `None` when they are used up.
    pub fn skip_request(&mut self) -> Option<OrderId> {
        self.requests.skip().map(|counter| OrderId::new(self.session, counter))
    }
    /// Number of open orders.
    pub fn open_count(&self) -> usize {
        self.open_count
    }
    /// The position in an instrument; flat for one the configuration does not have.
    #[inline]
    pub fn position(&self, instrument: InstrumentId) -> &Position {
        self.positions.get(instrument.index()).unwrap_or(&Position::FLAT)
    }
    /// How often each thing happened.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// When the oldest unanswered request is overdue.
    #[inline]
    pub fn next_ack_deadline(&self) -> Option<UnixNanos> {
        self.requests.oldest_waiting().map(|(_, _, asked_at)| asked_at.plus(self.ack_timeout))
    }
    /// The next request overdue at `now`, as an AckTimeout event; each request at most once. The order keeps its state:
    /// the answer may still come. Call until `None`.
    pub fn take_overdue(&mut self, now: UnixNanos) -> Option<OrderEvent> {
        let (counter, slot, asked_at) = self.requests.oldest_waiting()?;
        if asked_at.plus(self.ack_timeout) > now {
            return None;
        }
        self.requests.stop_waiting(counter);
        let order = self.pool[slot];
        debug_assert!(transition(order.state, OrderEventKind::AckTimeout).is_some());
        self.counts.add(OrderEventKind::AckTimeout);
        let mut event = self.event(&order, OrderEventKind::AckTimeout, counter, now);
        event.reason = Code::AckTimeout as u16;
        Some(event)
    }
}

fn positive(price: Ticks, quantity: Lots) -> Result<(), Code> {
    if quantity.0 <= 0 {
        return Err(Code::QuantityNotPositive);
    }
    if price.0 <= 0 {
        return Err(Code::PriceNotPositive);
    }
    Ok(())
}
