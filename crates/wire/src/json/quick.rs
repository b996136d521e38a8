//! # Room card: wire/json/quick
//! In:    a message in exactly the bytes and order Binance writes.
//! Out:   what it says, or `None`: then the plain way reads it from the start and gives the answer or the error.
//! Holds: every answer equals the plain way's (tested on generated and mutated messages).
//! Costs: one comparison a field name, see `number` for digits; no branch on the length of a number.
use types::{
    Code, DepthHeader, Instrument, Level, Lots, Side, SnapshotHeader, Ticks, Touch, TouchPrint, TradePrint, UnixNanos,
};

use super::general::milliseconds;
use super::number::{DecimalReader, integer};
use super::scan::plain_length;
use super::{FeedMessage, Levels, Scope, Scratch, SymbolFinder, without_symbol};

/// What is left of the message.
struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    #[inline(always)]
    fn take<const N: usize>(&mut self, text: &[u8; N]) -> bool {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) if head == text => {
                self.rest = tail;
                true
            }
            _ => false,
        }
    }
    #[inline(always)]
    fn need<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        self.take(text).then_some(())
    }
    /// Plain text up to its closing quote, which is taken.
    #[inline(always)]
    fn plain(&mut self) -> Option<&'a [u8]> {
        let (text, tail) = self.rest.split_at_checked(plain_length(self.rest))?;
        self.rest = tail.strip_prefix(b"\"")?;
        Some(text)
    }
    #[inline(always)]
    fn integer(&mut self) -> Option<u64> {
        let (value, tail) = integer(self.rest).ok()?;
        self.rest = tail;
        Some(value)
    }
    #[inline(always)]
    fn time(&mut self) -> Option<UnixNanos> {
        milliseconds(self.integer()?).ok()
    }
    /// A decimal up to its closing quote, which is taken.
    #[inline(always)]
    fn decimal(&mut self, reader: &mut DecimalReader) -> Option<i64> {
        let (value, tail) = reader.read(self.rest)?;
        self.rest = tail;
        Some(value)
    }
    #[inline(always)]
    fn boolean(&mut self) -> Option<bool> {
        if self.take(b"true") {
            return Some(true);
        }
        self.need(b"false").map(|()| false)
    }
    /// The end of the object, of its stream if it has one, and of the message.
    #[inline(always)]
    fn end(&mut self, wrapped: bool) -> Option<()> {
        (if wrapped { self.rest == b"}}" } else { self.rest == b"}" }).then_some(())
    }
    #[inline(always)]
    fn levels(&mut self, readers: &mut (DecimalReader, DecimalReader), levels: &mut Levels) -> Option<()> {
        if self.take(b"]") {
            return Some(());
        }
        self.need(b"[\"")?;
        loop {
            let price = Ticks(self.decimal(&mut readers.0)?);
            self.need(b",\"")?;
            let quantity = Lots(self.decimal(&mut readers.1)?);
            levels.push(Level { price, quantity }).ok()?;
            if !self.take(b"],[\"") {
                return self.need(b"]]");
            }
        }
    }
}

#[inline(always)]
fn readers(instrument: &Instrument) -> Option<(DecimalReader, DecimalReader)> {
    Some((
        DecimalReader::new(instrument.price, instrument.price_decimals)?,
        DecimalReader::new(instrument.quantity, instrument.quantity_decimals)?,
    ))
}

#[inline(always)]
fn first_stamp(transaction: UnixNanos, event: UnixNanos) -> UnixNanos {
    if transaction == UnixNanos::NONE { event } else { transaction }
}

/// Where symbols are looked up.
struct Directory<'d> {
    finder: &'d mut SymbolFinder,
    scope: Scope,
    instruments: &'d [Instrument],
}

impl<'d> Directory<'d> {
    #[inline]
    fn find(&mut self, symbol: &[u8]) -> Option<&'d Instrument> {
        self.finder.find(symbol, self.scope, self.instruments).ok()
    }
}

pub(super) fn decode(
    scratch: &mut Scratch,
    finder: &mut SymbolFinder,
    message: &[u8],
    scope: Scope,
    instruments: &[Instrument],
) -> Option<FeedMessage> {
    let mut walk = Walk { rest: message };
    let mut directory = Directory { finder, scope, instruments };
    let wrapped = walk.take(b"{\"stream\":\"");
    if wrapped {
        walk.plain()?;
        walk.need(b",\"data\":{")?;
    } else {
        walk.need(b"{")?;
    }
    if walk.take(b"\"e\":\"bookTicker\",\"u\":") {
        return touch(&mut walk, &mut directory, wrapped);
    }
    if walk.take(b"\"e\":\"trade\",\"E\":") {
        return trade(&mut walk, &mut directory, wrapped);
    }
    if walk.take(b"\"e\":\"depthUpdate\",\"E\":") {
        return depth(&mut walk, &mut directory, scratch, wrapped);
    }
    if walk.take(b"\"u\":") {
        return touch(&mut walk, &mut directory, wrapped);
    }
    if !wrapped && walk.take(b"\"lastUpdateId\":") {
        return snapshot(&mut walk, &directory, scratch);
    }
    None
}

/// From the update id on: `5,"s":"X","b":"1","B":"2","a":"3","A":"4"`, then on USD-M `,"T":6,"E":7`.
fn touch(walk: &mut Walk<'_>, directory: &mut Directory<'_>, wrapped: bool) -> Option<FeedMessage> {
    let update_id = walk.integer()?;
    walk.need(b",\"s\":\"")?;
    let instrument = directory.find(walk.plain()?)?;
    let (mut price, mut quantity) = readers(instrument)?;
    walk.need(b",\"b\":\"")?;
    let bid = Ticks(walk.decimal(&mut price)?);
    walk.need(b",\"B\":\"")?;
    let bid_lots = Lots(walk.decimal(&mut quantity)?);
    walk.need(b",\"a\":\"")?;
    let ask = Ticks(walk.decimal(&mut price)?);
    walk.need(b",\"A\":\"")?;
    let ask_lots = Lots(walk.decimal(&mut quantity)?);
    let mut exchange_time = UnixNanos::NONE;
    if walk.take(b",\"T\":") {
        let transaction = walk.time()?;
        walk.need(b",\"E\":")?;
        exchange_time = first_stamp(transaction, walk.time()?);
    }
    walk.end(wrapped)?;
    let touch = Touch { bid, bid_lots, ask, ask_lots };
    Some(FeedMessage::Touch(TouchPrint { instrument: instrument.id, update_id, touch, exchange_time }))
}

/// From the event time on. USD-M: `1,"T":2,"s":"X","t":3,"p":"4","q":"5","X":"MARKET","m":true`.
/// Spot: `1,"s":"X","t":3,"p":"4","q":"5","T":2,"m":true,"M":true`.
fn trade(walk: &mut Walk<'_>, directory: &mut Directory<'_>, wrapped: bool) -> Option<FeedMessage> {
    let event = walk.time()?;
    let mut transaction = UnixNanos::NONE;
    let futures = walk.take(b",\"T\":");
    if futures {
        transaction = walk.time()?;
    }
    walk.need(b",\"s\":\"")?;
    let instrument = directory.find(walk.plain()?)?;
    let (mut price_reader, mut quantity_reader) = readers(instrument)?;
    walk.need(b",\"t\":")?;
    let trade_id = walk.integer()?;
    walk.need(b",\"p\":\"")?;
    let price = Ticks(walk.decimal(&mut price_reader)?);
    walk.need(b",\"q\":\"")?;
    let quantity = Lots(walk.decimal(&mut quantity_reader)?);
    if futures {
        walk.need(b",\"X\":\"MARKET\",\"m\":")?;
    } else {
        walk.need(b",\"T\":")?;
        transaction = walk.time()?;
        walk.need(b",\"m\":")?;
    }
    let buyer_is_maker = walk.boolean()?;
    if !futures {
        walk.need(b",\"M\":")?;
        walk.boolean()?;
    }
    walk.end(wrapped)?;
    if quantity == Lots::ZERO {
        return Some(FeedMessage::Other);
    }
    let aggressor = if buyer_is_maker { Side::Sell } else { Side::Buy };
    let exchange_time = first_stamp(transaction, event);
    Some(FeedMessage::Trade(TradePrint {
        instrument: instrument.id,
        trade_id,
        price,
        quantity,
        aggressor,
        exchange_time,
    }))
}

/// From the event time on: `1,"T":2,"s":"X","U":3,"u":4,"pu":5,"b":[["6","7"]],"a":[]`; spot has no `T` and no `pu`.
fn depth(
    walk: &mut Walk<'_>,
    directory: &mut Directory<'_>,
    scratch: &mut Scratch,
    wrapped: bool,
) -> Option<FeedMessage> {
    let mut exchange_time = walk.time()?;
    if walk.take(b",\"T\":") {
        exchange_time = first_stamp(walk.time()?, exchange_time);
    }
    walk.need(b",\"s\":\"")?;
    let instrument = directory.find(walk.plain()?)?;
    walk.need(b",\"U\":")?;
    let first_id = walk.integer()?;
    walk.need(b",\"u\":")?;
    let last_id = walk.integer()?;
    let previous_id = if walk.take(b",\"pu\":") { Some(walk.integer()?) } else { None };
    walk.need(b",\"b\":[")?;
    let mut readers = readers(instrument)?;
    walk.levels(&mut readers, &mut scratch.bids)?;
    walk.need(b",\"a\":[")?;
    walk.levels(&mut readers, &mut scratch.asks)?;
    walk.end(wrapped)?;
    Some(FeedMessage::Depth(DepthHeader { instrument: instrument.id, first_id, last_id, previous_id, exchange_time }))
}

/// From the update id on: `1,"E":2,"T":3,"bids":[["4","5"]],"asks":[]`; spot has no times.
fn snapshot(walk: &mut Walk<'_>, directory: &Directory<'_>, scratch: &mut Scratch) -> Option<FeedMessage> {
    let last_id = walk.integer()?;
    let mut exchange_time = UnixNanos::NONE;
    if walk.take(b",\"E\":") {
        let event = walk.time()?;
        walk.need(b",\"T\":")?;
        exchange_time = first_stamp(walk.time()?, event);
    }
    let found: Result<&Instrument, Code> = without_symbol(directory.scope, directory.instruments);
    let instrument = found.ok()?;
    let mut readers = readers(instrument)?;
    walk.need(b",\"bids\":[")?;
    walk.levels(&mut readers, &mut scratch.bids)?;
    walk.need(b",\"asks\":[")?;
    walk.levels(&mut readers, &mut scratch.asks)?;
    walk.end(false)?;
    Some(FeedMessage::Snapshot(SnapshotHeader { instrument: instrument.id, last_id, exchange_time }))
}
