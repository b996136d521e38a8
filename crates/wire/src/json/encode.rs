//! # Room card: wire/json/encode
//! In:    feed values in ticks and lots, and the instrument whose decimals they are printed with.
//! Out:   the message Binance would send, byte for byte in its order of keys, bare or in a combined stream.
//! Holds: `decode(encode(x)) == x` for whole milliseconds (tested); the output is cleared and filled.
//! Costs: about 5 ns a number; no allocation once the output has the room.
//!
//! What a format has no place for is left out: `previous_id` and the times of touches and snapshots on spot.
//! `Feed::Normalised` has no
//! bytes of its own and is written as USD-M. Times are written in milliseconds, a smaller part is cut off.
use types::config::Feed;
use types::time::NANOS_PER_MILLI;
use types::{DepthHeader, Instrument, Level, Lots, Side, SnapshotHeader, Ticks, TouchPrint, TradePrint, UnixNanos};

use crate::text::Text;

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Envelope {
    /// As it is.
    Bare,
    /// As the `data` of a combined stream that names the symbol and the kind.
    Stream,
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    instrument: &'a Instrument,
}

impl<'a> Writer<'a> {
    fn open(out: &'a mut Vec<u8>, instrument: &'a Instrument, envelope: Envelope, kind: &[u8]) -> Writer<'a> {
        out.clear();
        let mut writer = Writer { out, instrument };
        if envelope == Envelope::Stream {
            writer.raw(b"{\"stream\":\"");
            writer.symbol(u8::to_ascii_lowercase);
            writer.raw(kind);
            writer.raw(b"\",\"data\":");
        }
        writer.raw(b"{");
        writer
    }
    fn close(mut self, envelope: Envelope) {
        self.raw(if envelope == Envelope::Stream { b"}}" } else { b"}" });
    }
    fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }
    fn symbol(&mut self, letter: fn(&u8) -> u8) {
        // A symbol is printable ASCII, so these two are all that JSON wants escaped.
        for byte in self.instrument.symbol_bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(letter(byte));
        }
    }
    /// A key with its punctuation, then an integer.
    fn integer(&mut self, key: &[u8], value: u64) {
        self.raw(key);
        self.raw(Text::integer(value).as_bytes());
    }
    fn time(&mut self, key: &[u8], at: UnixNanos) {
        self.integer(key, at.0 / NANOS_PER_MILLI);
    }
    /// A key with its punctuation up to the opening quote, then the symbol and a closing quote.
    fn named(&mut self, key: &[u8]) {
        self.raw(key);
        self.symbol(|byte| *byte);
        self.raw(b"\"");
    }
    fn price(&mut self, key: &[u8], price: Ticks) {
        self.raw(key);
        self.raw(Text::decimal(price.0, &self.instrument.price, self.instrument.price_decimals).as_bytes());
        self.raw(b"\"");
    }
    fn quantity(&mut self, key: &[u8], quantity: Lots) {
        self.raw(key);
        self.raw(Text::decimal(quantity.0, &self.instrument.quantity, self.instrument.quantity_decimals).as_bytes());
        self.raw(b"\"");
    }
    fn levels(&mut self, key: &[u8], levels: &[Level]) {
        self.raw(key);
        let mut opening: &[u8] = b"[\"";
        for level in levels {
            self.price(opening, level.price);
            self.quantity(b",\"", level.quantity);
            self.raw(b"]");
            opening = b",[\"";
        }
        self.raw(b"]");
    }
}

/// `depthUpdate`. USD-M carries `T` and, when there is one, `pu`; spot carries neither.
pub fn depth(
    out: &mut Vec<u8>,
    feed: Feed,
    envelope: Envelope,
    instrument: &Instrument,
    header: &DepthHeader,
    bids: &[Level],
    asks: &[Level],
) {
    let spot = feed == Feed::BinanceSpot;
    let kind: &[u8] = if spot { b"@depth@100ms" } else { b"@depth@0ms" };
    let mut writer = Writer::open(out, instrument, envelope, kind);
    writer.time(b"\"e\":\"depthUpdate\",\"E\":", header.exchange_time);
    if !spot {
        writer.time(b",\"T\":", header.exchange_time);
    }
    writer.named(b",\"s\":\"");
    writer.integer(b",\"U\":", header.first_id);
    writer.integer(b",\"u\":", header.last_id);
    if let (false, Some(previous)) = (spot, header.previous_id) {
        writer.integer(b",\"pu\":", previous);
    }
    writer.levels(b",\"b\":[", bids);
    writer.levels(b",\"a\":[", asks);
    writer.close(envelope);
}

/// `trade`; on USD-M with execution type `MARKET`.
pub fn trade(out: &mut Vec<u8>, feed: Feed, envelope: Envelope, instrument: &Instrument, print: &TradePrint) {
    let spot = feed == Feed::BinanceSpot;
    let mut writer = Writer::open(out, instrument, envelope, b"@trade");
    writer.time(b"\"e\":\"trade\",\"E\":", print.exchange_time);
    if !spot {
        writer.time(b",\"T\":", print.exchange_time);
    }
    writer.named(b",\"s\":\"");
    writer.integer(b",\"t\":", print.trade_id);
    writer.price(b",\"p\":\"", print.price);
    writer.quantity(b",\"q\":\"", print.quantity);
    if spot {
        writer.time(b",\"T\":", print.exchange_time);
    } else {
        writer.raw(b",\"X\":\"MARKET\"");
    }
    writer.raw(if print.aggressor == Side::Sell { b",\"m\":true" } else { b",\"m\":false" });
    if spot {
        writer.raw(b",\"M\":true");
    }
    writer.close(envelope);
}

/// `bookTicker`; on spot without event name and times.
pub fn touch(out: &mut Vec<u8>, feed: Feed, envelope: Envelope, instrument: &Instrument, print: &TouchPrint) {
    let spot = feed == Feed::BinanceSpot;
    let mut writer = Writer::open(out, instrument, envelope, b"@bookTicker");
    writer.integer(if spot { b"\"u\":" } else { b"\"e\":\"bookTicker\",\"u\":" }, print.update_id);
    writer.named(b",\"s\":\"");
    writer.price(b",\"b\":\"", print.touch.bid);
    writer.quantity(b",\"B\":\"", print.touch.bid_lots);
    writer.price(b",\"a\":\"", print.touch.ask);
    writer.quantity(b",\"A\":\"", print.touch.ask_lots);
    if !spot {
        writer.time(b",\"T\":", print.exchange_time);
        writer.time(b",\"E\":", print.exchange_time);
    }
    writer.close(envelope);
}

/// The REST depth snapshot, always bare; on spot without times.
pub fn snapshot(
    out: &mut Vec<u8>,
    feed: Feed,
    instrument: &Instrument,
    header: &SnapshotHeader,
    bids: &[Level],
    asks: &[Level],
) {
    let mut writer = Writer::open(out, instrument, Envelope::Bare, b"");
    writer.integer(b"\"lastUpdateId\":", header.last_id);
    if feed != Feed::BinanceSpot {
        writer.time(b",\"E\":", header.exchange_time);
        writer.time(b",\"T\":", header.exchange_time);
    }
    writer.levels(b",\"bids\":[", bids);
    writer.levels(b",\"asks\":[", asks);
    writer.close(Envelope::Bare);
}
