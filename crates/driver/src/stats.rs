//! # Room card: driver/stats
//! In:    what the engine's thread shows of itself, at most every 50 ms.
//! Out:   the same, whole, in any thread, at any time, as JSON.
//! Holds: no lock on the engine's thread: a seqlock of atomic words (its count is odd while they change); latencies
//!        are counters of their own.
//! Costs: one store a word, some dozens of them, every 50 ms.
use std::sync::atomic::{AtomicU64, Ordering, fence};

use types::config::Setup;
use types::{Code, InstrumentId};

use crate::control::KillReason;
use crate::report::Latency;

/// Shortest time between two showings, nanoseconds.
pub(crate) const SHOW_EVERY: u64 = 50_000_000;
/// Reads of a moment that changed underneath before a reader gives up: it changes at most every 50 ms.
const TRIES_MAX: u32 = 1_000;

/// Words of the whole engine.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Whole {
    Now,
    Turns,
    Messages,
    OpenOrders,
    NewOrders,
    Cancels,
    Replaces,
    Fills,
    Malformed,
    OrdersDropped,
    TimersRefused,
    ClockSteps,
    SendsDropped,
    Kill,
    Killed,
    Fault,
}
const WHOLE_WORDS: usize = 16;

/// Words of one connection.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Line {
    /// 0 none, 1 waiting, 2 connecting, 3 up, 4 blocked.
    State,
    Connects,
    Lost,
    BytesIn,
    BytesOut,
    Messages,
    LastFault,
    Faults,
}
const LINE_WORDS: usize = 8;

/// Words of one instrument.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Market {
    /// 1: the book is valid.
    Valid,
    /// 1: the four prices that follow are there, bit by bit.
    Have,
    Bid,
    Ask,
    QuoteBid,
    QuoteAsk,
    Position,
    /// Total P&L in smallest money units, cut to 64 bits.
    Pnl,
    /// 1: P&L is there.
    HavePnl,
    Fills,
    VolatilityBits,
}
const MARKET_WORDS: usize = 11;

/// What a hosted engine shows of itself.
#[derive(Debug)]
pub struct Stats {
    changes: AtomicU64,
    words: Box<[AtomicU64]>,
    lines: usize,
    /// From bytes read to order bytes handed to the socket.
    pub(crate) tick_to_order: Latency,
}

impl Stats {
    /// For a setup: two lines a venue, market data first.
    pub(crate) fn new(setup: &Setup) -> Stats {
        let lines = 2 * setup.venues.len();
        let words = WHOLE_WORDS + lines * LINE_WORDS + setup.instruments.len() * MARKET_WORDS;
        let words = (0..words).map(|_| AtomicU64::new(0)).collect();
        Stats { changes: AtomicU64::new(0), words, lines, tick_to_order: Latency::default() }
    }

    /// Changes the words; one thread does.
    pub(crate) fn show(&self, change: impl FnOnce(&Shown<'_>)) {
        let changes = self.changes.load(Ordering::Relaxed);
        self.changes.store(changes + 1, Ordering::Relaxed);
        // No word may be seen changed before the odd count is.
        fence(Ordering::Release);
        change(&Shown(self));
        self.changes.store(changes + 2, Ordering::Release);
    }

    /// A moment's words, all of the same showing; `None` when every try was overtaken.
    fn moment(&self) -> Option<Vec<u64>> {
        for _ in 0..TRIES_MAX {
            let before = self.changes.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                let words: Vec<u64> = self.words.iter().map(|word| word.load(Ordering::Relaxed)).collect();
                fence(Ordering::Acquire);
                if self.changes.load(Ordering::Relaxed) == before {
                    return Some(words);
                }
            }
            std::thread::yield_now();
        }
        None
    }

    /// The last showing as JSON: prices and quantities as numbers for a display, money as an exact decimal string.
    pub fn json(&self, setup: &Setup) -> String {
        let words = self.moment().unwrap_or_else(|| vec![0; self.words.len()]);
        let whole = |word: Whole| words[word as usize];
        let code = |number: u64| Code::from_u16(number as u16).map(Code::name);
        let connections = (0..self.lines).filter_map(|line| {
            let word = |word: Line| words[WHOLE_WORDS + line * LINE_WORDS + word as usize];
            let state = ["none", "waiting", "connecting", "up", "blocked"].get(word(Line::State) as usize)?;
            (*state != "none").then(|| {
                serde_json::json!({
                    "venue": setup.venues[line / 2].name, "carries": if line % 2 == 0 { "market" } else { "orders" },
                    "state": state, "connects": word(Line::Connects), "lost": word(Line::Lost),
                    "bytesIn": word(Line::BytesIn), "bytesOut": word(Line::BytesOut),
                    "messages": word(Line::Messages), "faults": word(Line::Faults),
                    "lastFault": code(word(Line::LastFault)),
                })
            })
        });
        let instruments = setup.instruments.iter().map(|instrument| {
            let at = WHOLE_WORDS + self.lines * LINE_WORDS + instrument.id.index() * MARKET_WORDS;
            let word = |word: Market| words[at + word as usize];
            let price = |bit: u32, at: Market| {
                (word(Market::Have) >> bit & 1 == 1).then(|| word(at) as i64 as f64 * instrument.tick_f64())
            };
            let pnl = (word(Market::HavePnl) == 1).then(|| instrument.money(word(Market::Pnl) as i64 as i128));
            serde_json::json!({
                "symbol": instrument.symbol(), "venue": setup.venues[instrument.venue.0 as usize].name,
                "currency": setup.currencies[instrument.currency.0 as usize],
                "valid": word(Market::Valid) == 1,
                "bid": price(0, Market::Bid), "ask": price(1, Market::Ask),
                "quoteBid": price(2, Market::QuoteBid), "quoteAsk": price(3, Market::QuoteAsk),
                "position": word(Market::Position) as i64 as f64 * instrument.lot_f64(),
                "pnl": pnl.map(|pnl| pnl.to_string()), "fills": word(Market::Fills),
                "volatility": match f64::from_bits(word(Market::VolatilityBits)) {
                    sigma if sigma > 0.0 => Some(sigma),
                    _ => None,
                },
            })
        });
        serde_json::json!({
            "timeNs": whole(Whole::Now).to_string(), "turns": whole(Whole::Turns), "messages": whole(Whole::Messages),
            "orders": {
                "open": whole(Whole::OpenOrders), "new": whole(Whole::NewOrders), "cancel": whole(Whole::Cancels),
                "replace": whole(Whole::Replaces), "fills": whole(Whole::Fills),
            },
            "malformed": whole(Whole::Malformed), "dropped": whole(Whole::OrdersDropped),
            "timersRefused": whole(Whole::TimersRefused), "clockSteps": whole(Whole::ClockSteps),
            "sendsDropped": whole(Whole::SendsDropped), "killed": whole(Whole::Killed) == 1,
            "killReason": KillReason::from_u8(whole(Whole::Kill) as u8).map(KillReason::name),
            "fault": code(whole(Whole::Fault)), "tickToOrderNanos": self.tick_to_order.percentiles(),
            "connections": connections.collect::<Vec<_>>(), "instruments": instruments.collect::<Vec<_>>(),
        })
        .to_string()
    }
}

/// The words while they change.
pub(crate) struct Shown<'a>(&'a Stats);

impl Shown<'_> {
    pub(crate) fn whole(&self, word: Whole, value: u64) {
        self.0.words[word as usize].store(value, Ordering::Relaxed);
    }
    pub(crate) fn line(&self, line: usize, word: Line, value: u64) {
        self.0.words[WHOLE_WORDS + line * LINE_WORDS + word as usize].store(value, Ordering::Relaxed);
    }
    pub(crate) fn market(&self, instrument: InstrumentId, word: Market, value: u64) {
        let at = WHOLE_WORDS + self.0.lines * LINE_WORDS + instrument.index() * MARKET_WORDS;
        self.0.words[at + word as usize].store(value, Ordering::Relaxed);
    }
}

const _: () = assert!(Whole::Fault as usize + 1 == WHOLE_WORDS && Line::Faults as usize + 1 == LINE_WORDS);
const _: () = assert!(Market::VolatilityBits as usize + 1 == MARKET_WORDS);

#[cfg(test)]
mod tests {
    use super::*;
    use types::config::EngineConfig;

    const CONFIG: &str = r#"{ "venues": [{ "name": "REST", "feed": "normalised" }],
        "instruments": [{ "symbol": "ABC", "venue": "REST", "tickSize": "0.1", "lotSize": "0.001" }] }"#;

    #[test]
    fn a_reader_sees_one_showing_whole() {
        let (_, setup) = EngineConfig::from_json(CONFIG).unwrap();
        let stats = Stats::new(&setup);
        std::thread::scope(|scope| {
            let stats = &stats;
            let writer = scope.spawn(move || {
                for value in 1..=200_000u64 {
                    stats.show(|shown| {
                        (0..stats.words.len()).for_each(|at| shown.0.words[at].store(value, Ordering::Relaxed))
                    });
                }
            });
            let mut last = 0;
            while !writer.is_finished() {
                let Some(words) = stats.moment() else { continue };
                assert!(words.iter().all(|&word| word == words[0]), "{words:?}");
                assert!(words[0] >= last);
                last = words[0];
            }
        });
    }

    #[test]
    fn the_showing_is_readable_json() {
        let (_, setup) = EngineConfig::from_json(CONFIG).unwrap();
        let stats = Stats::new(&setup);
        stats.show(|shown| {
            shown.whole(Whole::Turns, 7);
            shown.line(1, Line::State, 3);
            shown.market(InstrumentId(0), Market::Have, 0b0001);
            shown.market(InstrumentId(0), Market::Bid, 1_000);
            shown.market(InstrumentId(0), Market::Position, -5i64 as u64);
        });
        let json: serde_json::Value = serde_json::from_str(&stats.json(&setup)).unwrap();
        assert_eq!((&json["turns"], &json["connections"][0]["state"]), (&7.into(), &"up".into()));
        assert_eq!(json["connections"].as_array().unwrap().len(), 1);
        let instrument = &json["instruments"][0];
        assert_eq!((&instrument["bid"], &instrument["ask"]), (&100.0.into(), &serde_json::Value::Null));
        assert_eq!((&instrument["position"], &instrument["pnl"]), (&(-0.005).into(), &serde_json::Value::Null));
    }
}
