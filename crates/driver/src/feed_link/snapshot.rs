//! # Room card: driver/feed_link/snapshot
//! In:    wishes for one instrument's depth snapshot; what happens to the connection that fetches it.
//! Out:   the body of the answer, whole; the GET to send.
//! Holds: one fetch at a time; two begin at least `spacing` apart; after a refusal a pause, the server's if it names
//!        one; at most `INPUT_BYTES_MAX` bytes of body.
//! Costs: cold path; one copy of the body.
use types::limits::INPUT_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, Fault, Nanos, UnixNanos};
use wire::http::{HttpResponse, ResponseReader, Url, get_request};

use super::market::{parse_url, retry_after};
use super::{Backoff, LinkAction, LinkEvent, LinkFault};

/// Longest wait for an answer, from the wish to connect to its last byte.
pub const FETCH_WAIT: Nanos = Nanos::from_millis(10_000);
/// Least time between the beginnings of two fetches of one instrument at a public venue: a depth request is the dearest
/// there is against its rate limit.
pub const SNAPSHOT_SPACING: Nanos = Nanos::from_millis(1_000);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Nothing is wished for.
    Idle,
    /// Wished for; begins at this time.
    Paused(UnixNanos),
    /// Asked for a connection.
    Connecting,
    /// The GET is sent.
    Asked,
}

/// Fetches the snapshot of one instrument, once for each wish.
#[derive(Debug)]
pub struct SnapshotFetch {
    url: Url,
    spacing: Nanos,
    stage: Stage,
    /// When the fetch under way, or the last one, began.
    begun: UnixNanos,
    /// Not before this, whatever is wished.
    paused_until: UnixNanos,
    reader: ResponseReader,
    backoff: Backoff,
    out: Vec<u8>,
    action: Option<LinkAction>,
}

impl SnapshotFetch {
    /// For the address `template`, in which `{symbol}` stands for the instrument's symbol. `spacing` is
    /// `SNAPSHOT_SPACING` for a public venue. `ConfigInvalid` if the address cannot be taken apart.
    pub fn new(template: &str, symbol: &str, spacing: Nanos, entropy: SplitMix64) -> Result<SnapshotFetch, Fault> {
        Ok(SnapshotFetch {
            url: parse_url(&template.replace("{symbol}", symbol))?,
            spacing,
            stage: Stage::Idle,
            begun: UnixNanos::NONE,
            paused_until: UnixNanos::NONE,
            reader: ResponseReader::new(INPUT_BYTES_MAX),
            backoff: Backoff::new(entropy),
            out: Vec::new(),
            action: None,
        })
    }

    /// Where to connect to.
    pub fn url(&self) -> &Url {
        &self.url
    }
    /// True from the wish to the body.
    pub fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
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

    /// The engine wants a snapshot. While one is being fetched this changes nothing: if that one is too old the engine
    /// asks again.
    pub fn want(&mut self, now: UnixNanos) {
        if self.stage == Stage::Idle {
            let spaced = if self.begun == UnixNanos::NONE { now } else { self.begun.plus(self.spacing) };
            self.stage = Stage::Paused(now.max(spaced).max(self.paused_until));
        }
    }

    /// No fetch begins before `until`: a venue's limit counts the requests of all instruments together, so a pause that
    /// one fetch was told (`paused_until`) is for all of them.
    pub fn pause(&mut self, until: UnixNanos) {
        self.paused_until = self.paused_until.max(until);
        if let Stage::Paused(at) = self.stage {
            self.stage = Stage::Paused(at.max(until));
        }
    }
    /// The end of the longest pause the server has asked for.
    pub fn paused_until(&self) -> UnixNanos {
        self.paused_until
    }

    /// When `on_time` is to be called at the latest; `None` while nothing is wished for.
    pub fn deadline(&self) -> Option<UnixNanos> {
        match self.stage {
            Stage::Idle => None,
            Stage::Paused(at) => Some(at),
            Stage::Connecting | Stage::Asked => Some(self.begun.plus(FETCH_WAIT)),
        }
    }

    /// Time has come to `now`: begins a fetch, or gives one up.
    pub fn on_time(&mut self, now: UnixNanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
        match self.deadline() {
            Some(deadline) if now >= deadline => {}
            _ => return,
        }
        match self.stage {
            Stage::Paused(_) => {
                self.stage = Stage::Connecting;
                self.begun = now;
                self.action = Some(LinkAction::Connect);
            }
            Stage::Connecting => self.fail(now, Code::ConnectFailed, 0, Nanos(0), sink),
            Stage::Asked => self.fail(now, Code::HttpRefused, 0, Nanos(0), sink),
            Stage::Idle => {}
        }
    }

    /// The connection is made (TLS too): asks.
    pub fn on_up(&mut self) {
        if self.stage != Stage::Connecting {
            return;
        }
        self.out.clear();
        get_request(&mut self.out, &self.url.authority(), &self.url.path, false);
        self.reader.reset();
        self.stage = Stage::Asked;
    }

    /// Bytes came. `sink` gets the body as a `Message`, or a `Fault`.
    pub fn on_bytes(&mut self, now: UnixNanos, bytes: &[u8], sink: &mut impl FnMut(LinkEvent<'_>)) {
        if self.stage != Stage::Asked {
            return;
        }
        let answer = match self.reader.next(bytes) {
            Ok(step) => step.message.map(|response| judge(&response, sink)),
            Err(code) => Some(Err(Refusal { code, status: 0, retry_after: Nanos(0) })),
        };
        self.settle(now, answer, LinkAction::Abort, sink);
    }

    /// The connection failed or ended: that ends a body of no stated length.
    pub fn on_down(&mut self, now: UnixNanos, code: Code, sink: &mut impl FnMut(LinkEvent<'_>)) {
        let lost = Refusal { code, status: 0, retry_after: Nanos(0) };
        let answer = match self.stage {
            Stage::Idle | Stage::Paused(_) => return,
            Stage::Connecting => Err(lost),
            // A connection that failed has not carried all of it; a body cut short unseen is JSON refused whole.
            Stage::Asked if code != Code::ConnectionLost => Err(lost),
            Stage::Asked => match self.reader.ended() {
                Ok(Some(response)) => judge(&response, sink),
                Ok(None) => Err(lost),
                Err(code) => Err(Refusal { code, ..lost }),
            },
        };
        self.settle(now, Some(answer), LinkAction::Abort, sink);
        self.action = None;
    }

    fn settle(
        &mut self,
        now: UnixNanos,
        answer: Option<Result<(), Refusal>>,
        action: LinkAction,
        sink: &mut impl FnMut(LinkEvent<'_>),
    ) {
        match answer {
            None => {}
            Some(Ok(())) => {
                self.backoff.reset();
                self.stage = Stage::Idle;
                self.out.clear();
                self.action = Some(action);
            }
            Some(Err(refusal)) => self.fail(now, refusal.code, refusal.status, refusal.retry_after, sink),
        }
    }

    /// The fetch under way failed; the next attempt is after a pause, at least `least`.
    fn fail(&mut self, now: UnixNanos, code: Code, detail: u16, least: Nanos, sink: &mut impl FnMut(LinkEvent<'_>)) {
        sink(LinkEvent::Fault(LinkFault { code, detail }));
        if least > Nanos(0) {
            self.paused_until = self.paused_until.max(now.plus(least));
        }
        let at = now.plus(self.backoff.failed()).max(self.begun.plus(self.spacing)).max(self.paused_until);
        self.stage = Stage::Paused(at);
        self.out.clear();
        self.action = Some(LinkAction::Abort);
    }
}

/// Why there is no body.
#[derive(Clone, Copy)]
struct Refusal {
    code: Code,
    status: u16,
    retry_after: Nanos,
}

/// Gives out the body of a 200, or says why not.
fn judge(response: &HttpResponse<'_>, sink: &mut impl FnMut(LinkEvent<'_>)) -> Result<(), Refusal> {
    if response.status == 200 {
        sink(LinkEvent::Message(response.body));
        return Ok(());
    }
    let retry_after = retry_after(response.retry_after);
    Err(Refusal { code: Code::HttpRefused, status: response.status, retry_after })
}
