//! # Room card: testkit/matching_flow
//! In:    a seed, a number of commands.
//! Out:   a flow of limit orders, market orders and cancels, for benches that hold matching engines side by side.
//! Holds: the same seed gives the same flow; ids count up from 1; no owner, so no rival's self-trade rule is asked.
//! Costs: development only.
//!
//! Of a hundred commands 65 are limit orders, 10 market orders and 25 cancels of one of the last orders, known or gone.
//! Limits stand 0 to 5 ticks behind a reference that steps a tick up or down now and then, an eighth of them 1 to 2
//! ticks beyond it, so that they take; one in 64 stands up to 1,000 ticks away. So the touch moves, the levels near it
//! hold many hundreds of orders, as in the rivals' own benches, and the book neither empties nor grows without end.
use types::rng::SplitMix64;
use types::{Lots, Side, Ticks};

/// Orders that a cancel may mean, counted back from the newest.
const CANCEL_REACH: u64 = 32_768;
/// Where the reference starts, ticks.
const REFERENCE_TICKS: i64 = 100_000;

/// Seed of the flow that the benches share.
pub const FLOW_SEED: u64 = 20_260_101;

/// One command of the flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlowCommand {
    /// Takes up to its price, then rests.
    Limit {
        /// Counts up with market orders.
        id: u64,
        /// Buy or sell.
        side: Side,
        /// Limit.
        price: Ticks,
        /// Quantity.
        lots: Lots,
    },
    /// Takes at any price.
    Market {
        /// Counts up with limit orders.
        id: u64,
        /// Buy or sell.
        side: Side,
        /// Quantity.
        lots: Lots,
    },
    /// Takes an order out, if it still rests.
    Cancel {
        /// Which.
        id: u64,
    },
}

/// The flow.
pub fn matching_flow(seed: u64, commands: usize) -> Vec<FlowCommand> {
    let mut rng = SplitMix64::new(seed);
    let (mut reference, mut next_id) = (REFERENCE_TICKS, 1);
    let mut command = || {
        let (draw, side) = (rng.below(100), Side::BOTH[rng.below(2) as usize]);
        if draw >= 75 && next_id > 1 {
            return FlowCommand::Cancel { id: next_id - 1 - rng.below(CANCEL_REACH.min(next_id - 1)) };
        }
        if rng.below(32) == 0 {
            reference += rng.below(3) as i64 - 1;
        }
        let id = next_id;
        next_id += 1;
        let lots = Lots(1 + rng.below(100) as i64);
        if draw >= 65 {
            return FlowCommand::Market { id, side, lots };
        }
        let behind = match rng.below(64) {
            0 => rng.below(1_000) as i64,
            1..=8 => -1 - rng.below(2) as i64,
            _ => rng.below(6) as i64,
        };
        FlowCommand::Limit { id, side, price: Ticks(reference - side.sign() * behind), lots }
    };
    (0..commands).map(|_| command()).collect()
}
