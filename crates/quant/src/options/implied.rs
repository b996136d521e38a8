//! # Room card: quant/options/implied
//! In:    the price of a European option and its other terms.
//! Out:   the volatility whose Black-Scholes price it is, to the last digits that the price determines.
//! Holds: a bracket that always halves at the worst; a price outside the bounds of arbitrage is an error, never NaN.
//! Costs: under 1 µs, 3-6 evaluations.
//!
//! The equation is solved for the out-of-the-money option in Black's normalised form (P. Jäckel, "By implication",
//! 2006, and "Let's be rational", 2015): with x = -|ln(F/K)|, s = σ √T and b = price / (√(F K) discount),
//! `b(s) = e^(x/2) Φ(x/s + s/2) - e^(-x/2) Φ(x/s - s/2)`, which rises from 0 to e^(x/2).

use super::black_scholes::{OptionColumns, OptionKind, OptionTerms};
use crate::error::in_range;
use crate::{JobControl, QuantError, lanes};

/// Bound on the steps of the search.
const STEPS_MAX: u32 = 100;
/// Terms of the Taylor series of the difference of two tails.
const SERIES_TERMS: usize = 12;
/// Rows between two looks at the control.
const SPAN: usize = 4_096;

/// Y(z) = Φ(z) e^(z²/2), the tail without its exponential.
fn scaled_cdf(z: f64) -> f64 {
    if z <= 0.0 { lanes::scaled_tail(-z) } else { lanes::normal_cdf(z) / lanes::gauss(z) }
}

/// ln b(s) and d ln b / ds for x <= 0, s > 0. The relative error of b is at most (1 + (x/s)²) ε times a few: as much as
/// ε of s itself causes.
fn ln_price(x: f64, s: f64) -> (f64, f64) {
    let (h, t) = (x / s, 0.5 * s);
    // b = e^(-(h² + t²)/2) (Y(h + t) - Y(h - t)); e^(x/2) = e^(h t) makes the two exponentials one.
    let difference = if t < 0.25 && h > -40.0 && x > -1.0 {
        // Odd terms of Taylor's series: Y' = z Y + 1/√(2π), Y⁽ⁿ⁺¹⁾ = z Y⁽ⁿ⁾ + n Y⁽ⁿ⁻¹⁾. Direct subtraction would lose
        // 1/t digits.
        let y = scaled_cdf(h);
        let (mut before, mut now) = (y, h * y + lanes::DENSITY_AT_0);
        let (mut power, mut sum) = (2.0 * t, 2.0 * t * now);
        for k in 1..SERIES_TERMS {
            let n = (2 * k - 1) as f64;
            let even = h * now + n * before;
            let odd = h * even + (n + 1.0) * now;
            power *= t * t / ((n + 1.0) * (n + 2.0));
            sum += power * odd;
            (before, now) = (even, odd);
        }
        sum
    } else if h < -40.0 && t < 0.5 * h.abs() {
        far_difference(h, t)
    } else {
        scaled_cdf(h + t) - scaled_cdf(h - t)
    };
    // db/ds = e^(-(h² + t²)/2) / √(2π).
    (libm::log(difference) - 0.5 * (h * h + t * t), lanes::DENSITY_AT_0 / difference)
}

/// Y(h + t) - Y(h - t) far out, from Y(z) = (1/√2π) (1/|z| - 1/|z|³ + 3/|z|⁵ - ..): the leading difference in closed
/// form.
fn far_difference(h: f64, t: f64) -> f64 {
    let (near, far) = (-h - t, -h + t);
    let (a, b) = (1.0 / near, 1.0 / far);
    // a^(2n+1) - b^(2n+1) = (a - b) Σ a^i b^(2n-i), without cancellation.
    let first = 2.0 * t * a * b;
    let (mut coefficient, mut sum) = (1.0, 0.0);
    for n in 0..8 {
        let mut inner = 0.0;
        for i in 0..=2 * n {
            inner += a.powi(i) * b.powi(2 * n - i);
        }
        sum += coefficient * inner;
        coefficient *= -(2.0 * f64::from(n) + 1.0);
    }
    lanes::DENSITY_AT_0 * first * sum
}

/// ln (e^(x/2) - b(s)) and its derivative: what is left to the upper bound, a sum of two positive terms.
fn ln_room(x: f64, s: f64) -> (f64, f64) {
    let (h, t) = (x / s, 0.5 * s);
    let sum = scaled_cdf(-(h + t)) + scaled_cdf(h - t);
    (libm::log(sum) - 0.5 * (h * h + t * t), -lanes::DENSITY_AT_0 / sum)
}

/// The s with b(s) = `b`, given b itself and the room above it. Newton on ln b in ln s below the inflection point (s² =
/// 2|x|), on the logarithm of the room above it, inside a bracket.
fn solve(x: f64, b: f64, room: f64) -> f64 {
    let inflection = libm::sqrt(2.0 * x.abs());
    let below = x < 0.0 && libm::log(b) <= ln_price(x, inflection).0;
    // At the money b = 2 Φ(s/2) - 1 has no inflection; half of the room divides it.
    let low_branch = if x < 0.0 { below } else { b < 0.5 };
    let target = if low_branch { libm::log(b) } else { libm::log(room) };
    let (mut low, mut high) = match (x < 0.0, low_branch) {
        (true, true) => (0.0, inflection),
        (true, false) => (inflection, f64::INFINITY),
        (false, _) => (0.0, f64::INFINITY),
    };
    let mut s = start(x, b, room, low_branch, inflection);
    for _ in 0..STEPS_MAX {
        let (at, slope) = if low_branch { ln_price(x, s) } else { ln_room(x, s) };
        // Both functions are monotone: ln b rises, the room falls.
        if (at > target) == low_branch {
            high = high.min(s);
        } else {
            low = low.max(s);
        }
        // Halley's step: second derivatives in closed form, d ln(b')/ds = x²/s³ - s/4.
        let newton = (target - at) / slope;
        let curvature = (x * x / (s * s * s) - 0.25 * s) - slope;
        let newton = if low_branch {
            low_step(x, s, at, target, slope, newton, curvature)
        } else {
            newton_damped(newton, curvature)
        };
        let mut next = s + newton;
        if !(next > low && next < high) {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * s.max(1e-3) };
        }
        let change = (next - s).abs();
        s = next;
        if change <= 2.0 * f64::EPSILON * s {
            break;
        }
    }
    s
}

/// Halley's correction of a Newton step for a function with relative curvature f''/f'.
fn newton_damped(newton: f64, curvature: f64) -> f64 {
    let factor = 1.0 + 0.5 * newton * curvature;
    if factor > 0.5 && factor < 2.0 { newton / factor } else { newton }
}

/// Far below, ln b is close to -x²/(2 s²): a step in 1/s² lands, where one in s creeps.
fn low_step(x: f64, s: f64, at: f64, target: f64, slope: f64, newton: f64, curvature: f64) -> f64 {
    let h = x / s;
    if h > -3.0 {
        return newton_damped(newton, curvature);
    }
    // d ln b / d(1/s²) = -slope s³ / 2.
    let u = 1.0 / (s * s) - 2.0 * (target - at) / (slope * s * s * s);
    if u > 0.0 { 1.0 / libm::sqrt(u) - s } else { newton }
}

/// A first s of the right size.
fn start(x: f64, b: f64, room: f64, low_branch: bool, inflection: f64) -> f64 {
    if x == 0.0 {
        // b = 2 Φ(s/2) - 1: the density at 0 for small prices, the tail for large ones.
        return if low_branch {
            b / lanes::DENSITY_AT_0
        } else {
            -2.0 * crate::distributions::normal_quantile(0.5 * room)
        };
    }
    if !low_branch {
        let tail = (0.5 * room).clamp(1e-300, 0.499);
        return inflection.max(-2.0 * crate::distributions::normal_quantile(tail));
    }
    // ln b ~ -x²/(2 s²) when b is far below what it is at the inflection.
    let at = ln_price(x, inflection).0;
    let u = 1.0 / (inflection * inflection) + 2.0 * (at - libm::log(b)) / (x * x);
    1.0 / libm::sqrt(u)
}

/// The volatility per √year at which the option has the price; `terms.volatility` is not read.
///
/// Only the time value of an in-the-money option says anything of its volatility: what parity takes off the price takes
/// digits off the answer. A price equal to the lower bound (the discounted intrinsic value of the forward) has
/// volatility 0.
///
/// Errors: `QUANT_OUT_OF_RANGE` with the bounds of arbitrage for a price at or above the upper one or under the lower
/// one, or for terms that no option has; `years` must be > 0.
pub fn implied_volatility(terms: &OptionTerms, price: f64) -> Result<f64, QuantError> {
    let terms = OptionTerms { volatility: 0.0, ..*terms };
    terms.check()?;
    in_range("years", terms.years, f64::MIN_POSITIVE, 1e6)?;
    let discount = libm::exp(-terms.rate * terms.years);
    let forward_value = terms.spot * libm::exp(-terms.dividend_yield * terms.years);
    let strike_value = terms.strike * discount;
    let sign = terms.kind.sign();
    let intrinsic = (sign * (forward_value - strike_value)).max(0.0);
    let ceiling = if terms.kind == OptionKind::Call { forward_value } else { strike_value };
    // One rounding below intrinsic is intrinsic: prices come from sums.
    let slack = 4.0 * f64::EPSILON * forward_value.max(strike_value);
    if !(price >= intrinsic - slack && price < ceiling) {
        return Err(QuantError::OutOfRange { what: "price", value: price, low: intrinsic, high: ceiling });
    }
    let time_value = price - intrinsic;
    if time_value <= 0.0 {
        return Ok(0.0);
    }
    let moneyness = libm::log(terms.spot / terms.strike) + (terms.rate - terms.dividend_yield) * terms.years;
    let x = -moneyness.abs();
    // The out-of-the-money twin has the time value for a price, and the smaller of the two values for a ceiling.
    let unit = libm::sqrt(forward_value) * libm::sqrt(strike_value);
    let b = time_value / unit;
    let room = (ceiling - price) / unit;
    if !(b > 0.0 && room > 0.0 && b.is_finite()) {
        return Ok(0.0);
    }
    Ok(solve(x, b, room) / libm::sqrt(terms.years))
}

/// What became of one row of a batch of implied volatilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ImpliedStatus {
    /// The volatility is there.
    Solved = 0,
    /// The price is under the intrinsic value; the volatility is 0.
    BelowIntrinsic = 1,
    /// The price is at or over the largest one an option can have; the volatility is 0.
    AboveCeiling = 2,
}

/// Implied volatilities of many prices, into the caller's columns; `options.volatility` is not read and may be empty.
/// A price outside the bounds of arbitrage is marked in its row and does not stop the others: a chain has such prices.
///
/// Errors: `QUANT_RAGGED`, `QUANT_NOT_FINITE`, `QUANT_OUT_OF_RANGE`, `QUANT_EMPTY` of the columns themselves;
/// `QUANT_CANCELLED`.
pub fn implied_volatility_batch(
    options: &OptionColumns<'_>,
    prices: &[f64],
    volatilities: &mut [f64],
    statuses: &mut [u8],
    control: &JobControl<'_>,
) -> Result<(), QuantError> {
    let rows = options.check_terms()?;
    crate::matrix::checked_vector_of("prices", prices, rows)?;
    crate::error::length("volatilities", volatilities.len(), rows)?;
    crate::error::length("statuses", statuses.len(), rows)?;
    if let Some(&value) = options.years.iter().find(|&&years| years <= 0.0) {
        return Err(QuantError::OutOfRange { what: "years", value, low: f64::MIN_POSITIVE, high: 1e6 });
    }
    for (i, &price) in prices.iter().enumerate() {
        if i % SPAN == 0 {
            control.check()?;
            control.progress(i as u64, rows as u64);
        }
        let (volatility, status) = match implied_volatility(&options.row(i), price) {
            Ok(volatility) => (volatility, ImpliedStatus::Solved),
            Err(QuantError::OutOfRange { value, low, .. }) if value < low => (0.0, ImpliedStatus::BelowIntrinsic),
            Err(QuantError::OutOfRange { .. }) => (0.0, ImpliedStatus::AboveCeiling),
            Err(other) => return Err(other),
        };
        volatilities[i] = volatility;
        statuses[i] = status as u8;
    }
    control.progress(rows as u64, rows as u64);
    Ok(())
}
