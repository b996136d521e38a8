//! # Room card: wire/ws
//! In:    bytes of one WebSocket connection as they are read; payloads, masks and nonces on the way out.
//! Out:   messages and control frames, borrowed (`WsDecoder`); frames (`frame`); both sides of the handshake.
//! Holds: RFC 6455 without extensions; a breach is a fault with its close code; a message has a longest length.
//! Costs: a whole frame of a server is not copied; 7 ns and the UTF-8 check, 14 ns for 180 bytes (example ws_cost).
//!
//! The driver owns randomness: masks and nonces are arguments. What the decoder does not do is answer: a `Ping` wants a
//! `Pong` with the same payload, a `Close` the same code back, a `WsFault` a close frame with its close code.
mod decode;
mod encode;
mod handshake;
mod mask;

use types::Code;

pub use decode::{WsDecoder, WsStep};
pub use encode::{FRAME_HEAD_BYTES_MAX, close_frame, frame, frame_part};
pub use handshake::{
    ClientHandshake, UpgradeFault, WsRefusal, client_request, refuse_upgrade, server_response, upgrade_key,
};

/// Payload bytes of a ping, pong or close frame (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;
/// Reason bytes of a close frame: the payload without its code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Close codes of RFC 6455, 7.4.1, that this side sends.
pub mod close {
    /// The work is done.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// A text is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// A message is too long.
    pub const TOO_LARGE: u16 = 1009;
}

/// Which end of the connection this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WsRole {
    /// Reads unmasked frames, writes masked ones.
    Client,
    /// Reads masked frames, writes unmasked ones.
    Server,
}

/// What a frame is (RFC 6455, 5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message begun before.
    Continuation = 0,
    /// UTF-8.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The connection ends.
    Close = 8,
    /// Wants a pong.
    Ping = 9,
    /// Answers a ping, or says "alive".
    Pong = 10,
}

impl Opcode {
    /// Close, ping and pong: short, never fragmented, allowed between the fragments of a message.
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }
    pub(crate) const fn from_bits(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }
}

/// One message or control frame. Payloads are unmasked, fragments joined, texts and close reasons valid UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WsMessage<'a> {
    /// UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// Wants a pong with the same payload.
    Ping(&'a [u8]),
    /// Answers a ping.
    Pong(&'a [u8]),
    /// The peer closes; nothing follows it.
    Close {
        /// Why, as a code of RFC 6455, 7.4; `None` if the frame had none.
        code: Option<u16>,
        /// Why, in words; often empty.
        reason: &'a [u8],
    },
}

/// The peer broke the protocol or sent too much. The connection is to be closed with `close_code`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WsFault {
    /// `WsProtocol` or `WsTooLarge`.
    pub code: Code,
    /// 1002, 1007 or 1009.
    pub close_code: u16,
}

impl WsFault {
    pub(crate) const PROTOCOL: WsFault = WsFault { code: Code::WsProtocol, close_code: close::PROTOCOL };
    pub(crate) const NOT_UTF8: WsFault = WsFault { code: Code::WsProtocol, close_code: close::NOT_UTF8 };
    pub(crate) const TOO_LARGE: WsFault = WsFault { code: Code::WsTooLarge, close_code: close::TOO_LARGE };
}

/// True if a close frame may carry `code`: those the RFC and its registry define for the wire (1000-1003, 1007-1014),
/// and those for libraries and applications (3000-4999).
pub const fn close_code_is_valid(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
