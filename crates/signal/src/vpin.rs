//! # Room card: signal/vpin
//! In:    trades with aggressors; or bars of volume and price change, whose volume is classified in bulk.
//! Out:   `Vpin`: the share of volume that is imbalanced, 0 to 1, over buckets of equal volume.
//! Holds: bucket volumes are exact integers: a trade is split at the border of a bucket, not one lot is lost.
//! Costs: O(1) per trade; one that fills many buckets costs at most the window.
use types::{Lots, Side};

use crate::fault::{SignalFault, in_range};
use crate::imbalance::FLOW_LOTS_MAX;
use crate::window::nearest;

/// Most buckets of a window.
pub const BUCKETS_MAX: usize = 4_096;
/// Most bars the bulk classification takes its deviation from.
pub const BULK_BARS_MAX: usize = 65_536;

/// Volume-synchronised probability of informed trading (Easley, López de Prado, O'Hara 2012, Rev. Financ. Stud. 25,
/// p. 1457, eq. 7).
///
/// On a desk: how one-sided flow has been per unit of volume; high before makers withdraw. Volume is cut into
/// buckets of V lots; `VPIN = Σ |buys - sells| / (n·V)` over the last n full buckets. Trades may be told with their
/// aggressor (`on_trade`), or bars without (`on_bar`, with `BulkClassifier` to split their volume): do not mix.
#[derive(Debug)]
pub struct Vpin {
    bucket_lots: i64,
    ring: Box<[i64]>,
    count: usize,
    next: usize,
    /// Σ |buys - sells| of the full buckets.
    imbalance: i128,
    /// Buys and sells of the bucket that fills.
    open: [i64; 2],
    rejected: u64,
}

impl Vpin {
    /// Nothing seen: `buckets` (1 to `BUCKETS_MAX`) of `bucket_lots` (1 to `FLOW_LOTS_MAX`). The paper: 50 buckets
    /// of a fiftieth of the mean daily volume.
    pub fn new(bucket_lots: Lots, buckets: usize) -> Result<Vpin, SignalFault> {
        in_range("bucketLots", bucket_lots.0 as f64, 1.0, FLOW_LOTS_MAX as f64)?;
        in_range("buckets", buckets as f64, 1.0, BUCKETS_MAX as f64)?;
        let ring = vec![0; buckets].into_boxed_slice();
        Ok(Vpin { bucket_lots: bucket_lots.0, ring, count: 0, next: 0, imbalance: 0, open: [0; 2], rejected: 0 })
    }

    /// Takes a trade; false (and counted) when the quantity is not from 1 to `FLOW_LOTS_MAX`.
    #[inline]
    pub fn on_trade(&mut self, aggressor: Side, quantity: Lots) -> bool {
        if !(1..=FLOW_LOTS_MAX).contains(&quantity.0) {
            self.rejected += 1;
            return false;
        }
        self.fill(aggressor.index(), quantity.0);
        true
    }

    /// Takes the volume of a bar, split into buys and sells (`BulkClassifier::buy_lots`); the split is spread evenly
    /// over the buckets the bar touches. False (and counted) when one is negative, or their sum not from 1 to
    /// `FLOW_LOTS_MAX`.
    pub fn on_bar(&mut self, buys: Lots, sells: Lots) -> bool {
        let total = buys.0.checked_add(sells.0).filter(|total| (1..=FLOW_LOTS_MAX).contains(total));
        let (Some(mut total), true) = (total, buys.0 >= 0 && sells.0 >= 0) else {
            self.rejected += 1;
            return false;
        };
        let mut buys = buys.0;
        // Of a bar that fills the whole window several times, whole rounds leave nothing behind.
        while total > 0 {
            let part = total.min(self.bucket_lots - self.open[0] - self.open[1]);
            // What the part has of the buys, half away from zero: the rest goes on, so that the sum is exact.
            let scaled = (i128::from(buys) * i128::from(part) * 2 + i128::from(total)) / (2 * i128::from(total));
            let bought = scaled as i64;
            self.fill(0, bought);
            self.fill(1, part - bought);
            (total, buys) = (total - part, buys - bought);
            let rounds = total / self.bucket_lots / self.ring.len() as i64;
            if rounds > 1 && self.open == [0; 2] {
                // Every whole bucket of the bar has the same share; skip all but the last window of them.
                let skipped = (rounds - 1) * self.ring.len() as i64 * self.bucket_lots;
                let share = (i128::from(buys) * i128::from(skipped) / i128::from(total)) as i64;
                (total, buys) = (total - skipped, buys - share);
            }
        }
        true
    }

    #[inline]
    fn fill(&mut self, side: usize, mut lots: i64) {
        let room = self.bucket_lots - self.open[0] - self.open[1];
        if lots < room {
            self.open[side] += lots;
            return;
        }
        self.open[side] += room;
        lots -= room;
        self.close();
        // Whole buckets of one trade are of one side; those that would leave the window again need not enter it.
        let whole = (lots / self.bucket_lots).min(self.ring.len() as i64);
        for _ in 0..whole {
            self.open[side] = self.bucket_lots;
            self.close();
        }
        self.open[side] = lots % self.bucket_lots;
    }

    #[inline]
    fn close(&mut self) {
        let imbalance = (self.open[0] - self.open[1]).abs();
        if self.count == self.ring.len() {
            self.imbalance -= i128::from(self.ring[self.next]);
        } else {
            self.count += 1;
        }
        self.ring[self.next] = imbalance;
        self.imbalance += i128::from(imbalance);
        self.next = if self.next + 1 == self.ring.len() { 0 } else { self.next + 1 };
        self.open = [0; 2];
    }

    /// VPIN, 0 to 1; `None` until the window of buckets is full.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let volume = i128::from(self.bucket_lots) * self.ring.len() as i128;
        (self.count == self.ring.len()).then(|| nearest(self.imbalance) / nearest(volume))
    }
    /// Full buckets in the window.
    pub fn buckets(&self) -> usize {
        self.count
    }
    /// Trades and bars refused so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
}

/// Bulk volume classification (Easley, López de Prado, O'Hara 2012, eq. 4 to 6): the buys of a bar are V·Φ(ΔP/σ_ΔP).
///
/// σ_ΔP is the sample standard deviation (n - 1) of the price changes of the last `bars` bars, this one included; the
/// paper takes that of the whole sample, which a stream does not have.
#[derive(Debug)]
pub struct BulkClassifier {
    ring: Box<[i64]>,
    count: usize,
    next: usize,
    /// Σ Δ and Σ Δ².
    sums: [i128; 2],
}

/// Largest price change of a bar, ticks; a larger one counts as this much.
const BULK_STEP_MAX: i64 = 1 << 40;

impl BulkClassifier {
    /// Nothing seen; σ from the last `bars` bars (2 to `BULK_BARS_MAX`).
    pub fn new(bars: usize) -> Result<BulkClassifier, SignalFault> {
        in_range("bars", bars as f64, 2.0, BULK_BARS_MAX as f64)?;
        Ok(BulkClassifier { ring: vec![0; bars].into_boxed_slice(), count: 0, next: 0, sums: [0; 2] })
    }

    /// Takes a bar: its price change in ticks and its volume. How many lots were bought, rounded half away from zero;
    /// half of the volume while the price has not moved in the window. Zero for a volume that is not positive.
    pub fn buy_lots(&mut self, change_ticks: i64, volume: Lots) -> Lots {
        let change = change_ticks.clamp(-BULK_STEP_MAX, BULK_STEP_MAX);
        if self.count == self.ring.len() {
            let gone = i128::from(self.ring[self.next]);
            (self.sums[0], self.sums[1]) = (self.sums[0] - gone, self.sums[1] - gone * gone);
        } else {
            self.count += 1;
        }
        self.ring[self.next] = change;
        self.next = if self.next + 1 == self.ring.len() { 0 } else { self.next + 1 };
        let wide = i128::from(change);
        (self.sums[0], self.sums[1]) = (self.sums[0] + wide, self.sums[1] + wide * wide);
        let n = self.count as i128;
        let scatter = n * self.sums[1] - self.sums[0] * self.sums[0];
        let share = if n < 2 || scatter <= 0 {
            0.5
        } else {
            let deviation = libm::sqrt(scatter as f64 / n as f64 / (n - 1) as f64);
            0.5 * libm::erfc(-(change as f64 / deviation) * core::f64::consts::FRAC_1_SQRT_2)
        };
        let volume = volume.0.clamp(0, FLOW_LOTS_MAX);
        Lots((libm::round(volume as f64 * share) as i64).min(volume))
    }
}
