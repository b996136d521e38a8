//! Messages from fields: read back by the plain reader of the tests, and refused where they could not be.
use crate::plain;

use fafnir_wire::fix::TemplateField::{Fixed, Slot};
use fafnir_wire::fix::{BeginString, FieldIndex, MessageBuilder, Precision, Template};
use plain::{framed, framed_as, text};
use types::rng::SplitMix64;
use types::{Code, Decimal, UnixNanos};

const AT: UnixNanos = UnixNanos(1_709_251_199_007_065_004);
/// What `order` gives, in its order.
const GIVEN: &str = "35=D|44=61800.20|11=17-4|52=20240229-23:59:59.007|354=4|355=a|=b|453=2|448=P|447=D|802=1|523=sub|\
                 448=Q|34=12|97=Y|93=3|89=sig|38=-7|49=A|";
const GOOD: Decimal = Decimal { mantissa: 15, scale: 1 };

fn order(builder: &mut MessageBuilder) {
    builder
        .open(b"D")
        .decimal(44, Decimal { mantissa: 6_180_020, scale: 2 })
        .text(11, b"17-4")
        .timestamp(52, AT, Precision::Millis)
        .data(354, 355, b"a\x01=b")
        .begin_group(453, 2)
        .text(448, b"P")
        .character(447, b'D')
        .begin_group(802, 1)
        .text(523, b"sub")
        .end_group()
        .text(448, b"Q")
        .end_group()
        .integer(34, 12)
        .boolean(97, true)
        .data(93, 89, b"sig")
        .integer(38, -7)
        .text(49, b"A");
}

#[test]
fn order_as_given_and_canonical() {
    let mut builder = MessageBuilder::new(BeginString::Fix44);
    order(&mut builder);
    assert_eq!(text(builder.close().unwrap()), text(&framed(GIVEN)));
    assert_eq!(text(builder.close().unwrap()), text(&framed(GIVEN)), "again");
    let canonical = "35=D|34=12|49=A|52=20240229-23:59:59.007|97=Y|11=17-4|38=-7|44=61800.20|354=4|355=a|=b|453=2|\
                     448=P|447=D|802=1|523=sub|448=Q|93=3|89=sig|";
    assert_eq!(text(builder.close_ordered().unwrap()), text(&framed(canonical)));
    let (header, body) = builder.parts().unwrap();
    assert_eq!(text(header), "34=12|49=A|52=20240229-23:59:59.007|97=Y|");
    assert!(text(body).starts_with("11=17-4|38=-7|") && text(body).ends_with("448=Q|"), "{}", text(body));
    for version in BeginString::ALL {
        let mut builder = MessageBuilder::new(version);
        builder.open(b"0").text(112, b"TEST");
        assert_eq!(builder.close().unwrap(), framed_as(version.as_str(), "35=0|112=TEST|"));
        assert_eq!(builder.close_ordered().unwrap(), framed_as(version.as_str(), "35=0|112=TEST|"));
    }
    builder.open(b"0");
    assert_eq!(builder.close_ordered().unwrap(), framed("35=0|"));
    assert_eq!(builder.parts().unwrap(), (&b""[..], &b""[..]));
}

#[test]
fn what_is_no_message_is_refused() {
    let mut builder = MessageBuilder::new(BeginString::Fix44);
    type Write = fn(&mut MessageBuilder);
    let bad: [Write; 12] = [
        |builder| _ = builder.text(58, b""),
        |builder| _ = builder.text(58, b"a\x01b"),
        |builder| _ = builder.text(58, b"more than eight\x01"),
        |builder| _ = builder.text(58, b"\x01 and more than sixteen bytes"),
        |builder| _ = builder.text(0, b"x"),
        |builder| _ = builder.text(8, b"FIX.4.2"),
        |builder| _ = builder.integer(9, 5),
        |builder| _ = builder.text(35, b"D"),
        |builder| _ = builder.text(10, b"000"),
        |builder| _ = builder.data(95, 96, b""),
        |builder| _ = builder.begin_group(453, 1),
        |builder| _ = builder.end_group(),
    ];
    for (place, write) in bad.into_iter().enumerate() {
        builder.open(b"0").text(112, b"x");
        write(&mut builder);
        assert_eq!(builder.close(), Err(Code::FixFieldInvalid), "{place}");
        assert_eq!(builder.close_ordered(), Err(Code::FixFieldInvalid), "{place}");
        builder.open(b"0").text(112, b"x");
        assert!(builder.close().is_ok(), "a new message begins anew");
    }
    for kind in [&b""[..], b"\x01"] {
        assert!(builder.open(kind).close().is_err());
    }
    // Every bound of bytes and fields: refused below, whole from there on.
    for bytes in 0..400 {
        let mut builder = MessageBuilder::with_bounds(BeginString::Fix44, bytes, 12);
        order(&mut builder);
        assert_eq!(builder.close().is_ok(), bytes >= GIVEN.len() + 7, "{bytes}");
        let mut builder = MessageBuilder::with_bounds(BeginString::Fix44, 400, bytes);
        order(&mut builder);
        assert_eq!(builder.close_ordered().is_ok(), bytes >= 10, "{bytes}");
    }
}

/// A value of each kind and its text by the standard library.
fn value(rng: &mut SplitMix64) -> (i64, Decimal, UnixNanos, [String; 2]) {
    let integer = rng.next_u64() as i64 >> rng.below(64);
    let scale = rng.below(19) as u8;
    let magnitude = (rng.next_u64() >> (1 + rng.below(63))) as i64;
    let mantissa = if rng.below(3) == 0 { -magnitude } else { magnitude };
    let decimal = Decimal { mantissa, scale };
    (integer, decimal, UnixNanos(rng.next_u64() >> rng.below(3)), [integer.to_string(), decimal.to_string()])
}

#[test]
fn templates_and_builders_write_what_the_standard_library_writes() {
    let seed = 9;
    let mut rng = SplitMix64::new(seed);
    let mut builder = MessageBuilder::new(BeginString::Fixt11);
    let fixed = "a text that is longer than thirty-two bytes";
    let fields = [Slot(34), Fixed(58, fixed.as_bytes()), Slot(44), Slot(52), Slot(60), Slot(11), Slot(97), Slot(54)];
    let mut template = Template::new(BeginString::Fixt11, b"AE", &fields).unwrap();
    let mut index = FieldIndex::new();
    for round in 0..30_000 {
        let (integer, decimal, at, [integer_text, decimal_text]) = value(&mut rng);
        let words = (0..1 + rng.below(40)).map(|_| (b'!' + rng.below(90) as u8) as char).collect::<String>();
        let precision =
            [Precision::Seconds, Precision::Millis, Precision::Micros, Precision::Nanos][rng.below(4) as usize];
        let bytes = template
            .fill()
            .integer(integer)
            .decimal(decimal)
            .timestamp(at, precision)
            .timestamp(at, Precision::Nanos)
            .text(words.as_bytes())
            .boolean(integer > 0)
            .character(b'1')
            .close()
            .unwrap()
            .to_vec();
        index.read(&bytes).unwrap_or_else(|garbled| panic!("seed {seed} round {round}: {garbled:?} {}", text(&bytes)));
        let get = |tag| String::from_utf8_lossy(index.value(&bytes, tag).unwrap()).into_owned();
        assert_eq!(
            (get(34), get(44), get(11), get(58)),
            (integer_text, decimal_text, words.clone(), fixed.to_string())
        );
        let places = [17, 21, 24, 27][precision as usize];
        assert_eq!(get(52), get(60)[..places], "seed {seed} round {round}");
        assert_eq!(index.get(60).unwrap().timestamp(&bytes), Some(at));
        builder.open(b"AE").integer(34, integer).text(58, fixed.as_bytes()).decimal(44, decimal);
        builder.timestamp(52, at, precision).timestamp(60, at, Precision::Nanos).text(11, words.as_bytes());
        builder.boolean(97, integer > 0).character(54, b'1');
        assert_eq!(text(builder.close().unwrap()), text(&bytes));
    }
}

#[test]
fn templates_refuse_what_does_not_fit_them() {
    for bad in [Fixed(8, b"x"), Fixed(0, b"x"), Fixed(58, b""), Fixed(58, b"a\x01"), Slot(10), Slot(35), Slot(9)] {
        assert!(Template::new(BeginString::Fix44, b"0", &[bad]).is_err(), "{bad:?}");
    }
    assert!(Template::new(BeginString::Fix44, b"", &[]).is_err());
    let mut none = Template::new(BeginString::Fix44, b"0", &[]).unwrap();
    assert_eq!(none.fill().close().unwrap(), framed("35=0|"));
    let mut two = Template::new(BeginString::Fix44, b"0", &[Slot(1), Slot(2)]).unwrap();
    assert_eq!(two.fill().integer(1).close(), Err(Code::FixFieldInvalid));
    assert_eq!(two.fill().integer(1).decimal(GOOD).close().unwrap(), framed("35=0|1=1|2=1.5|"));
    assert_eq!(two.fill().integer(1).integer(2).integer(3).close(), Err(Code::FixFieldInvalid));
    assert_eq!(two.fill().integer(1).text(b"a\x01b").close(), Err(Code::FixFieldInvalid));
    let long = vec![b'x'; 70_000];
    assert_eq!(two.fill().integer(1).text(&long).close(), Err(Code::FixFieldInvalid));
    assert_eq!(two.fill().integer(1).text(&long[..60_000]).close().map(<[u8]>::len), Ok(60_037));
}

/// Body length and checksum of every length, the borders of their digits among them, by the reader's own count.
#[test]
fn bodies_of_every_length_are_framed() {
    let (mut builder, mut index) = (MessageBuilder::new(BeginString::Fix44), FieldIndex::new());
    let value = [b'~'; 10_100];
    for length in (1..1_100).chain(9_900..10_100) {
        let message = builder.open(b"B").text(58, &value[..length]).close().expect("a good message");
        // 35=B and 58=, each with its separator.
        let body = format!("\x019={}\x0135=B", 5 + 4 + length);
        assert!(message[9..].starts_with(body.as_bytes()), "{length}");
        index.read(message).expect("its length and checksum are right");
    }
}
