//! Random inputs that own their bytes, and journals of them in a folder of their own.
#![allow(dead_code)] // Each test binary uses its part.
use std::path::{Path, PathBuf};

use fafnir_journal::{End, JournalFault, Options, Reader, Record, Start, Writer};
use types::rng::SplitMix64;
use types::{ConnId, ConnState, Control, Event, EventKind, Input, InputKind, InstrumentId, OrderEvent, TimerId};
use types::{OrderEventKind, OrderId, Side, Ticks, UnixNanos};

/// A record as a comparable value.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    Bytes(u16, Vec<u8>),
    Conn(u16, u8),
    Timer(u64),
    Command(u16, u64, Vec<u8>),
    Market(Event),
    Report(OrderEvent),
    Control(u8),
    HashMark(u128),
    Close(u128, u64),
    Unknown(u16),
}

pub type Row = (u64, u64, Item);

pub fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("fafnir-journal-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

pub fn start() -> Start {
    Start::new("fafnir 0.1.0 test", r#"{"session":7,"seed":42}"#)
}

fn random_bytes(rng: &mut SplitMix64, limit: u64) -> Vec<u8> {
    (0..rng.below(limit)).map(|_| rng.next_u64() as u8).collect()
}

pub fn random_items(seed: u64, count: usize) -> Vec<Row> {
    let mut rng = SplitMix64::new(seed);
    let mut turn = 0;
    (0..count)
        .map(|n| {
            let item = match rng.below(9) {
                0 | 1 => Item::Bytes(rng.below(2000) as u16, random_bytes(&mut rng, 900)),
                2 => Item::Conn(rng.below(9) as u16, rng.below(4) as u8 + 1),
                3 => Item::Timer(rng.next_u64()),
                4 => Item::Command(rng.below(5) as u16, rng.next_u64(), random_bytes(&mut rng, 200)),
                5 => {
                    let mut event = Event::new(EventKind::Trade, InstrumentId(rng.below(9) as u16));
                    (event.price, event.id) = (Ticks(rng.next_u64() as i64), rng.next_u64());
                    Item::Market(event)
                }
                6 => {
                    let id = OrderId(rng.next_u64());
                    let mut report = OrderEvent::new(OrderEventKind::Fill, InstrumentId(1), Side::Sell, id);
                    report.fee = rng.next_u64() as i64;
                    Item::Report(report)
                }
                7 => Item::Control(rng.below(2) as u8 + 1),
                _ => Item::HashMark((rng.next_u64() as u128) << 64 | rng.next_u64() as u128),
            };
            turn += !matches!(item, Item::HashMark(_)) as u64;
            (turn, n as u64 * 1_000 + 5, item)
        })
        .collect()
}

pub fn write(writer: &mut Writer, row: &Row) {
    try_write(writer, row).unwrap();
}

pub fn try_write(writer: &mut Writer, (turn, now, item): &Row) -> Result<(), JournalFault> {
    let kind = match item {
        Item::Bytes(conn, bytes) => InputKind::Bytes { conn: ConnId(*conn), bytes },
        Item::Conn(conn, state) => InputKind::Conn { conn: ConnId(*conn), state: ConnState::from_u8(*state).unwrap() },
        Item::Timer(id) => InputKind::Timer { id: TimerId(*id) },
        Item::Command(producer, cause_seq, bytes) => {
            InputKind::Command { producer: *producer, cause_seq: *cause_seq, bytes }
        }
        Item::Market(event) => InputKind::Market(event),
        Item::Report(report) => InputKind::Report(report),
        Item::Control(control) => InputKind::Control(Control::from_u8(*control).unwrap()),
        Item::HashMark(hash) => return writer.hash_mark(*turn, UnixNanos(*now), *hash),
        Item::Close(hash, _) => return writer.close(*turn, UnixNanos(*now), *hash),
        Item::Unknown(_) => return Ok(()),
    };
    writer.input(&Input { turn: *turn, now: UnixNanos(*now), kind })
}

pub fn owned(record: &Record<'_>) -> Row {
    match *record {
        Record::Input(Input { turn, now, kind }) => {
            let item = match kind {
                InputKind::Bytes { conn, bytes } => Item::Bytes(conn.0, bytes.to_vec()),
                InputKind::Conn { conn, state } => Item::Conn(conn.0, state as u8),
                InputKind::Timer { id } => Item::Timer(id.0),
                InputKind::Command { producer, cause_seq, bytes } => Item::Command(producer, cause_seq, bytes.to_vec()),
                InputKind::Market(event) => Item::Market(*event),
                InputKind::Report(report) => Item::Report(*report),
                InputKind::Control(control) => Item::Control(control as u8),
            };
            (turn, now.0, item)
        }
        Record::HashMark { turn, now, hash } => (turn, now.0, Item::HashMark(hash)),
        Record::Close { turn, now, hash, turns } => (turn, now.0, Item::Close(hash, turns)),
        Record::Unknown { kind } => (0, 0, Item::Unknown(kind)),
    }
}

/// Writes the rows and returns the writer, not closed.
pub fn journal(dir: &Path, rows: &[Row], segment_bytes: u64) -> Writer {
    let mut writer = Writer::create(dir, &start(), Options { segment_bytes, ..Options::default() }).unwrap();
    for row in rows {
        write(&mut writer, row);
    }
    writer
}

/// Reads to the end.
pub fn read(path: &Path) -> (Vec<Row>, End) {
    let mut reader = Reader::open(path).unwrap();
    assert_eq!(reader.start(), &start());
    let mut rows = Vec::new();
    while let Some(record) = reader.next() {
        rows.push(owned(&record));
    }
    assert!(reader.next().is_none(), "the end is for good");
    (rows, reader.end())
}
