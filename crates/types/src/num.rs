//! # Room card: types/num
//! In:    integers from parsers and models.
//! Out:   `Ticks`, `Lots`, `Side`, `Touch`: prices and quantities as whole numbers of an instrument's grid.
//! Holds: no arithmetic that can wrap silently: sums are checked, differences have their own meaning.
//! Costs: the machine integer they wrap.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A price as a whole number of the instrument's tick (the finest price its feed can print).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Ticks(pub i64);

/// A quantity as a whole number of the instrument's lot. Lots of different instruments are never added.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Lots(pub i64);

impl Ticks {
    /// `self + other`, or `None` beyond the 64-bit range.
    #[inline]
    pub const fn checked_add(self, other: Ticks) -> Option<Ticks> {
        match self.0.checked_add(other.0) {
            Some(v) => Some(Ticks(v)),
            None => None,
        }
    }
    /// `self - other`, or `None` beyond the 64-bit range.
    #[inline]
    pub const fn checked_sub(self, other: Ticks) -> Option<Ticks> {
        match self.0.checked_sub(other.0) {
            Some(v) => Some(Ticks(v)),
            None => None,
        }
    }
}

impl Lots {
    /// Nothing.
    pub const ZERO: Lots = Lots(0);
    /// `self + other`, or `None` beyond the 64-bit range.
    #[inline]
    pub const fn checked_add(self, other: Lots) -> Option<Lots> {
        match self.0.checked_add(other.0) {
            Some(v) => Some(Lots(v)),
            None => None,
        }
    }
    /// `self - other`, or `None` beyond the 64-bit range.
    #[inline]
    pub const fn checked_sub(self, other: Lots) -> Option<Lots> {
        match self.0.checked_sub(other.0) {
            Some(v) => Some(Lots(v)),
            None => None,
        }
    }
}

/// The side of an order, a book half or a trade's aggressor. `Buy` is the bid half of a book, `Sell` the ask half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// Buys; rests among the bids.
    Buy = 1,
    /// Sells; rests among the asks.
    Sell = 2,
}

impl Side {
    /// Both sides in their fixed order: bids first.
    pub const BOTH: [Side; 2] = [Side::Buy, Side::Sell];
    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
    /// +1 for a buy, -1 for a sell: what a fill does to a position.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }
    /// 0 for a buy, 1 for a sell: an index into two-element arrays.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize - Side::Buy as usize
    }
    /// From the byte of a record: 1 buy, 2 sell.
    #[inline]
    pub const fn from_u8(byte: u8) -> Option<Side> {
        match byte {
            1 => Some(Side::Buy),
            2 => Some(Side::Sell),
            _ => None,
        }
    }
}

/// The best bid and ask of one instrument, each with its displayed quantity. A missing side has quantity zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Touch {
    /// Best bid price.
    pub bid: Ticks,
    /// Quantity displayed at the best bid; zero when there is no bid.
    pub bid_lots: Lots,
    /// Best ask price.
    pub ask: Ticks,
    /// Quantity displayed at the best ask; zero when there is no ask.
    pub ask_lots: Lots,
}

impl Touch {
    /// Both sides are there and do not cross or lock.
    #[inline]
    pub const fn is_two_sided(&self) -> bool {
        self.bid_lots.0 > 0 && self.ask_lots.0 > 0 && self.bid.0 < self.ask.0
    }
    /// Twice the mid price in ticks (bid + ask): the mid without its half. `None` when a side is missing or crossed.
    #[inline]
    pub const fn mid_half_ticks(&self) -> Option<i64> {
        if self.is_two_sided() { self.bid.0.checked_add(self.ask.0) } else { None }
    }
    /// The price on `side` of this touch, if that side is there.
    #[inline]
    pub const fn price(&self, side: Side) -> Option<Ticks> {
        match side {
            Side::Buy if self.bid_lots.0 > 0 => Some(self.bid),
            Side::Sell if self.ask_lots.0 > 0 => Some(self.ask),
            _ => None,
        }
    }
}
