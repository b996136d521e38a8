//! # Room card: quant/allocate/hrp
//! In:    a covariance; linkage, distance and leaf order by name, or one of the presets.
//! Out:   weights of hierarchical risk parity, with the order of the assets and the tree behind them.
//! Holds: weights positive, sum 1; no matrix is inverted, so singular covariances are as good as others.
//! Costs: O(N²) with the dendrogram's own leaf order and the correlation distance (bench: quant/hrp); O(N³) for the
//!        distance of distances.
use super::cluster::{Dendrogram, Linkage, link};
use super::{correlation, covariance_of, leaf_order, volatilities};
use crate::lanes::wide;
use crate::optimise::dot;
use crate::share::share;
use crate::{JobControl, Matrix, QuantError};

/// What the distance between two assets is made of. d = √((1 − ρ)/2), ρ kept within [−1, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// d itself.
    #[default]
    Correlation,
    /// The Euclidean distance between two assets' columns of d (López de Prado 2016).
    DistanceOfDistances,
}

/// How leaves follow each other where the tree leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeafOrder {
    /// The older cluster stands left.
    #[default]
    Dendrogram,
    /// Children turned so that neighbours are near, as SciPy's `optimal_leaf_ordering` turns them.
    Optimal,
}

/// The convention of a hierarchical allocation. Different packages mean different things by one name: take a preset
/// to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HierarchyOptions {
    /// Distance between clusters.
    pub linkage: Linkage,
    /// Distance between assets.
    pub distance: Distance,
    /// Order of leaves.
    pub leaf_order: LeafOrder,
}

impl HierarchyOptions {
    /// López de Prado (2016), "Building diversified portfolios that outperform out of sample": single linkage on
    /// distances of distances.
    pub const LOPEZ_DE_PRADO: HierarchyOptions = HierarchyOptions {
        linkage: Linkage::Single,
        distance: Distance::DistanceOfDistances,
        leaf_order: LeafOrder::Dendrogram,
    };
    /// PyPortfolioOpt 1.6: single linkage on d. The default.
    pub const PY_PORTFOLIO_OPT: HierarchyOptions = HierarchyOptions {
        linkage: Linkage::Single,
        distance: Distance::Correlation,
        leaf_order: LeafOrder::Dendrogram,
    };
    /// skfolio 1.12: Ward linkage on d, optimal leaf order.
    pub const SKFOLIO: HierarchyOptions =
        HierarchyOptions { linkage: Linkage::Ward, distance: Distance::Correlation, leaf_order: LeafOrder::Optimal };
    /// Riskfolio-Lib 7.4: single linkage on d, optimal leaf order.
    pub const RISKFOLIO: HierarchyOptions =
        HierarchyOptions { linkage: Linkage::Single, distance: Distance::Correlation, leaf_order: LeafOrder::Optimal };
}

/// Weights of a hierarchical allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct HierarchicalWeights {
    /// One for each asset, in the order of the covariance.
    pub weights: Vec<f64>,
    /// Assets from left to right.
    pub order: Vec<usize>,
    /// The tree.
    pub tree: Dendrogram,
}

/// Distances between assets as a column-major matrix.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn distances(
    covariance: &[f64],
    volatilities: &[f64],
    distance: Distance,
    control: &JobControl<'_>,
) -> Result<Vec<f64>, QuantError> {
    let n = volatilities.len();
    let mut matrix = correlation(covariance, volatilities);
    for value in &mut matrix {
        *value = ((1.0 - *value) / 2.0).clamp(0.0, 1.0).sqrt();
    }
    matrix.iter_mut().step_by(n + 1).for_each(|own| *own = 0.0);
    if distance == Distance::Correlation {
        return Ok(matrix);
    }
    let mut second = vec![0.0; n * n];
    let pieces: Vec<(usize, &mut [f64])> = second.chunks_mut(n).enumerate().collect();
    share(pieces, n >= SHARED_MIN, |(a, column)| {
        control.check()?;
        let left = &matrix[a * n..(a + 1) * n];
        wide(
            #[inline(always)]
            || {
                for (b, far) in column[..a].iter_mut().enumerate() {
                    *far = squared_distance(left, &matrix[b * n..(b + 1) * n]).sqrt();
                }
            },
        );
        Ok(())
    })?;
    super::mirror(&mut second, n);
    Ok(second)
}

/// Assets from which distances of distances, some N³/2 steps, are shared among threads.
const SHARED_MIN: usize = 128;

/// Sum of squared differences in eight lanes, added in one fixed order.
#[inline(always)]
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in left.zip(right) {
        for lane in 0..8 {
            lanes[lane] += (x[lane] - y[lane]) * (x[lane] - y[lane]);
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// What progress counts: distances, tree, leaf order, weights.
pub(crate) const STAGES: u64 = 4;

/// The tree of a covariance under a convention.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn tree(
    covariance: &[f64],
    volatilities: &[f64],
    options: HierarchyOptions,
    control: &JobControl<'_>,
) -> Result<(Dendrogram, Vec<f64>), QuantError> {
    control.progress(0, STAGES);
    let distance = distances(covariance, volatilities, options.distance, control)?;
    control.progress(1, STAGES);
    let mut tree = link(&distance, volatilities.len(), options.linkage, control)?;
    control.progress(2, STAGES);
    if options.leaf_order == LeafOrder::Optimal {
        tree = leaf_order::optimal(&tree, &distance, control)?;
    }
    control.progress(3, STAGES);
    Ok((tree, distance))
}

/// The variance of the inverse-variance portfolio of `members`.
pub(crate) fn cluster_variance(covariance: &[f64], n: usize, members: &[usize]) -> f64 {
    // Relative to the first variance, so that squares neither vanish nor overflow whatever the unit is.
    let unit = covariance[members[0] * (n + 1)];
    let inverse: Vec<f64> = members.iter().map(|&asset| unit / covariance[asset * (n + 1)]).collect();
    let sum: f64 = inverse.iter().sum();
    let mut variance = 0.0;
    let mut column = vec![0.0; members.len()];
    for (&asset, weight) in members.iter().zip(&inverse) {
        let whole = &covariance[asset * n..(asset + 1) * n];
        for (entry, &other) in column.iter_mut().zip(members) {
            *entry = whole[other];
        }
        variance += weight * dot(&inverse, &column);
    }
    (variance / (sum * sum)).max(0.0)
}

/// The left cluster's share: the other's part of both variances, a half where both are zero.
pub(crate) fn left_share(left: f64, right: f64) -> f64 {
    if left + right > 0.0 { 1.0 - left / (left + right) } else { 0.5 }
}

/// Hierarchical risk parity: assets are ordered by a tree of their distances, then the ordered list is halved again
/// and again and each half gets weight in inverse proportion to the variance of its inverse-variance portfolio.
///
/// Errors: `QUANT_CONSTANT` for an asset without variance; those of the covariance.
/// Source: López de Prado (2016), Journal of Portfolio Management 42(4).
pub fn hierarchical_risk_parity(
    covariance: Matrix<'_>,
    options: HierarchyOptions,
    control: &JobControl<'_>,
) -> Result<HierarchicalWeights, QuantError> {
    let matrix = covariance_of(covariance)?;
    let volatilities = volatilities(&matrix)?;
    let n = volatilities.len();
    let (tree, _) = tree(matrix.values(), &volatilities, options, control)?;
    let order = tree.leaf_order();
    let mut sorted = vec![0.0; n * n];
    for (column, &asset) in order.iter().enumerate() {
        let whole = &matrix.values()[asset * n..(asset + 1) * n];
        for (entry, &other) in sorted[column * n..(column + 1) * n].iter_mut().zip(&order) {
            *entry = whole[other];
        }
    }
    let mut weights = vec![1.0; n];
    let mut open = vec![(0, n)];
    while let Some((start, end)) = open.pop() {
        if end - start < 2 {
            continue;
        }
        let middle = start + (end - start) / 2;
        let (left, right) = (range_variance(&sorted, n, start, middle), range_variance(&sorted, n, middle, end));
        let share = left_share(left, right);
        order[start..middle].iter().for_each(|&asset| weights[asset] *= share);
        order[middle..end].iter().for_each(|&asset| weights[asset] *= 1.0 - share);
        open.push((start, middle));
        open.push((middle, end));
    }
    control.progress(STAGES, STAGES);
    Ok(HierarchicalWeights { weights: super::normalised(weights), order, tree })
}

/// `cluster_variance` of neighbours, whose columns lie side by side.
fn range_variance(sorted: &[f64], n: usize, start: usize, end: usize) -> f64 {
    let unit = sorted[start * (n + 1)];
    let inverse: Vec<f64> = (start..end).map(|asset| unit / sorted[asset * (n + 1)]).collect();
    let sum: f64 = inverse.iter().sum();
    let products = (start..end).zip(&inverse).map(|(asset, weight)| {
        let column = &sorted[asset * n + start..asset * n + end];
        weight * dot(&inverse, column)
    });
    (products.sum::<f64>() / (sum * sum)).max(0.0)
}
