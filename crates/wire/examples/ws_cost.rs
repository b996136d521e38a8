//! What a WebSocket frame costs: `cargo run --release -p fafnir-wire --example ws_cost`.
//! Frames of a server, side by side as in a receive buffer, everything in cache; the best of several passes. Beside it
//! the UTF-8 check alone, which is part of the figure.
use std::hint::black_box;
use std::time::Instant;

use fafnir_wire::ws::{Opcode, WsDecoder, WsRole, frame};

const PASSES: usize = 500;
const BUFFER_BYTES: usize = 64 * 1024;

fn best(mut pass: impl FnMut()) -> f64 {
    (0..PASSES).fold(f64::MAX, |best, _| {
        let start = Instant::now();
        pass();
        best.min(start.elapsed().as_nanos() as f64)
    })
}

/// Nanoseconds a message, read in pieces of `piece` bytes.
fn decoding(frames: &[u8], count: usize, piece: usize) -> f64 {
    let mut decoder = WsDecoder::new(WsRole::Client, BUFFER_BYTES);
    let nanos = best(|| {
        for read in frames.chunks(piece) {
            let mut rest = read;
            while !rest.is_empty() {
                let step = decoder.next(black_box(rest)).unwrap();
                rest = &rest[step.consumed..];
                black_box(step.message);
            }
        }
    });
    nanos / count as f64
}

fn main() {
    println!("{:>8} {:>10} {:>14} {:>12} {:>12}", "bytes", "frame", "1460-byte reads", "binary", "UTF-8 alone");
    for length in [0, 100, 180, 400, 2_000, 10_000] {
        let payload: Vec<u8> =
            br#"{"e":"trade","s":"BTCUSDT","p":"57321.40"},"#.iter().cycle().take(length).copied().collect();
        let count = (BUFFER_BYTES / (length + 4)).max(1);
        let (mut texts, mut binaries) = (Vec::new(), Vec::new());
        for _ in 0..count {
            frame(&mut texts, Opcode::Text, &payload, None);
            frame(&mut binaries, Opcode::Binary, &payload, None);
        }
        let check = best(|| {
            for _ in 0..count {
                black_box(core::str::from_utf8(black_box(&payload))).unwrap();
            }
        });
        println!(
            "{length:>8} {:>7.1} ns {:>12.1} ns {:>9.1} ns {:>9.1} ns",
            decoding(&texts, count, texts.len()),
            decoding(&texts, count, 1_460),
            decoding(&binaries, count, binaries.len()),
            check / count as f64,
        );
    }
}
