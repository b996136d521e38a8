//! # Room card: signal/fault
//! In:    parameters out of range, samples that do not determine an estimate.
//! Out:   `SignalFault`: the one closed error of the room, with fields and a code of `types::codes`.
//! Holds: building one allocates nothing; `Fault` (cold) is made from it at the border.
//! Costs: a few words.
use types::{Code, Fault};

/// Why a signal cannot be made, or an estimate is not defined.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SignalFault {
    /// `SIGNAL_PARAMETER`: a parameter is outside its range, both ends allowed.
    Parameter {
        /// Which.
        name: &'static str,
        /// What it was.
        value: f64,
        /// Lowest allowed.
        low: f64,
        /// Highest allowed.
        high: f64,
    },
    /// `SIGNAL_TOO_FEW`: fewer observations than the estimate needs.
    TooFew {
        /// How many there are.
        have: u64,
        /// How many are needed.
        need: u64,
    },
    /// `SIGNAL_ONE_SIDED`: flow of one side only, or a maximum at the edge where nothing is informed.
    OneSided {
        /// Of buys, trades or lots by the estimate.
        buys: u64,
        /// Of sells.
        sells: u64,
    },
    /// `SIGNAL_NOT_CONVERGED`: no fixed point within the bound, or singular equations.
    NotConverged {
        /// Iterations made.
        iterations: u64,
    },
}

impl SignalFault {
    /// The code users match on.
    pub const fn code(&self) -> Code {
        match self {
            SignalFault::Parameter { .. } => Code::SignalParameter,
            SignalFault::TooFew { .. } => Code::SignalTooFew,
            SignalFault::OneSided { .. } => Code::SignalOneSided,
            SignalFault::NotConverged { .. } => Code::SignalNotConverged,
        }
    }
}

impl From<SignalFault> for Fault {
    fn from(fault: SignalFault) -> Fault {
        let code = fault.code();
        let fields = match fault {
            SignalFault::Parameter { name, value, low, high } => vec![
                ("parameter", name.to_string()),
                ("value", value.to_string()),
                ("low", low.to_string()),
                ("high", high.to_string()),
            ],
            SignalFault::TooFew { have, need } => vec![("have", have.to_string()), ("need", need.to_string())],
            SignalFault::OneSided { buys, sells } => vec![("buys", buys.to_string()), ("sells", sells.to_string())],
            SignalFault::NotConverged { iterations } => vec![("iterations", iterations.to_string())],
        };
        Fault::new(code, code.doc(), fields)
    }
}

/// The value lies from `low` to `high`, both allowed; NaN does not.
pub(crate) fn in_range(name: &'static str, value: f64, low: f64, high: f64) -> Result<(), SignalFault> {
    if value >= low && value <= high { Ok(()) } else { Err(SignalFault::Parameter { name, value, low, high }) }
}

/// The price of a tick, or any other positive finite scale.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<(), SignalFault> {
    in_range(name, value, f64::MIN_POSITIVE, f64::MAX)
}
