//! # Room card: net/tests/tls
//! In:    two loops with certificates made on the spot.
//! Out:   TLS on every backend: bytes that go round, certificates and names that are refused, streams cut off.
//! Holds: no certificate is taken that was not signed by the authority the client was given, for the name it asked for.
//! Costs: seconds.
mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Certificates, Side, alone, any_port, backends, until};
use fafnir_net::{Backend, DownReason, NetLimits, SendFault, TlsClient, TlsFault, TlsServer, Token};
use types::codes::Code;
use types::rng::SplitMix64;

/// Server and client after the handshake or its failure, and the client's token.
fn meet(
    backend: Backend,
    limits: NetLimits,
    server: &TlsServer,
    client: &TlsClient,
    name: &str,
) -> (Side, Side, Token) {
    let (mut serving, mut asking) = (Side::with(backend, limits), Side::with(backend, limits));
    let (_, address) = serving.net.listen(any_port(), Some(server)).unwrap();
    let token = asking.net.connect(&[address], Some((client, name))).unwrap();
    assert_eq!(asking.net.send(token, b"early"), Err(SendFault::Closed));
    until(&mut serving, &mut asking, "handshake", |s, a| {
        let settled = |story: &common::Story| story.up || story.down.is_some();
        s.accepted.first().is_some_and(|&theirs| settled(s.story(theirs))) && settled(a.story(token))
    });
    (serving, asking, token)
}

#[test]
fn bytes_go_round_encrypted() {
    let certificates = Certificates::new(&["venue.test", "127.0.0.1"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
    for backend in backends() {
        for name in ["venue.test", "127.0.0.1"] {
            let (mut serving, mut asking, ours) = meet(backend, NetLimits::default(), &server, &client, name);
            let theirs = serving.accepted[0];
            serving.echo = true;
            for size in [1, 16_384, 16_385, 2_000_000] {
                let message: Vec<u8> = (0..size).map(|i: usize| (i * 11 / 7) as u8).collect();
                asking.stories.get_mut(&ours).unwrap().bytes.clear();
                asking.net.send(ours, &message).unwrap();
                until(&mut serving, &mut asking, "echo", |_, a| a.story(ours).bytes.len() >= message.len());
                assert!(asking.story(ours).bytes == message);
            }
            asking.net.close(ours);
            until(&mut serving, &mut asking, "end", |s, a| s.down(theirs).is_some() && a.down(ours).is_some());
            assert_eq!((serving.down(theirs), asking.down(ours)), (Some(DownReason::Closed), Some(DownReason::Closed)));
        }
    }
}

#[test]
fn random_sends_arrive_as_the_model_says() {
    let certificates = Certificates::new(&["venue.test"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
    for backend in backends() {
        let seed = 0x5eed_0002;
        let mut random = SplitMix64::new(seed);
        // Reads of a size that cuts every record somewhere.
        let limits = NetLimits { out_bytes: 60_000, read_bytes: 1_031, ..NetLimits::default() };
        let (mut serving, mut asking, ours) = meet(backend, limits, &server, &client, "venue.test");
        let theirs = serving.accepted[0];
        let (mut to_server, mut to_client) = (Vec::<u8>::new(), Vec::<u8>::new());
        let mut refused = 0;
        for _ in 0..3_000 {
            let size = if random.below(4) == 0 { random.below(50_000) } else { random.below(300) };
            let bytes: Vec<u8> = (0..size).map(|_| random.next_u64() as u8).collect();
            let (side, token, model) = match random.below(2) {
                0 => (&mut asking, ours, &mut to_server),
                _ => (&mut serving, theirs, &mut to_client),
            };
            match side.net.send(token, &bytes) {
                Ok(()) => model.extend(&bytes),
                Err(fault) => {
                    refused += 1;
                    assert_eq!(fault, SendFault::Full, "seed {seed}");
                }
            }
            match random.below(600) {
                0 => drop(serving.poll(Duration::ZERO)),
                1 => drop(asking.poll(Duration::ZERO)),
                _ => {}
            }
        }
        until(&mut serving, &mut asking, "all arrived", |s, a| {
            s.story(theirs).bytes.len() >= to_server.len() && a.story(ours).bytes.len() >= to_client.len()
        });
        assert!(refused > 0, "seed {seed}: the bound was never met");
        assert!(serving.story(theirs).bytes == to_server && asking.story(ours).bytes == to_client, "seed {seed}");
    }
}

/// The handshake fails on both sides; this is what the client says.
fn refused(backend: Backend, server: &TlsServer, client: &TlsClient, name: &str) -> DownReason {
    let (mut serving, mut asking, ours) = meet(backend, NetLimits::default(), server, client, name);
    let theirs = serving.accepted[0];
    until(&mut serving, &mut asking, "down", |s, a| s.down(theirs).is_some() && a.down(ours).is_some());
    assert!(!asking.story(ours).up && !serving.story(theirs).up);
    assert_eq!(serving.down(theirs), Some(DownReason::Tls(TlsFault::Alert)), "the server is told by an alert");
    asking.down(ours).unwrap()
}

#[test]
fn a_wrong_certificate_or_name_is_refused() {
    let certificates = Certificates::new(&["venue.test"]);
    let strangers = Certificates::new(&["venue.test"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    for backend in backends() {
        let client = TlsClient::with_ca_file(&strangers.authority).unwrap();
        let reason = refused(backend, &server, &client, "venue.test");
        assert_eq!(reason, DownReason::Tls(TlsFault::Certificate));
        assert_eq!(reason.code(), Code::TlsRefused);
        let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
        for name in ["other.test", "127.0.0.1"] {
            let reason = refused(backend, &server, &client, name);
            assert_eq!(reason, DownReason::Tls(TlsFault::Name));
            assert_eq!(reason.code(), Code::TlsRefused);
        }
        let mut side = Side::new(backend);
        let fault = side.net.connect(&[any_port()], Some((&client, "no name"))).unwrap_err();
        assert_eq!(fault.code, Code::ConfigInvalid);
    }
    if let Ok(system) = TlsClient::system() {
        let reason = refused(Backend::best(), &server, &system, "venue.test");
        assert_eq!(reason, DownReason::Tls(TlsFault::Certificate));
    } else {
        println!("skipped: this machine has no certificate authorities of its own");
    }
}

#[test]
fn who_does_not_speak_tls_is_refused() {
    let certificates = Certificates::new(&["venue.test"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
    for backend in backends() {
        let (mut side, mut asking) = (Side::new(backend), Side::new(backend));
        side.net.set_patience(Duration::from_millis(300));
        let (_, encrypted) = side.net.listen(any_port(), Some(&server)).unwrap();
        let mut peer = TcpStream::connect(encrypted).unwrap();
        peer.write_all(b"GET / HTTP/1.1\r\nHost: venue.test\r\n\r\n").unwrap();
        alone(&mut side, "refused", |s| s.accepted.first().is_some_and(|&token| s.down(token).is_some()));
        assert_eq!(side.down(side.accepted[0]), Some(DownReason::Tls(TlsFault::Protocol)));
        // One that says nothing is given up after the patience.
        let silent = TcpStream::connect(encrypted).unwrap();
        alone(&mut side, "given up", |s| s.accepted.get(1).is_some_and(|&token| s.down(token).is_some()));
        assert_eq!(side.down(side.accepted[1]), Some(DownReason::TimedOut));
        drop(silent);
        // And a plain server that echoes the client's hello.
        side.echo = true;
        let (_, plain) = side.net.listen(any_port(), None).unwrap();
        let token = asking.net.connect(&[plain], Some((&client, "venue.test"))).unwrap();
        until(&mut side, &mut asking, "refused", |_, a| a.down(token).is_some());
        assert_eq!(asking.down(token), Some(DownReason::Tls(TlsFault::Protocol)));
    }
}

#[test]
fn a_stream_cut_off_is_no_end_in_good_order() {
    let certificates = Certificates::new(&["venue.test"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
    for backend in backends() {
        let (mut serving, mut asking) = (Side::new(backend), Side::new(backend));
        let (_, address) = serving.net.listen(any_port(), Some(&server)).unwrap();
        // A relay that ends both ways after some bytes, without TLS's last word.
        let relay = std::net::TcpListener::bind(any_port()).unwrap();
        let ours = asking.net.connect(&[relay.local_addr().unwrap()], Some((&client, "venue.test"))).unwrap();
        let cut = std::thread::spawn(move || {
            let (mut near, _) = relay.accept().unwrap();
            let mut far = TcpStream::connect(address).unwrap();
            let (mut near_out, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            let back = std::thread::spawn(move || {
                let mut left = 40_000;
                let mut bytes = [0; 4_096];
                while left > 0 {
                    let count = far.read(&mut bytes).unwrap().min(left);
                    near_out.write_all(&bytes[..count]).unwrap();
                    left -= count;
                }
                // Either may be over already: the ends answer the cut.
                let _ = near_out.shutdown(std::net::Shutdown::Both);
                let _ = far.shutdown(std::net::Shutdown::Both);
            });
            let _ = std::io::copy(&mut near, &mut far_out);
            back.join().unwrap();
        });
        until(&mut serving, &mut asking, "up", |s, a| {
            a.story(ours).up && s.accepted.first().is_some_and(|&theirs| s.story(theirs).up)
        });
        // Taken, or broken off when the cut comes in the middle of it.
        let _ = serving.net.send(serving.accepted[0], &[5; 200_000]);
        until(&mut serving, &mut asking, "cut", |_, a| a.down(ours).is_some());
        assert_eq!(asking.down(ours), Some(DownReason::Reset));
        let got = asking.story(ours).bytes.len();
        assert!(got < 40_000 && asking.story(ours).bytes.iter().all(|&byte| byte == 5), "{got}");
        cut.join().unwrap();
    }
}

#[test]
fn bytes_changed_on_the_way_are_refused() {
    let certificates = Certificates::new(&["venue.test"]);
    let server = TlsServer::from_files(&certificates.certificate, &certificates.key).unwrap();
    let client = TlsClient::with_ca_file(&certificates.authority).unwrap();
    let mut random = SplitMix64::new(77);
    for backend in backends() {
        for _ in 0..20 {
            let (mut serving, mut relay, mut asking) = (Side::new(backend), Side::new(backend), Side::new(backend));
            let (_, at_server) = serving.net.listen(any_port(), Some(&server)).unwrap();
            let (_, at_relay) = relay.net.listen(any_port(), None).unwrap();
            let out = relay.net.connect(&[at_server], None).unwrap();
            let ours = asking.net.connect(&[at_relay], Some((&client, "venue.test"))).unwrap();
            let wrong = random.below(1_200) as usize;
            let mut passed = [0usize; 2];
            for _ in 0..2_000 {
                serving.poll(Duration::ZERO);
                asking.poll(Duration::ZERO);
                relay.poll(Duration::ZERO);
                let Some(&inner) = relay.accepted.first() else { continue };
                for (way, (from, to)) in [(out, inner), (inner, out)].into_iter().enumerate() {
                    if !relay.story(to).up || relay.down(to).is_some() {
                        continue;
                    }
                    let mut bytes = std::mem::take(&mut relay.stories.entry(from).or_default().bytes);
                    if let Some(byte) = wrong.checked_sub(passed[way]).and_then(|at| bytes.get_mut(at)) {
                        *byte ^= 1 << random.below(8);
                    }
                    passed[way] += bytes.len();
                    let _ = relay.net.send(to, &bytes);
                }
                if asking.story(ours).up && asking.net.pending(ours) == 0 && passed[1] <= wrong {
                    let _ = asking.net.send(ours, b"an order");
                }
            }
            let got = serving.accepted.first().map(|&theirs| &serving.story(theirs).bytes);
            let whole = b"an order".repeat(200);
            assert!(got.is_none_or(|got| whole.starts_with(got)), "byte {wrong}: {got:?}");
        }
    }
}

#[test]
fn files_that_are_no_certificates_are_faults() {
    let certificates = Certificates::new(&["venue.test"]);
    let others = Certificates::new(&["venue.test"]);
    let missing = std::path::Path::new("/nowhere/at/all.pem");
    let invalid = |fault: types::fault::Fault| {
        assert_eq!(fault.code, Code::ConfigInvalid);
        assert_eq!(fault.fields[0].0, "path");
    };
    invalid(TlsClient::with_ca_file(missing).unwrap_err());
    invalid(TlsClient::with_ca_file(&certificates.key).unwrap_err());
    invalid(TlsServer::from_files(missing, &certificates.key).unwrap_err());
    invalid(TlsServer::from_files(&certificates.certificate, missing).unwrap_err());
    invalid(TlsServer::from_files(&certificates.key, &certificates.certificate).unwrap_err());
    invalid(TlsServer::from_files(&certificates.certificate, &others.key).unwrap_err());
}
