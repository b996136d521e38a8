//! # Room card: driver/tests/faults/memory
//! In:    every input of the engine; the bytes of its effects.
//! Out:   the engine again, from memory or from a journal on disk, with its timers.
//! Holds: the effects hash of a rebuilt engine is the one it had.
//! Costs: tests only.
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Engine;
use fafnir_driver::{Timers, recover};
use journal::{EffectsHash, Options, Start, Writer};
use types::config::{EngineConfig, Setup};
use types::{ConnId, ConnState, Control, EffectRef, Effects, Input, InputKind, TimerId, UnixNanos};

use super::plan::Plan;

/// An input that owns nothing: bytes are a range of those kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Bytes(ConnId, usize, usize),
    Conn(ConnId, ConnState),
    Timer(TimerId),
    Control(Control),
}

/// What a process leaves behind.
pub struct Memory {
    inputs: Vec<(UnixNanos, Kept)>,
    bytes: Vec<u8>,
    hash: EffectsHash,
    config: EngineConfig,
    disk: Option<Disk>,
}

/// Folders made by this process.
static FOLDERS: AtomicU64 = AtomicU64::new(0);

struct Disk {
    dir: PathBuf,
    writer: Option<Writer>,
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.writer = None;
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// An engine as it was.
pub struct Recovered {
    pub engine: Engine,
    pub timers: Timers,
    /// Connections that were up.
    pub up: Vec<ConnId>,
}

const OPTIONS: Options = Options { segment_bytes: 1 << 20, commit: journal::Commit::AtClose, keep_segments: None };

impl Memory {
    pub fn new(plan: &Plan, text: String, config: EngineConfig) -> Memory {
        let disk = plan.disk.then(|| {
            // Two tests of one process may play the same seed at the same time.
            let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
            let name = format!("faults-{}-{number}", std::process::id());
            let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            let _ = std::fs::remove_dir_all(&dir);
            let writer = Writer::create(&dir, &Start::new("faults", text), OPTIONS).unwrap();
            Disk { dir, writer: Some(writer) }
        });
        Memory { inputs: Vec::new(), bytes: Vec::new(), hash: EffectsHash::new(), config, disk }
    }

    /// Keeps the next input and gives it its number and time.
    pub fn note<'a>(&mut self, kind: InputKind<'a>, now: UnixNanos) -> Input<'a> {
        let now = self.inputs.last().map_or(now, |last| last.0.max(now));
        let kept = match kind {
            InputKind::Bytes { conn, bytes } => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Kept::Bytes(conn, start, self.bytes.len())
            }
            InputKind::Conn { conn, state } => Kept::Conn(conn, state),
            InputKind::Timer { id } => Kept::Timer(id),
            InputKind::Control(control) => Kept::Control(control),
            other => panic!("{other:?} does not occur here"),
        };
        self.inputs.push((now, kept));
        let input = Input { turn: self.inputs.len() as u64, now, kind };
        if let Some(writer) = self.disk.as_mut().and_then(|disk| disk.writer.as_mut()) {
            writer.input(&input).unwrap();
        }
        input
    }
    /// The effects of that input.
    pub fn turned(&mut self, effects: &[u8]) {
        self.hash.update(effects);
    }
    pub fn turns(&self) -> usize {
        self.inputs.len()
    }

    /// Plays everything again: the effects must be the same.
    pub fn replay(&self, setup: &Setup, effects: &mut Effects) -> Recovered {
        let (mut engine, mut timers, mut hash) = (Engine::new(setup.clone()), Timers::default(), EffectsHash::new());
        let mut up: Vec<ConnId> = Vec::new();
        for (at, &(now, kept)) in self.inputs.iter().enumerate() {
            let kind = match kept {
                Kept::Bytes(conn, from, to) => InputKind::Bytes { conn, bytes: &self.bytes[from..to] },
                Kept::Conn(conn, state) => InputKind::Conn { conn, state },
                Kept::Timer(id) => InputKind::Timer { id },
                Kept::Control(control) => InputKind::Control(control),
            };
            match kept {
                Kept::Timer(id) => drop(timers.remove(id)),
                Kept::Conn(conn, state) => {
                    up.retain(|&known| known != conn);
                    if state != ConnState::Down {
                        up.push(conn);
                    }
                }
                _ => {}
            }
            engine.turn(&Input { turn: at as u64 + 1, now, kind }, effects);
            hash.update(effects.bytes());
            for effect in effects.iter() {
                if let EffectRef::Timer { id, at } = effect {
                    timers.set(id, at);
                }
            }
        }
        assert_eq!(hash.digest(), self.hash.digest(), "a replay has other effects");
        up.sort_unstable();
        Recovered { engine, timers, up }
    }

    /// The engine after a crash.
    pub fn recover(&mut self, setup: &Setup, effects: &mut Effects) -> Recovered {
        let Some(disk) = &mut self.disk else { return self.replay(setup, effects) };
        disk.writer = None;
        let recovered = recover(&disk.dir, &self.config, OPTIONS).unwrap_or_else(|fault| panic!("{fault}"));
        disk.writer = Some(recovered.writer);
        let (turn, hash) = (recovered.turn, recovered.hash.digest());
        assert_eq!((turn, hash), (self.inputs.len() as u64, self.hash.digest()), "the journal's turns and effects");
        Recovered { engine: recovered.engine, timers: recovered.timers, up: recovered.conns_up }
    }
}
