//! Views against the same sums written out, and against values worked out by hand.
use fafnir_book::{DenseIds, L3Book, Ladder, views};
use types::rng::SplitMix64;
use types::{Level, Lots, Side, Ticks};

fn ladder(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Ladder<4> {
    let mut ladder = Ladder::with_window();
    for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
        for &(price, lots) in levels {
            ladder.set(side, Ticks(price), Lots(lots)).unwrap();
        }
    }
    ladder
}

#[test]
fn values_worked_out_by_hand() {
    let book = ladder(&[(99, 4), (98, 6), (95, 10)], &[(101, 12), (102, 8)]);
    let (bids, asks) = (|| book.levels(Side::Buy), || book.levels(Side::Sell));
    // Weighted mid of the touch: (99 x 12 + 101 x 4) / 16.
    assert_eq!(views::weighted_mid_ticks(bids(), asks(), 1), Some(99.5));
    assert_eq!(views::micro_price_ticks(bids(), asks(), 1), Some(99.5));
    // Two levels: averages 98.4 and 101.4, sizes 10 and 20.
    assert_eq!(views::weighted_mid_ticks(bids(), asks(), 2), Some(98.4 + (101.4 - 98.4) * (10.0 / 30.0)));
    assert_eq!(views::micro_price_ticks(bids(), asks(), 2), Some(99.0 + 2.0 * (10.0 / 30.0)));
    // Selling 15 takes 4 + 6 + 5 of 10.
    let cost = views::cost_to_trade(bids(), Lots(15));
    assert_eq!((cost.levels, cost.lots, cost.ticks_lots), (3, 15, 99 * 4 + 98 * 6 + 95 * 5));
    assert_eq!((cost.worst, cost.average_ticks()), (Ticks(95), Some(1459.0 / 15.0)));
    let short = views::cost_to_trade(asks(), Lots(100));
    assert_eq!((short.levels, short.lots, short.worst), (2, 20, Ticks(102)));
    assert_eq!(views::cost_to_trade(asks(), Lots(12)).levels, 1);
    for nothing in [0, -5] {
        assert_eq!(views::cost_to_trade(asks(), Lots(nothing)), views::Depth::default());
    }
    assert_eq!(views::depth_to_price(bids(), Side::Buy, Ticks(98)).lots, 10);
    assert_eq!(views::depth_to_price(bids(), Side::Buy, Ticks(100)).lots, 0);
    assert_eq!(views::depth_to_price(asks(), Side::Sell, Ticks(101)).lots, 12);
    assert_eq!(views::depth_to_price(asks(), Side::Sell, Ticks(1_000)).ticks_lots, 101 * 12 + 102 * 8);
    let deep = views::depth_to_quantity(bids(), Lots(5));
    assert_eq!((deep.levels, deep.lots, deep.worst), (2, 10, Ticks(98)));
    assert_eq!(views::depth_to_quantity(bids(), Lots(4)).levels, 1);
    assert_eq!(views::depth_to_quantity(bids(), Lots(1_000)).lots, 20);
    let mut pairs = [0.0; 5];
    assert_eq!(views::write_pairs(bids(), &mut pairs), 2);
    assert_eq!(pairs, [99.0, 4.0, 98.0, 6.0, 0.0]);
    let mut wide = [7.0; 8];
    assert_eq!(views::write_pairs(asks(), &mut wide), 2);
    assert_eq!(wide, [101.0, 12.0, 102.0, 8.0, 7.0, 7.0, 7.0, 7.0]);
}

#[test]
fn a_side_that_is_missing_has_no_price() {
    let one = ladder(&[(5, 1)], &[]);
    let none = std::iter::empty::<Level>;
    assert_eq!(views::weighted_mid_ticks(one.levels(Side::Buy), none(), 3), None);
    assert_eq!(views::micro_price_ticks(one.levels(Side::Buy), none(), 3), None);
    assert_eq!(views::micro_price_ticks(none(), one.levels(Side::Buy), 3), None);
    assert_eq!(views::weighted_mid_ticks(one.levels(Side::Buy), one.levels(Side::Buy), 0), None);
    assert_eq!(views::micro_price_ticks(one.levels(Side::Buy), one.levels(Side::Buy), 0), None);
    assert_eq!(views::Depth::default().average_ticks(), None);
}

#[test]
fn extreme_prices_and_sizes_stay_in_range() {
    let most = Level { price: Ticks(i64::MIN), quantity: Lots(i64::MAX) };
    let depth = views::depth_of_levels(std::iter::repeat_n(most, 5), 9);
    assert_eq!((depth.levels, depth.lots, depth.ticks_lots), (5, 5 * i128::from(i64::MAX), i128::MIN));
}

#[test]
fn both_books_give_the_sums_of_their_levels() {
    let mut rng = SplitMix64::new(5);
    for round in 0..200 {
        let (mut l2, mut l3) = (Ladder::<4>::with_window(), L3Book::<DenseIds, 4>::with_window(500));
        for id in 0..rng.below(400) {
            let side = Side::BOTH[rng.below(2) as usize];
            let price = Ticks(-side.sign() * (1 + rng.below(3_000) as i64));
            let lots = Lots(1 + rng.below(1 << 40) as i64);
            l3.add(id, side, price, lots).unwrap();
            let total = l2.quantity_at(side, price).checked_add(lots).unwrap();
            l2.set(side, price, total).unwrap();
        }
        let count = rng.below(60) as usize;
        let sides = Side::BOTH.map(|side| l2.levels(side).collect::<Vec<_>>());
        assert!(Side::BOTH.iter().all(|&side| l3.levels(side).eq(sides[side.index()].iter().copied())));
        let sums = sides.each_ref().map(|levels| {
            let best = &levels[..count.min(levels.len())];
            let lots: i128 = best.iter().map(|level| i128::from(level.quantity.0)).sum();
            let value: i128 = best.iter().map(|level| i128::from(level.quantity.0) * i128::from(level.price.0)).sum();
            (lots, value)
        });
        let [(bid_lots, bid_value), (ask_lots, ask_value)] = sums;
        let mid = views::weighted_mid_ticks(l3.levels(Side::Buy), l3.levels(Side::Sell), count);
        assert_eq!(mid, views::weighted_mid_ticks(l2.levels(Side::Buy), l2.levels(Side::Sell), count), "{round}");
        let want = (bid_lots > 0 && ask_lots > 0).then(|| {
            let (bid, ask) = (bid_value as f64 / bid_lots as f64, ask_value as f64 / ask_lots as f64);
            (bid * ask_lots as f64 + ask * bid_lots as f64) / (bid_lots + ask_lots) as f64
        });
        assert_eq!(mid.is_some(), want.is_some(), "{round}");
        assert!(mid.zip(want).is_none_or(|(mid, want)| (mid - want).abs() < 1e-6), "{round} {mid:?} {want:?}");
        let micro = views::micro_price_ticks(l2.levels(Side::Buy), l2.levels(Side::Sell), count);
        let touch = l2.touch();
        assert!(micro.is_none_or(|price| price >= touch.bid.0 as f64 && price <= touch.ask.0 as f64), "{round}");
        // Trading all of the depth to a price costs what stands there.
        let limit = Ticks(-(rng.below(3_000) as i64));
        let depth = views::depth_to_price(l2.levels(Side::Buy), Side::Buy, limit);
        let cost = views::cost_to_trade(l2.levels(Side::Buy), Lots(depth.lots as i64));
        assert_eq!(
            (cost, depth.levels),
            (depth, views::depth_to_quantity(l2.levels(Side::Buy), Lots(depth.lots as i64)).levels)
        );
    }
}
