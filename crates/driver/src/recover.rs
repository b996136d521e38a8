//! # Room card: driver/recover
//! In:    the journal a process left, closed or killed at any moment, and the configuration wanted now.
//! Out:   the engine as it was, with everything a driver keeps beside it, and the journal ready to go on.
//! Holds: the recorded effects hashes are ours and the configuration is the recorded one, or nothing is resumed; the
//!        journal is not written before both are known.
//! Costs: the engine's turns over the whole journal.
//!
//! The engine goes on under the configuration it was recorded with, because a replay knows no other. So the wanted one
//! must be equal, except for what the engine never sees: addresses, TLS, time limits and latency of a venue's links.
//! Another one needs another state folder, and a session number of its own.
use std::path::Path;

use engine::Engine;
use journal::{EffectsHash, Options, Reader, Writer};
use serde_json::Value;
use types::config::{EngineConfig, Setup};
use types::{
    Code, ConnId, ConnRole, ConnState, Control, EffectRef, Effects, Fault, Input, InputKind, UnixNanos, VenueId,
};

use crate::live_orders::LiveOrders;
use crate::replay::{Pass, engine_json};
use crate::timers::Timers;

/// What was in a journal, and the journal.
pub struct Recovered {
    /// As after the last recorded input.
    pub engine: Engine,
    /// The wanted setup: the recorded one but for the links' own values.
    pub setup: Setup,
    /// Over all effects so far.
    pub hash: EffectsHash,
    /// Number of the last turn; 0 when there was none.
    pub turn: u64,
    /// Its time. The next input's is not before it.
    pub now: UnixNanos,
    /// Timers set and not fired, among them some that are due by now.
    pub timers: Timers,
    /// Timers refused so far.
    pub timers_refused: u64,
    /// Orders that may be working.
    #[allow(dead_code)] // What drives the engine takes it.
    pub(crate) live: LiveOrders,
    /// Connections last seen up (or blocked), by number: each needs a Down before anything else.
    pub conns_up: Vec<ConnId>,
    /// MsgSeqNum (34) of the last message sent to each venue, by `VenueId`; 0 when none was.
    pub sends: Vec<u64>,
    /// Number of the last producer that gave a command; a port that joins from now on has a larger one.
    pub(crate) producers: u16,
    /// The kill switch was pulled.
    pub killed: bool,
    /// The session was closed (`Control::Close`), now or before an earlier resumption.
    pub closed: bool,
    /// Bytes of an unfinished last record, cut from the journal.
    pub cut_bytes: u64,
    /// Goes on in a new segment.
    pub writer: Writer,
}

/// Rebuilds an engine from the journal in `dir` and resumes the journal.
///
/// Errors: those of `Reader::open`; JournalTruncated and JournalCorrupt (damage that is not an unfinished last record);
/// ReplayMismatch (names the turn); ConfigInvalid (names the path that differs); EnginePanicked (the recorded inputs
/// make the engine panic); JournalIo, JournalFull.
pub fn recover(dir: &Path, wanted: &EngineConfig, options: Options) -> Result<Recovered, Fault> {
    let mut reader = Reader::open(dir)?;
    let (recorded, _) = EngineConfig::from_json(&engine_json(&reader.start().config)?)?;
    same_engine(&recorded, wanted)?;
    let setup = Setup::resolve(wanted)?;
    let mut pass = Pass::new(Engine::new(setup.clone()));
    let mut beside = Beside::new(&setup);
    while pass.step(&mut reader, |_, input, effects| {
        if let Some(effects) = effects {
            beside.follow(input, effects);
        }
        Ok(())
    })? {
        if let Some(turn) = pass.first_mismatch {
            let message = "the journal does not replay to the effects it recorded";
            return Err(Fault::new(Code::ReplayMismatch, message, vec![("turn", turn.to_string())]));
        }
    }
    let (writer, resumed) = Writer::resume_read(reader, options)?;
    let Beside { turn, now, timers, timers_refused, live, conns_up, sends, producers, killed, closed } = beside;
    let (engine, hash, cut_bytes) = (pass.engine, pass.hash, resumed.cut_bytes);
    Ok(Recovered {
        engine,
        setup,
        hash,
        turn,
        now,
        timers,
        timers_refused,
        live,
        conns_up,
        sends,
        producers,
        killed,
        closed,
        cut_bytes,
        writer,
    })
}

/// What a driver keeps beside the engine.
struct Beside {
    turn: u64,
    now: UnixNanos,
    timers: Timers,
    timers_refused: u64,
    live: LiveOrders,
    conns_up: Vec<ConnId>,
    sends: Vec<u64>,
    producers: u16,
    killed: bool,
    closed: bool,
}

impl Beside {
    fn new(setup: &Setup) -> Beside {
        Beside {
            turn: 0,
            now: UnixNanos::NONE,
            timers: Timers::default(),
            timers_refused: 0,
            live: LiveOrders::new(setup.orders.max_orders),
            conns_up: Vec::new(),
            sends: vec![0; setup.venues.len()],
            producers: 0,
            killed: false,
            closed: false,
        }
    }

    /// As a driver does around a turn.
    fn follow(&mut self, input: &Input<'_>, effects: &Effects) {
        (self.turn, self.now) = (input.turn, input.now);
        match input.kind {
            InputKind::Timer { id } => drop(self.timers.remove(id)),
            InputKind::Conn { conn, state } => {
                let place = self.conns_up.binary_search(&conn);
                match (state, place) {
                    (ConnState::Down, Ok(place)) => drop(self.conns_up.remove(place)),
                    (ConnState::Down, Err(_)) | (_, Ok(_)) => {}
                    (_, Err(place)) => self.conns_up.insert(place, conn),
                }
            }
            InputKind::Command { producer, .. } => self.producers = self.producers.max(producer),
            InputKind::Control(Control::Kill) => self.killed = true,
            InputKind::Control(Control::Close) => self.closed = true,
            InputKind::Control(Control::Open) => self.closed = false,
            _ => {}
        }
        for effect in effects {
            match effect {
                EffectRef::Order(event) => self.live.follow(event),
                EffectRef::Timer { id, at } => self.timers_refused += !self.timers.set(id, at) as u64,
                EffectRef::Send { conn, bytes } => self.sent(conn, bytes),
                EffectRef::Event(_) => {}
            }
        }
    }

    fn sent(&mut self, conn: ConnId, bytes: &[u8]) {
        if let (ConnRole::Orders(VenueId(venue)), false) = (conn.role(), is_gap_fill(bytes))
            && let Some(number) = last_sequence(bytes)
            && let Some(sent) = self.sends.get_mut(venue as usize)
        {
            *sent = number;
        }
    }
}

/// MsgSeqNum (34) of the last of the FIX messages in `bytes`: one effect may hold several.
pub(crate) fn last_sequence(bytes: &[u8]) -> Option<u64> {
    const TAG: &[u8] = b"\x0134=";
    let at = bytes.windows(TAG.len()).rposition(|window| window == TAG)? + TAG.len();
    let digits = bytes[at..].split(|&byte| byte == 1).next()?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// A SequenceReset (35=4) fills a gap with the number the gap begins with: it is not the last that was used.
pub(crate) fn is_gap_fill(bytes: &[u8]) -> bool {
    const TAG: &[u8] = b"\x0135=";
    let at = bytes.windows(TAG.len()).position(|window| window == TAG);
    at.is_some_and(|at| bytes[at + TAG.len()..].starts_with(b"4\x01"))
}

/// Are they the same to the engine? Errors: ConfigInvalid with the path of the first difference.
fn same_engine(recorded: &EngineConfig, wanted: &EngineConfig) -> Result<(), Fault> {
    let plain = |config: &EngineConfig| {
        let mut value = serde_json::to_value(config).map_err(|error| {
            Fault::new(Code::ConfigInvalid, format!("the configuration cannot be compared: {error}"), vec![])
        })?;
        for venue in value["venues"].as_array_mut().into_iter().flatten() {
            // That there is a link decides; where it leads does not.
            if venue["market"].is_object() {
                venue["market"] = Value::from("native");
            }
            if let Some(orders) = venue["orders"].as_object_mut() {
                for key in ["address", "tls", "caFile", "latencyNanos"] {
                    orders.remove(key);
                }
            }
        }
        Ok::<_, Fault>(value)
    };
    let Some((path, was, is)) = first_difference(String::new(), &plain(recorded)?, &plain(wanted)?) else {
        return Ok(());
    };
    let message = format!("{path}: {is}, but the journal was recorded with {was}; another needs another state folder");
    Err(Fault::new(Code::ConfigInvalid, message, vec![("path", path), ("what", is), ("allowed", was)]))
}

/// Path and both values of the first place where two values differ.
fn first_difference(path: String, recorded: &Value, wanted: &Value) -> Option<(String, String, String)> {
    match (recorded, wanted) {
        (Value::Object(was), Value::Object(is)) => {
            let keys = was.keys().chain(is.keys().filter(|key| !was.contains_key(*key)));
            keys.map(|key| (key, was.get(key).unwrap_or(&Value::Null), is.get(key).unwrap_or(&Value::Null))).find_map(
                |(key, was, is)| {
                    let dot = if path.is_empty() { "" } else { "." };
                    first_difference(format!("{path}{dot}{key}"), was, is)
                },
            )
        }
        (Value::Array(was), Value::Array(is)) => (0..was.len().max(is.len())).find_map(|i| {
            let at = |array: &[Value]| array.get(i).cloned().unwrap_or(Value::Null);
            first_difference(format!("{path}[{i}]"), &at(was), &at(is))
        }),
        _ if recorded == wanted => None,
        _ => Some((path, recorded.to_string(), wanted.to_string())),
    }
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
