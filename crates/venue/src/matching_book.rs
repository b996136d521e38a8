//! # Room card: venue/matching_book
//! In:    orders by id (limit, post-only, immediate-or-cancel, fill-or-kill, market), cancel, reduce, replace.
//! Out:   `MatchingBook`: trades, pulled orders and one `Done` a command, in the order they happened; its levels.
//! Holds: price-time priority; never crossed; an owner never trades with itself; a wrong command changes nothing.
//! Costs: at most 45 ns a command (bench: venue/match-ns); no allocation after construction.
//!
//! The rules are those of the venue (`entry`): of two orders of one owner that would match, the resting one is pulled;
//! a post-only order that would take is refused; a replace at the same price with no larger quantity keeps its turn,
//! any other loses it. Reports go to the caller's bounded buffer. When it is full in the middle of an order, the order
//! stays in flight: the next call goes on with it before anything else; no trade is lost and none is doubled.
use types::{Code, Level, Lots, Side, Ticks, Touch};

use crate::matching::{ORDER_LOTS_MAX, ORDER_TICKS_MAX};
use crate::order_ids::OrderIds;
use crate::resting::{BOOK_LEVELS_MAX, BOOK_ORDERS_MAX, KEY_MIN, Resting, key_of, price_of, side_of};

/// How an order takes and rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum OrderRule {
    /// Takes what its price allows; what is left rests.
    Limit,
    /// Rests, or is refused with `VenuePostOnly` when it would take.
    PostOnly,
    /// Takes what its price allows; what is left expires.
    ImmediateOrCancel,
    /// Takes all of its quantity within its price, or nothing.
    FillOrKill,
    /// Takes at any price; what is left expires.
    Market,
}

impl OrderRule {
    /// From a record's number.
    pub const fn from_u8(number: u8) -> Option<OrderRule> {
        Some(match number {
            0 => OrderRule::Limit,
            1 => OrderRule::PostOnly,
            2 => OrderRule::ImmediateOrCancel,
            3 => OrderRule::FillOrKill,
            4 => OrderRule::Market,
            _ => return None,
        })
    }
}

/// What a book is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchCommand {
    /// A new order. Its id is not zero and no resting order has it.
    Order {
        /// What it is known by while it rests; free again when it has left.
        id: u64,
        /// Whose it is; orders of owner zero match with everybody.
        owner: u32,
        /// Buy or sell.
        side: Side,
        /// How it takes and rests.
        rule: OrderRule,
        /// Its limit; a market order's is not looked at.
        price: Ticks,
        /// Its quantity.
        lots: Lots,
    },
    /// Takes a resting order out.
    Cancel {
        /// Which.
        id: u64,
    },
    /// Lowers a resting order's open quantity to `lots`; it keeps its turn.
    Reduce {
        /// Which.
        id: u64,
        /// Its open quantity afterwards: above zero, no more than now.
        lots: Lots,
    },
    /// New price and open quantity of a resting order. At the same price with no larger quantity it keeps its turn;
    /// else it arrives anew and may take.
    Replace {
        /// Which.
        id: u64,
        /// Its price afterwards.
        price: Ticks,
        /// Its open quantity afterwards.
        lots: Lots,
    },
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchReport {
    /// An order took from a resting one, at the resting one's price.
    Trade {
        /// The order that takes.
        taker: u64,
        /// The order that rested.
        maker: u64,
        /// The resting order's price.
        price: Ticks,
        /// Quantity traded.
        lots: Lots,
        /// What the resting order has left; zero: it is gone.
        maker_left: Lots,
    },
    /// A resting order left because another of its owner would have taken it.
    Pulled {
        /// The order that would have taken.
        taker: u64,
        /// The order that left.
        maker: u64,
        /// Its price.
        price: Ticks,
        /// What it had left.
        lots: Lots,
    },
    /// The end of a command, one each, after its trades. The three quantities of an order add up to what was asked for,
    /// those of a cancel or reduce to what the order had open.
    Done {
        /// The order.
        id: u64,
        /// Why the command, or the rest of the order (`VenueFull`), was refused.
        refused: Option<Code>,
        /// Quantity it took.
        filled: Lots,
        /// Quantity of it that rests now.
        resting: Lots,
        /// Quantity that neither filled nor rests: expired, cancelled or refused.
        ended: Lots,
    },
}

/// Where reports go: a buffer that never grows.
pub trait Reports {
    /// Reports it has room for.
    fn room(&self) -> usize;
    /// Takes one; called only while there is room.
    fn put(&mut self, report: MatchReport);
}

/// Room is the vector's spare capacity.
impl Reports for Vec<MatchReport> {
    #[inline]
    fn room(&self) -> usize {
        self.capacity() - self.len()
    }
    #[inline]
    fn put(&mut self, report: MatchReport) {
        self.push(report);
    }
}

/// A resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueuedOrder {
    /// Its id.
    pub id: u64,
    /// Whose it is.
    pub owner: u32,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Ticks,
    /// Its open quantity.
    pub open: Lots,
}

/// What a resting order keeps beside its place in the queue.
#[derive(Clone, Copy, Debug)]
struct Terms {
    owner: u32,
    post_only: bool,
}

/// An order that takes.
#[derive(Clone, Copy, Debug)]
struct Taker {
    id: u64,
    owner: u32,
    side: Side,
    rule: OrderRule,
    /// Worst key of the other side that it takes.
    limit: i64,
    price: i64,
    lots: i64,
    left: i64,
}

/// A price-time matching book of orders by id, one instrument.
#[derive(Debug)]
pub struct MatchingBook {
    /// Tag of an order: its id.
    resting: Resting,
    ids: OrderIds,
    /// By slot.
    terms: Vec<Terms>,
    in_flight: Option<Taker>,
}

const fn in_range(price: Ticks, lots: Lots) -> bool {
    1 <= price.0 && price.0 <= ORDER_TICKS_MAX && 1 <= lots.0 && lots.0 <= ORDER_LOTS_MAX
}

impl MatchingBook {
    /// A book of at most `orders_max` resting orders and `levels_max` price levels a side; `ArgumentInvalid` when one
    /// is zero or above `BOOK_ORDERS_MAX`, `BOOK_LEVELS_MAX`.
    pub fn new(orders_max: usize, levels_max: usize) -> Result<MatchingBook, Code> {
        if !(1..=BOOK_ORDERS_MAX).contains(&orders_max) || !(1..=BOOK_LEVELS_MAX).contains(&levels_max) {
            return Err(Code::ArgumentInvalid);
        }
        Ok(MatchingBook {
            resting: Resting::new(orders_max, levels_max),
            ids: OrderIds::with_capacity(orders_max),
            terms: vec![Terms { owner: 0, post_only: false }; orders_max + 1],
            in_flight: None,
        })
    }

    /// Executes commands in order until all are taken or `reports` is full; how many were taken. With an order in
    /// flight the last one taken is not done: call again, with the commands that follow, once there is room.
    #[inline]
    pub fn run<R: Reports>(&mut self, commands: &[MatchCommand], reports: &mut R) -> usize {
        if let Some(taker) = self.in_flight.take()
            && !self.resume(taker, reports)
        {
            return 0;
        }
        // Ends with the commands; each takes at most one report per resting order it meets, and one.
        for (taken, command) in commands.iter().enumerate() {
            if reports.room() == 0 {
                return taken;
            }
            if !self.execute(command, reports) {
                return taken + 1;
            }
        }
        commands.len()
    }

    /// Is an order not done because the reports were full?
    pub const fn is_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }
    /// Number of resting orders.
    pub fn len(&self) -> usize {
        self.resting.len()
    }
    /// Is no order resting?
    pub fn is_empty(&self) -> bool {
        self.resting.len() == 0
    }
    /// Best bid and ask; zeros where a side is empty.
    pub fn touch(&self) -> Touch {
        self.resting.touch()
    }
    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.resting.walk(side)
    }
    /// A resting order.
    pub fn order(&self, id: u64) -> Option<QueuedOrder> {
        self.find(id).map(|slot| self.resting_order(slot))
    }
    /// Orders at a price, first to last.
    pub fn queue(&self, side: Side, price: Ticks) -> impl Iterator<Item = QueuedOrder> + '_ {
        self.resting.slots(self.resting.queue(key_of(side, price.0))).map(|slot| self.resting_order(slot))
    }

    fn resting_order(&self, slot: u32) -> QueuedOrder {
        let node = self.resting.node(slot);
        let owner = self.terms[slot as usize].owner;
        let (side, price) = (side_of(node.key), price_of(node.key));
        QueuedOrder { id: node.tag, owner, side, price, open: Lots(node.open) }
    }

    #[inline(always)]
    fn find(&self, id: u64) -> Option<u32> {
        if id == 0 { None } else { self.ids.get(id, |slot| self.resting.node(slot).tag) }
    }

    /// Executes one command; there is room for a report. False: its order is in flight.
    #[inline(always)]
    fn execute<R: Reports>(&mut self, command: &MatchCommand, reports: &mut R) -> bool {
        match *command {
            MatchCommand::Order { id, owner, side, rule, price, lots } => {
                let market = rule == OrderRule::Market;
                let limit = if market { KEY_MIN } else { key_of(side.opposite(), price.0) };
                let taker = Taker { id, owner, side, rule, limit, price: price.0, lots: lots.0, left: lots.0 };
                if id == 0 || !in_range(if market { Ticks(1) } else { price }, lots) {
                    return refuse(id, Code::VenueInvalid, lots, reports);
                }
                if self.find(id).is_some() {
                    return refuse(id, Code::VenueDuplicate, lots, reports);
                }
                if rule == OrderRule::PostOnly && self.resting.would_take(side, price.0) {
                    return refuse(id, Code::VenuePostOnly, lots, reports);
                }
                if rule == OrderRule::FillOrKill && !self.can_fill(&taker) {
                    return done(id, 0, 0, lots.0, reports);
                }
                self.advance(taker, reports)
            }
            MatchCommand::Cancel { id } => match self.find(id) {
                Some(slot) => {
                    let open = self.resting.node(slot).open;
                    self.ids.remove(id, slot);
                    self.resting.take_out(slot);
                    done(id, 0, 0, open, reports)
                }
                None => refuse(id, Code::VenueUnknownOrder, Lots(0), reports),
            },
            MatchCommand::Reduce { id, lots } => self.reduce(id, lots, reports),
            MatchCommand::Replace { id, price, lots } => self.replace(id, price, lots, reports),
        }
    }

    fn reduce<R: Reports>(&mut self, id: u64, lots: Lots, reports: &mut R) -> bool {
        let Some(slot) = self.find(id) else { return refuse(id, Code::VenueUnknownOrder, Lots(0), reports) };
        let open = self.resting.node(slot).open;
        if !(1..=open).contains(&lots.0) {
            return refuse(id, Code::VenueInvalid, Lots(0), reports);
        }
        self.resting.reduce(slot, open - lots.0);
        done(id, 0, lots.0, open - lots.0, reports)
    }

    fn replace<R: Reports>(&mut self, id: u64, price: Ticks, lots: Lots, reports: &mut R) -> bool {
        let Some(slot) = self.find(id) else { return refuse(id, Code::VenueUnknownOrder, Lots(0), reports) };
        let (order, Terms { owner, post_only }) = (self.resting_order(slot), self.terms[slot as usize]);
        if !in_range(price, lots) {
            return refuse(id, Code::VenueInvalid, Lots(0), reports);
        }
        if price == order.price && lots <= order.open {
            self.resting.reduce(slot, order.open.0 - lots.0);
            return done(id, 0, lots.0, 0, reports);
        }
        let side = order.side;
        if post_only && self.resting.would_take(side, price.0) {
            return refuse(id, Code::VenuePostOnly, Lots(0), reports);
        }
        self.ids.remove(id, slot);
        self.resting.take_out(slot);
        let rule = if post_only { OrderRule::PostOnly } else { OrderRule::Limit };
        let limit = key_of(side.opposite(), price.0);
        self.resume(Taker { id, owner, side, rule, limit, price: price.0, lots: lots.0, left: lots.0 }, reports)
    }

    /// `advance` out of line, for what is not the order of a command: that has it inlined, so that the order stays in
    /// registers (bench: venue/match-ns).
    #[inline(never)]
    fn resume<R: Reports>(&mut self, taker: Taker, reports: &mut R) -> bool {
        self.advance(taker, reports)
    }

    /// Could all of an order be filled now? Orders of its own owner would be pulled, so they do not count.
    fn can_fill(&self, taker: &Taker) -> bool {
        let mut needed = taker.lots;
        for (_, queue) in self.resting.levels(taker.side.opposite()).walk().take_while(|&(key, _)| key >= taker.limit) {
            if taker.owner == 0 {
                needed -= queue.total;
            } else {
                let others = self.resting.slots(queue).filter(|&slot| self.terms[slot as usize].owner != taker.owner);
                // Below 2^63: a level's total is.
                needed -= others.map(|slot| self.resting.node(slot).open).sum::<i64>();
            }
            if needed <= 0 {
                return true;
            }
        }
        false
    }

    /// Goes on with an order until it is done or the reports are full. Bound: each round takes out a resting order or
    /// ends the taking.
    #[inline(always)]
    fn advance<R: Reports>(&mut self, mut taker: Taker, reports: &mut R) -> bool {
        let against = taker.side.opposite();
        while taker.left > 0 && self.resting.levels(against).best_key() >= taker.limit && reports.room() > 0 {
            let slot = self.resting.front(against);
            let node = *self.resting.node(slot);
            let (taken_by, price, maker) = (taker.id, price_of(node.key), node.tag);
            if taker.owner != 0 && self.terms[slot as usize].owner == taker.owner {
                self.ids.remove(maker, slot);
                self.resting.pop_front(against, slot);
                reports.put(MatchReport::Pulled { taker: taken_by, maker, price, lots: Lots(node.open) });
                continue;
            }
            // Which of the two is left is a coin toss, so it is asked once (bench: venue/match-ns).
            if taker.left < node.open {
                let lots = Lots(core::mem::take(&mut taker.left));
                self.resting.reduce_front(against, slot, lots.0);
                let maker_left = Lots(node.open - lots.0);
                reports.put(MatchReport::Trade { taker: taken_by, maker, price, lots, maker_left });
                break;
            }
            taker.left -= node.open;
            self.ids.remove(maker, slot);
            self.resting.pop_front(against, slot);
            let (lots, maker_left) = (Lots(node.open), Lots(0));
            reports.put(MatchReport::Trade { taker: taken_by, maker, price, lots, maker_left });
        }
        // A report each round, and one at the end.
        if reports.room() == 0 {
            self.in_flight = Some(taker);
            return false;
        }
        self.finish(&taker, reports)
    }

    /// What is left of an order rests or ends.
    #[inline(always)]
    fn finish<R: Reports>(&mut self, taker: &Taker, reports: &mut R) -> bool {
        let &Taker { id, left, .. } = taker;
        let filled = taker.lots - left;
        if left == 0 || !matches!(taker.rule, OrderRule::Limit | OrderRule::PostOnly) {
            return done(id, filled, 0, left, reports);
        }
        let Some(slot) = self.resting.rest(key_of(taker.side, taker.price), left, id) else {
            let (refused, filled, ended) = (Some(Code::VenueFull), Lots(filled), Lots(left));
            reports.put(MatchReport::Done { id, refused, filled, resting: Lots(0), ended });
            return true;
        };
        self.ids.insert(id, slot);
        self.terms[slot as usize] = Terms { owner: taker.owner, post_only: taker.rule == OrderRule::PostOnly };
        done(id, filled, left, 0, reports)
    }
}

#[inline(always)]
fn done<R: Reports>(id: u64, filled: i64, resting: i64, ended: i64, reports: &mut R) -> bool {
    let (filled, resting, ended) = (Lots(filled), Lots(resting), Lots(ended));
    reports.put(MatchReport::Done { id, refused: None, filled, resting, ended });
    true
}

#[cold]
fn refuse<R: Reports>(id: u64, code: Code, lots: Lots, reports: &mut R) -> bool {
    reports.put(MatchReport::Done { id, refused: Some(code), filled: Lots(0), resting: Lots(0), ended: lots });
    true
}
