//! # Room card: quote/model
//! In:    mid, inventory, risk aversion, volatility, horizon, intensity decay; the unit of each stands in its name.
//! Out:   reservation price and spread of Avellaneda and Stoikov, in price units.
//! Holds: one order of evaluation, written out, so that another language with the same `log1p` gets the same bits.
//! Costs: a few multiplications; one `log1p` in `intensity_spread`.
//!
//! Source: M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008,
//! section 3.2 (asymptotic expansion): reservation price and bid-ask spread around it. σ enters squared, once, here.
//! Nothing is checked here: NaN and infinity pass through and are refused by `grid::snap_outward`.

/// The price at which the maker is indifferent to one more unit: r = s - q·γ·σ²·(T-t).
///
/// `mid_price` is s in price units; `inventory_base` is q in units of the base asset (lots x lot size x multiplier),
/// positive when long; `risk_aversion_per_money` is γ in 1/money; `volatility_price_per_sqrt_second` is σ, not σ²;
/// `horizon_seconds` is T-t. Evaluated as `s - ((q·γ)·(σ·σ))·T`.
#[inline]
pub fn reservation_price(
    mid_price: f64,
    inventory_base: f64,
    risk_aversion_per_money: f64,
    volatility_price_per_sqrt_second: f64,
    horizon_seconds: f64,
) -> f64 {
    let variance = volatility_price_per_sqrt_second * volatility_price_per_sqrt_second;
    mid_price - inventory_base * risk_aversion_per_money * variance * horizon_seconds
}

/// The part of the spread that pays for the chance of being hit: (2/γ)·ln(1 + γ/κ), in price units.
///
/// `intensity_decay_per_price` is κ in 1/price. `log1p` keeps full precision where γ/κ is tiny and the spread tends to
/// 2/κ.
#[inline]
pub fn intensity_spread(risk_aversion_per_money: f64, intensity_decay_per_price: f64) -> f64 {
    2.0 / risk_aversion_per_money * libm::log1p(risk_aversion_per_money / intensity_decay_per_price)
}

/// The part of the spread that pays for holding inventory: γ·σ²·(T-t), in price units. Evaluated as `(γ·(σ·σ))·T`.
#[inline]
pub fn inventory_spread(
    risk_aversion_per_money: f64,
    volatility_price_per_sqrt_second: f64,
    horizon_seconds: f64,
) -> f64 {
    let variance = volatility_price_per_sqrt_second * volatility_price_per_sqrt_second;
    risk_aversion_per_money * variance * horizon_seconds
}

/// The whole spread δ from bid to ask in price units: `intensity_spread`, plus `inventory_spread` when asked for.
#[inline]
pub fn full_spread(
    risk_aversion_per_money: f64,
    intensity_decay_per_price: f64,
    volatility_price_per_sqrt_second: f64,
    horizon_seconds: f64,
    inventory_spread_term: bool,
) -> f64 {
    let spread = intensity_spread(risk_aversion_per_money, intensity_decay_per_price);
    if inventory_spread_term {
        spread + inventory_spread(risk_aversion_per_money, volatility_price_per_sqrt_second, horizon_seconds)
    } else {
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn known_values_of_the_paper_parameters() {
        // S=100, γ=0.1, σ²=4, T-t=1, κ=1.5: computed independently with 50 digits (2/γ·ln(1+γ/κ) =
        // 1.290770422751423...).
        close(reservation_price(100.0, 1.0, 0.1, 2.0, 1.0), 99.6);
        close(reservation_price(100.0, -2.5, 0.1, 2.0, 1.0), 101.0);
        close(full_spread(0.1, 1.5, 2.0, 1.0, true), 1.690_770_422_751_423_3);
        close(full_spread(0.1, 1.5, 2.0, 1.0, false), 1.290_770_422_751_423_4);
    }

    #[test]
    fn tiny_risk_aversion_keeps_its_digits() {
        // Series: 2/κ - γ/κ² + O(γ²).
        for gamma in [1e-7, 1e-9, 1e-12, 1e-15, 1e-18, 1e-300] {
            close(intensity_spread(gamma, 1.5), 2.0 / 1.5 - gamma / 2.25);
        }
    }

    #[test]
    fn volatility_enters_squared() {
        let shift = |sigma: f64| 100.0 - reservation_price(100.0, 1.0, 0.1, sigma, 1.0);
        close(shift(6.0), 9.0 * shift(2.0));
        close(inventory_spread(0.1, 6.0, 0.5), 1.8);
    }
}
