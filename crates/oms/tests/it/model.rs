//! 10^6 random requests and reports against a naive model: a hash map of orders whose state before a request is
//! remembered (not derived), sums recomputed from scratch, every report judged by the rules in words.
use crate::common;
use crate::known;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use common::{limits, setup, spec};
use fafnir_oms::Orders;
use known::Known;
use types::OrderEventKind as Kind;
use types::OrderState as State;
use types::rng::SplitMix64;
use types::{ClientId, Code, Instrument, InstrumentId, Lots, OrderEvent, OrderId, Side, Ticks, UnixNanos};

const MAX_ORDERS: usize = 64;
const STEPS: u64 = 1_000_000;

struct World {
    seed: u64,
    step: u64,
    rng: SplitMix64,
    orders: Orders,
    instruments: Vec<Instrument>,
    known: BTreeMap<u64, Known>,
    ended: VecDeque<u64>,
    ids: HashSet<u32>,
    last_id: u32,
    bought: [[i64; 2]; 3],
    cash: i128,
    fees: [i128; 3],
    tally: BTreeMap<String, u64>,
}

impl World {
    fn new(seed: u64) -> World {
        let instruments = setup().instruments;
        World {
            seed,
            step: 0,
            rng: SplitMix64::new(seed),
            orders: Orders::new(3, &limits(MAX_ORDERS), instruments.len()),
            instruments,
            known: BTreeMap::new(),
            ended: VecDeque::new(),
            ids: HashSet::new(),
            last_id: 0,
            bought: [[0; 2]; 3],
            cash: 0,
            fees: [0; 3],
            tally: BTreeMap::new(),
        }
    }
    fn why(&self) -> String {
        format!("seed {} step {}", self.seed, self.step)
    }
    fn count(&mut self, what: String) {
        *self.tally.entry(what).or_default() += 1;
    }
    fn pick(&mut self) -> Option<u64> {
        let at = self.rng.below(self.known.len().max(1) as u64) as usize;
        self.known.keys().nth(at).copied()
    }
    fn new_id(&mut self, event: &OrderEvent) {
        assert!(self.ids.insert(event.request) && event.request > self.last_id, "{}: id reused", self.why());
        self.last_id = event.request;
    }
    fn now(&self) -> UnixNanos {
        UnixNanos(self.step * 10)
    }

    fn place(&mut self) {
        let (side, price) = (Side::BOTH[self.rng.below(2) as usize], 1_000 + self.rng.below(50) as i64);
        let mut asked = spec(self.rng.below(3) as u16, side, price, self.rng.below(20) as i64 + 1);
        asked.client_id = ClientId(self.rng.below(120));
        let open: Vec<_> = self.known.values().filter(|order| order.state.is_open()).collect();
        let full = open.len() == MAX_ORDERS;
        let twice = asked.client_id.0 != 0 && open.iter().any(|order| order.client == asked.client_id.0);
        match self.orders.place(&asked, self.now()) {
            Err(code) => assert_eq!(
                Some(code),
                [(full, Code::OrdersFull), (twice, Code::DuplicateClientId)]
                    .into_iter()
                    .find_map(|(is, code)| is.then_some(code)),
                "{}",
                self.why()
            ),
            Ok(event) => {
                assert!(!full && !twice, "{}", self.why());
                self.new_id(&event);
                let order = Known {
                    instrument: asked.instrument.0,
                    side,
                    price,
                    quantity: asked.quantity.0,
                    filled: 0,
                    client: asked.client_id.0,
                    state: State::PendingNew,
                    before_cancel: State::PendingNew,
                    acknowledged: false,
                    cancel: None,
                    replace: None,
                    current: event.request,
                    awaited: BTreeSet::new(),
                    booked: 0,
                };
                self.known.insert(event.order_id, order);
            }
        }
    }

    fn request(&mut self, id: u64) {
        let now = self.now();
        let state = self.known[&id].state;
        let cancels = self.rng.below(2) == 0;
        let (price, quantity) = (1_000 + self.rng.below(50) as i64, self.rng.below(30) as i64 + 1);
        let result = if cancels {
            self.orders.cancel(OrderId(id), now)
        } else {
            self.orders.replace(OrderId(id), Ticks(price), Lots(quantity), now)
        };
        let working = matches!(state, State::Live | State::PartiallyFilled);
        let fits = working || cancels && matches!(state, State::PendingNew | State::PendingReplace);
        let below = !cancels && quantity < self.known[&id].filled;
        let why = self.why();
        match result {
            Ok(event) => {
                assert!(fits && !below, "{why}");
                self.new_id(&event);
                let order = self.known.get_mut(&id).unwrap();
                if cancels {
                    (order.before_cancel, order.state) = (order.state, State::PendingCancel);
                    order.cancel = Some(event.request);
                } else {
                    order.state = State::PendingReplace;
                    order.replace = Some((event.request, price, quantity));
                }
            }
            Err(code) => {
                let want = match (fits, state.is_open()) {
                    (true, _) if below => Code::QuantityBelowFilled,
                    (false, true) => Code::RequestPending,
                    (false, false) => Code::IllegalTransition,
                    _ => panic!("{why}: refused without a reason: {code:?}"),
                };
                assert_eq!(code, want, "{why}");
            }
        }
    }

    fn report(&mut self, id: u64) {
        let order = self.known[&id].clone();
        let kinds = [
            Kind::Fill,
            Kind::Fill,
            Kind::Fill,
            Kind::Accepted,
            Kind::Accepted,
            Kind::Rejected,
            Kind::Cancelled,
            Kind::Replaced,
            Kind::CancelRejected,
            Kind::ReplaceRejected,
            Kind::Expired,
        ];
        let kind = kinds[self.rng.below(kinds.len() as u64) as usize];
        let mut report = OrderEvent::new(kind, InstrumentId(order.instrument), order.side, OrderId(id));
        if kind == Kind::Fill {
            report.last_lots = Lots(self.rng.below(6) as i64 + 1);
            report.last_price = Ticks(order.price);
            report.fee = self.rng.below(11) as i64 - 5;
            if let Some((request, ..)) = order.replace.filter(|_| self.rng.below(8) == 0) {
                report.request = request;
            }
            let sum = order.filled + report.last_lots.0;
            report.filled = Lots(match self.rng.below(8) {
                0 => 0,
                1 => self.rng.below(order.filled as u64 + 1) as i64,
                2 => sum + self.rng.below(5) as i64,
                3 => (sum - self.rng.below(3) as i64).max(0),
                _ => sum,
            });
        } else if self.rng.below(50) == 0 {
            report.filled = Lots(order.filled + 1);
        }
        let mut after = order;
        let want = after.take(&report);
        let (at, now, why) = (after.instrument as usize, self.now(), self.why());
        let got = self.orders.report(&report, now, &self.instruments[at], None);
        self.count(format!("{kind:?} {:?}", got.map(|applied| applied.anomaly)));
        assert_eq!(got.map(|applied| applied.anomaly), want, "{why}: {report:?} on {:?}", self.known[&id]);
        if let Ok(applied) = got {
            assert_eq!((applied.event.state, applied.event.filled.0), (after.state as u8, after.filled), "{why}");
            if kind == Kind::Fill {
                let lots = report.last_lots.0;
                self.bought[at][after.side.index()] += lots;
                self.fees[at] += report.fee as i128;
                if at == 0 {
                    self.cash -= after.side.sign() as i128 * lots as i128 * report.last_price.0 as i128 * 10_000;
                }
            }
            if self.known[&id].state.is_open() && !after.state.is_open() {
                self.ended.push_back(id);
            }
            self.known.insert(id, after);
        }
        if self.ended.len() > MAX_ORDERS {
            self.known.remove(&self.ended.pop_front().unwrap());
        }
    }

    /// A statement of the order: of its terms with or without the replace, its fills or more or fewer, any state.
    fn status(&mut self, id: u64) {
        let order = self.known[&id].clone();
        let mut report = OrderEvent::new(Kind::Status, InstrumentId(order.instrument), order.side, OrderId(id));
        report.filled = Lots((order.filled + [0, 0, 0, 1, 3, -1][self.rng.below(6) as usize]).max(0));
        report.last_price = Ticks(if self.rng.below(3) == 0 { 0 } else { order.price });
        let stated = [State::Live, State::Live, State::Live, State::Filled, State::Cancelled, State::Expired];
        report.state = stated[self.rng.below(6) as usize] as u8;
        match (order.replace, self.rng.below(4)) {
            (_, 0) => {}
            (Some((request, ..)), 1) => report.request = request,
            (Some((_, price, quantity)), 2) => (report.price, report.quantity) = (Ticks(price), Lots(quantity)),
            _ => (report.price, report.quantity) = (Ticks(order.price), Lots(order.quantity)),
        }
        if self.rng.below(10) == 0 {
            (report.state, report.filled) = (State::Rejected as u8, Lots(0));
            (report.reason, report.side) = (Code::VenueUnknownOrder as u16, 0);
        }
        let next = self.orders.next_request();
        let settled = if self.rng.below(4) == 0 { next - self.rng.below(30).min(next as u64 - 1) as u32 } else { next };
        let mut after = order;
        let want = after.take_status(&report, settled, OrderId(id).counter());
        let (at, now, why) = (after.instrument as usize, self.now(), self.why());
        let got = self.orders.status(&report, settled, now, &self.instruments[at], None);
        self.count(format!("Status {:?}", got.map(|stated| stated.anomaly)));
        let named = got.map(|stated| (stated.fill.map_or(0, |fill| fill.last_lots.0), stated.anomaly));
        assert_eq!(named, want, "{why}: {report:?} on {:?}, settled below {settled}", self.known[&id]);
        let Ok(stated) = got else { return };
        let event = stated.event;
        assert_eq!((event.state, event.filled.0), (after.state as u8, after.filled), "{why}");
        if let Some(fill) = stated.fill {
            assert_eq!((fill.kind(), fill.reason), (Some(Kind::Fill), Code::FillRecovered as u16), "{why}");
            assert!(fill.last_price.0 > 0, "{why}");
            self.bought[at][after.side.index()] += fill.last_lots.0;
            self.fees[at] += fill.fee as i128;
            if at == 0 {
                let value = fill.last_lots.0 as i128 * fill.last_price.0 as i128 * 10_000;
                self.cash -= after.side.sign() as i128 * value;
            }
        }
        if self.known[&id].state.is_open() && !after.state.is_open() {
            self.ended.push_back(id);
        }
        self.known.insert(id, after);
        if self.ended.len() > MAX_ORDERS {
            self.known.remove(&self.ended.pop_front().unwrap());
        }
    }

    fn nonsense(&mut self) {
        let Some(id) = self.pick() else { return };
        let mut report =
            OrderEvent::new(Kind::Accepted, InstrumentId(self.known[&id].instrument), Side::Buy, OrderId(id));
        let code = match self.rng.below(3) {
            0 => {
                report.order_id = OrderId::new(3, self.last_id + 1 + self.rng.below(1 << 20) as u32).0;
                Code::UnknownOrder
            }
            1 => {
                report.kind = [0, 1, 2, 3, 12, 13, 14, 255][self.rng.below(8) as usize];
                Code::ReportMalformed
            }
            _ => {
                report.quantity = Lots(-1);
                Code::ReportMalformed
            }
        };
        let instrument = &self.instruments[report.instrument as usize];
        assert_eq!(self.orders.report(&report, UnixNanos(1), instrument, None), Err(code), "{}", self.why());
    }

    fn compare(&self) {
        let mut open_lots = [[0i64; 2]; 3];
        let mut open = self.orders.open_orders();
        for (id, order) in &self.known {
            open_lots[order.instrument as usize][order.side.index()] += order.open_lots();
            if order.state.is_open() {
                assert_eq!(open.next().map(|order| order.id.0), Some(*id), "{}", self.why());
            }
        }
        assert!(open.next().is_none(), "{}", self.why());
        for instrument in 0..3u16 {
            let id = InstrumentId(instrument);
            let position = self.orders.position(id);
            let [bought, sold] = self.bought[instrument as usize];
            assert_eq!(
                (position.bought.0, position.sold.0, position.lots.0),
                (bought, sold, bought - sold),
                "{}",
                self.why()
            );
            assert_eq!(position.fees, self.fees[instrument as usize], "{}", self.why());
            for side in Side::BOTH {
                let want = open_lots[instrument as usize][side.index()];
                assert_eq!(self.orders.open_lots(id, side), Lots(want), "{}", self.why());
            }
        }
        assert_eq!(self.orders.position(InstrumentId(0)).cash, self.cash, "{}", self.why());
    }

    fn compare_orders(&self) {
        for (&id, want) in &self.known {
            let order = self.orders.order(OrderId(id)).unwrap_or_else(|| panic!("{}: {id} forgotten", self.why()));
            assert_eq!((order.state, order.filled.0, order.quantity.0), (want.state, want.filled, want.quantity));
            assert_eq!((order.price.0, order.current, order.id.0), (want.price, want.current, id), "{}", self.why());
            let found = self.orders.find_client(ClientId(want.client));
            if want.state.is_open() {
                assert_eq!(found, (want.client != 0).then_some(OrderId(id)), "{}", self.why());
                for request in [want.cancel, want.replace.map(|(request, ..)| request)].into_iter().flatten() {
                    assert_eq!(self.orders.order(OrderId::new(3, request)).unwrap().id.0, id, "{}", self.why());
                }
            } else {
                assert_ne!(found, Some(OrderId(id)), "{}", self.why());
            }
        }
    }
}

#[test]
fn a_million_random_events_agree_with_the_naive_model() {
    let mut world = World::new(20_240_808);
    let mut overdue = HashSet::new();
    for step in 0..STEPS {
        world.step = step;
        match (world.rng.below(100), world.pick()) {
            (0..=13, _) | (_, None) => world.place(),
            (14..=49, Some(id)) => world.request(id),
            (50..=94, Some(id)) => world.report(id),
            (95..=97, Some(id)) => world.status(id),
            _ => world.nonsense(),
        }
        while let Some(event) = world.orders.take_overdue(world.now()) {
            assert!(overdue.insert(event.request), "{}: overdue twice", world.why());
        }
        world.compare();
        if step % 64 == 0 {
            world.compare_orders();
        }
    }
    world.compare_orders();
    println!("{:#?}\noverdue {}", world.tally, overdue.len());
    for what in [
        "Fill Ok(Some(Overfill))",
        "Fill Ok(Some(MissedReport))",
        "Fill Ok(Some(IllegalTransition))",
        "Fill Ok(None)",
        "Fill Err(DuplicateReport)",
        "Fill Err(ReportMalformed)",
        "Accepted Ok(None)",
        "Accepted Err(IllegalTransition)",
        "Replaced Ok(None)",
        "ReplaceRejected Ok(None)",
        "CancelRejected Ok(None)",
        "Cancelled Ok(Some(MissedReport))",
        "Status Ok(None)",
        "Status Ok(Some(FillRecovered))",
        "Status Ok(Some(OrderLost))",
        "Status Ok(Some(IllegalTransition))",
    ] {
        assert!(world.tally.get(what).is_some_and(|&count| count > 100), "{what} was hardly met");
    }
    assert!(overdue.len() > 1_000);
}
