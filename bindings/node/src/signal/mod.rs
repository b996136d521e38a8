//! # Room card: bindings/node/signal
//! In:    one signal's parameters as JSON; its updates as numbers, one at a time or as columns.
//! Out:   the signal's value after each update (NaN where it has none), its whole state as JSON; fits of samples.
//! Holds: an update is checked before it is taken: whole numbers, known sides; the first bad one of a batch is named,
//!        those before it were taken.
//! Costs: a call per update about 150 ns; in columns what the signal costs.
mod params;
mod stream;

use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;
use serde_json::json;
use signal::{MicroPrice, MicroPriceParams, fit_pin, vamp_ticks, vamp_to_quantity_ticks};
use types::{Fault, Level, Lots, Ticks, Touch};

use crate::errors::{argument, guard};
use params::SignalParams;
use stream::{COLUMNS_MAX, Stream};

/// One streaming signal; `params` says which.
#[napi]
pub struct SignalStream {
    stream: Stream,
}

#[napi]
impl SignalStream {
    /// From parameters as JSON, `kind` among them.
    #[napi(constructor)]
    pub fn new(params: String) -> napi::Result<SignalStream> {
        guard(|| Ok(SignalStream { stream: SignalParams::parse(&params)?.build()? }))
    }

    /// One update; unused columns are ignored. The value after it, NaN where there is none.
    #[napi]
    pub fn push(&mut self, a: f64, b: f64, c: f64, d: f64, e: f64) -> napi::Result<f64> {
        guard(|| {
            self.stream.row(&[a, b, c, d, e])?;
            Ok(self.stream.value())
        })
    }

    /// One update a row of the columns; `values` takes the value after each. How many the signal took.
    #[napi]
    pub fn update(&mut self, columns: Vec<Float64Array>, values: Option<Float64Array>) -> napi::Result<u32> {
        guard(|| update(&mut self.stream, &columns, values))
    }

    /// The state as JSON.
    #[napi]
    pub fn read(&self) -> napi::Result<String> {
        guard(|| Ok(self.stream.read()?.to_string()))
    }

    /// Forgets everything.
    #[napi]
    pub fn reset(&mut self) -> napi::Result<()> {
        guard(|| self.stream.reset())
    }
}

fn update(stream: &mut Stream, columns: &[Float64Array], values: Option<Float64Array>) -> Result<u32, Fault> {
    let width = stream.columns();
    let rows = columns.first().map_or(0, |column| column.len());
    let even = columns.iter().all(|column| column.len() == rows);
    if columns.len() != width || !even || values.as_ref().is_some_and(|values| values.len() != rows) {
        return Err(argument(format!("{width} columns of one length are needed, and values of that length")));
    }
    let mut values = values;
    let mut taken = 0;
    for at in 0..rows {
        let mut row = [0.0; COLUMNS_MAX];
        for (cell, column) in row.iter_mut().zip(columns) {
            *cell = column[at];
        }
        let accepted = stream.row(&row).map_err(|mut fault| {
            fault.fields.push(("row", at.to_string()));
            fault
        })?;
        taken += u32::from(accepted);
        if let Some(values) = values.as_mut() {
            write(values, at, stream.value());
        }
    }
    Ok(taken)
}

fn write(values: &mut Float64Array, at: usize, value: f64) {
    // SAFETY: the array is the caller's, handed over for this call of its own thread; nothing else reads or writes it
    // until the call returns.
    let values = unsafe { values.as_mut() };
    if let Some(cell) = values.get_mut(at) {
        *cell = value;
    }
}

/// A number that must be whole and exact.
pub(crate) fn whole(name: &'static str, value: f64) -> Result<i64, Fault> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    if value == libm::trunc(value) && (-SAFE..=SAFE).contains(&value) {
        Ok(value as i64)
    } else {
        let mut fault = argument(format!("{name} must be a safe integer"));
        fault.fields = vec![("name", name.to_string()), ("value", value.to_string())];
        Err(fault)
    }
}

/// A touch of four columns.
pub(crate) fn touch(cells: &[f64]) -> Result<Touch, Fault> {
    Ok(Touch {
        bid: Ticks(whole("bidTicks", cells[0])?),
        bid_lots: Lots(whole("bidLots", cells[1])?),
        ask: Ticks(whole("askTicks", cells[2])?),
        ask_lots: Lots(whole("askLots", cells[3])?),
    })
}

/// Price and quantity, alternating, best first.
fn levels(cells: &[f64]) -> Result<Vec<Level>, Fault> {
    if !cells.len().is_multiple_of(2) {
        return Err(argument("levels are price and quantity, alternating"));
    }
    let level = |pair: &[f64]| {
        Ok(Level { price: Ticks(whole("priceTicks", pair[0])?), quantity: Lots(whole("lots", pair[1])?) })
    };
    cells.chunks_exact(2).map(level).collect()
}

/// VAMP over the best `levels` of both sides, ticks; NaN where it is not defined.
#[napi]
pub fn signal_vamp(bids: Float64Array, asks: Float64Array, count: u32) -> napi::Result<f64> {
    guard(|| Ok(vamp_ticks(&levels(&bids)?, &levels(&asks)?, count as usize).unwrap_or(f64::NAN)))
}

/// VAMP to a quantity, ticks; NaN where it is not defined.
#[napi]
pub fn signal_vamp_to_quantity(bids: Float64Array, asks: Float64Array, lots: f64) -> napi::Result<f64> {
    guard(|| {
        let quantity = Lots(whole("lots", lots)?);
        Ok(vamp_to_quantity_ticks(&levels(&bids)?, &levels(&asks)?, quantity).unwrap_or(f64::NAN))
    })
}

/// PIN of buys and sells by day, as JSON.
#[napi]
pub fn signal_fit_pin(buys: Float64Array, sells: Float64Array) -> napi::Result<String> {
    guard(|| {
        let count =
            |value: f64| u64::try_from(whole("count", value)?).map_err(|_| argument("a count must not be negative"));
        if buys.len() != sells.len() {
            return Err(argument("buys and sells must have one length"));
        }
        let days: Result<Vec<(u64, u64)>, Fault> =
            buys.iter().zip(sells.iter()).map(|(buys, sells)| Ok((count(*buys)?, count(*sells)?))).collect();
        let fit = fit_pin(&days?)?;
        let named = |set: signal::PinParameters| {
            json!({
                "informedDays": set.informed_days,
                "badNews": set.bad_news,
                "informedTrades": set.informed_trades,
                "uninformedBuys": set.uninformed_buys,
                "uninformedSells": set.uninformed_sells,
            })
        };
        Ok(json!({
            "pin": fit.pin,
            "standardError": fit.standard_error,
            "parameters": named(fit.parameters),
            "errors": fit.errors.map(named),
            "logLikelihood": fit.log_likelihood,
            "days": fit.days,
        })
        .to_string())
    })
}

/// A fitted micro-price.
#[napi]
pub struct SignalMicroPrice {
    micro: MicroPrice,
}

#[napi]
impl SignalMicroPrice {
    /// Fits on touches in order: bid, bid lots, ask, ask lots, a row each, in one array.
    #[napi(constructor)]
    pub fn new(
        imbalance_buckets: u32,
        spread_ticks_max: u32,
        jump_half_ticks_max: f64,
        touches: Float64Array,
    ) -> napi::Result<SignalMicroPrice> {
        guard(|| {
            let params = MicroPriceParams {
                imbalance_buckets: imbalance_buckets as usize,
                spread_ticks_max: spread_ticks_max as usize,
                jump_half_ticks_max: whole("jumpHalfTicksMax", jump_half_ticks_max)?,
            };
            if !touches.len().is_multiple_of(4) {
                return Err(argument("a touch is bid, bid lots, ask, ask lots"));
            }
            let touches: Result<Vec<Touch>, Fault> = touches.chunks_exact(4).map(touch).collect();
            Ok(SignalMicroPrice { micro: MicroPrice::fit(&params, touches?)? })
        })
    }

    /// The micro-price, ticks; NaN outside the fitted states.
    #[napi]
    pub fn price(&self, bid: f64, bid_lots: f64, ask: f64, ask_lots: f64) -> napi::Result<f64> {
        guard(|| Ok(self.micro.price_ticks(&touch(&[bid, bid_lots, ask, ask_lots])?).unwrap_or(f64::NAN)))
    }

    /// Adjustments in ticks, by spread, then by bucket; NaN where the sample never was.
    #[napi]
    pub fn adjustments(&self) -> napi::Result<Float64Array> {
        guard(|| {
            let table: Vec<f64> = self.micro.adjustments().map(|value| value.unwrap_or(f64::NAN)).collect();
            Ok(Float64Array::new(table))
        })
    }
}
