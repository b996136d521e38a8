//! # Room card: risk/gate
//! In:    `OrderAsk` with the exposure and reference of its instrument; kill, reduce-only, limits, venue up and down.
//! Out:   pass, or one `Reject` {code, limit, used, asked}.
//! Holds: the checks run in one fixed order and the first that fails is the answer; only what is sent is counted.
//! Costs: a chain of comparisons, one 128-bit product for the value; no allocation but in `new` and `set_limits`.
//!
//! Only new orders and replaces come here. **Cancels never do**: no state of the gate can hold one back.
//!
//! | # | check | code | limit | used | asked |
//! |---|---|---|---|---|---|
//! | 0 | instrument known | `UNKNOWN_INSTRUMENT` | instruments | 0 | its number |
//! | 1 | kill switch off | `KILLED` | 0 | 0 | 1 message |
//! | 2 | venue's breaker lets it through | `BREAKER_OPEN` | failures that open it | failures counted | 1 message |
//! | 3 | venue's order connection up | `VENUE_DOWN` | 0 | 0 | 1 message |
//! |   | and orders and positions agreed with the venue | `RECONCILING` | 0 | 0 | 1 message |
//! | 4 | quantity above zero | `QUANTITY_NOT_POSITIVE` | 1 lot | 0 | quantity |
//! | 5 | quantity at most the limit | `QUANTITY_ABOVE_MAX` | lots | 0 | quantity |
//! | 6 | price above zero | `PRICE_NOT_POSITIVE` | 1 tick | 0 | price |
//! | 7 | price on the order increment | `PRICE_OFF_INCREMENT` | increment there | 0 | price |
//! | 8 | value fits | `OVERFLOW` | largest i64 | price, ticks | quantity, lots |
//! | 9 | value at most the limit | `VALUE_ABOVE_MAX` | smallest money units | 0 | value |
//! | 10 | value at least the minimum notional | `NOTIONAL_BELOW_MIN` | smallest money units | 0 | value |
//! | 11 | position with open orders | `POSITION_ABOVE_MAX` | lots | lots towards this side | quantity |
//! | 12 | reduce-only | `REDUCE_ONLY` | lots that can be reduced | open lots of the side | quantity |
//! | 13 | a reference is there | `REFERENCE_ABSENT` | oldest age, ns | 0 | 0 |
//! | 14 | it is fresh | `REFERENCE_STALE` | oldest age, ns | its age, ns | 0 |
//! | 15 | price within the collar | `PRICE_COLLAR` | furthest price, ticks | reference, rounded down | price |
//! | 16 | message rate | `RATE_ABOVE_MAX` | messages in the window | messages in it | 1 message |
//!
//! Boundaries are inclusive: a value equal to its limit passes; a reference exactly at the oldest age passes; a price
//! exactly on the collar passes; a message exactly one window after another no longer counts it.
//!
//! 9-10: the value is that of the quantity asked about (for a replace what would be open), in the settlement currency,
//! rounded half away from zero. Reduce-only orders are not exempt from the minimum notional: venues differ, and what
//! might be refused there is refused here.
//! 11-12: a replace gives back the open lots of the order it replaces, and is checked with what would be open instead.
//! It is refused like a new order even where it makes the order smaller; the way to less is always open: cancel.
//! 13: a reference at or below zero is none.
//! 16: new orders and replaces that are sent are counted, per instrument, in an exact sliding window. Cancels are
//! neither checked nor counted.
use types::config::{RiskLimits, Setup};
use types::{Code, Instrument, InstrumentId, Lots, OrderId, Reject, Side, Ticks, UnixNanos, VenueId};

use crate::breaker::{Breaker, BreakerState, Failure};
use crate::window::StampWindow;

/// What is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderAsk {
    /// Side.
    pub side: Side,
    /// Limit price.
    pub price: Ticks,
    /// Quantity of a new order; for a replace the lots the order would then have open (its filled part left out).
    pub quantity: Lots,
    /// For a replace the open lots of the order it replaces, as they stand in `Exposure`; `None` for a new order.
    pub replaces: Option<Lots>,
    /// The order itself is marked reduce-only.
    pub reduce_only: bool,
}

/// Position and open orders of the instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exposure {
    /// Position, long positive.
    pub position: Lots,
    /// All live, pending and in-cancel buy lots.
    pub open_buy: Lots,
    /// All live, pending and in-cancel sell lots.
    pub open_sell: Lots,
}

/// The price that the collar is measured from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Bid plus ask of the touch in ticks: the mid in half ticks.
    pub mid_half_ticks: i64,
    /// Receive time of that touch.
    pub at: UnixNanos,
}

#[derive(Clone, Debug)]
struct InstrumentGate {
    limits: RiskLimits,
    /// Switched on beside the limits, and not undone by a new set of them.
    reduce_only: bool,
    messages: StampWindow,
}

#[derive(Clone, Debug)]
struct VenueGate {
    link: Link,
    breaker: Breaker,
}

/// Order entry of a venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Link {
    Down,
    /// Up; orders and positions are not yet agreed.
    Reconciling,
    Up,
}

/// The pre-trade gate of one engine. Memory: 8 bytes x `max_messages` an instrument, 8 x `failures` a venue.
#[derive(Clone, Debug)]
pub struct Gate {
    killed: bool,
    instruments: Box<[InstrumentGate]>,
    venues: Box<[VenueGate]>,
}

impl Gate {
    /// A gate with the configured limits. Every venue starts down: nothing passes before `venue_up`.
    pub fn new(setup: &Setup) -> Gate {
        let instruments = setup.risk.iter().map(|limits| InstrumentGate {
            limits: limits.clone(),
            reduce_only: false,
            messages: StampWindow::new(limits.max_messages as usize),
        });
        let venues = setup.venues.iter().map(|_| VenueGate { link: Link::Down, breaker: Breaker::new(&setup.breaker) });
        Gate { killed: false, instruments: instruments.collect(), venues: venues.collect() }
    }

    /// May this order or replace be sent now? `exposure` is that of the instrument, with the order to be replaced in
    /// it. The order of the checks and the fields of each reject stand in the module's table. A pass counts nothing and
    /// claims nothing: whoever sends the order calls `sent`.
    #[inline]
    pub fn check(
        &self,
        now: UnixNanos,
        instrument: &Instrument,
        ask: &OrderAsk,
        exposure: &Exposure,
        reference: Option<Reference>,
    ) -> Result<(), Reject> {
        let known = self.instruments.len() as i64;
        let unknown = Reject { code: Code::UnknownInstrument, limit: known, used: 0, asked: instrument.id.0 as i64 };
        let own = self.instruments.get(instrument.id.index()).ok_or(unknown)?;
        let venue = self.venues.get(instrument.venue.0 as usize).ok_or(unknown)?;
        if self.killed {
            return refuse(Code::Killed, 0, 0, 1);
        }
        venue.breaker.check(now)?;
        match venue.link {
            Link::Up => {}
            Link::Down => return refuse(Code::VenueDown, 0, 0, 1),
            Link::Reconciling => return refuse(Code::Reconciling, 0, 0, 1),
        }
        check_order(&own.limits, instrument, ask)?;
        check_exposure(&own.limits, own.limits.reduce_only || own.reduce_only || ask.reduce_only, ask, exposure)?;
        check_reference(&own.limits, now, ask.price, reference)?;
        if own.messages.is_full_within(now, own.limits.message_window) {
            let count = own.messages.capacity() as i64;
            return refuse(Code::RateAboveMax, count, count, 1);
        }
        Ok(())
    }

    /// Stops all new orders and replaces for good; a killed engine is started anew.
    pub fn kill(&mut self) {
        self.killed = true;
    }

    /// Is the kill switch on?
    pub fn is_killed(&self) -> bool {
        self.killed
    }

    /// New limits of an instrument, all at once; messages already counted stay counted. Allocates where `max_messages`
    /// changes (cold path). Errors: `UnknownInstrument`.
    pub fn set_limits(&mut self, instrument: InstrumentId, limits: RiskLimits) -> Result<(), Code> {
        let own = self.instruments.get_mut(instrument.index()).ok_or(Code::UnknownInstrument)?;
        own.messages.resize(limits.max_messages as usize);
        own.limits = limits;
        Ok(())
    }

    /// The limits in force; `None` for an unknown instrument.
    pub fn limits(&self, instrument: InstrumentId) -> Option<&RiskLimits> {
        self.instruments.get(instrument.index()).map(|own| &own.limits)
    }

    /// Lets only reducing orders of the instrument pass, or no longer so. The instrument's configured `reduce_only`
    /// holds either way. Errors: `UnknownInstrument`.
    pub fn set_reduce_only(&mut self, instrument: InstrumentId, on: bool) -> Result<(), Code> {
        self.instruments.get_mut(instrument.index()).ok_or(Code::UnknownInstrument)?.reduce_only = on;
        Ok(())
    }

    /// Do only reducing orders of the instrument pass, by configuration or by `set_reduce_only`?
    pub fn is_reduce_only(&self, instrument: InstrumentId) -> bool {
        self.instruments.get(instrument.index()).is_some_and(|own| own.reduce_only || own.limits.reduce_only)
    }

    /// The venue's order connection is up, and orders and positions agree where they have to be asked for.
    pub fn venue_up(&mut self, venue: VenueId) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize) {
            venue.link = Link::Up;
        }
    }

    /// The venue's order connection is up, and orders and positions are yet to be agreed: nothing passes before
    /// `venue_up`. Also for a venue whose positions turned out to differ.
    pub fn venue_reconciling(&mut self, venue: VenueId) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize) {
            venue.link = Link::Reconciling;
        }
    }

    /// The venue's order connection is down. Where it was up this is also the breaker's `Disconnect`; do not report it
    /// twice.
    pub fn venue_down(&mut self, venue: VenueId, now: UnixNanos) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize)
            && core::mem::replace(&mut venue.link, Link::Down) != Link::Down
        {
            venue.breaker.on_failure(Failure::Disconnect, None, now);
        }
    }

    /// The order connection takes no more bytes for now: new and replace are refused until `venue_up`. Not a failure.
    pub fn venue_blocked(&mut self, venue: VenueId) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize) {
            venue.link = Link::Down;
        }
    }

    /// Do new orders pass as far as the order connection goes (up and reconciled)? `false` for an unknown venue.
    pub fn is_venue_up(&self, venue: VenueId) -> bool {
        self.venues.get(venue.0 as usize).is_some_and(|venue| venue.link == Link::Up)
    }

    /// A new order or replace that passed was sent under this request id: one message of the instrument's rate, and see
    /// `Breaker::on_sent`.
    #[inline]
    pub fn sent(&mut self, instrument: &Instrument, request: OrderId, now: UnixNanos) {
        if let Some(own) = self.instruments.get_mut(instrument.id.index()) {
            own.messages.push(now);
        }
        if let Some(venue) = self.venues.get_mut(instrument.venue.0 as usize) {
            venue.breaker.on_sent(request, now);
        }
    }

    /// The venue answered a request in any way (business rejects included). See `Breaker::on_ack`.
    #[inline]
    pub fn on_ack(&mut self, venue: VenueId, request: OrderId) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize) {
            venue.breaker.on_ack(request);
        }
    }

    /// A time-out, session reject or disconnect of the venue. See `Breaker::on_failure`.
    pub fn on_failure(&mut self, venue: VenueId, failure: Failure, request: Option<OrderId>, now: UnixNanos) {
        if let Some(venue) = self.venues.get_mut(venue.0 as usize) {
            venue.breaker.on_failure(failure, request, now);
        }
    }

    /// The breaker's state at `now`; `None` for an unknown venue.
    pub fn breaker_state(&self, venue: VenueId, now: UnixNanos) -> Option<BreakerState> {
        self.venues.get(venue.0 as usize).map(|venue| venue.breaker.state(now))
    }
}

#[inline]
fn refuse(code: Code, limit: i64, used: i64, asked: i64) -> Result<(), Reject> {
    Err(Reject { code, limit, used, asked })
}

/// Checks 4 to 10.
#[inline]
fn check_order(limits: &RiskLimits, instrument: &Instrument, ask: &OrderAsk) -> Result<(), Reject> {
    let (quantity, price) = (ask.quantity.0, ask.price.0);
    if quantity <= 0 {
        return refuse(Code::QuantityNotPositive, 1, 0, quantity);
    }
    if let Some(max) = limits.max_order_lots
        && quantity > max.0
    {
        return refuse(Code::QuantityAboveMax, max.0, 0, quantity);
    }
    if price <= 0 {
        return refuse(Code::PriceNotPositive, 1, 0, price);
    }
    if !instrument.on_increment(ask.price) {
        return refuse(Code::PriceOffIncrement, instrument.increment_at(ask.price), 0, price);
    }
    // A value beyond 64 bits could not be reported, limited or summed: it does not fit, whatever the limits say.
    let value = instrument.value(ask.price, ask.quantity).and_then(|value| i64::try_from(value).ok());
    let Some(value) = value else { return refuse(Code::Overflow, i64::MAX, price, quantity) };
    if let Some(max) = limits.max_order_value
        && value > max
    {
        return refuse(Code::ValueAboveMax, max, 0, value);
    }
    if value < instrument.min_notional {
        return refuse(Code::NotionalBelowMin, instrument.min_notional, 0, value);
    }
    Ok(())
}

/// Checks 11 and 12.
#[inline]
fn check_exposure(limits: &RiskLimits, reduce_only: bool, ask: &OrderAsk, exposure: &Exposure) -> Result<(), Reject> {
    let open = match ask.side {
        Side::Buy => exposure.open_buy.0,
        Side::Sell => exposure.open_sell.0,
    };
    // Four terms below 2^63 each: nothing here can pass 128 bits. A replaced order that is not in the exposure frees
    // nothing.
    let others = (open as i128 - ask.replaces.unwrap_or(Lots::ZERO).0.max(0) as i128).max(0);
    let directed = exposure.position.0 as i128 * ask.side.sign() as i128;
    if let Some(max) = limits.max_position_lots
        && directed + others + ask.quantity.0 as i128 > max.0 as i128
    {
        return refuse(Code::PositionAboveMax, max.0, saturated(directed + others), ask.quantity.0);
    }
    let reducible = (-directed).max(0);
    if reduce_only && others + ask.quantity.0 as i128 > reducible {
        return refuse(Code::ReduceOnly, saturated(reducible), saturated(others), ask.quantity.0);
    }
    Ok(())
}

/// Checks 13 to 15.
#[inline]
fn check_reference(
    limits: &RiskLimits,
    now: UnixNanos,
    price: Ticks,
    reference: Option<Reference>,
) -> Result<(), Reject> {
    let max_age = limits.reference_max_age;
    let Some(reference) = reference.filter(|reference| reference.mid_half_ticks > 0) else {
        return refuse(Code::ReferenceAbsent, max_age.0, 0, 0);
    };
    let age = now.since(reference.at);
    if age > max_age {
        return refuse(Code::ReferenceStale, max_age.0, age.0, 0);
    }
    // |2·price - mid| ≤ mid·bp/10000 in half ticks, without the division.
    let (mid, basis_points) = (reference.mid_half_ticks as i128, limits.collar_basis_points as i128);
    let off = 2 * price.0 as i128 - mid;
    if off.abs() * 10_000 > mid * basis_points {
        let furthest = if off > 0 {
            mid * (10_000 + basis_points) / 20_000
        } else {
            (mid * (10_000 - basis_points) + 19_999).div_euclid(20_000)
        };
        return refuse(Code::PriceCollar, saturated(furthest), reference.mid_half_ticks / 2, price.0);
    }
    Ok(())
}

/// For a report only: the nearest 64-bit number.
#[inline]
fn saturated(value: i128) -> i64 {
    value.clamp(i64::MIN as i128, i64::MAX as i128) as i64
}
