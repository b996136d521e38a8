//! # Room card: bench/rust
//! In:    a room's name; for `engine` the development recording, where it is, else the project's own fixture.
//! Out:   one JSON object {floors, rows, notes} as the last line; `bench/node/run.mjs` judges it.
//! Holds: the floors (clock, syscall, cache line, load) are measured in the same run.
//! Costs: a few seconds.
#![forbid(unsafe_code)]

mod core_watch;
mod engine;
mod fix;
mod floors;
mod quote;
mod signal;
mod sockets;
mod timing;
mod venue;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: testkit::CountingAllocator = testkit::CountingAllocator;

fn main() -> ExitCode {
    let rooms: Vec<String> = std::env::args().skip(1).filter(|word| word != "--json").collect();
    let outcome = match rooms.as_slice() {
        [room] if room == "engine" => engine_room(),
        [room] if room == "fix" => fix_room(),
        [room] if room == "net" => net_room(),
        [room] if room == "quote" => quote_room(),
        [room] if room == "signal" => signal_room(),
        [room] if room == "venue" => venue_room(),
        // The flow of the room `venue`, for benches of other languages.
        [word, file, commands] if word == "venue-flow" => write_flow(file, commands),
        // For benches of other languages: they print the same floors.
        [word] if word == "floors" => Ok(json!({ "floors": floors::measure().to_json() })),
        _ => {
            Err("usage: fafnir-bench engine|fix|net|quote|signal|venue|floors, or venue-flow FILE COMMANDS".to_string())
        }
    };
    match outcome {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn engine_room() -> Result<Value, String> {
    let floors = floors::measure();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (recording, symbol, said) = recording_of(&root);
    let (rows, mut notes) = engine::rows(&recording, symbol, floors.clock_nanos)?;
    notes.insert(0, said);
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

/// The part of the room `fix` without rivals; `bench/node/fix.mjs` adds them.
fn fix_room() -> Result<Value, String> {
    let floors = floors::measure();
    let (rows, notes) = fix::rows()?;
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

/// The part of the room `quote` that is ours; `bench/node/quote.mjs` adds JavaScript.
fn quote_room() -> Result<Value, String> {
    let floors = floors::measure();
    let (rows, notes) = quote::rows()?;
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

/// The part of the room `net` that needs no JavaScript of ours; `bench/node/net.mjs` adds its own.
fn net_room() -> Result<Value, String> {
    let floors = floors::measure();
    let (rows, notes) = sockets::rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))?;
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

/// The part of the room `venue` without rivals; `bench/node/venue.mjs` adds them.
fn venue_room() -> Result<Value, String> {
    let floors = floors::measure();
    let (rows, notes) = venue::rows()?;
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

fn write_flow(file: &str, commands: &str) -> Result<Value, String> {
    let count = commands.parse().map_err(|_| format!("no number of commands: {commands}"))?;
    venue::write_flow(Path::new(file), count)?;
    Ok(json!({ "rows": [], "notes": [format!("{count} commands in {file}")] }))
}

fn signal_room() -> Result<Value, String> {
    let floors = floors::measure();
    let (rows, notes) = signal::rows()?;
    Ok(json!({ "floors": floors.to_json(), "rows": rows, "notes": notes }))
}

/// The recording to measure on, its symbol, and a sentence that says which.
fn recording_of(root: &Path) -> (PathBuf, &'static str, String) {
    let real = root.join("../shared/data/binance/usdm-btcusdt-20240808.gz");
    if real.exists() {
        return (real, "BTCUSDT", "recording: usdm-btcusdt-20240808".into());
    }
    let said = "recording: the synthetic fixture, because ../shared/data/binance/usdm-btcusdt-20240808.gz is not there";
    (root.join("crates/testkit/fixtures/usdm-small.gz"), "FAFUSDT", said.into())
}
