//! # Room card: types/config/resolve
//! In:    a parsed configuration.
//! Out:   `Setup`: the same in ticks, lots, nanoseconds and ids, with every value checked against its range.
//! Holds: decimals that are off the grid are faults; nothing is rounded, nothing defaults silently here.
//! Costs: cold path.
use super::ConfigFault;
use super::calibration::MarketCalibration;
use super::engine::{
    BreakerConfig, ContractConfig, CurrencyConfig, EngineConfig, Feed, HorizonConfig, IncrementConfig,
    InstrumentConfig, IntensityCalibrationConfig, OrdersConfig, QuoterConfig, RiskConfig, SampleRule, VenueConfig,
    VolatilityConfig,
};
use super::quoting::{Model, QuoterRules};
use super::ranges::{above_zero, ascii_name, decimal, exact, positive, range};
use super::setup::{
    BreakerLimits, Horizon, IntensityCalibration, OrderEntry, OrderLimits, OrdersLink, QuoterParams, RiskLimits,
    Sampling, Setup, VenueSetup, VolatilityParams,
};
use crate::decimal::Grid;
use crate::ids::{AlgoId, InstrumentId, OrderId, TraderId, VenueId};
use crate::instrument::{Contract, Instrument};
use crate::limits::{INCREMENT_STEPS_MAX, INSTRUMENTS_MAX, ORDERS_MAX, SYMBOL_BYTES_MAX, VENUES_MAX};
use crate::money::CurrencyId;
use crate::num::Lots;
use crate::time::Nanos;

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
        let market = venue.market.as_ref().map(|link| link.resolve(&format!("venues[{i}].market"))).transpose()?;
        if market.is_some() && venue.feed == Feed::Normalised {
            let allowed = "a feed with a byte format";
            return Err(ConfigFault::new(format!("venues[{i}].market"), "the feed is normalised", allowed));
        }
        let (entry, orders) = match &venue.orders {
            Some(link) => {
                let (entry, link) = link.resolve(&format!("venues[{i}].orders"))?;
                (entry, Some(link))
            }
            None => (OrderEntry::Direct, None),
        };
        if matches!(orders, Some(OrdersLink::Paper { .. })) && market.is_none() {
            let what = "paper without market data";
            return Err(ConfigFault::new(format!("venues[{i}].orders"), what, "`market` beside it"));
        }
        Ok(VenueSetup {
            name: venue.name.clone(),
            feed: venue.feed,
            sender_comp_id: venue.sender_comp_id.clone(),
            target_comp_id: target,
            entry,
            market,
            orders,
        })
    }
}

/// The grid whose step is `text`.
fn step_grid(path: &str, text: &str) -> Result<Grid, ConfigFault> {
    let step = decimal(path, text)?;
    range(path, step.scale, 0, 12)?;
    Grid::from_step(step).ok_or_else(|| ConfigFault::new(path, format!("\"{text}\""), "above 0"))
}

/// Id of the settlement currency; one that is new joins `currencies`, names with their scales.
fn settlement_currency(
    settlement: &CurrencyConfig,
    currencies: &mut Vec<(String, u8)>,
    path: &str,
) -> Result<CurrencyId, ConfigFault> {
    let at = |key: &str| format!("{path}.settlement.{key}");
    ascii_name(&at("currency"), &settlement.currency, 16)?;
    range(&at("scale"), settlement.scale, 0, 12)?;
    let known = currencies.iter().position(|(name, _)| *name == settlement.currency);
    let currency = known.unwrap_or(currencies.len());
    if known.is_none() {
        currencies.push((settlement.currency.clone(), settlement.scale));
    } else if currencies[currency].1 != settlement.scale {
        return Err(ConfigFault::new(at("scale"), "differs from another instrument's", "one scale per currency"));
    }
    Ok(CurrencyId(currency as u16))
}

/// A fee as a fraction of the value, in 1/10⁸.
fn fee_rate(path: &str, text: &str) -> Result<i64, ConfigFault> {
    let steps = exact(path, text, &Grid { scale: 8, increment: 1 })?;
    range(path, steps, -10_000_000, 100_000_000)?;
    Ok(steps)
}

/// Price increments: from which price on, and which, in ticks.
fn price_increments(increments: &[IncrementConfig], price: &Grid, path: &str) -> Result<Vec<(i64, i64)>, ConfigFault> {
    let at = |key: &str| format!("{path}.{key}");
    range(&at("priceIncrements.length"), increments.len(), 0, INCREMENT_STEPS_MAX)?;
    let mut steps = Vec::new();
    for (n, step) in increments.iter().enumerate() {
        let from = exact(&at(&format!("priceIncrements[{n}].fromPrice")), &step.from_price, price)?;
        let increment = positive(&at(&format!("priceIncrements[{n}].increment")), &step.increment, price)?;
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
    Ok(steps)
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
    let price = step_grid(&at("tickSize"), &item.tick_size)?;
    let quantity = step_grid(&at("lotSize"), &item.lot_size)?;
    let price_decimals = item.price_decimals.unwrap_or(price.scale);
    let quantity_decimals = item.quantity_decimals.unwrap_or(quantity.scale);
    range(&at("priceDecimals"), price_decimals, price.scale, 18)?;
    range(&at("quantityDecimals"), quantity_decimals, quantity.scale, 18)?;
    let multiplier = decimal(&at("multiplier"), &item.multiplier)?;
    range(&at("multiplier"), multiplier.mantissa, 1, 1 << 40)?;
    let currency = settlement_currency(&item.settlement, currencies, path)?;
    let fees = (fee_rate(&at("makerFee"), &item.maker_fee)?, fee_rate(&at("takerFee"), &item.taker_fee)?);
    let money = Grid { scale: item.settlement.scale, increment: 1 };
    let min_notional = exact(&at("minNotional"), &item.min_notional, &money)?;
    range(&at("minNotional"), min_notional, 0, i64::MAX)?;
    let steps = price_increments(&item.price_increments, &price, path)?;
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
        (currency, item.settlement.scale),
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
            HorizonConfig::Infinite => Horizon::Infinite,
        };
        if let Horizon::Constant { seconds } | Horizon::Countdown { seconds } = horizon {
            above_zero(&at("horizon.seconds"), seconds, YEAR_SECONDS)?;
        }
        range(&at("requoteTicks"), config.requote_ticks, 1, 1_000_000)?;
        let calibration =
            config.calibration.as_ref().map(|item| IntensityCalibration::resolve(item, path)).transpose()?;
        let market = config.market_calibration.as_ref();
        if market.is_some() && calibration.is_some() {
            let what = "κ from our own fills and from the market";
            return Err(ConfigFault::new(at("marketCalibration"), what, "one of the two"));
        }
        let decay = config.intensity_decay_per_price;
        let market_calibration = market.map(|item| MarketCalibration::resolve(item, decay, path)).transpose()?;
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
            market_calibration,
            algo_id: AlgoId(config.algo_id),
            trader_id: TraderId(config.trader_id),
            model: Model::resolve(config, path)?,
            rules: QuoterRules::resolve(config, order_lots, instrument, path)?,
        })
    }
}

impl IntensityCalibration {
    fn resolve(config: &IntensityCalibrationConfig, path: &str) -> Result<IntensityCalibration, ConfigFault> {
        let at = |key: &str| format!("{path}.calibration.{key}");
        above_zero(&at("arrivalsPerSecond"), config.arrivals_per_second, 1e6)?;
        above_zero(&at("priorFills"), config.prior_fills, 1e9)?;
        range(&at("priorSeconds"), config.prior_seconds, 0.0, 1e9)?;
        above_zero(&at("priorDistancePrice"), config.prior_distance_price, 1e12)?;
        above_zero(&at("minPerPrice"), config.min_per_price, 1e9)?;
        range(&at("maxPerPrice"), config.max_per_price, config.min_per_price, 1e9)?;
        Ok(IntensityCalibration {
            arrivals_per_second: config.arrivals_per_second,
            prior_fills: config.prior_fills,
            prior_seconds: config.prior_seconds,
            prior_distance_price: config.prior_distance_price,
            min_per_price: config.min_per_price,
            max_per_price: config.max_per_price,
        })
    }
}

/// Mids from which on σ is in force where nothing else is said: a standard error of 10 %, so that quotes wait for a
/// dozen seconds of a liquid market and not for minutes.
const OBSERVATIONS_DEFAULT: u32 = 50;

impl VolatilityParams {
    fn resolve(config: &VolatilityConfig) -> Result<VolatilityParams, ConfigFault> {
        range("volatility.window", config.window, 2, 65_536)?;
        let min_observations = config.min_observations.unwrap_or(OBSERVATIONS_DEFAULT.min(config.window));
        range("volatility.minObservations", min_observations, 2, config.window)?;
        range("volatility.clockMillis", config.clock_millis, 1, 3_600_000)?;
        let sampling = match config.sample {
            SampleRule::ChangedMid => Sampling::ChangedMid,
            SampleRule::EveryUpdate => Sampling::EveryUpdate,
            SampleRule::FixedClock => Sampling::FixedClock { interval: Nanos::from_millis(config.clock_millis as u64) },
        };
        Ok(VolatilityParams { window: config.window as usize, min_observations: min_observations as usize, sampling })
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
