//! Requests: ours and those of others, as a venue reads them.
use crate::plain;
use crate::support;

use fafnir_wire::fix::request::{self, MassCancelScope, OrderRequestKind, Request, RequestFault};
use fafnir_wire::fix::{self, CancelOrder, Header, Listing, Message, NewOrder, RejectReason, ReplaceOrder};
use plain::{Dictionary, framed};
use types::limits::FIX_MESSAGE_BYTES_MAX;
use types::{Code, Instrument, InstrumentId, Lots, OrderId, Side, Ticks, UnixNanos, VenueId, flag};

const TIME: UnixNanos = UnixNanos(1_709_251_199_007_000_000);
const HEADER: Header<'static> = Header { sender: b"SIM", target: b"FAFNIR", sequence: 42, time: TIME };
const HEAD: &str = "49=SIM|56=FAFNIR|34=42|52=20240229-23:59:59.007|";

fn usdm(instruments: &[Instrument]) -> Listing<'_> {
    Listing { instruments, venue: VenueId(0) }
}

#[test]
fn requests_read_back() {
    let instruments = support::instruments();
    let (listing, instrument) = (usdm(&instruments), &instruments[0]);
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let (cl_ord_id, orig_cl_ord_id) = (OrderId::new(3, 18), OrderId::new(3, 17));
    for flags in [0, flag::POST_ONLY, flag::REDUCE_ONLY, flag::POST_ONLY | flag::REDUCE_ONLY, flag::IOC] {
        let (side, price, quantity) = (Side::Sell, Ticks(618_002), Lots(10));
        for kind in [OrderRequestKind::New, OrderRequestKind::Cancel, OrderRequestKind::Replace] {
            let length = match kind {
                OrderRequestKind::New => {
                    fix::new_order(&mut out, &HEADER, &NewOrder { cl_ord_id, instrument, side, price, quantity, flags })
                }
                OrderRequestKind::Cancel => {
                    let cancel = CancelOrder { cl_ord_id, orig_cl_ord_id, instrument, side, quantity };
                    fix::cancel_order(&mut out, &HEADER, &cancel)
                }
                OrderRequestKind::Replace => {
                    let replace = ReplaceOrder { cl_ord_id, orig_cl_ord_id, instrument, side, price, quantity, flags };
                    fix::replace_order(&mut out, &HEADER, &replace)
                }
            };
            let message = Message::parse(&out[..length.unwrap()]).unwrap();
            let Ok(Request::Order(order)) = request::decode(&message, &listing) else { panic!() };
            let is_cancel = kind == OrderRequestKind::Cancel;
            assert_eq!((order.kind, order.cl_ord_id, order.side, order.quantity), (kind, &b"3-18"[..], side, quantity));
            assert_eq!(order.orig_cl_ord_id, if kind == OrderRequestKind::New { &b""[..] } else { b"3-17" });
            assert_eq!((order.instrument, order.fault, order.time), (Some(InstrumentId(0)), None, TIME));
            let terms = if is_cancel { (Ticks(0), 0) } else { (price, flags) };
            assert_eq!((order.price, order.flags), terms);
        }
    }
}

#[test]
fn what_is_asked_before_the_first_quote_reads_back() {
    let instruments = support::instruments();
    let (listing, instrument) = (usdm(&instruments), &instruments[0]);
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let cl_ord_id = OrderId::new(3, 18);
    let dictionary = Dictionary::load();
    let lengths = [
        request::mass_cancel(&mut out, &HEADER, cl_ord_id, None).map(|length| out[..length].to_vec()),
        request::mass_cancel(&mut out, &HEADER, cl_ord_id, Some(instrument)).map(|length| out[..length].to_vec()),
        request::order_status(&mut out, &HEADER, cl_ord_id, instrument, Side::Sell)
            .map(|length| out[..length].to_vec()),
        request::positions(&mut out, &HEADER, cl_ord_id, instrument).map(|length| out[..length].to_vec()),
    ];
    let read: Vec<String> = lengths
        .iter()
        .map(|bytes| {
            let bytes = bytes.as_ref().unwrap();
            dictionary.iter().for_each(|dictionary| dictionary.check(bytes));
            let message = Message::parse(bytes).unwrap();
            match request::decode(&message, &listing).unwrap() {
                Request::MassCancel(mass) => {
                    assert_eq!(mass.cl_ord_id, b"3-18");
                    format!("mass {:?} {}", mass.scope, mass.asked as char)
                }
                Request::Status(status) => {
                    assert_eq!((status.cl_ord_id, status.symbol), (&b"3-18"[..], &b"BTCUSDT"[..]));
                    format!("status {:?} {:?}", status.side, status.instrument)
                }
                Request::Positions(positions) => {
                    assert_eq!((positions.request, positions.account), (&b"3-18"[..], &b"SIM"[..]));
                    format!("positions {:?}", positions.instrument)
                }
                Request::Order(_) => panic!(),
            }
        })
        .collect();
    let one = InstrumentId(0);
    let expected = [
        format!("mass {:?} 7", MassCancelScope::All),
        format!("mass {:?} 1", MassCancelScope::One(one)),
        format!("status Sell {:?}", Some(one)),
        format!("positions {:?}", Some(one)),
    ];
    assert_eq!(read, expected);
}

#[test]
fn requests_of_others() {
    let instruments = support::instruments();
    let decode = |body: &str| {
        let bytes = framed(body);
        match request::decode(&Message::parse(&bytes).unwrap(), &usdm(&instruments)) {
            Ok(Request::Order(order)) => Ok((order.fault, order.flags)),
            Ok(_) => panic!(),
            Err(refusal) => Err(refusal),
        }
    };
    let base = format!("35=D|{HEAD}11=Any Text 64|55=BTCUSDT|54=1|60=20240229-23:59:59|38=1|");
    for (rest, fault, flags) in [
        ("40=2|44=1|", None, 0),
        ("40=2|44=1|59=0|", None, 0),
        ("40=2|44=1|59=3|18=E|", None, flag::IOC | flag::REDUCE_ONLY),
        ("40=2|44=1|18=6 E|", None, flag::POST_ONLY | flag::REDUCE_ONLY),
        ("40=2|44=1|18=G|", Some(Code::VenueUnsupported), 0),
        ("40=2|44=1|59=4|", Some(Code::VenueUnsupported), 0),
        ("40=2|44=1|59=6|", Some(Code::VenueUnsupported), 0),
        ("40=1|", Some(Code::VenueUnsupported), 0),
        ("40=2|", Some(Code::VenueInvalid), 0),
        ("40=2|44=0.01|", Some(Code::VenueInvalid), 0),
        ("40=2|44=one|", Some(Code::VenueInvalid), 0),
    ] {
        assert_eq!(decode(&format!("{base}{rest}")), Ok((fault, flags)), "{rest}");
    }
    let unknown = base.replace("BTCUSDT", "DOGE");
    assert_eq!(decode(&format!("{unknown}40=2|44=1|")), Ok((Some(Code::UnknownSymbol), 0)));
    let session = |reason, tag| Err(RequestFault::Session { reason, tag });
    let good = format!("{base}40=2|44=1|");
    for (without, tag) in [
        ("11=Any Text 64|", 11),
        ("55=BTCUSDT|", 55),
        ("54=1|", 54),
        ("60=20240229-23:59:59|", 60),
        ("38=1|", 38),
        ("40=2|", 40),
    ] {
        assert_eq!(decode(&good.replace(without, "")), session(RejectReason::TagMissing, tag), "{without}");
    }
    assert_eq!(decode(&good.replace("54=1", "54=7")), session(RejectReason::ValueIncorrect, 54));
    assert_eq!(decode(&good.replace("Any Text 64", &"x".repeat(65))), session(RejectReason::ValueIncorrect, 11));
    assert_eq!(decode(&good.replace("Any Text 64", "a\nb")), session(RejectReason::ValueIncorrect, 11));
    assert_eq!(decode(&good.replace("60=2024", "60=x024")), session(RejectReason::FormatIncorrect, 60));
    assert_eq!(decode(&good.replace("40=2|", "40=2|58|")), session(RejectReason::InvalidTag, 0));
    assert_eq!(decode(&good.replace("35=D", "35=E")), Err(RequestFault::Business { reason: 3 }));
    assert_eq!(decode(&good.replace("35=D", "35=F")), session(RejectReason::TagMissing, 41));
}
