//! # Room card: quant/allocate/cluster
//! In:    a symmetric matrix of distances between assets and the name of a linkage.
//! Out:   the tree of merges, its leaves from left to right, the flat clusters below a number of merges.
//! Holds: merges by height, the left child of a merge is the older one; ties go to the lower index, so one matrix
//!        gives one tree.
//! Costs: O(N²) time and memory: a minimum spanning tree for single linkage, the nearest-neighbour chain for the
//!        others.

use crate::{JobControl, QuantError};

/// How the distance between two clusters follows from the distances between their members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linkage {
    /// The nearest pair. Chains of assets merge one by one.
    #[default]
    Single,
    /// The farthest pair.
    Complete,
    /// The mean over all pairs (UPGMA).
    Average,
    /// The growth of the sum of squares within clusters (Ward 1963, the Lance-Williams form on unsquared distances).
    Ward,
}

/// One merge of two clusters. Clusters below `leaves` are assets, the others are `leaves + index of the merge`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merge {
    /// The older cluster.
    pub left: usize,
    /// The younger cluster.
    pub right: usize,
    /// The distance at which they merge.
    pub height: f64,
    /// Assets in the merged cluster.
    pub size: usize,
}

/// A tree of clusters: `leaves - 1` merges, lowest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Dendrogram {
    /// Number of assets.
    pub leaves: usize,
    /// The merges by height.
    pub merges: Vec<Merge>,
}

impl Dendrogram {
    /// The assets below `cluster`, left to right.
    pub fn members(&self, cluster: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut open = vec![cluster];
        while let Some(cluster) = open.pop() {
            if cluster < self.leaves {
                order.push(cluster);
            } else {
                let merge = self.merges[cluster - self.leaves];
                open.push(merge.right);
                open.push(merge.left);
            }
        }
        order
    }

    /// All assets, left to right.
    pub fn leaf_order(&self) -> Vec<usize> {
        self.members(2 * self.leaves - 2)
    }

    /// The flat clusters that remain when the highest `count - 1` merges are undone, each with its assets in rising
    /// order; clusters in the order of their first asset.
    pub fn flat_clusters(&self, count: usize) -> Vec<Vec<usize>> {
        let kept = self.leaves - count.clamp(1, self.leaves);
        let mut top = vec![true; self.leaves + kept];
        for merge in &self.merges[..kept] {
            top[merge.left] = false;
            top[merge.right] = false;
        }
        let roots = (0..self.leaves + kept).filter(|&cluster| top[cluster]);
        let mut clusters: Vec<Vec<usize>> = roots
            .map(|root| {
                let mut members = self.members(root);
                members.sort_unstable();
                members
            })
            .collect();
        clusters.sort_unstable();
        clusters
    }
}

/// Members of two clusters and the distance at which these merge.
type RawMerge = (usize, usize, f64);

/// The tree of the `leaves` assets whose distances stand in the column-major symmetric matrix `distance`.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn link(
    distance: &[f64],
    leaves: usize,
    linkage: Linkage,
    control: &JobControl<'_>,
) -> Result<Dendrogram, QuantError> {
    debug_assert_eq!(distance.len(), leaves * leaves);
    let mut raw = match linkage {
        Linkage::Single => spanning_tree(distance, leaves, control)?,
        _ => neighbour_chain(distance.to_vec(), leaves, linkage, control)?,
    };
    raw.sort_by(|a, b| a.2.total_cmp(&b.2)); // stable: merges of one height stay in the order they were found
    Ok(Dendrogram { leaves, merges: relabel(&raw, leaves) })
}

/// Prim's minimum spanning tree from asset 0. Neighbours in the order of discovery merge at the edge that found the
/// later one, which gives the tree of single linkage (Gower and Ross 1969; Müllner 2011, figure 6).
fn spanning_tree(distance: &[f64], leaves: usize, control: &JobControl<'_>) -> Result<Vec<RawMerge>, QuantError> {
    let mut outside: Vec<usize> = (1..leaves).collect();
    let mut nearest = vec![f64::INFINITY; leaves];
    let mut last = 0;
    let mut edges = Vec::with_capacity(leaves.saturating_sub(1));
    while !outside.is_empty() {
        control.check()?;
        let column = &distance[last * leaves..(last + 1) * leaves];
        let mut best = (f64::INFINITY, 0);
        for (place, &asset) in outside.iter().enumerate() {
            let known = nearest[asset].min(column[asset]);
            nearest[asset] = known;
            if known < best.0 {
                best = (known, place);
            }
        }
        let found = outside.remove(best.1); // keeps the rising order that decides ties
        edges.push((last, found, nearest[found]));
        last = found;
    }
    Ok(edges)
}

/// The nearest-neighbour chain (Murtagh 1983): follow nearest neighbours until two point at each other, merge them.
fn neighbour_chain(
    mut distance: Vec<f64>,
    leaves: usize,
    linkage: Linkage,
    control: &JobControl<'_>,
) -> Result<Vec<RawMerge>, QuantError> {
    let mut size = vec![1usize; leaves];
    let mut chain: Vec<usize> = Vec::with_capacity(leaves);
    let mut merges = Vec::with_capacity(leaves.saturating_sub(1));
    for _ in 1..leaves {
        control.check()?;
        if chain.is_empty() {
            chain.extend((0..leaves).find(|&cluster| size[cluster] > 0));
        }
        let (one, other, height) = mutual_neighbours(&distance, leaves, &size, &mut chain);
        let (gone, kept) = (one.min(other), one.max(other));
        merges.push((gone, kept, height));
        let (gone_size, kept_size) = (size[gone] as f64, size[kept] as f64);
        size[kept] += size[gone];
        size[gone] = 0;
        for third in (0..leaves).filter(|&third| third != kept && size[third] > 0) {
            let (a, b) = (distance[gone * leaves + third], distance[kept * leaves + third]);
            let merged = match linkage {
                Linkage::Single => a.min(b),
                Linkage::Complete => a.max(b),
                Linkage::Average => (gone_size * a + kept_size * b) / (gone_size + kept_size),
                Linkage::Ward => ward(a, b, height, gone_size, kept_size, size[third] as f64),
            };
            distance[kept * leaves + third] = merged;
            distance[third * leaves + kept] = merged;
        }
    }
    Ok(merges)
}

/// Grows the chain until its last two clusters are each other's nearest, takes them off and returns them with their
/// distance.
fn mutual_neighbours(distance: &[f64], leaves: usize, size: &[usize], chain: &mut Vec<usize>) -> (usize, usize, f64) {
    loop {
        let tip = chain[chain.len() - 1];
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        let column = &distance[tip * leaves..(tip + 1) * leaves];
        // The cluster before wins a tie: otherwise equal distances could turn the chain in a circle.
        let (mut best, mut nearest) = before.map_or((f64::INFINITY, tip), |cluster| (column[cluster], cluster));
        for (cluster, &far) in column.iter().enumerate() {
            if far < best && size[cluster] > 0 && cluster != tip {
                best = far;
                nearest = cluster;
            }
        }
        if Some(nearest) == before {
            chain.truncate(chain.len() - 2);
            return (tip, nearest, best);
        }
        chain.push(nearest);
    }
}

/// Ward's update of the distance between a cluster of size `n` and the merger of clusters of sizes `g` and `k` at
/// `height`.
fn ward(a: f64, b: f64, height: f64, g: f64, k: f64, n: f64) -> f64 {
    let share = 1.0 / (g + k + n);
    ((n + g) * share * a * a + (n + k) * share * b * b - n * share * height * height).max(0.0).sqrt()
}

/// Merges between representatives become merges between cluster numbers.
fn relabel(raw: &[RawMerge], leaves: usize) -> Vec<Merge> {
    let mut parent: Vec<usize> = (0..2 * leaves).collect();
    let mut size = vec![1usize; 2 * leaves];
    let root = |mut cluster: usize, parent: &mut Vec<usize>| {
        while parent[cluster] != cluster {
            parent[cluster] = parent[parent[cluster]];
            cluster = parent[cluster];
        }
        cluster
    };
    let mut merges = Vec::with_capacity(raw.len());
    for (index, &(one, other, height)) in raw.iter().enumerate() {
        let (a, b) = (root(one, &mut parent), root(other, &mut parent));
        let merged = leaves + index;
        size[merged] = size[a] + size[b];
        parent[a] = merged;
        parent[b] = merged;
        merges.push(Merge { left: a.min(b), right: a.max(b), height, size: size[merged] });
    }
    merges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Merges the nearest two clusters by the definition of each linkage, over all pairs, every time.
    fn naive_heights(points: &[(f64, f64)], linkage: Linkage) -> Vec<f64> {
        let gap = |a: usize, b: usize| {
            let ((x, y), (u, v)) = (points[a], points[b]);
            ((x - u) * (x - u) + (y - v) * (y - v)).sqrt()
        };
        let centre = |cluster: &[usize]| {
            let n = cluster.len() as f64;
            let sum = cluster.iter().fold((0.0, 0.0), |sum, &i| (sum.0 + points[i].0, sum.1 + points[i].1));
            (sum.0 / n, sum.1 / n)
        };
        let between = |a: &[usize], b: &[usize]| {
            let pairs: Vec<f64> = a.iter().flat_map(|&i| b.iter().map(move |&j| gap(i, j))).collect();
            match linkage {
                Linkage::Single => pairs.iter().copied().fold(f64::INFINITY, f64::min),
                Linkage::Complete => pairs.iter().copied().fold(0.0, f64::max),
                Linkage::Average => pairs.iter().sum::<f64>() / pairs.len() as f64,
                Linkage::Ward => {
                    let ((x, y), (u, v)) = (centre(a), centre(b));
                    let (n, m) = (a.len() as f64, b.len() as f64);
                    (2.0 * n * m / (n + m) * ((x - u) * (x - u) + (y - v) * (y - v))).sqrt()
                }
            }
        };
        let mut clusters: Vec<Vec<usize>> = (0..points.len()).map(|i| vec![i]).collect();
        let mut heights = Vec::new();
        while clusters.len() > 1 {
            let mut best = (f64::INFINITY, 0, 1);
            for i in 0..clusters.len() {
                for j in i + 1..clusters.len() {
                    let far = between(&clusters[i], &clusters[j]);
                    if far < best.0 {
                        best = (far, i, j);
                    }
                }
            }
            let joined = clusters.remove(best.2);
            clusters[best.1].extend(joined);
            heights.push(best.0);
        }
        heights
    }

    #[test]
    fn merge_heights_agree_with_the_definitions() {
        for seed in 0..40u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut unit = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1u64 << 53) as f64
            };
            let n = 2 + (seed as usize % 19);
            let points: Vec<(f64, f64)> = (0..n).map(|_| (unit(), unit())).collect();
            let mut distance = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    let (dx, dy) = (points[i].0 - points[j].0, points[i].1 - points[j].1);
                    distance[i * n + j] = (dx * dx + dy * dy).sqrt();
                }
            }
            for linkage in [Linkage::Single, Linkage::Complete, Linkage::Average, Linkage::Ward] {
                let tree = link(&distance, n, linkage, &JobControl::NONE).expect("not cancelled");
                let heights: Vec<f64> = tree.merges.iter().map(|merge| merge.height).collect();
                for (ours, naive) in heights.iter().zip(naive_heights(&points, linkage)) {
                    assert!((ours - naive).abs() < 1e-12, "seed {seed} {linkage:?}: {ours} {naive}");
                }
                let mut leaves = tree.leaf_order();
                leaves.sort_unstable();
                assert_eq!(leaves, (0..n).collect::<Vec<_>>());
                assert_eq!(tree.flat_clusters(2.min(n)).len(), 2.min(n));
            }
        }
    }
}
