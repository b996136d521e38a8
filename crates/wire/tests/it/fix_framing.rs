//! FIX framing and field reading: every cut, garbage in between, sizes, data fields, mutations.
use crate::plain;

use fafnir_wire::fix::{FIX_IN_BYTES_LIMIT, FIX_IN_BYTES_MAX, Inbox, Message, Split, split};
use plain::{framed, framed_as, text};
use types::Code;
use types::rng::SplitMix64;

const BODY: &str = "35=0|49=A|56=B|34=7|52=20240229-23:59:59.007|112=x|";

/// All messages of a stream cut into reads at `cuts`, and the inbox after it.
fn collect(stream: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, Inbox) {
    let mut inbox = Inbox::new();
    let mut messages = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain([&stream.len()]) {
        let mut rest = &stream[from..to];
        loop {
            let step = inbox.next(rest).unwrap();
            if step.consumed == 0 && step.message.is_none() {
                break;
            }
            rest = &rest[step.consumed..];
            messages.extend(step.message.map(<[u8]>::to_vec));
        }
        assert!(rest.is_empty(), "an input is used up");
        from = to;
    }
    (messages, inbox)
}

fn noisy_stream() -> (Vec<u8>, Vec<Vec<u8>>) {
    let good: Vec<Vec<u8>> = (0..4).map(|n| framed(&BODY.replace("34=7", &format!("34={}", 7 + n * 31)))).collect();
    let mut bad_sum = good[0].clone();
    let last = bad_sum.len() - 2;
    bad_sum[last] = if bad_sum[last] == b'0' { b'1' } else { b'0' };
    let short_length = text(&good[1]).replace("9=5", "9=4").replace('|', "\x01").into_bytes();
    let mut stream = b"noise 8=FI".to_vec();
    stream.extend_from_slice(&good[0]);
    stream.extend_from_slice(&bad_sum);
    stream.extend_from_slice(&good[1]);
    stream.extend_from_slice(&good[2]);
    stream.extend_from_slice(&short_length);
    stream.extend_from_slice(b"8=FIX.4.4\x019=x\x018=FIX.4.2\x019=\x018=8=8=FIX.4.4\x019=");
    stream.extend_from_slice(&good[3]);
    (stream, good)
}

#[test]
fn every_cut_gives_the_same_messages() {
    let (stream, good) = noisy_stream();
    let (whole, inbox) = collect(&stream, &[]);
    assert_eq!(whole, good);
    let counts = (inbox.garbled(), inbox.skipped_bytes());
    assert_eq!(counts, (3, (stream.len() - good.iter().map(Vec::len).sum::<usize>()) as u64));
    for first in 0..=stream.len() {
        let (messages, inbox) = collect(&stream, &[first]);
        assert_eq!(messages, good, "cut at {first}");
        assert_eq!((inbox.garbled(), inbox.skipped_bytes()), counts, "cut at {first}");
    }
    let every: Vec<usize> = (1..stream.len()).collect();
    let (messages, inbox) = collect(&stream, &every);
    assert_eq!((messages, inbox.garbled(), inbox.skipped_bytes()), (good.clone(), counts.0, counts.1));
    let seed = 11;
    let mut rng = SplitMix64::new(seed);
    for round in 0..2_000 {
        let mut cuts: Vec<usize> = (0..rng.below(12)).map(|_| rng.below(stream.len() as u64) as usize).collect();
        cuts.sort_unstable();
        let (messages, inbox) = collect(&stream, &cuts);
        assert_eq!(messages, good, "seed {seed} round {round}");
        assert_eq!((inbox.garbled(), inbox.skipped_bytes()), counts, "seed {seed} round {round}");
    }
}

#[test]
fn prefixes_are_incomplete_and_nothing_else() {
    let message = framed(BODY);
    for length in 0..message.len() {
        assert_eq!(split(&message[..length]), Split::Incomplete, "{length}");
    }
    assert_eq!(split(&message), Split::Message { length: message.len() });
    for at in 0..message.len() {
        for byte in [b'0', b'9', b'=', 1, 0, 255] {
            let mut changed = message.clone();
            if changed[at] == byte {
                continue;
            }
            changed[at] = byte;
            // One changed byte always changes the sum, and never becomes another whole message.
            match split(&changed) {
                Split::Message { .. } => panic!("{}", text(&changed)),
                Split::Noise { skip } | Split::Garbled { skip, .. } => assert!(skip >= 1 && skip <= changed.len()),
                Split::Incomplete | Split::TooLarge => {}
            }
        }
    }
}

#[test]
fn sizes_are_bounded() {
    let filler = |length: usize| framed(&format!("35=0|58={}|", "x".repeat(length)));
    let fits = filler(FIX_IN_BYTES_MAX - framed("35=0|58=|").len() - 4);
    assert_eq!(fits.len(), FIX_IN_BYTES_MAX);
    assert_eq!(split(&fits), Split::Message { length: FIX_IN_BYTES_MAX });
    assert_eq!(collect(&fits, &[FIX_IN_BYTES_MAX - 1]).0.len(), 1);
    let over = filler(fits.len() + 1);
    assert_eq!(split(&over), Split::TooLarge);
    assert_eq!(split(&over[..20]), Split::TooLarge);
    assert_eq!(split(b"8=FIX.4.4\x019=99999999999"), Split::TooLarge);
    let mut inbox = Inbox::new();
    assert_eq!(inbox.next(&over[..10]).unwrap().consumed, 10);
    assert_eq!(inbox.next(&over[10..]), Err(Code::FixTooLarge));
    inbox.clear();
    assert!(inbox.next(&fits).unwrap().message.is_some());
}

#[test]
fn bounds_are_as_asked_for() {
    let message = framed(BODY);
    let mut inbox = Inbox::with_bound(message.len());
    assert!(inbox.next(&message).unwrap().message.is_some());
    let mut inbox = Inbox::with_bound(message.len() - 1);
    assert_eq!(inbox.next(&message), Err(Code::FixTooLarge));
    let mut inbox = Inbox::with_bound(usize::MAX);
    let filler = |length: usize| framed(&format!("35=0|58={}|", "x".repeat(length)));
    let fits = filler(FIX_IN_BYTES_LIMIT - framed("35=0|58=|").len() - 7);
    assert_eq!(fits.len(), FIX_IN_BYTES_LIMIT);
    assert!(inbox.next(&fits).unwrap().message.is_some());
    assert_eq!(inbox.next(&filler(FIX_IN_BYTES_LIMIT)), Err(Code::FixTooLarge));
}

#[test]
fn any_version_passes() {
    for version in ["FIX.4.0", "FIX.4.1", "FIX.4.2", "FIX.4.3", "FIX.4.4", "FIXT.1.1", "FIX.3.9", "FIX"] {
        let message = framed_as(version, BODY);
        assert_eq!(split(&message), Split::Message { length: message.len() });
    }
    for version in ["FOX.4.4", "FIX.4.4.and.so.on.", "fix.4.4", ""] {
        assert!(matches!(split(&framed_as(version, BODY)), Split::Noise { .. } | Split::Garbled { .. }), "{version}");
    }
}

/// Where QuickFIX ends a message with a wrong length: cases of its acceptance scripts 2m, 2t, 3b and 2d in our words.
#[test]
fn garbled_messages_end_at_a_checksum() {
    let good: Vec<Vec<u8>> = (0..4).map(|n| framed(&BODY.replace("34=7", &format!("34={}", 70 + n)))).collect();
    let with = |from: &str, to: &str| text(&good[0]).replacen(from, to, 1).replace('|', "\x01").into_bytes();
    let length = BODY.len() + 1;
    for (first, lost) in [
        // Too short: ends with its own checksum.
        (with(&format!("9={length}"), "9=30"), 0),
        (with(&format!("9={length}"), &format!("9={}", length - 1)), 0),
        (with(&format!("9={length}"), "9=0"), 0),
        // Too long: takes the next message, or the next two, with it.
        (with(&format!("9={length}"), &format!("9={}", length + 1)), 1),
        (with(&format!("9={length}"), &format!("9={}", length + 14)), 1),
        (with(&format!("9={length}"), "9=180"), 2),
        // Its length is right, its checksum is not.
        (with("34=70", "34=71"), 0),
        (with("|10=", "|10=0"), 0),
        (with("|10=2", "|10="), 0),
        // The first three fields are out of order.
        (with(&format!("9={length}|35=0|"), &format!("35=0|9={length}|")), 0),
        (with(&format!("8=FIX.4.4|9={length}|35=0|"), &format!("35=0|8=FIX.4.4|9={length}|")), 1),
        (with(&format!("9={length}"), "9="), 0),
        (with(&format!("9={length}"), "9=-5"), 0),
    ] {
        let mut stream = first.clone();
        good[1..].iter().for_each(|message| stream.extend_from_slice(message));
        let whole = collect(&stream, &[]);
        assert_eq!(whole.0, good[1 + lost..], "{}", text(&first));
        let counts = (whole.1.garbled(), whole.1.skipped_bytes());
        for cut in 1..stream.len() {
            let (messages, inbox) = collect(&stream, &[cut]);
            assert_eq!(messages, good[1 + lost..], "{} cut at {cut}", text(&first));
            assert_eq!((inbox.garbled(), inbox.skipped_bytes()), counts);
        }
        let step = Inbox::new().next(&stream).map(|step| (step.consumed, step.garbled, step.message.map(<[u8]>::len)));
        let consumed: usize = first.len() + good[1..=1 + lost].iter().map(Vec::len).sum::<usize>();
        let noise_only = first.starts_with(b"35");
        assert!(noise_only || step == Ok((consumed, true, Some(good[0].len()))), "{}: {step:?}", text(&first));
    }
    let mut noise = b"\r\n\x01".to_vec();
    noise.extend_from_slice(&good[0]);
    assert_eq!(Inbox::new().next(&noise).map(|step| (step.garbled, step.message.is_some())), Ok((false, true)));
}

/// Bytes that begin a message again and again cost no more than others.
#[test]
fn hostile_streams_are_read_once() {
    for pattern in ["8=FIX.4.4\x019=5\x01", "8=FIX.4.4\x019=65000\x01", "8=FIX", "8=FI", "\x0110=", "8=FIX.4.4\x019="] {
        let stream = pattern.repeat(4 << 20 >> 3);
        for size in [61, 4_096, 70_001] {
            let mut inbox = Inbox::new();
            let mut taken = 0;
            for read in stream.as_bytes()[..1 << 20].chunks(size) {
                let mut rest = read;
                while !rest.is_empty() {
                    let step = inbox.next(rest).unwrap();
                    assert!(step.consumed > 0 && step.message.is_none());
                    rest = &rest[step.consumed..];
                    taken += step.consumed;
                }
            }
            assert_eq!(taken, 1 << 20);
        }
    }
}

#[test]
fn data_fields_may_hold_separators() {
    let body =
        "35=A|49=A|56=B|34=1|90=3|91=a\x01b|52=20240229-23:59:59|98=0|95=9|96=\x0134=9\x0135=|108=30|93=2|89=\x01\x01|";
    let bytes = framed(body);
    assert_eq!(split(&bytes), Split::Message { length: bytes.len() });
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.msg_type(), message.sequence(), message.sender()), (&b"A"[..], 1, &b"A"[..]));
    let fields: Vec<(u32, Vec<u8>)> = message.fields().map(|field| (field.tag, field.value.to_vec())).collect();
    let expected: Vec<(u32, Vec<u8>)> = vec![
        (98, b"0".to_vec()),
        (95, b"9".to_vec()),
        (96, b"\x0134=9\x0135=".to_vec()),
        (108, b"30".to_vec()),
        (93, b"2".to_vec()),
        (89, b"\x01\x01".to_vec()),
    ];
    assert_eq!(fields, expected);
    assert_eq!((message.integer(108), message.get(7)), (Some(30), None));
    for wrong in ["95=99999|96=abc|", "95=2|96=abc|", "95=x|96=abc|", "95=0|96=|", "95=18446744073709551615|96=a|"] {
        let bytes = framed(&format!("35=A|34=1|{wrong}108=30|"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.fields().last().unwrap().tag, 0, "{wrong}");
        assert_eq!(message.get(108), None, "{wrong}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for body in
        ["49=A|35=0|", "36=0|", "35=LONGTYPE|", "35=0|34=x|", "35=0|34=|", "35=0|=1|", "35=0|49|", "35=0|049=A|"]
    {
        assert_eq!(Message::parse(&framed(body)).map(|_| ()), Err(Code::FixMalformed), "{body}");
    }
    for bytes in [&b""[..], b"8=FIX.4.4\x01", b"10=000\x01", b"8=FIX.4.4\x019=5\x0135=0\x01"] {
        assert!(Message::parse(bytes).is_err());
    }
    // What is odd after the header is seen by whoever reads the fields.
    for body in ["35=0|34=1|58|", "35=0|34=1|58=|", "35=0|34=1|1234567=x|", "35=0|34=1|5x=1|"] {
        let bytes = framed(body);
        let message = Message::parse(&bytes);
        assert!(message.is_err() || message.unwrap().fields().last().unwrap().tag == 0, "{body}");
    }
}

#[test]
fn random_bytes_never_panic() {
    let seed = 5;
    let mut rng = SplitMix64::new(seed);
    let (stream, _) = noisy_stream();
    for _ in 0..20_000 {
        let mut bytes = stream[rng.below(stream.len() as u64) as usize..].to_vec();
        for _ in 0..rng.below(6) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = b"\x01=8901FIX.435\x00\xff"[rng.below(14) as usize];
        }
        let mut inbox = Inbox::new();
        let mut rest = &bytes[..];
        while let Ok(step) = inbox.next(rest) {
            if step.consumed == 0 && step.message.is_none() {
                break;
            }
            rest = &rest[step.consumed..];
            if let Some(message) = step.message.map(Message::parse).and_then(Result::ok) {
                assert!(message.fields().count() <= message.bytes().len());
            }
        }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.fields().count(), message.sending_time());
        }
    }
}
