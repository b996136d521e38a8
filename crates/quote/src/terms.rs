//! # Room card: quote/terms
//! In:    each step of a decision, written down as it is taken.
//! Out:   `QuoteTerms`: how the quotes came to be, term by term; `adds_up` says that the terms give the price.
//! Holds: filled by the decision itself, so that there is no second account of it; prices in price units, then in
//!        ticks.
//! Costs: a few dozen stores a decision.
//!
//! ```text
//! model price = ((fair + inventory) + drift) ∓ ((intensity + inventory half) + toxicity)        price units
//! model ticks = model price / tick
//! price       = model ticks + rounding + spread + fees + touch + increment + level               ticks
//! ```
//! With prices of a strategy the first line is `asked ∓ toxicity`. Where the rules of the sums are those of floats,
//! they are evaluated in exactly this order, and the sum is the price to the bit.
use types::{Lots, Side, Ticks, UnixNanos};

/// Why there are quotes, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Standing {
    /// Nothing was decided yet.
    #[default]
    Unasked,
    /// The model was asked and gave prices.
    Quoting,
    /// The parameters say not to.
    Disabled,
    /// Killed or closing.
    TradingShut,
    /// The book is not valid.
    BookInvalid,
    /// The touch has not both sides, or is crossed.
    TouchIncomplete,
    /// There are not yet mids enough for a σ.
    VolatilityAbsent,
    /// σ went above the pause's upper limit and not yet below the lower.
    VolatilityPaused,
    /// The feed has been silent for too long.
    FeedStale,
    /// No published fair value is young enough.
    FairValueAbsent,
    /// The strategy asks for no quotes.
    NotAsked,
    /// The flow is too toxic.
    Toxic,
    /// The session is over.
    SessionOver,
    /// The end of the session: what is left is taken out of the book.
    Crossing,
    /// The model gave no price on the grid.
    ModelInvalid,
}

impl Standing {
    /// The name that TypeScript and the command print.
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Unasked => "unasked",
            Standing::Quoting => "quoting",
            Standing::Disabled => "disabled",
            Standing::TradingShut => "tradingShut",
            Standing::BookInvalid => "bookInvalid",
            Standing::TouchIncomplete => "touchIncomplete",
            Standing::VolatilityAbsent => "volatilityAbsent",
            Standing::VolatilityPaused => "volatilityPaused",
            Standing::FeedStale => "feedStale",
            Standing::FairValueAbsent => "fairValueAbsent",
            Standing::NotAsked => "notAsked",
            Standing::Toxic => "toxic",
            Standing::SessionOver => "sessionOver",
            Standing::Crossing => "crossing",
            Standing::ModelInvalid => "modelInvalid",
        }
    }
}

/// Terms of one side.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SideTerms {
    /// The side is quoted by the model or the strategy at all.
    pub wanted: bool,
    /// What inventory adds to the fair value, price.
    pub inventory_price: f64,
    /// Half spread for the chance of being hit, price.
    pub intensity_half_price: f64,
    /// Half spread for holding inventory, price.
    pub inventory_half_price: f64,
    /// Half spread for toxic flow, price.
    pub toxicity_half_price: f64,
    /// The model's price.
    pub model_price: f64,
    /// The same over the tick.
    pub model_ticks: f64,
    /// Whole ticks, outward.
    pub rounded: Ticks,
    /// Moved by the largest and the smallest spread, ticks.
    pub spread_ticks: i64,
    /// Moved to earn the fees, ticks.
    pub fee_ticks: i64,
    /// Moved off the other side of the touch (post-only), ticks.
    pub touch_ticks: i64,
    /// Moved onto the order increment and away from the other side, ticks.
    pub increment_ticks: i64,
    /// The price of the first level.
    pub price: Ticks,
    /// Quantity before the gate.
    pub wanted_lots: Lots,
    /// All open lots of the side but those of the quote itself.
    pub other_lots: Lots,
    /// What the gate let through; zero: the side is not quoted.
    pub lots: Lots,
}

/// How the last decision's quotes came to be.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct QuoteTerms {
    /// When it was taken.
    pub now: UnixNanos,
    /// Why there are quotes, or none.
    pub standing: Standing,
    /// The prices are a strategy's.
    pub asked: bool,
    /// What the model took for the fair value, price.
    pub fair_price: f64,
    /// σ, price per √second.
    pub sigma: f64,
    /// T-t, seconds; infinity without an end.
    pub horizon_seconds: f64,
    /// Signed position, lots.
    pub position: Lots,
    /// The same in base units.
    pub inventory_base: f64,
    /// Limit on either side that the gate applied; zero once only reducing quotes pass.
    pub limit_lots: Lots,
    /// What drift and unlike sides add to the fair value, price.
    pub drift_price: f64,
    /// Toxicity, 0 to 1.
    pub toxicity: f64,
    /// Price of one tick.
    pub tick_price: f64,
    /// By `Side::index`.
    pub sides: [SideTerms; 2],
}

impl QuoteTerms {
    /// The sum of a side's terms, in the order of the module, in ticks; `None` when one of the sums on the way is not
    /// the value that the decision went on with.
    pub fn sum(&self, side: Side) -> Option<f64> {
        let terms = &self.sides[side.index()];
        let half = (terms.intensity_half_price + terms.inventory_half_price) + terms.toxicity_half_price;
        let base = if self.asked {
            terms.inventory_price
        } else {
            (self.fair_price + terms.inventory_price) + self.drift_price
        };
        let price = match side {
            Side::Buy => base - half,
            Side::Sell => base + half,
        };
        let ticks = price / self.tick_price;
        if price != terms.model_price || ticks != terms.model_ticks {
            return None;
        }
        let rounding = terms.rounded.0 as f64 - ticks;
        let moved = terms.spread_ticks + terms.fee_ticks + terms.touch_ticks + terms.increment_ticks;
        Some((ticks + rounding) + moved as f64)
    }

    /// Do the terms of a side give exactly its price?
    pub fn adds_up(&self, side: Side) -> bool {
        self.sum(side) == Some(self.sides[side.index()].price.0 as f64)
    }

    /// Rounding outward of a side, ticks.
    pub fn rounding_ticks(&self, side: Side) -> f64 {
        let terms = &self.sides[side.index()];
        terms.rounded.0 as f64 - terms.model_ticks
    }
}
