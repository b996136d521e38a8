//! # Room card: driver/exchange/host
//! In:    a configuration; calls of its owner.
//! Out:   `ExchangeHost`: an exchange on sockets, on a thread of its own, from `start` to `close`.
//! Holds: ports are listened on when `start` returns; a fault ends the thread and is what every later call returns;
//!        dropping it ends the thread.
//! Costs: a call is a message to the thread and back, under a millisecond.
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use net::{Backend, Net, NetLimits, TlsServer, Waker};
use types::config::{ExchangeConfig, Setup};
use types::{Code, Fault};

use super::core::Exchange;
use super::hall::{Hall, WallClock};
use super::ledger_file::LedgerFile;
use super::stats::ExchangeStats;

/// Connections of both ports together.
const CONNECTIONS_MAX: usize = 1_024;
/// Bytes kept for a client that does not read; beyond it a client of a real-time market is dropped.
const OUT_BYTES_MAX: usize = 16 << 20;
/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;
/// How long a call waits for the thread before it takes the last state known.
const CALL_PATIENCE: Duration = Duration::from_secs(2);

/// Ports listened on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ExchangePorts {
    /// Market data and snapshots.
    pub market: u16,
    /// Order entry.
    pub orders: u16,
}

/// What the owner asks of the thread.
pub(super) enum Call {
    Stats(SyncSender<ExchangeStats>),
    Close,
}

/// How the thread ended.
type Outcome = Arc<Mutex<Option<Result<ExchangeStats, Fault>>>>;

/// An exchange on a thread of its own.
pub struct ExchangeHost {
    ports: ExchangePorts,
    calls: Sender<Call>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    outcome: Outcome,
}

impl ExchangeHost {
    /// Opens sources, ledger and ports, and begins. `setup` is the one that came with the configuration.
    ///
    /// # Errors
    /// `PORT_IN_USE`, `STATE_IN_USE`, `LEDGER_DAMAGED`, `OUTPUT_FAILED`, a source or a certificate that cannot be used.
    pub fn start(config: &ExchangeConfig, setup: &Setup) -> Result<ExchangeHost, Fault> {
        let limits = NetLimits { connections: CONNECTIONS_MAX, out_bytes: OUT_BYTES_MAX, read_bytes: READ_BYTES };
        let mut net = Net::new(Backend::best(), limits)?;
        let tls = match &config.tls {
            Some(files) => Some(TlsServer::from_files(&files.certificate_file, &files.key_file)?),
            None => None,
        };
        let address = |port: u16| -> Result<SocketAddr, Fault> {
            let host = config.host.parse().map_err(|_| {
                Fault::new(Code::ConfigInvalid, "host is no IP address", vec![("path", "host".to_string())])
            })?;
            Ok(SocketAddr::new(host, port))
        };
        let (market, market_at) = net.listen(address(config.market_port)?, tls.as_ref())?;
        let (orders, orders_at) = net.listen(address(config.orders_port)?, tls.as_ref())?;
        let (file, earlier) = match &config.state_dir {
            Some(folder) => {
                let (file, earlier) = LedgerFile::open(folder)?;
                (Some(file), earlier)
            }
            None => (None, Vec::new()),
        };
        let clock = WallClock::start();
        let exchange = Exchange::open(config, setup, &earlier, clock.now())?;
        drop(earlier);
        let waker = net.waker();
        let (calls, receiver) = channel();
        let outcome = Outcome::default();
        let hall = Hall::new(net, market, orders, exchange, file, clock);
        let end = outcome.clone();
        let thread = std::thread::Builder::new()
            .name("fafnir-exchange".into())
            .spawn(move || run(hall, &receiver, &end))
            .map_err(|error| Fault::new(Code::OutputFailed, format!("no thread: {error}"), vec![]))?;
        let ports = ExchangePorts { market: market_at.port(), orders: orders_at.port() };
        Ok(ExchangeHost { ports, calls, waker, thread: Some(thread), outcome })
    }

    /// Ports listened on.
    pub fn ports(&self) -> ExchangePorts {
        self.ports
    }

    /// The state now. Errors: the fault that ended it.
    pub fn stats(&self) -> Result<ExchangeStats, Fault> {
        let (answer, answered) = sync_channel(1);
        if self.calls.send(Call::Stats(answer)).is_ok() {
            self.waker.wake();
            if let Ok(stats) = answered.recv_timeout(CALL_PATIENCE) {
                return Ok(stats);
            }
        }
        self.last_word()
    }

    /// Says goodbye to its clients, ends the thread and returns the last state. Idempotent. Errors: the fault that
    /// ended it.
    pub fn close(&mut self) -> Result<ExchangeStats, Fault> {
        self.end();
        self.last_word()
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = self.calls.send(Call::Close);
            self.waker.wake();
            // The thread catches its panics; joined either way.
            let _ = thread.join();
        }
    }

    fn last_word(&self) -> Result<ExchangeStats, Fault> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone().unwrap_or_else(|| Err(Fault::new(Code::EngineClosed, "the exchange does not answer", vec![])))
    }
}

impl Drop for ExchangeHost {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(mut hall: Hall, calls: &Receiver<Call>, outcome: &Outcome) {
    let ended = catch_unwind(AssertUnwindSafe(|| hall.run(calls)));
    let ended = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Fault::new(Code::NativePanicked, format!("the exchange panicked: {text}"), vec![("panic", text)]))
    });
    *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
}
