//! # Room card: oms/order
//! In:    the terms asked for and the answers so far.
//! Out:   `Order`: what is known of one order.
//! Holds: identity never changes; price and quantity are the terms in force at the venue as far as known.
//! Costs: one copy per change, 144 bytes.
use types::{AlgoId, ClientId, InstrumentId, Lots, OrderId, OrderState, Side, Ticks, TraderId};

/// A replace that the venue has not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Counter of its ClOrdID; 0 = none.
    pub request: u32,
    /// Price asked for.
    pub price: Ticks,
    /// Total quantity asked for, filled part included.
    pub quantity: Lots,
}

/// Requests the venue has not answered, by the counter of their ClOrdID; 0 = none. An order that has ended keeps them,
/// so that an answer that comes after the end is known for what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pending {
    /// The new order itself.
    pub new: u32,
    /// A cancel.
    pub cancel: u32,
    /// A replace.
    pub replace: Asked,
}

impl Pending {
    pub(crate) const fn counters(&self) -> [u32; 3] {
        [self.new, self.cancel, self.replace.request]
    }
    pub(crate) const fn any(&self) -> bool {
        self.new != 0 || self.cancel != 0 || self.replace.request != 0
    }
}

/// One order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Identity for life: the ClOrdID of its first request.
    pub id: OrderId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// State.
    pub state: OrderState,
    /// POST_ONLY, REDUCE_ONLY, IOC of `types::flag`.
    pub flags: u8,
    /// Price in force, ticks.
    pub price: Ticks,
    /// Quantity in force, lots, filled part included.
    pub quantity: Lots,
    /// Cumulative filled quantity, lots, as the venue counts it where it said so.
    pub filled: Lots,
    /// The caller's reference; 0 for the native quoter.
    pub client_id: ClientId,
    /// Deciding algorithm.
    pub algo_id: AlgoId,
    /// Trader or desk.
    pub trader_id: TraderId,
    /// Counter of the ClOrdID whose terms are in force: the first one, then that of each replace that took effect.
    pub current: u32,
    /// What the venue has not answered.
    pub pending: Pending,
}

impl Order {
    pub(crate) const BLANK: Order = Order {
        id: OrderId::NONE,
        instrument: InstrumentId(0),
        side: Side::Buy,
        state: OrderState::Rejected,
        flags: 0,
        price: Ticks(0),
        quantity: Lots(0),
        filled: Lots(0),
        client_id: ClientId(0),
        algo_id: AlgoId(0),
        trader_id: TraderId(0),
        current: 0,
        pending: Pending { new: 0, cancel: 0, replace: Asked { request: 0, price: Ticks(0), quantity: Lots(0) } },
    };

    /// What can still fill at worst, lots: 0 once ended; while a replace is unanswered the larger of old and asked
    /// remainder.
    #[inline]
    pub const fn open_lots(&self) -> Lots {
        if !self.state.is_open() {
            return Lots(0);
        }
        let asked = self.pending.replace;
        let most =
            if asked.request != 0 && asked.quantity.0 > self.quantity.0 { asked.quantity.0 } else { self.quantity.0 };
        Lots(if most > self.filled.0 { most - self.filled.0 } else { 0 })
    }

    /// Must a report naming this counter still find the order? Of an ended one, its first and its current ClOrdID.
    pub(crate) const fn needs(&self, counter: u32) -> bool {
        let lasting = counter == self.id.counter() || counter == self.current;
        lasting || self.state.is_open() && (counter == self.pending.cancel || counter == self.pending.replace.request)
    }
}
