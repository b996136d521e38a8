//! The rules around the model one by one, with numbers computed by hand, and the models that can be chosen.
use crate::common;
use common::{at_100, instrument, live, params, print, target, touch, view};
use fafnir_quote::{AskedQuotes, MarketSignals, QuoteAction, QuoteView, Quoter, Signals, Standing, WorkingQuote};
use types::config::{
    FairValue, Horizon, Model, QuoterParams, QuoterRules, Sizing, Toxicity, ToxicitySource, Unwind, UnwindClock,
};
use types::{LimitBreach, Lots, Nanos, Parameter, ParameterFault, Side, Ticks, Touch, UnixNanos};

const SECOND: i64 = 1_000_000_000;

fn with(rules: QuoterRules) -> Quoter {
    Quoter::new(QuoterParams { rules, ..params() }, &instrument("0.01", "1", r#","makerFee":"0.01""#))
}

fn rules() -> QuoterRules {
    QuoterRules::default()
}

fn at(seconds: i64) -> QuoteView {
    QuoteView { now: UnixNanos((seconds * SECOND) as u64), ..at_100() }
}

/// Bid and ask, after a look at whether the terms add up.
fn prices(quoter: &mut Quoter, view: &QuoteView) -> (i64, i64) {
    let decision = quoter.decide(view);
    for side in Side::BOTH {
        assert!(quoter.terms().adds_up(side), "{:?}", quoter.terms());
    }
    (decision.bid.expect("a bid").price.0, decision.ask.expect("an ask").price.0)
}

fn stands(quoter: &mut Quoter, view: &QuoteView) -> Standing {
    let decision = quoter.decide(view);
    let standing = quoter.terms().standing;
    assert_eq!(decision.bid.is_some() && decision.ask.is_some(), standing == Standing::Quoting);
    standing
}

#[test]
fn spread_rules_move_both_sides_evenly() {
    // Without rules 9,935 / 10,065: 130 ticks.
    assert_eq!(prices(&mut with(rules()), &at_100()), (9_935, 10_065));
    let wide = QuoterRules { min_spread_ticks: 141, ..rules() };
    assert_eq!(prices(&mut with(wide.clone()), &at_100()), (9_930, 10_071), "the odd tick is the ask's");
    let narrow = QuoterRules { max_spread_ticks: 101, ..rules() };
    let mut quoter = with(narrow);
    assert_eq!(prices(&mut quoter, &at_100()), (9_950, 10_051));
    let [bid, ask] = quoter.terms().sides;
    assert_eq!((bid.spread_ticks, ask.spread_ticks, bid.rounded, ask.rounded), (15, -14, Ticks(9_935), Ticks(10_065)));
    // A touch that is in the way is the last word: 9,895 / 10,025 for a long of one, and the bid may not meet 9,880.
    let held = QuoteView { position: Lots(1), ..view(touch(9_870, 9_880)) };
    let mut quoter = with(QuoterRules { max_spread_ticks: 40, ..rules() });
    let (bid, ask) = prices(&mut quoter, &held);
    assert!(bid < 9_880 && ask > 9_870, "{bid} {ask}");
}

#[test]
fn fees_are_earned_by_a_round_trip() {
    // A maker fee of 1 %: 2 % of 100 and a little more, since the fee is paid on what the wider quotes trade at.
    let mut quoter = with(QuoterRules { cover_fees: true, ..rules() });
    let (bid, ask) = prices(&mut quoter, &at_100());
    assert_eq!((bid, ask), (9_900, 10_100));
    assert!((ask - bid) * 100 >= bid + ask && (ask - bid - 1) * 100 < bid + ask - 1);
    assert_eq!((quoter.terms().sides[0].fee_ticks, quoter.terms().sides[1].fee_ticks), (-35, 35));
}

#[test]
fn fair_value_and_drift() {
    let weighted = QuoterRules { fair_value: FairValue::WeightedMid, ..rules() };
    let tilted =
        QuoteView { touch: Some(Touch { bid_lots: Lots(6), ask_lots: Lots(2), ..touch(9_990, 10_010) }), ..at_100() };
    // (9,990·2 + 10,010·6) / 8 = 10,005: five ticks above the mid.
    assert_eq!(prices(&mut with(weighted), &tilted), (9_940, 10_070));

    let published = FairValue::Published(Nanos(2 * SECOND));
    let mut quoter = with(QuoterRules { fair_value: published, drift: Some((3.0, Nanos(SECOND))), ..rules() });
    assert_eq!(stands(&mut quoter, &at(2)), Standing::FairValueAbsent);
    let fair = Signals { fair_value_price: Some(100.10), ..Signals::default() };
    quoter.publish(&fair, UnixNanos(2 * SECOND as u64)).expect("sound");
    assert_eq!(prices(&mut quoter, &at(2)), (9_945, 10_075));
    assert_eq!(quoter.wake_at(&at(2)), Some(UnixNanos(4 * SECOND as u64)));
    let drift = Signals { drift_price_per_second: Some(-0.1), ..Signals::default() };
    quoter.publish(&drift, UnixNanos(3 * SECOND as u64)).expect("sound");
    assert_eq!(prices(&mut quoter, &at(3)), (9_915, 10_045), "0.30 down");
    assert_eq!(stands(&mut quoter, &at(4)), Standing::FairValueAbsent, "two seconds old");
    quoter.publish(&fair, UnixNanos(4 * SECOND as u64)).expect("sound");
    assert_eq!(prices(&mut quoter, &at(4)), (9_945, 10_075), "the drift is one second old");
    let below = |parameter, limit| Err(ParameterFault::new(parameter, LimitBreach::Below(limit)));
    let above = |parameter, limit| Err(ParameterFault::new(parameter, LimitBreach::Above(limit)));
    let (price, toxicity) = (Parameter::PUBLISHED_FAIR_VALUE, Parameter::PUBLISHED_TOXICITY);
    for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        let signals = Signals { fair_value_price: Some(bad), toxicity: Some(0.5), ..Signals::default() };
        let why = if bad > 0.0 { above(price, f64::MAX) } else { below(price, f64::MIN_POSITIVE) };
        assert_eq!(quoter.publish(&signals, UnixNanos(1)), why, "{bad}");
    }
    for (bad, why) in [(f64::NAN, below(toxicity, 0.0)), (-0.1, below(toxicity, 0.0)), (1.1, above(toxicity, 1.0))] {
        let signals = Signals { toxicity: Some(bad), ..Signals::default() };
        assert_eq!(quoter.publish(&signals, UnixNanos(1)), why, "{bad}");
    }
    let endless = Signals { drift_price_per_second: Some(f64::INFINITY), ..Signals::default() };
    assert_eq!(quoter.publish(&endless, UnixNanos(1)), above(Parameter::PUBLISHED_DRIFT, f64::MAX));
}

#[test]
fn sizes() {
    let lots = |sizing: Sizing, view: &QuoteView| {
        let set = QuoterParams { order_lots: Lots(8), max_inventory_lots: Lots(20), ..params() };
        let rules = QuoterRules { sizing, ..rules() };
        let mut quoter = Quoter::new(QuoterParams { rules, ..set }, &instrument("0.01", "1", ""));
        let decision = quoter.decide(&QuoteView { sigma: Some(0.0), ..*view });
        (decision.bid.map_or(0, |bid| bid.quantity.0), decision.ask.map_or(0, |ask| ask.quantity.0))
    };
    let held = |lots: i64| QuoteView { position: Lots(lots), ..at_100() };
    assert_eq!(lots(Sizing::Fixed, &held(10)), (8, 8));
    // 8·e^(-2·0.5) = 2.94 on the side that adds.
    assert_eq!(lots(Sizing::Inventory { shape: 2.0 }, &held(10)), (2, 8));
    assert_eq!(lots(Sizing::Inventory { shape: 2.0 }, &held(-10)), (8, 2));
    assert_eq!(lots(Sizing::Inventory { shape: 100.0 }, &held(10)), (1, 8), "at least one lot");
    assert_eq!(lots(Sizing::Inventory { shape: 0.0 }, &held(0)), (8, 8));
    let deep = Touch { bid_lots: Lots(50), ask_lots: Lots(9), ..touch(9_999, 10_001) };
    let depth = Sizing::Depth { fraction: 0.1, min_lots: Lots(2) };
    assert_eq!(lots(depth, &view(deep)), (5, 2));
    let deeper = Touch { bid_lots: Lots(5_000), ..deep };
    assert_eq!(lots(depth, &view(deeper)), (8, 2), "never above the order quantity");
}

#[test]
fn a_silent_feed_pulls_by_receive_time() {
    let mut quoter = with(QuoterRules { stale_feed: Some(Nanos(SECOND)), ..rules() });
    let since = |nanos: i64| QuoteView { touch_at: UnixNanos((2 * SECOND - nanos) as u64), ..at(2) };
    assert_eq!(stands(&mut quoter, &since(SECOND - 1)), Standing::Quoting);
    assert_eq!(quoter.wake_at(&since(SECOND - 1)), Some(UnixNanos(2 * SECOND as u64 + 1)));
    assert_eq!(stands(&mut quoter, &since(SECOND)), Standing::FeedStale);
    assert_eq!(quoter.wake_at(&since(SECOND)), None, "only the feed can end it");
    let working = QuoteView { working: [live(9_935, 1), None], ..since(SECOND) };
    assert_eq!(quoter.decide(&working).actions, [QuoteAction::Cancel, QuoteAction::None]);
}

#[test]
fn an_initial_volatility_counts_until_there_is_one() {
    let mut quoter = with(QuoterRules { initial_sigma: Some(2.0), ..rules() });
    let long_one = QuoteView { position: Lots(1), sigma: None, ..at_100() };
    assert_eq!(prices(&mut quoter, &long_one), (9_895, 10_025), "r = 99.6");
    assert_eq!(prices(&mut quoter, &QuoteView { sigma: Some(0.0), ..long_one }), (9_935, 10_065));
    assert_eq!(stands(&mut with(rules()), &long_one), Standing::VolatilityAbsent);
}

#[test]
fn the_volatility_pause_has_two_limits() {
    let mut quoter = with(QuoterRules { volatility_pause: Some((3.0, 2.0)), ..rules() });
    let moving = |sigma: f64| QuoteView { sigma: Some(sigma), ..at_100() };
    for (sigma, quoting) in
        [(2.5, true), (3.0, true), (3.1, false), (2.5, false), (2.0, false), (1.9, true), (2.9, true)]
    {
        assert_eq!(stands(&mut quoter, &moving(sigma)) == Standing::Quoting, quoting, "{sigma}");
    }
    // A pause that is on ends with the rule.
    assert_eq!(stands(&mut quoter, &moving(9.0)), Standing::VolatilityPaused);
    quoter.set_params(params());
    assert_eq!(stands(&mut quoter, &moving(2.5)), Standing::Quoting);
}

#[test]
fn toxic_flow_widens_and_pulls() {
    let rule = |source| Some(Toxicity { source, widening: 2.0, pull_above: 0.6 });
    let published = ToxicitySource::Published(Nanos(SECOND));
    let mut quoter = with(QuoterRules { toxicity: rule(published), ..rules() });
    assert_eq!(stands(&mut quoter, &at(2)), Standing::Toxic, "none published counts as 1");
    let publish = |quoter: &mut Quoter, toxicity: f64| {
        let signals = Signals { toxicity: Some(toxicity), ..Signals::default() };
        quoter.publish(&signals, UnixNanos(2 * SECOND as u64)).expect("sound");
    };
    publish(&mut quoter, 0.0);
    assert_eq!(prices(&mut quoter, &at(2)), (9_935, 10_065));
    publish(&mut quoter, 0.5);
    // 0.645385… doubled: 1.29077.
    assert_eq!(prices(&mut quoter, &at(2)), (9_870, 10_130));
    publish(&mut quoter, 0.61);
    assert_eq!(stands(&mut quoter, &at(2)), Standing::Toxic);
    publish(&mut quoter, 0.6);
    assert_eq!(stands(&mut quoter, &at(2)), Standing::Quoting, "a value at the limit quotes");
    assert_eq!(stands(&mut quoter, &at(3)), Standing::Toxic, "too old");

    let flow = ToxicitySource::TradeFlow { half_life_seconds: 10.0, prior_lots: Lots(4) };
    let mut quoter = with(QuoterRules { toxicity: rule(flow), ..rules() });
    assert_eq!(prices(&mut quoter, &at(2)), (9_935, 10_065));
    quoter.on_trade(UnixNanos(2 * SECOND as u64), &print(Side::Sell, 10_000, 4, 0));
    assert_eq!(prices(&mut quoter, &at(2)), (9_870, 10_130), "4 / (4 + 4)");
    quoter.on_trade(UnixNanos(2 * SECOND as u64), &print(Side::Sell, 10_000, 4, 0));
    assert_eq!(stands(&mut quoter, &at(2)), Standing::Toxic, "8 / 12");
}

/// What the engine measures for the quoter comes with the view; where it has no value yet, nothing is moved by it.
#[test]
fn micro_price_and_vpin_of_the_view() {
    let seen = |micro_price_ticks, vpin| QuoteView { signals: MarketSignals { micro_price_ticks, vpin }, ..at(2) };
    let mut micro = with(QuoterRules { fair_value: FairValue::MicroPrice, ..rules() });
    assert_eq!(prices(&mut micro, &seen(None, None)), (9_935, 10_065), "the mid");
    assert_eq!(prices(&mut micro, &seen(Some(10_005.0), None)), (9_940, 10_070));
    // 99.974 less and more 0.645385…: 99.3286 and 100.6194, rounded away from each other.
    assert_eq!(prices(&mut micro, &seen(Some(9_997.4), Some(1.0))), (9_932, 10_062));
    assert!((micro.terms().fair_price - 99.974).abs() < 1e-12 && micro.terms().toxicity == 0.0);
    assert_eq!(micro.decide(&seen(Some(f64::NAN), None)).bid, None, "no number, no quote");

    let source = ToxicitySource::Vpin { bucket_lots: Lots(10), buckets: 5 };
    let toxicity = Some(Toxicity { source, widening: 2.0, pull_above: 0.6 });
    let mut wary = with(QuoterRules { toxicity, ..rules() });
    assert_eq!(prices(&mut wary, &seen(None, None)), (9_935, 10_065), "its buckets are not full");
    assert_eq!(prices(&mut wary, &seen(Some(10_005.0), Some(0.5))), (9_870, 10_130), "0.645385… doubled, at the mid");
    assert_eq!(stands(&mut wary, &seen(None, Some(0.61))), Standing::Toxic);
    assert_eq!(stands(&mut wary, &seen(None, Some(0.6))), Standing::Quoting, "a value at the limit quotes");
    // A trade moves the flow's toxicity at once, VPIN with the engine's bucket, and without the rule nothing.
    let trade = print(Side::Sell, 10_000, 4, 0);
    let flow = ToxicitySource::TradeFlow { half_life_seconds: 10.0, prior_lots: Lots(4) };
    let mut flowing = with(QuoterRules { toxicity: toxicity.map(|rule| Toxicity { source: flow, ..rule }), ..rules() });
    let told = [&mut flowing, &mut wary, &mut micro].map(|quoter| quoter.on_trade(UnixNanos(2), &trade));
    assert_eq!(told, [true, false, false]);
}

fn unwinding(clock: UnwindClock) -> QuoterRules {
    let [reduce, cross, over] = [10, 20, 30].map(|seconds| Nanos(seconds * SECOND));
    QuoterRules { unwind: Some(Unwind { clock, reduce, cross, over, cross_limit_ticks: 5 }), ..rules() }
}

#[test]
fn the_end_of_a_session() {
    let mut quoter = with(unwinding(UnwindClock::Session));
    // The session began at 1 s.
    let held = |seconds: i64, lots: i64| QuoteView { position: Lots(lots), ..at(seconds) };
    let decision = quoter.decide(&held(10, 3));
    assert!(decision.bid.is_some() && decision.ask.is_some());
    assert_eq!(quoter.wake_at(&held(10, 3)), Some(UnixNanos(11 * SECOND as u64)));
    let decision = quoter.decide(&held(11, 3));
    assert_eq!((decision.bid, decision.ask.map(|ask| ask.quantity)), (None, Some(Lots(1))), "only what reduces");
    let decision = quoter.decide(&held(11, 0));
    assert_eq!((decision.bid, decision.ask), (None, None));
    // From 20 s on what is left is taken: quotes go first, and one order at a time.
    let quoted = QuoteView { working: [None, live(10_065, 1)], side_open_lots: [Lots(0), Lots(1)], ..held(21, 3) };
    assert_eq!(quoter.decide(&quoted).actions, [QuoteAction::None, QuoteAction::Cancel]);
    assert_eq!(quoter.decide(&held(21, 3)).actions, [QuoteAction::None, QuoteAction::Take(target(9_994, 1))]);
    assert_eq!(quoter.decide(&held(21, -3)).actions, [QuoteAction::Take(target(10_006, 1)), QuoteAction::None]);
    let own_bid = QuoteView { working: [live(9_900, 1), None], side_open_lots: [Lots(1), Lots(0)], ..held(21, 3) };
    assert_eq!(quoter.decide(&own_bid).actions, [QuoteAction::Cancel, QuoteAction::None], "never against ourselves");
    let taking = live(9_994, 1).map(|quote| WorkingQuote { taking: true, ..quote });
    let waits = QuoteView { working: [None, taking], side_open_lots: [Lots(0), Lots(1)], ..held(21, 3) };
    assert_eq!(quoter.decide(&waits).actions, [QuoteAction::None; 2]);
    // σ is not needed to get out, the book is.
    let blind = QuoteView { sigma: None, ..held(21, 3) };
    assert_eq!(quoter.decide(&blind).actions[1], QuoteAction::Take(target(9_994, 1)));
    assert_eq!(quoter.decide(&QuoteView { book_valid: false, ..blind }).actions, [QuoteAction::None; 2]);
    let decision = quoter.decide(&held(31, 3));
    assert_eq!((decision.actions, quoter.terms().standing), ([QuoteAction::None; 2], Standing::SessionOver));

    // By the day of UTC it begins anew at midnight.
    let mut quoter = with(unwinding(UnwindClock::UtcDay));
    let day = 86_400;
    assert_eq!(stands(&mut quoter, &at(day * 20_000 + 5)), Standing::Quoting);
    assert_eq!(stands(&mut quoter, &at(day * 20_000 + 30)), Standing::SessionOver);
    assert_eq!(quoter.wake_at(&at(day * 20_000 + 30)), Some(UnixNanos((day * 20_001 * SECOND) as u64)));
}

#[test]
fn without_an_end_inventory_stays_within_its_bound() {
    let set = QuoterParams { horizon: Horizon::Infinite, max_inventory_lots: Lots(3), ..params() };
    let mut quoter = Quoter::new(set.clone(), &instrument("0.01", "1", ""));
    let held = |lots: i64| QuoteView { position: Lots(lots), ..at_100() };
    // Python, mpmath: γ = 0.1, u = 1, q_max = 3, q = 1: r^b = 100 + ln(1 - 3/15)/0.1 = 97.76856448685790,
    // r^a = 100 - ln(1 + 1/15)/0.1 = 99.35461478862429; middle 98.561589637741095; half 0.645385211375713.
    assert_eq!(prices(&mut quoter, &held(1)), (9_791, 10_000), "the ask 99.207 is held back by the bid 99.99");
    let calm = QuoteView { touch: Some(touch(9_700, 9_950)), ..held(1) };
    // The mid is 98.25 here: everything is 1.75 lower.
    assert_eq!(prices(&mut quoter, &calm), (9_616, 9_746));
    // With the term: r^b - half and r^a + half.
    quoter.set_params(QuoterParams { inventory_spread_term: true, ..set });
    assert_eq!(prices(&mut quoter, &calm), (9_537, 9_825));
    // At the bound there is no price for more; beyond it the way back is priced as at the bound.
    for lots in [3, 7] {
        let decision = quoter.decide(&held(lots));
        assert!(decision.bid.is_none() && decision.ask.is_some() && decision.code.is_none(), "{decision:?}");
        assert!(quoter.terms().adds_up(Side::Sell));
    }
}

#[test]
fn the_other_model() {
    // Tick 1: the published example in ticks.
    let model = Model::Glft { arrivals_per_second: [2.986162360812285; 2], fill_aversion_per_money: 0.05 };
    let set = QuoterParams {
        model,
        risk_aversion_per_money: 0.05,
        intensity_decay_per_price: 0.04235741115084049,
        ..params()
    };
    let mut quoter = Quoter::new(set, &instrument("1", "1", ""));
    let view = QuoteView { sigma: Some(10.69), ..view(touch(999, 1_001)) };
    // Half spread 20.472, skew 9.763.
    assert_eq!(prices(&mut quoter, &view), (979, 1_021));
    assert_eq!(prices(&mut quoter, &QuoteView { position: Lots(1), ..view }), (969, 1_011));
    let terms = quoter.terms();
    assert!((terms.sides[0].inventory_price + 9.763_268_650_292_28).abs() < 1e-9, "{terms:?}");
    assert!((terms.sides[0].intensity_half_price - 15.590_451_013_297_573).abs() < 1e-9);
    assert_eq!(terms.drift_price, 0.0);
}

#[test]
fn quotes_of_a_strategy_pass_the_same_rules() {
    let set = QuoterParams { model: Model::Strategy, order_lots: Lots(2), ..params() };
    let mut quoter = Quoter::new(set, &instrument("0.01", "1", ""));
    let view = QuoteView { sigma: None, ..at_100() };
    assert_eq!(stands(&mut quoter, &view), Standing::NotAsked);
    let ask =
        |bid: Option<f64>, ask: Option<f64>, lots: i64| AskedQuotes { prices: [bid, ask], lots: [Lots(lots), Lots(0)] };
    quoter.ask(Some(ask(Some(99.907), Some(100.203), 0))).expect("sound");
    assert_eq!(prices(&mut quoter, &view), (9_990, 10_021));
    quoter.ask(Some(ask(Some(100.5), Some(101.0), 5))).expect("sound");
    assert_eq!(prices(&mut quoter, &view), (10_000, 10_100), "post-only: one tick under the ask");
    assert_eq!(quoter.decide(&view).bid, Some(target(10_000, 5)));
    quoter.ask(Some(ask(None, Some(100.2), 0))).expect("sound");
    let decision = quoter.decide(&view);
    assert_eq!((decision.bid, decision.ask), (None, Some(target(10_020, 2))));
    quoter.ask(Some(ask(Some(99.8), None, 40))).expect("sound");
    let decision = quoter.decide(&view);
    assert_eq!((decision.bid, decision.ask), (Some(target(9_980, 10)), None), "through the gate");
    let least = f64::MIN_POSITIVE;
    let ([bid_price, ask_price], [bid_lots, _]) = (Parameter::ASKED_PRICES, Parameter::ASKED_LOTS);
    for (bad, parameter, limit) in [
        (ask(Some(f64::NAN), None, 0), bid_price, least),
        (ask(Some(101.0), Some(100.0), 0), ask_price, 101.0),
        (ask(Some(1.0), None, -1), bid_lots, 0.0),
        (ask(Some(-1.0), None, 0), bid_price, least),
        (ask(Some(1.0), Some(0.0), 0), ask_price, least),
    ] {
        assert_eq!(quoter.ask(Some(bad)), Err(ParameterFault::new(parameter, LimitBreach::Below(limit))));
        assert_eq!(quoter.decide(&view).bid, Some(target(9_980, 10)), "a refused set changes nothing");
    }
    quoter.ask(None).expect("sound");
    assert_eq!(stands(&mut quoter, &view), Standing::NotAsked);
}
