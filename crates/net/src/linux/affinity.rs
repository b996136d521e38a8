//! # Room card: net/linux/affinity
//! In:    a core's number.
//! Out:   the calling thread runs on that core only.
//! Holds: a number past the mask's size is refused before it is written.
//! Costs: one system call.
use std::io;
use std::mem::{size_of, zeroed};

/// Pins the calling thread.
pub(crate) fn pin(core: usize) -> io::Result<()> {
    if core >= 8 * size_of::<libc::cpu_set_t>() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: `cpu_set_t` is an array of integers, for which all zeros is a value: the empty set.
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    // SAFETY: `core` is within the set's bits by the line above, so the write stays inside `set`.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: thread 0 is the calling one; the pointer is to a whole set of the stated size that outlives the call.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
