//! # Room card: wire/fix/inbox
//! In:    bytes of a connection as read.
//! Out:   whole messages, borrowed from the read where it holds them whole.
//! Holds: at most one unfinished message, no longer than the bound; what comes out does not depend on where reads end.
//! Costs: nothing beside `split` for a message within one read; one copy for one across reads.
use types::Code;

use super::split::{FIX_IN_BYTES_LIMIT, FIX_IN_BYTES_MAX, HEAD_BYTES_MAX, Look, Skip, Split, look};

/// Puts messages together again.
#[derive(Debug)]
pub struct Inbox {
    partial: Box<[u8]>,
    length: usize,
    /// The bytes in `partial` were handed out: they go with the next call.
    spent: bool,
    /// Behind a garbled message: everything goes up to and with the next checksum.
    skipping: Option<Skip>,
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
    /// Before that message, or the end of the input, came at least one garbled message: not mere noise, but a begin
    /// string whose message is none. Before a logon that ends a connection.
    pub garbled: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox::new()
    }
}

impl Inbox {
    /// For messages of at most `FIX_IN_BYTES_MAX` bytes. It allocates as many here and never again.
    pub fn new() -> Inbox {
        Inbox::with_bound(FIX_IN_BYTES_MAX)
    }

    /// For messages of at most `bytes` bytes, itself at most `FIX_IN_BYTES_LIMIT`.
    pub fn with_bound(bytes: usize) -> Inbox {
        Inbox {
            partial: vec![0; bytes.clamp(HEAD_BYTES_MAX, FIX_IN_BYTES_LIMIT)].into_boxed_slice(),
            length: 0,
            spent: false,
            skipping: None,
            in_garbage: false,
            garbled: 0,
            skipped_bytes: 0,
        }
    }

    /// Forgets an unfinished message: the connection is new. The counts stay.
    pub fn clear(&mut self) {
        (self.length, self.spent, self.skipping, self.in_garbage) = (0, false, None, false);
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
    #[inline]
    pub fn next<'a>(&'a mut self, input: &'a [u8]) -> Result<InboxStep<'a>, Code> {
        if self.spent {
            (self.length, self.spent) = (0, false);
        }
        let (mut consumed, mut garbled) = (0, false);
        if self.length > 0 {
            let found = self.complete(input, &mut consumed, &mut garbled)?;
            if found > 0 {
                return Ok(InboxStep { consumed, message: Some(&self.partial[..found]), garbled });
            }
        }
        // Each round drops bytes of the input, or returns.
        while consumed < input.len() {
            let rest = &input[consumed..];
            if let Some(mut skip) = self.skipping {
                let (bytes, over) = skip.over(rest);
                self.skipping = (!over).then_some(skip);
                self.skip(bytes);
                consumed += bytes;
                continue;
            }
            match look(rest, self.partial.len()) {
                Look::Is(Split::Message { length }) => {
                    self.in_garbage = false;
                    return Ok(InboxStep { consumed: consumed + length, message: Some(&rest[..length]), garbled });
                }
                Look::More(_) => {
                    // What is missing makes a message within the bound: the rest is shorter.
                    self.partial[..rest.len()].copy_from_slice(rest);
                    self.length = rest.len();
                    consumed = input.len();
                }
                Look::Is(other) => consumed += self.refused(other, &mut garbled)?,
            }
        }
        Ok(InboxStep { consumed, message: None, garbled })
    }

    /// Goes on with the unfinished message, taking from the input what it lacks and no more. The length of a whole
    /// message, 0 when the input is used up or nothing unfinished is left.
    fn complete(&mut self, input: &[u8], consumed: &mut usize, garbled: &mut bool) -> Result<usize, Code> {
        while self.length > 0 {
            match look(&self.partial[..self.length], self.partial.len()) {
                Look::More(needed) => {
                    let rest = &input[*consumed..];
                    let taken = rest.len().min(needed.saturating_sub(self.length));
                    if taken == 0 {
                        return Ok(0);
                    }
                    self.partial[self.length..self.length + taken].copy_from_slice(&rest[..taken]);
                    (self.length, *consumed) = (self.length + taken, *consumed + taken);
                }
                Look::Is(Split::Message { length }) => {
                    (self.spent, self.in_garbage) = (true, false);
                    return Ok(length);
                }
                Look::Is(other) => {
                    let mut skip = self.refused(other, garbled)?;
                    if let Some(mut through) = self.skipping {
                        let (bytes, over) = through.over(&self.partial[skip..self.length]);
                        self.skipping = (!over).then_some(through);
                        self.skip(bytes);
                        skip += bytes;
                    }
                    self.partial.copy_within(skip..self.length, 0);
                    self.length -= skip;
                }
            }
        }
        Ok(0)
    }

    /// What is no message: how many bytes go.
    #[cold]
    fn refused(&mut self, split: Split, garbled: &mut bool) -> Result<usize, Code> {
        match split {
            Split::Noise { skip } => {
                self.skip(skip);
                Ok(skip)
            }
            Split::Garbled { skip, through_checksum } => {
                *garbled = true;
                self.skipping = through_checksum.then(Skip::new);
                self.skip(skip);
                Ok(skip)
            }
            Split::TooLarge => Err(Code::FixTooLarge),
            Split::Incomplete | Split::Message { .. } => Ok(0),
        }
    }

    #[cold]
    fn skip(&mut self, bytes: usize) {
        self.garbled += !self.in_garbage as u64;
        self.in_garbage = true;
        self.skipped_bytes += bytes as u64;
    }
}
