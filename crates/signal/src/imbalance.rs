//! # Room card: signal/imbalance
//! In:    touches, trades, with times.
//! Out:   `OrderFlowImbalance` (lots, of the touch), `TradeFlowImbalance` (-1 to 1, of trades), `queue_imbalance`.
//! Holds: sums are exact integers over a window of time; the two flows are different things and have different names.
//! Costs: O(1) amortised: each event enters and leaves once.
use types::{Lots, Side, Touch, UnixNanos};

use crate::fault::SignalFault;
use crate::window::{TimeWindow, WindowParams, nearest};

/// Largest quantity a flow takes, lots; a larger or negative one is refused and counted.
pub const FLOW_LOTS_MAX: i64 = 1 << 53;

/// Order-flow imbalance of the touch (Cont, Kukanov, Stoikov 2014, J. Financ. Econometrics 12, p. 47, eq. 4 and 10).
///
/// On a desk: how much demand has come to the best bid, less what has come to the best ask, counting new orders,
/// cancels and trades alike: limit buys and market buys push it up. The event of one update is
/// `e = 1[Pb ≥ Pb']·qb - 1[Pb ≤ Pb']·qb' - 1[Pa ≤ Pa']·qa + 1[Pa ≥ Pa']·qa'`, with ' for the touch before; the
/// imbalance is Σ e over the window, in lots. A side that vanishes takes its quantity away, one that appears brings
/// it.
#[derive(Debug)]
pub struct OrderFlowImbalance {
    window: TimeWindow<i64>,
    last: Option<Touch>,
    sum: i128,
    rejected: u64,
}

/// What one side's change brings, from (price', lots') to (price, lots), where a higher price is better.
#[inline]
fn arrived(before: (i64, i64), after: (i64, i64)) -> i64 {
    let (had, has) = (before.1 > 0, after.1 > 0);
    let brought = if has && (!had || after.0 >= before.0) { after.1 } else { 0 };
    let taken = if had && (!has || after.0 <= before.0) { before.1 } else { 0 };
    brought - taken
}

impl OrderFlowImbalance {
    /// An empty window.
    pub fn new(params: &WindowParams) -> Result<OrderFlowImbalance, SignalFault> {
        Ok(OrderFlowImbalance { window: TimeWindow::new(params)?, last: None, sum: 0, rejected: 0 })
    }

    /// Takes the touch after an update; the event e in lots, `None` for the first touch and for one with a quantity
    /// below zero or above `FLOW_LOTS_MAX` (counted, not taken).
    #[inline]
    pub fn on_touch(&mut self, now: UnixNanos, touch: &Touch) -> Option<i64> {
        let sane = |lots: Lots| (0..=FLOW_LOTS_MAX).contains(&lots.0);
        if !(sane(touch.bid_lots) && sane(touch.ask_lots)) {
            self.rejected += 1;
            return None;
        }
        self.advance(now);
        let before = self.last.replace(*touch)?;
        let bids = arrived((before.bid.0, before.bid_lots.0), (touch.bid.0, touch.bid_lots.0));
        // For asks a lower price is the better one; `!` turns the order round without overflow.
        let asks = arrived((!before.ask.0, before.ask_lots.0), (!touch.ask.0, touch.ask_lots.0));
        let event = bids - asks;
        if let Some(gone) = self.window.pop_for_room() {
            self.sum -= i128::from(gone);
        }
        self.window.push(event);
        self.sum += i128::from(event);
        Some(event)
    }

    /// Lets events older than the window leave, without a new one.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        self.window.clock(now);
        while let Some(gone) = self.window.pop_expired() {
            self.sum -= i128::from(gone);
        }
    }

    /// Σ e over the window, lots; exact.
    #[inline]
    pub fn lots(&self) -> i128 {
        self.sum
    }
    /// Events in the window.
    pub fn events(&self) -> usize {
        self.window.len()
    }
    /// Events that left before their time because the window had no room.
    pub fn dropped(&self) -> u64 {
        self.window.dropped()
    }
    /// Touches refused so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
    /// The next touch has none before it: after a gap of the feed, whose change is no flow that was seen.
    pub fn forget_touch(&mut self) {
        self.last = None;
    }
}

/// Trade-flow imbalance: (buys - sells)/(buys + sells) of the volume that aggressors traded in the window.
///
/// On a desk: who is in a hurry, from -1 (all sells) to 1 (all buys). It sees trades only; `OrderFlowImbalance` sees
/// the touch.
#[derive(Debug)]
pub struct TradeFlowImbalance {
    window: TimeWindow<i64>,
    /// Buys, sells, lots.
    lots: [i128; 2],
    rejected: u64,
}

impl TradeFlowImbalance {
    /// An empty window.
    pub fn new(params: &WindowParams) -> Result<TradeFlowImbalance, SignalFault> {
        Ok(TradeFlowImbalance { window: TimeWindow::new(params)?, lots: [0; 2], rejected: 0 })
    }

    /// Takes a trade; false (and counted) when the quantity is not from 1 to `FLOW_LOTS_MAX`.
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, aggressor: Side, quantity: Lots) -> bool {
        if !(1..=FLOW_LOTS_MAX).contains(&quantity.0) {
            self.rejected += 1;
            return false;
        }
        self.advance(now);
        if let Some(gone) = self.window.pop_for_room() {
            self.remove(gone);
        }
        self.window.push(aggressor.sign() * quantity.0);
        self.lots[aggressor.index()] += i128::from(quantity.0);
        true
    }

    /// Lets trades older than the window leave, without a new one.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        self.window.clock(now);
        while let Some(gone) = self.window.pop_expired() {
            self.remove(gone);
        }
    }

    #[inline]
    fn remove(&mut self, signed: i64) {
        self.lots[usize::from(signed < 0)] -= i128::from(signed.unsigned_abs());
    }

    /// The imbalance, -1 to 1; `None` without a trade in the window.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let [buys, sells] = self.lots;
        if buys + sells > 0 { Some(nearest(buys - sells) / nearest(buys + sells)) } else { None }
    }
    /// Lots bought and sold by aggressors in the window; exact.
    #[inline]
    pub fn volumes(&self) -> (i128, i128) {
        (self.lots[0], self.lots[1])
    }
    /// Trades in the window.
    pub fn trades(&self) -> usize {
        self.window.len()
    }
    /// Trades that left before their time because the window had no room.
    pub fn dropped(&self) -> u64 {
        self.window.dropped()
    }
    /// Trades refused so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
}

/// Queue imbalance (bid lots - ask lots)/(bid lots + ask lots) of a touch, -1 to 1 (Gould, Bonart 2016, Market
/// Microstructure and Liquidity 2, eq. 1). `None` when a side is missing or the touch is crossed.
///
/// On a desk: which way the next change of the mid is likelier to go. O(1).
#[inline]
pub fn queue_imbalance(touch: &Touch) -> Option<f64> {
    if !touch.is_two_sided() {
        return None;
    }
    let (bid, ask) = (touch.bid_lots.0 as f64, touch.ask_lots.0 as f64);
    Some((bid - ask) / (bid + ask))
}
