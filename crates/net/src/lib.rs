//! # Room card: net
//! In:    addresses, bytes to send, a time to wait.
//! Out:   connections, the bytes they bring, and how they end, as `NetEvent`s of one poll.
//! Holds: one loop owns its sockets; nothing blocks longer than asked; every buffer has its bound; one `Down` per
//!        connection.
//! Costs: plain TCP allocates nothing once its buffers have grown; a send or a read is one system call.
#![deny(unsafe_code)] // Allowed in `linux` alone.

mod connection;
mod event;
mod event_loop;
mod hot;
#[cfg(target_os = "linux")]
mod linux;
mod opening;
mod outbox;
mod portable;
mod table;
mod threads;
mod tls;
mod token;
mod transport;
mod wait;
mod waker;

use std::net::SocketAddr;
use std::time::Duration;

use types::codes::Code;
use types::fault::Fault;

use event_loop::EventLoop;
use portable::Portable;

pub use event::{DownReason, NetEvent, SendFault, TlsFault};
pub use threads::{cores, pin_thread, resolve};
pub use tls::{TlsClient, TlsServer};
pub use token::{TOKENS_MAX, Token};
pub use wait::{SPINS_DEFAULT, Wait, Waiter};
pub use waker::Waker;

/// Which calls find out what is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// mio: every platform.
    Portable,
    /// Linux epoll, and plain non-blocking reads of the few busy connections while polling without sleep.
    Epoll,
}

impl Backend {
    /// The fastest of this platform.
    pub fn best() -> Backend {
        if cfg!(target_os = "linux") { Backend::Epoll } else { Backend::Portable }
    }
}

/// Bounds of one `Net`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetLimits {
    /// Connections at a time, 1 to 16,000. What comes in beyond waits in the kernel's backlog.
    pub connections: usize,
    /// Bytes kept for one connection when the kernel takes no more; also the longest single send. 1 KiB to 1 GiB.
    pub out_bytes: usize,
    /// Bytes of one read: the longest slice of `NetEvent::Bytes`. 1 KiB to 64 MiB.
    pub read_bytes: usize,
}

impl Default for NetLimits {
    /// 64 connections, 4 MiB kept for each, reads of 256 KiB.
    fn default() -> NetLimits {
        NetLimits { connections: 64, out_bytes: 4 << 20, read_bytes: 256 << 10 }
    }
}

impl NetLimits {
    fn check(&self) -> Result<(), Fault> {
        let ranges = [
            ("connections", self.connections, 1, CONNECTIONS_MAX),
            ("out_bytes", self.out_bytes, 1 << 10, 1 << 30),
            ("read_bytes", self.read_bytes, 1 << 10, 64 << 20),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let fields = vec![("path", name.to_string()), ("allowed", format!("{low} to {high}"))];
                return Err(Fault::new(Code::ConfigInvalid, format!("{name} is {value}"), fields));
            }
        }
        Ok(())
    }
}

/// Connections of one `Net`, at most.
pub const CONNECTIONS_MAX: usize = 16_000;
const _: () = assert!(CONNECTIONS_MAX + LISTENERS_MAX <= TOKENS_MAX);
/// Listeners of one `Net`, at most.
pub const LISTENERS_MAX: usize = 16;

enum Inner {
    Portable(Box<EventLoop<Portable>>),
    #[cfg(target_os = "linux")]
    Epoll(Box<EventLoop<linux::Epoll>>),
}

/// Calls a method of whichever loop it is.
macro_rules! each {
    ($net:expr, $inner:ident => $call:expr) => {
        match $net {
            Inner::Portable($inner) => $call,
            #[cfg(target_os = "linux")]
            Inner::Epoll($inner) => $call,
        }
    };
}

/// One loop of sockets: TCP, plain or with TLS. Not shared between threads; it may be moved to one.
///
/// Costs: with plain TCP a send is one system call and a read is one; after its buffers have grown nothing is
/// allocated. TLS adds its arithmetic and a few allocations a record.
pub struct Net {
    inner: Inner,
}

impl core::fmt::Debug for Net {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        each!(&self.inner, inner => write!(f, "Net {{ connections: {} }}", inner.connections))
    }
}

impl Net {
    /// A loop without a socket.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: a limit out of range, a backend this platform does not have, or no descriptors left.
    pub fn new(backend: Backend, limits: NetLimits) -> Result<Net, Fault> {
        limits.check()?;
        let inner = match backend {
            Backend::Portable => EventLoop::new(limits).map(|inner| Inner::Portable(Box::new(inner))),
            #[cfg(target_os = "linux")]
            Backend::Epoll => EventLoop::new(limits).map(|inner| Inner::Epoll(Box::new(inner))),
            #[cfg(not(target_os = "linux"))]
            Backend::Epoll => Err(std::io::ErrorKind::Unsupported.into()),
        };
        let inner = inner.map_err(|error| {
            let fields = vec![("backend", format!("{backend:?}")), ("error", error.to_string())];
            Fault::new(Code::ConfigInvalid, format!("no transport {backend:?}: {error}"), fields)
        })?;
        Ok(Net { inner })
    }

    /// Begins to connect; `Up` or `Down` follows. The addresses are tried in turn; of several failures the last one is
    /// the reason told. With TLS the name is checked against the server's certificate, and sent to it if it is a DNS
    /// name.
    ///
    /// # Errors
    /// `CONNECT_FAILED`: no address, or no place for another connection. `CONFIG_INVALID`: no server name.
    pub fn connect(&mut self, to: &[SocketAddr], tls: Option<(&TlsClient, &str)>) -> Result<Token, Fault> {
        each!(&mut self.inner, inner => inner.connect(to, tls))
    }

    /// Listens; port 0 takes a free one. The address is the one listened on.
    ///
    /// # Errors
    /// `PORT_IN_USE`: the address is taken or not ours, or `LISTENERS_MAX` are open.
    pub fn listen(&mut self, at: SocketAddr, tls: Option<&TlsServer>) -> Result<(Token, SocketAddr), Fault> {
        each!(&mut self.inner, inner => inner.listen(at, tls))
    }

    /// Sends at once what the kernel takes and keeps the rest; all of `bytes` is taken, or an error says why not.
    ///
    /// # Errors
    /// `Full`: what is kept and `bytes` together would pass `out_bytes`; nothing was taken, and `Writable` follows once
    /// nothing is kept. `Closed`: it is not up, was closed by us, or is broken (then `Down` follows, and a part of the
    /// bytes may have left).
    #[inline]
    pub fn send(&mut self, to: Token, bytes: &[u8]) -> Result<(), SendFault> {
        each!(&mut self.inner, inner => inner.send(to, bytes))
    }

    /// Bytes kept for a connection, not yet taken by the kernel (under TLS as encrypted).
    #[inline]
    pub fn pending(&self, to: Token) -> usize {
        each!(&self.inner, inner => inner.pending(to))
    }

    /// Ends a connection after its pending bytes are taken, or stops listening (without an event). Sends are refused
    /// from here on and what comes in is dropped. `Down` follows: `Closed` once the peer has ended too, or a second
    /// after our end was sent; `Aborted` when it was not up yet, or the bytes were not taken within the patience.
    pub fn close(&mut self, token: Token) {
        each!(&mut self.inner, inner => inner.close(token))
    }

    /// Ends a connection at once and drops its pending bytes. `Down(Aborted)` follows with the next poll.
    pub fn abort(&mut self, token: Token) {
        each!(&mut self.inner, inner => inner.abort(token))
    }

    /// The same, and on Linux what the kernel has taken and not sent is dropped too: the peer sees a reset. For bytes
    /// that must not arrive late, such as orders; elsewhere the kernel goes on sending them.
    pub fn reset(&mut self, token: Token) {
        each!(&mut self.inner, inner => inner.reset(token))
    }

    /// Stops or resumes reading: while paused, bytes stay in the kernel and the peer is slowed down by it. The peer's
    /// end or reset is then seen only after reading resumes, or when a send fails.
    pub fn pause(&mut self, token: Token, paused: bool) {
        each!(&mut self.inner, inner => inner.pause(token, paused))
    }

    /// Waits up to `timeout` (zero: just looks) and hands out events; returns how many. Never waits longer. It may
    /// return early without an event. The portable backend waits whole milliseconds and only looks for what is left of
    /// them.
    ///
    /// After the peer's end (`Down(Closed)` to come) one more poll goes by in which answers are still sent.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(NetEvent<'_>)) -> usize {
        each!(&mut self.inner, inner => inner.poll(timeout, sink))
    }

    /// Ends a poll from another thread.
    pub fn waker(&self) -> Waker {
        each!(&self.inner, inner => inner.waker())
    }

    /// How long connecting to one address, the TLS handshake, or closing may take. Default: 10 s.
    pub fn set_patience(&mut self, patience: Duration) {
        each!(&mut self.inner, inner => inner.set_patience(patience))
    }
}
