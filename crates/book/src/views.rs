//! # Room card: book/views
//! In:    the levels of a side from best to worst, as `Ladder::levels` and `L3Book::levels` give them.
//! Out:   top n as a flat array, depth to a price or a quantity, cost to trade, weighted mid and micro-price.
//! Holds: sums of lots and of ticks x lots are exact integers; a float is made once, at the end.
//! Costs: one pass over the levels asked for, some 3 ns each, of which finding the level is the larger part.
//!
//! No SIMD: integer sums have no rounding order to fix, and finding the levels in the bitmap costs several times what
//! adding them up does (`cargo run --release -p fafnir-book --example views_cost` prints both).
use types::{Level, Lots, Side, Ticks};

/// What stands on a side up to some level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    /// Levels counted.
    pub levels: usize,
    /// Their lots together.
    pub lots: i128,
    /// Their ticks x lots together; beyond 128 bits it stays at the end of the range.
    pub ticks_lots: i128,
    /// The worst price counted; zero when no level was.
    pub worst: Ticks,
}

impl Depth {
    #[inline]
    fn take(&mut self, price: Ticks, lots: i64) {
        self.levels += 1;
        self.lots += i128::from(lots);
        self.ticks_lots = self.ticks_lots.saturating_add(i128::from(price.0) * i128::from(lots));
        self.worst = price;
    }

    /// Average price in ticks, weighted with the lots; `None` of nothing.
    pub fn average_ticks(&self) -> Option<f64> {
        if self.lots == 0 { None } else { Some(self.ticks_lots as f64 / self.lots as f64) }
    }

    fn of(levels: impl Iterator<Item = Level>) -> Depth {
        let mut depth = Depth::default();
        for level in levels {
            depth.take(level.price, level.quantity.0);
        }
        depth
    }
}

/// Everything on a side at `limit` or better: what a limit order at that price could take.
pub fn depth_to_price(levels: impl Iterator<Item = Level>, side: Side, limit: Ticks) -> Depth {
    let reaches = |level: &Level| match side {
        Side::Buy => level.price >= limit,
        Side::Sell => level.price <= limit,
    };
    Depth::of(levels.take_while(reaches))
}

/// The best `count` levels.
pub fn depth_of_levels(levels: impl Iterator<Item = Level>, count: usize) -> Depth {
    Depth::of(levels.take(count))
}

/// The levels it takes until at least `quantity` stands there, the last one in full; all levels when they do not
/// suffice. `worst` is the price an order of that size reaches.
pub fn depth_to_quantity(levels: impl Iterator<Item = Level>, quantity: Lots) -> Depth {
    let mut depth = Depth::default();
    for level in levels {
        if depth.lots >= i128::from(quantity.0) {
            break;
        }
        depth.take(level.price, level.quantity.0);
    }
    depth
}

/// What a market order of `quantity` would trade against these levels: `lots` is the quantity, or less when the side
/// holds less; `ticks_lots` its exact value (times tick size, lot size and multiplier it is money); `worst` the last
/// price. Fees and what others do meanwhile are not in it.
pub fn cost_to_trade(levels: impl Iterator<Item = Level>, quantity: Lots) -> Depth {
    let (mut cost, mut left) = (Depth::default(), quantity.0);
    for level in levels {
        if left <= 0 {
            break;
        }
        let lots = level.quantity.0.min(left);
        cost.take(level.price, lots);
        left -= lots;
    }
    cost
}

/// Mid in ticks weighted with the other side's size: (P_bid Q_ask + P_ask Q_bid) / (Q_bid + Q_ask), where Q is the lots
/// of the best `count` levels of a side and P their average price, weighted with their lots. With one level it is the
/// weighted mid of the touch. `None` when a side is empty or `count` is zero.
pub fn weighted_mid_ticks(
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
    count: usize,
) -> Option<f64> {
    let (bid, ask) = (depth_of_levels(bids, count), depth_of_levels(asks, count));
    balance(bid.average_ticks()?, ask.average_ticks()?, bid.lots as f64, ask.lots as f64)
}

/// The touch weighted with sizes over `count` levels: (b Q_ask + a Q_bid) / (Q_bid + Q_ask), in ticks, where b and a
/// are the best prices and Q as in `weighted_mid_ticks`. With one level both are the same. It always lies within the
/// touch. (Stoikov's micro-price, which learns from data, is `signal`'s.)
pub fn micro_price_ticks(
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
    count: usize,
) -> Option<f64> {
    let (mut bids, mut asks) = (bids.peekable(), asks.peekable());
    let (bid_price, ask_price) = (bids.peek()?.price, asks.peek()?.price);
    let (bid, ask) = (depth_of_levels(bids, count), depth_of_levels(asks, count));
    balance(bid_price.0 as f64, ask_price.0 as f64, bid.lots as f64, ask.lots as f64)
}

/// Order of evaluation: imbalance first, so that prices are combined by one product and one sum.
fn balance(bid: f64, ask: f64, bid_lots: f64, ask_lots: f64) -> Option<f64> {
    let both = bid_lots + ask_lots;
    if both == 0.0 { None } else { Some(bid + (ask - bid) * (bid_lots / both)) }
}

/// Writes price and lots of the best levels in turn, best first, into an array of pairs; returns the levels written, at
/// most half its length. A number beyond 2^53 becomes the nearest float.
pub fn write_pairs(levels: impl Iterator<Item = Level>, into: &mut [f64]) -> usize {
    let mut count = 0;
    for (pair, level) in into.chunks_exact_mut(2).zip(levels) {
        pair[0] = level.price.0 as f64;
        pair[1] = level.quantity.0 as f64;
        count += 1;
    }
    count
}
