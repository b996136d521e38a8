//! The exchange without sockets: what it plays, when, and how it answers, under virtual time.
use crate::exchange_support;

use exchange_support::{Client, Reader, WALL, config, recording, wall};
use fafnir_driver::exchange::Exchange;
use types::{Code, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks, UnixNanos, flag};
use wire::json::{Decoder, FeedMessage, Scope};

/// Lines of a recording: stamp, message, is it a snapshot.
fn lines(text: &str) -> Vec<(u64, Vec<u8>, bool)> {
    text.lines()
        .map(|line| {
            let (stamp, message) = line.split_once(' ').unwrap();
            (stamp.parse().unwrap(), message.as_bytes().to_vec(), message.contains("lastUpdateId"))
        })
        .collect()
}

/// Plays to the end at full speed with a client that asks for a snapshot whenever one is due.
fn play_through(exchange: &mut Exchange, reader: &mut Reader) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    reader.take(&exchange.market_connected(WALL));
    for step in 0..1_000_000 {
        let at = wall(step);
        if exchange.stats(at).phase == "held" {
            exchange.on_snapshot_request(7, b"FAFUSDT", at);
        }
        exchange.turn(at).unwrap();
        reader.read(exchange);
        while let Some(answer) = exchange.pop_answer() {
            assert_eq!((answer.key, answer.status), (7, 200));
            bodies.push(answer.body);
        }
        if exchange.is_finished() {
            return bodies;
        }
    }
    panic!("it does not end")
}

#[test]
fn one_pass_is_exactly_the_recording() {
    let (path, text) = recording("exchange-exact", 11, 6);
    let (config, setup) = config(&path, r#""speed": 0, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut reader = Reader::default();
    let bodies = play_through(&mut exchange, &mut reader);
    let lines = lines(&text);
    let messages: Vec<_> = lines.iter().filter(|line| !line.2).map(|line| line.1.clone()).collect();
    assert_eq!(reader.messages, messages);
    assert_eq!(bodies, lines.iter().filter(|line| line.2).map(|line| line.1.clone()).collect::<Vec<_>>());
    // Every stamp that begins a burst has its ping, and the first one names the first line before anything is played.
    assert_eq!(reader.pings[0], format!("{} 0", lines[0].0));
    let stamps: Vec<u64> = reader.pings.iter().map(|ping| ping.split_once(' ').unwrap().0.parse().unwrap()).collect();
    assert!(stamps.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(lines.iter().all(|line| stamps.iter().any(|&stamp| stamp <= line.0 && line.0 <= stamp + 50_000)));
    assert_eq!(exchange.stats(WALL).messages, messages.len() as u64);
}

#[test]
fn later_passes_grow_and_begin_with_their_own_snapshot() {
    let (path, text) = recording("exchange-passes", 12, 4);
    let (config, setup) = config(&path, r#""speed": 0, "passes": 3, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut reader = Reader::default();
    let bodies = play_through(&mut exchange, &mut reader);
    let one = lines(&text).iter().filter(|line| !line.2).count();
    assert_eq!((reader.messages.len(), bodies.len()), (3 * one, 3));
    assert_eq!(bodies[0], lines(&text).iter().find(|line| line.2).unwrap().1);
    let scope = Scope::Instrument(setup.instruments[0].id);
    let (mut decoder, mut book) = (Decoder::new(), book::MarketBook::new(book::Rule::Usdm));
    let (mut trade_id, mut touch_id, mut stamp, mut joins) = (0, 0, UnixNanos(0), 0);
    let (mut depth_id, mut gaps) = (0, 0);
    for (at, message) in reader.messages.iter().enumerate() {
        match decoder.decode(message, scope, &setup.instruments).unwrap() {
            FeedMessage::Trade(print) => {
                assert!(print.trade_id > trade_id && print.exchange_time >= stamp);
                (trade_id, stamp) = (print.trade_id, print.exchange_time);
            }
            FeedMessage::Touch(print) => {
                assert!(print.update_id > touch_id);
                touch_id = print.update_id;
            }
            FeedMessage::Depth(header) => {
                assert!(header.first_id > depth_id);
                gaps += (header.previous_id != Some(depth_id)) as u32;
                depth_id = header.last_id;
                let _ = book.on_depth(&header, decoder.bids(), decoder.asks());
            }
            other => panic!("{other:?}"),
        }
        // The body of each pass joins the messages of that pass.
        if at % one == one - 1 {
            let body = &bodies[at / one];
            let Ok(FeedMessage::Snapshot(_)) = decoder.decode(body, scope, &setup.instruments) else { panic!() };
            joins += 1;
        }
    }
    assert_eq!((gaps, joins), (3, 3));
    // Market time moves by the same constant with each pass: 4 s and the gap between passes, to the millisecond.
    let pass = |number: usize| reader.messages[number * one].clone();
    let time = |message: &[u8], decoder: &mut Decoder| match decoder.decode(message, scope, &setup.instruments) {
        Ok(FeedMessage::Depth(header)) => header.exchange_time.0,
        Ok(FeedMessage::Touch(print)) => print.exchange_time.0,
        Ok(FeedMessage::Trade(print)) => print.exchange_time.0,
        other => panic!("{other:?}"),
    };
    let times = [0, 1, 2].map(|number| time(&pass(number), &mut decoder));
    assert_eq!(times[1] - times[0], times[2] - times[1]);
    assert!(times[1] - times[0] > 4_900_000_000);
}

#[test]
fn speed_follows_the_wall_clock_and_a_snapshot_waits_two_seconds() {
    let (path, text) = recording("exchange-speed", 13, 5);
    let (config, setup) = config(&path, r#""speed": 10, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut reader = Reader::default();
    reader.take(&exchange.market_connected(WALL));
    let lines = lines(&text);
    let snapshot = lines.iter().position(|line| line.2).unwrap();
    let (first, held) = (lines[0].0, lines[snapshot].0);
    exchange.turn(WALL).unwrap();
    exchange.turn(wall(20)).unwrap();
    reader.read(&mut exchange);
    // 20 ms at speed 10 are 200 ms of the market.
    let expected = lines.iter().filter(|line| !line.2 && line.0 <= first + 200_000_000).count();
    assert_eq!(reader.messages.len(), expected);
    // Nobody asks for the snapshot: the market's clock stands at it for two seconds of real time.
    exchange.turn(wall(400)).unwrap();
    assert_eq!(exchange.stats(wall(400)).phase, "held");
    reader.read(&mut exchange);
    assert_eq!(reader.messages.len(), snapshot);
    assert_eq!(*reader.pings.last().unwrap(), format!("{} 0", exchange.clock(wall(400)).0));
    assert!(exchange.clock(wall(400)).0 >= held);
    exchange.turn(wall(2_399)).unwrap();
    assert_eq!(exchange.clock(wall(2_399)), exchange.clock(wall(400)));
    exchange.turn(wall(2_400)).unwrap();
    assert_eq!(exchange.stats(wall(2_400)).phase, "playing");
    // Whoever asks later gets the exchange's own book, with the update id of its last diff.
    exchange.turn(wall(2_500)).unwrap();
    reader.read(&mut exchange);
    exchange.on_snapshot_request(9, b"FAFUSDT", wall(2_500));
    let answer = exchange.pop_answer().unwrap();
    assert_eq!((answer.key, answer.status), (9, 200));
    let mut decoder = Decoder::new();
    let scope = Scope::Instrument(setup.instruments[0].id);
    let last_depth =
        reader.messages.iter().rev().find_map(|message| match decoder.decode(message, scope, &setup.instruments) {
            Ok(FeedMessage::Depth(header)) => Some(header.last_id),
            _ => None,
        });
    let Ok(FeedMessage::Snapshot(header)) = decoder.decode(&answer.body, scope, &setup.instruments) else { panic!() };
    assert_eq!(Some(header.last_id), last_depth);
    assert!(!decoder.bids().is_empty() && !decoder.asks().is_empty());
    exchange.on_snapshot_request(9, b"OTHER", wall(2_500));
    assert_eq!(exchange.pop_answer().unwrap().status, 400);
}

#[test]
fn a_request_before_the_snapshot_waits_for_it() {
    let (path, text) = recording("exchange-early", 14, 9);
    let (config, setup) = config(&path, r#""speed": 1, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    exchange.market_connected(WALL);
    exchange.on_snapshot_request(5, b"FAFUSDT", WALL);
    exchange.turn(WALL).unwrap();
    assert!(exchange.pop_answer().is_none());
    exchange.turn(wall(3_000)).unwrap();
    let answer = exchange.pop_answer().unwrap();
    assert_eq!(answer.body, lines(&text).iter().find(|line| line.2).unwrap().1);
    assert_eq!(exchange.stats(wall(3_000)).phase, "playing");
}

#[test]
fn it_waits_for_its_clients() {
    let (path, _) = recording("exchange-waits", 15, 2);
    let (config, setup) = config(&path, r#""speed": 0,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    exchange.turn(wall(5)).unwrap();
    assert!(exchange.feed().is_empty());
    exchange.market_connected(wall(6));
    exchange.turn(wall(6)).unwrap();
    assert!(exchange.feed().is_empty());
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    client.log_on(&mut exchange, wall(7));
    exchange.turn(wall(8)).unwrap();
    assert!(!exchange.feed().is_empty());
}

/// What of a report is the room's.
fn essence(event: &OrderEvent) -> (u8, i64, i64, i64, i64, i64, i64, u8) {
    let fill = event.kind == OrderEventKind::Fill as u8;
    let filled = event.filled.0;
    let taker = if fill { event.flags & flag::TAKER } else { 0 };
    let last = if fill { (event.last_price.0, event.last_lots.0, event.fee) } else { (0, 0, 0) };
    (event.kind, event.price.0, event.quantity.0, filled, last.0, last.1, last.2, taker)
}

/// A line straight to the room.
fn show(
    room: &mut venue::RecordedVenue,
    decoder: &mut Decoder,
    setup: &types::config::Setup,
    stamp: UnixNanos,
    message: &[u8],
    reports: &mut Vec<OrderEvent>,
) {
    let scope = Scope::Instrument(setup.instruments[0].id);
    match decoder.decode(message, scope, &setup.instruments).unwrap() {
        FeedMessage::Trade(print) => room.on_trade(stamp, &print, reports),
        FeedMessage::Touch(print) => room.on_touch(stamp, &print, reports),
        FeedMessage::Depth(header) => {
            let _ = room.on_depth(stamp, &header, decoder.bids(), decoder.asks(), reports);
        }
        FeedMessage::Snapshot(header) => {
            let _ = room.on_snapshot(stamp, &header, decoder.bids(), decoder.asks(), reports);
        }
        FeedMessage::Other => {}
    }
}

/// A random request: sent by the client, and returned for the room without price and quantity.
fn ask(
    client: &mut Client,
    rng: &mut types::rng::SplitMix64,
    live: &mut Vec<(OrderId, OrderId, Side)>,
    now: UnixNanos,
    side: Side,
    (price, lots): (i64, i64),
) -> Option<OrderEvent> {
    let event = |kind, side, first: OrderId, id: OrderId| {
        let mut event = OrderEvent::new(kind, exchange_support::INSTRUMENT, side, first);
        event.request = id.counter();
        event
    };
    match rng.below(4) {
        0 | 1 => {
            let flags = [0, 0, flag::POST_ONLY, flag::IOC][rng.below(4) as usize];
            let id = client.new_order(now, side, price, lots, flags);
            live.push((id, id, side));
            Some(OrderEvent { flags, ..event(OrderEventKind::New, side, id, id) })
        }
        2 if !live.is_empty() => {
            let (first, last, side) = live.swap_remove(rng.below(live.len() as u64) as usize);
            let id = client.cancel(now, last, side);
            Some(event(OrderEventKind::Cancel, side, first, id))
        }
        3 if !live.is_empty() => {
            let place = rng.below(live.len() as u64) as usize;
            let (first, last, side) = live[place];
            let id = client.replace(now, last, side, price, lots);
            live[place].1 = id;
            Some(event(OrderEventKind::Replace, side, first, id))
        }
        _ => None,
    }
}

#[test]
fn fills_are_those_of_the_venue_room() {
    let (path, text) = recording("exchange-fills", 16, 40);
    let (config, setup) = config(&path, r#""speed": 1, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let instrument = &setup.instruments[0];
    let mut client = Client::new(1, "A", 1, instrument);
    client.log_on(&mut exchange, WALL);
    // The same requests straight to the room, against the same lines.
    let mut room = venue::RecordedVenue::new(instrument, config.feed);
    let (mut decoder, mut at, mut expected) = (Decoder::new(), 0, Vec::new());
    let lines = lines(&text);
    let mut rng = types::rng::SplitMix64::new(16);
    let mut live: Vec<(OrderId, OrderId, Side)> = Vec::new();
    for step in 1..800u64 {
        let moment = wall(step * 50);
        exchange.turn(moment).unwrap();
        let now = exchange.clock(moment);
        while let Some((stamp, message, _)) = lines.get(at).filter(|line| line.0 <= now.0) {
            show(&mut room, &mut decoder, &setup, UnixNanos(*stamp), message, &mut expected);
            at += 1;
        }
        let Some(touch) = room.book().touch() else { continue };
        let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let best = touch.touch.price(side).map_or(1_000, |price| price.0);
        let price = best + side.sign() * (rng.below(4) as i64 - 2);
        let lots = 1 + rng.below(400) as i64;
        let Some(mut event) = ask(&mut client, &mut rng, &mut live, now, side, (price, lots)) else { continue };
        (event.price, event.quantity) = (Ticks(price), Lots(lots));
        room.on_request(now, &event, &mut expected);
        client.talk(&mut exchange, moment);
    }
    let fills: Vec<_> = client.events.iter().filter(|event| event.kind == OrderEventKind::Fill as u8).collect();
    let wanted: Vec<_> = expected.iter().filter(|event| event.kind == OrderEventKind::Fill as u8).collect();
    assert!(fills.len() > 40, "only {} fills", fills.len());
    assert_eq!(
        fills.iter().map(|e| essence(e)).collect::<Vec<_>>(),
        wanted.iter().map(|e| essence(e)).collect::<Vec<_>>()
    );
    assert_eq!(client.events.len(), expected.len());
    for (got, want) in client.events.iter().zip(&expected) {
        assert_eq!((got.kind, got.request), (want.kind, want.request), "{got:?}\n{want:?}");
    }
    let stats = exchange.stats(wall(40_000));
    assert_eq!(stats.accounts[0].position_lots, room.ledger().position().0);
    assert_eq!(stats.accounts[0].fees, room.ledger().fees().to_string());
}

#[test]
fn status_positions_and_mass_cancel() {
    let (path, _) = recording("exchange-desk", 17, 10);
    let (config, setup) = config(&path, r#""speed": 1, "waitForClients": false,"#);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    client.log_on(&mut exchange, WALL);
    let at = wall(5_000);
    exchange.turn(at).unwrap();
    let now = exchange.clock(at);
    let far: Vec<_> = (0..3).map(|n| client.new_order(now, Side::Buy, 500 + n, 5, 0)).collect();
    let taken = client.new_order(now, Side::Buy, 2_000, 10, flag::IOC);
    client.talk(&mut exchange, at);
    let bought = exchange.stats(at).accounts[0].position_lots;
    assert!(bought > 0 && exchange.stats(at).open_orders == 3);
    client.events.clear();
    for id in [far[0], taken, OrderId::new(9, 9)] {
        client.status(now, id, Side::Buy);
    }
    client.ask_positions(now);
    client.talk(&mut exchange, at);
    let states: Vec<_> = client.events.iter().map(|event| (event.kind, event.state, event.filled.0)).collect();
    let status = OrderEventKind::Status as u8;
    let ended = if bought == 10 { OrderState::Filled } else { OrderState::Expired };
    assert_eq!(
        states,
        [(status, OrderState::Live as u8, 0), (status, ended as u8, bought), (status, OrderState::Rejected as u8, 0)]
    );
    assert_eq!(client.events[2].reason, Code::VenueUnknownOrder as u16);
    assert_eq!(client.positions, [bought]);
    client.events.clear();
    client.mass_cancel(now, true);
    client.mass_cancel(now, false);
    client.talk(&mut exchange, at);
    assert_eq!(client.mass, [(true, 3), (true, 0)]);
    let cancelled: Vec<_> = client.events.iter().map(|event| (event.kind, event.order_id)).collect();
    assert_eq!(cancelled, far.iter().map(|id| (OrderEventKind::Cancelled as u8, id.0)).collect::<Vec<_>>());
    // The same ClOrdID again, and requests about what is gone.
    client.events.clear();
    client.cancel(now, far[0], Side::Buy);
    client.replace(now, OrderId::new(1, 999), Side::Buy, 500, 5);
    client.talk(&mut exchange, at);
    let kinds: Vec<_> = client.events.iter().map(|event| (event.kind, event.reason)).collect();
    assert_eq!(
        kinds,
        [
            (OrderEventKind::CancelRejected as u8, Code::VenueUnknownOrder as u16),
            (OrderEventKind::ReplaceRejected as u8, Code::VenueUnknownOrder as u16)
        ]
    );
}
