//! # Room card: wire/ws/encode
//! In:    opcode, payload, and the mask if this is the client.
//! Out:   one frame appended to the caller's bytes.
//! Holds: lengths in their shortest form; control frames whole and at most 125 bytes of payload.
//! Costs: a copy of the payload; no allocation when the caller's bytes have room.
use super::{CLOSE_REASON_BYTES_MAX, CONTROL_BYTES_MAX, Opcode, mask};

/// Bytes of the longest frame head: two, eight of length, four of mask.
pub const FRAME_HEAD_BYTES_MAX: usize = 14;

/// Appends one whole message: `mask` is fresh randomness from a client and `None` from a server.
/// The payload of a control frame is cut at `CONTROL_BYTES_MAX`; that of a text must be UTF-8.
pub fn frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) {
    frame_part(out, opcode, true, payload, mask);
}

/// Appends one frame of a message sent in parts: the first has its opcode, later ones `Continuation`, and only the last
/// is `last`. Control frames are always whole.
pub fn frame_part(out: &mut Vec<u8>, opcode: Opcode, last: bool, payload: &[u8], mask: Option<[u8; 4]>) {
    debug_assert!(!opcode.is_control() || (last && payload.len() <= CONTROL_BYTES_MAX));
    let control = opcode.is_control();
    let payload = if control { &payload[..payload.len().min(CONTROL_BYTES_MAX)] } else { payload };
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(opcode as u8 | if last || control { 0x80 } else { 0 });
    match payload.len() {
        length @ 0..=125 => out.push(masked | length as u8),
        length @ 126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    let Some(key) = mask else { return out.extend_from_slice(payload) };
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], key, 0);
}

/// Appends a close frame; without a code it is empty. A reason longer than `CLOSE_REASON_BYTES_MAX` is cut at a
/// character.
pub fn close_frame(out: &mut Vec<u8>, code: Option<u16>, reason: &str, mask: Option<[u8; 4]>) {
    let mut payload = [0; CONTROL_BYTES_MAX];
    let mut length = 0;
    if let Some(code) = code {
        let mut cut = reason.len().min(CLOSE_REASON_BYTES_MAX);
        while !reason.is_char_boundary(cut) {
            cut -= 1;
        }
        payload[..2].copy_from_slice(&code.to_be_bytes());
        payload[2..2 + cut].copy_from_slice(&reason.as_bytes()[..cut]);
        length = 2 + cut;
    }
    frame(out, Opcode::Close, &payload[..length], mask);
}
