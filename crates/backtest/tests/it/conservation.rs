//! The venue's ledger against the engine's position after every event, under random orders of a strategy: partial
//! fills, takers, replaces and cancels in flight included. `FAFNIR_LONG=1` runs ten times the events.
use crate::common;

use common::instrument;
use engine::Engine;
use serde_json::json;
use types::command::COMMAND_BYTES;
use types::config::{EngineConfig, Feed, GeneratedConfig};
use types::rng::SplitMix64;
use types::{
    ConnId, ConnState, EffectRef, Effects, Input, InputKind, Instrument, InstrumentId, Level, Lots, OrderEvent,
    OrderEventKind, Side, UnixNanos, VenueId, flag,
};
use venue::{FeedBatch, FeedItem, GeneratedVenue};
use wire::json::encode::{self, Envelope};

const SEED: u64 = 20_241_121;

struct World {
    engine: Engine,
    effects: Effects,
    venue: GeneratedVenue,
    instrument: Instrument,
    batch: FeedBatch,
    reports: Vec<OrderEvent>,
    bytes: Vec<u8>,
    turn: u64,
    now: UnixNanos,
    events: u64,
    fills: u64,
    partial: u64,
    /// Number of the fill report to lose, if any.
    lose: Option<u64>,
    disagreed: bool,
}

impl World {
    fn new(lose: Option<u64>) -> World {
        let mut btc = instrument("BTCUSDT", "0.0002");
        btc["risk"] =
            json!({ "collarBasisPoints": 10_000, "maxMessages": 1_000_000, "referenceMaxAgeMillis": 86_400_000 });
        let config = json!({ "venues": [{ "name": "BINANCE" }], "instruments": [btc] });
        let (_, setup) = EngineConfig::from_json(&config.to_string()).unwrap();
        let instrument = setup.instruments[0].clone();
        let market = GeneratedConfig { seconds: 31_000_000, seed: SEED, ..GeneratedConfig::default() };
        let mut world = World {
            venue: GeneratedVenue::new(&instrument, &market, Feed::BinanceUsdm).unwrap(),
            engine: Engine::new(setup),
            effects: Effects::new(),
            instrument,
            batch: FeedBatch::new(),
            reports: venue::reserve_reports(),
            bytes: Vec::new(),
            turn: 0,
            now: UnixNanos(market.start_unix_seconds * 1_000_000_000),
            events: 0,
            fills: 0,
            partial: 0,
            lose,
            disagreed: false,
        };
        world.turn(InputKind::Conn { conn: ConnId::orders(VenueId(0)), state: ConnState::Up });
        world
    }

    /// One turn; requests reach the venue at once, and so do its reports, until nobody has anything to say.
    fn turn(&mut self, kind: InputKind<'_>) {
        self.turn += 1;
        self.engine.turn(&Input { turn: self.turn, now: self.now, kind }, &mut self.effects);
        let requests: Vec<OrderEvent> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                EffectRef::Order(event) if event.kind().is_some_and(OrderEventKind::is_request) => Some(*event),
                _ => None,
            })
            .collect();
        for request in requests {
            self.venue.on_request(self.now, &request, &mut self.batch, &mut self.reports);
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        for report in std::mem::take(&mut self.reports) {
            if report.kind() == Some(OrderEventKind::Fill) {
                self.fills += 1;
                self.partial += (report.filled < report.quantity) as u64;
                if self.lose == Some(self.fills) {
                    continue;
                }
            }
            self.turn(InputKind::Report(&report));
        }
        for i in 0..self.batch.items.len() {
            let item = self.batch.items[i];
            let mut bytes = std::mem::take(&mut self.bytes);
            if let Some(conn) = encode_item(&mut bytes, &self.instrument, &self.batch, &item) {
                self.turn(InputKind::Bytes { conn, bytes: &bytes });
            }
            self.bytes = bytes;
        }
        self.batch.clear();
    }

    fn check(&mut self) {
        self.events += 1;
        let position = self.engine.orders().position(InstrumentId(0));
        let ledger = self.venue.ledger();
        let agrees = ledger.agrees(position.lots, position.fees) && ledger.cash() == position.cash;
        if self.lose.is_none() {
            assert!(agrees, "event {} of seed {SEED}: {:?} against {position:?}", self.events, ledger);
        }
        self.disagreed |= !agrees;
    }

    fn step(&mut self, rng: &mut SplitMix64, next_client: &mut u64) {
        if rng.below(3) > 0 {
            self.now = self.venue.step(&mut self.batch, &mut self.reports).expect("the market goes on");
            self.deliver();
        } else {
            let command = self.command(rng, next_client);
            self.turn(InputKind::Command { producer: 0, cause_seq: 0, bytes: &command });
        }
        self.check();
    }

    /// A random place (near or through the touch), cancel or replace.
    fn command(&self, rng: &mut SplitMix64, next_client: &mut u64) -> [u8; COMMAND_BYTES] {
        let touch = self.engine.touch(InstrumentId(0));
        let (bid, ask) = touch.map_or((600_000, 600_001), |touch| (touch.bid.0, touch.ask.0));
        let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let near = if side == Side::Buy { bid } else { ask };
        let price = near + side.sign() * (rng.below(9) as i64 - 5);
        let kind = match rng.below(10) {
            0..=4 => 1u8,
            5..=6 => 2,
            _ => 3,
        };
        let client = if kind == 1 {
            *next_client += 1;
            *next_client
        } else {
            next_client.saturating_sub(rng.below(40)).max(1)
        };
        let flags = [flag::POST_ONLY, 0, 0, flag::IOC][rng.below(4) as usize];
        let mut bytes = [0; COMMAND_BYTES];
        (bytes[0], bytes[1], bytes[4]) = (kind, flags, side as u8);
        bytes[8..16].copy_from_slice(&client.to_le_bytes());
        bytes[16..24].copy_from_slice(&price.to_le_bytes());
        bytes[24..32].copy_from_slice(&(1 + rng.below(60) as i64).to_le_bytes());
        bytes
    }
}

fn encode_item(bytes: &mut Vec<u8>, instrument: &Instrument, batch: &FeedBatch, item: &FeedItem) -> Option<ConnId> {
    let feed = Feed::BinanceUsdm;
    match item {
        FeedItem::Touch(print) => encode::touch(bytes, feed, Envelope::Bare, instrument, print),
        FeedItem::Trade(print) => encode::trade(bytes, feed, Envelope::Bare, instrument, print),
        FeedItem::Depth { header, bids, asks } => {
            let (bids, asks): (&[Level], &[Level]) = (batch.bids(*bids), batch.asks(*asks));
            encode::depth(bytes, feed, Envelope::Bare, instrument, header, bids, asks);
        }
        FeedItem::Snapshot { .. } => return None,
    }
    Some(ConnId::market(VenueId(0)))
}

#[test]
fn ledger_and_position_agree_after_every_event() {
    let events = if std::env::var_os("FAFNIR_LONG").is_some() { 10_000_000 } else { 1_000_000 };
    let (mut world, mut rng, mut client) = (World::new(None), SplitMix64::new(SEED), 0);
    println!("seed {SEED}, {events} events");
    while world.events < events {
        world.step(&mut rng, &mut client);
    }
    let counts = world.engine.counts();
    assert!(world.fills > 10_000 && world.partial > 1_000, "{} fills, {} partial", world.fills, world.partial);
    assert!(counts.replaces > 1_000 && counts.cancels > 1_000);
    assert!(world.engine.orders().position(InstrumentId(0)).fees != 0);
    assert_ne!(world.venue.ledger().traded(Side::Buy), Lots(0));
}

#[test]
fn a_lost_report_is_found() {
    let mut rng = SplitMix64::new(SEED + 1);
    for _ in 0..20 {
        let lost = 1 + rng.below(200);
        let (mut world, mut orders, mut client) = (World::new(Some(lost)), SplitMix64::new(rng.next_u64()), 0);
        while world.fills < lost {
            world.step(&mut orders, &mut client);
        }
        world.check();
        assert!(world.disagreed, "fill {lost} was lost and nobody saw it");
    }
}
