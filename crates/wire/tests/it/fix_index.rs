//! The index of a message's fields: against a plain reader, on good, odd and hostile bytes.
use crate::plain;

use fafnir_wire::fix::{BeginString, FieldIndex, FieldSpan, Garbled};
use plain::{framed, framed_as};

const BODY: &str = "35=D|34=2|49=A|52=20240229-23:59:59.007|56=B|11=x=y|58=|453=2|448=P|448=Q|5000=1|";

/// (tag, value) of all fields.
fn fields(bytes: &[u8]) -> Result<Vec<(u32, String)>, Garbled> {
    let mut index = FieldIndex::new();
    index.read(bytes)?;
    Ok(index.spans().iter().map(|span| (span.tag, String::from_utf8_lossy(span.of(bytes)).into_owned())).collect())
}

/// Bytes with a right length and checksum around a body of any kind.
fn wrapped(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("8=FIX.4.4\x019={}\x01", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    let sum = bytes.iter().map(|&byte| byte as u32).sum::<u32>() % 256;
    bytes.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    bytes
}

#[test]
fn every_field_has_its_place() {
    let bytes = framed(BODY);
    let mut index = FieldIndex::new();
    index.read(&bytes).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let mut at = 0;
    for (place, (span, field)) in index.spans().iter().zip(text[..text.len() - 1].split('\x01')).enumerate() {
        let (tag, value) = field.split_once('=').unwrap();
        let start = (at + tag.len() + 1) as u32;
        assert_eq!(*span, FieldSpan { tag: tag.parse().unwrap(), start, end: start + value.len() as u32 });
        assert_eq!((span.of(&bytes), index.tag_text(&bytes, place)), (value.as_bytes(), tag.as_bytes()));
        at += field.len() + 1;
    }
    assert_eq!((at, index.spans().len()), (text.len(), 14));
    let tags = |spans: &[FieldSpan]| spans.iter().map(|span| span.tag).collect::<Vec<_>>();
    assert_eq!(tags(index.header()), [8, 9, 35, 34, 49, 52, 56]);
    assert_eq!(tags(index.body()), [11, 58, 453, 448, 448, 5000]);
    assert_eq!(tags(index.trailer()), [10]);
    assert_eq!((index.value(&bytes, 448), index.value(&bytes, 447)), (Some(&b"P"[..]), None));
    assert_eq!((index.msg_type(&bytes), index.begin_string(&bytes)), (&b"D"[..], Some(BeginString::Fix44)));
    for version in BeginString::ALL {
        let bytes = framed_as(version.as_str(), BODY);
        index.read(&bytes).unwrap();
        assert_eq!(index.begin_string(&bytes), Some(version));
    }
    index.read(&framed_as("FIX.3.9", BODY)).unwrap();
    assert_eq!(index.begin_string(&framed_as("FIX.3.9", BODY)), None);
}

#[test]
fn integers_that_are_no_tags_are_fields_without_a_tag() {
    for text in ["0", "-1", "08", "1000000000", "00", "-0", "99999999999999999999"] {
        let bytes = framed(&format!("35=0|{text}=HI|112=x|"));
        let mut index = FieldIndex::new();
        index.read(&bytes).unwrap();
        assert_eq!((index.spans()[3].tag, index.spans()[3].of(&bytes)), (0, &b"HI"[..]), "{text}");
        assert_eq!(index.tag_text(&bytes, 3), text.as_bytes());
        assert_eq!(index.spans()[4].tag, 112);
    }
    assert_eq!(fields(&framed("35=0|999999999=HI|")).unwrap()[3], (999_999_999, "HI".to_string()));
    for text in ["x=1", "=1", "1", "-=1", "4garbled9=TW", "1 =x", "+1=x", ""] {
        let bytes = framed(&format!("35=0|{text}|112=x|"));
        assert_eq!(
            fields(&bytes),
            Err(Garbled::Field { at: "8=FIX.4.4|9=0|35=0|".len() as u32 + (bytes[13] != 1) as u32 })
        );
    }
}

#[test]
fn data_fields_are_as_long_as_said() {
    let bytes = framed("35=A|95=7|96=a|b=c|d|98=0|");
    let expected = [(95, "7"), (96, "a\x01b=c\x01d"), (98, "0")].map(|(tag, text)| (tag, text.to_string()));
    assert_eq!(fields(&bytes).unwrap()[3..6], expected);
    assert_eq!(fields(&framed("35=A|43109=3|42684=||||")).unwrap()[4], (42_684, "\x01\x01\x01".to_string()));
    assert_eq!(fields(&framed("35=A|93=3|89=|10|")).unwrap()[4], (89, "\x0110".to_string()));
    // A length that does not end at a separator, or is none, counts nothing: the value ends where it ends.
    for length in ["2", "7", "99999999999999999999", "x", "", "-1", "18446744073709551615"] {
        assert_eq!(fields(&framed(&format!("35=A|95={length}|96=abc|98=0|"))).unwrap()[4], (96, "abc".to_string()));
    }
    // Another field in between.
    assert_eq!(fields(&framed("35=A|95=4|98=0|96=abc|97=Y|")).unwrap()[5], (96, "abc".to_string()));
}

#[test]
fn what_is_wrong_is_named() {
    let good = framed(BODY);
    assert!(fields(&good).is_ok());
    let replaced = |from: &str, to: &str| String::from_utf8(good.clone()).unwrap().replacen(from, to, 1).into_bytes();
    assert_eq!(fields(&replaced("\x019=8", "\x019=9")), Err(Garbled::BodyLength));
    assert_eq!(fields(&replaced("\x019=8", "\x019=x")), Err(Garbled::BodyLength));
    assert_eq!(fields(&replaced("34=2", "34=3")), Err(Garbled::CheckSum));
    assert_eq!(fields(&replaced("FIX.4.4", "FIX.4.2")), Err(Garbled::CheckSum));
    assert_eq!(fields(&good[1..]), Err(Garbled::Field { at: 0 }));
    assert_eq!(fields(&wrapped(b"34=2\x0135=D\x01")), Err(Garbled::FirstThree));
    assert_eq!(fields(&wrapped(b"35=\x0134=2\x01")), Err(Garbled::FirstThree));
    assert_eq!(fields(&wrapped(b"")), Err(Garbled::FirstThree));
    assert_eq!(fields(b""), Err(Garbled::CheckSum));
    for length in 0..good.len() {
        assert!(fields(&good[..length]).is_err(), "{length}");
    }
    let mut index = FieldIndex::with_bound(14);
    assert_eq!(index.read(&good), Ok(()));
    let mut index = FieldIndex::with_bound(13);
    assert_eq!(index.read(&good), Err(Garbled::TooManyFields));
    assert!(index.spans().is_empty() && index.body().is_empty() && index.trailer().is_empty());
}

#[test]
fn fields_are_found_from_a_place_on() {
    let bytes = framed("35=D|34=1|78=2|79=A|539=2|524=x|525=D|524=y|80=5|79=B|80=6|54=1|79=C|");
    let mut index = FieldIndex::new();
    index.read(&bytes).unwrap();
    let (first, second) = (index.find(79, 0).unwrap(), index.find(524, 0).unwrap());
    assert_eq!((index.find(79, first + 1), index.find(524, second), index.find(1, 0)), (Some(11), Some(second), None));
    assert_eq!(index.find(10, 0), Some(index.spans().len() - 1));
    // Tags of the message before are not found.
    index.read(&framed("35=0|")).unwrap();
    assert_eq!((index.find(79, 0), index.get(54), index.find(35, usize::MAX)), (None, None, None));
}
