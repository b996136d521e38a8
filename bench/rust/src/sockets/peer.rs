//! # Room card: bench/sockets/peer
//! In:    one client at a time: a WebSocket and perhaps a snapshot request on one port, a FIX 4.4 session on the other.
//! Out:   a book to join, then one bookTicker a tick, and how long it took until the first bytes of the orders came.
//! Holds: its sockets never sleep; requests are answered after the clock was read, never before.
//! Costs: a core.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use types::Instrument;
use types::rng::SplitMix64;
use wire::http::{self, RequestReader};
use wire::ws::{self, Opcode};

use super::entry::Entry;

/// SenderCompID of the peer.
pub const VENUE: &str = "PEER";
/// SenderCompID of who trades here.
pub const CLIENT: &str = "FAFNIR";
/// What is traded.
pub const SYMBOL: &str = "FAFUSDT";
/// Orders of one tick: a bid and an ask.
const ORDERS_A_TICK: usize = 2;
/// A tick not answered for this long is given up.
const ANSWER_MAX: Duration = Duration::from_millis(20);
/// Longest wait for a client to connect, log on and read the book.
const ARRIVAL_MAX: Duration = Duration::from_secs(20);
/// Pause between an answer and the next tick, nanoseconds: at least, and drawn on top of it.
const PAUSE: (u64, u64) = (30_000, 40_000);
const READ_BYTES: usize = 64 * 1024;
/// Where the price begins.
pub const BID_TICKS: i64 = 600_000;

/// Time of one tick.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// From before the write of the frame until the first bytes of an order were read, nanoseconds.
    pub first_nanos: u64,
    /// Until the last byte of the orders.
    pub whole_nanos: u64,
}

/// Writes `frame`, then reads without sleeping until bytes come: when the write began and when they were there.
#[inline]
fn exchange(
    mut out: &TcpStream,
    frame: &[u8],
    mut back: &TcpStream,
    buffer: &mut [u8],
) -> Result<Option<(Instant, Instant, usize)>, String> {
    let begun = Instant::now();
    out.write_all(frame).map_err(|error| format!("the frame cannot be sent: {error}"))?;
    loop {
        match back.read(buffer) {
            Ok(0) => return Err("the client went away".into()),
            Ok(count) => return Ok(Some((begun, Instant::now(), count))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if begun.elapsed() > ANSWER_MAX {
                    return Ok(None);
                }
            }
            Err(error) => return Err(format!("order entry cannot be read: {error}")),
        }
    }
}

/// A socket as both sides of the bench use it.
pub fn prepared(stream: TcpStream) -> Result<TcpStream, String> {
    stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// A listener on a free port of this machine.
fn listener() -> Result<TcpListener, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port: {error}"))?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
}

/// Reads what is there: `Some(0)` is the end, `None` nothing yet.
fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> Option<usize> {
    match stream.read(buffer) {
        Ok(count) => Some(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
        Err(_) => Some(0),
    }
}

/// The venue of this bench.
pub struct Peer {
    market: TcpListener,
    orders: TcpListener,
    instruments: Vec<Instrument>,
    rng: SplitMix64,
    buffer: Box<[u8]>,
    frame: Vec<u8>,
    payload: Vec<u8>,
    update_id: u64,
    bid: i64,
    visitors: Vec<(TcpStream, RequestReader)>,
    feed: Option<TcpStream>,
    entry: Option<Entry>,
}

impl Peer {
    /// Listens on two ports. `instruments` are those of the client's configuration.
    pub fn new(instruments: Vec<Instrument>, seed: u64) -> Result<Peer, String> {
        Ok(Peer {
            market: listener()?,
            orders: listener()?,
            instruments,
            rng: SplitMix64::new(seed),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            frame: Vec::with_capacity(4_096),
            payload: Vec::with_capacity(4_096),
            update_id: 0,
            bid: BID_TICKS,
            visitors: Vec::new(),
            feed: None,
            entry: None,
        })
    }

    /// Ports of market data and of order entry.
    pub fn ports(&self) -> Result<(u16, u16), String> {
        let port = |listener: &TcpListener| listener.local_addr().map(|at: SocketAddr| at.port());
        Ok((port(&self.market).map_err(|e| e.to_string())?, port(&self.orders).map_err(|e| e.to_string())?))
    }

    /// Serves until a client reads market data and has logged on. `alive` says whether it still may come.
    pub fn await_client(&mut self, mut alive: impl FnMut() -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while self.feed.is_none() || !self.entry.as_ref().is_some_and(|entry| entry.logged_on) {
            self.serve()?;
            if begun.elapsed() > ARRIVAL_MAX || !alive() {
                return Err("no client came and logged on".into());
            }
        }
        Ok(())
    }

    /// Ticks until an order comes: a quoter needs some prices first.
    pub fn await_orders(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < ARRIVAL_MAX {
            self.write_tick();
            let Some(feed) = &self.feed else { return Err("the client went away".into()) };
            (&*feed).write_all(&self.frame).map_err(|error| error.to_string())?;
            let until = Instant::now() + Duration::from_micros(300);
            while Instant::now() < until {
                self.serve()?;
            }
            if self.entry.as_ref().is_some_and(|entry| entry.resting() >= ORDERS_A_TICK) {
                return Ok(());
            }
        }
        Err("the client sends no orders".into())
    }

    /// One pass over everything that may come.
    pub fn serve(&mut self) -> Result<(), String> {
        if let Ok((stream, _)) = self.market.accept() {
            self.visitors.push((prepared(stream)?, RequestReader::new(0)));
        }
        if let Ok((stream, _)) = self.orders.accept() {
            self.entry = Some(Entry::new(prepared(stream)?)?);
        }
        for place in (0..self.visitors.len()).rev() {
            self.visit(place);
        }
        if let Some(feed) = &self.feed
            && read(feed, &mut self.buffer) == Some(0)
        {
            self.feed = None;
        }
        if let Some(entry) = &mut self.entry {
            match read(&entry.stream, &mut self.buffer) {
                Some(0) => self.entry = None,
                Some(count) => {
                    entry.take(&self.buffer[..count], &self.instruments)?;
                    entry.answer();
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Serves until the client has gone.
    pub fn await_end(&mut self, mut gone: impl FnMut() -> bool) -> Result<(), String> {
        while !gone() {
            self.serve()?;
        }
        (self.feed, self.entry) = (None, None);
        self.visitors.clear();
        Ok(())
    }

    /// An upgrade or the snapshot.
    fn visit(&mut self, place: usize) {
        let (stream, reader) = &mut self.visitors[place];
        let Some(count) = read(stream, &mut self.buffer) else { return };
        let Ok(step) = reader.next(&self.buffer[..count]) else {
            self.visitors.swap_remove(place);
            return;
        };
        let Some(request) = step.message else {
            if count == 0 {
                self.visitors.swap_remove(place);
            }
            return;
        };
        let mut out = Vec::new();
        let upgrade = ws::upgrade_key(&request);
        let opens = upgrade.is_ok();
        match upgrade {
            Ok(key) => {
                ws::server_response(&mut out, key);
                self.update_id = 10;
                let depth = format!(
                    "{{\"stream\":\"fafusdt@depth@0ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\
                     \"s\":\"{SYMBOL}\",\"U\":1,\"u\":10,\"pu\":0,\"b\":[[\"59999.90\",\"1.000\"]],\
                     \"a\":[[\"60000.10\",\"1.000\"]]}}}}"
                );
                ws::frame(&mut out, Opcode::Text, depth.as_bytes(), None);
            }
            Err(_) => {
                let body = "{\"lastUpdateId\":5,\"E\":1,\"T\":1,\"bids\":[[\"59999.90\",\"1.000\"]],\
                            \"asks\":[[\"60000.10\",\"1.000\"]]}";
                http::response(&mut out, 200, "application/json", body.as_bytes(), false);
            }
        }
        let sent = (&*stream).write_all(&out);
        let (stream, _) = self.visitors.swap_remove(place);
        if opens && sent.is_ok() {
            self.feed = Some(stream);
        }
    }

    /// The next tick's frame: both prices move by one or two ticks, near where they began.
    fn write_tick(&mut self) {
        let step = 1 + self.rng.below(2) as i64;
        let up = if (self.bid - BID_TICKS).abs() > 40 { self.bid < BID_TICKS } else { self.rng.below(2) == 0 };
        self.bid += if up { step } else { -step };
        self.update_id += 1;
        let (bid, ask) = (self.bid, self.bid + 2);
        self.payload.clear();
        let _ = write!(
            self.payload,
            "{{\"stream\":\"fafusdt@bookTicker\",\"data\":{{\"e\":\"bookTicker\",\"u\":{},\"s\":\"{SYMBOL}\",\
             \"b\":\"{}.{}0\",\"B\":\"1.500\",\"a\":\"{}.{}0\",\"A\":\"1.500\",\
             \"T\":1700000001278,\"E\":1700000001278}}}}",
            5_000_000_000 + self.update_id,
            bid / 10,
            bid % 10,
            ask / 10,
            ask % 10,
        );
        self.frame.clear();
        ws::frame(&mut self.frame, Opcode::Text, &self.payload, None);
    }

    /// One tick: its frame out, its orders in, then the answers to them. `None` when no order came.
    pub fn tick(&mut self) -> Result<Option<Answer>, String> {
        self.write_tick();
        let (Some(feed), Some(entry)) = (&self.feed, &mut self.entry) else {
            return Err("the client went away".into());
        };
        let Some((begun, first, count)) = exchange(feed, &self.frame, &entry.stream, &mut self.buffer)? else {
            return Ok(None);
        };
        let (before, mut last) = (entry.requests, first);
        entry.take(&self.buffer[..count], &self.instruments)?;
        while entry.requests - before < ORDERS_A_TICK && begun.elapsed() < ANSWER_MAX {
            if let Some(count) = read(&entry.stream, &mut self.buffer) {
                last = Instant::now();
                if count == 0 {
                    return Err("the client went away".into());
                }
                entry.take(&self.buffer[..count], &self.instruments)?;
            }
        }
        let whole = entry.requests - before == ORDERS_A_TICK;
        entry.answer();
        let nanos = |at: Instant| at.duration_since(begun).as_nanos() as u64;
        Ok(whole.then(|| Answer { first_nanos: nanos(first), whole_nanos: nanos(last) }))
    }

    /// Waits, without sleeping, for the answers to be read.
    pub fn pause(&mut self) {
        let nanos = PAUSE.0 + self.rng.below(PAUSE.1);
        let begun = Instant::now();
        while (begun.elapsed().as_nanos() as u64) < nanos {
            std::hint::spin_loop();
        }
    }

    /// Keeps the session alive.
    pub fn on_time(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.on_time();
        }
        // Pings and pongs of the client, which say nothing here.
        if let Some(feed) = &self.feed {
            let _ = read(feed, &mut self.buffer);
        }
    }
}
