//! # Room card: types/ids
//! In:    small integers given out by configuration and by the order counter.
//! Out:   one newtype per kind of identity, so that none can be passed for another.
//! Holds: an `OrderId` is session number and counter, below 2^53, never reused.
//! Costs: the machine integer they wrap.

/// Position of an instrument in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct InstrumentId(pub u16);

impl InstrumentId {
    /// As an index into per-instrument tables.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position of a venue in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct VenueId(pub u8);

/// A caller's own reference for an order (from a strategy or gateway); zero when the native quoter owns the order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ClientId(pub u64);

impl ClientId {
    /// The producer whose reference this is stands above this many bits: two producers never give out the same one.
    pub const PRODUCER_SHIFT: u32 = 40;
    /// The first reference a producer gives out.
    pub const fn first_of(producer: u16) -> ClientId {
        ClientId(((producer as u64) << ClientId::PRODUCER_SHIFT) + 1)
    }
    /// Whose reference it is. May be beyond `PRODUCERS_MAX`: then it is nobody's.
    pub const fn producer(self) -> u64 {
        self.0 >> ClientId::PRODUCER_SHIFT
    }
}

/// The algorithm that decided an order, by the user's own numbering.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct AlgoId(pub u16);

/// The person or desk an order is attributed to, by the user's own numbering.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TraderId(pub u16);

/// A timer. Ids below `TimerId::FIRST_USER` belong to the engine, the rest to strategies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TimerId(pub u64);

impl TimerId {
    /// The first id a strategy may use.
    pub const FIRST_USER: TimerId = TimerId(1 << 32);
}

/// Identity of an order or of a cancel/replace request: journalled session number and a counter.
/// The FIX ClOrdID is its text form `session-counter`. Sessions stay below 2^21 so that the whole is a safe integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct OrderId(pub u64);

impl OrderId {
    /// No order.
    pub const NONE: OrderId = OrderId(0);
    /// Largest session number.
    pub const SESSION_MAX: u32 = (1 << 21) - 1;
    /// From its parts.
    #[inline]
    pub const fn new(session: u32, counter: u32) -> OrderId {
        OrderId(((session as u64) << 32) | counter as u64)
    }
    /// The session number.
    #[inline]
    pub const fn session(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// The counter within the session; starts at 1.
    #[inline]
    pub const fn counter(self) -> u32 {
        self.0 as u32
    }
}

/// A connection as the core knows it: what it carries, never a socket. See `ConnRole`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ConnId(pub u16);

/// What a connection carries. The numbering is fixed so that a journal reads the same in every process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnRole {
    /// Market data of a venue.
    Market(VenueId),
    /// Order entry of a venue.
    Orders(VenueId),
    /// Answers to book snapshot requests for one instrument (the answer itself names none).
    Snapshot(InstrumentId),
}

impl ConnId {
    const SNAPSHOT_BASE: u16 = 1024;
    /// Market data of a venue.
    pub const fn market(venue: VenueId) -> ConnId {
        ConnId(venue.0 as u16 * 2)
    }
    /// Order entry of a venue.
    pub const fn orders(venue: VenueId) -> ConnId {
        ConnId(venue.0 as u16 * 2 + 1)
    }
    /// Snapshot answers for an instrument.
    pub const fn snapshot(instrument: InstrumentId) -> ConnId {
        ConnId(Self::SNAPSHOT_BASE + instrument.0)
    }
    /// What this connection carries.
    pub const fn role(self) -> ConnRole {
        if self.0 >= Self::SNAPSHOT_BASE {
            ConnRole::Snapshot(InstrumentId(self.0 - Self::SNAPSHOT_BASE))
        } else if self.0.is_multiple_of(2) {
            ConnRole::Market(VenueId((self.0 / 2) as u8))
        } else {
            ConnRole::Orders(VenueId((self.0 / 2) as u8))
        }
    }
}
