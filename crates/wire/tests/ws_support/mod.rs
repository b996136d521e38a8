//! # Room card: wire/tests/ws_support
//! In:    bytes and where to cut them.
//! Out:   what the decoder gives, owned; what a plain reader of RFC 6455, written apart from it, gives.
//! Holds: the plain reader sees all bytes at once and copies everything.
//! Costs: tests only.
#![allow(dead_code)]
use fafnir_wire::ws::{WsDecoder, WsFault, WsMessage, WsRole};
use types::Code;
use types::rng::SplitMix64;

/// A message of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owned {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, Vec<u8>),
}

/// Messages in order, and the close code of the fault that ended them.
pub type Heard = (Vec<Owned>, Option<u16>);

pub fn own(message: WsMessage<'_>) -> Owned {
    match message {
        WsMessage::Text(payload) => Owned::Text(payload.to_vec()),
        WsMessage::Binary(payload) => Owned::Binary(payload.to_vec()),
        WsMessage::Ping(payload) => Owned::Ping(payload.to_vec()),
        WsMessage::Pong(payload) => Owned::Pong(payload.to_vec()),
        WsMessage::Close { code, reason } => Owned::Close(code, reason.to_vec()),
    }
}

/// Feeds `pieces` to a decoder.
pub fn hear<'a>(role: WsRole, max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut decoder = WsDecoder::new(role, max);
    let mut messages = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            match decoder.next(rest) {
                Ok(step) => {
                    assert!((1..=rest.len()).contains(&step.consumed), "a step of {} bytes", step.consumed);
                    rest = &rest[step.consumed..];
                    messages.extend(step.message.map(own));
                }
                Err(fault) => {
                    assert_eq!(decoder.next(rest), Err(fault), "a fault stays");
                    return (messages, Some(close_code(fault)));
                }
            }
        }
    }
    (messages, None)
}

fn close_code(fault: WsFault) -> u16 {
    let code = if fault.close_code == 1009 { Code::WsTooLarge } else { Code::WsProtocol };
    assert_eq!(fault.code, code);
    fault.close_code
}

/// Cuts `bytes` at random places into pieces of 1 to `longest` bytes.
pub fn cut<'a>(bytes: &'a [u8], longest: u64, rng: &mut SplitMix64) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((1 + rng.below(longest) as usize).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

struct PlainFrame {
    first: u8,
    masked: bool,
    payload: Vec<u8>,
    whole: bool,
}

/// The frame at `at` if its head is whole, and where the next one begins; else what its first two bytes break.
fn plain_frame(
    bytes: &[u8],
    at: usize,
    server: bool,
    open: bool,
    room: usize,
) -> Result<Option<(PlainFrame, usize)>, u16> {
    if bytes.len() - at < 2 {
        return Ok(None);
    }
    let (first, second) = (bytes[at], bytes[at + 1]);
    let opcode = first & 15;
    let control = opcode > 7;
    let bad = first & 0x70 != 0
        || ![0, 1, 2, 8, 9, 10].contains(&opcode)
        || (control && (first < 0x80 || second & 0x7f > 125))
        || (second >= 0x80) != server;
    if bad {
        return Err(1002);
    }
    let wide = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if bytes.len() < at + 2 + wide {
        return Ok(None);
    }
    let length = match wide {
        0 => u64::from(second & 0x7f),
        _ => bytes[at + 2..at + 2 + wide].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
    };
    if (wide == 2 && length < 126) || (wide == 8 && !(65_536..1 << 63).contains(&length)) {
        return Err(1002);
    }
    let key = at + 2 + wide;
    let start = key + if server { 4 } else { 0 };
    if bytes.len() < start {
        return Ok(None);
    }
    if !control {
        if (opcode == 0) != open {
            return Err(1002);
        }
        if length > room as u64 {
            return Err(1009);
        }
    }
    let end = (start + length as usize).min(bytes.len());
    let mut payload = bytes[start..end].to_vec();
    if server {
        payload.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= bytes[key + i % 4]);
    }
    let whole = bytes.len() - start >= length as usize;
    Ok(Some((PlainFrame { first, masked: server, payload, whole }, end)))
}

/// What RFC 6455 says of these bytes, read at leisure.
pub fn plain(role: WsRole, max: usize, bytes: &[u8]) -> Heard {
    let mut messages = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    let mut at = 0;
    loop {
        let room = max - open.as_ref().map_or(0, |(_, joined)| joined.len());
        let (frame, next) = match plain_frame(bytes, at, role == WsRole::Server, open.is_some(), room) {
            Ok(Some(found)) => found,
            Ok(None) => return (messages, None),
            Err(code) => return (messages, Some(code)),
        };
        at = next;
        let opcode = frame.first & 15;
        if opcode <= 2 {
            let (kind, mut joined) = open.take().unwrap_or((opcode, Vec::new()));
            joined.extend_from_slice(&frame.payload);
            let last = frame.whole && frame.first >= 0x80;
            if kind == 1 && !utf8_so_far(&joined, last) {
                return (messages, Some(1007));
            }
            if !frame.whole {
                return (messages, None);
            }
            match (last, kind) {
                (false, _) => open = Some((kind, joined)),
                (true, 1) => messages.push(Owned::Text(joined)),
                (true, _) => messages.push(Owned::Binary(joined)),
            }
            continue;
        }
        if !frame.whole {
            return (messages, None);
        }
        match (opcode, frame.payload.len()) {
            (9, _) => messages.push(Owned::Ping(frame.payload)),
            (10, _) => messages.push(Owned::Pong(frame.payload)),
            (_, 0) => messages.push(Owned::Close(None, Vec::new())),
            (_, 1) => return (messages, Some(1002)),
            _ => {
                let code = u16::from(frame.payload[0]) * 256 + u16::from(frame.payload[1]);
                let known = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
                if !known.contains(&code) && !(3000..5000).contains(&code) {
                    return (messages, Some(1002));
                }
                if !utf8_so_far(&frame.payload[2..], true) {
                    return (messages, Some(1007));
                }
                messages.push(Owned::Close(Some(code), frame.payload[2..].to_vec()));
            }
        }
        if opcode == 8 {
            return (messages, None);
        }
    }
}

/// RFC 3629, section 4, byte by byte: if `bytes` are, or (unless `whole`) can still become, UTF-8.
pub fn utf8_so_far(bytes: &[u8], whole: bool) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        let (tails, low, high) = match bytes[i] {
            0..=0x7f => (0, 0, 0),
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return false,
        };
        for k in 1..=tails {
            let Some(&byte) = bytes.get(i + k) else { return !whole };
            let range = if k == 1 { low..=high } else { 0x80..=0xbf };
            if !range.contains(&byte) {
                return false;
            }
        }
        i += 1 + tails;
    }
    true
}
