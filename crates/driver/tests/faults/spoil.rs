//! # Room card: driver/tests/faults/spoil
//! In:    whole FIX messages, whole WebSocket frames.
//! Out:   the same with messages missing, doubled, damaged, or in fragments.
//! Holds: nothing is spoiled once the world is calm; order stays.
//! Costs: tests only.
use wire::ws::CONTROL_BYTES_MAX;

use super::client::Around;
use super::plan::chance;
use super::truth::each_message;

/// First byte of a whole text message.
const TEXT: u8 = 0x81;

/// FIX messages as they arrive, if they do.
pub fn messages(bytes: &[u8], around: &mut Around<'_>) -> Vec<u8> {
    let plan = around.plan;
    if around.calm || plan.fix_drop + plan.fix_double + plan.fix_damage == 0 {
        return bytes.to_vec();
    }
    let mut out = Vec::with_capacity(bytes.len());
    each_message(bytes, |message| {
        if chance(around.rng, plan.fix_drop) {
            return around.say(|| "a message is lost".into());
        }
        let start = out.len();
        out.extend_from_slice(message);
        if chance(around.rng, plan.fix_damage) {
            let at = start + around.rng.below(message.len() as u64) as usize;
            out[at] ^= 1 << around.rng.below(8);
            around.say(|| "a message is damaged".into());
        }
        if chance(around.rng, plan.fix_double) {
            out.extend_from_slice(message);
            around.say(|| "a message comes twice".into());
        }
    });
    out
}

/// Bytes of a server's frame at the start: its head and the whole.
fn frame_of(bytes: &[u8]) -> (usize, usize) {
    let (head, payload) = match bytes[1] {
        126 => (4, u16::from_be_bytes([bytes[2], bytes[3]]) as usize),
        127 => (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize),
        length => (2, length as usize),
    };
    (head, head + payload)
}

/// The text messages in a server's frames.
pub fn each_text(feed: &[u8], mut each: impl FnMut(&[u8])) {
    let mut rest = feed;
    while !rest.is_empty() {
        let (head, whole) = frame_of(rest);
        if rest[0] == TEXT {
            each(&rest[head..whole]);
        }
        rest = &rest[whole..];
    }
}

/// Frames of a server as they arrive: messages left out whole, or in two fragments.
pub fn frames(feed: &[u8], around: &mut Around<'_>) -> Vec<u8> {
    let plan = around.plan;
    let mut out = Vec::with_capacity(feed.len());
    let mut rest = feed;
    while !rest.is_empty() {
        let (head, whole) = frame_of(rest);
        let (frame, after) = rest.split_at(whole);
        rest = after;
        if !around.calm && frame[0] == TEXT && chance(around.rng, plan.market_drop) {
            around.say(|| "a market message is lost".into());
            continue;
        }
        let payload = &frame[head..];
        let parts = !around.calm && frame[0] == TEXT && payload.len() > 2 * CONTROL_BYTES_MAX;
        if parts && chance(around.rng, plan.market_parts) {
            // Text without its end; a ping may stand between; the continuation that ends it.
            out.extend_from_slice(&[0x01, 100]);
            out.extend_from_slice(&payload[..100]);
            out.extend_from_slice(&[0x89, 2, b'h', b'i']);
            let left = payload.len() - 100;
            out.extend_from_slice(&[0x80, 126]);
            out.extend_from_slice(&(left as u16).to_be_bytes());
            out.extend_from_slice(&payload[100..]);
        } else {
            out.extend_from_slice(frame);
        }
    }
    out
}
