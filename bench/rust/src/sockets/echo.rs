//! # Room card: bench/sockets/echo
//! In:    frames on one socket.
//! Out:   for each, as many bytes as an order on another: what no trader on these sockets can go below.
//! Holds: it spins as the engine does and does nothing else: one read that brings bytes, one write.
//! Costs: a core.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::peer::prepared;

/// Length of the first bytes each side sends: about that of a WebSocket handshake.
pub const GREETING_BYTES: usize = 160;

/// Says something and hears as much. A connection whose two sides have spoken acknowledges later, with its next bytes
/// or with every second read: without it the kernel would acknowledge within each read, which takes microseconds.
pub fn greet(stream: &mut TcpStream) -> Result<(), String> {
    stream.write_all(&[b'0'; GREETING_BYTES]).map_err(|error| error.to_string())?;
    let (mut buffer, mut got) = ([0; GREETING_BYTES], 0);
    while got < GREETING_BYTES {
        match stream.read(&mut buffer[got..]) {
            Ok(0) => return Err("the peer of the echo went away".into()),
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

/// How an echo looks for bytes.
#[derive(Clone, Copy)]
pub struct Spin {
    /// What it is, for the table.
    pub name: &'static str,
    /// On both sockets, not on one.
    pub both: bool,
    /// Spin hints between two looks. A read locks its socket, and a frame that comes meanwhile waits for the unlocking:
    /// who looks without a pause is nearly always in the way.
    pub hints: u32,
}

/// Connects to both and answers until it is told to stop.
pub fn echo(
    market: SocketAddr,
    orders: SocketAddr,
    (frame_bytes, order_bytes): (usize, usize),
    spin: Spin,
    stop: &AtomicBool,
) -> Result<(), String> {
    let connect = |to| TcpStream::connect(to).map_err(|error| error.to_string()).and_then(prepared);
    let (mut market, mut orders) = (connect(market)?, connect(orders)?);
    greet(&mut market)?;
    let (mut buffer, order) = (vec![0; 64 * 1024], vec![b'0'; order_bytes]);
    let mut got = 0;
    while !stop.load(Ordering::Relaxed) {
        if spin.both && matches!(orders.read(&mut buffer), Ok(0)) {
            return Ok(());
        }
        match market.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                got += count;
                if got >= frame_bytes {
                    got = 0;
                    orders.write_all(&order).map_err(|error| error.to_string())?;
                    if !spin.both {
                        // The answers to the order before, so that they do not pile up.
                        let _ = orders.read(&mut buffer);
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => (0..spin.hints).for_each(|_| std::hint::spin_loop()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
