//! # Room card: types/config/ranges
//! In:    single values of a configuration and the path they stand at.
//! Out:   the value, or the fault that names path, value and what is allowed.
//! Holds: nothing is rounded and nothing is clamped.
//! Costs: cold path.
use core::fmt::Display;

use super::ConfigFault;
use crate::decimal::{Decimal, Grid};
use crate::parameter::LimitBreach;

/// A number with limits, which an event tells as f64.
pub(super) trait Limited: PartialOrd + Display + Copy {
    fn to_f64(self) -> f64;
}

macro_rules! limited {
    ($($number:ty)*) => { $(impl Limited for $number { fn to_f64(self) -> f64 { self as f64 } })* };
}
limited!(u8 u16 u32 u64 usize i64 f64);

/// The value lies from `low` to `high`, both allowed.
pub(super) fn range<T: Limited>(path: &str, value: T, low: T, high: T) -> Result<(), ConfigFault> {
    // NaN fails both comparisons and so is refused here as well.
    if value >= low && value <= high {
        Ok(())
    } else {
        let breach = if value > high { LimitBreach::Above(high.to_f64()) } else { LimitBreach::Below(low.to_f64()) };
        Err(ConfigFault::new(path, format!("{value}"), format!("{low} to {high}")).breaking(breach))
    }
}

/// The value is above zero and at most `high`; NaN is neither.
pub(super) fn above_zero(path: &str, value: f64, high: f64) -> Result<(), ConfigFault> {
    if value > 0.0 && value <= high {
        Ok(())
    } else {
        let breach = if value > high { LimitBreach::Above(high) } else { LimitBreach::Below(0.0) };
        Err(ConfigFault::new(path, format!("{value}"), format!("above 0, at most {high}")).breaking(breach))
    }
}

/// The text is a plain decimal.
pub(super) fn decimal(path: &str, text: &str) -> Result<Decimal, ConfigFault> {
    Decimal::parse(text).ok_or_else(|| {
        ConfigFault::new(path, format!("\"{text}\" is no decimal"), "digits, at most one point, such as \"0.1\"")
    })
}

/// The text is a whole number of steps of the grid: how many.
pub(super) fn exact(path: &str, text: &str, grid: &Grid) -> Result<i64, ConfigFault> {
    grid.steps(decimal(path, text)?).ok_or_else(|| {
        let step = grid.value(1).map(|step| step.to_string()).unwrap_or_default();
        ConfigFault::new(path, format!("\"{text}\" is off the grid"), format!("whole multiples of {step}"))
            .breaking(LimitBreach::OffGrid)
    })
}

/// Like `exact`, and at least one step; at most 2⁵³, so that TypeScript reads it exactly.
pub(super) fn positive(path: &str, text: &str, grid: &Grid) -> Result<i64, ConfigFault> {
    let steps = exact(path, text, grid)?;
    range(path, steps, 1, 1 << 53)?;
    Ok(steps)
}

/// The text is a name that may stand in a FIX field.
pub(super) fn ascii_name(path: &str, text: &str, longest: usize) -> Result<(), ConfigFault> {
    let good = !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good {
        Ok(())
    } else {
        Err(ConfigFault::new(path, format!("\"{text}\""), format!("1 to {longest} printable ASCII characters")))
    }
}
