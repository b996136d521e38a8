//! # Room card: quant/monte_carlo/simulate
//! In:    a checked book, model and options.
//! Out:   P&L of every path; its mean, deviation and tails.
//! Holds: a block of 256 paths is computed alone and written to its own place; sums run in the order of the paths.
//! Costs: a path of 20 assets 150 ns and 20 ns an option in vectors of four lanes; the quantile a partial sort.

use super::marginals::{Transform, transforms};
use super::normals::{BLOCK, mixing, normal_pair};
use super::{Book, Copula, MonteCarloOptions, MonteCarloRisk, OptionPosition, ReturnKind, ReturnModel, SimulatedTail};
use crate::lanes;
use crate::options::{DEVIATION_MIN, greeks_unchecked, hold};
use crate::risk::{TailRisk, order_index};
use crate::rng::Philox;
use crate::{JobControl, Matrix, QuantError};

/// A price does not fall below this part of itself: simple returns under -100 % would make it negative.
const GROWTH_MIN: f64 = 1e-12;
const GROWTH_MAX: f64 = 1e100;

/// What every block needs, made once.
struct Plan<'a> {
    rng: Philox,
    /// Rows of the factor of the correlation, packed: row i has i + 1 entries.
    factor: Vec<f64>,
    transforms: Vec<Transform>,
    copula: Copula,
    returns: ReturnKind,
    book: Book<'a>,
    contracts: Vec<Contract>,
}

/// An option with what does not change from path to path.
struct Contract {
    position: OptionPosition,
    price: f64,
    years: f64,
    root: f64,
    carry: f64,
    discount: f64,
    /// ln(spot / strike) + (rate - yield) · years.
    drift: f64,
}

impl Contract {
    fn new(position: &OptionPosition, spot: f64, horizon: f64) -> Contract {
        let years = (position.years - horizon).max(0.0);
        Contract {
            position: *position,
            price: greeks_unchecked(&position.terms(spot)).price,
            years,
            root: libm::sqrt(years),
            carry: libm::exp(-position.dividend_yield * years),
            discount: libm::exp(-position.rate * years),
            drift: libm::log(spot / position.strike) + (position.rate - position.dividend_yield) * years,
        }
    }
}

/// Rows of a factor of a positive semidefinite correlation. A row that the ones before it explain has a diagonal of 0.
fn factor(correlation: &Matrix<'_>) -> Result<Vec<f64>, QuantError> {
    let n = correlation.rows();
    let mut packed: Vec<f64> = Vec::with_capacity(n * (n + 1) / 2);
    let start = |i: usize| i * (i + 1) / 2;
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| packed[start(i) + k] * packed[start(j) + k]).sum();
            let rest = correlation.at(i, j) - known;
            let entry = if i == j {
                if rest < -1e-8 {
                    return Err(QuantError::NotPositiveDefinite { what: "correlation", row: i });
                }
                if rest > 1e-12 { libm::sqrt(rest) } else { 0.0 }
            } else {
                let pivot = packed[start(j) + j];
                if pivot == 0.0 && rest.abs() > 1e-6 {
                    return Err(QuantError::NotPositiveDefinite { what: "correlation", row: i });
                }
                if pivot > 0.0 { rest / pivot } else { 0.0 }
            };
            packed.push(entry);
        }
    }
    Ok(packed)
}

/// P&L of every path.
pub(super) fn pnl(
    book: &Book<'_>,
    model: &ReturnModel<'_>,
    options: &MonteCarloOptions,
    control: &JobControl<'_>,
) -> Result<Vec<f64>, QuantError> {
    let contracts = book.options.iter().map(|o| Contract::new(o, book.spots[o.asset], options.horizon_years)).collect();
    let plan = Plan {
        rng: Philox::new(options.seed),
        factor: factor(&model.correlation)?,
        transforms: transforms(model.marginals, model.copula),
        copula: model.copula,
        returns: model.returns,
        book: *book,
        contracts,
    };
    let mut pnl = vec![0.0; options.paths];
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if options.threads == 0 { cores } else { options.threads }.clamp(1, super::THREADS_MAX);
    let blocks = options.paths.div_ceil(BLOCK);
    let span = blocks.div_ceil(threads) * BLOCK;
    std::thread::scope(|scope| {
        let plan = &plan;
        let mut spans = pnl.chunks_mut(span).enumerate();
        let own = spans.next();
        let mut helpers = Vec::with_capacity(threads);
        for (k, chunk) in spans {
            let work = move || plan.run(chunk, k * span, control, false);
            let named = std::thread::Builder::new().name("quant-paths".into());
            match named.spawn_scoped(scope, work) {
                Ok(helper) => helpers.push(helper),
                Err(_) => return Err(QuantError::Undefined { what: "threads", why: "the system gives no more" }),
            }
        }
        let mut result = own.map_or(Ok(()), |(_, chunk)| plan.run(chunk, 0, control, true));
        for helper in helpers {
            let lost = QuantError::Undefined { what: "paths", why: "a thread ended early" };
            result = result.and(helper.join().unwrap_or(Err(lost)));
        }
        result
    })?;
    control.progress(blocks as u64, blocks as u64);
    Ok(pnl)
}

impl Plan<'_> {
    /// All blocks of a span of paths. Only one thread reports.
    fn run(&self, pnl: &mut [f64], first: usize, control: &JobControl<'_>, report: bool) -> Result<(), QuantError> {
        let assets = self.book.spots.len();
        // An even number of columns: normals come in pairs.
        let mut columns = vec![[0.0; BLOCK]; assets.next_multiple_of(2)];
        let mut total = [0.0; BLOCK];
        let blocks = pnl.len().div_ceil(BLOCK) as u64;
        for (k, out) in pnl.chunks_mut(BLOCK).enumerate() {
            if k % 64 == 0 {
                control.check()?;
                if report {
                    control.progress(k as u64, blocks);
                }
            }
            let path = (first + k * BLOCK) as u64;
            lanes::wide(
                #[inline(always)]
                || self.block(path, &mut columns, &mut total),
            );
            out.copy_from_slice(&total[..out.len()]);
        }
        Ok(())
    }

    /// P&L of the paths from `path` on.
    #[inline(always)]
    fn block(&self, path: u64, columns: &mut [[f64; BLOCK]], total: &mut [f64; BLOCK]) {
        for (pair, both) in columns.chunks_exact_mut(2).enumerate() {
            let (left, right) = both.split_at_mut(1);
            normal_pair(&self.rng, pair as u64, path, &mut left[0], &mut right[0]);
        }
        self.correlate(columns);
        if let Copula::StudentT { degrees_of_freedom } = self.copula {
            let mut mix = [0.0; BLOCK];
            for (i, mix) in mix.iter_mut().enumerate() {
                *mix = mixing(&self.rng, degrees_of_freedom, path + i as u64);
            }
            for column in columns.iter_mut() {
                for (x, mix) in column.iter_mut().zip(&mix) {
                    *x *= mix;
                }
            }
        }
        *total = [0.0; BLOCK];
        for (a, transform) in self.transforms.iter().enumerate() {
            let column = &mut columns[a];
            transform.apply(column);
            growth(column, self.returns);
            let exposure = self.book.spots[a] * self.book.quantities[a];
            for (total, growth) in total.iter_mut().zip(column.iter()) {
                *total += exposure * (growth - 1.0);
            }
        }
        for contract in &self.contracts {
            self.revalue(contract, columns, total);
        }
    }

    /// Each column becomes its row of the factor times the columns before it, from the last to the first, four at a
    /// time.
    #[inline(always)]
    fn correlate(&self, columns: &mut [[f64; BLOCK]]) {
        for a in (0..self.transforms.len()).rev() {
            let row = &self.factor[a * (a + 1) / 2..(a + 1) * (a + 2) / 2];
            let (before, rest) = columns.split_at_mut(a);
            let own = &mut rest[0];
            for x in own.iter_mut() {
                *x *= row[a];
            }
            let mut fours = before.chunks_exact(4).zip(row.chunks_exact(4));
            for (z, l) in &mut fours {
                for i in 0..BLOCK {
                    own[i] = own[i] + l[0] * z[0][i] + l[1] * z[1][i] + l[2] * z[2][i] + l[3] * z[3][i];
                }
            }
            let done = a / 4 * 4;
            for (z, l) in before[done..].iter().zip(&row[done..a]) {
                for i in 0..BLOCK {
                    own[i] += l * z[i];
                }
            }
        }
    }

    /// Adds the change of an option's value on each path.
    #[inline(always)]
    fn revalue(&self, c: &Contract, columns: &[[f64; BLOCK]], total: &mut [f64; BLOCK]) {
        let spot = self.book.spots[c.position.asset];
        let growth = &columns[c.position.asset];
        let (sign, quantity) = (c.position.kind.sign(), c.position.quantity);
        let mut deviation = [(c.position.volatility * c.root).max(DEVIATION_MIN); BLOCK];
        if let Some(asset) = c.position.volatility_asset {
            for (deviation, growth) in deviation.iter_mut().zip(&columns[asset]) {
                *deviation *= growth;
            }
        }
        if c.years <= 0.0 {
            for (total, growth) in total.iter_mut().zip(growth) {
                let intrinsic = sign * (spot * growth - c.position.strike);
                let value = if intrinsic > 0.0 { intrinsic } else { 0.0 };
                *total += quantity * (value - c.price);
            }
            return;
        }
        let (forward, strike) = (spot * c.carry, c.position.strike * c.discount);
        for i in 0..BLOCK {
            let s = if deviation[i] > DEVIATION_MIN { deviation[i] } else { DEVIATION_MIN };
            let centre = (lanes::ln(growth[i]) + c.drift) / s;
            let (d1, d2) = (hold(centre + 0.5 * s), hold(centre - 0.5 * s));
            let n1 = lanes::normal_cdf_from(sign * d1, lanes::gauss_near(d1));
            let n2 = lanes::normal_cdf_from(sign * d2, lanes::gauss_near(d2));
            let value = sign * (forward * growth[i] * n1 - strike * n2);
            total[i] += quantity * (value - c.price);
        }
    }
}

/// Returns become growth factors.
#[inline(always)]
fn growth(column: &mut [f64; BLOCK], returns: ReturnKind) {
    match returns {
        ReturnKind::Simple => {
            for x in column.iter_mut() {
                let growth = 1.0 + *x;
                *x = if growth > GROWTH_MIN { growth } else { GROWTH_MIN };
            }
        }
        ReturnKind::Logarithmic => {
            for x in column.iter_mut() {
                *x = lanes::exp(*x);
            }
        }
    }
    for x in column.iter_mut() {
        *x = if *x < GROWTH_MAX { *x } else { GROWTH_MAX };
    }
}

/// Mean, deviation and tails of the paths.
pub(super) fn measure(pnl: Vec<f64>, options: &MonteCarloOptions) -> Result<MonteCarloRisk, QuantError> {
    let count = pnl.len() as f64;
    // By blocks in their order: short sums round less, and no thread changes them.
    let mean = pnl.chunks(BLOCK).map(|block| block.iter().sum::<f64>()).sum::<f64>() / count;
    let squares = |block: &[f64]| block.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let deviation = libm::sqrt(pnl.chunks(BLOCK).map(squares).sum::<f64>() / (count - 1.0));
    crate::error::finite("pnl", deviation)?;
    // Order statistics from the deepest to the shallowest, each inside the part that the one before left.
    let mut places: Vec<usize> = Vec::new();
    for &confidence in &options.confidences {
        let (tail, n) = (1.0 - confidence, pnl.len());
        places.extend(needed(tail, n));
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.dedup();
    let deepest = places.first().copied().unwrap_or(0);
    let mut part = worst(&pnl, deepest);
    let mut values = std::collections::BTreeMap::new();
    let mut end = part.len();
    for &place in &places {
        let (_, &mut value, _) = part[..end].select_nth_unstable_by(place, f64::total_cmp);
        values.insert(place, value);
        end = (place + 1).min(end);
    }
    let at = |place: usize| values.get(&place).copied().unwrap_or(0.0);
    let tails = options.confidences.iter().map(|&confidence| tail(&pnl, confidence, options, &at)).collect();
    let paths = options.keep_paths.then_some(pnl);
    Ok(MonteCarloRisk { mean, deviation, tails, paths })
}

/// Values up to the one of rank `deepest`, unordered: a threshold from a sample leaves the small part that a full
/// partial sort would look for in everything.
fn worst(pnl: &[f64], deepest: usize) -> Vec<f64> {
    const STRIDE: usize = 64;
    if pnl.len() < 100 * STRIDE {
        return pnl.to_vec();
    }
    let mut sample: Vec<f64> = pnl.iter().step_by(STRIDE).copied().collect();
    // Four deviations of the sample's rank more than expected.
    let rank = deepest as f64 / STRIDE as f64;
    let rank = (rank + 4.0 * libm::sqrt(rank + 1.0) + 4.0) as usize;
    if rank >= sample.len() {
        return pnl.to_vec();
    }
    let (_, &mut threshold, _) = sample.select_nth_unstable_by(rank, f64::total_cmp);
    let kept: Vec<f64> = pnl.iter().copied().filter(|&x| x <= threshold).collect();
    if kept.len() > deepest { kept } else { pnl.to_vec() }
}

/// Ranks that a confidence needs: the quantile, the shortfall's boundary, one deviation of the rank each side.
fn needed(tail: f64, n: usize) -> [usize; 4] {
    let mass = tail * n as f64;
    let spread = libm::sqrt(mass * (1.0 - tail));
    let last = n - 1;
    let place = order_index(tail, n);
    let low = (place as f64 - spread).max(0.0) as usize;
    let high = (libm::ceil(place as f64 + spread) as usize).min(last);
    [place, (mass as usize).min(last), low, high]
}

fn tail(pnl: &[f64], confidence: f64, options: &MonteCarloOptions, at: &impl Fn(usize) -> f64) -> SimulatedTail {
    let alpha = 1.0 - confidence;
    let mass = alpha * pnl.len() as f64;
    let [place, boundary, low, high] = needed(alpha, pnl.len());
    let (quantile, edge) = (at(place), at(boundary));
    // Beyond the boundary: first and second moments of what lies below it, in the order of the paths.
    let (mut first, mut second) = (0.0, 0.0);
    for block in pnl.chunks(BLOCK) {
        let (mut a, mut b) = (0.0, 0.0);
        for &x in block {
            let below = if x < edge { x - edge } else { 0.0 };
            a += below;
            b += below * below;
        }
        first += a;
        second += b;
    }
    let beyond = first / mass;
    let variance = (second / mass - beyond * beyond).max(0.0);
    let risk = TailRisk { value_at_risk: -quantile, expected_shortfall: -(edge + beyond) };
    SimulatedTail {
        confidence,
        risk: risk.under(options.convention),
        value_at_risk_error: 0.5 * (at(high) - at(low)),
        expected_shortfall_error: libm::sqrt((variance + confidence * beyond * beyond) / mass),
    }
}
