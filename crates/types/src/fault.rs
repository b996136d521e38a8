//! # Room card: types/fault
//! In:    faults of configuration, recording, journal and outputs, on cold paths.
//! Out:   `Fault`: code, one sentence, named fields; it crosses every border whole.
//! Holds: the code is what users match; the sentence is for people only.
//! Costs: cold path; it allocates.
use crate::codes::Code;
use crate::config::ConfigFault;

/// Why something cannot start or go on.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// What users match on.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// Named facts.
    pub fields: Vec<(&'static str, String)>,
}

impl Fault {
    /// From its parts.
    pub fn new(code: Code, message: impl Into<String>, fields: Vec<(&'static str, String)>) -> Fault {
        Fault { code, message: message.into(), fields }
    }

    /// An output file that cannot be written.
    pub fn output(path: &str, error: &std::io::Error) -> Fault {
        let fields = vec![("path", path.to_string()), ("error", error.to_string())];
        Fault::new(Code::OutputFailed, format!("cannot write {path}: {error}"), fields)
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl core::error::Error for Fault {}

impl From<ConfigFault> for Fault {
    fn from(fault: ConfigFault) -> Fault {
        let message = fault.to_string();
        let fields = vec![("path", fault.path), ("what", fault.what), ("allowed", fault.allowed)];
        Fault::new(Code::ConfigInvalid, message, fields)
    }
}
