//! # Room card: quote/glft
//! In:    γ, ξ, Δ, and for each side A and k; then fair value, inventory, σ and drift; units stand in the names.
//! Out:   half-spread, skew and quotes of Guéant, Lehalle and Fernandez-Tapia's asymptotic solution, in price units.
//! Holds: parameters are checked once, by name; the order of evaluation is written out.
//! Costs: `Glft::new` some logarithms and exponentials; a quote is a dozen multiplications and no branch.
//!
//! Sources: O. Guéant, C.-A. Lehalle, J. Fernandez-Tapia, "Dealing with the inventory risk", Mathematics and Financial
//! Economics 7(4), 2013, section 4 and 5.1 (drift); O. Guéant, "Optimal market making", Applied Mathematical Finance
//! 24(2), 2017 (ξ and Δ); P. Bergault, D. Evangelista, O. Guéant, D. Vieira, "Closed-form approximations in multi-asset
//! market making", Applied Mathematical Finance 28(2), 2021 (sides that differ).
//!
//! **The formulas.** Orders of size Δ arrive at λ(δ) = A·e^(-kδ); γ is aversion to the risk of inventory, ξ to that of
//! not being filled (ξ = γ is the 2013 model, ξ = 0 the limit of a linear reward):
//! ```text
//! c1 = ln(1 + ξΔ/k) / (ξΔ)                                   (ξ → 0: 1/k)
//! c2 = sqrt(γ / (2AΔk) · (1 + ξΔ/k)^(k/(ξΔ) + 1))            (ξ → 0: the power is e)
//! half-spread = c1 + ½·Δ·σ·c2        skew = σ·c2, price per base unit of inventory
//! δ_bid = half-spread + skew·q       δ_ask = half-spread - skew·q       (q in base units)
//! ```
//! **Drift** μ shifts q by -μ/(γσ²): both quotes move by skew·μ/(γσ²) = μ·c2/(γσ).
//!
//! **Sides that differ.** With C = (1 + ξΔ/k)^(-(k/(ξΔ)+1)) for each side, the flow that comes in and the flow that
//! goes out are equal at the price shift b₀ = ln(A_b·C_b / (A_a·C_a)) / (k_b + k_a), at which both are
//! F = A_b·C_b·e^(-k_b·b₀). The Hamiltonians of the control problem are expanded there (the cited paper does it at zero
//! and to second order; at b₀ the result is the exact asymptotic one whenever k_b = k_a) with the value function
//! -a·q² - b·q - c·q³. The third order, c = 2/9·a²·(k_b - k_a), takes two thirds off what the second says of b:
//! ```text
//! c2 = sqrt(γ / (Δ·F·(k_b + k_a)))           a = ½·σ·c2
//! b  = b₀ - ⅙·Δ·σ·c2·(k_b - k_a)/(k_b + k_a) - μ·c2/(γσ)
//! δ_bid = c1_b + ½·Δ·σ·c2 + skew·q + b       δ_ask = c1_a + ½·Δ·σ·c2 - skew·q - b
//! ```
//! More sellers than buyers (A_b > A_a) make b positive: both quotes move down. Equal sides give the formulas above.
use types::Side;

use crate::model::{ModelRefusal, in_range, positive};

/// Parameters of the model. Arrays are by `Side::index`: what fills our bid, what fills our ask.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GlftParams {
    /// γ, 1/money: aversion to the risk of inventory.
    pub risk_aversion_per_money: f64,
    /// ξ, 1/money: aversion to the risk of not being filled; zero or more.
    pub fill_aversion_per_money: f64,
    /// Δ, base units: size of one order.
    pub order_base: f64,
    /// A, 1/second: arrivals that would reach a quote at the mid.
    pub arrivals_per_second: [f64; 2],
    /// k, 1/price: by how much arrivals thin out with distance.
    pub decay_per_price: [f64; 2],
}

/// The model with everything worked out that does not change from quote to quote.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Glft {
    /// c1 of each side, price.
    c1_price: [f64; 2],
    /// c2, √second per base unit: the skew for σ = 1.
    c2: f64,
    /// ½·Δ.
    half_order_base: f64,
    /// b₀, price: how far the two sides' flows shift the quotes (down when positive).
    balance_price: f64,
    /// ⅙·Δ·(k_b - k_a)/(k_b + k_a), base units.
    lean_base: f64,
    /// c2/γ: shift per unit of μ/σ.
    drift_factor: f64,
}

/// Distances and prices of one quote, price units.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GlftQuote {
    /// Bid price wanted.
    pub bid_price: f64,
    /// Ask price wanted.
    pub ask_price: f64,
}

impl Glft {
    /// Checks and prepares. Errors: `OutOfRange` with the parameter's name where γ, Δ, A or k is not positive and
    /// finite, ξ is negative or not finite, or the constants leave the range of a float.
    pub fn new(params: &GlftParams) -> Result<Glft, ModelRefusal> {
        let gamma = positive("riskAversionPerMoney", params.risk_aversion_per_money)?;
        let xi = in_range("fillAversionPerMoney", params.fill_aversion_per_money, 0.0, f64::MAX)?;
        let order = positive("orderBase", params.order_base)?;
        let (mut c1_price, mut log_flow) = ([0.0; 2], [0.0; 2]);
        for side in Side::BOTH.map(Side::index) {
            let arrivals = positive("arrivalsPerSecond", params.arrivals_per_second[side])?;
            let decay = positive("decayPerPrice", params.decay_per_price[side])?;
            let ratio = in_range("fillAversionPerMoney", xi * order / decay, 0.0, f64::MAX)?;
            // ln(1+x)/x, whose limit at zero is 1: c1 = that/k, and the power is e^(that·(1 + x)).
            let slope = if ratio > 0.0 { libm::log1p(ratio) / ratio } else { 1.0 };
            c1_price[side] = slope / decay;
            log_flow[side] = libm::log(arrivals) - (slope + libm::log1p(ratio));
        }
        let [bid_decay, ask_decay] = params.decay_per_price;
        let decays = bid_decay + ask_decay;
        let balance_price = (log_flow[0] - log_flow[1]) / decays;
        let log_balanced = (ask_decay * log_flow[0] + bid_decay * log_flow[1]) / decays;
        let c2 = libm::sqrt(gamma / (order * decays) * libm::exp(-log_balanced));
        positive("c2", c2)?;
        Ok(Glft {
            c1_price,
            c2,
            half_order_base: order * 0.5,
            balance_price: in_range("balancePrice", balance_price, f64::MIN, f64::MAX)?,
            lean_base: order / 6.0 * ((bid_decay - ask_decay) / decays),
            drift_factor: c2 / gamma,
        })
    }

    /// c1 of a side, price units: the half-spread's part that pays for the chance of being hit.
    pub fn c1_price(&self, side: Side) -> f64 {
        self.c1_price[side.index()]
    }

    /// c2, √second per base unit of inventory: what σ is multiplied by.
    pub fn c2(&self) -> f64 {
        self.c2
    }

    /// Distance of a flat maker's quote from the fair value, before the sides' difference and the drift:
    /// c1 + ½·Δ·σ·c2, price units.
    #[inline]
    pub fn half_spread(&self, side: Side, volatility_price_per_sqrt_second: f64) -> f64 {
        self.c1_price[side.index()] + self.half_order_base * (volatility_price_per_sqrt_second * self.c2)
    }

    /// How far both quotes move down for one base unit of inventory: σ·c2, price units.
    #[inline]
    pub fn skew(&self, volatility_price_per_sqrt_second: f64) -> f64 {
        volatility_price_per_sqrt_second * self.c2
    }

    /// How far both quotes move down for what is not inventory: the sides' difference and the drift, b, price units.
    /// Without drift σ may be zero.
    #[inline]
    pub fn shift(&self, volatility_price_per_sqrt_second: f64, drift_price_per_second: f64) -> f64 {
        let lean = self.lean_base * (volatility_price_per_sqrt_second * self.c2);
        // No drift takes nothing off, also where σ is zero and the quotient would be 0/0.
        let drift = if drift_price_per_second == 0.0 {
            0.0
        } else {
            drift_price_per_second / volatility_price_per_sqrt_second * self.drift_factor
        };
        self.balance_price - lean - drift
    }

    /// Both quotes. `fair_price` is the mid or any signal's fair value; nothing is checked: NaN and infinity pass
    /// through and are refused by `grid::snap_outward`. Evaluated as `fair - ((half + skew·q) + b)` and
    /// `fair + ((half - skew·q) - b)`.
    #[inline]
    pub fn quote(
        &self,
        fair_price: f64,
        inventory_base: f64,
        volatility_price_per_sqrt_second: f64,
        drift_price_per_second: f64,
    ) -> GlftQuote {
        let sigma = volatility_price_per_sqrt_second;
        let held = self.skew(sigma) * inventory_base;
        let shift = self.shift(sigma, drift_price_per_second);
        GlftQuote {
            bid_price: fair_price - (self.half_spread(Side::Buy, sigma) + held + shift),
            ask_price: fair_price + (self.half_spread(Side::Sell, sigma) - held - shift),
        }
    }
}
