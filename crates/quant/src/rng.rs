//! # Room card: quant/rng
//! In:    a key (the seed and a stream) and a counter (which draw).
//! Out:   uniform 32-bit words, 53-bit uniforms in (0, 1).
//! Holds: counter-based: a draw depends on key and counter alone, so that paths may be made in any order, by any
//!        number of threads, and are the same.
//! Costs: ten rounds of two 32 × 32-bit multiplications for four words.

/// The multipliers and the Weyl increments of Philox4x32 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011, table 2 and section 4.3).
const MULTIPLIERS: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

/// Philox4x32-10: four uniform words of a counter under a key.
#[inline]
pub const fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    let mut round = 0;
    while round < ROUNDS {
        let left = MULTIPLIERS[0] * a as u64;
        let right = MULTIPLIERS[1] * c as u64;
        (a, b, c, d) = ((right >> 32) as u32 ^ b ^ k0, right as u32, (left >> 32) as u32 ^ d ^ k1, left as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
        round += 1;
    }
    [a, b, c, d]
}

/// A uniform in (0, 1), both ends excluded: the middle of one of 2^52 equal cells, so that its inverse normal is
/// finite.
#[inline]
pub const fn open_unit(high: u32, low: u32) -> f64 {
    const CELLS: f64 = (1u64 << 52) as f64;
    let bits = ((high as u64) << 32 | low as u64) >> 12;
    (bits as f64 + 0.5) / CELLS
}

/// A seeded family of streams: draw `index` of stream `stream`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// From a seed that the caller names.
    pub const fn new(seed: u64) -> Philox {
        Philox { key: [seed as u32, (seed >> 32) as u32] }
    }
    /// Four words at a place; `stream` and `index` are the two halves of the counter.
    #[inline]
    pub const fn words(&self, stream: u64, index: u64) -> [u32; 4] {
        philox4x32([index as u32, (index >> 32) as u32, stream as u32, (stream >> 32) as u32], self.key)
    }
    /// Two uniforms in (0, 1) at a place.
    #[inline]
    pub const fn units(&self, stream: u64, index: u64) -> [f64; 2] {
        let words = self.words(stream, index);
        [open_unit(words[1], words[0]), open_unit(words[3], words[2])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors that the authors publish with Random123 (kat_vectors, philox4x32 10).
    #[test]
    fn meets_the_published_vectors() {
        let ones = u32::MAX;
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32([ones; 4], [ones; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let drawn = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(philox4x32(counter, [0xa409_3822, 0x299f_31d0]), drawn);
    }

    #[test]
    fn units_stay_inside_and_are_level() {
        assert!(open_unit(0, 0) > 0.0 && open_unit(u32::MAX, u32::MAX) < 1.0);
        let rng = Philox::new(20_260_101);
        let mut bins = [0u32; 64];
        for index in 0..32_768 {
            for unit in rng.units(7, index) {
                bins[(unit * 64.0) as usize] += 1;
            }
        }
        // Chi-square with 63 degrees of freedom: beyond 120 once in 50,000 seeds.
        let chi: f64 = bins.iter().map(|&count| (count as f64 - 1024.0).powi(2) / 1024.0).sum();
        assert!(chi < 120.0, "{chi}");
    }

    #[test]
    fn streams_and_seeds_differ() {
        let rng = Philox::new(1);
        assert_ne!(rng.words(0, 1), rng.words(1, 0));
        assert_ne!(rng.words(0, 0), Philox::new(1 << 32).words(0, 0));
    }
}
