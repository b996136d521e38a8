//! # Room card: testkit/usdm
//! In:    a seed and how long.
//! Out:   a recording in the format of Binance USD-M streams, and what is in it: counts, join, last touch.
//! Holds: one true book behind every line: diffs chain without a gap, nothing crosses, L1 and L2 agree by update id.
//! Costs: cold; about a millisecond for two minutes of market.
//!
//! A line is the local receive time in ns, a space, the message. The exchange's clock runs about 1.2 s ahead of ours,
//! as in recordings of the real venue. The order in which things happen: diffs, then a snapshot whose update id lies
//! inside the diff received just before it, then diffs to the end. Trades sweep the touch, orders join and leave it.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use types::rng::SplitMix64;

/// Symbol of the generated market.
pub const SYMBOL: &str = "FAFUSDT";
/// Its tick size; prices start around 100.
pub const TICK_SIZE: &str = "0.1";
/// Its lot size.
pub const LOT_SIZE: &str = "0.001";

const START_NS: u64 = 1_700_000_000_000_000_000;
const CLOCK_AHEAD_MS: u64 = 1_200;
const LEVELS_MIN: usize = 30;
const DIFFS_BEFORE_JOIN: u64 = 4;

/// What is in a recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// Lines of all kinds.
    pub lines: u64,
    /// `depthUpdate` lines.
    pub depth: u64,
    /// `bookTicker` lines.
    pub book_ticker: u64,
    /// `trade` lines.
    pub trade: u64,
    /// Snapshots.
    pub snapshot: u64,
    /// Diffs whose last id is below the snapshot's.
    pub diffs_before_join: u64,
    /// Diffs from the one the snapshot joins to the end.
    pub diffs_from_join: u64,
    /// Mids of `bookTicker` lines that differ from the one before.
    pub changed_mids: u64,
    /// Most levels of one diff, both sides together.
    pub levels_max: u64,
    /// Quantity bought by aggressors, lots.
    pub bought_lots: i64,
    /// Quantity sold by aggressors, lots.
    pub sold_lots: i64,
    /// Receive time of the first line, ns.
    pub first_ns: u64,
    /// Receive time of the last line, ns.
    pub last_ns: u64,
    /// Last update id of the last diff.
    pub last_update_id: u64,
    /// Best bid after the last diff: ticks, lots.
    pub last_bid: (i64, i64),
    /// Best ask after the last diff: ticks, lots.
    pub last_ask: (i64, i64),
}

/// A generated recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// Its lines, each ended by a newline.
    pub text: String,
    /// What is in it.
    pub contents: Contents,
}

/// The same seed and length give the same bytes.
pub fn generate(seed: u64, seconds: u64) -> Recording {
    let mut market = Market::new(seed);
    let end = START_NS + seconds * 1_000_000_000;
    while market.now < end {
        market.step();
    }
    market.finish()
}

struct Market {
    rng: SplitMix64,
    now: u64,
    /// Bids at index 0, asks at 1: ticks to lots.
    halves: [BTreeMap<i64, i64>; 2],
    /// Levels changed since the last diff.
    changed: [BTreeSet<i64>; 2],
    update_id: u64,
    diff_first_id: u64,
    diff_previous_id: u64,
    next_diff_ns: u64,
    trade_id: u64,
    shown: Option<[(i64, i64); 2]>,
    /// The snapshot taken inside the running diff, to be received after it: its line without the time.
    snapshot: Option<String>,
    out: String,
    contents: Contents,
}

fn price(ticks: i64) -> String {
    format!("{}.{}0", ticks / 10, ticks % 10)
}

fn quantity(lots: i64) -> String {
    format!("{}.{:03}", lots / 1_000, lots % 1_000)
}

fn pairs<'a>(levels: impl Iterator<Item = (&'a i64, i64)>) -> String {
    levels.map(|(ticks, lots)| format!("[\"{}\",\"{}\"]", price(*ticks), quantity(lots))).collect::<Vec<_>>().join(",")
}

impl Market {
    fn new(seed: u64) -> Market {
        let mut market = Market {
            rng: SplitMix64::new(seed),
            now: START_NS,
            halves: [BTreeMap::new(), BTreeMap::new()],
            changed: [BTreeSet::new(), BTreeSet::new()],
            update_id: 5_000_000_000,
            diff_first_id: 5_000_000_001,
            diff_previous_id: 5_000_000_000,
            next_diff_ns: START_NS + 200_000_000,
            trade_id: 7_000_000,
            shown: None,
            snapshot: None,
            out: String::new(),
            contents: Contents::default(),
        };
        for side in 0..2 {
            market.halves[side].insert(if side == 0 { 999 } else { 1_001 }, 1_500);
            market.deepen(side);
        }
        market
    }

    fn best(&self, side: usize) -> (i64, i64) {
        let best = if side == 0 { self.halves[0].last_key_value() } else { self.halves[1].first_key_value() };
        best.map_or((0, 0), |(ticks, lots)| (*ticks, *lots))
    }

    /// One tick further from the other side.
    fn outward(side: usize) -> i64 {
        if side == 0 { -1 } else { 1 }
    }

    fn lots(&mut self, mean: u64) -> i64 {
        1 + (self.rng.below(mean) + self.rng.below(mean)) as i64
    }

    fn set(&mut self, side: usize, ticks: i64, lots: i64) {
        self.update_id += 1 + self.rng.below(9);
        if lots > 0 {
            self.halves[side].insert(ticks, lots);
        } else {
            self.halves[side].remove(&ticks);
        }
        self.changed[side].insert(ticks);
    }

    /// Keeps enough levels on the side, adding at its far end.
    fn deepen(&mut self, side: usize) {
        while self.halves[side].len() < LEVELS_MIN {
            let far = if side == 0 { self.halves[0].first_key_value() } else { self.halves[1].last_key_value() };
            let ticks = far.map_or(1_000, |(ticks, _)| *ticks) + Self::outward(side);
            let lots = self.lots(3_000);
            self.set(side, ticks, lots);
        }
    }

    fn line(&mut self, message: &str) {
        if self.contents.lines == 0 {
            self.contents.first_ns = self.now;
        }
        self.contents.lines += 1;
        self.contents.last_ns = self.now;
        let _ = writeln!(self.out, "{} {message}", self.now);
        // Two lines are never of one time, as in a recording by one thread.
        self.now += 300 + self.rng.below(5_000);
    }

    fn exchange_ms(&mut self) -> u64 {
        self.now / 1_000_000 + CLOCK_AHEAD_MS + self.rng.below(40)
    }

    fn stream(&mut self, name: &str, data: &str) {
        let symbol = SYMBOL.to_lowercase();
        self.line(&format!("{{\"stream\":\"{symbol}@{name}\",\"data\":{{{data}}}}}"));
    }

    fn show_touch(&mut self) {
        let touch = [self.best(0), self.best(1)];
        if self.shown == Some(touch) {
            return;
        }
        let mid = |touch: [(i64, i64); 2]| touch[0].0 + touch[1].0;
        self.contents.changed_mids += self.shown.is_some_and(|shown| mid(shown) != mid(touch)) as u64;
        self.shown = Some(touch);
        self.contents.book_ticker += 1;
        let ms = self.exchange_ms();
        let [(bid, bid_lots), (ask, ask_lots)] = touch;
        let data = format!(
            "\"e\":\"bookTicker\",\"u\":{},\"s\":\"{SYMBOL}\",\"b\":\"{}\",\"B\":\"{}\",\"a\":\"{}\",\"A\":\"{}\",\
             \"T\":{ms},\"E\":{ms}",
            self.update_id,
            price(bid),
            quantity(bid_lots),
            price(ask),
            quantity(ask_lots),
        );
        self.stream("bookTicker", &data);
    }

    /// A market order: takes the other half's best levels, one trade each.
    fn trade(&mut self) {
        let resting = self.rng.below(2) as usize;
        let mut left = self.lots(700);
        let mut sweeps = 0;
        while left > 0 && sweeps < 3 {
            let (ticks, lots) = self.best(resting);
            let taken = left.min(lots);
            left -= taken;
            sweeps += 1;
            self.set(resting, ticks, lots - taken);
            let buyer_is_maker = resting == 0;
            *(if buyer_is_maker { &mut self.contents.sold_lots } else { &mut self.contents.bought_lots }) += taken;
            self.trade_id += 1;
            self.contents.trade += 1;
            let ms = self.exchange_ms();
            let data = format!(
                "\"e\":\"trade\",\"E\":{ms},\"T\":{ms},\"s\":\"{SYMBOL}\",\"t\":{},\"p\":\"{}\",\"q\":\"{}\",\
                 \"X\":\"MARKET\",\"m\":{buyer_is_maker}",
                self.trade_id,
                price(ticks),
                quantity(taken),
            );
            self.stream("trade", &data);
        }
        self.deepen(resting);
    }

    /// A limit order: into the spread when there is room, else at or behind the touch.
    fn join(&mut self) {
        let side = self.rng.below(2) as usize;
        let ((own, _), (other, _)) = (self.best(side), self.best(1 - side));
        let room = (own - other).abs() - 1;
        // The wider the spread, the likelier and further inside: it closes as fast as trades open it.
        let improves = room > 0 && self.rng.below(4 + room as u64) > 2;
        let steps = if improves { -1 - self.rng.below(room as u64) as i64 } else { self.rng.below(6) as i64 };
        let ticks = own + Self::outward(side) * steps;
        let lots = self.halves[side].get(&ticks).copied().unwrap_or(0) + self.lots(700);
        self.set(side, ticks, lots);
    }

    /// A cancel at or near the touch, of a part or of the whole level.
    fn leave(&mut self) {
        let side = self.rng.below(2) as usize;
        let ticks = self.best(side).0 + Self::outward(side) * self.rng.below(5) as i64;
        if let Some(&lots) = self.halves[side].get(&ticks) {
            let kept = if self.rng.below(3) == 0 { 0 } else { self.rng.below(lots as u64) as i64 };
            self.set(side, ticks, kept);
            self.deepen(side);
        }
    }

    fn diff(&mut self) {
        let first = self.diff_first_id;
        self.contents.depth += 1;
        let levels = (self.changed[0].len() + self.changed[1].len()) as u64;
        self.contents.levels_max = self.contents.levels_max.max(levels);
        let ms = self.exchange_ms();
        let side = |side: usize| {
            let half = &self.halves[side];
            pairs(self.changed[side].iter().map(|ticks| (ticks, half.get(ticks).copied().unwrap_or(0))))
        };
        let data = format!(
            "\"e\":\"depthUpdate\",\"E\":{},\"T\":{ms},\"s\":\"{SYMBOL}\",\"U\":{first},\"u\":{},\"pu\":{},\
             \"b\":[{}],\"a\":[{}]",
            ms + 1,
            self.update_id,
            self.diff_previous_id,
            side(0),
            side(1),
        );
        self.stream("depth@0ms", &data);
        (self.diff_previous_id, self.diff_first_id) = (self.update_id, self.update_id + 1);
        self.contents.last_update_id = self.update_id;
        (self.contents.last_bid, self.contents.last_ask) = (self.best(0), self.best(1));
        self.changed = [BTreeSet::new(), BTreeSet::new()];
        if self.contents.snapshot > 0 {
            self.contents.diffs_from_join += 1;
        } else if let Some(snapshot) = self.snapshot.take() {
            self.line(&snapshot);
            (self.contents.snapshot, self.contents.diffs_from_join) = (1, 1);
        } else {
            self.contents.diffs_before_join += 1;
        }
    }

    fn take_snapshot(&mut self) {
        let ms = self.exchange_ms();
        let bids = pairs(self.halves[0].iter().rev().map(|(ticks, lots)| (ticks, *lots)));
        let asks = pairs(self.halves[1].iter().map(|(ticks, lots)| (ticks, *lots)));
        let id = self.update_id;
        let text = format!("{{\"lastUpdateId\":{id},\"E\":{ms},\"T\":{ms},\"bids\":[{bids}],\"asks\":[{asks}]}}");
        self.snapshot = Some(text);
    }

    fn step(&mut self) {
        self.now += 20_000_000 + self.rng.below(85_000_000);
        match self.rng.below(10) {
            0 | 1 => self.trade(),
            2..=6 => self.join(),
            _ => self.leave(),
        }
        self.show_touch();
        let inside = !self.changed[0].is_empty() || !self.changed[1].is_empty();
        let wanted = self.contents.diffs_before_join == DIFFS_BEFORE_JOIN && self.contents.snapshot == 0;
        if wanted && inside && self.snapshot.is_none() {
            self.take_snapshot();
        } else if self.now >= self.next_diff_ns && inside {
            self.diff();
            self.next_diff_ns = self.now + 230_000_000 + self.rng.below(60_000_000);
        }
    }

    fn finish(mut self) -> Recording {
        if !self.changed[0].is_empty() || !self.changed[1].is_empty() {
            self.diff();
        }
        Recording { text: self.out, contents: self.contents }
    }
}
