//! # Room card: engine/market
//! In:    bytes of a connection (those of order entry go to `session`), or normalised events of a `MarketFeed`.
//! Out:   book, touch and volatility brought up to date, each change published in a fixed order.
//! Holds: a bad message changes nothing but a counter; an invalid book marks its instrument for pulling the quotes.
//! Costs: one pass over the message; publishing two touch records, one depth record, one volatility record at most.
use book::{DepthOutcome, TouchOutcome, TouchSource};
use types::config::Feed;
use types::{
    Code, ConnId, ConnRole, DepthHeader, Effects, Event, EventKind, InstrumentId, Lots, Side, SnapshotHeader, Ticks,
    Touch, TouchPrint, TradePrint, UnixNanos, flag,
};
use wire::json::{FeedMessage, Scope};

use crate::{Engine, Market};

/// What a depth message is compared with afterwards.
struct Before {
    valid: bool,
    applied: u64,
    stale: u64,
}

impl Before {
    fn of(market: &Market) -> Before {
        let counts = market.book.counts();
        Before { valid: market.book.is_valid(), applied: counts.applied, stale: counts.stale }
    }
}

/// What is published of a depth message.
struct DepthMessage {
    levels: i64,
    id: u64,
    exchange_time: UnixNanos,
    flags: u8,
}

impl Market {
    pub(crate) fn touch(&self) -> Option<Touch> {
        if self.pushed.valid { Some(self.pushed.touch) } else { self.book.touch().map(|seen| seen.touch) }
    }
    pub(crate) fn is_valid(&self) -> bool {
        self.pushed.valid || self.book.is_valid()
    }
}

impl Engine {
    pub(crate) fn on_bytes(&mut self, conn: ConnId, bytes: &[u8], now: UnixNanos, effects: &mut Effects) {
        let (scope, venue) = match conn.role() {
            ConnRole::Market(venue) => (Scope::Venue(venue), Some(venue)),
            ConnRole::Snapshot(id) => (Scope::Instrument(id), self.setup.instruments.get(id.index()).map(|i| i.venue)),
            ConnRole::Orders(venue) => return self.on_orders_bytes(venue, bytes, now, effects),
        };
        let venue = venue.and_then(|venue| self.setup.venues.get(venue.0 as usize));
        if venue.is_none_or(|venue| venue.feed == Feed::Normalised) {
            return self.fault(Code::InputUnexpected, InstrumentId(0), now, effects);
        }
        match self.decoder.decode(bytes, scope, &self.setup.instruments) {
            Ok(FeedMessage::Touch(print)) => self.on_touch(&print, now, effects),
            Ok(FeedMessage::Trade(print)) => self.on_trade(&print, now, effects),
            Ok(FeedMessage::Depth(header)) => self.on_depth(&header, now, effects),
            Ok(FeedMessage::Snapshot(header)) => self.on_snapshot(&header, now, effects),
            Ok(FeedMessage::Other) => self.counts.other += 1,
            Err(code) => self.fault(code, InstrumentId(0), now, effects),
        }
    }

    fn on_trade(&mut self, print: &TradePrint, now: UnixNanos, effects: &mut Effects) {
        self.counts.trade += 1;
        self.publish(trade_event(print), now, effects);
        let market = &mut self.markets[print.instrument.index()];
        let flow = market.quoter.as_mut().is_some_and(|quoter| quoter.on_trade(now, print));
        let volume = market.signals.as_mut().is_some_and(|signals| signals.on_trade(print));
        if flow || volume {
            self.decide(print.instrument, now, effects);
        }
    }

    fn on_touch(&mut self, print: &TouchPrint, now: UnixNanos, effects: &mut Effects) {
        self.counts.book_ticker += 1;
        match self.markets[print.instrument.index()].book.on_touch(print) {
            TouchOutcome::Updated => self.touch_changed(print.instrument, now, effects),
            TouchOutcome::Stale => self.counts.faults.add(Code::StaleUpdate),
            TouchOutcome::Refused(code) => self.fault(code, print.instrument, now, effects),
        }
    }

    fn on_depth(&mut self, header: &DepthHeader, now: UnixNanos, effects: &mut Effects) {
        self.counts.depth += 1;
        let market = &mut self.markets[header.instrument.index()];
        let before = Before::of(market);
        let (bids, asks) = (self.decoder.bids(), self.decoder.asks());
        let levels = (bids.len() + asks.len()) as i64;
        let outcome = market.book.on_depth(header, bids, asks);
        let message = DepthMessage { levels, id: header.last_id, exchange_time: header.exchange_time, flags: 0 };
        self.depth_done(header.instrument, outcome, &before, &message, now, effects);
    }

    fn on_snapshot(&mut self, header: &SnapshotHeader, now: UnixNanos, effects: &mut Effects) {
        self.counts.snapshot += 1;
        let market = &mut self.markets[header.instrument.index()];
        let before = Before::of(market);
        let (bids, asks) = (self.decoder.bids(), self.decoder.asks());
        let levels = (bids.len() + asks.len()) as i64;
        let outcome = market.book.on_snapshot(header, bids, asks);
        let flags = flag::SNAPSHOT;
        let message = DepthMessage { levels, id: header.last_id, exchange_time: header.exchange_time, flags };
        self.depth_done(header.instrument, outcome, &before, &message, now, effects);
    }

    /// Publishes what a depth message did: validity first, then levels, the message, the touch; last a wish for a
    /// snapshot.
    fn depth_done(
        &mut self,
        instrument: InstrumentId,
        outcome: DepthOutcome,
        before: &Before,
        message: &DepthMessage,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let book = &mut self.markets[instrument.index()].book;
        let (valid, snapshot_wanted) = (book.is_valid(), book.take_snapshot_request());
        let counts = *book.counts();
        self.counts.after_join += counts.applied - before.applied;
        match outcome {
            DepthOutcome::Joined { .. } => self.counts.before_join += counts.stale - before.stale,
            DepthOutcome::Gap { .. } => self.counts.gaps += 1,
            DepthOutcome::Crossed => self.counts.crossed += 1,
            _ => {}
        }
        let ordinary = matches!(outcome, DepthOutcome::Joined { .. } | DepthOutcome::Buffered { dropped: 0, .. });
        match outcome.code().filter(|_| !ordinary) {
            // An old message is skipped by rule, and a change of validity is published as such.
            Some(code) if code == Code::StaleUpdate || valid != before.valid => self.counts.faults.add(code),
            Some(code) => self.fault(code, instrument, now, effects),
            None => {}
        }
        if valid != before.valid {
            let code = outcome.code().unwrap_or(Code::BookJoined);
            self.book_state(instrument, valid, code, message.id, now, effects);
        }
        if matches!(outcome, DepthOutcome::Applied | DepthOutcome::Joined { .. }) {
            if self.setup.publish_levels {
                self.publish_levels(instrument, message.flags, now, effects);
            }
            let mut event = Event::new(EventKind::Depth, instrument);
            (event.quantity, event.id, event.flags) = (Lots(message.levels), message.id, message.flags);
            event.exchange_time = message.exchange_time;
            self.publish(event, now, effects);
            self.touch_changed(instrument, now, effects);
        }
        if valid {
            self.markets[instrument.index()].wish = None;
        }
        if snapshot_wanted {
            self.want_snapshot(instrument, now, effects);
        }
    }

    pub(crate) fn book_state(
        &mut self,
        instrument: InstrumentId,
        valid: bool,
        code: Code,
        id: u64,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        if !valid && let Some(quoter) = &mut self.markets[instrument.index()].quoter {
            quoter.on_touch(now, None, UnixNanos::NONE);
        }
        let mut event = Event::new(EventKind::BookState, instrument);
        (event.detail, event.code, event.id) = (valid as u8, code as u16, id);
        self.publish(event, now, effects);
        self.mark(instrument);
    }

    /// Publishes every level of the message just applied.
    fn publish_levels(&mut self, instrument: InstrumentId, flags: u8, now: UnixNanos, effects: &mut Effects) {
        for side in Side::BOTH {
            let count = if side == Side::Buy { self.decoder.bids().len() } else { self.decoder.asks().len() };
            for i in 0..count {
                let level = if side == Side::Buy { self.decoder.bids()[i] } else { self.decoder.asks()[i] };
                let mut event = Event::new(EventKind::Level, instrument);
                (event.side, event.price, event.quantity, event.flags) =
                    (side as u8, level.price, level.quantity, flags);
                self.publish(event, now, effects);
            }
        }
    }

    /// Publishes the touch in force and takes a volatility sample from it.
    fn touch_changed(&mut self, instrument: InstrumentId, now: UnixNanos, effects: &mut Effects) {
        let Some(seen) = self.markets[instrument.index()].book.touch() else { return };
        let source = match seen.source {
            TouchSource::L1 => 1,
            TouchSource::L2 => 2,
        };
        self.publish_touch(instrument, &seen.touch, (seen.update_id, source, seen.exchange_time), now, effects);
    }

    fn publish_touch(
        &mut self,
        instrument: InstrumentId,
        touch: &Touch,
        (id, source, exchange_time): (u64, u8, UnixNanos),
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        for (side, price, quantity) in [(Side::Buy, touch.bid, touch.bid_lots), (Side::Sell, touch.ask, touch.ask_lots)]
        {
            let mut event = Event::new(EventKind::Touch, instrument);
            (event.side, event.detail, event.id) = (side as u8, source, id);
            (event.price, event.quantity, event.exchange_time) = (price, quantity, exchange_time);
            self.publish(event, now, effects);
        }
        let market = &mut self.markets[instrument.index()];
        market.touch_at = now;
        if let Some(quoter) = &mut market.quoter {
            quoter.on_touch(now, Some(touch), exchange_time);
        }
        if market.opening_unvalued {
            self.value_opening(instrument, touch);
        }
        let market = &mut self.markets[instrument.index()];
        if let Some(mid) = touch.mid_half_ticks()
            && market.volatility.on_mid(now, mid)
        {
            let sigma = market.volatility.sigma();
            let mut event = Event::new(EventKind::Volatility, instrument);
            event.quantity = Lots(market.volatility.samples() as i64);
            if let Some(sigma) = sigma {
                (event.detail, event.price) = (1, Ticks(sigma.to_bits() as i64));
            }
            self.publish(event, now, effects);
        }
        self.mark(instrument);
    }

    /// Market data already normalised: trades and touches of a `MarketFeed`.
    pub(crate) fn on_market_event(&mut self, event: &Event, now: UnixNanos, effects: &mut Effects) {
        let instrument = event.instrument();
        if instrument.index() >= self.markets.len() {
            return self.fault(Code::UnknownInstrument, InstrumentId(0), now, effects);
        }
        if event.quantity.0 < 0 || event.price.0 < 0 {
            return self.fault(Code::BookNegative, instrument, now, effects);
        }
        let normalised = self.setup.venues[self.venue_of(instrument).0 as usize].feed == Feed::Normalised;
        // A venue with a byte format has a book of its own; a touch beside it would stand for a book with a gap.
        if !normalised && matches!(event.kind(), Some(EventKind::Touch | EventKind::BookState)) {
            return self.fault(Code::InputUnexpected, instrument, now, effects);
        }
        self.counts.pushed += 1;
        match (event.kind(), event.side()) {
            (Some(EventKind::Trade), Some(aggressor)) => {
                let print = TradePrint {
                    instrument,
                    trade_id: event.id,
                    price: event.price,
                    quantity: event.quantity,
                    aggressor,
                    exchange_time: event.exchange_time,
                };
                self.on_trade(&print, now, effects);
            }
            (Some(EventKind::Touch), Some(side)) => self.on_pushed_touch(event, side, now, effects),
            (Some(EventKind::BookState), _) if event.detail == 0 => {
                let pushed = &mut self.markets[instrument.index()].pushed;
                (pushed.touch, pushed.valid) = (Touch::default(), false);
                self.book_state(instrument, false, Code::BookDisconnected, event.id, now, effects);
            }
            _ => self.fault(Code::FieldMissing, instrument, now, effects),
        }
    }

    fn on_pushed_touch(&mut self, event: &Event, side: Side, now: UnixNanos, effects: &mut Effects) {
        let instrument = event.instrument();
        let pushed = &mut self.markets[instrument.index()].pushed;
        if event.id < pushed.id {
            return self.counts.faults.add(Code::StaleUpdate);
        }
        pushed.id = event.id;
        match side {
            Side::Buy => (pushed.touch.bid, pushed.touch.bid_lots) = (event.price, event.quantity),
            Side::Sell => (pushed.touch.ask, pushed.touch.ask_lots) = (event.price, event.quantity),
        }
        // A packet of several sides ends with LAST; the state in between may be crossed and is not shown.
        if event.flags & flag::LAST == 0 {
            return;
        }
        let touch = pushed.touch;
        // One-sided and crossed touches are what the venue shows; the touch itself says that they have no mid.
        if !core::mem::replace(&mut pushed.valid, true) {
            self.book_state(instrument, true, Code::BookJoined, event.id, now, effects);
        }
        self.publish_touch(instrument, &touch, (event.id, 1, event.exchange_time), now, effects);
    }
}

fn trade_event(print: &TradePrint) -> Event {
    let mut event = Event::new(EventKind::Trade, print.instrument);
    (event.side, event.price, event.quantity) = (print.aggressor as u8, print.price, print.quantity);
    (event.id, event.exchange_time) = (print.trade_id, print.exchange_time);
    event
}
