//! The gate against a naive model: other formulas, wide integers, a plain list of messages.
use crate::common;
use std::collections::VecDeque;

use common::{open_gate, setup};
use fafnir_risk::{Exposure, OrderAsk, Reference};
use types::config::RiskLimits;
use types::rng::SplitMix64;
use types::{Code, Instrument, Lots, Nanos, OrderId, Side, Ticks, UnixNanos};

fn naive(
    limits: &RiskLimits,
    instrument: &Instrument,
    messages: &mut VecDeque<u64>,
    now: UnixNanos,
    ask: &OrderAsk,
    exposure: &Exposure,
    reference: Option<Reference>,
) -> Result<(), Code> {
    let quantity = ask.quantity.0 as i128;
    if quantity < 1 {
        return Err(Code::QuantityNotPositive);
    }
    if limits.max_order_lots.is_some_and(|max| quantity > max.0 as i128) {
        return Err(Code::QuantityAboveMax);
    }
    if ask.price.0 < 1 {
        return Err(Code::PriceNotPositive);
    }
    // The instrument of `setup`: one tick below 1,000, five from there.
    if ask.price.0 >= 1_000 && ask.price.0 % 5 != 0 {
        return Err(Code::PriceOffIncrement);
    }
    // Tick 0.1 x lot 0.001 in cents: 100 ticks·lots a cent, half a cent up.
    let value = (ask.price.0 as i128 * quantity + 50) / 100;
    if value > i64::MAX as i128 {
        return Err(Code::Overflow);
    }
    if limits.max_order_value.is_some_and(|max| value > max as i128) {
        return Err(Code::ValueAboveMax);
    }
    if value < instrument.min_notional as i128 {
        return Err(Code::NotionalBelowMin);
    }
    let (open, position) = match ask.side {
        Side::Buy => (exposure.open_buy, exposure.position.0 as i128),
        Side::Sell => (exposure.open_sell, -(exposure.position.0 as i128)),
    };
    let side_after = open.0 as i128 - ask.replaces.map_or(0, |lots| lots.0 as i128) + quantity;
    if limits.max_position_lots.is_some_and(|max| position + side_after > max.0 as i128) {
        return Err(Code::PositionAboveMax);
    }
    // If all of the side fills, a reducing order has neither grown nor turned the position.
    if (limits.reduce_only || ask.reduce_only) && !(position < 0 && position + side_after <= 0) {
        return Err(Code::ReduceOnly);
    }
    let Some(reference) = reference else { return Err(Code::ReferenceAbsent) };
    if reference.at.0 + (limits.reference_max_age.0 as u64) < now.0 {
        return Err(Code::ReferenceStale);
    }
    let (low, high) = (10_000 - limits.collar_basis_points as i128, 10_000 + limits.collar_basis_points as i128);
    let (twice, mid) = (20_000 * ask.price.0 as i128, reference.mid_half_ticks as i128);
    if twice < mid * low || twice > mid * high {
        return Err(Code::PriceCollar);
    }
    messages.retain(|&at| now.0 - at < limits.message_window.0 as u64);
    if messages.len() >= limits.max_messages as usize {
        return Err(Code::RateAboveMax);
    }
    messages.push_back(now.0);
    Ok(())
}

/// A number near a limit, so that both outcomes come up and the boundary itself often.
fn near(rng: &mut SplitMix64, at: i64) -> i64 {
    match rng.below(4) {
        0 => at + rng.below(3) as i64 - 1,
        1 => rng.below(at.unsigned_abs() + 1) as i64,
        2 => at / 2 + rng.below(20) as i64,
        _ => at - rng.below(50) as i64,
    }
}

#[test]
fn random_orders_match_the_model() {
    let setup = setup();
    let instrument = &setup.instruments[0];
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..300u64 {
        let mut rng = SplitMix64::new(seed);
        let limits = RiskLimits {
            max_order_lots: (rng.below(3) > 0).then_some(Lots(2_000)),
            max_order_value: (rng.below(3) > 0).then_some(20_000),
            max_position_lots: (rng.below(3) > 0).then_some(Lots(3_000)),
            collar_basis_points: 1 + rng.below(300) as i64,
            reference_max_age: Nanos(500),
            max_messages: 1 + rng.below(6) as u32,
            message_window: Nanos(1 + rng.below(300) as i64),
            reduce_only: rng.below(6) == 0,
        };
        let mut gate = open_gate(&setup);
        gate.set_limits(instrument.id, limits.clone()).unwrap();
        let (mut messages, mut now) = (VecDeque::new(), 1_000_000u64);
        for step in 0..500 {
            now += rng.below(120);
            let open = [rng.below(1_500) as i64, rng.below(1_500) as i64];
            let side = Side::BOTH[rng.below(2) as usize];
            let mid = 1_700 + rng.below(500) as i64;
            let ask = OrderAsk {
                side,
                price: Ticks(match rng.below(30) {
                    0 => -(rng.below(2) as i64),
                    1 => i64::MAX - rng.below(9) as i64,
                    _ => mid / 2 + rng.below(50) as i64 - 25,
                }),
                quantity: Lots(match rng.below(40) {
                    0 => -(rng.below(2) as i64),
                    1 => i64::MAX,
                    2 => near(&mut rng, 55),
                    _ => near(&mut rng, 2_000),
                }),
                replaces: (rng.below(3) == 0).then(|| Lots(rng.below(open[side.index()] as u64 + 1) as i64)),
                reduce_only: rng.below(5) == 0,
            };
            let position = Lots(near(&mut rng, 3_000) * if rng.below(2) == 0 { 1 } else { -1 });
            let exposure = Exposure { position, open_buy: Lots(open[0]), open_sell: Lots(open[1]) };
            let at = UnixNanos((now + 20).saturating_sub(rng.below(540)));
            let reference = (rng.below(20) > 0).then_some(Reference { mid_half_ticks: mid, at });
            let want = naive(&limits, instrument, &mut messages, UnixNanos(now), &ask, &exposure, reference);
            let got = gate.check(UnixNanos(now), instrument, &ask, &exposure, reference);
            let _ = got.map(|()| gate.sent(instrument, OrderId(1), UnixNanos(now)));
            assert_eq!(got.map_err(|reject| reject.code), want, "seed {seed} step {step}: {ask:?} {exposure:?}");
            *seen.entry(want.err().map(Code::name)).or_insert(0u32) += 1;
            if let Err(reject) = got {
                let within = match reject.code {
                    Code::NotionalBelowMin => reject.asked < reject.limit,
                    Code::PriceCollar if reject.asked > reject.used => reject.asked > reject.limit,
                    Code::PriceCollar => reject.asked < reject.limit,
                    Code::ReferenceStale => reject.used > reject.limit,
                    Code::QuantityAboveMax | Code::ValueAboveMax => reject.asked > reject.limit,
                    Code::PositionAboveMax | Code::ReduceOnly | Code::RateAboveMax => {
                        reject.used + reject.asked > reject.limit
                    }
                    _ => true,
                };
                assert!(within, "seed {seed}: the fields do not show the breach: {reject:?}");
            }
        }
    }
    // Every reason must have come up, and passing too, or the run proves nothing.
    assert_eq!(seen.len(), 14, "{seen:?}");
    assert!(seen.values().all(|&count| count > 20) && seen[&None] > 5_000, "{seen:?}");
}
