//! # Room card: oms/counts
//! In:    every request and report.
//! Out:   how often each thing happened since the start.
//! Holds: counts only; no decision reads them.
//! Costs: one increment.
use types::{Code, OrderEventKind};

/// How often each thing happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Events applied or made, by `OrderEventKind` as an index (0 unused).
    pub events: [u64; 16],
    /// Reports that name no known order.
    pub unknown: u64,
    /// Reports that do not fit the order's state; not applied.
    pub illegal: u64,
    /// Reports that make no sense; not applied.
    pub malformed: u64,
    /// Fills already known; not applied.
    pub duplicates: u64,
    /// Reports whose numbers do not fit 64 or 128 bits; not applied.
    pub overflows: u64,
    /// Applied, and the cumulative quantity shows that an earlier report was lost.
    pub missed: u64,
    /// Applied fills beyond the order's quantity.
    pub overfills: u64,
    /// Applied fills of orders that had ended.
    pub late_fills: u64,
    /// Applied fills that a later one had overtaken.
    pub reordered: u64,
    /// Statements that showed fills no report had told of; booked.
    pub recovered: u64,
    /// Orders ended because the venue does not know them.
    pub lost: u64,
    /// Statements of a position other than ours.
    pub mismatches: u64,
}

impl Counts {
    /// Events of a kind applied or made.
    pub const fn of(&self, kind: OrderEventKind) -> u64 {
        self.events[kind as usize]
    }
    pub(crate) fn add(&mut self, kind: OrderEventKind) {
        self.events[kind as usize] += 1;
    }
    pub(crate) fn refused(&mut self, code: Code) {
        let count = match code {
            Code::UnknownOrder => &mut self.unknown,
            Code::IllegalTransition => &mut self.illegal,
            Code::DuplicateReport => &mut self.duplicates,
            Code::Overflow => &mut self.overflows,
            _ => &mut self.malformed,
        };
        *count += 1;
    }
}
