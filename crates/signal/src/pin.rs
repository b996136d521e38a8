//! # Room card: signal/pin
//! In:    counts of buys and sells by day (or any period).
//! Out:   `fit_pin`: the probability of informed trading by maximum likelihood, with parameters and standard errors.
//! Holds: the likelihood is evaluated in a form that overflows for no count; starts are a fixed grid: same input,
//!        same result.
//! Costs: a few hundred short fits and three whole ones over the days; a batch, not for the hot path.
use crate::fault::SignalFault;
use crate::linear::solve;

/// Fewest days for an estimate.
pub const PIN_DAYS_MIN: usize = 10;
/// Most days.
pub const PIN_DAYS_MAX: usize = 65_536;
/// Steps of each start of the grid, and of the fits that follow from the best.
const SHORT_STEPS: u32 = 30;
const WHOLE_STEPS: u32 = 50_000;
/// How many of the starts are followed to the end.
const FOLLOWED: usize = 3;
/// Relative change of every parameter below which a fit has arrived.
const SETTLED: f64 = 1e-11;
/// Every so many steps the likelihood is looked at; a gain below this says nothing about the parameters.
const LIKELIHOOD_STEPS: u32 = 500;
const LIKELIHOOD_SETTLED: f64 = 1e-10;
/// Least uninformed rate: off zero, where a logarithm has no value.
const RATE_MIN: f64 = 1e-12;
/// A share nearer to 0 or 1, or a rate smaller against the flow, is on the edge: no curvature, no standard errors.
const EDGE: f64 = 1e-6;

/// Parameters of the model of Easley, Kiefer, O'Hara and Paperman, with own rates for uninformed buys and sells.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PinParameters {
    /// α: share of days with private information.
    pub informed_days: f64,
    /// δ: share of those on which the information is bad.
    pub bad_news: f64,
    /// μ: informed trades on such a day.
    pub informed_trades: f64,
    /// ε_b: uninformed buys a day.
    pub uninformed_buys: f64,
    /// ε_s: uninformed sells a day.
    pub uninformed_sells: f64,
}

/// A fitted PIN.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PinEstimate {
    /// PIN = αμ/(αμ + ε_b + ε_s): the share of trades that come from information.
    pub pin: f64,
    /// Its standard error by the delta method; `None` when a parameter is on the edge of its range.
    pub standard_error: Option<f64>,
    /// The parameters.
    pub parameters: PinParameters,
    /// Their standard errors, from the observed information; `None` as above.
    pub errors: Option<PinParameters>,
    /// Log-likelihood at the maximum, factorials included.
    pub log_likelihood: f64,
    /// Days.
    pub days: u64,
}

/// Posterior of a day: no news, bad news, good news; and its log-likelihood without factorials.
struct Day {
    none: f64,
    bad: f64,
    good: f64,
    log_likelihood: f64,
}

impl PinParameters {
    /// Of one day, factored as in Lin, Ke (2011, J. Financ. Markets 14, p. 625) and Yan, Zhang (2012, J. Bank.
    /// Finance 36, p. 454): what all days share is taken out, the rest is a sum of exponentials with the largest
    /// taken out.
    fn day(&self, buys: f64, sells: f64) -> Day {
        let (a, d, mu) = (self.informed_days, self.bad_news, self.informed_trades);
        let (eb, es) = (self.uninformed_buys, self.uninformed_sells);
        let none = libm::log(1.0 - a);
        let bad = libm::log(a * d) - mu + sells * libm::log1p(mu / es);
        let good = libm::log(a * (1.0 - d)) - mu + buys * libm::log1p(mu / eb);
        let largest = none.max(bad).max(good);
        let shares = [libm::exp(none - largest), libm::exp(bad - largest), libm::exp(good - largest)];
        let sum = shares[0] + shares[1] + shares[2];
        let common = buys * libm::log(eb) + sells * libm::log(es) - eb - es;
        Day {
            none: shares[0] / sum,
            bad: shares[1] / sum,
            good: shares[2] / sum,
            log_likelihood: largest + libm::log(sum) + common,
        }
    }

    fn log_likelihood(&self, days: &[(f64, f64)]) -> f64 {
        days.iter().fold(0.0, |sum, &(buys, sells)| sum + self.day(buys, sells).log_likelihood)
    }

    /// One step of expectation and maximisation: which days were which, which trades of theirs were informed.
    fn step(&self, days: &[(f64, f64)]) -> PinParameters {
        let (mut bad, mut good, mut informed_buys, mut informed_sells) = (0.0, 0.0, 0.0, 0.0);
        let (mut buys_sum, mut sells_sum) = (0.0, 0.0);
        let mu = self.informed_trades;
        for &(buys, sells) in days {
            let day = self.day(buys, sells);
            bad += day.bad;
            good += day.good;
            informed_sells += day.bad * sells * (mu / (self.uninformed_sells + mu));
            informed_buys += day.good * buys * (mu / (self.uninformed_buys + mu));
            buys_sum += buys;
            sells_sum += sells;
        }
        let (count, news) = (days.len() as f64, bad + good);
        let tiny = f64::MIN_POSITIVE;
        PinParameters {
            informed_days: (news / count).clamp(1e-12, 1.0 - 1e-12),
            bad_news: if news > 0.0 { (bad / news).clamp(1e-12, 1.0 - 1e-12) } else { 0.5 },
            informed_trades: if news > 0.0 { ((informed_buys + informed_sells) / news).max(tiny) } else { tiny },
            uninformed_buys: ((buys_sum - informed_buys) / count).max(RATE_MIN),
            uninformed_sells: ((sells_sum - informed_sells) / count).max(RATE_MIN),
        }
    }

    /// Steps until the parameters stand, or the likelihood does (on the edge of a range the parameters creep);
    /// false when `steps` were not enough.
    fn climb(mut self, days: &[(f64, f64)], steps: u32) -> (PinParameters, bool) {
        let mut reached = f64::NEG_INFINITY;
        for at in 0..steps {
            let next = self.step(days);
            let moved = self.as_array().iter().zip(next.as_array()).any(|(a, b)| (a - b).abs() > SETTLED * b.abs());
            self = next;
            if !moved {
                return (self, true);
            }
            if at % LIKELIHOOD_STEPS == LIKELIHOOD_STEPS - 1 {
                let now = self.log_likelihood(days);
                if now - reached < LIKELIHOOD_SETTLED {
                    return (self, true);
                }
                reached = now;
            }
        }
        (self, false)
    }

    fn as_array(&self) -> [f64; 5] {
        [self.informed_days, self.bad_news, self.informed_trades, self.uninformed_buys, self.uninformed_sells]
    }

    fn from_array([informed_days, bad_news, informed_trades, uninformed_buys, uninformed_sells]: [f64; 5]) -> Self {
        PinParameters { informed_days, bad_news, informed_trades, uninformed_buys, uninformed_sells }
    }

    /// Gradient of the log-likelihood, by Fisher's identity.
    fn gradient(&self, days: &[(f64, f64)]) -> [f64; 5] {
        let [a, d, mu, eb, es] = self.as_array();
        let mut sum = [0.0; 5];
        for &(buys, sells) in days {
            let day = self.day(buys, sells);
            sum[0] += (day.bad + day.good) / a - day.none / (1.0 - a);
            sum[1] += day.bad / d - day.good / (1.0 - d);
            sum[2] += day.bad * (sells / (es + mu) - 1.0) + day.good * (buys / (eb + mu) - 1.0);
            sum[3] += (day.none + day.bad) * (buys / eb - 1.0) + day.good * (buys / (eb + mu) - 1.0);
            sum[4] += (day.none + day.good) * (sells / es - 1.0) + day.bad * (sells / (es + mu) - 1.0);
        }
        sum
    }

    /// Covariance of the estimate: the inverse of the observed information, whose columns are differences of the
    /// gradient.
    fn covariance(&self, days: &[(f64, f64)]) -> Option<[[f64; 5]; 5]> {
        let [a, d, mu, eb, es] = self.as_array();
        let flow = eb + es + mu;
        if [a, 1.0 - a, d, 1.0 - d, mu / flow, eb / flow, es / flow].iter().any(|share| *share < EDGE) {
            return None;
        }
        let mut information = [0.0; 25];
        let center = self.as_array();
        for column in 0..5 {
            let room = if column < 2 { center[column].min(1.0 - center[column]) } else { center[column] };
            let step = 1e-5 * room;
            let at = |sign: f64| {
                let mut moved = center;
                moved[column] += sign * step;
                PinParameters::from_array(moved).gradient(days)
            };
            let (above, below) = (at(1.0), at(-1.0));
            for row in 0..5 {
                information[row * 5 + column] = -(above[row] - below[row]) / (2.0 * step);
            }
        }
        for row in 0..5 {
            for column in 0..row {
                let mean = 0.5 * (information[row * 5 + column] + information[column * 5 + row]);
                (information[row * 5 + column], information[column * 5 + row]) = (mean, mean);
            }
        }
        // Rates and shares differ by orders of magnitude: solved in units of the diagonal.
        let scale: [f64; 5] = core::array::from_fn(|at| libm::sqrt(information[at * 5 + at]));
        let mut inverse = [0.0; 25];
        for row in 0..5 {
            for column in 0..5 {
                information[row * 5 + column] /= scale[row] * scale[column];
            }
            inverse[row * 5 + row] = 1.0;
        }
        solve(&mut information, &mut inverse, 5, 5).ok()?;
        let covariance: [[f64; 5]; 5] = core::array::from_fn(|row| {
            core::array::from_fn(|column| inverse[row * 5 + column] / (scale[row] * scale[column]))
        });
        (0..5).all(|at| covariance[at][at] > 0.0).then_some(covariance)
    }

    /// PIN and its gradient.
    fn pin(&self) -> (f64, [f64; 5]) {
        let [a, _, mu, eb, es] = self.as_array();
        let (informed, rest) = (a * mu, eb + es);
        let total = informed + rest;
        let by_informed = rest / (total * total);
        let by_rest = -informed / (total * total);
        (informed / total, [mu * by_informed, 0.0, a * by_informed, by_rest, by_rest])
    }
}

/// The starts of Yan and Zhang (2012, section 3): a grid over α, δ and the share of uninformed flow, rates from the
/// means; from the side of the buys as in the paper, and from that of the sells.
fn starts(mean_buys: f64, mean_sells: f64) -> Vec<PinParameters> {
    const GRID: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
    let mut all = Vec::with_capacity(250);
    for informed_days in GRID {
        for bad_news in GRID {
            for share in GRID {
                let eb = share * mean_buys;
                let mu = (mean_buys - eb) / (informed_days * (1.0 - bad_news));
                all.push([informed_days, bad_news, mu, eb, mean_sells - informed_days * bad_news * mu]);
                let es = share * mean_sells;
                let mu = (mean_sells - es) / (informed_days * bad_news);
                all.push([informed_days, bad_news, mu, mean_buys - informed_days * (1.0 - bad_news) * mu, es]);
            }
        }
    }
    all.retain(|start| start[3] > 0.0 && start[4] > 0.0);
    all.into_iter().map(PinParameters::from_array).collect()
}

/// PIN of counts of buys and sells by day (Easley, Kiefer, O'Hara, Paperman 1996, J. Finance 51, p. 1405), by maximum
/// likelihood.
///
/// On a desk: the share of trades by someone who knows more; slow, by days, for the choice of markets and spreads. On
/// a day without news buys and sells are Poisson with ε_b and ε_s, with good (bad) news μ informed buys (sells)
/// join. The original has ε_b = ε_s; own rates are those of Easley, Hvidkjaer, O'Hara (2002, J. Finance 57, p. 2185).
///
/// `SIGNAL_TOO_FEW` below `PIN_DAYS_MIN` days, `SIGNAL_PARAMETER` above `PIN_DAYS_MAX`, `SIGNAL_ONE_SIDED` when
/// there is no buy or no sell at all, `SIGNAL_NOT_CONVERGED` when the best start does not settle.
pub fn fit_pin(days: &[(u64, u64)]) -> Result<PinEstimate, SignalFault> {
    if days.len() < PIN_DAYS_MIN {
        return Err(SignalFault::TooFew { have: days.len() as u64, need: PIN_DAYS_MIN as u64 });
    }
    crate::fault::in_range("days", days.len() as f64, PIN_DAYS_MIN as f64, PIN_DAYS_MAX as f64)?;
    let counts: Vec<(f64, f64)> = days.iter().map(|&(buys, sells)| (buys as f64, sells as f64)).collect();
    let sums = counts.iter().fold((0.0, 0.0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
    if sums.0 == 0.0 || sums.1 == 0.0 {
        return Err(SignalFault::OneSided { buys: sums.0 as u64, sells: sums.1 as u64 });
    }
    let n = counts.len() as f64;
    let mut tried: Vec<(f64, PinParameters)> = starts(sums.0 / n, sums.1 / n)
        .into_iter()
        .map(|start| start.climb(&counts, SHORT_STEPS).0)
        .map(|parameters| (parameters.log_likelihood(&counts), parameters))
        .filter(|(reached, _)| reached.is_finite())
        .collect();
    // Stable: of equals the first of the grid.
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best: Option<(f64, PinParameters, bool)> = None;
    for (_, start) in tried.into_iter().take(FOLLOWED) {
        let (parameters, settled) = start.climb(&counts, WHOLE_STEPS);
        let reached = parameters.log_likelihood(&counts);
        if reached.is_finite() && best.is_none_or(|(best, _, _)| reached > best) {
            best = Some((reached, parameters, settled));
        }
    }
    let (log_likelihood, parameters) = match best {
        Some((reached, parameters, true)) => (reached, parameters),
        _ => return Err(SignalFault::NotConverged { iterations: u64::from(WHOLE_STEPS) }),
    };
    let factorials = counts.iter().fold(0.0, |sum, day| sum + libm::lgamma(day.0 + 1.0) + libm::lgamma(day.1 + 1.0));
    let (pin, gradient) = parameters.pin();
    let covariance = parameters.covariance(&counts);
    let variance = covariance.map(|covariance| {
        let along = |row: [f64; 5]| row.iter().zip(gradient).fold(0.0, |sum, (entry, slope)| sum + entry * slope);
        covariance.iter().zip(gradient).fold(0.0, |sum, (row, slope)| sum + slope * along(*row))
    });
    Ok(PinEstimate {
        pin,
        standard_error: variance.map(libm::sqrt),
        parameters,
        errors: covariance.map(|rows| PinParameters::from_array(core::array::from_fn(|at| libm::sqrt(rows[at][at])))),
        log_likelihood: log_likelihood - factorials,
        days: days.len() as u64,
    })
}
