//! # Room card: net/transport
//! In:    sockets to watch, a time to wait.
//! Out:   which of them became ready, by token.
//! Holds: readiness is an edge: it is told once, and again only after the socket said "would block".
//! Costs: one system call a look; none for a change of interest, because everything is always watched for both ways.
use std::io;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};

use crate::token::Token;
use crate::waker::Bell;

/// A socket to watch.
pub(crate) enum Socket<'a> {
    Stream(&'a mut TcpStream),
    Listener(&'a mut TcpListener),
}

/// What became of a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) token: Token,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer's end or an error is behind what can be read, so a short read does not mean that all is read.
    pub(crate) ended: bool,
}

/// The one thing backends differ in: how it is found out which sockets are ready. Reading and writing are plain
/// non-blocking calls everywhere.
///
/// Edges and not levels: a level would need a system call whenever sending begins or stops to block and whenever
/// reading pauses. The price is that `EventLoop` remembers per connection what was told and not yet used up.
pub(crate) trait Transport: Sized {
    /// While the loop only looks (zero timeout), reads of the few busy connections may stand in for most looks.
    const DIRECT_READS: bool;
    /// A read that does not fill the buffer means that nothing is left, unless `Ready::ended` was told.
    const SHORT_READ_DRAINS: bool;

    /// A transport for at most this many sockets, and the bell that ends a wait.
    fn new(sockets: usize) -> io::Result<(Self, Box<dyn Bell>)>;
    /// Watches a socket; what is ready already is told by the next look.
    fn register(&mut self, socket: Socket<'_>, token: Token) -> io::Result<()>;
    /// No more news of a socket that is about to be closed.
    fn deregister(&mut self, socket: Socket<'_>);
    /// Waits up to `timeout`, never longer, and tells what became ready. An interrupted wait tells nothing.
    fn look(&mut self, timeout: Duration, tell: impl FnMut(Ready)) -> io::Result<()>;
}
