//! # Room card: bindings/node/book
//! In:    flat typed arrays of updates or order messages; arrays to write answers into.
//! Out:   `L2Book` and `L3Book`: the number of updates taken, a code for each, levels and costs in the caller's arrays.
//! Holds: a batch with a value that is no whole safe number is refused before anything of it is applied.
//! Costs: a call about 300 ns, whatever its batch holds, and then what the book takes.
use ::book::{Crossing, DenseIds, Depth, L3Book as Orders, Ladder, ORDERS_MAX, OrderIds, SparseIds, views};
use napi::bindgen_prelude::{Float64ArraySlice, Uint16ArraySlice};
use napi_derive::napi;
use types::{Code, Fault, Level, Lots, Side, Ticks};

use crate::errors::{argument, guard};

/// Values of an L2 update: side (1 bids, 2 asks), price in ticks, new total in lots.
const UPDATE: usize = 3;
/// Values of an order message: kind, id, side, price in ticks, quantity in lots, new id; what a kind has not is zero.
const MESSAGE: usize = 6;
/// The largest whole number that TypeScript tells from its neighbours.
const SAFE: f64 = 9_007_199_254_740_991.0;

fn whole(value: f64, index: usize) -> Result<i64, Fault> {
    // A NaN is not equal to itself.
    if value.trunc() == value && value.abs() <= SAFE {
        return Ok(value as i64);
    }
    let fields = vec![("index", index.to_string()), ("value", value.to_string())];
    Err(Fault::new(Code::ArgumentInvalid, "a value of the batch is no whole safe number", fields))
}

fn side_of(value: f64) -> Result<Side, Fault> {
    [(1.0, Side::Buy), (2.0, Side::Sell)].iter().find(|(number, _)| *number == value).map(|(_, side)| *side).ok_or_else(
        || Fault::new(Code::ArgumentInvalid, "a side is 1 (bids) or 2 (asks)", vec![("value", value.to_string())]),
    )
}

/// Checks a whole batch of records, so that none of it is applied when one is malformed.
fn checked(batch: &[f64], record: usize, codes: &[u16], side_at: impl Fn(&[f64]) -> Option<f64>) -> Result<(), Fault> {
    if !batch.len().is_multiple_of(record) {
        return Err(argument(format!("a batch has {record} values a record; this one has {}", batch.len())));
    }
    if !codes.is_empty() && codes.len() < batch.len() / record {
        return Err(argument("the array for the codes is shorter than the batch"));
    }
    for (index, &value) in batch.iter().enumerate() {
        whole(value, index)?;
    }
    batch.chunks_exact(record).filter_map(side_at).try_for_each(|side| side_of(side).map(|_| ()))
}

/// Notes an outcome; counts what was taken.
fn note(outcome: Result<(), Code>, codes: &mut [u16], at: usize, taken: &mut u32) {
    *taken += u32::from(outcome.is_ok());
    if let Some(code) = codes.get_mut(at) {
        *code = outcome.map_or_else(|code| code as u16, |()| 0);
    }
}

/// The caller's array, to be written.
fn floats<'a>(array: &'a mut Float64ArraySlice<'_>) -> &'a mut [f64] {
    // SAFETY: nothing else uses the array during the call: the JavaScript thread waits in it, and no call is given two
    // views of one memory (the wrapper in TypeScript refuses a batch that shares its memory with its codes).
    unsafe { array.as_mut() }
}

/// The same for codes.
fn numbers<'a>(array: &'a mut Uint16ArraySlice<'_>) -> &'a mut [u16] {
    // SAFETY: as in `floats`.
    unsafe { array.as_mut() }
}

/// What a depth or cost says: levels, lots, ticks x lots, worst price, average price (NaN of nothing).
fn write_depth(depth: &Depth, into: &mut [f64]) -> Result<(), Fault> {
    let [levels, lots, ticks_lots, worst, average] = into else { return Err(argument("a depth has five values")) };
    (*levels, *lots) = (depth.levels as f64, depth.lots as f64);
    (*ticks_lots, *worst) = (depth.ticks_lots as f64, depth.worst.0 as f64);
    *average = depth.average_ticks().unwrap_or(f64::NAN);
    Ok(())
}

/// Which depth is asked for.
#[derive(Clone, Copy)]
enum Asked {
    Price(Ticks),
    Quantity(Lots),
    Trade(Lots),
}

impl Asked {
    fn of(kind: u32, value: f64) -> Result<Asked, Fault> {
        let value = whole(value, 0)?;
        match kind {
            0 => Ok(Asked::Price(Ticks(value))),
            1 => Ok(Asked::Quantity(Lots(value))),
            2 => Ok(Asked::Trade(Lots(value))),
            _ => Err(argument("a depth is asked for by price (0), quantity (1) or trade (2)")),
        }
    }

    fn answer(self, levels: impl Iterator<Item = Level>, side: Side) -> Depth {
        match self {
            Asked::Price(price) => views::depth_to_price(levels, side, price),
            Asked::Quantity(lots) => views::depth_to_quantity(levels, lots),
            Asked::Trade(lots) => views::cost_to_trade(levels, lots),
        }
    }
}

fn closed() -> Fault {
    argument("the book is closed")
}

/// An L2 book of one instrument.
#[napi]
pub struct L2Book {
    book: Option<Ladder>,
}

#[napi]
impl L2Book {
    /// An empty book, about 1.3 MB.
    #[napi(constructor)]
    #[allow(clippy::new_without_default)] // The binding constructs it from JavaScript only.
    pub fn new() -> L2Book {
        L2Book { book: Some(Ladder::new()) }
    }

    fn book(&self) -> Result<&Ladder, Fault> {
        self.book.as_ref().ok_or_else(closed)
    }

    /// Sets totals; the number taken. `codes` (empty, or one for each update) gets 0 or the number of a code.
    #[napi]
    pub fn apply(&mut self, updates: &[f64], mut codes: Uint16ArraySlice<'_>) -> napi::Result<u32> {
        let codes = numbers(&mut codes);
        guard(|| {
            let book = self.book.as_mut().ok_or_else(closed)?;
            checked(updates, UPDATE, codes, |update| Some(update[0]))?;
            let mut taken = 0;
            for (at, update) in updates.chunks_exact(UPDATE).enumerate() {
                let outcome = book.set(side_of(update[0])?, Ticks(update[1] as i64), Lots(update[2] as i64));
                note(outcome.map(|_| ()), codes, at, &mut taken);
            }
            Ok(taken)
        })
    }

    /// Bid, its lots, ask, its lots, into four values; a missing side is zeros.
    #[napi]
    pub fn touch(&self, mut into: Float64ArraySlice<'_>) -> napi::Result<()> {
        let into = floats(&mut into);
        guard(|| write_touch(self.book()?.touch(), into))
    }

    /// Price and lots of the best levels in turn; the levels written.
    #[napi]
    pub fn top(&self, side: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<u32> {
        let into = floats(&mut into);
        guard(|| Ok(views::write_pairs(self.book()?.levels(side_of(side)?), into) as u32))
    }

    /// Total at a price in lots.
    #[napi]
    pub fn quantity_at(&self, side: f64, price: f64) -> napi::Result<f64> {
        guard(|| Ok(self.book()?.quantity_at(side_of(side)?, Ticks(whole(price, 0)?)).0 as f64))
    }

    /// Depth to a price (0), to a quantity (1), or cost to trade (2), into five values.
    #[napi]
    pub fn depth(&self, kind: u32, side: f64, value: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<()> {
        let into = floats(&mut into);
        guard(|| {
            let (asked, side) = (Asked::of(kind, value)?, side_of(side)?);
            write_depth(&asked.answer(self.book()?.levels(side), side), into)
        })
    }

    /// Weighted mid over some levels, in ticks; NaN when a side is empty.
    #[napi]
    pub fn weighted_mid(&self, levels: u32) -> napi::Result<f64> {
        guard(|| {
            let book = self.book()?;
            Ok(weighted_mid(book.levels(Side::Buy), book.levels(Side::Sell), levels))
        })
    }

    /// Micro-price over some levels, in ticks; NaN when a side is empty.
    #[napi]
    pub fn micro_price(&self, levels: u32) -> napi::Result<f64> {
        guard(|| {
            let book = self.book()?;
            Ok(micro_price(book.levels(Side::Buy), book.levels(Side::Sell), levels))
        })
    }

    /// Levels of a side.
    #[napi]
    pub fn level_count(&self, side: f64) -> napi::Result<u32> {
        guard(|| Ok(self.book()?.level_count(side_of(side)?) as u32))
    }

    /// Is the best bid at or above the best ask?
    #[napi]
    pub fn is_crossed(&self) -> napi::Result<bool> {
        guard(|| Ok(self.book()?.is_crossed()))
    }

    /// Removes every level.
    #[napi]
    pub fn clear(&mut self) -> napi::Result<()> {
        guard(|| {
            self.book.as_mut().ok_or_else(closed)?.clear();
            Ok(())
        })
    }

    /// Releases the memory. Idempotent.
    #[napi]
    pub fn close(&mut self) -> napi::Result<()> {
        guard(|| {
            self.book = None;
            Ok(())
        })
    }
}

/// Weighted mid over some levels of either kind of book, in ticks; NaN when a side is empty.
fn weighted_mid(bids: impl Iterator<Item = Level>, asks: impl Iterator<Item = Level>, levels: u32) -> f64 {
    views::weighted_mid_ticks(bids, asks, levels as usize).unwrap_or(f64::NAN)
}

/// Micro-price over some levels of either kind of book, in ticks; NaN when a side is empty.
fn micro_price(bids: impl Iterator<Item = Level>, asks: impl Iterator<Item = Level>, levels: u32) -> f64 {
    views::micro_price_ticks(bids, asks, levels as usize).unwrap_or(f64::NAN)
}

fn write_touch(touch: types::Touch, into: &mut [f64]) -> Result<(), Fault> {
    let [bid, bid_lots, ask, ask_lots] = into else { return Err(argument("a touch has four values")) };
    (*bid, *bid_lots) = (touch.bid.0 as f64, touch.bid_lots.0 as f64);
    (*ask, *ask_lots) = (touch.ask.0 as f64, touch.ask_lots.0 as f64);
    Ok(())
}

/// A book of either kind of ids.
enum AnyOrders {
    Dense(Orders<DenseIds>),
    Sparse(Orders<SparseIds>),
}

/// Says the same to either kind.
macro_rules! either {
    ($any:expr, $book:ident => $body:expr) => {
        match $any {
            AnyOrders::Dense($book) => $body,
            AnyOrders::Sparse($book) => $body,
        }
    };
}

/// Applies one checked message.
fn one<I: OrderIds>(book: &mut Orders<I>, message: &[f64]) -> Result<Result<(), Code>, Fault> {
    let (id, price, lots) = (message[1] as i64 as u64, Ticks(message[3] as i64), Lots(message[4] as i64));
    Ok(match message[0] as i64 {
        1 => book.add(id, side_of(message[2])?, price, lots),
        2 => book.modify(id, price, lots),
        3 => book.execute(id, lots),
        4 => book.reduce(id, lots),
        5 => book.cancel(id),
        6 => book.replace(id, message[5] as i64 as u64, price, lots),
        7 => book.watch(id),
        _ => return Err(unknown_kind(message[0])),
    })
}

fn unknown_kind(kind: f64) -> Fault {
    Fault::new(Code::ArgumentInvalid, "a message's kind is 1 to 7", vec![("kind", kind.to_string())])
}

/// A book of single orders of one instrument.
#[napi]
pub struct L3Book {
    book: Option<AnyOrders>,
}

#[napi]
impl L3Book {
    /// An empty book for so many orders, whose ids count up (`dense`) or may be anything.
    #[napi(constructor)]
    pub fn new(orders_max: f64, dense: bool) -> napi::Result<L3Book> {
        guard(|| {
            let orders = whole(orders_max, 0)?;
            let orders =
                usize::try_from(orders).ok().filter(|orders| (1..=ORDERS_MAX).contains(orders)).ok_or_else(|| {
                    let fields = vec![("ordersMax", orders_max.to_string()), ("max", ORDERS_MAX.to_string())];
                    Fault::new(Code::ArgumentInvalid, "the book's size in orders is out of range", fields)
                })?;
            let book =
                if dense { AnyOrders::Dense(Orders::new(orders)) } else { AnyOrders::Sparse(Orders::new(orders)) };
            Ok(L3Book { book: Some(book) })
        })
    }

    fn book(&self) -> Result<&AnyOrders, Fault> {
        self.book.as_ref().ok_or_else(closed)
    }

    fn book_mut(&mut self) -> Result<&mut AnyOrders, Fault> {
        self.book.as_mut().ok_or_else(closed)
    }

    /// Applies order messages in their order; the number taken. `codes` as in `L2Book`.
    #[napi]
    pub fn apply(&mut self, messages: &[f64], mut codes: Uint16ArraySlice<'_>) -> napi::Result<u32> {
        let codes = numbers(&mut codes);
        guard(|| {
            let book = self.book_mut()?;
            checked(messages, MESSAGE, codes, |message| (message[0] == 1.0).then_some(message[2]))?;
            if let Some(message) = messages.chunks_exact(MESSAGE).find(|message| !(1.0..=7.0).contains(&message[0])) {
                return Err(unknown_kind(message[0]));
            }
            let mut taken = 0;
            for (at, message) in messages.chunks_exact(MESSAGE).enumerate() {
                let outcome = either!(&mut *book, book => one(book, message))?;
                note(outcome, codes, at, &mut taken);
            }
            Ok(taken)
        })
    }

    /// May orders cross from now on?
    #[napi]
    pub fn allow_crossing(&mut self, allowed: bool) -> napi::Result<()> {
        let crossing = if allowed { Crossing::Allowed } else { Crossing::Refused };
        guard(|| {
            either!(self.book_mut()?, book => book.set_crossing(crossing));
            Ok(())
        })
    }

    /// As in `L2Book`.
    #[napi]
    pub fn touch(&self, mut into: Float64ArraySlice<'_>) -> napi::Result<()> {
        let into = floats(&mut into);
        guard(|| write_touch(either!(self.book()?, book => book.touch()), into))
    }

    /// As in `L2Book`.
    #[napi]
    pub fn top(&self, side: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<u32> {
        let into = floats(&mut into);
        guard(|| {
            let side = side_of(side)?;
            Ok(either!(self.book()?, book => views::write_pairs(book.levels(side), into)) as u32)
        })
    }

    /// Total and number of orders at a price, into two values.
    #[napi]
    pub fn level(&self, side: f64, price: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<()> {
        let into = floats(&mut into);
        guard(|| {
            let (side, price) = (side_of(side)?, Ticks(whole(price, 0)?));
            let level = either!(self.book()?, book => book.level(side, price));
            let [lots, orders] = into else { return Err(argument("a level has two values")) };
            (*lots, *orders) = level.map_or((0.0, 0.0), |(level, orders)| (level.quantity.0 as f64, f64::from(orders)));
            Ok(())
        })
    }

    /// Id and lots of the orders of a queue in turn, first in line first; the orders written.
    #[napi]
    pub fn queue(&self, side: f64, price: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<u32> {
        let into = floats(&mut into);
        guard(|| {
            let (side, price, mut count) = (side_of(side)?, Ticks(whole(price, 0)?), 0);
            either!(self.book()?, book => {
                for (pair, (id, lots)) in into.chunks_exact_mut(2).zip(book.queue(side, price)) {
                    (pair[0], pair[1]) = (id as i64 as f64, lots.0 as f64);
                    count += 1;
                }
            });
            Ok(count)
        })
    }

    /// Side, price, lots and quantity ahead of an order, into four values; false when the book does not hold it.
    #[napi]
    pub fn order(&self, id: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<bool> {
        let into = floats(&mut into);
        guard(|| {
            let id = whole(id, 0)? as u64;
            let found = either!(self.book()?, book => book.order(id).zip(book.quantity_ahead(id)));
            let [side, price, lots, ahead] = into else { return Err(argument("an order has four values")) };
            let Some((order, quantity_ahead)) = found else { return Ok(false) };
            (*side, *price) = (f64::from(order.side as u8), order.price.0 as f64);
            (*lots, *ahead) = (order.quantity.0 as f64, quantity_ahead.0 as f64);
            Ok(true)
        })
    }

    /// As in `L2Book`.
    #[napi]
    pub fn depth(&self, kind: u32, side: f64, value: f64, mut into: Float64ArraySlice<'_>) -> napi::Result<()> {
        let into = floats(&mut into);
        guard(|| {
            let (asked, side) = (Asked::of(kind, value)?, side_of(side)?);
            write_depth(&either!(self.book()?, book => asked.answer(book.levels(side), side)), into)
        })
    }

    /// As in `L2Book`.
    #[napi]
    pub fn weighted_mid(&self, levels: u32) -> napi::Result<f64> {
        guard(|| {
            Ok(either!(self.book()?, book => weighted_mid(book.levels(Side::Buy), book.levels(Side::Sell), levels)))
        })
    }

    /// As in `L2Book`.
    #[napi]
    pub fn micro_price(&self, levels: u32) -> napi::Result<f64> {
        guard(|| {
            Ok(either!(self.book()?, book => micro_price(book.levels(Side::Buy), book.levels(Side::Sell), levels)))
        })
    }

    /// Resting orders.
    #[napi]
    pub fn order_count(&self) -> napi::Result<u32> {
        guard(|| Ok(either!(self.book()?, book => book.order_count()) as u32))
    }

    /// Levels of a side.
    #[napi]
    pub fn level_count(&self, side: f64) -> napi::Result<u32> {
        guard(|| {
            let side = side_of(side)?;
            Ok(either!(self.book()?, book => book.level_count(side)) as u32)
        })
    }

    /// Is the best bid at or above the best ask?
    #[napi]
    pub fn is_crossed(&self) -> napi::Result<bool> {
        guard(|| Ok(either!(self.book()?, book => book.is_crossed())))
    }

    /// How often what happened, as JSON.
    #[napi]
    pub fn counts(&self) -> napi::Result<String> {
        guard(|| {
            let book = self.book()?;
            let (counts, ladder) = either!(book, book => (*book.counts(), book.ladder_counts()));
            let json = serde_json::json!({
                "added": counts.added, "modified": counts.modified, "replaced": counts.replaced,
                "executed": counts.executed, "filled": counts.filled, "reduced": counts.reduced,
                "cancelled": counts.cancelled, "cleared": counts.cleared, "unknown": counts.unknown,
                "duplicate": counts.duplicate, "priceRange": counts.price_range, "quantity": counts.quantity,
                "crosses": counts.crosses, "full": counts.full,
                "recentred": ladder.recentred, "farSets": ladder.far_sets,
            });
            Ok(json.to_string())
        })
    }

    /// Removes every order; counts go on.
    #[napi]
    pub fn clear(&mut self) -> napi::Result<()> {
        guard(|| {
            either!(self.book_mut()?, book => book.clear());
            Ok(())
        })
    }

    /// Releases the memory. Idempotent.
    #[napi]
    pub fn close(&mut self) -> napi::Result<()> {
        guard(|| {
            self.book = None;
            Ok(())
        })
    }
}
