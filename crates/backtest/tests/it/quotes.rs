//! Every native quote of whole runs, looked at again from the journal: on both sides nearly always, inventory within
//! its gate, never across the touch that was known, and each price the sum of its terms.
use crate::common;

use std::path::Path;

use common::{fixture, generated, recorded, run, scratch, small_recording, usdm_recording};
use driver::{WhichQuote, explain, replay_with};
use engine::Engine;
use serde_json::{Value, json};
use types::{EffectRef, Effects, InstrumentId, OrderEventKind, Side, UnixNanos, flag};

#[derive(Default, Debug)]
struct Seen {
    quotes: u64,
    post_only_rejects: u64,
    /// Book valid, inventory inside the gate: seconds, and of these both sides quoted.
    valid_seconds: f64,
    both_seconds: f64,
    /// Of the first, before σ is known.
    warming_seconds: f64,
    since: Option<(UnixNanos, bool, bool, bool)>,
}

const FIRST: InstrumentId = InstrumentId(0);

impl Seen {
    fn turn(&mut self, engine: &Engine, now: UnixNanos, effects: &Effects) {
        for effect in effects {
            let EffectRef::Order(event) = effect else { continue };
            let kind = event.kind().expect("a kind");
            if event.reason == types::Code::VenuePostOnly as u16 {
                self.post_only_rejects += 1;
            }
            if matches!(kind, OrderEventKind::New | OrderEventKind::Replace) && event.flags & flag::IOC == 0 {
                self.quotes += 1;
                let touch = engine.touch(event.instrument()).expect("quoted on a touch");
                let fresh = match event.side().expect("a side") {
                    Side::Buy => touch.ask_lots.0 == 0 || event.price < touch.ask,
                    Side::Sell => touch.bid_lots.0 == 0 || event.price > touch.bid,
                };
                assert!(fresh, "a fresh book would have avoided it: {event:?} on {touch:?}");
            }
        }
        for instrument in &engine.setup().instruments {
            let Some(quoter) = engine.quoter(instrument.id) else { continue };
            let (max, position) = (quoter.params().max_inventory_lots, engine.orders().position(instrument.id).lots);
            for side in Side::BOTH {
                let open = engine.orders().open_lots(instrument.id, side);
                let worst = position.0 * side.sign() + open.0;
                assert!(worst <= max.0, "{side:?}: {} lots and {} open, limit {}", position.0, open.0, max.0);
            }
        }
        if let Some((from, valid, both, warming)) = self.since {
            let seconds = now.since(from).as_seconds();
            self.valid_seconds += if valid { seconds } else { 0.0 };
            self.warming_seconds += if valid && warming { seconds } else { 0.0 };
            self.both_seconds += if valid && both { seconds } else { 0.0 };
        }
        let max = engine.quoter(FIRST).expect("a quoter").params().max_inventory_lots;
        let inside = engine.orders().position(FIRST).lots.0.abs() < max.0;
        let open = |id| engine.orders().order(id).is_some_and(|order| order.state.is_open());
        let both = engine.quotes(FIRST).into_iter().all(|slot| slot.is_some_and(open));
        self.since = Some((now, engine.book_valid(FIRST) && inside, both, engine.sigma(FIRST).is_none()));
    }
}

/// Runs, looks at every turn, and asks for an explanation of every quote.
fn looked_at(mut config: Value, name: &str) -> Seen {
    let journal = scratch(name);
    config["output"] = json!({ "journalDir": journal.display().to_string() });
    let summary = run(&config);
    assert!(summary.ledger_agrees());
    let mut seen = Seen::default();
    let replayed = replay_with(
        &journal,
        None,
        |_| (),
        || true,
        |engine, input, effects| {
            if let Some(effects) = effects {
                seen.turn(engine, input.now, effects);
            }
        },
    );
    assert!(replayed.expect("a journal").outcome.matches);
    every_quote_adds_up(&journal, seen.quotes);
    std::fs::remove_dir_all(&journal).expect("the journal is ours");
    println!("{name}: {seen:?}, rejects {:?}", summary.orders);
    seen
}

fn every_quote_adds_up(journal: &Path, quotes: u64) {
    let found = explain(journal, &WhichQuote::default(), |_| (), || true).expect("an explanation");
    assert_eq!((found.quotes, found.adding_up, found.matches), (quotes, quotes, true));
    let last = found.quote.expect("a quote");
    assert!(!last.orders.is_empty() && last.orders.iter().all(|order| order.adds_up), "{last:?}");
    // The same by its turn, its time and its order.
    let at = UnixNanos(last.time_ns.parse().expect("digits"));
    let (session, counter) = last.orders[0].order.split_once('-').expect("an id");
    let order = types::OrderId::new(session.parse().expect("digits"), counter.parse().expect("digits"));
    for which in [
        WhichQuote { turn: Some(last.turn), ..WhichQuote::default() },
        WhichQuote { at: Some(at), ..WhichQuote::default() },
        WhichQuote { order: Some(order), ..WhichQuote::default() },
    ] {
        let again = explain(journal, &which, |_| (), || true).expect("an explanation").quote.expect("a quote");
        assert_eq!((again.turn, again.orders.len()), (last.turn, last.orders.len()), "{which:?}");
    }
    let nowhere = WhichQuote { turn: Some(u64::MAX), ..WhichQuote::default() };
    assert!(explain(journal, &nowhere, |_| (), || true).expect("a replay").quote.is_none());
    let unknown = WhichQuote { symbol: Some("NONE".into()), ..WhichQuote::default() };
    assert_eq!(explain(journal, &unknown, |_| (), || true).unwrap_err().code, types::Code::UnknownInstrument);
}

/// At least 95 % of all the time the book is valid and inventory inside the gate, from the first moment on.
fn nearly_always(seen: &Seen) {
    assert!(seen.both_seconds >= 0.95 * seen.valid_seconds && seen.valid_seconds > 60.0, "{seen:?}");
}

#[test]
fn the_recording_is_quoted_on_both_sides() {
    let Some(path) = usdm_recording() else { return };
    let mut config = recorded(&path.display().to_string());
    // By default, from the first moment on, those without a σ included.
    let seen = looked_at(config.clone(), "quotes-recording");
    nearly_always(&seen);
    assert!(seen.warming_seconds > 1.0, "{seen:?}");
    config["engine"]["quoters"][0]["initialVolatilityPricePerSqrtSecond"] = 5.0.into();
    nearly_always(&looked_at(config, "quotes-recording-initial"));
}

#[test]
fn the_fixture_is_quoted_on_both_sides() {
    let mut config = fixture(&small_recording().display().to_string());
    config["engine"]["quoters"][0]["initialVolatilityPricePerSqrtSecond"] = 5.0.into();
    nearly_always(&looked_at(config, "quotes-fixture"));
}

/// The generated market with further members of the first quoter.
fn ruled(members: Value) -> Value {
    let mut config = generated(5);
    for (key, value) in members.as_object().expect("an object") {
        config["engine"]["quoters"][0][key] = value.clone();
    }
    config
}

#[test]
fn models_and_rules_keep_to_the_same_limits_and_add_up() {
    let toxicity =
        json!({ "source": { "kind": "tradeFlow", "halfLifeSeconds": 2.0, "priorQuantity": "1" }, "widening": 1.0 });
    let by_volume = json!({ "source": { "kind": "vpin", "bucketQuantity": "0.5", "buckets": 4 }, "widening": 1.0 });
    let micro = json!({ "kind": "microPrice", "imbalanceBuckets": 3,
                        "adjustmentsTicks": [-0.4, 0.0, 0.4, -0.7, 0.0, 0.7, 0.0, 0.0, 0.0] });
    let fitted = json!({ "everySeconds": 2.0, "minOrders": 20.0 });
    let sets = [
        ("fitted", json!({ "marketCalibration": fitted, "model": { "kind": "glft", "arrivalsPerSecond": 3.0 } })),
        ("signals", json!({ "fairValue": micro, "toxicity": by_volume })),
        ("glft", json!({ "model": { "kind": "glft", "arrivalsPerSecond": 3.0 } })),
        ("infinite", json!({ "horizon": { "kind": "infinite" }, "inventorySpreadTerm": true })),
        ("weighted", json!({ "fairValue": { "kind": "weightedMid" }, "minSpreadTicks": 9, "toxicity": toxicity })),
        ("fees", json!({ "coverFees": true, "maxSpreadTicks": 40, "staleFeedMillis": 2_000 })),
        (
            "ladder",
            json!({ "ladder": { "levels": 4, "spacingTicks": 6, "sizeGrowth": 1.5 },
                           "sizing": { "kind": "inventory", "shape": 1.0 } }),
        ),
    ];
    for (name, members) in sets {
        let seen = looked_at(ruled(members), &format!("quotes-{name}"));
        assert!(seen.quotes > 100, "{name}: {seen:?}");
    }
}

#[test]
fn a_session_unwinds_and_ends_flat() {
    let unwind = json!({ "fromSeconds": 10.0, "crossFromSeconds": 14.0, "toSeconds": 18.0, "crossLimitTicks": 50 });
    let summary = run(&ruled(json!({ "unwind": unwind })));
    let first = &summary.instruments[0];
    assert!(first.fills.buy + first.fills.sell > 0, "{first:?}");
    assert_eq!(first.ledger.as_ref().map(|ledger| ledger.agrees), Some(true));
    let position: f64 = first.position.parse().expect("a decimal");
    assert_eq!(position, 0.0, "{first:?}");
}
