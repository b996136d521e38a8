//! # Room card: net/tests/plain
//! In:    two loops, or a loop and plain sockets of the standard library.
//! Out:   every way a TCP connection begins, flows and ends, on every backend of the platform.
//! Holds: expected bytes come from a model beside the loop, never from the loop.
//! Costs: seconds.
mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use common::{Side, alone, any_port, backends, until};
use fafnir_net::{Backend, DownReason, NetLimits, SendFault, Token};
use types::codes::Code;
use types::rng::SplitMix64;

const LOOK: Duration = Duration::ZERO;

/// A server and a client that is connected to it: both loops, the server's token, the client's.
fn connected(backend: Backend, limits: NetLimits) -> (Side, Side, Token, Token) {
    let (mut server, mut client) = (Side::with(backend, limits), Side::with(backend, limits));
    let (_, address) = server.net.listen(any_port(), None).unwrap();
    let ours = client.net.connect(&[address], None).unwrap();
    until(&mut server, &mut client, "up", |s, c| !s.accepted.is_empty() && c.story(ours).up);
    let theirs = server.accepted[0];
    assert!(server.story(theirs).up);
    (server, client, theirs, ours)
}

#[test]
fn bytes_go_round() {
    for backend in backends() {
        let (mut server, mut client, theirs, ours) = connected(backend, NetLimits::default());
        server.echo = true;
        for size in [1, 100, 70_000, 3_000_000] {
            let message: Vec<u8> = (0..size).map(|i: usize| (i * 7 / 5) as u8).collect();
            client.stories.get_mut(&ours).unwrap().bytes.clear();
            client.net.send(ours, &message).unwrap();
            until(&mut server, &mut client, "echo", |_, c| c.story(ours).bytes.len() >= message.len());
            assert!(client.story(ours).bytes == message);
        }
        client.net.close(ours);
        assert_eq!(client.net.send(ours, b"late"), Err(SendFault::Closed));
        until(&mut server, &mut client, "ends", |s, c| s.down(theirs).is_some() && c.down(ours).is_some());
        assert_eq!((server.down(theirs), client.down(ours)), (Some(DownReason::Closed), Some(DownReason::Closed)));
    }
}

#[test]
fn random_sends_arrive_as_the_model_says() {
    for backend in backends() {
        let seed = 0x5eed_0001;
        let mut random = SplitMix64::new(seed);
        let limits = NetLimits { out_bytes: 100_000, read_bytes: 5_000, ..NetLimits::default() };
        let (mut server, mut client, theirs, ours) = connected(backend, limits);
        let (mut to_server, mut to_client) = (Vec::<u8>::new(), Vec::<u8>::new());
        let mut refused = 0;
        for step in 0..6_000 {
            let size = match random.below(10) {
                0 => random.below(90_000),
                1 => 100_000,
                _ => random.below(300),
            };
            let bytes: Vec<u8> = (0..size).map(|_| random.next_u64() as u8).collect();
            let (side, token, model) = match random.below(2) {
                0 => (&mut client, ours, &mut to_server),
                _ => (&mut server, theirs, &mut to_client),
            };
            let pending = side.net.pending(token);
            match side.net.send(token, &bytes) {
                Ok(()) => model.extend(&bytes),
                Err(fault) => {
                    refused += 1;
                    assert_eq!(fault, SendFault::Full, "seed {seed} step {step}");
                    assert!(pending + bytes.len() > 100_000, "seed {seed} step {step}");
                }
            }
            assert!(side.net.pending(token) <= 100_000, "seed {seed} step {step}");
            match random.below(12) {
                0 => drop(server.poll(LOOK)),
                1 => drop(client.poll(LOOK)),
                2 => server.net.pause(theirs, true),
                3..6 => server.net.pause(theirs, false),
                _ => {}
            }
        }
        server.net.pause(theirs, false);
        until(&mut server, &mut client, "all arrived", |s, c| {
            s.story(theirs).bytes.len() >= to_server.len() && c.story(ours).bytes.len() >= to_client.len()
        });
        assert!(refused > 0, "seed {seed}: the bound was never met");
        assert!(server.story(theirs).bytes == to_server, "seed {seed}");
        assert!(client.story(ours).bytes == to_client, "seed {seed}");
        for (side, token) in [(&server, theirs), (&client, ours)] {
            let story = side.story(token);
            assert!(
                story.writable >= story.blocked && story.blocked > 0,
                "seed {seed}: {} {}",
                story.blocked,
                story.writable
            );
        }
    }
}

#[test]
fn refused_is_told_and_the_next_address_is_tried() {
    let free = TcpListener::bind(any_port()).unwrap().local_addr().unwrap();
    for backend in backends() {
        let mut side = Side::new(backend);
        let token = side.net.connect(&[free], None).unwrap();
        alone(&mut side, "refused", |s| s.down(token).is_some());
        assert_eq!(side.down(token), Some(DownReason::Refused));
        assert_eq!(DownReason::Refused.code(), Code::ConnectFailed);
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let token = side.net.connect(&[free, free, address], None).unwrap();
        alone(&mut side, "the third answers", |s| s.story(token).up);
        assert_eq!(side.net.connect(&[], None).unwrap_err().code, Code::ConnectFailed);
    }
}

#[test]
fn nobody_who_answers_is_a_timeout() {
    for backend in backends() {
        // A backlog of none that is full: the handshake of TCP gets no answer.
        let listener = Side::new(backend).net.listen(any_port(), None).map(|_| ());
        assert!(listener.is_ok());
        let mut side = Side::new(backend);
        side.net.set_patience(Duration::from_millis(100));
        // TEST-NET-1 of RFC 5737: routed nowhere. Some machines say so at once.
        let token = side.net.connect(&["192.0.2.1:9".parse().unwrap()], None).unwrap();
        let begin = Instant::now();
        alone(&mut side, "given up", |s| s.down(token).is_some());
        assert!(begin.elapsed() < Duration::from_secs(5));
        let reason = side.down(token).unwrap();
        assert_eq!(reason.code(), Code::ConnectFailed, "{reason:?}");
    }
}

#[test]
fn a_taken_port_is_a_fault() {
    for backend in backends() {
        let mut side = Side::new(backend);
        let (listener, address) = side.net.listen(any_port(), None).unwrap();
        let fault = Side::new(backend).net.listen(address, None).unwrap_err();
        assert_eq!(fault.code, Code::PortInUse);
        assert_eq!(fault.fields[0], ("address", address.to_string()));
        side.net.close(listener);
        side.net.listen(address, None).unwrap();
    }
}

#[test]
fn a_reset_is_told_after_the_bytes_before_it() {
    for backend in backends() {
        let mut side = Side::new(backend);
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let mut peer = TcpStream::connect(address).unwrap();
        alone(&mut side, "accepted", |s| !s.accepted.is_empty());
        let token = side.accepted[0];
        // Closing a socket with unread bytes resets the connection.
        side.net.send(token, b"unread").unwrap();
        peer.write_all(b"last words").unwrap();
        alone(&mut side, "bytes", |s| s.story(token).bytes == b"last words");
        std::thread::sleep(Duration::from_millis(20));
        drop(peer);
        alone(&mut side, "reset", |s| s.down(token).is_some());
        assert_eq!(side.down(token), Some(DownReason::Reset));
        assert_eq!(side.net.send(token, b"x"), Err(SendFault::Closed));
    }
}

#[test]
fn a_peer_that_has_ended_still_gets_the_answer() {
    for backend in backends() {
        let mut side = Side::new(backend);
        side.echo = true;
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"question").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        alone(&mut side, "over", |s| s.accepted.first().is_some_and(|&token| s.down(token).is_some()));
        assert_eq!(side.down(side.accepted[0]), Some(DownReason::Closed));
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "question");
    }
}

#[test]
fn what_was_sent_before_close_arrives_whole() {
    for backend in backends() {
        let mut side = Side::new(backend);
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let mut peer = TcpStream::connect(address).unwrap();
        alone(&mut side, "accepted", |s| !s.accepted.is_empty());
        let token = side.accepted[0];
        let message = vec![7u8; 4_000_000];
        // Bytes nobody reads here must not turn our end into a reset.
        peer.write_all(b"ignored").unwrap();
        side.net.send(token, &message).unwrap();
        assert!(side.net.pending(token) > 0);
        side.net.close(token);
        side.net.close(token);
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            peer.read_to_end(&mut got).unwrap();
            got
        });
        alone(&mut side, "flushed", |s| s.down(token).is_some());
        assert_eq!(side.down(token), Some(DownReason::Closed));
        assert!(side.story(token).bytes.is_empty());
        assert!(reader.join().unwrap() == message);
    }
}

#[test]
fn a_peer_that_never_reads_fills_its_bound_and_is_given_up() {
    for backend in backends() {
        // More than the kernel takes on both ends together when it grows its buffers.
        const BOUND: usize = 64 << 20;
        let limits = NetLimits { out_bytes: BOUND, ..NetLimits::default() };
        let mut side = Side::with(backend, limits);
        side.net.set_patience(Duration::from_millis(200));
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let mut peer = TcpStream::connect(address).unwrap();
        alone(&mut side, "accepted", |s| !s.accepted.is_empty());
        let token = side.accepted[0];
        let chunk = vec![1u8; 500_000];
        let mut sent = 0;
        // The kernel's buffers and ours are bounded, so this ends.
        while side.net.send(token, &chunk).is_ok() {
            sent += chunk.len();
            side.poll(LOOK);
        }
        assert_eq!(side.net.send(token, &chunk), Err(SendFault::Full));
        assert!(side.net.pending(token) > BOUND - chunk.len());
        side.poll(LOOK);
        assert_eq!((side.story(token).blocked, side.story(token).writable), (1, 0));
        let mut got = vec![0; sent];
        std::thread::scope(|scope| {
            scope.spawn(|| peer.read_exact(&mut got).unwrap());
            alone(&mut side, "writable", |s| s.story(token).writable == 1);
        });
        assert_eq!(side.net.pending(token), 0);
        while side.net.send(token, &chunk).is_ok() {}
        side.net.close(token);
        let begin = Instant::now();
        alone(&mut side, "given up", |s| s.down(token).is_some());
        assert_eq!(side.down(token), Some(DownReason::Aborted));
        assert!(begin.elapsed() >= Duration::from_millis(150));
    }
}

#[test]
fn a_paused_connection_holds_its_peer_back() {
    for backend in backends() {
        let (mut server, mut client, theirs, ours) = connected(backend, NetLimits::default());
        client.net.send(ours, b"before").unwrap();
        until(&mut server, &mut client, "before", |s, _| s.story(theirs).bytes == b"before");
        server.net.pause(theirs, true);
        while client.net.send(ours, &[9; 100_000]).is_ok() {}
        let before = client.net.pending(ours);
        for _ in 0..50 {
            server.poll(Duration::from_millis(1));
            client.poll(LOOK);
        }
        assert_eq!(server.story(theirs).bytes, b"before");
        assert!(client.net.pending(ours) > before / 2);
        server.net.pause(theirs, false);
        until(&mut server, &mut client, "after", |_, c| c.net.pending(ours) == 0 && c.story(ours).writable == 1);
    }
}

#[test]
fn a_thousand_connections_echo_on_one_loop() {
    const COUNT: usize = 1_000;
    for backend in backends() {
        let limits = NetLimits { connections: COUNT, out_bytes: 4_096, read_bytes: 4_096 };
        let (mut server, mut client) = (Side::with(backend, limits), Side::with(backend, limits));
        server.echo = true;
        let (_, address) = server.net.listen(any_port(), None).unwrap();
        let tokens: Vec<Token> = (0..COUNT).map(|_| client.net.connect(&[address], None).unwrap()).collect();
        assert_eq!(client.net.connect(&[address], None).unwrap_err().code, Code::ConnectFailed);
        until(&mut server, &mut client, "all up", |s, c| {
            s.accepted.len() == COUNT && tokens.iter().all(|&token| c.story(token).up)
        });
        for round in 0..3u8 {
            for (i, &token) in tokens.iter().enumerate() {
                client.net.send(token, &[round, i as u8, (i >> 8) as u8]).unwrap();
            }
            let length = 3 * (round as usize + 1);
            until(&mut server, &mut client, "echoes", |_, c| {
                tokens.iter().all(|&token| c.story(token).bytes.len() == length)
            });
        }
        for (i, token) in tokens.iter().enumerate() {
            let expected: Vec<u8> = (0..3).flat_map(|round| [round, i as u8, (i >> 8) as u8]).collect();
            assert_eq!(client.story(*token).bytes, expected);
        }
    }
}

#[test]
fn who_comes_in_beyond_the_limit_waits_for_a_place() {
    for backend in backends() {
        let mut side = Side::with(backend, NetLimits { connections: 2, ..NetLimits::default() });
        let (_, address) = side.net.listen(any_port(), None).unwrap();
        let peers: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
        for _ in 0..20 {
            side.poll(Duration::from_millis(1));
        }
        assert_eq!(side.accepted.len(), 2);
        for gone in 0..3 {
            let token = side.accepted[gone];
            side.net.abort(token);
            alone(&mut side, "the next comes in", |s| s.accepted.len() == gone + 3);
            assert_eq!(side.down(token), Some(DownReason::Aborted));
        }
        drop(peers);
    }
}

#[test]
fn a_passed_token_names_nothing() {
    for backend in backends() {
        let mut side = Side::with(backend, NetLimits { connections: 1, ..NetLimits::default() });
        let (listener, address) = side.net.listen(any_port(), None).unwrap();
        let mut passed = Vec::new();
        for _ in 0..40 {
            let mut peer = TcpStream::connect(address).unwrap();
            let count = side.accepted.len();
            alone(&mut side, "accepted", |s| s.accepted.len() > count);
            let token = side.accepted[count];
            for &old in &passed {
                assert_ne!(old, token);
                assert_eq!(side.net.send(old, b"wrong"), Err(SendFault::Closed));
                assert_eq!(side.net.pending(old), 0);
                side.net.pause(old, true);
                side.net.close(old);
                side.net.abort(old);
            }
            side.net.send(token, b"right").unwrap();
            let mut got = [0; 5];
            peer.read_exact(&mut got).unwrap();
            assert_eq!(&got, b"right");
            drop(peer);
            alone(&mut side, "gone", |s| s.down(token).is_some());
            passed.push(token);
        }
        for stranger in [Token(0), Token(u32::MAX), listener] {
            assert_eq!(side.net.send(stranger, b"x"), Err(SendFault::Closed));
            side.net.pause(stranger, true);
        }
    }
}

#[test]
fn a_poll_waits_as_long_as_asked_and_not_longer() {
    for backend in backends() {
        let mut side = Side::new(backend);
        side.net.listen(any_port(), None).unwrap();
        for wanted in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(30)] {
            // The best of some: the machine may be busy with others.
            let waited = (0..20).map(|_| {
                let begin = Instant::now();
                assert_eq!(side.poll(wanted), 0);
                begin.elapsed()
            });
            let waited = waited.min().unwrap();
            let exact = backend == Backend::Epoll || wanted >= Duration::from_millis(1);
            assert!(!exact || waited >= wanted, "{waited:?} {wanted:?}");
            assert!(waited < wanted + Duration::from_millis(10), "{waited:?} {wanted:?}");
        }
    }
}

#[test]
fn a_waker_ends_a_poll_from_another_thread_and_no_wake_is_lost() {
    for backend in backends() {
        let mut side = Side::new(backend);
        let waker = side.net.waker();
        waker.wake();
        let begin = Instant::now();
        side.poll(Duration::from_secs(20));
        assert!(begin.elapsed() < Duration::from_secs(5), "a wake before the poll");
        // The wake is taken: once the bell has been heard, polls sleep again.
        let slept = (0..3).any(|_| {
            let begin = Instant::now();
            side.poll(Duration::from_millis(20));
            begin.elapsed() >= Duration::from_millis(20)
        });
        assert!(slept, "one wake ends one poll");
        // Ping-pong: every round needs its wake to arrive, at whatever moment of the poll it comes.
        let (to_loop, at_loop) = std::sync::mpsc::channel::<u32>();
        let (to_peer, at_peer) = std::sync::mpsc::channel::<u32>();
        let peer = std::thread::spawn(move || {
            let mut random = SplitMix64::new(3);
            for round in 0..5_000 {
                for _ in 0..random.below(300) {
                    std::hint::spin_loop();
                }
                to_loop.send(round).unwrap();
                waker.wake();
                assert_eq!(at_peer.recv().unwrap(), round);
            }
        });
        for round in 0..5_000 {
            let end = Instant::now() + Duration::from_secs(20);
            let got = loop {
                if let Ok(got) = at_loop.try_recv() {
                    break got;
                }
                side.poll(Duration::from_secs(30));
                assert!(Instant::now() < end, "round {round}: the wake was lost");
            };
            assert_eq!(got, round);
            to_peer.send(got).unwrap();
        }
        peer.join().unwrap();
    }
}

#[test]
fn while_busy_connections_are_read_directly_the_others_are_seen() {
    for backend in backends() {
        let (mut server, mut client, theirs, ours) = connected(backend, NetLimits::default());
        server.echo = true;
        client.echo = true;
        let (_, other) = server.net.listen(any_port(), None).unwrap();
        client.net.send(ours, b"ping").unwrap();
        let mut round_trips = 0;
        let mut peer = None;
        let mut quiet = None;
        for round in 0..20_000 {
            server.poll(LOOK);
            client.poll(LOOK);
            round_trips = client.story(ours).bytes.len() / 4;
            if round == 5_000 {
                peer = Some(TcpStream::connect(other).unwrap());
            }
            if round == 10_000 {
                assert_eq!(server.accepted.len(), 2, "a newcomer while another connection is hot");
                quiet = server.accepted.last().copied();
                peer.as_mut().unwrap().write_all(b"also here").unwrap();
            }
        }
        assert!(round_trips > 1_000, "{round_trips}");
        assert_eq!(server.story(quiet.unwrap()).bytes, b"also here");
        assert!(server.down(theirs).is_none());
        let mut echoed = [0; 9];
        peer.as_mut().unwrap().read_exact(&mut echoed).unwrap();
        assert_eq!(&echoed, b"also here");
        drop(peer);
        until(&mut server, &mut client, "its end", |s, _| s.down(quiet.unwrap()) == Some(DownReason::Closed));
    }
}

#[test]
fn limits_out_of_range_are_faults() {
    let good = NetLimits::default();
    for limits in [
        NetLimits { connections: 0, ..good },
        NetLimits { connections: 16_001, ..good },
        NetLimits { out_bytes: 1_023, ..good },
        NetLimits { out_bytes: (1 << 30) + 1, ..good },
        NetLimits { read_bytes: 1_023, ..good },
        NetLimits { read_bytes: (64 << 20) + 1, ..good },
    ] {
        for backend in backends() {
            assert_eq!(fafnir_net::Net::new(backend, limits).unwrap_err().code, Code::ConfigInvalid);
        }
    }
}
