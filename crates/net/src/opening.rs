//! # Room card: net/opening
//! In:    addresses to connect to or to listen at; sockets whose connecting ended; listeners with somebody in the
//!        backlog.
//! Out:   connections, up or on their way through the TLS handshake.
//! Holds: never more connections than the limit: who comes in beyond stays in the kernel's backlog; TCP_NODELAY always.
//! Costs: cold path; it allocates.
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use types::codes::Code;
use types::fault::Fault;

use crate::LISTENERS_MAX;
use crate::connection::{Connection, Stage};
use crate::event::{DownReason, NetEvent};
use crate::event_loop::{ACCEPTS_PER_POLL, Entry, EventLoop, Listener};
use crate::tls::{TlsClient, TlsServer};
use crate::token::Token;
use crate::transport::{Socket, Transport};

/// Pause of a listener when the system has no descriptor or memory left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

impl<T: Transport> EventLoop<T> {
    pub(crate) fn connect(&mut self, to: &[SocketAddr], tls: Option<(&TlsClient, &str)>) -> Result<Token, Fault> {
        let failed = |message: &str| Fault::new(Code::ConnectFailed, message, vec![]);
        if to.is_empty() {
            return Err(failed("there is no address to connect to"));
        }
        let tls = tls.map(|(client, name)| client.connection(name)).transpose()?;
        let Some(token) = self.admit(Stage::Connecting, tls) else {
            let fields = vec![("connections", self.limits.connections.to_string())];
            return Err(Fault::new(Code::ConnectFailed, "every connection of the limit is in use", fields));
        };
        if let Some(connection) = self.connection(token) {
            connection.untried = to.iter().rev().copied().collect();
        }
        self.try_next(token, DownReason::Unreachable);
        Ok(token)
    }

    pub(crate) fn listen(&mut self, at: SocketAddr, tls: Option<&TlsServer>) -> Result<(Token, SocketAddr), Fault> {
        let failed = |error: String| {
            let fields = vec![("address", at.to_string()), ("error", error.clone())];
            Fault::new(Code::PortInUse, format!("cannot listen at {at}: {error}"), fields)
        };
        if self.listeners.len() == LISTENERS_MAX {
            return Err(failed(format!("{LISTENERS_MAX} listeners are open")));
        }
        let socket = TcpListener::bind(at).map_err(|error| failed(error.to_string()))?;
        #[cfg(target_os = "linux")]
        crate::linux::widen(&socket).map_err(|error| failed(error.to_string()))?;
        let bound = socket.local_addr().map_err(|error| failed(error.to_string()))?;
        let listener = Listener { socket, tls: tls.cloned(), queued: false, ready: false, retry: None };
        let token = self.table.insert(|_| Entry::Listener(listener)).ok_or_else(|| failed("no place".into()))?;
        if let Some(Entry::Listener(listener)) = self.table.get_mut(token)
            && let Err(error) = self.transport.register(Socket::Listener(&mut listener.socket), token)
        {
            self.table.remove(token);
            return Err(failed(error.to_string()));
        }
        self.listeners.push(token);
        Ok((token, bound))
    }

    /// A place for another connection, if the limit allows one.
    fn admit(&mut self, stage: Stage, tls: Option<rustls::Connection>) -> Option<Token> {
        if self.connections == self.limits.connections {
            return None;
        }
        if tls.is_some() && self.plain.is_empty() {
            self.plain = vec![0; self.limits.read_bytes];
        }
        let tls = tls.map(|mut tls| {
            // Bounded by `Connection::send` together with what is kept.
            tls.set_buffer_limit(None);
            Box::new(tls)
        });
        let out = self.spare.pop().unwrap_or_default();
        let token = self.table.insert(|token| Entry::Connection(Box::new(Connection::new(token, stage, tls, out))))?;
        self.connections += 1;
        Some(token)
    }

    /// Looks how connecting ended, if it did.
    pub(crate) fn connecting(&mut self, token: Token, tell: &mut dyn FnMut(NetEvent<'_>)) {
        let Some(connection) = self.connection(token) else { return };
        if connection.stage != Stage::Connecting || connection.down.is_some() {
            return;
        }
        let Some(stream) = connection.stream.as_mut() else { return };
        let outcome = match stream.take_error() {
            Ok(None) => stream.peer_addr().map(|_| ()),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {}
            // Told too early; it is told again.
            Err(error) if error.kind() == ErrorKind::NotConnected => return,
            Err(error) => return self.try_next(token, DownReason::connecting(&error)),
        }
        // Fails only on a socket that is gone already, and then the first read says so.
        let _ = stream.set_nodelay(true);
        connection.open();
        match connection.stage {
            Stage::Up => tell(NetEvent::Up(token)),
            // A patience of its own for the handshake.
            _ => self.set_patient_deadline(token),
        }
    }

    /// Takes who stands in the backlog.
    pub(crate) fn accept(&mut self, token: Token, tell: &mut dyn FnMut(NetEvent<'_>)) {
        for _ in 0..ACCEPTS_PER_POLL {
            let room = self.connections < self.limits.connections;
            let Some(Entry::Listener(listener)) = self.table.get_mut(token) else { return };
            if !room || !listener.ready || listener.retry.is_some() {
                return;
            }
            match listener.socket.accept() {
                Ok((stream, peer)) => {
                    let tls = listener.tls.as_ref().map(TlsServer::connection).transpose();
                    // No TLS for it (the random source failed): closed again, as nothing could be said.
                    let Ok(tls) = tls else { continue };
                    self.welcome(token, stream, peer, tls, tell);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => {
                        listener.ready = false;
                        return;
                    }
                    // Gone again before it was taken, or a signal: the next one.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
                    _ => return self.retry_later(token, ACCEPT_PAUSE),
                },
            }
        }
        self.enqueue(token);
    }

    fn welcome(
        &mut self,
        listener: Token,
        mut stream: TcpStream,
        peer: SocketAddr,
        tls: Option<rustls::Connection>,
        tell: &mut dyn FnMut(NetEvent<'_>),
    ) {
        let _ = stream.set_nodelay(true);
        let Some(token) = self.admit(Stage::Connecting, tls) else { return };
        let registered = self.transport.register(Socket::Stream(&mut stream), token);
        let Some(connection) = self.connection(token) else { return };
        connection.stream = Some(stream);
        connection.open();
        let stage = connection.stage;
        tell(NetEvent::Accepted { listener, token, peer });
        if let Err(error) = registered {
            connection.down = Some(DownReason::Failed(error.raw_os_error().unwrap_or(0)));
            return self.enqueue(token);
        }
        match stage {
            Stage::Up => tell(NetEvent::Up(token)),
            _ => self.set_patient_deadline(token),
        }
    }
}

impl Connection {
    /// The stream is connected: up, or to the handshake.
    fn open(&mut self) {
        self.untried = Vec::new();
        self.deadline = None;
        self.stage = if self.tls.is_some() { Stage::Handshaking } else { Stage::Up };
        // The client speaks first; a server has nothing to say yet.
        if self.write_tls().is_err() {
            self.break_off();
        }
    }

    /// Tells that the kernel takes no more, or that it has taken everything.
    pub(crate) fn tell_pressure(&mut self, tell: &mut dyn FnMut(NetEvent<'_>)) {
        if self.stage != Stage::Up || self.broken {
            return;
        }
        if self.out.len() > 0 {
            if std::mem::take(&mut self.blocked_due) {
                self.owes_writable = true;
                tell(NetEvent::Blocked(self.token));
            }
        } else {
            self.blocked_due = false;
            if std::mem::take(&mut self.owes_writable) {
                tell(NetEvent::Writable(self.token));
            }
        }
    }
}
