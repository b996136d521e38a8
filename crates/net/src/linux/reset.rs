//! # Room card: net/linux/reset
//! In:    a connected socket that is about to be closed.
//! Out:   the same, set to end by a reset.
//! Holds: what the kernel still has of its bytes is dropped with it instead of being sent later.
//! Costs: one system call.
use std::os::fd::AsRawFd;

use mio::net::TcpStream;

/// Lets the close that follows drop what the kernel has not sent (SO_LINGER with no time). A refusal leaves the socket
/// as it was: it is closed in the usual way.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let none = libc::linger { l_onoff: 1, l_linger: 0 };
    let bytes = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the descriptor is open while the caller holds the stream; the pointer is to a value of the stated size
    // that lives through the call.
    unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const none).cast(), bytes);
    }
}
