//! # Room card: engine/counts
//! In:    increments from every stage.
//! Out:   `Counts`: messages by kind, requests by kind, refusals and faults by code.
//! Holds: diagnostics only: nothing here is an input of a decision.
//! Costs: an increment.
use types::Code;

/// Occurrences by code.
#[derive(Clone, Debug)]
pub struct FaultCounts {
    counts: Box<[u64; CODE_SLOTS]>,
}

const CODE_SLOTS: usize = 2_048;

impl Default for FaultCounts {
    fn default() -> Self {
        FaultCounts { counts: Box::new([0; CODE_SLOTS]) }
    }
}

impl FaultCounts {
    /// One more.
    #[inline]
    pub fn add(&mut self, code: Code) {
        self.counts[code as usize % CODE_SLOTS] += 1;
    }
    /// How many so far.
    pub fn of(&self, code: Code) -> u64 {
        self.counts[code as usize % CODE_SLOTS]
    }
    /// Every code that occurred, by number.
    pub fn seen(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        Code::ALL.iter().map(|&code| (code, self.of(code))).filter(|&(_, n)| n > 0)
    }
}

/// What an engine has seen and done.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Turns.
    pub turns: u64,
    /// Depth messages decoded.
    pub depth: u64,
    /// Best-bid-and-offer messages decoded.
    pub book_ticker: u64,
    /// Trades decoded.
    pub trade: u64,
    /// Snapshots decoded.
    pub snapshot: u64,
    /// Messages of no known type (subscription answers and the like).
    pub other: u64,
    /// Normalised events pushed.
    pub pushed: u64,
    /// Depth messages before the first join (stale against the snapshot that joined).
    pub before_join: u64,
    /// Depth messages applied, those replayed at the join included.
    pub after_join: u64,
    /// Gaps found in the depth stream.
    pub gaps: u64,
    /// Books found crossed after an update.
    pub crossed: u64,
    /// New orders sent.
    pub new_orders: u64,
    /// Cancels sent.
    pub cancels: u64,
    /// Replaces sent.
    pub replaces: u64,
    /// Refusals of the pre-trade gate and the order table, by code.
    pub refused: FaultCounts,
    /// Rejects of the venue, by code.
    pub venue_rejects: FaultCounts,
    /// Faults, by code.
    pub faults: FaultCounts,
}
