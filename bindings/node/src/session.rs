//! # Room card: bindings/node/session
//! In:    the journal of a live session.
//! Out:   its summary; its market data as a recording.
//! Holds: on libuv's pool, with progress and abort like every long job.
//! Costs: one pass over the journal.
use std::path::Path;

use napi::bindgen_prelude::{AsyncTask, Function};
use napi_derive::napi;

use crate::errors::argument;
use crate::task::{AbortHandle, NativeTask, spawn};

/// Replays a session's journal and sums it up: the JSON of a backtest's summary. `factsJson`: what the journal does not
/// hold.
#[napi(ts_return_type = "Promise<string>")]
pub fn session_summary(
    journal: String,
    facts_json: String,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    spawn(progress, abort, move |watch| {
        let summary = backtest::session_summary(
            Path::new(&journal),
            &facts_json,
            |fraction| watch.report(fraction),
            || watch.keep_going(),
        )?;
        serde_json::to_string(&summary).map_err(|error| argument(error.to_string()))
    })
}

/// Writes the market data of a journal as a recording; {"lines", "skipped"} as JSON.
#[napi(ts_return_type = "Promise<string>")]
pub fn export_recording(
    journal: String,
    path: String,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    spawn(progress, abort, move |watch| {
        let exported = backtest::export_recording(
            Path::new(&journal),
            Path::new(&path),
            |fraction| watch.report(fraction),
            || watch.keep_going(),
        )?;
        serde_json::to_string(&exported).map_err(|error| argument(error.to_string()))
    })
}
