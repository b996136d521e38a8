//! # Room card: driver/replay
//! In:    a journal: its first record's configuration, then every recorded input.
//! Out:   the effects again, their hash, and how it compares with the hashes recorded on the way.
//! Holds: nothing but the journal is read; a damaged journal is replayed up to the damage and says where that is.
//! Costs: the engine's turns.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use engine::Engine;
use journal::{EffectsHash, EndReason, Reader, Record};
use types::config::EngineConfig;
use types::{Code, Effects, Fault, Input};

/// Where reading ended.
#[derive(Clone, Debug)]
pub struct EndedAt {
    /// Number of the segment, from 1.
    pub segment: u32,
    /// Bytes of it that were good.
    pub offset: u64,
}

/// What a replay found.
#[derive(Clone, Debug)]
pub struct ReplayOutcome {
    /// Hash of all effects, 32 lower-case hex digits.
    pub hash: String,
    /// Turns replayed.
    pub turns: u64,
    /// Did every recorded hash equal ours?
    pub matches: bool,
    /// Turn of the first recorded hash that differs.
    pub first_mismatch: Option<u64>,
    /// Recorded hashes compared.
    pub marks_checked: u64,
    /// Where reading ended.
    pub ended_at: EndedAt,
    /// Why: "closed", "unclosed", "truncated" or "corrupt".
    pub reason: &'static str,
    /// It ended at damage ("truncated" or "corrupt"): what was recorded behind it is not in this replay.
    pub damaged: bool,
    /// Build that wrote the journal.
    pub build: String,
    /// Records of kinds this build does not know, skipped.
    pub unknown_records: u64,
}

/// Replays a segment (and those after it) or a journal folder. `dump` receives exactly the hashed bytes.
///
/// Errors: those of `Reader::open`; ConfigInvalid and JournalFormat (record 0); OutputFailed; Aborted; EnginePanicked.
pub fn replay(
    path: &Path,
    dump: Option<&Path>,
    progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
) -> Result<ReplayOutcome, Fault> {
    replay_with(path, dump, progress, keep_going, |_, _, _| ()).map(|replayed| replayed.outcome)
}

/// A finished replay with the engine it came to.
pub struct Replayed {
    /// As after the last input.
    pub engine: Engine,
    /// XXH3-128 of all effects.
    pub hash: u128,
    /// What was found.
    pub outcome: ReplayOutcome,
}

/// Like `replay`, with a look at each turn: `around` sees the engine before it (no effects) and after it (its effects).
/// Errors: those of `replay`.
pub fn replay_with(
    path: &Path,
    dump: Option<&Path>,
    mut progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
    mut around: impl FnMut(&Engine, &Input<'_>, Option<&Effects>),
) -> Result<Replayed, Fault> {
    /// Turns between two looks at progress and abort.
    const TURNS_BETWEEN_LOOKS: u64 = 16_384;
    let mut reader = Reader::open(path)?;
    let segments = segments_beside(path);
    let build = reader.start().build.clone();
    let (_, setup) = EngineConfig::from_json(&engine_json(&reader.start().config)?)?;
    let mut dump = dump.map(Dump::create).transpose()?;
    let mut pass = Pass::new(Engine::new(setup));
    while pass.step(&mut reader, |engine, input, effects| {
        around(engine, input, effects);
        match (&mut dump, effects) {
            (Some(dump), Some(effects)) => dump.write(effects.bytes()),
            _ => Ok(()),
        }
    })? {
        if pass.turns.is_multiple_of(TURNS_BETWEEN_LOOKS) {
            if !keep_going() {
                return Err(Fault::new(Code::Aborted, "the replay was stopped before its end", vec![]));
            }
            progress(fraction(&reader, segments));
        }
    }
    if let Some(dump) = &mut dump {
        dump.finish()?;
    }
    progress(1.0);
    let end = reader.end();
    let hash = pass.hash.digest();
    let outcome = ReplayOutcome {
        hash: journal::hex(hash),
        turns: pass.turns,
        matches: pass.first_mismatch.is_none(),
        first_mismatch: pass.first_mismatch,
        marks_checked: pass.marks,
        ended_at: EndedAt { segment: end.segment, offset: end.offset },
        reason: match end.reason {
            EndReason::Closed => "closed",
            EndReason::Unclosed => "unclosed",
            EndReason::Truncated => "truncated",
            EndReason::Corrupt => "corrupt",
        },
        damaged: end.reason.code().is_some(),
        build,
        unknown_records: pass.unknown,
    };
    Ok(Replayed { engine: pass.engine, hash, outcome })
}

/// An engine on its way through a journal.
pub(crate) struct Pass {
    pub(crate) engine: Engine,
    effects: Effects,
    pub(crate) hash: EffectsHash,
    /// Inputs turned.
    pub(crate) turns: u64,
    /// Recorded hashes compared.
    marks: u64,
    /// Turn of the first that differs.
    pub(crate) first_mismatch: Option<u64>,
    /// Records skipped.
    unknown: u64,
}

impl Pass {
    pub(crate) fn new(engine: Engine) -> Pass {
        let (effects, hash) = (Effects::new(), EffectsHash::new());
        Pass { engine, effects, hash, turns: 0, marks: 0, first_mismatch: None, unknown: 0 }
    }

    /// The next record: an input is turned, seen before (no effects) and after (its effects), a mark is compared.
    /// `false` at the end. Errors: EnginePanicked; what `around` says.
    pub(crate) fn step(
        &mut self,
        reader: &mut Reader,
        mut around: impl FnMut(&Engine, &Input<'_>, Option<&Effects>) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        let Some(record) = reader.next() else { return Ok(false) };
        match record {
            Record::Input(input) => {
                around(&self.engine, &input, None)?;
                // A journal of a run that panicked ends with the input that made it.
                catch_unwind(AssertUnwindSafe(|| self.engine.turn(&input, &mut self.effects))).map_err(|_| {
                    let fields = vec![("turn", input.turn.to_string())];
                    Fault::new(Code::EnginePanicked, "the engine panicked in the replay", fields)
                })?;
                self.hash.update(self.effects.bytes());
                self.turns += 1;
                around(&self.engine, &input, Some(&self.effects))?;
            }
            Record::HashMark { turn, hash: recorded, .. } | Record::Close { turn, hash: recorded, .. } => {
                self.marks += 1;
                if recorded != self.hash.digest() && self.first_mismatch.is_none() {
                    self.first_mismatch = Some(turn);
                }
            }
            Record::Unknown { .. } => self.unknown += 1,
        }
        Ok(true)
    }
}

/// A file of exactly the hashed bytes.
struct Dump<'a> {
    file: BufWriter<File>,
    path: &'a Path,
}

impl<'a> Dump<'a> {
    fn create(path: &'a Path) -> Result<Dump<'a>, Fault> {
        let file = File::create(path).map_err(|error| Fault::output(&path.display().to_string(), &error))?;
        Ok(Dump { file: BufWriter::with_capacity(1 << 20, file), path })
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).map_err(|error| self.failed(&error))
    }
    fn finish(&mut self) -> Result<(), Fault> {
        self.file.flush().map_err(|error| self.failed(&error))
    }
    fn failed(&self, error: &std::io::Error) -> Fault {
        Fault::output(&self.path.display().to_string(), error)
    }
}

/// The engine's part of a recorded configuration: a backtest's holds it under `engine`, a live session's is it.
pub(crate) fn engine_json(config: &str) -> Result<String, Fault> {
    let bad = |error: serde_json::Error| {
        Fault::new(Code::JournalFormat, format!("the journal's configuration cannot be read: {error}"), vec![])
    };
    let value: serde_json::Value = serde_json::from_str(config).map_err(bad)?;
    match value.get("engine") {
        Some(engine) => serde_json::to_string(engine).map_err(bad),
        None => Ok(config.to_string()),
    }
}

/// How many segments the journal has, for progress only.
fn segments_beside(path: &Path) -> u64 {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let files = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "fafnir")).count().max(1) as u64
}

fn fraction(reader: &Reader, segments: u64) -> f64 {
    let end = reader.end();
    let within = end.offset as f64 / journal::SEGMENT_BYTES_DEFAULT as f64;
    ((end.segment as f64 - 1.0 + within.min(1.0)) / segments as f64).min(1.0)
}
