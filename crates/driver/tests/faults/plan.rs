//! # Room card: driver/tests/faults/plan
//! In:    a seed.
//! Out:   what goes wrong in an episode, how often and when; the configurations of both sides.
//! Holds: everything is drawn here or from the stream that goes on from here, so that a seed is an episode.
//! Costs: tests only.
use types::UnixNanos;
use types::config::{EngineConfig, ExchangeConfig, Setup};
use types::rng::SplitMix64;

/// Where virtual time begins.
pub const START: UnixNanos = UnixNanos(1_800_000_000_000_000_000);
pub const MILLI: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MILLI;
/// CompID of the engine.
pub const CLIENT: &str = "FAFNIR";
const SYMBOLS: [&str; 2] = ["AAAUSDT", "BBBUSDT"];

/// What happens at a moment of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mishap {
    /// Both market ends learn of it at their own time.
    CutMarket,
    CutOrders,
    /// The venue says goodbye on the market connection.
    CloseMarket,
    /// Bytes of one direction wait this long: half-open, or a mute peer.
    HoldMarket(u64),
    HoldToVenue(u64),
    HoldToEngine(u64),
    CrashVenue,
    /// The venue does not read for this long.
    Block(u64),
    Unblock,
    /// With this many of the turn's sends still made.
    CrashEngine(u64),
    Kill,
}

/// How bytes are cut on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cuts {
    Whole,
    Some,
    EveryByte,
}

/// Rates are of 10,000.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub instruments: usize,
    /// How long things go wrong.
    pub trouble: u64,
    /// Of market data, orders to the venue, reports to the engine.
    pub latency: [u64; 3],
    pub jitter: u64,
    pub cuts: Cuts,
    pub market_drop: u64,
    pub market_parts: u64,
    pub fix_drop: u64,
    pub fix_double: u64,
    pub fix_damage: u64,
    pub refuse_connect: u64,
    pub snapshot_trouble: u64,
    pub mishaps: Vec<(u64, Mishap)>,
    pub drop_fill: Option<u64>,
    pub mute_after: Option<u64>,
    pub heartbeat_seconds: u64,
    pub cancel_on_disconnect: bool,
    pub venue_cancels: bool,
    /// The engine's journal is on disk and recovered from there.
    pub disk: bool,
}

/// Is it so, with a rate of 10,000?
pub fn chance(rng: &mut SplitMix64, rate: u64) -> bool {
    rate > 0 && rng.below(10_000) < rate
}

/// Even between two values.
pub fn between(rng: &mut SplitMix64, low: u64, high: u64) -> u64 {
    low + rng.below(high - low + 1)
}

/// A rate that is often zero.
fn rate(rng: &mut SplitMix64, most: u64) -> u64 {
    if rng.below(2) == 0 { 0 } else { 1 + rng.below(most) }
}

impl Plan {
    pub fn new(seed: u64, rng: &mut SplitMix64) -> Plan {
        let trouble = between(rng, 8, 24) * SECOND;
        let latency = [0, 1, 2].map(|_| between(rng, 20, 20_000) * 1_000);
        let cuts = [Cuts::Whole, Cuts::Whole, Cuts::Some, Cuts::Some, Cuts::Some, Cuts::EveryByte];
        let mut plan = Plan {
            seed,
            instruments: between(rng, 1, 2) as usize,
            trouble,
            latency,
            jitter: rng.below(4) * 2 * MILLI,
            cuts: cuts[rng.below(6) as usize],
            market_drop: rate(rng, 60),
            market_parts: rate(rng, 500),
            fix_drop: rate(rng, 150),
            fix_double: rate(rng, 60),
            fix_damage: rate(rng, 100),
            refuse_connect: rate(rng, 5_000),
            snapshot_trouble: rate(rng, 7_000),
            mishaps: Vec::new(),
            drop_fill: (rng.below(6) == 0).then(|| between(rng, 1, 8)),
            mute_after: (rng.below(12) == 0).then(|| between(rng, 1, 60)),
            heartbeat_seconds: between(rng, 1, 4),
            cancel_on_disconnect: rng.below(2) == 0,
            venue_cancels: rng.below(4) == 0,
            disk: rng.below(20) == 0,
        };
        plan.draw_mishaps(rng);
        plan
    }

    fn draw_mishaps(&mut self, rng: &mut SplitMix64) {
        let hold = |rng: &mut SplitMix64| between(rng, 5, 8_000) * MILLI;
        for kind in 0..9 {
            let most = if rng.below(2) == 0 { 0 } else { 1 + rng.below(3) };
            for _ in 0..most {
                let mishap = match kind {
                    0 => Mishap::CutMarket,
                    1 => Mishap::CutOrders,
                    2 => Mishap::CloseMarket,
                    3 => Mishap::HoldMarket(hold(rng)),
                    4 => Mishap::HoldToVenue(hold(rng)),
                    5 => Mishap::HoldToEngine(hold(rng)),
                    6 => Mishap::CrashVenue,
                    7 => Mishap::Block(between(rng, 1, 4_000) * MILLI),
                    _ => Mishap::CrashEngine(rng.below(4)),
                };
                let at = rng.below(self.trouble);
                self.mishaps.push((at, mishap));
                if let Mishap::Block(time) = mishap {
                    self.mishaps.push((at + time, Mishap::Unblock));
                }
            }
        }
        if rng.below(8) == 0 {
            self.mishaps.push((self.trouble / 2 + rng.below(self.trouble / 2), Mishap::Kill));
        }
        self.mishaps.sort_unstable();
    }

    fn instruments_json(&self) -> String {
        let one = |symbol: &str| {
            format!(
                r#"{{ "symbol": "{symbol}", "venue": "SIM", "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2,
                      "makerFee": "0.0002", "takerFee": "0.0005", "risk": {{ "maxMessages": 5000 }} }}"#
            )
        };
        SYMBOLS[..self.instruments].iter().map(|symbol| one(symbol)).collect::<Vec<_>>().join(",")
    }

    /// The engine's configuration, as text and resolved.
    pub fn engine(&self) -> (String, EngineConfig, Setup) {
        let quoter = |symbol: &str| {
            format!(
                r#"{{ "instrument": "{symbol}", "riskAversionPerMoney": 0.01, "intensityDecayPerPrice": 5.0,
                      "orderQuantity": "0.008", "maxInventory": "0.06", "requoteTicks": 2 }}"#
            )
        };
        let quoters = SYMBOLS[..self.instruments].iter().map(|symbol| quoter(symbol)).collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{ "session": 7, "volatility": {{ "window": 8 }},
                  "orders": {{ "maxOrders": 64, "ackTimeoutMillis": 700 }},
                  "venues": [{{ "name": "SIM", "senderCompId": "{CLIENT}",
                    "market": {{ "url": "ws://sim:1/stream", "snapshotUrl": "http://sim:1/depth?symbol={{symbol}}",
                                 "staleMillis": 2000 }},
                    "orders": {{ "kind": "fix", "address": "sim:2", "heartbeatSeconds": {},
                                 "cancelOnDisconnect": {} }} }}],
                  "instruments": [{}], "quoters": [{quoters}] }}"#,
            self.heartbeat_seconds,
            self.cancel_on_disconnect,
            self.instruments_json(),
        );
        let (config, setup) = EngineConfig::from_json(&text).unwrap_or_else(|fault| panic!("{fault}"));
        (text, config, setup)
    }

    /// The exchange's configuration for its life number `life`, which begins at `at`.
    pub fn exchange(&self, life: u64, at: UnixNanos, with_faults: bool) -> (ExchangeConfig, Setup) {
        let source = |(i, symbol): (usize, &&str)| {
            let seed = self.seed.wrapping_mul(31).wrapping_add(life * 2 + i as u64) % (1 << 50);
            format!(
                r#"{{ "kind": "generated", "instrument": "{symbol}", "market": {{ "seed": {seed}, "seconds": 100000,
                      "startPrice": "6000", "startUnixSeconds": {}, "marketOrdersPerSecond": 6,
                      "limitOrdersPerSecond": 24, "cancelRatePerSecond": 0.6, "depthDecayPerTick": 0.25,
                      "meanOrderLots": 10, "referenceVolatilityTicks": 3 }} }}"#,
                at.0 / SECOND
            )
        };
        let sources = SYMBOLS[..self.instruments].iter().enumerate().map(source).collect::<Vec<_>>().join(",");
        let faults = match (with_faults, self.drop_fill, self.mute_after) {
            (true, Some(fill), _) => format!(r#"{{ "dropFill": {fill} }}"#),
            (true, None, Some(after)) => format!(r#"{{ "muteOrdersAfter": {after} }}"#),
            _ => "{}".into(),
        };
        ExchangeConfig::from_json(&format!(
            r#"{{ "name": "SIM", "waitForClients": false, "stateDir": "ledger", "cancelOnDisconnect": {},
                  "faults": {faults}, "instruments": [{}], "sources": [{sources}] }}"#,
            self.venue_cancels,
            self.instruments_json(),
        ))
        .unwrap_or_else(|fault| panic!("{fault}"))
    }
}
