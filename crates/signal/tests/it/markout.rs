//! Mark-outs: by hand, and against their definition over random fills and mids.
use fafnir_signal::{ContractValue, HORIZONS_DEFAULT, MarkOut, MarkOuts, PENDING_FILLS_MAX, SignalFault, batch};
use types::rng::SplitMix64;
use types::{Contract, Lots, Nanos, Side, Ticks, UnixNanos};

const SECOND: u64 = 1_000_000_000;
const LINEAR: ContractValue = ContractValue { contract: Contract::Linear, tick_price: 0.5, lot_value: 0.01 };

fn at(tenths: u64) -> UnixNanos {
    UnixNanos(3 + tenths * SECOND / 10)
}

#[test]
fn by_hand() {
    let mut marks = MarkOuts::new(&HORIZONS_DEFAULT, 16, LINEAR).unwrap();
    marks.on_mid(at(0), 202);
    // Bought 4 at 100 (mid 101), sold 2 at 103.
    assert!(marks.on_fill(at(1), Side::Buy, Ticks(100), Lots(4)));
    assert!(marks.on_fill(at(2), Side::Sell, Ticks(103), Lots(2)));
    marks.on_mid(at(5), 199);
    // The buy's second ends at 1.1 s; the mid of that very moment is its mid.
    marks.on_mid(at(11), 197);
    assert_eq!(marks.result(0, Side::Buy).fills, 0);
    marks.on_mid(at(13), 230);
    // Buy: (197 - 200)·4 half ticks; sell at 1.2 s: (206 - 197)·2.
    let buy = marks.result(0, Side::Buy);
    assert_eq!((buy.fills, buy.lots, buy.half_tick_lots), (1, 4, -12));
    assert_eq!((buy.ticks_per_lot(), buy.money), (Some(-1.5), -12.0 * 0.25 * 0.01));
    assert_eq!(buy.money_per_lot(), Some(-1.5 * 0.5 * 0.01));
    assert_eq!(marks.result(0, Side::Sell).half_tick_lots, 18);
    assert_eq!((marks.result(1, Side::Buy), marks.pending()), (MarkOut::default(), 2));
    assert_eq!(marks.result(1, Side::Buy).ticks_per_lot(), None);
    marks.advance(at(700));
    assert_eq!(marks.result(2, Side::Buy).half_tick_lots, 4 * 30);
    assert_eq!((marks.result(1, Side::Sell).half_tick_lots, marks.pending()), (-2 * 24, 0));
    assert_eq!(marks.result(3, Side::Sell), MarkOut::default());
    // Refused: no quantity.
    assert!(
        !marks.on_fill(at(701), Side::Buy, Ticks(1), Lots(0)) && !marks.on_fill(at(701), Side::Buy, Ticks(1), Lots(-3))
    );
    assert_eq!((marks.rejected(), marks.dropped()), (2, 0));
}

#[test]
fn inverse_contracts_gain_in_the_coin() {
    let value = ContractValue { contract: Contract::Inverse, tick_price: 0.5, lot_value: 100.0 };
    let mut marks = MarkOuts::new(&[Nanos(1)], 4, value).unwrap();
    marks.on_mid(at(0), 80_000);
    assert!(marks.on_fill(at(1), Side::Sell, Ticks(40_000), Lots(3)));
    marks.on_mid(at(1), 100_000);
    marks.advance(at(2));
    // 3 lots of 100 USD sold at 20,000, bought back at 25,000: 300·(1/25,000 - 1/20,000) coins.
    let money = marks.result(0, Side::Sell).money;
    assert!((money - 300.0 * (1.0 / 25_000.0 - 1.0 / 20_000.0)).abs() < 1e-18, "{money}");
    // A price that is not positive has no inverse value.
    assert!(marks.on_fill(at(3), Side::Sell, Ticks(0), Lots(3)));
    marks.advance(at(4));
    assert_eq!(marks.result(0, Side::Sell).money, money);
}

#[test]
fn random_fills_equal_their_definition() {
    let horizons = [Nanos(700_000_000), Nanos(2 * SECOND as i64), Nanos(9 * SECOND as i64)];
    let mut rng = SplitMix64::new(83);
    let mut marks = MarkOuts::new(&horizons, 4_096, LINEAR).unwrap();
    let (mut fills, mut mids) = (Vec::new(), Vec::new());
    let (mut time, mut mid) = (SECOND, 20_000i64);
    for step in 0..3_000 {
        // Often nothing passes, so that horizons end at the time of a mid.
        time += rng.below(5) * 100_000_000;
        match rng.below(4) {
            0 => {
                let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
                let (price, lots) = (mid / 2 + rng.below(5) as i64 - 2, 1 + rng.below(9) as i64);
                assert!(marks.on_fill(UnixNanos(time), side, Ticks(price), Lots(lots)));
                fills.push((time, side, price, lots));
            }
            1 => marks.advance(UnixNanos(time)),
            _ => {
                mid += rng.below(9) as i64 - 4;
                marks.on_mid(UnixNanos(time), mid);
                mids.push((time, mid));
            }
        }
        if step % 50 == 0 || step == 2_999 {
            for (place, horizon) in horizons.iter().enumerate() {
                for side in Side::BOTH {
                    let want = batch::toxicity::mark_out(&fills, &mids, side, horizon.0 as u64, time);
                    let got = marks.result(place, side);
                    assert_eq!((got.half_tick_lots, got.lots), want, "step {step} horizon {place} {side:?}");
                    let money = want.0 as f64 * 0.25 * 0.01;
                    assert!((got.money - money).abs() < 1e-9 * money.abs().max(1.0), "{} for {money}", got.money);
                }
            }
        }
    }
    assert!(marks.result(2, Side::Sell).fills > 200);
}

#[test]
fn the_table_is_bounded_and_bad_input_typed() {
    let mut marks = MarkOuts::new(&[Nanos(10), Nanos(1_000)], 3, LINEAR).unwrap();
    // Before any mid: a fill whose horizon ends has nothing to be marked against.
    assert!(marks.on_fill(UnixNanos(0), Side::Buy, Ticks(1), Lots(1)));
    marks.on_mid(UnixNanos(11), 4);
    assert_eq!((marks.dropped(), marks.result(0, Side::Buy).fills), (1, 0));
    for _ in 0..5 {
        assert!(marks.on_fill(UnixNanos(100), Side::Buy, Ticks(1), Lots(1)));
    }
    // Six fills in a table of three: at 10 ns two gave up, at 1,000 ns three did.
    assert_eq!((marks.pending(), marks.dropped()), (3, 1 + 2 + 3));
    marks.advance(UnixNanos(5_000));
    assert_eq!((marks.result(0, Side::Buy).fills, marks.result(1, Side::Buy).fills), (3, 3));
    // A time that steps back is the latest; ends of the ranges do no harm.
    assert!(marks.on_fill(UnixNanos(0), Side::Sell, Ticks(i64::MIN), Lots(i64::MAX)));
    marks.on_mid(UnixNanos(5), i64::MAX);
    marks.advance(UnixNanos(u64::MAX - 5));
    assert_eq!(marks.result(1, Side::Sell).half_tick_lots, i128::MIN, "held at the end of the range");
    assert!(marks.on_fill(UnixNanos(u64::MAX), Side::Buy, Ticks(i64::MAX), Lots(i64::MAX)));
    marks.advance(UnixNanos(u64::MAX));
    for (horizons, pending) in [
        (&[][..], 4),
        (&[Nanos(0)], 4),
        (&[Nanos(5), Nanos(5)], 4),
        (&[Nanos(i64::MAX)], 4),
        (&[Nanos(1); 9], 4),
        (&[Nanos(1)], 0),
        (&[Nanos(1)], PENDING_FILLS_MAX + 1),
    ] {
        assert!(matches!(MarkOuts::new(horizons, pending, LINEAR), Err(SignalFault::Parameter { .. })));
    }
}
