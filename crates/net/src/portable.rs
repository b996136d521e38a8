//! # Room card: net/portable
//! In:    sockets to watch, a time to wait.
//! Out:   readiness by mio: epoll, kqueue or the completion ports of Windows.
//! Holds: no unsafe; a wait is cut down to whole milliseconds, because mio rounds up and a poll never waits too long.
//! Costs: one system call a look.
use std::io;
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Waker};

use crate::token::Token;
use crate::transport::{Ready, Socket, Transport};
use crate::waker::Bell;

pub(crate) struct Portable {
    poll: Poll,
    events: Events,
}

/// Sockets told by one look, at most; the others are told by the next.
const EVENTS_MAX: usize = 1_024;
/// No socket has it.
const BELL: mio::Token = mio::Token(0);

impl Bell for Waker {
    fn ring(&self) {
        // An error leaves the loop asleep until its timeout; there is nobody to tell.
        let _ = self.wake();
    }
}

impl Transport for Portable {
    const DIRECT_READS: bool = false;
    // Linux and the BSDs promise it; on Windows mio must see "would block" before it tells again.
    const SHORT_READ_DRAINS: bool = cfg!(unix);

    fn new(sockets: usize) -> io::Result<(Portable, Box<dyn Bell>)> {
        let poll = Poll::new()?;
        let bell = Waker::new(poll.registry(), BELL)?;
        let events = Events::with_capacity(sockets.clamp(1, EVENTS_MAX) + 1);
        Ok((Portable { poll, events }, Box::new(bell)))
    }

    fn register(&mut self, socket: Socket<'_>, token: Token) -> io::Result<()> {
        let token = mio::Token(token.0 as usize);
        match socket {
            Socket::Stream(stream) => {
                stream.register(self.poll.registry(), token, Interest::READABLE | Interest::WRITABLE)
            }
            Socket::Listener(listener) => listener.register(self.poll.registry(), token, Interest::READABLE),
        }
    }

    fn deregister(&mut self, socket: Socket<'_>) {
        // It is closed next, which deregisters it in any case.
        let _ = match socket {
            Socket::Stream(stream) => stream.deregister(self.poll.registry()),
            Socket::Listener(listener) => listener.deregister(self.poll.registry()),
        };
    }

    fn look(&mut self, timeout: Duration, mut tell: impl FnMut(Ready)) -> io::Result<()> {
        let whole = Duration::from_millis(timeout.as_millis().min(u32::MAX as u128) as u64);
        match self.poll.poll(&mut self.events, Some(whole)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        for event in self.events.iter().filter(|event| event.token() != BELL) {
            let ended = event.is_read_closed() || event.is_error();
            tell(Ready {
                token: Token(event.token().0 as u32),
                readable: event.is_readable() || ended,
                writable: event.is_writable() || event.is_error(),
                ended,
            });
        }
        Ok(())
    }
}
