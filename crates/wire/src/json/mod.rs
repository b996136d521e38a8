//! # Room card: wire/json
//! In:    one Binance market-data message (bare or in a combined stream), and the instruments it may name.
//! Out:   `FeedMessage` in ticks and lots, with the levels of a depth message in the decoder's scratch.
//! Holds: a message is taken whole or refused whole, and then leaves no level behind; no float, no allocation.
//! Costs: touch and trade under 100 ns, depth about 13 ns a level; in unusual order 4 to 5 times that.
//!
//! What is accepted: `depthUpdate`, `trade`, `aggTrade`, `bookTicker` (on spot without `e`) and the REST depth
//! snapshot, with keys in any
//! order, white space, and unknown keys. A message in the order in which Binance writes it takes a quick way that knows
//! that order by
//! heart; anything it does not recognise byte for byte is read again the plain way, which alone gives errors.
//!
//! Decisions where the format leaves room:
//! - A price with a sign is `JsonMalformed`, a quantity with `-` is `BookNegative`. Quantity zero is legal: it removes
//!   the level.
//! - USD-M trades whose `X` is not `MARKET` (insurance fund, liquidation transfer, `NA`) and trades of quantity zero
//!   never
//!   touched the book: they are `Other`. Binance leaves them out of `aggTrade` for the same reason.
//! - `aggTrade` is a `Trade` whose id is the aggregate's (`a`): subscribe to one of the two, they repeat each other.
//! - A snapshot inside a combined stream is a partial book (`depth5`, `depth10`, `depth20`), no state to join diffs to:
//!   `Other`.
//! - A known key twice, an escape in a known value or in any key, and bytes that are no UTF-8 are `JsonMalformed`.
//! - Exchange time is `T` unless absent or zero, else `E`, in milliseconds; without both it is `NONE`.
//! - What is wrong first is reported in this order: JSON, missing fields, symbol, numbers.
pub mod encode;
mod general;
mod number;
mod quick;
mod scan;

pub use scan::NESTING_MAX;

use types::limits::{INPUT_BYTES_MAX, LEVELS_PER_MESSAGE_MAX};
use types::{Code, DepthHeader, Instrument, InstrumentId, Level, SnapshotHeader, TouchPrint, TradePrint, VenueId};

/// One decoded message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedMessage {
    /// Incremental depth; the levels are in `Decoder::bids` and `Decoder::asks`.
    Depth(DepthHeader),
    /// A public trade.
    Trade(TradePrint),
    /// Best bid and ask.
    Touch(TouchPrint),
    /// Full depth; the levels are in `Decoder::bids` and `Decoder::asks`.
    Snapshot(SnapshotHeader),
    /// Valid JSON that says nothing about a book: a subscription answer, a stream of another kind, a trade off the
    /// book.
    Other,
}

/// Which instruments a message may be about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Any of the venue's. A message without a symbol (REST snapshot) is about the venue's only instrument, or refused.
    Venue(VenueId),
    /// This one. A message without a symbol is about it; one that names another is refused.
    Instrument(InstrumentId),
}

/// Levels of one side, in the order of the message.
struct Levels {
    levels: Box<[Level]>,
    count: usize,
}

impl Levels {
    fn new() -> Levels {
        Levels { levels: vec![Level::default(); LEVELS_PER_MESSAGE_MAX].into_boxed_slice(), count: 0 }
    }
    #[inline(always)]
    fn push(&mut self, level: Level) -> Result<(), Code> {
        *self.levels.get_mut(self.count).ok_or(Code::TooManyLevels)? = level;
        self.count += 1;
        Ok(())
    }
    fn as_slice(&self) -> &[Level] {
        &self.levels[..self.count]
    }
}

/// The scratch of both sides.
struct Scratch {
    bids: Levels,
    asks: Levels,
}

impl Scratch {
    fn clear(&mut self) {
        (self.bids.count, self.asks.count) = (0, 0);
    }
}

/// Finds a symbol's instrument. A slot remembers where the symbols that share it were last found, and is checked before
/// it is
/// believed, so that the answer never depends on it.
struct SymbolFinder {
    slots: [u16; SYMBOL_SLOTS],
}

const SYMBOL_SLOTS: usize = 256;

impl SymbolFinder {
    #[inline]
    fn find<'i>(&mut self, symbol: &[u8], scope: Scope, instruments: &'i [Instrument]) -> Result<&'i Instrument, Code> {
        let venue = match scope {
            Scope::Instrument(id) => {
                return by_id(id, instruments)
                    .filter(|instrument| instrument.symbol_bytes() == symbol)
                    .ok_or(Code::UnknownSymbol);
            }
            Scope::Venue(venue) => venue,
        };
        let matches = |instrument: &&Instrument| instrument.venue == venue && instrument.symbol_bytes() == symbol;
        let mixed = (number::load8(symbol) ^ symbol.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.slots[(mixed >> 56) as usize % SYMBOL_SLOTS];
        if let Some(instrument) = instruments.get(*slot as usize).filter(matches) {
            return Ok(instrument);
        }
        let place = instruments.iter().position(|instrument| matches(&instrument)).ok_or(Code::UnknownSymbol)?;
        *slot = u16::try_from(place).unwrap_or(0);
        Ok(&instruments[place])
    }
}

fn by_id(id: InstrumentId, instruments: &[Instrument]) -> Option<&Instrument> {
    instruments.get(id.index()).filter(|instrument| instrument.id == id)
}

/// The instrument of a message that names none.
fn without_symbol(scope: Scope, instruments: &[Instrument]) -> Result<&Instrument, Code> {
    match scope {
        Scope::Instrument(id) => by_id(id, instruments).ok_or(Code::UnknownSymbol),
        Scope::Venue(venue) => {
            let mut of_venue = instruments.iter().filter(|instrument| instrument.venue == venue);
            match (of_venue.next(), of_venue.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Code::UnknownSymbol),
            }
        }
    }
}

/// Decodes market-data messages. Holds scratch for `LEVELS_PER_MESSAGE_MAX` levels a side, allocated once.
pub struct Decoder {
    scratch: Scratch,
    symbols: SymbolFinder,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Allocates the scratch (320 kB); nothing is allocated later.
    pub fn new() -> Self {
        Decoder {
            scratch: Scratch { bids: Levels::new(), asks: Levels::new() },
            symbols: SymbolFinder { slots: [0; SYMBOL_SLOTS] },
        }
    }

    /// Decodes one message. `instruments` is the configuration's list, each at the position of its id.
    ///
    /// Errors, each refusing the message whole: `InputTooLarge`, `JsonMalformed`, `FieldMissing`, `UnknownSymbol`,
    /// `OffGrid`,
    /// `NumberOverflow`, `TooManyLevels`, `BookNegative`. Cost: see the room card.
    pub fn decode(&mut self, message: &[u8], scope: Scope, instruments: &[Instrument]) -> Result<FeedMessage, Code> {
        self.scratch.clear();
        if message.len() > INPUT_BYTES_MAX {
            return Err(Code::InputTooLarge);
        }
        if let Some(known) = quick::decode(&mut self.scratch, &mut self.symbols, message, scope, instruments) {
            return Ok(known);
        }
        self.decode_plain(message, scope, instruments)
    }

    fn decode_plain(&mut self, message: &[u8], scope: Scope, instruments: &[Instrument]) -> Result<FeedMessage, Code> {
        self.scratch.clear();
        let decoded = general::decode(&mut self.scratch, &mut self.symbols, message, scope, instruments);
        if decoded.is_err() {
            self.scratch.clear();
        }
        decoded
    }

    /// Bids of the message just decoded, as the venue ordered them; empty unless it was `Depth` or `Snapshot`.
    pub fn bids(&self) -> &[Level] {
        self.scratch.bids.as_slice()
    }

    /// Asks of the message just decoded, as the venue ordered them; empty unless it was `Depth` or `Snapshot`.
    pub fn asks(&self) -> &[Level] {
        self.scratch.asks.as_slice()
    }
}

#[cfg(test)]
mod tests;
