//! # Room card: quant/stats
//! In:    series that a `Matrix` or `checked_vector` let in.
//! Out:   means, variances, moments, quantiles, ranks.
//! Holds: sums go from the first element to the last; ties have the average of their ranks.
//! Costs: one or two passes; quantiles and ranks sort a copy.

/// Arithmetic mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sum of squared deviations from the mean over `n - ddof`.
pub(crate) fn variance(values: &[f64], ddof: usize) -> f64 {
    squares_about(values, mean(values)) / (values.len() - ddof) as f64
}

/// Sum of squared deviations from `centre`.
pub(crate) fn squares_about(values: &[f64], centre: f64) -> f64 {
    values.iter().map(|value| (value - centre) * (value - centre)).sum()
}

/// Biased skewness m3 / m2^1.5 and Pearson kurtosis m4 / m2² from the mean and the sum of squares about it: 0 and 3 of
/// a constant. Deviations are over the deviation with divisor n, so that neither huge nor tiny values overflow.
pub(crate) fn shape_about(values: &[f64], centre: f64, squares: f64) -> (f64, f64) {
    let count = values.len() as f64;
    let scale = libm::sqrt(squares / count);
    if is_constant(values) || !(scale > 0.0 && scale.is_finite()) {
        return (0.0, 3.0);
    }
    let (third, fourth) = values.iter().fold((0.0, 0.0), |(third, fourth), value| {
        let part = (value - centre) / scale;
        (third + part.powi(3), fourth + part.powi(4))
    });
    (third / count, fourth / count)
}

/// True where every value is the same.
pub(crate) fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// Biased skewness and Pearson kurtosis (3 of a Gaussian).
pub(crate) fn shape(values: &[f64]) -> (f64, f64) {
    let centre = mean(values);
    shape_about(values, centre, squares_about(values, centre))
}

/// Quantile of sorted values, linear between order statistics (type 7 of Hyndman and Fan 1996).
pub(crate) fn quantile_sorted(sorted: &[f64], probability: f64) -> f64 {
    interpolated(sorted, probability * (sorted.len() - 1) as f64)
}

/// numpy's linear interpolation at `position` of sorted values.
pub(crate) fn interpolated(sorted: &[f64], position: f64) -> f64 {
    let low = (position as usize).min(sorted.len() - 1);
    let high = (low + 1).min(sorted.len() - 1);
    let part = position - low as f64;
    let (a, b) = (sorted[low], sorted[high]);
    if part >= 0.5 { b - (b - a) * (1.0 - part) } else { a + (b - a) * part }
}

/// A sorted copy.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut copy = values.to_vec();
    copy.sort_by(f64::total_cmp);
    copy
}

/// Ranks from 1, ties averaged.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let value = values[order[first]];
        let ties = order[first..].iter().take_while(|&&at| values[at] == value).count();
        for &at in &order[first..first + ties] {
            ranks[at] = first as f64 + (ties as f64 + 1.0) / 2.0;
        }
        first += ties;
    }
    ranks
}

/// Pearson correlation; none where one of the two does not vary.
pub(crate) fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if is_constant(a) || is_constant(b) {
        return None;
    }
    let (centre_a, centre_b) = (mean(a), mean(b));
    let (mut cross, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        cross += (x - centre_a) * (y - centre_b);
        square_a += (x - centre_a) * (x - centre_a);
        square_b += (y - centre_b) * (y - centre_b);
    }
    let scale = libm::sqrt(square_a) * libm::sqrt(square_b);
    let value = cross / scale;
    if value.is_finite() { Some(value.clamp(-1.0, 1.0)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_one_to_five() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!((mean(&values), variance(&values, 1), variance(&values, 0)), (3.0, 2.5, 2.0));
        let (skewness, kurtosis) = shape(&values);
        assert!(skewness.abs() < 1e-15 && (kurtosis - 1.7).abs() < 1e-15);
        assert_eq!(shape(&[2.0; 3]), (0.0, 3.0));
        for scale in [1e-120, 1e120] {
            let scaled = values.map(|value| value * scale);
            assert!((shape(&scaled).1 - 1.7).abs() < 1e-14, "{scale}");
        }
        assert_eq!((quantile_sorted(&values, 0.1), quantile_sorted(&values, 1.0)), (1.4, 5.0));
    }

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        let straight = correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        assert!(straight.is_some_and(|value| (value - 1.0).abs() < 1e-15));
        assert_eq!(correlation(&[1.0, 1.0], &[2.0, 4.0]), None);
    }
}
