//! # Room card: engine/entry
//! In:    a venue's order entry as configured; messages that go out; questions about orders.
//! Out:   `OrderEntry`: number and names of the next message, the FIX session where the engine owns one, what is waited
//!        for.
//! Holds: a question is answered once; what a refused message was is known for the last `SENT_MAX` messages.
//! Costs: O(1); an answer out of order scans the questions.
use types::config::{OrderEntry as EntryKind, OrderLimits, VenueSetup};
use types::limits::VENUES_MAX;
use types::{ConnId, ConnState, Effects, InstrumentId, Nanos, OrderId, TimerId, UnixNanos, VenueId};
use wire::fix::{Header, Inbox, Out, Role, Session, SessionSetup};

/// Messages whose purpose is remembered, in case the venue refuses one as a message.
const SENT_MAX: usize = 1024;
/// The engine's timer of the first venue's FIX session; the others follow by number.
const FIX_TIMERS: u64 = 16;

/// The engine's timer of a venue's FIX session: heartbeats, silence, and what reconciliation waits for.
pub const fn fix_timer(venue: VenueId) -> TimerId {
    TimerId(FIX_TIMERS + venue.0 as u64)
}

/// The venue whose session a timer belongs to.
pub(crate) const fn venue_of_timer(id: TimerId) -> Option<VenueId> {
    if id.0 >= FIX_TIMERS && id.0 < FIX_TIMERS + VENUES_MAX as u64 {
        Some(VenueId((id.0 - FIX_TIMERS) as u8))
    } else {
        None
    }
}
const _: () = assert!(FIX_TIMERS + (VENUES_MAX as u64) < TimerId::FIRST_USER.0);

/// How far a venue and we agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Not logged on.
    Offline,
    /// The mass cancel is not answered.
    MassCancel,
    /// Every order still open here is asked about with the next timer.
    AskStatus,
    /// Not all of these questions are answered.
    Status,
    /// Positions are not all stated, or one differs.
    Positions,
    /// Orders and positions are agreed.
    Agreed,
}

/// What a message was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// A new order, cancel or replace with this counter.
    Request(u32),
    MassCancel,
    Status,
    Position(InstrumentId),
}

/// Questions about orders that the venue has not answered, oldest first.
#[derive(Debug)]
pub(crate) struct Questions {
    slots: Box<[(OrderId, u32)]>,
    head: usize,
    count: usize,
}

impl Questions {
    /// `most` is a power of two.
    fn new(most: usize) -> Questions {
        Questions { slots: vec![(OrderId::NONE, 0); most].into_boxed_slice(), head: 0, count: 0 }
    }
    fn at(&self, place: usize) -> usize {
        (self.head + place) & (self.slots.len() - 1)
    }
    /// Notes a question; `below` is the first counter given out after it. `false` when there is no room, or when one
    /// about the order waits already.
    pub(crate) fn push(&mut self, id: OrderId, below: u32) -> bool {
        if self.count == self.slots.len() || (0..self.count).any(|place| self.slots[self.at(place)].0 == id) {
            return false;
        }
        let at = self.at(self.count);
        self.slots[at] = (id, below);
        self.count += 1;
        true
    }
    /// The same for one of many about different orders, without the look for a repetition.
    pub(crate) fn push_distinct(&mut self, id: OrderId, below: u32) {
        if self.count < self.slots.len() {
            let at = self.at(self.count);
            self.slots[at] = (id, below);
            self.count += 1;
        }
    }
    /// The answer came: what counters it settles. `None` when nobody asked.
    pub(crate) fn take(&mut self, id: OrderId) -> Option<u32> {
        let place = (0..self.count).find(|&place| self.slots[self.at(place)].0 == id)?;
        let at = self.at(place);
        let below = core::mem::replace(&mut self.slots[at], (OrderId::NONE, 0)).1;
        while self.count > 0 && self.slots[self.head].0 == OrderId::NONE {
            (self.head, self.count) = (self.at(1), self.count - 1);
        }
        Some(below)
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
    pub(crate) fn clear(&mut self) {
        (self.head, self.count) = (0, 0);
    }
}

/// How long the venue has for an answer, where a request has no longer.
const STAGE_WAIT: Nanos = Nanos::from_millis(10_000);

/// A FIX session and what it waits for.
pub(crate) struct FixEntry {
    pub(crate) session: Session,
    /// Taken out while its messages are applied.
    pub(crate) inbox: Option<Inbox>,
    pub(crate) stage: Stage,
    /// When the stage has taken too long; `NONE` when nothing is waited for.
    pub(crate) stage_ends: UnixNanos,
    /// How long the venue has for the next answer.
    pub(crate) patience: Nanos,
    /// What the timer is set for; `NONE` when it is not.
    pub(crate) timer: UnixNanos,
    pub(crate) questions: Questions,
    /// ClOrdID of the mass cancel.
    pub(crate) mass_cancel: OrderId,
    /// The next logon begins at number 1 on both sides.
    pub(crate) reset_next: bool,
    sent: Box<[(u64, Sent); SENT_MAX]>,
}

/// Order entry of a venue.
pub(crate) struct OrderEntry {
    /// State of the order connection; down until an input says otherwise.
    pub(crate) conn: ConnState,
    /// Requests below this counter were made before the connection came up (direct entry).
    pub(crate) asked_below: u32,
    /// The session the engine owns; without one reports come normalised.
    pub(crate) fix: Option<Box<FixEntry>>,
    sender: Box<[u8]>,
    target: Box<[u8]>,
    /// Number of the next message (direct entry).
    sequence: u64,
}

impl OrderEntry {
    /// Memory of one with a session: 16 bytes for each order of the table, and the session's buffers.
    pub(crate) fn new(venue: &VenueSetup, orders: &OrderLimits) -> OrderEntry {
        let (sender, target) = (venue.sender_comp_id.as_bytes(), venue.target_comp_id.as_bytes());
        let fix = match venue.entry {
            EntryKind::Direct => None,
            EntryKind::Fix { heartbeat, cancel_on_disconnect } => {
                let whole = Nanos(heartbeat.0 - heartbeat.0 % 1_000_000_000);
                let mut setup = SessionSetup::new(Role::Initiator, sender, target, whole);
                setup.cancel_on_disconnect = cancel_on_disconnect;
                let session = Session::new(setup).expect("the configuration has checked the names");
                Some(Box::new(FixEntry {
                    session,
                    inbox: Some(Inbox::new()),
                    stage: Stage::Offline,
                    stage_ends: UnixNanos::NONE,
                    patience: STAGE_WAIT.max(orders.ack_timeout),
                    timer: UnixNanos::NONE,
                    questions: Questions::new(orders.max_orders.next_power_of_two()),
                    mass_cancel: OrderId::NONE,
                    reset_next: true,
                    sent: Box::new([(0, Sent::MassCancel); SENT_MAX]),
                }))
            }
        };
        OrderEntry {
            conn: ConnState::Down,
            asked_below: 0,
            fix,
            sender: sender.into(),
            target: target.into(),
            sequence: 1,
        }
    }

    /// May a request be sent? Over FIX only on an open session: it would never be sent again.
    #[inline]
    pub(crate) fn takes_requests(&self) -> bool {
        self.fix.as_ref().is_none_or(|fix| fix.session.is_open())
    }

    /// Header of the next message.
    #[inline]
    pub(crate) fn header(&self, now: UnixNanos) -> Header<'_> {
        match &self.fix {
            Some(fix) => fix.session.header(now),
            None => Header { sender: &self.sender, target: &self.target, sequence: self.sequence, time: now },
        }
    }

    /// The message with that header goes out.
    #[inline]
    pub(crate) fn sent(&mut self, what: Sent, now: UnixNanos) {
        match &mut self.fix {
            Some(fix) => {
                let sequence = fix.session.take_sequence(now);
                fix.sent[sequence as usize % SENT_MAX] = (sequence, what);
            }
            None => self.sequence += 1,
        }
    }
}

impl FixEntry {
    /// Is a request or question among the messages from this number on? Those before the logon count too.
    #[cold]
    pub(crate) fn has_sent_since(&self, from: u64) -> bool {
        let numbers = from.max(1)..self.session.next_out();
        self.session.is_open() && self.sent.iter().any(|sent| numbers.contains(&sent.0))
    }
    /// Numbers begin anew.
    pub(crate) fn forget_sent(&mut self) {
        self.sent.fill((0, Sent::MassCancel));
    }
    /// What the message with this number was for.
    pub(crate) fn sent_as(&self, sequence: u64) -> Option<Sent> {
        let (known, what) = self.sent[sequence as usize % SENT_MAX];
        (sequence != 0 && known == sequence).then_some(what)
    }
}

/// A session's own messages leave as effects.
pub(crate) struct Wire<'a> {
    pub(crate) effects: &'a mut Effects,
    pub(crate) conn: ConnId,
}

impl Out for Wire<'_> {
    fn send(&mut self, bytes: &[u8]) {
        self.effects.send(self.conn, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use types::rng::SplitMix64;

    #[test]
    fn questions_agree_with_a_list() {
        let (seed, mut questions, mut list) = (3, Questions::new(8), VecDeque::<(u64, u32)>::new());
        let mut rng = SplitMix64::new(seed);
        for step in 0..50_000u32 {
            let id = rng.below(12) + 1;
            match rng.below(40) {
                0 => {
                    questions.clear();
                    list.clear();
                }
                // Answers mostly come in order.
                1..20 => {
                    let id = if rng.below(4) > 0 { list.front().map_or(id, |front| front.0) } else { id };
                    let place = list.iter().position(|known| known.0 == id);
                    let want = place.and_then(|place| list.remove(place)).map(|known| known.1);
                    assert_eq!(questions.take(OrderId(id)), want, "seed {seed} step {step}");
                }
                _ => {
                    // Answered places in the middle count until those before them are answered.
                    let room = questions.count < 8;
                    let fresh = list.iter().all(|known| known.0 != id);
                    assert_eq!(questions.push(OrderId(id), step), room && fresh, "seed {seed} step {step}");
                    if room && fresh {
                        list.push_back((id, step));
                    }
                }
            }
            assert_eq!(questions.is_empty(), list.is_empty(), "seed {seed} step {step}");
        }
    }

    #[test]
    fn timers_name_their_venue() {
        for venue in [0, 7, VENUES_MAX as u8 - 1] {
            assert_eq!(venue_of_timer(fix_timer(VenueId(venue))), Some(VenueId(venue)));
        }
        for id in [0, 3, 15, FIX_TIMERS + VENUES_MAX as u64, TimerId::FIRST_USER.0] {
            assert_eq!(venue_of_timer(TimerId(id)), None);
        }
    }
}
