//! # Room card: book/market
//! In:    depth diffs, snapshots and best-bid-and-offer prints of one instrument.
//! Out:   `MarketBook`: the L2 with its validity, the L1, and the touch that is the newer of the two.
//! Holds: the L1 has its own update id and never edits the L2; an invalid L2 gives no touch.
//! Costs: a store per L1 print; a touch is a comparison and at most four loads.
use crate::ladder::{Ladder, Levels};
use crate::sync::{Counts, DepthOutcome, DepthSync, Rule};
use types::{Code, DepthHeader, Level, Lots, Side, SnapshotHeader, Ticks, Touch, TouchPrint, UnixNanos};

/// What an L1 print did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TouchOutcome {
    /// It is the L1 now.
    Updated,
    /// Its update id is not above the last one: skipped.
    Stale,
    /// Malformed (a negative quantity): refused, the L1 is as before.
    Refused(Code),
}

/// Which feed a touch comes from; the numbers are those of `Event::detail` of a `Touch` event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TouchSource {
    /// Best-bid-and-offer prints.
    L1 = 1,
    /// The depth book.
    L2 = 2,
}

/// The best bid and ask, and what they are worth as evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookTouch {
    /// Best bid and ask. A side may be missing, and an L1 may be printed crossed: see `Touch::is_two_sided`.
    pub touch: Touch,
    /// Update id it is the state after.
    pub update_id: u64,
    /// Where it comes from.
    pub source: TouchSource,
    /// The exchange's stamp; `NONE` when the message had none.
    pub exchange_time: UnixNanos,
}

/// How often what happened to L1 prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TouchCounts {
    /// Prints taken.
    pub updated: u64,
    /// Prints skipped as not newer.
    pub stale: u64,
    /// Prints refused as malformed.
    pub refused: u64,
}

/// Everything known about one instrument's market: L2 and L1.
pub struct MarketBook {
    depth: DepthSync,
    l1: Option<BookTouch>,
    touch_counts: TouchCounts,
}

impl MarketBook {
    /// Nothing known yet. About 4 MB, all taken here.
    pub fn new(rule: Rule) -> MarketBook {
        MarketBook { depth: DepthSync::new(rule), l1: None, touch_counts: TouchCounts::default() }
    }

    /// Takes a depth diff; see `DepthSync::on_depth`.
    #[inline]
    pub fn on_depth(&mut self, header: &DepthHeader, bids: &[Level], asks: &[Level]) -> DepthOutcome {
        self.depth.on_depth(header, bids, asks)
    }

    /// Takes a snapshot; see `DepthSync::on_snapshot`.
    pub fn on_snapshot(&mut self, header: &SnapshotHeader, bids: &[Level], asks: &[Level]) -> DepthOutcome {
        self.depth.on_snapshot(header, bids, asks)
    }

    /// Takes an L1 print. One-sided, empty and crossed ones are taken too: they are what the venue shows.
    #[inline]
    pub fn on_touch(&mut self, print: &TouchPrint) -> TouchOutcome {
        if print.touch.bid_lots.0 < 0 || print.touch.ask_lots.0 < 0 {
            self.touch_counts.refused += 1;
            return TouchOutcome::Refused(Code::BookNegative);
        }
        if self.l1.is_some_and(|l1| print.update_id <= l1.update_id) {
            self.touch_counts.stale += 1;
            return TouchOutcome::Stale;
        }
        self.touch_counts.updated += 1;
        self.l1 = Some(BookTouch {
            touch: print.touch,
            update_id: print.update_id,
            source: TouchSource::L1,
            exchange_time: print.exchange_time,
        });
        TouchOutcome::Updated
    }

    /// The market-data connection is down: L2 invalid, L1 unknown. Update ids may start anywhere afterwards.
    pub fn on_disconnect(&mut self) {
        self.depth.on_disconnect();
        self.l1 = None;
    }

    /// The newer of L1 and valid L2 by update id; the L1 when both are the same state. `None` when neither is known.
    #[inline]
    pub fn touch(&self) -> Option<BookTouch> {
        match (self.l1, self.depth.last_id()) {
            (Some(l1), Some(l2_id)) if l1.update_id < l2_id => self.l2_touch(),
            (Some(l1), _) => Some(l1),
            (None, _) => self.l2_touch(),
        }
    }

    /// The touch of the L1 feed alone.
    #[inline]
    pub fn l1_touch(&self) -> Option<BookTouch> {
        self.l1
    }

    /// The touch of the L2 alone; `None` while it is invalid.
    #[inline]
    pub fn l2_touch(&self) -> Option<BookTouch> {
        Some(BookTouch {
            update_id: self.depth.last_id()?,
            touch: self.depth.ladder().touch(),
            source: TouchSource::L2,
            exchange_time: self.depth.exchange_time(),
        })
    }

    /// Is the L2 the venue's state?
    #[inline]
    pub fn is_valid(&self) -> bool {
        self.depth.is_valid()
    }
    /// Update id the L2 is the state after; `None` while invalid.
    #[inline]
    pub fn last_id(&self) -> Option<u64> {
        self.depth.last_id()
    }
    /// The L2; empty while invalid.
    #[inline]
    pub fn ladder(&self) -> &Ladder {
        self.depth.ladder()
    }
    /// L2 levels of a side from best to worst; none while invalid.
    #[inline]
    pub fn levels(&self, side: Side) -> Levels<'_> {
        self.depth.ladder().levels(side)
    }
    /// L2 total at a price; zero when there is no level or the book is invalid.
    #[inline]
    pub fn quantity_at(&self, side: Side, price: Ticks) -> Lots {
        self.depth.ladder().quantity_at(side, price)
    }
    /// See `DepthSync::take_snapshot_request`.
    #[inline]
    pub fn take_snapshot_request(&mut self) -> bool {
        self.depth.take_snapshot_request()
    }
    /// How often what happened to depth messages.
    pub fn counts(&self) -> &Counts {
        self.depth.counts()
    }
    /// How often what happened to L1 prints.
    pub fn touch_counts(&self) -> &TouchCounts {
        &self.touch_counts
    }
}
