//! # Room card: bench/sockets/echo
//! In:    frames on one socket.
//! Out:   for each, as many bytes as an order on another: what no trader on these sockets can go below.
//! Holds: it spins as the engine does and does nothing else: one read that brings bytes, one write.
//! Costs: a core.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::peer::prepared;

/// Connects to both and answers until it is told to stop. `both`: it reads what comes on the second socket, too.
pub fn echo(
    market: SocketAddr,
    orders: SocketAddr,
    (frame_bytes, order_bytes): (usize, usize),
    both: bool,
    stop: &AtomicBool,
) -> Result<(), String> {
    let connect = |to| TcpStream::connect(to).map_err(|error| error.to_string()).and_then(prepared);
    let (mut market, mut orders) = (connect(market)?, connect(orders)?);
    let (mut buffer, order) = (vec![0; 64 * 1024], vec![b'0'; order_bytes]);
    let mut got = 0;
    while !stop.load(Ordering::Relaxed) {
        if both && matches!(orders.read(&mut buffer), Ok(0)) {
            return Ok(());
        }
        match market.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                got += count;
                if got >= frame_bytes {
                    got = 0;
                    orders.write_all(&order).map_err(|error| error.to_string())?;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
