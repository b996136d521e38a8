//! # Room card: wire/fix/session/queue
//! In:    messages of the peer that came before their turn.
//! Out:   each when its turn has come.
//! Holds: one message a number, bounded by count and by bytes; what does not fit is not kept, and asked for again.
//! Costs: a copy and a tree node a message; nothing while messages come in order.
use std::collections::BTreeMap;

/// Messages behind a gap.
#[derive(Debug)]
pub(super) struct Queue {
    /// By number; empty bytes stand for a message that was answered when it came: only its number is still to be taken.
    messages: BTreeMap<u64, Box<[u8]>>,
    bytes: usize,
    messages_max: usize,
    bytes_max: usize,
}

impl Queue {
    pub(super) const fn new(messages_max: usize, bytes_max: usize) -> Queue {
        Queue { messages: BTreeMap::new(), bytes: 0, messages_max, bytes_max }
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }

    /// Keeps a message if there is room, and none with its number.
    pub(super) fn put(&mut self, sequence: u64, message: &[u8]) {
        let fits = self.messages.len() < self.messages_max && self.bytes + message.len() <= self.bytes_max;
        if fits && !self.messages.contains_key(&sequence) {
            self.bytes += message.len();
            self.messages.insert(sequence, message.into());
        }
    }

    /// Drops what was passed over.
    pub(super) fn drop_below(&mut self, sequence: u64) {
        while self.messages.first_key_value().is_some_and(|first| *first.0 < sequence) {
            self.pop();
        }
    }

    /// Is the message with this number kept?
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.messages.contains_key(&sequence)
    }

    /// Takes the number of a message that was answered when it came.
    pub(super) fn take_answered(&mut self, sequence: u64) -> bool {
        let is_next = self.messages.first_key_value().is_some_and(|first| *first.0 == sequence && first.1.is_empty());
        if is_next {
            self.pop();
        }
        is_next
    }

    /// Takes the message with this number, if it is the first.
    pub(super) fn take(&mut self, sequence: u64, into: &mut Vec<u8>) -> bool {
        into.clear();
        let is_next = self.messages.first_key_value().is_some_and(|first| *first.0 == sequence && !first.1.is_empty());
        if is_next && let Some(message) = self.pop() {
            into.extend_from_slice(&message);
        }
        is_next
    }

    fn pop(&mut self) -> Option<Box<[u8]>> {
        let (_, message) = self.messages.pop_first()?;
        self.bytes -= message.len();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_and_numbers_come_in_order() {
        let mut queue = Queue::new(3, 10);
        let mut got = Vec::new();
        queue.put(7, b"seven");
        queue.put(7, b"7");
        queue.put(5, b"five");
        queue.put(9, b"xx");
        assert!(!queue.has(9), "eleven bytes");
        queue.put(9, b"x");
        queue.put(11, b"");
        assert!(queue.has(9) && !queue.has(11), "four messages");
        assert!(!queue.take(6, &mut got) && got.is_empty());
        assert!(queue.take(5, &mut got) && got == b"five");
        queue.put(8, b"");
        assert!(!queue.take_answered(7) && queue.take(7, &mut got) && got == b"seven");
        assert!(!queue.take(8, &mut got) && queue.take_answered(8));
        queue.drop_below(10);
        assert!(!queue.has(9) && queue.bytes == 0);
        queue.put(12, b"0123456789");
        assert!(queue.has(12), "at the bound");
        queue.clear();
        assert!(!queue.has(12) && queue.bytes == 0);
        let mut none = Queue::new(0, 0);
        none.put(1, b"");
        assert!(!none.has(1));
    }
}
