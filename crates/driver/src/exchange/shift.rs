//! # Room card: driver/exchange/shift
//! In:    a recorded message as text and as decoded, and by how much ids and stamps grow in a later pass.
//! Out:   the same message with its ids and stamps moved.
//! Holds: only whole numbers behind known keys change; everything else stays byte for byte; zero stays zero.
//! Costs: one look at each byte, about 0.3 µs a message.
use types::time::NANOS_PER_MILLI;
use types::{DepthHeader, Nanos, SnapshotHeader, TouchPrint, TradePrint, UnixNanos};
use wire::json::FeedMessage;

/// Digits of a number that is moved; a longer one is left as it is.
const DIGITS_MAX: usize = 19;

/// By how much a pass is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Shift {
    /// Added to update ids.
    pub updates: u64,
    /// Added to trade ids.
    pub trades: u64,
    /// Added to every stamp, whole milliseconds.
    pub time: Nanos,
}

/// What a number behind a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Number {
    Update,
    Trade,
    Millis,
}

/// `u`, `U`, `pu`, `lastUpdateId`: update ids; `t`, and in an aggregated trade `a`, `f`, `l`: trade ids; `E`, `T`:
/// stamps.
fn number_of(key: &[u8]) -> Option<Number> {
    match key {
        b"u" | b"U" | b"pu" | b"lastUpdateId" => Some(Number::Update),
        b"t" | b"a" | b"f" | b"l" => Some(Number::Trade),
        b"E" | b"T" => Some(Number::Millis),
        _ => None,
    }
}

impl Shift {
    /// Is there nothing to move?
    pub(crate) fn is_none(&self) -> bool {
        *self == Shift::default()
    }

    /// A moved stamp; none stays none.
    pub(crate) fn stamp(&self, at: UnixNanos) -> UnixNanos {
        if at == UnixNanos::NONE { at } else { at.plus(self.time) }
    }

    fn moved(&self, number: Number, value: u64) -> u64 {
        match number {
            _ if value == 0 => 0,
            Number::Update => value.saturating_add(self.updates),
            Number::Trade => value.saturating_add(self.trades),
            Number::Millis => value.saturating_add(self.time.0.max(0) as u64 / NANOS_PER_MILLI),
        }
    }

    /// The decoded message, moved.
    pub(crate) fn message(&self, message: &FeedMessage) -> FeedMessage {
        match *message {
            FeedMessage::Depth(header) => FeedMessage::Depth(DepthHeader {
                first_id: self.moved(Number::Update, header.first_id),
                last_id: self.moved(Number::Update, header.last_id),
                previous_id: header.previous_id.map(|id| self.moved(Number::Update, id)),
                exchange_time: self.stamp(header.exchange_time),
                ..header
            }),
            FeedMessage::Trade(print) => FeedMessage::Trade(TradePrint {
                trade_id: self.moved(Number::Trade, print.trade_id),
                exchange_time: self.stamp(print.exchange_time),
                ..print
            }),
            FeedMessage::Touch(print) => FeedMessage::Touch(TouchPrint {
                update_id: self.moved(Number::Update, print.update_id),
                exchange_time: self.stamp(print.exchange_time),
                ..print
            }),
            FeedMessage::Snapshot(header) => FeedMessage::Snapshot(SnapshotHeader {
                last_id: self.moved(Number::Update, header.last_id),
                exchange_time: self.stamp(header.exchange_time),
                ..header
            }),
            FeedMessage::Other => FeedMessage::Other,
        }
    }

    /// Appends the message's text, moved.
    pub(crate) fn text(&self, raw: &[u8], out: &mut Vec<u8>) {
        let (mut at, mut copied) = (0, 0);
        while let Some(opening) = raw[at..].iter().position(|&byte| byte == b'"') {
            let start = at + opening + 1;
            let end = end_of_string(raw, start);
            at = (end + 1).min(raw.len());
            if raw.get(at) != Some(&b':') {
                continue;
            }
            let Some(number) = raw.get(start..end).and_then(number_of) else { continue };
            let from = at + 1;
            let digits = raw[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            // A whole number ends its value: what goes on as a fraction or an exponent is none.
            let whole = matches!(raw.get(from + digits), Some(b',' | b'}' | b' ') | None);
            if digits == 0 || digits > DIGITS_MAX || !whole {
                continue;
            }
            let value = raw[from..from + digits].iter().fold(0u64, |value, &digit| value * 10 + (digit - b'0') as u64);
            out.extend_from_slice(&raw[copied..from]);
            append_integer(out, self.moved(number, value));
            at = from + digits;
            copied = at;
        }
        out.extend_from_slice(&raw[copied..]);
    }
}

/// Position of the quote that closes a string, or the end of the text.
fn end_of_string(raw: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = raw.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    raw.len()
}

/// Appends a number in decimal.
pub(crate) fn append_integer(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: Shift = Shift { updates: 1_000, trades: 70, time: Nanos(5_000_000) };

    fn moved(text: &str) -> String {
        let mut out = Vec::new();
        SHIFT.text(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_numbers_move_and_nothing_else() {
        for (text, expected) in [
            (
                r#"{"stream":"x","data":{"E":99,"T":9,"s":"u","U":7,"u":9999,"pu":6,"b":[["5","2"]],"a":[]}}"#,
                r#"{"stream":"x","data":{"E":104,"T":14,"s":"u","U":1007,"u":10999,"pu":1006,"b":[["5","2"]],"a":[]}}"#,
            ),
            (
                r#"{"e":"trade","E":1,"T":0,"s":"T","t":930,"p":"1","q":"2","X":"MARKET","m":true}"#,
                r#"{"e":"trade","E":6,"T":0,"s":"T","t":1000,"p":"1","q":"2","X":"MARKET","m":true}"#,
            ),
            (
                r#"{"u":5,"s":"A","b":"1","B":"2","a":"3","A":"4"}"#,
                r#"{"u":1005,"s":"A","b":"1","B":"2","a":"3","A":"4"}"#,
            ),
            (
                r#"{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}"#,
                r#"{"lastUpdateId":1005,"bids":[["1","2"]],"asks":[]}"#,
            ),
            (r#"{"u":5.5,"t":1e3,"E":"7","T":12x}"#, r#"{"u":5.5,"t":1e3,"E":"7","T":12x}"#),
            (r#"{"x":"\"u\":5","u":1}"#, r#"{"x":"\"u\":5","u":1001}"#),
            (r#"{"u":12345678901234567890,"t":1}"#, r#"{"u":12345678901234567890,"t":71}"#),
            ("", ""),
            (r#"{"u":5"#, r#"{"u":1005"#),
            (r#"{"u"#, r#"{"u"#),
            (r#"{"u\"#, r#"{"u\"#),
        ] {
            assert_eq!(moved(text), expected);
        }
    }

    #[test]
    fn without_a_shift_the_text_is_the_same() {
        let text = br#"{"e":"trade","E":1723161256299,"T":1,"t":3,"u":18446744073709551615}"#;
        let mut out = Vec::new();
        Shift::default().text(text, &mut out);
        assert_eq!(out, text);
        assert!(Shift::default().is_none() && !SHIFT.is_none());
    }

    #[test]
    fn text_and_decoded_message_move_alike() {
        use types::config::EngineConfig;
        let json = r#"{"venues":[{"name":"V"}],"instruments":[{"symbol":"BTCUSDT","venue":"V",
            "tickSize":"0.1","lotSize":"0.001","settlement":{"currency":"USDT"}}]}"#;
        let setup = EngineConfig::from_json(json).unwrap().1;
        let mut decoder = wire::json::Decoder::new();
        let scope = wire::json::Scope::Instrument(setup.instruments[0].id);
        for text in [
            r#"{"e":"depthUpdate","E":99,"T":98,"s":"BTCUSDT","U":7,"u":9999,"pu":6,"b":[["1.5","2"]],"a":[]}"#,
            r#"{"e":"trade","E":1,"T":2,"s":"BTCUSDT","t":930,"p":"1","q":"2","X":"MARKET","m":true}"#,
            r#"{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4","T":3,"E":4}"#,
            r#"{"lastUpdateId":5,"E":3,"T":3,"bids":[["1","2"]],"asks":[]}"#,
        ] {
            let plain = decoder.decode(text.as_bytes(), scope, &setup.instruments).unwrap();
            let after = decoder.decode(moved(text).as_bytes(), scope, &setup.instruments).unwrap();
            assert_eq!(SHIFT.message(&plain), after);
            assert_ne!(plain, after);
        }
    }
}
