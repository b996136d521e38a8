//! A venue on real sockets for tests: plain blocking threads, messages written by hand, so that nothing of the driver
//! or of its encoders judges itself. It trades nothing by itself; tests say what it answers.
#![allow(dead_code)] // Each test file uses its own part.
mod desk;
mod session;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use session::*;
pub use stream::{Certificates, Stream};

/// An order that rests there.
#[derive(Clone, Debug)]
pub struct Resting {
    pub side: String,
    pub price: String,
    pub quantity: String,
}

/// What the venue has seen and holds.
#[derive(Default)]
pub struct Seen {
    pub resting: BTreeMap<String, Resting>,
    /// Every ClOrdID of a new order, in order.
    pub news: Vec<String>,
    pub cancels: Vec<(String, Instant)>,
    pub logons: u64,
    pub logouts: u64,
    /// Numbers out of order, as "expected got".
    pub bad_sequence: Vec<String>,
    /// MsgType of every message of order entry.
    pub types: Vec<String>,
    pub snapshots: u64,
    pub market_connections: u64,
    pub orders_connections: u64,
    /// MsgType of every message on a connection whose session a later logon has ended.
    pub late: Vec<String>,
    /// Number and reset flag of every logon.
    pub logon_numbers: Vec<(u64, bool)>,
    next_in: u64,
    next_out: u64,
}

/// What the venue does wrong.
#[derive(Default)]
pub struct Faults {
    /// Order entry reads and answers nothing.
    pub mute: AtomicBool,
    /// Order entry does not even read, on the connections up to this number; they stay there.
    pub deaf_through: AtomicU64,
    /// Those that do not read send heartbeats all the same.
    pub chatty: AtomicBool,
    /// So many logons are answered by a logout.
    pub refused_logons: AtomicU64,
    /// Order entry goes on with its numbers over connections, and asks for what it has missed.
    pub keeps_numbers: AtomicBool,
    /// Connections are dropped: market, orders.
    pub drop_market: AtomicBool,
    pub drop_orders: AtomicBool,
    /// The market says nothing any more but keeps the connection.
    pub silent: AtomicBool,
    /// Touches at full speed after the script.
    pub flood: AtomicBool,
    /// Payloads of the market's next pings.
    pub pings: Mutex<VecDeque<String>>,
    /// With these certificates, or without TLS.
    pub certificates: Mutex<Option<Certificates>>,
}

pub struct Venue {
    pub market: SocketAddr,
    pub orders: SocketAddr,
    pub seen: Arc<Mutex<Seen>>,
    pub faults: Arc<Faults>,
    pub flooded: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Messages of the fixture, and whether each is a snapshot.
pub fn frames() -> Vec<(bool, Vec<u8>)> {
    let text = std::fs::read_to_string(testkit::fixture("usdm-small.txt")).unwrap();
    let message = |line: &str| line.split_once(' ').unwrap().1.as_bytes().to_vec();
    text.lines().map(|line| (line.contains("\"lastUpdateId\""), message(line))).collect()
}

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Seen>>,
    faults: Arc<Faults>,
    flooded: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Venue {
    pub fn start() -> Venue {
        Venue::start_at("127.0.0.1:0", "127.0.0.1:0", Arc::default())
    }
    /// The next pings of the market.
    pub fn ping(&self, payloads: &[String]) {
        self.faults.pings.lock().unwrap().extend(payloads.iter().cloned());
    }
    /// Who it says it is from the next connection on.
    pub fn present(&self, certificates: Certificates) {
        *self.faults.certificates.lock().unwrap() = Some(certificates);
    }
    /// The connection of order entry that is there now stops reading.
    pub fn deafen(&self) {
        let now = self.seen().orders_connections;
        self.faults.deaf_through.store(now, Ordering::SeqCst);
    }
    /// At given addresses, with what an earlier one has seen.
    pub fn start_at(market: &str, orders: &str, seen: Arc<Mutex<Seen>>) -> Venue {
        let shared = Shared { seen, faults: Arc::default(), flooded: Arc::default(), stop: Arc::default() };
        let (market, orders) = (TcpListener::bind(market).unwrap(), TcpListener::bind(orders).unwrap());
        let (market_at, orders_at) = (market.local_addr().unwrap(), orders.local_addr().unwrap());
        let threads = vec![serve(market, shared.clone(), serve_market), serve(orders, shared.clone(), desk::serve)];
        let Shared { seen, faults, flooded, stop } = shared;
        Venue { market: market_at, orders: orders_at, seen, faults, flooded, stop, threads }
    }
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
    pub fn set(&self, fault: impl Fn(&Faults) -> &AtomicBool, on: bool) {
        fault(&self.faults).store(on, Ordering::SeqCst);
    }
    /// Waits for something the venue sees.
    pub fn until(&self, what: &str, ready: impl Fn(&Seen) -> bool) {
        let started = Instant::now();
        while !ready(&self.seen()) {
            let seen = self.seen();
            assert!(started.elapsed() < Duration::from_secs(120), "{what}: {:?} {:?}", seen.types, seen.bad_sequence);
            drop(seen);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(listener: TcpListener, shared: Shared, each: fn(Stream, Shared)) -> JoinHandle<()> {
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let mut threads = Vec::new();
        while !shared.stopped() {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
                    let shared = shared.clone();
                    let certificates = shared.faults.certificates.lock().unwrap().clone();
                    threads.push(std::thread::spawn(move || each(Stream::new(stream, certificates), shared)));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        threads.into_iter().for_each(|thread| drop(thread.join()));
    })
}

/// Reads up to a blank line.
fn head(stream: &mut Stream, shared: &Shared) -> Option<String> {
    let (mut bytes, mut one) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut one) {
            Ok(0) => return None,
            Ok(_) => bytes.push(one[0]),
            Err(_) if shared.stopped() => return None,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return None,
            Err(_) => {}
        }
    }
    String::from_utf8(bytes).ok()
}

fn ws_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short if short < 126 => frame.push(short as u8),
        middle if middle < 65_536 => {
            frame.push(126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Sends the pings that are due; `false` when the peer is gone.
fn send_pings(stream: &mut Stream, shared: &Shared) -> bool {
    let pings: Vec<String> = shared.faults.pings.lock().unwrap().drain(..).collect();
    pings.iter().all(|payload| stream.write_all(&ws_frame(9, payload.as_bytes())).is_ok())
}

fn serve_market(mut stream: Stream, shared: Shared) {
    let Some(request) = head(&mut stream, &shared) else { return };
    if request.starts_with("GET /snapshot") {
        let body = frames().into_iter().find(|(snapshot, _)| *snapshot).unwrap().1;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).and_then(|()| stream.flush());
        shared.seen().snapshots += 1;
        return;
    }
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap().trim();
    let mut answer = Vec::new();
    wire::ws::server_response(&mut answer, key.as_bytes());
    stream.write_all(&answer).unwrap();
    shared.seen().market_connections += 1;
    let frames = frames();
    let snapshot_at = frames.iter().position(|(snapshot, _)| *snapshot).unwrap();
    let asked_before = shared.seen().snapshots;
    let gone = |shared: &Shared| shared.stopped() || shared.faults.drop_market.load(Ordering::Relaxed);
    send_pings(&mut stream, &shared);
    for (at, (snapshot, bytes)) in frames.iter().enumerate() {
        // A little beyond the snapshot, then not on before it was fetched.
        while at == snapshot_at + 20 && shared.seen().snapshots == asked_before && !gone(&shared) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if gone(&shared) {
            return;
        }
        if at.is_multiple_of(16) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !snapshot && stream.write_all(&ws_frame(1, bytes)).is_err() {
            return;
        }
    }
    let mut id = 9_000_000_000u64;
    while !gone(&shared) {
        if shared.faults.silent.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        if !send_pings(&mut stream, &shared) {
            return;
        }
        let burst = if shared.faults.flood.load(Ordering::Relaxed) { 500 } else { 1 };
        let mut bytes = Vec::new();
        for _ in 0..burst {
            id += 1;
            let text = format!(
                "{{\"stream\":\"fafusdt@bookTicker\",\"data\":{{\"e\":\"bookTicker\",\"u\":{id},\"s\":\"FAFUSDT\",\
                 \"b\":\"99.90\",\"B\":\"1.500\",\"a\":\"100.10\",\"A\":\"1.500\",\
                 \"T\":1700000009999,\"E\":1700000009999}}}}"
            );
            bytes.extend(ws_frame(1, text.as_bytes()));
        }
        if stream.write_all(&bytes).is_err() {
            return;
        }
        shared.flooded.fetch_add(burst, Ordering::Relaxed);
        if burst == 1 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
