//! A whole session on threads: a feed, a gateway that answers, a journal; afterwards gateway and engine agree.
mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{QUOTED, Session, frames, scratch};
use engine::Engine;
use journal::{Reader, Record};
use ring::OrdersReader;
use types::config::EngineConfig;
use types::{Effects, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderState, Ticks, UnixNanos};
use zerocopy::FromBytes;

#[derive(Clone, Copy)]
struct Resting {
    price: Ticks,
    lots: i64,
    filled: i64,
}

/// Answers every request as a venue would; some orders it fills, whole or in part.
#[derive(Default)]
struct Gateway {
    resting: BTreeMap<u64, Resting>,
    position: i64,
    requests: u64,
    fills: u64,
    last_sequence: u64,
}

impl Gateway {
    fn answer(&mut self, record: &[u8], reports: &mut Vec<OrderEvent>) {
        let event = OrderEvent::read_from_bytes(record).unwrap();
        assert!(event.sequence > self.last_sequence, "in the order of the engine's one sequence");
        self.last_sequence = event.sequence;
        let (kind, id) = (event.kind().unwrap(), event.order_id);
        if !kind.is_request() {
            return;
        }
        self.requests += 1;
        let report = |kind| {
            let mut report = OrderEvent::new(kind, event.instrument(), event.side().unwrap(), event.order_id());
            (report.request, report.time) = (event.request, UnixNanos(1));
            report
        };
        let rests = self.resting.get(&id).copied();
        match (kind, rests) {
            (OrderEventKind::New, _) => {
                self.resting.insert(id, Resting { price: event.price, lots: event.quantity.0, filled: 0 });
                reports.push(report(OrderEventKind::Accepted));
                self.trade(&event, reports);
            }
            (OrderEventKind::Replace, Some(order)) if event.quantity.0 > order.filled => {
                self.resting.insert(id, Resting { price: event.price, lots: event.quantity.0, ..order });
                reports.push(report(OrderEventKind::Replaced));
                self.trade(&event, reports);
            }
            (OrderEventKind::Replace, _) => reports.push(report(OrderEventKind::ReplaceRejected)),
            (_, Some(_)) => {
                self.resting.remove(&id);
                reports.push(report(OrderEventKind::Cancelled));
            }
            (_, None) => reports.push(report(OrderEventKind::CancelRejected)),
        }
    }

    /// Every fourth order or replace trades three lots, every seventh all that is left.
    fn trade(&mut self, event: &OrderEvent, reports: &mut Vec<OrderEvent>) {
        let left = self.resting.get(&event.order_id).map_or(0, |order| order.lots - order.filled);
        let lots = if self.requests.is_multiple_of(7) { left } else { left.min(3) };
        if lots > 0 && (self.requests.is_multiple_of(7) || self.requests.is_multiple_of(4)) {
            self.fill(event, lots, reports);
        }
    }

    fn fill(&mut self, event: &OrderEvent, lots: i64, reports: &mut Vec<OrderEvent>) {
        let (side, order) = (event.side().unwrap(), self.resting.get_mut(&event.order_id).unwrap());
        let mut report = OrderEvent::new(OrderEventKind::Fill, event.instrument(), side, event.order_id());
        order.filled += lots;
        (report.last_price, report.last_lots, report.filled) = (order.price, Lots(lots), Lots(order.filled));
        if order.filled == order.lots {
            self.resting.remove(&event.order_id);
        }
        self.position += side.sign() * lots;
        self.fills += 1;
        reports.push(report);
    }
}

/// What the journal says the engine's state was at the end.
fn replayed(dir: &std::path::Path) -> Engine {
    let mut reader = Reader::open(dir).unwrap();
    let (_, setup) = EngineConfig::from_json(&reader.start().config).unwrap();
    let (mut engine, mut effects, mut now) = (Engine::new(setup), Effects::new(), UnixNanos::NONE);
    while let Some(record) = reader.next() {
        if let Record::Input(input) = record {
            assert!(input.now >= now, "time never steps back");
            now = input.now;
            engine.turn(&input, &mut effects);
        }
    }
    engine
}

/// Answers what waits in the orders ring.
fn serve(session: &mut Session, gateway: &mut Gateway) -> usize {
    let mut reports = Vec::new();
    let orders: &mut OrdersReader = &mut session.orders;
    let seen = orders.poll(256, |record| gateway.answer(record, &mut reports)).unwrap();
    for report in &reports {
        session.report(report);
    }
    seen
}

#[test]
fn gateway_and_engine_agree_and_the_journal_replays_to_the_same_hash() {
    let dir = scratch("session");
    let (mut session, mut gateway) = (Session::start(QUOTED, Some(dir.clone())), Gateway::default());
    for (snapshot, bytes) in frames() {
        session.frame(snapshot, &bytes);
        // Slow enough for answers to matter, fast enough for orders to be in flight.
        let until = Instant::now() + Duration::from_micros(60);
        while Instant::now() < until {
            serve(&mut session, &mut gateway);
        }
    }
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(100) {
        if serve(&mut session, &mut gateway) > 0 {
            quiet = Instant::now();
        }
    }
    assert!(gateway.requests > 50 && gateway.fills > 10, "{} requests, {} fills", gateway.requests, gateway.fills);
    let summary = session.hosted.close().unwrap();
    assert!(session.hosted.close().is_none(), "closed once");
    assert!(summary.fault.is_none(), "{:?}", summary.fault);
    assert_eq!((summary.dropped, summary.malformed, summary.timers_refused), (0, 0, 0));

    // The close asked for the cancel of every order that still rests, and of no other.
    let mut cancelled = Vec::new();
    let read = session.orders.poll(usize::MAX, |record| {
        let event = OrderEvent::read_from_bytes(record).unwrap();
        assert_eq!(event.kind(), Some(OrderEventKind::Cancel));
        cancelled.push(event.order_id);
    });
    assert_eq!(read, Ok(cancelled.len()));
    assert_eq!(cancelled, gateway.resting.keys().copied().collect::<Vec<_>>());

    let journal = dir.join("journal");
    let engine = replayed(&journal);
    assert_eq!(engine.orders().position(InstrumentId(0)).lots.0, gateway.position);
    assert!(engine.orders().open_orders().all(|order| order.state == OrderState::PendingCancel));
    for order in engine.orders().open_orders() {
        assert_eq!(order.filled.0, gateway.resting[&order.id.0].filled);
    }
    let outcome = fafnir_driver::replay(&journal, None, |_| (), || true).unwrap();
    assert_eq!((outcome.hash, outcome.turns, outcome.reason), (summary.hash, summary.turns, "closed"));
    assert!(outcome.matches && outcome.marks_checked >= 1);
    std::fs::remove_dir_all(&dir).unwrap();
}
