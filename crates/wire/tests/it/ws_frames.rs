//! # Room card: wire/tests/ws_frames
//! In:    frames written by hand from RFC 6455, random ones, damaged ones.
//! Out:   that the decoder gives what the RFC says, wherever the bytes are cut.
//! Holds: expected values are of the RFC's text, or of a plain reader in `ws_support`; seeds are printed.
//! Costs: about a second.
use crate::ws_support;

use fafnir_wire::ws::{Opcode, WsDecoder, WsMessage, WsRole, close_frame, frame, frame_part};
use types::rng::SplitMix64;
use ws_support::{Heard, Owned, cut, hear, plain};

const MAX: usize = 1 << 17;

fn text(payload: &str) -> Owned {
    Owned::Text(payload.into())
}

/// Whole, cut in two at every place, and byte by byte: the same.
fn check(role: WsRole, bytes: &[u8], expected: &Heard) {
    assert_eq!(&plain(role, MAX, bytes), expected, "the plain reader, {role:?} {bytes:02x?}");
    assert_eq!(&hear(role, MAX, [bytes]), expected, "whole, {role:?} {bytes:02x?}");
    for at in 0..=bytes.len().min(300) {
        let (first, second) = bytes.split_at(at);
        assert_eq!(&hear(role, MAX, [first, second]), expected, "cut at {at}, {role:?} {bytes:02x?}");
    }
    assert_eq!(&hear(role, MAX, bytes.chunks(1)), expected, "byte by byte, {role:?} {bytes:02x?}");
}

fn client(bytes: &[u8], messages: &[Owned], fault: Option<u16>) {
    check(WsRole::Client, bytes, &(messages.to_vec(), fault));
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 6455, 5.7.
    client(b"\x81\x05Hello", &[text("Hello")], None);
    client(b"\x01\x03Hel\x80\x02lo", &[text("Hello")], None);
    client(b"\x89\x05Hello\x8a\x05Hello", &[Owned::Ping(b"Hello".into()), Owned::Pong(b"Hello".into())], None);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    check(WsRole::Server, masked, &(vec![text("Hello")], None));
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    check(WsRole::Server, pong, &(vec![Owned::Pong(b"Hello".into())], None));
    let mut medium = b"\x82\x7e\x01\x00".to_vec();
    medium.extend([7; 256]);
    client(&medium, &[Owned::Binary(vec![7; 256])], None);
    let mut long = b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00".to_vec();
    long.extend([7; 65_536]);
    assert_eq!(hear(WsRole::Client, MAX, [&long[..]]), (vec![Owned::Binary(vec![7; 65_536])], None));
}

#[test]
fn encoders_write_the_examples_of_the_rfc() {
    let mut out = Vec::new();
    frame(&mut out, Opcode::Text, b"Hello", None);
    frame(&mut out, Opcode::Text, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
    frame_part(&mut out, Opcode::Text, false, b"Hel", None);
    frame_part(&mut out, Opcode::Continuation, true, b"lo", None);
    close_frame(&mut out, Some(1000), "", None);
    close_frame(&mut out, None, "", None);
    let expected: &[u8] = b"\x81\x05Hello\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x01\x03Hel\x80\x02lo\
        \x88\x02\x03\xe8\x88\x00";
    assert_eq!(out, expected);
    for (length, head) in [
        (125, &[0x82, 125][..]),
        (126, &[0x82, 126, 0, 126]),
        (65_535, &[0x82, 126, 0xff, 0xff]),
        (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        out.clear();
        frame(&mut out, Opcode::Binary, &vec![0; length], None);
        assert_eq!(&out[..head.len()], head);
        assert_eq!(out.len(), head.len() + length);
    }
}

#[test]
fn a_reason_is_cut_at_a_character() {
    let mut out = Vec::new();
    close_frame(&mut out, Some(1001), &"é".repeat(100), None);
    client(&out, &[Owned::Close(Some(1001), "é".repeat(61).into())], None);
}

#[test]
fn fragments_and_control_frames_between_them() {
    client(
        b"\x01\x01a\x89\x01p\x00\x01b\x8a\x00\x80\x01c",
        &[Owned::Ping(b"p".into()), Owned::Pong(vec![]), text("abc")],
        None,
    );
    client(b"\x01\x00\x00\x00\x80\x00", &[text("")], None);
    client(b"\x02\x00\x80\x02\xff\xfe", &[Owned::Binary(vec![0xff, 0xfe])], None);
    client(b"\x01\x01a\x88\x02\x03\xe8\x80\x01b", &[Owned::Close(Some(1000), vec![])], None);
    // Continuation of nothing; a new message within one.
    client(b"\x80\x01a", &[], Some(1002));
    client(b"\x00\x01a", &[], Some(1002));
    client(b"\x81\x01a\x80\x01b", &[text("a")], Some(1002));
    client(b"\x01\x01a\x81\x01b", &[], Some(1002));
    client(b"\x01\x01a\x02\x01b", &[], Some(1002));
}

#[test]
fn bits_opcodes_lengths_and_masks_that_are_refused() {
    for reserved in [0x10, 0x20, 0x40, 0x70] {
        client(&[0x81 | reserved, 0], &[], Some(1002));
        client(&[0x89 | reserved, 0], &[], Some(1002));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        client(&[0x80 | opcode, 0], &[], Some(1002));
    }
    for control in [8, 9, 10] {
        client(&[control, 0], &[], Some(1002));
        client(&[0x80 | control, 126, 0, 126], &[], Some(1002));
        client(&[0x80 | control, 127], &[], Some(1002));
    }
    // Not the shortest form; the highest bit set.
    client(b"\x82\x7e\x00\x7d", &[], Some(1002));
    client(b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", &[], Some(1002));
    client(b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", &[], Some(1002));
    // A server must not mask, a client must.
    client(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &[], Some(1002));
    check(WsRole::Server, b"\x81\x05Hello", &(vec![], Some(1002)));
    check(WsRole::Server, b"\x89\x00", &(vec![], Some(1002)));
}

#[test]
fn a_message_has_a_longest_length() {
    let limit = |bytes: &[u8]| hear(WsRole::Client, 10, bytes.chunks(3));
    assert_eq!(limit(b"\x82\x0a0123456789"), (vec![Owned::Binary(b"0123456789".into())], None));
    assert_eq!(limit(b"\x82\x0b0123456789a"), (vec![], Some(1009)));
    assert_eq!(limit(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), (vec![], Some(1009)));
    // Fragments count together, control frames between them do not.
    assert_eq!(limit(b"\x02\x0501234\x89\x0bping-length\x80\x0556789").1, None);
    assert_eq!(limit(b"\x02\x0501234\x00\x0556789\x80\x01a"), (vec![], Some(1009)));
}

#[test]
fn texts_are_utf8() {
    // RFC 3629: over-long forms, surrogates, above U+10FFFF, lone and missing tails.
    let bad: [&[u8]; 12] = [
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\x80",
        b"\xff",
        b"a\xcez",
        b"\xce",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
    ];
    for payload in bad {
        let mut whole = vec![0x81, payload.len() as u8];
        whole.extend(payload);
        client(&whole, &[], Some(1007));
        // The same in fragments of one byte.
        let mut parts = Vec::new();
        for (i, &byte) in payload.iter().enumerate() {
            let last = if i + 1 == payload.len() { 0x80 } else { 0 };
            parts.extend([last | u8::from(i == 0), 1, byte]);
        }
        client(&parts, &[], Some(1007));
        // As binary it is nobody's business.
        whole[0] = 0x82;
        client(&whole, &[Owned::Binary(payload.into())], None);
    }
    // A character over three fragments, with a ping inside it.
    client(b"\x01\x01\xe2\x89\x00\x00\x01\x82\x80\x01\xac", &[Owned::Ping(vec![]), text("€")], None);
    // Wrong at once, though the message would go on.
    client(b"\x01\x02\xed\xa0\x89\x00", &[], Some(1007));
    client(b"\x81\x0a\xce\xba\xe1\xff", &[], Some(1007));
}

#[test]
fn closes() {
    client(b"\x88\x00", &[Owned::Close(None, vec![])], None);
    client(b"\x88\x05\x03\xe8bye", &[Owned::Close(Some(1000), b"bye".into())], None);
    // What follows a close is not read.
    client(b"\x88\x02\x03\xe9\x81\x01a\xff\xff", &[Owned::Close(Some(1001), vec![])], None);
    client(b"\x88\x01\x03", &[], Some(1002));
    client(b"\x88\x04\x03\xe8\xc0\xaf", &[], Some(1007));
    for code in [1000u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let [high, low] = code.to_be_bytes();
        client(&[0x88, 2, high, low], &[Owned::Close(Some(code), vec![])], None);
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let [high, low] = code.to_be_bytes();
        client(&[0x88, 2, high, low], &[], Some(1002));
    }
}

#[test]
fn whole_frames_of_a_server_are_not_copied() {
    let bytes = b"\x81\x05Hello\x82\x03abc\x89\x02hi".to_vec();
    let mut decoder = WsDecoder::new(WsRole::Client, 64);
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let step = decoder.next(rest).unwrap();
        let (WsMessage::Text(payload) | WsMessage::Binary(payload) | WsMessage::Ping(payload)) = step.message.unwrap()
        else {
            panic!("another message");
        };
        assert!(bytes.as_ptr_range().contains(&payload.as_ptr()));
        rest = &rest[step.consumed..];
    }
}

#[test]
fn a_reset_decoder_knows_nothing_of_before() {
    let mut decoder = WsDecoder::new(WsRole::Client, 64);
    for begun in [&b"\x01\x02ab"[..], b"\x82\x7e", b"\x83\x00", b"\x88\x00", b"\x81\x05Hel"] {
        let mut rest = begun;
        while let Ok(step) = decoder.next(rest) {
            rest = &rest[step.consumed..];
            if rest.is_empty() {
                break;
            }
        }
        decoder.reset();
        assert_eq!(decoder.next(b"\x81\x01a").unwrap().message, Some(WsMessage::Text(b"a")), "after {begun:02x?}");
    }
}

/// A random stream of valid frames of messages up to 300 bytes, sometimes longer.
fn stream(rng: &mut SplitMix64, role: WsRole) -> Vec<u8> {
    let letters = ["a", "0", "é", "€", "😀", "{\"", "\u{7f}"];
    let mut out = Vec::new();
    for _ in 0..1 + rng.below(8) {
        let mut mask = || (role == WsRole::Server).then(|| (rng.next_u64() as u32).to_le_bytes());
        let (first, second) = (mask(), mask());
        let length = if rng.below(20) == 0 { rng.below(70_000) } else { rng.below(200) };
        let letter = letters[rng.below(letters.len() as u64) as usize];
        let payload = letter.repeat(length as usize / letter.len());
        let opcode = if rng.below(2) == 0 { Opcode::Text } else { Opcode::Binary };
        match rng.below(4) {
            0 => frame(&mut out, Opcode::Ping, &payload.as_bytes()[..payload.len().min(125)], first),
            1 => frame(&mut out, opcode, payload.as_bytes(), first),
            _ => {
                let at = rng.below(payload.len() as u64 + 1) as usize;
                frame_part(&mut out, opcode, false, &payload.as_bytes()[..at], first);
                if rng.below(2) == 0 {
                    frame(&mut out, Opcode::Pong, b"between", second);
                }
                frame_part(&mut out, Opcode::Continuation, true, &payload.as_bytes()[at..], second);
            }
        }
    }
    out
}

#[test]
fn damaged_streams_are_heard_as_the_plain_reader_hears_them() {
    let mut faults = [0; 3];
    for seed in 0..4_000 {
        let mut rng = SplitMix64::new(seed);
        let role = if rng.below(2) == 0 { WsRole::Client } else { WsRole::Server };
        let mut bytes = stream(&mut rng, role);
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(4) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes[at] = rng.next_u64() as u8,
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at + 1),
            }
        }
        // At times a bound that the longer messages pass.
        let max = if rng.below(4) == 0 { 1_000 } else { MAX };
        let expected = plain(role, max, &bytes);
        assert_eq!(hear(role, max, [&bytes[..]]), expected, "seed {seed}, whole");
        let longest = [1, 7, 200, 5_000][rng.below(4) as usize];
        assert_eq!(hear(role, max, cut(&bytes, longest, &mut rng)), expected, "seed {seed}, pieces of up to {longest}");
        match expected.1 {
            Some(1002) => faults[0] += 1,
            Some(1007) => faults[1] += 1,
            Some(1009) => faults[2] += 1,
            _ => {}
        }
    }
    assert!(faults.iter().all(|&count| count > 100), "too few faults of a kind: {faults:?}");
}
