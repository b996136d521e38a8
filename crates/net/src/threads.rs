//! # Room card: net/threads
//! In:    a core's number; a host name with its port.
//! Out:   the calling thread on that core; how many cores there are to use; addresses.
//! Holds: nothing is assumed: a core outside what the process may use is a fault.
//! Costs: cold path; `resolve` blocks for as long as the system's resolver does.
use std::net::{SocketAddr, ToSocketAddrs};

use types::codes::Code;
use types::fault::Fault;

/// Cores this thread may use: its affinity mask, cut by the quota of its control group (v1 or v2) on Linux. At least 1.
/// Ask before pinning: a pinned thread has one.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// Pins the calling thread to a core (numbered from 0, as the operating system does). Threads it spawns later inherit
/// it: spawn first, then pin.
///
/// # Errors
/// `CONFIG_INVALID`: the process may not use that core, or this platform cannot pin.
pub fn pin_thread(core: usize) -> Result<(), Fault> {
    pin(core).map_err(|error| {
        let fields = vec![("core", core.to_string()), ("error", error.to_string())];
        Fault::new(Code::ConfigInvalid, format!("the thread cannot be pinned to core {core}: {error}"), fields)
    })
}

#[cfg(target_os = "linux")]
fn pin(core: usize) -> std::io::Result<()> {
    crate::linux::pin(core)
}

#[cfg(not(target_os = "linux"))]
fn pin(_: usize) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Addresses of "host:port", in the order the system's resolver prefers. Blocks: call it from a thread that may wait.
///
/// # Errors
/// `CONNECT_FAILED`: the name has no address, or there is no port.
pub fn resolve(host_port: &str) -> Result<Vec<SocketAddr>, Fault> {
    let failed = |error: String| {
        let fields = vec![("address", host_port.to_string()), ("error", error.clone())];
        Fault::new(Code::ConnectFailed, format!("no address for {host_port}: {error}"), fields)
    };
    let addresses: Vec<_> = host_port.to_socket_addrs().map_err(|error| failed(error.to_string()))?.collect();
    if addresses.is_empty() { Err(failed("none known".into())) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_localhost_resolve() {
        assert_eq!(resolve("127.0.0.1:80").unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!(resolve("[::1]:8080").unwrap(), ["[::1]:8080".parse().unwrap()]);
        assert!(resolve("localhost:443").unwrap().iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn what_is_no_address_is_a_fault() {
        for bad in ["", "localhost", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "no-such-host.invalid:1"] {
            assert_eq!(resolve(bad).unwrap_err().code, Code::ConnectFailed, "{bad}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_is_pinned_to_one_core_or_told_why_not() {
        assert!(cores() >= 1);
        std::thread::spawn(|| {
            let core = (0..1_024).find(|&core| pin_thread(core).is_ok()).expect("a core");
            assert_eq!(cores(), 1);
            pin_thread(core).unwrap();
        })
        .join()
        .unwrap();
        for core in [1_023, 1 << 40] {
            assert_eq!(pin_thread(core).unwrap_err().code, Code::ConfigInvalid, "core {core}");
        }
    }
}
