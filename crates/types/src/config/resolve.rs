//! # Room card: types/config/resolve
//! In:    a parsed configuration.
//! Out:   `Setup`: the same in ticks, lots, nanoseconds and ids, with every value checked against its range.
//! Holds: decimals that are off the grid are faults; nothing is rounded, nothing defaults silently here.
//! Costs: cold path.
use core::fmt::Display;

use super::ConfigFault;
use super::engine::{
    BreakerConfig, ContractConfig, EngineConfig, Feed, HorizonConfig, InstrumentConfig, OrdersConfig, QuoterConfig,
    RiskConfig, SampleRule, VenueConfig, VolatilityConfig,
};
use crate::decimal::{Decimal, Grid};
use crate::ids::{AlgoId, InstrumentId, OrderId, TraderId, VenueId};
use crate::instrument::{Contract, Instrument};
use crate::limits::{INCREMENT_STEPS_MAX, INSTRUMENTS_MAX, ORDERS_MAX, SYMBOL_BYTES_MAX, VENUES_MAX};
use crate::money::CurrencyId;
use crate::num::Lots;
use crate::time::Nanos;

/// A checked configuration in the core's units.
#[derive(Clone, PartialEq, Debug)]
pub struct Setup {
    /// Session number, first half of every ClOrdID.
    pub session: u32,
    /// Venues by `VenueId`.
    pub venues: Vec<VenueSetup>,
    /// Instruments by `InstrumentId`.
    pub instruments: Vec<Instrument>,
    /// Settlement currencies by `CurrencyId`.
    pub currencies: Vec<String>,
    /// Pre-trade limits by `InstrumentId`.
    pub risk: Vec<RiskLimits>,
    /// Native quoter of each instrument, by `InstrumentId`.
    pub quoters: Vec<Option<QuoterParams>>,
    /// Volatility sampling.
    pub volatility: VolatilityParams,
    /// Circuit breaker.
    pub breaker: BreakerLimits,
    /// Order table.
    pub orders: OrderLimits,
    /// Publish one event per changed level.
    pub publish_levels: bool,
}

/// A venue.
#[derive(Clone, PartialEq, Debug)]
pub struct VenueSetup {
    /// Name.
    pub name: String,
    /// Market-data format.
    pub feed: Feed,
    /// SenderCompID (49).
    pub sender_comp_id: String,
    /// TargetCompID (56).
    pub target_comp_id: String,
}

/// Pre-trade limits of one instrument.
#[derive(Clone, PartialEq, Debug)]
pub struct RiskLimits {
    /// Largest order quantity.
    pub max_order_lots: Option<Lots>,
    /// Largest order value, smallest units of the settlement currency.
    pub max_order_value: Option<i64>,
    /// Largest position on either side with open orders.
    pub max_position_lots: Option<Lots>,
    /// Collar around the reference in 1/10000.
    pub collar_basis_points: i64,
    /// Oldest reference allowed.
    pub reference_max_age: Nanos,
    /// Most messages in the window.
    pub max_messages: u32,
    /// Window of `max_messages`.
    pub message_window: Nanos,
    /// Only reducing orders pass.
    pub reduce_only: bool,
}

/// Parameters of a native quoter.
#[derive(Clone, PartialEq, Debug)]
pub struct QuoterParams {
    /// Quote at all.
    pub enabled: bool,
    /// γ, 1/money.
    pub risk_aversion_per_money: f64,
    /// κ, 1/price; the prior where calibration is on.
    pub intensity_decay_per_price: f64,
    /// T-t.
    pub horizon: Horizon,
    /// Add γσ²(T-t) to δ.
    pub inventory_spread_term: bool,
    /// Quantity of each quote.
    pub order_lots: Lots,
    /// MAX_INVENTORY.
    pub max_inventory_lots: Lots,
    /// Move a quote only when off by this many ticks or more.
    pub requote_ticks: i64,
    /// κ from own fills.
    pub calibration: Option<IntensityCalibration>,
    /// Algorithm id on its orders.
    pub algo_id: AlgoId,
    /// Trader id on its orders.
    pub trader_id: TraderId,
}

/// T-t.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Horizon {
    /// Always this many seconds.
    Constant {
        /// Seconds.
        seconds: f64,
    },
    /// Counts down from this many seconds after the first input.
    Countdown {
        /// Seconds.
        seconds: f64,
    },
}

/// κ from own fills given A.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IntensityCalibration {
    /// A, 1/s.
    pub arrivals_per_second: f64,
    /// a0.
    pub prior_fills: f64,
    /// b0, seconds.
    pub prior_seconds: f64,
    /// Distance at which the prior holds, price units.
    pub prior_distance_price: f64,
    /// Smallest κ.
    pub min_per_price: f64,
    /// Largest κ.
    pub max_per_price: f64,
}

/// Volatility sampling.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VolatilityParams {
    /// Mids in the window.
    pub window: usize,
    /// What counts as a sample.
    pub sampling: Sampling,
}

/// What counts as a sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sampling {
    /// Each changed mid.
    ChangedMid,
    /// Every touch update.
    EveryUpdate,
    /// A fixed clock.
    FixedClock {
        /// Interval.
        interval: Nanos,
    },
}

/// Circuit breaker of a venue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BreakerLimits {
    /// Failures that open it.
    pub failures: u32,
    /// Sliding window.
    pub window: Nanos,
    /// Open time before a canary.
    pub recovery: Nanos,
}

/// Order table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OrderLimits {
    /// Slots, a power of two.
    pub max_orders: usize,
    /// Acknowledgement time-out.
    pub ack_timeout: Nanos,
}

pub(super) fn range<T: PartialOrd + Display + Copy>(path: &str, value: T, low: T, high: T) -> Result<(), ConfigFault> {
    // NaN fails both comparisons and so is refused here as well.
    if value >= low && value <= high {
        Ok(())
    } else {
        Err(ConfigFault::new(path, format!("{value}"), format!("{low} to {high}")))
    }
}

fn above_zero(path: &str, value: f64, high: f64) -> Result<(), ConfigFault> {
    if value > 0.0 && value <= high {
        Ok(())
    } else {
        Err(ConfigFault::new(path, format!("{value}"), format!("above 0, at most {high}")))
    }
}

fn decimal(path: &str, text: &str) -> Result<Decimal, ConfigFault> {
    Decimal::parse(text).ok_or_else(|| {
        ConfigFault::new(path, format!("\"{text}\" is no decimal"), "digits, at most one point, such as \"0.1\"")
    })
}

pub(super) fn exact(path: &str, text: &str, grid: &Grid) -> Result<i64, ConfigFault> {
    grid.steps(decimal(path, text)?).ok_or_else(|| {
        let step = grid.value(1).map(|step| step.to_string()).unwrap_or_default();
        ConfigFault::new(path, format!("\"{text}\" is off the grid"), format!("whole multiples of {step}"))
    })
}

fn positive(path: &str, text: &str, grid: &Grid) -> Result<i64, ConfigFault> {
    let steps = exact(path, text, grid)?;
    range(path, steps, 1, 1 << 53)?;
    Ok(steps)
}

fn ascii_name(path: &str, text: &str, longest: usize) -> Result<(), ConfigFault> {
    let good = !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good {
        Ok(())
    } else {
        Err(ConfigFault::new(path, format!("\"{text}\""), format!("1 to {longest} printable ASCII characters")))
    }
}

impl Setup {
    /// Checks everything and converts to the core's units.
    pub fn resolve(config: &EngineConfig) -> Result<Setup, ConfigFault> {
        range("session", config.session, 1, OrderId::SESSION_MAX)?;
        range("venues.length", config.venues.len(), 1, VENUES_MAX)?;
        range("instruments.length", config.instruments.len(), 1, INSTRUMENTS_MAX)?;
        let venues = config
            .venues
            .iter()
            .enumerate()
            .map(|(i, venue)| VenueSetup::resolve(i, venue))
            .collect::<Result<Vec<_>, _>>()?;
        for (i, venue) in venues.iter().enumerate() {
            if venues[..i].iter().any(|other| other.name == venue.name) {
                return Err(ConfigFault::new(
                    format!("venues[{i}].name"),
                    format!("\"{}\" twice", venue.name),
                    "unique names",
                ));
            }
        }
        let mut currencies: Vec<(String, u8)> = Vec::new();
        let mut instruments: Vec<Instrument> = Vec::new();
        let mut risk = Vec::new();
        for (i, item) in config.instruments.iter().enumerate() {
            let path = format!("instruments[{i}]");
            let instrument = resolve_instrument(i, item, &venues, &mut currencies, &path)?;
            if instruments.iter().any(|other| other.symbol() == instrument.symbol()) {
                return Err(ConfigFault::new(
                    format!("{path}.symbol"),
                    format!("\"{}\" twice", item.symbol),
                    "unique symbols",
                ));
            }
            risk.push(RiskLimits::resolve(&item.risk, &instrument, &format!("{path}.risk"))?);
            instruments.push(instrument);
        }
        let mut quoters = vec![None; instruments.len()];
        for (i, quoter) in config.quoters.iter().enumerate() {
            let path = format!("quoters[{i}]");
            let Some(instrument) = instruments.iter().find(|instrument| instrument.symbol() == quoter.instrument)
            else {
                let what = format!("no instrument \"{}\"", quoter.instrument);
                return Err(ConfigFault::new(format!("{path}.instrument"), what, "a configured symbol"));
            };
            let params = QuoterParams::resolve(quoter, instrument, &path)?;
            if quoters[instrument.id.index()].replace(params).is_some() {
                return Err(ConfigFault::new(
                    format!("{path}.instrument"),
                    "a second quoter",
                    "one quoter per instrument",
                ));
            }
        }
        Ok(Setup {
            session: config.session,
            venues,
            instruments,
            currencies: currencies.into_iter().map(|(name, _)| name).collect(),
            risk,
            quoters,
            volatility: VolatilityParams::resolve(&config.volatility)?,
            breaker: BreakerLimits::resolve(&config.breaker)?,
            orders: OrderLimits::resolve(&config.orders)?,
            publish_levels: config.publish.levels,
        })
    }
}

impl VenueSetup {
    fn resolve(i: usize, venue: &VenueConfig) -> Result<VenueSetup, ConfigFault> {
        ascii_name(&format!("venues[{i}].name"), &venue.name, 32)?;
        ascii_name(&format!("venues[{i}].senderCompId"), &venue.sender_comp_id, 32)?;
        let target = venue.target_comp_id.clone().unwrap_or_else(|| venue.name.clone());
        ascii_name(&format!("venues[{i}].targetCompId"), &target, 32)?;
        Ok(VenueSetup {
            name: venue.name.clone(),
            feed: venue.feed,
            sender_comp_id: venue.sender_comp_id.clone(),
            target_comp_id: target,
        })
    }
}

fn resolve_instrument(
    i: usize,
    item: &InstrumentConfig,
    venues: &[VenueSetup],
    currencies: &mut Vec<(String, u8)>,
    path: &str,
) -> Result<Instrument, ConfigFault> {
    let at = |key: &str| format!("{path}.{key}");
    ascii_name(&at("symbol"), &item.symbol, SYMBOL_BYTES_MAX)?;
    let Some(venue) = venues.iter().position(|venue| venue.name == item.venue) else {
        return Err(ConfigFault::new(at("venue"), format!("no venue \"{}\"", item.venue), "a configured venue name"));
    };
    let grid = |key: &str, text: &str| -> Result<Grid, ConfigFault> {
        let step = decimal(&at(key), text)?;
        range(&at(key), step.scale, 0, 12)?;
        Grid::from_step(step).ok_or_else(|| ConfigFault::new(at(key), format!("\"{text}\""), "above 0"))
    };
    let (price, quantity) = (grid("tickSize", &item.tick_size)?, grid("lotSize", &item.lot_size)?);
    let price_decimals = item.price_decimals.unwrap_or(price.scale);
    let quantity_decimals = item.quantity_decimals.unwrap_or(quantity.scale);
    range(&at("priceDecimals"), price_decimals, price.scale, 18)?;
    range(&at("quantityDecimals"), quantity_decimals, quantity.scale, 18)?;
    let multiplier = decimal(&at("multiplier"), &item.multiplier)?;
    range(&at("multiplier"), multiplier.mantissa, 1, 1 << 40)?;
    ascii_name(&at("settlement.currency"), &item.settlement.currency, 16)?;
    range(&at("settlement.scale"), item.settlement.scale, 0, 12)?;
    let known = currencies.iter().position(|(name, _)| *name == item.settlement.currency);
    let currency = known.unwrap_or(currencies.len());
    if known.is_none() {
        currencies.push((item.settlement.currency.clone(), item.settlement.scale));
    } else if currencies[currency].1 != item.settlement.scale {
        return Err(ConfigFault::new(
            at("settlement.scale"),
            "differs from another instrument's",
            "one scale per currency",
        ));
    }
    let rate = |key: &str, text: &str| -> Result<i64, ConfigFault> {
        let steps = exact(&at(key), text, &Grid { scale: 8, increment: 1 })?;
        range(&at(key), steps, -10_000_000, 100_000_000)?;
        Ok(steps)
    };
    let fees = (rate("makerFee", &item.maker_fee)?, rate("takerFee", &item.taker_fee)?);
    let money = Grid { scale: item.settlement.scale, increment: 1 };
    let min_notional = exact(&at("minNotional"), &item.min_notional, &money)?;
    range(&at("minNotional"), min_notional, 0, i64::MAX)?;
    range(&at("priceIncrements.length"), item.price_increments.len(), 0, INCREMENT_STEPS_MAX)?;
    let mut steps = Vec::new();
    for (n, step) in item.price_increments.iter().enumerate() {
        let from = exact(&at(&format!("priceIncrements[{n}].fromPrice")), &step.from_price, &price)?;
        let increment = positive(&at(&format!("priceIncrements[{n}].increment")), &step.increment, &price)?;
        let ascends = steps.last().map_or(from == 0, |&(last, _): &(i64, i64)| from > last);
        if !ascends || from % increment != 0 {
            let allowed = "first from \"0\", then ascending, each a multiple of its increment";
            return Err(ConfigFault::new(
                at(&format!("priceIncrements[{n}].fromPrice")),
                step.from_price.clone(),
                allowed,
            ));
        }
        steps.push((from, increment));
    }
    let contract = match item.contract {
        ContractConfig::Linear => Contract::Linear,
        ContractConfig::Inverse => Contract::Inverse,
    };
    Ok(Instrument::from_parts(
        InstrumentId(i as u16),
        VenueId(venue as u8),
        &item.symbol,
        price,
        quantity,
        (price_decimals, quantity_decimals),
        (contract, multiplier),
        (CurrencyId(currency as u16), item.settlement.scale),
        fees,
        min_notional,
        &steps,
    ))
}

impl RiskLimits {
    fn resolve(config: &RiskConfig, instrument: &Instrument, path: &str) -> Result<RiskLimits, ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        let lots = |key: &str, text: &Option<String>| -> Result<Option<Lots>, ConfigFault> {
            text.as_ref().map(|text| positive(&at(key), text, &instrument.quantity).map(Lots)).transpose()
        };
        range(&at("collarBasisPoints"), config.collar_basis_points, 1, 10_000)?;
        range(&at("referenceMaxAgeMillis"), config.reference_max_age_millis, 1, 86_400_000)?;
        range(&at("maxMessages"), config.max_messages, 1, 1_000_000)?;
        range(&at("messageWindowMillis"), config.message_window_millis, 1, 3_600_000)?;
        let money = Grid { scale: instrument.money_scale, increment: 1 };
        let max_order_value =
            config.max_order_value.as_ref().map(|text| exact(&at("maxOrderValue"), text, &money)).transpose()?;
        if let Some(value) = max_order_value {
            range(&at("maxOrderValue"), value, 1, i64::MAX)?;
        }
        Ok(RiskLimits {
            max_order_lots: lots("maxOrderQuantity", &config.max_order_quantity)?,
            max_order_value,
            max_position_lots: lots("maxPosition", &config.max_position)?,
            collar_basis_points: config.collar_basis_points as i64,
            reference_max_age: Nanos::from_millis(config.reference_max_age_millis as u64),
            max_messages: config.max_messages,
            message_window: Nanos::from_millis(config.message_window_millis as u64),
            reduce_only: config.reduce_only,
        })
    }
}

impl QuoterParams {
    pub(super) fn resolve(
        config: &QuoterConfig,
        instrument: &Instrument,
        path: &str,
    ) -> Result<QuoterParams, ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        const YEAR_SECONDS: f64 = 31_622_400.0;
        if config.instrument != instrument.symbol() {
            return Err(ConfigFault::new(at("instrument"), config.instrument.clone(), instrument.symbol()));
        }
        above_zero(&at("riskAversionPerMoney"), config.risk_aversion_per_money, 1e6)?;
        above_zero(&at("intensityDecayPerPrice"), config.intensity_decay_per_price, 1e9)?;
        let horizon = match config.horizon {
            HorizonConfig::Constant { seconds } => Horizon::Constant { seconds },
            HorizonConfig::Countdown { seconds } => Horizon::Countdown { seconds },
        };
        let (Horizon::Constant { seconds } | Horizon::Countdown { seconds }) = horizon;
        above_zero(&at("horizon.seconds"), seconds, YEAR_SECONDS)?;
        range(&at("requoteTicks"), config.requote_ticks, 1, 1_000_000)?;
        let calibration = match &config.calibration {
            None => None,
            Some(item) => {
                let at = |key: &str| format!("{path}.calibration.{key}");
                above_zero(&at("arrivalsPerSecond"), item.arrivals_per_second, 1e6)?;
                above_zero(&at("priorFills"), item.prior_fills, 1e9)?;
                range(&at("priorSeconds"), item.prior_seconds, 0.0, 1e9)?;
                above_zero(&at("priorDistancePrice"), item.prior_distance_price, 1e12)?;
                above_zero(&at("minPerPrice"), item.min_per_price, 1e9)?;
                range(&at("maxPerPrice"), item.max_per_price, item.min_per_price, 1e9)?;
                Some(IntensityCalibration {
                    arrivals_per_second: item.arrivals_per_second,
                    prior_fills: item.prior_fills,
                    prior_seconds: item.prior_seconds,
                    prior_distance_price: item.prior_distance_price,
                    min_per_price: item.min_per_price,
                    max_per_price: item.max_per_price,
                })
            }
        };
        let order_lots = positive(&at("orderQuantity"), &config.order_quantity, &instrument.quantity)?;
        let max_inventory = positive(&at("maxInventory"), &config.max_inventory, &instrument.quantity)?;
        range(&at("maxInventory"), max_inventory, order_lots, 1 << 53)?;
        Ok(QuoterParams {
            enabled: config.enabled,
            risk_aversion_per_money: config.risk_aversion_per_money,
            intensity_decay_per_price: config.intensity_decay_per_price,
            horizon,
            inventory_spread_term: config.inventory_spread_term,
            order_lots: Lots(order_lots),
            max_inventory_lots: Lots(max_inventory),
            requote_ticks: config.requote_ticks,
            calibration,
            algo_id: AlgoId(config.algo_id),
            trader_id: TraderId(config.trader_id),
        })
    }
}

impl VolatilityParams {
    fn resolve(config: &VolatilityConfig) -> Result<VolatilityParams, ConfigFault> {
        range("volatility.window", config.window, 2, 65_536)?;
        range("volatility.clockMillis", config.clock_millis, 1, 3_600_000)?;
        let sampling = match config.sample {
            SampleRule::ChangedMid => Sampling::ChangedMid,
            SampleRule::EveryUpdate => Sampling::EveryUpdate,
            SampleRule::FixedClock => Sampling::FixedClock { interval: Nanos::from_millis(config.clock_millis as u64) },
        };
        Ok(VolatilityParams { window: config.window as usize, sampling })
    }
}

impl BreakerLimits {
    fn resolve(config: &BreakerConfig) -> Result<BreakerLimits, ConfigFault> {
        range("breaker.failures", config.failures, 1, 1_000)?;
        range("breaker.windowMillis", config.window_millis, 1, 86_400_000)?;
        range("breaker.recoveryMillis", config.recovery_millis, 1, 86_400_000)?;
        Ok(BreakerLimits {
            failures: config.failures,
            window: Nanos::from_millis(config.window_millis as u64),
            recovery: Nanos::from_millis(config.recovery_millis as u64),
        })
    }
}

impl OrderLimits {
    fn resolve(config: &OrdersConfig) -> Result<OrderLimits, ConfigFault> {
        range("orders.maxOrders", config.max_orders, 64, ORDERS_MAX as u32)?;
        if !config.max_orders.is_power_of_two() {
            return Err(ConfigFault::new(
                "orders.maxOrders",
                config.max_orders.to_string(),
                "a power of two, 64 to 65536",
            ));
        }
        range("orders.ackTimeoutMillis", config.ack_timeout_millis, 1, 3_600_000)?;
        Ok(OrderLimits {
            max_orders: config.max_orders as usize,
            ack_timeout: Nanos::from_millis(config.ack_timeout_millis as u64),
        })
    }
}
