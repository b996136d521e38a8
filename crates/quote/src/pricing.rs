//! # Room card: quote/pricing
//! In:    the model's choice and parameters, fair value, inventory, σ, what was published; the rules about the spread.
//! Out:   bid and ask on the grid, each step of the way in `QuoteTerms`.
//! Holds: one order of evaluation (see `terms`); with every rule off the result is that of `grid::snap_outward`.
//! Costs: a dozen float operations and two divisions; two logarithms more with an infinite horizon.
use types::config::{FairValue, Horizon, Model};
use types::{Code, Contract, Nanos, Side, Ticks, Touch};

use crate::glft::{Glft, GlftParams};
use crate::grid::{off_the_touch, onto_increments, round_outward};
use crate::model::{
    StationaryBound, StationaryForm, StationaryInputs, drift_shift, inventory_spread, reservation_price,
    stationary_reservation_prices,
};
use crate::quoter::{QuoteView, Quoter};

impl Quoter {
    /// Rules 3 to 5, and 16 to 19 where they are on.
    #[inline]
    pub(crate) fn prices(
        &mut self,
        view: &QuoteView,
        touch: &Touch,
        mid_half_ticks: i64,
    ) -> Result<[Option<Ticks>; 2], Code> {
        let sigma = view.sigma.or(self.params.rules.initial_sigma).unwrap_or(0.0);
        // σ enters squared, which would hide a wrong sign. NaN goes on and is refused by the grid.
        if sigma < 0.0 {
            return Err(Code::QuoterInvalid);
        }
        let mid_price = mid_half_ticks as f64 * self.half_tick_price;
        let position_worth = view.position.0 as f64 * self.lot_worth;
        let inventory_base = match self.instrument.contract {
            Contract::Linear => position_worth,
            Contract::Inverse => position_worth / mid_price,
        };
        self.terms.asked = false;
        (self.terms.sigma, self.terms.inventory_base) = (sigma, inventory_base);
        (self.terms.fair_price, self.terms.drift_price) = (self.fair_price(view, touch, mid_price), 0.0);
        self.terms.sides[0].wanted = true;
        self.terms.sides[1].wanted = true;
        match self.params.model {
            Model::AvellanedaStoikov => self.avellaneda_stoikov(view, mid_price)?,
            Model::Glft { .. } => self.glft_terms(view, mid_price)?,
            Model::Strategy => self.asked_terms()?,
        }
        if self.ruled {
            self.widen();
        }
        self.onto_the_grid(touch)
    }

    fn fair_price(&self, view: &QuoteView, touch: &Touch, mid_price: f64) -> f64 {
        match self.params.rules.fair_value {
            FairValue::Mid => mid_price,
            FairValue::WeightedMid => {
                let (bid_lots, ask_lots) = (touch.bid_lots.0 as f64, touch.ask_lots.0 as f64);
                let weighed = touch.bid.0 as f64 * ask_lots + touch.ask.0 as f64 * bid_lots;
                weighed / (bid_lots + ask_lots) * self.tick_price
            }
            FairValue::MicroPrice => view.signals.micro_price_ticks.map_or(mid_price, |ticks| ticks * self.tick_price),
            FairValue::Published(max_age) => self.published.fair_value.young(view.now, max_age).unwrap_or(f64::NAN),
        }
    }

    /// The published drift, 0 where there is none that is young enough, and the seconds it is applied over.
    fn drift(&self, view: &QuoteView) -> (f64, f64) {
        let Some((seconds, max_age)) = self.params.rules.drift else { return (0.0, 0.0) };
        (self.published.drift.young(view.now, max_age).unwrap_or(0.0), seconds)
    }

    #[inline]
    fn avellaneda_stoikov(&mut self, view: &QuoteView, mid_price: f64) -> Result<(), Code> {
        let horizon_seconds = match self.params.horizon {
            Horizon::Constant { seconds } => seconds,
            Horizon::Countdown { seconds } => {
                let left = seconds - Nanos(view.now.since(view.started).0.max(0)).as_seconds();
                if left > 0.0 { left } else { 0.0 }
            }
            Horizon::Infinite => f64::INFINITY,
        };
        self.terms.horizon_seconds = horizon_seconds;
        let (drift, drift_seconds) = self.drift(view);
        self.terms.drift_price = drift_shift(drift, drift_seconds);
        for side in Side::BOTH.map(Side::index) {
            self.terms.sides[side].intensity_half_price = self.intensity_spread_price[side] * 0.5;
        }
        if self.params.horizon == Horizon::Infinite {
            return self.stationary(mid_price);
        }
        let (gamma, sigma) = (self.params.risk_aversion_per_money, self.terms.sigma);
        let shift = reservation_price(0.0, self.terms.inventory_base, gamma, sigma, horizon_seconds);
        let half =
            if self.params.inventory_spread_term { inventory_spread(gamma, sigma, horizon_seconds) * 0.5 } else { 0.0 };
        for terms in &mut self.terms.sides {
            (terms.inventory_price, terms.inventory_half_price) = (shift, half);
        }
        Ok(())
    }

    /// Base units of the quoter's own bounds: the model needs them in the unit of its inventory.
    fn base(&self, lots: i64, mid_price: f64) -> f64 {
        let worth = lots as f64 * self.lot_worth;
        if self.instrument.contract == Contract::Inverse { worth / mid_price } else { worth }
    }

    #[inline(never)]
    fn stationary(&mut self, mid_price: f64) -> Result<(), Code> {
        let max_base = self.base(self.params.max_inventory_lots.0, mid_price);
        // Beyond the limit the model has no value; the reducing side is priced as at the limit.
        let inventory_base = self.terms.inventory_base.clamp(-max_base, max_base);
        let inputs = StationaryInputs {
            mid_price: 0.0,
            inventory_base,
            order_base: self.base(self.params.order_lots.0, mid_price),
            risk_aversion_per_money: self.params.risk_aversion_per_money,
            volatility_price_per_sqrt_second: self.terms.sigma,
            bound: StationaryBound::MaxInventory(max_base),
            form: StationaryForm::Indifference,
        };
        let shifts = stationary_reservation_prices(&inputs).map_err(|_| Code::QuoterInvalid)?;
        let middle = match (shifts.bid, shifts.ask) {
            (Some(bid), Some(ask)) => (bid + ask) * 0.5,
            (bid, ask) => bid.or(ask).ok_or(Code::QuoterInvalid)?,
        };
        for (terms, shift) in self.terms.sides.iter_mut().zip([shifts.bid, shifts.ask]) {
            terms.wanted = shift.is_some();
            terms.inventory_price = middle;
            terms.inventory_half_price = match shift {
                Some(shift) if self.params.inventory_spread_term => libm::fabs(shift - middle),
                _ => 0.0,
            };
        }
        Ok(())
    }

    #[inline(never)]
    fn glft_terms(&mut self, view: &QuoteView, mid_price: f64) -> Result<(), Code> {
        // The size of an order in base units changes with the price of an inverse contract only.
        let model = match self.instrument.contract {
            Contract::Linear => self.glft,
            Contract::Inverse => self.new_glft(mid_price),
        };
        let model = model.ok_or(Code::QuoterInvalid)?;
        let (sigma, (drift, _)) = (self.terms.sigma, self.drift(view));
        self.terms.horizon_seconds = f64::INFINITY;
        self.terms.drift_price = -model.shift(sigma, drift);
        let shift = -(model.skew(sigma) * self.terms.inventory_base);
        for side in Side::BOTH {
            let terms = &mut self.terms.sides[side.index()];
            terms.inventory_price = shift;
            terms.intensity_half_price = model.c1_price(side);
            terms.inventory_half_price = model.half_spread(side, sigma) - terms.intensity_half_price;
        }
        Ok(())
    }

    /// The model as γ, A, κ and the order size make it; `None` where it has no finite constants.
    pub(crate) fn new_glft(&self, mid_price: f64) -> Option<Glft> {
        let Model::Glft { fill_aversion_per_money, .. } = self.params.model else { return None };
        let arrivals_per_second = Side::BOTH.map(|side| self.arrivals_per_second(side).unwrap_or(f64::NAN));
        let params = GlftParams {
            risk_aversion_per_money: self.params.risk_aversion_per_money,
            fill_aversion_per_money,
            order_base: self.base(self.params.order_lots.0, mid_price),
            arrivals_per_second,
            decay_per_price: Side::BOTH.map(|side| self.intensity_decay_per_price(side)),
        };
        Glft::new(&params).ok()
    }

    #[inline(never)]
    fn asked_terms(&mut self) -> Result<(), Code> {
        let Some(asked) = self.asked else { return Err(Code::QuoterInvalid) };
        (self.terms.asked, self.terms.horizon_seconds) = (true, 0.0);
        for (terms, price) in self.terms.sides.iter_mut().zip(asked.prices) {
            terms.wanted = price.is_some();
            terms.inventory_price = price.unwrap_or(0.0);
            (terms.intensity_half_price, terms.inventory_half_price) = (0.0, 0.0);
        }
        Ok(())
    }

    /// Rule 16.
    fn widen(&mut self) {
        let toxicity = self.terms.toxicity;
        let factor = self.params.rules.toxicity.map_or(0.0, |rule| rule.widening * toxicity);
        let [bid, ask] = &self.terms.sides;
        let asked_half = (ask.inventory_price - bid.inventory_price) * 0.5;
        let (asked, both) = (self.terms.asked, bid.wanted && ask.wanted);
        for terms in &mut self.terms.sides {
            let half = match (asked, both) {
                (false, _) => terms.intensity_half_price + terms.inventory_half_price,
                (true, true) => asked_half,
                (true, false) => 0.0,
            };
            terms.toxicity_half_price = half * factor;
        }
    }

    /// The terms summed, then rounding, rules 17 to 19, the touch, the increments.
    #[inline]
    fn onto_the_grid(&mut self, touch: &Touch) -> Result<[Option<Ticks>; 2], Code> {
        let (fair, drift, asked) = (self.terms.fair_price, self.terms.drift_price, self.terms.asked);
        let [bid, ask] = &mut self.terms.sides;
        let half = |terms: &crate::terms::SideTerms| {
            (terms.intensity_half_price + terms.inventory_half_price) + terms.toxicity_half_price
        };
        let base = |shift: f64| if asked { shift } else { (fair + shift) + drift };
        bid.model_price = base(bid.inventory_price) - half(bid);
        ask.model_price = base(ask.inventory_price) + half(ask);
        bid.model_ticks = bid.model_price / self.tick_price;
        ask.model_ticks = ask.model_price / self.tick_price;
        let both = bid.wanted && ask.wanted;
        // A side that is not quoted must not hold the other back: it stands far off.
        let (bid_ticks, ask_ticks) = match (bid.wanted, ask.wanted) {
            (true, true) => (bid.model_ticks, ask.model_ticks),
            (true, false) => (bid.model_ticks, bid.model_ticks + FAR_TICKS),
            (false, true) => (ask.model_ticks * 0.5, ask.model_ticks),
            (false, false) => return Ok([None; 2]),
        };
        let rounded = round_outward(bid_ticks, ask_ticks)?;
        let (spread, covered) = if self.ruled && both { self.spread(rounded) } else { (rounded, rounded) };
        let free = off_the_touch(covered.0, covered.1, touch);
        let (bid_price, ask_price) = onto_increments(free.0, free.1, &self.instrument)?;
        let steps =
            [(rounded.0, spread.0, covered.0, free.0, bid_price), (rounded.1, spread.1, covered.1, free.1, ask_price)];
        let mut prices = [None; 2];
        for (side, (rounded, spread, covered, free, price)) in steps.into_iter().enumerate() {
            let terms = &mut self.terms.sides[side];
            terms.rounded = Ticks(rounded);
            (terms.spread_ticks, terms.fee_ticks) = (spread - rounded, covered - spread);
            (terms.touch_ticks, terms.increment_ticks) = (free - covered, price.0 - free);
            terms.price = price;
            prices[side] = terms.wanted.then_some(price);
        }
        Ok(prices)
    }

    /// Rules 17 to 19: quotes brought within the largest and the smallest spread, and then apart by what the fees cost.
    fn spread(&self, (bid, ask): (i64, i64)) -> ((i64, i64), (i64, i64)) {
        let rules = &self.params.rules;
        let spread = ask.saturating_sub(bid);
        let within = match spread {
            _ if spread > rules.max_spread_ticks => apart(bid, ask, rules.max_spread_ticks - spread),
            _ if spread < rules.min_spread_ticks => apart(bid, ask, rules.min_spread_ticks - spread),
            _ => (bid, ask),
        };
        let covered =
            if rules.cover_fees { cover_fees(within.0, within.1, self.instrument.maker_fee_e8) } else { within };
        (within, covered)
    }
}

/// Far enough from a bid that neither grid nor touch brings the two together; within the range of the grid for any
/// price that has a market.
const FAR_TICKS: f64 = 1_000_000.0;
const RATE_ONE: i128 = 100_000_000;

/// The distance grown (or shrunk) by so many ticks, half on each side; an odd one goes to the ask.
fn apart(bid: i64, ask: i64, ticks: i64) -> (i64, i64) {
    let below = ticks.div_euclid(2);
    (bid - below, ask + (ticks - below))
}

/// The smallest widening at which ask·(1 - f) ≥ bid·(1 + f): a round trip at the two quotes earns both maker fees. The
/// same holds for an inverse contract, whose value is the quantity over the price. A rebate asks for nothing.
fn cover_fees(bid: i64, ask: i64, fee_e8: i64) -> (i64, i64) {
    let short =
        |bid: i64, ask: i64| fee_e8 as i128 * (bid as i128 + ask as i128) - RATE_ONE * (ask as i128 - bid as i128);
    let missing = short(bid, ask);
    if missing <= 0 {
        return (bid, ask);
    }
    let ticks = (missing + RATE_ONE - 1) / RATE_ONE;
    let mut quotes = apart(bid, ask, ticks as i64);
    // An odd tick raises the sum of the two by one, and the fee with it.
    if short(quotes.0, quotes.1) > 0 {
        quotes = (quotes.0 - 1, quotes.1);
    }
    quotes
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    #[test]
    fn fees_are_covered_and_no_tick_is_given_away() {
        assert_eq!(cover_fees(99_990, 100_010, 20_000), (99_980, 100_020), "0.02 % of 200,000 is 40 ticks");
        assert_eq!(cover_fees(99_990, 100_010, 0), (99_990, 100_010));
        assert_eq!(cover_fees(99_990, 100_010, -10_000), (99_990, 100_010), "a rebate");
        for seed in 0..20_000u64 {
            let mut rng = SplitMix64::new(seed);
            let bid = 1_000 + rng.below(1_000_000) as i64;
            let ask = bid + 1 + rng.below(50) as i64;
            let fee = rng.below(200_000) as i64;
            let pays = |b: i64, a: i64| (a - b) as i128 * RATE_ONE >= fee as i128 * (a as i128 + b as i128);
            let (b, a) = cover_fees(bid, ask, fee);
            assert!(b <= bid && a >= ask && pays(b, a), "seed {seed}");
            assert!((b, a) == (bid, ask) || !pays(b + 1, a - 1), "seed {seed}: {bid} {ask} {fee} gave {b} {a}");
        }
    }

    #[test]
    fn widening_is_even_and_the_odd_tick_is_the_asks() {
        assert_eq!(apart(100, 102, 3), (99, 104));
        assert_eq!(apart(100, 110, -3), (102, 109));
        assert_eq!(apart(100, 110, -4), (102, 108));
    }
}
