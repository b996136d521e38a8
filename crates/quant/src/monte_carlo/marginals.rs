//! # Room card: quant/monte_carlo/marginals
//! In:    a copula's variable (normal, or Student's t), the distribution of one asset's return.
//! Out:   the asset's return at the same probability.
//! Holds: exact where copula and marginal are of one family; else cubic tables, whose error is below 1e-8 of a normal
//!        score, 2e-8 of a t.
//! Costs: 1 ns a return in one family, 5 ns by table.

use super::normals::BLOCK;
use super::{Copula, Marginal};
use crate::distributions::{normal_quantile, student_cdf, student_pdf, student_quantile};
use crate::lanes;
use std::sync::Arc;

/// Nodes a unit of a table.
const NODES: f64 = 64.0;
/// Normal scores beyond this do not occur: the uniforms have 52 bits.
const SCORE_MAX: f64 = 10.0;
/// Least probability of the table of a t copula.
const TAIL_MIN: f64 = 1e-40;

/// An odd function by cubic pieces between equidistant nodes from 0; held beyond the last one.
#[derive(Debug)]
struct OddTable {
    /// Value and slope times the step.
    nodes: Vec<(f64, f64)>,
}

impl OddTable {
    #[inline(always)]
    fn at(&self, x: f64) -> f64 {
        let place = (x.abs() * NODES).min((self.nodes.len() - 1) as f64 - 1e-9);
        let low = place as usize;
        let t = place - low as f64;
        let ((y0, s0), (y1, s1)) = (self.nodes[low], self.nodes[low + 1]);
        let rise = y1 - y0;
        let value = y0 + t * (s0 + t * (3.0 * rise - 2.0 * s0 - s1 + t * (s0 + s1 - 2.0 * rise)));
        if x < 0.0 { -value } else { value }
    }
}

fn asinh(y: f64) -> f64 {
    let a = y.abs();
    let v = lanes::ln(a + (a * a + 1.0).sqrt());
    if y < 0.0 { -v } else { v }
}

/// The normal score of a Student's t, as a function of asinh t: nearly a root, and smooth.
fn scores_of_student(nu: f64) -> OddTable {
    let mut nodes = Vec::new();
    for i in 0.. {
        let v = f64::from(i) / NODES;
        let t = libm::sinh(v);
        let tail = student_cdf(-t, nu);
        if tail < TAIL_MIN || v > 60.0 {
            break;
        }
        let score = -normal_quantile(tail);
        let slope = student_pdf(t, nu) / lanes::normal_pdf(score) * libm::cosh(v);
        nodes.push((score, slope / NODES));
    }
    OddTable { nodes }
}

/// asinh of the Student's t at a normal score.
fn student_of_scores(nu: f64) -> OddTable {
    let count = (SCORE_MAX * NODES) as u32 + 1;
    let nodes = (0..=count)
        .map(|i| {
            let score = f64::from(i) / NODES;
            let t = if i == 0 { 0.0 } else { -student_quantile(lanes::normal_cdf(-score), nu) };
            let slope = lanes::normal_pdf(score) / student_pdf(t, nu) / libm::sqrt(1.0 + t * t);
            (libm::asinh(t), slope / NODES)
        })
        .collect();
    OddTable { nodes }
}

/// What turns a block of one asset's copula variables into returns.
#[derive(Debug)]
pub(super) struct Transform {
    /// First to a normal score, where the copula is a t and the marginal is not of its family.
    score: Option<Arc<OddTable>>,
    last: Last,
}

#[derive(Debug)]
enum Last {
    /// location + scale · variable.
    Affine { location: f64, scale: f64 },
    /// location + scale · sinh(table(score)).
    Student { location: f64, scale: f64, table: Arc<OddTable> },
    /// The sample's quantile (linear interpolation) at Φ(score).
    Empirical { sorted: Vec<f64> },
}

/// The transforms of all assets; a table is made once for each degree of freedom.
pub(super) fn transforms(marginals: &[Marginal<'_>], copula: Copula) -> Vec<Transform> {
    let mut shared: Option<Arc<OddTable>> = None;
    let mut students: Vec<(f64, Arc<OddTable>)> = Vec::new();
    let mut of_copula = || match copula {
        Copula::Gaussian => None,
        Copula::StudentT { degrees_of_freedom: nu } => {
            Some(shared.get_or_insert_with(|| Arc::new(scores_of_student(nu))).clone())
        }
    };
    marginals
        .iter()
        .map(|marginal| match *marginal {
            Marginal::Normal { mean, deviation } => {
                Transform { score: of_copula(), last: Last::Affine { location: mean, scale: deviation } }
            }
            Marginal::StudentT { location, scale, degrees_of_freedom: nu } => {
                if copula == (Copula::StudentT { degrees_of_freedom: nu }) {
                    return Transform { score: None, last: Last::Affine { location, scale } };
                }
                let table = match students.iter().find(|(known, _)| *known == nu) {
                    Some((_, table)) => table.clone(),
                    None => Arc::new(student_of_scores(nu)),
                };
                students.push((nu, table.clone()));
                Transform { score: of_copula(), last: Last::Student { location, scale, table } }
            }
            Marginal::Empirical(sample) => {
                let mut sorted = sample.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                Transform { score: of_copula(), last: Last::Empirical { sorted } }
            }
        })
        .collect()
}

impl Transform {
    /// In place: copula variables become returns.
    #[inline(always)]
    pub(super) fn apply(&self, block: &mut [f64; BLOCK]) {
        if let Some(table) = &self.score {
            for x in block.iter_mut() {
                *x = table.at(asinh(*x));
            }
        }
        match &self.last {
            Last::Affine { location, scale } => {
                for x in block.iter_mut() {
                    *x = location + scale * *x;
                }
            }
            Last::Student { location, scale, table } => {
                for x in block.iter_mut() {
                    let v = table.at(*x);
                    let up = lanes::exp(v.abs());
                    let sinh = 0.5 * (up - 1.0 / up);
                    *x = location + scale * if v < 0.0 { -sinh } else { sinh };
                }
            }
            Last::Empirical { sorted } => {
                for x in block.iter_mut() {
                    *x = lanes::normal_cdf(*x);
                }
                let top = (sorted.len() - 1) as f64;
                for x in block.iter_mut() {
                    *x = crate::stats::interpolated(sorted, *x * top);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_error_they_name() {
        for nu in [2.5, 4.0, 9.0, 40.0] {
            let (scores, students) = (scores_of_student(nu), student_of_scores(nu));
            for i in -600..=600 {
                let score = f64::from(i) * 0.0131;
                // By the lower tail: a probability near 1 has lost the digits of the upper one.
                let t =
                    if i == 0 { 0.0 } else { score.signum() * -student_quantile(lanes::normal_cdf(-score.abs()), nu) };
                assert!(
                    (scores.at(asinh(t)) - score).abs() < 1e-8,
                    "ν {nu}, score {score}: {}",
                    scores.at(asinh(t)) - score
                );
                let back = libm::sinh(students.at(score));
                assert!((back - t).abs() < 2e-8 * t.abs().max(1.0), "ν {nu}, t {t}: {back}");
            }
            assert!(scores.at(1e9).is_finite() && students.at(-1e9).is_finite());
        }
    }
}
