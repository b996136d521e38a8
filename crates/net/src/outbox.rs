//! # Room card: net/outbox
//! In:    bytes to send.
//! Out:   the same bytes to the socket, in order; what the kernel does not take is kept.
//! Holds: nothing is written past bytes that are kept; the bound is the caller's check before.
//! Costs: one write when nothing is kept, one copy when something is; memory grows once and is used again.
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};

/// Memory an outbox keeps when its connection is gone.
const SPARE_BYTES: usize = 64 << 10;

/// Bytes the kernel has not taken yet: a ring, so that neither end moves what is between.
#[derive(Default)]
pub(crate) struct Outbox {
    kept: VecDeque<u8>,
    /// The kernel said "would block", and has not yet said otherwise.
    full: bool,
}

/// Writes until all is taken or the kernel takes no more.
fn write_all_it_takes(stream: &mut impl Write, bytes: &[u8], full: &mut bool) -> io::Result<usize> {
    let mut taken = 0;
    // Ends: each round takes at least a byte, or returns, but for a signal in between.
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                *full = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The transport says that the kernel takes bytes again.
    pub(crate) fn writable(&mut self) {
        self.full = false;
    }

    /// Sends what the kernel takes and keeps the rest.
    #[inline]
    pub(crate) fn push(&mut self, stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        let straight = self.kept.is_empty() && !self.full;
        let taken = if straight { write_all_it_takes(stream, bytes, &mut self.full)? } else { 0 };
        self.kept.extend(&bytes[taken..]);
        Ok(())
    }

    /// Sends of what is kept as much as the kernel takes.
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> io::Result<()> {
        // Two rounds at most: a ring is two slices.
        while !self.full && !self.kept.is_empty() {
            let (first, second) = self.kept.as_slices();
            let slice = if first.is_empty() { second } else { first };
            let taken = write_all_it_takes(stream, slice, &mut self.full)?;
            self.kept.drain(..taken);
        }
        Ok(())
    }

    /// Drops what is kept, for another connection to use the memory.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.kept.shrink_to(SPARE_BYTES);
        self.full = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    /// A socket with little room.
    #[derive(Default)]
    struct Narrow {
        room: usize,
        got: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match bytes.len().min(self.room) {
                0 => Err(ErrorKind::WouldBlock.into()),
                count => {
                    self.room -= count;
                    self.got.extend(&bytes[..count]);
                    Ok(count)
                }
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_leave_in_order_through_any_socket() {
        let seed = 0x0b0e;
        let mut random = SplitMix64::new(seed);
        let (mut outbox, mut socket, mut sent) = (Outbox::default(), Narrow::default(), Vec::<u8>::new());
        for round in 0..20_000u32 {
            let bytes: Vec<u8> = (0..random.next_u64() % 40).map(|i| (round as u64 + i) as u8).collect();
            outbox.push(&mut socket, &bytes).unwrap();
            sent.extend(&bytes);
            assert_eq!(socket.got.len() + outbox.len(), sent.len(), "seed {seed} round {round}");
            if random.below(3) == 0 {
                socket.room += (random.next_u64() % 70) as usize;
                outbox.writable();
                // Told, and a send comes before the flush: it must not overtake what is kept.
                if random.below(2) == 0 {
                    outbox.flush(&mut socket).unwrap();
                }
            }
        }
        socket.room = usize::MAX;
        outbox.writable();
        outbox.flush(&mut socket).unwrap();
        assert_eq!(outbox.len(), 0);
        assert!(socket.got == sent, "seed {seed}");
    }

    #[test]
    fn nothing_is_tried_while_the_kernel_is_full() {
        let (mut outbox, mut socket) = (Outbox::default(), Narrow { room: 3, got: Vec::new() });
        outbox.push(&mut socket, b"abcdef").unwrap();
        socket.room = 100;
        outbox.flush(&mut socket).unwrap();
        outbox.push(&mut socket, b"gh").unwrap();
        assert_eq!((socket.got.as_slice(), outbox.len()), (&b"abc"[..], 5));
        outbox.writable();
        outbox.flush(&mut socket).unwrap();
        assert_eq!((socket.got.as_slice(), outbox.len()), (&b"abcdefgh"[..], 0));
    }
}
