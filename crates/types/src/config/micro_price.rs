//! # Room card: types/config/micro_price
//! In:    the table of a micro-price in a quoter's JSON.
//! Out:   `MicroPriceTable`, checked.
//! Holds: whole rows of buckets, every value finite.
//! Costs: cold path.
use super::ConfigFault;
use super::ranges::range;

/// Most imbalance buckets.
const BUCKETS_MAX: u32 = 20;
/// Widest spread with a row, ticks.
const SPREAD_TICKS_MAX: usize = 10;
/// Most a touch may be moved by, ticks.
const ADJUSTMENT_TICKS_MAX: f64 = 1_000.0;

/// What a micro-price adds to the mid.
#[derive(Clone, PartialEq, Debug)]
pub struct MicroPriceTable {
    /// Equal buckets of the imbalance.
    pub imbalance_buckets: usize,
    /// Ticks, a row of buckets a spread, from one tick on.
    pub adjustments_ticks: Box<[f64]>,
}

impl MicroPriceTable {
    pub(super) fn resolve(
        imbalance_buckets: u32,
        adjustments_ticks: &[f64],
        path: &str,
    ) -> Result<MicroPriceTable, ConfigFault> {
        let at = |key: &str| format!("{path}.fairValue.{key}");
        range(&at("imbalanceBuckets"), imbalance_buckets, 2, BUCKETS_MAX)?;
        let (buckets, key) = (imbalance_buckets as usize, at("adjustmentsTicks"));
        range(&key, adjustments_ticks.len(), buckets, buckets * SPREAD_TICKS_MAX)?;
        if !adjustments_ticks.len().is_multiple_of(buckets) {
            let what = format!("{} values", adjustments_ticks.len());
            return Err(ConfigFault::new(key, what, format!("whole rows of {buckets}")));
        }
        for adjustment in adjustments_ticks {
            range(&key, *adjustment, -ADJUSTMENT_TICKS_MAX, ADJUSTMENT_TICKS_MAX)?;
        }
        Ok(MicroPriceTable { imbalance_buckets: buckets, adjustments_ticks: adjustments_ticks.into() })
    }
}
