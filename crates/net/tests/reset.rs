//! # Room card: net/tests/reset
//! In:    a peer that does not read for a while.
//! Out:   what of the bytes sent to it arrives after the connection was given up.
//! Holds: nothing leaves after a reset; after an abort the kernel goes on sending.
//! Costs: less than a second.
#![cfg(target_os = "linux")]
mod common;

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use common::{Side, alone, backends};
use fafnir_net::DownReason;

/// Bytes that fill the buffers of both kernels.
const FILLING: usize = 64 << 10;

/// What a peer that reads only after the end gets: how many bytes of how many, and whether it ended by a reset.
fn read_late(backend: fafnir_net::Backend, reset: bool) -> (usize, usize, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut side = Side::new(backend);
    let token = side.net.connect(&[listener.local_addr().unwrap()], None).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    alone(&mut side, "up", |side| side.story(token).up);
    let mut given = 0;
    while side.story(token).blocked == 0 {
        side.net.send(token, &[7; FILLING]).unwrap();
        given += FILLING;
        side.poll(Duration::ZERO);
    }
    let taken = given - side.net.pending(token);
    if reset {
        side.net.reset(token)
    } else {
        side.net.abort(token)
    }
    alone(&mut side, "down", |side| side.down(token) == Some(DownReason::Aborted));
    let (mut got, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match peer.read(&mut buffer) {
            Ok(0) => return (got, taken, false),
            Ok(count) => got += count,
            Err(_) => return (got, taken, true),
        }
    }
}

#[test]
fn what_the_kernel_has_not_sent_is_dropped_by_a_reset_alone() {
    for backend in backends() {
        let (got, taken, was_reset) = read_late(backend, true);
        assert!(was_reset && got < taken, "{backend:?}: {got} of {taken}");
        let (got, taken, was_reset) = read_late(backend, false);
        assert_eq!((got, was_reset), (taken, false), "{backend:?}");
    }
}
