//! # Room card: oms/position
//! In:    fills with their fees and the touch at the fill.
//! Out:   position, cash, fees, spread earned, average-cost profit; the P&L split at a mark.
//! Holds: integers in the smallest unit of the settlement currency; lots = opening + bought - sold, cash = entry +
//!        realised, total = spread + inventory - fees, total = realised + unrealised - fees, each exactly; what is
//!        rounded is said where it is.
//! Costs: a few 128-bit operations per fill.
use types::decimal::POW10;
use types::money::divide_rounded;
use types::{Contract, Instrument, Lots, Side, Ticks, Touch};

/// What the fills of one instrument add up to. Money is in the smallest unit of the settlement currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// Signed position: opening and bought less sold.
    pub lots: Lots,
    /// Sum of `Instrument::cash_flow` of the fills, each rounded once, half away from zero. Fees are apart.
    pub cash: i128,
    /// Fees paid; negative when rebates outweigh them.
    pub fees: i128,
    /// Twice what the fills earned against the mid at the fill: Σ 2·cash_flow(fill) - cash_flow(bid) - cash_flow(ask).
    /// Twice, so that the half of the mid is not rounded at each fill.
    pub spread_halves: i128,
    /// Part of `cash` that opened the present position, by average cost; 0 when flat.
    pub entry: i128,
    /// Profit of what was closed, by average cost, before fees. A part's share of `entry`, and the closing part of a
    /// fill that turns the position, are rounded half away from zero; the rest keeps the remainder, so nothing is lost.
    pub realised: i128,
    /// Lots bought so far.
    pub bought: Lots,
    /// Lots sold so far.
    pub sold: Lots,
    /// Number of fills, bought and sold (index `Side::index`).
    pub fills: [u64; 2],
    /// Fills for which no two-sided touch was known; they count nothing into the spread.
    pub unmarked_fills: u64,
    /// Signed position the venue stated before this session's first fill; it stands as if bought or sold at the mid.
    pub opening: Lots,
    /// No two-sided touch has been known since then: the opening position stands at no cost.
    pub opening_unvalued: bool,
}

/// Profit and loss at a mark, in the smallest unit of the settlement currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PnlSplit {
    /// Cash and worth of the position at the mark's mid, less fees. Rounded half away from zero to a unit.
    pub total: i128,
    /// What the fills earned against the mid at each fill. Rounded half away from zero to a unit.
    pub spread: i128,
    /// What holding earned: `total - spread + fees`.
    pub inventory: i128,
    /// Fees paid; negative when rebates outweigh them.
    pub fees: i128,
    /// Profit of what was closed, by average cost, before fees.
    pub realised: i128,
    /// Profit of what is held, by average cost: `total - realised + fees`.
    pub unrealised: i128,
}

impl Position {
    pub(crate) const FLAT: Position = Position {
        lots: Lots(0),
        cash: 0,
        fees: 0,
        spread_halves: 0,
        entry: 0,
        realised: 0,
        bought: Lots(0),
        sold: Lots(0),
        fills: [0; 2],
        unmarked_fills: 0,
        opening: Lots(0),
        opening_unvalued: false,
    };

    /// Has nothing been held or traded yet?
    pub(crate) fn is_fresh(&self) -> bool {
        self.fills == [0; 2] && self.opening == Lots(0)
    }

    /// The position after taking over what the venue states, before any fill. Its cost is its worth at the mid (mean of
    /// bid and ask, rounded half away from zero to a unit), so that profit counts from there; without a touch it is 0
    /// until `valued`. `None` when a number does not fit.
    pub(crate) fn opened(&self, stated: Lots, instrument: &Instrument, touch: Option<Touch>) -> Option<Position> {
        let next = Position { lots: stated, opening: stated, opening_unvalued: true, ..*self };
        match touch {
            Some(touch) => next.valued(instrument, touch),
            None => Some(next),
        }
    }

    /// The position with its opening part at the mid of `touch`. One that has filled meanwhile keeps its opening at no
    /// cost: what was closed of it is booked already. `None` when a number does not fit.
    pub(crate) fn valued(&self, instrument: &Instrument, touch: Touch) -> Option<Position> {
        if !self.opening_unvalued || !touch.is_two_sided() {
            return Some(*self);
        }
        let mut next = Position { opening_unvalued: false, ..*self };
        if self.fills == [0; 2] {
            let side = if self.opening.0 < 0 { Side::Sell } else { Side::Buy };
            let lots = Lots(self.opening.0.checked_abs()?);
            let at_bid = instrument.cash_flow(side, touch.bid, lots)?;
            let flow = divide_rounded(at_bid.checked_add(instrument.cash_flow(side, touch.ask, lots)?)?, 2);
            (next.cash, next.entry) = (self.cash.checked_add(flow)?, self.entry.checked_add(flow)?);
        }
        Some(next)
    }

    /// The position after one more fill; `None` when a number does not fit. `lots` is positive.
    pub(crate) fn after(
        &self,
        side: Side,
        price: Ticks,
        lots: Lots,
        fee: i64,
        instrument: &Instrument,
        touch: Option<Touch>,
    ) -> Option<Position> {
        let mut next = *self;
        let flow = instrument.cash_flow(side, price, lots)?;
        next.lots = self.lots.checked_add(Lots(lots.0.checked_mul(side.sign())?))?;
        next.cash = self.cash.checked_add(flow)?;
        next.fees = self.fees.checked_add(fee as i128)?;
        let traded = if side == Side::Buy { &mut next.bought } else { &mut next.sold };
        *traded = traded.checked_add(lots)?;
        next.fills[side.index()] += 1;
        match touch.and_then(|touch| earned_halves(side, lots, flow, instrument, touch)) {
            Some(earned) => next.spread_halves = self.spread_halves.checked_add(earned)?,
            None => next.unmarked_fills += 1,
        }
        let held = self.lots.0.unsigned_abs() as i128;
        let closes = if self.lots.0.signum() == -side.sign() { held.min(lots.0 as i128) } else { 0 };
        if closes == 0 {
            next.entry = self.entry.checked_add(flow)?;
        } else {
            let released = divide_rounded(self.entry.checked_mul(closes)?, held);
            let closing_flow = divide_rounded(flow.checked_mul(closes)?, lots.0 as i128);
            next.realised = self.realised.checked_add(released)?.checked_add(closing_flow)?;
            next.entry = self.entry.checked_sub(released)?.checked_add(flow - closing_flow)?;
        }
        Some(next)
    }

    /// What the fills earned against the mid at each fill, rounded half away from zero to a unit.
    pub fn spread(&self) -> i128 {
        divide_rounded(self.spread_halves, 2)
    }

    /// P&L at the mid of `mark`: the mean of the position's worth at bid and at ask. `None` when a position is held and
    /// the mark has not both sides, or when a number does not fit.
    pub fn pnl(&self, instrument: &Instrument, mark: Touch) -> Option<PnlSplit> {
        let worth_halves = if self.lots.0 == 0 {
            0
        } else if mark.is_two_sided() {
            let bid = instrument.position_value(self.lots, mark.bid)?;
            bid.checked_add(instrument.position_value(self.lots, mark.ask)?)?
        } else {
            return None;
        };
        let halves = self.cash.checked_sub(self.fees)?.checked_mul(2)?.checked_add(worth_halves)?;
        let (total, spread) = (divide_rounded(halves, 2), self.spread());
        let before_fees = total.checked_add(self.fees)?;
        Some(PnlSplit {
            total,
            spread,
            inventory: before_fees.checked_sub(spread)?,
            fees: self.fees,
            realised: self.realised,
            unrealised: before_fees.checked_sub(self.realised)?,
        })
    }

    /// Average entry price in ticks, for reports only (the exact form is `entry` over `lots`); for an inverse contract
    /// the harmonic mean, which is the price that gives the same cash. `None` when flat.
    pub fn entry_ticks(&self, instrument: &Instrument) -> Option<f64> {
        if self.lots.0 == 0 || self.entry == 0 {
            return None;
        }
        let unit =
            instrument.lot_f64() * instrument.multiplier.to_f64() * POW10[instrument.money_scale as usize] as f64;
        let per_lot = self.entry.unsigned_abs() as f64 / self.lots.0.unsigned_abs() as f64 / unit;
        let price = if instrument.contract == Contract::Linear { per_lot } else { 1.0 / per_lot };
        Some(price / instrument.tick_f64())
    }
}

fn earned_halves(side: Side, lots: Lots, flow: i128, instrument: &Instrument, touch: Touch) -> Option<i128> {
    if !touch.is_two_sided() {
        return None;
    }
    let at_bid = instrument.cash_flow(side, touch.bid, lots)?;
    let at_ask = instrument.cash_flow(side, touch.ask, lots)?;
    flow.checked_mul(2)?.checked_sub(at_bid)?.checked_sub(at_ask)
}
