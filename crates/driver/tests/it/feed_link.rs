//! # Room card: driver/tests/feed_link
//! In:    a venue played by hand, in virtual time.
//! Out:   what a `FeedLink` tells, sends and asks for.
//! Holds: nothing waits in real time; seeds are printed; the venue reads what the link sends with a server's decoder.
//! Costs: tests only.
use crate::feed_support;

use fafnir_driver::feed_link::{
    BACKOFF_MAX, CLOSE_WAIT, CONNECT_WAIT, ClockStamp, FeedLink, LinkAction, LinkState, STABLE_AFTER, write_stamp,
};
use feed_support::{STALE, START, Scene, Told, later, message, own};
use types::config::MarketLink;
use types::limits::INPUT_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, Nanos, UnixNanos};
use wire::http::RequestReader;
use wire::ws::{Opcode, close_frame, frame, frame_part, server_response, upgrade_key};

#[test]
fn handshake_messages_and_stamps_are_the_same_wherever_they_are_cut() {
    let mut length = 1;
    let mut at = 0;
    while at <= length {
        let mut scene = Scene::new(1);
        scene.until_connect();
        let mut bytes = scene.answer();
        frame(&mut bytes, Opcode::Text, b"first", None);
        let mut stamp = Vec::new();
        write_stamp(&mut stamp, ClockStamp { at: UnixNanos(1_723_075_200_000_000_001), speed: 10 });
        frame(&mut bytes, Opcode::Ping, &stamp, None);
        frame_part(&mut bytes, Opcode::Text, false, b"sec", None);
        frame(&mut bytes, Opcode::Ping, b"no stamp", None);
        frame_part(&mut bytes, Opcode::Continuation, true, b"ond", None);
        frame(&mut bytes, Opcode::Binary, b"third", None);
        length = bytes.len();
        scene.bytes(&bytes[..at]);
        scene.bytes(&bytes[at..]);
        let expected = [
            Told::Up,
            message("first"),
            Told::Stamp(1_723_075_200_000_000_001, 10),
            message("second"),
            message("third"),
        ];
        assert_eq!(scene.told(), expected, "cut at {at}");
        let frames = scene.frames();
        assert_eq!(frames.last().map(String::as_str), Some("pong no stamp"), "cut at {at}");
        at += 1;
    }
}

#[test]
fn one_pong_answers_all_pings_of_a_read() {
    let mut scene = Scene::new(2);
    scene.open();
    let mut bytes = Vec::new();
    for i in 0..1_000 {
        frame(&mut bytes, Opcode::Ping, format!("{i}").as_bytes(), None);
    }
    scene.bytes(&bytes);
    assert_eq!(scene.frames(), ["pong 999"]);
    // Pongs nobody sends do not pile up.
    for _ in 0..1_000 {
        scene.bytes(&bytes);
    }
    assert!(scene.link.out().len() <= 4_096, "{} bytes wait", scene.link.out().len());
    assert!(scene.frames().iter().all(|frame| frame == "pong 999"));
}

#[test]
fn stamps_are_digits_a_blank_and_digits() {
    let stamp = |at, speed| Some(ClockStamp { at: UnixNanos(at), speed });
    assert_eq!(ClockStamp::parse(b"1 0"), stamp(1, 0));
    assert_eq!(ClockStamp::parse(b"9223372036854775807 4294967295"), stamp(i64::MAX as u64, u32::MAX));
    for bad in [
        &b""[..],
        b"1",
        b" 1",
        b"1 ",
        b"0 1",
        b"1  1",
        b"+1 1",
        b"1 -1",
        b"1 1 1",
        b"9223372036854775808 1",
        b"18446744073709551615 4294967295",
        b"18446744073709551616 1",
        b"\xff 1",
    ] {
        assert_eq!(ClockStamp::parse(bad), None, "{bad:?}");
    }
    for (at, speed) in [(1, 0), (1_723_075_200_000_000_000, 1), (i64::MAX as u64, u32::MAX)] {
        let mut out = Vec::new();
        write_stamp(&mut out, ClockStamp { at: UnixNanos(at), speed });
        assert_eq!(out, format!("{at} {speed}").as_bytes());
    }
}

#[test]
fn a_silent_venue_is_asked_and_then_given_up() {
    let mut scene = Scene::new(3);
    scene.open();
    later(&mut scene, Nanos(STALE.0 / 2 - 1));
    scene.time();
    assert_eq!(scene.frames(), [""; 0]);
    later(&mut scene, Nanos(1));
    scene.time();
    assert_eq!(scene.frames(), ["ping "]);
    scene.time();
    assert_eq!(scene.frames(), [""; 0], "asked once");
    // Any byte is a sign of life, even half a frame.
    later(&mut scene, Nanos(STALE.0 / 2 - 1));
    scene.bytes(&[0x8a]);
    later(&mut scene, Nanos(STALE.0 / 2));
    scene.time();
    assert_eq!(scene.frames(), ["ping "]);
    scene.wait();
    assert_eq!(scene.now, START.plus(Nanos(STALE.0 / 2 + STALE.0 / 2 - 1 + STALE.0)));
    assert_eq!(scene.told(), [Told::Fault(Code::FeedStale, 0), Told::Down]);
    assert_eq!(scene.link.action(), Some(LinkAction::Abort));
    assert!(scene.link.out().is_empty());
    // The next connection begins anew: the half frame is forgotten.
    scene.open();
    scene.bytes(b"\x81\x01a");
    assert_eq!(scene.told(), [message("a")]);
}

#[test]
fn waits_grow_with_failures_and_begin_again_after_a_stable_time() {
    let mut longest = [Nanos(0); 12];
    for seed in 0..200 {
        let mut scene = Scene::new(seed);
        let mut ceiling = Nanos::from_millis(100);
        for (attempt, longest) in longest.iter_mut().enumerate() {
            scene.until_connect();
            match attempt % 3 {
                0 => scene.down(Code::ConnectFailed),
                1 => {
                    scene.link.on_up(scene.now);
                    scene.down(Code::ConnectionLost);
                }
                _ => {
                    let answer = scene.answer();
                    scene.bytes(&answer);
                    // Open for a moment only is a failure too.
                    later(&mut scene, Nanos(STABLE_AFTER.0 - 1));
                    scene.down(Code::ConnectionLost);
                }
            }
            assert!(
                (Nanos(0)..=ceiling).contains(&scene.pause()),
                "seed {seed}, attempt {attempt}: {:?}",
                scene.pause()
            );
            *longest = scene.pause().max(*longest);
            ceiling = Nanos(ceiling.0 * 2).min(BACKOFF_MAX);
        }
        scene.told();
        scene.open();
        later(&mut scene, STABLE_AFTER);
        scene.down(Code::ConnectionLost);
        assert!(scene.pause() <= Nanos::from_millis(100), "seed {seed}: {:?}", scene.pause());
    }
    // An open moment did not begin the waits anew: of 200 even draws one lies in the upper tenth.
    for (attempt, longest) in longest.into_iter().enumerate() {
        let ceiling = (100_000_000 << attempt).min(BACKOFF_MAX.0);
        assert!(longest.0 > ceiling / 10 * 9, "attempt {attempt} never waits above {longest:?}");
    }
}

#[test]
fn what_never_answers_is_given_up() {
    let mut scene = Scene::new(4);
    scene.until_connect();
    later(&mut scene, Nanos(CONNECT_WAIT.0 - 1));
    scene.time();
    assert_eq!((scene.link.action(), scene.told()), (None, vec![]));
    later(&mut scene, Nanos(1));
    scene.time();
    assert_eq!(scene.link.action(), Some(LinkAction::Abort));
    assert_eq!(scene.told(), [Told::Fault(Code::ConnectFailed, 0)]);
    // Connected, but the upgrade is never answered; bytes that trickle do not help.
    scene.until_connect();
    let answer = scene.answer();
    for byte in answer[..9].chunks(1) {
        later(&mut scene, Nanos::from_millis(1_000));
        scene.bytes(byte);
    }
    later(&mut scene, Nanos::from_millis(1_000));
    scene.time();
    assert_eq!(scene.link.action(), Some(LinkAction::Abort));
    assert_eq!(scene.told(), [Told::Fault(Code::WsRefused, 0)]);
}

#[test]
fn a_refused_upgrade_names_the_status_and_waits_as_told() {
    for (answer, fault, least) in [
        ("HTTP/1.1 429 No\r\nRetry-After: 17\r\n\r\n", Told::Fault(Code::WsRefused, 429), 17_000),
        ("HTTP/1.1 404 No\r\n\r\n", Told::Fault(Code::WsRefused, 404), 0),
        ("HTTP/1.1 418 Banned\r\nRetry-After: 99999999\r\n\r\n", Told::Fault(Code::WsRefused, 418), 3 * 86_400_000),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", Told::Fault(Code::HttpMalformed, 0), 0),
    ] {
        let mut scene = Scene::new(5);
        scene.until_connect();
        scene.answer();
        scene.bytes(answer.as_bytes());
        assert_eq!(scene.told(), [fault]);
        assert_eq!(scene.link.action(), Some(LinkAction::Abort));
        let least = Nanos::from_millis(least);
        assert!((least..=least.max(Nanos::from_millis(100))).contains(&scene.pause()), "{answer}: {:?}", scene.pause());
    }
}

#[test]
fn a_close_by_the_venue_is_answered_and_ends() {
    for hangs in [false, true] {
        let mut scene = Scene::new(6);
        scene.open();
        let mut bytes = Vec::new();
        frame(&mut bytes, Opcode::Text, b"last", None);
        frame(&mut bytes, Opcode::Ping, b"p", None);
        close_frame(&mut bytes, Some(1001), "maintenance", None);
        frame(&mut bytes, Opcode::Text, b"after the end", None);
        scene.bytes(&bytes);
        assert_eq!(scene.told(), [message("last"), Told::Fault(Code::ConnectionLost, 1001), Told::Down]);
        assert_eq!(scene.frames(), ["pong p", "close Some(1001)"]);
        assert_eq!((scene.link.state(), scene.link.action()), (LinkState::Closing, None));
        if hangs {
            later(&mut scene, CLOSE_WAIT);
            scene.time();
            assert_eq!(scene.link.action(), Some(LinkAction::Close));
        } else {
            scene.down(Code::ConnectionLost);
            assert_eq!(scene.link.action(), None);
        }
        assert_eq!(scene.told(), []);
        assert!(scene.pause() <= Nanos::from_millis(100));
        scene.open();
    }
}

#[test]
fn a_breach_is_closed_with_its_code() {
    let mut oversized = vec![0x82, 127];
    oversized.extend((INPUT_BYTES_MAX as u64 + 1).to_be_bytes());
    for (bytes, code, close) in [
        (&oversized[..], Code::WsTooLarge, 1009),
        (b"\x81\x81mask!", Code::WsProtocol, 1002),
        (b"\xc1\x00", Code::WsProtocol, 1002),
        (b"\x81\x02\xc0\xaf", Code::WsProtocol, 1007),
    ] {
        for at in 0..=bytes.len() {
            let mut scene = Scene::new(7);
            scene.open();
            scene.bytes(&bytes[..at]);
            scene.bytes(&bytes[at..]);
            assert_eq!(scene.told(), [Told::Fault(code, close), Told::Down], "{bytes:02x?} cut at {at}");
            assert_eq!(scene.link.action(), Some(LinkAction::Close));
            assert_eq!(scene.frames(), [format!("close Some({close})")]);
            assert!(scene.pause() <= Nanos::from_millis(100));
        }
    }
    // The longest message passes.
    let mut scene = Scene::new(8);
    scene.open();
    let mut longest = Vec::new();
    frame(&mut longest, Opcode::Text, &vec![b'x'; INPUT_BYTES_MAX], None);
    for piece in longest.chunks(65_536) {
        scene.bytes(piece);
    }
    assert!(matches!(&scene.told()[..], [Told::Message(text)] if text.len() == INPUT_BYTES_MAX));
}

#[test]
fn the_owner_closes_in_every_state() {
    let close = |scene: &mut Scene| scene.link.close(scene.now, &mut |event| scene.told.push(own(event)));
    let mut scene = Scene::new(9);
    close(&mut scene);
    assert_eq!((scene.link.state(), scene.link.deadline(), scene.link.action()), (LinkState::Closed, None, None));
    let mut scene = Scene::new(9);
    scene.until_connect();
    close(&mut scene);
    assert_eq!((scene.link.state(), scene.link.action()), (LinkState::Closed, Some(LinkAction::Abort)));
    for ending in 0..3 {
        let mut scene = Scene::new(9);
        scene.open();
        close(&mut scene);
        assert_eq!((scene.told(), scene.frames()), (vec![Told::Down], vec!["close Some(1000)".to_string()]));
        scene.bytes(b"\x81\x01a");
        assert_eq!((scene.told(), scene.link.state()), (vec![], LinkState::Closing));
        match ending {
            0 => scene.bytes(b"\x88\x02\x03\xe8"),
            1 => scene.down(Code::ConnectionLost),
            _ => scene.wait(),
        }
        let action = if ending == 1 { None } else { Some(LinkAction::Close) };
        assert_eq!((scene.link.state(), scene.link.action()), (LinkState::Closed, action));
        scene.time();
        scene.down(Code::ConnectionLost);
        assert_eq!(scene.told(), []);
    }
}

#[test]
fn an_address_that_cannot_be_used_is_named() {
    let link = |url: &str| {
        let setup =
            MarketLink { url: url.into(), snapshot_url: None, stale: STALE, follow_clock: false, ca_file: None };
        FeedLink::new(&setup, SplitMix64::new(0))
    };
    assert_eq!(link("ws://a b/").unwrap_err().code, Code::ConfigInvalid);
    // Without followClock a stamp is a ping like any other.
    let mut link = link("ws://a/").unwrap();
    link.on_time(START, &mut |_| {});
    link.on_up(START);
    let mut reader = RequestReader::new(0);
    let mut bytes = Vec::new();
    server_response(&mut bytes, upgrade_key(&reader.next(link.out()).unwrap().message.unwrap()).unwrap());
    frame(&mut bytes, Opcode::Ping, b"1723075200000000000 1", None);
    let mut told = Vec::new();
    link.on_bytes(START, &bytes, &mut |event| told.push(own(event)));
    assert_eq!(told, [Told::Up]);
}

/// One random thing that may happen to a connection.
fn happen(scene: &mut Scene, rng: &mut SplitMix64) {
    match (scene.link.state(), rng.below(12)) {
        (LinkState::Connecting, 0..10) => {
            let answer = scene.answer();
            let taken = if rng.below(4) == 0 { rng.below(answer.len() as u64) as usize } else { answer.len() };
            scene.bytes(&answer[..taken]);
        }
        (_, 0) => scene.down(Code::ConnectionLost),
        (LinkState::Open, 1..10) => {
            let mut bytes = Vec::new();
            match rng.below(20) {
                0 => close_frame(&mut bytes, Some(1000), "", None),
                1 => bytes.extend_from_slice(&[0xff, 0xff]),
                2 => frame(&mut bytes, Opcode::Ping, b"1 1", None),
                _ => frame(&mut bytes, Opcode::Text, b"m", None),
            }
            let at = rng.below(bytes.len() as u64 + 1) as usize;
            scene.bytes(&bytes[..at]);
            scene.bytes(&bytes[at..]);
        }
        (_, 1) => scene.bytes(&rng.next_u64().to_le_bytes()),
        (_, 2) => scene.time(),
        _ => scene.wait(),
    }
}

#[test]
fn whatever_happens_ups_and_downs_alternate_and_there_is_always_a_next_step() {
    let (mut ups, mut messages) = (0, 0);
    for seed in 0..300 {
        let mut rng = SplitMix64::new(seed);
        let mut scene = Scene::new(seed);
        let mut up = false;
        for step in 0..200 {
            happen(&mut scene, &mut rng);
            later(&mut scene, Nanos(rng.below(500_000_000) as i64));
            for told in scene.told() {
                match told {
                    Told::Up => {
                        assert!(!up, "seed {seed}, step {step}: up twice");
                        (up, ups) = (true, ups + 1);
                    }
                    Told::Down => {
                        assert!(up, "seed {seed}, step {step}: down, but never up");
                        up = false;
                    }
                    Told::Message(_) | Told::Stamp(..) => {
                        assert!(up, "seed {seed}, step {step}: {told:?} while down");
                        messages += 1;
                    }
                    Told::Fault(..) => {}
                }
            }
            let state = scene.link.state();
            assert_eq!(up, state == LinkState::Open, "seed {seed}, step {step}: {state:?}");
            assert!(scene.link.deadline().is_some(), "seed {seed}, step {step}: {state:?} waits for nothing");
            let action = scene.link.action();
            match state {
                LinkState::Connecting | LinkState::Upgrading | LinkState::Open | LinkState::Closing => {
                    assert!(matches!(action, None | Some(LinkAction::Connect)), "seed {seed}, step {step}: {action:?}");
                }
                LinkState::Down(_) => assert_ne!(action, Some(LinkAction::Connect), "seed {seed}, step {step}"),
                LinkState::Closed => panic!("seed {seed}, step {step}: nobody closed it"),
            }
            scene.link.out_taken();
        }
    }
    assert!(ups > 500 && messages > 500, "{ups} ups, {messages} messages");
}
