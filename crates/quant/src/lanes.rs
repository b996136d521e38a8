//! # Room card: quant/lanes
//! In:    plain numbers, one at a time or in a loop over slices.
//! Out:   exp, ln, sine and cosine of a turn, the normal density and its tails.
//! Holds: no branch, no table, no fused multiply-add: the same bits alone, in a vector of any width, on every machine.
//! Costs: 1-5 ns a value in a loop of four lanes (`wide`); the bounds on the error stand beside each function.
//!
//! Written without branches so that the compiler makes vectors of them; `libm` is right too, but four times slower
//! here. Polynomials are Chebyshev fits made with 50 digits (mpmath 1.3), `ln` follows the published fdlibm reduction.

use core::f64::consts::{LN_2, LOG2_E};

/// Adding it to a number below 2^51 leaves the nearest integer in the low bits of the mantissa.
const SHIFTER: f64 = 6_755_399_441_055_744.0;
/// ln 2, whose low 21 bits are zero, so that `n * LN2_HIGH` is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// `exp` holds its argument here: the smallest normal number, and the largest argument with a finite value.
const EXP_MIN: f64 = -708.0;
const EXP_MAX: f64 = 709.0;

/// (e^r - 1 - r) / r² for |r| <= ln 2 / 2; relative error of e^r below 2e-17.
const EXP: [f64; 10] = [
    0.5000000000000001,
    0.1666666666666667,
    0.04166666666662382,
    0.008333333333326082,
    0.0013888888917368964,
    0.00019841269875003973,
    2.4801521055364205e-05,
    2.7557255168123062e-06,
    2.76202026313159e-07,
    2.5105313423078524e-08,
];
/// sin(2 π r) / r as a polynomial in r², |r| <= 1/8.
const SIN_TURN: [f64; 7] = [
    core::f64::consts::TAU,
    -41.341702240399634,
    81.60524927594801,
    -76.7058597042656,
    42.05868501879007,
    -15.093804116813748,
    3.780866647619877,
];
/// cos(2 π r) as a polynomial in r², |r| <= 1/8.
const COS_TURN: [f64; 8] = [
    1.0,
    -19.739208802178716,
    64.93939402266795,
    -85.45681720652267,
    60.244641328857014,
    -26.42625090751101,
    7.903091629217835,
    -1.6968482753359422,
];
/// (ln(1+f) - f + f²/2 - ..) of fdlibm, in s² with s = f / (2 + f).
const LN: [f64; 7] = [
    6.666666666666735e-1,
    3.999999999940942e-1,
    2.857142874366239e-1,
    2.222219843214978e-1,
    1.818357216161805e-1,
    1.531383769920937e-1,
    1.479819860511659e-1,
];
/// Φ(-u) e^(u²/2) (1 + 1.5 u) in t = (u - 5) / (u + 5), u >= 0; truncation below 1e-17.
const TAIL: [f64; 25] = [
    0.6538140922875535,
    -0.06559964511900757,
    -0.0114888533040574,
    0.05544546720990792,
    -0.0635292405914842,
    0.04851239510936176,
    -0.0272513083802601,
    0.01097242318002114,
    -0.002623883874015374,
    -5.545102525651949e-05,
    0.0003037148921603163,
    -8.089202832109488e-05,
    -1.8166113288863074e-05,
    1.4224794917813385e-05,
    2.3143570096400828e-07,
    -2.0829111388607197e-06,
    1.5418938400784897e-07,
    3.141304801305746e-07,
    -3.488598911212116e-08,
    -4.9429422610062756e-08,
    5.131675908401701e-09,
    6.9929623962314004e-09,
    -5.11484835743346e-10,
    -6.03430008390221e-10,
    2.5179669718534404e-11,
];
/// 1 / √(2 π).
pub(crate) const DENSITY_AT_0: f64 = 0.398_942_280_401_432_7;

/// Runs a loop with the widest vectors the machine has. Wider vectors change the time, never a bit: no function here
/// adds across lanes or contracts a product and a sum.
#[inline]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let mut sum = coefficients[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum * x + coefficients[i];
    }
    sum
}

/// e^x within 1 ulp for -708 <= x <= 709; held at these ends outside.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x < EXP_MIN { EXP_MIN } else { x };
    let x = if x > EXP_MAX { EXP_MAX } else { x };
    let shifted = x * LOG2_E + SHIFTER;
    let n = shifted - SHIFTER;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (1.0 + (r + r * r * polynomial(&EXP, r))) * power
}

/// ln x within 1 ulp for normal x > 0; anything else is not a number to rely on.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    // The mantissa is taken from [√½, √2), so that ln 1 = 0 and its neighbours keep their digits.
    const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_0000_0000;
    const ONE_BITS: u64 = 0x3ff0_0000_0000_0000;
    let bits = x.to_bits().wrapping_add(ONE_BITS - SQRT_HALF_BITS);
    let biased = bits >> 52;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF_BITS));
    // 2^52 + biased, whose low bits are the integer.
    let k = f64::from_bits(0x4330_0000_0000_0000 | biased) - 4_503_599_627_371_519.0;
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    let series = z * polynomial(&LN, z);
    k * LN2_HIGH - ((half - (s * (half + series) + k * LN2_LOW)) - f)
}

/// (sine, cosine) of `u` turns, 0 <= u <= 1; absolute error below 2e-16.
#[inline(always)]
pub(crate) fn sin_cos_turn(u: f64) -> (f64, f64) {
    let shifted = 4.0 * u + SHIFTER;
    let quarter = shifted.to_bits();
    let r = u - 0.25 * (shifted - SHIFTER);
    let z = r * r;
    let (s, c) = (r * polynomial(&SIN_TURN, z), polynomial(&COS_TURN, z));
    let swap = quarter & 1 == 1;
    let (sine, cosine) = if swap { (c, s) } else { (s, c) };
    // Quarters 2 and 3 turn the sine over, 1 and 2 the cosine.
    let sine_sign = (quarter & 2) << 62;
    let cosine_sign = (quarter.wrapping_add(1) & 2) << 62;
    (f64::from_bits(sine.to_bits() ^ sine_sign), f64::from_bits(cosine.to_bits() ^ cosine_sign))
}

/// Φ(-u) / φ(u) · 1/√(2π) = Φ(-u) e^(u²/2) for u >= 0 (Mills' ratio over √(2π)); relative error below 4e-16.
#[inline(always)]
pub(crate) fn scaled_tail(u: f64) -> f64 {
    let (a, b) = (u + 5.0, 1.0 + 1.5 * u);
    // One division for both quotients.
    let inverse = 1.0 / (a * b);
    let t = (u - 5.0) * (b * inverse);
    polynomial(&TAIL, t) * (a * inverse)
}

/// e^(-u²/2), with the rounding of u² put back: relative error below 3e-16 up to |u| = 37.
#[inline(always)]
pub(crate) fn gauss(u: f64) -> f64 {
    let square = u * u;
    let high = f64::from_bits(u.to_bits() & 0xffff_ffff_f800_0000);
    let low = u - high;
    let lost = ((high * high - square) + 2.0 * high * low) + low * low;
    exp(-0.5 * square) * (1.0 - 0.5 * lost)
}

/// e^(-u²/2) with the rounding of u² left in: relative error u² ε, which a tail of that size hides in a price.
#[inline(always)]
pub(crate) fn gauss_near(u: f64) -> f64 {
    exp(-0.5 * u * u)
}

/// Φ(x) from e^(-x²/2): the caller often has that already. Relative error below 1e-15 in the lower tail.
#[inline(always)]
pub(crate) fn normal_cdf_from(x: f64, gauss: f64) -> f64 {
    let tail = gauss * scaled_tail(x.abs());
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// Φ(x): relative error below 1e-15 in the lower tail, absolute error below 2e-16 above.
#[inline(always)]
pub(crate) fn normal_cdf(x: f64) -> f64 {
    normal_cdf_from(x, gauss(x))
}

/// φ(x).
#[inline(always)]
pub(crate) fn normal_pdf(x: f64) -> f64 {
    DENSITY_AT_0 * gauss(x)
}

const _: () = assert!(LN2_HIGH < LN_2);

#[cfg(test)]
#[allow(clippy::excessive_precision)]
mod tests {
    use super::*;

    fn ulps(got: f64, want: f64) -> f64 {
        ((got - want) / want).abs() / f64::EPSILON
    }

    #[test]
    fn agrees_with_libm() {
        let (mut worst_exp, mut worst_ln, mut worst_turn, mut worst_tail) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        for i in 0..200_000 {
            let unit = (i as f64 + 0.5) / 200_000.0;
            let x = -700.0 + 1400.0 * unit;
            worst_exp = worst_exp.max(ulps(exp(x), libm::exp(x)));
            worst_exp = worst_exp.max(ulps(exp(x / 700.0), libm::exp(x / 700.0)));
            let y = libm::exp(x);
            worst_ln = worst_ln.max(ulps(ln(y), libm::log(y)));
            worst_ln = worst_ln.max(ulps(ln(unit + 0.4), libm::log(unit + 0.4)));
            let (s, c) = sin_cos_turn(unit);
            let angle = core::f64::consts::TAU * unit;
            worst_turn = worst_turn.max((s - libm::sin(angle)).abs()).max((c - libm::cos(angle)).abs());
            let z = 37.0 * unit;
            worst_tail = worst_tail.max(ulps(normal_cdf(-z), 0.5 * libm::erfc(z * core::f64::consts::FRAC_1_SQRT_2)));
        }
        assert!(worst_exp <= 1.0, "exp {worst_exp} ulp");
        assert!(worst_ln <= 1.0, "ln {worst_ln} ulp");
        // 2 π u is rounded before libm sees it: up to 4e-16 of the difference is its own.
        assert!(worst_turn < 8e-16, "turn {worst_turn}");
        // The rounding of z / √2 alone costs libm z² ulps of the tail.
        assert!(worst_tail < 37.0 * 37.0, "tail {worst_tail} ulp");
    }

    #[test]
    fn tails_of_the_normal_distribution() {
        // Φ(-x) to 20 digits, mpmath 1.3 with 50 digits.
        for (x, tail) in TAILS {
            assert!(ulps(normal_cdf(-x), tail) < 4.0, "Φ(-{x}): {} ulp", ulps(normal_cdf(-x), tail));
            assert!((normal_cdf(x) - (1.0 - tail)).abs() < 3e-16);
        }
    }

    const TAILS: [(f64, f64); 12] = [
        (0.1, 0.46017216272297101633),
        (0.5, 0.30853753872598689636),
        (1.0, 0.15865525393145705141),
        (1.6448536269514722, 0.050000000000000053934),
        (2.3263478740408408, 0.010000000000000009153),
        (3.75, 0.000088417285200803867818),
        (5.0, 2.8665157187919391167e-7),
        (8.0, 6.2209605742717841235e-16),
        (12.5, 3.7325642988777133772e-36),
        (20.0, 2.7536241186062336951e-89),
        (30.0, 4.9067139271481870595e-198),
        (37.0, 5.7255712225245768227e-300),
    ];

    #[test]
    fn edges() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(normal_cdf(0.0), 0.5);
        assert_eq!(sin_cos_turn(0.0), (0.0, 1.0));
        assert_eq!(sin_cos_turn(0.25), (1.0, -0.0));
        assert!(normal_cdf(-50.0) < 1e-300 && normal_cdf(50.0) == 1.0);
        assert!(exp(-1e9) < 1e-300 && exp(1e9).is_finite());
    }

    #[test]
    fn a_vector_has_the_bits_of_one_value() {
        let xs: Vec<f64> = (0..1003).map(|i| (f64::from(i) - 500.0) * 0.0137).collect();
        let mut many = vec![0.0; xs.len()];
        wide(|| {
            for (out, &x) in many.iter_mut().zip(&xs) {
                *out = normal_cdf(x) + exp(x) + ln(x.abs() + 1e-3);
            }
        });
        for (&x, &got) in xs.iter().zip(&many) {
            assert_eq!(got.to_bits(), (normal_cdf(x) + exp(x) + ln(x.abs() + 1e-3)).to_bits(), "{x}");
        }
    }
}
