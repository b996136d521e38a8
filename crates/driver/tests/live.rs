//! The live driver against a venue on real sockets: trading, its end, its faults, its kills.
mod common;
mod live_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::Session;
use fafnir_driver::{Hosted, HostedOptions};
use journal::{Reader, Record};
use live_support::{Venue, config, folder, host, quotes_both_sides, replays, start, until};
use ring::{OrdersReader, Region};
use types::config::HostConfig;
use types::{Code, Control, InputKind};

#[test]
fn it_quotes_over_sockets_and_leaves_nothing_behind() {
    let (venue, dir) = (Venue::start(), folder("quotes"));
    let mut session = start(&venue, host(Some(&dir)), None);
    let stats = until(&session, "quotes and most of the script", |stats| {
        quotes_both_sides(stats) && stats["messages"].as_u64() > Some(1_000)
    });
    venue.until("quotes rest", |seen| seen.resting.len() == 2);
    assert_eq!(stats["connections"][0]["state"], "up");
    assert_eq!(stats["instruments"][0]["valid"], true);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    let seen = venue.seen();
    assert!(seen.resting.is_empty(), "{:?}", seen.resting);
    assert_eq!((seen.logons, seen.logouts, &seen.bad_sequence), (1, 1, &vec![]));
    assert_eq!((summary.open_orders, summary.sends_dropped, summary.kill), (0, 0, None));
    assert_eq!((summary.connections[0].connects, summary.connections[0].lost), (1, 0), "{:?}", summary.connections);
    assert!(summary.tick_to_order.count > 0 && summary.messages > 1_000);
    assert_eq!(seen.snapshots, 1);
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_kill_from_another_thread_stops_a_flooded_engine() {
    let (venue, dir) = (Venue::start(), folder("kill"));
    let mut session = start(&venue, host(Some(&dir)), None);
    until(&session, "quotes", quotes_both_sides);
    venue.set(|faults| &faults.flood, true);
    let flooded = venue.flooded.load(std::sync::atomic::Ordering::Relaxed);
    while venue.flooded.load(std::sync::atomic::Ordering::Relaxed) < flooded + 50_000 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let killer = session.hosted.killer();
    let pulled = Instant::now();
    std::thread::spawn(move || killer.kill(fafnir_driver::KillReason::Signal)).join().unwrap();
    venue.until("nothing rests", |seen| seen.resting.is_empty());
    assert!(pulled.elapsed() < Duration::from_millis(500), "{:?}", pulled.elapsed());
    let news = venue.seen().news.len();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(venue.seen().news.len(), news, "nothing new after a kill");
    let summary = session.hosted.close().unwrap();
    assert_eq!((summary.kill.map(|reason| reason.name()), summary.open_orders), (Some("signal"), 0));
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn the_kill_file_and_the_dead_man_pull_the_switch() {
    for by_file in [true, false] {
        let (venue, dir) = (Venue::start(), folder("switch"));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("kill");
        let mut config = host(None);
        match by_file {
            true => config.kill_file = Some(file.display().to_string()),
            false => config.dead_man_millis = Some(400),
        }
        let mut session = start(&venue, config, None);
        let started = Instant::now();
        while !by_file && started.elapsed() < Duration::from_millis(1_000) {
            session.hosted.alive();
            std::thread::sleep(Duration::from_millis(20));
        }
        let stats = until(&session, "quotes", |stats| quotes_both_sides(stats) || stats["killed"] == true);
        assert_eq!(stats["killed"], false, "by file: {by_file}");
        std::fs::write(&file, "").unwrap();
        venue.until("nothing rests", |seen| seen.resting.is_empty() && !seen.cancels.is_empty());
        let summary = session.hosted.close().unwrap();
        assert_eq!(summary.kill.map(|reason| reason.name()), Some(if by_file { "file" } else { "deadMan" }));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_panic_sends_cancels_on_the_socket_and_the_process_lives() {
    // Far enough that both quotes rest; the fixture is some 1,800 messages.
    let (venue, dir) = (Venue::start(), folder("panic"));
    let mut session = start(&venue, host(Some(&dir)), Some(2_600));
    until(&session, "the fault", |stats| stats["fault"] == "ENGINE_PANICKED");
    venue.until("nothing rests", |seen| seen.resting.is_empty() && !seen.cancels.is_empty());
    let news = venue.seen().news.len();
    std::thread::sleep(Duration::from_millis(100));
    {
        let seen = venue.seen();
        assert_eq!((seen.news.len(), &seen.bad_sequence), (news, &vec![]), "numbered on, nothing new");
        let mass_cancels = seen.types.iter().filter(|kind| *kind == "q").count() as u64;
        assert_eq!(mass_cancels, seen.logons + 1, "orders that a replace has renamed meanwhile are reached too");
        assert!(!seen.types.contains(&"5".into()));
    }
    let summary = session.hosted.close().unwrap();
    assert_eq!(summary.fault.unwrap().code, Code::EnginePanicked);
    assert_eq!(summary.turns, 2_600);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_panic_outside_the_engine_sends_cancels_too() {
    let venue = Venue::start();
    let region = |bytes| Region::heap(bytes).unwrap();
    let (orders, due) = (region(1 << 24), Arc::new(AtomicBool::new(false)));
    let bell = due.clone();
    let options = HostedOptions {
        market: region(1 << 20),
        orders: orders.clone(),
        commands: region(1 << 18),
        latest: None,
        // It must not panic; this one does, once, on the engine's thread.
        doorbell: Box::new(move || assert!(!bell.swap(false, Ordering::SeqCst), "a drill: the doorbell panics")),
        host: host(None),
        fail_at_turn: None,
        build: "test".into(),
    };
    let mut hosted = Hosted::start(&config(&venue, ""), options).unwrap();
    let mut reader = OrdersReader::attach(orders).unwrap();
    venue.until("quotes rest", |seen| seen.resting.len() == 2);
    due.store(true, Ordering::SeqCst);
    let started = Instant::now();
    while due.load(Ordering::SeqCst) {
        assert!(started.elapsed() < Duration::from_secs(10), "the doorbell never rang");
        let _ = reader.poll(usize::MAX, |_| ());
        reader.may_sleep();
        std::thread::sleep(Duration::from_millis(1));
    }
    venue.until("nothing rests", |seen| seen.resting.is_empty() && !seen.cancels.is_empty());
    let summary = hosted.close().expect("the thread has lived");
    assert_eq!(summary.fault.unwrap().code, Code::EnginePanicked);
    assert_eq!(venue.seen().bad_sequence, [] as [String; 0]);
}

#[test]
fn lost_connections_are_made_anew_and_books_and_orders_agree_again() {
    let (venue, dir) = (Venue::start(), folder("reconnects"));
    let mut session = start(&venue, host(Some(&dir)), None);
    until(&session, "quotes", quotes_both_sides);
    // The market is lost: quotes are pulled, then everything comes again.
    venue.set(|faults| &faults.drop_market, true);
    until(&session, "no book", |stats| stats["instruments"][0]["valid"] == false);
    venue.until("quotes pulled", |seen| seen.resting.is_empty());
    venue.set(|faults| &faults.drop_market, false);
    until(&session, "quotes again", quotes_both_sides);
    // Order entry is lost: what rests there is asked about and cancelled before the next quote.
    venue.set(|faults| &faults.drop_orders, true);
    until(&session, "orders down", |stats| stats["connections"][1]["state"] != "up");
    venue.set(|faults| &faults.drop_orders, false);
    venue.until("a second logon", |seen| seen.logons >= 2);
    until(&session, "quotes after the logon", quotes_both_sides);
    // Half-open: the market is there and says nothing.
    venue.set(|faults| &faults.silent, true);
    until(&session, "stale", |stats| stats["connections"][0]["lastFault"] == "FEED_STALE");
    venue.set(|faults| &faults.silent, false);
    until(&session, "quotes after silence", quotes_both_sides);
    venue.until("both quotes rest", |seen| seen.resting.len() == 2);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    assert!(venue.seen().resting.is_empty());
    assert_eq!(venue.seen().bad_sequence, [] as [String; 0]);
    assert!(summary.connections[0].lost >= 2 && summary.connections[1].lost >= 1, "{:?}", summary.connections);
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_venue_that_dies_and_comes_back_finds_us() {
    let mut venue = Venue::start();
    let mut session = start(&venue, host(None), None);
    until(&session, "quotes", quotes_both_sides);
    let (market, orders, seen) = (venue.market.to_string(), venue.orders.to_string(), venue.seen.clone());
    venue.stop();
    until(&session, "both down", |stats| {
        (0..2).all(|line| stats["connections"][line]["state"] != "up") && stats["instruments"][0]["valid"] == false
    });
    let venue = Venue::start_at(&market, &orders, seen);
    until(&session, "quotes again", quotes_both_sides);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && venue.seen().resting.is_empty());
}

#[test]
fn a_session_resumes_where_a_process_stopped() {
    let (venue, dir) = (Venue::start(), folder("resume"));
    let session = start(&venue, host(Some(&dir)), None);
    until(&session, "quotes", quotes_both_sides);
    // A second process is refused while the first one lives.
    let second = Session::try_start_host(&config(&venue, ""), 1 << 24, host(Some(&dir)), None);
    assert_eq!(second.err().map(|fault| fault.code), Some(Code::StateInUse));
    // What a crash leaves: the folder as it is now.
    let crashed = folder("resumed");
    std::fs::create_dir_all(crashed.join("journal")).unwrap();
    for file in std::fs::read_dir(dir.join("journal")).unwrap().flatten() {
        std::fs::copy(file.path(), crashed.join("journal").join(file.file_name())).unwrap();
    }
    drop(session);
    let before = venue.seen().news.len();
    let mut session = start(&venue, host(Some(&crashed)), None);
    venue.until("quotes of the second process", |seen| seen.news.len() > before && seen.resting.len() == 2);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    assert!(venue.seen().resting.is_empty());
    replays(&crashed, &summary);
    // Closed in good order, then gone on with: it trades again, under ids that were never used.
    let before = venue.seen().news.len();
    let mut session = start(&venue, host(Some(&crashed)), None);
    venue.until("quotes of the third process", |seen| seen.news.len() > before && seen.resting.len() == 2);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && venue.seen().resting.is_empty(), "{:?}", summary.fault);
    replays(&crashed, &summary);
    // A kill survives the process.
    let mut session = start(&venue, host(Some(&crashed)), None);
    session.hosted.kill();
    session.hosted.close().unwrap();
    let before = venue.seen().news.len();
    let mut session = start(&venue, host(Some(&crashed)), None);
    until(&session, "a book", |stats| stats["instruments"][0]["valid"] == true && stats["killed"] == true);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(venue.seen().news.len(), before, "killed before, killed after");
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    replays(&crashed, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::remove_dir_all(&crashed).unwrap();
}

#[test]
fn a_kill_file_that_is_there_comes_before_the_first_turn() {
    let (venue, dir) = (Venue::start(), folder("killed-before"));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("kill");
    std::fs::write(&file, "").unwrap();
    let state = dir.join("state");
    let config = HostConfig { kill_file: Some(file.display().to_string()), ..host(Some(&state)) };
    let mut session = start(&venue, config, None);
    venue.until("a logon", |seen| seen.logons == 1);
    let summary = session.hosted.close().unwrap();
    assert_eq!(summary.kill.map(|reason| reason.name()), Some("file"));
    assert!(venue.seen().news.is_empty());
    let mut reader = Reader::open(state.join("journal")).unwrap();
    let Some(Record::Input(first)) = reader.next() else { panic!("no input") };
    assert!(matches!(first.kind, InputKind::Control(Control::Kill)), "{first:?}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn paper_is_a_venue_behind_the_same_bytes() {
    let (venue, dir) = (Venue::start(), folder("paper"));
    let text = config(&venue, "").replace(
        &format!(r#""kind": "fix", "address": "{}""#, venue.orders),
        r#""kind": "paper", "latencyNanos": 200000"#,
    );
    let start = |drill| {
        Session::try_start_host(&text, 1 << 24, host(Some(&dir)), drill).unwrap_or_else(|fault| panic!("{fault}"))
    };
    let mut session = start(None);
    let stats = until(&session, "quotes and most of the script", |stats| {
        quotes_both_sides(stats) && stats["messages"].as_u64() > Some(1_000)
    });
    assert_eq!(
        (&stats["connections"][1]["state"], &stats["connections"][1]["carries"]),
        (&"up".into(), &"orders".into())
    );
    assert!(venue.seen().types.is_empty(), "nothing went to the real order entry");
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    assert_eq!((summary.open_orders, summary.sends_dropped), (0, 0));
    replays(&dir, &summary);
    // It goes on, and agrees with its own position.
    let mut session = start(None);
    until(&session, "quotes of the second process", |stats| {
        quotes_both_sides(stats) && stats["messages"].as_u64() > Some(100)
    });
    session.hosted.kill();
    until(&session, "nothing rests", |stats| stats["orders"]["open"] == 0);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}
