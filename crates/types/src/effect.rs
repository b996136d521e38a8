//! # Room card: types/effect
//! In:    what the stages of a turn decide: bytes to send, events to publish, timers to set.
//! Out:   `Effects`, a fixed arena that holds them in canonical little-endian form, in order.
//! Holds: the bytes are exactly what the effects hash covers; market events leave `EFFECT_RESERVE_BYTES` for orders.
//! Costs: one copy per effect; no allocation after `new`.
//!
//! Canonical form of one effect: kind u16, connection u16 (Send, else 0), payload length u32, time u64, then the
//! payload, padded with zeros to a multiple of 8.
//! Payloads: the bytes to send; the 64- or 128-byte record; timer id u64 and moment u64.
use zerocopy::{FromBytes, IntoBytes};

use crate::event::Event;
use crate::ids::{ConnId, TimerId};
use crate::limits::{EFFECT_BYTES_MAX, EFFECT_RESERVE_BYTES};
use crate::order::OrderEvent;
use crate::time::UnixNanos;

/// Bytes before the payload of a canonical effect.
pub const EFFECT_HEADER_BYTES: usize = 16;

/// Kind of an effect, as in its canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum EffectKind {
    /// Bytes to send on a connection.
    Send = 1,
    /// A market event to publish.
    Event = 2,
    /// An order event to publish.
    Order = 3,
    /// A timer to set.
    Timer = 4,
}

/// One effect, borrowed from the arena.
#[derive(Clone, Copy, Debug)]
pub enum EffectRef<'a> {
    /// Bytes to send on a connection.
    Send {
        /// Where to.
        conn: ConnId,
        /// Unmasked payload.
        bytes: &'a [u8],
    },
    /// A market event to publish.
    Event(&'a Event),
    /// An order event to publish.
    Order(&'a OrderEvent),
    /// A timer to set; a timer of the same id is moved.
    Timer {
        /// Which.
        id: TimerId,
        /// When.
        at: UnixNanos,
    },
}

/// The effects of one turn.
#[derive(Debug)]
pub struct Effects {
    arena: Box<[u8]>,
    length: usize,
    now: UnixNanos,
    refused: u64,
}

impl Default for Effects {
    fn default() -> Self {
        Self::new()
    }
}

impl Effects {
    /// An empty arena of `EFFECT_BYTES_MAX` bytes.
    pub fn new() -> Effects {
        Effects { arena: vec![0; EFFECT_BYTES_MAX].into_boxed_slice(), length: 0, now: UnixNanos::NONE, refused: 0 }
    }
    /// Empties the arena for the next turn.
    #[inline]
    pub fn begin(&mut self, now: UnixNanos) {
        (self.length, self.now) = (0, now);
    }
    /// The canonical bytes of the turn.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.arena[..self.length]
    }
    /// Is there nothing?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
    /// Effects that found no room since the start: market events beyond the reserve (nothing else can, by the bounds of
    /// a turn).
    pub fn refused(&self) -> u64 {
        self.refused
    }

    #[inline]
    fn push(&mut self, kind: EffectKind, conn: u16, payload: &[u8], limit: usize) -> Option<usize> {
        let padded = payload.len().next_multiple_of(8);
        let end = self.length + EFFECT_HEADER_BYTES + padded;
        if end > limit {
            self.refused += 1;
            return None;
        }
        let slot = &mut self.arena[self.length..end];
        slot[0..2].copy_from_slice(&(kind as u16).to_le_bytes());
        slot[2..4].copy_from_slice(&conn.to_le_bytes());
        slot[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        slot[8..16].copy_from_slice(&self.now.0.to_le_bytes());
        slot[EFFECT_HEADER_BYTES..EFFECT_HEADER_BYTES + payload.len()].copy_from_slice(payload);
        slot[EFFECT_HEADER_BYTES + payload.len()..].fill(0);
        let at = self.length;
        self.length = end;
        Some(at)
    }

    /// Bytes to send. `false` when the arena is full, which the bounds of a turn exclude.
    #[inline]
    pub fn send(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        let limit = self.arena.len();
        self.push(EffectKind::Send, conn.0, bytes, limit).is_some()
    }
    /// A market event to publish. `None` (counted) when only the reserve is left; else its place, for `set_last`.
    #[inline]
    pub fn event(&mut self, event: &Event) -> Option<usize> {
        let limit = self.arena.len() - EFFECT_RESERVE_BYTES;
        self.push(EffectKind::Event, 0, event.as_bytes(), limit)
    }
    /// An order event to publish. `false` when the arena is full, which the bounds of a turn exclude.
    #[inline]
    pub fn order(&mut self, event: &OrderEvent) -> bool {
        let limit = self.arena.len();
        self.push(EffectKind::Order, 0, event.as_bytes(), limit).is_some()
    }
    /// A timer to set. `false` when the arena is full, which the bounds of a turn exclude.
    #[inline]
    pub fn timer(&mut self, id: TimerId, at: UnixNanos) -> bool {
        let limit = self.arena.len();
        let mut payload = [0u8; 16];
        payload[..8].copy_from_slice(&id.0.to_le_bytes());
        payload[8..].copy_from_slice(&at.0.to_le_bytes());
        self.push(EffectKind::Timer, 0, &payload, limit).is_some()
    }
    /// Sets flag bits on an event already in the arena, at the place `event` returned.
    #[inline]
    pub fn set_event_flags(&mut self, place: usize, flags: u8) {
        self.arena[place + EFFECT_HEADER_BYTES + core::mem::offset_of!(Event, flags)] |= flags;
    }
    /// The effects in order.
    #[inline]
    pub fn iter(&self) -> EffectIter<'_> {
        EffectIter { rest: self.bytes() }
    }
}

impl<'a> IntoIterator for &'a Effects {
    type Item = EffectRef<'a>;
    type IntoIter = EffectIter<'a>;
    fn into_iter(self) -> EffectIter<'a> {
        self.iter()
    }
}

/// Walks canonical effects. Stops at the first malformed one (only possible on foreign bytes).
#[derive(Clone, Debug)]
pub struct EffectIter<'a> {
    rest: &'a [u8],
}

impl<'a> EffectIter<'a> {
    /// Over canonical bytes, such as those of a dump file. Bytes must start on an 8-byte boundary in memory.
    pub fn over(bytes: &'a [u8]) -> Self {
        EffectIter { rest: bytes }
    }
}

impl<'a> Iterator for EffectIter<'a> {
    type Item = EffectRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<EffectRef<'a>> {
        let header = self.rest.get(..EFFECT_HEADER_BYTES)?;
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let conn = ConnId(u16::from_le_bytes([header[2], header[3]]));
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let payload = self.rest.get(EFFECT_HEADER_BYTES..EFFECT_HEADER_BYTES + length)?;
        let effect = match kind {
            1 => EffectRef::Send { conn, bytes: payload },
            2 => EffectRef::Event(Event::ref_from_bytes(payload).ok()?),
            3 => EffectRef::Order(OrderEvent::ref_from_bytes(payload).ok()?),
            4 => {
                let (id, at) = (payload.first_chunk::<8>()?, payload.last_chunk::<8>()?);
                EffectRef::Timer { id: TimerId(u64::from_le_bytes(*id)), at: UnixNanos(u64::from_le_bytes(*at)) }
            }
            _ => return None,
        };
        self.rest = self.rest.get(EFFECT_HEADER_BYTES + length.next_multiple_of(8)..)?;
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, flag};
    use crate::ids::{InstrumentId, OrderId};
    use crate::num::Side;
    use crate::order::OrderEventKind;

    #[test]
    fn canonical_bytes_are_as_documented() {
        let mut effects = Effects::new();
        effects.begin(UnixNanos(0x0102));
        assert!(effects.send(ConnId(3), b"8=FIX"));
        assert!(effects.timer(TimerId(9), UnixNanos(10)));
        let mut want = vec![1, 0, 3, 0, 5, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0];
        want.extend_from_slice(b"8=FIX\0\0\0");
        want.extend_from_slice(&[4, 0, 0, 0, 16, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
        want.extend_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(effects.bytes(), want);
    }

    #[test]
    fn iterates_in_order_and_marks_the_last() {
        let mut effects = Effects::new();
        effects.begin(UnixNanos(1));
        let place = effects.event(&Event::new(EventKind::Trade, InstrumentId(0))).unwrap();
        effects.order(&OrderEvent::new(OrderEventKind::New, InstrumentId(0), Side::Buy, OrderId::new(1, 1)));
        effects.send(ConnId(1), b"x");
        effects.set_event_flags(place, flag::LAST);
        let seen: Vec<_> = effects.iter().collect();
        assert!(matches!(seen[0], EffectRef::Event(e) if e.flags == flag::LAST));
        assert!(matches!(seen[1], EffectRef::Order(_)));
        assert!(matches!(seen[2], EffectRef::Send { conn: ConnId(1), bytes: b"x" }));
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn market_events_leave_the_reserve_to_orders() {
        let mut effects = Effects::new();
        let event = Event::new(EventKind::Level, InstrumentId(0));
        while effects.event(&event).is_some() {}
        assert_eq!(effects.refused(), 1);
        assert!(effects.send(ConnId(1), &[0; 512]));
    }
}
