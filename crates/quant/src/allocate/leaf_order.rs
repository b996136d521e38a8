//! # Room card: quant/allocate/leaf_order
//! In:    a tree of clusters and the distances it was made from.
//! Out:   the same tree with children swapped so that neighbouring leaves are near each other.
//! Holds: path lengths in single precision and the search order of SciPy's `optimal_leaf_ordering`, whose orders
//!        other packages build on.
//! Costs: O(N²) memory, O(N³) time on all cores (Bar-Joseph, Demaine, Gifford, Srebro, Hamel and Jaakkola 2003).
use super::cluster::{Dendrogram, Merge};
use crate::lanes::wide;
use crate::share::share;
use crate::{JobControl, QuantError};
use std::ops::Range;

/// A path longer than any path of distances.
const FAR: f32 = 1_073_741_824.0;
/// Ten roundings to single precision, relative, with room: five of the least path as `shortest` finds it, five of the
/// path that SciPy takes.
const ROUNDING: f32 = 1.000_001;
/// Steps of a crossing from which it is worth a thread: about half a millisecond.
const STEPS_SHARED: usize = 1 << 20;
/// Rows of a crossing that are one piece of work.
const ROWS_A_PIECE: usize = 8;
/// Numbers of a step. Rows are read in whole steps: what lies beyond their end meets an infinite path.
const LANES: usize = 16;

/// Best paths between two outer leaves of a cluster, by positions in the leaf order of the tree.
struct Paths {
    leaves: usize,
    /// Shortest path with the pair at its ends.
    length: Vec<f32>,
    /// Whether that path turns the left (bit 0) and the right (bit 1) child of the cluster around.
    turns: Vec<u8>,
    /// Distances by position.
    distance: Vec<f64>,
    /// The same in single precision.
    near: Vec<f32>,
}

/// Swaps children of `tree` so that the sum of the distances between neighbouring leaves is smallest, as SciPy's
/// `optimal_leaf_ordering` does: a cluster is turned by the best path of its parent alone, and paths are in single
/// precision.
///
/// Errors: `QUANT_CANCELLED`.
pub(crate) fn optimal(tree: &Dendrogram, distance: &[f64], control: &JobControl<'_>) -> Result<Dendrogram, QuantError> {
    let n = tree.leaves;
    if n < 3 {
        return Ok(tree.clone());
    }
    let order = tree.leaf_order();
    let mut place = vec![0; n];
    for (position, &leaf) in order.iter().enumerate() {
        place[leaf] = position;
    }
    let mut sorted = vec![0.0; n * n];
    for (column, &leaf) in order.iter().enumerate() {
        for (row, &other) in order.iter().enumerate() {
            sorted[column * n + row] = distance[leaf * n + other];
        }
    }
    let spans = spans(tree, &place);
    let beyond = [0.0; LANES];
    let near = sorted.iter().map(|far| *far as f32).chain(beyond).collect();
    let mut paths =
        Paths { leaves: n, length: vec![0.0; n * n + LANES], turns: vec![0; n * n], distance: sorted, near };
    let mut turned = vec![false; n - 1];
    for merge in &tree.merges {
        let (u, w) = paths.join(tree, merge, &spans, control)?;
        let turns = paths.turns[u * n + w];
        if merge.left >= n {
            turned[merge.left - n] = turns & 1 != 0;
        }
        if merge.right >= n {
            turned[merge.right - n] = turns & 2 != 0;
        }
    }
    Ok(apply(tree, &turned))
}

/// The positions that each cluster covers.
fn spans(tree: &Dendrogram, place: &[usize]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = place.iter().map(|&position| position..position + 1).collect();
    for merge in &tree.merges {
        let span = spans[merge.left].start..spans[merge.right].end;
        spans.push(span);
    }
    spans
}

/// Turning a cluster mirrors everything below it.
fn apply(tree: &Dendrogram, turned: &[bool]) -> Dendrogram {
    let n = tree.leaves;
    let mut mirrored = turned.to_vec();
    for index in (0..n - 1).rev() {
        let merge = tree.merges[index];
        for child in [merge.left, merge.right] {
            if child >= n {
                mirrored[child - n] ^= mirrored[index];
            }
        }
    }
    let merges = tree.merges.iter().zip(&mirrored).map(|(merge, &swap)| match swap {
        true => Merge { left: merge.right, right: merge.left, ..*merge },
        false => *merge,
    });
    Dendrogram { leaves: n, merges: merges.collect() }
}

impl Paths {
    /// Fills the paths across `merge` and returns the ends of the shortest.
    fn join(
        &mut self,
        tree: &Dendrogram,
        merge: &Merge,
        spans: &[Range<usize>],
        control: &JobControl<'_>,
    ) -> Result<(usize, usize), QuantError> {
        // Outer and inner part of each child, straight and turned; a leaf is both.
        let left = match merge.left.checked_sub(tree.leaves).map(|index| tree.merges[index]) {
            Some(child) => vec![(child.left, child.right), (child.right, child.left)],
            None => vec![(merge.left, merge.left)],
        };
        let right = match merge.right.checked_sub(tree.leaves).map(|index| tree.merges[index]) {
            Some(child) => vec![(child.right, child.left), (child.left, child.right)],
            None => vec![(merge.right, merge.right)],
        };
        for (turn_left, &(u, m)) in left.iter().enumerate() {
            for (turn_right, &(w, k)) in right.iter().enumerate() {
                let turns = turn_left as u8 | (turn_right as u8) << 1;
                self.cross([&spans[u], &spans[m], &spans[w], &spans[k]], turns, control)?;
            }
        }
        let mut best = (FAR, spans[merge.left].start, spans[merge.right].start);
        for u in spans[merge.left].clone() {
            for w in spans[merge.right].clone() {
                if self.length[u * self.leaves + w] < best.0 {
                    best = (self.length[u * self.leaves + w], u, w);
                }
            }
        }
        Ok((best.1, best.2))
    }

    /// Shortest paths u … m k … w for all u and w, with m and k the inner ends.
    ///
    /// SciPy adds the two paths in single precision and the distance between their ends in double. The least sum in
    /// single precision, found over all m first and over all k then, is off that by rounding alone: only a k that comes
    /// within rounding of it is looked at the way SciPy does. A step less than with sorted paths and early stops, and
    /// in whole vectors.
    fn cross(
        &mut self,
        [u, m, w, k]: [&Range<usize>; 4],
        turns: u8,
        control: &JobControl<'_>,
    ) -> Result<(), QuantError> {
        let n = self.leaves;
        let mut found = vec![0.0; u.len() * w.len()];
        let shared = u.len() * k.len() * (m.len() + w.len()) >= STEPS_SHARED;
        let rows = if shared { ROWS_A_PIECE } else { u.len() };
        let pieces: Vec<(usize, &mut [f32])> = found.chunks_mut(rows * w.len()).enumerate().collect();
        let paths = &*self;
        share(pieces, shared, |(piece, lengths)| {
            let mut over_m = vec![[0.0; LANES]; k.len().div_ceil(LANES)];
            for (row, lengths) in lengths.chunks_exact_mut(w.len()).enumerate() {
                control.check()?;
                let outer = u.start + piece * rows + row;
                wide(
                    #[inline(always)]
                    || {
                        paths.least_over_left(outer, m, k, &mut over_m);
                        for (other, length) in w.clone().zip(lengths.iter_mut()) {
                            *length = paths.shortest(outer, m, other, k, &over_m);
                        }
                    },
                );
            }
            Ok(())
        })?;
        for (outer, lengths) in u.clone().zip(found.chunks_exact(w.len())) {
            self.length[outer * n + w.start..outer * n + w.end].copy_from_slice(lengths);
            self.turns[outer * n + w.start..outer * n + w.end].fill(turns);
            for (other, length) in w.clone().zip(lengths) {
                self.length[other * n + outer] = *length;
                self.turns[other * n + outer] = turns;
            }
        }
        Ok(())
    }

    /// For each k the least path u … m k.
    #[inline(always)]
    fn least_over_left(&self, outer: usize, m: &Range<usize>, k: &Range<usize>, least: &mut [[f32; LANES]]) {
        let n = self.leaves;
        least.fill([f32::INFINITY; LANES]);
        for inner in m.clone() {
            let left = self.length[outer * n + inner];
            let (distances, _) = self.near[inner * n + k.start..].as_chunks::<LANES>();
            for (least, distances) in least.iter_mut().zip(distances) {
                for lane in 0..LANES {
                    let path = left + distances[lane];
                    least[lane] = if path < least[lane] { path } else { least[lane] };
                }
            }
        }
        let beyond = least.len() * LANES - k.len();
        if let Some(last) = least.last_mut() {
            last[LANES - beyond..].fill(f32::INFINITY);
        }
    }

    /// The shortest path u … m k … w as SciPy rounds it.
    #[inline(always)]
    fn shortest(&self, outer: usize, m: &Range<usize>, other: usize, k: &Range<usize>, over_m: &[[f32; LANES]]) -> f32 {
        let n = self.leaves;
        let (right, _) = self.length[other * n + k.start..].as_chunks::<LANES>();
        let mut lanes = [f32::INFINITY; LANES];
        for (paths, ends) in over_m.iter().zip(right) {
            for lane in 0..LANES {
                let path = paths[lane] + ends[lane];
                lanes[lane] = if path < lanes[lane] { path } else { lanes[lane] };
            }
        }
        let least = lanes.iter().fold(f32::INFINITY, |least, &path| if path < least { path } else { least });
        let near = least * ROUNDING;
        let left = &self.length[outer * n + m.start..outer * n + m.end];
        let mut best = FAR;
        for (step, (paths, ends)) in over_m.iter().zip(right).enumerate() {
            let mut any = false;
            for lane in 0..LANES {
                any |= paths[lane] + ends[lane] <= near;
            }
            if !any {
                continue;
            }
            for lane in (0..LANES).filter(|&lane| paths[lane] + ends[lane] <= near) {
                let inner = (k.start + step * LANES + lane) * n;
                let column = &self.distance[inner + m.start..inner + m.end];
                for (start, distance) in left.iter().zip(column) {
                    let length = (f64::from(start + ends[lane]) + distance) as f32;
                    best = if length < best { length } else { best };
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::cluster::{Linkage, link};
    use super::*;
    use types::rng::SplitMix64;

    /// Orders of SciPy, made by the script that `crates/testkit/fixtures/quant/README.md` describes.
    const ORDERS: &str = include_str!("../../../testkit/fixtures/quant/leaf_orders.json");

    fn distances(seed: u64, n: usize) -> Vec<f64> {
        let mut rng = SplitMix64::new(seed);
        let mut distance = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let far = rng.unit_f64();
                distance[i * n + j] = far;
                distance[j * n + i] = far;
            }
        }
        distance
    }

    #[test]
    fn orders_are_those_of_scipy() {
        let expected: serde_json::Value = serde_json::from_str(ORDERS).expect("fixture");
        let order = |value: &serde_json::Value| -> Vec<usize> {
            value.as_array().expect("order").iter().map(|leaf| leaf.as_u64().expect("leaf") as usize).collect()
        };
        let names = [
            ("single", Linkage::Single),
            ("complete", Linkage::Complete),
            ("average", Linkage::Average),
            ("ward", Linkage::Ward),
        ];
        for case in expected["cases"].as_array().expect("cases") {
            let (seed, n) = (case["seed"].as_u64().expect("seed"), case["n"].as_u64().expect("n") as usize);
            let distance = distances(seed, n);
            for (name, linkage) in names {
                let tree = link(&distance, n, linkage, &JobControl::NONE).expect("not cancelled");
                assert_eq!(tree.leaf_order(), order(&case[name]["order"]), "{name}, seed {seed}");
                let best = optimal(&tree, &distance, &JobControl::NONE).expect("not cancelled");
                assert_eq!(best.leaf_order(), order(&case[name]["optimal"]), "{name}, seed {seed}, optimal");
            }
        }
    }
}
