//! # Room card: driver/turn
//! In:    one input.
//! Out:   journal, turn, bytes on sockets; then hash, records in rings, timers; a halt when engine or journal fails.
//! Holds: an input is journalled before its effects leave; a kill waits for no more than the turn that runs; after a
//!        panic or a lost journal nothing is sent but cancels, and the process lives.
//! Costs: two clock reads and a journal copy beside the engine's turn, one ring copy per published record.
use std::panic::{AssertUnwindSafe, catch_unwind};

use types::limits::{FIX_MESSAGE_BYTES_MAX, TURNS_PER_HASH_RECORD};
use types::{
    Code, ConnId, ConnState, Control, EffectRef, Event, EventKind, Fault, Input, InputKind, InstrumentId, OrderEvent,
    OrderEventKind, OrderId, Side, VenueId, flag,
};
use wire::fix;

use crate::work::Work;

impl Work {
    #[inline]
    pub(crate) fn obey_kill(&mut self) {
        if !self.killed && self.shared.kill_reason().is_some() {
            self.killed = true;
            self.make_turn(InputKind::Control(Control::Kill), 0);
        }
    }

    /// One input, after a kill if one was asked for. `read_at` is when its bytes were read (monotonic), 0 when there
    /// are none.
    #[inline]
    pub(crate) fn input(&mut self, kind: InputKind<'_>, read_at: u64) {
        self.obey_kill();
        self.make_turn(kind, read_at);
    }

    /// Journal, turn, orders out, hash, rings. After a fault nothing more is turned.
    fn make_turn(&mut self, kind: InputKind<'_>, read_at: u64) {
        if self.fault.is_some() {
            return;
        }
        self.now = self.now.max(self.clock.now(self.machine.monotonic()));
        let input = Input { turn: self.turn + 1, now: self.now, kind };
        if let Some(journal) = &mut self.journal
            && let Err(fault) = journal.input(&input)
        {
            return self.halt(fault.into());
        }
        (self.turn, self.outlet.now) = (input.turn, self.now);
        if self.outlet.any_paper {
            let facts = &self.facts;
            self.outlet.show_papers(&kind, input.now, |instrument| facts.venue_of(instrument));
        }
        let turned = catch_unwind(AssertUnwindSafe(|| {
            assert_ne!(input.turn, self.manner.fail_at_turn, "a drill: the engine panics in this turn");
            self.engine.turn(&input, &mut self.effects);
        }));
        if turned.is_err() {
            let turn = vec![("turn", self.turn.to_string())];
            return self.halt(Fault::new(Code::EnginePanicked, "the engine panicked and is halted", turn));
        }
        self.send();
        if core::mem::take(&mut self.outlet.sent) && read_at > 0 {
            self.stats.tick_to_order.record(self.machine.monotonic().saturating_sub(read_at));
        }
        self.hash.update(self.effects.bytes());
        if self.turn.is_multiple_of(TURNS_PER_HASH_RECORD)
            && let Some(journal) = &mut self.journal
            && let Err(fault) = journal.hash_mark(self.turn, self.now, self.hash.digest())
        {
            return self.halt(fault.into());
        }
        self.follow();
    }

    /// What waits for the turn outside comes first: its orders. The input is in the journal; hash and rings can wait.
    /// The plain table follows before anything can halt.
    #[inline]
    fn send(&mut self) {
        for effect in &self.effects {
            if let EffectRef::Send { conn, bytes } = effect {
                self.outlet.send(conn, bytes);
            }
        }
        self.outlet.flush();
        for effect in &self.effects {
            if let EffectRef::Order(event) = effect {
                self.live.follow(event);
            }
        }
    }

    /// Publishes the turn's records, sets its timers.
    fn follow(&mut self) {
        for effect in &self.effects {
            match effect {
                EffectRef::Send { .. } => {}
                EffectRef::Event(event) => {
                    match event.kind() {
                        Some(EventKind::SnapshotWanted) => self.outlet.want(event.instrument()),
                        Some(EventKind::Conn) if event.detail == ConnState::Down as u8 => {
                            self.outlet.given_up(ConnId(event.id as u16));
                        }
                        _ => {}
                    }
                    self.out.event(event);
                }
                EffectRef::Order(event) => {
                    self.fills += (event.kind() == Some(OrderEventKind::Fill)) as u64;
                    self.out.order(event);
                }
                EffectRef::Timer { id, at } => self.timers_refused += !self.timers.set(id, at) as u64,
            }
        }
        self.out.publish();
    }

    /// For a port that joins, or whose records were lost: every open order, then the position in every instrument, the
    /// last with LAST, so that its reader is whole again. Of an engine that has halted the cancels again, from the
    /// plain table.
    #[cold]
    pub(crate) fn write_image(&mut self, port: usize) {
        if self.fault.is_some() {
            let out = &mut self.out;
            self.live.cancels(self.now, |cancel, _| out.order_to(port, cancel));
            return self.image_written(port);
        }
        self.now = self.now.max(self.clock.now(self.machine.monotonic()));
        for order in self.engine.orders().open_orders() {
            let mut event = OrderEvent::new(OrderEventKind::Accepted, order.instrument, order.side, order.id);
            (event.time, event.state, event.flags) = (self.now, order.state as u8, order.flags | flag::SNAPSHOT);
            (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
            (event.client_id, event.request) = (order.client_id.0, order.current);
            (event.algo_id, event.trader_id) = (order.algo_id.0, order.trader_id.0);
            self.out.order_to(port, &event);
        }
        let instruments = self.facts.instruments.len();
        for i in 0..instruments {
            let id = InstrumentId(i as u16);
            let lots = self.engine.orders().position(id).lots;
            let mut event = OrderEvent::new(OrderEventKind::Position, id, Side::Buy, OrderId::NONE);
            (event.time, event.filled, event.last_lots) = (self.now, lots, lots);
            event.flags = flag::SNAPSHOT | if i + 1 == instruments { flag::LAST } else { 0 };
            self.out.order_to(port, &event);
        }
        self.image_written(port);
    }

    /// What an engine that did not begin with this process already knows and holds.
    pub(crate) fn show_recovered(&mut self) {
        if let Some(board) = &mut self.out.board {
            board.seed(&self.engine, self.now);
        }
        self.write_image(0);
    }

    fn image_written(&mut self, port: usize) {
        if let Some(port) = self.out.ports.get_mut(port) {
            port.orders.image_written();
        }
        self.out.publish();
    }

    /// The engine is finished: cancel what may work, and say so. Nothing here touches what the engine changes.
    #[cold]
    pub(crate) fn halt(&mut self, fault: Fault) {
        let mut event = Event::new(EventKind::Trading, InstrumentId(0));
        (event.time, event.detail, event.code) = (self.now, 1, fault.code as u16);
        self.fault = Some(fault);
        self.send_cancels();
        let out = &mut self.out;
        out.event(&event);
        self.live.cancels(self.now, |cancel, _| out.order(cancel));
        for port in 0..self.out.ports.len() {
            self.image_written(port);
        }
    }

    /// On each session that was begun, numbered on from what was sent there last: a mass cancel, which also reaches
    /// what the table knows by an id that a replace on its way has changed; then, for a venue that does none, a cancel
    /// for every order that may be working.
    #[cold]
    fn send_cancels(&mut self) {
        let Work { live, outlet, facts, now, .. } = self;
        outlet.forget();
        let mut message = [0; FIX_MESSAGE_BYTES_MAX];
        for (venue, (sender, target)) in facts.comp_ids.iter().enumerate() {
            let Some(sequence) = outlet.entries[venue].next_sequence() else { continue };
            let header = fix::Header { sender, target, sequence, time: *now };
            let id = OrderId::new(facts.session, live.next_request());
            if let Ok(length) = fix::request::mass_cancel(&mut message, &header, id, None) {
                outlet.send_now(ConnId::orders(VenueId(venue as u8)), &message[..length]);
            }
        }
        let mut send = |cancel: &OrderEvent, orig_cl_ord_id: OrderId| {
            let (Some(instrument), Some(side)) = (facts.instruments.get(cancel.instrument().index()), cancel.side())
            else {
                return;
            };
            let VenueId(venue) = instrument.venue;
            let Some(sequence) = outlet.entries[venue as usize].next_sequence() else { return };
            let (sender, target) = &facts.comp_ids[venue as usize];
            let header = fix::Header { sender, target, sequence, time: *now };
            let order = fix::CancelOrder {
                cl_ord_id: cancel.request_id(),
                orig_cl_ord_id,
                instrument,
                side,
                quantity: cancel.quantity,
            };
            if let Ok(length) = fix::cancel_order(&mut message, &header, &order) {
                outlet.send_now(ConnId::orders(instrument.venue), &message[..length]);
            }
        };
        live.cancels(*now, &mut send);
        live.late_cancels(&mut send);
    }
}
