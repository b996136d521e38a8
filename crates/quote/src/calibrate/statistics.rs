//! # Room card: quote/calibrate/statistics
//! In:    observed and expected counts.
//! Out:   χ², its degrees of freedom and its p-value.
//! Holds: cells are merged until each is expected to hold `EXPECTED_MIN`; below one degree of freedom there is no test.
//! Costs: cold; an incomplete gamma function by series or continued fraction with a bound on its terms.

/// Orders a cell must be expected to hold for χ² to be χ².
const EXPECTED_MIN: f64 = 5.0;
/// Terms of the series or the fraction: enough for a million degrees of freedom.
const TERMS_MAX: u32 = 20_000;

/// Pearson's χ² of counts against what the fit expects.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GoodnessOfFit {
    /// Σ (observed - expected)² / expected.
    pub chi_square: f64,
    /// Cells less two for A and κ.
    pub degrees_of_freedom: usize,
    /// Chance of a χ² at least as large if the model holds.
    pub p_value: f64,
}

impl GoodnessOfFit {
    /// From (observed, expected) cells in order of depth; `fitted` parameters were taken from the same counts. `None`
    /// where too few cells are left for a test.
    pub(super) fn of(cells: impl Iterator<Item = (f64, f64)>, fitted: usize) -> Option<GoodnessOfFit> {
        let mut merged: Vec<(f64, f64)> = Vec::new();
        let mut open = (0.0, 0.0);
        for (observed, expected) in cells {
            open = (open.0 + observed, open.1 + expected);
            if open.1 >= EXPECTED_MIN {
                merged.push(core::mem::take(&mut open));
            }
        }
        // What is left at the far end joins the last whole cell.
        let last = merged.last_mut()?;
        *last = (last.0 + open.0, last.1 + open.1);
        let degrees_of_freedom = merged.len().checked_sub(fitted).filter(|degrees| *degrees > 0)?;
        let chi_square = merged.iter().map(|(observed, expected)| (observed - expected).powi(2) / expected).sum();
        let p_value = chi_square_tail(degrees_of_freedom, chi_square);
        Some(GoodnessOfFit { chi_square, degrees_of_freedom, p_value })
    }
}

/// P(χ² ≥ x) for so many degrees of freedom.
fn chi_square_tail(degrees_of_freedom: usize, x: f64) -> f64 {
    gamma_tail(degrees_of_freedom as f64 * 0.5, x * 0.5).clamp(0.0, 1.0)
}

/// Γ(a, x)/Γ(a): the regularised upper incomplete gamma function, a > 0 (DLMF 8.11.4 below a + 1, the continued
/// fraction of 8.9.2 by Lentz's method above).
fn gamma_tail(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for i in 1..TERMS_MAX {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if libm::fabs(c * d - 1.0) < 1e-16 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_against_fifty_digits() {
        // python: from mpmath import *; mp.dps = 50; gammainc(mpf(n)/2, mpf(x)/2, inf, regularized=True)
        for (degrees, x, want) in [
            (1, 3.841458820694124, 0.05000000000000006),
            (1, 0.01, 0.920344325445942),
            (2, 5.0, 0.0820849986238988),
            (5, 1.0, 0.9625657732472964),
            (10, 30.0, 0.0008566412107753004),
            (50, 20.0, 0.9999530506185732),
            (50, 90.0, 0.00044924622058603754),
            (400, 401.0, 0.4765182399721095),
            (9, 200.0, 3.3129923939095533e-38),
        ] {
            let got = chi_square_tail(degrees, x);
            assert!((got - want).abs() <= 1e-12 * want + 1e-15, "{degrees} {x}: {got} is not {want}");
        }
        assert_eq!(chi_square_tail(3, 0.0), 1.0);
    }

    #[test]
    fn cells_are_merged_and_too_few_are_no_test() {
        // Expected 4 + 4, 9, 3 + rest: two cells (8 and 9 + 3), no degree left after two parameters.
        let cells = [(3.0, 4.0), (5.0, 4.0), (10.0, 9.0), (2.0, 3.0)];
        assert_eq!(GoodnessOfFit::of(cells.into_iter(), 2), None);
        let one = GoodnessOfFit::of(cells.into_iter(), 1).expect("one degree");
        assert_eq!((one.chi_square, one.degrees_of_freedom), (0.0, 1));
        assert_eq!(GoodnessOfFit::of([(0.0, 1.0)].into_iter(), 0), None);
    }
}
