//! Every check at its exact boundary, the fields of every reject, and the order of the checks.
use crate::common;
use common::{LIN, T0, after_millis, open_gate, order, reference, setup};
use fafnir_risk::{Exposure, Failure, Gate, OrderAsk, Reference};
use types::config::RiskLimits;
use types::{Code, InstrumentId, Lots, Nanos, OrderId, Reject, Side, UnixNanos, VenueId};

const FLAT: Exposure = Exposure { position: Lots(0), open_buy: Lots(0), open_sell: Lots(0) };

/// Asks a fresh gate, at the mid of 90.0 (1,800 half ticks).
fn ask(ask: OrderAsk, exposure: Exposure) -> Result<(), Reject> {
    let setup = setup();
    open_gate(&setup).check(T0, &setup.instruments[0], &ask, &exposure, reference(1_800, T0))
}

fn rejects(code: Code, limit: i64, used: i64, asked: i64) -> Result<(), Reject> {
    Err(Reject { code, limit, used, asked })
}

fn buy(lots: i64) -> OrderAsk {
    order(Side::Buy, 900, lots)
}

fn sell(lots: i64) -> OrderAsk {
    order(Side::Sell, 900, lots)
}

#[test]
fn quantity() {
    assert_eq!(ask(buy(2_000), FLAT), Ok(()));
    assert_eq!(ask(buy(2_001), FLAT), rejects(Code::QuantityAboveMax, 2_000, 0, 2_001));
    assert_eq!(ask(buy(0), FLAT), rejects(Code::QuantityNotPositive, 1, 0, 0));
    assert_eq!(ask(buy(i64::MIN), FLAT), rejects(Code::QuantityNotPositive, 1, 0, i64::MIN));
}

#[test]
fn price_and_increment() {
    for price in [0, -1, i64::MIN] {
        assert_eq!(ask(order(Side::Buy, price, 100), FLAT), rejects(Code::PriceNotPositive, 1, 0, price));
    }
    let setup = setup();
    let at = |price| {
        let order = order(Side::Sell, price, 100);
        open_gate(&setup).check(T0, &setup.instruments[0], &order, &FLAT, reference(2 * price, T0))
    };
    assert_eq!((at(999), at(1_000), at(1_005)), (Ok(()), Ok(()), Ok(())));
    assert_eq!(at(1_003), rejects(Code::PriceOffIncrement, 5, 0, 1_003));
}

#[test]
fn value_and_minimum_notional() {
    // 90.0 x 2.000 = 180.00; at 250.0: 500.00 and 500.25.
    let setup = setup();
    let at = |price, lots| {
        let order = order(Side::Buy, price, lots);
        open_gate(&setup).check(T0, &setup.instruments[0], &order, &FLAT, reference(2 * price, T0))
    };
    assert_eq!(at(2_500, 2_000), Ok(()));
    assert_eq!(at(2_505, 2_000), rejects(Code::ValueAboveMax, 50_000, 0, 50_100));
    // Rounding half away from zero: 100.5 x 0.050 = 5.025 is 5.03; 90.0 x 0.055 = 4.95; 100.0 x 0.050 = 5.00.
    assert_eq!((at(1_005, 50), at(1_000, 50)), (Ok(()), Ok(())));
    assert_eq!(at(900, 55), rejects(Code::NotionalBelowMin, 500, 0, 495));
    let reducing = OrderAsk { reduce_only: true, ..order(Side::Sell, 900, 55) };
    let long = Exposure { position: Lots(55), ..FLAT };
    assert_eq!(ask(reducing, long), rejects(Code::NotionalBelowMin, 500, 0, 495), "reduce-only is not exempt");
}

#[test]
fn inverse_value() {
    // Price 50,000.0 = 100,000 ticks of 0.5: 100 x lots / 50,000 = 0.002 a lot; limits 0.01 and 1.
    let setup = setup();
    let at = |lots| {
        let order = order(Side::Buy, 100_000, lots);
        open_gate(&setup).check(T0, &setup.instruments[2], &order, &FLAT, reference(200_000, T0))
    };
    assert_eq!((at(5), at(500)), (Ok(()), Ok(())));
    assert_eq!(at(4), rejects(Code::NotionalBelowMin, 1_000_000, 0, 800_000));
    assert_eq!(at(501), rejects(Code::ValueAboveMax, 100_000_000, 0, 100_200_000));
}

#[test]
fn overflow() {
    let setup = setup();
    let mut gate = open_gate(&setup);
    let huge = order(Side::Buy, i64::MAX - 2, i64::MAX);
    let free = &setup.instruments[1];
    let got = gate.check(T0, free, &huge, &FLAT, reference(1_800, T0));
    assert_eq!(got, rejects(Code::Overflow, i64::MAX, i64::MAX - 2, i64::MAX));
    // The largest value that fits: price x lots x 10^-4 in units of 10^-2.
    let at = |gate: &mut Gate, lots| gate.check(T0, free, &order(Side::Buy, 100, lots), &FLAT, reference(200, T0));
    assert_eq!(at(&mut gate, i64::MAX), Ok(()));
    let got = gate.check(T0, free, &order(Side::Buy, 101, i64::MAX), &FLAT, reference(202, T0));
    assert_eq!(got, rejects(Code::Overflow, i64::MAX, 101, i64::MAX));
    // Sums beyond 64 bits are sums, not wraps.
    let vast = Exposure { position: Lots(i64::MAX), open_buy: Lots(i64::MAX), open_sell: Lots(i64::MIN) };
    assert_eq!(ask(buy(1_000), vast), rejects(Code::PositionAboveMax, 3_000, i64::MAX, 1_000));
    assert_eq!(ask(sell(1_000), vast), Ok(()));
}

#[test]
fn position_with_open_orders() {
    let long = |position, open_buy, open_sell| Exposure {
        position: Lots(position),
        open_buy: Lots(open_buy),
        open_sell: Lots(open_sell),
    };
    assert_eq!(ask(buy(1_000), long(1_500, 500, 9_999)), Ok(()), "the other side's orders do not count");
    assert_eq!(ask(buy(1_001), long(1_500, 500, 0)), rejects(Code::PositionAboveMax, 3_000, 2_000, 1_001));
    assert_eq!(ask(sell(1_000), long(-1_500, 0, 500)), Ok(()));
    assert_eq!(ask(sell(1_001), long(-1_500, 0, 500)), rejects(Code::PositionAboveMax, 3_000, 2_000, 1_001));
    assert_eq!(ask(sell(2_000), long(1_500, 0, 2_500)), Ok(()), "from +1,500 to -3,000");
    assert_eq!(ask(sell(2_000), long(1_500, 0, 2_501)), rejects(Code::PositionAboveMax, 3_000, 1_001, 2_000));
    assert_eq!(ask(sell(2_000), long(9_000, 0, 0)), Ok(()), "beyond the limit, and shrinking");
    assert_eq!(ask(buy(100), long(9_000, 0, 0)), rejects(Code::PositionAboveMax, 3_000, 9_000, 100));
    // A replace gives back what it replaces, never more than is there.
    let replace = |lots, old| OrderAsk { replaces: Some(Lots(old)), ..buy(lots) };
    assert_eq!(ask(replace(1_000, 700), long(1_500, 1_200, 0)), Ok(()));
    let worse = ask(replace(1_001, 700), long(1_500, 1_200, 0));
    assert_eq!(worse, rejects(Code::PositionAboveMax, 3_000, 2_000, 1_001));
    let odd = ask(replace(1_501, 9_999), long(1_500, 1_200, 0));
    assert_eq!(odd, rejects(Code::PositionAboveMax, 3_000, 1_500, 1_501));
    let negative = ask(replace(1_501, -9_999), long(1_500, 0, 0));
    assert_eq!(negative, rejects(Code::PositionAboveMax, 3_000, 1_500, 1_501));
}

#[test]
fn reduce_only() {
    let reducing = |side, lots| OrderAsk { reduce_only: true, ..order(side, 900, lots) };
    let long = Exposure { position: Lots(500), open_buy: Lots(0), open_sell: Lots(100) };
    assert_eq!(ask(reducing(Side::Sell, 400), long), Ok(()));
    assert_eq!(ask(reducing(Side::Sell, 401), long), rejects(Code::ReduceOnly, 500, 100, 401));
    assert_eq!(ask(reducing(Side::Buy, 400), long), rejects(Code::ReduceOnly, 0, 0, 400));
    assert_eq!(ask(reducing(Side::Buy, 400), FLAT), rejects(Code::ReduceOnly, 0, 0, 400));
    let replace = OrderAsk { replaces: Some(Lots(100)), ..reducing(Side::Sell, 500) };
    assert_eq!(ask(replace, long), Ok(()));
    let short = Exposure { position: Lots(-500), open_buy: Lots(100), open_sell: Lots(0) };
    assert_eq!(ask(reducing(Side::Buy, 400), short), Ok(()));

    // The instrument's own switch, and that new limits do not undo it.
    let setup = setup();
    let mut gate = open_gate(&setup);
    let check = |gate: &mut Gate, at, ask| {
        gate.check(after_millis(at), &setup.instruments[0], &ask, &long, reference(1_800, after_millis(at)))
    };
    assert_eq!(check(&mut gate, 0, buy(400)), Ok(()));
    gate.set_reduce_only(LIN, true).unwrap();
    assert!(gate.is_reduce_only(LIN) && !gate.is_reduce_only(InstrumentId(1)));
    assert_eq!(check(&mut gate, 0, buy(400)), rejects(Code::ReduceOnly, 0, 0, 400));
    gate.set_limits(LIN, setup.risk[0].clone()).unwrap();
    assert_eq!(check(&mut gate, 0, buy(400)), rejects(Code::ReduceOnly, 0, 0, 400));
    gate.set_reduce_only(LIN, false).unwrap();
    assert_eq!(check(&mut gate, 0, buy(400)), Ok(()));
    gate.set_limits(LIN, RiskLimits { reduce_only: true, ..setup.risk[0].clone() }).unwrap();
    assert!(gate.is_reduce_only(LIN));
    assert_eq!(check(&mut gate, 0, buy(400)), rejects(Code::ReduceOnly, 0, 0, 400));
    assert_eq!(check(&mut gate, 0, sell(400)), Ok(()));
}

#[test]
fn reference_price() {
    let setup = setup();
    let check = |reference: Option<Reference>| {
        open_gate(&setup).check(after_millis(5_000), &setup.instruments[0], &buy(100), &FLAT, reference)
    };
    let second = 1_000_000_000;
    assert_eq!(check(None), rejects(Code::ReferenceAbsent, second, 0, 0));
    assert_eq!(check(reference(0, after_millis(5_000))), rejects(Code::ReferenceAbsent, second, 0, 0));
    assert_eq!(check(reference(-1_800, after_millis(5_000))), rejects(Code::ReferenceAbsent, second, 0, 0));
    assert_eq!(check(reference(1_800, after_millis(4_000))), Ok(()));
    let one_late = UnixNanos(after_millis(4_000).0 - 1);
    assert_eq!(check(reference(1_800, one_late)), rejects(Code::ReferenceStale, second, second + 1, 0));
    assert_eq!(check(reference(1_800, after_millis(9_000))), Ok(()), "a stamp ahead of us is fresh");
}

#[test]
fn collar() {
    // Mid 90.05 (1,801 half ticks), 200/10000 of it is 36.02 half ticks: orders from 882.49 to 918.51 ticks.
    let setup = setup();
    let at = |mid, price| {
        open_gate(&setup).check(T0, &setup.instruments[0], &order(Side::Buy, price, 100), &FLAT, reference(mid, T0))
    };
    assert_eq!((at(1_801, 918), at(1_801, 883)), (Ok(()), Ok(())));
    assert_eq!(at(1_801, 919), rejects(Code::PriceCollar, 918, 900, 919));
    assert_eq!(at(1_801, 882), rejects(Code::PriceCollar, 883, 900, 882));
    // Exactly on the collar: mid 90.0, 36 half ticks.
    assert_eq!((at(1_800, 918), at(1_800, 882)), (Ok(()), Ok(())));
    assert_eq!(at(1_800, 919), rejects(Code::PriceCollar, 918, 900, 919));
    assert_eq!(at(1_800, 881), rejects(Code::PriceCollar, 882, 900, 881));
    // Nothing wraps at the ends: 98 % of (2^63 - 1)/2 is 4519452298058840145.43, so the next tick is the lowest
    // allowed.
    let reject = at(i64::MAX, 900).unwrap_err();
    assert_eq!(
        reject,
        Reject { code: Code::PriceCollar, limit: 4_519_452_298_058_840_146, used: i64::MAX / 2, asked: 900 }
    );
}

#[test]
fn message_rate() {
    let setup = setup();
    let mut gate = open_gate(&setup);
    let lin = &setup.instruments[0];
    let send = |gate: &mut Gate, at: UnixNanos, ask: OrderAsk| {
        // A pass that is not sent (the order table refuses it) uses nothing up, however often.
        for _ in 0..9 {
            gate.check(at, lin, &ask, &FLAT, reference(1_800, at))?;
        }
        gate.sent(lin, OrderId(1), at);
        Ok(())
    };
    for millis in [0, 10, 20] {
        assert_eq!(send(&mut gate, after_millis(millis), buy(100)), Ok(()));
        // What is refused is not counted.
        assert!(send(&mut gate, after_millis(millis), buy(0)).is_err());
    }
    let full = rejects(Code::RateAboveMax, 3, 3, 1);
    assert_eq!(send(&mut gate, after_millis(20), buy(100)), full);
    assert_eq!(send(&mut gate, UnixNanos(after_millis(100).0 - 1), buy(100)), full);
    assert_eq!(send(&mut gate, after_millis(100), buy(100)), Ok(()), "the first has left the window");
    assert_eq!(send(&mut gate, after_millis(100), buy(100)), full);
    let free = &setup.instruments[1];
    assert_eq!(gate.check(after_millis(100), free, &buy(100), &FLAT, reference(1_800, after_millis(100))), Ok(()));
    // More room keeps what was counted; less room keeps the newest.
    gate.set_limits(LIN, RiskLimits { max_messages: 4, ..setup.risk[0].clone() }).unwrap();
    assert_eq!(gate.limits(LIN).unwrap().max_messages, 4);
    assert_eq!(send(&mut gate, after_millis(105), buy(100)), Ok(()));
    assert_eq!(send(&mut gate, after_millis(105), buy(100)), rejects(Code::RateAboveMax, 4, 4, 1));
    gate.set_limits(LIN, RiskLimits { max_messages: 1, message_window: Nanos(10), ..setup.risk[0].clone() }).unwrap();
    assert_eq!(send(&mut gate, UnixNanos(after_millis(105).0 + 9), buy(100)), rejects(Code::RateAboveMax, 1, 1, 1));
    assert_eq!(send(&mut gate, UnixNanos(after_millis(105).0 + 10), buy(100)), Ok(()));
}

#[test]
fn venue_and_kill() {
    let setup = setup();
    let mut gate = Gate::new(&setup);
    let check = |gate: &mut Gate| gate.check(T0, &setup.instruments[0], &buy(100), &FLAT, reference(1_800, T0));
    assert_eq!(check(&mut gate), rejects(Code::VenueDown, 0, 0, 1), "down until it is said to be up");
    gate.venue_up(VenueId(0));
    assert!(gate.is_venue_up(VenueId(0)) && !gate.is_venue_up(VenueId(1)) && !gate.is_venue_up(VenueId(9)));
    assert_eq!(check(&mut gate), Ok(()));
    gate.venue_down(VenueId(0), T0);
    assert_eq!(check(&mut gate), rejects(Code::VenueDown, 0, 0, 1));
    gate.venue_reconciling(VenueId(0));
    assert_eq!(check(&mut gate), rejects(Code::Reconciling, 0, 0, 1), "up, and not yet agreed with the venue");
    assert!(!gate.is_venue_up(VenueId(0)));
    gate.venue_up(VenueId(0));
    assert_eq!(check(&mut gate), Ok(()));
    gate.kill();
    assert!(gate.is_killed());
    assert_eq!(check(&mut gate), rejects(Code::Killed, 0, 0, 1));
}

#[test]
fn a_disconnect_counts_once() {
    let setup = setup();
    let mut gate = open_gate(&setup);
    for _ in 0..5 {
        gate.venue_down(VenueId(0), T0);
    }
    gate.venue_reconciling(VenueId(0));
    gate.venue_up(VenueId(0));
    let check = |gate: &mut Gate| gate.check(T0, &setup.instruments[0], &buy(100), &FLAT, reference(1_800, T0));
    assert_eq!(check(&mut gate), Ok(()), "down five times in a row is one disconnect");
    for _ in 0..2 {
        gate.venue_down(VenueId(0), T0);
        gate.venue_up(VenueId(0));
    }
    assert_eq!(check(&mut gate), rejects(Code::BreakerOpen, 3, 3, 1));
    // The other venue does not care.
    let inverse = order(Side::Buy, 100_000, 100);
    assert_eq!(gate.check(T0, &setup.instruments[2], &inverse, &FLAT, reference(200_000, T0)), Ok(()));
}

#[test]
fn unknown_instruments_and_venues_are_values() {
    let setup = setup();
    let mut gate = open_gate(&setup);
    let mut stranger = setup.instruments[0].clone();
    stranger.id = InstrumentId(7);
    let got = gate.check(T0, &stranger, &buy(100), &FLAT, reference(1_800, T0));
    assert_eq!(got, rejects(Code::UnknownInstrument, 3, 0, 7));
    stranger = setup.instruments[0].clone();
    stranger.venue = VenueId(200);
    let got = gate.check(T0, &stranger, &buy(100), &FLAT, reference(1_800, T0));
    assert_eq!(got.map_err(|reject| reject.code), Err(Code::UnknownInstrument));
    assert_eq!(gate.set_limits(InstrumentId(3), setup.risk[0].clone()), Err(Code::UnknownInstrument));
    assert_eq!(gate.set_reduce_only(InstrumentId(3), true), Err(Code::UnknownInstrument));
    assert_eq!((gate.limits(InstrumentId(3)), gate.breaker_state(VenueId(9), T0)), (None, None));
    gate.venue_up(VenueId(9));
    gate.venue_down(VenueId(9), T0);
    gate.sent(&stranger, OrderId(1), T0);
    gate.on_ack(VenueId(9), OrderId(1));
    gate.on_failure(VenueId(9), Failure::AckTimeout, None, T0);
}

/// One order that breaks every check at once; then the reasons are taken away one by one, in the order of the table.
#[test]
fn the_order_of_the_checks() {
    let setup = setup();
    let mut gate = open_gate(&setup);
    let lin = &setup.instruments[0];
    let now = after_millis(9_000);
    for _ in 0..3 {
        gate.check(now, lin, &buy(100), &FLAT, reference(1_800, now)).unwrap();
        gate.sent(lin, OrderId(1), now);
    }
    let mut expected = Vec::new();
    let mut got = Vec::new();
    let exposure = Exposure { position: Lots(2_950), ..FLAT };
    let mut step = |gate: &mut Gate, ask: OrderAsk, exposure: Exposure, reference, want: Code| {
        expected.push(Err(want));
        got.push(gate.check(now, lin, &ask, &exposure, reference).map_err(|reject| reject.code));
    };
    let mut broken = OrderAsk { reduce_only: true, ..order(Side::Buy, -3, -1) };
    for _ in 0..3 {
        gate.on_failure(VenueId(0), Failure::SessionReject, None, now);
    }
    gate.venue_down(VenueId(0), now);
    let mut killed = gate.clone();
    killed.kill();
    step(&mut killed, broken, exposure, None, Code::Killed);
    step(&mut gate, broken, exposure, None, Code::BreakerOpen);
    let mut gate = {
        let mut fresh = open_gate(&setup);
        for _ in 0..3 {
            fresh.sent(lin, OrderId(1), now);
        }
        fresh.venue_down(VenueId(0), now);
        fresh
    };
    step(&mut gate, broken, exposure, None, Code::VenueDown);
    gate.venue_up(VenueId(0));
    step(&mut gate, broken, exposure, None, Code::QuantityNotPositive);
    broken.quantity = Lots(i64::MAX);
    step(&mut gate, broken, exposure, None, Code::QuantityAboveMax);
    broken.quantity = Lots(2_000);
    step(&mut gate, broken, exposure, None, Code::PriceNotPositive);
    broken.price.0 = i64::MAX - 1;
    step(&mut gate, broken, exposure, None, Code::PriceOffIncrement);
    broken.price.0 = i64::MAX - 2;
    step(&mut gate, broken, exposure, None, Code::Overflow);
    broken.price.0 = 3_000;
    step(&mut gate, broken, exposure, None, Code::ValueAboveMax);
    (broken.price.0, broken.quantity.0) = (600, 51);
    step(&mut gate, broken, exposure, None, Code::NotionalBelowMin);
    broken.quantity.0 = 100;
    step(&mut gate, broken, exposure, None, Code::PositionAboveMax);
    step(&mut gate, broken, FLAT, None, Code::ReduceOnly);
    broken.reduce_only = false;
    step(&mut gate, broken, FLAT, None, Code::ReferenceAbsent);
    step(&mut gate, broken, FLAT, reference(1_800, T0), Code::ReferenceStale);
    step(&mut gate, broken, FLAT, reference(1_800, now), Code::PriceCollar);
    broken.price.0 = 900;
    step(&mut gate, broken, FLAT, reference(1_800, now), Code::RateAboveMax);
    assert_eq!(got, expected);
    assert_eq!(gate.check(after_millis(9_100), lin, &broken, &FLAT, reference(1_800, now)), Ok(()));
}
