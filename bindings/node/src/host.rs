//! # Room card: bindings/node/host
//! In:    JSON of what belongs to an engine's process; names of signals; a summary.
//! Out:   the driver's options; a thread that pulls the kill switch at a signal; the summary as JSON.
//! Holds: a handler is installed only when the command asks for it; the handler itself only writes to a pipe.
//! Costs: cold path.
use driver::{HostedSummary, Killer};
use types::Fault;
use types::config::HostConfig;

use crate::errors::argument;

/// Key of the drill beside the keys of a `HostConfig`.
const FAIL_AT_TURN: &str = "failAtTurn";

/// A `HostConfig` and the turn of the drill. Errors: ArgumentInvalid, ConfigInvalid.
pub(crate) fn host_options(json: &str) -> Result<(HostConfig, Option<u64>), Fault> {
    let mut options: serde_json::Value = serde_json::from_str(json).map_err(|error| argument(error.to_string()))?;
    let drill = options.as_object_mut().and_then(|options| options.shift_remove(FAIL_AT_TURN));
    let fail_at_turn = match drill {
        None | Some(serde_json::Value::Null) => None,
        Some(turn) => Some(turn.as_u64().ok_or_else(|| argument(format!("{FAIL_AT_TURN} is no number of a turn")))?),
    };
    Ok((HostConfig::from_json(&options.to_string())?, fail_at_turn))
}

/// What an engine did, as JSON.
pub(crate) fn summary_json(summary: &HostedSummary) -> String {
    let fault = summary.fault.as_ref().map(|fault| {
        let fields: serde_json::Map<String, serde_json::Value> =
            fault.fields.iter().map(|(key, value)| ((*key).to_string(), value.clone().into())).collect();
        serde_json::json!({
            "code": fault.code.name(), "room": fault.code.room(), "message": fault.message, "fields": fields,
        })
    });
    let stats = serde_json::from_str::<serde_json::Value>(&summary.stats).unwrap_or_default();
    serde_json::json!({
        "effectsHash": summary.hash, "turns": summary.turns, "malformed": summary.malformed,
        "dropped": summary.dropped, "fault": fault, "timersRefused": summary.timers_refused,
        "killReason": summary.kill.map(driver::KillReason::name), "messages": summary.messages,
        "sendsDropped": summary.sends_dropped, "clockSteps": summary.clock_steps,
        "openOrders": summary.open_orders, "entropySeed": summary.entropy_seed,
        "wallSeconds": summary.wall_seconds, "connections": summary.connections,
        "tickToOrderNanos": summary.tick_to_order, "stats": stats,
        "accounts": summary.accounts,
    })
    .to_string()
}

/// Pulls the kill switch at any of these signals. Errors: ArgumentInvalid (a name, or the system refuses).
#[cfg(unix)]
pub(crate) fn kill_on_signals(names: &[String], killer: Killer) -> Result<(), Fault> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::Signals;

    let number = |name: &String| match name.as_str() {
        "SIGINT" => Ok(SIGINT),
        "SIGTERM" => Ok(SIGTERM),
        "SIGUSR2" => Ok(SIGUSR2),
        "SIGUSR1" => Ok(SIGUSR1),
        "SIGHUP" => Ok(SIGHUP),
        "SIGQUIT" => Ok(SIGQUIT),
        _ => Err(argument(format!("{name} is no signal that can pull the kill switch"))),
    };
    let numbers = names.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let refused = |error: std::io::Error| argument(format!("the signals cannot be handled: {error}"));
    let mut signals = Signals::new(numbers).map_err(refused)?;
    let watch = move || signals.forever().for_each(|_| killer.kill(driver::KillReason::Signal));
    // It lives as long as the process: between an engine's end and the process's a signal finds nothing to kill.
    std::thread::Builder::new().name("fafnir-signals".into()).spawn(watch).map_err(refused)?;
    Ok(())
}

/// Windows has no such signals; the kill file and the dead-man timer work there.
#[cfg(not(unix))]
pub(crate) fn kill_on_signals(_names: &[String], _killer: Killer) -> Result<(), Fault> {
    Err(argument("signals cannot pull the kill switch on this platform"))
}
