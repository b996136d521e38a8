//! # Room card: quote/flow
//! In:    the market's trades: aggressor, lots, engine time.
//! Out:   toxicity of the flow, 0 (balanced) to 1 (one-sided).
//! Holds: |buys - sells| / (buys + sells + prior), each trade halved every half-life; the prior lots count as balanced.
//! Costs: an exponential and a few additions a trade; a division when asked for.
//!
//! The idea is that of VPIN (Easley, López de Prado, O'Hara 2012): makers lose to flow that comes from one side. Here
//! volume fades with time instead of filling buckets, so that a value exists at every moment and costs O(1).
use types::{Lots, Side, UnixNanos};

/// Imbalance of the trade flow.
#[derive(Clone, Debug, Default)]
pub struct TradeFlow {
    lots: [f64; 2],
    at: UnixNanos,
}

impl TradeFlow {
    /// A trade. Time that runs back counts as none.
    #[inline]
    pub fn on_trade(&mut self, now: UnixNanos, aggressor: Side, lots: Lots, half_life_seconds: f64) {
        let seconds = if self.at == UnixNanos::NONE { 0.0 } else { now.since(self.at).as_seconds() };
        if seconds > 0.0 {
            let kept = libm::exp(-core::f64::consts::LN_2 * (seconds / half_life_seconds));
            self.lots = [self.lots[0] * kept, self.lots[1] * kept];
        }
        self.at = self.at.max(now);
        self.lots[aggressor.index()] += lots.0.max(0) as f64;
    }

    /// Toxicity at `now`: the trades fade against the prior, so that a quiet market becomes balanced.
    #[inline]
    pub fn toxicity(&self, now: UnixNanos, half_life_seconds: f64, prior_lots: Lots) -> f64 {
        let [buys, sells] = self.lots;
        let seconds = now.since(self.at).as_seconds();
        let grown =
            if seconds > 0.0 { libm::exp(core::f64::consts::LN_2 * (seconds / half_life_seconds)) } else { 1.0 };
        let all = (buys + sells) + prior_lots.0 as f64 * grown;
        if all > 0.0 { libm::fabs(buys - sells) / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_values() {
        let mut flow = TradeFlow::default();
        let at = |seconds: u64| UnixNanos(1 + seconds * 1_000_000_000);
        assert_eq!(flow.toxicity(at(5), 10.0, Lots(4)), 0.0);
        flow.on_trade(at(0), Side::Buy, Lots(8), 10.0);
        assert!((flow.toxicity(at(0), 10.0, Lots(8)) - 0.5).abs() < 1e-15, "8 / (8 + 8)");
        // One half-life later 4 are left; 4 sells balance them.
        assert!((flow.toxicity(at(10), 10.0, Lots(8)) - 4.0 / 12.0).abs() < 1e-12);
        flow.on_trade(at(10), Side::Sell, Lots(4), 10.0);
        assert!(flow.toxicity(at(10), 10.0, Lots(8)).abs() < 1e-12);
        flow.on_trade(at(10), Side::Sell, Lots(8), 10.0);
        assert!((flow.toxicity(at(10), 10.0, Lots(8)) - 8.0 / 24.0).abs() < 1e-12);
        // Two half-lives leave a quarter on either side, 2 of 8 and 3 of 12; ten seconds later 0.5 of 2 and 1 of 4.
        let mut both = TradeFlow::default();
        both.on_trade(at(0), Side::Buy, Lots(8), 5.0);
        both.on_trade(at(0), Side::Sell, Lots(12), 5.0);
        both.on_trade(at(10), Side::Sell, Lots(1), 5.0);
        assert!((both.toxicity(at(10), 5.0, Lots(4)) - 2.0 / 10.0).abs() < 1e-12);
        assert!((both.toxicity(at(20), 5.0, Lots(4)) - 0.5 / 5.5).abs() < 1e-12);
        assert_eq!(TradeFlow::default().toxicity(at(5), 10.0, Lots(0)), 0.0, "nothing seen, and no prior");
        // Long silence: balanced, and never NaN, also where the exponential overflows.
        assert!(flow.toxicity(at(10_000_000), 0.001, Lots(8)) == 0.0);
        flow.on_trade(UnixNanos(1), Side::Buy, Lots(i64::MAX), 10.0);
        assert!((0.0..=1.0).contains(&flow.toxicity(UnixNanos(1), 10.0, Lots(1))));
    }
}
