//! # Room card: driver/fix/hall
//! In:    the sockets of one host, its commands, the time.
//! Out:   the loop: commands, timers, connecting, sending, reading.
//! Holds: one thread, one poll; nothing waits for a name server, a disk's sync aside, or a peer; bytes leave only after
//!        the store has what they stand for.
//! Costs: a poll, one send a session with something to send, one clock read; sessions are looked at one by one only
//!        when one of them has something due.
use std::time::{Duration, Instant};

use net::{Net, SendFault, Waiter};
use types::{Code, Fault, UnixNanos};

use super::commands::{self, Command, Commands};
use super::desk::Desk;
use super::dial::Stage;
use super::port::FixPort;
use crate::lines::Resolver;

/// Longest sleep.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// How long the end waits for logouts to be answered and last bytes to be taken.
const CLOSE_PATIENCE: Duration = Duration::from_millis(2_500);
/// Text (58) of a Logout at the end of a window.
const HOURS_OVER: &str = "Session hours are over";
/// Text (58) of a Logout before a reset.
const BEGINS_ANEW: &str = "Sequence numbers begin at 1";
/// Text (58) of a Logout after a fault of the store.
const STORE_FAILED: &str = "Messages cannot be stored";

/// A host's loop.
pub(super) struct Hall {
    pub(super) net: Net,
    pub(super) desk: Desk,
    pub(super) commands: Commands,
    pub(super) resolver: Option<Resolver>,
    pub(super) waiter: Waiter,
    /// No session has anything due before.
    pub(super) due: UnixNanos,
    /// Commands taken, reused.
    pub(super) taken: Vec<u8>,
}

impl Hall {
    /// Runs until it is stopped.
    pub(super) fn run(&mut self) -> Result<(), Fault> {
        for id in 0..self.desk.seats.len() as u32 {
            self.desk.introduce(id);
        }
        while !self.commands.stopped() {
            let timeout = self.timeout();
            let events = self.turn(timeout);
            self.waiter.note(events);
        }
        self.finish();
        Ok(())
    }

    fn timeout(&mut self) -> Duration {
        if self.desk.holds_back() || !self.desk.dirty.is_empty() {
            return Duration::ZERO;
        }
        let (due, strangers) = (self.due, self.desk.strangers_until());
        let clock = &mut self.desk.clock;
        self.waiter.timeout(|| {
            let until = strangers.map_or(due, |strangers| strangers.min(due));
            Duration::from_nanos(until.since(clock.now()).0.max(0) as u64).min(WAIT_MAX)
        })
    }

    /// One round; returns how much happened.
    fn turn(&mut self, timeout: Duration) -> usize {
        let desk = &mut self.desk;
        let mut events = self.net.poll(timeout, &mut |event| desk.on_event(event));
        desk.turn += 1;
        desk.retry_held();
        self.close_ended();
        self.flush();
        let now = self.desk.clock.now();
        events += self.take_commands(now);
        self.take_names(now);
        if now >= self.due {
            self.timers(now);
        }
        self.desk.dismiss_strangers(now);
        self.flush();
        self.close_ended();
        if core::mem::take(&mut self.desk.told) {
            self.desk.app.on_turn_end();
        }
        if let Some(fault) = self.desk.log.as_mut().and_then(|log| log.flush()) {
            self.desk.fault(None, &fault);
        }
        events
    }

    fn close_ended(&mut self) {
        for token in self.desk.close.drain(..) {
            self.net.close(token);
        }
    }

    /// Sends what sessions have to send and ends those that are over. A session that is touched here again, as by an
    /// application that is told of an end, waits for the next call.
    fn flush(&mut self) {
        let dirty = core::mem::take(&mut self.desk.dirty);
        for &id in &dirty {
            self.desk.seats[id as usize].dirty = false;
            self.flush_one(id);
        }
        if self.desk.dirty.is_empty() {
            self.desk.dirty = dirty;
            self.desk.dirty.clear();
        }
    }

    fn flush_one(&mut self, id: u32) {
        let now = self.desk.clock.now();
        let Desk { seats, log, .. } = &mut self.desk;
        let seat = &mut seats[id as usize];
        if seat.fault.is_some() && !seat.closing {
            // What was not kept is not sent; the Logout is, if its number can be noted.
            let fault = seat.fault.take();
            seat.step(log, now, |session, store, out| session.logout(STORE_FAILED, now, store, out));
            seat.fault = fault;
            seat.end(Some(Code::FixStoreFailed));
        }
        let Some(token) = seat.token else {
            // It may connect again, now or later.
            seat.out.clear();
            self.due = self.due.min(now);
            return;
        };
        if seat.may_resend() {
            seat.step(log, now, |session, store, out| session.resend_rest(now, store, out));
        }
        if !seat.out.is_empty() {
            let sent = self.net.send(token, &seat.out);
            seat.out.clear();
            match sent {
                Ok(()) => seat.pending = self.net.pending(token),
                Err(fault) => {
                    seat.closing = false;
                    seat.end(Some(fault.code()));
                    if fault == SendFault::Full {
                        // It does not read: what it has not got it asks for after the next logon.
                        self.net.abort(token);
                    }
                }
            }
        }
        if seat.closing {
            self.net.close(token);
            self.desk.leave(token);
            self.desk.detach(id);
        } else {
            let (more, deadline) = (seat.may_resend(), seat.deadline());
            if more {
                self.desk.touch(id);
            }
            if let Some(deadline) = deadline {
                self.due = self.due.min(deadline);
                return;
            }
        }
        // Looked at anew: it may connect again, or begin at 1.
        self.due = self.due.min(now);
    }

    /// Carries out what other threads asked for; returns how much.
    fn take_commands(&mut self, now: UnixNanos) -> usize {
        let mut taken = core::mem::take(&mut self.taken);
        self.commands.take(&mut taken);
        let (mut rest, mut count) = (&taken[..], 0);
        while let Some((id, ticket, command, after)) = commands::read(rest) {
            (rest, count) = (after, count + 1);
            let result = self.obey_command(id, command, now);
            if matches!(command, Command::Answer { .. }) {
                continue;
            }
            self.desk.told = true;
            self.desk.app.on_command(ticket, id, result);
        }
        self.taken = taken;
        count
    }

    fn obey_command(&mut self, id: u32, command: Command<'_>, now: UnixNanos) -> Result<u64, Code> {
        if let Command::Answer { ask, reply } = command {
            self.desk.answer(id, ask, reply, now);
            self.due = now;
            return Ok(0);
        }
        let Desk { seats, log, dirty, .. } = &mut self.desk;
        let seat = seats.get_mut(id as usize).ok_or(Code::FixSessionUnknown)?;
        self.due = now;
        match command {
            Command::Send { kind, header, body } => {
                let message = wire::fix::Outgoing { kind, header, body };
                return FixPort { seats, log, dirty, session: id, now }.send(&message);
            }
            Command::Logout { text } => {
                seat.halted = true;
                FixPort { seats, log, dirty, session: id, now }.logout(text);
            }
            Command::Logon => seat.halted = false,
            Command::Reset => {
                seat.reset_due = true;
                FixPort { seats, log, dirty, session: id, now }.logout(BEGINS_ANEW);
            }
            Command::Restart => FixPort { seats, log, dirty, session: id, now }.restart()?,
            // Dealt with above.
            Command::Answer { .. } => {}
        }
        Ok(0)
    }

    /// Answers of the name server.
    fn take_names(&mut self, now: UnixNanos) {
        while let Some(((id, ask), found)) = self.resolver.as_ref().and_then(Resolver::answer) {
            self.found(id as u32, ask, found, now);
        }
    }

    fn found(&mut self, id: u32, ask: u64, found: Result<Vec<std::net::SocketAddr>, Fault>, now: UnixNanos) {
        let seat = &mut self.desk.seats[id as usize];
        let Some(dial) = seat.dial.as_mut().filter(|dial| dial.stage == Stage::Resolving(ask)) else { return };
        let tls = seat.entry.tls.as_ref().map(|(client, name)| (client, name.as_str()));
        match found.and_then(|addresses| self.net.connect(&addresses, tls)) {
            Ok(token) => self.desk.dialled(id, token),
            Err(fault) => {
                dial.failed(now);
                self.due = now;
                self.desk.fault(Some(id), &fault);
            }
        }
    }

    /// Looks at every session.
    fn timers(&mut self, now: UnixNanos) {
        self.due = UnixNanos(u64::MAX);
        for id in 0..self.desk.seats.len() as u32 {
            self.look_at_hours(id, now);
            self.look_at_dial(id, now);
            let Desk { seats, log, .. } = &mut self.desk;
            let seat = &mut seats[id as usize];
            if seat.token.is_some() && seat.session.deadline().is_some_and(|deadline| now >= deadline) {
                let verdict = seat.step(log, now, |session, store, out| session.on_time(now, store, out));
                self.desk.obey(id, verdict);
                self.desk.touch(id);
            } else if seat.draft_ends().is_some_and(|ends| now >= ends) {
                seat.end(Some(Code::FixLogon));
                self.desk.touch(id);
            }
            if let Some(deadline) = self.desk.seats[id as usize].deadline() {
                // What is due now and was not done waits for something else: an end that is being sent.
                self.due = self.due.min(deadline.max(UnixNanos(now.0 + 1_000_000)));
            }
        }
    }

    /// A window ends: the session is logged out. The next one begins: it may be connected.
    fn look_at_hours(&mut self, id: u32, now: UnixNanos) {
        let Desk { seats, log, dirty, .. } = &mut self.desk;
        let seat = &mut seats[id as usize];
        let over = seat.window.is_some_and(|window| !window.holds(now));
        if seat.token.is_some() && now >= seat.numbers_until {
            seat.numbers_until = UnixNanos(u64::MAX);
            FixPort { seats, log, dirty, session: id, now }.logout(BEGINS_ANEW);
            return;
        }
        if !over && (seat.window.is_some() || seat.opens.is_none_or(|opens| now < opens)) {
            return;
        }
        seat.window = seat.entry.hours.window(now);
        seat.opens = seat.entry.hours.next(now).map(|window| window.opens);
        if over {
            FixPort { seats, log, dirty, session: id, now }.logout(HOURS_OVER);
        }
    }

    /// An initiator without a connection that may have one gets one.
    fn look_at_dial(&mut self, id: u32, now: UnixNanos) {
        let seat = &mut self.desk.seats[id as usize];
        let may_connect = seat.may_connect(now) && !self.desk.ends;
        let is_taken = seat.is_taken();
        let Some(dial) = &mut seat.dial else { return };
        if is_taken {
            return;
        }
        if !may_connect {
            dial.stage = Stage::Idle;
            return;
        }
        dial.begin(now);
        let Stage::Waiting(until) = dial.stage else { return };
        if now < until {
            return;
        }
        let address = dial.address().to_string();
        let ask = dial.resolving();
        if let Some(found) = self.resolver.as_ref().and_then(|resolver| resolver.ask((id as usize, ask), &address)) {
            self.found(id, ask, found, now);
        }
    }

    /// Logs every session out, waits for the answers, and ends.
    fn finish(&mut self) {
        let now = self.desk.clock.now();
        self.desk.ends = true;
        self.commands.close();
        self.take_commands(now);
        for id in 0..self.desk.seats.len() as u32 {
            let Desk { seats, log, dirty, .. } = &mut self.desk;
            FixPort { seats, log, dirty, session: id, now }.logout("");
        }
        let until = Instant::now() + CLOSE_PATIENCE;
        self.due = now;
        while Instant::now() < until && self.desk.seats.iter().any(|seat| seat.is_taken()) {
            self.turn(Duration::from_millis(10));
        }
        for id in 0..self.desk.seats.len() as u32 {
            let seat = &mut self.desk.seats[id as usize];
            if seat.is_taken() {
                seat.end(Some(Code::FixSilent));
                self.flush_one(id);
            }
        }
        // The last bytes of those that were just closed.
        while Instant::now() < until && self.desk.connections() > 0 {
            self.turn(Duration::from_millis(10));
        }
        self.desk.app.on_turn_end();
    }
}
