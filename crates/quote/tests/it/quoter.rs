//! The quoter's rules one by one, with prices computed by hand.
use crate::common;
use common::{at_100, instrument, live, params, target, touch};
use fafnir_quote::{QuoteAction, QuoteView, Quoter, WorkingQuote};
use types::config::{Horizon, IntensityCalibration, QuoterParams};
use types::{Code, Lots, Side, UnixNanos};

/// Tick 0.01, lot 1, S = 100: with γ = 0.1, κ = 1.5 and σ = 2 the half spread is 0.645385… = 64.5 ticks.
fn quoter(params: QuoterParams) -> Quoter {
    Quoter::new(params, &instrument("0.01", "1", ""))
}

fn prices(params: QuoterParams, view: &QuoteView) -> (i64, i64) {
    let decision = quoter(params).decide(view);
    assert_eq!(decision.code, None);
    (decision.bid.unwrap().price.0, decision.ask.unwrap().price.0)
}

#[test]
fn known_prices() {
    assert_eq!(prices(params(), &at_100()), (9_935, 10_065));
    let long_one = QuoteView { position: Lots(1), ..at_100() };
    assert_eq!(prices(params(), &long_one), (9_895, 10_025), "r = 99.6");
    let with_term = QuoterParams { inventory_spread_term: true, ..params() };
    assert_eq!(prices(with_term, &long_one), (9_875, 10_045), "99.6 ± 0.845385");
    let short = QuoteView { position: Lots(-2), ..at_100() };
    assert_eq!(prices(params(), &short), (10_000, 10_145), "r = 100.8: the bid 100.154 is held back by the ask");
}

#[test]
fn inventory_counts_lot_size_multiplier_and_contract() {
    let half_lot = instrument("0.01", "0.5", r#","multiplier":"2""#);
    let long_one = QuoteView { position: Lots(1), ..at_100() };
    let bid = |instrument| Quoter::new(params(), &instrument).decide(&long_one).bid.unwrap().price.0;
    assert_eq!(bid(half_lot), 9_895, "0.5 x 2 = one whole unit");
    // An inverse contract of 100 money at 100 is one whole unit of the base.
    assert_eq!(bid(instrument("0.01", "1", r#","contract":"inverse","multiplier":"100""#)), 9_895);
}

#[test]
fn horizons() {
    let constant = QuoterParams { horizon: Horizon::Constant { seconds: 3.0 }, ..params() };
    let countdown = QuoterParams { horizon: Horizon::Countdown { seconds: 3.0 }, ..params() };
    let at = |millis: u64| QuoteView { now: UnixNanos(millis * 1_000_000), position: Lots(1), ..at_100() };
    // r = 100 - 0.4·T. Started at 1 s.
    assert_eq!(prices(constant, &at(3_500)), (9_815, 9_999 + 1));
    for (millis, bid) in [(0, 9_815), (1_000, 9_815), (2_500, 9_875), (4_000, 9_935), (9_000, 9_935)] {
        assert_eq!(prices(countdown.clone(), &at(millis)).0, bid, "{millis}");
    }
}

#[test]
fn not_wanted_cancels_what_works() {
    let unwanted = [
        QuoteView { trading: false, ..at_100() },
        QuoteView { book_valid: false, ..at_100() },
        QuoteView { touch: None, ..at_100() },
        QuoteView { touch: Some(touch(10_000, 10_000)), ..at_100() },
        QuoteView { touch: Some(types::Touch { ask_lots: Lots(0), ..touch(1, 2) }), ..at_100() },
        QuoteView { sigma: None, ..at_100() },
    ];
    for view in unwanted {
        let decision = quoter(params()).decide(&view);
        assert_eq!((decision.bid, decision.ask, decision.actions), (None, None, [QuoteAction::None; 2]));
        let flying = live(10_010, 1).map(|quote| WorkingQuote { in_flight: true, ..quote });
        let working = QuoteView { working: [live(9_990, 1), flying], ..view };
        let decision = quoter(params()).decide(&working);
        assert_eq!((decision.actions, decision.code), ([QuoteAction::Cancel; 2], None));
        let cancelling = flying.map(|quote| WorkingQuote { cancelling: true, ..quote });
        let again = QuoteView { working: [cancelling, cancelling], ..view };
        assert_eq!(quoter(params()).decide(&again).actions, [QuoteAction::None; 2]);
    }
    let off = QuoterParams { enabled: false, ..params() };
    let working = QuoteView { working: [live(9_990, 1), None], ..at_100() };
    assert_eq!(quoter(off).decide(&working).actions, [QuoteAction::Cancel, QuoteAction::None]);
}

#[test]
fn bad_numbers_quote_nothing_and_say_so() {
    let working = QuoteView { working: [live(9_990, 1), live(10_010, 1)], ..at_100() };
    let invalid = |params: QuoterParams, view: &QuoteView| {
        let decision = quoter(params).decide(view);
        assert_eq!((decision.bid, decision.ask), (None, None));
        assert_eq!((decision.actions, decision.code), ([QuoteAction::Cancel; 2], Some(Code::QuoterInvalid)));
    };
    for sigma in [f64::NAN, f64::INFINITY, 1e200, -1.0] {
        invalid(params(), &QuoteView { sigma: Some(sigma), position: Lots(1), ..working });
    }
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e-320] {
        invalid(QuoterParams { risk_aversion_per_money: bad, ..params() }, &working);
    }
    for bad in [f64::NAN, 0.0, -0.05, 1e-320] {
        invalid(QuoterParams { intensity_decay_per_price: bad, ..params() }, &working);
    }
    let long = QuoteView { position: Lots(i64::MAX), side_open_lots: [Lots(i64::MIN), Lots(i64::MAX)], ..working };
    invalid(params(), &long);
    // Zero volatility is a number: the reservation price is the mid.
    assert_eq!(prices(params(), &QuoteView { sigma: Some(0.0), position: Lots(3), ..at_100() }), (9_935, 10_065));
}

#[test]
fn places_keeps_and_moves() {
    let mut quoter = quoter(QuoterParams { requote_ticks: 3, order_lots: Lots(4), ..params() });
    let decision = quoter.decide(&at_100());
    assert_eq!(decision.actions, [QuoteAction::Place(target(9_935, 4)), QuoteAction::Place(target(10_065, 4))]);

    let with = |bid: i64, ask: i64, lots: i64| QuoteView {
        working: [live(bid, lots), live(ask, lots)],
        side_open_lots: [Lots(lots); 2],
        ..at_100()
    };
    assert_eq!(quoter.decide(&with(9_937, 10_063, 4)).actions, [QuoteAction::None; 2], "2 ticks off, 3 asked for");
    assert_eq!(quoter.decide(&with(9_935, 10_065, 1)).actions, [QuoteAction::None; 2], "a remainder is kept");
    let moved = [QuoteAction::Replace(target(9_935, 4)), QuoteAction::Replace(target(10_065, 4))];
    assert_eq!(quoter.decide(&with(9_932, 10_068, 1)).actions, moved, "and filled up when it moves");
    assert_eq!(quoter.decide(&with(9_938, 10_062, 4)).actions, moved);

    let flying = |view: QuoteView| QuoteView {
        working: view.working.map(|w| w.map(|quote| WorkingQuote { in_flight: true, ..quote })),
        ..view
    };
    assert_eq!(quoter.decide(&flying(with(9_000, 11_000, 4))).actions, [QuoteAction::None; 2]);
}

#[test]
fn the_gate_clips_and_moves_what_is_too_much() {
    let mut quoter = quoter(QuoterParams { order_lots: Lots(4), ..params() });
    let long_8 = QuoteView { position: Lots(8), sigma: Some(0.0), ..at_100() };
    let decision = quoter.decide(&long_8);
    assert_eq!((decision.bid, decision.ask), (Some(target(9_935, 2)), Some(target(10_065, 4))));
    let too_much = QuoteView { working: [live(9_935, 4), None], side_open_lots: [Lots(4), Lots(0)], ..long_8 };
    assert_eq!(quoter.decide(&too_much).actions[0], QuoteAction::Replace(target(9_935, 2)));
    // One more lot of another order on the side leaves one, two more leave none.
    let beside = |lots: i64| QuoteView { side_open_lots: [Lots(4 + lots), Lots(0)], ..too_much };
    assert_eq!(quoter.decide(&beside(1)).actions[0], QuoteAction::Replace(target(9_935, 1)));
    assert_eq!(quoter.decide(&beside(2)).actions[0], QuoteAction::Cancel);
    let full = quoter.decide(&QuoteView { position: Lots(10), ..long_8 });
    assert_eq!((full.bid, full.ask), (None, Some(target(10_065, 4))), "at the limit only the reducing side");
    let beyond = quoter.decide(&QuoteView { position: Lots(-12), side_open_lots: [Lots(9), Lots(0)], ..long_8 });
    assert_eq!((beyond.bid, beyond.ask), (Some(target(9_935, 3)), None), "beyond it reduce-only: 12 - 9");
}

#[test]
fn never_against_our_own_quote() {
    // The market jumped up: the new bid 9,935 would meet our own ask, left at 9,930. The ask moves first.
    let mut quoter = quoter(params());
    let jumped = QuoteView { working: [live(9_800, 1), live(9_930, 1)], side_open_lots: [Lots(1); 2], ..at_100() };
    assert_eq!(quoter.decide(&jumped).actions, [QuoteAction::None, QuoteAction::Replace(target(10_065, 1))]);
    let fell = QuoteView { working: [live(10_065, 1), live(10_200, 1)], ..jumped };
    assert_eq!(quoter.decide(&fell).actions, [QuoteAction::Replace(target(9_935, 1)), QuoteAction::None]);
    let no_bid = QuoteView { working: [None, live(9_930, 1)], ..jumped };
    assert_eq!(quoter.decide(&no_bid).actions, [QuoteAction::None, QuoteAction::Replace(target(10_065, 1))]);
    // Already crossed by somebody else's doing: both move at once rather than wait for each other.
    let crossed = QuoteView { working: [live(10_100, 1), live(9_900, 1)], ..jumped };
    let both = [QuoteAction::Replace(target(9_935, 1)), QuoteAction::Replace(target(10_065, 1))];
    assert_eq!(quoter.decide(&crossed).actions, both);
}

#[test]
fn a_parameter_set_changes_at_once() {
    let mut quoter = quoter(params());
    quoter.decide(&at_100());
    // κ = 3, γ = 0.2: the same γ/κ, half the spread.
    let tighter =
        QuoterParams { risk_aversion_per_money: 0.2, intensity_decay_per_price: 3.0, order_lots: Lots(2), ..params() };
    quoter.set_params(tighter.clone());
    assert_eq!(quoter.params(), &tighter);
    let decision = quoter.decide(&at_100());
    assert_eq!((decision.bid, decision.ask), (Some(target(9_967, 2)), Some(target(10_033, 2))));
}

fn calibrated() -> QuoterParams {
    let calibration = IntensityCalibration {
        arrivals_per_second: 1.0,
        prior_fills: 5.0,
        prior_seconds: 50.0,
        prior_distance_price: 0.5,
        min_per_price: 0.1,
        max_per_price: 50.0,
    };
    QuoterParams { calibration: Some(calibration), ..params() }
}

#[test]
fn calibration_counts_quoted_time_and_fills_by_side() {
    let mut quoter = quoter(calibrated());
    let prior_kappa = 10.0_f64.ln() / 0.5;
    let close = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-12, "{got} is not {want}");
    close(quoter.intensity_decay_per_price(Side::Buy), prior_kappa);
    close(quoter.prior_summary().unwrap().decay_per_price, prior_kappa);

    let unacknowledged = live(10_099, 1).map(|quote| WorkingQuote { acknowledged: false, in_flight: true, ..quote });
    let at = |seconds: u64| QuoteView {
        now: UnixNanos(seconds * 1_000_000_000),
        working: [live(9_900, 1), unacknowledged],
        ..at_100()
    };
    quoter.decide(&at(10));
    quoter.decide(&QuoteView { book_valid: false, ..at(60) });
    // 50 s at 1.0 from the mid beside 50 s at 0.5: λ̂ = 5/100, mean d = 0.75.
    close(quoter.intensity_decay_per_price(Side::Buy), 20.0_f64.ln() / 0.75);
    close(quoter.intensity_decay_per_price(Side::Sell), prior_kappa);
    // While the book is invalid there is no mid: no time counts.
    quoter.decide(&at(1_000));
    close(quoter.intensity_decay_per_price(Side::Buy), 20.0_f64.ln() / 0.75);
    for _ in 0..5 {
        quoter.on_fill(Side::Buy);
    }
    close(quoter.intensity_decay_per_price(Side::Buy), 10.0_f64.ln() / 0.75);
    quoter.on_fill(Side::Sell);
    close(quoter.intensity_decay_per_price(Side::Sell), (50.0_f64 / 6.0).ln() / 0.5);

    // Each side's spread follows its own κ.
    let decision = quoter.decide(&at_100());
    let half = |kappa: f64| (1.0_f64 + 0.1 / kappa).ln() / 0.1;
    let bid = ((100.0 - half(10.0_f64.ln() / 0.75)) * 100.0).floor() as i64;
    let ask = ((100.0 + half((50.0_f64 / 6.0).ln() / 0.5)) * 100.0).ceil() as i64;
    assert_eq!((decision.bid.unwrap().price.0, decision.ask.unwrap().price.0), (bid, ask));

    // Off and on again: the observations are kept, the stated κ rules in between.
    quoter.set_params(params());
    assert_eq!(quoter.intensity_decay_per_price(Side::Buy), 1.5);
    assert_eq!(quoter.prior_summary(), None);
    quoter.on_fill(Side::Buy);
    quoter.set_params(calibrated());
    close(quoter.intensity_decay_per_price(Side::Buy), 10.0_f64.ln() / 0.75);
}
