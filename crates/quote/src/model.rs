//! # Room card: quote/model
//! In:    mid, inventory, risk aversion, volatility, horizon, intensity decay; the unit of each stands in its name.
//! Out:   reservation price and spread of Avellaneda and Stoikov, in price units.
//! Holds: one order of evaluation, written out, so that another language with the same `log1p` gets the same bits.
//! Costs: a few multiplications; one `log1p` in `intensity_spread`, two in `stationary_reservation_prices`.
//!
//! Source: M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008,
//! section 3.2 (asymptotic expansion): reservation price and bid-ask spread around it; section 2.3: the infinite
//! horizon. σ enters squared, once, here. Functions that return a plain number check nothing: NaN and infinity pass
//! through and are refused by `grid::snap_outward`. The others say in a `ModelRefusal` what they cannot take.
use types::{Code, Fault};

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

/// What a drift adds to the fair value over the horizon: μ·(T-t), in price units.
///
/// With dS = μ·dt + σ·dW the expected price at T is s + μ·(T-t), and the reservation price is that of a mid there:
/// `reservation_price(mid + drift_shift(μ, T), …)`. μ is any signal in price units per second. Under the infinite
/// horizon T is 1/ω, the mean of the discount's exponential clock.
#[inline]
pub fn drift_shift(drift_price_per_second: f64, horizon_seconds: f64) -> f64 {
    drift_price_per_second * horizon_seconds
}

/// Why a model gives no number. Fields, not prose; nothing is allocated to make one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ModelRefusal {
    /// A value outside its range (NaN is in no range).
    OutOfRange {
        /// Which value, by the name it has in the call.
        name: &'static str,
        /// What it was.
        value: f64,
        /// Smallest value allowed (`f64::MIN_POSITIVE`: anything above zero).
        low: f64,
        /// Largest value allowed.
        high: f64,
    },
    /// Inventory at or beyond the bound where the model's value is still finite.
    InventoryBeyondBound {
        /// Inventory q, base units.
        inventory_base: f64,
        /// |q| must be below this, base units.
        bound_base: f64,
    },
}

impl ModelRefusal {
    /// The code users match on.
    pub const fn code(self) -> Code {
        Code::ParameterOutOfRange
    }

    /// As a fault with its fields, for cold paths.
    pub fn to_fault(self) -> Fault {
        match self {
            ModelRefusal::OutOfRange { name, value, low, high } => {
                let fields = vec![
                    ("name", name.to_string()),
                    ("value", number_text(value)),
                    ("low", number_text(low)),
                    ("high", number_text(high)),
                ];
                let allowed = format!("{} to {} is allowed", number_text(low), number_text(high));
                Fault::new(self.code(), format!("{name} is {}: {allowed}", number_text(value)), fields)
            }
            ModelRefusal::InventoryBeyondBound { inventory_base, bound_base } => {
                let (inventory, bound) = (number_text(inventory_base), number_text(bound_base));
                let text = format!("inventory {inventory} is not inside ±{bound}, where the model ends");
                let fields = vec![("inventory", inventory), ("bound", bound)];
                Fault::new(self.code(), text, fields)
            }
        }
    }
}

/// A number for a person: with an exponent where its digits would fill a line.
pub(crate) fn number_text(value: f64) -> String {
    let size = libm::fabs(value);
    let plain = size == 0.0 || (1e-6..1e15).contains(&size) || !value.is_finite();
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// `value` when it lies from `low` to `high`. Errors: `OutOfRange`, also for NaN.
pub(crate) fn in_range(name: &'static str, value: f64, low: f64, high: f64) -> Result<f64, ModelRefusal> {
    if value >= low && value <= high { Ok(value) } else { Err(ModelRefusal::OutOfRange { name, value, low, high }) }
}

/// `value` when it is above zero and finite. Errors: `OutOfRange`.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<f64, ModelRefusal> {
    in_range(name, value, f64::MIN_POSITIVE, f64::MAX)
}

/// How the infinite horizon is bounded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StationaryBound {
    /// The discount ω, 1/second: money now is worth e^(ωt) of money in t seconds; 1/ω is the mean horizon. The model
    /// ends where ½·γ²·σ²·q² reaches ω.
    Discount(f64),
    /// The paper's choice ω = ½·γ²·σ²·(q_max + u)² for an inventory within ±q_max, base units (`stationary_discount`).
    /// σ then cancels: the prices do not depend on it.
    MaxInventory(f64),
}

/// Which ask of the infinite horizon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StationaryForm {
    /// The price that the paper's definition of indifference gives (v(x + r, s, q - 1) = v(x, s, q)); the mirror image
    /// of the bid, as it must be.
    Indifference,
    /// The ask as section 2.3 prints it. It agrees with the other to first order only: a flat maker's two reservation
    /// prices are not at the same distance from the mid, and a short at its bound is still offered more to sell.
    Printed,
}

/// Reservation prices of both sides under the infinite horizon, price units. A side is `None` where no price would make
/// up for one more order there: inventory is at its bound.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StationaryPrices {
    /// r^b: having bought one more order at this price, the maker is as well off as before.
    pub bid: Option<f64>,
    /// r^a: the same for one more sold.
    pub ask: Option<f64>,
}

/// The paper's discount for an inventory within ±`max_inventory_base`: ω = ½·γ²·σ²·(q_max + u)², 1/second; u is the
/// size of one order (1 in the paper). Evaluated as `0.5·(γ·γ)·(σ·σ)·((q_max+u)·(q_max+u))`, from the left.
#[inline]
pub fn stationary_discount(
    risk_aversion_per_money: f64,
    volatility_price_per_sqrt_second: f64,
    max_inventory_base: f64,
    order_base: f64,
) -> f64 {
    let variance = volatility_price_per_sqrt_second * volatility_price_per_sqrt_second;
    let reach = max_inventory_base + order_base;
    0.5 * (risk_aversion_per_money * risk_aversion_per_money) * variance * (reach * reach)
}

/// What the infinite horizon needs to know.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StationaryInputs {
    /// Mid or fair value s, price units.
    pub mid_price: f64,
    /// Inventory q, base units, positive when long.
    pub inventory_base: f64,
    /// Size u of one order, base units; the paper's q counts orders, so its u is 1.
    pub order_base: f64,
    /// γ, 1/money.
    pub risk_aversion_per_money: f64,
    /// σ, price per √second; not read with `StationaryBound::MaxInventory`.
    pub volatility_price_per_sqrt_second: f64,
    /// What bounds the horizon.
    pub bound: StationaryBound,
    /// Which ask.
    pub form: StationaryForm,
}

/// The stationary reservation prices (section 2.3), here for orders of any size u:
/// ```text
/// z   = γ²σ² / (2ω - γ²σ²q²)            (with the paper's ω: 1 / ((q_max + u)² - q²))
/// r^b = s + ln(1 - (2q + u)·u·z) / (γ·u)
/// r^a = s - ln(1 + (2q - u)·u·z) / (γ·u)          printed, with u = 1: s + ln(1 + (1 - 2q)·z) / γ
/// ```
/// The model's quotes are r^b - ½·`intensity_spread` and r^a + ½·`intensity_spread`: the distance from r^b to r^a takes
/// the place of γσ²(T-t). To quote without it, put both around (r^a + r^b)/2.
///
/// Errors: `OutOfRange` for γ, u, σ, ω or q_max that are not positive (q_max and σ may be zero) or not finite, or for a
/// mid or inventory that is not finite; `InventoryBeyondBound` where 2ω is not above γ²σ²q².
pub fn stationary_reservation_prices(inputs: &StationaryInputs) -> Result<StationaryPrices, ModelRefusal> {
    let gamma = positive("riskAversionPerMoney", inputs.risk_aversion_per_money)?;
    let order = positive("orderBase", inputs.order_base)?;
    let mid = in_range("midPrice", inputs.mid_price, f64::MIN, f64::MAX)?;
    let inventory = in_range("inventoryBase", inputs.inventory_base, f64::MIN, f64::MAX)?;
    let (ratio, bound_base) = match inputs.bound {
        StationaryBound::Discount(discount) => {
            let discount = positive("discountPerSecond", discount)?;
            let sigma = inputs.volatility_price_per_sqrt_second;
            let sigma = in_range("volatilityPricePerSqrtSecond", sigma, 0.0, f64::MAX)?;
            let risk = gamma * gamma * (sigma * sigma);
            (risk / (2.0 * discount - risk * (inventory * inventory)), libm::sqrt(2.0 * discount / risk))
        }
        StationaryBound::MaxInventory(max) => {
            let reach = in_range("maxInventoryBase", max, 0.0, f64::MAX)? + order;
            (1.0 / (reach * reach - inventory * inventory), reach)
        }
    };
    // The bound decides, not the sign of the ratio: an overflow in it must not look like an inventory in range.
    if libm::fabs(inventory) >= bound_base || !(ratio >= 0.0 && ratio.is_finite()) {
        return Err(ModelRefusal::InventoryBeyondBound { inventory_base: inventory, bound_base });
    }
    let per_order = gamma * order;
    let shift = |change: f64| (change > -1.0).then(|| libm::log1p(change) / per_order);
    let bid = shift(-(2.0 * inventory + order) * order * ratio).map(|shift| mid + shift);
    let ask_change = (2.0 * inventory - order) * order * ratio;
    let ask = match inputs.form {
        StationaryForm::Indifference => shift(ask_change).map(|shift| mid - shift),
        StationaryForm::Printed => shift(-ask_change).map(|shift| mid + shift),
    };
    Ok(StationaryPrices { bid, ask })
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

    fn stationary(inventory_base: f64, bound: StationaryBound, form: StationaryForm) -> StationaryPrices {
        stationary_reservation_prices(&inputs(inventory_base, bound, form)).expect("inside the bound")
    }

    fn inputs(inventory_base: f64, bound: StationaryBound, form: StationaryForm) -> StationaryInputs {
        StationaryInputs {
            mid_price: 100.0,
            inventory_base,
            order_base: 1.0,
            risk_aversion_per_money: 0.1,
            volatility_price_per_sqrt_second: 2.0,
            bound,
            form,
        }
    }

    #[test]
    fn the_infinite_horizon_against_fifty_digits() {
        // python: from mpmath import *; mp.dps = 50; g, s2, w = mpf('0.1'), 4, mpf('1.0')
        // z = g*g*s2/(2*w - g*g*s2*q*q)
        // 100 + log(1 - (2*q+1)*z)/g; 100 - log(1 + (2*q-1)*z)/g; 100 + log(1 + (1-2*q)*z)/g
        let rows = [
            (1.0, 0.0, [99.79797292682481, 100.20202707317519, 100.1980262729618]),
            (1.0, 1.0, [99.36821098378468, 99.79797292682481, 99.79380712797264]),
            (1.0, -2.0, [100.63178901621532, 101.15069329784787, 101.03184236235231]),
            (1.0, 2.5, [98.5249386289141, 99.12512545876884, 99.04118228296717]),
            (0.32, 0.0, [99.35461478862429, 100.64538521137571, 100.60624621816434]),
            (0.32, 1.0, [97.7685644868579, 99.35461478862429, 99.31007128513049]),
            (0.32, 2.5, [90.44488554972564, 96.56228460897175, 94.71932569799503]),
        ];
        for (discount, inventory, [bid, ask, printed]) in rows {
            let bound = StationaryBound::Discount(discount);
            let exact = stationary(inventory, bound, StationaryForm::Indifference);
            close(exact.bid.expect("a bid"), bid);
            close(exact.ask.expect("an ask"), ask);
            let paper = stationary(inventory, bound, StationaryForm::Printed);
            assert_eq!(paper.bid, exact.bid);
            close(paper.ask.expect("an ask"), printed);
        }
    }

    #[test]
    fn with_the_papers_discount_volatility_cancels_and_the_bound_is_never_passed() {
        let discount = stationary_discount(0.1, 2.0, 3.0, 1.0);
        close(discount, 0.32);
        for tenths in -29..=29 {
            let inventory = f64::from(tenths) / 10.0;
            for form in [StationaryForm::Indifference, StationaryForm::Printed] {
                let by_discount = stationary(inventory, StationaryBound::Discount(discount), form);
                let by_inventory = stationary(inventory, StationaryBound::MaxInventory(3.0), form);
                let both = |prices: StationaryPrices| (prices.bid.expect("inside"), prices.ask.expect("inside"));
                let ((bid, ask), (same_bid, same_ask)) = (both(by_discount), both(by_inventory));
                assert!((bid - same_bid).abs() < 1e-11 && (ask - same_ask).abs() < 1e-11, "{inventory} {form:?}");
            }
            // The mirror image: what a long asks, a short of the same size bids.
            let long = stationary(inventory, StationaryBound::MaxInventory(3.0), StationaryForm::Indifference);
            let short = stationary(-inventory, StationaryBound::MaxInventory(3.0), StationaryForm::Indifference);
            close(long.ask.expect("inside") - 100.0, 100.0 - short.bid.expect("inside"));
        }
        // At the bound there is no price for more of the same; beyond it there is no value at all.
        let full = stationary(3.0, StationaryBound::MaxInventory(3.0), StationaryForm::Indifference);
        assert!(full.bid.is_none() && full.ask.is_some_and(|ask| ask < 100.0), "{full:?}");
        let short = stationary(-3.0, StationaryBound::MaxInventory(3.0), StationaryForm::Indifference);
        assert!(short.ask.is_none() && short.bid.is_some_and(|bid| bid > 100.0), "{short:?}");
        let beyond = inputs(4.0, StationaryBound::MaxInventory(3.0), StationaryForm::Indifference);
        let refusal = stationary_reservation_prices(&beyond).expect_err("beyond");
        assert_eq!(refusal, ModelRefusal::InventoryBeyondBound { inventory_base: 4.0, bound_base: 4.0 });
        let fault = refusal.to_fault();
        assert_eq!(fault.code, Code::ParameterOutOfRange);
        assert_eq!(fault.fields, [("inventory", "4".to_string()), ("bound", "4".to_string())]);
        let message = positive("gamma", -1.0).expect_err("refused").to_fault().message;
        let range = "2.2250738585072014e-308 to 1.7976931348623157e308";
        assert_eq!(message, format!("gamma is -1: {range} is allowed"));
    }

    #[test]
    fn the_infinite_horizon_refuses_what_it_cannot_take() {
        let good = inputs(0.5, StationaryBound::Discount(1.0), StationaryForm::Indifference);
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let named = |inputs: StationaryInputs| match stationary_reservation_prices(&inputs) {
                Err(ModelRefusal::OutOfRange { name, .. }) => name,
                other => panic!("{bad}: {other:?}"),
            };
            assert_eq!(named(StationaryInputs { risk_aversion_per_money: bad, ..good }), "riskAversionPerMoney");
            assert_eq!(named(StationaryInputs { order_base: bad, ..good }), "orderBase");
            let bound = StationaryBound::Discount(bad);
            assert_eq!(named(StationaryInputs { bound, ..good }), "discountPerSecond");
            if bad != 0.0 {
                let bound = StationaryBound::MaxInventory(bad);
                assert_eq!(named(StationaryInputs { bound, ..good }), "maxInventoryBase");
            }
        }
        for wild in [f64::NAN, f64::NEG_INFINITY, 1e200, -1e308] {
            let outcome = stationary_reservation_prices(&StationaryInputs { inventory_base: wild, ..good });
            assert!(outcome.is_err(), "{wild}: {outcome:?}");
        }
        // No variance: every price is fair.
        let quiet = StationaryInputs { volatility_price_per_sqrt_second: 0.0, ..good };
        let prices = stationary_reservation_prices(&quiet).expect("no variance");
        assert_eq!(prices, StationaryPrices { bid: Some(100.0), ask: Some(100.0) });
    }

    #[test]
    fn volatility_enters_squared() {
        let shift = |sigma: f64| 100.0 - reservation_price(100.0, 1.0, 0.1, sigma, 1.0);
        close(shift(6.0), 9.0 * shift(2.0));
        close(inventory_spread(0.1, 6.0, 0.5), 1.8);
    }
}
