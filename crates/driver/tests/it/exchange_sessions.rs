//! Sessions at the exchange: resends, restarts, lost connections, faults made on purpose, paper; under virtual time.
use crate::exchange_support;

use exchange_support::{Client, WALL, config, recording, wall};
use fafnir_driver::exchange::Exchange;
use fafnir_driver::exchange::paper::Paper;
use types::config::EngineConfig;
use types::{
    Code, ConnId, InstrumentId, Lots, Nanos, OrderEventKind, OrderState, Side, Ticks, UnixNanos, VenueId, flag,
};
use wire::fix::NoStore;

const QUIET: &str = r#""speed": 1, "waitForClients": false,"#;
const KEPT: &str = r#""speed": 1, "waitForClients": false, "stateDir": "unused",
    "faults": {"dropFill": null, "muteOrdersAfter": null},"#;

fn kinds(client: &Client) -> Vec<OrderEventKind> {
    client.events.iter().map(|event| event.kind().unwrap()).collect()
}

/// Plays five seconds of the market, so that there is a book.
fn warm(exchange: &mut Exchange, client: &mut Client) -> (UnixNanos, UnixNanos) {
    client.log_on(exchange, WALL);
    let at = wall(5_000);
    exchange.turn(at).unwrap();
    client.collect(exchange, at);
    (at, exchange.clock(at))
}

#[test]
fn reports_of_a_lost_connection_come_with_the_resend() {
    let (path, _) = recording("sessions-resend", 21, 20);
    let (config, setup) = config(&path, QUIET);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut client);
    let order = client.new_order(now, Side::Buy, 500, 5, 0);
    let other = client.new_order(now, Side::Buy, 501, 5, 0);
    client.talk(&mut exchange, at);
    client.events.clear();
    // The requests arrive, the connection is lost before the answers are sent.
    client.cancel(now, order, Side::Buy);
    client.replace(now, other, Side::Buy, 502, 6);
    let bytes = std::mem::take(&mut client.out);
    exchange.on_orders_bytes(client.key, &bytes, at);
    client.drop_connection(&mut exchange, at);
    assert_eq!(exchange.stats(at).open_orders, 1);
    client.key = 2;
    client.log_on(&mut exchange, wall(5_010));
    client.talk(&mut exchange, wall(5_010));
    assert_eq!(kinds(&client), [OrderEventKind::Cancelled, OrderEventKind::Replaced]);
    assert!(!client.session.has_gap());
    let stats = exchange.stats(wall(5_010));
    assert_eq!((stats.sessions[0].logons, stats.sessions[0].next_out), (2, client.session.next_in()));
}

#[test]
fn cancel_on_disconnect_is_the_sessions_choice() {
    let (path, _) = recording("sessions-cod", 22, 20);
    let (config, setup) = config(&path, QUIET);
    for (name, open) in [("A", 2), ("COD", 0)] {
        let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
        let mut client = Client::new(1, name, 1, &setup.instruments[0]);
        let (at, now) = warm(&mut exchange, &mut client);
        client.new_order(now, Side::Buy, 500, 5, 0);
        client.new_order(now, Side::Buy, 501, 5, 0);
        client.talk(&mut exchange, at);
        client.drop_connection(&mut exchange, at);
        exchange.turn(at).unwrap();
        assert_eq!(exchange.stats(at).open_orders, open, "{name}");
        client.key = 2;
        client.events.clear();
        client.log_on(&mut exchange, at);
        client.talk(&mut exchange, at);
        assert_eq!(client.events.len(), 2 - open, "{name}");
    }
}

#[test]
fn two_clients_have_accounts_and_ids_of_their_own() {
    let (path, _) = recording("sessions-two", 23, 20);
    let (config, setup) = config(&path, QUIET);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut first = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut first);
    first.new_order(now, Side::Buy, 2_000, 3, flag::IOC);
    first.talk(&mut exchange, at);
    first.drop_connection(&mut exchange, at);
    let mut second = Client::new(2, "B", 1, &setup.instruments[0]);
    second.log_on(&mut exchange, at);
    // The same ClOrdIDs as the first client's, and a reduce-only order that only its own account decides about.
    second.new_order(now, Side::Sell, 500, 3, flag::IOC);
    second.talk(&mut exchange, at);
    assert_eq!(kinds(&second)[..2], [OrderEventKind::Accepted, OrderEventKind::Fill]);
    let stats = exchange.stats(at);
    let accounts: Vec<_> = stats.accounts.iter().map(|a| (a.session.as_str(), a.position_lots)).collect();
    assert_eq!(accounts, [("A", 3), ("B", -3)]);
    second.events.clear();
    second.new_order(now, Side::Sell, 500, 3, flag::REDUCE_ONLY);
    second.new_order(now, Side::Buy, 2_000, 9, flag::REDUCE_ONLY | flag::IOC);
    second.talk(&mut exchange, at);
    assert_eq!(second.events[0].reason, Code::VenueInvalid as u16);
    assert_eq!(exchange.stats(at).accounts[1].position_lots, 0);
    // A second connection of a client that is there is closed without a word.
    assert!(exchange.orders_connected(9, at));
    let mut twin = Client::new(9, "B", 1, &setup.instruments[0]);
    twin.session.connected(now, &mut NoStore, &mut twin.out);
    let logon = std::mem::take(&mut twin.out);
    exchange.on_orders_bytes(9, &logon, at);
    let mut closes = Vec::new();
    exchange.drain_orders(|key, bytes, closing| closes.push((key, bytes.len(), closing)));
    assert_eq!(closes, [(9, 0, true)]);
}

/// Lives one life of an exchange with a ledger in `ledger`; returns what it wrote.
fn life(ledger: &mut Vec<u8>, exchange: &mut Exchange) {
    ledger.extend_from_slice(exchange.ledger_lines());
    exchange.ledger_written();
}

#[test]
fn a_restart_takes_up_accounts_numbers_and_ids() {
    let (path, _) = recording("sessions-restart", 24, 20);
    let (config, setup) = config(&path, KEPT);
    let mut ledger = Vec::new();
    let mut exchange = Exchange::open(&config, &setup, &ledger, WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut client);
    let taken = client.new_order(now, Side::Buy, 2_000, 7, flag::IOC);
    let resting: Vec<_> = (0..3).map(|n| client.new_order(now, Side::Buy, 500 + n, 5, 0)).collect();
    client.talk(&mut exchange, at);
    let renamed = client.replace(now, resting[0], Side::Buy, 510, 9);
    client.talk(&mut exchange, at);
    let before = exchange.stats(at);
    assert_eq!(before.open_orders, 3);
    life(&mut ledger, &mut exchange);
    drop(exchange);
    // Killed; another process takes the ledger up, with half a line at its end.
    ledger.extend_from_slice(br#"{"kind":"request","wall":"1"#);
    let mut exchange = Exchange::open(&config, &setup, &ledger, wall(9_000)).unwrap();
    let cut = ledger.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    ledger.truncate(cut);
    let after = exchange.stats(wall(9_000));
    assert_eq!(
        after.accounts,
        before
            .accounts
            .iter()
            .cloned()
            .map(|mut account| {
                account.open_orders = 0;
                account
            })
            .collect::<Vec<_>>()
    );
    assert_eq!(after.sessions[0].next_in, before.sessions[0].next_in);
    assert_eq!(after.sessions[0].next_out, before.sessions[0].next_out + 3, "a cancel for each order left open");
    client.session.disconnected(UnixNanos(1), &mut NoStore);
    client.key = 4;
    client.events.clear();
    client.log_on(&mut exchange, wall(9_001));
    client.talk(&mut exchange, wall(9_001));
    assert_eq!(kinds(&client), [OrderEventKind::Cancelled; 3]);
    // What was open is known and ended, under its old and its new id; an id is not used twice.
    client.events.clear();
    for id in [taken, resting[0], renamed, resting[2]] {
        client.status(exchange.clock(wall(9_001)), id, Side::Buy);
    }
    client.ask_positions(exchange.clock(wall(9_001)));
    client.talk(&mut exchange, wall(9_001));
    let states: Vec<_> = client.events.iter().map(|event| OrderState::from_u8(event.state).unwrap()).collect();
    assert_eq!(states[1..], [OrderState::Cancelled; 3]);
    assert!(matches!(states[0], OrderState::Filled | OrderState::Expired));
    assert_eq!(client.positions, [before.accounts[0].position_lots]);
    life(&mut ledger, &mut exchange);
    // A third life: nothing is left open, so nothing is ended again.
    let exchange = Exchange::open(&config, &setup, &ledger, wall(20_000)).unwrap();
    assert_eq!(exchange.stats(wall(20_000)).reports, after.reports);
    assert_eq!(exchange.stats(wall(20_000)).sessions[0].next_in, client.session.next_out());
}

#[test]
fn numbers_that_grow_back_after_a_reset_are_taken_up() {
    let (path, _) = recording("sessions-reset", 26, 20);
    let (config, setup) = config(&path, KEPT);
    let mut ledger = Vec::new();
    let mut exchange = Exchange::open(&config, &setup, &ledger, WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    client.log_on(&mut exchange, WALL);
    client.mass_cancel(exchange.clock(WALL), false);
    client.talk(&mut exchange, WALL);
    client.drop_connection(&mut exchange, WALL);
    // The logon of a reset and a request behind it, in one turn: the numbers are those of before.
    client.session.set_reset_on_logon(true);
    assert!(exchange.orders_connected(1, WALL));
    client.session.connected(exchange.clock(WALL), &mut NoStore, &mut client.out);
    client.mass_cancel(exchange.clock(WALL), false);
    client.talk(&mut exchange, WALL);
    life(&mut ledger, &mut exchange);
    let again = Exchange::open(&config, &setup, &ledger, wall(9_000)).unwrap();
    for exchange in [&exchange, &again] {
        let session = &exchange.stats(wall(9_000)).sessions[0];
        assert_eq!((session.next_in, session.next_out), (3, 3));
    }
}

#[test]
fn a_ledger_cut_anywhere_is_taken_up() {
    let (path, _) = recording("sessions-cut", 25, 20);
    let (config, setup) = config(&path, KEPT);
    let mut ledger = Vec::new();
    let mut exchange = Exchange::open(&config, &setup, &ledger, WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut client);
    for n in 0..4 {
        let id = client.new_order(now, Side::Buy, if n % 2 == 0 { 2_000 } else { 500 }, 3 + n, 0);
        client.talk(&mut exchange, at);
        client.cancel(now, id, Side::Buy);
        client.talk(&mut exchange, at);
    }
    life(&mut ledger, &mut exchange);
    let lines: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let mut cuts = lines.clone();
    cuts.extend(lines.iter().map(|end| end - 7));
    for cut in cuts {
        let exchange = Exchange::open(&config, &setup, &ledger[..cut], wall(9_000)).unwrap();
        let stats = exchange.stats(wall(9_000));
        assert_eq!(stats.open_orders, 0);
        // Position by the ledger's own fills up to there.
        let text = String::from_utf8_lossy(&ledger[..cut]);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let bought: i64 = whole
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["reported"] == "fill")
            .map(|line| line["lastLots"].as_i64().unwrap())
            .sum();
        assert_eq!(stats.accounts.first().map_or(0, |account| account.position_lots), bought);
    }
    let mut damaged = ledger.clone();
    damaged[lines[2] + 3] = b'#';
    assert_eq!(Exchange::open(&config, &setup, &damaged, WALL).err().unwrap().code, Code::LedgerDamaged);
}

#[test]
fn a_dropped_fill_leaves_no_gap_in_the_numbers() {
    let (path, _) = recording("sessions-drop", 26, 20);
    let (config, setup) = config(&path, &KEPT.replace(r#""dropFill": null"#, r#""dropFill": 2"#));
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut client);
    for _ in 0..3 {
        client.new_order(now, Side::Buy, 2_000, 2, flag::IOC);
        client.talk(&mut exchange, at);
    }
    let fills = client.events.iter().filter(|event| event.kind == OrderEventKind::Fill as u8).count();
    assert_eq!((fills as u64 + 1, client.session.has_gap()), (exchange.stats(at).fills, false));
    let lines = String::from_utf8(exchange.ledger_lines().to_vec()).unwrap();
    let dropped: Vec<_> = lines.lines().filter(|line| line.contains(r#""sequence":0,"reported":"fill""#)).collect();
    assert_eq!(dropped.len(), 1);
    assert_eq!(exchange.stats(at).accounts[0].position_lots, 6);
}

#[test]
fn a_mute_exchange_reads_and_says_nothing() {
    let (path, _) = recording("sessions-mute", 27, 20);
    let (config, setup) = config(&path, &KEPT.replace(r#""muteOrdersAfter": null"#, r#""muteOrdersAfter": 2"#));
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let (at, now) = warm(&mut exchange, &mut client);
    for n in 0..4 {
        client.new_order(now, Side::Buy, 500 + n, 2, 0);
        client.talk(&mut exchange, at);
    }
    assert_eq!((client.events.len(), exchange.stats(at).open_orders), (2, 4));
    for second in 6..60 {
        exchange.turn(wall(second * 1_000)).unwrap();
        exchange.drain_orders(|_, bytes, _| assert!(bytes.is_empty()));
    }
}

#[test]
fn silence_ends_a_session_and_heartbeats_keep_it() {
    let (path, _) = recording("sessions-silence", 28, 10);
    let (config, setup) = config(&path, QUIET);
    let mut exchange = Exchange::open(&config, &setup, &[], WALL).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    client.log_on(&mut exchange, WALL);
    for second in 1..50 {
        let at = wall(second * 1_000);
        exchange.turn(at).unwrap();
        client.collect(&mut exchange, at);
        client.session.on_time(exchange.clock(at), &mut NoStore, &mut client.out);
        client.talk(&mut exchange, at);
    }
    assert!(!client.closed);
    // From now on it says nothing: a test request after 12 s, the end after another 12.
    for second in 50..80 {
        let at = wall(second * 1_000);
        exchange.turn(at).unwrap();
        exchange.drain_orders(|_, _, closes| client.closed |= closes);
    }
    assert!(client.closed);
    // A connection that never logs on is closed too, and so is one that speaks something else.
    assert!(exchange.orders_connected(5, wall(80_000)) && exchange.orders_connected(6, wall(80_000)));
    exchange.on_orders_bytes(6, b"8=FIX.4.4\x019=99999999\x01", wall(80_000));
    exchange.turn(wall(80_001)).unwrap();
    let mut closed = Vec::new();
    exchange.drain_orders(|key, _, closes| closed.extend(closes.then_some(key)));
    assert!(closed.contains(&6) && !closed.contains(&5));
    exchange.turn(wall(90_001)).unwrap();
    exchange.drain_orders(|key, _, closes| closed.extend(closes.then_some(key)));
    assert!(closed.contains(&5));
}

#[test]
fn paper_answers_a_latency_later_and_fills_as_the_exchange_does() {
    let (_, text) = recording("sessions-paper", 29, 20);
    let json = r#"{ "venues": [{ "name": "SIM", "senderCompId": "A", "targetCompId": "SIM" }],
        "instruments": [{ "symbol": "FAFUSDT", "venue": "SIM", "tickSize": "0.1", "lotSize": "0.001",
                          "priceDecimals": 2, "makerFee": "0.0002", "takerFee": "0.0005" }] }"#;
    let (_, setup) = EngineConfig::from_json(json).unwrap();
    let latency = Nanos(300_000);
    let mut paper = Paper::new(&setup, VenueId(0), latency).unwrap();
    let mut client = Client::new(1, "A", 1, &setup.instruments[0]);
    let mut now = UnixNanos(0);
    let mut order = None;
    let half = text.lines().count() / 2;
    for (at, line) in text.lines().enumerate() {
        let (stamp, message) = line.split_once(' ').unwrap();
        now = UnixNanos(stamp.parse().unwrap());
        let conn = if message.contains("lastUpdateId") {
            ConnId::snapshot(InstrumentId(0))
        } else {
            ConnId::market(VenueId(0))
        };
        if at == 0 {
            paper.on_connect(now);
            client.session.connected(now, &mut NoStore, &mut client.out);
        }
        paper.on_market(now, conn, message.as_bytes());
        if at == half {
            order = Some(client.new_order(now, Side::Buy, 2_000, 7, flag::IOC));
        }
        if !client.out.is_empty() {
            let bytes = std::mem::take(&mut client.out);
            paper.on_bytes(now, &bytes);
            let mut out = Vec::new();
            let there = now.plus(Nanos(latency.0));
            assert_eq!(paper.due(), Some(there));
            assert!(paper.pop_due(UnixNanos(there.0 - 1), &mut out) && out.is_empty());
            assert!(paper.pop_due(there, &mut out) && out.is_empty(), "the way back takes as long");
        }
        let mut out = Vec::new();
        assert!(paper.pop_due(now, &mut out));
        client.take(&out, now);
    }
    assert!(order.is_some() && kinds(&client).contains(&OrderEventKind::Fill));
    let filled: i64 = client.events.iter().map(|event| event.last_lots.0).sum();
    assert_eq!(paper.account(InstrumentId(0)).unwrap().position(), Lots(filled));
    // A new process of the engine: numbers begin at 1 again, the position is what it says it is.
    let mut again = Paper::new(&setup, VenueId(0), latency).unwrap();
    again.restore_position(InstrumentId(0), Lots(-4), Ticks(1_000)).unwrap();
    client.session.disconnected(UnixNanos(1), &mut NoStore);
    client.positions.clear();
    again.on_connect(now);
    client.session.connected(now, &mut NoStore, &mut client.out);
    for _ in 0..4 {
        let bytes = std::mem::take(&mut client.out);
        again.on_bytes(now, &bytes);
        now = now.plus(Nanos(latency.0 * 2));
        let mut out = Vec::new();
        assert!(again.pop_due(now, &mut out));
        now = now.plus(Nanos(latency.0));
        assert!(again.pop_due(now, &mut out));
        client.take(&out, now);
        if client.positions.is_empty() && client.session.is_open() {
            client.ask_positions(now);
        }
    }
    assert_eq!(client.positions[0], -4);
}
