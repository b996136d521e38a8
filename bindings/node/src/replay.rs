//! # Room card: bindings/node/replay
//! In:    a journal's path.
//! Out:   a promise of the replay's findings as JSON.
//! Holds: as `driver::replay`.
//! Costs: the engine's turns, off the JavaScript thread.
use std::path::Path;

use napi::bindgen_prelude::{AsyncTask, Function};
use napi_derive::napi;

use crate::task::{AbortHandle, NativeTask, spawn};

/// Replays a segment or a journal folder. `dumpEffects` is a file for exactly the hashed bytes.
#[napi(ts_return_type = "Promise<string>")]
pub fn replay_journal(
    path: String,
    dump_effects: Option<String>,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    spawn(progress, abort, move |watch| {
        let dump = dump_effects.as_deref().map(Path::new);
        let found = driver::replay(Path::new(&path), dump, |fraction| watch.report(fraction), || watch.keep_going())?;
        let same_build = found.build == backtest::build();
        Ok(serde_json::json!({
            "hash": found.hash,
            "turns": found.turns,
            "matches": found.matches,
            "firstMismatch": found.first_mismatch,
            "marksChecked": found.marks_checked,
            "endedAt": { "segment": found.ended_at.segment, "offset": found.ended_at.offset },
            "reason": found.reason,
            "damaged": found.damaged,
            "build": found.build,
            "sameBuild": same_build,
            "unknownRecords": found.unknown_records,
        })
        .to_string())
    })
}
