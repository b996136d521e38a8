//! # Room card: signal/markout
//! In:    our own fills, and the mids after them.
//! Out:   `MarkOuts`: what the mid did after our fills, at each horizon and side, per unit in ticks and in money.
//! Holds: a fill settles once a horizon, with the mid in force at that moment; ticks times lots are exact integers.
//! Costs: O(1) amortised: a fill is looked at once a horizon; a fixed table of fills that wait.
use types::{Contract, Instrument, Lots, Nanos, Side, Ticks, UnixNanos};

use crate::fault::{SignalFault, in_range};
use crate::window::WINDOW_NANOS_MAX;

/// Most horizons.
pub const HORIZONS_MAX: usize = 8;
/// Most fills that may wait for their last horizon.
pub const PENDING_FILLS_MAX: usize = 1 << 16;
/// One, ten and sixty seconds: the horizons a desk looks at.
pub const HORIZONS_DEFAULT: [Nanos; 3] = [Nanos(1_000_000_000), Nanos(10_000_000_000), Nanos(60_000_000_000)];

#[derive(Clone, Copy, Debug, Default)]
struct Fill {
    time: UnixNanos,
    price: i64,
    /// Positive for a buy.
    signed_lots: i64,
}

/// What the settled fills of a side at one horizon came to.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MarkOut {
    /// Fills settled.
    pub fills: u64,
    /// Their quantity, lots.
    pub lots: i128,
    /// Σ sign·(2·mid - 2·price)·lots, half ticks times lots: positive when the mid moved our way. Exact.
    pub half_tick_lots: i128,
    /// The same as money of the settlement currency.
    pub money: f64,
}

impl MarkOut {
    /// Mean mark-out per unit of quantity, ticks; `None` before a fill settled.
    pub fn ticks_per_lot(&self) -> Option<f64> {
        if self.lots > 0 { Some(0.5 * self.half_tick_lots as f64 / self.lots as f64) } else { None }
    }
    /// Mean mark-out per lot, money; `None` before a fill settled.
    pub fn money_per_lot(&self) -> Option<f64> {
        if self.lots > 0 { Some(self.money / self.lots as f64) } else { None }
    }
}

/// What a tick and a lot are worth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ContractValue {
    /// Linear or inverse.
    pub contract: Contract,
    /// Price of one tick.
    pub tick_price: f64,
    /// Quantity of one lot times the contract multiplier.
    pub lot_value: f64,
}

impl ContractValue {
    /// Of an instrument.
    pub fn of(instrument: &Instrument) -> ContractValue {
        let multiplier = instrument.multiplier.to_f64();
        let lot_value = instrument.lot_f64() * multiplier;
        ContractValue { contract: instrument.contract, tick_price: instrument.tick_f64(), lot_value }
    }

    /// Gain of a long of one lot from `price` ticks to `mid` half ticks, money. An inverse contract has none from
    /// or to a price that is not positive: 0.
    fn gain(&self, price: i64, mid_half_ticks: i64) -> f64 {
        let (from, to) = (price as f64 * self.tick_price, mid_half_ticks as f64 * 0.5 * self.tick_price);
        match self.contract {
            Contract::Linear => {
                let half_ticks = (i128::from(mid_half_ticks) - 2 * i128::from(price)) as f64;
                half_ticks * (0.5 * self.tick_price) * self.lot_value
            }
            Contract::Inverse if from > 0.0 && to > 0.0 => (1.0 / from - 1.0 / to) * self.lot_value,
            Contract::Inverse => 0.0,
        }
    }
}

/// Mark-outs of our own fills: the mid some time later against the price we got, signed so that positive is good
/// for us.
///
/// On a desk: adverse selection, measured. A maker's fill earns half the spread at once; what the mark-out at 1 s,
/// 10 s and 60 s leaves of it says how informed the other side was (realised spread of Huang, Stoll 1996, J.
/// Financ. Econ. 41, p. 313, per side). The mid of a horizon is the last one known at that moment: the last whose
/// time is not after it.
#[derive(Debug)]
pub struct MarkOuts {
    value: ContractValue,
    horizons: [Nanos; HORIZONS_MAX],
    horizon_count: usize,
    ring: Box<[Fill]>,
    /// Fills ever taken; the ring holds the last of them.
    taken: u64,
    /// How many fills each horizon has settled or given up.
    settled: [u64; HORIZONS_MAX],
    /// Fills that could not be taken.
    rejected: u64,
    /// Fill-horizons given up: the table was full, or no mid was known.
    dropped: u64,
    mid_half_ticks: Option<i64>,
    now: UnixNanos,
    sums: [[MarkOut; 2]; HORIZONS_MAX],
}

impl MarkOuts {
    /// Nothing seen. `horizons`: 1 to `HORIZONS_MAX` of them, ascending, each at least a nanosecond
    /// (`HORIZONS_DEFAULT`). `pending_fills_max` (1 to `PENDING_FILLS_MAX`) may wait; when more do, the oldest
    /// gives up the horizons it has not reached, counted.
    pub fn new(horizons: &[Nanos], pending_fills_max: usize, value: ContractValue) -> Result<MarkOuts, SignalFault> {
        in_range("horizons", horizons.len() as f64, 1.0, HORIZONS_MAX as f64)?;
        in_range("pendingFillsMax", pending_fills_max as f64, 1.0, PENDING_FILLS_MAX as f64)?;
        let mut table = [Nanos(0); HORIZONS_MAX];
        for (at, horizon) in horizons.iter().enumerate() {
            let least = if at == 0 { 1 } else { horizons[at - 1].0.saturating_add(1) };
            in_range("horizonNanos", horizon.0 as f64, least as f64, WINDOW_NANOS_MAX as f64)?;
            table[at] = *horizon;
        }
        Ok(MarkOuts {
            value,
            horizons: table,
            horizon_count: horizons.len(),
            ring: vec![Fill::default(); pending_fills_max].into_boxed_slice(),
            taken: 0,
            settled: [0; HORIZONS_MAX],
            rejected: 0,
            dropped: 0,
            mid_half_ticks: None,
            now: UnixNanos::NONE,
            sums: [[MarkOut::default(); 2]; HORIZONS_MAX],
        })
    }

    /// Takes a fill of ours; false (and counted) when its quantity is not positive. A time that steps back is the
    /// latest seen.
    pub fn on_fill(&mut self, now: UnixNanos, side: Side, price: Ticks, quantity: Lots) -> bool {
        if quantity.0 <= 0 {
            self.rejected += 1;
            return false;
        }
        self.advance(now);
        let capacity = self.ring.len() as u64;
        for settled in &mut self.settled[..self.horizon_count] {
            if self.taken - *settled == capacity {
                *settled += 1;
                self.dropped += 1;
            }
        }
        let at = (self.taken % capacity) as usize;
        self.ring[at] = Fill { time: self.now, price: price.0, signed_lots: side.sign() * quantity.0 };
        self.taken += 1;
        true
    }

    /// Takes a mid (bid + ask in ticks), after settling what was due before it.
    #[inline]
    pub fn on_mid(&mut self, now: UnixNanos, mid_half_ticks: i64) {
        self.advance(now);
        self.mid_half_ticks = Some(mid_half_ticks);
    }

    /// Settles every horizon that ended before `now`, without a new mid. One that ends at `now` waits: the mid of
    /// this very moment may still come.
    #[inline]
    pub fn advance(&mut self, now: UnixNanos) {
        self.now = self.now.max(now);
        for horizon in 0..self.horizon_count {
            while self.settled[horizon] < self.taken {
                let fill = self.ring[(self.settled[horizon] % self.ring.len() as u64) as usize];
                if self.now.since(fill.time) <= self.horizons[horizon] {
                    break;
                }
                self.settle(horizon, fill);
            }
        }
    }

    fn settle(&mut self, horizon: usize, fill: Fill) {
        self.settled[horizon] += 1;
        let Some(mid) = self.mid_half_ticks else {
            self.dropped += 1;
            return;
        };
        let sum = &mut self.sums[horizon][usize::from(fill.signed_lots < 0)];
        sum.fills += 1;
        sum.lots += i128::from(fill.signed_lots.unsigned_abs());
        let half_ticks = i128::from(mid) - 2 * i128::from(fill.price);
        sum.half_tick_lots = sum.half_tick_lots.saturating_add(half_ticks.saturating_mul(i128::from(fill.signed_lots)));
        sum.money += self.value.gain(fill.price, mid) * fill.signed_lots as f64;
    }

    /// What fills of `side` (ours) came to at the horizon with this index; zeros for an index there is not.
    pub fn result(&self, horizon: usize, side: Side) -> MarkOut {
        self.sums.get(horizon).map_or(MarkOut::default(), |sides| sides[side.index()])
    }
    /// The horizons.
    pub fn horizons(&self) -> &[Nanos] {
        &self.horizons[..self.horizon_count]
    }
    /// Fills that wait for their last horizon.
    pub fn pending(&self) -> u64 {
        let least = self.settled[..self.horizon_count].iter().copied().min().unwrap_or(self.taken);
        self.taken - least
    }
    /// Fill-horizons given up so far: the table was full, or no mid was known when they ended.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
    /// Fills refused so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
}
