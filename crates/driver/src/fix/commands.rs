//! # Room card: driver/fix/commands
//! In:    messages to send, logouts, resets, stops; from any thread.
//! Out:   the same, in their order, on the host's thread.
//! Holds: bounded bytes; a command that does not fit is refused at once and nothing of it stays.
//! Costs: a lock held for one copy, no allocation once the buffer has grown; one wake when the host sleeps.
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::Waker;
use types::Code;

use super::application::LogonAnswer;

/// Bytes of commands that wait, at most.
pub const COMMAND_BYTES_MAX: usize = 16 << 20;
/// Before each command: kind, session, ticket, three lengths.
const HEADER_BYTES: usize = 1 + 4 + 8 + 3 * 4;

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Nobody takes any more.
    closed: bool,
    tickets: u64,
}

/// Commands on their way to a host.
#[derive(Clone, Default)]
pub(super) struct Commands {
    queue: Arc<Mutex<Queue>>,
    /// The host shall end: a flag, because it must not depend on room in the queue.
    stop: Arc<AtomicBool>,
}

/// One command, as the host reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command<'a> {
    Send {
        kind: &'a [u8],
        header: &'a [u8],
        body: &'a [u8],
    },
    /// Ends the session and keeps it ended.
    Logout {
        text: &'a str,
    },
    /// Lets it be connected again.
    Logon,
    /// Both sides begin at 1 with the next logon.
    Reset,
    /// Both sides of the open session begin at 1.
    Restart,
    /// What a question about a logon is answered.
    Answer {
        ask: u64,
        reply: Reply<'a>,
    },
}

/// An answer to a question about a logon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reply<'a> {
    Accept(&'a [u8]),
    Refuse(&'a str),
    Close,
}

impl Commands {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, kind: u8, session: u32, parts: [&[u8]; 3]) -> Result<(u64, bool), Code> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(Code::FixClosed);
        }
        let length = HEADER_BYTES + parts.iter().map(|part| part.len()).sum::<usize>();
        if queue.bytes.len() + length > COMMAND_BYTES_MAX {
            return Err(Code::FixQueueFull);
        }
        queue.tickets += 1;
        let (ticket, first) = (queue.tickets, queue.bytes.is_empty());
        queue.bytes.push(kind);
        queue.bytes.extend_from_slice(&session.to_le_bytes());
        queue.bytes.extend_from_slice(&ticket.to_le_bytes());
        for part in parts {
            queue.bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        for part in parts {
            queue.bytes.extend_from_slice(part);
        }
        Ok((ticket, first))
    }

    /// Takes what waits, in the place of what `into` holds.
    pub(super) fn take(&self, into: &mut Vec<u8>) {
        into.clear();
        core::mem::swap(&mut self.lock().bytes, into);
    }

    /// Shall the host end?
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// From here on everything is refused; what waits can be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }
}

/// The first command of some bytes: its session, its ticket, and the bytes behind it.
pub(super) fn read(bytes: &[u8]) -> Option<(u32, u64, Command<'_>, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (session, rest) = rest.split_first_chunk::<4>()?;
    let (ticket, mut rest) = rest.split_first_chunk::<8>()?;
    let mut lengths = [0; 3];
    for length in &mut lengths {
        let (bytes, after) = rest.split_first_chunk::<4>()?;
        (*length, rest) = (u32::from_le_bytes(*bytes) as usize, after);
    }
    let (first, rest) = rest.split_at_checked(lengths[0])?;
    let (second, rest) = rest.split_at_checked(lengths[1])?;
    let (third, rest) = rest.split_at_checked(lengths[2])?;
    let command = match kind {
        0 => Command::Send { kind: first, header: second, body: third },
        1 => Command::Logout { text: core::str::from_utf8(first).ok()? },
        2 => Command::Logon,
        3 => Command::Reset,
        4 => Command::Restart,
        _ => {
            let ask = u64::from_le_bytes(*first.first_chunk::<8>()?);
            let reply = match first.get(8)? {
                0 => Reply::Accept(second),
                1 => Reply::Refuse(core::str::from_utf8(second).ok()?),
                _ => Reply::Close,
            };
            Command::Answer { ask, reply }
        }
    };
    Some((u32::from_le_bytes(*session), u64::from_le_bytes(*ticket), command, rest))
}

/// Commands a host from any thread. What is returned without an error is queued; `FixApplication::on_command` tells
/// what came of it, by the ticket.
#[derive(Clone)]
pub struct FixHandle {
    pub(super) commands: Commands,
    pub(super) waker: Waker,
}

impl FixHandle {
    fn push(&self, kind: u8, session: u32, parts: [&[u8]; 3]) -> Result<u64, Code> {
        let (ticket, first) = self.commands.push(kind, session, parts)?;
        // Whoever finds the queue empty wakes; who comes after is taken with it.
        if first {
            self.waker.wake();
        }
        Ok(ticket)
    }

    /// Sends an application message: type (35), header fields beside the session's own, body fields, as
    /// `wire::fix::Outgoing` has them. Errors: `FIX_QUEUE_FULL`, try again when earlier ones are through; `FIX_CLOSED`.
    pub fn send(&self, session: u32, kind: &[u8], header: &[u8], body: &[u8]) -> Result<u64, Code> {
        self.push(0, session, [kind, header, body])
    }
    /// Logs a session out, `text` (58) its reason or empty, and keeps it so until `logon`. Errors: as of `send`.
    pub fn logout(&self, session: u32, text: &str) -> Result<u64, Code> {
        self.push(1, session, [text.as_bytes(), b"", b""])
    }
    /// Lets a session be connected again after `logout`. Errors: as of `send`.
    pub fn logon(&self, session: u32) -> Result<u64, Code> {
        self.push(2, session, [b""; 3])
    }
    /// Both sides of a session begin at 1; an open one is logged out first. Errors: as of `send`.
    pub fn reset(&self, session: u32) -> Result<u64, Code> {
        self.push(3, session, [b""; 3])
    }
    /// Both sides of an open session begin at 1 without a logout, when the peer has everything (see
    /// `wire::fix::Session::restart`). `FixApplication::on_restart` tells the end of it. Errors: as of `send`.
    pub fn restart(&self, session: u32) -> Result<u64, Code> {
        self.push(4, session, [b""; 3])
    }
    /// Answers `FixApplication::on_logon_asked`. An answer to a connection that is gone does nothing. Errors: as of
    /// `send`; nothing is told by `on_command`.
    pub fn answer_logon(&self, session: u32, ask: u64, answer: &LogonAnswer) -> Result<u64, Code> {
        let (what, content) = match answer {
            LogonAnswer::Accept(fields) => (0, &fields[..]),
            LogonAnswer::Refuse(text) => (1, text.as_bytes()),
            LogonAnswer::Close => (2, &b""[..]),
        };
        let mut asked = [what; 9];
        asked[..8].copy_from_slice(&ask.to_le_bytes());
        self.push(5, session, [&asked, content, b""])
    }
    /// Answers `FixApplication::to_logon`: the Logon leaves with these fields, and with the number and the time it was
    /// asked about. Errors: as of `answer_logon`; fields that are none end the connection.
    pub fn log_on(&self, session: u32, ask: u64, fields: &[u8]) -> Result<u64, Code> {
        let mut asked = [0; 9];
        asked[..8].copy_from_slice(&ask.to_le_bytes());
        self.push(5, session, [&asked, fields, b""])
    }
    pub(super) fn stop(&self) {
        self.commands.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_out_as_they_went_in_and_the_bound_holds() {
        let commands = Commands::default();
        assert_eq!(commands.push(0, 7, [b"D", b"97=Y\x01", b"11=x\x01"]), Ok((1, true)));
        assert_eq!(commands.push(1, 8, [b"bye", b"", b""]), Ok((2, false)));
        let mut taken = vec![1, 2, 3];
        commands.take(&mut taken);
        let (session, ticket, command, rest) = read(&taken).unwrap();
        assert_eq!((session, ticket), (7, 1));
        assert_eq!(command, Command::Send { kind: b"D", header: b"97=Y\x01", body: b"11=x\x01" });
        let (session, _, command, rest) = read(rest).unwrap();
        assert_eq!((session, command, rest), (8, Command::Logout { text: "bye" }, &b""[..]));
        assert!(read(rest).is_none());
        for cut in 0..taken.len() {
            let _ = read(&taken[..cut]);
        }
        let large = vec![0; COMMAND_BYTES_MAX / 4];
        let fit = (0..9).take_while(|_| commands.push(0, 1, [b"", b"", &large]).is_ok()).count();
        assert_eq!(fit, 3);
        assert_eq!(commands.push(0, 1, [b"", b"", &large]), Err(Code::FixQueueFull));
        assert!(commands.push(0, 1, [b"D", b"", b""]).is_ok(), "a small one still fits");
        commands.close();
        assert_eq!(commands.push(0, 1, [b"D", b"", b""]), Err(Code::FixClosed));
    }
}
