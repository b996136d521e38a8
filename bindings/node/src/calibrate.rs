//! # Room card: bindings/node/calibrate
//! In:    a backtest's configuration with one recording, options.
//! Out:   a promise of the calibration as JSON.
//! Holds: as `backtest::calibrate`.
//! Costs: reading the recording, off the JavaScript thread.
use napi::bindgen_prelude::{AsyncTask, Function};
use napi_derive::napi;
use types::{Code, Fault};

use crate::task::{AbortHandle, NativeTask, spawn};

/// Calibrates σ, A and κ from the recording of a configuration.
#[napi(ts_return_type = "Promise<string>")]
pub fn calibrate_recording(
    config_json: String,
    options_json: String,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    spawn(progress, abort, move |watch| {
        let (report, go_on) = (|fraction| watch.report(fraction), || watch.keep_going());
        let found = backtest::calibrate(&config_json, &options_json, report, go_on)?;
        serde_json::to_string(&found).map_err(|error| Fault::new(Code::ArgumentInvalid, error.to_string(), vec![]))
    })
}
