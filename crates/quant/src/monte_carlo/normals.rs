//! # Room card: quant/monte_carlo/normals
//! In:    a seed, the number of a path, the number of a factor.
//! Out:   standard normals of a block of paths; the mixing variable of a t copula.
//! Holds: a normal depends on seed, path and factor alone.
//! Costs: 6 ns a normal in vectors of four lanes: ten rounds of Philox and one turn of Box and Muller for two.

use crate::lanes;
use crate::rng::Philox;

/// Paths of a block: its normals of 20 factors stay in the second cache.
pub(super) const BLOCK: usize = 256;
/// Streams: pairs of factors count from 0, the mixing variable has its own beyond every factor.
const MIXING_STREAM: u64 = 1 << 40;
/// Bound on the tries of the rejection; each one is taken with more than 95 %.
const TRIES_MAX: u64 = 64;

/// The counter's index has the path above and the try below.
const TRY_BITS: u32 = 8;

/// Standard normals of the factors `2 * pair` and `2 * pair + 1` for the paths from `first` on (G. Box, M. Muller
/// 1958).
#[inline(always)]
pub(super) fn normal_pair(rng: &Philox, pair: u64, first: u64, left: &mut [f64; BLOCK], right: &mut [f64; BLOCK]) {
    let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        [a[i], b[i]] = rng.units(pair, first + i as u64);
    }
    for i in 0..BLOCK {
        let radius = (-2.0 * lanes::ln(a[i])).sqrt();
        let (sine, cosine) = lanes::sin_cos_turn(b[i]);
        left[i] = radius * cosine;
        right[i] = radius * sine;
    }
}

/// √(ν / χ²(ν)) of a path: what makes a normal vector one of Student's t. The gamma variable is that of G. Marsaglia
/// and W. Tsang (2000), drawn again with the next counter when it is rejected.
pub(super) fn mixing(rng: &Philox, nu: f64, path: u64) -> f64 {
    // χ²(ν) = 2 Gamma(ν/2). Shapes below 1 take Gamma(shape + 1) U^(1/shape).
    let shape = 0.5 * nu;
    let boosted = if shape < 1.0 { shape + 1.0 } else { shape };
    let d = boosted - 1.0 / 3.0;
    let c = 1.0 / (3.0 * d.sqrt());
    let mut gamma = d;
    for attempt in 0..TRIES_MAX {
        let index = (path << TRY_BITS) | (2 * attempt);
        let [a, b] = rng.units(MIXING_STREAM, index);
        let [u, _] = rng.units(MIXING_STREAM, index + 1);
        let x = (-2.0 * lanes::ln(a)).sqrt() * lanes::sin_cos_turn(b).1;
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        if lanes::ln(u) < 0.5 * x * x + d - d * v + d * lanes::ln(v) {
            gamma = d * v;
            break;
        }
    }
    if shape < 1.0 {
        let [u, _] = rng.units(MIXING_STREAM + 1, path);
        gamma *= lanes::exp(lanes::ln(u) / shape);
    }
    (shape / gamma).sqrt()
}
