//! GLFT against published values, against the control problem solved on a grid (`reference/glft.py`), and under a
//! change of units; the same change of units for Avellaneda and Stoikov.
use fafnir_quote::model::{StationaryBound, StationaryForm, StationaryInputs, intensity_spread, inventory_spread};
use fafnir_quote::{Glft, GlftParams, ModelRefusal, reservation_price, stationary_reservation_prices};
use types::Side;
use types::rng::SplitMix64;

const KNOWN: GlftParams = GlftParams {
    risk_aversion_per_money: 0.05,
    fill_aversion_per_money: 0.05,
    order_base: 1.0,
    arrivals_per_second: [2.986162360812285; 2],
    decay_per_price: [0.04235741115084049; 2],
};

fn model(params: GlftParams) -> Glft {
    Glft::new(&params).expect("parameters in range")
}

#[track_caller]
fn close(got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs(), "{got} is not {want} within {relative}");
}

#[test]
fn known_values() {
    let glft = model(KNOWN);
    for side in Side::BOTH {
        close(glft.c1_price(side), 15.590451013297573, 2e-15);
        close(glft.half_spread(side, 10.69), 20.47208533844371, 2e-15);
    }
    close(glft.c2(), 0.9133085734604556, 2e-15);
    close(glft.skew(10.69), 9.76326865029227, 2e-15);
    assert_eq!(glft.shift(10.69, 0.0), 0.0, "equal sides lean nowhere");
    let flat = glft.quote(1_000.0, 0.0, 10.69, 0.0);
    close(flat.ask_price - flat.bid_price, 2.0 * 20.47208533844371, 1e-13);
    let long = glft.quote(1_000.0, 2.0, 10.69, 0.0);
    close(flat.bid_price - long.bid_price, 2.0 * 9.76326865029227, 1e-12);
    close(flat.ask_price - long.ask_price, 2.0 * 9.76326865029227, 1e-12);
    // γ ≠ ξ, Δ ≠ 1 (`reference/glft.py`, "lots").
    let lots = model(GlftParams {
        risk_aversion_per_money: 0.01,
        fill_aversion_per_money: 0.2,
        order_base: 0.25,
        arrivals_per_second: [1.7; 2],
        decay_per_price: [3.5; 2],
    });
    close(lots.c1_price(Side::Buy), 0.28369269983912865, 4e-15);
    close(lots.c2(), 0.09592846032375849, 4e-15);
    close(lots.half_spread(Side::Sell, 0.4), 0.2884891228553166, 4e-15);
}

#[test]
fn no_aversion_to_a_missed_fill_is_the_limit() {
    let at = |fill_aversion_per_money| model(GlftParams { fill_aversion_per_money, ..KNOWN });
    let zero = at(0.0);
    close(zero.c1_price(Side::Buy), 1.0 / 0.04235741115084049, 2e-15);
    // c2 = sqrt(γ·e/(2·A·k)).
    let limit = (0.05 * std::f64::consts::E / (2.0 * 2.986162360812285 * 0.04235741115084049)).sqrt();
    close(zero.c2(), limit, 4e-15);
    for tiny in [1e-6, 1e-9, 1e-15, 1e-300, f64::MIN_POSITIVE] {
        close(at(tiny).c1_price(Side::Buy), zero.c1_price(Side::Buy), 20.0 * tiny + 4e-15);
        close(at(tiny).c2(), zero.c2(), 20.0 * tiny + 4e-15);
    }
}

#[test]
fn agrees_with_the_control_problem_solved_on_a_grid() {
    // Distances of bid and ask at -Δ, 0 and Δ of inventory, as `reference/glft.py` prints them. The closed form is the
    // asymptotic one: with small γσ² the two differ by what the expansion leaves out.
    let run =
        |arrivals: [f64; 2], decays: [f64; 2], fill_aversion: f64, order: f64, drift: f64, want: [[f64; 2]; 3]| {
            let glft = model(GlftParams {
                risk_aversion_per_money: 0.01,
                fill_aversion_per_money: fill_aversion,
                order_base: order,
                arrivals_per_second: arrivals,
                decay_per_price: decays,
            });
            for (inventory, [bid, ask]) in [-order, 0.0, order].into_iter().zip(want) {
                let quote = glft.quote(0.0, inventory, 0.3, drift);
                let error = (-quote.bid_price - bid).abs().max((quote.ask_price - ask).abs());
                assert!(error < 4e-4, "{arrivals:?} {decays:?} {inventory}: {quote:?} for {bid} {ask}");
            }
        };
    let two = |value: f64| [value; 2];
    run(two(1.5), two(2.0), 0.01, 1.0, 0.0, [[0.488568, 0.529309], [0.508941, 0.508941], [0.529309, 0.488568]]);
    run(two(1.5), two(2.0), 0.01, 1.0, 0.0003, [[0.481777, 0.536096], [0.50215, 0.515731], [0.52252, 0.495359]]);
    run([3.0, 0.8], two(2.0), 0.01, 1.0, 0.0, [[0.819171, 0.198377], [0.839215, 0.178337], [0.859255, 0.158293]]);
    run(two(1.5), [2.5, 1.6], 0.01, 1.0, 0.0, [[0.388695, 0.653557], [0.408816, 0.633562], [0.429057, 0.613441]]);
    run([2.4, 1.1], [2.5, 1.7], 0.03, 0.5, -0.0002, [[0.58367, 0.414757], [0.59769, 0.40079], [0.611759, 0.386771]]);
}

#[test]
fn a_change_of_units_changes_nothing() {
    let seed = 20_080_401;
    let mut rng = SplitMix64::new(seed);
    for case in 0..2_000 {
        let mut log_uniform = |low: f64, high: f64| low * (high / low).powf(rng.unit_f64());
        let (gamma, xi, order) = (log_uniform(1e-4, 1.0), log_uniform(1e-4, 1.0), log_uniform(1e-3, 10.0));
        let arrivals = [log_uniform(0.01, 100.0), log_uniform(0.01, 100.0)];
        let decays = [log_uniform(0.05, 20.0), log_uniform(0.05, 20.0)];
        let (mid, sigma, drift) = (log_uniform(1.0, 1e5), log_uniform(1e-3, 10.0), log_uniform(1e-6, 1e-2) - 5e-3);
        let (inventory, horizon) = (log_uniform(0.1, 20.0) - 5.0, log_uniform(0.1, 1e4));
        let (price, time, base) = (log_uniform(1e-4, 1e4), log_uniform(1e-4, 1e4), log_uniform(1e-4, 1e4));
        let glft = |scale: [f64; 3]| {
            let [price, time, base] = scale;
            let params = GlftParams {
                risk_aversion_per_money: gamma / (price * base),
                fill_aversion_per_money: xi / (price * base),
                order_base: order * base,
                arrivals_per_second: arrivals.map(|rate| rate / time),
                decay_per_price: decays.map(|decay| decay / price),
            };
            let (sigma, drift) = (sigma * price / time.sqrt(), drift * price / time);
            let quote = model(params).quote(mid * price, inventory * base, sigma, drift);
            [quote.bid_price / price, quote.ask_price / price]
        };
        let quotes = |scale: [f64; 3]| {
            let [price, time, base] = scale;
            let (gamma, decay) = (gamma / (price * base), decays[0] / price);
            // One order of A-S is one base unit; γ/κ is 1/base.
            let fair =
                reservation_price(mid * price, inventory * base, gamma, sigma * price / time.sqrt(), horizon * time);
            let spread = intensity_spread(gamma * base, decay);
            let term = inventory_spread(gamma * base, sigma * price / time.sqrt(), horizon * time);
            [fair / price, (spread + term) / price]
        };
        let stationary = |scale: [f64; 3], bound: StationaryBound| {
            let [price, time, base] = scale;
            let inputs = StationaryInputs {
                mid_price: mid * price,
                inventory_base: inventory * base,
                order_base: order * base,
                risk_aversion_per_money: gamma / (price * base),
                volatility_price_per_sqrt_second: sigma * price / time.sqrt(),
                bound,
                form: StationaryForm::Indifference,
            };
            let prices = stationary_reservation_prices(&inputs).expect("inside the bound");
            [prices.bid.expect("a bid") / price, prices.ask.expect("an ask") / price]
        };
        let (one, other) = ([1.0; 3], [price, time, base]);
        let max = inventory.abs() + 5.0 * order;
        let discount = 0.5 * (gamma * sigma * (max + order)).powi(2);
        let most = |scale: f64| StationaryBound::MaxInventory(max * scale);
        let pairs = [
            (glft(one), glft(other)),
            (quotes(one), quotes(other)),
            (stationary(one, most(1.0)), stationary(other, most(base))),
            (
                stationary(one, StationaryBound::Discount(discount)),
                stationary(other, StationaryBound::Discount(discount / time)),
            ),
        ];
        for (kind, (plain, scaled)) in pairs.into_iter().enumerate() {
            for (plain, scaled) in plain.into_iter().zip(scaled) {
                let error = (plain - scaled).abs() / plain.abs().max(mid);
                assert!(error < 1e-10, "seed {seed} case {case} kind {kind}: {plain} {scaled}");
            }
        }
    }
}

#[test]
fn refuses_by_name() {
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        let named = |params: GlftParams| match Glft::new(&params) {
            Err(ModelRefusal::OutOfRange { name, .. }) => name,
            other => panic!("{bad}: {other:?}"),
        };
        assert_eq!(named(GlftParams { risk_aversion_per_money: bad, ..KNOWN }), "riskAversionPerMoney");
        assert_eq!(named(GlftParams { order_base: bad, ..KNOWN }), "orderBase");
        assert_eq!(named(GlftParams { arrivals_per_second: [1.0, bad], ..KNOWN }), "arrivalsPerSecond");
        assert_eq!(named(GlftParams { decay_per_price: [bad, 1.0], ..KNOWN }), "decayPerPrice");
        if bad != 0.0 {
            assert_eq!(named(GlftParams { fill_aversion_per_money: bad, ..KNOWN }), "fillAversionPerMoney");
        }
    }
    // In range one by one, out of a float's range together.
    let wild = GlftParams { fill_aversion_per_money: 1e300, order_base: 1e300, ..KNOWN };
    assert!(Glft::new(&wild).is_err());
}
