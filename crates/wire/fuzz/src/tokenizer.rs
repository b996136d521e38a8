//! # Room card: wire/fuzz/tokenizer
//! In:    any bytes; the first says how a stream of them is cut into reads.
//! Out:   nothing, or a panic, which is the finding.
//! Holds: every path gives what the plain reader gives; spans cover the message without a gap; what an inbox makes of a
//!        stream does not depend on the cuts; whatever an inbox lets pass is framed as it says; values are read or not,
//!        never a panic.
//! Costs: microseconds an input.
#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;
use wire::fix::data_type;
use wire::fix::{FieldIndex, Inbox, Message};

/// Fewer fields than inputs have at times: the bound is met too.
const FIELDS: usize = 100;
/// The inbox's bound likewise.
const BYTES: usize = 1_000;

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    index(bytes);
    // Framed, so that what lies behind the framing is reached without the fuzzer finding a checksum.
    index(&framed(bytes));
    stream(bytes, cut);
});

/// Begin string, length and checksum around a body.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut message = format!("8=FIX.4.4\x019={}\x01", body.len()).into_bytes();
    message.extend_from_slice(body);
    let sum = message.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}

fn index(bytes: &[u8]) {
    let mut index = FieldIndex::with_bound(FIELDS);
    let mut plain = FieldIndex::plain_with_bound(FIELDS);
    let outcome = index.read(bytes);
    assert_eq!(outcome, plain.read(bytes));
    assert_eq!(index.spans(), plain.spans());
    if outcome.is_err() {
        assert!(index.spans().is_empty());
        return;
    }
    let mut at = 0;
    for (place, span) in index.spans().iter().enumerate() {
        let tag = index.tag_text(bytes, place);
        let value = span.of(bytes);
        assert_eq!(&bytes[at..at + tag.len()], tag);
        assert_eq!(span.start as usize, at + tag.len() + 1);
        at = span.end as usize + 1;
        assert!(bytes[span.start as usize - 1] == b'=' && bytes[at - 1] == 1);
        assert!(index.find(span.tag, 0).is_some_and(|first| first <= place));
        assert_eq!(index.find(span.tag, place), Some(place));
        assert_eq!(span.integer(bytes), data_type::integer(value));
        assert_eq!(span.decimal(bytes), data_type::decimal(value));
        let _ = (span.timestamp(bytes), span.character(bytes), span.boolean(bytes));
        let _ = (data_type::time_only(value), data_type::date(value), data_type::month_year(value));
        let _ = (data_type::tz_timestamp(value), data_type::tz_time_only(value));
    }
    assert_eq!(at, bytes.len());
    let parts = [index.header(), index.body(), index.trailer()].map(<[_]>::len);
    assert_eq!(parts.iter().sum::<usize>(), index.spans().len());
    if let Ok(message) = Message::parse(bytes) {
        assert!(message.fields().count() <= index.spans().len());
    }
}

/// What an inbox makes of a stream: messages, and how much was none.
fn read(stream: &[u8], size: usize) -> (Vec<Vec<u8>>, u64, u64, bool) {
    let mut inbox = Inbox::with_bound(BYTES);
    let mut messages = Vec::new();
    for read in stream.chunks(size) {
        let mut rest = read;
        loop {
            let Ok(step) = inbox.next(rest) else { return (messages, inbox.garbled(), inbox.skipped_bytes(), true) };
            if step.consumed == 0 && step.message.is_none() {
                break;
            }
            messages.extend(step.message.map(<[u8]>::to_vec));
            rest = &rest[step.consumed..];
        }
        assert!(rest.is_empty());
    }
    (messages, inbox.garbled(), inbox.skipped_bytes(), false)
}

fn stream(bytes: &[u8], cut: u8) {
    // A good message behind, so that what garbage swallows is seen.
    let stream = [bytes, &framed(b"35=0\x0134=1\x01")].concat();
    let whole = read(&stream, stream.len());
    for size in [1, 1 + cut as usize] {
        assert_eq!(read(&stream, size), whole);
    }
    let mut index = FieldIndex::with_bound(BYTES);
    for message in &whole.0 {
        assert!(message.len() <= BYTES && stream.windows(message.len()).any(|window| window == message));
        let sum = message[..message.len() - 7].iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        assert_eq!(&message[message.len() - 7..], format!("10={sum:03}\x01").as_bytes());
        let _ = index.read(message);
    }
}
