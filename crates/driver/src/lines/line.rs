//! # Room card: driver/lines/line
//! In:    news of one socket, time.
//! Out:   the link that owns it driven by them: bytes sent, connections made and dropped, its events passed on.
//! Holds: what came before an end is read before it; a peer that does not take what the link sends is dropped.
//! Costs: a handful of branches where nothing happened.
use types::{Code, UnixNanos};

use super::resolver::Resolver;
use super::socket::{Counts, Socket};
use crate::feed_link::{FeedLink, LinkAction, LinkEvent, SnapshotFetch};
use crate::work::Work;

/// Actions of a link in a row: connect, fail at once, wait.
const ACTIONS_MAX: usize = 4;

/// What `FeedLink` and `SnapshotFetch` have in common.
pub(crate) trait Link {
    fn action(&mut self) -> Option<LinkAction>;
    fn out(&self) -> &[u8];
    fn out_taken(&mut self);
    fn deadline(&self) -> Option<UnixNanos>;
    fn on_time(&mut self, now: UnixNanos, sink: &mut impl FnMut(LinkEvent<'_>));
    fn on_up(&mut self, now: UnixNanos);
    fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>));
    fn on_down(&mut self, now: UnixNanos, code: Code, sink: &mut impl FnMut(LinkEvent<'_>));
}

macro_rules! link {
    ($link:ty, |$self:ident, $now:ident| $up:expr) => {
        impl Link for $link {
            fn action(&mut self) -> Option<LinkAction> {
                <$link>::action(self)
            }
            fn out(&self) -> &[u8] {
                <$link>::out(self)
            }
            fn out_taken(&mut self) {
                <$link>::out_taken(self);
            }
            fn deadline(&self) -> Option<UnixNanos> {
                <$link>::deadline(self)
            }
            fn on_time(&mut self, now: UnixNanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
                <$link>::on_time(self, now, sink);
            }
            fn on_up(&mut $self, $now: UnixNanos) {
                $up
            }
            fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>)) {
                <$link>::on_bytes(self, now, bytes, sink);
            }
            fn on_down(&mut self, now: UnixNanos, code: Code, sink: &mut impl FnMut(LinkEvent<'_>)) {
                <$link>::on_down(self, now, code, sink);
            }
        }
    };
}

link!(FeedLink, |self, now| FeedLink::on_up(self, now));
link!(SnapshotFetch, |self, _now| SnapshotFetch::on_up(self));

/// A link and its socket.
pub(crate) struct Line<L> {
    pub(crate) link: L,
    pub(crate) socket: Socket,
}

impl<L: Link> Line<L> {
    /// Passes on what happened since the last call; `told` gets the link's events and when their bytes were read.
    /// `timed` says that deadlines are to be looked at.
    pub(crate) fn serve(
        &mut self,
        now: UnixNanos,
        timed: bool,
        resolver: &Resolver,
        work: &mut Work,
        told: &mut impl FnMut(&mut Work, LinkEvent<'_>, u64),
    ) {
        if core::mem::take(&mut self.socket.came_up) {
            self.link.on_up(now);
            self.obey(now, resolver, work, told);
        }
        if !self.socket.inbox.is_empty() {
            let Socket { counts, inbox, read_at, .. } = &mut self.socket;
            self.link.on_bytes(now, inbox, &mut |event| tell(counts, work, event, *read_at, told));
            self.socket.inbox.clear();
            self.obey(now, resolver, work, told);
        }
        if let Some(code) = self.socket.ended.take() {
            let counts = &mut self.socket.counts;
            self.link.on_down(now, code, &mut |event| tell(counts, work, event, 0, told));
            self.obey(now, resolver, work, told);
        }
        if timed && self.link.deadline().is_some_and(|deadline| now >= deadline) {
            let counts = &mut self.socket.counts;
            self.link.on_time(now, &mut |event| tell(counts, work, event, 0, told));
            self.obey(now, resolver, work, told);
        }
    }

    /// Sends what the link has to send and does with the socket what it says.
    pub(crate) fn obey(
        &mut self,
        now: UnixNanos,
        resolver: &Resolver,
        work: &mut Work,
        told: &mut impl FnMut(&mut Work, LinkEvent<'_>, u64),
    ) {
        for _ in 0..ACTIONS_MAX {
            let Some(net) = &mut work.outlet.net else { return };
            if let (Some(token), true, false) = (self.socket.token, self.socket.is_up, self.link.out().is_empty()) {
                let sent = net.send(token, self.link.out());
                self.socket.counts.bytes_out += self.link.out().len() as u64;
                self.link.out_taken();
                if let Err(fault) = sent {
                    self.socket.abort(net);
                    let counts = &mut self.socket.counts;
                    self.link.on_down(now, fault.code(), &mut |event| tell(counts, work, event, 0, told));
                    continue;
                }
            }
            match self.link.action() {
                Some(LinkAction::Connect) => self.socket.connect(net, resolver),
                Some(LinkAction::Close) => self.socket.close(net),
                Some(LinkAction::Abort) => self.socket.abort(net),
                None => return,
            }
        }
    }
}

/// Counts an event and passes it on.
#[inline]
fn tell(
    counts: &mut Counts,
    work: &mut Work,
    event: LinkEvent<'_>,
    read_at: u64,
    told: &mut impl FnMut(&mut Work, LinkEvent<'_>, u64),
) {
    match event {
        LinkEvent::Message(_) => counts.messages += 1,
        LinkEvent::Fault(fault) => counts.fault(fault.code),
        LinkEvent::Down => counts.lost += 1,
        LinkEvent::Stamp(stamp) if !work.follow_stamp(stamp) => counts.fault(Code::ClockStepped),
        LinkEvent::Up | LinkEvent::Stamp(_) => {}
    }
    told(work, event, read_at);
}
