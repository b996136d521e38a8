//! # Room card: quote/inputs
//! In:    what happens outside a decision: own fills, the market's touches and trades, values and quotes of a strategy.
//! Out:   A and κ in force, and what the next decision reads; whether it reads anything new.
//! Holds: a refused value changes nothing; nothing here decides.
//! Costs: a comparison where a rule is off; see `intensity`, `market_fit` and `flow` where it is on.
use types::config::{Model, ToxicitySource};
use types::{ParameterFault, Side, Touch, TradePrint, UnixNanos};

use crate::intensity::{IntensityEstimator, PriorSummary};
use crate::market_fit::MarketFit;
use crate::published::{AskedQuotes, Signals};
use crate::quoter::Quoter;

impl Quoter {
    /// Values of a strategy: what is given replaces what was known. Errors: the value that is out of its range; nothing
    /// changes then.
    pub fn publish(&mut self, signals: &Signals, now: UnixNanos) -> Result<(), ParameterFault> {
        signals.check()?;
        self.published.take(signals, now);
        Ok(())
    }

    /// The quotes a strategy asks for from now on, for the model `Strategy`; `None` withdraws them. Errors:
    /// the value that is out of its range; nothing changes then.
    pub fn ask(&mut self, quotes: Option<AskedQuotes>) -> Result<(), ParameterFault> {
        if let Some(quotes) = &quotes {
            quotes.check()?;
        }
        self.asked = quotes;
        Ok(())
    }

    /// The touch after an event of the market, with the exchange's stamp; `None` when there is none any more. For A and
    /// κ from the market: `decide` is told the touch by its view.
    #[inline]
    pub fn on_touch(&mut self, now: UnixNanos, touch: Option<&Touch>, exchange_time: UnixNanos) {
        if self.market.is_some() {
            self.refit(now, touch, exchange_time);
        }
    }

    #[inline(never)]
    fn refit(&mut self, now: UnixNanos, touch: Option<&Touch>, exchange_time: UnixNanos) {
        let Some(fit) = &mut self.market else { return };
        let changed = fit.on_touch(now, touch, exchange_time);
        for side in Side::BOTH.into_iter().filter(|side| changed[side.index()]) {
            self.refresh_spread(side);
        }
    }

    /// A trade of the market, for the toxicity of its flow and for A and κ. Does a decision depend on it?
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, print: &TradePrint) -> bool {
        if let Some(fit) = &mut self.market {
            fit.on_trade(now, print);
        }
        if let Some(toxicity) = &self.params.rules.toxicity
            && let ToxicitySource::TradeFlow { half_life_seconds, .. } = toxicity.source
        {
            self.flow.on_trade(now, print.aggressor, print.quantity, half_life_seconds);
            return true;
        }
        false
    }

    /// κ in force on a side, 1/price.
    pub fn intensity_decay_per_price(&self, side: Side) -> f64 {
        if let Some(found) = self.market.as_ref().and_then(|fit| fit.in_force(side)) {
            return found.decay_per_price;
        }
        match &self.estimators[side.index()] {
            Some(estimator) if self.params.calibration.is_some() => estimator.decay_per_price(),
            _ => self.params.intensity_decay_per_price,
        }
    }

    /// A in force on a side, 1/second: the market's, or that of the model or the prior; `None` where nothing says one.
    pub fn arrivals_per_second(&self, side: Side) -> Option<f64> {
        let found = self.market.as_ref().and_then(|fit| fit.in_force(side));
        match (found, self.params.model, self.params.calibration) {
            (Some(found), _, _) => Some(found.arrivals_per_second),
            (None, Model::Glft { arrivals_per_second, .. }, _) => Some(arrivals_per_second[side.index()]),
            (None, _, Some(calibration)) => Some(calibration.arrivals_per_second),
            (None, _, None) => None,
        }
    }

    /// A and κ from the market, for reports; `None` where they are not asked for.
    pub fn market_fit(&self) -> Option<&MarketFit> {
        self.market.as_deref()
    }

    /// The prior of the κ estimates (the same on both sides), for reports; `None` without calibration.
    pub fn prior_summary(&self) -> Option<PriorSummary> {
        self.params.calibration.and(self.estimators[0].as_ref()).map(IntensityEstimator::prior_summary)
    }

    /// What was observed of a side, for reports; `None` without calibration.
    pub fn estimator(&self, side: Side) -> Option<&IntensityEstimator> {
        self.params.calibration.and(self.estimators[side.index()].as_ref())
    }

    /// One of the quoter's own orders had a fill report. Call it once per report, before the next `decide`.
    pub fn on_fill(&mut self, side: Side) {
        if self.params.calibration.is_some()
            && let Some(estimator) = &mut self.estimators[side.index()]
        {
            estimator.on_fill();
            self.refresh_spread(side);
        }
    }
}
