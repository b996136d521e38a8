//! What the tests of this crate share.
#![allow(dead_code)] // Each test file is a crate of its own and uses a part.
use types::rng::SplitMix64;

/// Standard normal numbers by Box and Muller.
pub struct Normals {
    pub rng: SplitMix64,
    spare: Option<f64>,
}

impl Normals {
    pub fn new(seed: u64) -> Normals {
        Normals { rng: SplitMix64::new(seed), spare: None }
    }
    pub fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.rng.unit_f64()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.rng.unit_f64()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

#[track_caller]
pub fn assert_close(got: Option<f64>, want: Option<f64>, tolerance: f64, at: &str) {
    match (got, want) {
        (None, None) => {}
        (Some(got), Some(want)) => {
            assert!((got - want).abs() <= tolerance * want.abs().max(1e-300), "{got} for {want}, {at}")
        }
        _ => panic!("{got:?} for {want:?}, {at}"),
    }
}
