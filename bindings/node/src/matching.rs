//! # Room card: bindings/node/matching
//! In:    bounds and three views, once; a range of command rows.
//! Out:   report rows in the view bound at the start; how much was taken and written in the third.
//! Holds: no logic: rows go to `venue::run_rows`; the memory lives as long as the book.
//! Costs: one call a batch.
use std::cell::{Cell, RefCell};

use napi::bindgen_prelude::{Float64Array, Uint32Array};
use napi_derive::napi;
use types::{Code, Fault, Side};
use venue::{MatchReport, ROW_CELLS, Reports};

use crate::errors::{argument, guard};

/// Words of the progress view: commands taken, reports written, an order in flight.
const PROGRESS_WORDS: usize = 3;

/// The book and the views it works on.
struct Bound {
    book: venue::MatchingBook,
    commands: Float64Array,
    reports: Float64Array,
    progress: Uint32Array,
}

/// A matching book. Its views are over `SharedArrayBuffer`s, which cannot be detached.
#[napi]
pub struct MatchingBook {
    bound: RefCell<Bound>,
}

/// The cells of a view.
fn cells<T>(view: &[T]) -> &[Cell<T>] {
    // SAFETY: a `Cell<T>` has the layout of its `T`; the view outlives the slice; script that could write meanwhile
    // does not run during a call, and views that overlap are cells on both sides.
    unsafe { core::slice::from_raw_parts(view.as_ptr().cast::<Cell<T>>(), view.len()) }
}

/// Report rows in a view.
struct Rows<'a> {
    cells: &'a [Cell<f64>],
    written: usize,
}

impl Reports for Rows<'_> {
    #[inline]
    fn room(&self) -> usize {
        self.cells.len() / ROW_CELLS - self.written
    }
    #[inline]
    fn put(&mut self, report: MatchReport) {
        let row = self.cells.iter().skip(self.written * ROW_CELLS);
        row.zip(venue::row_of(&report)).for_each(|(cell, value)| cell.set(value));
        self.written += 1;
    }
}

#[napi]
impl MatchingBook {
    /// A book of at most so many resting orders and price levels a side. Throws ARGUMENT_INVALID outside their ranges.
    #[napi(constructor)]
    pub fn new(
        orders_max: u32,
        levels_max: u32,
        commands: Float64Array,
        reports: Float64Array,
        progress: Uint32Array,
    ) -> napi::Result<MatchingBook> {
        guard(|| {
            if progress.len() < PROGRESS_WORDS || reports.len() < ROW_CELLS {
                return Err(argument("the views are too short"));
            }
            let book = venue::MatchingBook::new(orders_max as usize, levels_max as usize).map_err(|code| {
                let ranges = [("ordersMax", venue::BOOK_ORDERS_MAX), ("levelsMax", venue::BOOK_LEVELS_MAX)];
                let fields = ranges.map(|(name, most)| (name, format!("1 to {most}"))).to_vec();
                Fault::new(code, "ordersMax or levelsMax is out of range", fields)
            })?;
            Ok(MatchingBook { bound: RefCell::new(Bound { book, commands, reports, progress }) })
        })
    }

    /// Executes command rows `from` to `from + count - 1` until all are taken or the reports are full.
    #[napi]
    pub fn run(&self, from: u32, count: u32) -> napi::Result<()> {
        self.with(|bound| {
            let Bound { book, commands, reports, progress } = bound;
            let commands = cells(commands.as_ref());
            let (from, count) = (from as usize, count as usize);
            let asked = commands.get(from * ROW_CELLS..(from + count) * ROW_CELLS);
            let asked = asked.ok_or_else(|| argument("the rows asked for are outside the view"))?;
            let row = |at: usize| core::array::from_fn(|cell| asked[at * ROW_CELLS + cell].get());
            let mut rows = Rows { cells: cells(reports.as_ref()), written: 0 };
            let taken = venue::run_rows(book, row, count, &mut rows);
            let told = [taken as u32, rows.written as u32, book.is_in_flight() as u32];
            cells(progress.as_ref()).iter().zip(told).for_each(|(cell, value)| cell.set(value));
            Ok(())
        })
    }

    /// Number of resting orders.
    #[napi]
    pub fn resting(&self) -> napi::Result<u32> {
        self.with(|bound| Ok(bound.book.len() as u32))
    }

    /// The best levels of a side (1 bids, 2 asks), best first: price in ticks, lots, price, lots and so on.
    #[napi]
    pub fn levels(&self, side: u32, most: u32) -> napi::Result<Float64Array> {
        self.with(|bound| {
            let side = if side == 1 { Side::Buy } else { Side::Sell };
            let levels = bound.book.levels(side).take(most as usize);
            Ok(levels.flat_map(|level| [level.price.0 as f64, level.quantity.0 as f64]).collect::<Vec<f64>>().into())
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Bound) -> Result<T, Fault>) -> napi::Result<T> {
        guard(|| {
            let busy = |_| Fault::new(Code::ArgumentInvalid, "the book is in use", vec![]);
            work(&mut *self.bound.try_borrow_mut().map_err(busy)?)
        })
    }
}
