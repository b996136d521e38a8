//! A venue on real sockets for tests: plain blocking threads, messages written by hand, so that nothing of the driver
//! or of its encoders judges itself. It trades nothing by itself; tests say what it answers.
#![allow(dead_code)] // Each test file uses its own part.
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    next_in: u64,
}

/// What the venue does wrong.
#[derive(Default)]
pub struct Faults {
    /// Order entry reads and answers nothing.
    pub mute: AtomicBool,
    /// Order entry does not even read.
    pub deaf: AtomicBool,
    /// Connections are dropped: market, orders.
    pub drop_market: AtomicBool,
    pub drop_orders: AtomicBool,
    /// The market says nothing any more but keeps the connection.
    pub silent: AtomicBool,
    /// Touches at full speed after the script.
    pub flood: AtomicBool,
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
    /// At given addresses, with what an earlier one has seen.
    pub fn start_at(market: &str, orders: &str, seen: Arc<Mutex<Seen>>) -> Venue {
        let shared = Shared { seen, faults: Arc::default(), flooded: Arc::default(), stop: Arc::default() };
        let (market, orders) = (TcpListener::bind(market).unwrap(), TcpListener::bind(orders).unwrap());
        let (market_at, orders_at) = (market.local_addr().unwrap(), orders.local_addr().unwrap());
        let threads = vec![serve(market, shared.clone(), serve_market), serve(orders, shared.clone(), serve_orders)];
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
            assert!(started.elapsed() < Duration::from_secs(10), "{what}: {:?} {:?}", seen.types, seen.bad_sequence);
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

fn serve(listener: TcpListener, shared: Shared, each: fn(TcpStream, Shared)) -> JoinHandle<()> {
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
                    threads.push(std::thread::spawn(move || each(stream, shared)));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        threads.into_iter().for_each(|thread| drop(thread.join()));
    })
}

/// Reads up to a blank line.
fn head(stream: &mut TcpStream, shared: &Shared) -> Option<String> {
    let (mut bytes, mut one) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut one) {
            Ok(0) => return None,
            Ok(_) => bytes.push(one[0]),
            Err(_) if shared.stopped() => return None,
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

fn serve_market(mut stream: TcpStream, shared: Shared) {
    let Some(request) = head(&mut stream, &shared) else { return };
    if request.starts_with("GET /snapshot") {
        let body = frames().into_iter().find(|(snapshot, _)| *snapshot).unwrap().1;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
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

/// A FIX message by hand.
fn fix(msg_type: &str, sequence: u64, fields: &str) -> Vec<u8> {
    let body = format!("35={msg_type}|49=BINANCE|56=FAFNIR|34={sequence}|52=20240808-10:00:00.000|{fields}");
    let text = format!("8=FIX.4.4|9={}|{body}", body.len()).replace('|', "\x01");
    let sum = text.bytes().map(u64::from).sum::<u64>() % 256;
    format!("{text}10={sum:03}\x01").into_bytes()
}

/// The whole messages at the start of `bytes`, as fields; what is left stays.
fn take_messages(bytes: &mut Vec<u8>) -> Vec<BTreeMap<u32, String>> {
    let mut messages = Vec::new();
    while let Some(at) = bytes.windows(4).position(|window| window == b"\x0110=") {
        let Some(end) = bytes[at + 4..].iter().position(|&byte| byte == 1).map(|end| at + 5 + end) else { break };
        let message: Vec<u8> = bytes.drain(..end).collect();
        let text = String::from_utf8(message).unwrap();
        let sum = text[..text.len() - 7].bytes().map(u64::from).sum::<u64>() % 256;
        assert!(text.ends_with(&format!("10={sum:03}\x01")), "checksum of {text}");
        let field = |field: &str| field.split_once('=').map(|(tag, value)| (tag.parse().unwrap(), value.to_string()));
        messages.push(text.split('\x01').filter_map(field).collect());
    }
    messages
}

struct Desk {
    /// Number of its logon; a later one ends the session of this.
    logon: u64,
    stream: TcpStream,
    shared: Shared,
    next_out: u64,
    number: u64,
}

fn serve_orders(stream: TcpStream, shared: Shared) {
    let mut desk = Desk { logon: 0, stream, shared: shared.clone(), next_out: 1, number: 0 };
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    while !shared.stopped() && !shared.faults.drop_orders.load(Ordering::Relaxed) {
        if shared.faults.deaf.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        match desk.stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => bytes.extend(&chunk[..count]),
            Err(_) => continue,
        }
        for message in take_messages(&mut bytes) {
            desk.on_message(&message);
        }
    }
}

impl Desk {
    fn send(&mut self, msg_type: &str, fields: &str) {
        if !self.shared.faults.mute.load(Ordering::Relaxed) {
            let message = fix(msg_type, self.next_out, fields);
            self.next_out += 1;
            let _ = self.stream.write_all(&message);
        }
    }

    fn on_message(&mut self, message: &BTreeMap<u32, String>) {
        let field = |tag: u32| message.get(&tag).cloned().unwrap_or_default();
        let msg_type = field(35);
        let sequence: u64 = field(34).parse().unwrap();
        let mut seen = self.shared.seen.lock().unwrap();
        if msg_type != "A" && self.logon != seen.logons {
            return;
        }
        seen.types.push(msg_type.clone());
        if msg_type == "A" {
            seen.logons += 1;
            self.logon = seen.logons;
            // Our answer resets the numbers (141=Y): the logon counts as 1.
            seen.next_in = sequence;
        }
        if sequence != seen.next_in {
            let what = format!("expected {} got {sequence} {msg_type}", seen.next_in);
            seen.bad_sequence.push(what);
        }
        seen.next_in = if msg_type == "A" { 2 } else { sequence + 1 };
        drop(seen);
        match msg_type.as_str() {
            // The venue begins at 1 with every logon, and says so.
            "A" => self.send("A", &format!("98=0|108={}|141=Y|", field(108))),
            "1" => self.send("0", &format!("112={}|", field(112))),
            "5" => {
                self.shared.seen().logouts += 1;
                self.send("5", "");
            }
            "D" => self.on_new(&field(11), Resting { side: field(54), price: field(44), quantity: field(38) }),
            "F" => self.on_cancel(&field(11), &field(41)),
            "G" => self.on_replace(&field(11), &field(41), &field(44), &field(38)),
            "q" => {
                let all = core::mem::take(&mut self.shared.seen().resting);
                for (id, order) in &all {
                    self.report("4", "4", id, "", order);
                }
                self.send("r", &format!("11={}|37=1|530=7|531=7|533={}|", field(11), all.len()));
            }
            "AN" => {
                let fields = "581=1|55=FAFUSDT|730=0|731=1|734=0|702=1|703=TQ|704=0|705=0|";
                self.send("AP", &format!("721=1|710={}|728=0|715=20240808|1={}|{fields}", field(710), field(1)));
            }
            "H" => {
                let known = self.shared.seen().resting.get(&field(11)).cloned();
                match known {
                    Some(order) => self.report("I", "0", &field(11), "", &order),
                    None => {
                        let fields = "17=0|150=I|39=8|103=5|55=FAFUSDT|54=1|151=0|14=0|6=0|58=VENUE_UNKNOWN_ORDER|";
                        self.send("8", &format!("37=NONE|11={}|{fields}", field(11)));
                    }
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, kind: &str, state: &str, id: &str, orig: &str, order: &Resting) {
        self.number += 1;
        let orig = if orig.is_empty() { String::new() } else { format!("41={orig}|") };
        let leaves = if state == "4" { "0" } else { &order.quantity };
        self.send(
            "8",
            &format!(
                "37=7|11={id}|{orig}17={}|150={kind}|39={state}|55=FAFUSDT|54={}|38={}|40=2|44={}|59=1|\
                 151={leaves}|14=0|6=0|60=20240808-10:00:00.000|",
                self.number, order.side, order.quantity, order.price,
            ),
        );
    }

    fn on_new(&mut self, id: &str, order: Resting) {
        let mut seen = self.shared.seen();
        assert!(!seen.news.iter().any(|known| known == id), "{id} came twice");
        seen.news.push(id.to_string());
        seen.resting.insert(id.to_string(), order.clone());
        drop(seen);
        self.report("0", "0", id, "", &order);
    }

    fn on_cancel(&mut self, id: &str, orig: &str) {
        let mut seen = self.shared.seen();
        seen.cancels.push((orig.to_string(), Instant::now()));
        let known = seen.resting.remove(orig);
        drop(seen);
        match known {
            Some(order) => self.report("4", "4", id, orig, &order),
            None => self.send("9", &format!("37=NONE|11={id}|41={orig}|39=8|434=1|102=1|")),
        }
    }

    fn on_replace(&mut self, id: &str, orig: &str, price: &str, quantity: &str) {
        let known = self.shared.seen().resting.remove(orig);
        match known {
            Some(order) => {
                let order = Resting { price: price.into(), quantity: quantity.into(), ..order };
                self.shared.seen().resting.insert(id.to_string(), order.clone());
                self.report("5", "0", id, orig, &order);
            }
            None => self.send("9", &format!("37=NONE|11={id}|41={orig}|39=8|434=2|102=1|")),
        }
    }
}
