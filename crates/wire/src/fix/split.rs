//! # Room card: wire/fix/split
//! In:    bytes of a FIX connection, from the start of a message or of what pretends to be one.
//! Out:   where the message ends, or how much to skip.
//! Holds: a message passes only with body length and checksum right; the answer does not depend on how the bytes were
//!        cut into reads, except that too few of them are `Incomplete`; no byte is looked at again and again.
//! Costs: one addition a byte, vectorised: about 15 ns for 250 bytes.
//!
//! Any BeginString that begins with `FIX` passes: the session knows which one it wants, and answers the others.
//!
//! A message whose body length is wrong ends where QuickFIX has it end: with the first CheckSum at or behind the place
//! the length says. One that says too much takes the next message with it, and the peer is asked for both again.

/// Bytes of the longest message that is taken if nothing else is asked for; a longer one ends the session
/// (`FixTooLarge`).
pub const FIX_IN_BYTES_MAX: usize = 64 * 1024;
/// The largest bound that can be asked for.
pub const FIX_IN_BYTES_LIMIT: usize = 16 * 1024 * 1024;

/// How a message begins, and what the search for the next one looks for.
const BEGIN: &[u8; 5] = b"8=FIX";
/// Bytes of the longest BeginString (8).
const BEGIN_STRING_BYTES_MAX: usize = 16;
/// `10=nnn` and its separator.
const TRAILER_BYTES: usize = 7;
/// Digits of a body length that can be within the limit; leading zeros count.
const LENGTH_DIGITS_MAX: usize = 8;
/// Bytes within which a body length ends or the message is garbled or too large.
pub(super) const HEAD_BYTES_MAX: usize = 2 + BEGIN_STRING_BYTES_MAX + 3 + LENGTH_DIGITS_MAX + 1;

/// What stands at the start of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// The start of a message, or nothing: more bytes are needed.
    Incomplete,
    /// A whole message of this many bytes.
    Message {
        /// From the begin string to the checksum's separator.
        length: usize,
    },
    /// Bytes that do not begin a message. Skip this many (at least one), up to the next begin string.
    Noise {
        /// How many.
        skip: usize,
    },
    /// A garbled message: FIX ignores it. Skip this many bytes (at least one).
    Garbled {
        /// How many.
        skip: usize,
        /// Its checksum was not where it should be: skip everything up to and with the next CheckSum (10) too.
        through_checksum: bool,
    },
    /// A message that says it is longer than the bound. Skipping it would only make the peer send it again.
    TooLarge,
}

/// The same, and how many bytes would tell more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// As `Incomplete`: with this many bytes from the start there is another answer, or another number.
    More(usize),
    /// As in `Split`; never `Incomplete`.
    Is(Split),
}

/// Looks at the start of `bytes`, for a message of `FIX_IN_BYTES_MAX` bytes at most.
pub fn split(bytes: &[u8]) -> Split {
    match look(bytes, FIX_IN_BYTES_MAX) {
        Look::More(_) => Split::Incomplete,
        Look::Is(split) => split,
    }
}

/// Looks at the start of `bytes`, for a message of at most `bound` bytes.
#[inline]
pub(super) fn look(bytes: &[u8], bound: usize) -> Look {
    let (body, head) = match head(bytes) {
        Ok(found) => found,
        Err(look) => return look,
    };
    let trailer = head + body;
    let length = trailer + TRAILER_BYTES;
    if length > bound {
        return Look::Is(Split::TooLarge);
    }
    let Some(message) = bytes.get(..length) else { return Look::More(length) };
    let (before, tail) = message.split_at(trailer);
    Look::Is(match *tail {
        [b'1', b'0', b'=', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', 1] if before.ends_with(b"\x01") => {
            let stated = (a - b'0') as u32 * 100 + (b - b'0') as u32 * 10 + (c - b'0') as u32;
            let sum = crate::simd::sum(before);
            match sum as u32 == stated {
                true => Split::Message { length },
                false => Split::Garbled { skip: length, through_checksum: false },
            }
        }
        // The separator before the checksum may be the last byte of what the length says.
        _ => Split::Garbled { skip: trailer - 1, through_checksum: true },
    })
}

/// The body length, and the place behind its separator.
#[inline]
fn head(bytes: &[u8]) -> Result<(usize, usize), Look> {
    if !bytes.starts_with(BEGIN) {
        return Err(match BEGIN.starts_with(bytes) {
            true => Look::More(bytes.len() + 1),
            false => Look::Is(Split::Noise { skip: to_next(bytes) }),
        });
    }
    let garbled = || Look::Is(Split::Garbled { skip: to_next(bytes), through_checksum: false });
    let more = Err(Look::More(bytes.len() + 1));
    let mut at = BEGIN.len();
    loop {
        match bytes.get(at) {
            None => return more,
            Some(1) => break,
            Some(_) if at < 2 + BEGIN_STRING_BYTES_MAX => at += 1,
            Some(_) => return Err(garbled()),
        }
    }
    for expected in b"\x019=" {
        match bytes.get(at) {
            None => return more,
            Some(byte) if byte == expected => at += 1,
            Some(_) => return Err(garbled()),
        }
    }
    let (mut body, first) = (0usize, at);
    loop {
        match bytes.get(at) {
            None => return more,
            Some(digit @ b'0'..=b'9') if at < first + LENGTH_DIGITS_MAX => body = body * 10 + (digit - b'0') as usize,
            Some(b'0'..=b'9') => return Err(Look::Is(Split::TooLarge)),
            Some(1) if at > first => return Ok((body, at + 1)),
            Some(_) => return Err(garbled()),
        }
        at += 1;
    }
}

/// Bytes before the next begin string, or before what may be the start of one at the end; at least one.
#[cold]
fn to_next(bytes: &[u8]) -> usize {
    let begins = |&at: &usize| {
        let rest = &bytes[at..];
        rest.starts_with(BEGIN) || BEGIN.starts_with(rest)
    };
    (1..bytes.len()).find(begins).unwrap_or(bytes.len()).max(1)
}

/// Skips through the next checksum field: where in `<SOH>10=…<SOH>` the bytes so far ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Skip {
    /// Bytes of `<SOH>10=` matched; all four: the separator behind the value is looked for.
    matched: usize,
}

impl Skip {
    const MARK: &[u8; 4] = b"\x0110=";

    pub(super) const fn new() -> Skip {
        Skip { matched: 0 }
    }

    /// How many of these bytes go, and whether the checksum ended with the last of them.
    pub(super) fn over(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            match Self::MARK.get(self.matched) {
                None if byte == 1 => return (at + 1, true),
                None => {}
                Some(&expected) if byte == expected => self.matched += 1,
                Some(_) => self.matched = (byte == 1) as usize,
            }
        }
        (bytes.len(), false)
    }
}
