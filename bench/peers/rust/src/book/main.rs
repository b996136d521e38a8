//! The room `book`: our books and the Rust rivals in one process, round by round in turn. The last line of the output
//! is one JSON object {floors, rows, notes}; `bench/node/run.mjs` judges it.
#[path = "../../../../rust/src/floors.rs"]
#[allow(dead_code)]
mod floors;
mod l2;
mod l3;
mod l3_flow;
#[path = "../../../../../crates/book/tests/support/recording.rs"]
#[allow(dead_code)]
mod recording;
#[path = "../../../../rust/src/timing.rs"]
#[allow(dead_code)]
mod timing;

use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: testkit::CountingAllocator = testkit::CountingAllocator;

/// A row as the runner wants it.
fn row(id: &str, what: String, ours: Option<f64>, rival: Option<(f64, &str)>, unit: &str) -> Value {
    let (rival, name) = rival.unzip();
    json!({ "id": id, "what": what, "ours": ours, "rival": rival, "rivalName": name, "unit": unit })
}

fn main() {
    let floors = floors::measure();
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|name| name == part);
    if wanted("l2") {
        l2::measure(&mut rows, &mut notes);
    }
    if wanted("l3") {
        l3::measure(floors.clock_nanos, &mut rows, &mut notes);
    }
    println!("{}", json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }));
}
