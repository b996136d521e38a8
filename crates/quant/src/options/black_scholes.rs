//! # Room card: quant/options/black_scholes
//! In:    kind, spot, strike, years, rate, dividend yield, volatility of European options.
//! Out:   price, delta, gamma, vega, theta, rho; one at a time or over columns.
//! Holds: the batch has the bits of the single call; no NaN: expired and zero-volatility options have their limits.
//! Costs: at most 60 ns an option with all Greeks in the batch (bench `quant/greeks`).
//!
//! Black, Scholes (1973) with the continuous yield of Merton (1973).

use crate::error::{finite, in_range, length, positive};
use crate::{JobControl, QuantError, lanes};

/// Calendar days of a year in `theta`.
pub const DAYS_PER_YEAR: f64 = 365.0;
/// Below this total deviation (volatility times √years) an option is one of zero volatility.
pub(crate) const DEVIATION_MIN: f64 = 1e-150;
/// Rows of a block of the batch: its columns stay in the first cache.
const BLOCK: usize = 64;
/// A rate or a yield so far from a market's that its discount factor leaves the range of numbers.
const OVERFLOW: QuantError = QuantError::Undefined { what: "greeks", why: "the terms overflow" };
/// Rows between two looks at the control.
const SPAN: usize = 1 << 16;

/// The right an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

impl OptionKind {
    /// +1 for a call, -1 for a put.
    #[inline(always)]
    pub const fn sign(self) -> f64 {
        match self {
            OptionKind::Call => 1.0,
            OptionKind::Put => -1.0,
        }
    }
}

/// What the price of a European option depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptionTerms {
    /// Call or put.
    pub kind: OptionKind,
    /// Price of the underlying, > 0.
    pub spot: f64,
    /// Strike, > 0.
    pub strike: f64,
    /// Time to expiry in years, >= 0.
    pub years: f64,
    /// Continuously compounded rate per year.
    pub rate: f64,
    /// Continuous dividend yield (foreign rate, cost of carry) per year.
    pub dividend_yield: f64,
    /// Volatility per √year, >= 0: 0.2 is 20 %.
    pub volatility: f64,
}

/// Price and sensitivities of one option on one unit of the underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Greeks {
    /// Present value.
    pub price: f64,
    /// Change per unit of the underlying.
    pub delta: f64,
    /// Change of delta per unit of the underlying.
    pub gamma: f64,
    /// Change per 1 % (one point) of volatility.
    pub vega: f64,
    /// Change per calendar day (a year over 365).
    pub theta: f64,
    /// Change per 1 % (one point) of the rate.
    pub rho: f64,
}

impl OptionTerms {
    /// Refuses what no option has.
    ///
    /// Errors: `QUANT_OUT_OF_RANGE` names the field.
    pub fn check(&self) -> Result<(), QuantError> {
        positive("spot", self.spot)?;
        positive("strike", self.strike)?;
        in_range("years", self.years, 0.0, 1e6)?;
        finite("rate", self.rate)?;
        finite("dividendYield", self.dividend_yield)?;
        in_range("volatility", self.volatility, 0.0, 1e6)
    }

    /// Price and Greeks.
    ///
    /// At expiry or without volatility the option is worth the discounted intrinsic value of the forward; gamma and
    /// vega are then 0 and delta is that of the forward (half of it at the strike).
    ///
    /// Errors: as [`OptionTerms::check`]; `QUANT_UNDEFINED` where the terms overflow.
    pub fn greeks(&self) -> Result<Greeks, QuantError> {
        self.check()?;
        let g = greeks(self);
        let all = [g.price, g.delta, g.gamma, g.vega, g.theta, g.rho];
        if all.iter().all(|value| value.is_finite()) { Ok(g) } else { Err(OVERFLOW) }
    }

    /// Price only.
    ///
    /// Errors: as [`OptionTerms::greeks`].
    pub fn price(&self) -> Result<f64, QuantError> {
        self.check()?;
        let price = greeks(self).price;
        if price.is_finite() { Ok(price) } else { Err(OVERFLOW) }
    }
}

/// Total deviation and the normal quantiles of an option.
#[derive(Clone, Copy)]
struct Centre {
    /// √years.
    root: f64,
    /// Volatility times `root`, as it is.
    deviation: f64,
    /// Over the deviation, held above 0.
    inverse: f64,
    d1: f64,
    d2: f64,
}

#[inline(always)]
fn centre(o: &OptionTerms) -> Centre {
    let root = o.years.sqrt();
    let deviation = o.volatility * root;
    let held = if deviation <= DEVIATION_MIN { DEVIATION_MIN } else { deviation };
    let inverse = 1.0 / held;
    let drift = (o.rate - o.dividend_yield) * o.years;
    let centre = (lanes::ln(o.spot / o.strike) + drift) * inverse;
    Centre { root, deviation, inverse, d1: hold(centre + 0.5 * held), d2: hold(centre - 0.5 * held) }
}

/// Discount factors and normal tails of an option.
#[derive(Clone, Copy)]
struct Factors {
    /// e^(-dividend yield · years).
    carry: f64,
    /// e^(-rate · years).
    discount: f64,
    /// e^(-d₁²/2).
    gauss: f64,
    /// Φ(±d₁) and Φ(±d₂): the sign first, so that the far side keeps its digits.
    n1: f64,
    n2: f64,
}

#[inline(always)]
fn discounts(o: &OptionTerms) -> (f64, f64) {
    (lanes::exp(-o.dividend_yield * o.years), lanes::exp(-o.rate * o.years))
}

/// The formulas on checked terms, without a branch (see `lanes`).
#[inline(always)]
pub(crate) fn greeks(o: &OptionTerms) -> Greeks {
    let sign = o.kind.sign();
    let c = centre(o);
    let (carry, discount) = discounts(o);
    let (gauss, far) = (lanes::gauss(c.d1), lanes::gauss(c.d2));
    let (n1, n2) = (lanes::normal_cdf_from(sign * c.d1, gauss), lanes::normal_cdf_from(sign * c.d2, far));
    combined(o, &c, &Factors { carry, discount, gauss, n1, n2 })
}

#[inline(always)]
fn combined(o: &OptionTerms, c: &Centre, f: &Factors) -> Greeks {
    let sign = o.kind.sign();
    let flat = c.deviation <= DEVIATION_MIN;
    let (forward, strike) = (o.spot * f.carry, o.strike * f.discount);
    let density = lanes::DENSITY_AT_0 * f.gauss;
    let root_positive = if flat { 1.0 } else { c.root };
    let decay = forward * density * o.volatility * 0.5 / root_positive;
    let gamma = f.carry * density * c.inverse / o.spot;
    Greeks {
        price: sign * (forward * f.n1 - strike * f.n2),
        delta: sign * f.carry * f.n1,
        gamma: if flat { 0.0 } else { gamma },
        vega: if flat { 0.0 } else { forward * density * c.root * 0.01 },
        theta: (sign * (o.dividend_yield * forward * f.n1 - o.rate * strike * f.n2) - if flat { 0.0 } else { decay })
            * (1.0 / DAYS_PER_YEAR),
        rho: sign * strike * o.years * f.n2 * 0.01,
    }
}

/// More than 40 deviations are 40: the tail is below 1e-300 either way, and e^(-d²/2) stays in range.
#[inline(always)]
pub(crate) fn hold(d: f64) -> f64 {
    let d = if d > 40.0 { 40.0 } else { d };
    if d < -40.0 { -40.0 } else { d }
}

/// Columns of option terms, all of one length.
#[derive(Clone, Copy, Debug)]
pub struct OptionColumns<'a> {
    /// 1 for a call, 0 for a put.
    pub is_call: &'a [u8],
    /// Prices of the underlyings, > 0.
    pub spot: &'a [f64],
    /// Strikes, > 0.
    pub strike: &'a [f64],
    /// Years to expiry, >= 0.
    pub years: &'a [f64],
    /// Rates per year.
    pub rate: &'a [f64],
    /// Dividend yields per year.
    pub dividend_yield: &'a [f64],
    /// Volatilities per √year, >= 0.
    pub volatility: &'a [f64],
}

/// Where the batch writes: columns as long as the terms; fields as in [`Greeks`].
#[derive(Debug)]
pub struct GreekColumns<'a> {
    /// Present values.
    pub price: &'a mut [f64],
    /// Deltas.
    pub delta: &'a mut [f64],
    /// Gammas.
    pub gamma: &'a mut [f64],
    /// Vegas per 1 %.
    pub vega: &'a mut [f64],
    /// Thetas per calendar day.
    pub theta: &'a mut [f64],
    /// Rhos per 1 %.
    pub rho: &'a mut [f64],
}

/// A column of the right length with every value from `low` to `high`: one vector pass, the place only when it fails.
fn column(what: &'static str, values: &[f64], rows: usize, low: f64, high: f64) -> Result<(), QuantError> {
    length(what, values.len(), rows)?;
    let good = values.iter().fold(true, |good, &value| good & (value >= low) & (value <= high));
    if good {
        return Ok(());
    }
    match values.iter().enumerate().find(|&(_, &value)| !(value >= low && value <= high)) {
        Some((row, value)) if !value.is_finite() => Err(QuantError::NotFinite { what, row, column: 0 }),
        Some((_, &value)) => Err(QuantError::OutOfRange { what, value, low, high }),
        None => Ok(()),
    }
}

impl OptionColumns<'_> {
    /// Checks lengths and ranges but for the volatilities; returns the number of rows.
    pub(crate) fn check_terms(&self) -> Result<usize, QuantError> {
        let rows = self.spot.len();
        if rows == 0 {
            return Err(QuantError::Empty { what: "spot" });
        }
        length("isCall", self.is_call.len(), rows)?;
        column("spot", self.spot, rows, f64::MIN_POSITIVE, f64::MAX)?;
        column("strike", self.strike, rows, f64::MIN_POSITIVE, f64::MAX)?;
        column("years", self.years, rows, 0.0, 1e6)?;
        column("rate", self.rate, rows, f64::MIN, f64::MAX)?;
        column("dividendYield", self.dividend_yield, rows, f64::MIN, f64::MAX)?;
        Ok(rows)
    }

    /// The terms of one row; `volatility` may be an empty column.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> OptionTerms {
        OptionTerms {
            kind: if self.is_call[i] != 0 { OptionKind::Call } else { OptionKind::Put },
            spot: self.spot[i],
            strike: self.strike[i],
            years: self.years[i],
            rate: self.rate[i],
            dividend_yield: self.dividend_yield[i],
            volatility: self.volatility.get(i).copied().unwrap_or(0.0),
        }
    }
}

/// Price and Greeks of many options, written into the caller's columns.
///
/// Errors: `QUANT_RAGGED` names a column whose length differs, `QUANT_NOT_FINITE` and `QUANT_OUT_OF_RANGE` a column
/// with a bad value, `QUANT_EMPTY`: nothing is written then. `QUANT_UNDEFINED` where terms overflow, `QUANT_CANCELLED`.
pub fn greeks_batch(
    options: &OptionColumns<'_>,
    out: GreekColumns<'_>,
    control: &JobControl<'_>,
) -> Result<(), QuantError> {
    let rows = options.check_terms()?;
    column("volatility", options.volatility, rows, 0.0, 1e6)?;
    let GreekColumns { price, delta, gamma, vega, theta, rho } = out;
    let mut columns = [price, delta, gamma, vega, theta, rho];
    for (name, column) in ["price", "delta", "gamma", "vega", "theta", "rho"].iter().zip(&columns) {
        length(name, column.len(), rows)?;
    }
    for span in (0..rows).step_by(SPAN) {
        control.check()?;
        control.progress(span as u64, rows as u64);
        let last = (span + SPAN).min(rows);
        let mut good = true;
        lanes::wide(
            #[inline(always)]
            || {
                let mut start = span;
                while start < last {
                    let end = (start + BLOCK).min(last);
                    good &= block(options, start, end, &mut columns);
                    start = end;
                }
            },
        );
        if !good {
            return Err(OVERFLOW);
        }
    }
    control.progress(rows as u64, rows as u64);
    Ok(())
}

/// One block: the terms are copied to arrays of fixed length, so that no loop has bounds checks and each becomes one of
/// vectors. A stage has a loop of its own: in one loop over everything the long polynomials of one vector wait for each
/// other and their intermediate results leave the registers. False where a result is not finite.
#[inline(always)]
fn block(o: &OptionColumns<'_>, start: usize, end: usize, out: &mut [&mut [f64]; 6]) -> bool {
    let rows = end - start;
    let take = |column: &[f64], fill: f64| {
        let mut array = [fill; BLOCK];
        array[..rows].copy_from_slice(&column[start..end]);
        array
    };
    let (spot, strike, years) = (take(o.spot, 1.0), take(o.strike, 1.0), take(o.years, 0.0));
    let (rate, dividend_yield) = (take(o.rate, 0.0), take(o.dividend_yield, 0.0));
    let volatility = take(o.volatility, 0.0);
    let mut sign = [1.0; BLOCK];
    for (sign, &is_call) in sign.iter_mut().zip(&o.is_call[start..end]) {
        *sign = if is_call != 0 { 1.0 } else { -1.0 };
    }
    let terms = |i: usize| OptionTerms {
        kind: if sign[i] > 0.0 { OptionKind::Call } else { OptionKind::Put },
        spot: spot[i],
        strike: strike[i],
        years: years[i],
        rate: rate[i],
        dividend_yield: dividend_yield[i],
        volatility: volatility[i],
    };
    let (mut root, mut deviation, mut inverse) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let (mut d1, mut d2) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        let c = centre(&terms(i));
        (root[i], deviation[i], inverse[i], d1[i], d2[i]) = (c.root, c.deviation, c.inverse, c.d1, c.d2);
    }
    let (mut carry, mut discount) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        (carry[i], discount[i]) = discounts(&terms(i));
    }
    let (mut gauss, mut far) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        (gauss[i], far[i]) = (lanes::gauss(d1[i]), lanes::gauss(d2[i]));
    }
    let (mut n1, mut n2) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        n1[i] = lanes::normal_cdf_from(sign[i] * d1[i], gauss[i]);
    }
    for i in 0..BLOCK {
        n2[i] = lanes::normal_cdf_from(sign[i] * d2[i], far[i]);
    }
    let mut results = [[0.0; BLOCK]; 6];
    let [price, delta, gamma, vega, theta, rho] = &mut results;
    for i in 0..BLOCK {
        let c = Centre { root: root[i], deviation: deviation[i], inverse: inverse[i], d1: d1[i], d2: d2[i] };
        let f = Factors { carry: carry[i], discount: discount[i], gauss: gauss[i], n1: n1[i], n2: n2[i] };
        let g = combined(&terms(i), &c, &f);
        price[i] = g.price;
        delta[i] = g.delta;
        gamma[i] = g.gamma;
        vega[i] = g.vega;
        theta[i] = g.theta;
        rho[i] = g.rho;
    }
    let mut good = true;
    for (column, values) in out.iter_mut().zip(&results) {
        for value in values {
            good &= value.abs() <= f64::MAX;
        }
        column[start..end].copy_from_slice(&values[..rows]);
    }
    good
}
