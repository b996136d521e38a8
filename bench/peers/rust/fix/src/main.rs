//! The room `fix`: our codec and the Rust rivals in one process, round by round in turn. The last line of the output is
//! one JSON object {floors, rows, notes}; `bench/node/run.mjs` judges it. Before anything is timed, all sides must have
//! read the same values and written the same bytes.
#[path = "../../../../rust/src/floors.rs"]
#[allow(dead_code)]
mod floors;
mod messages;
mod ours;
mod rivals;
#[path = "../../../../rust/src/timing.rs"]
#[allow(dead_code)]
mod timing;

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: testkit::CountingAllocator = testkit::CountingAllocator;

/// Messages of a pass: enough that no branch is learnt by heart, few enough for the caches nearest.
pub const MESSAGES: usize = 64;
/// The least of so many passes counts: enough of them that some run undisturbed on a core shared with others.
const PASSES: usize = 40_000;

/// What one side reads: it goes through all messages and gives something of each.
type Side<'a> = (&'a str, Box<dyn FnMut() -> u64 + 'a>);

/// Nanoseconds a message of each side, in turn, the least of all passes; the digests of all sides must agree.
fn compare(what: &str, mut sides: Vec<Side<'_>>) -> Vec<(String, f64)> {
    let digests: Vec<u64> = sides.iter_mut().map(|(_, side)| side()).collect();
    for (place, digest) in digests.iter().enumerate() {
        assert_eq!(*digest, digests[0], "{what}: {} reads something else than {}", sides[place].0, sides[0].0);
    }
    let mut best = vec![f64::MAX; sides.len()];
    for _ in 0..PASSES {
        for ((_, side), best) in sides.iter_mut().zip(&mut best) {
            let begun = Instant::now();
            black_box(side());
            *best = best.min(begun.elapsed().as_nanos() as f64 / MESSAGES as f64);
        }
    }
    sides.into_iter().map(|(name, _)| name.to_string()).zip(best).collect()
}

/// A row: the first is ours, the fastest of the others the rival.
fn row(id: &str, what: &str, measured: &[(String, f64)], notes: &mut Vec<String>) -> Value {
    let rival = measured[1..].iter().min_by(|one, two| one.1.total_cmp(&two.1));
    let all: Vec<String> = measured.iter().map(|(name, nanos)| format!("{name} {nanos:.1}")).collect();
    eprintln!("{id}: {} ns", all.join(", "));
    notes.push(format!("{id}: {} ns", all.join(", ")));
    let (rival, name) = rival.map(|(name, nanos)| (*nanos, name.as_str())).unzip();
    json!({ "id": id, "what": what, "ours": measured[0].1, "rival": rival, "rivalName": name, "unit": "ns" })
}

fn main() {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let reports = messages::reports();
    let refreshes = messages::refreshes();
    let bytes = |messages: &[Vec<u8>]| messages.iter().map(Vec::len).sum::<usize>() / messages.len();
    notes.push(format!("reports of {} bytes, refreshes of {} bytes", bytes(&reports), bytes(&refreshes)));
    notes.push(format!("instructions: {}", ours::instructions()));

    let measured = compare(
        "index",
        vec![("fafnir", Box::new(ours::index(&reports))), ("fix-codec-rs", Box::new(rivals::index(&reports)))],
    );
    rows.push(row("fix/index", "ExecutionReport: all fields and checksum", &measured, &mut notes));
    let measured = compare(
        "typed",
        vec![
            ("fafnir", Box::new(ours::typed(&reports))),
            ("fixlite", Box::new(rivals::typed_by_fixlite(&reports))),
            ("fix-codec-rs", Box::new(rivals::typed(&reports))),
        ],
    );
    rows.push(row("fix/typed", "the same, 8 typed fields", &measured, &mut notes));
    let measured = compare("validated", vec![("fafnir", Box::new(ours::validated(&reports)))]);
    rows.push(row("fix/validate", "the same, held to the FIX 4.4 dictionary", &measured, &mut notes));
    let measured = compare(
        "market data",
        vec![("fafnir", Box::new(ours::refresh(&refreshes))), ("fix-codec-rs", Box::new(rivals::refresh(&refreshes)))],
    );
    rows.push(row("fix/market-data", "MarketDataIncrementalRefresh, 10 entries typed", &measured, &mut notes));
    let orders = messages::orders();
    let measured = compare(
        "encode",
        vec![("fafnir", Box::new(ours::encode(&orders))), ("fixlite", Box::new(rivals::encode(&orders)))],
    );
    rows.push(row("fix/encode", "NewOrderSingle written", &measured, &mut notes));

    notes.push(format!("allocations of ours in 100 passes: {}", allocations(&reports, &orders)));
    let floors = floors::measure();
    println!("{}", json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }));
}

/// Allocations of our reading and writing once each has gone through all messages.
fn allocations(reports: &[Vec<u8>], orders: &[messages::Order]) -> u64 {
    let (mut read, mut write) = (ours::typed(reports), ours::encode(orders));
    black_box((read(), write()));
    testkit::allocations_during(|| (0..100).for_each(|_| _ = black_box((read(), write())))).1.count
}
