//! The synchroniser against a naive reference, under random drops, duplicates, reorders, snapshots and disconnects;
//! and, whenever it says it is valid, against the true state of the exchange that the messages came from.
use std::collections::{BTreeMap, VecDeque};

mod support;

use fafnir_book::{Counts, DepthOutcome, DepthSync, Rule};
use support::shortened;
use types::rng::SplitMix64;
use types::{Code, DepthHeader, InstrumentId, Level, Lots, Side, SnapshotHeader, Ticks, UnixNanos};

type Sides = [BTreeMap<i64, i64>; 2];

#[derive(Clone, Debug)]
struct Diff {
    header: DepthHeader,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Snapshot {
    header: SnapshotHeader,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

fn put(sides: &mut Sides, bids: &[Level], asks: &[Level]) {
    for (side, levels) in sides.iter_mut().zip([bids, asks]) {
        for level in levels {
            side.insert(level.price.0, level.quantity.0);
        }
        side.retain(|_, lots| *lots != 0);
    }
}

fn crossed(sides: &Sides) -> bool {
    match (sides[0].keys().next_back(), sides[1].keys().next()) {
        (Some(bid), Some(ask)) => bid >= ask,
        _ => false,
    }
}

/// An exchange: a stream of single updates with ids, grouped into diffs; remembers its states.
struct Exchange {
    rule: Rule,
    rng: SplitMix64,
    id: u64,
    previous_id: u64,
    sides: Sides,
    /// States after recent updates, newest last.
    history: VecDeque<(u64, Sides)>,
}

impl Exchange {
    fn new(rule: Rule, seed: u64) -> Exchange {
        let start = 1_000;
        let sides = [BTreeMap::from([(99, 5)]), BTreeMap::from([(101, 5)])];
        let history = VecDeque::from([(start, sides.clone())]);
        Exchange { rule, rng: SplitMix64::new(seed), id: start, previous_id: start, sides, history }
    }

    fn step(&mut self) -> (Side, i64) {
        // USD-M ids jump (other symbols share the counter), spot ids do not.
        self.id += if self.rule == Rule::Usdm { 1 + self.rng.below(3) } else { 1 };
        let side = Side::BOTH[self.rng.below(2) as usize];
        // Bids stay below 100 and asks above it, so that no true state is crossed; level 99/101 is never removed.
        let distance = 1 + self.rng.below(40) as i64;
        let price = 100 - side.sign() * distance;
        let lots = if distance > 1 && self.rng.below(2) == 0 { 0 } else { 1 + self.rng.below(99) as i64 };
        put_one(&mut self.sides, side, price, lots);
        self.history.push_back((self.id, self.sides.clone()));
        if self.history.len() > 200 {
            self.history.pop_front();
        }
        (side, price)
    }

    fn diff(&mut self) -> Diff {
        let first_from = self.id + 1;
        let mut touched = Vec::new();
        for _ in 0..1 + self.rng.below(6) {
            touched.push(self.step());
        }
        // Absolute totals at the end of the diff, each price once.
        touched.sort_unstable();
        touched.dedup();
        let levels = |wanted: Side| -> Vec<Level> {
            touched
                .iter()
                .filter(|(side, _)| *side == wanted)
                .map(|&(side, price)| Level {
                    price: Ticks(price),
                    quantity: Lots(self.sides[side.index()].get(&price).copied().unwrap_or(0)),
                })
                .collect()
        };
        let header = DepthHeader {
            instrument: InstrumentId(0),
            first_id: first_from,
            last_id: self.id,
            previous_id: (self.rule == Rule::Usdm).then_some(self.previous_id),
            exchange_time: UnixNanos(self.id),
        };
        let diff = Diff { header, bids: levels(Side::Buy), asks: levels(Side::Sell) };
        self.previous_id = self.id;
        diff
    }

    /// A snapshot of one of the last states, in the middle of a diff as often as not.
    fn snapshot(&mut self, age_max: u64) -> Snapshot {
        let age = self.rng.below(age_max.min(self.history.len() as u64)) as usize;
        let (last_id, sides) = &self.history[self.history.len() - 1 - age];
        let levels = |side: &BTreeMap<i64, i64>| {
            side.iter().map(|(&p, &q)| Level { price: Ticks(p), quantity: Lots(q) }).collect()
        };
        let header =
            SnapshotHeader { instrument: InstrumentId(0), last_id: *last_id, exchange_time: UnixNanos(*last_id) };
        Snapshot { header, bids: levels(&sides[0]), asks: levels(&sides[1]) }
    }

    fn state_after(&self, id: u64) -> Option<&Sides> {
        self.history.iter().find(|(at, _)| *at == id).map(|(_, sides)| sides)
    }
}

fn put_one(sides: &mut Sides, side: Side, price: i64, lots: i64) {
    let level = [Level { price: Ticks(price), quantity: Lots(lots) }];
    match side {
        Side::Buy => put(sides, &level, &[]),
        Side::Sell => put(sides, &[], &level),
    }
}

/// The rules once more, written down from the venue's documents with lists and maps.
#[derive(Default)]
struct Reference {
    spot: bool,
    book: Option<Sides>,
    last: u64,
    fresh: bool,
    quiet: bool,
    waiting: Vec<Diff>,
    counts: Counts,
}

impl Reference {
    fn expected_and_got(&self, diff: &Diff, last: u64) -> (u64, u64) {
        if self.spot { (last + 1, diff.header.first_id) } else { (last, diff.header.previous_id.unwrap()) }
    }

    fn too_old(&self, diff: &Diff, snapshot: u64) -> bool {
        if self.spot { diff.header.last_id <= snapshot } else { diff.header.last_id < snapshot }
    }

    fn starts(&self, diff: &Diff, snapshot: u64) -> bool {
        let (first, last) = (diff.header.first_id, diff.header.last_id);
        if self.spot {
            (first..=last).contains(&(snapshot + 1))
        } else {
            (first..=last).contains(&snapshot) || diff.header.previous_id == Some(snapshot)
        }
    }

    fn wait(&mut self, diff: &Diff) {
        self.waiting.push(diff.clone());
        self.counts.buffered += 1;
    }

    fn lose(&mut self) {
        self.book = None;
    }

    fn depth(&mut self, diff: &Diff) -> DepthOutcome {
        if diff.bids.iter().chain(&diff.asks).any(|level| level.quantity.0 < 0) {
            self.counts.refused += 1;
            return DepthOutcome::Refused(Code::BookNegative);
        }
        self.quiet = false;
        let Some(book) = &self.book else {
            if let Some(back) = self.waiting.last() {
                let last = back.header.last_id;
                if diff.header.last_id <= last {
                    self.counts.stale += 1;
                    return DepthOutcome::Stale;
                }
                let (expected, got) = self.expected_and_got(diff, last);
                if expected != got {
                    self.counts.gaps += 1;
                    self.counts.dropped += self.waiting.len() as u64;
                    self.waiting.clear();
                    self.wait(diff);
                    return DepthOutcome::Gap { expected, got };
                }
            }
            self.wait(diff);
            return DepthOutcome::Buffered { diffs: self.waiting.len() as u32, dropped: 0 };
        };
        let old = if self.fresh { self.too_old(diff, self.last) } else { diff.header.last_id <= self.last };
        if old {
            self.counts.stale += 1;
            return DepthOutcome::Stale;
        }
        let (expected, got) = self.expected_and_got(diff, self.last);
        let good = if self.fresh { self.starts(diff, self.last) } else { expected == got };
        if !good {
            self.counts.gaps += 1;
            self.lose();
            self.wait(diff);
            return DepthOutcome::Gap { expected, got };
        }
        let mut next = book.clone();
        put(&mut next, &diff.bids, &diff.asks);
        if crossed(&next) {
            self.counts.crossed += 1;
            self.lose();
            self.wait(diff);
            return DepthOutcome::Crossed;
        }
        (self.book, self.last, self.fresh) = (Some(next), diff.header.last_id, false);
        self.counts.applied += 1;
        DepthOutcome::Applied
    }

    fn snapshot(&mut self, snapshot: &Snapshot) -> DepthOutcome {
        self.counts.snapshots += 1;
        let id = snapshot.header.last_id;
        if self.quiet {
            self.counts.refused += 1;
            return DepthOutcome::Refused(Code::BookDisconnected);
        }
        if self.book.is_some() && id <= self.last {
            self.counts.stale += 1;
            return DepthOutcome::Stale;
        }
        let kept: Vec<Diff> = self.waiting.iter().filter(|diff| !self.too_old(diff, id)).cloned().collect();
        self.counts.stale += (self.waiting.len() - kept.len()) as u64;
        self.waiting = kept;
        if let Some(first) = self.waiting.first().filter(|first| !self.starts(first, id)) {
            let first = first.header.first_id;
            self.counts.snapshots_old += 1;
            return DepthOutcome::SnapshotOld { snapshot: id, first };
        }
        let mut book = Sides::default();
        put(&mut book, &snapshot.bids, &snapshot.asks);
        (self.last, self.fresh) = (id, true);
        let mut replayed = 0;
        while let Some(diff) = self.waiting.first() {
            put(&mut book, &diff.bids, &diff.asks);
            if crossed(&book) {
                self.counts.crossed += 1;
                self.lose();
                return DepthOutcome::Crossed;
            }
            (self.last, self.fresh) = (diff.header.last_id, false);
            self.counts.applied += 1;
            replayed += 1;
            self.waiting.remove(0);
        }
        self.book = Some(book);
        self.counts.joined += 1;
        DepthOutcome::Joined { replayed }
    }

    fn disconnect(&mut self) {
        self.counts.disconnects += 1;
        self.lose();
        self.waiting.clear();
        self.quiet = true;
    }
}

fn sides_of(sync: &DepthSync) -> Sides {
    Side::BOTH.map(|side| sync.ladder().levels(side).map(|level| (level.price.0, level.quantity.0)).collect())
}

/// One seeded life; returns the counts, so that the caller can see that everything happened.
fn live(rule: Rule, seed: u64, messages: usize) -> Counts {
    let mut rng = SplitMix64::new(seed ^ 0xfeed);
    let mut exchange = Exchange::new(rule, seed);
    let mut sync = DepthSync::new(rule);
    let mut reference = Reference { spot: rule == Rule::Spot, ..Reference::default() };
    let mut late: Option<Diff> = None;
    let mut poisoned = false;
    for message in 0..messages {
        let at = format!("rule {rule:?} seed {seed} message {message}");
        let was_valid = sync.is_valid();
        match rng.below(200) {
            0..=3 => {
                let snapshot = exchange.snapshot(30);
                assert_eq!(
                    sync.on_snapshot(&snapshot.header, &snapshot.bids, &snapshot.asks),
                    reference.snapshot(&snapshot),
                    "{at}"
                );
            }
            4 if rng.below(4) == 0 => {
                sync.on_disconnect();
                reference.disconnect();
            }
            _ => {
                let mut diff = exchange.diff();
                let mut queue = Vec::new();
                match rng.below(300) {
                    0 => continue,
                    1 => queue.extend([diff.clone(), diff]),
                    2 => {
                        late = Some(diff);
                        continue;
                    }
                    3 => {
                        // A bid through every ask: the book must not survive it.
                        diff.bids.push(Level { price: Ticks(1_000), quantity: Lots(1) });
                        queue.push(diff);
                        poisoned = true;
                    }
                    4 => {
                        diff.asks.push(Level { price: Ticks(120), quantity: Lots(-1) });
                        queue.push(diff);
                    }
                    _ => queue.push(diff),
                }
                queue.extend(late.take());
                for diff in queue {
                    assert_eq!(sync.on_depth(&diff.header, &diff.bids, &diff.asks), reference.depth(&diff), "{at}");
                }
            }
        }
        assert_eq!(sync.counts(), &reference.counts, "{at}");
        assert_eq!(sync.is_valid(), reference.book.is_some(), "{at}");
        assert_eq!(sides_of(&sync), reference.book.clone().unwrap_or_default(), "{at}");
        assert_eq!(sync.last_id(), reference.book.as_ref().map(|_| reference.last), "{at}");
        if let Some(state) = sync.last_id().and_then(|id| exchange.state_after(id)) {
            assert_eq!(&sides_of(&sync), state, "valid, and not the exchange's state: {at}");
        }
        assert!(!was_valid || sync.is_valid() || sync.take_snapshot_request() || reference.quiet, "{at}");
    }
    assert!(poisoned);
    *sync.counts()
}

#[test]
fn agrees_with_the_reference_and_with_the_exchange() {
    let lives = shortened(20) as u64 + 1;
    for rule in [Rule::Usdm, Rule::Spot] {
        let mut seen = Counts::default();
        for seed in 0..lives {
            let counts = live(rule, seed, 5_000);
            seen.applied += counts.applied;
            seen.joined += counts.joined;
            seen.gaps += counts.gaps;
            seen.crossed += counts.crossed;
            seen.stale += counts.stale;
            seen.refused += counts.refused;
            seen.snapshots_old += counts.snapshots_old;
            seen.dropped += counts.dropped;
        }
        println!("{rule:?}: {seen:?}");
        let rare = [seen.joined, seen.gaps, seen.crossed, seen.stale, seen.refused, seen.snapshots_old, seen.dropped];
        assert!(rare.iter().all(|&count| count > lives) && seen.applied > 1_000 * lives, "{rule:?}: {seen:?}");
    }
}
