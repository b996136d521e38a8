//! # Room card: quant/cointegration/mackinnon
//! In:    a statistic of a unit-root regression, the number of series, the deterministic terms, observations.
//! Out:   approximate p-values and critical values at 1, 5 and 10 %; critical values of Johansen's statistics.
//! Holds: p-values from 0 to 1; up to six series for p-values, twelve for critical values.
//! Costs: a polynomial and a normal tail.
//!
//! J. MacKinnon, "Approximate asymptotic distribution functions for unit-root and cointegration tests" (1994), tables 3
//! and 4; "Critical values for cointegration tests" (2010), table 2; MacKinnon, Haug, Michelis (1999) for Johansen's.

use super::Deterministic;
use crate::lanes::normal_cdf;

/// Ends and middle of the approximation, and the polynomials below and above the middle, for one to six series.
struct PValues {
    least: [f64; 6],
    middle: [f64; 6],
    most: [f64; 6],
    below: [[f64; 3]; 6],
    above: [[f64; 4]; 6],
}

/// Units of the tabled coefficients.
const BELOW_UNITS: [f64; 3] = [1.0, 1.0, 1e-2];
const ABOVE_UNITS: [f64; 4] = [1.0, 1e-1, 1e-1, 1e-2];

const NONE: PValues = PValues {
    least: [-19.04, -19.62, -21.21, -23.25, -21.63, -25.74],
    middle: [-1.04, -1.53, -2.68, -3.09, -3.07, -3.77],
    most: [f64::INFINITY, 1.51, 0.86, 0.88, 1.05, 1.24],
    below: [
        [0.6344, 1.2378, 3.2496],
        [1.9129, 1.3857, 3.5322],
        [2.7648, 1.4502, 3.4186],
        [3.4336, 1.4835, 3.19],
        [4.0999, 1.5533, 3.59],
        [4.5388, 1.5344, 2.9807],
    ],
    above: [
        [0.4797, 9.3557, -0.6999, 3.3066],
        [1.5578, 8.558, -2.083, -3.3549],
        [2.2268, 6.8093, -3.2362, -5.4448],
        [2.7654, 6.4502, -3.0811, -4.4946],
        [3.2684, 6.8051, -2.6778, -3.4972],
        [3.7268, 7.167, -2.3648, -2.8288],
    ],
};
const CONSTANT: PValues = PValues {
    least: [-18.83, -18.86, -23.48, -28.07, -25.96, -23.27],
    middle: [-1.61, -2.62, -3.13, -3.47, -3.78, -3.93],
    most: [2.74, 0.92, 0.55, 0.61, 0.79, 1.0],
    below: [
        [2.1659, 1.4412, 3.8269],
        [2.92, 1.5012, 3.9796],
        [3.4699, 1.4856, 3.164],
        [3.9673, 1.4777, 2.6315],
        [4.5509, 1.5338, 2.9545],
        [5.1399, 1.6036, 3.4445],
    ],
    above: [
        [1.7339, 9.3202, -1.2745, -1.0368],
        [2.1945, 6.4695, -2.9198, -4.2377],
        [2.5893, 4.5168, -3.6529, -5.0074],
        [3.0387, 4.5452, -3.3666, -4.1921],
        [3.5049, 5.2098, -2.9158, -3.3468],
        [3.9489, 5.8933, -2.5359, -2.721],
    ],
};
const TREND: PValues = PValues {
    least: [-16.18, -21.15, -25.37, -26.63, -26.53, -26.18],
    middle: [-2.89, -3.19, -3.50, -3.65, -3.80, -4.36],
    most: [0.7, 0.63, 0.71, 0.93, 1.19, 1.42],
    below: [
        [3.2512, 1.6047, 4.9588],
        [3.6646, 1.5419, 3.6448],
        [4.0983, 1.5173, 2.9898],
        [4.5844, 1.5338, 2.8796],
        [5.0722, 1.5634, 2.9472],
        [5.53, 1.5914, 3.0392],
    ],
    above: [
        [2.5261, 6.1654, -3.7956, -6.0285],
        [2.85, 5.272, -3.6622, -5.1695],
        [3.221, 5.255, -3.2685, -4.1501],
        [3.652, 5.9758, -2.7483, -3.2081],
        [4.0712, 6.6428, -2.3464, -2.546],
        [4.4735, 7.1757, -2.0681, -2.1196],
    ],
};

/// Most series that the p-values cover.
pub(super) const SERIES_MAX: usize = 6;

/// P(statistic or less) under the null hypothesis, for 1 to 6 series.
pub(super) fn p_value(statistic: f64, terms: Deterministic, series: usize) -> f64 {
    let table = match terms {
        Deterministic::None => &NONE,
        Deterministic::Constant => &CONSTANT,
        Deterministic::ConstantAndTrend => &TREND,
    };
    let i = series - 1;
    if statistic > table.most[i] {
        return 1.0;
    }
    if statistic < table.least[i] {
        return 0.0;
    }
    let horner = |c: &[f64], units: &[f64]| c.iter().zip(units).rev().fold(0.0, |sum, (c, u)| sum * statistic + c * u);
    normal_cdf(if statistic <= table.middle[i] {
        horner(&table.below[i], &BELOW_UNITS)
    } else {
        horner(&table.above[i], &ABOVE_UNITS)
    })
}

type Surface = [[f64; 4]; 3];

/// No deterministic terms: one series only.
const NONE_2010: Surface =
    [[-2.56574, -2.2358, -3.627, 0.0], [-1.94100, -0.2686, -3.365, 31.223], [-1.61682, 0.2656, -2.714, 25.364]];
const CONSTANT_2010: [Surface; 6] = [
    [[-3.43035, -6.5393, -16.786, -79.433], [-2.86154, -2.8903, -4.234, -40.040], [-2.56677, -1.5384, -2.809, 0.0]],
    [[-3.89644, -10.9519, -33.527, 0.0], [-3.33613, -6.1101, -6.823, 0.0], [-3.04445, -4.2412, -2.720, 0.0]],
    [[-4.29374, -14.4354, -33.195, 47.433], [-3.74066, -8.5632, -10.852, 27.982], [-3.45218, -6.2143, -3.718, 0.0]],
    [[-4.64332, -18.1031, -37.972, 0.0], [-4.09600, -11.2349, -11.175, 0.0], [-3.81020, -8.3931, -4.137, 0.0]],
    [[-4.95756, -21.8883, -45.142, 0.0], [-4.41519, -14.0405, -12.575, 0.0], [-4.13157, -10.7417, -3.784, 0.0]],
    [
        [-5.24568, -25.6688, -57.737, 88.639],
        [-4.70693, -16.9178, -17.492, 60.007],
        [-4.42501, -13.1875, -5.104, 27.877],
    ],
];
const TREND_2010: [Surface; 6] = [
    [
        [-3.95877, -9.0531, -28.428, -134.155],
        [-3.41049, -4.3904, -9.036, -45.374],
        [-3.12705, -2.5856, -3.925, -22.380],
    ],
    [[-4.32762, -15.4387, -35.679, 0.0], [-3.78057, -9.5106, -12.074, 0.0], [-3.49631, -7.0815, -7.538, 21.892]],
    [
        [-4.66305, -18.7688, -49.793, 104.244],
        [-4.11890, -11.8922, -19.031, 77.332],
        [-3.83511, -9.0723, -8.504, 35.403],
    ],
    [
        [-4.96940, -22.4694, -52.599, 51.314],
        [-4.42871, -14.5876, -18.228, 39.647],
        [-4.14633, -11.2500, -9.873, 54.109],
    ],
    [
        [-5.25276, -26.2183, -59.631, 50.646],
        [-4.71537, -17.3569, -22.660, 91.359],
        [-4.43422, -13.6078, -10.238, 76.781],
    ],
    [
        [-5.51727, -29.9760, -75.222, 202.253],
        [-4.98228, -20.3050, -25.224, 132.03],
        [-4.70233, -16.1253, -9.836, 94.272],
    ],
];

/// Critical values at 1, 5 and 10 % for `observations`; none without a constant and more than one series.
pub(super) fn critical_values(terms: Deterministic, series: usize, observations: f64) -> Option<[f64; 3]> {
    let surface = match terms {
        Deterministic::None if series == 1 => &NONE_2010,
        Deterministic::None => return None,
        Deterministic::Constant => &CONSTANT_2010[series - 1],
        Deterministic::ConstantAndTrend => &TREND_2010[series - 1],
    };
    let inverse = 1.0 / observations;
    Some(surface.map(|row| row.iter().rev().fold(0.0, |sum, c| sum * inverse + c)))
}

/// Johansen's trace statistic with a constant, at 90, 95 and 99 %, for 1 to 12 common trends.
pub(super) const TRACE: [[f64; 3]; 12] = [
    [2.7055, 3.8415, 6.6349],
    [13.4294, 15.4943, 19.9349],
    [27.0669, 29.7961, 35.4628],
    [44.4929, 47.8545, 54.6815],
    [65.8202, 69.8189, 77.8202],
    [91.1090, 95.7542, 104.9637],
    [120.3673, 125.6185, 135.9825],
    [153.6341, 159.5290, 171.0905],
    [190.8714, 197.3772, 210.0366],
    [232.1030, 239.2468, 253.2526],
    [277.3740, 285.1402, 300.2821],
    [326.5354, 334.9795, 351.2150],
];
/// Johansen's largest-eigenvalue statistic, likewise.
pub(super) const LARGEST: [[f64; 3]; 12] = [
    [2.7055, 3.8415, 6.6349],
    [12.2971, 14.2639, 18.5200],
    [18.8928, 21.1314, 25.8650],
    [25.1236, 27.5858, 32.7172],
    [31.2379, 33.8777, 39.3693],
    [37.2786, 40.0763, 45.8662],
    [43.2947, 46.2299, 52.3069],
    [49.2855, 52.3622, 58.6634],
    [55.2412, 58.4332, 64.9960],
    [61.2041, 64.5040, 71.2525],
    [67.1307, 70.5392, 77.4877],
    [73.0563, 76.5734, 83.7105],
];
