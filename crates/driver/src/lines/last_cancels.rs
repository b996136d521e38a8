//! # Room card: driver/lines/last_cancels
//! In:    news of one venue's order connection after the engine has halted; the plain table of live orders.
//! Out:   where the cancels could not be sent, or were not answered: a session of its own with logon, mass cancel,
//!        cancels and logout; when a connection is wanted; which venues have answered.
//! Holds: nothing is ordered and no engine state is touched; every wait has its end; what is refused is counted and
//!        told by the line.
//! Costs: cold path, after a halt alone.
use types::{Code, ConnId, Nanos, OrderEventKind, OrderId, OrderState, UnixNanos, VenueId};
use wire::fix::report::{self, Report};
use wire::fix::{Inbox, Listing, Message, NoStore, Out, Session, State, Verdict};

use super::Outlet;
use crate::live_orders::LiveOrders;
use crate::work::Work;

/// How long a venue has to answer the cancels before its connection is given up and made anew.
pub(super) const ANSWERS_WAIT: Nanos = Nanos::from_millis(3_000);
/// How often in one session the cancels are sent again because the venue has missed messages.
const REPEATS_MAX: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// No session. Where orders may be working a connection is wanted.
    Offline,
    /// The answer to the logon is awaited.
    LoggingOn,
    /// Cancels are sent; when they have gone unanswered for too long.
    Asked(UnixNanos),
    /// They are answered, or there was nothing to cancel.
    Settled,
}

/// How a session came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// By a logout, everything answered.
    InOrder,
    /// By this fault; the next attempt follows after a pause.
    Fault(Code),
}

/// The last cancels of one venue.
pub(super) struct LastCancels {
    venue: VenueId,
    stage: Stage,
    /// Begun here; none while the one that the engine had still stands.
    session: Option<Session>,
    /// Taken out while its messages are read.
    inbox: Option<Inbox>,
    /// The venue refused our numbers: the next logon begins at 1 on both sides.
    reset_next: bool,
    repeats: u32,
    end: Option<End>,
}

/// A session's own messages leave at once.
struct Wire<'a> {
    outlet: &'a mut Outlet,
    conn: ConnId,
}

impl Out for Wire<'_> {
    fn send(&mut self, bytes: &[u8]) {
        self.outlet.send_now(self.conn, bytes);
    }
}

impl LastCancels {
    /// After the halt, which has sent cancels on the session that stood, if one did.
    pub(super) fn new(venue: usize, now: UnixNanos, work: &mut Work) -> LastCancels {
        let entry = &work.outlet.entries[venue];
        let (is_up, asked) = (entry.token.is_some(), entry.has_begun());
        let mut last = LastCancels {
            venue: VenueId(venue as u8),
            stage: Stage::Offline,
            session: None,
            inbox: Some(Inbox::new()),
            reset_next: false,
            repeats: 0,
            end: None,
        };
        if !work.live.any(|event| work.facts.venue_of(event.instrument().index()).0 as usize == venue) {
            last.stage = Stage::Settled;
        } else if asked {
            last.stage = Stage::Asked(now.plus(ANSWERS_WAIT));
        } else if is_up {
            last.on_up(now, work);
        }
        last
    }

    /// Is a connection wanted?
    pub(super) fn wants_connection(&self) -> bool {
        self.stage == Stage::Offline
    }
    /// Is nothing more to be done?
    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Settled && self.session.is_none()
    }
    /// How the session ended, once; there is none any more.
    pub(super) fn end(&mut self) -> Option<End> {
        let end = self.end.take()?;
        self.on_down();
        Some(end)
    }

    /// The connection is gone.
    pub(super) fn on_down(&mut self) {
        self.session = None;
        if self.stage != Stage::Settled {
            self.stage = Stage::Offline;
        }
    }

    /// The connection is there: logs on with the number after the last one used, as the engine would have.
    pub(super) fn on_up(&mut self, now: UnixNanos, work: &mut Work) {
        let venue = self.venue.0 as usize;
        let setup = work.facts.sessions[venue].clone();
        // Names and heartbeat were checked at start.
        let session = setup.and_then(|setup| Session::new(setup).ok()).filter(|_| self.stage != Stage::Settled);
        let Some(mut session) = session else {
            self.end = Some(End::InOrder);
            return;
        };
        session.restore(1, work.outlet.entries[venue].next_number());
        session.set_reset_on_logon(self.reset_next);
        session.connected(now, &mut NoStore, &mut Wire { outlet: &mut work.outlet, conn: ConnId::orders(self.venue) });
        if let Some(inbox) = &mut self.inbox {
            inbox.clear();
        }
        (self.session, self.stage, self.repeats) = (Some(session), Stage::LoggingOn, 0);
    }

    /// Bytes came.
    pub(super) fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8], work: &mut Work) {
        let Some(mut inbox) = self.inbox.take() else { return };
        let mut rest = bytes;
        // Each round takes a message's bytes, or is the last.
        while self.end.is_none() {
            match inbox.next(rest) {
                Ok(step) => {
                    rest = rest.get(step.consumed..).unwrap_or_default();
                    match step.message.map(Message::parse) {
                        Some(Ok(message)) => self.on_message(&message, now, work),
                        Some(Err(_)) => {}
                        None if step.consumed == 0 || rest.is_empty() => break,
                        None => {}
                    }
                }
                Err(code) => self.end = Some(End::Fault(code)),
            }
        }
        self.inbox = Some(inbox);
    }

    fn on_message(&mut self, message: &Message<'_>, now: UnixNanos, work: &mut Work) {
        let Some(session) = &mut self.session else { return self.on_answer(message, now, work) };
        if session.state() == State::LoggingOn && message.msg_type() == b"A" {
            // What the venue has sent meanwhile is of no use any more: nothing of it is asked for.
            session.restore(message.sequence(), session.next_out());
        }
        let out = &mut Wire { outlet: &mut work.outlet, conn: ConnId::orders(self.venue) };
        match session.on_message(message, now, &mut NoStore, out) {
            Verdict::LoggedOn => self.ask(now, work),
            Verdict::Deliver => self.on_answer(message, now, work),
            // It dropped what came after the numbers it has missed.
            Verdict::Handled if message.msg_type() == b"2" && self.repeats < REPEATS_MAX => {
                self.repeats += 1;
                if matches!(self.stage, Stage::Asked(_)) {
                    self.ask(now, work);
                }
            }
            verdict => self.on_verdict(verdict),
        }
    }

    fn on_verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::LoggedOut if self.stage == Stage::Settled => self.end = Some(End::InOrder),
            Verdict::LoggedOut => self.end = Some(End::Fault(Code::ConnectionLost)),
            Verdict::Ended(_) if self.stage == Stage::Settled => self.end = Some(End::InOrder),
            Verdict::Ended(code) => {
                self.reset_next |= matches!(code, Code::FixLogon | Code::FixSequence);
                self.end = Some(End::Fault(code));
            }
            Verdict::Deliver | Verdict::Handled | Verdict::LoggedOn | Verdict::Restarted => {}
        }
    }

    /// Mass cancel and cancels, on the session begun here.
    fn ask(&mut self, now: UnixNanos, work: &mut Work) {
        let Some(session) = &mut self.session else { return };
        let venue = self.venue.0 as usize;
        let mut numbers = vec![None; work.outlet.entries.len()];
        numbers[venue] = Some(session.next_out());
        work.send_cancels(&mut numbers, now);
        if let Some(next) = numbers[venue] {
            session.restore(session.next_in(), next);
        }
        self.stage = Stage::Asked(now.plus(ANSWERS_WAIT));
    }

    /// An answer to the mass cancel settles everything, or else the answers to all cancels.
    fn on_answer(&mut self, message: &Message<'_>, now: UnixNanos, work: &mut Work) {
        if !matches!(self.stage, Stage::Asked(_)) {
            return;
        }
        let listing = Listing { instruments: &work.facts.instruments, venue: self.venue };
        let of_the_last = |id: OrderId| LiveOrders::is_own(id.counter());
        let all_gone = match report::decode(message, &listing) {
            Ok(Report::MassCancel(answer)) => answer.accepted && answer.request.is_none_or(of_the_last),
            Ok(Report::Order(told)) => {
                let ended = !OrderState::from_u8(told.event.state).is_some_and(OrderState::is_open);
                if ended || told.event.kind() == Some(OrderEventKind::CancelRejected) {
                    let named = report::names(message);
                    work.awaited.retain(|&(venue, id)| venue != self.venue || Some(id) != named);
                }
                !work.awaited.iter().any(|&(venue, _)| venue == self.venue)
            }
            _ => false,
        };
        if all_gone {
            self.stage = Stage::Settled;
            work.settled[self.venue.0 as usize] = true;
            if let Some(session) = &mut self.session {
                let out = &mut Wire { outlet: &mut work.outlet, conn: ConnId::orders(self.venue) };
                let verdict = session.logout("", now, &mut NoStore, out);
                self.on_verdict(verdict);
            }
        }
    }

    /// Time has come to `now`.
    pub(super) fn on_time(&mut self, now: UnixNanos, work: &mut Work) {
        if let Some(session) = &mut self.session
            && session.deadline().is_some_and(|deadline| now >= deadline)
        {
            let out = &mut Wire { outlet: &mut work.outlet, conn: ConnId::orders(self.venue) };
            let verdict = session.on_time(now, &mut NoStore, out);
            self.on_verdict(verdict);
        }
        if let Stage::Asked(until) = self.stage
            && now >= until
        {
            self.end.get_or_insert(End::Fault(Code::AckTimeout));
        }
    }
}
