//! The rules of an L3 book written down once more with lists and maps.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use fafnir_book::{Crossing, L3Counts, PRICE_TICKS_MAX};
use types::{Code, Side};

type Queue = Vec<(u64, i64)>;

pub struct Naive {
    orders_max: usize,
    sides: [BTreeMap<i64, Queue>; 2],
    places: HashMap<u64, (Side, i64)>,
    /// The resting ids in an order of their own, to draw from.
    pub ids: Vec<u64>,
    pub own: BTreeSet<u64>,
    pub crossing: Crossing,
    pub counts: L3Counts,
}

impl Naive {
    pub fn new(orders_max: usize) -> Naive {
        Naive {
            orders_max,
            sides: Default::default(),
            places: HashMap::new(),
            ids: Vec::new(),
            own: BTreeSet::new(),
            crossing: Crossing::Refused,
            counts: L3Counts::default(),
        }
    }

    pub fn is_live(&self, id: u64) -> bool {
        self.places.contains_key(&id)
    }

    pub fn place(&self, id: u64) -> Option<(Side, i64)> {
        self.places.get(&id).copied()
    }

    pub fn queue(&self, side: Side, price: i64) -> &[(u64, i64)] {
        self.sides[side.index()].get(&price).map_or(&[], Vec::as_slice)
    }

    fn position(&self, id: u64) -> Option<(Side, i64, usize)> {
        let (side, price) = self.place(id)?;
        Some((side, price, self.queue(side, price).iter().position(|order| order.0 == id)?))
    }

    /// What is left of an order; zero when it is not there.
    pub fn left(&self, id: u64) -> i64 {
        self.position(id).map_or(0, |(side, price, at)| self.queue(side, price)[at].1)
    }

    pub fn ahead(&self, id: u64) -> Option<i64> {
        let (side, price, at) = self.position(id)?;
        Some(self.queue(side, price)[..at].iter().map(|order| order.1).sum())
    }

    pub fn levels(&self, side: Side) -> Vec<(i64, i64)> {
        let total = |(&price, queue): (&i64, &Queue)| (price, queue.iter().map(|order| order.1).sum());
        let map = &self.sides[side.index()];
        if side == Side::Buy { map.iter().rev().map(total).collect() } else { map.iter().map(total).collect() }
    }

    pub fn level_count(&self, side: Side) -> usize {
        self.sides[side.index()].len()
    }

    pub fn best(&self, side: Side) -> Option<(i64, i64)> {
        let map = &self.sides[side.index()];
        let (price, queue) = if side == Side::Buy { map.last_key_value() } else { map.first_key_value() }?;
        Some((*price, queue.iter().map(|order| order.1).sum()))
    }

    pub fn first_in_line(&self, side: Side) -> Option<u64> {
        self.best(side).map(|(price, _)| self.queue(side, price)[0].0)
    }

    fn count<T>(&mut self, outcome: Result<T, Code>) -> Result<T, Code> {
        if let Err(code) = &outcome {
            *(match code {
                Code::BookOrderUnknown => &mut self.counts.unknown,
                Code::BookOrderDuplicate => &mut self.counts.duplicate,
                Code::BookPriceRange => &mut self.counts.price_range,
                Code::BookQuantity => &mut self.counts.quantity,
                Code::BookOrderCrosses => &mut self.counts.crosses,
                _ => &mut self.counts.full,
            }) += 1;
        }
        outcome
    }

    fn may_rest(&self, side: Side, price: i64, lots: i64) -> Result<(), Code> {
        if lots <= 0 {
            return Err(Code::BookQuantity);
        }
        if price.unsigned_abs() > PRICE_TICKS_MAX as u64 {
            return Err(Code::BookPriceRange);
        }
        let crosses = self.best(side.opposite()).is_some_and(|(best, _)| match side {
            Side::Buy => price >= best,
            Side::Sell => price <= best,
        });
        if crosses && self.crossing == Crossing::Refused { Err(Code::BookOrderCrosses) } else { Ok(()) }
    }

    /// Would the level's total fit, the order `but` apart?
    fn fits(&self, side: Side, price: i64, lots: i64, but: u64) -> Result<(), Code> {
        let others = self.queue(side, price).iter().filter(|order| order.0 != but);
        let total: i128 = others.map(|order| i128::from(order.1)).sum::<i128>() + i128::from(lots);
        if total > i128::from(i64::MAX) { Err(Code::BookQuantity) } else { Ok(()) }
    }

    fn put(&mut self, id: u64, side: Side, price: i64, lots: i64) {
        self.sides[side.index()].entry(price).or_default().push((id, lots));
        self.places.insert(id, (side, price));
        self.ids.push(id);
    }

    fn take_out(&mut self, id: u64) {
        let (side, price, at) = self.position(id).unwrap();
        let queue = self.sides[side.index()].get_mut(&price).unwrap();
        queue.remove(at);
        if queue.is_empty() {
            self.sides[side.index()].remove(&price);
        }
        self.places.remove(&id);
        let at = self.ids.iter().position(|&other| other == id).unwrap();
        self.ids.swap_remove(at);
    }

    pub fn add(&mut self, id: u64, side: Side, price: i64, lots: i64) -> Result<(), Code> {
        let outcome = (|| {
            self.may_rest(side, price, lots)?;
            if self.is_live(id) {
                return Err(Code::BookOrderDuplicate);
            }
            if self.ids.len() == self.orders_max {
                return Err(Code::BookOrdersFull);
            }
            self.fits(side, price, lots, id)
        })();
        self.count(outcome)?;
        self.put(id, side, price, lots);
        self.counts.added += 1;
        Ok(())
    }

    pub fn modify(&mut self, id: u64, price: i64, lots: i64) -> Result<(), Code> {
        let Some((side, before, at)) = self.position(id) else { return self.count(Err(Code::BookOrderUnknown)) };
        if price == before && (1..=self.left(id)).contains(&lots) {
            self.sides[side.index()].get_mut(&price).unwrap()[at].1 = lots;
        } else {
            self.move_to(id, id, price, lots)?;
        }
        self.counts.modified += 1;
        Ok(())
    }

    pub fn replace(&mut self, old: u64, new: u64, price: i64, lots: i64) -> Result<(), Code> {
        if !self.is_live(old) {
            return self.count(Err(Code::BookOrderUnknown));
        }
        if new != old && self.is_live(new) {
            return self.count(Err(Code::BookOrderDuplicate));
        }
        self.move_to(old, new, price, lots)?;
        self.counts.replaced += 1;
        Ok(())
    }

    fn move_to(&mut self, old: u64, new: u64, price: i64, lots: i64) -> Result<(), Code> {
        let (side, before) = self.place(old).unwrap();
        // At its own price in a book that is crossed already it crosses nothing anew.
        let may = if price == before && lots > 0 { Ok(()) } else { self.may_rest(side, price, lots) };
        let outcome = may.and_then(|()| self.fits(side, price, lots, old));
        self.count(outcome)?;
        self.take_out(old);
        self.put(new, side, price, lots);
        if self.own.remove(&old) {
            self.own.insert(new);
        }
        Ok(())
    }

    /// Takes off an order; true when it has left.
    fn take(&mut self, id: u64, lots: i64) -> Result<bool, Code> {
        let Some((side, price, at)) = self.position(id) else { return self.count(Err(Code::BookOrderUnknown)) };
        let left = self.left(id);
        if !(1..=left).contains(&lots) {
            return self.count(Err(Code::BookQuantity));
        }
        if lots == left {
            self.take_out(id);
            self.own.remove(&id);
            return Ok(true);
        }
        self.sides[side.index()].get_mut(&price).unwrap()[at].1 -= lots;
        Ok(false)
    }

    pub fn execute(&mut self, id: u64, lots: i64) -> Result<(), Code> {
        let left = self.take(id, lots)?;
        self.counts.executed += 1;
        self.counts.filled += u64::from(left);
        Ok(())
    }

    pub fn reduce(&mut self, id: u64, lots: i64) -> Result<(), Code> {
        let left = self.take(id, lots)?;
        self.counts.reduced += 1;
        self.counts.cancelled += u64::from(left);
        Ok(())
    }

    pub fn cancel(&mut self, id: u64) -> Result<(), Code> {
        if !self.is_live(id) {
            return self.count(Err(Code::BookOrderUnknown));
        }
        self.take_out(id);
        self.own.remove(&id);
        self.counts.cancelled += 1;
        Ok(())
    }

    pub fn watch(&mut self, id: u64) -> Result<(), Code> {
        if !self.is_live(id) {
            return self.count(Err(Code::BookOrderUnknown));
        }
        self.own.insert(id);
        Ok(())
    }

    pub fn clear(&mut self) {
        self.counts.cleared += self.ids.len() as u64;
        self.sides = Default::default();
        self.places.clear();
        self.ids.clear();
        self.own.clear();
    }
}
