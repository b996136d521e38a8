//! What only the inside can provoke: a panic of the engine, a journal that cannot go on.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use journal::{EndReason, Reader, Record};
use ring::{CommandWriter, MarketReader, OrdersReader};
use types::event::{RECORD_COMMAND, RECORD_CONN, flag};
use types::{Command, CommandKind, EventKind, OrderEventKind, Side, Ticks};
use zerocopy::{FromBytes, IntoBytes};

use super::*;

const CONFIG: &str = r#"{ "venues": [{ "name": "REST", "feed": "normalised" }], "orders": { "maxOrders": 64 },
    "instruments": [{ "symbol": "ABC", "venue": "REST", "tickSize": "0.1", "lotSize": "0.001" }] }"#;

struct Session {
    hosted: Hosted,
    commands: CommandWriter,
    market: MarketReader,
    orders: OrdersReader,
    dir: PathBuf,
}

impl Session {
    /// `name` is the journal's folder; `prepare` may spoil the work before it starts.
    fn start(name: &str, segment_bytes: u64, prepare: impl FnOnce(&mut Work)) -> Session {
        let dir = std::env::temp_dir().join(format!("fafnir-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let (_, setup) = EngineConfig::from_json(CONFIG).unwrap();
        let region = |bytes| Region::heap(bytes).unwrap();
        let (market, orders, commands) = (region(1 << 16), region(1 << 15), region(1 << 15));
        let memory = (market.clone(), orders.clone(), commands.clone(), None);
        let (out, reader) = rings(&setup, memory, Box::new(|| ())).unwrap();
        let start = Start::new("test", CONFIG);
        let journal = Writer::create(&dir, &start, Options { segment_bytes, ..Options::default() }).unwrap();
        let manner = Manner { wait: wait(WaitConfig::Adaptive), close_wait: 0, entropy_seed: 0, fail_at_turn: 0 };
        let outlet = Outlet::new(
            None,
            setup.venues.iter().map(|_| None).collect(),
            setup.venues.iter().map(|_| false),
            setup.instruments.len(),
        );
        let mut work = Work::new(setup, out, Some(journal), outlet, manner);
        prepare(&mut work);
        let mut session = Session {
            hosted: Hosted::spawn(work, None, reader, None, None).unwrap(),
            commands: CommandWriter::attach(commands).unwrap(),
            market: MarketReader::attach(market).unwrap(),
            orders: OrdersReader::attach(orders).unwrap(),
            dir,
        };
        for conn in 0..2 {
            session.commands.try_write_parts(RECORD_CONN, &[conn, 0, 1, 0, 0, 0, 0, 0], &[]).unwrap();
        }
        for (side, price, flags) in [(1, 1_000, 0), (2, 1_002, flag::LAST)] {
            session.touch(side, price, flags);
        }
        for client in 1..=2 {
            session.place(client);
        }
        session
    }
    fn touch(&mut self, side: u8, price: i64, flags: u8) {
        let mut event = Event::new(EventKind::Touch, types::InstrumentId(0));
        (event.side, event.price, event.quantity, event.flags) = (side, Ticks(price), types::Lots(5), flags);
        event.id = 1;
        while self.commands.try_write(event.as_bytes()).is_err() {}
        self.hosted.wake();
    }
    fn place(&mut self, client_id: u64) {
        let mut command = Command::read_from_bytes(&[0; 64]).unwrap();
        (command.kind, command.side, command.client_id) = (CommandKind::Place as u8, Side::Buy as u8, client_id);
        (command.price, command.quantity) = (999, 10);
        while self.commands.try_write_parts(RECORD_COMMAND, &[0; 8], command.as_bytes()).is_err() {}
        self.hosted.wake();
    }
    /// Order events until `wanted` of a kind were seen.
    fn until(&mut self, kind: OrderEventKind, wanted: usize) -> Vec<OrderEvent> {
        let (mut seen, started) = (Vec::new(), Instant::now());
        while seen.iter().filter(|event: &&OrderEvent| event.kind() == Some(kind)).count() < wanted {
            assert!(started.elapsed() < Duration::from_secs(10), "{kind:?} {wanted}: {seen:?}");
            self.orders.poll(64, |record| seen.push(OrderEvent::read_from_bytes(record).unwrap())).unwrap();
        }
        seen
    }
    /// The code of the halt, as readers of the market ring see it.
    fn halted_with(&mut self) -> Option<Code> {
        let mut code = None;
        let seen = self.market.poll(usize::MAX, |record| {
            let event = Event::read_from_bytes(record).unwrap();
            if event.kind() == Some(EventKind::Trading) {
                code = Code::from_u16(event.code);
            }
        });
        assert!(seen.is_ok());
        code
    }
}

#[test]
fn a_panic_halts_the_engine_cancels_its_orders_and_nothing_else() {
    // Two connections, two touches, two orders; the seventh input panics.
    let mut session = Session::start("panic", 1 << 16, |work| work.manner.fail_at_turn = 7);
    let placed = session.until(OrderEventKind::New, 2);
    session.place(3);
    let cancels = session.until(OrderEventKind::Cancel, 2);
    assert_eq!(cancels.len(), 2, "{cancels:?}");
    for (cancel, new) in cancels.iter().zip(&placed) {
        assert_eq!((cancel.order_id, cancel.client_id), (new.order_id, new.client_id));
        assert!(cancel.request > 2 && cancel.sequence == 0);
    }
    assert_eq!(session.halted_with(), Some(Code::EnginePanicked));
    // The process lives: nothing below is obeyed, nothing hangs.
    session.place(4);
    session.hosted.kill();
    let summary = session.hosted.close().unwrap();
    let fault = summary.fault.unwrap();
    assert_eq!((fault.code, fault.fields), (Code::EnginePanicked, vec![("turn", "7".to_string())]));
    assert_eq!((summary.turns, session.orders.is_empty()), (7, true));
    let mut reader = Reader::open(&session.dir).unwrap();
    let mut inputs = 0;
    while let Some(record) = reader.next() {
        inputs += matches!(record, Record::Input(_)) as u64;
    }
    assert_eq!((inputs, reader.end().reason), (7, EndReason::Unclosed), "the input that panicked is the last");
    std::fs::remove_dir_all(&session.dir).unwrap();
}

#[test]
fn a_journal_that_cannot_go_on_halts_the_engine() {
    let mut session = Session::start("no-journal", 4_096, |_| ());
    session.until(OrderEventKind::New, 2);
    std::fs::remove_dir_all(&session.dir).unwrap();
    // Far more than is left of the segment.
    for price in 1_003..1_103 {
        session.touch(2, price, flag::LAST);
    }
    let cancels = session.until(OrderEventKind::Cancel, 2);
    assert!(cancels.iter().all(|event| event.kind() == Some(OrderEventKind::Cancel)));
    assert_eq!(session.halted_with(), Some(Code::JournalIo));
    session.place(9);
    let summary = session.hosted.close().unwrap();
    assert_eq!(summary.fault.unwrap().code, Code::JournalIo);
    assert!(summary.turns > 6 && summary.turns < 106, "{}", summary.turns);
    assert!(session.orders.is_empty(), "nothing after the cancels");
}

#[test]
fn a_reader_that_was_behind_at_a_panic_gets_the_cancels_all_the_same() {
    // 256 records fit; the 300 refusals after the two orders do not, and so neither do the cancels.
    let mut session = Session::start("panic-behind", 1 << 20, |work| work.manner.fail_at_turn = 307);
    for _ in 0..301 {
        session.place(1);
    }
    let (mut gap, mut cancels, started) = (0, Vec::new(), Instant::now());
    while session.halted_with() != Some(Code::EnginePanicked) {
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    while cancels.len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(10), "gap of {gap}, {cancels:?}");
        let polled = session.orders.poll(64, |record| match OrderEvent::read_from_bytes(record) {
            Ok(event) if gap > 0 => cancels.push((event.client_id, event.kind())),
            Ok(event) => assert_ne!(event.kind(), Some(OrderEventKind::Cancel)),
            Err(_) => gap = u64::from_le_bytes(record[8..16].try_into().unwrap()),
        });
        assert!(polled.is_ok());
    }
    assert_eq!(cancels, [(1, Some(OrderEventKind::Cancel)), (2, Some(OrderEventKind::Cancel))]);
    let summary = session.hosted.close().unwrap();
    assert_eq!((summary.dropped, summary.fault.unwrap().code), (gap, Code::EnginePanicked));
    assert!(session.orders.is_empty());
    std::fs::remove_dir_all(&session.dir).unwrap();
}
