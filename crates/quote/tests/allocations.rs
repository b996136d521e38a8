//! Calibration and models in the running maker ask for no memory after construction.
use fafnir_quote::calibrate::{DepthTally, FillPrior, LEVELS_MAX, OwnFillTally, RefitState};
use fafnir_quote::{Glft, GlftParams};
use testkit::{CountingAllocator, allocations_during};
use types::rng::SplitMix64;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn none_while_tallies_grow_and_refit() {
    let prior = FillPrior { arrivals_per_second: 2.0, decay_per_price: 1.5, fills: 5.0, distance_price: 0.6 };
    let mut market = DepthTally::new(0.1, LEVELS_MAX, 0).expect("in range");
    let mut own = OwnFillTally::new(0.1, LEVELS_MAX, prior).expect("in range");
    let params = GlftParams {
        risk_aversion_per_money: 0.05,
        fill_aversion_per_money: 0.05,
        order_base: 1.0,
        arrivals_per_second: [2.0, 3.0],
        decay_per_price: [1.0, 1.5],
    };
    let mut rng = SplitMix64::new(5);
    let (settled, allocations) = allocations_during(|| {
        let mut settled = 0;
        for n in 0..20_000_u64 {
            let far = (rng.unit_f64() * rng.unit_f64() * 40.0) as i64;
            market.on_watched(1 + (n & 3) as i64, 0.1);
            market.on_order(1 + far);
            own.on_quoted(far, 1.0);
            if n % 16 == 0 {
                own.on_fill(far / 2);
                settled +=
                    u32::from(market.refit() == RefitState::Settled) + u32::from(own.refit() == RefitState::Settled);
                market.forget(0.999);
                let glft = Glft::new(&params).expect("in range");
                assert!(glft.quote(100.0, 1.0, 0.3, 1e-3).bid_price < 100.0);
            }
        }
        settled
    });
    assert_eq!(allocations.count, 0);
    assert!(settled > 2_000, "{settled}");
}
