//! # Room card: book/sync
//! In:    depth diffs and snapshots of one instrument, in the order received.
//! Out:   an L2 that is exactly the venue's state after update `last_id`, or invalid and empty; a typed outcome each.
//! Holds: valid = one snapshot and an unbroken chain of diffs since; the buffer is an unbroken chain of its own.
//! Costs: a pass over the message to check it, then one ladder update per level; no allocation after `new`.
//!
//! Rules (U, u, pu = first, last, previous update id; L = lastUpdateId of a snapshot):
//! - USD-M: drop buffered diffs with u < L; the first kept has U <= L <= u; each next has pu = previous u. Source:
//!   Binance USD-M futures, "How to manage a local order book correctly". A first diff with pu = L follows the snapshot
//!   exactly and is taken as well (the document leaves it out; refusing it would cost a snapshot and gain nothing).
//! - Spot: drop buffered diffs with u <= L; the first kept has U <= L + 1 <= u; each next has U = previous u + 1.
//!   Source: Binance spot, same title.
use crate::buffer::DiffBuffer;
use crate::ladder::Ladder;
use types::config::Feed;
use types::limits::LEVELS_PER_MESSAGE_MAX;
use types::{Code, DepthHeader, Level, Side, SnapshotHeader, UnixNanos};

/// How a venue numbers its diffs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Binance USD-M futures: `pu` = previous `u`.
    Usdm,
    /// Binance spot: `U` = previous `u` + 1.
    Spot,
}

impl Rule {
    /// The rule of a feed; `None` when the feed has no diffs to number.
    pub const fn for_feed(feed: Feed) -> Option<Rule> {
        match feed {
            Feed::BinanceUsdm => Some(Rule::Usdm),
            Feed::BinanceSpot => Some(Rule::Spot),
            Feed::Normalised => None,
        }
    }

    /// Is everything in the diff already in a snapshot at `snapshot_id`?
    const fn is_before(self, header: &DepthHeader, snapshot_id: u64) -> bool {
        match self {
            Rule::Usdm => header.last_id < snapshot_id,
            Rule::Spot => header.last_id <= snapshot_id,
        }
    }

    /// May the diff be the first after a snapshot at `snapshot_id`, not being before it?
    const fn joins(self, header: &DepthHeader, snapshot_id: u64) -> bool {
        match self {
            Rule::Usdm => {
                header.first_id <= snapshot_id && snapshot_id <= header.last_id || self.follows(header, snapshot_id)
            }
            Rule::Spot => header.first_id <= snapshot_id.saturating_add(1) && snapshot_id < header.last_id,
        }
    }

    /// Is the diff the next after update `last_id`?
    const fn follows(self, header: &DepthHeader, last_id: u64) -> bool {
        let (expected, got) = self.link(header, last_id);
        expected == got
    }

    /// The id that the next diff after `last_id` must name, and the one this diff names.
    const fn link(self, header: &DepthHeader, last_id: u64) -> (u64, u64) {
        match (self, header.previous_id) {
            (Rule::Usdm, Some(previous_id)) => (last_id, previous_id),
            // Unreachable for USD-M, whose diffs are refused without `pu`.
            (Rule::Usdm, None) | (Rule::Spot, _) => (last_id.saturating_add(1), header.first_id),
        }
    }
}

/// What a depth message did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DepthOutcome {
    /// No snapshot yet: kept for the join. The book stays invalid.
    Buffered {
        /// Diffs in the buffer now.
        diffs: u32,
        /// Old diffs that had to go to make room; `BookBufferFull` when not zero.
        dropped: u32,
    },
    /// Older than the state: skipped.
    Stale,
    /// Applied; the book is valid.
    Applied,
    /// A snapshot and the buffered diffs after it were applied; the book is valid from here.
    Joined {
        /// Buffered diffs applied on top of the snapshot.
        replayed: u32,
    },
    /// The snapshot is older than the first buffered diff, so updates between them are missing; the book stays invalid.
    SnapshotOld {
        /// Update id of the snapshot.
        snapshot: u64,
        /// First update id of the oldest buffered diff.
        first: u64,
    },
    /// The diff does not follow: the book is invalid and empty, the diff is the first of a new buffer.
    Gap {
        /// Update id the diff should have named (`pu` on USD-M, `U` on spot).
        expected: u64,
        /// Update id it names.
        got: u64,
    },
    /// Best bid at or above best ask after the message: the book is invalid and empty.
    Crossed,
    /// More levels than the ladder holds: the book is invalid and empty.
    Full,
    /// The message is malformed and was refused whole; the state is as before.
    Refused(Code),
}

impl DepthOutcome {
    /// The code to publish; `None` for an ordinary update.
    pub const fn code(self) -> Option<Code> {
        match self {
            DepthOutcome::Buffered { dropped: 0, .. } => Some(Code::BookStart),
            DepthOutcome::Buffered { .. } => Some(Code::BookBufferFull),
            DepthOutcome::Stale => Some(Code::StaleUpdate),
            DepthOutcome::Applied => None,
            DepthOutcome::Joined { .. } => Some(Code::BookJoined),
            DepthOutcome::SnapshotOld { .. } | DepthOutcome::Gap { .. } => Some(Code::BookGap),
            DepthOutcome::Crossed => Some(Code::BookCrossed),
            DepthOutcome::Full => Some(Code::BookFull),
            DepthOutcome::Refused(code) => Some(code),
        }
    }
}

/// How often what happened since construction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Diffs put into the buffer.
    pub buffered: u64,
    /// Diffs and snapshots skipped as older than the state, buffered ones dropped at a join included.
    pub stale: u64,
    /// Diffs applied, replayed ones included.
    pub applied: u64,
    /// Snapshots that joined.
    pub joined: u64,
    /// Diffs that did not follow the one before, applied or buffered.
    pub gaps: u64,
    /// Messages after which bid and ask crossed.
    pub crossed: u64,
    /// Messages with more levels than the ladder holds.
    pub full: u64,
    /// Buffered diffs lost to make room for newer ones.
    pub dropped: u64,
    /// Snapshots seen.
    pub snapshots: u64,
    /// Snapshots older than the first buffered diff.
    pub snapshots_old: u64,
    /// Messages refused as malformed.
    pub refused: u64,
    /// Disconnects.
    pub disconnects: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// No usable snapshot: diffs are buffered, the ladder is empty.
    Waiting,
    /// The ladder is the snapshot `last_id`; the next diff must join it.
    Joining,
    /// The ladder is the state after diff `last_id`; the next diff must follow it.
    Following,
}

/// Keeps one instrument's L2 in step with a venue's snapshots and diffs.
pub struct DepthSync {
    rule: Rule,
    state: State,
    ladder: Ladder,
    buffer: DiffBuffer,
    last_id: u64,
    exchange_time: UnixNanos,
    /// Disconnected, and no diff since: a snapshot now may be an answer from before, and nothing would correct it.
    silent: bool,
    snapshot_request: bool,
    counts: Counts,
}

/// Checks what makes a message refused whole. The sign of the bitwise or is the sign of any negative.
fn checked(bids: &[Level], asks: &[Level]) -> Result<(), Code> {
    if bids.len() > LEVELS_PER_MESSAGE_MAX || asks.len() > LEVELS_PER_MESSAGE_MAX {
        return Err(Code::TooManyLevels);
    }
    let signs = bids.iter().chain(asks).fold(0, |signs, level| signs | level.quantity.0);
    if signs < 0 { Err(Code::BookNegative) } else { Ok(()) }
}

/// Applies a checked message. On an error (`BookFull`, `BookCrossed`) the ladder is to be cleared.
fn apply(
    ladder: &mut Ladder,
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
) -> Result<(), Code> {
    for level in bids {
        ladder.set(Side::Buy, level.price, level.quantity)?;
    }
    for level in asks {
        ladder.set(Side::Sell, level.price, level.quantity)?;
    }
    if ladder.is_crossed() { Err(Code::BookCrossed) } else { Ok(()) }
}

impl DepthSync {
    /// Without a snapshot: invalid and empty.
    pub fn new(rule: Rule) -> DepthSync {
        DepthSync {
            rule,
            state: State::Waiting,
            ladder: Ladder::new(),
            buffer: DiffBuffer::new(),
            last_id: 0,
            exchange_time: UnixNanos::NONE,
            silent: false,
            snapshot_request: false,
            counts: Counts::default(),
        }
    }

    /// Is the L2 the venue's state?
    #[inline]
    pub fn is_valid(&self) -> bool {
        self.state != State::Waiting
    }
    /// The L2; empty while invalid.
    #[inline]
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }
    /// Update id the L2 is the state after; `None` while invalid.
    #[inline]
    pub fn last_id(&self) -> Option<u64> {
        if self.is_valid() { Some(self.last_id) } else { None }
    }
    /// The exchange's stamp of the last message applied; `NONE` when it had none or the book is invalid.
    #[inline]
    pub fn exchange_time(&self) -> UnixNanos {
        self.exchange_time
    }
    /// How often what happened.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
    /// True once each time a new snapshot must be fetched: at the first buffered diff, when the book became invalid,
    /// when a snapshot was too old or refused. A lost answer is the caller's to notice: ask again while `is_valid` is
    /// false.
    pub fn take_snapshot_request(&mut self) -> bool {
        core::mem::take(&mut self.snapshot_request)
    }

    /// Takes a diff: applies, buffers or skips it. Any number of levels up to `LEVELS_PER_MESSAGE_MAX` a side.
    pub fn on_depth(&mut self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> DepthOutcome {
        if let Err(code) = self.checked_diff(header, bids, asks) {
            self.counts.refused += 1;
            return DepthOutcome::Refused(code);
        }
        self.silent = false;
        match self.state {
            State::Waiting => return self.on_depth_waiting(header, bids, asks),
            State::Joining if self.rule.is_before(header, self.last_id) => return self.stale(),
            State::Following if header.last_id <= self.last_id => return self.stale(),
            State::Joining if self.rule.joins(header, self.last_id) => {}
            State::Following if self.rule.follows(header, self.last_id) => {}
            State::Joining | State::Following => {
                let (expected, got) = self.rule.link(header, self.last_id);
                self.counts.gaps += 1;
                self.invalidate();
                self.keep(header, bids, asks);
                return DepthOutcome::Gap { expected, got };
            }
        }
        match apply(&mut self.ladder, bids.iter().copied(), asks.iter().copied()) {
            Ok(()) => {
                self.applied(header);
                DepthOutcome::Applied
            }
            Err(code) => {
                let outcome = self.broken(code);
                self.keep(header, bids, asks);
                outcome
            }
        }
    }

    /// Takes a snapshot: joins it with the buffered diffs. While valid, an older or equal one is skipped and a newer
    /// one replaces the book.
    pub fn on_snapshot(&mut self, header: &SnapshotHeader, bids: &[Level], asks: &[Level]) -> DepthOutcome {
        self.counts.snapshots += 1;
        if let Err(code) = checked(bids, asks) {
            self.counts.refused += 1;
            self.snapshot_request |= !self.is_valid();
            return DepthOutcome::Refused(code);
        }
        if self.silent {
            // The request goes out with the first diff of the new connection.
            self.counts.refused += 1;
            return DepthOutcome::Refused(Code::BookDisconnected);
        }
        if self.is_valid() && header.last_id <= self.last_id {
            return self.stale();
        }
        while let Some(diff) = self.buffer.front().filter(|diff| self.rule.is_before(&diff.header, header.last_id)) {
            debug_assert!(diff.header.last_id <= header.last_id);
            self.buffer.pop_front();
            self.counts.stale += 1;
        }
        if let Some(diff) = self.buffer.front().filter(|diff| !self.rule.joins(&diff.header, header.last_id)) {
            self.counts.snapshots_old += 1;
            self.snapshot_request = true;
            return DepthOutcome::SnapshotOld { snapshot: header.last_id, first: diff.header.first_id };
        }
        self.ladder.clear();
        if let Err(code) = apply(&mut self.ladder, bids.iter().copied(), asks.iter().copied()) {
            return self.broken(code);
        }
        (self.state, self.last_id, self.exchange_time) = (State::Joining, header.last_id, header.exchange_time);
        self.replay()
    }

    /// The connection is down: the book is invalid, the buffer is forgotten, and no snapshot joins before a new diff.
    pub fn on_disconnect(&mut self) {
        self.counts.disconnects += 1;
        self.invalidate();
        self.buffer.clear();
        (self.silent, self.snapshot_request) = (true, false);
    }

    fn checked_diff(&self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> Result<(), Code> {
        if self.rule == Rule::Usdm && header.previous_id.is_none() {
            return Err(Code::FieldMissing);
        }
        if header.first_id > header.last_id {
            return Err(Code::BookGap);
        }
        checked(bids, asks)
    }

    /// A diff without a snapshot. The buffer stays one unbroken chain: no snapshot could join across a break, so a diff
    /// that does not follow starts the buffer anew.
    fn on_depth_waiting(&mut self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> DepthOutcome {
        if let Some(back) = self.buffer.back() {
            let last_id = back.header.last_id;
            if header.last_id <= last_id {
                return self.stale();
            }
            if !self.rule.follows(header, last_id) {
                let (expected, got) = self.rule.link(header, last_id);
                self.counts.gaps += 1;
                self.counts.dropped += self.buffer.len() as u64;
                self.buffer.clear();
                self.keep(header, bids, asks);
                return DepthOutcome::Gap { expected, got };
            }
        } else {
            self.snapshot_request = true;
        }
        let dropped = self.keep(header, bids, asks);
        DepthOutcome::Buffered { diffs: self.buffer.len() as u32, dropped }
    }

    /// Applies the buffered diffs to the snapshot just taken.
    fn replay(&mut self) -> DepthOutcome {
        let mut replayed = 0;
        while let Some(diff) = self.buffer.front() {
            debug_assert!(self.state == State::Joining || self.rule.follows(&diff.header, self.last_id));
            if let Err(code) = apply(&mut self.ladder, self.buffer.bids(&diff), self.buffer.asks(&diff)) {
                // The diff stays in the buffer, first of the chain, for the next snapshot.
                return self.broken(code);
            }
            self.applied(&diff.header);
            self.buffer.pop_front();
            replayed += 1;
        }
        self.counts.joined += 1;
        self.snapshot_request = false;
        DepthOutcome::Joined { replayed }
    }

    #[inline]
    fn applied(&mut self, header: &DepthHeader) {
        self.counts.applied += 1;
        (self.state, self.last_id, self.exchange_time) = (State::Following, header.last_id, header.exchange_time);
    }

    fn stale(&mut self) -> DepthOutcome {
        self.counts.stale += 1;
        DepthOutcome::Stale
    }

    fn keep(&mut self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> u32 {
        let dropped = self.buffer.push(header, bids, asks);
        self.counts.buffered += 1;
        self.counts.dropped += dropped as u64;
        dropped
    }

    /// A message could not be applied whole.
    #[cold]
    fn broken(&mut self, code: Code) -> DepthOutcome {
        self.invalidate();
        if code == Code::BookCrossed {
            self.counts.crossed += 1;
            DepthOutcome::Crossed
        } else {
            self.counts.full += 1;
            DepthOutcome::Full
        }
    }

    #[cold]
    fn invalidate(&mut self) {
        self.ladder.clear();
        (self.state, self.last_id, self.exchange_time) = (State::Waiting, 0, UnixNanos::NONE);
        self.snapshot_request = true;
    }
}
