//! # Room card: quant/tests/option_properties
//! In:    random option terms with printed seeds, prices of another library, bad columns.
//! Out:   Greeks are slopes of the price, the batch has the bits of single calls, implied volatilities come back.
//! Holds: expected values come from differences of the price, or from 150 digits (mpmath).
//! Costs: about a second.

use quant::options::{
    GreekColumns, ImpliedStatus, OptionColumns, OptionKind, OptionTerms, greeks_batch, implied_volatility,
    implied_volatility_batch,
};
use quant::{JobControl, QuantError};
use types::rng::SplitMix64;

fn normal(rng: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit_f64()).ln()).sqrt();
    radius * (core::f64::consts::TAU * rng.unit_f64()).cos()
}

fn random_terms(rng: &mut SplitMix64) -> OptionTerms {
    let spot = 100.0 * (0.4 * normal(rng)).exp();
    OptionTerms {
        kind: if rng.below(2) == 0 { OptionKind::Call } else { OptionKind::Put },
        spot,
        strike: spot * (0.3 * normal(rng)).exp(),
        years: 0.003 + 2.0 * rng.unit_f64(),
        rate: 0.1 * rng.unit_f64() - 0.02,
        dividend_yield: 0.05 * rng.unit_f64(),
        volatility: 0.03 + 0.9 * rng.unit_f64(),
    }
}

#[test]
fn greeks_are_the_slopes_of_the_price() {
    let mut rng = SplitMix64::new(33);
    for case in 0..2_000 {
        let o = random_terms(&mut rng);
        let g = o.greeks().unwrap();
        let price = |o: OptionTerms| o.price().unwrap();
        let check = |name: &str, got: f64, slope: f64, scale: f64| {
            assert!(
                (got - slope).abs() < 2e-5 * scale.max(got.abs()),
                "{name} case {case} seed 33: {got} {slope} {o:?}"
            );
        };
        let h = 1e-5 * o.spot;
        let (up, down) = (OptionTerms { spot: o.spot + h, ..o }, OptionTerms { spot: o.spot - h, ..o });
        check("delta", g.delta, (price(up) - price(down)) / (2.0 * h), 1.0);
        let delta = |o: OptionTerms| o.greeks().unwrap().delta;
        check("gamma", g.gamma, (delta(up) - delta(down)) / (2.0 * h), 1.0);
        let v = 1e-6;
        let (up, down) =
            (OptionTerms { volatility: o.volatility + v, ..o }, OptionTerms { volatility: o.volatility - v, ..o });
        check("vega", g.vega, 0.01 * (price(up) - price(down)) / (2.0 * v), 0.01 * o.spot);
        let (up, down) = (OptionTerms { rate: o.rate + v, ..o }, OptionTerms { rate: o.rate - v, ..o });
        check("rho", g.rho, 0.01 * (price(up) - price(down)) / (2.0 * v), 0.01 * o.spot);
        let t = 1e-6 * o.years;
        let (up, down) = (OptionTerms { years: o.years + t, ..o }, OptionTerms { years: o.years - t, ..o });
        check("theta", g.theta, -(price(up) - price(down)) / (2.0 * t) / 365.0, o.spot / 365.0);
        // Parity.
        let other =
            OptionTerms { kind: if o.kind == OptionKind::Call { OptionKind::Put } else { OptionKind::Call }, ..o };
        let parity =
            o.kind.sign() * (o.spot * (-o.dividend_yield * o.years).exp() - o.strike * (-o.rate * o.years).exp());
        assert!((g.price - price(other) - parity).abs() < 1e-11 * o.spot, "parity case {case} seed 33");
    }
}

#[test]
fn the_batch_has_the_bits_of_single_calls_and_edges_their_limits() {
    let mut rng = SplitMix64::new(5);
    let mut terms: Vec<OptionTerms> = (0..203).map(|_| random_terms(&mut rng)).collect();
    terms[3].years = 0.0;
    terms[4].volatility = 0.0;
    (terms[5].years, terms[5].strike) = (0.0, terms[5].spot);
    terms[6].volatility = 1e3;
    terms[7].strike = 1e-12;
    let column = |of: fn(&OptionTerms) -> f64| -> Vec<f64> { terms.iter().map(of).collect() };
    let is_call: Vec<u8> = terms.iter().map(|o| u8::from(o.kind == OptionKind::Call)).collect();
    let (spot, strike, years) = (column(|o| o.spot), column(|o| o.strike), column(|o| o.years));
    let (rate, dividend_yield, volatility) =
        (column(|o| o.rate), column(|o| o.dividend_yield), column(|o| o.volatility));
    let columns = OptionColumns {
        is_call: &is_call,
        spot: &spot,
        strike: &strike,
        years: &years,
        rate: &rate,
        dividend_yield: &dividend_yield,
        volatility: &volatility,
    };
    let mut out: [Vec<f64>; 6] = std::array::from_fn(|_| vec![0.0; terms.len()]);
    let [price, delta, gamma, vega, theta, rho] = &mut out;
    greeks_batch(&columns, GreekColumns { price, delta, gamma, vega, theta, rho }, &JobControl::NONE).unwrap();
    for (i, o) in terms.iter().enumerate() {
        let g = o.greeks().unwrap();
        let want = [g.price, g.delta, g.gamma, g.vega, g.theta, g.rho];
        for (column, want) in out.iter().zip(want) {
            assert!(column[i].to_bits() == want.to_bits() && want.is_finite(), "row {i} {o:?}");
        }
    }
    let expired = terms[3].greeks().unwrap();
    let intrinsic = (terms[3].kind.sign() * (terms[3].spot - terms[3].strike)).max(0.0);
    assert!((expired.price - intrinsic).abs() < 1e-12 && expired.gamma == 0.0 && expired.vega == 0.0);
    assert!((terms[5].greeks().unwrap().delta.abs() - 0.5).abs() < 1e-12);
    let mut short = vec![0.0; 3];
    let [price, delta, gamma, vega, theta, _] = &mut out;
    let refused =
        greeks_batch(&columns, GreekColumns { price, delta, gamma, vega, theta, rho: &mut short }, &JobControl::NONE);
    assert_eq!(refused, Err(QuantError::Ragged { what: "rho", have: 3, need: terms.len() }));
    let mut bad = spot.clone();
    bad[9] = f64::NAN;
    let [price, delta, gamma, vega, theta, rho] = &mut out;
    let refused = greeks_batch(
        &OptionColumns { spot: &bad, ..columns },
        GreekColumns { price, delta, gamma, vega, theta, rho },
        &JobControl::NONE,
    );
    assert_eq!(refused, Err(QuantError::NotFinite { what: "spot", row: 9, column: 0 }));
}

#[test]
fn implied_volatility_comes_back_to_the_digits_of_the_price() {
    let mut rng = SplitMix64::new(77);
    let (mut worst, mut cases) = (0.0f64, 0);
    for case in 0..20_000 {
        let mut o = random_terms(&mut rng);
        // Wings: prices down to 1e-200, and up to the ceiling.
        if case % 4 == 0 {
            o.strike = o.spot * (2.5 * normal(&mut rng)).exp();
        }
        if case % 7 == 0 {
            o.volatility *= 5.0;
        }
        // The out-of-the-money side: the other one's price hides its time value behind the intrinsic value.
        let forward = o.spot * ((o.rate - o.dividend_yield) * o.years).exp();
        o.kind = if o.strike >= forward { OptionKind::Call } else { OptionKind::Put };
        let g = o.greeks().unwrap();
        if g.price < 1e-280 || g.price > 0.999_999 * o.spot.min(o.strike) {
            continue;
        }
        let back = implied_volatility(&o, g.price).unwrap();
        // Each tail of the price has the rounding of its d, d² ε; their difference is smaller than they are. What that
        // moves the volatility by, and one rounding of its own.
        let d = (forward / o.strike).ln() / (o.volatility * o.years.sqrt());
        let moved = ((1.0 + d * d) * o.spot * g.delta.abs() + g.price) / (100.0 * g.vega * o.volatility);
        let rounding = f64::EPSILON * moved.max(1.0);
        let off = (back / o.volatility - 1.0).abs() / rounding;
        worst = worst.max(off);
        cases += 1;
        assert!(off < 16.0, "case {case} seed 77: {back} {o:?} price {} off {off}", g.price);
    }
    println!("implied volatility: worst {worst:.1} roundings of {cases} cases, seed 77");
    edges_of_implied_volatility();
}

/// Prices and the volatilities of these prices as rounded, mpmath 1.3 with 150 digits.
#[test]
fn implied_volatility_of_exact_prices() {
    for (kind, spot, strike, years, rate, dividend_yield, price, want) in [
        (OptionKind::Call, 100.0, 100.0, 1.0, 0.0, 0.0, 7.965567455405797, 0.2),
        (OptionKind::Put, 100.0, 100.0, 0.01, 0.0, 0.0, 0.19947093241847344, 0.05),
        (OptionKind::Call, 100.0, 126.8, 0.19, 0.07, 0.005, 3.7717988906394176e-16, 0.065),
        (OptionKind::Put, 100.0, 60.0, 0.02, 0.03, 0.0, 2.4711470175655333e-34, 0.3),
        (OptionKind::Call, 100.0, 400.0, 0.5, 0.01, 0.02, 2.0783043550282958e-39, 0.15),
        (OptionKind::Put, 100.0, 5.0, 0.25, 0.0, 0.0, 1.490692153870472e-51, 0.4),
        (OptionKind::Call, 100.0, 100.001, 0.003, 0.0, 0.0, 0.043203974440287625, 0.02),
        (OptionKind::Call, 100.0, 150.0, 30.0, 0.02, 0.01, 74.07870451084386, 1.499999999999915),
        (OptionKind::Put, 100.0, 90.0, 10.0, 0.0, 0.0, 89.85151062929926, 1.9999999999999962),
        (OptionKind::Call, 100.0, 10000.0, 1.0, 0.0, 0.0, 8.367644092139384e-19, 0.5),
        (OptionKind::Put, 50.0, 49.999, 1.0, 0.0, 0.0, 0.019450903047031818, 0.001),
    ] {
        let o = OptionTerms { kind, spot, strike, years, rate, dividend_yield, volatility: 0.0 };
        let got = implied_volatility(&o, price).unwrap();
        // The moneyness itself is rounded: its ε over its size joins the volatility's own.
        let moneyness = ((spot / strike).ln() + (rate - dividend_yield) * years).abs();
        // So does what one rounding of the price moves it by: nothing but where the price is near its bound.
        let vega = 100.0 * OptionTerms { volatility: want, ..o }.greeks().unwrap().vega;
        let slack = 8.0 + 1.0 / moneyness.max(1e-4) * f64::from(u8::from(moneyness > 0.0)) + price / (vega * want);
        let off = (got / want - 1.0).abs() / f64::EPSILON;
        println!("{strike} {years}: {off:.1} ulp");
        assert!(off < slack, "{o:?} at {price:e}: {got:?} {want:?}, {off} ulp");
    }
}

fn edges_of_implied_volatility() {
    let o = OptionTerms {
        kind: OptionKind::Call,
        spot: 100.0,
        strike: 100.0,
        years: 1.0,
        rate: 0.0,
        dividend_yield: 0.0,
        volatility: 0.0,
    };
    assert_eq!(implied_volatility(&o, 0.0), Ok(0.0));
    assert!(matches!(implied_volatility(&o, 100.0), Err(QuantError::OutOfRange { what: "price", .. })));
    assert!(matches!(implied_volatility(&o, f64::NAN), Err(QuantError::OutOfRange { what: "price", .. })));
    let columns = OptionColumns {
        is_call: &[1, 1, 1],
        spot: &[100.0; 3],
        strike: &[90.0, 100.0, 110.0],
        years: &[1.0; 3],
        rate: &[0.0; 3],
        dividend_yield: &[0.0; 3],
        volatility: &[],
    };
    let (mut volatilities, mut statuses) = ([9.0; 3], [9u8; 3]);
    implied_volatility_batch(
        &columns,
        &[9.0, 7.965567455405798, 101.0],
        &mut volatilities,
        &mut statuses,
        &JobControl::NONE,
    )
    .unwrap();
    let marks = [ImpliedStatus::BelowIntrinsic as u8, ImpliedStatus::Solved as u8, ImpliedStatus::AboveCeiling as u8];
    assert_eq!(statuses, marks);
    // 100 (2 Φ(0.1) - 1) at a volatility of 20 %.
    assert!((volatilities[1] - 0.2).abs() < 1e-14 && volatilities[0] == 0.0);
}
