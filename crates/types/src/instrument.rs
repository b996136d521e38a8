//! # Room card: types/instrument
//! In:    a validated `InstrumentConfig`.
//! Out:   `Instrument`: grids, value of a fill, fee of a fill, order increments, in exact integers.
//! Holds: linear and inverse contracts; every rounding is half away from zero, once, in the settlement currency's unit.
//! Costs: 128-bit integer arithmetic; no allocation.
use crate::decimal::{Decimal, Grid, POW10};
use crate::ids::{InstrumentId, VenueId};
use crate::limits::{INCREMENT_STEPS_MAX, SYMBOL_BYTES_MAX};
use crate::money::{CurrencyId, Money, divide_rounded};
use crate::num::{Lots, Side, Ticks};

/// How a contract's value depends on its price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contract {
    /// Value = price x quantity x multiplier (spot, USD-M futures).
    Linear,
    /// Value = quantity x multiplier / price (coin-margined futures).
    Inverse,
}

/// One tradable instrument.
#[derive(Clone, PartialEq, Debug)]
pub struct Instrument {
    /// Position in the configuration.
    pub id: InstrumentId,
    /// Venue it trades on.
    pub venue: VenueId,
    symbol: [u8; SYMBOL_BYTES_MAX],
    symbol_length: u8,
    /// Price grid: one tick.
    pub price: Grid,
    /// Quantity grid: one lot.
    pub quantity: Grid,
    /// Decimals the venue prints for prices (checksums and FIX need them).
    pub price_decimals: u8,
    /// Decimals the venue prints for quantities.
    pub quantity_decimals: u8,
    /// Contract type.
    pub contract: Contract,
    /// Contract multiplier.
    pub multiplier: Decimal,
    /// Settlement currency.
    pub currency: CurrencyId,
    /// Decimals of the settlement currency's smallest unit.
    pub money_scale: u8,
    /// Maker fee rate in 10^-8 of value; negative is a rebate.
    pub maker_fee_e8: i64,
    /// Taker fee rate in 10^-8 of value.
    pub taker_fee_e8: i64,
    /// Smallest order value, smallest units of the settlement currency.
    pub min_notional: i64,
    /// Order price increments: (from this price in ticks, step in ticks), ascending, first from 0.
    increments: [(i64, i64); INCREMENT_STEPS_MAX],
    increment_count: u8,
    // `price` and `quantity` as floats: worked out once, because a quote needs them at every update.
    tick_f64: f64,
    lot_f64: f64,
}

impl Instrument {
    /// Builds from parts; used by `config`, which has checked them.
    #[allow(clippy::too_many_arguments)] // One constructor, one caller; a builder would only repeat the field names.
    pub(crate) fn from_parts(
        id: InstrumentId,
        venue: VenueId,
        symbol: &str,
        price: Grid,
        quantity: Grid,
        decimals: (u8, u8),
        contract: (Contract, Decimal),
        money: (CurrencyId, u8),
        fees_e8: (i64, i64),
        min_notional: i64,
        steps: &[(i64, i64)],
    ) -> Instrument {
        let mut symbol_bytes = [0; SYMBOL_BYTES_MAX];
        symbol_bytes[..symbol.len()].copy_from_slice(symbol.as_bytes());
        let mut increments = [(0, 1); INCREMENT_STEPS_MAX];
        increments[..steps.len()].copy_from_slice(steps);
        Instrument {
            id,
            venue,
            symbol: symbol_bytes,
            symbol_length: symbol.len() as u8,
            price,
            quantity,
            price_decimals: decimals.0,
            quantity_decimals: decimals.1,
            contract: contract.0,
            multiplier: contract.1,
            currency: money.0,
            money_scale: money.1,
            maker_fee_e8: fees_e8.0,
            taker_fee_e8: fees_e8.1,
            min_notional,
            increments,
            increment_count: steps.len().max(1) as u8,
            tick_f64: price.step_f64(),
            lot_f64: quantity.step_f64(),
        }
    }

    /// The venue's symbol.
    pub fn symbol(&self) -> &str {
        core::str::from_utf8(self.symbol_bytes()).unwrap_or("")
    }
    /// The venue's symbol as bytes.
    #[inline]
    pub fn symbol_bytes(&self) -> &[u8] {
        &self.symbol[..self.symbol_length as usize]
    }
    /// Price of one tick, for models.
    #[inline]
    pub fn tick_f64(&self) -> f64 {
        self.tick_f64
    }
    /// Quantity of one lot, for models.
    #[inline]
    pub fn lot_f64(&self) -> f64 {
        self.lot_f64
    }
    /// The order price step in force at a price, in ticks.
    #[inline]
    pub fn increment_at(&self, price: Ticks) -> i64 {
        let mut step = self.increments[0].1;
        for &(from, increment) in &self.increments[1..self.increment_count as usize] {
            if price.0 < from {
                break;
            }
            step = increment;
        }
        step
    }
    /// The steps of the order price increment table: (from ticks, step ticks).
    pub fn increments(&self) -> &[(i64, i64)] {
        &self.increments[..self.increment_count as usize]
    }
    /// Is the price on the order increment in force there?
    #[inline]
    pub fn on_increment(&self, price: Ticks) -> bool {
        price.0 % self.increment_at(price) == 0
    }

    /// Unsigned value of a quantity at a price, in the smallest unit of the settlement currency.
    /// `None` on overflow, and for an inverse contract at a price of zero or less. Rounded half away from zero.
    pub fn value(&self, price: Ticks, quantity: Lots) -> Option<i128> {
        let lots = (quantity.0 as i128)
            .checked_mul(self.quantity.increment as i128)?
            .checked_mul(self.multiplier.mantissa as i128)?;
        let ticks = (price.0 as i128).checked_mul(self.price.increment as i128)?;
        let (numerator, up, down) = match self.contract {
            Contract::Linear => (
                lots.checked_mul(ticks)?,
                self.money_scale,
                self.quantity.scale as u32 + self.price.scale as u32 + self.multiplier.scale as u32,
            ),
            Contract::Inverse => {
                if ticks <= 0 {
                    return None;
                }
                (lots, self.money_scale + self.price.scale, self.quantity.scale as u32 + self.multiplier.scale as u32)
            }
        };
        // The table ends where i64 does; the rest is never met with a venue's scales.
        let power = |by: u32| match POW10.get(by as usize) {
            Some(&power) => Some(power as i128),
            None => 10i128.checked_pow(by),
        };
        let up = up as u32;
        if up >= down && self.contract == Contract::Linear {
            return numerator.checked_mul(power(up - down)?);
        }
        let denominator = if self.contract == Contract::Inverse { ticks } else { 1 };
        if up >= down {
            Some(divide_rounded(numerator.checked_mul(power(up - down)?)?, denominator))
        } else {
            Some(divide_rounded(numerator, denominator.checked_mul(power(down - up)?)?))
        }
    }

    /// What a fill does to cash, in the smallest unit of the settlement currency: minus the value for a buy of a linear
    /// contract, plus for a sell; the other way round for an inverse one (long gains when 1/price falls).
    pub fn cash_flow(&self, side: Side, price: Ticks, quantity: Lots) -> Option<i128> {
        let value = self.value(price, quantity)? * side.sign() as i128;
        Some(match self.contract {
            Contract::Linear => -value,
            Contract::Inverse => value,
        })
    }

    /// What a signed position is worth at a price, with the sign that makes cash + worth the total P&L.
    pub fn position_value(&self, position: Lots, price: Ticks) -> Option<i128> {
        let value = self.value(price, position)?;
        Some(match self.contract {
            Contract::Linear => value,
            Contract::Inverse => -value,
        })
    }

    /// Fee of a fill: the rate times `value` as rounded, in the smallest unit of the settlement currency, rounded half
    /// away from zero; negative for a rebate.
    pub fn fee(&self, price: Ticks, quantity: Lots, taker: bool) -> Option<i64> {
        let rate = if taker { self.taker_fee_e8 } else { self.maker_fee_e8 };
        let value = self.value(price, quantity)?;
        i64::try_from(divide_rounded(value.checked_mul(rate as i128)?, POW10[8] as i128)).ok()
    }

    /// An amount as `Money` of the settlement currency.
    pub fn money(&self, amount: i128) -> Money {
        Money { amount, currency: self.currency, scale: self.money_scale }
    }
}
