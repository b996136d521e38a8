//! # Room card: driver/exchange/orders
//! In:    requests with a client's own ids, reports of the venue rooms.
//! Out:   which order an id means, open or ended, and what its state is.
//! Holds: an id names one order for ever as far as memory goes (`IDS_PER_SESSION_MAX`); every id of a chain of replaces
//!        and cancels names the same order.
//! Costs: a lookup or two and, for a new id, one allocation.
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use types::{InstrumentId, Lots, OrderEvent, OrderEventKind, OrderState, Side, Ticks};

/// Ids of a session that are remembered; the oldest that are not an open order's own are forgotten first.
pub(crate) const IDS_PER_SESSION_MAX: usize = 65_536;

/// An order of a session.
#[derive(Clone, Debug)]
pub(crate) struct KnownOrder {
    /// Seat of its session.
    pub seat: usize,
    /// The exchange's own number of it.
    pub order_id: u64,
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Ticks,
    pub quantity: Lots,
    pub filled: Lots,
    /// Sum of price times quantity over its fills, ticks times lots.
    pub turnover: i128,
    pub state: OrderState,
    pub flags: u8,
    /// ClOrdID of its last accepted request.
    pub id: Arc<[u8]>,
    /// Ids that mean it.
    ids: u32,
}

/// Ids of one session.
#[derive(Debug, Default)]
struct SessionIds {
    by_id: HashMap<Arc<[u8]>, u32>,
    /// Oldest first.
    order: VecDeque<Arc<[u8]>>,
}

/// All orders of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    list: Vec<Option<KnownOrder>>,
    free: Vec<u32>,
    open: HashMap<u64, u32>,
    sessions: Vec<SessionIds>,
}

impl Orders {
    /// One more session; seats are numbered in this order.
    pub(crate) fn add_session(&mut self) {
        self.sessions.push(SessionIds::default());
    }

    /// The order an id of a session means.
    pub(crate) fn find(&self, seat: usize, id: &[u8]) -> Option<u32> {
        self.sessions.get(seat).and_then(|session| session.by_id.get(id)).copied()
    }
    /// The open order of a number.
    pub(crate) fn find_open(&self, order_id: u64) -> Option<u32> {
        self.open.get(&order_id).copied()
    }
    pub(crate) fn get(&self, slot: u32) -> Option<&KnownOrder> {
        self.list.get(slot as usize).and_then(Option::as_ref)
    }

    /// Takes a new order; it is open (pending) until a report says otherwise.
    pub(crate) fn add(&mut self, seat: usize, id: &[u8], request: &OrderEvent, side: Side) -> u32 {
        let id: Arc<[u8]> = id.into();
        let order = KnownOrder {
            seat,
            order_id: request.order_id,
            instrument: request.instrument(),
            side,
            price: request.price,
            quantity: request.quantity,
            filled: Lots::ZERO,
            turnover: 0,
            state: OrderState::PendingNew,
            flags: request.flags,
            id: id.clone(),
            ids: 0,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.list[slot as usize] = Some(order);
                slot
            }
            None => {
                self.list.push(Some(order));
                self.list.len() as u32 - 1
            }
        };
        self.open.insert(request.order_id, slot);
        self.name_arc(seat, id, slot);
        slot
    }

    /// Another id that means this order.
    pub(crate) fn name(&mut self, seat: usize, id: &[u8], slot: u32) {
        self.name_arc(seat, id.into(), slot);
    }

    fn name_arc(&mut self, seat: usize, id: Arc<[u8]>, slot: u32) {
        let Some(session) = self.sessions.get_mut(seat) else { return };
        if session.by_id.contains_key(&id) {
            return;
        }
        session.by_id.insert(id.clone(), slot);
        session.order.push_back(id);
        if let Some(order) = self.list[slot as usize].as_mut() {
            order.ids += 1;
        }
        // Bound: each round forgets an id or passes by an open order's own, and those are fewer than the memory.
        let mut rounds = session.order.len();
        while session.order.len() > IDS_PER_SESSION_MAX && rounds > 0 {
            rounds -= 1;
            let Some(oldest) = session.order.pop_front() else { break };
            let Some(&slot) = session.by_id.get(&oldest) else { continue };
            let Some(order) = self.list[slot as usize].as_mut() else { continue };
            if order.state.is_open() && order.id == oldest {
                session.order.push_back(oldest);
                continue;
            }
            session.by_id.remove(&oldest);
            order.ids -= 1;
            if order.ids == 0 && !order.state.is_open() {
                self.list[slot as usize] = None;
                self.free.push(slot);
            }
        }
    }

    /// Applies a report; `id` is the ClOrdID of the request it answers, if it answers one.
    pub(crate) fn apply(&mut self, slot: u32, report: &OrderEvent, id: Option<&[u8]>) {
        let Some(order) = self.list.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let working = if report.filled.0 > 0 { OrderState::PartiallyFilled } else { OrderState::Live };
        match report.kind() {
            Some(OrderEventKind::Accepted) => order.state = working,
            Some(OrderEventKind::Replaced) => {
                (order.price, order.quantity, order.state) = (report.price, report.quantity, working);
                if let Some(id) = id {
                    order.id = id.into();
                }
            }
            Some(OrderEventKind::Fill) => {
                order.filled = report.filled;
                order.turnover =
                    order.turnover.saturating_add(report.last_price.0 as i128 * report.last_lots.0 as i128);
                order.state = if report.filled >= order.quantity { OrderState::Filled } else { working };
            }
            Some(OrderEventKind::Cancelled) => order.state = OrderState::Cancelled,
            Some(OrderEventKind::Expired) => order.state = OrderState::Expired,
            Some(OrderEventKind::Rejected) => order.state = OrderState::Rejected,
            _ => {}
        }
        if !order.state.is_open() {
            let (order_id, forgotten) = (order.order_id, order.ids == 0);
            self.open.remove(&order_id);
            if forgotten {
                self.list[slot as usize] = None;
                self.free.push(slot);
            }
        }
    }

    /// Open orders of a session, oldest first, of one instrument or of all.
    pub(crate) fn open_of(&self, seat: usize, instrument: Option<InstrumentId>, found: &mut Vec<(u64, u32)>) {
        found.clear();
        for (&order_id, &slot) in &self.open {
            let fits = self.get(slot).is_some_and(|order| {
                order.seat == seat && instrument.is_none_or(|instrument| order.instrument == instrument)
            });
            if fits {
                found.push((order_id, slot));
            }
        }
        // The map's order is nobody's: numbers are given out in time order.
        found.sort_unstable();
    }

    /// Open orders of all sessions.
    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }
    /// Open orders of one session, in one instrument or in all.
    pub(crate) fn open_count_of(&self, seat: usize, instrument: Option<InstrumentId>) -> usize {
        let counts = |order: &KnownOrder| order.seat == seat && instrument.is_none_or(|id| order.instrument == id);
        self.open.values().filter(|&&slot| self.get(slot).is_some_and(counts)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::OrderId;

    fn request(number: u32) -> OrderEvent {
        let mut event =
            OrderEvent::new(OrderEventKind::New, InstrumentId(number as u16 % 2), Side::Buy, OrderId::new(1, number));
        (event.price, event.quantity) = (Ticks(100), Lots(5));
        event
    }
    fn report(kind: OrderEventKind, of: u32, filled: i64, last: (i64, i64)) -> OrderEvent {
        let mut event = OrderEvent { kind: kind as u8, ..request(of) };
        (event.filled, event.last_price, event.last_lots) = (Lots(filled), Ticks(last.0), Lots(last.1));
        event
    }

    #[test]
    fn a_chain_of_ids_means_one_order() {
        let mut orders = Orders::default();
        orders.add_session();
        let slot = orders.add(0, b"a", &request(1), Side::Buy);
        orders.apply(slot, &report(OrderEventKind::Accepted, 1, 0, (0, 0)), Some(b"a"));
        orders.name(0, b"b", slot);
        orders.apply(slot, &report(OrderEventKind::Replaced, 1, 0, (0, 0)), Some(b"b"));
        orders.apply(slot, &report(OrderEventKind::Fill, 1, 2, (99, 2)), None);
        orders.apply(slot, &report(OrderEventKind::Fill, 1, 5, (100, 3)), None);
        assert_eq!((orders.find(0, b"a"), orders.find(0, b"b"), orders.find(0, b"c")), (Some(slot), Some(slot), None));
        let order = orders.get(slot).unwrap();
        assert_eq!((order.state, order.turnover, &*order.id), (OrderState::Filled, 2 * 99 + 3 * 100, &b"b"[..]));
        assert_eq!((orders.open_count(), orders.find_open(OrderId::new(1, 1).0)), (0, None));
    }

    #[test]
    fn old_ids_are_forgotten_but_not_those_of_open_orders() {
        let mut orders = Orders::default();
        orders.add_session();
        let kept = orders.add(0, b"open", &request(1), Side::Buy);
        for number in 2..IDS_PER_SESSION_MAX as u32 + 100 {
            let slot = orders.add(0, number.to_string().as_bytes(), &request(number), Side::Buy);
            orders.apply(slot, &report(OrderEventKind::Cancelled, number, 0, (0, 0)), None);
        }
        assert_eq!(orders.find(0, b"open"), Some(kept));
        assert_eq!(orders.find(0, b"2"), None);
        assert_eq!((orders.sessions[0].by_id.len(), orders.open_count()), (IDS_PER_SESSION_MAX, 1));
        assert!(orders.list.len() <= IDS_PER_SESSION_MAX + 2, "slots of forgotten orders are used again");
        let mut open = Vec::new();
        orders.open_of(0, None, &mut open);
        assert_eq!(open, [(OrderId::new(1, 1).0, kept)]);
        orders.open_of(0, Some(InstrumentId(0)), &mut open);
        assert!(open.is_empty());
    }
}
