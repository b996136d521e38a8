//! The exchange on real sockets: a WebSocket client of another make, plain HTTP, FIX over TCP.
use crate::exchange_support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use exchange_support::{Client, config, recording, scratch};
use fafnir_driver::exchange::{ExchangeHost, LEDGER_FILE};
use tungstenite::Message;
use types::{Code, OrderEventKind, Side, UnixNanos, flag};
use wire::fix::{NoStore, State};

fn now() -> UnixNanos {
    UnixNanos(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// The body of a GET answer.
fn get(port: u16, target: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = std::str::from_utf8(&bytes[9..12]).unwrap().parse().unwrap();
    (status, bytes[head + 4..].to_vec())
}

/// A FIX client on a socket.
struct Wired {
    client: Client,
    stream: TcpStream,
}

impl Wired {
    fn log_on(port: u16, mut client: Client) -> Wired {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nonblocking(true).unwrap();
        client.session.connected(now(), &mut NoStore, &mut client.out);
        let mut wired = Wired { client, stream };
        wired.until(|client| client.session.state() == State::Open);
        wired
    }
    fn until(&mut self, done: impl Fn(&Client) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut buffer = vec![0; 65_536];
        while !done(&self.client) {
            assert!(Instant::now() < deadline, "no answer: {:?}", self.client.events);
            let out = std::mem::take(&mut self.client.out);
            self.stream.write_all(&out).unwrap();
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("closed"),
                Ok(n) => self.client.take(&buffer[..n], now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
        let out = std::mem::take(&mut self.client.out);
        self.stream.write_all(&out).unwrap();
    }
}

#[test]
fn a_whole_session_over_sockets() {
    let (path, text) = recording("sockets-whole", 31, 6);
    let state = scratch("sockets-whole-state");
    let _ = std::fs::remove_dir_all(&state);
    let more = format!(r#""speed": 0, "stateDir": {state:?},"#);
    let (config, setup) = config(&path, &more);
    let mut host = ExchangeHost::start(&config, &setup).unwrap_or_else(|fault| panic!("{fault}"));
    let ports = host.ports();
    // A second process on the same folder, and a port that is taken.
    let fault = ExchangeHost::start(&config, &setup).err().unwrap();
    assert_eq!(fault.code, Code::StateInUse);
    let taken = types::config::ExchangeConfig { orders_port: ports.orders, state_dir: None, ..config.clone() };
    assert_eq!(ExchangeHost::start(&taken, &setup).err().unwrap().code, Code::PortInUse);
    let url = format!("ws://127.0.0.1:{}/stream?streams=fafusdt@depth/fafusdt@trade", ports.market);
    let (mut socket, _) = tungstenite::connect(&url).unwrap();
    socket.send(Message::text(r#"{"method":"SUBSCRIBE","params":["fafusdt@depth"],"id":3}"#)).unwrap();
    let mut wired = Wired::log_on(ports.orders, Client::new(0, "A", 1, &setup.instruments[0]));
    let snapshot = std::thread::spawn(move || get(ports.market, "/fapi/v1/depth?symbol=FAFUSDT&limit=1000"));
    let expected: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("lastUpdateId"))
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    let (mut messages, mut pings, mut subscribed) = (Vec::new(), 0, false);
    while messages.len() < expected.len() {
        match socket.read().unwrap() {
            Message::Text(text) if text.as_str() == r#"{"result":null,"id":3}"# => subscribed = true,
            Message::Text(text) => messages.push(text.to_string()),
            Message::Ping(_) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(messages == expected, "not exactly the recording");
    assert!(subscribed, "no answer to the subscription");
    assert!(pings > 10, "only {pings} pings");
    let (status, body) = snapshot.join().unwrap();
    let line = text.lines().find(|line| line.contains("lastUpdateId")).unwrap();
    assert_eq!((status, String::from_utf8(body).unwrap().as_str()), (200, line.split_once(' ').unwrap().1));
    // Trading against the last book, then everything agrees.
    wired.client.new_order(now(), Side::Buy, 2_000, 3, flag::IOC);
    wired.client.new_order(now(), Side::Buy, 500, 3, 0);
    wired.until(|client| client.events.iter().filter(|e| e.kind == OrderEventKind::Accepted as u8).count() == 2);
    wired.client.ask_positions(now());
    wired.client.mass_cancel(now(), false);
    wired.until(|client| !client.mass.is_empty());
    let stats = host.stats().unwrap();
    assert!(stats.over && stats.open_orders == 0);
    assert_eq!((stats.messages, stats.sent.snapshots), (expected.len() as u64, 1));
    assert_eq!(stats.accounts[0].position_lots, wired.client.positions[0]);
    assert_eq!(get(ports.market, "/fapi/v1/depth?symbol=FAFUSDT").0, 200);
    assert_eq!(get(ports.market, "/fapi/v1/depth?symbol=X").0, 400);
    let last = host.close().unwrap();
    assert_eq!((last.accounts, last.dropped_slow), (stats.accounts, 0));
    assert_eq!(host.close().unwrap().messages, expected.len() as u64);
    // The ledger holds every request and report.
    let ledger = std::fs::read_to_string(state.join(LEDGER_FILE)).unwrap();
    let lines: Vec<serde_json::Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count() as u64;
    assert_eq!((count("request"), count("report")), (last.requests, last.reports));
}

#[test]
fn a_reader_that_does_not_read_holds_only_a_full_speed_market_up() {
    let (path, text) = recording("sockets-slow", 32, 600);
    let (config, setup) = config(&path, r#""speed": 0, "passes": 2,"#);
    let host = ExchangeHost::start(&config, &setup).unwrap();
    let url = format!("ws://127.0.0.1:{}/ws/fafusdt@depth", host.ports().market);
    let (mut socket, _) = tungstenite::connect(&url).unwrap();
    let _trader = Wired::log_on(host.ports().orders, Client::new(0, "A", 1, &setup.instruments[0]));
    std::thread::sleep(Duration::from_millis(300));
    let one = text.lines().filter(|line| !line.contains("lastUpdateId")).count();
    let mut read = 0;
    while read < 2 * one {
        if let Message::Text(_) = socket.read().unwrap() {
            read += 1;
        }
    }
    let stats = host.stats().unwrap();
    assert_eq!((stats.messages as usize, stats.dropped_slow, stats.market_clients), (2 * one, 0, 1));
}
