//! A ladder through random lives: late acknowledgements, partial fills, refused requests, other orders on the side,
//! other parameters. After every step no side can pass the inventory limit, whatever of what is in flight comes true.
use crate::common;
use common::{params, stepped, view};
use fafnir_quote::{
    OUTER_LEVELS_MAX, OuterActions, OuterQuotes, QuoteAction, QuoteDecision, QuoteTarget, QuoteView, Quoter,
    WorkingQuote,
};
use types::config::{Horizon, QuoteLadder, QuoterParams, QuoterRules, Sizing};
use types::limits::QUOTE_LEVELS_MAX;
use types::rng::SplitMix64;
use types::{Lots, Side, Ticks, Touch, UnixNanos};

#[derive(Clone, Copy, Debug)]
struct Order {
    price: Ticks,
    open: i64,
    acknowledged: bool,
    request: Option<Request>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    New,
    Replace(QuoteTarget),
    Cancel,
}

impl Order {
    fn worst(&self) -> i64 {
        match self.request {
            Some(Request::Replace(target)) => self.open.max(target.quantity.0),
            _ => self.open,
        }
    }
    fn seen(&self, side: Side) -> WorkingQuote {
        WorkingQuote {
            price: match self.request {
                Some(Request::Replace(target)) if side == Side::Buy => target.price.max(self.price),
                Some(Request::Replace(target)) => target.price.min(self.price),
                _ => self.price,
            },
            open_lots: Lots(self.worst()),
            acknowledged: self.acknowledged,
            in_flight: self.request.is_some(),
            cancelling: self.request == Some(Request::Cancel),
            taking: false,
        }
    }
}

struct Life {
    rng: SplitMix64,
    max: i64,
    now: u64,
    mid: i64,
    levels: [[Option<Order>; QUOTE_LEVELS_MAX]; 2],
    others: [i64; 2],
    position: i64,
}

impl Life {
    fn side_open(&self, side: Side) -> i64 {
        let own: i64 = self.levels[side.index()].iter().flatten().map(Order::worst).sum();
        self.others[side.index()] + own
    }

    fn view(&mut self) -> (QuoteView, OuterQuotes) {
        let (bid, width) = (self.mid - 1 - self.rng.below(6) as i64, 1 + self.rng.below(12) as i64);
        let touch = Touch { bid: Ticks(bid), bid_lots: Lots(1), ask: Ticks(bid + width), ask_lots: Lots(1) };
        let mut outer = OuterQuotes::default();
        for side in Side::BOTH {
            for k in 0..OUTER_LEVELS_MAX {
                outer.working[side.index()][k] = self.levels[side.index()][k + 1].map(|order| order.seen(side));
            }
        }
        let view = QuoteView {
            now: UnixNanos(self.now),
            touch: (self.rng.below(40) != 0).then_some(touch),
            book_valid: self.rng.below(40) != 0,
            sigma: Some(self.rng.unit_f64() * 3.0),
            position: Lots(self.position),
            working: Side::BOTH.map(|side| self.levels[side.index()][0].map(|order| order.seen(side))),
            side_open_lots: Side::BOTH.map(|side| Lots(self.side_open(side))),
            trading: self.rng.below(50) != 0,
            outer: outer.summary(),
            ..view(touch)
        };
        (view, outer)
    }

    /// Sends what was decided: every cancel first.
    fn apply(&mut self, decision: &QuoteDecision, further: &OuterActions, counts: &mut [usize; 4]) {
        for cancels in [true, false] {
            for side in Side::BOTH.map(Side::index) {
                let outer = further.actions[side].iter().copied();
                for (level, action) in std::iter::once(decision.actions[side]).chain(outer).enumerate() {
                    if (action == QuoteAction::Cancel) != cancels {
                        continue;
                    }
                    let slot = &mut self.levels[side][level];
                    match (action, slot) {
                        (QuoteAction::None, _) => counts[0] += 1,
                        (QuoteAction::Place(target), slot @ None) => {
                            counts[1] += 1;
                            let (price, open) = (target.price, target.quantity.0);
                            assert!(open > 0);
                            *slot = Some(Order { price, open, acknowledged: false, request: Some(Request::New) });
                        }
                        (QuoteAction::Replace(target), Some(order)) => {
                            counts[2] += 1;
                            assert!(order.request.is_none() && target.quantity.0 > 0, "{order:?}");
                            order.request = Some(Request::Replace(target));
                        }
                        (QuoteAction::Cancel, Some(order)) => {
                            counts[3] += 1;
                            // A cancel while another request flies takes its place here; both may have been applied.
                            if let Some(Request::Replace(target)) = order.request {
                                order.open = order.open.max(target.quantity.0);
                            }
                            order.request = Some(Request::Cancel);
                        }
                        (action, slot) => panic!("{action:?} does not fit {slot:?}"),
                    }
                }
            }
        }
    }

    fn step(&mut self) {
        self.now += self.rng.below(400_000_000);
        self.mid = (self.mid + self.rng.below(15) as i64 - 7).clamp(900, 2_300);
        for side in Side::BOTH {
            let at = side.index();
            if self.rng.below(8) == 0 {
                self.others[at] = 0;
                let room = (self.max - self.position * side.sign() - self.side_open(side)).max(0);
                self.others[at] = self.rng.below(room.min(4) as u64 + 1) as i64;
            }
            if self.others[at] > 0 && self.rng.below(10) == 0 {
                self.others[at] -= 1;
                self.position += side.sign();
            }
            for level in 0..QUOTE_LEVELS_MAX {
                let (chance, part, refused) = (self.rng.below(6), self.rng.next_u64(), self.rng.below(5) == 0);
                let Some(order) = &mut self.levels[at][level] else { continue };
                if chance == 0 && order.open > 0 {
                    let lots = 1 + (part % order.open as u64) as i64;
                    order.open -= lots;
                    if let Some(Request::Replace(target)) = &mut order.request {
                        target.quantity.0 = (target.quantity.0 - lots).max(0);
                    }
                    self.position += side.sign() * lots;
                } else if chance < 3 {
                    match order.request.take() {
                        Some(Request::Replace(target)) if !refused => {
                            (order.price, order.open) = (target.price, target.quantity.0);
                        }
                        Some(Request::Cancel) if !refused => order.open = 0,
                        Some(Request::New) if refused => order.open = 0,
                        _ => {}
                    }
                    order.acknowledged = true;
                }
                if self.levels[at][level].is_some_and(|order| order.open == 0) {
                    self.levels[at][level] = None;
                }
            }
        }
    }

    fn within(&self, seed: u64) {
        assert!(self.position.abs() <= self.max, "seed {seed}: position {} over {}", self.position, self.max);
        for side in Side::BOTH {
            let worst = self.position * side.sign() + self.side_open(side);
            assert!(worst <= self.max, "seed {seed}: {side:?} could reach {worst}, limit {}", self.max);
        }
    }
}

fn random_params(rng: &mut SplitMix64, max: i64) -> QuoterParams {
    let ladder = QuoteLadder {
        levels: 1 + rng.below(QUOTE_LEVELS_MAX as u64) as usize,
        spacing_ticks: 1 + rng.below(9) as i64,
        size_growth: 0.5 + 2.0 * rng.unit_f64(),
    };
    let sizing = match rng.below(3) {
        0 => Sizing::Inventory { shape: 3.0 * rng.unit_f64() },
        1 => Sizing::Depth { fraction: rng.unit_f64(), min_lots: Lots(1) },
        _ => Sizing::Fixed,
    };
    QuoterParams {
        risk_aversion_per_money: 0.05 + rng.unit_f64(),
        intensity_decay_per_price: 0.5 + 3.0 * rng.unit_f64(),
        horizon: Horizon::Constant { seconds: 1.0 },
        order_lots: Lots(1 + rng.below(max as u64) as i64),
        max_inventory_lots: Lots(max),
        requote_ticks: 1 + rng.below(6) as i64,
        rules: QuoterRules { ladder, sizing, min_spread_ticks: rng.below(20) as i64, ..QuoterRules::default() },
        ..params()
    }
}

/// Rules that any decision keeps to.
fn check(quoter: &Quoter, view: &QuoteView, decision: &QuoteDecision, further: &OuterActions, seed: u64) {
    let instrument = stepped();
    for (side, first) in Side::BOTH.into_iter().zip([decision.bid, decision.ask]) {
        let outer = further.targets[side.index()];
        if first.is_some() {
            assert!(quoter.terms().adds_up(side), "seed {seed}: {:?}", quoter.terms());
        }
        assert!(first.is_some() || quoter.levels() > 1 || outer.iter().all(Option::is_none), "seed {seed}");
        let prices: Vec<i64> = first.iter().chain(outer.iter().flatten()).map(|target| target.price.0).collect();
        assert!(prices.len() <= quoter.levels(), "seed {seed}");
        for pair in prices.windows(2) {
            assert!((pair[0] - pair[1]) * side.sign() > 0, "seed {seed}: {prices:?} {side:?}");
        }
        let Some(touch) = view.touch else { continue };
        for price in prices {
            assert!(instrument.on_increment(Ticks(price)) && price > 0, "seed {seed}");
            assert!(if side == Side::Buy { price < touch.ask.0 } else { price > touch.bid.0 }, "seed {seed}");
        }
        // No churn: what is moved was off by the asked ticks, or has more than its plan.
        let requote = quoter.params().requote_ticks as u64;
        if let (Some(quote), QuoteAction::Replace(target)) =
            (view.working[side.index()], decision.actions[side.index()])
        {
            let off = quote.price.0.abs_diff(target.price.0);
            assert!(off >= requote || quote.open_lots > target.quantity, "seed {seed}: {off} of {requote} ticks");
        }
    }
}

#[test]
fn limits_hold_on_every_level_through_random_lives() {
    let (mut counts, mut deep) = ([0; 4], 0);
    for seed in 0..120 {
        let mut rng = SplitMix64::new(seed);
        let max = 1 + rng.below(40) as i64;
        let mut quoter = Quoter::new(random_params(&mut rng, max), &stepped());
        let position = rng.below(2 * max as u64 + 1) as i64 - max;
        let levels = [[None; QUOTE_LEVELS_MAX]; 2];
        let mut life = Life { rng, max, now: 1, mid: 1_500, levels, others: [0; 2], position };
        for step in 0..500 {
            if step % 97 == 96 {
                let params = random_params(&mut life.rng, max);
                quoter.set_params(params);
            }
            let (view, outer) = life.view();
            let decision = quoter.decide(&view);
            let further = quoter.decide_outer(&view, &decision, &outer);
            check(&quoter, &view, &decision, &further, seed);
            life.within(seed);
            life.apply(&decision, &further, &mut counts);
            life.within(seed);
            life.step();
            deep += life.levels[0][3].is_some() as usize;
        }
    }
    assert!(counts.iter().all(|&count| count > 2_000) && deep > 2_000, "{counts:?} {deep}: the lives prove nothing");
}

#[test]
fn inner_levels_are_served_first_and_nothing_is_sent_before_its_room_is_free() {
    let ladder = QuoteLadder { levels: 3, spacing_ticks: 10, size_growth: 2.0 };
    let set = QuoterParams {
        order_lots: Lots(2),
        max_inventory_lots: Lots(7),
        rules: QuoterRules { ladder, ..QuoterRules::default() },
        ..params()
    };
    let mut quoter = Quoter::new(set, &common::instrument("0.01", "1", ""));
    let flat = view(common::touch(9_999, 10_001));
    let decision = quoter.decide(&flat);
    let further = quoter.decide_outer(&flat, &decision, &OuterQuotes::default());
    let place = |price: i64, lots: i64| QuoteAction::Place(QuoteTarget { price: Ticks(price), quantity: Lots(lots) });
    assert_eq!(decision.actions, [place(9_935, 2), place(10_065, 2)]);
    assert_eq!(further.actions[0][..3], [place(9_925, 4), place(9_915, 1), QuoteAction::None], "8 wanted, 1 left");
    // The first level has filled: its two lots are with the others now. The second gives way, and the first waits.
    let mut outer = OuterQuotes::default();
    (outer.working[0][0], outer.working[0][1]) = (common::live(9_925, 4), common::live(9_915, 1));
    let filled = QuoteView {
        sigma: Some(0.0),
        position: Lots(2),
        side_open_lots: [Lots(5), Lots(0)],
        outer: outer.summary(),
        ..flat
    };
    let decision = quoter.decide(&filled);
    let further = quoter.decide_outer(&filled, &decision, &outer);
    assert_eq!((decision.bid.map(|bid| bid.quantity), decision.actions[0]), (Some(Lots(2)), QuoteAction::None));
    let smaller = QuoteAction::Replace(QuoteTarget { price: Ticks(9_925), quantity: Lots(3) });
    assert_eq!(further.actions[0][..2], [smaller, QuoteAction::Cancel]);
    // Without the ladder its levels go.
    quoter.set_params(params());
    let decision = quoter.decide(&filled);
    let further = quoter.decide_outer(&filled, &decision, &outer);
    assert_eq!(further.actions[0][..2], [QuoteAction::Cancel; 2]);
}
