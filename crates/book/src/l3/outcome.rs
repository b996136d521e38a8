//! # Room card: book/l3/outcome
//! In:    what each message came to.
//! Out:   `L3Counts`: how often what happened.
//! Holds: orders resting = added - filled - cancelled - cleared.
//! Costs: an addition a message.
use types::Code;

/// How often what happened to the messages of an L3 book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct L3Counts {
    /// Orders that joined.
    pub added: u64,
    /// Modify messages taken.
    pub modified: u64,
    /// Replace messages taken.
    pub replaced: u64,
    /// Execute messages taken, partial and full.
    pub executed: u64,
    /// Orders that left because they had traded in full.
    pub filled: u64,
    /// Partial cancels taken.
    pub reduced: u64,
    /// Orders that left because they were cancelled, also by a partial cancel of all that was left.
    pub cancelled: u64,
    /// Orders that left by `clear`.
    pub cleared: u64,
    /// Messages about an order that is not there.
    pub unknown: u64,
    /// New ids that are there already.
    pub duplicate: u64,
    /// Prices out of range.
    pub price_range: u64,
    /// Quantities that are not positive, too large, or more than is left.
    pub quantity: u64,
    /// Orders that would have crossed.
    pub crosses: u64,
    /// Orders beyond the book's size, in orders, levels or watched orders.
    pub full: u64,
}

impl L3Counts {
    #[cold]
    #[inline(never)]
    pub(crate) fn refused(&mut self, code: Code) {
        let count = match code {
            Code::BookOrderUnknown => &mut self.unknown,
            Code::BookOrderDuplicate => &mut self.duplicate,
            Code::BookPriceRange => &mut self.price_range,
            Code::BookQuantity => &mut self.quantity,
            Code::BookOrderCrosses => &mut self.crosses,
            _ => &mut self.full,
        };
        *count += 1;
    }
}
