//! The hosted engine at its edges: doorbell, kill, damaged memory, a reader that is behind, folders, timers.
mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PUSHED, Session, code_of, of_kind, scratch};
use ring::{CommandWriter, Words};
use types::event::{RECORD_CONN, RECORD_CONTROL, RECORD_GAP, RECORD_ORDER, flag};
use types::{Code, CommandKind, Event, EventKind, OrderEvent, OrderEventKind, OrderState, TimerId, UnixNanos};
use zerocopy::FromBytes;

/// A session with `orders` orders that were sent and not answered.
fn with_orders(orders: u64) -> (Session, Vec<OrderEvent>) {
    with_orders_in(orders, 1 << 21)
}

/// The same with an orders ring of so many bytes.
fn with_orders_in(orders: u64, ring_bytes: usize) -> (Session, Vec<OrderEvent>) {
    let mut session = Session::start_with(PUSHED, ring_bytes, None);
    session.touch(1_000, 1_002);
    for client in 1..=orders {
        session.place(client, 999);
    }
    let placed = session.until(OrderEventKind::New, orders as usize);
    (session, placed)
}

fn ids(events: &[OrderEvent]) -> Vec<u64> {
    events.iter().map(|event| event.order_id).collect()
}

#[test]
fn the_doorbell_rings_for_sleepers_only() {
    let (mut session, _) = with_orders(1);
    let settle = Duration::from_millis(50);
    std::thread::sleep(settle);
    assert_eq!(session.rings.load(Ordering::SeqCst), 0, "nobody slept");
    while !session.orders.may_sleep() {
        session.orders.poll(64, |_| ()).unwrap();
    }
    session.place(2, 999);
    let started = Instant::now();
    while session.rings.load(Ordering::SeqCst) == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "the doorbell was not rung");
    }
    session.until(OrderEventKind::New, 1);
    session.place(3, 999);
    session.until(OrderEventKind::New, 1);
    std::thread::sleep(settle);
    assert_eq!(session.rings.load(Ordering::SeqCst), 1, "once per sleep");
}

#[test]
fn a_kill_finds_an_idle_engine() {
    let (mut session, placed) = with_orders(3);
    std::thread::sleep(Duration::from_millis(20));
    session.hosted.kill();
    let events = session.until(OrderEventKind::Cancel, 3);
    assert_eq!(ids(&events), ids(&placed));
    session.place(4, 999);
    let refused = session.until(OrderEventKind::Refused, 1);
    assert_eq!((code_of(&refused[0]), refused[0].client_id), (Some(Code::Killed), 4));
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none() && session.orders.is_empty(), "the close has nothing left to cancel");
}

#[test]
fn a_kill_finds_a_busy_engine_and_nothing_new_leaves_after_it() {
    // Room for half a million records: this test must not fall behind.
    let (mut session, placed) = with_orders_in(3, 1 << 26);
    let (stop, started) = (AtomicBool::new(false), Instant::now());
    let events = std::thread::scope(|scope| {
        let Session { hosted, commands, orders, .. } = &mut session;
        let (hosted, stop) = (&*hosted, &stop);
        // A producer that never lets the ring run empty: places and cancels for ever.
        scope.spawn(move || {
            let mut command = types::Command::read_from_bytes(&[0; 64]).unwrap();
            (command.kind, command.side, command.price, command.quantity) = (CommandKind::Place as u8, 1, 999, 10);
            while !stop.load(Ordering::Relaxed) {
                command.client_id += 1 + (command.client_id == 0) as u64 * 10;
                let bytes = zerocopy::IntoBytes::as_bytes(&command);
                while commands.try_write_parts(types::event::RECORD_COMMAND, &[0; 8], bytes).is_err() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        });
        let (mut events, mut killed) = (Vec::new(), false);
        // Until refusals of the kill are seen: the producer's first orders fill the table before.
        let refused = |event: &OrderEvent| code_of(event) == Some(Code::Killed);
        while !events.last().is_some_and(refused) && started.elapsed() < Duration::from_secs(10) {
            orders
                .poll(4_096, |record| {
                    if record[4] == RECORD_ORDER as u8 {
                        events.push(OrderEvent::read_from_bytes(record).unwrap());
                    }
                })
                .unwrap();
            if !killed && events.len() > 1_000 {
                hosted.kill();
                killed = true;
            }
        }
        stop.store(true, Ordering::Relaxed);
        events
    });
    let first_cancel = events.iter().position(|event| event.kind() == Some(OrderEventKind::Cancel)).unwrap();
    let cancelled = ids(&of_kind(&events, OrderEventKind::Cancel));
    assert!(of_kind(&events[first_cancel..], OrderEventKind::New).is_empty(), "nothing new after the kill");
    let mut open = ids(&placed);
    open.extend(ids(&of_kind(&events, OrderEventKind::New)));
    assert_eq!(cancelled, open, "each open order once, oldest first");
    session.hosted.close().unwrap();
}

#[test]
fn a_close_is_not_held_up_by_a_producer() {
    let (mut session, _) = with_orders(1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let Session { hosted, commands, .. } = &mut session;
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let _ = commands.try_write_parts(99, &[0; 8], &[]);
            }
        });
        std::thread::sleep(Duration::from_millis(20));
        let started = Instant::now();
        let summary = hosted.close().unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(summary.malformed > 0 && summary.fault.is_none());
    });
    assert_eq!(session.until(OrderEventKind::Cancel, 1).len(), 1);
}

#[test]
fn a_damaged_command_ring_is_counted_and_read_on() {
    let (mut session, _) = with_orders(1);
    // Records that mean nothing: unknown kinds, short bodies, states and controls that are none.
    for (kind, body) in
        [(77, [0u8; 8]), (RECORD_CONTROL, [9; 8]), (types::event::RECORD_CONN, [0, 0, 9, 0, 0, 0, 0, 0])]
    {
        session.parts(kind, &body, &[]);
    }
    for kind in [1, 2, 3, 4, 5, 6, 7] {
        session.parts(kind, &[], &[]);
    }
    session.place(2, 999);
    session.until(OrderEventKind::New, 1);
    // A tail no producer writes. The engine goes on at it; so does a producer that attaches anew.
    let (tail_word, settle) = (32, Duration::from_millis(30));
    for tail in [13u32, u32::MAX, 1 << 31] {
        session.memory.store(tail_word, tail, Ordering::SeqCst);
        session.hosted.wake();
        std::thread::sleep(settle);
    }
    // Then a length no record has, with a good tail.
    let tail = session.memory.load(tail_word, Ordering::SeqCst);
    let at = (tail as usize % (1 << 18)) / 4;
    session.memory.store(160 + at, 0x7fff_fff0, Ordering::SeqCst);
    session.memory.store(tail_word, tail.wrapping_add(64), Ordering::SeqCst);
    session.hosted.wake();
    std::thread::sleep(settle);
    session.commands = CommandWriter::attach(session.memory.clone()).unwrap();
    session.place(3, 999);
    let events = session.until(OrderEventKind::New, 1);
    assert_eq!(events[0].client_id, 3);
    let summary = session.hosted.close().unwrap();
    assert!(summary.fault.is_none());
    assert!(summary.malformed >= 10 + 2, "{}", summary.malformed);
}

#[test]
fn a_reader_that_was_behind_gets_a_gap_and_an_image() {
    let mut session = Session::start_with(PUSHED, 1 << 15, None);
    session.touch(1_000, 1_002);
    for client in 1..=10 {
        session.place(client, 960 + client as i64);
    }
    // 256 records fit; what follows does not.
    for _ in 0..400 {
        session.place(1, 999);
    }
    session.command(CommandKind::Cancel, |command| command.client_id = 4);
    session.parts(RECORD_CONN, &[0, 0, 2, 0, 0, 0, 0, 0], &[]);
    while session.until_event(EventKind::Conn).last().is_none_or(|event| event.detail != 2) {}
    let (mut before, mut gap, mut image) = (0, None, Vec::new());
    let started = Instant::now();
    while image.len() < 11 {
        assert!(started.elapsed() < Duration::from_secs(10), "{before} {gap:?} {image:?}");
        session
            .orders
            .poll(64, |record| match (record[4] as u32, gap) {
                (RECORD_GAP, None) => gap = Some(u64::from_le_bytes(record[8..16].try_into().unwrap())),
                (RECORD_ORDER, None) => before += 1,
                (RECORD_ORDER, Some(_)) => image.push(OrderEvent::read_from_bytes(record).unwrap()),
                other => panic!("{other:?}"),
            })
            .unwrap();
    }
    let summary = session.hosted.close().unwrap();
    assert_eq!(before + gap.unwrap(), 10 + 400 + 1, "every record was read or counted");
    assert_eq!(summary.dropped, gap.unwrap());
    let position = image.pop().unwrap();
    assert_eq!((position.kind(), position.flags), (Some(OrderEventKind::Position), flag::SNAPSHOT | flag::LAST));
    for (i, order) in image.iter().enumerate() {
        let client = 1 + i as u64;
        assert_eq!((order.client_id, order.price.0, order.sequence), (client, 960 + client as i64, 0));
        assert_eq!((order.kind(), order.flags), (Some(OrderEventKind::Accepted), flag::SNAPSHOT));
        let state = if client == 4 { OrderState::PendingCancel } else { OrderState::PendingNew };
        assert_eq!(order.state, state as u8);
    }
}

#[test]
fn what_cannot_start_is_said_and_leaves_nothing() {
    let dir = scratch("not-started");
    let fault = |config: &str, orders: usize| {
        Session::try_start(config, orders, Some(dir.clone())).err().map(|fault| fault.code)
    };
    assert_eq!(fault("{", 1 << 20), Some(Code::ConfigInvalid));
    assert_eq!(fault(PUSHED, 1 << 14), Some(Code::ArgumentInvalid), "64 orders and a position need 16,640 bytes");
    assert!(!dir.exists(), "a start that fails leaves no journal behind");
    std::fs::create_dir_all(dir.join("journal")).unwrap();
    std::fs::write(dir.join("journal/notes.txt"), "mine").unwrap();
    assert_eq!(fault(PUSHED, 1 << 20), Some(Code::JournalIo), "the folder is not empty");
    assert_eq!(std::fs::read_dir(dir.join("journal")).unwrap().count(), 1);
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::write(&dir, "a file").unwrap();
    assert_eq!(fault(PUSHED, 1 << 20), Some(Code::OutputFailed), "the folder is a file");
    std::fs::remove_file(&dir).unwrap();
    drop(Session::try_start(PUSHED, 1 << 20, Some(dir.clone())).unwrap_or_else(|fault| panic!("{fault}")));
    assert_eq!(
        fafnir_driver::replay(&dir.join("journal"), None, |_| (), || true).unwrap().reason,
        "closed",
        "dropping closes"
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn timers_fire_at_their_time_and_time_never_steps_back() {
    let mut session = Session::start(PUSHED, None);
    let conn = session.until_event(EventKind::Conn);
    let start = conn[0].time.0;
    let wanted = [(3, start + 600_000_000), (1, start + 200_000_000), (2, start + 400_000_000), (4, 0)];
    for (id, at) in wanted {
        session.command(CommandKind::SetTimer, |command| (command.id, command.at) = (TimerId::FIRST_USER.0 + id, at));
    }
    let (mut last, mut fired, started) = (UnixNanos::NONE, Vec::new(), Instant::now());
    while fired.len() < 4 {
        assert!(started.elapsed() < Duration::from_secs(10), "{fired:?}");
        // Timers are as good as orders: they come through the ring that loses nothing unsaid.
        let polled = session.orders.poll(1, |record| {
            let event = Event::read_from_bytes(record).unwrap();
            assert!(event.time >= last && event.kind() == Some(EventKind::Timer));
            last = event.time;
            fired.push((event.id - TimerId::FIRST_USER.0, event.time.0));
        });
        assert!(polled.is_ok());
    }
    assert_eq!(fired.iter().map(|&(id, _)| id).collect::<Vec<_>>(), [4, 1, 2, 3]);
    for (id, at) in fired {
        let due = wanted.iter().find(|wanted| wanted.0 == id).unwrap().1;
        assert!(at >= due && (due == 0 || at < due + 5_000_000_000), "timer {id}: {at} for {due}");
    }
}
