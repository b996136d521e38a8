//! # Room card: bindings/node/explain
//! In:    a journal's path and which of its quotes is meant, as JSON {turn?, atNs?, order?, symbol?}.
//! Out:   a promise of the explanation as JSON.
//! Holds: as `driver::explain`; what cannot be read is ARGUMENT_INVALID before anything is opened.
//! Costs: a replay, off the JavaScript thread.
use std::path::Path;

use driver::WhichQuote;
use napi::bindgen_prelude::{AsyncTask, Function};
use napi_derive::napi;
use serde::Deserialize;
use types::{Fault, OrderId, UnixNanos};

use crate::errors::{argument, error};
use crate::task::{AbortHandle, NativeTask, spawn};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Which {
    turn: Option<u64>,
    at_ns: Option<String>,
    order: Option<String>,
    symbol: Option<String>,
}

fn read(json: &str) -> Result<WhichQuote, Fault> {
    let which: Which = serde_json::from_str(json).map_err(|error| argument(error.to_string()))?;
    let at = which.at_ns.map(|text| {
        text.parse().map(UnixNanos).map_err(|_| argument(format!("\"{text}\" is no time in Unix nanoseconds")))
    });
    let order = which.order.map(|text| {
        let parts = text.split_once('-').map(|(session, counter)| (session.parse(), counter.parse()));
        match parts {
            Some((Ok(session), Ok(counter))) => Ok(OrderId::new(session, counter)),
            _ => Err(argument(format!("\"{text}\" is no order id such as \"1-7\""))),
        }
    });
    Ok(WhichQuote { turn: which.turn, at: at.transpose()?, order: order.transpose()?, symbol: which.symbol })
}

/// Replays a journal and explains one of its native quotes.
#[napi(ts_return_type = "Promise<string>")]
pub fn explain_quote(
    path: String,
    which_json: String,
    progress: Option<Function<'_, f64, ()>>,
    abort: Option<&AbortHandle>,
) -> napi::Result<AsyncTask<NativeTask>> {
    let which = read(&which_json).map_err(|fault| error(&fault))?;
    spawn(progress, abort, move |watch| {
        let found =
            driver::explain(Path::new(&path), &which, |fraction| watch.report(fraction), || watch.keep_going())?;
        serde_json::to_string(&found).map_err(|error| argument(error.to_string()))
    })
}
