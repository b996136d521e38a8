//! # Room card: driver/feed_link
//! In:    what happens to a venue's market-data connection: made, bytes, lost, time; likewise to a snapshot's.
//! Out:   messages and stamps for the engine (`LinkEvent`), bytes to send, and what is to be done (`LinkAction`).
//! Holds: sans-I/O; all that waits has a deadline; a failing venue is tried at most 30 s apart and never in step.
//! Costs: what the framing costs (example ws_cost of `wire`); a message is borrowed from the bytes that came.
//!
//! `FeedLink` is the WebSocket of one venue, `SnapshotFetch` the GET of one instrument's depth. Both are used alike:
//! the loop owns the socket, the link says what to do with it.
//!
//! 1. After each call: take `action()`. `Connect`: resolve and connect to `url()` (TLS if `url().tls`). `Close`: send
//!    what `out()` holds, then close. `Abort`: drop at once. After `Close` and `Abort` the link has forgotten the
//!    connection; what the socket still reports is not for it.
//! 2. After each call: send `out()`, then call `out_taken()`. If the peer does not take it, abort the socket and call
//!    `on_down(now, Code::PeerSlow, …)`.
//! 3. The socket's news go to `on_up`, `on_bytes`, `on_down`; an address that cannot be resolved is `on_down` too.
//! 4. At `deadline()`, or later, and after what the socket has: `on_time`.
//!
//! `now` is the loop's own clock (wall at start and monotonic since), never the one that follows a venue's pings, or an
//! exchange that plays a day in a second would look silent for hours. Events come in the order of the bytes, through
//! `sink`, while a call runs; `sink` must not call back.
mod backoff;
mod market;
mod snapshot;

use types::{Code, UnixNanos};

pub use backoff::{BACKOFF_FIRST, BACKOFF_MAX, Backoff};
pub use market::{CLOSE_WAIT, CONNECT_WAIT, FeedLink, LinkState, RETRY_AFTER_MAX, STABLE_AFTER};
pub use snapshot::{FETCH_WAIT, SNAPSHOT_SPACING, SnapshotFetch};

/// What the loop is to do with the link's socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkAction {
    /// Make the connection.
    Connect,
    /// Send what `out()` holds, then close; the link has forgotten the connection.
    Close,
    /// Drop the connection at once; the link has forgotten it.
    Abort,
}

/// What a link tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkEvent<'a> {
    /// The connection is usable: the engine's `Conn(Up)`. Not told by a `SnapshotFetch`.
    Up,
    /// One message: the engine's `Bytes`.
    Message(&'a [u8]),
    /// The venue's clock, from its ping.
    Stamp(ClockStamp),
    /// The connection that was usable is no longer: the engine's `Conn(Down)`. The fault that says why comes before it.
    Down,
    /// What went wrong. The link goes on by itself.
    Fault(LinkFault),
}

/// What went wrong on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkFault {
    /// What users match on.
    pub code: Code,
    /// The HTTP status of `WsRefused` and `HttpRefused`, the close code of `ConnectionLost`, `WsProtocol` and
    /// `WsTooLarge`; 0 if there is none.
    pub detail: u16,
}

/// The last time a venue can state: the year 2262. Time never steps back; at the end of its range every deadline would
/// be due at once and for ever.
pub const STAMP_MAX: UnixNanos = UnixNanos(i64::MAX as u64);

/// A venue's clock as its ping states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockStamp {
    /// The venue's time now.
    pub at: UnixNanos,
    /// How fast it runs against ours; 0: it stands until the next stamp.
    pub speed: u32,
}

impl ClockStamp {
    /// From a ping's payload, ASCII `"<unix nanoseconds> <speed>"`. `None` if it is anything else, or the time is 0 or
    /// after `STAMP_MAX`.
    pub fn parse(payload: &[u8]) -> Option<ClockStamp> {
        let text = core::str::from_utf8(payload).ok()?;
        let (at, speed) = text.split_once(' ')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(at) || !digits(speed) {
            return None;
        }
        let at = UnixNanos(at.parse().ok()?);
        if at == UnixNanos::NONE || at > STAMP_MAX { None } else { Some(ClockStamp { at, speed: speed.parse().ok()? }) }
    }
}

/// The payload of a ping that states a time, appended to `out`; `ClockStamp::parse` reads it back.
pub fn write_stamp(out: &mut Vec<u8>, stamp: ClockStamp) {
    write_decimal(out, stamp.at.0);
    out.push(b' ');
    write_decimal(out, u64::from(stamp.speed));
}

/// A stamp goes out before each burst of a played market, so it is not formatted.
fn write_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DECIMAL_DIGITS_MAX];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// Digits of the greatest u64.
const DECIMAL_DIGITS_MAX: usize = 20;
