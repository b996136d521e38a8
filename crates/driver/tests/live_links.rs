//! Links of the live driver: TLS with an authority of one's own, names instead of addresses, a clock that follows the
//! venue.
mod common;
mod live_support;

use std::path::Path;
use std::time::Duration;

use common::Session;
use live_support::{Certificates, Venue, config, folder, host, quotes_both_sides, replays, until};

/// The configuration with TLS on every line and `localhost` for the address.
fn over_tls(venue: &Venue, authority: &Path) -> String {
    let ca = format!(r#""caFile": "{}""#, authority.display());
    config(venue, "")
        .replace("ws://127.0.0.1", "wss://localhost")
        .replace("http://127.0.0.1", "https://localhost")
        .replace(r#""address": "127.0.0.1"#, r#""address": "localhost"#)
        .replace(r#""staleMillis": 300"#, &format!(r#""staleMillis": 300, {ca}"#))
        .replace(r#""heartbeatSeconds": 1"#, &format!(r#""heartbeatSeconds": 1, "tls": true, {ca}"#))
}

fn begin(config: &str, state: Option<&Path>) -> Session {
    Session::try_start_host(config, 1 << 24, host(state), None).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn market_data_snapshots_and_orders_go_over_tls_to_a_named_host() {
    let dir = folder("tls");
    std::fs::create_dir_all(&dir).unwrap();
    let (venue, authority) = (Venue::start(), dir.join("authority.pem"));
    venue.present(Certificates::new(&["localhost"], &authority));
    let state = dir.join("state");
    let mut session = begin(&over_tls(&venue, &authority), Some(&state));
    until(&session, "quotes and most of the script", |stats| {
        quotes_both_sides(stats) && stats["messages"].as_u64() > Some(1_000)
    });
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    {
        let seen = venue.seen();
        assert_eq!((seen.resting.len(), seen.logons, seen.logouts, seen.snapshots), (0, 1, 1, 1));
        assert_eq!(seen.bad_sequence, Vec::<String>::new());
    }
    let told: Vec<_> = summary.connections.iter().map(|line| (line.connects, line.last_fault)).collect();
    assert_eq!(told, [(1, None), (1, Some("CONNECTION_LOST"))], "the end of order entry after the logout");
    replays(&state, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_wrong_certificate_or_name_is_told_and_tried_again_until_it_is_right() {
    for name in ["localhost", "venue.test"] {
        let dir = folder(name);
        std::fs::create_dir_all(&dir).unwrap();
        let (venue, authority) = (Venue::start(), dir.join("authority.pem"));
        let right = Certificates::new(&["localhost"], &authority);
        // By an authority nobody knows; or by the right one, which is written last, for another name.
        match name {
            "localhost" => venue.present(Certificates::new(&[name], &dir.join("another.pem"))),
            _ => venue.present(Certificates::new(&[name], &authority)),
        }
        let mut session = begin(&over_tls(&venue, &authority), None);
        let stats = until(&session, "refused again and again", |stats| {
            (0..2).all(|line| stats["connections"][line]["faults"].as_u64() >= Some(3))
        });
        for line in 0..2 {
            let line = &stats["connections"][line];
            assert_eq!(
                (&line["lastFault"], &line["connects"]),
                (&"TLS_REFUSED".into(), &0.into()),
                "{name}: {stats:#}"
            );
        }
        assert_eq!(venue.seen().types, Vec::<String>::new(), "{name}: not a word to a stranger");
        // With back-off: between the third attempt and this one more than a few were not made.
        std::thread::sleep(Duration::from_millis(300));
        let stats: serde_json::Value = serde_json::from_str(&session.hosted.stats()).unwrap();
        assert!((0..2).all(|line| stats["connections"][line]["faults"].as_u64() < Some(20)), "{name}: {stats:#}");
        assert_eq!(stats["fault"], serde_json::Value::Null);
        // Only a certificate of the authority at hand can put it right.
        if name == "localhost" {
            venue.present(right);
            until(&session, "quotes", quotes_both_sides);
        }
        let summary = session.hosted.close().unwrap();
        assert!(summary.fault.is_none() && venue.seen().resting.is_empty(), "{:?}", summary.fault);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

const SECOND: u64 = 1_000_000_000;
/// A venue's day, years ago.
const DAY: u64 = 1_600_000_000 * SECOND;

fn time(session: &Session) -> u64 {
    let stats: serde_json::Value = serde_json::from_str(&session.hosted.stats()).unwrap();
    stats["timeNs"].as_str().unwrap().parse().unwrap()
}

/// The time the engine shows when `ready` says so of it; it never steps back meanwhile.
fn time_when(session: &Session, what: &str, ready: impl Fn(u64) -> bool) -> u64 {
    let (begun, mut last) = (std::time::Instant::now(), 0);
    loop {
        let now = time(session);
        assert!(now >= last, "{what}: from {last} back to {now}");
        if ready(now) {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}: {now}");
        last = now;
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_clock_follows_the_stamps_of_a_venue_and_no_absurd_one() {
    let (venue, dir) = (Venue::start(), folder("clock"));
    venue.ping(&[format!("{DAY} 0")]);
    let text = config(&venue, "").replace(r#""staleMillis": 300"#, r#""staleMillis": 300, "followClock": true"#);
    let mut session = begin(&text, Some(&dir));
    until(&session, "the script's end", |stats| stats["messages"].as_u64() > Some(1_900));
    assert_eq!(time(&session), DAY, "the first stamp may be any, and at speed 0 time stands");
    venue.ping(&[format!("{} 0", DAY + SECOND)]);
    assert_eq!(time_when(&session, "a second on", |now| now > DAY), DAY + SECOND, "time steps with the stamp");
    // Back, malformed, and absurd: time stays, the venue is told off.
    for wrong in [
        format!("{} 0", DAY - SECOND),
        format!("{} 0", i64::MAX),
        format!("{} 0", DAY + 400 * 86_400 * SECOND),
        "0 0".into(),
        "1e18 0".into(),
    ] {
        venue.ping(&[wrong]);
    }
    let stats = until(&session, "two refused", |stats| stats["connections"][0]["faults"] == 2);
    assert_eq!((&stats["connections"][0]["lastFault"], time(&session)), (&"CLOCK_STEPPED".into(), DAY + SECOND));
    // A gap of months, as between the files of a recording.
    let later = DAY + 200 * 86_400 * SECOND;
    venue.ping(&[format!("{later} 0")]);
    assert_eq!(time_when(&session, "months on", |now| now > DAY + SECOND), later);
    // Ten times as fast, and no ping more: it goes on at that speed.
    venue.ping(&[format!("{later} 10")]);
    time_when(&session, "it runs", |now| now > later);
    let (begun, from) = (std::time::Instant::now(), time(&session));
    std::thread::sleep(Duration::from_millis(500));
    let (to, took) = (time(&session), begun.elapsed().as_nanos() as u64);
    // What is shown is up to 50 ms old on either side, which is half a second of this clock.
    assert!((to - from).abs_diff(10 * took) < 2 * SECOND, "{} in {took}", to - from);
    // The venue is gone: at the machine's pace from here on.
    venue.set(|faults| &faults.drop_market, true);
    until(&session, "the market is lost", |stats| stats["connections"][0]["state"] != "up");
    std::thread::sleep(Duration::from_millis(100));
    let (begun, from) = (std::time::Instant::now(), time(&session));
    std::thread::sleep(Duration::from_millis(400));
    let (to, took) = (time(&session), begun.elapsed().as_nanos() as u64);
    assert!(to - from < took + SECOND, "{} in {took}", to - from);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    replays(&dir, &summary);
    std::fs::remove_dir_all(&dir).unwrap();
}
