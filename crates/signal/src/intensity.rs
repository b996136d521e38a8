//! # Room card: signal/intensity
//! In:    trades with the mid at their time.
//! Out:   `TradeIntensity`: how many trades a second reach at least a depth from the mid, by side.
//! Holds: counts are exact over a window of time; the time observed is said with them, so that a rate has its
//!        exposure.
//! Costs: O(1) per trade; a read sums the depths beyond the one asked for.
use types::{Side, Ticks, UnixNanos};

use crate::fault::{SignalFault, in_range};
use crate::window::{TimeWindow, WindowParams};

/// Most depths of a table, half ticks.
pub const DEPTHS_MAX: usize = 8_192;

/// Arrival rate of trades by the depth they reach: what the calibration of A and κ is fitted to.
///
/// On a desk: with an order resting `depth` from the mid, how often it would be reached. Depth is the distance of the
/// trade's price from the mid on the side that was hit, in half ticks (a mid may lie between ticks); a trade reaches
/// every depth up to its own. Exceedance, not density: the rate at depth δ is of trades at δ **or beyond**, the
/// Λ(δ) = A·e^(-κδ) of Avellaneda and Stoikov (2008, Quant. Finance 8, eq. 2.11).
#[derive(Debug)]
pub struct TradeIntensity {
    window: TimeWindow<u32>,
    /// Trades by side (aggressor buys first) and depth; the last depth holds all beyond.
    counts: [Box<[u64]>; 2],
    /// When observing began.
    start: Option<UnixNanos>,
    inside: u64,
}

impl TradeIntensity {
    /// An empty window; depths from 0 to `depth_half_ticks_max` (1 to `DEPTHS_MAX` - 1).
    pub fn new(params: &WindowParams, depth_half_ticks_max: usize) -> Result<TradeIntensity, SignalFault> {
        in_range("depthHalfTicksMax", depth_half_ticks_max as f64, 1.0, (DEPTHS_MAX - 1) as f64)?;
        let row = || vec![0; depth_half_ticks_max + 1].into_boxed_slice();
        Ok(TradeIntensity { window: TimeWindow::new(params)?, counts: [row(), row()], start: None, inside: 0 })
    }

    /// Takes a trade, with bid + ask in ticks just before it. False (and counted) when the price lies on the other
    /// side of the mid: it reached no depth.
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, aggressor: Side, price: Ticks, mid_half_ticks: i64) -> bool {
        self.advance(now);
        let depth = i128::from(aggressor.sign()) * (2 * i128::from(price.0) - i128::from(mid_half_ticks));
        if depth < 0 {
            self.inside += 1;
            return false;
        }
        let depth = depth.min(self.counts[0].len() as i128 - 1) as u32;
        if let Some(gone) = self.window.pop_for_room() {
            self.remove(gone);
        }
        self.window.push(depth << 1 | aggressor.index() as u32);
        self.counts[aggressor.index()][depth as usize] += 1;
        true
    }

    /// Lets trades older than the window leave; time without trades is observed, too, and must be told by this.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        let now = self.window.clock(now);
        self.start.get_or_insert(now);
        while let Some(gone) = self.window.pop_expired() {
            self.remove(gone);
        }
    }

    #[inline]
    fn remove(&mut self, packed: u32) {
        self.counts[(packed & 1) as usize][(packed >> 1) as usize] -= 1;
    }

    /// Trades of aggressors of `side` in the window that reached at least `depth_half_ticks`; 0 beyond the table.
    pub fn reached(&self, side: Side, depth_half_ticks: usize) -> u64 {
        self.counts[side.index()].get(depth_half_ticks..).map_or(0, |deeper| deeper.iter().sum())
    }

    /// Seconds observed: since the first event, at most the window.
    pub fn exposure_seconds(&self) -> f64 {
        let since = self.start.map_or(0, |start| self.window.now().since(start).0);
        since.min(self.window.length().0) as f64 / 1e9
    }

    /// Trades a second that reach at least `depth_half_ticks` on the side aggressors of `side` take from; `None`
    /// before any time was observed. Its standard error is the rate over √(trades reached).
    pub fn rate_per_second(&self, side: Side, depth_half_ticks: usize) -> Option<f64> {
        let seconds = self.exposure_seconds();
        if seconds > 0.0 { Some(self.reached(side, depth_half_ticks) as f64 / seconds) } else { None }
    }

    /// Trades by exact depth, index = half ticks, the last with all beyond: what a calibration reads.
    pub fn counts(&self, side: Side) -> &[u64] {
        &self.counts[side.index()]
    }
    /// Trades refused because they lay on the other side of the mid.
    pub fn inside(&self) -> u64 {
        self.inside
    }
    /// Trades that left before their time because the window had no room.
    pub fn dropped(&self) -> u64 {
        self.window.dropped()
    }
}
