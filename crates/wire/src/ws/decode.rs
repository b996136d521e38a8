//! # Room card: wire/ws/decode
//! In:    bytes of one connection, cut anywhere.
//! Out:   messages and control frames one at a time, or the fault that ends the connection.
//! Holds: all memory is taken at construction, as much as the longest message; after a fault or a close no message.
//! Costs: a whole unmasked frame is borrowed from the input; others are copied once.
//!
//! Two ways lead through a frame. The quick one: the input holds a whole frame of a server that is a message by itself;
//! the payload is a slice of the input. Otherwise the head is gathered in `head`, the payload in `joined` (data) or
//! `control`, and the message is a slice of these. Texts are checked as their bytes come, so that a wrong byte ends the
//! connection at once and not at the end of a long message.
use super::{CONTROL_BYTES_MAX, FRAME_HEAD_BYTES_MAX, Opcode, WsFault, WsMessage, WsRole, close_code_is_valid, mask};

/// What one call of `WsDecoder::next` did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WsStep<'a> {
    /// Bytes of the input used up: at least one if there was one.
    pub consumed: usize,
    /// What became whole.
    pub message: Option<WsMessage<'a>>,
}

/// Takes frames apart and joins messages.
#[derive(Debug)]
pub struct WsDecoder {
    role: WsRole,
    message_bytes_max: usize,
    /// Bytes of a head that came in pieces.
    head: [u8; FRAME_HEAD_BYTES_MAX],
    head_length: usize,
    /// The frame whose payload is on its way.
    frame: Option<Frame>,
    /// Data of the message on its way, unmasked.
    joined: Vec<u8>,
    /// Its kind, while it is unfinished.
    kind: Option<Opcode>,
    /// How many of its bytes are whole, valid characters.
    valid: usize,
    control: [u8; CONTROL_BYTES_MAX],
    control_length: usize,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug)]
enum Ended {
    Closed,
    Fault(WsFault),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    last: bool,
    mask: Option<[u8; 4]>,
    length: usize,
    taken: usize,
}

impl WsDecoder {
    /// `message_bytes_max` bounds a message, all its fragments together; that much memory is set aside now.
    pub fn new(role: WsRole, message_bytes_max: usize) -> WsDecoder {
        WsDecoder {
            role,
            message_bytes_max,
            head: [0; FRAME_HEAD_BYTES_MAX],
            head_length: 0,
            frame: None,
            joined: Vec::with_capacity(message_bytes_max),
            kind: None,
            valid: 0,
            control: [0; CONTROL_BYTES_MAX],
            control_length: 0,
            ended: None,
        }
    }

    /// For a new connection; memory is kept.
    pub fn reset(&mut self) {
        self.head_length = 0;
        self.frame = None;
        self.joined.clear();
        self.kind = None;
        self.valid = 0;
        self.ended = None;
    }

    /// One step over `input`, bytes not consumed before. It uses up at least one byte, so a caller loops until its
    /// input is empty; bytes of an unfinished frame are kept here. After a close frame whatever follows is used up and
    /// ignored; after a fault every call returns it again.
    #[inline]
    pub fn next<'a>(&'a mut self, input: &'a [u8]) -> Result<WsStep<'a>, WsFault> {
        let quick =
            self.role == WsRole::Client && self.frame.is_none() && self.head_length == 0 && self.ended.is_none();
        if quick && let Some((frame, start)) = self.peek(input)? {
            let whole = start + frame.length;
            if frame.last && frame.opcode != Opcode::Continuation && input.len() >= whole {
                let payload = &input[start..whole];
                let message = match frame.opcode {
                    Opcode::Text if core::str::from_utf8(payload).is_err() => return Err(self.fail(WsFault::NOT_UTF8)),
                    Opcode::Text => WsMessage::Text(payload),
                    Opcode::Binary => WsMessage::Binary(payload),
                    opcode => self.control_message(opcode, payload)?,
                };
                return Ok(WsStep { consumed: whole, message: Some(message) });
            }
        }
        self.gather(input)
    }

    /// The frame at the start of `input` and the length of its head, if that is whole; kept as a fault if it is wrong.
    fn peek(&mut self, input: &[u8]) -> Result<Option<(Frame, usize)>, WsFault> {
        match parse_head(input, self.role).and_then(|found| match found {
            Some((frame, start)) => self.admit(&frame).map(|()| Some((frame, start))),
            None => Ok(None),
        }) {
            Ok(found) => Ok(found),
            Err(fault) => Err(self.fail(fault)),
        }
    }

    /// Rules between frames: continuation only within a message, no second message within one, the size bound.
    fn admit(&self, frame: &Frame) -> Result<(), WsFault> {
        let before = match (frame.opcode, self.kind) {
            (opcode, _) if opcode.is_control() => return Ok(()),
            (Opcode::Continuation, Some(_)) => self.joined.len(),
            (Opcode::Continuation, None) | (_, Some(_)) => return Err(WsFault::PROTOCOL),
            (_, None) => 0,
        };
        if frame.length > self.message_bytes_max - before { Err(WsFault::TOO_LARGE) } else { Ok(()) }
    }

    fn fail(&mut self, fault: WsFault) -> WsFault {
        self.ended = Some(Ended::Fault(fault));
        fault
    }

    /// The slow way: bytes are copied, a frame may end in a later call.
    #[inline(never)]
    fn gather<'a>(&'a mut self, input: &[u8]) -> Result<WsStep<'a>, WsFault> {
        match self.ended {
            Some(Ended::Fault(fault)) => return Err(fault),
            Some(Ended::Closed) => return Ok(WsStep { consumed: input.len(), message: None }),
            None => {}
        }
        let mut consumed = 0;
        let mut frame = match self.frame {
            Some(frame) => frame,
            None => {
                let (taken, begun) = self.gather_head(input)?;
                consumed = taken;
                let Some(frame) = begun else { return Ok(WsStep { consumed, message: None }) };
                frame
            }
        };
        let rest = &input[consumed..];
        let part = &rest[..rest.len().min(frame.length - frame.taken)];
        self.gather_payload(&frame, part)?;
        consumed += part.len();
        frame.taken += part.len();
        if frame.taken < frame.length {
            self.frame = Some(frame);
            return Ok(WsStep { consumed, message: None });
        }
        self.frame = None;
        let message = self.finish(&frame)?;
        Ok(WsStep { consumed, message })
    }

    /// Takes bytes of a head; with its last one the frame begins.
    fn gather_head(&mut self, input: &[u8]) -> Result<(usize, Option<Frame>), WsFault> {
        let mut taken = 0;
        for &byte in input.iter().take(FRAME_HEAD_BYTES_MAX) {
            // A head is whole at the latest after 14 bytes, so the place is always there.
            let Some(place) = self.head.get_mut(self.head_length) else { return Err(self.fail(WsFault::PROTOCOL)) };
            *place = byte;
            self.head_length += 1;
            taken += 1;
            let head = self.head;
            if let Some((frame, _)) = self.peek(&head[..self.head_length])? {
                self.head_length = 0;
                self.begin(&frame);
                return Ok((taken, Some(frame)));
            }
        }
        Ok((taken, None))
    }

    fn begin(&mut self, frame: &Frame) {
        if frame.opcode.is_control() {
            self.control_length = 0;
        } else if frame.opcode != Opcode::Continuation {
            self.joined.clear();
            self.valid = 0;
            self.kind = Some(frame.opcode);
        }
    }

    fn gather_payload(&mut self, frame: &Frame, part: &[u8]) -> Result<(), WsFault> {
        if frame.opcode.is_control() {
            let start = self.control_length;
            let place = &mut self.control[start..start + part.len()];
            place.copy_from_slice(part);
            if let Some(key) = frame.mask {
                mask::apply(place, key, frame.taken);
            }
            self.control_length += part.len();
            return Ok(());
        }
        let start = self.joined.len();
        self.joined.extend_from_slice(part);
        if let Some(key) = frame.mask {
            mask::apply(&mut self.joined[start..], key, frame.taken);
        }
        if self.kind == Some(Opcode::Text) {
            match core::str::from_utf8(&self.joined[self.valid..]) {
                Ok(_) => self.valid = self.joined.len(),
                // A character cut in two is not yet wrong.
                Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
                Err(_) => return Err(self.fail(WsFault::NOT_UTF8)),
            }
        }
        Ok(())
    }

    /// The last byte of `frame` is here.
    fn finish(&mut self, frame: &Frame) -> Result<Option<WsMessage<'_>>, WsFault> {
        if frame.opcode.is_control() {
            if let Err(fault) = check_close(frame.opcode, &self.control[..self.control_length]) {
                return Err(self.fail(fault));
            }
            if frame.opcode == Opcode::Close {
                self.ended = Some(Ended::Closed);
            }
            return Ok(Some(control_view(frame.opcode, &self.control[..self.control_length])));
        }
        if !frame.last {
            return Ok(None);
        }
        match self.kind.take() {
            Some(Opcode::Text) if self.valid < self.joined.len() => Err(self.fail(WsFault::NOT_UTF8)),
            Some(Opcode::Text) => Ok(Some(WsMessage::Text(&self.joined))),
            _ => Ok(Some(WsMessage::Binary(&self.joined))),
        }
    }

    fn control_message<'a>(&mut self, opcode: Opcode, payload: &'a [u8]) -> Result<WsMessage<'a>, WsFault> {
        if let Err(fault) = check_close(opcode, payload) {
            return Err(self.fail(fault));
        }
        if opcode == Opcode::Close {
            self.ended = Some(Ended::Closed);
        }
        Ok(control_view(opcode, payload))
    }
}

/// The head at the start of `bytes` and its length; `None` while it is not whole. What two bytes show to be wrong is
/// refused at once.
#[inline]
fn parse_head(bytes: &[u8], role: WsRole) -> Result<Option<(Frame, usize)>, WsFault> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let Some(opcode) = Opcode::from_bits(first & 0x0f) else { return Err(WsFault::PROTOCOL) };
    let (last, reserved) = (first & 0x80 != 0, first & 0x70);
    let (masked, short) = (second & 0x80 != 0, second & 0x7f);
    if reserved != 0 || masked != (role == WsRole::Server) || (opcode.is_control() && (!last || short > 125)) {
        return Err(WsFault::PROTOCOL);
    }
    let (length, rest, head) = match (short, rest) {
        (126, &[a, b, ref rest @ ..]) => (shortest(u64::from(u16::from_be_bytes([a, b])), 126)?, rest, 4),
        (127, &[a, b, c, d, e, f, g, h, ref rest @ ..]) => {
            let length = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            if length >> 63 != 0 {
                return Err(WsFault::PROTOCOL);
            }
            (shortest(length, 0x1_0000)?, rest, 10)
        }
        (126 | 127, _) => return Ok(None),
        (short, rest) => (u64::from(short), rest, 2),
    };
    let length = usize::try_from(length).map_err(|_| WsFault::TOO_LARGE)?;
    let frame = |mask| Frame { opcode, last, mask, length, taken: 0 };
    match (masked, rest) {
        (false, _) => Ok(Some((frame(None), head))),
        (true, &[a, b, c, d, ..]) => Ok(Some((frame(Some([a, b, c, d])), head + 4))),
        (true, _) => Ok(None),
    }
}

/// A length must be written in its shortest form (5.2: "the minimal number of bytes MUST be used").
fn shortest(length: u64, least: u64) -> Result<u64, WsFault> {
    if length < least { Err(WsFault::PROTOCOL) } else { Ok(length) }
}

/// A close frame is empty, or a code that may be sent and a reason in UTF-8; other frames pass.
fn check_close(opcode: Opcode, payload: &[u8]) -> Result<(), WsFault> {
    match (opcode, payload) {
        (Opcode::Close, &[high, low, ref reason @ ..]) => {
            if !close_code_is_valid(u16::from_be_bytes([high, low])) {
                Err(WsFault::PROTOCOL)
            } else if core::str::from_utf8(reason).is_err() {
                Err(WsFault::NOT_UTF8)
            } else {
                Ok(())
            }
        }
        (Opcode::Close, [_]) => Err(WsFault::PROTOCOL),
        _ => Ok(()),
    }
}

/// A control frame that `check_close` has passed.
fn control_view(opcode: Opcode, payload: &[u8]) -> WsMessage<'_> {
    match (opcode, payload) {
        (Opcode::Ping, _) => WsMessage::Ping(payload),
        (Opcode::Pong, _) => WsMessage::Pong(payload),
        (_, &[high, low, ref reason @ ..]) => WsMessage::Close { code: Some(u16::from_be_bytes([high, low])), reason },
        _ => WsMessage::Close { code: None, reason: &[] },
    }
}
