//! The matching book against a tree of queues: the same reports in the same order, the same book.
use crate::naive;

use std::collections::BTreeMap;

use fafnir_venue::{BOOK_LEVELS_MAX, BOOK_ORDERS_MAX, MatchCommand, MatchReport, MatchingBook, OrderRule};
use naive::Naive;
use types::rng::SplitMix64;
use types::{Code, Lots, Side, Ticks};

const RULES: [OrderRule; 5] =
    [OrderRule::Limit, OrderRule::PostOnly, OrderRule::ImmediateOrCancel, OrderRule::FillOrKill, OrderRule::Market];

/// Random commands around a middle that walks and jumps.
struct Flow {
    rng: SplitMix64,
    middle: i64,
    /// Ticks that prices spread over, mostly.
    spread: u64,
    next_id: u64,
    /// Ids of orders that came to rest lately, used again for cancels, changes and duplicates.
    recent: [u64; 64],
}

impl Flow {
    fn new(seed: u64, spread: u64) -> Flow {
        Flow { rng: SplitMix64::new(seed), middle: 50_000, spread, next_id: 1, recent: [1; 64] }
    }

    fn price(&mut self, side: Side) -> Ticks {
        let wide = if self.rng.below(60) == 0 { 40_000 } else { self.spread };
        // A third of the ranges overlap.
        let away = self.rng.below(wide) as i64 - wide as i64 / 6;
        Ticks(match self.rng.below(2_000) {
            0 => 0,
            1 => -1,
            2 => i64::MIN,
            3 => i64::MAX,
            4 => (1 << 53) + 1,
            _ => self.middle - side.sign() * away,
        })
    }

    fn lots(&mut self) -> Lots {
        Lots(match self.rng.below(2_000) {
            0 => 0,
            1 => -3,
            2 => i64::MIN,
            3 => i64::MAX,
            4 => (1 << 40) + 1,
            5 => 1 << 40,
            _ => 1 + self.rng.below(12) as i64,
        })
    }

    fn known_id(&mut self) -> u64 {
        match self.rng.below(500) {
            0 => 0,
            1 => u64::MAX,
            _ => self.recent[self.rng.below(64) as usize],
        }
    }

    /// An order rests that may be cancelled, changed or met again.
    fn rests(&mut self, report: &MatchReport) {
        if let MatchReport::Done { id, resting, .. } = *report
            && resting.0 > 0
        {
            self.recent[self.rng.below(64) as usize] = id;
        }
    }

    fn command(&mut self) -> MatchCommand {
        if self.rng.below(5_000) == 0 {
            let jump = [300, 3_000, 30_000][self.rng.below(3) as usize];
            self.middle = (self.middle + self.rng.below(2 * jump) as i64 - jump as i64).clamp(10, 90_000);
        }
        let side = Side::BOTH[self.rng.below(2) as usize];
        match self.rng.below(20) {
            0..=11 => {
                let again = self.rng.below(100) == 0;
                let id = if again { self.known_id() } else { self.next_id };
                // Ids that count up with gaps, and some of any size.
                self.next_id += 1 + self.rng.below(3);
                let id = if self.rng.below(50) == 0 { id << self.rng.below(40) } else { id };
                let rule = RULES[[0, 0, 0, 0, 0, 0, 1, 2, 3, 4][self.rng.below(10) as usize]];
                let (price, lots) = (self.price(side), self.lots());
                let lots = if self.rng.below(20) == 0 { Lots(lots.0.wrapping_mul(20)) } else { lots };
                MatchCommand::Order { id, owner: self.rng.below(4) as u32, side, rule, price, lots }
            }
            12..=14 => MatchCommand::Cancel { id: self.known_id() },
            15..=16 => MatchCommand::Reduce { id: self.known_id(), lots: self.lots() },
            _ => MatchCommand::Replace { id: self.known_id(), price: self.price(side), lots: self.lots() },
        }
    }
}

/// How often what happened, so that a test knows that it met everything.
#[derive(Default, Debug)]
struct Met {
    trades: u64,
    pulled: u64,
    in_flight: u64,
    far_levels: u64,
    codes: BTreeMap<Code, u64>,
}

fn same_book(book: &MatchingBook, naive: &Naive, at: &str) {
    let touch = book.touch();
    assert!(touch.bid_lots.0 == 0 || touch.ask_lots.0 == 0 || touch.bid < touch.ask, "crossed {at}");
    assert_eq!(book.len(), naive.len(), "{at}");
    for side in Side::BOTH {
        let mut expected: Vec<_> = naive.sides[side.index()].iter().collect();
        if side == Side::Buy {
            expected.reverse();
        }
        let levels: Vec<_> = book.levels(side).map(|level| (level.price.0, level.quantity.0)).collect();
        let sums: Vec<_> =
            expected.iter().map(|(price, queue)| (**price, queue.iter().map(|o| o.open).sum::<i64>())).collect();
        assert_eq!(levels, sums, "{at}");
        for (&price, queue) in expected {
            let found: Vec<_> = book.queue(side, Ticks(price)).collect();
            assert_eq!(found.len(), queue.len(), "{at}");
            for (found, order) in found.iter().zip(queue) {
                assert_eq!((found.id, found.owner, found.open.0), (order.id, order.owner, order.open), "{at}");
                assert_eq!((found.side, found.price), (side, Ticks(price)), "{at}");
                assert_eq!(book.order(order.id).as_ref(), Some(found), "{at}");
            }
        }
    }
}

/// Runs `steps` commands through both, in batches, with report buffers that are too small now and then.
fn compare(seed: u64, steps: u64, orders_max: usize, levels_max: usize, spread: u64, met: &mut Met) {
    let mut flow = Flow::new(seed, spread);
    let (mut book, mut naive) =
        (MatchingBook::new(orders_max, levels_max).unwrap(), Naive::new(orders_max, levels_max));
    let mut step = 0;
    while step < steps {
        let at = format!("seed {seed} step {step}");
        let commands: Vec<MatchCommand> = (0..1 + flow.rng.below(24)).map(|_| flow.command()).collect();
        step += commands.len() as u64;
        let (mut reports, mut taken) = (Vec::new(), 0);
        let room = [1, 2, 3, 64][flow.rng.below(4) as usize];
        while taken < commands.len() || book.is_in_flight() {
            let mut some = Vec::with_capacity(room);
            taken += book.run(&commands[taken..], &mut some);
            met.in_flight += book.is_in_flight() as u64;
            assert!(some.len() <= room && !some.is_empty(), "{at}");
            reports.append(&mut some);
        }
        naive.reports.clear();
        commands.iter().for_each(|command| naive.execute(command));
        assert_eq!(reports, naive.reports, "{at}: {commands:?}");
        for report in &reports {
            flow.rests(report);
            match report {
                MatchReport::Trade { .. } => met.trades += 1,
                MatchReport::Pulled { .. } => met.pulled += 1,
                MatchReport::Done { refused: Some(code), .. } => *met.codes.entry(*code).or_default() += 1,
                MatchReport::Done { .. } => {}
            }
        }
        if step % 8 == 0 {
            same_book(&book, &naive, &at);
            let ends = |side: Side| (book.levels(side).next(), book.levels(side).last());
            met.far_levels += Side::BOTH.iter().any(
                |&side| matches!(ends(side), (Some(best), Some(worst)) if (best.price.0 - worst.price.0).abs() > 5_000),
            ) as u64;
        }
    }
}

#[test]
fn random_commands_agree_with_a_tree_of_queues() {
    let long = std::env::var_os("FAFNIR_LONG").is_some_and(|value| value == "1");
    let steps = if long { 25_000_000 } else { 250_000 };
    let mut met = Met::default();
    compare(1, steps, 100, 12, 30, &mut met);
    compare(2, steps, 400, 200, 60, &mut met);
    compare(3, steps, 100, 100, 3_000, &mut met);
    compare(4, steps, 60, 40, 9_000, &mut met);
    println!("{} commands: {met:?}", 4 * steps);
    assert!(met.trades > steps / 4 && met.pulled > 1_000 && met.in_flight > 10_000, "{met:?}");
    assert!(met.far_levels > 1_000, "{met:?}");
    let codes =
        [Code::VenueInvalid, Code::VenueDuplicate, Code::VenuePostOnly, Code::VenueUnknownOrder, Code::VenueFull];
    assert!(codes.iter().all(|code| met.codes.get(code).is_some_and(|&count| count > 100)), "{met:?}");
}

/// Every lot that came in is in one trade side, ended, pulled, reduced away or rests; counted from reports alone.
#[test]
fn quantities_are_conserved() {
    let mut flow = Flow::new(77, 40);
    let mut book = MatchingBook::new(500, 300).unwrap();
    let (mut placed, mut gone, mut traded) = (0i64, 0i64, 0i64);
    let mut reports = Vec::with_capacity(1_024);
    for step in 0..200_000 {
        let command = flow.command();
        // A replaced order's old quantity leaves, its new one arrives.
        let before = match command {
            MatchCommand::Replace { id, .. } => book.order(id).map_or(0, |order| order.open.0),
            _ => 0,
        };
        reports.clear();
        assert_eq!((book.run(&[command], &mut reports), book.is_in_flight()), (1, false));
        for report in &reports {
            flow.rests(report);
            match *report {
                MatchReport::Trade { lots, .. } => traded += lots.0,
                MatchReport::Pulled { lots, .. } => gone += lots.0,
                MatchReport::Done { refused, filled, resting, ended, .. } => match command {
                    MatchCommand::Order { lots, .. } => {
                        assert_eq!(filled.0 + resting.0 + ended.0, lots.0);
                        placed += if refused.is_none() || filled.0 > 0 { lots.0 - ended.0 } else { 0 };
                    }
                    MatchCommand::Replace { .. } if refused.is_none() || refused == Some(Code::VenueFull) => {
                        (gone, placed) = (gone + before, placed + filled.0 + resting.0);
                    }
                    _ => gone += ended.0,
                },
            }
        }
        let open: i64 = Side::BOTH.iter().flat_map(|&side| book.levels(side)).map(|level| level.quantity.0).sum();
        assert_eq!(placed, 2 * traded + gone + open, "step {step}: {command:?}");
    }
    assert!(traded > 100_000, "{traded}");
}

fn order(id: u64, side: Side, rule: OrderRule, price: i64, lots: i64) -> MatchCommand {
    MatchCommand::Order { id, owner: 0, side, rule, price: Ticks(price), lots: Lots(lots) }
}

#[test]
fn bounds_are_checked_at_the_door() {
    for (orders, levels) in [(0, 1), (1, 0), (BOOK_ORDERS_MAX + 1, 1), (1, BOOK_LEVELS_MAX + 1)] {
        assert_eq!(MatchingBook::new(orders, levels).err(), Some(Code::ArgumentInvalid));
    }
    let mut book = MatchingBook::new(1, 1).unwrap();
    assert_eq!(book.run(&[order(1, Side::Buy, OrderRule::Limit, 5, 5)], &mut Vec::new()), 0, "no room, nothing taken");
    assert!(book.is_empty() && !book.is_in_flight());
}

/// By hand: two levels, a partial fill, and what each rule leaves.
#[test]
fn rules_by_hand() {
    let mut book = MatchingBook::new(10, 10).unwrap();
    let mut reports = Vec::with_capacity(32);
    let commands = [
        order(1, Side::Sell, OrderRule::Limit, 101, 5),
        order(2, Side::Sell, OrderRule::Limit, 101, 5),
        order(3, Side::Sell, OrderRule::PostOnly, 102, 5),
        order(4, Side::Buy, OrderRule::FillOrKill, 101, 11),
        order(5, Side::Buy, OrderRule::ImmediateOrCancel, 101, 7),
        order(6, Side::Buy, OrderRule::FillOrKill, 102, 8),
        order(7, Side::Buy, OrderRule::Market, i64::MIN, 1),
    ];
    assert_eq!(book.run(&commands, &mut reports), 7);
    let done = |id, filled, resting, ended| MatchReport::Done {
        id,
        refused: None,
        filled: Lots(filled),
        resting: Lots(resting),
        ended: Lots(ended),
    };
    let trade = |taker, maker, price, lots, left| MatchReport::Trade {
        taker,
        maker,
        price: Ticks(price),
        lots: Lots(lots),
        maker_left: Lots(left),
    };
    let expected = [
        done(1, 0, 5, 0),
        done(2, 0, 5, 0),
        done(3, 0, 5, 0),
        done(4, 0, 0, 11),
        trade(5, 1, 101, 5, 0),
        trade(5, 2, 101, 2, 3),
        done(5, 7, 0, 0),
        trade(6, 2, 101, 3, 0),
        trade(6, 3, 102, 5, 0),
        done(6, 8, 0, 0),
        done(7, 0, 0, 1),
    ];
    assert_eq!(reports, expected);
}
