//! # Room card: quote/gate
//! In:    position, open lots of one side (the order to be replaced left out), the inventory limit, the lots wanted.
//! Out:   the lots that may be quoted on that side.
//! Holds: whatever subset of the orders fills, a position begun within the limit stays within it; one at or beyond it
//!        is only ever reduced.
//! Costs: a handful of integer operations, saturating.
use types::{Lots, Side};

/// Clips the lots wanted on a side to what the inventory limit leaves.
///
/// `side_open_lots` are all live, pending and in-cancel lots of that side, without those of the order that is about to
/// be replaced. With q the position counted as positive in the direction of `side`:
/// - q > -max: q + open + allowed ≤ max. The increasing side is clipped; the reducing side may go through zero, up to
///   the limit on the other side, since that is as far as any order may go.
/// - q ≤ -max (the position is at or beyond the limit and this side reduces it): open + allowed ≤ |q|, reduce-only.
///
/// The answer is never negative and never above `wanted`; negative open lots and limits count as zero.
#[inline]
pub fn allowed_lots(side: Side, position: Lots, side_open_lots: Lots, max_inventory: Lots, wanted: Lots) -> Lots {
    let directed = match side {
        Side::Buy => position.0,
        Side::Sell => position.0.saturating_neg(),
    };
    // Saturation only ever makes a room too large to matter beside `wanted`, or a negative one less negative.
    let max = max_inventory.0.max(0);
    let room = if directed <= -max { directed.saturating_neg() } else { max.saturating_sub(directed) };
    Lots(room.saturating_sub(side_open_lots.0.max(0)).min(wanted.0).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn worked_examples() {
        let buy = |q: i64, open: i64| allowed_lots(Side::Buy, Lots(q), Lots(open), Lots(10), Lots(1_000)).0;
        let sell = |q: i64, open: i64| allowed_lots(Side::Sell, Lots(q), Lots(open), Lots(10), Lots(1_000)).0;
        assert_eq!((buy(0, 0), sell(0, 0)), (10, 10));
        assert_eq!((buy(5, 0), sell(5, 0)), (5, 15));
        assert_eq!((buy(5, 3), sell(5, 3)), (2, 12));
        assert_eq!((buy(9, 0), sell(9, 0)), (1, 19));
        assert_eq!((buy(10, 0), sell(10, 0)), (0, 10), "at the limit: reduce-only");
        assert_eq!((buy(-10, 4), sell(-10, 0)), (6, 0));
        assert_eq!((buy(15, 0), sell(15, 2)), (0, 13), "beyond the limit: reduce-only");
        assert_eq!(allowed_lots(Side::Buy, Lots(3), Lots(0), Lots(10), Lots(4)), Lots(4), "never above what is wanted");
        for extreme in [i64::MIN, i64::MAX] {
            for side in Side::BOTH {
                let lots = allowed_lots(side, Lots(extreme), Lots(extreme), Lots(i64::MAX), Lots(i64::MAX));
                assert!(lots.0 >= 0);
                assert_eq!(allowed_lots(side, Lots(extreme), Lots(0), Lots(extreme), Lots(-1)), Lots(0));
            }
        }
    }

    /// Orders are added through the gate and any subset of them fills, in any order, in any parts.
    #[test]
    fn no_subset_of_fills_breaks_the_limit() {
        for seed in 0..2_000u64 {
            let mut rng = SplitMix64::new(seed);
            let max = 1 + rng.below(50) as i64;
            let start = rng.below(160) as i64 - 80;
            let (mut position, mut orders) = (start, Vec::<(Side, i64)>::new());
            for _ in 0..60 {
                let side = Side::BOTH[rng.below(2) as usize];
                if rng.below(2) == 0 {
                    let open: i64 = orders.iter().filter(|(s, _)| *s == side).map(|(_, lots)| lots).sum();
                    let wanted = Lots(1 + rng.below(60) as i64);
                    let lots = allowed_lots(side, Lots(position), Lots(open), Lots(max), wanted).0;
                    if lots > 0 {
                        orders.push((side, lots));
                    }
                } else if !orders.is_empty() {
                    let at = rng.below(orders.len() as u64) as usize;
                    let lots = 1 + rng.below(orders[at].1 as u64) as i64;
                    let before = position;
                    position += orders[at].0.sign() * lots;
                    orders[at].1 -= lots;
                    if orders[at].1 == 0 || rng.below(4) == 0 {
                        orders.swap_remove(at);
                    }
                    let bound = before.abs().max(max);
                    assert!(position.abs() <= bound, "seed {seed}: {before} -> {position}, limit {max}");
                }
                // Worst case of each side alone, from inside the limit.
                for side in Side::BOTH {
                    let open: i64 = orders.iter().filter(|(s, _)| *s == side).map(|(_, lots)| lots).sum();
                    let worst = position * side.sign() + open;
                    assert!(open == 0 || worst <= max, "seed {seed}: {side:?} {position} + {open} > {max}");
                }
            }
            if start.abs() <= max {
                assert!(position.abs() <= max, "seed {seed}");
            }
        }
    }
}
