//! # Room card: net/event_loop
//! In:    calls of the owner; what the transport tells.
//! Out:   events of one poll, connection by connection in the order in which they became due.
//! Holds: one read a connection a poll, so a flood on one starves none; what is left over is due at the next poll at
//!        once.
//! Costs: a poll without events is one system call; the clock is read only while a deadline stands.
use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

use crate::connection::{Connection, ReadOutcome, Stage};
use crate::event::{DownReason, NetEvent, SendFault};
use crate::hot::Hot;
use crate::outbox::Outbox;
use crate::table::Table;
use crate::tls::TlsServer;
use crate::token::Token;
use crate::transport::{Ready, Socket, Transport};
use crate::waker::Waker;
use crate::{LISTENERS_MAX, NetLimits};

/// Connections taken from one listener in one poll; the others wait for the next.
pub(crate) const ACCEPTS_PER_POLL: usize = 64;
/// How long a connection or the handshake after it may take, and how long `close` waits for its bytes to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the peer's end is awaited after ours.
const LINGER: Duration = Duration::from_secs(1);

pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsServer>,
    pub(crate) queued: bool,
    /// Told and not used up: somebody may stand in the backlog.
    pub(crate) ready: bool,
    /// When to try again after the system had no descriptor or memory left.
    pub(crate) retry: Option<Instant>,
}

pub(crate) enum Entry {
    Connection(Box<Connection>),
    Listener(Listener),
}

pub(crate) struct EventLoop<T> {
    pub(crate) transport: T,
    pub(crate) table: Table<Entry>,
    /// Who is due at this or the next poll.
    queue: VecDeque<Token>,
    /// Who has a deadline.
    timed: Vec<Token>,
    pub(crate) listeners: Vec<Token>,
    pub(crate) connections: usize,
    pub(crate) spare: Vec<Outbox>,
    pub(crate) limits: NetLimits,
    patience: Duration,
    hot: Hot,
    waker: Waker,
    /// The one read buffer, and the one for what TLS decrypts (made with the first TLS connection).
    buffer: Box<[u8]>,
    pub(crate) plain: Vec<u8>,
}

impl<T: Transport> EventLoop<T> {
    pub(crate) fn new(limits: NetLimits) -> io::Result<EventLoop<T>> {
        let places = limits.connections + LISTENERS_MAX;
        let (transport, bell) = T::new(places)?;
        Ok(EventLoop {
            transport,
            table: Table::new(places),
            queue: VecDeque::with_capacity(2 * places),
            timed: Vec::with_capacity(places),
            listeners: Vec::with_capacity(LISTENERS_MAX),
            connections: 0,
            spare: Vec::with_capacity(limits.connections),
            limits,
            patience: PATIENCE,
            hot: Hot::new(),
            waker: Waker::new(bell),
            buffer: vec![0; limits.read_bytes].into_boxed_slice(),
            plain: Vec::new(),
        })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    pub(crate) fn connection(&mut self, token: Token) -> Option<&mut Connection> {
        match self.table.get_mut(token)? {
            Entry::Connection(connection) => Some(connection),
            Entry::Listener(_) => None,
        }
    }

    /// Makes it due at the next turn of the queue.
    pub(crate) fn enqueue(&mut self, token: Token) {
        let queued = match self.table.get_mut(token) {
            Some(Entry::Connection(connection)) => &mut connection.queued,
            Some(Entry::Listener(listener)) => &mut listener.queued,
            None => return,
        };
        if !std::mem::replace(queued, true) {
            self.queue.push_back(token);
        }
    }

    /// Sets its deadline, from now.
    pub(crate) fn set_deadline(&mut self, token: Token, after: Duration) {
        let Some(connection) = self.connection(token) else { return };
        connection.deadline = Instant::now().checked_add(after);
        if !std::mem::replace(&mut connection.timed, true) {
            self.timed.push(token);
        }
    }

    pub(crate) fn set_patient_deadline(&mut self, token: Token) {
        self.set_deadline(token, self.patience);
    }

    pub(crate) fn send(&mut self, to: Token, bytes: &[u8]) -> Result<(), SendFault> {
        let limit = self.limits.out_bytes;
        let Some(connection) = self.connection(to) else { return Err(SendFault::Closed) };
        let sent = connection.send(bytes, limit);
        if connection.blocked_due || connection.owes_writable || connection.broken {
            self.enqueue(to);
        }
        sent
    }

    pub(crate) fn pending(&self, to: Token) -> usize {
        match self.table.get(to) {
            Some(Entry::Connection(connection)) => connection.out.len(),
            _ => 0,
        }
    }

    pub(crate) fn close(&mut self, token: Token) {
        if let Some(Entry::Listener(_)) = self.table.get(token) {
            return self.stop_listening(token);
        }
        let Some(connection) = self.connection(token) else { return };
        match connection.stage {
            Stage::Connecting | Stage::Handshaking => {
                connection.down.get_or_insert(DownReason::Aborted);
            }
            Stage::Up => {
                connection.say_end();
                connection.stage = Stage::Closing;
                // What still comes in is read and dropped, so that the peer is not stuck and our end is not a reset.
                connection.paused = false;
                connection.readable = true;
                self.set_patient_deadline(token);
            }
            Stage::Closing | Stage::Lingering => return,
        }
        self.enqueue(token);
    }

    pub(crate) fn abort(&mut self, token: Token) {
        if let Some(Entry::Listener(_)) = self.table.get(token) {
            return self.stop_listening(token);
        }
        let Some(connection) = self.connection(token) else { return };
        connection.down = Some(DownReason::Aborted);
        self.enqueue(token);
    }

    pub(crate) fn reset(&mut self, token: Token) {
        #[cfg(target_os = "linux")]
        if let Some(stream) = self.connection(token).and_then(|connection| connection.stream.as_ref()) {
            crate::linux::reset_on_close(stream);
        }
        self.abort(token);
    }

    fn stop_listening(&mut self, token: Token) {
        if let Some(Entry::Listener(mut listener)) = self.table.remove(token) {
            self.transport.deregister(Socket::Listener(&mut listener.socket));
            self.listeners.retain(|&other| other != token);
        }
    }

    pub(crate) fn pause(&mut self, token: Token, paused: bool) {
        let Some(connection) = self.connection(token) else { return };
        if connection.stage > Stage::Up {
            return;
        }
        connection.paused = paused;
        if paused {
            self.hot.forget(token);
        } else if connection.readable {
            self.enqueue(token);
        }
    }

    /// The idea: the transport (or a direct read) says who may have something, everyone concerned stands once in a
    /// queue, and each is served once. Serving reads at most one buffer; who has more stands in the queue again for the
    /// next poll, which then does not sleep. Only who was in the queue before serving began is served now, so a poll is
    /// bounded by one read and one flush a connection. Direct reads end with the first that brings something: its
    /// owner acts on it before anyone else is asked, and the next poll begins with the connection after it.
    pub(crate) fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(NetEvent<'_>)) -> usize {
        let timeout = self.deadlines(timeout);
        let mut told = 0;
        let mut tell = |event: NetEvent<'_>| {
            told += 1;
            sink(event);
        };
        if !self.queue.is_empty() {
            self.look(Duration::ZERO);
        } else if timeout.is_zero() && T::DIRECT_READS && self.hot.direct() {
            self.read_hot(&mut tell);
            self.waker.awake();
            return told;
        } else {
            self.look(timeout);
        }
        for _ in 0..self.queue.len() {
            let Some(token) = self.queue.pop_front() else { break };
            match self.table.get_mut(token) {
                Some(Entry::Connection(connection)) => {
                    connection.queued = false;
                    self.serve(token, &mut tell);
                }
                Some(Entry::Listener(listener)) => {
                    listener.queued = false;
                    self.accept(token, &mut tell);
                }
                None => {}
            }
        }
        told
    }

    /// Reads from one hot connection after the other until a read brings something.
    fn read_hot(&mut self, tell: &mut dyn FnMut(NetEvent<'_>)) {
        let mut brought = false;
        for _ in 0..self.hot.count() {
            let Some(token) = self.hot.next() else { break };
            let Some(Entry::Connection(connection)) = self.table.get_mut(token) else { continue };
            connection.readable = true;
            if !connection.is_calm() {
                self.enqueue(token);
                continue;
            }
            let outcome = connection.read(&mut self.buffer, &mut self.plain, T::SHORT_READ_DRAINS, &mut |event| {
                brought = true;
                tell(event);
            });
            let goes_on = connection.is_calm() && !connection.readable;
            self.hot.read(token, outcome == ReadOutcome::Bytes);
            if !goes_on {
                self.enqueue(token);
            }
            if brought {
                break;
            }
        }
    }

    fn look(&mut self, timeout: Duration) {
        // Announced before it is looked whether somebody rang: see `Waker::wake`.
        let timeout = if timeout.is_zero() || self.waker.sleeps() { timeout } else { Duration::ZERO };
        let (table, queue) = (&mut self.table, &mut self.queue);
        let looked = self.transport.look(timeout, |ready| {
            if let Some(entry) = table.get_mut(ready.token)
                && entry.apply(ready)
            {
                queue.push_back(ready.token);
            }
        });
        self.hot.looked();
        self.waker.awake();
        if looked.is_err() {
            // The kernel refuses to wait: then a nap, so that a parked loop does not become a spinning one.
            std::thread::sleep(timeout.min(Duration::from_millis(1)));
        }
    }

    /// Queues whose deadline has passed; the time to the next one, at most `timeout`.
    fn deadlines(&mut self, mut timeout: Duration) -> Duration {
        if self.timed.is_empty() {
            return timeout;
        }
        let now = Instant::now();
        let mut place = 0;
        // Ends: each round removes an entry or goes on to the next.
        while let Some(&token) = self.timed.get(place) {
            let deadline = match self.table.get_mut(token) {
                Some(Entry::Connection(connection)) => connection.deadline,
                Some(Entry::Listener(listener)) => listener.retry,
                None => None,
            };
            match deadline {
                Some(deadline) if deadline > now => {
                    timeout = timeout.min(deadline - now);
                    place += 1;
                }
                passed => {
                    self.timed.swap_remove(place);
                    if let Some(connection) = self.connection(token) {
                        connection.timed = false;
                        connection.deadline = None;
                    }
                    if passed.is_some() {
                        self.too_late(token);
                    }
                }
            }
        }
        timeout
    }

    fn too_late(&mut self, token: Token) {
        match self.table.get_mut(token) {
            Some(Entry::Connection(connection)) => {
                let reason = match connection.stage {
                    Stage::Connecting => return self.try_next(token, DownReason::TimedOut),
                    Stage::Handshaking => DownReason::TimedOut,
                    // The peer has ended and does not take what was still to be sent.
                    Stage::Up => DownReason::Reset,
                    Stage::Closing => DownReason::Aborted,
                    Stage::Lingering => DownReason::Closed,
                };
                connection.down.get_or_insert(reason);
            }
            Some(Entry::Listener(listener)) => listener.retry = None,
            None => {}
        }
        self.enqueue(token);
    }

    /// A listener waits for the system to have descriptors again.
    pub(crate) fn retry_later(&mut self, token: Token, after: Duration) {
        if let Some(Entry::Listener(listener)) = self.table.get_mut(token)
            && listener.retry.is_none()
        {
            listener.retry = Instant::now().checked_add(after);
            self.timed.push(token);
        }
    }

    /// One turn of a connection: connect, flush, read, tell, end.
    fn serve(&mut self, token: Token, tell: &mut dyn FnMut(NetEvent<'_>)) {
        self.connecting(token, tell);
        let Some(Entry::Connection(connection)) = self.table.get_mut(token) else { return };
        if connection.down.is_none() && connection.stage > Stage::Connecting {
            connection.flush();
            if connection.ended.is_some() && (connection.out.len() == 0 || connection.broken) {
                // Read in an earlier poll, so that the owner could still answer the last bytes.
                connection.down = connection.ended;
            } else if connection.wants_read() {
                let outcome = connection.read(&mut self.buffer, &mut self.plain, T::SHORT_READ_DRAINS, tell);
                if T::DIRECT_READS {
                    self.hot.read(token, outcome == ReadOutcome::Bytes);
                }
            }
            if connection.broken && !connection.readable && connection.ended.is_none() {
                connection.down.get_or_insert(DownReason::Reset);
            }
        }
        if connection.down.is_none() {
            connection.tell_pressure(tell);
            self.progress(token);
        }
        if let Some(Entry::Connection(connection)) = self.table.get_mut(token)
            && let Some(reason) = connection.down
        {
            self.finish(token);
            tell(NetEvent::Down(token, reason));
        }
    }

    /// What a connection is to do next, when it goes on.
    fn progress(&mut self, token: Token) {
        let Some(connection) = self.connection(token) else { return };
        let flushed = connection.out.len() == 0;
        if connection.stage == Stage::Closing && flushed && !connection.broken && connection.ended.is_none() {
            let end = connection.stream.as_ref().map(|stream| stream.shutdown(Shutdown::Write));
            if let Some(Ok(())) = end {
                connection.stage = Stage::Lingering;
                self.set_deadline(token, LINGER);
            } else {
                connection.down = Some(DownReason::Reset);
                return;
            }
        }
        let Some(connection) = self.connection(token) else { return };
        if connection.wants_read() || connection.ended.is_some() && flushed {
            self.enqueue(token);
        } else if connection.ended.is_some() && connection.deadline.is_none() {
            self.set_patient_deadline(token);
        }
    }

    /// Closes the socket and frees the place.
    fn finish(&mut self, token: Token) {
        let Some(Entry::Connection(mut connection)) = self.table.remove(token) else { return };
        connection.say_end();
        if let Some(stream) = connection.stream.as_mut() {
            self.transport.deregister(Socket::Stream(stream));
        }
        connection.out.clear();
        self.spare.push(connection.out);
        self.hot.forget(token);
        self.connections -= 1;
        // A place is free again for who waits in a backlog.
        for place in 0..self.listeners.len() {
            let listener = self.listeners[place];
            if let Some(Entry::Listener(Listener { ready: true, retry: None, .. })) = self.table.get(listener) {
                self.enqueue(listener);
            }
        }
    }

    /// Gives up the address at hand and begins with the next; without one the connection is down.
    pub(crate) fn try_next(&mut self, token: Token, mut reason: DownReason) {
        let Some(Entry::Connection(connection)) = self.table.get_mut(token) else { return };
        if let Some(mut failed) = connection.stream.take() {
            self.transport.deregister(Socket::Stream(&mut failed));
        }
        connection.readable = false;
        connection.ending = false;
        // Ends: each round takes an address.
        while let Some(address) = connection.untried.pop() {
            match begin(&mut self.transport, address, token) {
                Ok(stream) => {
                    connection.stream = Some(stream);
                    return self.set_patient_deadline(token);
                }
                Err(error) => reason = DownReason::connecting(&error),
            }
        }
        connection.down.get_or_insert(reason);
        self.enqueue(token);
    }
}

fn begin<T: Transport>(transport: &mut T, address: SocketAddr, token: Token) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    transport.register(Socket::Stream(&mut stream), token)?;
    Ok(stream)
}

impl Entry {
    /// Remembers what was told. True: it is due, and did not stand in the queue.
    fn apply(&mut self, ready: Ready) -> bool {
        match self {
            Entry::Connection(connection) => {
                connection.readable |= ready.readable;
                connection.ending |= ready.ended;
                if ready.writable {
                    connection.out.writable();
                }
                let connecting = connection.stage == Stage::Connecting;
                let flushes = ready.writable && connection.out.len() > 0;
                let due = connecting || flushes || connection.wants_read();
                due && !std::mem::replace(&mut connection.queued, true)
            }
            Entry::Listener(listener) => {
                listener.ready |= ready.readable;
                listener.retry.is_none() && !std::mem::replace(&mut listener.queued, true)
            }
        }
    }
}
