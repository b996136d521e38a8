//! Order entry that stops reading, stops answering, vanishes or is down: orders, kills and halts meanwhile.
mod common;
mod live_support;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::Session;
use live_support::{Venue, config, folder, host, quotes_both_sides, replays, until};
use types::config::HostConfig;
use types::{Code, CommandKind, OrderEvent, OrderEventKind, OrderState, Side};
use zerocopy::FromBytes;

/// A price far below the market of the fixture, within the collar.
const FAR: i64 = 970;

/// An engine whose market may pause, with room for a flood of orders, none of which is late; it quotes and its quotes
/// rest. A peer's silence is noticed after 2.4 heartbeats.
fn quoting(venue: &Venue, heartbeat_seconds: u32, host: HostConfig, drill: Option<u64>) -> Session {
    let text = config(venue, r#", "orders": { "maxOrders": 32768, "ackTimeoutMillis": 600000 }"#)
        .replace(r#""staleMillis": 300"#, r#""staleMillis": 20000"#)
        .replace(r#""heartbeatSeconds": 1"#, &format!(r#""heartbeatSeconds": {heartbeat_seconds}"#));
    let session = Session::try_start_host(&text, 1 << 24, host, drill).unwrap_or_else(|fault| panic!("{fault}"));
    // The script is over: the market moves no more.
    until(&session, "quotes at the end of the script", |stats| {
        quotes_both_sides(stats) && stats["messages"].as_u64() > Some(1_900)
    });
    venue.until("quotes rest", |seen| seen.resting.len() == 2);
    session
}

/// Heartbeats that decide nothing within a test.
const CALM: u32 = 10;

/// Reads what the orders ring has; the last state of each order.
fn follow(session: &mut Session, orders: &mut BTreeMap<u64, OrderEvent>) {
    let polled = session.orders.poll(usize::MAX, |record| {
        let event = OrderEvent::read_from_bytes(record).unwrap();
        if event.order_id != 0 && event.kind() != Some(OrderEventKind::Refused) {
            orders.insert(event.order_id, event);
        }
    });
    polled.unwrap();
}

fn buy(session: &mut Session, client: u64) {
    session.command(CommandKind::Place, |command| {
        (command.side, command.client_id, command.price, command.quantity) = (Side::Buy as u8, client, FAR, 10);
    });
}

/// Floods a peer that has stopped reading with orders until nothing more leaves; the orders and what became of them.
/// The kernel's buffer grows once or twice: what counts is that it stays full.
fn block(session: &mut Session) -> BTreeMap<u64, OrderEvent> {
    let (mut orders, mut client, begun) = (BTreeMap::new(), 0, Instant::now());
    let blocked = |session: &Session| {
        let stats: serde_json::Value = serde_json::from_str(&session.hosted.stats()).unwrap();
        stats["connections"][1]["state"] == "blocked"
    };
    loop {
        for _ in 0..512 {
            client += 1;
            buy(session, client);
        }
        follow(session, &mut orders);
        if blocked(session) {
            std::thread::sleep(Duration::from_millis(150));
            if blocked(session) {
                return orders;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "never blocked: {} orders", orders.len());
    }
}

/// After the last logon and before the first order of it: mass cancel, what of the orders is asked about, the position.
fn asked_first(venue: &Venue) {
    let of_the_last = |types: &[String]| types[types.iter().rposition(|kind| kind == "A").unwrap()..].to_vec();
    venue.until("quotes after the logon", |seen| {
        seen.logons >= 2 && seen.resting.len() == 2 && of_the_last(&seen.types).contains(&"D".into())
    });
    let kinds = of_the_last(&venue.seen().types);
    let kinds = kinds.iter().map(String::as_str).take_while(|&kind| kind != "D");
    // Heartbeats go on meanwhile; of the questions about orders there may be thousands, or none.
    let mut kinds: Vec<&str> = kinds.filter(|kind| !["0", "1"].contains(kind)).collect();
    kinds.dedup();
    kinds.retain(|&kind| kind != "H");
    assert_eq!(kinds, ["A", "q", "AN"]);
}

fn a_peer_that_stops_reading_is_given_up_and_nothing_stale_reaches_it() {
    let venue = Venue::start();
    let mut session = quoting(&venue, CALM, host(None), None);
    // Its heartbeats go on: only what it takes can show that it hangs.
    venue.set(|faults| &faults.chatty, true);
    venue.deafen();
    let mut orders = block(&mut session);
    let blocked = Instant::now();
    session.command(CommandKind::Place, |command| {
        (command.side, command.client_id, command.price, command.quantity) = (Side::Buy as u8, 77_777, FAR, 10);
    });
    let (mut refused, mut asked) = (None, 0);
    while refused.is_none() {
        assert!(blocked.elapsed() < Duration::from_secs(120), "an order into a blocked connection was not refused");
        let _ = session.orders.poll(usize::MAX, |record| {
            let event = OrderEvent::read_from_bytes(record).unwrap();
            match event.client_id {
                77_777 => refused = Some((event.kind(), Code::from_u16(event.reason))),
                _ if event.kind() != Some(OrderEventKind::Refused) => drop(orders.insert(event.order_id, event)),
                _ => asked += 1,
            }
        });
    }
    assert_eq!(refused, Some((Some(OrderEventKind::Refused), Some(Code::VenueDown))), "{asked} before it");
    let stats = until(&session, "given up", |stats| stats["connections"][1]["lost"].as_u64() >= Some(1));
    assert_eq!(stats["connections"][1]["lastFault"], "PEER_SLOW");
    assert!(blocked.elapsed() > Duration::from_millis(1_000), "{:?}", blocked.elapsed());
    // The new connection reads; on the old one arrives only what its kernel had.
    asked_first(&venue);
    follow(&mut session, &mut orders);
    let sent = orders.len();
    venue.set(|faults| &faults.chatty, false);
    venue.faults.deaf_through.store(0, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(300));
    {
        let seen = venue.seen();
        let late = seen.late.iter().filter(|kind| *kind == "D").count();
        assert!(late < sent / 4, "{late} of {sent} orders arrived after the end of their session");
        assert_eq!(seen.resting.len(), 2, "the quotes and nothing else");
        assert!(seen.bad_sequence.is_empty(), "{:?}", seen.bad_sequence);
    }
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && summary.open_orders == 0, "{:?}", summary.fault);
    follow(&mut session, &mut orders);
    let open = |order: &&OrderEvent| OrderState::from_u8(order.state).is_some_and(OrderState::is_open);
    assert_eq!(orders.values().find(open), None, "every order has its end");
    // What the venue took is known here, each once (the venue itself refuses an id that comes twice).
    let seen = venue.seen();
    assert!(seen.resting.is_empty() && seen.news.len() <= orders.len());
}

fn a_peer_that_vanishes_without_a_word_is_given_up_by_heartbeats() {
    let (venue, dir) = (Venue::start(), folder("vanished"));
    let mut session = quoting(&venue, 1, host(Some(&dir)), None);
    let begun = Instant::now();
    venue.deafen();
    let stats = until(&session, "given up", |stats| stats["connections"][1]["lost"].as_u64() >= Some(1));
    assert_eq!(stats["connections"][1]["lastFault"], "FIX_SILENT");
    // A heartbeat and a fifth after its last word, then as long again for the answer to the test request.
    assert!(begun.elapsed() > Duration::from_millis(1_100), "{:?}", begun.elapsed());
    asked_first(&venue);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && venue.seen().resting.is_empty(), "{:?}", summary.fault);
    assert_eq!(venue.seen().bad_sequence, [] as [String; 0]);
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn a_peer_that_reads_and_does_not_answer_is_asked_then_given_up() {
    let venue = Venue::start();
    let mut session = quoting(&venue, 1, host(None), None);
    let requests = |venue: &Venue| venue.seen().types.iter().filter(|kind| *kind == "1").count();
    let before = requests(&venue);
    venue.set(|faults| &faults.mute, true);
    let stats = until(&session, "given up", |stats| stats["connections"][1]["lost"].as_u64() >= Some(1));
    assert_eq!(stats["connections"][1]["lastFault"], "FIX_SILENT");
    assert!(requests(&venue) > before, "it was asked first");
    venue.set(|faults| &faults.mute, false);
    asked_first(&venue);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && venue.seen().resting.is_empty(), "{:?}", summary.fault);
}

/// Killed while order entry is as `spoil` leaves it; `heal` makes it well again.
fn killed_while(heartbeat_seconds: u32, spoil: impl Fn(&Venue, &mut Session), heal: impl Fn(&Venue)) {
    let venue = Venue::start();
    let mut session = quoting(&venue, heartbeat_seconds, host(None), None);
    spoil(&venue, &mut session);
    session.hosted.kill();
    until(&session, "killed", |stats| stats["killed"] == true);
    heal(&venue);
    venue.until("a session after the kill", |seen| {
        let logon = seen.types.iter().rposition(|kind| kind == "A").unwrap_or(0);
        seen.logons >= 2 && seen.resting.is_empty() && seen.types[logon..].contains(&"AN".into())
    });
    until(&session, "all settled", |stats| stats["orders"]["open"] == 0);
    {
        let seen = venue.seen();
        let logon = seen.types.iter().rposition(|kind| kind == "A").unwrap();
        assert_eq!(seen.types[logon + 1], "q", "the mass cancel first");
        assert!(!seen.types[logon..].contains(&"D".into()), "nothing new after a kill");
        assert!(seen.bad_sequence.is_empty(), "{:?}", seen.bad_sequence);
    }
    let summary = session.hosted.close().unwrap();
    assert_eq!((summary.open_orders, summary.kill.map(|reason| reason.name())), (0, Some("asked")));
}

fn a_kill_while_order_entry_is_down_is_obeyed_when_it_is_back() {
    killed_while(
        CALM,
        |venue, session| {
            venue.set(|faults| &faults.drop_orders, true);
            until(session, "down", |stats| stats["connections"][1]["state"] != "up");
        },
        |venue| venue.set(|faults| &faults.drop_orders, false),
    );
}

fn a_kill_while_the_peer_does_not_read_is_obeyed_on_the_next_connection() {
    killed_while(
        CALM,
        |venue, session| {
            venue.set(|faults| &faults.chatty, true);
            venue.deafen();
            block(session);
        },
        |_| (),
    );
}

fn a_kill_while_the_peer_has_vanished_is_obeyed_on_the_next_connection() {
    killed_while(1, |venue, _| venue.deafen(), |_| ());
}

/// Turn of the drill's panic: far behind the first quotes, and near for a flooded engine.
const PANIC_AT: u64 = 20_000;

/// A panic while order entry is down; then the peer is back. What it sees from there on.
fn halted_while_down(prepare: impl Fn(&Venue, &mut Session)) -> (Venue, Session, Vec<String>) {
    let venue = Venue::start();
    let mut session = quoting(&venue, CALM, host(None), Some(PANIC_AT));
    prepare(&venue, &mut session);
    venue.set(|faults| &faults.drop_orders, true);
    until(&session, "down", |stats| stats["connections"][1]["state"] != "up");
    venue.set(|faults| &faults.flood, true);
    until(&session, "the fault", |stats| stats["fault"] == "ENGINE_PANICKED");
    venue.set(|faults| &faults.flood, false);
    assert!(!venue.seen().resting.is_empty(), "its quotes rest there");
    let before = venue.seen().types.len();
    venue.set(|faults| &faults.drop_orders, false);
    venue.until("nothing rests", |seen| seen.resting.is_empty() && seen.types.last().is_some_and(|kind| kind == "5"));
    let types = venue.seen().types[before..].to_vec();
    (venue, session, types)
}

fn a_panic_while_order_entry_is_down_cancels_when_it_is_back() {
    let (venue, mut session, types) = halted_while_down(|_, _| ());
    assert_eq!(types[..2], ["A", "q"], "{types:?}");
    assert!(types[2..types.len() - 1].iter().all(|kind| kind == "F") && types.len() >= 4, "{types:?}");
    {
        let seen = venue.seen();
        let (number, resets) = *seen.logon_numbers.last().unwrap();
        assert!(number > 5 && !resets, "numbered on: {number}");
        assert_eq!((&seen.bad_sequence, seen.logouts), (&vec![], 1));
    }
    // Once: what has been answered is not begun again.
    let before = venue.seen().orders_connections;
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(venue.seen().orders_connections, before);
    let summary = session.hosted.close().unwrap();
    assert_eq!((summary.fault.unwrap().code, summary.turns), (Code::EnginePanicked, PANIC_AT));
    assert_eq!(summary.open_orders, 0, "the venue has said so");
}

fn a_venue_that_has_missed_numbers_gets_the_cancels_again_behind_a_gap_fill() {
    let (venue, mut session, types) = halted_while_down(|venue, session| {
        venue.set(|faults| &faults.keeps_numbers, true);
        // Orders into the void: their numbers are missing there.
        venue.deafen();
        (1..=3).for_each(|client| buy(session, client));
        until(session, "orders sent", |stats| stats["orders"]["open"] == 5);
        venue.set(|faults| &faults.drop_orders, true);
        std::thread::sleep(Duration::from_millis(50));
        venue.faults.deaf_through.store(0, Ordering::SeqCst);
    });
    let kinds: Vec<&str> = types.iter().map(String::as_str).collect();
    assert!(kinds.iter().all(|kind| ["A", "q", "F", "4", "5"].contains(kind)), "{kinds:?}");
    let count = |wanted: &str| kinds.iter().filter(|&&kind| kind == wanted).count();
    assert_eq!((count("A"), kinds[0], count("5")), (1, "A", 1), "in one session: {kinds:?}");
    assert!(count("4") >= 1 && count("q") >= 2, "what came behind the gap came again: {kinds:?}");
    assert_eq!(venue.seen().bad_sequence, [] as [String; 0]);
    assert_eq!(session.hosted.close().unwrap().open_orders, 0);
}

fn a_refused_logon_after_a_panic_is_counted_and_told_and_tried_again_with_new_numbers() {
    let (venue, mut session, types) = halted_while_down(|venue, _| {
        venue.faults.refused_logons.store(2, Ordering::SeqCst);
    });
    let seen_types: Vec<&str> = types.iter().map(String::as_str).collect();
    let logons = seen_types.iter().filter(|kind| **kind == "A").count();
    assert_eq!(logons, 3, "{seen_types:?}");
    {
        let seen = venue.seen();
        let resets: Vec<bool> =
            seen.logon_numbers[seen.logon_numbers.len() - 3..].iter().map(|logon| logon.1).collect();
        assert_eq!(resets, [false, true, true], "numbers begin anew after a refusal");
    }
    let mut told = 0;
    let _ = session.market.poll(usize::MAX, |record| {
        let event = types::Event::read_from_bytes(record).unwrap();
        told += (event.kind() == Some(types::EventKind::Fault) && event.code == Code::FixLogon as u16) as u32;
    });
    let summary = session.hosted.close().unwrap();
    assert_eq!(summary.connections[1].last_fault, Some("FIX_LOGON"));
    assert!(told >= 1, "told where readers see it");
    assert_eq!(summary.open_orders, 0);
}

fn a_panic_while_the_peer_has_vanished_cancels_on_the_next_connection() {
    let venue = Venue::start();
    let mut session = quoting(&venue, CALM, host(None), Some(PANIC_AT));
    venue.set(|faults| &faults.flood, true);
    venue.deafen();
    until(&session, "the fault", |stats| stats["fault"] == "ENGINE_PANICKED");
    venue.set(|faults| &faults.flood, false);
    assert_eq!(venue.seen().logons, 1, "it was up");
    // A busy machine may let a logon wait too long: then there is another.
    venue.until("a session after the halt", |seen| seen.logons >= 2 && seen.resting.is_empty());
    venue.until("its end", |seen| seen.logouts == 1);
    {
        let seen = venue.seen();
        let logon = seen.types.iter().rposition(|kind| kind == "A").unwrap();
        let kinds = &seen.types[logon..];
        assert!(kinds[1] == "q" && kinds[2..kinds.len() - 1].iter().all(|kind| kind == "F"), "{kinds:?}");
        assert!(seen.bad_sequence.is_empty(), "{:?}", seen.bad_sequence);
    }
    let summary = session.hosted.close().unwrap();
    let last = summary.connections[1].last_fault;
    assert!(matches!(last, Some("ACK_TIMEOUT" | "FIX_LOGON")) && summary.open_orders == 0, "{last:?}");
}

fn closing_a_halted_engine_gives_the_last_cancels_their_time() {
    let venue = Venue::start();
    let patient = HostConfig { close_millis: Some(30_000), ..host(None) };
    let mut session = quoting(&venue, CALM, patient, Some(PANIC_AT));
    venue.set(|faults| &faults.drop_orders, true);
    venue.set(|faults| &faults.flood, true);
    until(&session, "the fault", |stats| stats["fault"] == "ENGINE_PANICKED");
    assert!(!venue.seen().resting.is_empty());
    let faults = venue.faults.clone();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        faults.drop_orders.store(false, Ordering::SeqCst);
    });
    let summary = session.hosted.close().unwrap();
    back.join().unwrap();
    assert_eq!((summary.fault.unwrap().code, summary.open_orders), (Code::EnginePanicked, 0));
    assert!(venue.seen().resting.is_empty());
}

/// Runs tests that mostly wait side by side; a panic of one is that of all. Those of two groups would be too many for a
/// small machine.
fn together(tests: &[fn()]) {
    static GROUP: Mutex<()> = Mutex::new(());
    let _group = GROUP.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| tests.iter().for_each(|&test| drop(scope.spawn(test))));
}

#[test]
fn peers_that_fail_and_kills_meanwhile() {
    together(&[
        a_peer_that_stops_reading_is_given_up_and_nothing_stale_reaches_it,
        a_peer_that_vanishes_without_a_word_is_given_up_by_heartbeats,
        a_peer_that_reads_and_does_not_answer_is_asked_then_given_up,
        a_kill_while_order_entry_is_down_is_obeyed_when_it_is_back,
        a_kill_while_the_peer_does_not_read_is_obeyed_on_the_next_connection,
        a_kill_while_the_peer_has_vanished_is_obeyed_on_the_next_connection,
    ]);
}

#[test]
fn halts_while_the_peer_is_away() {
    together(&[
        a_panic_while_order_entry_is_down_cancels_when_it_is_back,
        a_venue_that_has_missed_numbers_gets_the_cancels_again_behind_a_gap_fill,
        a_refused_logon_after_a_panic_is_counted_and_told_and_tried_again_with_new_numbers,
        a_panic_while_the_peer_has_vanished_cancels_on_the_next_connection,
        closing_a_halted_engine_gives_the_last_cancels_their_time,
    ]);
}
