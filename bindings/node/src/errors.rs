//! # Room card: bindings/node/errors
//! In:    faults and panics.
//! Out:   JavaScript errors whose message is JSON {code, room, message, fields}; `packages/fafnir/src/errors.ts` reads
//!        it.
//! Holds: code and fields cross the border intact; a panic becomes NATIVE_PANICKED and never leaves the call.
//! Costs: cold path.
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{Error, Status};
use types::{Code, Fault};

/// A fault as the error TypeScript will read.
pub(crate) fn error(fault: &Fault) -> Error {
    let fields: serde_json::Map<String, serde_json::Value> =
        fault.fields.iter().map(|(key, value)| ((*key).to_string(), value.clone().into())).collect();
    let json = serde_json::json!({
        "code": fault.code.name(),
        "room": fault.code.room(),
        "message": fault.message,
        "fields": fields,
    });
    Error::new(Status::GenericFailure, json.to_string())
}

/// Runs a call; a fault or a panic becomes an error.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, Fault>) -> napi::Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(error(&fault)),
        Err(panic) => Err(error(&panicked(&*panic))),
    }
}

/// What a caught panic is reported as.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Fault {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Fault::new(Code::NativePanicked, format!("native code panicked: {text}"), vec![("panic", text)])
}

/// An argument that cannot be used.
pub(crate) fn argument(message: impl Into<String>) -> Fault {
    Fault::new(Code::ArgumentInvalid, message, vec![])
}
