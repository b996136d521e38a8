//! # Room card: quant/allocate/herc
//! In:    a covariance, the convention of the tree, a number of clusters or the bound under which one is found.
//! Out:   weights of hierarchical equal risk contribution, the clusters, the tree.
//! Holds: weights positive, sum 1; inside a cluster they are in proportion to the inverse of variance.
//! Costs: O(N²), and O(N² k) for the number of clusters.
use super::cluster::Dendrogram;
use super::hrp::{HierarchyOptions, STAGES, cluster_variance, left_share, tree};
use super::{Linkage, covariance_of, volatilities};
use crate::error::{at_least, at_most};
use crate::{JobControl, Matrix, QuantError};

/// What `hierarchical_equal_risk_contribution` needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HercOptions {
    /// The convention of the tree; leaf order does not change these weights.
    pub hierarchy: HierarchyOptions,
    /// Number of clusters; `None` takes the two-difference gap statistic.
    pub clusters: Option<usize>,
    /// Highest number of clusters that the statistic looks at: up to the smaller of this and √N, and two more for its
    /// differences.
    pub clusters_max: usize,
}

impl Default for HercOptions {
    /// Riskfolio-Lib's: Ward linkage, at most 10 clusters.
    fn default() -> Self {
        let hierarchy = HierarchyOptions { linkage: Linkage::Ward, ..HierarchyOptions::RISKFOLIO };
        HercOptions { hierarchy, clusters: None, clusters_max: 10 }
    }
}

/// Weights of hierarchical equal risk contribution.
#[derive(Clone, Debug, PartialEq)]
pub struct HercWeights {
    /// One for each asset, in the order of the covariance.
    pub weights: Vec<f64>,
    /// The flat clusters.
    pub clusters: Vec<Vec<usize>>,
    /// The tree.
    pub tree: Dendrogram,
}

/// Hierarchical equal risk contribution: the tree is cut into clusters; down the tree each side gets weight in
/// inverse proportion to the sum of its clusters' variances; inside a cluster weights are in inverse proportion to
/// variance.
///
/// Errors: `QUANT_CONSTANT` for an asset without variance, `QUANT_OUT_OF_RANGE` for clusters; those of the covariance.
/// Source: Raffinot (2018), "The hierarchical equal risk contribution portfolio", with the cluster risk of
/// Riskfolio-Lib 7.4.
pub fn hierarchical_equal_risk_contribution(
    covariance: Matrix<'_>,
    options: HercOptions,
    control: &JobControl<'_>,
) -> Result<HercWeights, QuantError> {
    let matrix = covariance_of(covariance)?;
    let sigma = volatilities(&matrix)?;
    let n = sigma.len();
    let (tree, distance) = tree(matrix.values(), &sigma, options.hierarchy, control)?;
    let count = match options.clusters {
        Some(count) => {
            at_least("clusters", count, 1)?;
            at_most("clusters", count, n)?;
            count
        }
        None => {
            at_least("highest number of clusters", options.clusters_max, 1)?;
            gap_clusters(&tree, &distance, options.clusters_max, control)?
        }
    };
    let clusters = tree.flat_clusters(count);
    let variances: Vec<f64> = clusters.iter().map(|members| cluster_variance(matrix.values(), n, members)).collect();
    let mut home = vec![0; n];
    for (cluster, members) in clusters.iter().enumerate() {
        members.iter().for_each(|&asset| home[asset] = cluster);
    }
    let mut weights = vec![1.0; n];
    for merge in tree.merges.iter().rev().take(count - 1) {
        control.check()?;
        let side = |cluster: usize| {
            let members = tree.members(cluster);
            let mut inside: Vec<usize> = members.iter().map(|&asset| home[asset]).collect();
            inside.sort_unstable();
            inside.dedup();
            (inside.iter().map(|&cluster| variances[cluster]).sum::<f64>(), members)
        };
        let ((left_risk, left), (right_risk, right)) = (side(merge.left), side(merge.right));
        let share = left_share(left_risk, right_risk);
        left.iter().for_each(|&asset| weights[asset] *= share);
        right.iter().for_each(|&asset| weights[asset] *= 1.0 - share);
    }
    for members in &clusters {
        let unit = sigma[members[0]];
        let inverse: Vec<f64> = members.iter().map(|&asset| (unit / sigma[asset]) * (unit / sigma[asset])).collect();
        let sum: f64 = inverse.iter().sum();
        members.iter().zip(&inverse).for_each(|(&asset, inverse)| weights[asset] *= inverse / sum);
    }
    control.progress(STAGES, STAGES);
    Ok(HercWeights { weights: super::normalised(weights), clusters, tree })
}

/// The number of clusters at which the second difference of the within-cluster spread of distances is largest
/// (Yue, Wang and Wei 2008, the two-difference gap statistic). The spread of k clusters is the sum of the standard
/// deviations of the distances inside each.
///
/// Errors: `QUANT_CANCELLED`.
fn gap_clusters(
    tree: &Dendrogram,
    distance: &[f64],
    clusters_max: usize,
    control: &JobControl<'_>,
) -> Result<usize, QuantError> {
    let n = tree.leaves;
    let widest = (clusters_max as f64).min((n as f64).sqrt()) + 2.0;
    let most = (2..=n).take_while(|&count| count as f64 <= widest).last().unwrap_or(1);
    let mut spread = Vec::with_capacity(most);
    for count in 1..=most {
        control.check()?;
        spread.push(within_spread(&tree.flat_clusters(count), distance, n));
    }
    // One cluster is never the answer: the statistic puts its spread at minus infinity.
    let mut best = (f64::NEG_INFINITY, 1);
    for count in 2..=most.saturating_sub(2) {
        let gap = spread[count + 1] + spread[count - 1] - 2.0 * spread[count];
        if gap > best.0 {
            best = (gap, count);
        }
    }
    Ok(best.1)
}

fn within_spread(clusters: &[Vec<usize>], distance: &[f64], n: usize) -> f64 {
    let spread = |members: &Vec<usize>| {
        let pairs = || {
            let inner = |place: usize| members[place + 1..].iter().map(move |&other| (members[place], other));
            (0..members.len()).flat_map(inner).map(|(a, b)| distance[a * n + b])
        };
        let count = (members.len() * (members.len() - 1) / 2).max(1) as f64;
        let mean = pairs().sum::<f64>() / count;
        (pairs().map(|far| (far - mean) * (far - mean)).sum::<f64>() / count).sqrt()
    };
    clusters.iter().map(spread).sum()
}
