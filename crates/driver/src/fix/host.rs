//! # Room card: driver/fix/host
//! In:    entries of sessions, where to listen, an application.
//! Out:   `FixAcceptor` and `FixInitiator`: a thread that holds the sessions, from `start` to `close`.
//! Holds: the port is listened on and every store is open when `start` returns; dropping closes, with a Logout to each
//!        session; a panic of the application ends the host, not the process.
//! Costs: a thread; see `hall`.
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use net::{Backend, Net, NetLimits, TlsServer, Wait, Waiter};
use types::rng::SplitMix64;
use types::{Code, Fault, Nanos, UnixNanos};
use wire::fix::{LOGON_WAIT, Role};

use super::application::FixApplication;
use super::clock::HostClock;
use super::commands::{Commands, FixHandle};
use super::desk::Desk;
use super::dial::Dial;
use super::entry::{Admission, SessionEntry};
use super::hall::Hall;
use super::message_log::{MessageLog, MessageLogOptions};
use super::port::PEER_BEHIND_BYTES;
use crate::hosted::drawn_seed;
use crate::lines::Resolver;

/// What both kinds of host have.
pub struct HostOptions {
    /// Connections at a time, strangers included. What comes beyond waits in the kernel's backlog.
    pub connections: usize,
    /// Bytes kept for a peer that does not read; beyond it the connection is ended with `PEER_SLOW`. A resend waits
    /// where it would come near it. Memory grows to it only where a peer is behind.
    pub out_bytes: usize,
    /// How long a connection may take to send a valid Logon; then it is closed.
    pub logon_wait: Nanos,
    /// How the thread waits.
    pub wait: Wait,
    /// Core to pin the thread to.
    pub core: Option<usize>,
    /// Which calls move bytes.
    pub backend: Backend,
    /// Messages in and out as text files; `None`: not logged.
    pub log: Option<MessageLogOptions>,
}

impl Default for HostOptions {
    /// 4,200 connections, 64 MiB, `LOGON_WAIT`, adaptive waiting, no core, the best backend, no log.
    fn default() -> HostOptions {
        HostOptions {
            connections: 4_200,
            out_bytes: 64 << 20,
            logon_wait: LOGON_WAIT,
            wait: Wait::default(),
            core: None,
            backend: Backend::best(),
            log: None,
        }
    }
}

/// What an acceptor is made of.
pub struct AcceptorSetup {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key: then the port speaks TLS.
    pub tls: Option<TlsServer>,
    /// The sessions it knows.
    pub sessions: Vec<SessionEntry>,
    /// Asked of names it does not know; without it they get no answer.
    pub admission: Option<Admission>,
    /// See `HostOptions`.
    pub options: HostOptions,
}

/// Many FIX sessions on one port.
pub struct FixAcceptor {
    address: SocketAddr,
    host: Host,
}

/// FIX sessions to peers that are connected to, each made again when it is lost.
pub struct FixInitiator {
    host: Host,
}

impl core::fmt::Debug for FixAcceptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FixAcceptor {{ address: {} }}", self.address)
    }
}

impl core::fmt::Debug for FixInitiator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FixInitiator")
    }
}

impl FixAcceptor {
    /// Opens stores and port, and begins.
    ///
    /// # Errors
    /// `PORT_IN_USE`; `CONFIG_INVALID`: a limit, an entry that is an initiator's, two of the same names; those of the
    /// stores and the log.
    pub fn start(setup: AcceptorSetup, application: Box<dyn FixApplication>) -> Result<FixAcceptor, Fault> {
        let AcceptorSetup { listen, tls, sessions, admission, options } = setup;
        let mut net = options.net()?;
        let (_, address) = net.listen(listen, tls.as_ref())?;
        let host = Host::start(net, sessions, admission, Role::Acceptor, options, application)?;
        Ok(FixAcceptor { address, host })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// Commands it, from any thread.
    pub fn handle(&self) -> FixHandle {
        self.host.handle.clone()
    }
    /// Logs its sessions out, waits some seconds for their answers and ends the thread. Idempotent. Errors:
    /// `NATIVE_PANICKED` if the application had panicked.
    pub fn close(&mut self) -> Result<(), Fault> {
        self.host.close()
    }
}

impl FixInitiator {
    /// Opens stores and begins to connect.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: a limit, an entry that is an acceptor's or has no address, two of the same names; those of
    /// the stores and the log.
    pub fn start(
        sessions: Vec<SessionEntry>,
        options: HostOptions,
        application: Box<dyn FixApplication>,
    ) -> Result<FixInitiator, Fault> {
        let net = options.net()?;
        let host = Host::start(net, sessions, None, Role::Initiator, options, application)?;
        Ok(FixInitiator { host })
    }

    /// Commands it, from any thread.
    pub fn handle(&self) -> FixHandle {
        self.host.handle.clone()
    }
    /// As `FixAcceptor::close`.
    pub fn close(&mut self) -> Result<(), Fault> {
        self.host.close()
    }
}

impl HostOptions {
    /// A resend goes on while less than this waits for its peer: beyond what is refused to others, so that it gets
    /// through, and far from where a peer is given up.
    fn resend_bytes(&self) -> usize {
        (PEER_BEHIND_BYTES + PEER_BEHIND_BYTES / 8).min(self.out_bytes / 2)
    }

    fn net(&self) -> Result<Net, Fault> {
        let limits = NetLimits { connections: self.connections, out_bytes: self.out_bytes, ..NetLimits::default() };
        Net::new(self.backend, limits)
    }
}

/// How the thread ended.
type Outcome = Arc<Mutex<Option<Fault>>>;

/// The thread.
struct Host {
    handle: FixHandle,
    thread: Option<JoinHandle<()>>,
    outcome: Outcome,
}

impl Host {
    fn start(
        net: Net,
        sessions: Vec<SessionEntry>,
        admission: Option<Admission>,
        role: Role,
        options: HostOptions,
        application: Box<dyn FixApplication>,
    ) -> Result<Host, Fault> {
        let mut clock = HostClock::start();
        let now = clock.now();
        let resend_bytes = options.resend_bytes();
        let log = options.log.map(MessageLog::start).transpose()?;
        let mut desk = Desk::new(application, admission, log, clock, options.logon_wait, resend_bytes);
        for entry in sessions {
            check(&entry, role)?;
            let dial = match role {
                Role::Initiator => Some(Dial::new(entry.addresses.clone(), SplitMix64::new(drawn_seed()?))),
                Role::Acceptor => None,
            };
            desk.add(entry, dial, now)?;
        }
        let waker = net.waker();
        let resolver = match role {
            Role::Initiator => Some(Resolver::start(waker.clone())?),
            Role::Acceptor => None,
        };
        let (commands, outcome) = (Commands::default(), Outcome::default());
        let waiter = Waiter::new(options.wait);
        let handle = FixHandle { commands: commands.clone(), waker };
        let (core, end) = (options.core, outcome.clone());
        let mut hall = Hall { net, desk, commands, resolver, waiter, due: UnixNanos(0), taken: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("fafnir-fix".into())
            .spawn(move || {
                let pinned = core.map_or(Ok(()), net::pin_thread);
                if let Err(fault) = &pinned {
                    hall.desk.fault(None, fault);
                }
                let ended = catch_unwind(AssertUnwindSafe(|| hall.run()));
                let fault = ended.unwrap_or_else(|panic| Err(panicked(&*panic))).err();
                hall.commands.close();
                *end.lock().unwrap_or_else(PoisonError::into_inner) = fault;
            })
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for FIX: {error}"), vec![]))?;
        Ok(Host { handle, thread: Some(thread), outcome })
    }

    fn close(&mut self) -> Result<(), Fault> {
        if let Some(thread) = self.thread.take() {
            self.handle.stop();
            // It catches its panics; joined either way.
            let _ = thread.join();
        }
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone().map_or(Ok(()), Err)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn check(entry: &SessionEntry, role: Role) -> Result<(), Fault> {
    let wrong = match role {
        _ if entry.setup.role != role => "a session of the other role",
        Role::Initiator if entry.addresses.is_empty() => "no address to connect to",
        _ => return Ok(()),
    };
    let fields = vec![("session", entry.name()), ("error", wrong.to_string())];
    Err(Fault::new(Code::ConfigInvalid, format!("session {}: {wrong}", entry.name()), fields))
}

fn panicked(panic: &(dyn core::any::Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Fault::new(Code::NativePanicked, format!("the FIX application panicked: {text}"), vec![("panic", text)])
}
