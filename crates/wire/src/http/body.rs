//! # Room card: wire/http/body
//! In:    the fields of a head; then the bytes after it, cut anywhere.
//! Out:   the body whole, without its framing.
//! Holds: at most the bytes allowed; two framings at once, or two lengths, are refused (RFC 9112, 6.3).
//! Costs: cold path; one copy.
use types::Code;

use super::head::{Fields, HEAD_BYTES_MAX};

/// Bytes of the line before a chunk: its size and extensions, which are skipped.
const CHUNK_LINE_BYTES_MAX: usize = 256;

/// How the end of a body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// So many bytes.
    Length(usize),
    /// Chunks.
    Chunked(Chunk),
    /// By the end of the connection; responses only.
    ToEnd,
}

/// Where in the chunks the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chunk {
    /// In the line with the size: bytes of it so far, the size so far, digits so far, and if the digits are over.
    Size { line: usize, size: usize, digits: u8, skip: bool },
    /// In the bytes: so many are left.
    Bytes(usize),
    /// In the line end after the bytes.
    End,
    /// In the lines after the last chunk: bytes in all, and bytes of this line.
    Trailer { all: usize, line: usize },
}

const SIZE: Chunk = Chunk::Size { line: 0, size: 0, digits: 0, skip: false };

/// What the fields say of the body. `None`: they say nothing. `HttpMalformed` if they contradict each other, or name a
/// coding other than `chunked`, or a length above `max`.
pub(crate) fn framing(fields: &Fields<'_>, max: usize) -> Result<Option<Framing>, Code> {
    let coding = fields.one("transfer-encoding")?;
    let length = fields.one("content-length")?;
    if fields.all("content-encoding").any(|value| !value.eq_ignore_ascii_case(b"identity")) {
        return Err(Code::HttpMalformed);
    }
    match (coding, length) {
        (None, None) => Ok(None),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Framing::Chunked(SIZE))),
        (None, Some(digits)) => match decimal(digits) {
            Some(length) if length <= max => Ok(Some(Framing::Length(length))),
            _ => Err(Code::HttpMalformed),
        },
        _ => Err(Code::HttpMalformed),
    }
}

/// A number of nothing but digits.
pub(crate) fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

impl Framing {
    /// Moves body bytes from `input` to `body`. Returns how many bytes were used and if the body is whole.
    pub(crate) fn take(&mut self, input: &[u8], body: &mut Vec<u8>, max: usize) -> Result<(usize, bool), Code> {
        match self {
            Framing::Length(left) => {
                let part = &input[..input.len().min(*left)];
                body.extend_from_slice(part);
                *left -= part.len();
                Ok((part.len(), *left == 0))
            }
            Framing::ToEnd => {
                if input.len() > max - body.len() {
                    return Err(Code::HttpMalformed);
                }
                body.extend_from_slice(input);
                Ok((input.len(), false))
            }
            Framing::Chunked(chunk) => {
                let mut used = 0;
                while used < input.len() {
                    let (taken, whole) = chunk.take(&input[used..], body, max)?;
                    used += taken;
                    if whole {
                        return Ok((used, true));
                    }
                }
                Ok((used, false))
            }
        }
    }
}

impl Chunk {
    /// One step over at least one byte.
    fn take(&mut self, input: &[u8], body: &mut Vec<u8>, max: usize) -> Result<(usize, bool), Code> {
        let Some(&byte) = input.first() else { return Ok((0, false)) };
        match *self {
            Chunk::Size { line, size, digits, skip } => {
                self.take_size(byte, (line, size, digits, skip), max - body.len())?
            }
            Chunk::Bytes(left) => {
                let part = &input[..input.len().min(left)];
                body.extend_from_slice(part);
                *self = if part.len() == left { Chunk::End } else { Chunk::Bytes(left - part.len()) };
                return Ok((part.len(), false));
            }
            Chunk::End => match byte {
                b'\r' => {}
                b'\n' => *self = SIZE,
                _ => return Err(Code::HttpMalformed),
            },
            Chunk::Trailer { all, .. } if all >= HEAD_BYTES_MAX => return Err(Code::HttpMalformed),
            Chunk::Trailer { line: 0, .. } if byte == b'\n' => return Ok((1, true)),
            Chunk::Trailer { all, line } => {
                let line = if byte == b'\n' { 0 } else { line + usize::from(byte != b'\r') };
                *self = Chunk::Trailer { all: all + 1, line };
            }
        }
        Ok((1, false))
    }

    fn take_size(&mut self, byte: u8, at: (usize, usize, u8, bool), room: usize) -> Result<(), Code> {
        let (line, size, digits, skip) = at;
        if line >= CHUNK_LINE_BYTES_MAX {
            return Err(Code::HttpMalformed);
        }
        let digit = (byte as char).to_digit(16);
        *self = match (byte, digit) {
            (b'\n', _) if digits == 0 => return Err(Code::HttpMalformed),
            (b'\n', _) if size == 0 => Chunk::Trailer { all: 0, line: 0 },
            (b'\n', _) => Chunk::Bytes(size),
            (_, Some(digit)) if !skip => {
                let size = size.saturating_mul(16).saturating_add(digit as usize);
                if size > room {
                    return Err(Code::HttpMalformed);
                }
                Chunk::Size { line: line + 1, size, digits: 1, skip }
            }
            // An extension, or blanks before the end of the line.
            (b'\r' | b';' | b' ' | b'\t', _) if digits > 0 => Chunk::Size { line: line + 1, size, digits, skip: true },
            (_, _) if skip => Chunk::Size { line: line + 1, size, digits, skip },
            _ => return Err(Code::HttpMalformed),
        };
        Ok(())
    }
}
