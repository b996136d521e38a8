//! The fill rules against a recorded market a second time, written from their description with maps and lists, and both
//! run over a recording with random passive orders: every fill and every queue estimate must agree.
//! The synthetic recording of `testkit` always; the recorded USD-M session where it lies beside the checkout.
use crate::common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use common::{cancel, instrument, levels, order, replace};
use fafnir_venue::{RecordedVenue, reserve_reports};
use serde_json::Value;
use types::config::Feed;
use types::rng::SplitMix64;
use types::{
    DepthHeader, InstrumentId, Lots, OrderEvent, OrderEventKind, Side, SnapshotHeader, Ticks, Touch, TouchPrint,
    TradePrint, UnixNanos, flag,
};

type Pairs = Vec<(i64, i64)>;
/// Best price and quantity by side.
type Sides = [Option<(i64, i64)>; 2];

enum Message {
    Depth { first: u64, last: u64, previous: u64, bids: Pairs, asks: Pairs },
    Snapshot { last: u64, bids: Pairs, asks: Pairs },
    Touch { id: u64, bid: (i64, i64), ask: (i64, i64) },
    Trade { aggressor: Side, price: i64, lots: i64 },
}

fn steps(text: &Value, decimals: usize) -> i64 {
    let (whole, fraction) = text.as_str().unwrap().split_once('.').unwrap_or((text.as_str().unwrap(), ""));
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    format!("{whole}{padded}").parse().unwrap()
}

fn pairs(side: &Value) -> Pairs {
    side.as_array().unwrap().iter().map(|pair| (steps(&pair[0], 1), steps(&pair[1], 3))).collect()
}

fn read(path: &Path) -> Vec<Message> {
    let file = std::fs::File::open(path).unwrap();
    let mut messages = Vec::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line = line.unwrap();
        let json: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
        if let Some(last) = json["lastUpdateId"].as_u64() {
            messages.push(Message::Snapshot { last, bids: pairs(&json["bids"]), asks: pairs(&json["asks"]) });
            continue;
        }
        let body = &json["data"];
        let number = |name: &str| body[name].as_u64().unwrap();
        messages.push(match body["e"].as_str().unwrap() {
            "depthUpdate" => Message::Depth {
                first: number("U"),
                last: number("u"),
                previous: number("pu"),
                bids: pairs(&body["b"]),
                asks: pairs(&body["a"]),
            },
            "bookTicker" => Message::Touch {
                id: number("u"),
                bid: (steps(&body["b"], 1), steps(&body["B"], 3)),
                ask: (steps(&body["a"], 1), steps(&body["A"], 3)),
            },
            _ => Message::Trade {
                aggressor: if body["m"].as_bool().unwrap() { Side::Sell } else { Side::Buy },
                price: steps(&body["p"], 1),
                lots: steps(&body["q"], 3),
            },
        });
    }
    messages
}

#[derive(Clone, Debug)]
struct Own {
    id: u64,
    side: usize,
    price: i64,
    quantity: i64,
    filled: i64,
    /// Recorded quantity ahead.
    ahead: f64,
}

/// A fill: message number, order, price, lots.
type Fill = (usize, u64, i64, i64);

/// The rules, as plainly as they can be written. Side 0 is the bid; `better(side)` is +1 or -1.
#[derive(Default)]
struct Oracle {
    book: [BTreeMap<i64, i64>; 2],
    /// Update id of the book while it is valid.
    book_id: Option<u64>,
    buffered: Vec<(u64, Pairs, Pairs)>,
    l1: Option<(u64, [(i64, i64); 2])>,
    traded: [BTreeMap<i64, i64>; 2],
    /// In order of arrival.
    own: Vec<Own>,
    fills: Vec<Fill>,
    at: usize,
    by_trade_at: u64,
    by_trade_through: u64,
    by_touch: u64,
}

const fn better(side: usize) -> i64 {
    1 - 2 * side as i64
}

impl Oracle {
    fn book_best(&self, side: usize) -> Option<(i64, i64)> {
        let level = if side == 0 { self.book[0].iter().next_back() } else { self.book[1].iter().next() };
        level.map(|(&price, &lots)| (price, lots))
    }

    /// The newer of L1 and L2; the L1 when they are the same state. The flag: it is the L1.
    fn touch(&self) -> Option<(Sides, bool)> {
        match (self.l1, self.book_id) {
            (Some((id, sides)), book) if book.is_none_or(|book| book <= id) => Some((sides.map(Some), true)),
            (_, Some(_)) => Some(([self.book_best(0), self.book_best(1)], false)),
            _ => None,
        }
    }

    fn apply(&mut self, bids: &Pairs, asks: &Pairs) {
        for (book, levels) in self.book.iter_mut().zip([bids, asks]) {
            for &(price, lots) in levels {
                if lots == 0 {
                    book.remove(&price)
                } else {
                    book.insert(price, lots)
                };
            }
        }
    }

    fn shown(&self, side: usize, price: i64) -> i64 {
        self.book[side].get(&price).copied().unwrap_or(0)
    }

    fn on_depth(&mut self, last: u64, bids: &Pairs, asks: &Pairs) {
        if self.book_id.is_none() {
            return self.buffered.push((last, bids.clone(), asks.clone()));
        }
        let before: Vec<i64> = self.own.iter().map(|own| self.shown(own.side, own.price)).collect();
        self.apply(bids, asks);
        self.book_id = Some(last);
        for (i, before) in before.into_iter().enumerate() {
            let own = self.own[i].clone();
            let after = self.shown(own.side, own.price);
            let traded = self.traded[own.side].get(&own.price).copied().unwrap_or(0);
            let unexplained = (before - after - traded) as f64;
            let mut ahead = own.ahead;
            if unexplained > 0.0 {
                ahead = ahead.min(before as f64);
                let behind = before as f64 - ahead;
                let share_behind = behind.powi(3) / (behind.powi(3) + ahead.powi(3));
                let from_behind = (share_behind * unexplained).min(behind);
                ahead -= unexplained - from_behind;
            }
            ahead = ahead.clamp(0.0, after as f64);
            // Who came later at a price stays behind who came earlier.
            let mine = self.own[..i].iter().filter(|other| (other.side, other.price) == (own.side, own.price));
            self.own[i].ahead = mine.map(|other| other.ahead).fold(ahead, f64::max);
        }
        self.traded = Default::default();
        self.touch_moved();
    }

    fn on_snapshot(&mut self, last: u64, bids: &Pairs, asks: &Pairs) {
        self.apply(bids, asks);
        for (id, bids, asks) in std::mem::take(&mut self.buffered) {
            if id >= last {
                self.apply(&bids, &asks);
                self.book_id = Some(id);
            }
        }
        assert!(self.book_id.is_some(), "these recordings join at their snapshot");
        for i in 0..self.own.len() {
            let shown = self.shown(self.own[i].side, self.own[i].price) as f64;
            self.own[i].ahead = self.own[i].ahead.min(shown);
        }
        self.traded = Default::default();
        self.touch_moved();
    }

    /// Whole lots of an order, as far as it has any left.
    fn fill(&mut self, i: usize, lots: i64) {
        let own = &mut self.own[i];
        let lots = lots.min(own.quantity - own.filled);
        if lots > 0 {
            own.filled += lots;
            self.fills.push((self.at, own.id, own.price, lots));
        }
    }

    fn touch_moved(&mut self) {
        let Some((sides, _)) = self.touch() else { return };
        for i in self.by_priority() {
            let own = &self.own[i];
            let against = sides[1 - own.side];
            if against.is_some_and(|(price, _)| (own.price - price) * better(own.side) > 0) {
                self.by_touch += 1;
                self.fill(i, i64::MAX);
            }
        }
        self.own.retain(|own| own.filled < own.quantity);
    }

    /// Bids then asks, best price first, then by arrival.
    fn by_priority(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.own.len()).collect();
        order.sort_by_key(|&i| (self.own[i].side, -self.own[i].price * better(self.own[i].side)));
        order
    }

    fn on_trade(&mut self, aggressor: Side, price: i64, lots: i64) {
        let side = aggressor.opposite().index();
        *self.traded[side].entry(price).or_default() += lots;
        // What is left of the one trade before recorded quantity at its price is counted.
        let mut left = lots;
        // Who came later with a smaller estimate (a newer L1) is still behind who came earlier at the price.
        let mut in_front = 0.0f64;
        for i in self.by_priority() {
            let own = self.own[i].clone();
            let past = (own.price - price) * better(side);
            if own.side != side || past < 0 {
                continue;
            }
            let ahead = if past > 0 { 0.0 } else { own.ahead.max(in_front) };
            in_front = ahead;
            self.own[i].ahead = if past > 0 { 0.0 } else { (own.ahead - left as f64).max(0.0) };
            let reach = (left as f64 - ahead + 1e-6).floor().max(0.0) as i64;
            let before = self.own[i].filled;
            self.fill(i, reach.min(left));
            let got = self.own[i].filled - before;
            left -= got;
            let kind = if past > 0 { &mut self.by_trade_through } else { &mut self.by_trade_at };
            *kind += (got > 0) as u64;
        }
        self.own.retain(|own| own.filled < own.quantity);
    }

    /// Would it trade on arrival: with the market, or with another of ours?
    fn would_take(&self, side: usize, price: i64) -> bool {
        let meets = |other: i64| (price - other) * better(side) >= 0;
        let market = self.touch().and_then(|(sides, _)| sides[1 - side]);
        market.is_some_and(|(price, _)| meets(price)) || self.own.iter().any(|o| o.side != side && meets(o.price))
    }

    fn place(&mut self, id: u64, side: usize, price: i64, quantity: i64, filled: i64) {
        let (sides, is_l1) = self.touch().unwrap();
        let ahead = match sides[side] {
            None => 0.0,
            Some((best, _)) if (price - best) * better(side) > 0 => 0.0,
            Some((best, lots)) if best == price && is_l1 => lots as f64,
            _ if self.book_id.is_none() => f64::INFINITY,
            _ => self.shown(side, price) as f64,
        };
        self.own.push(Own { id, side, price, quantity, filled, ahead });
    }

    fn on_request(&mut self, request: &OrderEvent) {
        let (price, quantity) = (request.price.0, request.quantity.0);
        let found = self.own.iter().position(|own| own.id == request.order_id);
        match (request.kind().unwrap(), found) {
            (OrderEventKind::New, _) => {
                let side = request.side().unwrap().index();
                if self.touch().is_some() && !self.would_take(side, price) {
                    self.place(request.order_id, side, price, quantity, 0);
                }
            }
            (OrderEventKind::Cancel, Some(i)) => drop(self.own.remove(i)),
            (OrderEventKind::Replace, Some(i)) => {
                let own = self.own[i].clone();
                if quantity <= own.filled {
                    self.own.remove(i);
                } else if price == own.price && quantity <= own.quantity {
                    self.own[i].quantity = quantity;
                } else if !self.would_take(own.side, price) {
                    self.own.remove(i);
                    self.place(own.id, own.side, price, quantity, own.filled);
                }
            }
            _ => {}
        }
    }
}

fn deliver(venue: &mut RecordedVenue, at: usize, message: &Message, reports: &mut Vec<OrderEvent>) {
    let (now, instrument, exchange_time) = (UnixNanos(at as u64 + 1), InstrumentId(0), UnixNanos::NONE);
    match message {
        Message::Depth { first, last, previous, bids, asks } => {
            let (first_id, last_id, previous_id) = (*first, *last, Some(*previous));
            let header = DepthHeader { instrument, first_id, last_id, previous_id, exchange_time };
            venue.on_depth(now, &header, &levels(bids), &levels(asks), reports);
        }
        Message::Snapshot { last, bids, asks } => {
            let header = SnapshotHeader { instrument, last_id: *last, exchange_time };
            venue.on_snapshot(now, &header, &levels(bids), &levels(asks), reports);
        }
        Message::Touch { id, bid, ask } => {
            let touch = Touch { bid: Ticks(bid.0), bid_lots: Lots(bid.1), ask: Ticks(ask.0), ask_lots: Lots(ask.1) };
            venue.on_touch(now, &TouchPrint { instrument, update_id: *id, touch, exchange_time }, reports);
        }
        Message::Trade { aggressor, price, lots } => {
            let (price, quantity) = (Ticks(*price), Lots(*lots));
            let print =
                TradePrint { instrument, trade_id: at as u64, price, quantity, aggressor: *aggressor, exchange_time };
            venue.on_trade(now, &print, reports);
        }
    }
}

/// A random passive request near the touch, or a replace or cancel of one that is open.
fn request(rng: &mut SplitMix64, oracle: &Oracle, counter: &mut u32, lots_max: u64) -> Option<OrderEvent> {
    let (sides, _) = oracle.touch()?;
    *counter += 1;
    let side = Side::BOTH[rng.below(2) as usize];
    let away = [-1, 0, 0, 0, 1, 1, 2, 3, 5, 8, 20][rng.below(11) as usize];
    let price = |side: Side| sides[side.index()].map(|(best, _)| best - away * better(side.index()));
    let most = 1 + rng.below(lots_max);
    let lots = 1 + rng.below(most) as i64;
    let open = oracle.own.len() as u64;
    if open == 0 || rng.below(3) == 0 && open < 40 {
        return Some(order(*counter, side, price(side)?, lots, flag::POST_ONLY));
    }
    let own = &oracle.own[rng.below(open) as usize];
    let side = Side::BOTH[own.side];
    let mut of = order(1, side, own.price, own.quantity, flag::POST_ONLY);
    of.order_id = own.id;
    Some(match rng.below(6) {
        0 => cancel(&of, *counter),
        1 => replace(&of, *counter, own.price, (own.quantity - 1 - rng.below(5) as i64).max(1)),
        2 => replace(&of, *counter, own.price, own.quantity + lots),
        3 => replace(&of, *counter, price(side)?, own.filled + lots),
        _ => return None,
    })
}

/// Both over one recording; gives requests, fills, and fills by what caused them.
fn compare(messages: &[Message], seed: u64, every: u64, lots_max: u64) -> (u64, usize, [u64; 3]) {
    let (mut venue, mut reports) = (RecordedVenue::new(&instrument("0"), Feed::BinanceUsdm), reserve_reports());
    let (mut oracle, mut rng, mut counter, mut requests) = (Oracle::default(), SplitMix64::new(seed), 0, 0);
    let mut fills = Vec::<Fill>::new();
    for (at, message) in messages.iter().enumerate() {
        oracle.at = at;
        deliver(&mut venue, at, message, &mut reports);
        match message {
            Message::Depth { last, bids, asks, .. } => oracle.on_depth(*last, bids, asks),
            Message::Snapshot { last, bids, asks } => oracle.on_snapshot(*last, bids, asks),
            Message::Touch { id, bid, ask } => {
                oracle.l1 = Some((*id, [*bid, *ask]));
                oracle.touch_moved();
            }
            Message::Trade { aggressor, price, lots } => oracle.on_trade(*aggressor, *price, *lots),
        }
        if rng.below(every) == 0
            && let Some(request) = request(&mut rng, &oracle, &mut counter, lots_max)
        {
            requests += 1;
            oracle.on_request(&request);
            venue.on_request(UnixNanos(at as u64 + 1), &request, &mut reports);
        }
        for report in reports.drain(..).filter(|report| report.kind() == Some(OrderEventKind::Fill)) {
            assert_eq!(report.flags & flag::TAKER, 0);
            fills.push((report.time.0 as usize - 1, report.order_id, report.last_price.0, report.last_lots.0));
        }
        assert_eq!(fills, oracle.fills, "seed {seed}, message {at}");
        fills.clear();
        oracle.fills.clear();
        assert_eq!(venue.open_orders(), oracle.own.len(), "seed {seed}, message {at}");
        for own in &oracle.own {
            let ahead = venue.queue_ahead(own.id).expect("open in both");
            let near = ahead == own.ahead || (ahead - own.ahead).abs() < 1e-6;
            assert!(near, "seed {seed}, message {at}: {ahead} is not that of {own:?}");
        }
    }
    (requests, venue.ledger().fills() as usize, [oracle.by_trade_at, oracle.by_trade_through, oracle.by_touch])
}

#[test]
fn agrees_on_the_synthetic_recording() {
    let messages = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/usdm-small.gz"));
    let (mut all, mut causes) = (0, [0; 3]);
    for seed in 1..=30 {
        let (_, fills, by) = compare(&messages, seed, 2, 1_500);
        all += fills;
        causes = [causes[0] + by[0], causes[1] + by[1], causes[2] + by[2]];
    }
    assert!(all > 2_000 && causes.iter().all(|&n| n > 100), "{all} fills, {causes:?}");
}

#[test]
fn agrees_on_the_recorded_session() {
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/binance/usdm-btcusdt-20240808.gz");
    if !path.exists() {
        println!("skipped: no recording at {}", path.display());
        return;
    }
    let messages = read(&path);
    for seed in 1..=3 {
        let (requests, fills, by) = compare(&messages, seed, 12, 20_000);
        println!("seed {seed}: {requests} requests, {fills} fills: at the price, through it, by the touch {by:?}");
        assert!(requests > 3_000 && fills > 500 && by.iter().all(|&n| n > 50), "{requests} {fills} {by:?}");
    }
}
