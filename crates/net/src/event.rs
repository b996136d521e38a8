//! # Room card: net/event
//! In:    what sockets and TLS report.
//! Out:   `NetEvent`, and the reasons why a connection ended or a send was not taken.
//! Holds: every connection token ends in exactly one `Down`, after its last `Bytes`.
//! Costs: values; bytes are borrowed from the one read buffer.
use std::io;
use std::net::SocketAddr;

use types::codes::Code;

use crate::token::Token;

/// What `Net::poll` hands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NetEvent<'a> {
    /// A peer connected. With TLS the handshake is still to come: `Up` follows, at once without TLS.
    Accepted {
        /// Where it came in.
        listener: Token,
        /// Its name from here on.
        token: Token,
        /// Its address.
        peer: SocketAddr,
    },
    /// The connection can be sent on (for either side; after the TLS handshake, if there is one).
    Up(Token),
    /// Bytes as read, after TLS. The slice is valid until the sink returns.
    Bytes(Token, &'a [u8]),
    /// The kernel did not take all that was sent; the rest is kept.
    Blocked(Token),
    /// What was kept is gone (after `Blocked` or `SendFault::Full`).
    Writable(Token),
    /// The connection is gone; its token names nothing any more.
    Down(Token, DownReason),
}

/// Why a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DownReason {
    /// In good order: the peer sent its end (FIN, and close_notify under TLS), or our `close` was carried out.
    Closed,
    /// The peer reset it, it timed out while up, or a TLS stream ended without close_notify.
    Reset,
    /// Nobody listens at the address (the last one tried).
    Refused,
    /// No way to the address (the last one tried).
    Unreachable,
    /// Not up in time: connecting or the TLS handshake took longer than the patience of the `Net`.
    TimedOut,
    /// TLS: handshake refused, or a record that cannot be right.
    Tls(TlsFault),
    /// We gave it up: `abort`, or `close` before it was up or without its bytes being taken in time.
    Aborted,
    /// The operating system refused; its error number.
    Failed(i32),
}

impl DownReason {
    /// The code users see.
    pub fn code(self) -> Code {
        match self {
            DownReason::Closed | DownReason::Reset | DownReason::Aborted => Code::ConnectionLost,
            DownReason::Refused | DownReason::Unreachable | DownReason::TimedOut | DownReason::Failed(_) => {
                Code::ConnectFailed
            }
            DownReason::Tls(_) => Code::TlsRefused,
        }
    }

    /// Why a connection that was not up yet cannot be made.
    pub(crate) fn connecting(error: &io::Error) -> DownReason {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => DownReason::Refused,
            io::ErrorKind::TimedOut => DownReason::TimedOut,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
                DownReason::Unreachable
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => DownReason::Reset,
            _ => DownReason::Failed(error.raw_os_error().unwrap_or(0)),
        }
    }
}

/// What TLS refused, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsFault {
    /// The peer's certificate is not trusted, has expired, or is malformed.
    Certificate,
    /// The peer's certificate is for another name.
    Name,
    /// The peer refused us with an alert.
    Alert,
    /// What the peer speaks is no TLS, or no version or suite both sides have.
    Protocol,
}

impl TlsFault {
    /// For a fault's field.
    pub fn name(self) -> &'static str {
        match self {
            TlsFault::Certificate => "certificate",
            TlsFault::Name => "name",
            TlsFault::Alert => "alert",
            TlsFault::Protocol => "protocol",
        }
    }
}

/// Why bytes were not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendFault {
    /// The peer does not read, and what is kept for it would pass the bound. Nothing of the
    /// bytes was sent. `Writable` follows.
    Full,
    /// The token names no connection that is up. If it broke during the send, a part of the bytes may have left; `Down`
    /// follows.
    Closed,
}

impl SendFault {
    /// The code users see.
    pub fn code(self) -> Code {
        match self {
            SendFault::Full => Code::PeerSlow,
            SendFault::Closed => Code::ConnectionLost,
        }
    }
}
