//! P&L against hand-computed values: linear, inverse, and a settlement unit so coarse that every fill is rounded.
use crate::common;

use common::{Desk, fill, report, spec, touch};
use types::rng::SplitMix64;
use types::{InstrumentId, Lots, OrderEventKind, Side, UnixNanos};

fn trade(desk: &mut Desk, instrument: u16, side: Side, price: i64, lots: i64, fee: i64, book: (i64, i64)) {
    let new = desk.orders.place(&spec(instrument, side, price, lots), UnixNanos(1)).unwrap();
    let at = &desk.instruments[instrument as usize];
    desk.orders.report(&report(OrderEventKind::Accepted, &new), UnixNanos(1), at, None).unwrap();
    desk.orders.report(&fill(&new, price, lots, lots, fee), UnixNanos(2), at, touch(book.0, book.1)).unwrap();
}

#[test]
fn linear() {
    // One tick of one lot is 0.1 x 0.001 = 0.0001, 10^4 units of 10^-8.
    let mut desk = Desk::new(64);
    trade(&mut desk, 0, Side::Buy, 1_000, 10, 7, (1_000, 1_003));
    trade(&mut desk, 0, Side::Buy, 1_006, 5, 7, (1_006, 1_009));
    trade(&mut desk, 0, Side::Sell, 1_010, 6, -3, (1_008, 1_010));
    let position = desk.orders.position(InstrumentId(0));
    assert_eq!((position.lots, position.bought, position.sold), (Lots(9), Lots(15), Lots(6)));
    assert_eq!(position.cash, (-10_000 - 5_030 + 6_060) * 10_000);
    assert_eq!(position.fees, 11);
    // Spread: 1.5 x 10 + 1.5 x 5 + 1 x 6 ticks.
    assert_eq!(position.spread(), 285_000);
    // Average entry 15030 / 15 = 1002; realised 6 x (1010 - 1002).
    assert_eq!((position.realised, position.entry), (48 * 10_000, -9 * 1_002 * 10_000));
    assert!((position.entry_ticks(&desk.instruments[0]).unwrap() - 1_002.0).abs() < 1e-9);
    let pnl = position.pnl(&desk.instruments[0], touch(1_011, 1_013).unwrap()).unwrap();
    assert_eq!(pnl.total, (-8_970 + 9 * 1_012) * 10_000 - 11);
    assert_eq!(pnl.unrealised, 9 * 10 * 10_000);
    assert_eq!(pnl.total, pnl.spread + pnl.inventory - pnl.fees);
    assert_eq!(pnl.total, pnl.realised + pnl.unrealised - pnl.fees);
    assert!(position.pnl(&desk.instruments[0], Default::default()).is_none(), "a held position needs a mark");
}

#[test]
fn inverse() {
    // 100 USD a contract. Buy 50 at 50000: 0.1 BTC; sell 30 at 60000: 0.05 BTC. In 10^-8 BTC.
    let mut desk = Desk::new(64);
    trade(&mut desk, 1, Side::Buy, 100_000, 50, -1_000, (100_000, 100_002));
    let position = *desk.orders.position(InstrumentId(1));
    assert_eq!((position.cash, position.entry), (10_000_000, 10_000_000));
    trade(&mut desk, 1, Side::Sell, 120_000, 30, 0, (119_998, 120_000));
    let position = *desk.orders.position(InstrumentId(1));
    assert_eq!(position.cash, 10_000_000 - 5_000_000);
    // Realised: 3000 USD x (1/50000 - 1/60000) = 0.01 BTC, a gain of the long while the price rose.
    assert_eq!(position.realised, 1_000_000);
    assert!((position.entry_ticks(&desk.instruments[1]).unwrap() - 100_000.0).abs() < 1e-6);
    // At a mark of 80000 +- 0: 20 contracts worth 0.025 BTC; total 0.05 - 0.025 + rebate.
    let pnl = position.pnl(&desk.instruments[1], touch(159_999, 160_001).unwrap()).unwrap();
    assert_eq!(pnl.total, 2_500_000 + 1_000);
    // Spread, by the mean of values at bid and ask: 5000 / 50000 against 5000 / 50001, halved; 3000 / 59999 against /
    // 60000.
    let earned = (10_000_000 - 9_999_800) as f64 / 2.0 + (5_000_083 - 5_000_000) as f64 / 2.0;
    assert!((position.spread() as f64 - earned).abs() <= 1.0, "{} {earned}", position.spread());
    assert_eq!(pnl.total, pnl.spread + pnl.inventory - pnl.fees);
}

#[test]
fn a_fill_that_turns_the_position_closes_and_opens() {
    let mut desk = Desk::new(64);
    trade(&mut desk, 0, Side::Buy, 1_000, 4, 0, (999, 1_001));
    trade(&mut desk, 0, Side::Sell, 1_010, 10, 0, (1_009, 1_011));
    let position = desk.orders.position(InstrumentId(0));
    // 4 closed at a gain of 10 ticks each; 6 sold short at 1010.
    assert_eq!((position.lots, position.realised, position.entry), (Lots(-6), 40 * 10_000, 6 * 1_010 * 10_000));
    assert!((position.entry_ticks(&desk.instruments[0]).unwrap() - 1_010.0).abs() < 1e-9);
}

#[test]
fn identities_hold_through_turns_and_rounding() {
    let mut flats = 0;
    for seed in 1..=20 {
        let mut rng = SplitMix64::new(seed);
        for instrument in [0u16, 1, 2] {
            let mut desk = Desk::new(64);

            for step in 0..2_000 {
                let side = Side::BOTH[rng.below(2) as usize];
                let mid = 100_000 + rng.below(1_000) as i64;
                let lots = rng.below(4) as i64 + 1;
                trade(&mut desk, instrument, side, mid, lots, rng.below(9) as i64 - 4, (mid - 1, mid + 2));
                let position = *desk.orders.position(InstrumentId(instrument));
                let why = format!("seed {seed} instrument {instrument} step {step}");
                assert_eq!(position.cash, position.entry + position.realised, "{why}");
                assert_eq!(position.lots.0, position.bought.0 - position.sold.0, "{why}");
                if position.lots.0 == 0 {
                    assert_eq!(position.entry, 0, "{why}");
                    flats += 1;
                }
                let pnl =
                    position.pnl(&desk.instruments[instrument as usize], touch(mid - 1, mid + 2).unwrap()).unwrap();
                assert_eq!(pnl.total, pnl.spread + pnl.inventory - pnl.fees, "{why}");
                assert_eq!(pnl.total, pnl.realised + pnl.unrealised - pnl.fees, "{why}");
            }
        }
    }
    assert!(flats > 100, "the walks are flat now and then: {flats}");
}

#[test]
fn a_fill_without_a_touch_counts_no_spread() {
    let mut desk = Desk::new(64);
    let new = desk.place(Side::Buy, 1_000, 10);
    let at = &desk.instruments[0];
    desk.orders.report(&fill(&new, 1_000, 10, 0, 0), UnixNanos(2), at, None).unwrap();
    let position = desk.orders.position(InstrumentId(0));
    assert_eq!((position.spread(), position.unmarked_fills), (0, 1));
}
