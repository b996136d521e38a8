//! # Room card: wire/json/general
//! In:    any bytes.
//! Out:   what a market-data message says, whatever the order of its keys; or the reason why it is refused.
//! Holds: grammar first; values of known keys stay slices and are read last: a symbol may come after its levels.
//! Costs: two passes over the bytes; 4 to 5 times the quick way.
use types::time::NANOS_PER_MILLI;
use types::{
    Code, DepthHeader, Instrument, Level, Lots, Side, SnapshotHeader, Ticks, Touch, TouchPrint, TradePrint, UnixNanos,
};

use super::number::{DecimalReader, integer, steps};
use super::scan::Cursor;
use super::{FeedMessage, Levels, Scope, Scratch, SymbolFinder, without_symbol};

/// The keys that mean something, by the place of their value in `Fields`.
#[derive(Clone, Copy)]
enum Key {
    Event,
    EventTime,
    Time,
    Symbol,
    FirstId,
    LastId,
    PreviousId,
    TradeId,
    Bid,
    BidLots,
    Ask,
    AskLots,
    Price,
    Quantity,
    ExecutionType,
    BuyerIsMaker,
    SnapshotId,
    Bids,
    Asks,
    Stream,
    Payload,
}

const KEYS: usize = Key::Payload as usize + 1;

fn known(key: &[u8]) -> Option<Key> {
    Some(match key {
        b"e" => Key::Event,
        b"E" => Key::EventTime,
        b"T" => Key::Time,
        b"s" => Key::Symbol,
        b"U" => Key::FirstId,
        b"u" => Key::LastId,
        b"pu" => Key::PreviousId,
        b"t" => Key::TradeId,
        b"b" => Key::Bid,
        b"B" => Key::BidLots,
        b"a" => Key::Ask,
        b"A" => Key::AskLots,
        b"p" => Key::Price,
        b"q" => Key::Quantity,
        b"X" => Key::ExecutionType,
        b"m" => Key::BuyerIsMaker,
        b"lastUpdateId" => Key::SnapshotId,
        b"bids" => Key::Bids,
        b"asks" => Key::Asks,
        b"stream" => Key::Stream,
        b"data" => Key::Payload,
        _ => return None,
    })
}

/// Stands for an object that has been read key by key.
const OBJECT: &[u8] = b"{";

/// The values of the known keys of one object, as they stand in the message.
struct Fields<'a> {
    values: [Option<&'a [u8]>; KEYS],
}

impl<'a> Fields<'a> {
    const NONE: Fields<'a> = Fields { values: [None; KEYS] };

    /// Reads an object whose opening brace is next. The object under `data`, if there is one, is read into `payload`
    /// where one is asked for.
    fn read(cursor: &mut Cursor<'a>, mut payload: Option<&mut Fields<'a>>) -> Result<Fields<'a>, Code> {
        let mut fields = Self::NONE;
        cursor.need(b'{')?;
        cursor.skip_space();
        if cursor.eat(b'}') {
            return Ok(fields);
        }
        loop {
            let key = cursor.key()?;
            if key.contains(&b'\\') {
                return Err(Code::JsonMalformed);
            }
            let key = known(key);
            let value = match (key, &mut payload) {
                (Some(Key::Payload), Some(payload)) if cursor.peek() == Some(b'{') => {
                    **payload = Fields::read(cursor, None)?;
                    OBJECT
                }
                _ => cursor.value()?,
            };
            if let Some(key) = key
                && fields.values[key as usize].replace(value).is_some()
            {
                return Err(Code::JsonMalformed);
            }
            cursor.skip_space();
            if !cursor.eat(b',') {
                cursor.need(b'}')?;
                return Ok(fields);
            }
            cursor.skip_space();
        }
    }
    fn has(&self, key: Key) -> bool {
        self.values[key as usize].is_some()
    }
    fn need(&self, key: Key) -> Result<&'a [u8], Code> {
        self.values[key as usize].ok_or(Code::FieldMissing)
    }
    fn text(&self, key: Key) -> Result<&'a [u8], Code> {
        text(self.need(key)?)
    }
    fn integer(&self, key: Key) -> Result<u64, Code> {
        match integer(self.need(key)?)? {
            (value, []) => Ok(value),
            _ => Err(Code::JsonMalformed),
        }
    }
    fn exchange_time(&self) -> Result<UnixNanos, Code> {
        let stamp = |key| if self.has(key) { milliseconds(self.integer(key)?) } else { Ok(UnixNanos::NONE) };
        // Both are read, so that a malformed one is refused even where the other decides.
        let (transaction, event) = (stamp(Key::Time)?, stamp(Key::EventTime)?);
        Ok(if transaction == UnixNanos::NONE { event } else { transaction })
    }
    fn price(&self, key: Key, instrument: &Instrument) -> Result<Ticks, Code> {
        price(self.text(key)?, instrument)
    }
    fn quantity(&self, key: Key, instrument: &Instrument) -> Result<Lots, Code> {
        quantity(self.text(key)?, instrument)
    }
}

/// A stamp in milliseconds.
#[inline(always)]
pub(super) fn milliseconds(millis: u64) -> Result<UnixNanos, Code> {
    millis.checked_mul(NANOS_PER_MILLI).map(UnixNanos).ok_or(Code::NumberOverflow)
}

/// What stands between the quotes of a string value.
fn text(value: &[u8]) -> Result<&[u8], Code> {
    match value {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Ok(inner),
        _ => Err(Code::JsonMalformed),
    }
}

fn price(text: &[u8], instrument: &Instrument) -> Result<Ticks, Code> {
    steps(text, &instrument.price).map(Ticks)
}

fn quantity(text: &[u8], instrument: &Instrument) -> Result<Lots, Code> {
    if text.first() == Some(&b'-') {
        return Err(Code::BookNegative);
    }
    steps(text, &instrument.quantity).map(Lots)
}

pub(super) fn decode(
    scratch: &mut Scratch,
    finder: &mut SymbolFinder,
    message: &[u8],
    scope: Scope,
    instruments: &[Instrument],
) -> Result<FeedMessage, Code> {
    core::str::from_utf8(message).map_err(|_| Code::JsonMalformed)?;
    let mut cursor = Cursor::new(message);
    cursor.skip_space();
    if cursor.peek() != Some(b'{') {
        cursor.value()?;
        cursor.need_end()?;
        return Ok(FeedMessage::Other);
    }
    let mut payload = Fields::NONE;
    let mut fields = Fields::read(&mut cursor, Some(&mut payload))?;
    cursor.need_end()?;
    let wrapped = fields.has(Key::Stream) && fields.has(Key::Payload);
    if wrapped {
        if fields.need(Key::Payload)? != OBJECT {
            return Ok(FeedMessage::Other);
        }
        fields = payload;
    }
    if !fields.has(Key::Event) {
        if fields.has(Key::SnapshotId) {
            return if wrapped { Ok(FeedMessage::Other) } else { snapshot(&fields, scratch, scope, instruments) };
        }
        let sides = [Key::Bid, Key::BidLots, Key::Ask, Key::AskLots].map(|key| fields.has(key));
        // Spot's bookTicker names no event: an update id, a symbol and any part of a touch make one.
        let is_touch = fields.has(Key::LastId) && fields.has(Key::Symbol) && sides.contains(&true);
        return if is_touch { touch(&fields, finder, scope, instruments) } else { Ok(FeedMessage::Other) };
    }
    match fields.text(Key::Event)? {
        b"bookTicker" => touch(&fields, finder, scope, instruments),
        b"trade" => trade(&fields, Key::TradeId, finder, scope, instruments),
        b"aggTrade" => trade(&fields, Key::Ask, finder, scope, instruments),
        b"depthUpdate" => depth(&fields, scratch, finder, scope, instruments),
        _ => Ok(FeedMessage::Other),
    }
}

fn require(fields: &Fields<'_>, keys: &[Key]) -> Result<(), Code> {
    keys.iter().try_for_each(|&key| fields.need(key).map(drop))
}

fn touch(
    fields: &Fields<'_>,
    finder: &mut SymbolFinder,
    scope: Scope,
    instruments: &[Instrument],
) -> Result<FeedMessage, Code> {
    require(fields, &[Key::LastId, Key::Symbol, Key::Bid, Key::BidLots, Key::Ask, Key::AskLots])?;
    let instrument = finder.find(fields.text(Key::Symbol)?, scope, instruments)?;
    Ok(FeedMessage::Touch(TouchPrint {
        instrument: instrument.id,
        update_id: fields.integer(Key::LastId)?,
        touch: Touch {
            bid: fields.price(Key::Bid, instrument)?,
            bid_lots: fields.quantity(Key::BidLots, instrument)?,
            ask: fields.price(Key::Ask, instrument)?,
            ask_lots: fields.quantity(Key::AskLots, instrument)?,
        },
        exchange_time: fields.exchange_time()?,
    }))
}

/// `id` is `t`, or `a` of an aggregate trade.
fn trade(
    fields: &Fields<'_>,
    id: Key,
    finder: &mut SymbolFinder,
    scope: Scope,
    instruments: &[Instrument],
) -> Result<FeedMessage, Code> {
    if fields.has(Key::ExecutionType) && fields.text(Key::ExecutionType)? != b"MARKET" {
        return Ok(FeedMessage::Other);
    }
    require(fields, &[id, Key::Symbol, Key::Price, Key::Quantity, Key::BuyerIsMaker])?;
    let instrument = finder.find(fields.text(Key::Symbol)?, scope, instruments)?;
    let aggressor = match fields.need(Key::BuyerIsMaker)? {
        b"true" => Side::Sell,
        b"false" => Side::Buy,
        _ => return Err(Code::JsonMalformed),
    };
    let print = TradePrint {
        instrument: instrument.id,
        trade_id: fields.integer(id)?,
        price: fields.price(Key::Price, instrument)?,
        quantity: fields.quantity(Key::Quantity, instrument)?,
        aggressor,
        exchange_time: fields.exchange_time()?,
    };
    Ok(if print.quantity == Lots::ZERO { FeedMessage::Other } else { FeedMessage::Trade(print) })
}

fn depth(
    fields: &Fields<'_>,
    scratch: &mut Scratch,
    finder: &mut SymbolFinder,
    scope: Scope,
    instruments: &[Instrument],
) -> Result<FeedMessage, Code> {
    require(fields, &[Key::FirstId, Key::LastId, Key::Symbol, Key::Bid, Key::Ask])?;
    let instrument = finder.find(fields.text(Key::Symbol)?, scope, instruments)?;
    let header = DepthHeader {
        instrument: instrument.id,
        first_id: fields.integer(Key::FirstId)?,
        last_id: fields.integer(Key::LastId)?,
        previous_id: if fields.has(Key::PreviousId) { Some(fields.integer(Key::PreviousId)?) } else { None },
        exchange_time: fields.exchange_time()?,
    };
    levels(fields.need(Key::Bid)?, instrument, &mut scratch.bids)?;
    levels(fields.need(Key::Ask)?, instrument, &mut scratch.asks)?;
    Ok(FeedMessage::Depth(header))
}

fn snapshot(
    fields: &Fields<'_>,
    scratch: &mut Scratch,
    scope: Scope,
    instruments: &[Instrument],
) -> Result<FeedMessage, Code> {
    require(fields, &[Key::Bids, Key::Asks])?;
    let instrument = without_symbol(scope, instruments)?;
    let header = SnapshotHeader {
        instrument: instrument.id,
        last_id: fields.integer(Key::SnapshotId)?,
        exchange_time: fields.exchange_time()?,
    };
    levels(fields.need(Key::Bids)?, instrument, &mut scratch.bids)?;
    levels(fields.need(Key::Asks)?, instrument, &mut scratch.asks)?;
    Ok(FeedMessage::Snapshot(header))
}

/// `[["price","quantity"],…]`; the grammar is already checked, the shape is checked here.
fn levels(array: &[u8], instrument: &Instrument, levels: &mut Levels) -> Result<(), Code> {
    let mut cursor = Cursor::new(array);
    let mut price_reader = DecimalReader::new(instrument.price, instrument.price_decimals);
    let mut quantity_reader = DecimalReader::new(instrument.quantity, instrument.quantity_decimals);
    cursor.need(b'[')?;
    cursor.skip_space();
    if cursor.eat(b']') {
        return Ok(());
    }
    loop {
        cursor.need(b'[')?;
        cursor.skip_space();
        // A backslash is no digit, so an escape is refused with the number.
        let price = match decimal(&mut cursor, &mut price_reader) {
            Some(steps) => Ticks(steps),
            None => price(cursor.string()?, instrument)?,
        };
        cursor.skip_space();
        cursor.need(b',')?;
        cursor.skip_space();
        let quantity = match decimal(&mut cursor, &mut quantity_reader) {
            Some(steps) => Lots(steps),
            None => quantity(cursor.string()?, instrument)?,
        };
        cursor.skip_space();
        cursor.need(b']')?;
        levels.push(Level { price, quantity })?;
        cursor.skip_space();
        if !cursor.eat(b',') {
            return cursor.need(b']');
        }
        cursor.skip_space();
    }
}

/// The quick reader first; where it says nothing the cursor stays, and the plain way reads or names the fault.
#[inline(always)]
fn decimal(cursor: &mut Cursor<'_>, reader: &mut Option<DecimalReader>) -> Option<i64> {
    let (steps, following) = reader.as_mut()?.read(cursor.rest().strip_prefix(b"\"")?)?;
    cursor.advance_to(following);
    Some(steps)
}
