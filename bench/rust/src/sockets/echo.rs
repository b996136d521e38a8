//! # Room card: bench/sockets/echo
//! In:    frames on one socket.
//! Out:   for each, the bytes of two orders on another: what no trader on these sockets can go below.
//! Holds: it spins as the engine does and does nothing else: one read that brings bytes, one write of bytes that were
//!        made before. The peer it serves is the engine's own and has the same work with it: a peer that only wrote and
//!        read would find its sockets warmer, and what that saves is none of the engine's doing.
//! Costs: a core.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use types::{Instrument, Lots, Nanos, OrderId, Side, Ticks};
use wire::fix::{self, FIX_OUT_BYTES_MAX, NoStore, Role, Session, SessionSetup};
use wire::ws;

use super::peer::{BID_TICKS, CLIENT, VENUE, prepared};
use crate::timing::wall;

/// A socket that has brought nothing for this long has brought everything.
const QUIET: Duration = Duration::from_millis(5);

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

/// Both sides of the market, `ticks` times: two orders, then replaces of them.
struct Orders {
    bytes: Vec<u8>,
    /// Where each tick's part ends.
    ends: Vec<usize>,
}

impl Orders {
    /// Every byte an echo sends after its logon.
    fn new(session: &mut Session, instrument: &Instrument, ticks: usize) -> Result<Orders, String> {
        let mut orders = Orders { bytes: Vec::new(), ends: Vec::with_capacity(ticks) };
        let (mut message, mut before, mut counter) = ([0; FIX_OUT_BYTES_MAX], [OrderId::NONE; 2], 0);
        let quantity = Lots(10);
        for _ in 0..ticks {
            for (side, last) in [Side::Buy, Side::Sell].into_iter().zip(&mut before) {
                counter += 1;
                let (time, cl_ord_id, price) = (wall(), OrderId::new(1, counter), Ticks(BID_TICKS));
                let header = session.header(time);
                let (orig_cl_ord_id, flags) = (*last, types::flag::POST_ONLY);
                let length = if orig_cl_ord_id == OrderId::NONE {
                    let order = fix::NewOrder { cl_ord_id, instrument, side, price, quantity, flags };
                    fix::new_order(&mut message, &header, &order)
                } else {
                    let order =
                        fix::ReplaceOrder { cl_ord_id, orig_cl_ord_id, instrument, side, price, quantity, flags };
                    fix::replace_order(&mut message, &header, &order)
                };
                let length = length.map_err(|code| format!("an order of the echo: {code:?}"))?;
                orders.bytes.extend_from_slice(&message[..length]);
                session.take_sequence(time);
                *last = cl_ord_id;
            }
            orders.ends.push(orders.bytes.len());
        }
        Ok(orders)
    }

    fn of(&self, tick: usize) -> Option<&[u8]> {
        let start = if tick == 0 { 0 } else { *self.ends.get(tick - 1)? };
        self.bytes.get(start..*self.ends.get(tick)?)
    }
}

/// Reads until something has come and then nothing for a while.
fn drain(stream: &mut TcpStream, buffer: &mut [u8], stop: &AtomicBool) -> Result<(), String> {
    let mut last: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) && last.is_none_or(|last| last.elapsed() < QUIET) {
        match stream.read(buffer) {
            Ok(0) => return Err("the peer of the echo went away".into()),
            Ok(_) => last = Some(Instant::now()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

/// Connects as a client does and answers `ticks` frames, or until it is told to stop.
pub fn echo(
    (market, orders): (SocketAddr, SocketAddr),
    instrument: &Instrument,
    ticks: usize,
    spin: Spin,
    stop: &AtomicBool,
) -> Result<(), String> {
    let connect = |to| TcpStream::connect(to).map_err(|error| error.to_string()).and_then(prepared);
    let (mut market, mut entry) = (connect(market)?, connect(orders)?);
    let mut buffer = vec![0; 64 * 1024];
    let setup = SessionSetup::new(Role::Initiator, CLIENT.as_bytes(), VENUE.as_bytes(), Nanos(10_000_000_000));
    let mut session = Session::new(setup).map_err(|code| format!("no session: {code:?}"))?;
    let mut hello = Vec::new();
    session.connected(wall(), &mut NoStore, &mut hello);
    let orders = Orders::new(&mut session, instrument, ticks)?;
    entry.write_all(&hello).map_err(|error| error.to_string())?;
    drain(&mut entry, &mut buffer, stop)?;
    hello.clear();
    ws::client_request(&mut hello, "127.0.0.1", "/stream", [7; 16]);
    market.write_all(&hello).map_err(|error| error.to_string())?;
    drain(&mut market, &mut buffer, stop)?;
    let mut tick = 0;
    while !stop.load(Ordering::Relaxed) {
        if spin.both && matches!(entry.read(&mut buffer), Ok(0)) {
            return Ok(());
        }
        // The peer sends a frame only after the one before was answered: what a read brings is one frame.
        match market.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                let Some(bytes) = orders.of(tick) else { return Ok(()) };
                entry.write_all(bytes).map_err(|error| error.to_string())?;
                tick += 1;
                if !spin.both {
                    // The answers to the orders before, so that they do not pile up.
                    let _ = entry.read(&mut buffer);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => (0..spin.hints).for_each(|_| std::hint::spin_loop()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
