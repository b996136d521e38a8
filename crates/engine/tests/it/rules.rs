//! The rules around the model as the engine carries them out: timers, levels, values and quotes of a strategy.
use crate::common;

use OrderEventKind::{Accepted, Cancel, Cancelled};
use common::{ABC, QUOTER, Rig, config};
use fafnir_engine::QUOTE_TIMER;
use types::{Code, CommandKind, OrderEventKind, Side, flag};

fn rig(members: &str) -> Rig {
    let quoter = QUOTER.replace("\"orderQuantity\"", &format!("{members}, \"orderQuantity\""));
    Rig::up(&config("binanceUsdm", &format!(r#", "quoters": [{quoter}]"#)))
}

#[test]
fn a_silent_feed_pulls_the_quotes_though_nothing_happens() {
    let mut rig = rig(r#""staleFeedMillis": 50"#);
    let turn = rig.ready();
    assert_eq!(turn.types(), "DD");
    for order in &turn.orders {
        rig.answer(order, Accepted);
    }
    // The timer was set for a touch that others have followed: it finds the deadline moved on.
    let mut at = rig.now + 40_000_000;
    let mut pulled = 0;
    for _ in 0..8 {
        rig.now = at;
        let turn = rig.timer(QUOTE_TIMER);
        pulled += turn.orders.iter().filter(|order| order.kind() == Some(Cancel)).count();
        let Some(next) = turn.timer(QUOTE_TIMER) else { break };
        at = next.0;
    }
    assert_eq!(pulled, 2, "both quotes, once");
    assert!(rig.engine.book_valid(ABC), "the book itself is as valid as before");
}

#[test]
fn a_ladder_is_sent_from_the_inside_out_and_cancelled_whole() {
    let mut rig = rig(r#""ladder": { "levels": 3, "spacingTicks": 5 }"#);
    let turn = rig.ready();
    // 25 lots at most: 10, 10 and 5 on each side.
    assert_eq!(turn.types(), "DDDDDD");
    let bids: Vec<_> = turn.orders.iter().filter(|order| order.side() == Some(Side::Buy)).collect();
    assert_eq!(bids.iter().map(|bid| bid.quantity.0).collect::<Vec<_>>(), [10, 10, 5]);
    assert!(bids.windows(2).all(|pair| pair[0].price.0 - pair[1].price.0 == 5), "{bids:?}");
    for order in &turn.orders {
        assert_eq!(order.flags & flag::POST_ONLY, flag::POST_ONLY);
        assert_eq!(rig.answer(order, Accepted).types(), "");
    }
    assert_eq!(rig.engine.outer_quotes(ABC, Side::Sell).iter().flatten().count(), 2);
    let off = QUOTER.replace("\"orderQuantity\"", "\"enabled\": false, \"orderQuantity\"");
    let turn = rig.text_command(CommandKind::SetQuoter, &off, |_| ());
    assert_eq!(turn.types(), "FFFFFF");
    for order in &turn.orders {
        assert_eq!(rig.answer(order, Cancelled).types(), "");
    }
    assert!(rig.engine.outer_quotes(ABC, Side::Sell).iter().all(Option::is_none));
}

#[test]
fn quotes_of_a_strategy_are_followed_and_go_with_it() {
    let mut rig = rig(r#""model": { "kind": "strategy" }"#);
    assert_eq!(rig.ready().types(), "");
    let quote = |rig: &mut Rig, bid: f64, ask: f64| {
        rig.command(CommandKind::Quote, |command| {
            (command.flags, command.price, command.quantity) = (3, bid.to_bits() as i64, ask.to_bits() as i64);
        })
    };
    let turn = quote(&mut rig, 99.57, 100.61);
    assert_eq!(turn.types(), "DD");
    assert_eq!((turn.orders[0].price.0, turn.orders[1].price.0), (995, 1_007));
    for order in &turn.orders {
        rig.answer(order, Accepted);
    }
    for (bid, ask) in [(f64::NAN, 100.0), (100.0, 99.0), (-1.0, 1.0)] {
        let turn = quote(&mut rig, bid, ask);
        assert_eq!((turn.faults(), turn.types().as_str()), (vec![Code::ParameterOutOfRange], ""));
    }
    let turn = rig.command(CommandKind::Publish, |command| (command.flags, command.id) = (4, 2f64.to_bits()));
    assert_eq!(turn.faults(), [Code::ParameterOutOfRange]);
    let turn = rig.command(CommandKind::StrategyFault, |_| ());
    assert_eq!(turn.types(), "FF", "what it asked for goes with it");
    assert_eq!(quote(&mut rig, 99.5, 100.6).refusals(), [Code::StrategyHalted]);
}

#[test]
fn a_one_sided_flow_widens_the_quotes_with_the_trade_that_tells_it() {
    let source = r#"{ "kind": "tradeFlow", "halfLifeSeconds": 10, "priorQuantity": "0.001" }"#;
    let mut rig = rig(&format!(r#""toxicity": {{ "source": {source}, "widening": 5, "pullAbove": 0.999 }}"#));
    let turn = rig.ready();
    let prices = |turn: &common::Turn| turn.orders.iter().map(|order| order.price.0).collect::<Vec<_>>();
    let [bid, ask] = prices(&turn)[..] else { panic!("{:?}", turn.orders) };
    for order in &turn.orders {
        rig.answer(order, Accepted);
    }
    let turn = rig.bytes(common::MARKET, &trade(1, "0.500", false));
    assert_eq!(turn.types(), "GG");
    let [wider_bid, wider_ask] = prices(&turn)[..] else { panic!("{:?}", turn.orders) };
    assert!(wider_bid < bid && wider_ask > ask, "{bid} {ask} became {wider_bid} {wider_ask}");
    for order in &turn.orders {
        rig.answer(order, OrderEventKind::Replaced);
    }
    assert_eq!(rig.bytes(common::MARKET, &trade(2, "100.000", false)).types(), "FF", "too toxic to be there at all");
}

fn trade(id: u64, quantity: &str, sold: bool) -> String {
    format!(r#"{{"e":"trade","E":1,"T":1,"s":"ABC","t":{id},"p":"100.2","q":"{quantity}","X":"MARKET","m":{sold}}}"#)
}

#[test]
fn the_micro_price_is_the_mid_and_what_its_table_adds() {
    let lopsided = |bid: &str, ask: &str, id: u64| {
        let prices = r#""b":"100.0","a":"100.2""#;
        format!(r#"{{"e":"bookTicker","u":{id},"s":"ABC",{prices},"B":"{bid}","A":"{ask}","T":1,"E":1}}"#)
    };
    let prices = |members: &str, touch: &str| {
        let mut rig = rig(members);
        for order in &rig.ready().orders {
            rig.answer(order, Accepted);
        }
        rig.bytes(common::MARKET, touch);
        let quotes = rig.engine.quotes(ABC).map(|id| rig.engine.orders().order(id.expect("a quote")).expect("open"));
        quotes
            .map(|order| if order.pending.replace.request == 0 { order.price.0 } else { order.pending.replace.price.0 })
    };
    // Two buckets, spreads of one and two ticks; the touch has two.
    let table = r#""fairValue": { "kind": "microPrice", "imbalanceBuckets": 2, "adjustmentsTicks": [-9, 9, -4, TOP] }"#;
    let with = |top: &str| table.replace("TOP", top);
    let (more_bids, more_asks) = (lopsided("3.000", "1.000", 30), lopsided("1.000", "3.000", 30));
    let [bid, ask] = prices(r#""fairValue": { "kind": "mid" }"#, &more_bids);
    assert_eq!(prices(&with("4"), &more_bids), [bid + 4, ask + 4]);
    assert_eq!(prices(&with("4"), &more_asks), [bid - 4, ask - 4]);
    assert_eq!(prices(&with("4"), &lopsided("2.000", "2.000", 30)), [bid, ask], "equal queues are their own mirror");
    assert_eq!(prices(&with("0"), &more_bids), [bid, ask], "nothing known of the state");
    let narrow = with("4").replace("-9, 9, -4, 4", "-9, 9");
    assert_eq!(prices(&narrow, &more_bids), [bid, ask], "a spread beyond the table is taken at its mid");
}

#[test]
fn a_full_window_of_one_sided_volume_widens_the_quotes_and_a_new_set_keeps_it() {
    let source = r#"{ "kind": "vpin", "bucketQuantity": "0.100", "buckets": 2 }"#;
    let members = |pull: &str| format!(r#""toxicity": {{ "source": {source}, "widening": 5, "pullAbove": {pull} }}"#);
    let mut rig = rig(&members("1"));
    let turn = rig.ready();
    let [bid, ask] = [0, 1].map(|side| turn.orders[side].price.0);
    for order in &turn.orders {
        rig.answer(order, Accepted);
    }
    assert_eq!(rig.bytes(common::MARKET, &trade(1, "0.150", false)).types(), "", "one bucket of two");
    let turn = rig.bytes(common::MARKET, &trade(2, "0.050", false));
    assert_eq!(turn.types(), "GG", "decided with the trade that fills the second");
    assert!(turn.orders[0].price.0 < bid && turn.orders[1].price.0 > ask, "{:?}", turn.orders);
    assert_eq!(rig.engine.quoter(ABC).expect("a quoter").terms().toxicity, 1.0);
    for order in &turn.orders {
        rig.answer(order, OrderEventKind::Replaced);
    }
    assert_eq!(rig.bytes(common::MARKET, &trade(3, "0.050", true)).types(), "", "a bucket fills");
    assert_eq!(rig.bytes(common::MARKET, &trade(4, "0.050", false)).types(), "GG", "balanced: half of the volume");
    assert_eq!(rig.engine.quoter(ABC).expect("a quoter").terms().toxicity, 0.5);
    let set = QUOTER.replace("\"orderQuantity\"", &format!("{}, \"orderQuantity\"", members("0.4")));
    let turn = rig.text_command(CommandKind::SetQuoter, &set, |_| ());
    assert_eq!(turn.faults(), []);
    let terms = rig.engine.quoter(ABC).expect("a quoter").terms();
    assert_eq!((terms.toxicity, terms.standing.name()), (0.5, "toxic"));
    // Other buckets begin anew.
    let other = set.replace("\"buckets\": 2", "\"buckets\": 3");
    rig.text_command(CommandKind::SetQuoter, &other, |_| ());
    let terms = rig.engine.quoter(ABC).expect("a quoter").terms();
    assert_eq!((terms.toxicity, terms.standing.name()), (0.0, "quoting"));
}
