//! # Room card: quote/calibrate/watch
//! In:    the touches and trades of one market in the order of their arrival.
//! Out:   a `DepthTally` a side: how long the touch stood where, and how deep each market order went.
//! Holds: depths count from the mid just before the order; prints of one order are one order; every omission counted.
//! Costs: O(1) a touch; a trade looks back over the touches of its own stamp, at most `TOUCHES_KEPT`; no allocation
//!        after construction.
//!
//! **One order, several prints.** A market order that walks the book prints a trade a price or a counterparty. Prints
//! of one aggressor side with the same exchange time, one after the other, are taken as one order, whose depth is that
//! of its farthest print. Two orders of a side in one stamp of the exchange are taken for one. Prints without a stamp
//! are an order each.
//!
//! **The mid before it.** Touches and trades come in the order of arrival, in which the touch that a trade leaves
//! behind may come first. The mid is that of the newest touch that the exchange stamped before the trade; where touches
//! or trades carry no stamp (spot book tickers), that of the newest one received.
use std::collections::VecDeque;

use types::{Side, Ticks, Touch, TradePrint, UnixNanos};

use super::likelihood::FitRefusal;
use super::tally::DepthTally;

/// Touches remembered for trades that arrive after the touch they left behind.
const TOUCHES_KEPT: usize = 256;
/// Seconds without a message after which nobody was watching.
const GAP_SECONDS: f64 = 10.0;

/// A touch as a trade may find it.
#[derive(Clone, Copy, Debug)]
struct SeenTouch {
    exchange_time: UnixNanos,
    mid_half_ticks: i64,
}

/// The market order whose prints are coming in.
#[derive(Clone, Copy, Debug)]
struct MarketOrder {
    aggressor: Side,
    exchange_time: UnixNanos,
    mid_half_ticks: i64,
    farthest: Ticks,
}

/// What was not watched, of the whole stretch.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Unwatched {
    /// Pauses of ten seconds or more in which nothing came: taken for an interrupted feed.
    pub gaps: u64,
    /// Their length.
    pub gap_seconds: f64,
    /// Seconds without a two-sided touch.
    pub seconds_without_touch: f64,
    /// Prints without any touch before them.
    pub prints_without_mid: u64,
}

/// One market watched for the calibration of A and κ.
#[derive(Clone, Debug)]
pub struct DepthWatch {
    /// By `Side::index` of our quote that such orders fill.
    tallies: [DepthTally; 2],
    touches: VecDeque<SeenTouch>,
    /// Half ticks from the mid to the touch, and the mid.
    standing: Option<(i64, i64)>,
    order: Option<MarketOrder>,
    last: UnixNanos,
    unwatched: Unwatched,
}

impl DepthWatch {
    /// Nothing seen; the arguments are those of `DepthTally::new`. Errors: `OutOfRange`.
    pub fn new(tick_price: f64, levels: usize, nearest_half_ticks: i64) -> Result<DepthWatch, FitRefusal> {
        let tally = DepthTally::new(tick_price, levels, nearest_half_ticks)?;
        Ok(DepthWatch {
            tallies: [tally.clone(), tally],
            touches: VecDeque::with_capacity(TOUCHES_KEPT),
            standing: None,
            order: None,
            last: UnixNanos::NONE,
            unwatched: Unwatched::default(),
        })
    }

    /// Counts the time since the event before as watched, at the touch that stood. Call it before the event is told.
    #[inline]
    pub fn pass_time(&mut self, now: UnixNanos) {
        let seconds = now.since(self.last).as_seconds();
        if self.last != UnixNanos::NONE && seconds > GAP_SECONDS {
            self.unwatched.gaps += 1;
            self.unwatched.gap_seconds += seconds;
        } else if let Some((touch_half_ticks, _)) = self.standing
            && self.last != UnixNanos::NONE
        {
            for tally in &mut self.tallies {
                tally.on_watched(touch_half_ticks, seconds);
            }
        } else if self.last != UnixNanos::NONE && seconds > 0.0 {
            self.unwatched.seconds_without_touch += seconds;
        }
        self.last = self.last.max(now);
    }

    /// The touch after an event, with its stamp; `None` where there is none. The mid, if it has one.
    #[inline]
    pub fn on_touch(&mut self, touch: Option<&Touch>, exchange_time: UnixNanos) -> Option<i64> {
        let standing =
            touch.and_then(|touch| touch.mid_half_ticks().map(|mid| (touch.ask.0.saturating_sub(touch.bid.0), mid)));
        if let Some((_, mid_half_ticks)) = standing
            && standing != self.standing
        {
            if self.touches.len() == TOUCHES_KEPT {
                self.touches.pop_front();
            }
            self.touches.push_back(SeenTouch { exchange_time, mid_half_ticks });
        }
        self.standing = standing;
        standing.map(|(_, mid)| mid)
    }

    /// A trade of the market.
    pub fn on_trade(&mut self, print: &TradePrint) {
        let stamped = print.exchange_time != UnixNanos::NONE;
        if let Some(order) = &mut self.order
            && stamped
            && (order.aggressor, order.exchange_time) == (print.aggressor, print.exchange_time)
        {
            let farther = print.price.0.saturating_sub(order.farthest.0).saturating_mul(print.aggressor.sign()) > 0;
            order.farthest = if farther { print.price } else { order.farthest };
            return;
        }
        self.end_order();
        let before = |touch: &&SeenTouch| !stamped || touch.exchange_time < print.exchange_time;
        match self.touches.iter().rev().find(before) {
            Some(touch) => {
                self.order = Some(MarketOrder {
                    aggressor: print.aggressor,
                    exchange_time: print.exchange_time,
                    mid_half_ticks: touch.mid_half_ticks,
                    farthest: print.price,
                });
            }
            None => self.unwatched.prints_without_mid += 1,
        }
    }

    /// No further print belongs to the last order: it counts from now on. The next order ends it by itself.
    pub fn end_order(&mut self) {
        if let Some(order) = self.order.take() {
            let above_mid = order.farthest.0.saturating_mul(2).saturating_sub(order.mid_half_ticks);
            let depth = above_mid.saturating_mul(order.aggressor.sign());
            self.tallies[order.aggressor.opposite().index()].on_order(depth);
        }
    }

    /// Orders that would fill our quote of a side, and the time they had for it.
    pub fn tally(&self, side: Side) -> &DepthTally {
        &self.tallies[side.index()]
    }

    /// The same, to refit and to forget.
    pub fn tally_mut(&mut self, side: Side) -> &mut DepthTally {
        &mut self.tallies[side.index()]
    }

    /// What was not watched.
    pub fn unwatched(&self) -> &Unwatched {
        &self.unwatched
    }

    /// Time of the last event.
    pub fn last(&self) -> UnixNanos {
        self.last
    }
}
