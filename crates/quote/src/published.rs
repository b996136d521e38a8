//! # Room card: quote/published
//! In:    fair value, drift and toxicity from outside the core, and prices of a strategy's quoting function.
//! Out:   the values in force at a moment, each no older than its rule allows.
//! Holds: a set with a value out of its range changes nothing; age is measured by engine time at arrival.
//! Costs: a comparison a value.
use types::{Code, Lots, Nanos, UnixNanos};

/// Values a strategy publishes to the native quoter of an instrument; `None` leaves a value as it is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Signals {
    /// Fair value, price units, above zero.
    pub fair_value_price: Option<f64>,
    /// Expected move, price units per second.
    pub drift_price_per_second: Option<f64>,
    /// Toxicity of the flow, 0 to 1.
    pub toxicity: Option<f64>,
}

impl Signals {
    /// Errors: `ParameterOutOfRange` where a value is not finite or out of its range.
    pub fn check(&self) -> Result<(), Code> {
        let fair = self.fair_value_price.is_none_or(|price| price > 0.0 && price.is_finite());
        let drift = self.drift_price_per_second.is_none_or(f64::is_finite);
        let toxicity = self.toxicity.is_none_or(|toxicity| (0.0..=1.0).contains(&toxicity));
        if fair && drift && toxicity { Ok(()) } else { Err(Code::ParameterOutOfRange) }
    }
}

/// Quotes a strategy asks for; a model's prices, not yet on the grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AskedQuotes {
    /// Bid and ask, price units; `None` leaves a side out.
    pub prices: [Option<f64>; 2],
    /// Quantity of each side before the gate; zero takes that of the parameters.
    pub lots: [Lots; 2],
}

impl AskedQuotes {
    /// Errors: `ParameterOutOfRange` where a price is not above zero and finite, the bid is above the ask, or lots are
    /// negative.
    pub fn check(&self) -> Result<(), Code> {
        let sound = |price: Option<f64>| price.is_none_or(|price| price > 0.0 && price.is_finite());
        let apart = match self.prices {
            [Some(bid), Some(ask)] => bid <= ask,
            _ => true,
        };
        let good = self.prices.into_iter().all(sound) && apart && self.lots.iter().all(|lots| lots.0 >= 0);
        if good { Ok(()) } else { Err(Code::ParameterOutOfRange) }
    }
}

/// A value and when it came.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Dated {
    value: f64,
    at: UnixNanos,
}

impl Dated {
    /// The value while it is younger than `max_age`.
    pub(crate) fn young(&self, now: UnixNanos, max_age: Nanos) -> Option<f64> {
        (self.at != UnixNanos::NONE && now.since(self.at) < max_age).then_some(self.value)
    }
    /// When it will be too old, if that is still to come.
    pub(crate) fn ends(&self, now: UnixNanos, max_age: Nanos) -> Option<UnixNanos> {
        self.young(now, max_age).map(|_| self.at.plus(max_age))
    }
}

/// What was published, with its times.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Published {
    pub(crate) fair_value: Dated,
    pub(crate) drift: Dated,
    pub(crate) toxicity: Dated,
}

impl Published {
    pub(crate) fn take(&mut self, signals: &Signals, now: UnixNanos) {
        for (slot, value) in [
            (&mut self.fair_value, signals.fair_value_price),
            (&mut self.drift, signals.drift_price_per_second),
            (&mut self.toxicity, signals.toxicity),
        ] {
            if let Some(value) = value {
                *slot = Dated { value, at: now };
            }
        }
    }
}
