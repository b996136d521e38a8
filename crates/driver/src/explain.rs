//! # Room card: driver/explain
//! In:    a journal, and which quote is asked about: by turn, by time, by order, or the last one.
//! Out:   how that decision's quotes came to be, term by term, and how many quotes of the run add up.
//! Holds: the terms are those the decision itself wrote down while the journal was replayed; nothing is computed again.
//! Costs: a replay; a look at each turn's effects.
use std::path::Path;

use engine::Engine;
use quote::{QuoteTerms, SideTerms, Standing};
use serde::Serialize;
use types::config::Model;
use types::event::flag;
use types::{
    Code, EffectRef, Effects, Fault, Input, InstrumentId, OrderEvent, OrderEventKind, OrderId, Side, UnixNanos,
};

use crate::replay::replay_with;

/// Which quote is asked about. Everything left out: the last quote of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhichQuote {
    /// The decision of this turn, whether it sent something or not.
    pub turn: Option<u64>,
    /// The last quote sent at or before this moment.
    pub at: Option<UnixNanos>,
    /// The last quote sent under this order or request id.
    pub order: Option<OrderId>,
    /// Only quotes of this symbol.
    pub symbol: Option<String>,
}

/// One order sent by the decision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedOrder {
    /// "session-counter".
    pub order: String,
    /// The request's own id; differs from `order` for a replace.
    pub request: String,
    /// "place", "replace" or "take".
    pub kind: &'static str,
    /// "bid" or "ask".
    pub side: &'static str,
    /// 0 for the first.
    pub level: usize,
    /// Price sent, ticks.
    pub price_ticks: i64,
    /// Lots sent; a replace counts what was filled before.
    pub lots: i64,
    /// What the level adds to the side's price, ticks.
    pub level_ticks: i64,
    /// The terms and the level add up to the price sent, exactly.
    pub adds_up: bool,
}

/// Terms of one side; see `quote::SideTerms`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedSide {
    /// "bid" or "ask".
    pub side: &'static str,
    /// The model or the strategy wants the side.
    pub wanted: bool,
    /// Inventory (or, with `asked`, the price asked for), price.
    pub inventory_price: f64,
    /// Half spread for the chance of being hit, price.
    pub intensity_half_price: f64,
    /// Half spread for inventory, price.
    pub inventory_half_price: f64,
    /// Half spread for toxic flow, price.
    pub toxicity_half_price: f64,
    /// Sum of these and the fair value.
    pub model_price: f64,
    /// The same in ticks.
    pub model_ticks: f64,
    /// Rounding outward, ticks.
    pub rounding_ticks: f64,
    /// Largest and smallest spread, ticks.
    pub spread_ticks: i64,
    /// Fees, ticks.
    pub fee_ticks: i64,
    /// Off the other side of the touch, ticks.
    pub touch_ticks: i64,
    /// Order increment, ticks.
    pub increment_ticks: i64,
    /// Sum: the price of the first level, ticks.
    pub price_ticks: i64,
    /// Lots before the gate.
    pub wanted_lots: i64,
    /// Other open lots of the side.
    pub other_lots: i64,
    /// Lots after the gate.
    pub lots: i64,
    /// The terms give exactly the price.
    pub adds_up: bool,
}

/// How one decision came to be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedQuote {
    /// Turn of the decision.
    pub turn: u64,
    /// Its time, Unix ns as text.
    pub time_ns: String,
    /// Symbol.
    pub symbol: String,
    /// "avellanedaStoikov", "glft" or "strategy".
    pub model: &'static str,
    /// Why there are quotes, or none.
    pub standing: &'static str,
    /// Best bid and ask then, ticks.
    pub touch_ticks: [Option<i64>; 2],
    /// Price of one tick.
    pub tick_price: f64,
    /// Fair value, price.
    pub fair_price: f64,
    /// γ, 1/money.
    pub risk_aversion_per_money: f64,
    /// κ in force of bid and ask, 1/price.
    pub decay_per_price: [f64; 2],
    /// A in force of bid and ask, 1/second; `None` where nothing says one.
    pub arrivals_per_second: [Option<f64>; 2],
    /// Where A and κ come from: "given", "ownFills" or "market".
    pub intensity_source: &'static str,
    /// Refits from the market's trades that were accepted so far, bid and ask.
    pub refits_accepted: [u64; 2],
    /// Those that a guard refused.
    pub refits_refused: [u64; 2],
    /// σ, price per √second.
    pub volatility_price_per_sqrt_second: f64,
    /// Its standard error; `None` where σ is the one that was given.
    pub volatility_standard_error: Option<f64>,
    /// Mids it is of.
    pub volatility_mids: usize,
    /// T-t, seconds; `None` without an end.
    pub horizon_seconds: Option<f64>,
    /// Position, lots.
    pub position_lots: i64,
    /// Position, base units.
    pub inventory_base: f64,
    /// The gate's limit, lots.
    pub limit_lots: i64,
    /// Drift and unlike sides, price.
    pub drift_price: f64,
    /// Toxicity, 0 to 1.
    pub toxicity: f64,
    /// The prices are a strategy's.
    pub asked: bool,
    /// Bid and ask.
    pub sides: Vec<ExplainedSide>,
    /// What was sent.
    pub orders: Vec<ExplainedOrder>,
}

/// What `explain` found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The quote asked about; `None` when the run has no such quote.
    pub quote: Option<ExplainedQuote>,
    /// Quotes of native quoters in the part of the run that was looked at.
    pub quotes: u64,
    /// Of these, those whose terms add up to the price sent.
    pub adding_up: u64,
    /// The effects agree with the recorded hashes.
    pub matches: bool,
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "bid",
        Side::Sell => "ask",
    }
}

/// Replays a journal and explains a quote of its native quoters. Errors: those of `replay`; UnknownInstrument for a
/// symbol the journal's configuration does not have.
pub fn explain(
    path: &Path,
    which: &WhichQuote,
    progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
) -> Result<Explained, Fault> {
    let mut found = Explained { quote: None, quotes: 0, adding_up: 0, matches: false };
    let mut unknown = false;
    let replayed = replay_with(path, None, progress, keep_going, |engine, input, effects| {
        let Some(effects) = effects else { return };
        let symbols = &engine.setup().instruments;
        unknown = which.symbol.as_ref().is_some_and(|name| symbols.iter().all(|known| known.symbol() != name));
        look(&mut found, engine, input, effects, which);
    })?;
    if unknown {
        let fields = vec![("symbol", which.symbol.clone().unwrap_or_default())];
        return Err(Fault::new(Code::UnknownInstrument, "the journal's configuration has no such symbol", fields));
    }
    found.matches = replayed.outcome.matches;
    Ok(found)
}

/// Takes in one turn.
fn look(found: &mut Explained, engine: &Engine, input: &Input<'_>, effects: &Effects, which: &WhichQuote) {
    for instrument in &engine.setup().instruments {
        let Some(quoter) = engine.quoter(instrument.id) else { continue };
        let orders = orders_of(engine, instrument.id, quoter.terms(), effects);
        found.quotes += orders.len() as u64;
        found.adding_up += orders.iter().filter(|order| order.adds_up).count() as u64;
        if which.symbol.as_ref().is_some_and(|name| name != instrument.symbol()) {
            continue;
        }
        let decided = quoter.terms().now == input.now;
        let chosen = match which {
            WhichQuote { turn: Some(turn), .. } => *turn == input.turn && decided,
            WhichQuote { order: Some(id), .. } => {
                let text = id_text(*id);
                orders.iter().any(|order| order.order == text || order.request == text)
            }
            WhichQuote { at: Some(at), .. } => input.now <= *at && !orders.is_empty(),
            _ => !orders.is_empty(),
        };
        // With several instruments in one turn, the one that sent something is meant.
        if chosen && (!orders.is_empty() || found.quote.as_ref().is_none_or(|quote| quote.orders.is_empty())) {
            found.quote = Some(explained(engine, instrument.id, input, orders));
        }
    }
}

fn id_text(id: OrderId) -> String {
    format!("{}-{}", id.session(), id.counter())
}

/// The requests of the native quoter in a turn.
fn orders_of(engine: &Engine, id: InstrumentId, terms: &QuoteTerms, effects: &Effects) -> Vec<ExplainedOrder> {
    let mut orders = Vec::new();
    for effect in effects {
        let EffectRef::Order(event) = effect else { continue };
        let kind = match event.kind() {
            Some(OrderEventKind::New) if event.flags & flag::IOC != 0 => "take",
            Some(OrderEventKind::New) => "place",
            Some(OrderEventKind::Replace) => "replace",
            _ => continue,
        };
        if event.instrument() == id
            && event.client_id == 0
            && let Some(order) = explained_order(engine, id, terms, event, kind)
        {
            orders.push(order);
        }
    }
    orders
}

fn explained_order(
    engine: &Engine,
    id: InstrumentId,
    terms: &QuoteTerms,
    event: &OrderEvent,
    kind: &'static str,
) -> Option<ExplainedOrder> {
    let (side, order) = (event.side()?, event.order_id());
    let first = engine.quotes(id)[side.index()] == Some(order);
    let outer = engine.outer_quotes(id, side).iter().position(|&level| level == Some(order));
    let level = if first { 0 } else { outer? + 1 };
    let terms_of_side = &terms.sides[side.index()];
    let level_ticks = if kind == "take" { 0 } else { event.price.0 - terms_of_side.price.0 };
    // A first level stands at the terms' price; a further one strictly behind it. An order that takes has no terms: its
    // price is the touch and the limit.
    let placed = match (kind, side) {
        ("take", _) => terms.standing == Standing::Crossing,
        _ if level == 0 => level_ticks == 0 && terms.adds_up(side),
        (_, Side::Buy) => level_ticks < 0 && terms.adds_up(side),
        (_, Side::Sell) => level_ticks > 0 && terms.adds_up(side),
    };
    Some(ExplainedOrder {
        order: id_text(order),
        request: id_text(event.request_id()),
        kind,
        side: side_name(side),
        level,
        price_ticks: event.price.0,
        lots: event.quantity.0,
        level_ticks,
        adds_up: placed,
    })
}

fn explained(engine: &Engine, id: InstrumentId, input: &Input<'_>, orders: Vec<ExplainedOrder>) -> ExplainedQuote {
    let (touch, quoter) = (engine.touch(id), engine.quoter(id));
    let fit = quoter.and_then(|quoter| quoter.market_fit());
    let terms = quoter.map_or(QuoteTerms::default(), |quoter| *quoter.terms());
    let model = match quoter.map(|quoter| quoter.params().model) {
        Some(Model::Glft { .. }) => "glft",
        Some(Model::Strategy) => "strategy",
        _ => "avellanedaStoikov",
    };
    ExplainedQuote {
        turn: input.turn,
        time_ns: input.now.0.to_string(),
        symbol: engine.instrument(id).symbol().to_string(),
        model,
        standing: terms.standing.name(),
        touch_ticks: Side::BOTH.map(|side| touch.and_then(|touch| touch.price(side)).map(|price| price.0)),
        tick_price: terms.tick_price,
        fair_price: terms.fair_price,
        risk_aversion_per_money: quoter.map_or(0.0, |quoter| quoter.params().risk_aversion_per_money),
        decay_per_price: Side::BOTH.map(|side| quoter.map_or(0.0, |quoter| quoter.intensity_decay_per_price(side))),
        arrivals_per_second: Side::BOTH.map(|side| quoter.and_then(|quoter| quoter.arrivals_per_second(side))),
        intensity_source: match (fit, quoter.map(|quoter| quoter.params().calibration)) {
            (Some(_), _) => "market",
            (None, Some(Some(_))) => "ownFills",
            _ => "given",
        },
        refits_accepted: Side::BOTH.map(|side| fit.map_or(0, |fit| fit.counts(side).accepted)),
        refits_refused: Side::BOTH.map(|side| fit.map_or(0, |fit| fit.counts(side).refused())),
        volatility_price_per_sqrt_second: terms.sigma,
        volatility_standard_error: engine.volatility(id).standard_error(),
        volatility_mids: engine.volatility(id).samples(),
        horizon_seconds: Some(terms.horizon_seconds).filter(|seconds| seconds.is_finite()),
        position_lots: terms.position.0,
        inventory_base: terms.inventory_base,
        limit_lots: terms.limit_lots.0,
        drift_price: terms.drift_price,
        toxicity: terms.toxicity,
        asked: terms.asked,
        sides: Side::BOTH.map(|side| explained_side(&terms, side)).into(),
        orders,
    }
}

fn explained_side(terms: &QuoteTerms, side: Side) -> ExplainedSide {
    let of: &SideTerms = &terms.sides[side.index()];
    ExplainedSide {
        side: side_name(side),
        wanted: of.wanted,
        inventory_price: of.inventory_price,
        intensity_half_price: of.intensity_half_price,
        inventory_half_price: of.inventory_half_price,
        toxicity_half_price: of.toxicity_half_price,
        model_price: of.model_price,
        model_ticks: of.model_ticks,
        rounding_ticks: terms.rounding_ticks(side),
        spread_ticks: of.spread_ticks,
        fee_ticks: of.fee_ticks,
        touch_ticks: of.touch_ticks,
        increment_ticks: of.increment_ticks,
        price_ticks: of.price.0,
        wanted_lots: of.wanted_lots.0,
        other_lots: of.other_lots.0,
        lots: of.lots.0,
        adds_up: terms.adds_up(side),
    }
}
