//! # Room card: driver/tests/faults/truth
//! In:    what the engine puts on the wire, before anything happens to it; every line of the venue's ledger.
//! Out:   positions, orders and fills as the venue has them, summed here from single lines.
//! Holds: ids and sequence numbers are used once on either side; the venue knows no order that the engine did not send,
//!        and none twice; no order fills beyond its quantity.
//! Costs: tests only.
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use types::{Instrument, InstrumentId};
use wire::fix::{Message, Split, split};

use super::books::Books;

/// An order as the venue has it.
#[derive(Clone, Debug, Default)]
struct Known {
    lots: i64,
    filled: i64,
    open: bool,
}

/// What one side of the session put on the wire.
#[derive(Debug, Default)]
struct Numbers {
    /// The next number it has not used.
    next: u64,
}

impl Numbers {
    /// A message goes out.
    fn sent(&mut self, side: &str, message: &Message<'_>) {
        if message.poss_dup() {
            return;
        }
        let sequence = message.sequence();
        if message.msg_type() == b"A" && message.is_yes(141) {
            self.next = sequence;
        }
        assert!(sequence >= self.next, "{side} uses number {sequence} again (next was {})", self.next);
        self.next = sequence + 1;
    }
}

/// Each whole message of bytes that hold nothing else.
pub fn each_message<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match split(rest) {
            Split::Message { length } => {
                each(&rest[..length]);
                rest = &rest[length..];
            }
            other => panic!("no whole FIX message is sent: {other:?} {:?}", String::from_utf8_lossy(rest)),
        }
    }
}

/// Both sides as they are.
pub struct Truth {
    symbols: Vec<String>,
    /// ClOrdIDs the engine has sent.
    sent: HashSet<String>,
    engine: Numbers,
    venue: Numbers,
    orders: BTreeMap<u64, Known>,
    news: HashMap<String, u64>,
    /// Lots bought and sold at the venue, by instrument.
    pub traded: Vec<[i64; 2]>,
    pub open: usize,
    pub fills: u64,
    /// Fills that were never reported, by the venue's own fault.
    pub unreported: u64,
    pub books: Books,
}

impl Truth {
    pub fn new(instruments: &[Instrument]) -> Truth {
        Truth {
            symbols: instruments.iter().map(|known| known.symbol().to_string()).collect(),
            traded: vec![[0; 2]; instruments.len()],
            engine: Numbers { next: 1 },
            venue: Numbers { next: 1 },
            sent: HashSet::new(),
            orders: BTreeMap::new(),
            news: HashMap::new(),
            open: 0,
            fills: 0,
            unreported: 0,
            books: Books::new(instruments),
        }
    }

    pub fn position(&self, instrument: InstrumentId) -> i64 {
        let [bought, sold] = self.traded[instrument.index()];
        bought - sold
    }

    /// The engine sends.
    pub fn engine_sends(&mut self, bytes: &[u8]) {
        each_message(bytes, |message| {
            let message = Message::parse(message).expect("the engine's messages can be read");
            self.engine.sent("engine", &message);
            let names = matches!(message.msg_type(), b"D" | b"F" | b"G" | b"q");
            if let Some(id) = message.get(11).filter(|_| names) {
                let id = String::from_utf8(id.to_vec()).unwrap();
                assert!(self.sent.insert(id.clone()), "ClOrdID {id} is used again");
            }
        });
    }
    /// The venue sends.
    pub fn venue_sends(&mut self, bytes: &[u8]) {
        each_message(bytes, |message| {
            let message = Message::parse(message).expect("the venue's messages can be read");
            self.venue.sent("venue", &message);
        });
    }

    /// Lines that are in the ledger for good.
    pub fn ledger(&mut self, lines: &[u8]) {
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_slice(line).expect("a ledger line is JSON");
            match line["kind"].as_str() {
                Some("request") => self.requested(&line),
                Some("report") => self.reported(&line),
                _ => {}
            }
        }
        self.open = self.orders.values().filter(|order| order.open).count();
    }

    fn requested(&mut self, line: &Value) {
        let (asked, id) = (line["asked"].as_str().unwrap(), line["id"].as_str().unwrap());
        if matches!(asked, "new" | "cancel" | "replace" | "massCancel") {
            assert!(self.sent.contains(id), "the venue has {asked} {id}, which was never sent");
        }
        let order = line["order"].as_u64().unwrap();
        if asked == "new" && order != 0 {
            assert_eq!(self.news.insert(id.into(), order), None, "the venue has order {id} twice");
            let lots = line["lots"].as_i64().unwrap();
            self.orders.insert(order, Known { lots, filled: 0, open: true });
        }
    }

    fn reported(&mut self, line: &Value) {
        let reported = line["reported"].as_str().unwrap();
        let number = |key: &str| line[key].as_i64().unwrap();
        let Some(order) = self.orders.get_mut(&line["order"].as_u64().unwrap()) else { return };
        match reported {
            "replaced" => order.lots = number("lots"),
            "cancelled" | "expired" | "rejected" => order.open = false,
            "fill" => {
                let lots = number("lastLots");
                order.filled += lots;
                assert_eq!(order.filled, number("filled"), "the venue's cumulative quantity");
                assert!(order.filled <= order.lots, "the venue filled {} of {}", order.filled, order.lots);
                order.open &= order.filled < order.lots;
                let symbol = line["symbol"].as_str().unwrap();
                let at = self.symbols.iter().position(|known| known == symbol).unwrap();
                self.traded[at][(number("side") - 1) as usize] += lots;
                self.fills += 1;
                self.unreported += (number("sequence") == 0) as u64;
            }
            _ => {}
        }
    }
}
