//! # Room card: driver/lines/socket
//! In:    where to connect to; what the loop of sockets says of one connection.
//! Out:   its news in the order they count: up, bytes, end.
//! Holds: one connection at a time; bytes that came before its end are read before it; what arrives is bounded by one
//!        read a poll.
//! Costs: a copy of the bytes, because a turn may send and a poll may not be re-entered.
use net::{Net, NetEvent, TlsClient, Token};
use types::{Code, Fault};

use super::resolver::{Found, Resolver};

/// What a connection counts.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counts {
    /// Connections made.
    pub(crate) connects: u64,
    /// Connections lost after they were usable.
    pub(crate) lost: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages: u64,
    pub(crate) faults: u64,
    /// Number of the last fault's code.
    pub(crate) last_fault: u16,
}

impl Counts {
    pub(crate) fn fault(&mut self, code: Code) {
        (self.faults, self.last_fault) = (self.faults + 1, code as u16);
    }
}

/// One connection to one place.
pub(crate) struct Socket {
    /// host:port.
    address: String,
    /// Certificates to trust and the name to ask for.
    tls: Option<(TlsClient, String)>,
    /// Place of the line among all, for answers of the resolver.
    line: usize,
    /// Number of the ask under way; 0 when there is none.
    asking: u64,
    asks: u64,
    pub(crate) token: Option<Token>,
    pub(crate) came_up: bool,
    pub(crate) is_up: bool,
    pub(crate) ended: Option<Code>,
    /// The peer takes no more for now.
    pub(crate) blocked: bool,
    pub(crate) inbox: Vec<u8>,
    /// When the oldest bytes of the inbox were read, monotonic nanoseconds.
    pub(crate) read_at: u64,
    pub(crate) counts: Counts,
}

impl Socket {
    pub(crate) fn new(line: usize, address: String, tls: Option<(TlsClient, String)>, inbox_bytes: usize) -> Socket {
        Socket {
            address,
            tls,
            line,
            asking: 0,
            asks: 0,
            token: None,
            came_up: false,
            is_up: false,
            ended: None,
            blocked: false,
            inbox: Vec::with_capacity(inbox_bytes),
            read_at: 0,
            counts: Counts::default(),
        }
    }

    /// Begins to connect; the end says so if that is not possible.
    pub(crate) fn connect(&mut self, net: &mut Net, resolver: &Resolver) {
        self.forget();
        self.asks += 1;
        self.asking = self.asks;
        if let Some(found) = resolver.ask((self.line, self.asking), &self.address) {
            self.found(self.asking, found, net);
        }
    }

    /// An answer of the resolver.
    pub(crate) fn found(&mut self, ask: u64, found: Found, net: &mut Net) {
        if self.asking != ask {
            return;
        }
        self.asking = 0;
        let tls = self.tls.as_ref().map(|(client, name)| (client, name.as_str()));
        match found.and_then(|addresses| net.connect(&addresses, tls)) {
            Ok(token) => self.token = Some(token),
            Err(Fault { code, .. }) => self.ended = Some(code),
        }
    }

    /// Is this news of our connection? Then it is taken.
    #[inline]
    pub(crate) fn take(&mut self, event: &NetEvent<'_>, read_at: u64) {
        match event {
            NetEvent::Bytes(_, bytes) => {
                if self.inbox.is_empty() {
                    self.read_at = read_at;
                }
                self.counts.bytes_in += bytes.len() as u64;
                self.inbox.extend_from_slice(bytes);
            }
            NetEvent::Up(_) => {
                (self.came_up, self.is_up) = (true, true);
                self.counts.connects += 1;
            }
            NetEvent::Blocked(_) => self.blocked = true,
            NetEvent::Writable(_) => self.blocked = false,
            NetEvent::Down(_, reason) => {
                self.counts.lost += self.is_up as u64;
                (self.token, self.is_up) = (None, false);
                self.ended = Some(reason.code());
            }
            NetEvent::Accepted { .. } => {}
        }
    }

    /// Closes in good order once what was sent is gone; nothing more is heard of it.
    pub(crate) fn close(&mut self, net: &mut Net) {
        if let Some(token) = self.token {
            net.close(token);
        }
        self.forget();
    }

    /// Drops it at once; nothing more is heard of it.
    pub(crate) fn abort(&mut self, net: &mut Net) {
        if let Some(token) = self.token {
            net.abort(token);
        }
        self.forget();
    }

    /// The same, and what the kernel has not sent is dropped with it: it must not arrive late.
    pub(crate) fn reset(&mut self, net: &mut Net) {
        if let Some(token) = self.token {
            net.reset(token);
        }
        self.forget();
    }

    fn forget(&mut self) {
        (self.token, self.asking) = (None, 0);
        (self.came_up, self.is_up, self.blocked, self.ended) = (false, false, false, None);
        self.inbox.clear();
    }

    /// 1 waiting, 2 connecting, 3 up, 4 blocked; see `stats`.
    pub(crate) fn state(&self) -> u64 {
        match (self.is_up, self.blocked, self.token.is_some() || self.asking != 0) {
            (true, true, _) => 4,
            (true, false, _) => 3,
            (false, _, true) => 2,
            (false, _, false) => 1,
        }
    }
}
