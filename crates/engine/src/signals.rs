//! # Room card: engine/signals
//! In:    touch and trades of one instrument; which signals its quoter's rules ask for.
//! Out:   `MarketSignals` for the quoter's view: micro-price of the touch, VPIN of the trades.
//! Holds: nothing is kept of what no rule asks for; a set of parameters with the same buckets keeps the VPIN.
//! Costs: a null check where no rule asks; else a look-up a decision, and the buckets a trade fills.
use quote::MarketSignals;
use signal::{MicroPrice, Vpin};
use types::config::{QuoterParams, ToxicitySource};
use types::{Lots, Touch, TradePrint};

/// Volume buckets and what they were made for.
struct Volume {
    made_for: (Lots, usize),
    vpin: Vpin,
}

/// The signals one quoter reads.
pub(crate) struct QuoterSignals {
    micro_price: Option<MicroPrice>,
    volume: Option<Volume>,
}

impl QuoterSignals {
    /// What these parameters ask for; `None` for nothing. `before` gives the buckets of the set before.
    pub(crate) fn for_params(params: &QuoterParams, before: Option<Box<QuoterSignals>>) -> Option<Box<QuoterSignals>> {
        let rules = &params.rules;
        // The configuration has checked table and buckets; what the signals refuse all the same is as if not there.
        let micro_price = rules
            .micro_price
            .as_ref()
            .and_then(|table| MicroPrice::from_adjustments(table.imbalance_buckets, &table.adjustments_ticks).ok());
        let volume = match rules.toxicity.map(|toxicity| toxicity.source) {
            Some(ToxicitySource::Vpin { bucket_lots, buckets }) => {
                let made_for = (bucket_lots, buckets);
                let kept = before.and_then(|before| before.volume).filter(|volume| volume.made_for == made_for);
                kept.or_else(|| Vpin::new(bucket_lots, buckets).ok().map(|vpin| Volume { made_for, vpin }))
            }
            _ => None,
        };
        (micro_price.is_some() || volume.is_some()).then(|| Box::new(QuoterSignals { micro_price, volume }))
    }

    /// A trade of the market; true when it changed the VPIN.
    pub(crate) fn on_trade(&mut self, print: &TradePrint) -> bool {
        let Some(Volume { vpin, .. }) = &mut self.volume else { return false };
        let before = vpin.value();
        vpin.on_trade(print.aggressor, print.quantity);
        vpin.value() != before
    }

    /// As of now.
    pub(crate) fn seen(&self, touch: Option<&Touch>) -> MarketSignals {
        MarketSignals {
            micro_price_ticks: self.micro_price.as_ref().zip(touch).and_then(|(micro, touch)| micro.price_ticks(touch)),
            vpin: self.volume.as_ref().and_then(|volume| volume.vpin.value()),
        }
    }
}
