//! The ladder against an ordered map, after every operation.
use std::collections::BTreeMap;

mod support;

use fafnir_book::{LEVELS_PER_SIDE_MAX, Ladder, LadderCounts};
use support::{operations, shortened};
use types::rng::SplitMix64;
use types::{Code, Level, Lots, Side, Ticks, Touch};

/// The same thing said naively.
#[derive(Default)]
struct Naive {
    sides: [BTreeMap<i64, i64>; 2],
}

impl Naive {
    fn set(&mut self, side: Side, price: i64, lots: i64) -> Result<Lots, Code> {
        let map = &mut self.sides[side.index()];
        if lots != 0 && map.len() == LEVELS_PER_SIDE_MAX && !map.contains_key(&price) {
            return Err(Code::BookFull);
        }
        let before = if lots == 0 { map.remove(&price) } else { map.insert(price, lots) };
        Ok(Lots(before.unwrap_or(0)))
    }

    fn best(&self, side: Side) -> Option<(i64, i64)> {
        let map = &self.sides[side.index()];
        match side {
            Side::Buy => map.last_key_value(),
            Side::Sell => map.first_key_value(),
        }
        .map(|(&price, &lots)| (price, lots))
    }

    fn levels(&self, side: Side) -> Vec<Level> {
        let mut levels: Vec<_> = self.sides[side.index()]
            .iter()
            .map(|(&price, &lots)| Level { price: Ticks(price), quantity: Lots(lots) })
            .collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }
}

fn compare_touch<const WORDS: usize>(ladder: &Ladder<WORDS>, naive: &Naive, at: &str) {
    let (bid, ask) = (naive.best(Side::Buy), naive.best(Side::Sell));
    for (side, best) in [(Side::Buy, bid), (Side::Sell, ask)] {
        let got = ladder.best(side).map(|level| (level.price.0, level.quantity.0));
        assert_eq!(got, best, "best {side:?}, {at}");
        assert_eq!(ladder.level_count(side), naive.sides[side.index()].len(), "count {side:?}, {at}");
    }
    let ((bid_price, bid_lots), (ask_price, ask_lots)) = (bid.unwrap_or_default(), ask.unwrap_or_default());
    let touch =
        Touch { bid: Ticks(bid_price), bid_lots: Lots(bid_lots), ask: Ticks(ask_price), ask_lots: Lots(ask_lots) };
    assert_eq!(ladder.touch(), touch, "{at}");
    let crossed = bid.is_some() && ask.is_some() && bid_price >= ask_price;
    assert_eq!(ladder.is_crossed(), crossed, "{at}");
    assert_eq!(ladder.is_empty(), bid.is_none() && ask.is_none(), "{at}");
}

fn compare_levels<const WORDS: usize>(ladder: &Ladder<WORDS>, naive: &Naive, at: &str) {
    for side in Side::BOTH {
        let want = naive.levels(side);
        assert_eq!(ladder.levels(side).len(), want.len(), "{at}");
        assert!(ladder.levels(side).eq(want.iter().copied()), "levels {side:?}, {at}");
        let mut top = [Level::default(); 20];
        let count = ladder.top_n(side, &mut top);
        assert_eq!(&top[..count], &want[..want.len().min(20)], "top {side:?}, {at}");
    }
}

/// How the random flow behaves.
struct Flow {
    /// The touch moves at most this many ticks an operation.
    drift: u64,
    /// One operation in this many leaps far away (and the touch with it, one time in four).
    leap_one_in: u64,
    /// Width of far prices.
    far: u64,
    /// One operation in this many is at an extreme price.
    extreme_one_in: u64,
}

fn run<const WORDS: usize>(seed: u64, operations: usize, flow: &Flow) -> LadderCounts {
    let mut rng = SplitMix64::new(seed);
    let (mut ladder, mut naive) = (Ladder::<WORDS>::with_window(), Naive::default());
    let (mut centre, mut full) = (0i64, 0u64);
    for operation in 0..operations {
        let at = format_args!("seed {seed} words {WORDS} operation {operation}").to_string();
        centre += rng.below(2 * flow.drift + 1) as i64 - flow.drift as i64;
        let side = Side::BOTH[rng.below(2) as usize];
        let mut price = centre - side.sign() * (rng.below(60) as i64 - 4);
        if rng.below(flow.leap_one_in) == 0 {
            price = centre + rng.below(flow.far) as i64 - (flow.far / 2) as i64;
            if rng.below(4) == 0 {
                centre = price;
            }
        }
        if rng.below(flow.extreme_one_in) == 0 {
            price = [i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1, i64::MIN + 5_000, i64::MAX - 5_000, 0, -1]
                [rng.below(8) as usize];
        }
        let lots = match rng.below(8) {
            0..=3 => 0,
            4 => i64::MAX - rng.below(2) as i64,
            _ => 1 + rng.below(1_000) as i64,
        };
        // Half of the removals take the best, so that the search for the next runs often.
        if lots == 0 && rng.below(2) == 0 {
            price = naive.best(side).map_or(price, |best| best.0);
        }
        let want = naive.set(side, price, lots);
        full += u64::from(want.is_err());
        assert_eq!(ladder.set(side, Ticks(price), Lots(lots)), want, "{at}");
        compare_touch(&ladder, &naive, &at);
        let probe = centre + rng.below(2 * flow.far) as i64 - flow.far as i64;
        for price in [price, probe] {
            let want = naive.sides[side.index()].get(&price).copied().unwrap_or(0);
            assert_eq!(ladder.quantity_at(side, Ticks(price)), Lots(want), "{at}");
        }
        if operation % 512 == 0 {
            compare_levels(&ladder, &naive, &at);
        }
        if rng.below(shortened(200_000) as u64) == 0 {
            ladder.clear();
            naive = Naive::default();
        }
    }
    compare_levels(&ladder, &naive, "end");
    println!("L2 seed {seed} words {WORDS}, {operations} operations: {:?}, refused as full {full}", ladder.counts());
    ladder.counts()
}

/// A million operations; with `FAFNIR_LONG=1` a hundred million.
#[test]
fn agrees_with_a_map_after_every_operation() {
    let near = Flow { drift: 1, leap_one_in: 1_000, far: 10_000, extreme_one_in: 1 << 40 };
    let drifting = Flow { drift: 200, leap_one_in: 100, far: 60_000, extreme_one_in: 100_000 };
    let wild = Flow { drift: 20, leap_one_in: 8, far: 20_000, extreme_one_in: 300 };
    let share = operations(1_000_000) / 20;
    let counts = [
        run::<256>(11, 6 * share, &near),
        run::<256>(12, 4 * share, &drifting),
        run::<256>(13, 2 * share, &wild),
        run::<4>(14, 3 * share, &wild),
        run::<64>(15, 3 * share, &drifting),
        run::<1>(16, share, &wild),
        run::<1024>(17, share.max(8_000), &drifting),
    ];
    // Every life moves its windows, all but the first reach beyond them; the narrow rings wrap thousands of times.
    let share = share as u64;
    assert!(counts[3].recentred > share / 10 && counts[5].recentred > share / 50, "{counts:?}");
    assert!(counts.iter().all(|counts| counts.recentred > share / 2_500), "{counts:?}");
    assert!(counts[1..].iter().all(|counts| counts.far_sets > share / 50), "{counts:?}");
}

#[test]
fn counts_are_those_of_both_sides() {
    let mut ladder = Ladder::<1>::with_window();
    for (side, far) in [(Side::Buy, 2), (Side::Sell, 3)] {
        ladder.set(side, Ticks(side.sign() * 1_000_000), Lots(1)).unwrap();
        for i in 0..far {
            ladder.set(side, Ticks(-side.sign() * i), Lots(1)).unwrap();
        }
    }
    assert_eq!(ladder.counts(), LadderCounts { recentred: 2, far_sets: 5 });
}

/// The window of eight words has its best in word six when it has moved, and moves when the best leaves words four to
/// six.
#[test]
fn the_window_follows_a_best_that_has_drifted() {
    for side in Side::BOTH {
        let mut ladder = Ladder::<8>::with_window();
        // The first and the last tick of a word: keys of asks run the other way.
        let mut set = |word: i64, tick: i64, lots: i64| {
            let key = 64 * word + tick;
            let price = if side == Side::Buy { key } else { !key };
            ladder.set(side, Ticks(price), Lots(lots)).unwrap();
            ladder.counts().recentred
        };
        assert_eq!([set(4, 0, 1), set(5, 63, 1), set(6, 63, 1)], [0; 3], "{side:?} within");
        assert_eq!(set(7, 0, 1), 1, "{side:?} above: words one to eight");
        assert_eq!([set(7, 63, 1), set(7, 63, 0), set(7, 0, 0), set(6, 63, 0)], [1; 4]);
        assert_eq!(set(5, 63, 0), 2, "{side:?} below: words minus two to five");
        assert_eq!([set(5, 0, 1), set(5, 0, 0), set(2, 0, 1)], [3, 3, 3]);
    }
}

#[test]
fn what_is_printed_names_the_touch_and_the_levels() {
    let mut ladder = Ladder::new();
    for (side, price, lots) in [(Side::Buy, 98, 4), (Side::Buy, 99, 3), (Side::Sell, 101, 7)] {
        ladder.set(side, Ticks(price), Lots(lots)).unwrap();
    }
    let printed = format!("{ladder:?}");
    assert!(printed.contains(&format!("{:?}", ladder.touch())), "{printed}");
    assert!(printed.contains("bid_levels: 2") && printed.contains("ask_levels: 1"), "{printed}");
    let mut bids = ladder.levels(Side::Buy);
    bids.next();
    assert_eq!(format!("{bids:?}"), "Levels { side: Buy, left: 1 }");
}

#[test]
fn negative_totals_are_refused_and_change_nothing() {
    let mut ladder = Ladder::new();
    ladder.set(Side::Buy, Ticks(5), Lots(7)).unwrap();
    for lots in [-1, i64::MIN] {
        assert_eq!(ladder.set(Side::Buy, Ticks(5), Lots(lots)), Err(Code::BookNegative));
        assert_eq!(ladder.set(Side::Sell, Ticks(i64::MAX), Lots(lots)), Err(Code::BookNegative));
    }
    assert_eq!(ladder.best(Side::Buy), Some(Level { price: Ticks(5), quantity: Lots(7) }));
    assert_eq!(ladder.level_count(Side::Sell), 0);
}

#[test]
fn one_level_too_many_is_refused_wherever_it_falls() {
    for side in Side::BOTH {
        // Every third tick behind the touch: the window fills first, then the far stack.
        let mut ladder = Ladder::new();
        for i in 0..LEVELS_PER_SIDE_MAX as i64 {
            assert_eq!(ladder.set(side, Ticks(-side.sign() * 3 * i), Lots(1)), Ok(Lots(0)));
        }
        let before: Vec<_> = ladder.levels(side).collect();
        let worst = 3 * LEVELS_PER_SIDE_MAX as i64;
        // Inside the window, better than the best but inside it, far, better than the window.
        for distance in [1, -1, worst, worst - 4, -1_000_000, i64::MAX] {
            let price = Ticks(-side.sign() * distance);
            assert_eq!(ladder.set(side, price, Lots(1)), Err(Code::BookFull), "{side:?} {distance}");
            assert_eq!(ladder.quantity_at(side, price), Lots(0));
            assert_eq!(ladder.set(side, price, Lots(0)), Ok(Lots(0)), "removing nothing is legal when full");
        }
        assert!(ladder.levels(side).eq(before.iter().copied()));
        // A full side still follows the touch: nothing is lost when every level leaves the window and comes back.
        ladder.set(side, Ticks(-side.sign() * (worst - 3)), Lots(0)).unwrap();
        let leap = Ticks(side.sign() * 10_000_000);
        ladder.set(side, leap, Lots(2)).unwrap();
        assert_eq!(ladder.best(side), Some(Level { price: leap, quantity: Lots(2) }));
        assert!(ladder.levels(side).skip(1).eq(before[..before.len() - 1].iter().copied()));
        ladder.set(side, leap, Lots(0)).unwrap();
        assert!(ladder.levels(side).eq(before[..before.len() - 1].iter().copied()));
        ladder.clear();
        assert!(ladder.is_empty() && ladder.levels(side).next().is_none());
    }
}

#[test]
fn the_worst_price_there_is_can_be_the_only_level() {
    for (side, worst) in [(Side::Buy, i64::MIN), (Side::Sell, i64::MAX)] {
        // At the first window, and after the window has moved and the side is empty again.
        for elsewhere in [0, 1 << 40, -(1 << 40)] {
            let mut ladder = Ladder::new();
            ladder.set(side, Ticks(elsewhere), Lots(1)).unwrap();
            ladder.set(side, Ticks(elsewhere), Lots(0)).unwrap();
            assert_eq!(ladder.set(side, Ticks(worst), Lots(0)), Ok(Lots(0)));
            assert_eq!(ladder.best(side), None);
            let only = Level { price: Ticks(worst), quantity: Lots(3) };
            assert_eq!(ladder.set(side, Ticks(worst), Lots(3)), Ok(Lots(0)));
            assert_eq!((ladder.best(side), ladder.level_count(side)), (Some(only), 1));
            assert!(ladder.levels(side).eq([only]));
            assert_eq!(ladder.set(side, Ticks(worst), Lots(0)), Ok(Lots(3)));
            assert!(ladder.is_empty() && ladder.best(side).is_none());
        }
    }
}

#[test]
fn a_far_stack_full_of_levels_and_gaps_loses_nothing() {
    let (mut ladder, mut naive) = (Ladder::<1>::with_window(), Naive::default());
    let far = |i: i64| -10_000_000 - 3 * i;
    let mut set = |price: i64, lots: i64| {
        let before = naive.set(Side::Buy, price, lots);
        assert_eq!(ladder.set(Side::Buy, Ticks(price), Lots(lots)), before, "{price}");
        if lots != 1 {
            assert!(ladder.levels(Side::Buy).eq(naive.levels(Side::Buy)), "{price}");
        }
    };
    set(0, 1);
    for i in 0..LEVELS_PER_SIDE_MAX as i64 - 1 {
        set(far(i), 1);
    }
    // Each time a gap at one place and a new level where no gap is near: the second finds the stack full.
    for i in [1_000, 9_000, 17_000, 25_000] {
        set(far(i), 0);
        set(far(i + 4_000) + 1, 2);
    }
    // And when the best leaps, the old best finds it full.
    set(far(3_000), 0);
    set(far(3_500) + 1, 3);
    set(far(6_000), 0);
    set(10_000_000, 5);
    set(10_000_000, 0);
}
