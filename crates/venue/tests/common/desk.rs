//! A recorded market of two levels a side, and what it says.
use super::*;
use fafnir_venue::{RecordedVenue, reserve_reports};
use types::config::Feed;

pub const BID: i64 = 599_999;
pub const ASK: i64 = 600_001;

pub struct Desk {
    pub venue: RecordedVenue,
    pub now: u64,
    pub id: u64,
    /// Update id of the last L1.
    pub prints: u64,
    pub reports: Vec<OrderEvent>,
}

impl Desk {
    /// Bids 100 at the touch and 50 one below, asks 80 and 60; update id 10.
    pub fn open() -> Desk {
        let mut desk = Desk {
            venue: RecordedVenue::new(&instrument("0"), Feed::BinanceUsdm),
            now: 0,
            id: 10,
            prints: 0,
            reports: reserve_reports(),
        };
        desk.snapshot(10, &[(BID, 100), (BID - 1, 50)], &[(ASK, 80), (ASK + 1, 60)]);
        desk.diff(&[], &[]);
        assert!(desk.venue.book().is_valid());
        desk
    }
    pub fn now(&mut self) -> UnixNanos {
        self.now += 1;
        UnixNanos(self.now)
    }
    pub fn snapshot(&mut self, id: u64, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let now = self.now();
        self.venue.on_snapshot(now, &snapshot(id), &levels(bids), &levels(asks), &mut self.reports);
    }
    pub fn diff(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let (now, previous) = (self.now(), self.id);
        self.id += 10;
        let header = diff(if previous == 10 { 10 } else { previous + 1 }, self.id, previous);
        self.venue.on_depth(now, &header, &levels(bids), &levels(asks), &mut self.reports);
    }
    pub fn trade(&mut self, aggressor: Side, price: i64, lots: i64) {
        let now = self.now();
        self.venue.on_trade(now, &trade(aggressor, price, lots), &mut self.reports);
    }
    /// An L1 newer than the last diff.
    pub fn touch(&mut self, bid: (i64, i64), ask: (i64, i64)) {
        let now = self.now();
        self.prints = if self.prints > self.id { self.prints + 1 } else { self.id + 1 };
        assert!(self.prints < self.id + 10);
        let id = self.prints;
        self.venue.on_touch(now, &touch(id, bid, ask), &mut self.reports);
    }
    pub fn send(&mut self, request: OrderEvent) -> OrderEvent {
        let now = self.now();
        self.venue.on_request(now, &request, &mut self.reports);
        request
    }
    pub fn ahead(&self, order: &OrderEvent) -> f64 {
        self.venue.queue_ahead(order.order_id).unwrap()
    }
    /// The reports since the last call, in brief.
    pub fn said(&mut self) -> Vec<(types::OrderEventKind, u32, i64, i64, i64)> {
        self.reports.drain(..).map(|report| brief(&report)).collect()
    }
    /// The reason of the only report.
    pub fn refused(&mut self) -> (types::OrderEventKind, Code) {
        assert_eq!(self.reports.len(), 1, "{:?}", self.reports);
        let report = self.reports.remove(0);
        (report.kind().unwrap(), reason(&report).unwrap())
    }
}
