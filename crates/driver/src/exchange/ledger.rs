//! # Room card: driver/exchange/ledger
//! In:    what the exchange was asked and what it answered.
//! Out:   one JSON object a line, in the order in which it happened; the same read back.
//! Holds: a line is complete before its answer leaves (the owner writes the buffer first); nothing is ever rewritten.
//! Costs: about a microsecond a line, one write a turn.
//!
//! Moments (`wall`: this machine's, `time`: the market's) are Unix nanoseconds as text, for they are beyond 2^53;
//! prices are ticks, quantities lots, fees smallest units of the settlement currency. `order` is the exchange's own
//! number of an order, `id` the client's. `fix` is the message that reported it, so that it can be sent again after a
//! restart; `sequence` is its number, 0 for a report that was dropped on purpose.
use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use types::{Code, Fault};

/// Format of the lines below.
pub(crate) const LEDGER_VERSION: u32 = 1;
/// The longest line that is read back.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A moment as text.
mod moment {
    use serde::{Deserialize, Deserializer, Serializer};
    use types::UnixNanos;

    pub(super) fn serialize<S: Serializer>(at: &UnixNanos, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&at.0)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UnixNanos, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map(UnixNanos).map_err(serde::de::Error::custom)
    }
}

/// What a client asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Asked {
    New,
    Cancel,
    Replace,
    MassCancel,
    Status,
    Positions,
}

/// What the exchange reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reported {
    Accepted,
    Rejected,
    Fill,
    Cancelled,
    Replaced,
    CancelRejected,
    ReplaceRejected,
    Expired,
}

/// A request as it was received.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestLine<'a> {
    #[serde(with = "moment")]
    pub wall: types::UnixNanos,
    #[serde(with = "moment")]
    pub time: types::UnixNanos,
    pub session: u32,
    /// Number the session's next message must have.
    pub next_in: u64,
    pub asked: Asked,
    /// ClOrdID (11).
    pub id: Cow<'a, str>,
    /// OrigClOrdID (41).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Cow<'a, str>>,
    /// The order it is about; 0 when there is none (yet refused, unknown, or not about one).
    pub order: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Cow<'a, str>>,
    /// 1 buy, 2 sell, 0 not said.
    pub side: u8,
    pub price: i64,
    pub lots: i64,
    /// Bits of `event::flag`.
    pub flags: u8,
}

impl<'a> RequestLine<'a> {
    /// With everything but its kind and id left open.
    pub(crate) fn of(asked: Asked, id: Cow<'a, str>) -> RequestLine<'a> {
        RequestLine {
            wall: types::UnixNanos::NONE,
            time: types::UnixNanos::NONE,
            session: 0,
            next_in: 0,
            asked,
            id,
            original: None,
            order: 0,
            symbol: None,
            side: 0,
            price: 0,
            lots: 0,
            flags: 0,
        }
    }
}

/// A report as it was sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportLine<'a> {
    #[serde(with = "moment")]
    pub wall: types::UnixNanos,
    #[serde(with = "moment")]
    pub time: types::UnixNanos,
    pub session: u32,
    pub sequence: u64,
    pub reported: Reported,
    pub id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Cow<'a, str>>,
    pub order: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Cow<'a, str>>,
    pub side: u8,
    pub price: i64,
    pub lots: i64,
    pub filled: i64,
    pub last_price: i64,
    pub last_lots: i64,
    pub fee: i64,
    pub taker: bool,
    /// Name of a reject's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    pub fix: Cow<'a, str>,
}

/// One line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum LedgerLine<'a> {
    /// A process of the exchange began.
    Open {
        version: u32,
        name: Cow<'a, str>,
        #[serde(with = "moment")]
        wall: types::UnixNanos,
    },
    /// A client's CompID got its session number.
    Session { session: u32, client: Cow<'a, str> },
    /// A request was received.
    Request(RequestLine<'a>),
    /// A report was made.
    Report(ReportLine<'a>),
    /// The session's next numbers.
    Sequence { session: u32, next_in: u64, next_out: u64 },
    /// The session's numbers began at 1 again.
    Reset { session: u32 },
}

impl LedgerLine<'_> {
    /// Appends the line.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        // Writing plain values to memory does not fail; were it ever to, the line is left out whole.
        let start = out.len();
        match serde_json::to_writer(&mut *out, self) {
            Ok(()) => out.push(b'\n'),
            Err(_) => out.truncate(start),
        }
    }
}

/// Bytes of whole lines at the start of a ledger: a last line that was cut short is left out.
pub(crate) fn whole_lines(ledger: &[u8]) -> usize {
    ledger.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}

/// Hands out the lines. `LEDGER_DAMAGED` names the first that is none.
pub(crate) fn read(ledger: &[u8], mut each: impl FnMut(LedgerLine<'_>) -> Result<(), Code>) -> Result<(), Fault> {
    for (number, line) in ledger[..whole_lines(ledger)].split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let damaged = |why: String| {
            let fields = vec![("line", (number + 1).to_string()), ("error", why)];
            Fault::new(Code::LedgerDamaged, format!("the ledger's line {} cannot be read", number + 1), fields)
        };
        if line.len() > LINE_BYTES_MAX {
            return Err(damaged(format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let parsed: LedgerLine<'_> = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        if let LedgerLine::Open { version, .. } = parsed
            && version != LEDGER_VERSION
        {
            return Err(damaged(format!("version {version}, this build reads {LEDGER_VERSION}")));
        }
        each(parsed).map_err(|code| damaged(code.name().to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::UnixNanos;

    fn lines() -> Vec<LedgerLine<'static>> {
        let wall = UnixNanos(1_700_000_000_123_456_789);
        vec![
            LedgerLine::Open { version: LEDGER_VERSION, name: "SIM".into(), wall },
            LedgerLine::Session { session: 1, client: "A\"B".into() },
            LedgerLine::Request(RequestLine {
                wall,
                time: UnixNanos(7),
                session: 1,
                next_in: 3,
                asked: Asked::MassCancel,
                id: "1-1".into(),
                original: None,
                order: 0,
                symbol: Some("BTCUSDT".into()),
                side: 0,
                price: 0,
                lots: 0,
                flags: 0,
            }),
            LedgerLine::Report(ReportLine {
                wall,
                time: UnixNanos(8),
                session: 1,
                sequence: 2,
                reported: Reported::Fill,
                id: "1-1".into(),
                original: Some("1-0".into()),
                order: (1 << 32) + 1,
                symbol: None,
                side: 1,
                price: -5,
                lots: i64::MAX,
                filled: 1,
                last_price: 2,
                last_lots: 3,
                fee: -4,
                taker: true,
                reason: Some("VENUE_FULL".into()),
                fix: "8=FIX.4.4\u{1}9=5\u{1}".into(),
            }),
            LedgerLine::Sequence { session: 1, next_in: 4, next_out: 5 },
            LedgerLine::Reset { session: 1 },
        ]
    }

    fn read_back(bytes: &[u8]) -> Result<Vec<LedgerLine<'static>>, Fault> {
        let mut back = Vec::new();
        // Through text and back again, so that the lines own what they hold.
        read(bytes, |line| {
            back.push(serde_json::from_value(serde_json::to_value(&line).unwrap()).unwrap());
            Ok(())
        })?;
        Ok(back)
    }

    #[test]
    fn lines_come_back_as_they_were() {
        let mut bytes = Vec::new();
        lines().iter().for_each(|line| line.write(&mut bytes));
        assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), lines().len());
        assert_eq!(read_back(&bytes).unwrap(), lines());
        assert!(String::from_utf8(bytes).unwrap().contains(r#""wall":"1700000000123456789""#));
    }

    #[test]
    fn a_line_cut_short_at_any_byte_is_left_out() {
        let mut bytes = Vec::new();
        lines().iter().for_each(|line| line.write(&mut bytes));
        for cut in 0..bytes.len() {
            let whole = bytes[..cut].iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(read_back(&bytes[..cut]).unwrap(), lines()[..whole], "{cut}");
        }
    }

    #[test]
    fn damage_inside_names_its_line() {
        let mut bytes = Vec::new();
        lines().iter().for_each(|line| line.write(&mut bytes));
        let second = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        bytes[second] = b'x';
        let fault = read_back(&bytes).unwrap_err();
        assert_eq!((fault.code, fault.fields[0].1.as_str()), (Code::LedgerDamaged, "2"));
        let newer = br#"{"kind":"open","version":99,"name":"X","wall":"1"}
"#;
        assert_eq!(read_back(newer).unwrap_err().code, Code::LedgerDamaged);
        let unknown = b"{\"kind\":\"surprise\"}\n";
        assert_eq!(read_back(unknown).unwrap_err().code, Code::LedgerDamaged);
    }
}
