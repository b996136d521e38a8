//! # Room card: driver/tests/faults/books
//! In:    every market-data frame as the venue made it, its first snapshot; the engine's books.
//! Out:   what each book was after each update.
//! Holds: a book the engine calls valid is the venue's after the same update, level by level.
//! Costs: tests only.
use std::collections::{BTreeMap, HashMap};

use book::MarketBook;
use types::{Instrument, InstrumentId, Level, Side, VenueId};
use wire::json::{Decoder, FeedMessage, Scope};

/// Quantity at each price, bids and asks.
type Levels = [BTreeMap<i64, i64>; 2];

/// The venue's books, kept by the plainest means.
pub struct Books {
    decoder: Decoder,
    instruments: Vec<Instrument>,
    now: Vec<Levels>,
    /// Life of the venue and digest of a book after an update. A venue that begins anew gives out ids again.
    seen: HashMap<(InstrumentId, u64), Vec<(u64, u64)>>,
    life: u64,
    pub compared: u64,
}

fn digest(levels: impl Iterator<Item = (i64, i64)>) -> u64 {
    levels.fold(0xcbf2_9ce4_8422_2325, |hash, (price, lots)| {
        (hash ^ price as u64).wrapping_mul(0x100_0000_01b3).rotate_left(17) ^ (lots as u64).wrapping_mul(0x9e37_79b9)
    })
}

impl Books {
    pub fn new(instruments: &[Instrument]) -> Books {
        Books {
            decoder: Decoder::new(),
            instruments: instruments.to_vec(),
            now: instruments.iter().map(|_| Levels::default()).collect(),
            seen: HashMap::new(),
            life: 0,
            compared: 0,
        }
    }

    /// A venue begins: its first snapshot of an instrument.
    pub fn begin(&mut self, life: u64, at: usize, body: &[u8]) {
        self.life = life;
        let scope = Scope::Instrument(InstrumentId(at as u16));
        let Ok(FeedMessage::Snapshot(header)) = self.decoder.decode(body, scope, &self.instruments) else {
            panic!("a snapshot is none: {}", String::from_utf8_lossy(body));
        };
        self.now[at] = Levels::default();
        self.apply(header.instrument, header.last_id);
    }

    /// A message goes out.
    pub fn message(&mut self, payload: &[u8]) {
        let decoded = self.decoder.decode(payload, Scope::Venue(VenueId(0)), &self.instruments);
        if let FeedMessage::Depth(header) = decoded.expect("the venue's messages can be read") {
            self.apply(header.instrument, header.last_id);
        }
    }

    fn apply(&mut self, instrument: InstrumentId, last_id: u64) {
        let book = &mut self.now[instrument.index()];
        for (side, levels) in book.iter_mut().zip([self.decoder.bids(), self.decoder.asks()]) {
            for &Level { price, quantity } in levels {
                match quantity.0 {
                    0 => drop(side.remove(&price.0)),
                    lots => drop(side.insert(price.0, lots)),
                }
            }
        }
        let bids = book[0].iter().rev().map(|(&price, &lots)| (price, lots));
        let whole = digest(bids.chain(book[1].iter().map(|(&price, &lots)| (price, lots))));
        self.seen.entry((instrument, last_id)).or_default().push((self.life, whole));
    }

    /// A book that the engine calls valid. One fresh from a snapshot may be between two messages: then the next one
    /// shows.
    pub fn compare(&mut self, instrument: InstrumentId, book: &MarketBook, from_snapshot: bool) {
        let last_id = book.last_id().expect("a valid book has an update id");
        let levels = |side| book.levels(side).map(|level: Level| (level.price.0, level.quantity.0));
        let own = digest(levels(Side::Buy).chain(levels(Side::Sell)));
        let seen = self.seen.get(&(instrument, last_id)).map_or(&[][..], |seen| seen);
        if from_snapshot && seen.iter().all(|&(life, _)| life != self.life) {
            return;
        }
        let equal = seen.iter().any(|&(_, whole)| whole == own);
        assert!(equal, "the book after update {last_id} is not the venue's, which has {} such", seen.len());
        self.compared += 1;
    }
}
