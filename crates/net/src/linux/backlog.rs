//! # Room card: net/linux/backlog
//! In:    a listening socket.
//! Out:   the same with room for more peers that are connected and not yet accepted.
//! Holds: the kernel cuts the number down to `net.core.somaxconn`.
//! Costs: one system call.
use std::io;
use std::os::fd::AsRawFd;

use mio::net::TcpListener;

/// Peers that may wait. The library's own 128 is met when all clients of a venue come back at once, and then each that
/// does not fit waits out the kernel's retries: 1, 3, 7 seconds.
const BACKLOG: libc::c_int = 4_096;

/// Listens again, which on Linux sets the room of a socket that listens already.
pub(crate) fn widen(listener: &TcpListener) -> io::Result<()> {
    // SAFETY: the descriptor is open while the caller holds the listener; no pointers.
    match unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
