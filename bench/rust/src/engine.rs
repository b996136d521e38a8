//! # Room card: bench/engine
//! In:    a recording; the inputs of a backtest of it, as its journal holds them; and of a backtest of the same without
//!        its bookTicker messages, so that the touch, and with it the quotes, move with depth; and of one whose quotes
//!        widen with the flow of trades, so that they move with trades.
//! Out:   wall time of whole turns (framing to encoded order) by message kind, and allocations per turn.
//! Holds: the turns measured are those of a real run with fills; only turns that sent an order are judged, and of them
//!        those during which the core was ours.
//! Costs: three passes over each, up to ten times as many on a loaded machine.
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::Engine;
use flate2::{Compression, bufread::MultiGzDecoder, write::GzEncoder};
use hdrhistogram::Histogram;
use journal::{Reader, Record};
use serde_json::{Value, json};
use types::config::EngineConfig;
use types::{EffectRef, Effects, EventKind, InputKind};

use crate::core_watch::CoreWatch;
use crate::timing::timed;

/// Times each turn is wanted undisturbed. Every pass has the same turns; passes go on until what is kept amounts to so
/// many whole undisturbed ones, but for one turn in `MISSING_PART`, or `PASSES_MAX` are made.
const PASSES: usize = 3;
const PASSES_MAX: usize = 30;
const MISSING_PART: usize = 50;
/// Turns between two looks at the core.
const TURNS_A_LOOK: usize = 16;
/// Fewer undisturbed turns than this part of those wanted: the machine was loaded.
const WANTED_PART: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Touch,
    Trade,
    Depth,
    Report,
    Other,
}

/// An order-emitting turn; `place` counts them in a pass.
struct Emitting {
    place: usize,
    kind: Kind,
    nanos: u64,
    levels: i64,
}

struct Turns {
    /// Order-emitting turns by kind, ns, of looks that saw the core undisturbed.
    emitting: [Histogram<u64>; 5],
    /// Order-emitting turns since the last look.
    since_look: Vec<Emitting>,
    /// Order-emitting turns of this pass so far.
    of_a_pass: usize,
    /// How often each was kept, at most `PASSES` times.
    kept: Vec<usize>,
    /// All turns by kind, ns.
    all: [Histogram<u64>; 5],
    /// Order-emitting depth turns: nanoseconds less 18 a level. Few and often negative, so kept as they are.
    depth_less_levels: Vec<i64>,
    levels: u64,
    allocations: u64,
    turns: u64,
}

const NANOS_PER_LEVEL: i64 = 18;

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("fixed bounds are valid")
}

fn row(id: &str, what: String, ours: Option<f64>, unit: &str, loaded: bool) -> Value {
    json!({
        "id": id, "what": what, "ours": ours, "rival": null, "rivalName": null, "unit": unit, "loaded": loaded,
    })
}

/// Rows of the room `engine`.
pub fn rows(recording: &Path, symbol: &str, clock_nanos: f64) -> Result<(Vec<Value>, Vec<String>), String> {
    // Depth moves the mid a tenth as often, and σ must be there early.
    let window = if symbol == "BTCUSDT" { 1_000 } else { 100 };
    let (turns, said) = turns_of(&config(recording, symbol, window))?;
    // Trades move the quotes of a maker that widens with the flow.
    let mut widening = config(recording, symbol, window);
    widening["engine"]["quoters"][0]["toxicity"] = json!({
        "source": { "kind": "tradeFlow", "halfLifeSeconds": 2.0, "priorQuantity": "1" }, "widening": 2.0,
    });
    let (of_trades, trades_said) = turns_of(&widening)?;
    let depth_only = without_touch(recording)?;
    let of_depth = turns_of(&config(&depth_only, symbol, window / 10));
    std::fs::remove_file(&depth_only).map_err(|error| error.to_string())?;
    let (of_depth, depth_said) = of_depth?;
    let micros = |histogram: &Histogram<u64>, quantile: f64| {
        (histogram.value_at_quantile(quantile) as f64 - clock_nanos).max(0.0) / 1_000.0
    };
    let mut rows = Vec::new();
    let mut notes = vec![
        format!("backtest of the recording: {said}"),
        format!("backtest with quotes that widen with the flow of trades: {trades_said}"),
        format!("backtest of its depth and trades alone: {depth_said}"),
    ];
    for (id, name, of, kind, quantile) in [
        ("engine/bookticker-p50-us", "bookTicker", &turns, Kind::Touch, 0.5),
        ("engine/bookticker-p99-us", "bookTicker", &turns, Kind::Touch, 0.99),
        ("engine/trade-p50-us", "trade", &of_trades, Kind::Trade, 0.5),
        ("engine/trade-p99-us", "trade", &of_trades, Kind::Trade, 0.99),
    ] {
        let emitting = &of.emitting[kind as usize];
        let what = format!("{name} turn p{} (undisturbed order-emitting turns: {})", quantile * 100.0, emitting.len());
        let value = (!emitting.is_empty() && !of.is_loaded()).then(|| micros(emitting, quantile));
        rows.push(row(id, what, value, "us", of.is_loaded()));
    }
    let depth = &of_depth.emitting[Kind::Depth as usize];
    let base = median(&of_depth.depth_less_levels)
        .filter(|_| !of_depth.is_loaded())
        .map(|nanos| (nanos as f64 - clock_nanos) / 1_000.0);
    let what = format!(
        "depth turn p50 less {NANOS_PER_LEVEL} ns a level (undisturbed order-emitting turns: {}, levels {})",
        depth.len(),
        of_depth.levels
    );
    rows.push(row("engine/depth", what, base, "us", of_depth.is_loaded()));
    let all = turns.turns + of_trades.turns + of_depth.turns;
    let allocations = turns.allocations + of_trades.allocations + of_depth.allocations;
    let per_turn = allocations as f64 / all.max(1) as f64;
    let what = format!("allocations per turn ({all} turns)");
    rows.push(row("engine/allocations-per-turn", what, Some(per_turn), "allocations", false));
    for (name, kind) in [
        ("bookTicker", Kind::Touch),
        ("trade", Kind::Trade),
        ("depth", Kind::Depth),
        ("report", Kind::Report),
        ("other", Kind::Other),
    ] {
        let (all, emitting) = (&turns.all[kind as usize], &turns.emitting[kind as usize]);
        notes.push(format!(
            "{name}: all {} turns p50 {:.3} p99 {:.3} us; order-emitting {} turns p50 {:.3} p99 {:.3} us",
            all.len(),
            micros(all, 0.5),
            micros(all, 0.99),
            emitting.len(),
            micros(emitting, 0.5),
            micros(emitting, 0.99),
        ));
    }
    Ok((rows, notes))
}

/// Turns of a backtest, and what is to be said of it.
fn turns_of(config: &Value) -> Result<(Turns, String), String> {
    let journal = std::env::temp_dir().join(format!("fafnir-bench-{}", std::process::id()));
    let mut value = config.clone();
    value["output"] = json!({ "journalDir": journal.display().to_string() });
    let summary = backtest::run(&value.to_string(), |_| (), || true).map_err(|fault| fault.to_string())?;
    let measured = measure(&journal, &value["engine"].to_string());
    std::fs::remove_dir_all(&journal).map_err(|error| error.to_string())?;
    Ok((measured?, format!("{} turns, effects {}", summary.turns, summary.effects_hash)))
}

/// A copy of the recording without its bookTicker messages.
fn without_touch(recording: &Path) -> Result<PathBuf, String> {
    let path = std::env::temp_dir().join(format!("fafnir-bench-{}.gz", std::process::id()));
    let copy = || -> std::io::Result<()> {
        let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(recording)?)));
        let mut out = GzEncoder::new(BufWriter::new(File::create(&path)?), Compression::fast());
        for line in lines.split(b'\n') {
            let line = line?;
            let head = &line[..line.len().min(96)];
            if !head.windows(12).any(|window| window == b"@bookTicker\"") {
                out.write_all(&line)?;
                out.write_all(b"\n")?;
            }
        }
        out.finish()?.flush()
    };
    copy().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// A maker on one instrument, quoting near the touch so that many turns send orders.
fn config(recording: &Path, symbol: &str, window: u32) -> Value {
    json!({
        "engine": {
            "venues": [{ "name": "BINANCE", "feed": "binanceUsdm" }],
            "instruments": [{
                "symbol": symbol, "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001", "makerFee": "0.0002",
                "takerFee": "0.0005",
                "risk": { "maxOrderQuantity": "1", "maxPosition": "0.5", "maxOrderValue": "100000" },
            }],
            "volatility": { "window": window },
            "quoters": [{
                "instrument": symbol, "riskAversionPerMoney": 0.05, "intensityDecayPerPrice": 5.0,
                "orderQuantity": "0.01", "maxInventory": "0.1",
            }],
        },
        "sources": [{ "kind": "recording", "instrument": symbol, "path": recording.display().to_string() }],
    })
}

/// The lower middle of the values; `None` when there are none.
fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn measure(journal: &Path, engine_json: &str) -> Result<Turns, String> {
    let mut turns = Turns {
        emitting: std::array::from_fn(|_| histogram()),
        since_look: Vec::with_capacity(TURNS_A_LOOK),
        of_a_pass: 0,
        kept: Vec::new(),
        all: std::array::from_fn(|_| histogram()),
        depth_less_levels: Vec::new(),
        levels: 0,
        allocations: 0,
        turns: 0,
    };
    let (mut effects, mut watch) = (Effects::new(), CoreWatch::new());
    for _ in 0..PASSES_MAX {
        if !turns.kept.is_empty() && turns.missing() * MISSING_PART <= PASSES * turns.kept.len() {
            break;
        }
        let (_, setup) = EngineConfig::from_json(engine_json).map_err(|fault| fault.to_string())?;
        let mut engine = Engine::new(setup);
        let mut reader = Reader::open(journal).map_err(|fault| fault.to_string())?;
        let (mut before_look, mut turn) = (watch.is_ours(), 0);
        turns.of_a_pass = 0;
        while let Some(record) = reader.next() {
            let Record::Input(input) = record else { continue };
            let before = key_counts(&engine);
            let (((), allocations), nanos) =
                timed(|| testkit::allocations_during(|| engine.turn(&input, &mut effects)));
            let kind = kind_of(&input.kind, &before, &key_counts(&engine));
            turns.add(kind, nanos, allocations.count, &effects);
            turn += 1;
            if turn % TURNS_A_LOOK == 0 {
                let after_look = watch.is_ours();
                turns.judge(before_look && after_look);
                before_look = after_look;
            }
        }
        turns.judge(before_look && watch.is_ours());
    }
    Ok(turns)
}

fn key_counts(engine: &Engine) -> [u64; 3] {
    let counts = engine.counts();
    [counts.book_ticker, counts.trade, counts.depth]
}

fn kind_of(input: &InputKind<'_>, before: &[u64; 3], after: &[u64; 3]) -> Kind {
    match input {
        InputKind::Report(_) => Kind::Report,
        InputKind::Bytes { .. } if before[0] != after[0] => Kind::Touch,
        InputKind::Bytes { .. } if before[1] != after[1] => Kind::Trade,
        InputKind::Bytes { .. } if before[2] != after[2] => Kind::Depth,
        _ => Kind::Other,
    }
}

impl Turns {
    fn add(&mut self, kind: Kind, nanos: u64, allocations: u64, effects: &Effects) {
        self.turns += 1;
        self.allocations += allocations;
        self.all[kind as usize].saturating_record(nanos);
        let (mut sent, mut levels) = (false, 0);
        for effect in effects {
            match effect {
                EffectRef::Send { .. } => sent = true,
                EffectRef::Event(event) if event.kind() == Some(EventKind::Depth) => levels += event.quantity.0,
                _ => {}
            }
        }
        if sent {
            self.since_look.push(Emitting { place: self.of_a_pass, kind, nanos, levels });
            self.of_a_pass += 1;
            if self.kept.len() < self.of_a_pass {
                self.kept.push(0);
            }
        }
    }

    /// Keeps the turns since the last look, if the core was ours on both sides of them.
    fn judge(&mut self, undisturbed: bool) {
        for Emitting { place, kind, nanos, levels } in self.since_look.drain(..) {
            if !undisturbed || self.kept[place] == PASSES {
                continue;
            }
            self.kept[place] += 1;
            self.emitting[kind as usize].saturating_record(nanos);
            if kind == Kind::Depth {
                self.levels += levels as u64;
                self.depth_less_levels.push(nanos as i64 - NANOS_PER_LEVEL * levels);
            }
        }
    }

    /// Were nearly all turns disturbed?
    fn is_loaded(&self) -> bool {
        self.missing() * WANTED_PART > PASSES * self.kept.len()
    }

    /// Undisturbed turns that are wanted still.
    fn missing(&self) -> usize {
        self.kept.iter().map(|kept| PASSES - kept).sum()
    }
}
