//! # Room card: net
//! In:    addresses, bytes to send, a time to wait.
//! Out:   connections, the bytes they bring, and how they end, as `NetEvent`s of one poll.
//! Holds: one loop owns its sockets; nothing blocks longer than asked; every buffer has its bound; one `Down` per connection.
//! Costs: plain TCP allocates nothing once its buffers have grown; a send or a read is one system call.
#![deny(unsafe_code)] // Allowed in `linux` alone.

mod event;
#[cfg(target_os = "linux")]
mod linux;
mod threads;
mod tls;
mod token;
mod wait;
mod waker;

use std::net::SocketAddr;
use std::time::Duration;

use types::codes::Code;
use types::fault::Fault;

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

/// One loop of sockets. Not shared between threads; it may be moved to one.
#[derive(Debug)]
pub struct Net {
    limits: NetLimits,
}

#[allow(unused_variables)]
impl Net {
    /// A loop without a socket.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: a limit out of range, or a backend this platform does not have.
    pub fn new(backend: Backend, limits: NetLimits) -> Result<Net, Fault> {
        Ok(Net { limits })
    }
    /// Begins to connect; `Up` or `Down` follows. The addresses are tried in turn.
    ///
    /// # Errors
    /// `CONNECT_FAILED`: no address, or no place for another connection. `CONFIG_INVALID`: no server name.
    pub fn connect(&mut self, to: &[SocketAddr], tls: Option<(&TlsClient, &str)>) -> Result<Token, Fault> {
        Err(Fault::new(Code::ConnectFailed, "no transport yet", vec![]))
    }
    /// Listens; port 0 takes a free one. The address is the one listened on.
    ///
    /// # Errors
    /// `PORT_IN_USE`: the address is taken or not ours.
    pub fn listen(&mut self, at: SocketAddr, tls: Option<&TlsServer>) -> Result<(Token, SocketAddr), Fault> {
        Err(Fault::new(Code::PortInUse, "no transport yet", vec![]))
    }
    /// Sends at once what the kernel takes and keeps the rest.
    ///
    /// # Errors
    /// `Full`: what is kept and `bytes` together would pass `out_bytes`; nothing of `bytes` was taken. `Closed`: not up.
    pub fn send(&mut self, to: Token, bytes: &[u8]) -> Result<(), SendFault> {
        Err(SendFault::Closed)
    }
    /// Bytes kept for a connection, not yet taken by the kernel (under TLS as encrypted).
    pub fn pending(&self, to: Token) -> usize {
        0
    }
    /// Ends a connection after its pending bytes are gone, or stops listening. `Down` follows for a connection.
    pub fn close(&mut self, token: Token) {}
    /// Ends a connection at once: pending bytes are dropped, the peer sees a reset. `Down(Aborted)` follows.
    pub fn abort(&mut self, token: Token) {}
    /// Stops or resumes reading: while paused, bytes stay in the kernel and the peer is slowed down by it.
    pub fn pause(&mut self, token: Token, paused: bool) {}
    /// Waits up to `timeout` (zero: just looks) and hands out events; returns how many. Never waits longer.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(NetEvent<'_>)) -> usize {
        0
    }
    /// Ends a poll from another thread.
    pub fn waker(&self) -> Waker {
        struct Silent;
        impl waker::Bell for Silent {
            fn ring(&self) {}
        }
        Waker::new(Box::new(Silent))
    }
    /// How long connecting with its handshake, or closing, may take. Default: 10 s.
    pub fn set_patience(&mut self, patience: Duration) {}
}
