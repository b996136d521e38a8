//! What a FIX message costs: `cargo run --release -p fafnir-wire --example fix_cost`.
//! Each figure is the best of several passes over 1,000 messages, with everything in cache.
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use fafnir_wire::fix::report::{self, Facts};
use fafnir_wire::fix::{
    self, FIX_OUT_BYTES_MAX, Header, Inbox, Listing, Message, NewOrder, NoStore, Role, Session, SessionSetup, Verdict,
    request,
};
use types::{Instrument, Lots, Nanos, OrderEvent, OrderEventKind, OrderId, Side, Ticks, UnixNanos, VenueId, flag};

const PASSES: usize = 200;
const MESSAGES: u64 = 1_000;
const TIME: UnixNanos = UnixNanos(1_723_161_256_322_000_000);

fn best(what: &str, bytes: usize, mut pass: impl FnMut()) {
    let nanos = (0..PASSES).fold(f64::MAX, |best, _| {
        let start = Instant::now();
        pass();
        best.min(start.elapsed().as_nanos() as f64)
    });
    println!("{what:<44} {bytes:>4} bytes {:>8.1} ns each", nanos / MESSAGES as f64);
}

fn fill(instrument: &Instrument, n: u64) -> OrderEvent {
    OrderEvent {
        time: TIME,
        price: Ticks(618_002),
        quantity: Lots(1_000),
        filled: Lots(1 + n as i64 % 900),
        last_price: Ticks(618_001 + n as i64 % 7),
        last_lots: Lots(1),
        fee: 12_345,
        ..OrderEvent::new(OrderEventKind::Fill, instrument.id, Side::Buy, OrderId::new(17, n as u32 + 1))
    }
}

fn stream(instrument: &Instrument) -> Vec<u8> {
    let (mut all, mut out) = (Vec::new(), [0; FIX_OUT_BYTES_MAX]);
    for n in 0..MESSAGES {
        let id = format!("17-{}", 100_000 + n);
        let facts = Facts {
            order_number: 100_000 + n,
            exec_number: 200_000 + n,
            cl_ord_id: id.as_bytes(),
            orig_cl_ord_id: b"",
            symbol: instrument.symbol_bytes(),
            instrument: Some(instrument),
            traded: 618_001 * (1 + n as i128 % 900),
        };
        let header = Header { sender: b"SIMULATED", target: b"FAFNIR", sequence: n + 2, time: TIME };
        let length = report::encode(&mut out, &header, &fill(instrument, n), &facts).expect("a report");
        all.extend_from_slice(&out[..length]);
    }
    all
}

fn main() {
    let instruments =
        support::from(r#"{ "symbol": "BTCUSDT", "venue": "USDM", "tickSize": "0.1", "lotSize": "0.001" }"#);
    let listing = Listing { instruments: &instruments, venue: VenueId(0) };
    let fills = stream(&instruments[0]);
    let bytes = fills.len() / MESSAGES as usize;
    let mut inbox = Inbox::new();
    best("fill: framed", bytes, || {
        let mut rest = &fills[..];
        while let Ok(step) = inbox.next(rest)
            && step.consumed > 0
        {
            rest = &rest[step.consumed..];
            black_box(step.message);
        }
    });
    let mut messages = Vec::new();
    let mut rest = &fills[..];
    while let fix::Split::Message { length } = fix::split(rest) {
        messages.push(&rest[..length]);
        rest = &rest[length..];
    }
    best("fill: header read", bytes, || {
        for message in &messages {
            black_box(Message::parse(black_box(message)).is_ok());
        }
    });
    let parsed: Vec<Message<'_>> = messages.iter().map(|message| Message::parse(message).expect("good")).collect();
    best("fill: decoded from its fields", bytes, || {
        for message in &parsed {
            black_box(report::decode(black_box(message), &listing).is_ok());
        }
    });
    whole_way(&fills, &listing);
    writing(&instruments[0], &listing, bytes);
}

fn whole_way(fills: &[u8], listing: &Listing<'_>) {
    let bytes = fills.len() / MESSAGES as usize;
    let mut inbox = Inbox::new();
    let mut session =
        Session::new(SessionSetup::new(Role::Initiator, b"FAFNIR", b"SIMULATED", Nanos(10_000_000_000))).expect("good");
    let mut sent = Vec::new();
    let logon = {
        let mut server =
            Session::new(SessionSetup::new(Role::Acceptor, b"SIMULATED", b"FAFNIR", Nanos(0))).expect("good");
        let mut bytes = Vec::new();
        session.connected(TIME, &mut NoStore, &mut sent);
        server.connected(TIME, &mut NoStore, &mut bytes);
        server.on_message(&Message::parse(&sent).expect("a logon"), TIME, &mut NoStore, &mut bytes);
        bytes
    };
    let answer = session.on_message(&Message::parse(&logon).expect("a logon"), TIME, &mut NoStore, &mut sent);
    assert_eq!(answer, Verdict::LoggedOn);
    best("fill: bytes to order event, whole way", bytes, || {
        session.restore(2, 2);
        let mut rest = fills;
        let mut taken = 0;
        while let Ok(step) = inbox.next(rest)
            && step.consumed > 0
        {
            rest = &rest[step.consumed..];
            let Some(Ok(message)) = step.message.map(Message::parse) else { continue };
            if session.on_message(&message, TIME, &mut NoStore, &mut sent) == Verdict::Deliver {
                taken += report::decode(&message, listing).is_ok() as u64;
            }
        }
        assert_eq!(taken, MESSAGES);
    });
}

fn writing(instrument: &Instrument, listing: &Listing<'_>, bytes: usize) {
    let mut out = [0; FIX_OUT_BYTES_MAX];
    let header = Header { sender: b"SIMULATED", target: b"FAFNIR", sequence: 42, time: TIME };
    let facts = Facts {
        order_number: 100_000,
        exec_number: 200_000,
        cl_ord_id: b"17-100000",
        orig_cl_ord_id: b"",
        symbol: b"BTCUSDT",
        instrument: Some(instrument),
        traded: 618_001,
    };
    best("fill: written", bytes, || {
        for n in 0..MESSAGES {
            black_box(report::encode(&mut out, &header, &fill(instrument, n), &facts).is_ok());
        }
    });
    let order = NewOrder {
        cl_ord_id: OrderId::new(17, 4),
        instrument,
        side: Side::Buy,
        price: Ticks(618_002),
        quantity: Lots(10),
        flags: flag::POST_ONLY,
    };
    let length = fix::new_order(&mut out, &header, &order).expect("an order");
    best("new order: bytes to request", length, || {
        for _ in 0..MESSAGES {
            let message = Message::parse(black_box(&out[..length])).expect("good");
            black_box(request::decode(&message, listing).is_ok());
        }
    });
}
