//! # Room card: net/linux/epoll
//! In:    sockets to watch, a time to wait.
//! Out:   readiness by epoll, edge-triggered; an eventfd that ends a wait.
//! Holds: the kernel keeps tokens, never pointers; a descriptor is closed by its owner only, which deregisters it.
//! Costs: one `epoll_pwait2` a look (nanosecond timeouts; `epoll_wait` in whole milliseconds before Linux 5.11).
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null;
use std::time::Duration;

use crate::token::Token;
use crate::transport::{Ready, Socket, Transport};
use crate::waker::Bell;

/// Sockets told by one look, at most; the others are told by the next.
const EVENTS_MAX: usize = 1_024;
/// No socket has it.
const BELL: Token = Token(0);
/// The same number on every architecture Linux gained it on, so it does not depend on the C library's headers.
const EPOLL_PWAIT2: libc::c_long = 441;

pub(crate) struct Epoll {
    queue: OwnedFd,
    events: Box<[libc::epoll_event]>,
    /// Watched as long as the queue is open, whether or not a waker is left.
    _bell: OwnedFd,
    /// The kernel has `epoll_pwait2` (and no filter forbids it).
    precise: bool,
}

/// The writing side of the eventfd.
struct EventBell {
    descriptor: OwnedFd,
}

fn checked(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

impl Bell for EventBell {
    fn ring(&self) {
        let one = 1u64;
        // SAFETY: the descriptor is open while `self` owns it; the eight bytes read from are those of `one`, on this
        // stack. An error is not possible but for a full counter, which 2^64 wakes would need, and then the bell has
        // rung already.
        unsafe { libc::write(self.descriptor.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }
}

fn descriptor(socket: &Socket<'_>) -> RawFd {
    match socket {
        Socket::Stream(stream) => stream.as_raw_fd(),
        Socket::Listener(listener) => listener.as_raw_fd(),
    }
}

impl Epoll {
    fn watch(&self, descriptor: RawFd, interest: libc::c_int, token: Token) -> io::Result<()> {
        let mut event = libc::epoll_event { events: (interest | libc::EPOLLET) as u32, u64: token.0 as u64 };
        // SAFETY: both descriptors are open for the length of the call (the caller holds the socket); the kernel copies
        // `event` and keeps no pointer to it.
        checked(unsafe { libc::epoll_ctl(self.queue.as_raw_fd(), libc::EPOLL_CTL_ADD, descriptor, &mut event) })?;
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<usize> {
        if self.precise {
            let limit = libc::timespec {
                tv_sec: timeout.as_secs().min(i32::MAX as u64) as libc::time_t,
                tv_nsec: timeout.subsec_nanos() as _,
            };
            match self.wait_precise(limit) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => self.precise = false,
                answer => return answer,
            }
        }
        // Down to whole milliseconds: a poll never waits too long.
        let millis = timeout.as_millis().min(i32::MAX as u128) as libc::c_int;
        let (queue, room) = (self.queue.as_raw_fd(), self.events.len() as libc::c_int);
        // SAFETY: the queue is open while `self` owns it; the kernel writes at most `room` events, which `events`
        // holds.
        checked(unsafe { libc::epoll_wait(queue, self.events.as_mut_ptr(), room, millis) }).map(|told| told as usize)
    }

    /// The raw call, because C libraries gained its wrapper later than kernels the call.
    #[cfg(target_pointer_width = "64")]
    fn wait_precise(&mut self, limit: libc::timespec) -> io::Result<usize> {
        let (queue, room) = (self.queue.as_raw_fd(), self.events.len());
        let mask = null::<libc::sigset_t>();
        // SAFETY: the queue is open while `self` owns it; the kernel writes at most `room` events, which `events`
        // holds, and reads `limit`, on this stack and of the kernel's layout where pointers have 64 bits; no signal
        // mask is given.
        let told = unsafe {
            libc::syscall(
                EPOLL_PWAIT2,
                queue,
                self.events.as_mut_ptr(),
                room as libc::c_int,
                &raw const limit,
                mask,
                0usize,
            )
        };
        if told < 0 { Err(io::Error::last_os_error()) } else { Ok(told as usize) }
    }

    /// Where pointers have 32 bits the layout of `timespec` depends on the C library.
    #[cfg(not(target_pointer_width = "64"))]
    fn wait_precise(&mut self, _: libc::timespec) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(libc::ENOSYS))
    }
}

impl Transport for Epoll {
    const DIRECT_READS: bool = true;
    // epoll(7): for streams, the end of what can be read is also seen by a read that fills less than was asked for.
    const SHORT_READ_DRAINS: bool = true;

    fn new(sockets: usize) -> io::Result<(Epoll, Box<dyn Bell>)> {
        // SAFETY: no pointers; the answer is checked before use.
        let queue = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: a descriptor just made, which nobody else owns.
        let queue = unsafe { OwnedFd::from_raw_fd(queue) };
        // SAFETY: no pointers; the answer is checked before use.
        let bell = checked(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: a descriptor just made, which nobody else owns.
        let bell = unsafe { OwnedFd::from_raw_fd(bell) };
        let ringer = EventBell { descriptor: bell.try_clone()? };
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; sockets.clamp(1, EVENTS_MAX) + 1].into_boxed_slice();
        let watched = bell.as_raw_fd();
        let epoll = Epoll { queue, events, _bell: bell, precise: true };
        // By edge: every write to it is told once, so it is never read.
        epoll.watch(watched, libc::EPOLLIN, BELL)?;
        Ok((epoll, Box::new(ringer)))
    }

    fn register(&mut self, socket: Socket<'_>, token: Token) -> io::Result<()> {
        let interest = match socket {
            Socket::Stream(_) => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP,
            Socket::Listener(_) => libc::EPOLLIN,
        };
        self.watch(descriptor(&socket), interest, token)
    }

    fn deregister(&mut self, socket: Socket<'_>) {
        let nothing = std::ptr::null_mut();
        // SAFETY: both descriptors are open for the length of the call; the event pointer is not read by a removal. An
        // error changes nothing: the socket is closed next, which removes it in any case.
        unsafe { libc::epoll_ctl(self.queue.as_raw_fd(), libc::EPOLL_CTL_DEL, descriptor(&socket), nothing) };
    }

    fn look(&mut self, timeout: Duration, mut tell: impl FnMut(Ready)) -> io::Result<()> {
        let told = match self.wait(timeout) {
            Ok(told) => told,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        };
        for event in self.events.iter().take(told) {
            let (token, events) = (Token(event.u64 as u32), event.events as libc::c_int);
            if token == BELL {
                continue;
            }
            let ended = events & (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) != 0;
            let readable = ended || events & libc::EPOLLIN != 0;
            let writable = events & (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) != 0;
            tell(Ready { token, readable, writable, ended });
        }
        Ok(())
    }
}
