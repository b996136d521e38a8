//! # Room card: driver/feed_link/market
//! In:    what happens to the WebSocket of one venue.
//! Out:   its messages, the venue's stamps, up and down; handshake, pongs, pings and closes to send.
//! Holds: Down -> Connecting -> Upgrading -> Open -> Closing -> Down; memory is one longest message and a few frames.
//! Costs: what the framing costs (example ws_cost of `wire`), and one call of the sink a message.
use types::config::MarketLink;
use types::limits::INPUT_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, Fault, Nanos, UnixNanos};
use wire::http::Url;
use wire::ws::{self, ClientHandshake, Opcode, WsDecoder, WsMessage, WsRole};

use super::{Backoff, ClockStamp, LinkAction, LinkEvent, LinkFault};

/// Longest wait for a connection, and again for its upgrade.
pub const CONNECT_WAIT: Nanos = Nanos::from_millis(10_000);
/// Longest wait for the peer's side of a close.
pub const CLOSE_WAIT: Nanos = Nanos::from_millis(1_000);
/// A connection open for this long was a success: the next wait is a first one again.
pub const STABLE_AFTER: Nanos = Nanos::from_millis(10_000);
/// Longest wait that a venue's Retry-After can impose: three days, the longest ban Binance names.
pub const RETRY_AFTER_MAX: Nanos = Nanos::from_millis(3 * 24 * 3_600 * 1_000);
/// Bytes set aside for what is sent: a handshake with a long address; all else is smaller.
const OUT_BYTES: usize = 4 * 1024;

/// Where a link stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// No connection; the next attempt is at this time.
    Down(UnixNanos),
    /// Asked for a connection.
    Connecting,
    /// Connected; the answer to the upgrade is awaited.
    Upgrading,
    /// Messages come.
    Open,
    /// A close frame is sent; the end of the connection is awaited.
    Closing,
    /// The owner closed it; nothing follows.
    Closed,
}

/// The WebSocket of one venue, kept up.
#[derive(Debug)]
pub struct FeedLink {
    url: Url,
    stale: Nanos,
    follow_clock: bool,
    state: LinkState,
    /// When the state began.
    since: UnixNanos,
    last_byte: UnixNanos,
    /// A ping asks if the silent peer is there.
    pinged: bool,
    /// The owner wants no connection after this one.
    leaving: bool,
    handshake: Option<ClientHandshake>,
    decoder: WsDecoder,
    backoff: Backoff,
    out: Vec<u8>,
    action: Option<LinkAction>,
}

/// The last ping of the bytes at hand; a peer need not get a pong for each (RFC 6455, 5.5.3).
struct LastPing {
    payload: [u8; ws::CONTROL_BYTES_MAX],
    length: Option<usize>,
}

impl LastPing {
    fn set(&mut self, payload: &[u8]) {
        // The decoder lets no longer one through.
        let length = payload.len().min(ws::CONTROL_BYTES_MAX);
        self.payload[..length].copy_from_slice(&payload[..length]);
        self.length = Some(length);
    }
}

impl FeedLink {
    /// A link that wants its first connection at once. `entropy` is for masks, nonces and jitter, which decide nothing.
    /// `ConfigInvalid` if the address cannot be taken apart.
    pub fn new(link: &MarketLink, entropy: SplitMix64) -> Result<FeedLink, Fault> {
        let url = parse_url(&link.url)?;
        Ok(FeedLink {
            url,
            stale: link.stale,
            follow_clock: link.follow_clock,
            state: LinkState::Down(UnixNanos::NONE),
            since: UnixNanos::NONE,
            last_byte: UnixNanos::NONE,
            pinged: false,
            leaving: false,
            handshake: None,
            decoder: WsDecoder::new(WsRole::Client, INPUT_BYTES_MAX),
            backoff: Backoff::new(entropy),
            out: Vec::with_capacity(OUT_BYTES),
            action: None,
        })
    }

    /// Where to connect to.
    pub fn url(&self) -> &Url {
        &self.url
    }
    /// Where the link stands.
    pub fn state(&self) -> LinkState {
        self.state
    }
    /// What to do with the socket; taken by the call.
    pub fn action(&mut self) -> Option<LinkAction> {
        self.action.take()
    }
    /// Bytes to send.
    pub fn out(&self) -> &[u8] {
        &self.out
    }
    /// They are sent, or copied.
    pub fn out_taken(&mut self) {
        self.out.clear();
    }

    /// When `on_time` is to be called at the latest; `None` once closed.
    pub fn deadline(&self) -> Option<UnixNanos> {
        match self.state {
            LinkState::Down(until) => Some(until),
            LinkState::Connecting | LinkState::Upgrading => Some(self.since.plus(CONNECT_WAIT)),
            LinkState::Open if self.pinged => Some(self.last_byte.plus(self.stale)),
            LinkState::Open => Some(self.last_byte.plus(Nanos(self.stale.0 / 2))),
            LinkState::Closing => Some(self.since.plus(CLOSE_WAIT)),
            LinkState::Closed => None,
        }
    }

    /// Time has come to `now`: connects, asks a silent peer, gives up.
    pub fn on_time(&mut self, now: UnixNanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
        let Some(deadline) = self.deadline() else { return };
        if now < deadline {
            return;
        }
        match self.state {
            LinkState::Down(_) => {
                self.enter(LinkState::Connecting, now);
                self.action = Some(LinkAction::Connect);
            }
            LinkState::Connecting => self.give_up(now, Code::ConnectFailed, 0, LinkAction::Abort, sink),
            LinkState::Upgrading => self.give_up(now, Code::WsRefused, 0, LinkAction::Abort, sink),
            LinkState::Open if now >= self.last_byte.plus(self.stale) => {
                self.give_up(now, Code::FeedStale, 0, LinkAction::Abort, sink);
            }
            LinkState::Open => {
                let mask = self.mask();
                ws::frame(&mut self.out, Opcode::Ping, &[], Some(mask));
                self.pinged = true;
            }
            LinkState::Closing => {
                self.action = Some(LinkAction::Close);
                self.rest(now, Nanos(0));
            }
            LinkState::Closed => {}
        }
    }

    /// The connection is made (TLS too): asks for the upgrade.
    pub fn on_up(&mut self, now: UnixNanos) {
        if self.state != LinkState::Connecting {
            return;
        }
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.backoff.random().to_le_bytes());
        nonce[8..].copy_from_slice(&self.backoff.random().to_le_bytes());
        self.out.clear();
        ws::client_request(&mut self.out, &self.url.authority(), &self.url.path, nonce);
        self.handshake = Some(ClientHandshake::new(nonce));
        self.decoder.reset();
        self.enter(LinkState::Upgrading, now);
    }

    /// Bytes came.
    pub fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>)) {
        self.last_byte = now;
        self.pinged = false;
        match self.state {
            LinkState::Upgrading => self.on_upgrade_bytes(now, bytes, sink),
            LinkState::Open => self.on_frames(now, bytes, sink),
            LinkState::Closing => self.on_closing_bytes(now, bytes),
            LinkState::Down(_) | LinkState::Connecting | LinkState::Closed => {}
        }
    }

    /// The connection failed or ended, `code` says how: `ConnectFailed`, `ConnectionLost`, `TlsRefused`, `PeerSlow`.
    pub fn on_down(&mut self, now: UnixNanos, code: Code, sink: &mut impl FnMut(LinkEvent<'_>)) {
        match self.state {
            LinkState::Connecting | LinkState::Upgrading | LinkState::Open => self.lose(now, code, 0, Nanos(0), sink),
            LinkState::Closing => self.rest(now, Nanos(0)),
            LinkState::Down(_) | LinkState::Closed => {}
        }
    }

    /// The owner wants no more: closes an open connection with 1000, drops any other.
    pub fn close(&mut self, now: UnixNanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
        self.leaving = true;
        match self.state {
            LinkState::Open => {
                self.send_close(Some(ws::close::NORMAL));
                self.enter(LinkState::Closing, now);
                sink(LinkEvent::Down);
            }
            LinkState::Connecting | LinkState::Upgrading => {
                self.action = Some(LinkAction::Abort);
                self.rest(now, Nanos(0));
            }
            LinkState::Down(_) => self.rest(now, Nanos(0)),
            LinkState::Closing | LinkState::Closed => {}
        }
    }

    fn on_upgrade_bytes(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>)) {
        let Some(handshake) = &mut self.handshake else { return };
        match handshake.next(bytes) {
            Ok(None) => {}
            Ok(Some(consumed)) => {
                self.handshake = None;
                self.enter(LinkState::Open, now);
                sink(LinkEvent::Up);
                self.on_frames(now, &bytes[consumed..], sink);
            }
            Err(refused) => {
                self.action = Some(LinkAction::Abort);
                self.lose(now, refused.code, refused.status, retry_after(refused.retry_after), sink);
            }
        }
    }

    fn on_frames(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>)) {
        let mut rest = bytes;
        let mut ping = LastPing { payload: [0; ws::CONTROL_BYTES_MAX], length: None };
        // At least one byte a step, so at most as many steps as bytes.
        let end = loop {
            if rest.is_empty() {
                break None;
            }
            match self.decoder.next(rest) {
                Err(fault) => break Some(Err(fault)),
                Ok(step) => {
                    rest = &rest[step.consumed..];
                    match step.message {
                        Some(WsMessage::Text(payload) | WsMessage::Binary(payload)) => {
                            sink(LinkEvent::Message(payload))
                        }
                        Some(WsMessage::Ping(payload)) => {
                            ping.set(payload);
                            if self.follow_clock
                                && let Some(stamp) = ClockStamp::parse(payload)
                            {
                                sink(LinkEvent::Stamp(stamp));
                            }
                        }
                        Some(WsMessage::Close { code, .. }) => break Some(Ok(code)),
                        Some(WsMessage::Pong(_)) | None => {}
                    }
                }
            }
        };
        // The loop sends after each call; if it could not, it has pongs enough to send.
        if let Some(length) = ping.length
            && self.out.len() + ws::FRAME_HEAD_BYTES_MAX + length <= OUT_BYTES
        {
            let mask = self.mask();
            ws::frame(&mut self.out, Opcode::Pong, &ping.payload[..length], Some(mask));
        }
        match end {
            None => {}
            Some(Ok(code)) => self.on_peer_close(now, code, sink),
            Some(Err(fault)) => {
                self.send_close(Some(fault.close_code));
                self.give_up(now, fault.code, fault.close_code, LinkAction::Close, sink);
            }
        }
    }

    /// The peer closes: the same code back, then it is for the server to end the connection (RFC 6455, 7.1.1).
    fn on_peer_close(&mut self, now: UnixNanos, code: Option<u16>, sink: &mut impl FnMut(LinkEvent<'_>)) {
        self.send_close(code);
        self.note_stability(now);
        self.enter(LinkState::Closing, now);
        sink(LinkEvent::Fault(LinkFault { code: Code::ConnectionLost, detail: code.unwrap_or(0) }));
        sink(LinkEvent::Down);
    }

    /// Only the peer's close frame is of interest now: with it, both sides have closed.
    fn on_closing_bytes(&mut self, now: UnixNanos, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.decoder.next(rest) {
                Ok(step) if !matches!(step.message, Some(WsMessage::Close { .. })) => rest = &rest[step.consumed..],
                _ => {
                    self.action = Some(LinkAction::Close);
                    return self.rest(now, Nanos(0));
                }
            }
        }
    }

    fn give_up(
        &mut self,
        now: UnixNanos,
        code: Code,
        detail: u16,
        action: LinkAction,
        sink: &mut impl FnMut(LinkEvent<'_>),
    ) {
        self.action = Some(action);
        self.lose(now, code, detail, Nanos(0), sink);
    }

    fn lose(&mut self, now: UnixNanos, code: Code, detail: u16, least: Nanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
        sink(LinkEvent::Fault(LinkFault { code, detail }));
        if self.state == LinkState::Open {
            sink(LinkEvent::Down);
        }
        self.note_stability(now);
        self.rest(now, least);
    }

    fn note_stability(&mut self, now: UnixNanos) {
        if self.state == LinkState::Open && now.since(self.since) >= STABLE_AFTER {
            self.backoff.reset();
        }
    }

    /// No connection now; the next one after a pause, at least `least`.
    fn rest(&mut self, now: UnixNanos, least: Nanos) {
        self.handshake = None;
        if self.action != Some(LinkAction::Close) {
            self.out.clear();
        }
        if self.leaving {
            return self.enter(LinkState::Closed, now);
        }
        let pause = self.backoff.failed().max(least);
        self.enter(LinkState::Down(now.plus(pause)), now);
    }

    fn enter(&mut self, state: LinkState, now: UnixNanos) {
        self.state = state;
        self.since = now;
        self.last_byte = now;
        self.pinged = false;
    }

    fn send_close(&mut self, code: Option<u16>) {
        let mask = self.mask();
        ws::close_frame(&mut self.out, code, "", Some(mask));
    }

    fn mask(&mut self) -> [u8; 4] {
        (self.backoff.random() as u32).to_le_bytes()
    }
}

/// Takes an address apart, or says what of it is wrong.
pub(super) fn parse_url(text: &str) -> Result<Url, Fault> {
    Url::parse(text).map_err(|fault| {
        let fields = vec![("what", format!("\"{text}\"")), ("allowed", fault.allowed().to_string())];
        Fault::new(fault.code(), format!("\"{text}\" is no address that can be used"), fields)
    })
}

/// Seconds of a Retry-After as a wait, within its bound.
pub(super) fn retry_after(seconds: Option<u32>) -> Nanos {
    Nanos::from_millis(u64::from(seconds.unwrap_or(0)) * 1_000).min(RETRY_AFTER_MAX)
}
