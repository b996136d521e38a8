//! # Room card: quant/risk/student
//! In:    returns of one series.
//! Out:   location, scale and degrees of freedom of Student's t by maximum likelihood.
//! Holds: the exact search ends where the likelihood's slope vanishes; scipy's is scipy's, step by step.
//! Costs: about 1 ms for 1,000 returns (exact); 5 ms (scipy's).

use crate::distributions::student_ln_constant;
use crate::error::at_least;
use crate::matrix::checked_vector;
use crate::{JobControl, QuantError};

/// Bounds of the searches.
const STEPS_MAX: usize = 500;
const EVALUATIONS_MAX: usize = 600;
/// Degrees of freedom from which a t is a normal.
const NU_MAX: f64 = 1e6;

/// How the maximum is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StudentSearch {
    /// To the maximum, whatever the unit of the returns.
    #[default]
    Exact,
    /// As `scipy.stats.t.fit` does: the simplex of Nelder and Mead from (ν, location, scale) = (1, 0, 1), ended when it
    /// is smaller than 1e-4 in every parameter and in the log-likelihood. Daily returns have a scale of 0.01, so its
    /// result is good to two or three digits; it is here to reproduce results made with scipy.
    Scipy,
}

/// A Student's t.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StudentFit {
    /// Degrees of freedom (ν).
    pub degrees_of_freedom: f64,
    /// Centre, in units of the returns.
    pub location: f64,
    /// Scale, in units of the returns; the deviation is scale √(ν/(ν-2)).
    pub scale: f64,
    /// Log-likelihood of the returns.
    pub log_likelihood: f64,
}

/// Fits Student's t.
///
/// Errors: `QUANT_EMPTY`, `QUANT_NOT_FINITE`, `QUANT_TOO_FEW` under five returns, `QUANT_CONSTANT`,
/// `QUANT_NOT_CONVERGED`, `QUANT_CANCELLED` (looked at once a pass over the returns).
pub fn fit_student(returns: &[f64], search: StudentSearch, control: &JobControl<'_>) -> Result<StudentFit, QuantError> {
    checked_vector("returns", returns)?;
    at_least("returns", returns.len(), 5)?;
    let sorted = crate::stats::sorted(returns);
    let quartiles = sorted[sorted.len() * 3 / 4] - sorted[sorted.len() / 4];
    if quartiles <= 0.0 {
        return Err(QuantError::Constant { what: "returns", column: 0 });
    }
    let [nu, location, scale] = match search {
        StudentSearch::Exact => exact(returns, sorted[sorted.len() / 2], 0.5 * quartiles, control)?,
        StudentSearch::Scipy => nelder_mead([1.0, 0.0, 1.0], control, |x| negative_log_likelihood(returns, x))?,
    };
    if !(nu > 0.0 && scale > 0.0) {
        return Err(QuantError::NotConverged { what: "student", iterations: EVALUATIONS_MAX, residual: scale });
    }
    let log_likelihood = -negative_log_likelihood(returns, &[nu, location, scale]);
    Ok(StudentFit { degrees_of_freedom: nu, location, scale, log_likelihood })
}

/// -ln L; infinite outside the parameters' range, as scipy has it.
fn negative_log_likelihood(returns: &[f64], &[nu, location, scale]: &[f64; 3]) -> f64 {
    if !(nu > 0.0 && scale > 0.0) {
        return f64::INFINITY;
    }
    let constant = student_ln_constant(nu);
    let sum: f64 = returns
        .iter()
        .map(|r| {
            let z = (r - location) / scale;
            constant - 0.5 * (nu + 1.0) * libm::log1p(z * z / nu)
        })
        .sum();
    returns.len() as f64 * libm::log(scale) - sum
}

/// Location and scale for given ν by the EM weights (ν+1)/(ν+z²), then ν by golden section on the profile, refined at
/// the end by the slope's sign.
fn exact(returns: &[f64], median: f64, half_range: f64, control: &JobControl<'_>) -> Result<[f64; 3], QuantError> {
    // In units of half the interquartile range about the median: nothing depends on the unit.
    let scaled: Vec<f64> = returns.iter().map(|r| (r - median) / half_range).collect();
    let mut at = (0.0, 1.0);
    // The slope of the profile in ν by the implicit maximum: ∂ ln L/∂ν at the fitted location and scale.
    let mut slope = |nu: f64| -> Result<f64, QuantError> {
        at = location_and_scale(&scaled, nu, at, control)?;
        Ok(nu_slope(&scaled, nu, at))
    };
    let (mut low, mut high) = (0.1f64, NU_MAX);
    if slope(high)? >= 0.0 {
        let (location, scale) = at;
        return Ok([high, median + half_range * location, half_range * scale]);
    }
    // Regula falsi of Illinois' kind in ln ν, whose slope changes sign once on data with heavy tails.
    let (mut f_low, mut f_high) = (slope(low)? * low, slope(high)? * high);
    let mut nu = low;
    for _ in 0..STEPS_MAX {
        let (a, b) = (libm::log(low), libm::log(high));
        let secant = (a * f_high - b * f_low) / (f_high - f_low);
        let middle = 0.5 * (a + b);
        let guess = if secant.is_finite() && secant > a && secant < b { secant } else { middle };
        let next = libm::exp(guess);
        let f = slope(next)? * next;
        let done = ((next - nu) / next).abs() < 1e-14 || f == 0.0;
        nu = next;
        if done {
            break;
        }
        if f > 0.0 {
            (low, f_low, f_high) = (nu, f, 0.5 * f_high);
        } else {
            (high, f_high, f_low) = (nu, f, 0.5 * f_low);
        }
        if high / low - 1.0 < 1e-14 {
            break;
        }
    }
    let (location, scale) = location_and_scale(&scaled, nu, at, control)?;
    Ok([nu, median + half_range * location, half_range * scale])
}

/// Maximum of the likelihood in location and scale: Newton's method, by EM where Newton's step leaves the range.
fn location_and_scale(
    z: &[f64],
    nu: f64,
    start: (f64, f64),
    control: &JobControl<'_>,
) -> Result<(f64, f64), QuantError> {
    let (mut location, mut scale) = start;
    let count = z.len() as f64;
    for _ in 0..STEPS_MAX {
        control.check()?;
        // u = (x - location)/scale; slopes and second derivatives in location and ln scale.
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, -count, 0.0, 0.0, 0.0);
        let (mut weights, mut weighted, mut spread) = (0.0, 0.0, 0.0);
        for &x in z {
            let u = (x - location) / scale;
            let inverse = 1.0 / (nu + u * u);
            let w = (nu + 1.0) * inverse;
            let curve = w * (nu - u * u) * inverse;
            g0 += w * u / scale;
            g1 += w * u * u;
            h00 -= curve / (scale * scale);
            h01 -= 2.0 * w * nu * inverse * u / scale;
            h11 -= 2.0 * w * nu * inverse * u * u;
            weights += w;
            weighted += w * x;
            spread += w * u * u;
        }
        let determinant = h00 * h11 - h01 * h01;
        let (d0, d1) = ((h01 * g1 - h11 * g0) / determinant, (h01 * g0 - h00 * g1) / determinant);
        let newton = h00 < 0.0 && determinant > 0.0 && d0.abs() < 0.5 * scale && d1.abs() < 0.5;
        let (next, factor) =
            if newton { (location + d0, libm::exp(d1)) } else { (weighted / weights, libm::sqrt(spread / count)) };
        let change = (next - location).abs() / scale + (factor - 1.0).abs();
        location = next;
        scale *= factor;
        if change < 1e-15 {
            break;
        }
    }
    Ok((location, scale))
}

/// ∂ ln L / ∂ν a return.
fn nu_slope(z: &[f64], nu: f64, (location, scale): (f64, f64)) -> f64 {
    let mut sum = 0.0;
    for &x in z {
        let u = (x - location) / scale;
        let q = u * u / nu;
        sum += 0.5 * ((nu + 1.0) / nu * q / (1.0 + q) - libm::log1p(q));
    }
    // d/dν of the constant is ½ (ψ((ν+1)/2) - ψ(ν/2) - 1/ν).
    let digamma = statrs::function::gamma::digamma;
    let constant = if nu > 1e4 {
        // The series of the difference: ψ(a+½) - ψ(a) = 1/(2a) + 1/(8a²) - 1/(64a⁴).
        let a = 0.5 * nu;
        0.5 * (1.0 / (8.0 * a * a) - 1.0 / (64.0 * a * a * a * a))
    } else {
        0.5 * (digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu)
    };
    constant + sum / z.len() as f64
}

/// J. Nelder, R. Mead (1965), with the constants and the stopping rule of `scipy.optimize.fmin`: reflection 1,
/// expansion 2, contraction and shrinking ½, a first simplex of 5 % steps (0.00025 where the start is 0), 600
/// evaluations.
fn nelder_mead(
    start: [f64; 3],
    control: &JobControl<'_>,
    mut of: impl FnMut(&[f64; 3]) -> f64,
) -> Result<[f64; 3], QuantError> {
    const TOLERANCE: f64 = 1e-4;
    let mut simplex = [(0.0, start); 4];
    for k in 0..3 {
        let x = &mut simplex[k + 1].1;
        x[k] = if x[k] == 0.0 { 0.00025 } else { 1.05 * x[k] };
    }
    for vertex in &mut simplex {
        vertex.0 = of(&vertex.1);
    }
    let mut evaluations = 4;
    simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
    while evaluations < EVALUATIONS_MAX {
        control.check()?;
        let best = simplex[0];
        let width =
            simplex[1..].iter().flat_map(|v| v.1.iter().zip(&best.1)).fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
        let height = simplex[1..].iter().fold(0.0f64, |h, v| h.max((best.0 - v.0).abs()));
        if width <= TOLERANCE && height <= TOLERANCE {
            break;
        }
        let mut centre = [0.0; 3];
        for (i, c) in centre.iter_mut().enumerate() {
            *c = (simplex[0].1[i] + simplex[1].1[i] + simplex[2].1[i]) / 3.0;
        }
        let worst = simplex[3];
        let mut point = |a: f64, b: f64| {
            let mut x = [0.0; 3];
            for i in 0..3 {
                x[i] = a * centre[i] + b * worst.1[i];
            }
            evaluations += 1;
            (of(&x), x)
        };
        let reflected = point(2.0, -1.0);
        let replacement = if reflected.0 < best.0 {
            let expanded = point(3.0, -2.0);
            Some(if expanded.0 < reflected.0 { expanded } else { reflected })
        } else if reflected.0 < simplex[2].0 {
            Some(reflected)
        } else if reflected.0 < worst.0 {
            let outside = point(1.5, -0.5);
            (outside.0 <= reflected.0).then_some(outside)
        } else {
            let inside = point(0.5, 0.5);
            (inside.0 < worst.0).then_some(inside)
        };
        match replacement {
            Some(vertex) => simplex[3] = vertex,
            None => {
                for vertex in &mut simplex[1..] {
                    for (x, b) in vertex.1.iter_mut().zip(&best.1) {
                        *x = b + 0.5 * (*x - b);
                    }
                    vertex.0 = of(&vertex.1);
                }
                evaluations += 3;
            }
        }
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    Ok(simplex[0].1)
}
