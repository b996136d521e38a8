//! The rules around the model as the engine carries them out: timers, levels, values and quotes of a strategy.
mod common;

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
    let trade = |id: u64, quantity: &str| {
        format!(r#"{{"e":"trade","E":1,"T":1,"s":"ABC","t":{id},"p":"100.2","q":"{quantity}","X":"MARKET","m":false}}"#)
    };
    let turn = rig.bytes(common::MARKET, &trade(1, "0.500"));
    assert_eq!(turn.types(), "GG");
    let [wider_bid, wider_ask] = prices(&turn)[..] else { panic!("{:?}", turn.orders) };
    assert!(wider_bid < bid && wider_ask > ask, "{bid} {ask} became {wider_bid} {wider_ask}");
    for order in &turn.orders {
        rig.answer(order, OrderEventKind::Replaced);
    }
    assert_eq!(rig.bytes(common::MARKET, &trade(2, "100.000")).types(), "FF", "too toxic to be there at all");
}
