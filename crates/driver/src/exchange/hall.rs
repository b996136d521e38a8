//! # Room card: driver/exchange/hall
//! In:    socket events, the clock, calls of the owner.
//! Out:   the loop of an exchange: read, play, write the ledger, send.
//! Holds: the ledger's lines of a turn are written before anything of that turn is sent; at full speed the player waits
//!        for its slowest reader, at a real speed a reader with a full buffer is dropped.
//! Costs: a poll, at most one ledger write and one send per client a turn; many frames a send.
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use net::{Net, NetEvent, SendFault, Token};
use types::{Fault, Nanos, UnixNanos};

use super::core::Exchange;
use super::host::Call;
use super::ledger_file::LedgerFile;
use super::stats::ExchangeStats;
use super::web::{WebConn, Wish};
use crate::clock::Machine;

/// At full speed nothing is played while a client has more than this to read.
const READER_BEHIND_BYTES: usize = 512 * 1024;
/// Longest wait for an event: timers of sessions are looked at this often.
const WAIT_MAX: Duration = Duration::from_millis(20);
/// How long closing waits for its clients to take the last bytes.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);

/// This machine's wall clock at the start and what has passed since: it never steps.
pub(super) struct WallClock {
    machine: Machine,
    start: u64,
}

impl WallClock {
    pub(super) fn start() -> WallClock {
        let machine = Machine::start();
        let start = machine.wall();
        WallClock { machine, start }
    }
    pub(super) fn now(&self) -> UnixNanos {
        UnixNanos(self.start.saturating_add(self.machine.monotonic()))
    }
}

/// An exchange with its sockets.
pub(super) struct Hall {
    net: Net,
    /// Listener of the market port.
    market: Token,
    /// Listener of order entry.
    orders: Token,
    exchange: Exchange,
    file: Option<LedgerFile>,
    clock: WallClock,
    web: HashMap<Token, WebConn>,
    /// Connections of order entry.
    entry: Vec<Token>,
    /// Market-data clients, in the order of their coming.
    readers: Vec<Token>,
    /// What a poll asked for that has to wait until it is over.
    close: Vec<Token>,
    dropped_slow: u64,
}

impl Hall {
    pub(super) fn new(
        net: Net,
        market: Token,
        orders: Token,
        exchange: Exchange,
        file: Option<LedgerFile>,
        clock: WallClock,
    ) -> Hall {
        Hall {
            net,
            market,
            orders,
            exchange,
            file,
            clock,
            web: HashMap::new(),
            entry: Vec::new(),
            readers: Vec::new(),
            close: Vec::new(),
            dropped_slow: 0,
        }
    }

    /// Runs until the owner closes it or something fails.
    pub(super) fn run(&mut self, calls: &Receiver<Call>) -> Result<ExchangeStats, Fault> {
        // What the opening itself had to say.
        self.write_ledger()?;
        loop {
            match calls.try_recv() {
                Ok(Call::Stats(answer)) => {
                    // The owner may have stopped waiting.
                    let _ = answer.send(self.stats());
                }
                Ok(Call::Close) | Err(TryRecvError::Disconnected) => return self.finish(),
                Err(TryRecvError::Empty) => {}
            }
            let timeout = self.timeout()?;
            self.poll(timeout);
            self.turn()?;
        }
    }

    fn stats(&self) -> ExchangeStats {
        let mut stats = self.exchange.stats(self.clock.now());
        stats.over &= self.exchange.feed().is_empty() && self.readers.iter().all(|&to| self.net.pending(to) == 0);
        stats.dropped_slow = self.dropped_slow;
        stats
    }

    /// Has every market-data client room for more? Only asked for at full speed.
    fn has_room(&self) -> bool {
        self.readers.iter().all(|&to| self.net.pending(to) <= READER_BEHIND_BYTES)
    }

    fn timeout(&mut self) -> Result<Duration, Fault> {
        let full_speed = self.exchange.config.speed == 0;
        let due = self.exchange.due_in(self.clock.now())?;
        Ok(match due {
            Some(_) if full_speed && !self.has_room() => WAIT_MAX,
            Some(Nanos(nanos)) => Duration::from_nanos(nanos.max(0) as u64).min(WAIT_MAX),
            None => WAIT_MAX,
        })
    }

    /// Takes what the sockets have.
    fn poll(&mut self, timeout: Duration) {
        let (market, orders, clock) = (self.market, self.orders, &self.clock);
        let (exchange, web, entry) = (&mut self.exchange, &mut self.web, &mut self.entry);
        let (readers, close) = (&mut self.readers, &mut self.close);
        self.net.poll(timeout, &mut |event| match event {
            NetEvent::Accepted { listener, token, .. } if listener == market => {
                web.insert(token, WebConn::new());
            }
            NetEvent::Accepted { listener, token, .. } if listener == orders => entry.push(token),
            NetEvent::Accepted { token, .. } => close.push(token),
            NetEvent::Up(token) => {
                if entry.contains(&token) && !exchange.orders_connected(token.0 as u64, clock.now()) {
                    close.push(token);
                }
            }
            NetEvent::Bytes(token, bytes) => match web.get_mut(&token) {
                Some(conn) => {
                    let now = clock.now();
                    conn.on_bytes(bytes, &mut |conn, wish| serve(exchange, readers, token, conn, wish, now));
                }
                None => exchange.on_orders_bytes(token.0 as u64, bytes, clock.now()),
            },
            NetEvent::Blocked(_) | NetEvent::Writable(_) => {}
            NetEvent::Down(token, _) => match web.remove(&token) {
                Some(conn) => {
                    if conn.is_market() {
                        exchange.market_disconnected();
                        readers.retain(|&reader| reader != token);
                    }
                    exchange.snapshot_unwanted(token.0 as u64);
                }
                None => {
                    exchange.orders_disconnected(token.0 as u64, clock.now());
                    entry.retain(|&known| known != token);
                }
            },
        });
    }

    /// Plays what is due and lets out what came of it.
    fn turn(&mut self) -> Result<(), Fault> {
        let now = self.clock.now();
        let has_room = self.exchange.config.speed > 0 || self.has_room();
        self.exchange.turn_while(now, has_room)?;
        self.write_ledger()?;
        self.answer(now);
        self.send_web();
        self.send_feed();
        self.send_orders();
        for token in self.close.drain(..) {
            self.net.close(token);
        }
        Ok(())
    }

    fn write_ledger(&mut self) -> Result<(), Fault> {
        let lines = self.exchange.ledger_lines();
        if !lines.is_empty() {
            if let Some(file) = &mut self.file {
                file.append(lines)?;
            }
            self.exchange.ledger_written();
        }
        Ok(())
    }

    fn answer(&mut self, now: UnixNanos) {
        while let Some(answer) = self.exchange.pop_answer() {
            let token = Token(answer.key as u32);
            let Some(mut conn) = self.web.remove(&token) else { continue };
            let (exchange, readers) = (&mut self.exchange, &mut self.readers);
            conn.on_answer(answer.status, &answer.body, &mut |conn, wish| {
                serve(exchange, readers, token, conn, wish, now);
            });
            self.web.insert(token, conn);
        }
    }

    fn send_web(&mut self) {
        for (&token, conn) in &mut self.web {
            if !conn.out.is_empty() {
                send(&mut self.net, token, &conn.out, &mut self.dropped_slow);
                conn.out.clear();
            }
            if conn.closing {
                self.close.push(token);
            }
        }
    }

    fn send_feed(&mut self) {
        let frames = self.exchange.feed();
        if frames.is_empty() {
            return;
        }
        for &token in &self.readers {
            if self.web.get(&token).is_some_and(|conn| !conn.closing) {
                send(&mut self.net, token, frames, &mut self.dropped_slow);
            }
        }
        self.exchange.feed_sent();
    }

    fn send_orders(&mut self) {
        let (net, close, dropped) = (&mut self.net, &mut self.close, &mut self.dropped_slow);
        self.exchange.drain_orders(|key, bytes, closing| {
            let token = Token(key as u32);
            if !bytes.is_empty() {
                send(net, token, bytes, dropped);
            }
            if closing {
                close.push(token);
            }
        });
    }

    /// Says goodbye, waits for the last bytes to be taken, and sums up.
    fn finish(&mut self) -> Result<ExchangeStats, Fault> {
        self.exchange.logout(self.clock.now());
        self.exchange.stop();
        self.web.values_mut().for_each(WebConn::say_goodbye);
        self.turn()?;
        let last = self.stats();
        let until = Instant::now() + CLOSE_PATIENCE;
        while Instant::now() < until && !(self.web.is_empty() && self.entry.is_empty()) {
            self.poll(Duration::from_millis(10));
            self.turn()?;
        }
        // Cancels of sessions that ended with their connection belong to the last word too.
        let now = self.stats();
        Ok(ExchangeStats { over: last.over, ..now })
    }
}

/// Gives a web connection what it asked for.
fn serve(
    exchange: &mut Exchange,
    readers: &mut Vec<Token>,
    token: Token,
    conn: &mut WebConn,
    wish: Wish,
    now: UnixNanos,
) {
    match wish {
        Wish::Market => {
            readers.push(token);
            conn.out.extend_from_slice(&exchange.market_connected(now));
        }
        Wish::Snapshot(symbol) => exchange.on_snapshot_request(token.0 as u64, &symbol, now),
    }
}

/// Sends, or gives up a peer that does not read.
fn send(net: &mut Net, to: Token, bytes: &[u8], dropped_slow: &mut u64) {
    if net.send(to, bytes) == Err(SendFault::Full) {
        *dropped_slow += 1;
        net.abort(to);
    }
}
