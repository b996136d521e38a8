//! # Room card: wire/fix/session/store
//! In:    messages as they are sent, numbers as they change.
//! Out:   messages again, for a resend.
//! Holds: what is kept is kept before it is sent; a number is used once between two resets.
//! Costs: what the store costs; `NoStore` costs nothing.
use types::UnixNanos;

/// Where a session's messages go.
pub trait Out {
    /// One whole message.
    fn send(&mut self, bytes: &[u8]);

    /// Shall a resend go on? Otherwise it waits until `Session::resend_rest` is called. Everything else is sent.
    fn has_room(&self) -> bool {
        true
    }
}

impl Out for Vec<u8> {
    fn send(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// What of a session outlives its connection: the numbers, and the messages that can be asked for again.
///
/// A session calls it before it hands a message to `Out`, so that a store which writes at once knows every number
/// that may have been used. The number expected of the peer is told by `Session::settle`, after the message with the
/// number before it has been applied: a crash in between makes the peer send it again, marked as a possible duplicate.
/// No method fails; a store that cannot write remembers it, and its owner ends the session before the bytes leave.
pub trait Store {
    /// The first kept message with a number of `from` or above: its number and its bytes as they were sent.
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])>;

    /// A message with this number, never used before, is about to be sent; the next one has the number after.
    /// Administrative messages are told too, for their number; they are never asked for again (`application` false).
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        let _ = (sequence, bytes, application);
    }

    /// The numbers to go on with: the next expected of the peer, the next of ours.
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        let _ = (next_in, next_out);
    }

    /// Both sides begin at 1 again; nothing kept before counts any more.
    fn reset(&mut self, now: UnixNanos) {
        let _ = now;
    }
}

/// Keeps nothing: every resend is answered by a gap fill.
#[derive(Clone, Copy, Debug)]
pub struct NoStore;

impl Store for NoStore {
    fn next(&mut self, _from: u64) -> Option<(u64, &[u8])> {
        None
    }
}
