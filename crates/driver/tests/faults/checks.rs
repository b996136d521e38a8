//! # Room card: driver/tests/faults/checks
//! In:    the engine after each of its turns, the effects of the turn, the truth about both sides.
//! Out:   a panic that names what does not hold.
//! Holds: what must be true whatever goes wrong; see the functions.
//! Costs: tests only.
use std::collections::BTreeMap;

use engine::Engine;
use types::{
    Code, ConnRole, ConnState, Control, EffectRef, Effects, Event, EventKind, InputKind, InstrumentId, Lots,
    OrderEvent, OrderEventKind, OrderId, OrderState, Side, VenueId, flag,
};

use super::plan::MILLI;
use super::truth::Truth;

/// Codes that name a fill somebody did not tell of.
const NAMES_OF_LOSS: [Code; 4] =
    [Code::MissedReport, Code::FillRecovered, Code::PositionMismatch, Code::PositionAdopted];
const VENUE: VenueId = VenueId(0);

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Checks {
    /// Books by what was published of them.
    valid: Vec<bool>,
    gate_was_open: bool,
    stopped: bool,
    /// When the venue last refused a cancel of an order.
    refused: BTreeMap<u64, u64>,
    pub faults: BTreeMap<&'static str, u64>,
    /// Positions agreed while nothing was open.
    pub agreements: u64,
    pub requests: u64,
    pub book_losses: u64,
}

impl Checks {
    pub fn new(instruments: usize) -> Checks {
        Checks { valid: vec![false; instruments], ..Checks::default() }
    }

    /// The engine is a new one after a crash; it was rebuilt as it was.
    pub fn gate(&mut self, engine: &Engine) {
        self.gate_was_open = engine.is_venue_up(VENUE);
    }

    /// After a turn.
    pub fn turn(&mut self, engine: &Engine, input: &InputKind<'_>, effects: &Effects, now: u64, truth: &mut Truth) {
        match input {
            InputKind::Conn { conn, state: ConnState::Down } if matches!(conn.role(), ConnRole::Market(_)) => {
                self.valid.fill(false);
            }
            InputKind::Control(Control::Kill | Control::Close) => self.stopped = true,
            _ => {}
        }
        for effect in effects {
            match effect {
                EffectRef::Event(event) => {
                    self.event(event);
                    let at = event.instrument();
                    if event.kind() == Some(EventKind::Depth) && engine.book_valid(at) {
                        truth.books.compare(at, engine.book(at), event.flags & flag::SNAPSHOT != 0);
                    }
                }
                EffectRef::Order(event) => self.order(engine, event, now),
                _ => {}
            }
        }
        let counts = engine.orders().counts();
        assert_eq!(
            (counts.illegal, counts.malformed, counts.unknown),
            (0, 0, 0),
            "reports that do not fit: {counts:?}"
        );
        assert_eq!((counts.overfills, counts.overflows), (0, 0), "{counts:?}");
        self.quantities(engine, truth);
        self.pulled(engine, now);
        self.agreed(engine, truth, matches!(input, InputKind::Bytes { .. }));
    }

    fn event(&mut self, event: &Event) {
        match event.kind() {
            Some(EventKind::BookState) => {
                self.book_losses += (event.detail == 0) as u64;
                self.valid[event.instrument().index()] = event.detail == 1;
            }
            Some(EventKind::Fault) => {
                let code = Code::from_u16(event.code).expect("a fault has a code");
                *self.faults.entry(code.name()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Nothing new leaves on a book that is not whole, to a venue that is not agreed with, or after a stop.
    fn order(&mut self, engine: &Engine, event: &OrderEvent, now: u64) {
        match event.kind() {
            Some(OrderEventKind::New | OrderEventKind::Replace) => {
                self.requests += 1;
                let at = event.instrument();
                let states = (self.valid[at.index()], engine.book_valid(at), engine.is_venue_up(VENUE));
                assert_eq!(states, (true, true, true), "book seen, book, gate at {:?}", event.kind());
                assert!(!self.stopped && !engine.is_killed(), "{:?} after a stop", event.kind());
            }
            Some(OrderEventKind::CancelRejected) => {
                self.refused.insert(event.order_id, now);
            }
            Some(OrderEventKind::Position) if event.reason != 0 => {
                let code = Code::from_u16(event.reason).expect("a reason is a code");
                *self.faults.entry(code.name()).or_default() += 1;
            }
            _ => {}
        }
        let state = OrderState::from_u8(event.state);
        assert!(state.is_some() || event.order_id == 0, "an order event without a state: {event:?}");
    }

    /// Orders fill at most whole, open lots are the sum of the orders', and nothing is booked that the venue has not.
    fn quantities(&self, engine: &Engine, truth: &Truth) {
        let instruments = self.valid.len();
        let mut open = vec![[Lots(0); 2]; instruments];
        for order in engine.orders().open_orders() {
            assert!(order.filled >= Lots(0) && order.filled <= order.quantity, "{order:?}");
            open[order.instrument.index()][order.side.index()].0 += order.open_lots().0;
        }
        for (i, sums) in open.iter().enumerate() {
            let id = InstrumentId(i as u16);
            for side in Side::BOTH {
                let known = engine.orders().open_lots(id, side);
                assert!(known >= Lots(0) && known == sums[side.index()], "open lots {known:?}, orders {sums:?}");
            }
            let own = engine.orders().position(id);
            let [bought, sold] = truth.traded[i];
            assert!(own.bought.0 <= bought && own.sold.0 <= sold, "{own:?} but the venue has {bought} and {sold}");
            assert_eq!(own.lots.0, own.opening.0 + own.bought.0 - own.sold.0);
        }
    }

    /// While the book is not whole, each native quote has its cancel on the way; or cannot be reached; or the venue has
    /// just refused it.
    fn pulled(&self, engine: &Engine, now: u64) {
        for i in (0..self.valid.len()).map(|i| InstrumentId(i as u16)) {
            assert_eq!(engine.book_valid(i), self.valid[i.index()], "the book's state is published");
            if engine.book_valid(i) || !engine.is_venue_up(VENUE) {
                continue;
            }
            for id in engine.quotes(i).into_iter().flatten() {
                let Some(order) = engine.orders().order(id) else { continue };
                let refused = self.refused.get(&id.0).is_some_and(|&at| now <= at + 110 * MILLI);
                assert!(
                    !order.state.is_open() || order.state == OrderState::PendingCancel || refused,
                    "a quote stands on a book that is not whole: {order:?}"
                );
            }
        }
    }

    /// When an answer opens the gate and nothing can trade, the positions are equal. (A venue that reads again opens it
    /// too, and says nothing of positions.)
    fn agreed(&mut self, engine: &Engine, truth: &Truth, answered: bool) {
        let open = engine.is_venue_up(VENUE);
        if open && !self.gate_was_open && answered && truth.open == 0 {
            self.agreements += 1;
            self.equal(engine, truth, "as the gate opens");
        }
        self.gate_was_open = open;
    }

    /// Both sides have the same positions.
    pub fn equal(&self, engine: &Engine, truth: &Truth, when: &str) {
        for i in (0..self.valid.len()).map(|i| InstrumentId(i as u16)) {
            let own = engine.orders().position(i);
            assert_eq!(own.lots.0, truth.position(i), "{when}: engine, venue; {own:?} {:?}", truth.traded);
        }
    }

    /// Both sides have the same positions, or a fill that nobody told of is named.
    pub fn named(&self, truth: &Truth) {
        let named: u64 = NAMES_OF_LOSS.iter().filter_map(|code| self.faults.get(code.name())).sum();
        assert!(truth.unreported == 0 || named > 0, "a fill was hidden and nothing says so: {:?}", self.faults);
    }
}

/// Ids of the open orders, for a failure's report.
pub fn open_orders(engine: &Engine) -> Vec<(OrderId, OrderState)> {
    engine.orders().open_orders().map(|order| (order.id, order.state)).collect()
}
