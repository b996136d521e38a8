//! # Room card: venue/generated
//! In:    a seed and rates; our requests; the demand for the next event.
//! Out:   `GeneratedVenue`: a market that trades by price-time priority, its feed, and reports for our orders in it.
//! Holds: our orders stand in the same queues; two-sided after every step; prices above zero; one seed, one stream.
//! Costs: 0.3 µs an event (`cargo run --release -p fafnir-venue --example generated_rate`); no allocation after `new`.
//!
//! The model (see `arrivals`): market orders are a Hawkes process, a side each by a fair coin, geometric sizes. Limit
//! orders arrive as a Poisson process, at a geometric distance from a reference price that follows a random walk; one
//! that would trade is put one tick behind the other side's best instead, so that the reference moves the market by
//! quotes and only market orders take. Every resting order of the market is cancelled at a constant rate. A side that
//! empties is seeded anew, one order per tick away from the reference.
//!
//! Feed: a trade per aggressing order and price level; a touch after each event that changed it; every 100 ms of
//! market time a diff with the final quantity of each changed level. The update id counts changes of levels; a snapshot
//! takes an id of its own, so that the next diff always straddles it.
use types::config::{Feed, GeneratedConfig};
use types::time::{NANOS_PER_MILLI, NANOS_PER_SECOND};
use types::{
    Code, Decimal, DepthHeader, Instrument, InstrumentId, Level, Lots, Nanos, OrderEvent, OrderEventKind, Side,
    SnapshotHeader, Ticks, Touch, TouchPrint, TradePrint, UnixNanos, flag,
};

use crate::arrivals::{Arrival, Arrivals};
use crate::desk::{Desk, OWN_ORDERS_MAX};
use crate::entry::{Floor, cancel_spent, end, serve};
use crate::feed::{FeedBatch, FeedItem, append};
use crate::ledger::Ledger;
use crate::matching::{Counterparty, Handle, Maker, Matcher};

/// Orders of the market and ours together; beyond it limit orders of the market are skipped and ours rejected.
pub const GENERATED_ORDERS_MAX: usize = 65_536;
/// Price levels of a side; beyond it likewise.
pub const GENERATED_LEVELS_MAX: usize = 4_096;
/// Orders the book starts with at most; fewer where the rates keep fewer alive.
const SEED_ORDERS_MAX: f64 = 20_000.0;
/// Orders that a side is seeded with when it is empty.
const RESEED_ORDERS: i64 = 20;
/// Time between two diffs.
const DIFF_NANOS: u64 = 100 * NANOS_PER_MILLI;
/// Owner of a generated order.
const MARKET: u32 = u32::MAX;

// The market leaves room in the slab for every order of ours.
const _: () = assert!(OWN_ORDERS_MAX < GENERATED_ORDERS_MAX);

/// A generated market in which we trade; one instrument.
#[derive(Debug)]
pub struct GeneratedVenue {
    matcher: Matcher,
    desk: Desk<Handle>,
    arrivals: Arrivals,
    feed: Feed,
    now: UnixNanos,
    end: UnixNanos,
    next_arrival: UnixNanos,
    next_diff: UnixNanos,
    /// Last update id of the last diff.
    published: u64,
    shown: Touch,
    trade_id: u64,
    mean_lots: i64,
    skipped: u64,
}

impl GeneratedVenue {
    /// A seeded market at its start. `ConfigInvalid` where the configuration's own check was passed by.
    pub fn new(instrument: &Instrument, config: &GeneratedConfig, feed: Feed) -> Result<GeneratedVenue, Code> {
        let start = Decimal::parse(&config.start_price).and_then(|price| instrument.price.steps(price));
        let start = start.filter(|start| (1_000..=1 << 50).contains(start)).ok_or(Code::ConfigInvalid)?;
        let rates = [
            config.market_orders_per_second,
            config.limit_orders_per_second,
            config.cancel_rate_per_second,
            config.cluster_decay_per_second,
            config.depth_decay_per_tick,
            config.mean_order_lots,
        ];
        let branching = (0.0..=0.95).contains(&config.cluster_branching);
        let volatility = (0.0..=1e4).contains(&config.reference_volatility_ticks);
        let in_range = rates.iter().all(|rate| *rate > 0.0 && *rate <= 1e6) && branching && volatility;
        if !in_range || config.start_unix_seconds > 10_000_000_000 {
            return Err(Code::ConfigInvalid);
        }
        let now = UnixNanos(config.start_unix_seconds * NANOS_PER_SECOND);
        let mut venue = GeneratedVenue {
            matcher: Matcher::new(GENERATED_ORDERS_MAX, GENERATED_LEVELS_MAX),
            desk: Desk::new(instrument),
            arrivals: Arrivals::new(config, start),
            feed,
            now,
            end: UnixNanos(now.0 + config.seconds as u64 * NANOS_PER_SECOND),
            next_arrival: now,
            next_diff: now.plus(Nanos(DIFF_NANOS as i64)),
            published: 0,
            shown: Touch::default(),
            trade_id: 0,
            mean_lots: config.mean_order_lots.max(1.0) as i64,
            skipped: 0,
        };
        let alive = (config.limit_orders_per_second / config.cancel_rate_per_second).min(SEED_ORDERS_MAX);
        for _ in 0..alive as usize {
            venue.add_limit_order();
        }
        venue.reseed();
        venue.matcher.forget_changes();
        venue.published = venue.matcher.mark();
        venue.schedule();
        Ok(venue)
    }

    /// When the next internal event is; `None` after the market's end.
    pub fn next_event_time(&self) -> Option<UnixNanos> {
        let next = self.next_arrival.min(self.next_diff).max(self.now);
        (next <= self.end).then_some(next)
    }

    /// Processes exactly the next internal event (an arrival, or a diff that is due) and says when it was; `None`
    /// after the market's end.
    pub fn step(&mut self, feed: &mut FeedBatch, reports: &mut Vec<OrderEvent>) -> Option<UnixNanos> {
        let now = self.next_event_time()?;
        self.now = now;
        if self.next_diff <= self.next_arrival {
            self.publish_diff(feed);
            return Some(now);
        }
        match self.arrivals.arrive(self.matcher.len().saturating_sub(self.desk.open_count())) {
            Arrival::Market => self.market_order(feed, reports),
            Arrival::Limit => self.add_limit_order(),
            Arrival::Cancel => self.cancel_one(),
            Arrival::Nothing => {}
        }
        self.settle(feed, reports);
        self.schedule();
        Some(now)
    }

    /// A request arrives at the venue. `now` before the last event counts as that event's time.
    pub fn on_request(
        &mut self,
        now: UnixNanos,
        request: &OrderEvent,
        feed: &mut FeedBatch,
        reports: &mut Vec<OrderEvent>,
    ) {
        self.now = self.now.max(now);
        let now = self.now;
        serve(&mut Trading { venue: self, feed }, now, request, reports);
        self.settle(feed, reports);
    }

    /// Appends a snapshot of the whole book.
    pub fn snapshot(&mut self, now: UnixNanos, feed: &mut FeedBatch) {
        self.now = self.now.max(now);
        let header = SnapshotHeader {
            instrument: self.desk.instrument.id,
            last_id: self.matcher.mark(),
            exchange_time: self.stamp(),
        };
        let bids = append(&mut feed.bids, self.matcher.levels(Side::Buy));
        let asks = append(&mut feed.asks, self.matcher.levels(Side::Sell));
        feed.items.push(FeedItem::Snapshot { header, bids, asks });
    }

    /// The venue's account of us: all sessions together.
    pub fn ledger(&self) -> &Ledger {
        self.desk.accounts.total()
    }
    /// The account of one session (the upper half of its order ids); `None` before its first order or fill.
    pub fn account(&self, session: u32) -> Option<&Ledger> {
        self.desk.accounts.of(session)
    }
    /// Books a fill that an earlier life of this venue reported, so that accounts go on. `VenueFull` with more sessions
    /// than `ACCOUNTS_MAX`.
    pub fn restore_fill(&mut self, session: u32, side: Side, price: Ticks, lots: Lots, fee: i64) -> Result<(), Code> {
        self.desk.restore(session, side, price, lots, fee)
    }
    /// The market itself.
    pub fn market(&self) -> &Matcher {
        &self.matcher
    }
    /// Our open orders.
    pub fn open_orders(&self) -> usize {
        self.desk.open_count()
    }
    /// Generated orders that found no room or no price.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
    /// Requests that were no request.
    pub fn malformed(&self) -> u64 {
        self.desk.malformed
    }

    fn schedule(&mut self) {
        let resting = self.matcher.len().saturating_sub(self.desk.open_count());
        let wait = self.arrivals.draw_wait(resting);
        self.next_arrival = UnixNanos(self.now.0.saturating_add(wait));
    }

    /// The exchange's stamp on book messages: spot prints none.
    fn stamp(&self) -> UnixNanos {
        if self.feed == Feed::BinanceSpot { UnixNanos::NONE } else { self.now }
    }

    fn market_order(&mut self, feed: &mut FeedBatch, reports: &mut Vec<OrderEvent>) {
        let side = if self.arrivals.coin() { Side::Buy } else { Side::Sell };
        let lots = Lots(self.arrivals.size());
        self.take(side, None, lots, None, feed, reports);
    }

    /// Matches and prints. `taker` is our order's slot when it is ours.
    fn take(
        &mut self,
        side: Side,
        limit: Option<Ticks>,
        lots: Lots,
        taker: Option<u32>,
        feed: &mut FeedBatch,
        reports: &mut Vec<OrderEvent>,
    ) {
        let mut party = Party {
            desk: &mut self.desk,
            trade_id: &mut self.trade_id,
            instrument: InstrumentId(0),
            now: self.now,
            aggressor: side,
            taker,
            price: Ticks(0),
            lots: 0,
            feed,
            reports,
        };
        party.instrument = party.desk.instrument.id;
        self.matcher.take(side, limit, lots, &mut party);
        party.print();
    }

    /// A limit order at its distance from the reference; behind the touch where it would trade.
    fn add_limit_order(&mut self) {
        let side = if self.arrivals.coin() { Side::Buy } else { Side::Sell };
        let lots = self.arrivals.size();
        let Some(distance) = self.arrivals.distance() else {
            self.skipped += 1;
            return;
        };
        let reference = self.arrivals.reference_ticks();
        let wanted = match side {
            Side::Buy => reference - distance,
            Side::Sell => reference + 1 + distance,
        };
        self.add(side, wanted, lots);
    }

    fn add(&mut self, side: Side, wanted: i64, lots: i64) {
        let price = match (side, self.matcher.best(side.opposite())) {
            (Side::Buy, Some(ask)) => wanted.min(ask.price.0 - 1),
            (Side::Sell, Some(bid)) => wanted.max(bid.price.0 + 1),
            (_, None) => wanted,
        };
        let step = self.desk.instrument.increment_at(Ticks(price));
        // Outward onto the increment, so that it cannot come to trade.
        let price = if side == Side::Buy { price - price.rem_euclid(step) } else { price + (-price).rem_euclid(step) };
        let room = self.matcher.len() < GENERATED_ORDERS_MAX - OWN_ORDERS_MAX;
        if !room || self.matcher.rest(side, Ticks(price), Lots(lots), MARKET).is_err() {
            self.skipped += 1;
        }
    }

    /// Cancels one order of the market, each as likely as any other.
    fn cancel_one(&mut self) {
        let count = self.matcher.len();
        // Bound: one draw per own order before a generated one turns up is generous; then the event is dropped.
        for _ in 0..=OWN_ORDERS_MAX.min(count) {
            let Some(maker) = self.matcher.at(self.arrivals.pick(count)) else { return };
            if maker.owner == MARKET {
                self.matcher.cancel(maker.handle);
                return;
            }
        }
    }

    /// Puts orders back on an empty side, away from the reference and from the other side.
    fn reseed(&mut self) {
        for side in Side::BOTH {
            if self.matcher.best(side).is_some() {
                continue;
            }
            let reference = self.arrivals.reference_ticks();
            let sign = side.sign();
            let start = match (side, self.matcher.best(side.opposite())) {
                (Side::Buy, Some(ask)) => reference.min(ask.price.0 - 1),
                (Side::Sell, Some(bid)) => (reference + 1).max(bid.price.0 + 1),
                (Side::Buy, None) => reference,
                (Side::Sell, None) => reference + 1,
            };
            for away in 0..RESEED_ORDERS {
                self.add(side, start - sign * away, self.mean_lots);
            }
        }
    }

    /// After every event: ends spent orders, keeps both sides, shows a changed touch, and brings a diff forward when
    /// the log is filling.
    fn settle(&mut self, feed: &mut FeedBatch, reports: &mut Vec<OrderEvent>) {
        let now = self.now;
        cancel_spent(&mut Trading { venue: self, feed }, now, reports);
        self.reseed();
        let touch = self.matcher.touch();
        if touch != self.shown {
            self.shown = touch;
            feed.items.push(FeedItem::Touch(TouchPrint {
                instrument: self.desk.instrument.id,
                update_id: self.matcher.revision(),
                touch,
                exchange_time: self.stamp(),
            }));
        }
        if self.matcher.changes_due() {
            self.next_diff = self.now;
        }
    }

    fn publish_diff(&mut self, feed: &mut FeedBatch) {
        self.next_diff = UnixNanos(self.now.0.saturating_add(DIFF_NANOS));
        let last_id = self.matcher.revision();
        if last_id == self.published {
            return;
        }
        let header = DepthHeader {
            instrument: self.desk.instrument.id,
            first_id: self.published + 1,
            last_id,
            previous_id: (self.feed != Feed::BinanceSpot).then_some(self.published),
            exchange_time: self.now,
        };
        let mut ranges = [crate::LevelRange::default(); 2];
        for side in Side::BOTH {
            let levels = if side == Side::Buy { &mut feed.bids } else { &mut feed.asks };
            let start = levels.len();
            levels.extend(self.matcher.changes(side).iter().map(|&p| Level { price: Ticks(p), quantity: Lots(0) }));
            for level in &mut levels[start..] {
                level.quantity = self.matcher.quantity_at(side, level.price);
            }
            ranges[side.index()] = crate::LevelRange { start: start as u32, length: (levels.len() - start) as u32 };
        }
        self.matcher.forget_changes();
        self.published = last_id;
        feed.items.push(FeedItem::Depth { header, bids: ranges[0], asks: ranges[1] });
    }
}

/// Both ends of a match in progress: books ours, prints all.
struct Party<'a> {
    desk: &'a mut Desk<Handle>,
    trade_id: &'a mut u64,
    instrument: InstrumentId,
    now: UnixNanos,
    aggressor: Side,
    taker: Option<u32>,
    /// The price level being matched, and what was matched there.
    price: Ticks,
    lots: i64,
    feed: &'a mut FeedBatch,
    reports: &'a mut Vec<OrderEvent>,
}

impl Party<'_> {
    /// Prints what was matched at the current price.
    fn print(&mut self) {
        if self.lots == 0 {
            return;
        }
        *self.trade_id += 1;
        self.feed.items.push(FeedItem::Trade(TradePrint {
            instrument: self.instrument,
            trade_id: *self.trade_id,
            price: self.price,
            quantity: Lots(self.lots),
            aggressor: self.aggressor,
            exchange_time: self.now,
        }));
        if let Some(slot) = self.taker {
            self.desk.fill(self.now, slot, self.price, self.lots, true, self.reports);
        }
        self.lots = 0;
    }
}

impl Counterparty for Party<'_> {
    fn allow(&mut self, maker: &Maker) -> Lots {
        match (maker.owner, self.taker) {
            (MARKET, _) => maker.open,
            // Self-trade: ours is pulled. Reduce-only: no further than flat.
            (_, Some(_)) => Lots::ZERO,
            (slot, None) => Lots(self.desk.fillable(slot)),
        }
    }
    fn filled(&mut self, maker: &Maker, lots: Lots) {
        if maker.price != self.price {
            self.print();
            self.price = maker.price;
        }
        self.lots += lots.0;
        if maker.owner != MARKET && self.desk.fill(self.now, maker.owner, maker.price, lots.0, false, self.reports) {
            self.desk.close(maker.owner);
        }
    }
    fn pulled(&mut self, maker: &Maker) {
        if maker.owner != MARKET {
            let report = self.desk.report(self.now, OrderEventKind::Cancelled, maker.owner);
            self.reports.push(report);
            self.desk.close(maker.owner);
        }
    }
}

/// The market while a request is served: the floor of order entry.
struct Trading<'a, 'b> {
    venue: &'a mut GeneratedVenue,
    feed: &'b mut FeedBatch,
}

impl Floor for Trading<'_, '_> {
    type Place = Handle;

    fn desk(&mut self) -> &mut Desk<Handle> {
        &mut self.venue.desk
    }
    fn admits(&self, price: Ticks) -> Result<(), Code> {
        let reference = self.venue.arrivals.reference_ticks();
        // Half to twice the reference, as venues have it (percent price): an order further away is a mistake.
        if !(reference / 2..=reference.saturating_mul(2)).contains(&price.0) {
            Err(Code::VenueInvalid)
        } else if self.venue.matcher.has_room() {
            Ok(())
        } else {
            Err(Code::VenueFull)
        }
    }
    fn would_take(&self, side: Side, price: Ticks) -> bool {
        self.venue.matcher.would_take(side, price)
    }
    fn enter(&mut self, now: UnixNanos, slot: u32, reports: &mut Vec<OrderEvent>) {
        let order = self.venue.desk.order(slot);
        let (side, price, ioc) = (order.side, order.price, order.has(flag::IOC));
        let lots = Lots(self.venue.desk.fillable(slot));
        self.venue.take(side, Some(price), lots, Some(slot), self.feed, reports);
        let left = self.venue.desk.order(slot).left();
        if left == 0 {
            self.venue.desk.close(slot);
        } else if ioc {
            end(self, now, OrderEventKind::Expired, slot, None, reports);
        } else {
            match self.venue.matcher.rest(side, price, Lots(left), slot) {
                Ok(handle) => self.venue.desk.order_mut(slot).place = handle,
                // Only a spent reduce-only order still crosses here (it took what it may).
                Err(_) => end(self, now, OrderEventKind::Cancelled, slot, None, reports),
            }
        }
    }
    fn withdraw(&mut self, slot: u32) {
        let handle = self.venue.desk.order(slot).place;
        self.venue.matcher.cancel(handle);
        self.venue.desk.order_mut(slot).place = Handle::default();
    }
    fn shrink(&mut self, slot: u32, left: i64) {
        let handle = self.venue.desk.order(slot).place;
        self.venue.matcher.shrink(handle, Lots(left));
    }
}
