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
    OrderEventKind, OrderId, UnixNanos, VenueId, flag,
};
use wire::fix;

use crate::lines::Entry;
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
                            self.outlet.given_up(ConnId(event.id as u16), event.code);
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
        let (out, instruments) = (&mut self.out, self.facts.instruments.len());
        self.engine.image(self.now, |event| {
            let mut event = *event;
            let ends = event.kind() == Some(OrderEventKind::Position) && event.instrument().index() + 1 == instruments;
            event.flags |= if ends { flag::LAST } else { 0 };
            out.order_to(port, &event);
        });
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
        let mut numbers: Vec<_> = self.outlet.entries.iter().map(Entry::next_sequence).collect();
        self.send_cancels(&mut numbers, self.now);
        let out = &mut self.out;
        out.event(&event);
        self.live.cancels(self.now, |cancel, _| out.order(cancel));
        for port in 0..self.out.ports.len() {
            self.image_written(port);
        }
    }

    /// After a halt: says that something went wrong with the last cancels.
    #[cold]
    pub(crate) fn tell_fault(&mut self, code: Code) {
        let mut event = Event::new(EventKind::Fault, InstrumentId(0));
        (event.time, event.code) = (self.now, code as u16);
        self.out.event(&event);
        self.out.publish();
    }

    /// On each session that stands, numbered on from its number in `numbers`, which is moved on (`None` where nothing
    /// can be sent any more): a mass cancel, which also reaches what the table knows by an id that a replace on its way
    /// has changed; then, for a venue that does none, a cancel for every order that may be working.
    #[cold]
    pub(crate) fn send_cancels(&mut self, numbers: &mut [Option<u64>], now: UnixNanos) {
        let Work { live, outlet, facts, awaited, .. } = self;
        outlet.forget();
        let mut message = [0; FIX_MESSAGE_BYTES_MAX];
        for (venue, (sender, target)) in facts.comp_ids.iter().enumerate() {
            let Some(sequence) = numbers[venue] else { continue };
            let (slot, venue) = (&mut numbers[venue], VenueId(venue as u8));
            awaited.retain(|&(known, _)| known != venue);
            let header = fix::Header { sender, target, sequence, time: now };
            let id = OrderId::new(facts.session, live.next_request());
            if let Ok(length) = fix::request::mass_cancel(&mut message, &header, id, None) {
                *slot = outlet.send_now(ConnId::orders(venue), &message[..length]).then_some(sequence + 1);
            }
        }
        let mut send = |cancel: &OrderEvent, orig_cl_ord_id: OrderId| {
            let (Some(instrument), Some(side)) = (facts.instruments.get(cancel.instrument().index()), cancel.side())
            else {
                return;
            };
            let VenueId(venue) = instrument.venue;
            let Some(sequence) = numbers[venue as usize] else { return };
            let (sender, target) = &facts.comp_ids[venue as usize];
            let header = fix::Header { sender, target, sequence, time: now };
            let order = fix::CancelOrder {
                cl_ord_id: cancel.request_id(),
                orig_cl_ord_id,
                instrument,
                side,
                quantity: cancel.quantity,
            };
            if let Ok(length) = fix::cancel_order(&mut message, &header, &order) {
                let taken = outlet.send_now(ConnId::orders(instrument.venue), &message[..length]);
                numbers[venue as usize] = taken.then_some(sequence + 1);
                awaited.push((instrument.venue, cancel.request_id()));
            }
        };
        live.cancels(now, &mut send);
        live.late_cancels(&mut send);
    }
}
