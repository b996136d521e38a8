//! # Room card: quote/calibrate/tally
//! In:    for one side: how long which level was the nearest a market order could trade at, and how deep orders went.
//! Out:   A and κ: a whole fit with intervals and χ² when asked for, or a streaming refit one step a call.
//! Holds: depths in half ticks, each on its lattice; what is left out is counted; memory fixed at construction.
//! Costs: O(1) to add; `refit` one pass over the levels in use (at most `LEVELS_MAX`), no allocation.
use super::lattice::{Lattice, Refit, RefitState, RunningEstimate};
use super::least_squares::{LinePoint, LogLineFit, fit_line};
use super::likelihood::{FitRefusal, IntensityFit, Kernel, Likelihood};
use super::statistics::GoodnessOfFit;

/// Orders below which nothing is estimated: with fewer, a 95 % interval of κ is wider than κ itself.
pub const ORDERS_MIN: f64 = 20.0;

/// Levels that could trade for less than this share of the time are not among the points.
const EXPOSURE_SHARE_MIN: f64 = 0.05;

/// Market orders of one side by depth.
#[derive(Clone, Debug)]
pub struct DepthTally {
    lattice: Lattice,
    nearest_half_ticks: i64,
    /// Orders that reached beyond the last level of a lattice; they are counted at that level.
    cut: f64,
    orders_left_out: u64,
    seconds_left_out: f64,
    refit: Refit,
}

impl DepthTally {
    /// A tally with `levels` half ticks (at most `LEVELS_MAX`) that counts depths from `nearest_half_ticks` on: the
    /// nearest levels may be left out where they follow another law. Errors: `OutOfRange`.
    pub fn new(tick_price: f64, levels: usize, nearest_half_ticks: i64) -> Result<DepthTally, FitRefusal> {
        let lattice = Lattice::new(tick_price, levels)?;
        // Two levels of each lattice must be left to tell a slope.
        if !(0..=levels as i64 - 4).contains(&nearest_half_ticks) {
            return Err(FitRefusal::OutOfRange { name: "nearestHalfTicks", value: nearest_half_ticks as f64 });
        }
        // A start of one e-fold per tick; Newton on the logarithm finds its way from anywhere.
        let refit = Refit::new(1.0 / tick_price);
        let (orders_left_out, seconds_left_out, cut) = (0, 0.0, 0.0);
        Ok(DepthTally { lattice, nearest_half_ticks, cut, orders_left_out, seconds_left_out, refit })
    }

    /// For `seconds` the touch stood `touch_half_ticks` from the mid (half the spread: as many half ticks as the spread
    /// has ticks). Time that is not positive and finite, and a touch beyond the last level, are left out and counted.
    #[inline]
    pub fn on_watched(&mut self, touch_half_ticks: i64, seconds: f64) {
        if !(seconds > 0.0 && seconds.is_finite()) {
            return;
        }
        // Levels lie a whole tick, two half ticks, apart.
        let short = self.nearest_half_ticks - touch_half_ticks;
        let nearest = if short > 0 { self.nearest_half_ticks + (short & 1) } else { touch_half_ticks };
        match self.lattice.level(nearest) {
            Some(level) if touch_half_ticks >= 0 => self.lattice.add_seconds(level, seconds),
            _ => self.seconds_left_out += seconds,
        }
    }

    /// A market order whose farthest trade was at this distance from the mid before it. Nearer than the nearest that
    /// counts, or on the wrong side of the mid: left out and counted.
    #[inline]
    pub fn on_order(&mut self, depth_half_ticks: i64) {
        if depth_half_ticks < self.nearest_half_ticks {
            self.orders_left_out += 1;
            return;
        }
        let last = self.lattice.seconds.len() as i64 - 2;
        if depth_half_ticks >= last {
            self.cut += 1.0;
        }
        let level = depth_half_ticks.min(last + (depth_half_ticks & 1));
        self.lattice.add_orders(level as usize, 1.0);
    }

    /// Everything seen so far weighs `keep` (0 to 1; others are ignored) of what it did.
    pub fn forget(&mut self, keep: f64) {
        if (0.0..=1.0).contains(&keep) {
            self.lattice.forget(keep);
            self.cut *= keep;
        }
    }

    /// Orders counted.
    pub fn orders(&self) -> f64 {
        self.lattice.count
    }
    /// Levels at which an order ended.
    pub fn levels_filled(&self) -> usize {
        self.lattice.orders[..self.lattice.used].iter().filter(|orders| **orders > 0.0).count()
    }
    /// Orders among them that went beyond the last level.
    pub fn orders_cut(&self) -> f64 {
        self.cut
    }
    /// Orders that were left out.
    pub fn orders_left_out(&self) -> u64 {
        self.orders_left_out
    }
    /// Seconds that were left out.
    pub fn seconds_left_out(&self) -> f64 {
        self.seconds_left_out
    }
    /// Seconds watched.
    pub fn seconds(&self) -> f64 {
        self.lattice.seconds[..self.lattice.used].iter().sum()
    }

    /// A and κ by maximum likelihood, with intervals. Cold. Errors: as `FitRefusal` says.
    pub fn fit(&self) -> Result<IntensityFit, FitRefusal> {
        let half = self.lattice.half_tick_price;
        let depth_sum = self.lattice.depth_half_ticks * half;
        let count = self.lattice.count;
        Likelihood::new(Kernel::Grid(half * 2.0), count, count - self.cut, depth_sum, self.lattice.watched())?
            .fit(ORDERS_MIN)
    }

    /// Measured intensities by depth: orders a second that reached at least each level. Cold.
    ///
    /// An order at level h is counted over the time in which h could trade; the rates of all levels of a lattice from h
    /// on add up to the rate of reaching h. Levels that could trade for less than a twentieth of the time are not
    /// shown: spreads that stand for moments only stand where the book is moving, and rates over such moments are not
    /// those of the market. (In the likelihood their orders count as orders and their seconds as seconds.)
    pub fn points(&self) -> Vec<LinePoint> {
        let used = self.lattice.used;
        let exposure = self.exposure();
        let mut points = vec![LinePoint { depth_price: 0.0, per_second: 0.0, standard_error: 0.0, orders: 0.0 }; used];
        let mut sums = [(0.0, 0.0); 2];
        for level in (0..used).rev() {
            let (rate, variance) = &mut sums[level & 1];
            let (orders, seconds) = (self.lattice.orders[level], exposure[level]);
            if seconds > 0.0 {
                *rate += orders / seconds;
                *variance += orders / (seconds * seconds);
            }
            let depth_price = level as f64 * self.lattice.half_tick_price;
            let (per_second, standard_error) = (*rate, libm::sqrt(*variance));
            points[level] = LinePoint { depth_price, per_second, standard_error, orders };
        }
        let (mut level, least) = (0, self.seconds() * EXPOSURE_SHARE_MIN);
        points.retain(|_| {
            level += 1;
            exposure[level - 1] > least
        });
        points
    }

    /// The line through `points`. Errors: `EmptyBins`, `DecayNotPositive`.
    pub fn fit_line(&self) -> Result<LogLineFit, FitRefusal> {
        fit_line(&self.points())
    }

    /// χ² of the counts by level against a fit of this tally; `None` with too few levels for a test.
    pub fn goodness(&self, fit: &IntensityFit) -> Option<GoodnessOfFit> {
        let (arrivals, decay) = (fit.arrivals_per_second.value, fit.decay_per_price.value);
        let (exposure, half, levels) = (self.exposure(), self.lattice.half_tick_price, self.lattice.seconds.len());
        let expected = |level: usize| {
            // The last level of each lattice holds all who went farther.
            let share = if level + 2 >= levels { 1.0 } else { -libm::expm1(-decay * half * 2.0) };
            arrivals * exposure[level] * libm::exp(-decay * half * level as f64) * share
        };
        let cells = (0..levels).map(|level| (self.lattice.orders[level], expected(level)));
        GoodnessOfFit::of(cells, 2)
    }

    /// Seconds in which each level could trade: the touch at it or nearer, on its lattice.
    fn exposure(&self) -> Vec<f64> {
        let mut exposure = self.lattice.seconds.to_vec();
        for level in 2..exposure.len() {
            exposure[level] += exposure[level - 2];
        }
        exposure
    }

    /// One step of the streaming refit; call it as often as there is time, between events. The estimate in force
    /// changes only when the steps have settled.
    pub fn refit(&mut self) -> RefitState {
        let outcome = if self.lattice.count < ORDERS_MIN {
            Err(FitRefusal::TooFew { orders: self.lattice.count, needed: ORDERS_MIN })
        } else {
            let kernel = Kernel::Grid(self.lattice.half_tick_price * 2.0);
            self.lattice.step(kernel, self.lattice.count - self.cut, &[], self.refit.decay_per_price())
        };
        self.refit.take(outcome)
    }

    /// A and κ as the refit last settled.
    pub fn estimate(&self) -> Option<RunningEstimate> {
        self.refit.estimate
    }

    /// Where the refit stands.
    pub fn state(&self) -> RefitState {
        self.refit.state
    }
}
