//! Further threads at a running engine: they join, give commands, are behind, leave.
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{PUSHED, Session, code_of, of_kind};
use fafnir_driver::{PORTS_MAX, PortOptions};
use ring::registers::{STATE_BYTES, capacity_bytes};
use ring::{CommandWriter, OrdersReader, Region};
use types::event::{RECORD_COMMAND, RECORD_GAP, flag};
use types::{
    ClientId, Code, Command, CommandKind, Event, EventKind, Latest, Lots, OrderEvent, OrderEventKind, OrderState, Side,
    Ticks, TimerId,
};
use zerocopy::{FromBytes, IntoBytes};

struct Port {
    producer: u16,
    orders: OrdersReader,
    commands: CommandWriter,
    rings: Arc<AtomicU64>,
}

impl Port {
    fn join(session: &Session, orders_bytes: usize) -> Port {
        let (orders, commands) = (Region::heap(orders_bytes).unwrap(), Region::heap(1 << 15).unwrap());
        let rings = Arc::new(AtomicU64::new(0));
        let bell = rings.clone();
        let options = PortOptions {
            orders: orders.clone(),
            commands: Some(commands.clone()),
            doorbell: Box::new(move || {
                bell.fetch_add(1, Ordering::SeqCst);
            }),
        };
        let producer = session.hosted.join(options).unwrap();
        let (orders, commands) = (OrdersReader::attach(orders).unwrap(), CommandWriter::attach(commands).unwrap());
        Port { producer, orders, commands, rings }
    }
    fn command(&mut self, session: &Session, kind: CommandKind, fill: impl FnOnce(&mut Command)) {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        command.kind = kind as u8;
        fill(&mut command);
        while self.commands.try_write_parts(RECORD_COMMAND, &[0; 8], command.as_bytes()).is_err() {
            std::thread::yield_now();
        }
        session.hosted.wake();
    }
    fn place(&mut self, session: &Session, client_id: u64, price: i64) {
        self.command(session, CommandKind::Place, |command| {
            (command.side, command.client_id) = (Side::Buy as u8, client_id);
            (command.price, command.quantity) = (price, 10);
        });
    }
    /// Order events until one fits, timers left out; gaps as their counts.
    fn until(&mut self, mut done: impl FnMut(&OrderEvent) -> bool) -> (Vec<OrderEvent>, u64) {
        let (mut seen, mut lost, mut found, started) = (Vec::new(), 0, false, Instant::now());
        while !found {
            assert!(started.elapsed() < Duration::from_secs(10), "{lost} lost, {seen:?}");
            let polled = self.orders.poll(1, |record| match OrderEvent::read_from_bytes(record) {
                Ok(event) => {
                    found |= done(&event);
                    seen.push(event);
                }
                Err(_) if u32::from(record[4]) == RECORD_GAP => {
                    lost += u64::from_le_bytes(record[8..16].try_into().unwrap());
                }
                Err(_) => {}
            });
            assert!(polled.is_ok());
        }
        (seen, lost)
    }
}

fn is_image_end(event: &OrderEvent) -> bool {
    event.kind() == Some(OrderEventKind::Position) && event.flags & flag::LAST != 0
}

fn fill(order: &OrderEvent, lots: i64) -> OrderEvent {
    let mut report = OrderEvent::new(OrderEventKind::Fill, order.instrument(), Side::Buy, order.order_id());
    (report.last_price, report.last_lots) = (order.price, Lots(lots));
    report
}

#[test]
fn a_port_begins_with_an_image_and_trades_beside_the_owner() {
    let mut session = Session::start(PUSHED, None);
    session.touch(1_000, 1_002);
    session.place(1, 999);
    let own = session.until(OrderEventKind::New, 1)[0];
    session.report(&fill(&own, 4));
    session.until(OrderEventKind::Fill, 1);
    let mut port = Port::join(&session, 1 << 15);
    assert_eq!(port.producer, 1);
    let (image, lost) = port.until(is_image_end);
    let kinds: Vec<_> = image.iter().map(|event| (event.kind(), event.sequence, event.client_id)).collect();
    assert_eq!(kinds, [(Some(OrderEventKind::Accepted), 0, 1), (Some(OrderEventKind::Position), 0, 0)]);
    assert_eq!((image[0].filled.0, image[0].state, lost), (4, OrderState::PendingNew as u8, 0));
    assert_eq!((image[1].last_lots.0, image[1].filled.0), (4, 4));
    // Each sees the other's orders; a reference of somebody else is refused.
    let mine = ClientId::first_of(port.producer).0;
    port.place(&session, mine, 998);
    port.place(&session, 77, 998);
    let (seen, _) = port.until(|event| event.client_id == mine);
    assert_eq!(seen.last().unwrap().kind(), Some(OrderEventKind::New));
    let theirs = session.until(OrderEventKind::New, 1);
    assert_eq!(theirs[0].client_id, mine);
    let faults = session.until_event(EventKind::Fault);
    assert_eq!(faults.last().unwrap().code, Code::CommandMalformed as u16);
    // A timer goes to who set it.
    let id = TimerId::FIRST_USER.0 * (port.producer as u64 + 1) + 5;
    port.command(&session, CommandKind::SetTimer, |command| command.id = id);
    let (mut fired, started) = (None, Instant::now());
    while fired.is_none() {
        assert!(started.elapsed() < Duration::from_secs(10));
        port.orders.poll(9, |record| fired = Event::read_from_bytes(record).ok()).unwrap();
    }
    assert_eq!(fired.map(|event| (event.kind(), event.id)), Some((Some(EventKind::Timer), id)));
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && port.rings.load(Ordering::SeqCst) > 0, "it is woken at the end");
}

#[test]
fn a_port_that_leaves_leaves_no_order_behind() {
    let mut session = Session::start(PUSHED, None);
    session.touch(1_000, 1_002);
    session.place(1, 999);
    session.until(OrderEventKind::New, 1);
    let mut port = Port::join(&session, 1 << 15);
    let mine = ClientId::first_of(port.producer).0;
    for i in 0..3 {
        port.place(&session, mine + i, 990);
    }
    let leaver = session.hosted.port(port.producer);
    leaver.leave();
    leaver.leave();
    let events = session.until(OrderEventKind::Cancel, 3);
    let cancelled: Vec<_> = of_kind(&events, OrderEventKind::Cancel).iter().map(|event| event.client_id).collect();
    assert_eq!(cancelled, [mine, mine + 1, mine + 2]);
    session.place(2, 999);
    let events = session.until(OrderEventKind::New, 1);
    assert_eq!((events[0].client_id, code_of(&events[0])), (2, None), "the owner goes on");
    // Its number is not given again, and there is a bound.
    let mut kept: Vec<Port> = (1..PORTS_MAX).map(|_| Port::join(&session, 1 << 15)).collect();
    assert_eq!(kept[0].producer, port.producer + 1);
    let region = || Region::heap(1 << 15).unwrap();
    let one_more = || PortOptions { orders: region(), commands: None, doorbell: Box::new(|| ()) };
    assert_eq!(session.hosted.join(one_more()).unwrap_err().code, Code::ArgumentInvalid);
    kept.truncate(1);
    let small = PortOptions { orders: Region::heap(1 << 14).unwrap(), ..one_more() };
    assert_eq!(session.hosted.join(small).unwrap_err().code, Code::ArgumentInvalid);
    drop(session.hosted.close());
    assert_eq!(session.hosted.join(one_more()).unwrap_err().code, Code::EngineClosed);
}

/// What a port that left is refused stays refused after a restart; who joins then is somebody else.
#[test]
fn a_port_of_the_next_process_is_nobody_of_the_last() {
    let dir = common::scratch("ports-resumed");
    let mut first = 0;
    for _ in 0..2 {
        let mut session = Session::start(PUSHED, Some(dir.clone()));
        session.touch(1_000, 1_002);
        // The port has a ring of its own: its order may be read before a touch that is only written.
        session.until_event(EventKind::Touch);
        let mut port = Port::join(&session, 1 << 15);
        assert!(port.producer > first, "{} after {first}", port.producer);
        first = port.producer;
        port.place(&session, ClientId::first_of(port.producer).0, 990);
        let events = session.until(OrderEventKind::New, 1);
        assert_eq!(events.iter().filter_map(code_of).collect::<Vec<_>>(), []);
        session.hosted.port(port.producer).leave();
        session.until(OrderEventKind::Cancel, 1);
        assert!(session.hosted.close().unwrap().fault.is_none());
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_port_that_is_behind_is_whole_again_and_holds_nobody_up() {
    let mut session = Session::start(PUSHED, None);
    session.touch(1_000, 1_002);
    let mut port = Port::join(&session, 1 << 15);
    port.until(is_image_end);
    session.place(1, 999);
    let own = session.until(OrderEventKind::New, 1)[0];
    // 256 records fit; the owner reads on.
    for _ in 0..600 {
        session.place(1, 999);
    }
    session.until(OrderEventKind::Refused, 600);
    session.report(&fill(&own, 3));
    session.until(OrderEventKind::Fill, 1);
    let mut ends = 0;
    let (seen, lost) = port.until(|event| {
        ends += is_image_end(event) as usize;
        ends == 1
    });
    let image: Vec<_> = seen.iter().filter(|event| event.flags & flag::SNAPSHOT != 0).collect();
    assert_eq!(seen.len() - image.len() + lost as usize, 602, "every record was read or counted");
    assert!(lost > 300);
    assert_eq!(image.iter().map(|event| event.last_lots.0).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(image[0].filled.0, 3);
    assert_eq!(session.hosted.close().unwrap().dropped, 0, "the owner lost nothing");
}

#[test]
fn the_newest_state_can_be_read_at_any_time() {
    let latest = Region::heap(capacity_bytes(2)).unwrap();
    let mut session = Session::start_latest(PUSHED, latest.clone());
    let reader = ring::RegistersReader::attach(latest).unwrap();
    let read = |register: usize| {
        let mut bytes = [0; STATE_BYTES];
        while !reader.read(register, &mut bytes) {}
        Latest::read_from_bytes(&bytes).unwrap()
    };
    session.touch(1_000, 1_002);
    session.until_event(EventKind::Touch);
    let state = read(1);
    assert_eq!((state.bid, state.ask, state.bid_lots.0, state.trade_lots.0), (Ticks(1_000), Ticks(1_002), 5, 0));
    session.hosted.kill();
    session.until_event(EventKind::Trading);
    assert_eq!((read(0).trading, read(0).code, read(0).closed), (1, Code::Killed as u16, 0));
    session.hosted.close().unwrap();
    assert_eq!(read(0).closed, 1);
}
