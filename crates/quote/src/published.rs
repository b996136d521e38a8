//! # Room card: quote/published
//! In:    fair value, drift and toxicity from outside the core, and prices of a strategy's quoting function.
//! Out:   the values in force at a moment, each no older than its rule allows.
//! Holds: a set with a value out of its range changes nothing; age is measured by engine time at arrival.
//! Costs: a comparison a value.
use types::{LimitBreach, Lots, Nanos, Parameter, ParameterFault, UnixNanos};

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
    /// Errors: the first value that is not finite or out of its range.
    pub fn check(&self) -> Result<(), ParameterFault> {
        self.fair_value_price.map_or(Ok(()), |price| price_sound(Parameter::PUBLISHED_FAIR_VALUE, price))?;
        self.drift_price_per_second
            .map_or(Ok(()), |drift| within(Parameter::PUBLISHED_DRIFT, drift, f64::MIN, f64::MAX))?;
        self.toxicity.map_or(Ok(()), |toxicity| within(Parameter::PUBLISHED_TOXICITY, toxicity, 0.0, 1.0))
    }
}

/// NaN is below every limit.
fn within(parameter: Parameter, value: f64, low: f64, high: f64) -> Result<(), ParameterFault> {
    match value {
        _ if value > high => Err(ParameterFault::new(parameter, LimitBreach::Above(high))),
        _ if value >= low => Ok(()),
        _ => Err(ParameterFault::new(parameter, LimitBreach::Below(low))),
    }
}

fn price_sound(parameter: Parameter, price: f64) -> Result<(), ParameterFault> {
    within(parameter, price, f64::MIN_POSITIVE, f64::MAX)
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
    /// Errors: the first price that is not above zero and finite, the ask where it is below the bid, the first negative
    /// lots.
    pub fn check(&self) -> Result<(), ParameterFault> {
        for (parameter, price) in Parameter::ASKED_PRICES.into_iter().zip(self.prices) {
            price.map_or(Ok(()), |price| price_sound(parameter, price))?;
        }
        if let [Some(bid), Some(ask)] = self.prices {
            within(Parameter::ASKED_PRICES[1], ask, bid, f64::MAX)?;
        }
        for (parameter, lots) in Parameter::ASKED_LOTS.into_iter().zip(self.lots) {
            if lots.0 < 0 {
                return Err(ParameterFault::new(parameter, LimitBreach::Below(0.0)));
            }
        }
        Ok(())
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
