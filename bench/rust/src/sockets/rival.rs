//! # Room card: bench/sockets/rival
//! In:    a script and the peer's ports.
//! Out:   the rival's process.
//! Holds: it ends with the bench.
//! Costs: a process.
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running rival.
pub struct Rival(Child);

impl Rival {
    /// Starts it with the ports as its arguments.
    pub fn start(script: &Path, (market, orders): (u16, u16)) -> Result<Rival, String> {
        let child = Command::new("node")
            .arg(script)
            .args([market.to_string(), orders.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        child.map(Rival).map_err(|error| format!("the rival cannot be started: {error}"))
    }

    /// Has it not ended?
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
