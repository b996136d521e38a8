//! FIX messages against a strict reader written for these tests, golden bytes, and the FIX 4.4 dictionary where it is
//! there.
use crate::support;

use fafnir_wire::fix::{self, CancelOrder, Header, NewOrder, ReplaceOrder};
use types::limits::FIX_MESSAGE_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, Instrument, Lots, OrderId, Side, Ticks, UnixNanos, flag};

const TIME: UnixNanos = UnixNanos(1_709_251_199_007_999_999);
const HEADER: Header<'static> = Header { sender: b"FAFNIR", target: b"BINANCE", sequence: 42, time: TIME };

/// Splits a message into (tag, value), checking framing, body length and checksum by their definitions.
fn read(message: &[u8]) -> Vec<(u32, String)> {
    assert_eq!(message.last(), Some(&1));
    let fields: Vec<(u32, String)> = message[..message.len() - 1]
        .split(|&byte| byte == 1)
        .map(|field| {
            let text = std::str::from_utf8(field).expect("ASCII");
            let (tag, value) = text.split_once('=').expect("tag=value");
            assert!(!value.is_empty() && !tag.starts_with('0'), "{text}");
            (tag.parse().expect("a tag"), value.to_string())
        })
        .collect();
    assert_eq!((fields[0].0, fields[0].1.as_str()), (8, "FIX.4.4"));
    assert_eq!((fields[1].0, fields[2].0, fields[fields.len() - 1].0), (9, 35, 10));
    let body_start = message.iter().enumerate().filter(|(_, byte)| **byte == 1).nth(1).unwrap().0 + 1;
    let trailer = message.len() - "10=000\x01".len();
    assert_eq!(fields[1].1, (trailer - body_start).to_string());
    let sum = message[..trailer].iter().map(|&byte| byte as u32).sum::<u32>() % 256;
    assert_eq!(fields[fields.len() - 1].1, format!("{sum:03}"));
    let mut tags: Vec<u32> = fields.iter().map(|field| field.0).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), fields.len(), "a tag twice");
    fields
}

fn text(message: &[u8]) -> String {
    String::from_utf8(message.iter().map(|&byte| if byte == 1 { b'|' } else { byte }).collect()).unwrap()
}

fn new(instrument: &Instrument) -> NewOrder<'_> {
    NewOrder {
        cl_ord_id: OrderId::new(3, 17),
        instrument,
        side: Side::Buy,
        price: Ticks(618_002),
        quantity: Lots(10),
        flags: flag::POST_ONLY,
    }
}

fn cancel(instrument: &Instrument) -> CancelOrder<'_> {
    let (cl_ord_id, orig_cl_ord_id) = (OrderId::new(3, 18), OrderId::new(3, 17));
    CancelOrder { cl_ord_id, orig_cl_ord_id, instrument, side: Side::Sell, quantity: Lots(1_500) }
}

fn replace(instrument: &Instrument) -> ReplaceOrder<'_> {
    ReplaceOrder {
        cl_ord_id: OrderId::new(3, 19),
        orig_cl_ord_id: OrderId::new(2, 4_294_967_295),
        instrument,
        side: Side::Sell,
        price: Ticks(618_010),
        quantity: Lots(25),
        flags: 0,
    }
}

#[test]
fn golden_messages() {
    let instruments = support::instruments();
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let length = fix::new_order(&mut out, &HEADER, &new(&instruments[0])).unwrap();
    assert_eq!(text(&out[..length]), NEW);
    let length = fix::cancel_order(&mut out, &HEADER, &cancel(&instruments[0])).unwrap();
    assert_eq!(text(&out[..length]), CANCEL);
    let length = fix::replace_order(&mut out, &HEADER, &replace(&instruments[1])).unwrap();
    assert_eq!(text(&out[..length]), REPLACE);
}

// Expected values by hand; framing, length and checksum by simplefix 1.0.17 (Python), an independent encoder.
const NEW: &str = concat!(
    "8=FIX.4.4|9=142|35=D|49=FAFNIR|56=BINANCE|34=42|52=20240229-23:59:59.007|",
    "11=3-17|18=6|55=BTCUSDT|54=1|60=20240229-23:59:59.007|38=0.010|40=2|44=61800.20|59=1|10=059|"
);
const CANCEL: &str = concat!(
    "8=FIX.4.4|9=123|35=F|49=FAFNIR|56=BINANCE|34=42|52=20240229-23:59:59.007|",
    "41=3-17|11=3-18|55=BTCUSDT|54=2|60=20240229-23:59:59.007|38=1.500|10=235|"
);
const REPLACE: &str = concat!(
    "8=FIX.4.4|9=163|35=G|49=FAFNIR|56=BINANCE|34=42|52=20240229-23:59:59.007|",
    "41=2-4294967295|11=3-19|55=BTCUSDC|54=2|60=20240229-23:59:59.007|38=0.00025000|40=2|44=6180.10000000|59=1|10=086|"
);

#[test]
fn flags_choose_execution_and_time_in_force() {
    let instruments = support::instruments();
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    for (flags, exec_inst, time_in_force) in [
        (0, None, "1"),
        (flag::POST_ONLY, Some("6"), "1"),
        (flag::REDUCE_ONLY, Some("E"), "1"),
        (flag::POST_ONLY | flag::REDUCE_ONLY, Some("6 E"), "1"),
        (flag::IOC, None, "3"),
        (flag::IOC | flag::REDUCE_ONLY, Some("E"), "3"),
        (flag::LAST | flag::SNAPSHOT | flag::TAKER, None, "1"),
    ] {
        let order = NewOrder { flags, ..new(&instruments[0]) };
        let length = fix::new_order(&mut out, &HEADER, &order).unwrap();
        let replaced = ReplaceOrder { flags, ..replace(&instruments[0]) };
        let mut other = [0; FIX_MESSAGE_BYTES_MAX];
        let other_length = fix::replace_order(&mut other, &HEADER, &replaced).unwrap();
        for fields in [read(&out[..length]), read(&other[..other_length])] {
            let value = |tag| fields.iter().find(|field| field.0 == tag).map(|field| field.1.as_str());
            assert_eq!((value(18), value(59)), (exec_inst, Some(time_in_force)));
        }
    }
}

#[test]
fn random_messages_read_back() {
    let seed = 77;
    let mut rng = SplitMix64::new(seed);
    let instruments = support::instruments();
    let mut out = [0xaa; FIX_MESSAGE_BYTES_MAX];
    for _ in 0..60_000 {
        let instrument = &instruments[rng.below(instruments.len() as u64) as usize];
        let sender = vec![b'A' + rng.below(26) as u8; 1 + rng.below(fix::COMP_ID_BYTES_MAX as u64) as usize];
        let time = UnixNanos(rng.next_u64() >> rng.below(64));
        let header = Header { sender: &sender, target: b"X", sequence: (rng.next_u64() >> rng.below(64)).max(1), time };
        let side = Side::BOTH[rng.below(2) as usize];
        let (price, quantity) = (
            Ticks(rng.next_u64() as i64 >> rng.below(63)),
            Lots((rng.next_u64() >> (1 + rng.below(62))).max(1) as i64),
        );
        let cl_ord_id = OrderId::new(1 + rng.below(OrderId::SESSION_MAX as u64) as u32, rng.next_u64() as u32);
        let orig_cl_ord_id = OrderId::new(1, 1 + rng.below(100) as u32);
        let kind = [b'D', b'F', b'G'][rng.below(3) as usize];
        let length = match kind {
            b'D' => {
                fix::new_order(&mut out, &header, &NewOrder { cl_ord_id, instrument, side, price, quantity, flags: 0 })
            }
            b'F' => fix::cancel_order(
                &mut out,
                &header,
                &CancelOrder { cl_ord_id, orig_cl_ord_id, instrument, side, quantity },
            ),
            _ => fix::replace_order(
                &mut out,
                &header,
                &ReplaceOrder { cl_ord_id, orig_cl_ord_id, instrument, side, price, quantity, flags: 0 },
            ),
        }
        .unwrap_or_else(|code| panic!("seed {seed}: {code:?}"));
        let fields = read(&out[..length]);
        let value = |tag: u32| fields.iter().find(|field| field.0 == tag).map(|field| field.1.as_str());
        assert_eq!(value(35), Some((kind as char).to_string().as_str()));
        assert_eq!((value(49), value(56)), (std::str::from_utf8(&sender).ok(), Some("X")));
        assert_eq!(value(34).unwrap().parse(), Ok(header.sequence));
        assert_eq!(value(11), Some(format!("{}-{}", cl_ord_id.session(), cl_ord_id.counter()).as_str()));
        let orig = format!("1-{}", orig_cl_ord_id.counter());
        assert_eq!(value(41), (kind != b'D').then_some(orig.as_str()));
        assert_eq!(
            (value(55), value(54)),
            (Some(instrument.symbol()), Some(if side == Side::Buy { "1" } else { "2" }))
        );
        let digits = |tag| value(tag).unwrap().replace('.', "").parse::<i128>().unwrap();
        let beyond = 10i128.pow((instrument.quantity_decimals - instrument.quantity.scale) as u32);
        assert_eq!(digits(38), quantity.0 as i128 * instrument.quantity.increment as i128 * beyond, "seed {seed}");
        if kind != b'F' {
            let beyond = 10i128.pow((instrument.price_decimals - instrument.price.scale) as u32);
            assert_eq!(digits(44), price.0 as i128 * instrument.price.increment as i128 * beyond, "seed {seed}");
            assert_eq!((value(40), value(59)), (Some("2"), Some("1")));
        }
        let (year, month, day, hour, minute, second, nanos) = types::time::civil_utc(time);
        let stamp = format!("{year:04}{month:02}{day:02}-{hour:02}:{minute:02}:{second:02}.{:03}", nanos / 1_000_000);
        assert_eq!((value(52), value(60)), (Some(stamp.as_str()), Some(stamp.as_str())));
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let instruments = support::instruments();
    let order = new(&instruments[0]);
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let long = [b'A'; fix::COMP_ID_BYTES_MAX + 1];
    for bad in [&b""[..], b"A\x01B", b"A\nB", b"\x7f", b"\xc3\xa9", &long] {
        for header in [Header { sender: bad, ..HEADER }, Header { target: bad, ..HEADER }] {
            assert_eq!(fix::new_order(&mut out, &header, &order), Err(Code::FixFieldInvalid), "{}", bad.escape_ascii());
        }
    }
    let refused = Err(Code::FixFieldInvalid);
    assert_eq!(fix::new_order(&mut out, &Header { sequence: 0, ..HEADER }, &order), refused);
    assert_eq!(fix::new_order(&mut out, &HEADER, &NewOrder { cl_ord_id: OrderId::NONE, ..order }), refused);
    for quantity in [Lots(0), Lots(-1), Lots(i64::MIN)] {
        assert_eq!(fix::new_order(&mut out, &HEADER, &NewOrder { quantity, ..order }), refused);
        let canceled = CancelOrder { quantity, ..cancel(&instruments[0]) };
        assert_eq!(fix::cancel_order(&mut out, &HEADER, &canceled), refused);
    }
    let replaced = ReplaceOrder { orig_cl_ord_id: OrderId::NONE, ..replace(&instruments[0]) };
    assert_eq!(fix::replace_order(&mut out, &HEADER, &replaced), refused);
    let length = fix::new_order(&mut out, &HEADER, &order).unwrap();
    for room in 0..length {
        let mut small = vec![0; room];
        assert_eq!(fix::new_order(&mut small, &HEADER, &order), refused, "{room}");
    }
    let mut exact = vec![0; length];
    assert_eq!(fix::new_order(&mut exact, &HEADER, &order), Ok(length));
    assert_eq!(exact, &out[..length]);
}

#[test]
fn shortest_and_longest() {
    let short = support::from(r#"{ "symbol": "A", "venue": "USDM", "tickSize": "1", "lotSize": "1" }"#);
    let header = Header { sender: b"A", target: b"B", sequence: 1, time: UnixNanos::NONE };
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let (cl_ord_id, orig_cl_ord_id) = (OrderId::new(1, 1), OrderId::new(1, 2));
    let order = CancelOrder { cl_ord_id, orig_cl_ord_id, instrument: &short[0], side: Side::Buy, quantity: Lots(1) };
    let length = fix::cancel_order(&mut out, &header, &order).unwrap();
    let fields = read(&out[..length]);
    assert!(fields[1].1.len() == 2 && fields[9].1 == "A", "{}", text(&out[..length]));
    let symbol = "S".repeat(32);
    let long = support::from(&format!(
        r#"{{ "symbol": "{symbol}", "venue": "USDM", "tickSize": "9223.372036854775", "lotSize": "9223.372036854775",
              "priceDecimals": 18, "quantityDecimals": 18 }}"#
    ));
    let name = [b'N'; fix::COMP_ID_BYTES_MAX];
    let header = Header { sender: &name, target: &name, sequence: u64::MAX, time: UnixNanos(u64::MAX) };
    let order = ReplaceOrder {
        cl_ord_id: OrderId(u64::MAX),
        orig_cl_ord_id: OrderId(u64::MAX),
        instrument: &long[0],
        side: Side::Buy,
        price: Ticks(i64::MIN),
        quantity: Lots(i64::MAX),
        flags: u8::MAX,
    };
    let length = fix::replace_order(&mut out, &header, &order).unwrap();
    let fields = read(&out[..length]);
    assert_eq!(fields.iter().find(|field| field.0 == 44).unwrap().1, "-85070591730234608413359.046079283200000000");
}

/// Required fields and their order against the dictionary, where it is there.
#[test]
fn fields_are_those_of_the_dictionary() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/fix/FIX44.xml");
    let Ok(dictionary) = std::fs::read_to_string(&path) else {
        println!("skipped: no dictionary at {}", path.display());
        return;
    };
    let dictionary = dictionary.replace('\'', "\"");
    let instruments = support::instruments();
    let mut out = [0; FIX_MESSAGE_BYTES_MAX];
    let header = section(&dictionary, "<header>", "</header>", &dictionary);
    for kind in ["D", "F", "G"] {
        let length = match kind {
            "D" => fix::new_order(&mut out, &HEADER, &NewOrder { flags: u8::MAX, ..new(&instruments[0]) }),
            "F" => fix::cancel_order(&mut out, &HEADER, &cancel(&instruments[0])),
            _ => fix::replace_order(&mut out, &HEADER, &ReplaceOrder { flags: u8::MAX, ..replace(&instruments[0]) }),
        };
        let tags: Vec<u32> = read(&out[..length.unwrap()]).into_iter().map(|field| field.0).collect();
        let body = section(&dictionary, &format!("msgtype=\"{kind}\""), "</message>", &dictionary);
        let legal: Vec<(u32, bool)> = header.iter().chain(&body).copied().collect();
        assert!(legal.len() > 20, "the dictionary was read");
        for &(tag, required) in &legal {
            assert!(!required || tags.contains(&tag), "35={kind} lacks {tag}");
        }
        let places: Vec<usize> = tags[..tags.len() - 1]
            .iter()
            .map(|tag| {
                legal.iter().position(|(known, _)| known == tag).unwrap_or_else(|| panic!("35={kind} has {tag}"))
            })
            .collect();
        assert!(places.is_sorted(), "35={kind}: {tags:?}");
    }
}

/// Fields of a section in order, with the two components these messages use written out.
fn section(dictionary: &str, from: &str, to: &str, all: &str) -> Vec<(u32, bool)> {
    let start = dictionary.find(from).unwrap();
    let text = &dictionary[start..start + dictionary[start..].find(to).unwrap()];
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next().unwrap().to_string())
    };
    let mut fields = Vec::new();
    let mut groups = 0;
    for tag in text.split('<').skip(1) {
        if tag.starts_with("group") {
            groups += 1;
        } else if tag.starts_with("/group") {
            groups -= 1;
        }
        let (Some(name), required) = (attribute(tag, "name"), attribute(tag, "required").as_deref() == Some("Y"))
        else {
            continue;
        };
        if groups > 0 {
            continue;
        }
        if tag.starts_with("field") {
            let field = all
                .split("<field ")
                .find(|field| field.contains(&format!("name=\"{name}\"")) && field.contains("number="))
                .unwrap();
            fields.push((attribute(field, "number").unwrap().parse().unwrap(), required));
        } else if tag.starts_with("component") && name == "Instrument" {
            fields.push((55, true));
        } else if tag.starts_with("component") && name == "OrderQtyData" {
            fields.push((38, true));
        }
    }
    fields
}
