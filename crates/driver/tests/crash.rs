//! Processes that are killed: the engine, then the exchange, at uniformly random moments under load.
//!
//! After every death of the engine: each order the exchange received is one that the journal's replay sends. In the
//! end: no ClOrdID was received twice as a new order, engine and ledger agree on the position, nothing is open.
//! FAFNIR_LONG=1 kills 200 times each, otherwise a few; FAFNIR_CRASH_SEED chooses the moments.
#[path = "crash/child.rs"]
mod child;
#[path = "crash/ledger.rs"]
mod ledger;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use child::{Child, engine_json, exchange_json};
use driver::exchange::ExchangeHost;
use fafnir_driver as driver;
use ledger::Ledger;
use types::config::ExchangeConfig;
use types::rng::SplitMix64;
use types::{EffectRef, OrderEventKind};

fn kills(short: usize) -> (usize, u64) {
    let long = std::env::var_os("FAFNIR_LONG").is_some();
    let seed = std::env::var("FAFNIR_CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    (if long { 200 } else { short }, seed)
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fafnir-crash-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn start_exchange(json: &str) -> ExchangeHost {
    let (config, setup) = ExchangeConfig::from_json(json).unwrap();
    ExchangeHost::start(&config, &setup).unwrap()
}

/// ClOrdIDs of everything the journal's replay sends.
fn sent(state: &Path) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let replayed = driver::replay_with(
        &state.join("journal"),
        None,
        |_| (),
        || true,
        |_, _, effects| {
            for effect in effects.into_iter().flatten() {
                let EffectRef::Order(event) = effect else { continue };
                if event.kind().is_some_and(OrderEventKind::is_request) {
                    let id = event.request_id();
                    ids.insert(format!("{}-{}", id.session(), id.counter()));
                }
            }
        },
    );
    assert!(replayed.unwrap().outcome.matches, "the journal replays to what it recorded");
    ids
}

fn until(what: &str, mut happens: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happens() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Until the ledger has grown by what twenty requests and their answers take at least.
fn until_written(venue: &Path) {
    let length = || std::fs::metadata(venue.join("ledger.jsonl")).map_or(0, |ledger| ledger.len());
    let before = length();
    until("trading", || length() > before + 20 * 400);
}

#[test]
fn an_engine_that_is_killed_forgets_nothing_and_repeats_nothing() {
    if child::am_i() {
        return;
    }
    let (kills, seed) = kills(8);
    println!("seed {seed}, {kills} kills of the engine");
    let mut rng = SplitMix64::new(seed);
    let root = folder("engine");
    let (mut kill, mut rates) = (0, Vec::new());
    // A fresh session now and then, so that replays stay short.
    for session in 1.. {
        if kill == kills {
            break;
        }
        let (state, venue) = (root.join(format!("engine-{session}")), root.join(format!("venue-{session}")));
        let mut exchange = start_exchange(&exchange_json(Some(&venue), (0, 0)));
        let ports = (exchange.ports().market, exchange.ports().orders);
        let config = engine_json(session, ports);
        let deaths = (kills - kill).min(10);
        for _ in 0..deaths {
            let before = exchange.stats().unwrap();
            let begun = Instant::now();
            let mut engine = Child::engine(&config, &state);
            until("trading", || exchange.stats().unwrap().requests > before.requests + 20);
            std::thread::sleep(Duration::from_micros(rng.below(300_000)));
            engine.kill();
            kill += 1;
            let after = exchange.stats().unwrap();
            rates.push((after.messages - before.messages) as f64 / begun.elapsed().as_secs_f64());
            let (received, replayed) = (Ledger::read(&venue), sent(&state));
            let unknown: Vec<_> = received.requests.iter().filter(|id| !replayed.contains(*id)).collect();
            assert!(unknown.is_empty(), "kill {kill} (seed {seed}): received and not replayed: {unknown:?}");
        }
        let before = exchange.stats().unwrap().requests;
        let engine = Child::engine(&config, &state);
        until("trading again", || exchange.stats().unwrap().requests > before + 20);
        let summary = engine.close();
        let stats = exchange.close().unwrap();
        let received = Ledger::read(&venue);
        assert_eq!(received.twice, Vec::<String>::new(), "seed {seed}");
        assert_eq!((summary.open_orders, stats.open_orders), (0, 0), "seed {seed}: {stats:?}");
        let account = stats.accounts.first().expect("it has traded");
        assert_eq!(summary.position_lots, account.position_lots, "seed {seed}: {stats:?}");
        assert!(account.fills > 0, "{stats:?}");
    }
    rates.sort_by(f64::total_cmp);
    // Said, not judged: timing decides no test. The market is played for some 18,000 a second.
    println!("messages a second: least {:.0}, median {:.0}", rates[0], rates[rates.len() / 2]);
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn an_exchange_that_is_killed_comes_back_with_the_same_books() {
    if child::am_i() {
        return;
    }
    let (kills, seed) = kills(5);
    println!("seed {seed}, {kills} kills of the exchange");
    let mut rng = SplitMix64::new(seed ^ 0x5eed);
    let root = folder("exchange");
    let (mut kill, mut session) = (0, 0);
    while kill < kills {
        session += 1;
        let (state, venue) = (root.join(format!("engine-{session}")), root.join(format!("venue-{session}")));
        let mut exchange = Child::exchange(&exchange_json(Some(&venue), (0, 0)));
        let ports = exchange.ports;
        let again = exchange_json(Some(&venue), ports);
        let engine = Child::engine(&engine_json(session, ports), &state);
        // Few to a session: a venue that is never up for long is tried less and less often.
        for _ in 0..(kills - kill).min(4) {
            until_written(&venue);
            std::thread::sleep(Duration::from_micros(rng.below(300_000)));
            exchange.kill();
            kill += 1;
            exchange = Child::exchange(&again);
        }
        until_written(&venue);
        let summary = engine.close();
        exchange.kill();
        let ledger = Ledger::read(&venue);
        assert_eq!(ledger.twice, Vec::<String>::new(), "seed {seed}");
        assert_eq!(summary.open_orders, 0, "seed {seed}");
        assert_eq!(summary.position_lots, ledger.position_lots, "kill {kill}, seed {seed}");
        let replayed = sent(&state);
        assert!(ledger.requests.iter().all(|id| replayed.contains(id)), "seed {seed}");
    }
    std::fs::remove_dir_all(&root).unwrap();
}
