//! # Room card: journal/hash
//! In:    canonical effects, in order, in pieces of any size.
//! Out:   their XXH3-128 (seed 0), the effects hash.
//! Holds: the same value as one hash over all the bytes at once (`xxhsum -H2` of a dump prints it).
//! Costs: about 0.1 ns a byte; no allocation after `new`.
use twox_hash::xxhash3_128::Hasher;

/// Running XXH3-128 over the effects.
#[derive(Clone)]
pub struct EffectsHash(Hasher);

impl EffectsHash {
    /// Over nothing yet.
    pub fn new() -> EffectsHash {
        EffectsHash(Hasher::new())
    }
    /// The next bytes.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    /// The hash of all bytes so far; more may follow.
    pub fn digest(&self) -> u128 {
        self.0.finish_128()
    }
}

impl Default for EffectsHash {
    fn default() -> Self {
        EffectsHash::new()
    }
}

impl core::fmt::Debug for EffectsHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EffectsHash({})", hex(self.digest()))
    }
}

/// 32 lower-case hex digits, high half first: the canonical form of XXH128.
pub fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::rng::SplitMix64;

    /// The generator of xxHash's own sanity check (`tests/sanity_test.c`, `fillTestBuffer`): PRIME32 and PRIME64 of
    /// XXH64.
    fn sanity_buffer(length: usize) -> Vec<u8> {
        let mut state: u64 = 2_654_435_761;
        let step = |state: &mut u64| {
            let byte = (*state >> 56) as u8;
            *state = state.wrapping_mul(11_400_714_785_074_694_797);
            byte
        };
        (0..length).map(|_| step(&mut state)).collect()
    }

    #[test]
    fn published_vectors() {
        // xxHash v0.8 `tests/sanity_test_vectors.h`, XSUM_XXH128_testdata with seed 0: (length, low64, high64).
        for (length, low, high) in [
            (0, 0x6001_c324_468d_497f_u64, 0x99aa_06d3_0147_98d8_u64),
            (1, 0xc44b_dff4_074e_ecdb, 0xa6cd_5e93_9200_0f6a),
            (6, 0x3e70_39bd_da43_cfc6, 0x082a_fe0b_8162_d12a),
            (12, 0x061a_1927_13f6_9ad9, 0x6e3e_fd8f_c780_2b18),
            (24, 0x1e70_44d2_8b1b_901d, 0x0ce9_66e4_678d_3761),
            (129, 0x86c9_e3bc_8f0a_3b5c, 0x0381_5fc9_1f1b_30b6),
            (241, 0xc5a6_39ec_d203_0e5e, 0x99a8_0ecf_0ecf_c647),
            (4160, 0x4f32_3b15_321e_94e1, 0x6714_0711_c1e3_e335),
        ] {
            let mut hash = EffectsHash::new();
            hash.update(&sanity_buffer(length));
            assert_eq!(hash.digest(), (high as u128) << 64 | low as u128, "length {length}");
        }
        assert_eq!(hex(EffectsHash::new().digest()), "99aa06d3014798d86001c324468d497f");
        assert_eq!(hex(1), "00000000000000000000000000000001");
    }

    #[test]
    fn pieces_of_any_size_give_the_hash_of_the_whole() {
        let mut rng = SplitMix64::new(9);
        let bytes: Vec<u8> = (0..100_000).map(|_| rng.next_u64() as u8).collect();
        for round in 0..200 {
            let whole = &bytes[..rng.below(if round % 2 == 0 { 600 } else { 100_000 }) as usize];
            let (mut hash, mut rest) = (EffectsHash::new(), whole);
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((rng.below(rest.len() as u64) + 1).min(rng.below(700)) as usize);
                hash.update(piece);
                rest = after;
                if rng.below(10) == 0 {
                    hash.digest();
                }
            }
            assert_eq!(hash.digest(), Hasher::oneshot(whole), "round {round} length {}", whole.len());
        }
    }
}
