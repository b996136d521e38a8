//! Reports: golden messages, the dictionary, both ways round, foreign dialects, mutations.
use crate::plain;
use crate::support;

use fafnir_wire::fix::report::{self, Facts, Report};
use fafnir_wire::fix::{self, FIX_OUT_BYTES_MAX, Header, Listing, Message, Split, request};
use plain::{Dictionary, framed, read, text, value};
use types::limits::FIX_MESSAGE_BYTES_MAX;
use types::rng::SplitMix64;
use types::{
    Code, Instrument, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, OrderState, Side, Ticks, UnixNanos,
    VenueId, flag,
};

const TIME: UnixNanos = UnixNanos(1_709_251_199_007_000_000);
const HEADER: Header<'static> = Header { sender: b"SIM", target: b"FAFNIR", sequence: 42, time: TIME };
const HEAD: &str = "49=SIM|56=FAFNIR|34=42|52=20240229-23:59:59.007|";

fn usdm(instruments: &[Instrument]) -> Listing<'_> {
    Listing { instruments, venue: VenueId(0) }
}

fn facts(instrument: &Instrument) -> Facts<'_> {
    Facts {
        order_number: 9,
        exec_number: 31,
        cl_ord_id: b"3-17",
        orig_cl_ord_id: b"",
        symbol: instrument.symbol_bytes(),
        instrument: Some(instrument),
        traded: 0,
    }
}

fn event(kind: OrderEventKind) -> OrderEvent {
    OrderEvent {
        time: TIME,
        price: Ticks(618_002),
        quantity: Lots(10),
        request: 17,
        ..OrderEvent::new(kind, InstrumentId(0), Side::Buy, OrderId::new(3, 17))
    }
}

fn fill() -> OrderEvent {
    OrderEvent {
        filled: Lots(7),
        last_price: Ticks(618_001),
        last_lots: Lots(3),
        flags: flag::TAKER,
        fee: 123_456,
        ..event(OrderEventKind::Fill)
    }
}

fn encoded(event: &OrderEvent, facts: &Facts<'_>) -> Vec<u8> {
    let mut out = [0; FIX_OUT_BYTES_MAX];
    let length = report::encode(&mut out, &HEADER, event, facts).unwrap();
    assert_eq!(fix::split(&out[..length]), Split::Message { length });
    if let Some(dictionary) = Dictionary::load() {
        dictionary.check(&out[..length]);
    }
    out[..length].to_vec()
}

fn decoded(bytes: &[u8], instruments: &[Instrument]) -> Result<OrderEvent, Code> {
    match report::decode(&Message::parse(bytes).unwrap(), &usdm(instruments))? {
        Report::Order(order) => Ok(order.event),
        other => panic!("{other:?}"),
    }
}

#[test]
fn golden_reports() {
    let instruments = support::instruments();
    let traded = 4 * 618_002 + 3 * 618_001;
    let message = encoded(&fill(), &Facts { traded, ..facts(&instruments[0]) });
    let fields = read(&message);
    assert_eq!(
        text(&message),
        format!(
            "8=FIX.4.4|9={}|35=8|{HEAD}37=9|11=3-17|17=31|150=F|39=1|55=BTCUSDT|54=1|38=0.010|40=2|44=61800.20|59=1|\
             32=0.003|31=61800.10|151=0.003|14=0.007|6=61800.15714|60=20240229-23:59:59.007|12=0.00123456|13=3|851=2|\
             10={}|",
            fields[1].1,
            fields.last().unwrap().1
        )
    );
    let rejected =
        OrderEvent { reason: Code::VenueUnknownOrder as u16, request: 18, ..event(OrderEventKind::CancelRejected) };
    let message = encoded(
        &rejected,
        &Facts { order_number: 0, cl_ord_id: b"3-18", orig_cl_ord_id: b"3-17", ..facts(&instruments[0]) },
    );
    let body = "37=NONE|11=3-18|41=3-17|39=8|60=20240229-23:59:59.007|434=1|102=1|58=VENUE_UNKNOWN_ORDER|";
    assert!(text(&message).contains(&format!("35=9|{HEAD}{body}10=")), "{}", text(&message));
}

const REASONS: [Code; 8] = [
    Code::VenueUnknownOrder,
    Code::VenuePostOnly,
    Code::VenueInvalid,
    Code::VenueFull,
    Code::VenueClosed,
    Code::VenueUnsupported,
    Code::VenueDuplicate,
    Code::UnknownSymbol,
];
const STATES: [OrderState; 6] = [
    OrderState::Live,
    OrderState::PartiallyFilled,
    OrderState::Filled,
    OrderState::Cancelled,
    OrderState::Rejected,
    OrderState::Expired,
];

/// A report as a venue would make it, and the sum of its fills in ticks times lots.
fn random_report(rng: &mut SplitMix64, instrument: &Instrument) -> (OrderEvent, i128) {
    use OrderEventKind::*;
    let kinds = [Accepted, Rejected, Fill, Cancelled, Replaced, CancelRejected, ReplaceRejected, Expired, Status];
    let kind = kinds[rng.below(9) as usize];
    let id = OrderId::new(1 + rng.below(1_000) as u32, 1 + rng.below(1 << 20) as u32);
    let mut event = OrderEvent::new(kind, instrument.id, Side::BOTH[rng.below(2) as usize], id);
    event.time = UnixNanos(TIME.0 + rng.below(1 << 40) / 1_000_000 * 1_000_000);
    event.price = Ticks(1 + rng.below(1 << 30) as i64);
    event.quantity = Lots(1 + rng.below(1 << 30) as i64);
    event.request = id.counter() + rng.below(3) as u32;
    if !answers_a_change(kind) {
        event.request = id.counter();
    }
    let mut traded = 0;
    if matches!(kind, Fill | Status | Cancelled | Replaced | Expired) {
        event.filled = Lots(1 + rng.below(event.quantity.0 as u64) as i64);
        let price = 1 + rng.below(1 << 30) as i64;
        traded = event.filled.0 as i128 * price as i128;
        if kind == Fill {
            event.last_lots = Lots(1 + rng.below(event.filled.0 as u64) as i64);
            (event.last_price, event.fee) = (Ticks(price), rng.next_u64() as i64 >> 30);
            event.flags = if rng.below(2) == 0 { flag::TAKER } else { 0 };
        }
        if kind == Status {
            event.last_price = Ticks(price);
            event.state = STATES[rng.below(6) as usize] as u8;
            if event.state == OrderState::Live as u8 {
                (event.filled, event.last_price) = (Lots(0), Ticks(0));
            }
        }
    }
    let refused = matches!(kind, Rejected | CancelRejected | ReplaceRejected);
    if refused || (kind == Status && event.state == OrderState::Rejected as u8) {
        event.reason = REASONS[rng.below(8) as usize] as u16;
    }
    (event, traded)
}

const fn answers_a_change(kind: OrderEventKind) -> bool {
    use OrderEventKind::*;
    matches!(kind, Cancelled | Replaced | CancelRejected | ReplaceRejected)
}

#[test]
fn every_report_reads_back() {
    use OrderEventKind::{CancelRejected, ReplaceRejected};
    let seed = 21;
    let mut rng = SplitMix64::new(seed);
    let instruments = support::instruments();
    for round in 0..4_000 {
        let instrument = &instruments[[0, 2][rng.below(2) as usize]];
        let (event, traded) = random_report(&mut rng, instrument);
        let (id, kind) = (event.order_id(), event.kind().unwrap());
        let (own, request) = (format!("{}-{}", id.session(), id.counter()), event.request_id());
        let request = format!("{}-{}", request.session(), request.counter());
        let orig = if answers_a_change(kind) { own.as_bytes() } else { b"" };
        let facts = Facts { cl_ord_id: request.as_bytes(), orig_cl_ord_id: orig, traded, ..facts(instrument) };
        let message = encoded(&event, &facts);
        let mut expected = event;
        if matches!(kind, CancelRejected | ReplaceRejected) {
            (expected.price, expected.quantity, expected.instrument, expected.side) = (Ticks(0), Lots(0), 0, 0);
        }
        assert_eq!(decoded(&message, &instruments), Ok(expected), "seed {seed} round {round} {}", text(&message));
        // By the other reader: what is left is what is open.
        let fields = read(&message);
        if let Some(status) = value(&fields, 39).filter(|_| value(&fields, 151).is_some()) {
            let lots = |tag| {
                let steps = value(&fields, tag).unwrap().parse::<f64>().unwrap() / instrument.lot_f64();
                steps.round() as i64
            };
            let open = "01".contains(status);
            assert_eq!(lots(151), if open { lots(38) - lots(14) } else { 0 }, "{}", text(&message));
        }
    }
}

#[test]
fn other_dialects() {
    let instruments = support::instruments();
    let base = "37=abc|17=x1|55=BTCUSDT|54=2|151=0|";
    let report = |rest: &str| decoded(&framed(&format!("35=8|{HEAD}{base}{rest}")), &instruments);
    // Nanoseconds, no fee, a group with another price after the first.
    let bytes = framed(&format!(
        "35=8|{HEAD}11=3-17|{base}150=F|39=2|32=0.0010000|31=61800|14=.002|6=61800|60=20240229-23:59:59.000000001|\
         12=4|13=2|382=1|375=Z|437=5|"
    ));
    let Ok(Report::Order(order)) = report::decode(&Message::parse(&bytes).unwrap(), &usdm(&instruments)) else {
        panic!()
    };
    assert!(!order.fee_stated && order.terms_stated && order.event.flags & flag::TAKER == 0);
    let event = order.event;
    assert_eq!((event.last_lots, event.last_price, event.filled), (Lots(1), Ticks(618_000), Lots(2)));
    assert_eq!(event.time, UnixNanos(1_709_251_199_000_000_001));
    assert_eq!((event.order_id(), event.request, event.side()), (OrderId::new(3, 17), 17, Some(Side::Sell)));
    // An unasked cancel names the order by 11; restated terms are a status; a fee is rounded once, a rebate negative.
    assert_eq!(report("11=3-17|150=4|39=4|14=0|6=0|").unwrap().order_id(), OrderId::new(3, 17));
    let restated = report("11=3-17|150=D|39=1|38=0.005|44=1|14=0.002|6=1.26|").unwrap();
    assert_eq!((restated.kind(), restated.state), (Some(OrderEventKind::Status), OrderState::PartiallyFilled as u8));
    assert_eq!(restated.last_price, Ticks(13));
    let paid = report("11=3-17|150=F|39=1|32=1|31=1|14=1|6=1|12=-0.000000015|13=3|").unwrap();
    assert_eq!(paid.fee, -2);
    // Not ours, not there, not on the grid, not known.
    for (rest, code) in [
        ("11=foreign|150=F|39=1|32=1|31=1|14=1|6=1|", Code::UnknownOrder),
        ("150=F|39=1|32=1|31=1|14=1|6=1|", Code::FieldMissing),
        ("11=3-1|39=1|14=1|6=1|", Code::FieldMissing),
        ("11=3-1|150=F|39=1|31=1|14=1|6=1|", Code::FieldMissing),
        ("11=3-1|150=F|39=1|32=0.0001|31=1|14=1|6=1|", Code::OffGrid),
        ("11=3-1|150=F|39=1|32=1|31=1.01|14=1|6=1|", Code::OffGrid),
        ("11=3-1|150=F|39=1|32=1|31=abc|14=1|6=1|", Code::OffGrid),
        ("11=3-1|150=H|39=1|14=1|6=1|", Code::FixUnsupported),
        ("11=3-1|150=I|39=Z|14=1|6=1|", Code::FixUnsupported),
        ("11=3-1|150=0|39=0|14=0|6=0|58|", Code::FixMalformed),
    ] {
        assert_eq!(report(rest), Err(code), "{rest}");
    }
    for kind in ["6", "A", "E", "7", "9", "B"] {
        let bytes = framed(&format!("35=8|{HEAD}{base}11=3-1|150={kind}|39={kind}|14=0|6=0|"));
        assert_eq!(report::decode(&Message::parse(&bytes).unwrap(), &usdm(&instruments)), Ok(Report::Ignored));
    }
    let spot = Listing { venue: VenueId(1), ..usdm(&instruments) };
    let bytes = framed(&format!("35=8|{HEAD}{base}11=3-1|150=0|39=0|14=0|6=0|"));
    assert_eq!(report::decode(&Message::parse(&bytes).unwrap(), &spot), Err(Code::UnknownSymbol));
    for (reason, code) in [
        ("1", Code::UnknownSymbol),
        ("2", Code::VenueClosed),
        ("5", Code::VenueUnknownOrder),
        ("6", Code::VenueDuplicate),
        ("11", Code::VenueUnsupported),
        ("99", Code::VenueInvalid),
    ] {
        let event = report(&format!("11=3-1|150=8|39=8|103={reason}|14=0|6=0|58=whatever|")).unwrap();
        assert_eq!(event.reason, code as u16);
    }
}

#[test]
fn mass_cancel_positions_and_refusals() {
    let instruments = support::instruments();
    let dictionary = Dictionary::load();
    let mut out = [0; FIX_OUT_BYTES_MAX];
    let checked = |length: usize, out: &[u8]| {
        dictionary.iter().for_each(|dictionary| dictionary.check(&out[..length]));
        length
    };
    for (accepted, symbol) in [(true, &b""[..]), (false, b"BTCUSDT")] {
        let answer = report::MassCancelAnswer {
            cl_ord_id: b"3-5",
            order_number: 4,
            asked: b'7',
            accepted,
            affected: 12,
            symbol,
        };
        let length = checked(report::mass_cancel_report(&mut out, &HEADER, &answer).unwrap(), &out);
        let message = Message::parse(&out[..length]).unwrap();
        let Ok(Report::MassCancel(read)) = report::decode(&message, &usdm(&instruments)) else { panic!() };
        assert_eq!((read.request, read.accepted, read.affected), (Some(OrderId::new(3, 5)), accepted, Some(12)));
    }
    for position in [0, 5, -5, i64::MAX / 1_000, -i64::MAX / 1_000] {
        let answer = report::PositionAnswer {
            number: 1,
            request: b"3-6",
            account: b"FAFNIR",
            instrument: &instruments[0],
            position: Lots(position),
            price: Ticks(618_000),
        };
        let length = report::position_report(&mut out, &HEADER, &answer).unwrap();
        let length = checked(length, &out);
        let message = Message::parse(&out[..length]).unwrap();
        let Ok(Report::Position(read)) = report::decode(&message, &usdm(&instruments)) else { panic!() };
        assert_eq!((read.event.last_lots, read.event.instrument, read.request), (Lots(position), 0, &b"3-6"[..]));
        assert_eq!((read.event.kind(), read.event.time), (Some(OrderEventKind::Position), TIME));
    }
    let position = |rest: &str| {
        let bytes = framed(&format!("35={rest}"));
        report::decode(&Message::parse(&bytes).unwrap(), &usdm(&instruments)).map(|report| match report {
            Report::Position(position) => Some(position.event.last_lots.0),
            _ => None,
        })
    };
    assert_eq!(position(&format!("AP|{HEAD}55=BTCUSDT|728=2|")), Ok(Some(0)));
    let groups = "702=2|703=TQ|704=1|705=3|703=SOD|704=9|";
    assert_eq!(position(&format!("AP|{HEAD}55=BTCUSDT|728=0|{groups}")), Ok(Some(-2_000)));
    assert_eq!(position(&format!("AP|{HEAD}55=BTCUSDT|728=3|")), Err(Code::FixUnsupported));
    assert_eq!(position(&format!("AO|{HEAD}55=BTCUSDT|728=2|")), Ok(Some(0)));
    assert_eq!(position(&format!("AO|{HEAD}55=BTCUSDT|728=0|")), Ok(None));
    let reject = report::BusinessReject { sequence: 8, msg_type: b"D", id: b"3-17", reason: 3 };
    let length = report::business_reject(&mut out, &HEADER, &reject).unwrap();
    let length = checked(length, &out);
    let message = Message::parse(&out[..length]).unwrap();
    let Ok(Report::Refused(read)) = report::decode(&message, &usdm(&instruments)) else { panic!() };
    assert_eq!((read.sequence, read.msg_type, read.business, read.reason), (8, &b"D"[..], true, 3));
    assert_eq!(read.id, Some(OrderId::new(3, 17)));
    let bytes = framed(&format!("35=3|{HEAD}45=7|371=44|372=D|373=5|58=too odd|"));
    let Ok(Report::Refused(read)) = report::decode(&Message::parse(&bytes).unwrap(), &usdm(&instruments)) else {
        panic!()
    };
    assert_eq!((read.sequence, read.tag, read.reason, read.business, read.text), (7, 44, 5, false, &b"too odd"[..]));
}

#[test]
fn the_longest_report_fits() {
    let symbol = "S".repeat(32);
    let long = support::from(&format!(
        r#"{{ "symbol": "{symbol}", "venue": "USDM", "tickSize": "9223.372036854775", "lotSize": "9223.372036854775",
              "priceDecimals": 18, "quantityDecimals": 18 }}"#
    ));
    let (name, id) = ([b'N'; fix::COMP_ID_BYTES_MAX], [b'i'; request::CLIENT_ID_BYTES_MAX]);
    let header = Header { sender: &name, target: &name, sequence: u64::MAX, time: UnixNanos(u64::MAX) };
    let event = OrderEvent {
        time: UnixNanos(u64::MAX),
        price: Ticks(i64::MIN),
        quantity: Lots(i64::MAX),
        filled: Lots(i64::MAX - 1),
        last_price: Ticks(i64::MIN),
        last_lots: Lots(i64::MAX),
        fee: i64::MIN,
        reason: Code::VenueUnknownOrder as u16,
        flags: u8::MAX,
        ..event(OrderEventKind::Fill)
    };
    let facts = Facts {
        order_number: u64::MAX,
        exec_number: u64::MAX,
        cl_ord_id: &id,
        orig_cl_ord_id: &id,
        symbol: &[b'S'; 64],
        instrument: Some(&long[0]),
        traded: i128::MAX,
    };
    let mut out = [0; FIX_OUT_BYTES_MAX];
    let length = report::encode(&mut out, &header, &event, &facts).unwrap();
    // A resend puts PossDupFlag and OrigSendingTime on top.
    assert!(length + "43=Y|122=20240229-23:59:59.007|".len() <= FIX_OUT_BYTES_MAX, "{length}");
    let short = support::instruments();
    for (id, symbol) in [(&b""[..], &b"X"[..]), (b"1", b""), (b"a\x01b", b"X"), (&[b'i'; 65], b"X")] {
        let facts = Facts { cl_ord_id: id, symbol, ..self::facts(&short[0]) };
        assert_eq!(report::encode(&mut out, &HEADER, &fill(), &facts), Err(Code::FixFieldInvalid));
    }
    let request = self::event(OrderEventKind::New);
    assert_eq!(report::encode(&mut out, &HEADER, &request, &self::facts(&short[0])), Err(Code::FixFieldInvalid));
}

/// Whatever is changed in a message, it is read or refused, whichever side reads it.
#[test]
fn mutations_never_panic() {
    let seed = 33;
    let mut rng = SplitMix64::new(seed);
    let instruments = support::instruments();
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let length = request::positions(&mut out, &HEADER, OrderId::new(3, 1), &instruments[0]).unwrap();
    let order = "11=a|55=BTCUSDT|54=1|60=20240229-23:59:59|38=1|40=2|44=1|59=1|18=6 E|";
    let pool = [
        encoded(&fill(), &facts(&instruments[0])),
        encoded(&OrderEvent { state: 4, filled: Lots(2), ..event(OrderEventKind::Status) }, &facts(&instruments[0])),
        out[..length].to_vec(),
        framed(&format!("35=D|{HEAD}{order}")),
        framed(&format!("35=AP|{HEAD}721=1|728=0|55=BTCUSDT|702=1|703=TQ|704=1|705=0|")),
    ];
    let mut read = 0;
    for _ in 0..60_000 {
        let mut bytes = pool[rng.below(pool.len() as u64) as usize].clone();
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(3) {
                0 => bytes[at] = b"\x01=0123456789.-FIA8\xff"[rng.below(19) as usize],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"\x01=019.-"[rng.below(7) as usize]),
            }
        }
        let Ok(message) = Message::parse(&bytes) else { continue };
        read += report::decode(&message, &usdm(&instruments)).is_ok() as u64;
        read += request::decode(&message, &usdm(&instruments)).is_ok() as u64;
    }
    assert!(read > 5_000, "{read}");
}
