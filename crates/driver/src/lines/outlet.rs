//! # Room card: driver/lines/outlet
//! In:    the bytes of a turn's Send effects, snapshots wanted, sessions the engine gave up.
//! Out:   bytes on sockets when the turn ends; what is to be done with connections after it.
//! Holds: a message is taken whole or not at all; a peer that does not read is given up, never waited for; the number
//!        of the last FIX message sent is known without the engine.
//! Costs: one system call a turn that sends; a copy of the bytes.
use net::{Net, SendFault, Token};
use types::{Code, ConnId, ConnRole, InstrumentId, UnixNanos, VenueId};

use super::PaperLine;
use crate::recover::{is_gap_fill, last_sequence};

/// Bytes of a message's head that are kept: what stands before MsgSeqNum (34) is shorter (comp ids of 64 bytes).
const HEAD_BYTES: usize = 256;

/// Bytes of a turn that are handed to a socket in one go, and their messages; a larger turn goes in several.
const GATHERED_BYTES: usize = 64 * 1024;
const GATHERED_MESSAGES: usize = 256;

/// Stands for the connection to a local queue model; it names none of the loop's.
pub(crate) const PAPER_TOKEN: Token = Token(0);

/// Order entry of one venue, as far as sending needs it.
pub(crate) struct Entry {
    /// A connection that is up.
    pub(crate) token: Option<Token>,
    /// The engine ended the session: the connection is to be closed.
    pub(crate) given_up: bool,
    /// Why, as the number of a code; 0: in good order.
    pub(crate) reason: u16,
    /// The peer reads too slowly or the socket is gone: the connection is to be dropped.
    pub(crate) failed: Option<Code>,
    /// Sent since it is up.
    sent: u64,
    /// Head of the last message sent.
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    /// MsgSeqNum (34) of the last message of an earlier process.
    before: u64,
    pub(crate) bytes_out: u64,
    /// The venue has a native link.
    pub(crate) native: bool,
}

impl Entry {
    fn new(native: bool) -> Entry {
        Entry {
            token: None,
            given_up: false,
            reason: 0,
            failed: None,
            sent: 0,
            head: [0; HEAD_BYTES],
            head_bytes: 0,
            before: 0,
            bytes_out: 0,
            native,
        }
    }
    /// A connection is up, or none is.
    pub(crate) fn connected(&mut self, token: Option<Token>) {
        (self.token, self.given_up, self.reason) = (token, false, 0);
        (self.failed, self.sent) = (None, 0);
    }
    /// Keeps the head of a message that was sent.
    #[inline]
    fn keep_head(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(HEAD_BYTES);
        if !is_gap_fill(&bytes[..kept]) {
            self.head[..kept].copy_from_slice(&bytes[..kept]);
            self.head_bytes = kept;
        }
    }
    #[inline]
    fn note_sent(&mut self, bytes: &[u8]) {
        self.keep_head(bytes);
        self.sent += 1;
        self.bytes_out += bytes.len() as u64;
    }
    /// MsgSeqNum (34) of the next message, when something can be sent and a session was begun.
    pub(crate) fn next_sequence(&self) -> Option<u64> {
        let begun = self.has_begun() && self.failed.is_none();
        begun.then(|| self.next_number()).filter(|&number| number > 1)
    }
    /// MsgSeqNum (34) after the last one used, on whatever connection.
    pub(crate) fn next_number(&self) -> u64 {
        last_sequence(&self.head[..self.head_bytes]).unwrap_or(self.before) + 1
    }
    /// A connection is up, and something was sent on it.
    pub(crate) fn has_begun(&self) -> bool {
        self.token.is_some() && self.sent > 0
    }
}

/// Everything a turn can reach outside.
pub(crate) struct Outlet {
    /// The loop of sockets; none where no venue has a native link.
    pub(crate) net: Option<Net>,
    /// By venue.
    pub(crate) entries: Box<[Entry]>,
    /// Local queue models, by venue.
    pub(crate) papers: Vec<Option<Box<PaperLine>>>,
    pub(crate) any_paper: bool,
    /// Time of the turn whose effects are sent.
    pub(crate) now: UnixNanos,
    /// Snapshots wanted, by instrument, and whether there is one at all.
    pub(crate) wanted: Box<[bool]>,
    pub(crate) any_wanted: bool,
    /// Something was sent in this turn.
    pub(crate) sent: bool,
    /// What one venue is to be sent, gathered over a turn: a system call costs more than a quote is worth waiting for.
    gathered: Vec<u8>,
    /// Where each message of it ends.
    ends: Vec<usize>,
    gathered_for: u8,
    /// Messages for connections that were not there.
    pub(crate) dropped: u64,
    /// Nothing more is sent but the last cancels.
    pub(crate) shut: bool,
}

impl Outlet {
    /// `native` says of each venue whether its orders leave by a socket of ours.
    pub(crate) fn new(
        net: Option<Net>,
        papers: Vec<Option<Box<PaperLine>>>,
        native: impl Iterator<Item = bool>,
        instruments: usize,
    ) -> Outlet {
        Outlet {
            net,
            any_paper: papers.iter().any(Option::is_some),
            papers,
            now: UnixNanos::NONE,
            entries: native.map(Entry::new).collect(),
            wanted: vec![false; instruments].into_boxed_slice(),
            any_wanted: false,
            sent: false,
            gathered: Vec::with_capacity(GATHERED_BYTES),
            ends: Vec::with_capacity(GATHERED_MESSAGES),
            gathered_for: 0,
            dropped: 0,
            shut: false,
        }
    }

    /// What an earlier process sent last, by venue.
    pub(crate) fn resume(&mut self, sequences: &[u64]) {
        for (entry, &sequence) in self.entries.iter_mut().zip(sequences) {
            entry.before = sequence;
        }
    }

    /// A Send effect. Of a venue without a native link the order's event goes to its gateway instead. The bytes leave
    /// with `flush`.
    #[inline]
    pub(crate) fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.sent = true;
        let ConnRole::Orders(VenueId(venue)) = conn.role() else { return };
        let Some(entry) = self.entries.get_mut(venue as usize).filter(|entry| entry.native) else { return };
        match (entry.token, entry.failed) {
            (Some(PAPER_TOKEN), _) => {
                if let Some(Some(line)) = self.papers.get_mut(venue as usize) {
                    line.paper.on_bytes(self.now, bytes);
                }
                entry.note_sent(bytes);
            }
            (Some(_), None) => {
                let full = self.gathered.len() + bytes.len() > GATHERED_BYTES || self.ends.len() == GATHERED_MESSAGES;
                if full || self.gathered_for != venue {
                    self.flush();
                    self.gathered_for = venue;
                }
                self.gathered.extend_from_slice(bytes);
                self.ends.push(self.gathered.len());
            }
            _ => self.dropped += 1,
        }
    }

    /// Hands what was gathered to its socket.
    #[inline]
    pub(crate) fn flush(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        let entry = &mut self.entries[self.gathered_for as usize];
        let sent = match (entry.token, &mut self.net, entry.failed) {
            (Some(token), Some(net), None) => net.send(token, &self.gathered),
            _ => Err(SendFault::Closed),
        };
        match sent {
            Ok(()) => {
                let mut start = 0;
                for &end in &self.ends {
                    entry.note_sent(&self.gathered[start..end]);
                    start = end;
                }
            }
            // Not half a message: what the journal says was sent and was not is settled by reconciliation.
            Err(fault @ (SendFault::Full | SendFault::Closed)) => {
                entry.failed = entry.failed.or(Some(fault.code()));
                self.dropped += self.ends.len() as u64;
            }
        }
        self.gathered.clear();
        self.ends.clear();
    }

    /// Sends one message at once: the engine has ended. `false`: the connection takes nothing more.
    #[cold]
    pub(crate) fn send_now(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        self.send(conn, bytes);
        self.flush();
        let ConnRole::Orders(VenueId(venue)) = conn.role() else { return false };
        self.entries.get(venue as usize).is_some_and(|entry| entry.token.is_some() && entry.failed.is_none())
    }

    /// What a turn that did not end has gathered is not sent.
    #[cold]
    pub(crate) fn forget(&mut self) {
        self.gathered.clear();
        self.ends.clear();
    }

    /// The engine wants a snapshot.
    pub(crate) fn want(&mut self, instrument: InstrumentId) {
        if let Some(wanted) = self.wanted.get_mut(instrument.index()) {
            (*wanted, self.any_wanted) = (true, true);
        }
    }

    /// The engine says that a connection is down, and why. Of one that is up here it is the end.
    pub(crate) fn given_up(&mut self, conn: ConnId, reason: u16) {
        if let ConnRole::Orders(VenueId(venue)) = conn.role()
            && let Some(entry) = self.entries.get_mut(venue as usize)
            && entry.token.is_some()
        {
            (entry.given_up, entry.reason) = (true, reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancels_are_numbered_on_from_the_last_number_used() {
        let message = |msg_type: &str, number: u64| {
            format!("8=FIX.4.4|9=80|35={msg_type}|49=F|56=V|34={number}|52=20240808-10:00:00.000|10=000|")
                .replace('|', "\x01")
                .into_bytes()
        };
        let mut entry = Entry::new(true);
        (entry.before, entry.token, entry.sent) = (9, Some(Token(1)), 1);
        assert_eq!(entry.next_sequence(), Some(10), "of an earlier process");
        for (msg_type, number, next) in [("A", 1, 2), ("D", 40, 41), ("4", 3, 41), ("AN", 41, 42), ("A", 1, 2)] {
            entry.keep_head(&message(msg_type, number));
            assert_eq!(entry.next_sequence(), Some(next), "after {msg_type} {number}");
        }
        entry.failed = Some(Code::PeerSlow);
        assert_eq!(entry.next_sequence(), None);
    }
}
