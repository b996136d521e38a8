//! # Room card: wire/fix/inbox
//! In:    bytes of a connection as read.
//! Out:   whole messages, borrowed from the read where it holds them whole.
//! Holds: at most one unfinished message, `FIX_IN_BYTES_MAX` bytes; what comes out does not depend on where reads end.
//! Costs: nothing beside `split` for a message within one read; one copy for one across reads.
use types::Code;

use super::split::{FIX_IN_BYTES_MAX, Split, split};

/// Puts messages together again.
#[derive(Debug)]
pub struct Inbox {
    partial: Box<[u8]>,
    length: usize,
    /// The bytes in `partial` were handed out: they go with the next call.
    spent: bool,
    in_garbage: bool,
    garbled: u64,
    skipped_bytes: u64,
}

/// One step over the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InboxStep<'a> {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// A whole message, framing verified. Without one and with nothing consumed, the input is used up.
    pub message: Option<&'a [u8]>,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox::new()
    }
}

impl Inbox {
    /// Empty. It allocates `FIX_IN_BYTES_MAX` bytes here and never again.
    pub fn new() -> Inbox {
        Inbox {
            partial: vec![0; FIX_IN_BYTES_MAX].into_boxed_slice(),
            length: 0,
            spent: false,
            in_garbage: false,
            garbled: 0,
            skipped_bytes: 0,
        }
    }

    /// Forgets an unfinished message: the connection is new. The counts stay.
    pub fn clear(&mut self) {
        (self.length, self.spent, self.in_garbage) = (0, false, false);
    }

    /// Stretches of bytes that were no message, so far.
    pub fn garbled(&self) -> u64 {
        self.garbled
    }

    /// Bytes that were no message, so far.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// One step over `input`, the bytes not consumed before. Call it until it consumes nothing and has no message.
    /// Errors: `FixTooLarge`: end the session, `clear` before the next connection.
    pub fn next<'a>(&'a mut self, input: &'a [u8]) -> Result<InboxStep<'a>, Code> {
        if self.spent {
            (self.length, self.spent) = (0, false);
        }
        let mut consumed = 0;
        // Each round drops bytes of `partial` or of `input`, or returns.
        while self.length > 0 {
            let kept = self.length;
            let rest = &input[consumed..];
            let taken = rest.len().min(FIX_IN_BYTES_MAX - kept);
            self.partial[kept..kept + taken].copy_from_slice(&rest[..taken]);
            match split(&self.partial[..kept + taken]) {
                Split::Incomplete => {
                    self.length = kept + taken;
                    return Ok(InboxStep { consumed: consumed + taken, message: None });
                }
                Split::Message { length } => {
                    self.spent = true;
                    self.in_garbage = false;
                    let used = length.saturating_sub(kept);
                    return Ok(InboxStep { consumed: consumed + used, message: Some(&self.partial[..length]) });
                }
                Split::Garbled { skip } => {
                    self.skip(skip);
                    if skip < kept {
                        self.partial.copy_within(skip..kept, 0);
                        self.length = kept - skip;
                    } else {
                        self.length = 0;
                        consumed += skip - kept;
                    }
                }
                Split::TooLarge => return Err(Code::FixTooLarge),
            }
        }
        while consumed < input.len() {
            let rest = &input[consumed..];
            match split(rest) {
                Split::Incomplete => {
                    // An unfinished message is shorter than the bound, or it would be too large.
                    let length = rest.len().min(FIX_IN_BYTES_MAX);
                    self.partial[..length].copy_from_slice(&rest[..length]);
                    self.length = length;
                    return Ok(InboxStep { consumed: input.len(), message: None });
                }
                Split::Message { length } => {
                    self.in_garbage = false;
                    return Ok(InboxStep { consumed: consumed + length, message: Some(&rest[..length]) });
                }
                Split::Garbled { skip } => {
                    self.skip(skip);
                    consumed += skip;
                }
                Split::TooLarge => return Err(Code::FixTooLarge),
            }
        }
        Ok(InboxStep { consumed, message: None })
    }

    #[cold]
    fn skip(&mut self, bytes: usize) {
        self.garbled += !self.in_garbage as u64;
        self.in_garbage = true;
        self.skipped_bytes += bytes as u64;
    }
}
