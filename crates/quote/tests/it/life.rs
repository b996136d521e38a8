//! Randomised lives of a quoter: late acknowledgements, partial fills, refused requests, other orders on the side,
//! gaps, bad numbers. After every step the inventory limit, the touch, the grid and rule 11 must hold; two runs must
//! agree.
use crate::common;
use common::{params, stepped};
use fafnir_quote::{
    MarketSignals, OuterSummary, QuoteAction, QuoteDecision, QuoteTarget, QuoteView, Quoter, WorkingQuote,
};
use types::config::{Horizon, IntensityCalibration, QuoterParams};
use types::rng::SplitMix64;
use types::{Instrument, Lots, Side, Ticks, Touch, UnixNanos};

/// The quoter's order on one side as venue and order management see it together.
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
    /// The most that may still fill, whatever comes of the request on its way.
    fn worst(&self) -> i64 {
        match self.request {
            Some(Request::Replace(target)) => self.open.max(target.quantity.0),
            _ => self.open,
        }
    }
}

struct Life {
    rng: SplitMix64,
    instrument: Instrument,
    max: i64,
    now: u64,
    mid: i64,
    orders: [Option<Order>; 2],
    /// Lots of somebody else's order on each side, kept within the limit by that somebody.
    others: [i64; 2],
    position: i64,
}

impl Life {
    fn side_open(&self, side: Side) -> i64 {
        self.others[side.index()] + self.orders[side.index()].map_or(0, |order| order.worst())
    }

    fn view(&mut self) -> QuoteView {
        let (bid, width) = (self.mid - 1 - self.rng.below(6) as i64, 1 + self.rng.below(12) as i64);
        let touch = Touch { bid: Ticks(bid), bid_lots: Lots(1), ask: Ticks(bid + width), ask_lots: Lots(1) };
        QuoteView {
            now: UnixNanos(self.now),
            started: UnixNanos(1),
            touch: (self.rng.below(40) != 0).then_some(touch),
            book_valid: self.rng.below(40) != 0,
            sigma: match self.rng.below(60) {
                0 => None,
                1 => Some(f64::NAN),
                _ => Some(self.rng.unit_f64() * 3.0),
            },
            position: Lots(self.position),
            working: Side::BOTH.map(|side| {
                self.orders[side.index()].map(|order| WorkingQuote {
                    price: match order.request {
                        Some(Request::Replace(target)) if side == Side::Buy => target.price.max(order.price),
                        Some(Request::Replace(target)) => target.price.min(order.price),
                        _ => order.price,
                    },
                    open_lots: Lots(order.worst()),
                    acknowledged: order.acknowledged,
                    in_flight: order.request.is_some(),
                    cancelling: order.request == Some(Request::Cancel),
                    taking: false,
                })
            }),
            side_open_lots: Side::BOTH.map(|side| Lots(self.side_open(side))),
            trading: self.rng.below(50) != 0,
            touch_at: UnixNanos(self.now),
            outer: OuterSummary::default(),
            signals: MarketSignals::default(),
        }
    }

    fn apply(&mut self, decision: &QuoteDecision) {
        for side in Side::BOTH {
            let slot = &mut self.orders[side.index()];
            match (decision.actions[side.index()], slot) {
                (QuoteAction::None, _) => {}
                (QuoteAction::Place(target), slot @ None) => {
                    let (price, open) = (target.price, target.quantity.0);
                    *slot = Some(Order { price, open, acknowledged: false, request: Some(Request::New) });
                }
                (QuoteAction::Replace(target), Some(order)) if order.request.is_none() => {
                    order.request = Some(Request::Replace(target));
                }
                // Sent at once only when nothing else is on its way; otherwise it is asked for again.
                (QuoteAction::Cancel, Some(order)) if order.request != Some(Request::Cancel) => {
                    order.request.get_or_insert(Request::Cancel);
                }
                (action, slot) => panic!("{action:?} does not fit {slot:?}"),
            }
        }
    }

    fn step(&mut self, quoter: &mut Quoter) {
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
            let (chance, part, refused) = (self.rng.below(6), self.rng.next_u64(), self.rng.below(5) == 0);
            let Some(order) = &mut self.orders[at] else { continue };
            if chance == 0 && order.open > 0 {
                let lots = 1 + (part % order.open as u64) as i64;
                order.open -= lots;
                // A replace names the total quantity, so that a fill on its way takes from what it leaves open.
                if let Some(Request::Replace(target)) = &mut order.request {
                    target.quantity.0 = (target.quantity.0 - lots).max(0);
                }
                self.position += side.sign() * lots;
                quoter.on_fill(side);
            } else if chance < 3 {
                // An acknowledgement, or a refusal that leaves the order as it was.
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
            if self.orders[at].is_some_and(|order| order.open == 0) {
                self.orders[at] = None;
            }
        }
    }

    fn check(&self, view: &QuoteView, decision: &QuoteDecision, seed: u64) {
        assert!(self.position.abs() <= self.max, "seed {seed}: position {} over {}", self.position, self.max);
        for side in Side::BOTH {
            let worst = self.position * side.sign() + self.side_open(side);
            assert!(worst <= self.max, "seed {seed}: {side:?} could reach {worst}, limit {}", self.max);
        }
        if let (Some(bid), Some(ask)) = (decision.bid, decision.ask) {
            assert!(bid.price < ask.price, "seed {seed}");
        }
        for (side, target) in [(Side::Buy, decision.bid), (Side::Sell, decision.ask)] {
            let Some(target) = target else { continue };
            let touch = view.touch.unwrap();
            assert!(target.quantity.0 > 0 && target.price.0 > 0, "seed {seed}");
            assert!(self.instrument.on_increment(target.price), "seed {seed}: {target:?}");
            assert!(if side == Side::Buy { target.price < touch.ask } else { target.price > touch.bid }, "seed {seed}");
            assert!(view.trading && view.book_valid && view.sigma.is_some() && decision.code.is_none(), "seed {seed}");
            let crosses = |other: WorkingQuote| match side {
                Side::Buy => target.price >= other.price,
                Side::Sell => target.price <= other.price,
            };
            if view.working[side.opposite().index()].is_some_and(crosses) {
                assert_eq!(decision.actions[side.index()], QuoteAction::None, "seed {seed}: against ourselves");
            }
        }
    }
}

fn random_params(rng: &mut SplitMix64, max: i64) -> QuoterParams {
    let calibration = IntensityCalibration {
        arrivals_per_second: 2.0,
        prior_fills: 2.0,
        prior_seconds: 0.0,
        prior_distance_price: 0.4,
        min_per_price: 0.2,
        max_per_price: 20.0,
    };
    QuoterParams {
        risk_aversion_per_money: 0.05 + rng.unit_f64(),
        intensity_decay_per_price: 0.5 + 3.0 * rng.unit_f64(),
        horizon: match rng.below(2) {
            0 => Horizon::Constant { seconds: 1.0 },
            _ => Horizon::Countdown { seconds: 60.0 },
        },
        inventory_spread_term: rng.below(2) == 0,
        order_lots: Lots(1 + rng.below(max as u64) as i64),
        max_inventory_lots: Lots(max),
        requote_ticks: 1 + rng.below(6) as i64,
        calibration: (rng.below(2) == 0).then_some(calibration),
        ..params()
    }
}

/// One life; the decisions it took, and how often each action came.
fn live_once(seed: u64, steps: usize) -> (Vec<QuoteDecision>, [usize; 4]) {
    let mut rng = SplitMix64::new(seed);
    let max = 1 + rng.below(20) as i64;
    let instrument = stepped();
    let mut quoter = Quoter::new(random_params(&mut rng, max), &instrument);
    let position = rng.below(2 * max as u64 + 1) as i64 - max;
    let (orders, others) = ([None; 2], [0; 2]);
    let mut life = Life { rng, instrument, max, now: 1, mid: 1_500, orders, others, position };
    let (mut decisions, mut counts) = (Vec::new(), [0; 4]);
    for step in 0..steps {
        if step % 97 == 96 {
            let params = random_params(&mut life.rng, max);
            quoter.set_params(params);
        }
        let view = life.view();
        let decision = quoter.decide(&view);
        life.check(&view, &decision, seed);
        life.apply(&decision);
        life.check(&view, &QuoteDecision { actions: [QuoteAction::None; 2], ..decision }, seed);
        for action in decision.actions {
            counts[match action {
                QuoteAction::None => 0,
                QuoteAction::Place(_) => 1,
                QuoteAction::Replace(_) => 2,
                QuoteAction::Cancel => 3,
                QuoteAction::Take(_) => panic!("no session ends here"),
            }] += 1;
        }
        life.step(&mut quoter);
        decisions.push(decision);
    }
    (decisions, counts)
}

#[test]
fn limits_hold_through_random_lives() {
    let mut total = [0; 4];
    for seed in 0..400 {
        let (_, counts) = live_once(seed, 800);
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    // The lives must have exercised every action, or they prove nothing.
    assert!(total.iter().all(|&count| count > 5_000), "{total:?}");
}

#[test]
fn the_same_calls_give_the_same_decisions() {
    for seed in 0..20 {
        assert_eq!(live_once(seed, 500).0, live_once(seed, 500).0, "seed {seed}");
    }
    assert_ne!(live_once(1, 500).0, live_once(2, 500).0);
}
