//! Price-time matching as plainly as it can be written: a tree of queues a side, no ids but by search.
use std::collections::{BTreeMap, VecDeque};

use fafnir_venue::{MatchCommand, MatchReport, OrderRule};
use types::{Code, Lots, Side, Ticks};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    pub id: u64,
    pub owner: u32,
    pub post_only: bool,
    pub open: i64,
}

/// Queues by price.
type Book = BTreeMap<i64, VecDeque<Plain>>;

#[derive(Default)]
pub struct Naive {
    pub sides: [Book; 2],
    pub orders_max: usize,
    pub levels_max: usize,
    pub reports: Vec<MatchReport>,
}

const fn valid(price: i64, lots: i64) -> bool {
    price >= 1 && price <= 1 << 53 && lots >= 1 && lots <= 1 << 40
}

impl Naive {
    pub fn new(orders_max: usize, levels_max: usize) -> Naive {
        Naive { orders_max, levels_max, ..Naive::default() }
    }

    pub fn len(&self) -> usize {
        self.sides.iter().flat_map(BTreeMap::values).map(VecDeque::len).sum()
    }

    /// Side and price of an order.
    fn place(&self, id: u64) -> Option<(Side, i64)> {
        let on = |side: Side| {
            let mut levels = self.sides[side.index()].iter();
            levels.find(|(_, queue)| queue.iter().any(|order| order.id == id)).map(|(&price, _)| (side, price))
        };
        on(Side::Buy).or_else(|| on(Side::Sell))
    }

    fn order_mut(&mut self, side: Side, price: i64, id: u64) -> &mut Plain {
        self.sides[side.index()].get_mut(&price).unwrap().iter_mut().find(|order| order.id == id).unwrap()
    }

    fn remove(&mut self, side: Side, price: i64, id: u64) -> Plain {
        let queue = self.sides[side.index()].get_mut(&price).unwrap();
        let order = queue.remove(queue.iter().position(|order| order.id == id).unwrap()).unwrap();
        if queue.is_empty() {
            self.sides[side.index()].remove(&price);
        }
        order
    }

    fn best(&self, side: Side) -> Option<i64> {
        let book = &self.sides[side.index()];
        if side == Side::Buy { book.keys().next_back().copied() } else { book.keys().next().copied() }
    }

    /// Best price of the other side, if an order of this side and limit takes there.
    fn crossed(&self, side: Side, limit: Option<i64>) -> Option<i64> {
        let best = self.best(side.opposite())?;
        let takes = limit.is_none_or(|limit| if side == Side::Buy { limit >= best } else { limit <= best });
        takes.then_some(best)
    }

    fn done(&mut self, id: u64, refused: Option<Code>, [filled, resting, ended]: [i64; 3]) {
        let (filled, resting, ended) = (Lots(filled), Lots(resting), Lots(ended));
        self.reports.push(MatchReport::Done { id, refused, filled, resting, ended });
    }

    pub fn execute(&mut self, command: &MatchCommand) {
        match *command {
            MatchCommand::Order { id, owner, side, rule, price, lots } => {
                self.order(id, owner, side, rule, price.0, lots.0)
            }
            MatchCommand::Cancel { id } => match self.place(id) {
                None => self.done(id, Some(Code::VenueUnknownOrder), [0; 3]),
                Some((side, price)) => {
                    let open = self.remove(side, price, id).open;
                    self.done(id, None, [0, 0, open]);
                }
            },
            MatchCommand::Reduce { id, lots } => match self.place(id) {
                None => self.done(id, Some(Code::VenueUnknownOrder), [0; 3]),
                Some((side, price)) => {
                    let order = self.order_mut(side, price, id);
                    let open = order.open;
                    if lots.0 < 1 || lots.0 > open {
                        return self.done(id, Some(Code::VenueInvalid), [0; 3]);
                    }
                    order.open = lots.0;
                    self.done(id, None, [0, lots.0, open - lots.0]);
                }
            },
            MatchCommand::Replace { id, price, lots } => self.replace(id, price.0, lots.0),
        }
    }

    fn replace(&mut self, id: u64, price: i64, lots: i64) {
        let Some((side, old)) = self.place(id) else { return self.done(id, Some(Code::VenueUnknownOrder), [0; 3]) };
        if !valid(price, lots) {
            return self.done(id, Some(Code::VenueInvalid), [0; 3]);
        }
        let order = self.order_mut(side, old, id);
        if price == old && lots <= order.open {
            order.open = lots;
            return self.done(id, None, [0, lots, 0]);
        }
        let Plain { owner, post_only, .. } = *order;
        if post_only && self.crossed(side, Some(price)).is_some() {
            return self.done(id, Some(Code::VenuePostOnly), [0; 3]);
        }
        self.remove(side, old, id);
        let rule = if post_only { OrderRule::PostOnly } else { OrderRule::Limit };
        self.enter(id, owner, side, rule, price, lots);
    }

    fn order(&mut self, id: u64, owner: u32, side: Side, rule: OrderRule, price: i64, lots: i64) {
        let limit = (rule != OrderRule::Market).then_some(price);
        let refused = if id == 0 || !valid(limit.unwrap_or(1), lots) {
            Some(Code::VenueInvalid)
        } else if self.place(id).is_some() {
            Some(Code::VenueDuplicate)
        } else if rule == OrderRule::PostOnly && self.crossed(side, limit).is_some() {
            Some(Code::VenuePostOnly)
        } else {
            None
        };
        let others = |order: &&Plain| owner == 0 || order.owner != owner;
        let within = |at: i64| limit.is_none_or(|limit| if side == Side::Buy { at <= limit } else { at >= limit });
        let levels = self.sides[side.opposite().index()].iter().filter(|(price, _)| within(**price));
        let there: i64 = levels.flat_map(|(_, queue)| queue.iter().filter(others)).map(|order| order.open).sum();
        if refused.is_some() || rule == OrderRule::FillOrKill && there < lots {
            return self.done(id, refused, [0, 0, lots]);
        }
        self.enter(id, owner, side, rule, price, lots);
    }

    fn enter(&mut self, id: u64, owner: u32, side: Side, rule: OrderRule, price: i64, lots: i64) {
        let limit = (rule != OrderRule::Market).then_some(price);
        let mut left = lots;
        while let Some(best) = self.crossed(side, limit).filter(|_| left > 0) {
            let against = side.opposite();
            let maker = *self.sides[against.index()][&best].front().unwrap();
            let at = Ticks(best);
            if owner != 0 && owner == maker.owner {
                self.remove(against, best, maker.id);
                self.reports.push(MatchReport::Pulled {
                    taker: id,
                    maker: maker.id,
                    price: at,
                    lots: Lots(maker.open),
                });
                continue;
            }
            let traded = left.min(maker.open);
            left -= traded;
            self.order_mut(against, best, maker.id).open -= traded;
            if traded == maker.open {
                self.remove(against, best, maker.id);
            }
            let (lots, maker_left) = (Lots(traded), Lots(maker.open - traded));
            self.reports.push(MatchReport::Trade { taker: id, maker: maker.id, price: at, lots, maker_left });
        }
        let rests = matches!(rule, OrderRule::Limit | OrderRule::PostOnly) && left > 0;
        let book = &self.sides[side.index()];
        let room = self.len() < self.orders_max && (book.contains_key(&price) || book.len() < self.levels_max);
        if rests && room {
            let order = Plain { id, owner, post_only: rule == OrderRule::PostOnly, open: left };
            self.sides[side.index()].entry(price).or_default().push_back(order);
            self.done(id, None, [lots - left, left, 0]);
        } else {
            self.done(id, rests.then_some(Code::VenueFull), [lots - left, 0, left]);
        }
    }
}
