//! # Room card: net/connection
//! In:    one stream, its TLS, what the transport tells about it, bytes to send.
//! Out:   bytes and the steps of its life, to the event loop.
//! Holds: stages go one way; bytes leave in order; at the first error the way out is shut and what came in is still
//!        read.
//! Costs: one system call a send or a read; TLS adds its arithmetic and rustls's allocations per record.
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;

use crate::event::{DownReason, NetEvent, SendFault, TlsFault};
use crate::outbox::Outbox;
use crate::tls;
use crate::token::Token;

/// Bytes a TLS record may add to what it carries, and how much it carries.
const TLS_RECORD_EXTRA: usize = 32;
const TLS_RECORD_BYTES: usize = 16 << 10;

/// How far a connection is. It only goes downwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Stage {
    Connecting,
    Handshaking,
    Up,
    /// `close` was called; pending bytes are still to be taken.
    Closing,
    /// Our end is sent; the peer's is awaited, because closing on unread bytes would reset what the peer has not read.
    Lingering,
}

/// What a read found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReadOutcome {
    /// This much, and maybe there is more.
    Bytes,
    /// Nothing, or the last there was.
    Drained,
}

pub(crate) struct Connection {
    pub(crate) token: Token,
    pub(crate) stream: Option<TcpStream>,
    pub(crate) stage: Stage,
    pub(crate) tls: Option<Box<rustls::Connection>>,
    /// Addresses not tried yet, the next one last.
    pub(crate) untried: Vec<SocketAddr>,
    pub(crate) out: Outbox,
    /// It stands in the loop's queue.
    pub(crate) queued: bool,
    /// Told and not used up: there is something to read; its end or an error is behind it.
    pub(crate) readable: bool,
    pub(crate) ending: bool,
    pub(crate) paused: bool,
    /// Why it ends in good order or not, once known; carried out at the next turn of the queue.
    pub(crate) down: Option<DownReason>,
    /// The peer's end has been read, and how.
    pub(crate) ended: Option<DownReason>,
    /// Writing failed: nothing more is sent.
    pub(crate) broken: bool,
    /// `Blocked` is to be told, or has been and `Writable` is owed.
    pub(crate) blocked_due: bool,
    pub(crate) owes_writable: bool,
    pub(crate) deadline: Option<Instant>,
    /// It stands in the loop's list of deadlines.
    pub(crate) timed: bool,
}

impl Connection {
    pub(crate) fn new(token: Token, stage: Stage, tls: Option<Box<rustls::Connection>>, out: Outbox) -> Connection {
        Connection {
            token,
            stream: None,
            stage,
            tls,
            untried: Vec::new(),
            out,
            queued: false,
            readable: false,
            ending: false,
            paused: false,
            down: None,
            ended: None,
            broken: false,
            blocked_due: false,
            owes_writable: false,
            deadline: None,
            timed: false,
        }
    }

    /// May bytes be given to it?
    fn takes_bytes(&self) -> bool {
        self.stage == Stage::Up && self.down.is_none() && !self.broken
    }

    /// Is it to be read now?
    #[inline]
    pub(crate) fn wants_read(&self) -> bool {
        self.readable && !self.paused && self.ended.is_none() && self.stage > Stage::Connecting
    }

    /// Nothing is to be done with it but to read.
    #[inline]
    pub(crate) fn is_calm(&self) -> bool {
        let goes_on = self.stage == Stage::Up && self.down.is_none() && self.ended.is_none() && !self.broken;
        goes_on && !self.paused && self.out.len() == 0 && !self.blocked_due && !self.owes_writable
    }

    /// Takes all of `bytes` or nothing.
    pub(crate) fn send(&mut self, bytes: &[u8], limit: usize) -> Result<(), SendFault> {
        if !self.takes_bytes() {
            return Err(SendFault::Closed);
        }
        let extra = if self.tls.is_some() { (bytes.len() / TLS_RECORD_BYTES + 1) * TLS_RECORD_EXTRA } else { 0 };
        // Kept bytes and extra never add up to an overflow: each is bounded by memory.
        if bytes.len() > limit || self.out.len() > 0 && self.out.len() + bytes.len() + extra > limit {
            self.owes_writable = true;
            return Err(SendFault::Full);
        }
        let was_free = self.out.len() == 0;
        let sent = match self.tls.as_mut() {
            None => self.write(bytes),
            // Without a limit of its own rustls takes all of it.
            Some(tls) => tls.writer().write_all(bytes).and_then(|()| self.write_tls()),
        };
        if sent.is_err() {
            self.break_off();
            return Err(SendFault::Closed);
        }
        self.blocked_due |= was_free && self.out.len() > 0;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.as_mut() {
            Some(stream) => self.out.push(stream, bytes),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Moves what TLS has encrypted to the outbox.
    pub(crate) fn write_tls(&mut self) -> io::Result<()> {
        struct Out<'a>(&'a mut Outbox, &'a mut TcpStream);
        impl Write for Out<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(self.1, bytes)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (Some(tls), Some(stream)) = (self.tls.as_mut(), self.stream.as_mut()) else { return Ok(()) };
        // Ends: each round takes all that is queued there.
        while tls.wants_write() {
            tls.write_tls(&mut Out(&mut self.out, stream))?;
        }
        Ok(())
    }

    /// Sends of what is kept as much as the kernel takes.
    pub(crate) fn flush(&mut self) {
        let Some(stream) = self.stream.as_mut() else { return };
        if self.out.len() > 0 && self.out.flush(stream).is_err() {
            self.break_off();
        }
    }

    /// The way out is shut. What the peer sent before is still to be read, and its end says why.
    pub(crate) fn break_off(&mut self) {
        self.broken = true;
        self.out.clear();
        self.readable = true;
        self.ending = true;
        if self.paused || self.ended.is_some() {
            self.down.get_or_insert(DownReason::Reset);
        }
    }

    /// Sends TLS's last word, if the way out is open.
    pub(crate) fn say_end(&mut self) {
        if self.broken || self.stage < Stage::Up {
            return;
        }
        if let Some(tls) = self.tls.as_mut() {
            tls.send_close_notify();
            if self.write_tls().is_err() {
                self.break_off();
            }
        }
    }

    /// One read into `buffer`; what it brought is handed out. `short_is_all`: a read that does not fill the buffer
    /// means that nothing is left.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        plain: &mut [u8],
        short_is_all: bool,
        tell: &mut dyn FnMut(NetEvent<'_>),
    ) -> ReadOutcome {
        let Some(stream) = self.stream.as_mut() else { return ReadOutcome::Drained };
        let count = match stream.read(buffer) {
            Ok(0) => {
                self.end_of_stream();
                return ReadOutcome::Drained;
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return ReadOutcome::Drained;
            }
            // A signal: again at the next turn of the queue.
            Err(error) if error.kind() == ErrorKind::Interrupted => return ReadOutcome::Drained,
            Err(_) => {
                self.down.get_or_insert(DownReason::Reset);
                return ReadOutcome::Drained;
            }
        };
        if short_is_all && count < buffer.len() && !self.ending {
            self.readable = false;
        }
        if self.stage < Stage::Closing {
            match self.tls.is_some() {
                false => tell(NetEvent::Bytes(self.token, &buffer[..count])),
                true => self.decrypt(&buffer[..count], plain, tell),
            }
        }
        ReadOutcome::Bytes
    }

    fn end_of_stream(&mut self) {
        self.readable = false;
        let in_order = self.tls.is_none() || self.stage == Stage::Lingering;
        let reason = if in_order && !self.broken { DownReason::Closed } else { DownReason::Reset };
        self.ended.get_or_insert(reason);
    }

    /// Gives bytes to TLS and hands out what they carried. A fault is told to the peer by an alert.
    fn decrypt(&mut self, mut bytes: &[u8], plain: &mut [u8], tell: &mut dyn FnMut(NetEvent<'_>)) {
        // Ends: each round takes at least a byte of `bytes`, or returns.
        while !bytes.is_empty() && self.ended.is_none() {
            let Some(tls) = self.tls.as_mut() else { return };
            let before = bytes.len();
            let taken = tls.read_tls(&mut bytes);
            let state = tls.process_new_packets();
            let fault = match (&taken, &state) {
                (_, Err(error)) => Some(tls::fault(error)),
                // It refuses to take more, although all it had was drained.
                (Err(_), _) => Some(TlsFault::Protocol),
                (Ok(_), _) if bytes.len() == before => Some(TlsFault::Protocol),
                _ => None,
            };
            // An alert or an answer of the handshake. If it cannot leave, the error of the read side says why.
            if self.write_tls().is_err() {
                self.break_off();
            }
            self.hand_over(plain, tell);
            if let Some(fault) = fault {
                self.down.get_or_insert(DownReason::Tls(fault));
                return;
            }
        }
    }

    /// Hands out what TLS has decrypted, and that the handshake is done.
    fn hand_over(&mut self, plain: &mut [u8], tell: &mut dyn FnMut(NetEvent<'_>)) {
        let token = self.token;
        let Some(tls) = self.tls.as_mut() else { return };
        if self.stage == Stage::Handshaking && !tls.is_handshaking() {
            self.stage = Stage::Up;
            self.deadline = None;
            tell(NetEvent::Up(token));
        }
        // Ends: rustls holds a bounded amount, and each round takes some of it.
        loop {
            match tls.reader().read(plain) {
                Ok(0) => {
                    self.ended.get_or_insert(DownReason::Closed);
                    return;
                }
                Ok(count) => tell(NetEvent::Bytes(token, &plain[..count])),
                // Would block: nothing more. Another error was told by `process_new_packets`.
                Err(_) => return,
            }
        }
    }
}
