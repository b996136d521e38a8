//! Hosts of FIX sessions over real sockets: who gets in, who does not, and what becomes of sessions.
#[path = "../fix_support/mod.rs"]
mod fix_support;
mod hours;
mod logons;
mod resends;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fafnir_driver::fix::{
    AcceptorSetup, FixAcceptor, FixInitiator, HostOptions, MessageLogOptions, SessionEntry, StoreChoice, admit_any,
};
use fix_support::*;
use net::{TlsClient, TlsServer};
use types::{Code, Nanos};
use wire::fix::{BeginString, Role};

fn order(id: u64) -> Vec<u8> {
    format!("11={id}\x0121=1\x0138=100\x0140=1\x0154=1\x0155=INTC\x0160=20260101-00:00:00\x01").into_bytes()
}

/// Sends orders and waits until all have come back, in order.
fn trade(at: &fafnir_driver::fix::FixHandle, story: &mut Story, session: u32, ids: core::ops::Range<u64>) {
    for id in ids.clone() {
        at.send(session, b"D", b"", &order(id)).unwrap();
    }
    for id in ids {
        let wanted = Told::Message(session, "D".into(), id.to_string(), false);
        story.until(&format!("order {id} back"), |told| *told == wanted);
    }
}

#[test]
fn many_sessions_of_every_version_trade_over_one_port() {
    let peers: Vec<_> = BeginString::ALL.into_iter().enumerate().collect();
    let ours = peers.iter().map(|&(i, begin)| entry(Role::Acceptor, begin, "ACCEPTOR", &format!("PEER{i}"))).collect();
    let (mut accepting, mut served) = acceptor(ours);
    let theirs = peers.iter().map(|&(i, begin)| SessionEntry {
        addresses: vec![accepting.address().to_string()],
        ..entry(Role::Initiator, begin, &format!("PEER{i}"), "ACCEPTOR")
    });
    let (mut initiating, mut story) = initiator(theirs.collect());
    for _ in &peers {
        story.logon();
        served.logon();
    }
    let handle = initiating.handle();
    for session in 0..peers.len() as u32 {
        trade(&handle, &mut story, session, 1..200);
    }
    initiating.close().unwrap();
    let ends = story.look().iter().filter(|told| matches!(told, Told::Logout(_, None))).count();
    assert_eq!(ends, peers.len(), "{:?}", story.so_far.last());
    accepting.close().unwrap();
    assert_eq!(handle.send(0, b"D", b"", b""), Err(Code::FixClosed));
}

#[test]
fn strangers_get_no_answer() {
    let (mut accepting, mut story) = acceptor(vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "KNOWN")]);
    let at = accepting.address();
    for _ in 0..50 {
        drop(TcpStream::connect(at).unwrap());
    }
    let silent = |message: &[u8]| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(message).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{:?} to {:?}", String::from_utf8_lossy(&answer), String::from_utf8_lossy(message));
    };
    silent(&ByHand::connect(at, "UNKNOWN").message("A", "98=0|108=30|"));
    silent(&ByHand::connect(at, "KNOWN").message("0", ""));
    silent(&ByHand::connect(at, "KNOWN").message("D", "11=1|"));
    let mut broken = ByHand::connect(at, "KNOWN").message("A", "98=0|108=30|");
    let last = broken.len() - 2;
    broken[last] = if broken[last] == b'0' { b'1' } else { b'0' };
    broken.extend_from_slice(&ByHand::connect(at, "KNOWN").message("A", "98=0|108=30|"));
    silent(&broken);
    let short = ByHand::connect(at, "KNOWN").message("A", "98=0|108=30|");
    let short = String::from_utf8(short).unwrap();
    let length: usize = short.split('\x01').nth(1).unwrap()[2..].parse().unwrap();
    silent(short.replacen(&format!("\x019={length}\x01"), &format!("\x019={}\x01", length - 1), 1).as_bytes());

    let mut peer = ByHand::connect(at, "KNOWN");
    peer.log_on();
    silent(&ByHand::connect(at, "KNOWN").message("A", "98=0|108=30|"));
    peer.send("1", "112=still here|");
    assert_eq!(field(&peer.read().unwrap(), "112"), Some("still here"), "the first connection is not disturbed");
    peer.send("D", "11=x|55=Y|");
    assert_eq!(kind_of(&peer.read().unwrap()), "D");
    peer.send("8", "37=1|");
    let refused = peer.read().unwrap();
    assert_eq!((kind_of(&refused), field(&refused, "380"), field(&refused, "372")), ("j", Some("3"), Some("8")));
    story.logon();
    accepting.close().unwrap();
    assert_eq!(kind_of(&peer.read().unwrap()), "5", "the end is said");
}

#[test]
fn a_peer_that_comes_back_at_once_finds_its_session() {
    let (_accepting, _story) = {
        let (accepting, story) = acceptor(vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "KNOWN")]);
        let at = accepting.address();
        let mut sequence = 1;
        for round in 0..40 {
            let mut peer = ByHand::connect(at, "KNOWN");
            peer.sequence = sequence;
            peer.log_on();
            if round % 2 == 0 {
                peer.send("5", "");
                assert_eq!(kind_of(&peer.read().unwrap()), "5");
            }
            sequence = peer.sequence;
        }
        (accepting, story)
    };
}

#[test]
fn who_does_not_log_on_in_time_is_closed() {
    let (teller, _story) = Story::new(true);
    let options = HostOptions { logon_wait: Nanos::from_millis(150), ..HostOptions::default() };
    let sessions = vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "KNOWN")];
    let setup = AcceptorSetup { listen: any_port(), tls: None, sessions, admission: None, options };
    let accepting = FixAcceptor::start(setup, teller).unwrap();
    let begun = Instant::now();
    let mut half = ByHand::connect(accepting.address(), "KNOWN");
    let message = half.message("A", "98=0|108=30|");
    half.stream.write_all(&message[..message.len() - 1]).unwrap();
    assert_eq!(half.read(), None);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_template_lets_new_names_in() {
    let (teller, mut story) = Story::new(true);
    let template = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "ANYBODY");
    let setup = AcceptorSetup {
        listen: any_port(),
        tls: None,
        sessions: vec![],
        admission: Some(admit_any(template)),
        options: HostOptions::default(),
    };
    let accepting = FixAcceptor::start(setup, teller).unwrap();
    for (number, name) in ["ALICE", "BOB"].into_iter().enumerate() {
        let mut peer = ByHand::connect(accepting.address(), name);
        peer.log_on();
        assert_eq!(story.logon(), number as u32);
        assert!(story.so_far.contains(&Told::Session(number as u32, name.into())));
        peer.send("5", "");
        story.until("logout", |told| matches!(told, Told::Logout(..)));
    }
    let mut back = ByHand::connect(accepting.address(), "ALICE");
    back.sequence = 3;
    back.log_on();
    assert_eq!(story.logon(), 0, "the same session");
}

#[test]
fn who_does_not_read_is_given_up_and_hurts_nobody() {
    let (teller, mut story) = Story::new(true);
    let options = HostOptions { out_bytes: 1 << 20, ..HostOptions::default() };
    let sessions = vec![
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "SLOW"),
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "QUICK"),
    ];
    let setup = AcceptorSetup { listen: any_port(), tls: None, sessions, admission: None, options };
    let accepting = FixAcceptor::start(setup, teller).unwrap();
    let (mut slow, mut quick) =
        (ByHand::connect(accepting.address(), "SLOW"), ByHand::connect(accepting.address(), "QUICK"));
    slow.log_on();
    quick.log_on();
    let text = "x".repeat(7_000);
    for _ in 0..20_000 {
        let message = slow.message("C", &format!("11=1|58={text}|"));
        if slow.stream.write_all(&message).is_err() {
            break;
        }
    }
    let told = story.until("the end of the slow one", |told| matches!(told, Told::Logout(0, _)));
    assert_eq!(told, Told::Logout(0, Some(Code::PeerSlow)));
    quick.send("1", "112=and I?|");
    assert_eq!(field(&quick.read().unwrap(), "112"), Some("and I?"));
}

#[test]
fn tls_on_both_sides_with_the_name_asked_for() {
    let folder = scratch("fix-tls");
    let made = rcgen::generate_simple_self_signed(vec!["venue.test".into()]).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (teller, _served) = Story::new(true);
    let setup = AcceptorSetup {
        listen: any_port(),
        tls: Some(TlsServer::from_files(&certificate, &key).unwrap()),
        sessions: vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")],
        admission: None,
        options: HostOptions::default(),
    };
    let accepting = FixAcceptor::start(setup, teller).unwrap();
    let with_name = |name: &str| SessionEntry {
        addresses: vec![accepting.address().to_string()],
        tls: Some((TlsClient::with_ca_file(&certificate).unwrap(), name.to_string())),
        ..entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR")
    };
    let (refused, mut story) = initiator(vec![with_name("other.test")]);
    let told = story.until("a refusal", |told| matches!(told, Told::Fault(..)));
    assert_eq!(told, Told::Fault(Some(0), Code::TlsRefused));
    drop(refused);
    let (initiating, mut story) = initiator(vec![with_name("venue.test")]);
    story.logon();
    trade(&initiating.handle(), &mut story, 0, 1..100);
    drop(initiating);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_initiator_tries_the_next_address_and_comes_back_after_a_restart() {
    let folder = scratch("fix-restart");
    let kept = |role, sender, target| SessionEntry {
        store: StoreChoice::Files(folder.clone(), Default::default()),
        ..entry(role, BeginString::Fix44, sender, target)
    };
    let (dead, at) = (free_port(), free_port());
    let mut theirs = kept(Role::Initiator, "PEER", "ACCEPTOR");
    theirs.addresses = vec![dead.to_string(), at.to_string()];
    let (mut initiating, mut story) = initiator(vec![theirs.clone()]);
    story.until("a failure", |told| matches!(told, Told::Fault(Some(0), Code::ConnectFailed)));
    // Nobody is there yet: messages are kept and asked for after the logon.
    for id in 1..50 {
        initiating.handle().send(0, b"D", b"", &order(id)).unwrap();
    }
    let (mut accepting, _served) = acceptor_at(at, vec![kept(Role::Acceptor, "ACCEPTOR", "PEER")]);
    story.logon();
    let is = |told: &Told, wanted: u64| match told {
        Told::Message(0, kind, id, _) => kind == "D" && *id == wanted.to_string(),
        _ => false,
    };
    for id in 1..50 {
        story.until(&format!("order {id}"), |told| is(told, id));
    }
    trade(&initiating.handle(), &mut story, 0, 50..60);
    accepting.close().unwrap();
    story.until("the end", |told| matches!(told, Told::Logout(0, None)));
    let (accepting, _served) = acceptor_at(at, vec![kept(Role::Acceptor, "ACCEPTOR", "PEER")]);
    story.logon();
    trade(&initiating.handle(), &mut story, 0, 60..70);
    // The other side too, from its files; while it is open nobody else has them.
    let taken = FixInitiator::start(vec![theirs.clone()], HostOptions::default(), Story::new(false).0).unwrap_err();
    assert_eq!(taken.code, Code::StateInUse);
    initiating.close().unwrap();
    let (initiating, mut story) = initiator(vec![theirs]);
    story.logon();
    trade(&initiating.handle(), &mut story, 0, 70..80);
    assert!(
        !story.so_far.iter().any(|told| matches!(told, Told::Admin(_, kind) if kind == "2" || kind == "4")),
        "no gap"
    );
    drop((initiating, accepting));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_the_program_has_not_kept_itself_is_sent_again() {
    let folder = scratch("fix-resend-from");
    let (mut accepting, mut served) = acceptor(vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")]);
    let theirs = SessionEntry {
        store: StoreChoice::Files(folder.clone(), Default::default()),
        addresses: vec![accepting.address().to_string()],
        ..entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR")
    };
    // Number 1 is the logon, 2 to 10 are orders; the program has kept those through 6 and dies.
    let (initiating, mut story) = initiator(vec![theirs.clone()]);
    served.logon();
    for id in 2..11 {
        accepting.handle().send(0, b"D", b"", &order(id)).unwrap();
    }
    story.until("the last", |told| matches!(told, Told::Message(_, _, id, false) if id == "10"));
    drop(initiating);
    for (resend_from, again) in [(Some(7), 7..11), (Some(1_000), 0..0), (None, 0..0), (Some(1), 2..11)] {
        let (mut initiating, mut story) = initiator(vec![SessionEntry { resend_from, ..theirs.clone() }]);
        story.logon();
        accepting.handle().send(0, b"D", b"", &order(99)).unwrap();
        story.until("a new one", |told| matches!(told, Told::Message(_, _, id, _) if id == "99"));
        initiating.close().unwrap();
        let ids = story.look().iter().filter_map(|told| match told {
            Told::Message(0, _, id, true) if id != "99" => Some(id.parse::<u64>().unwrap()),
            _ => None,
        });
        assert_eq!(ids.collect::<Vec<_>>(), again.collect::<Vec<_>>(), "{resend_from:?}");
    }
    accepting.close().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn commands_are_answered_and_sessions_stay_out_when_told() {
    let (accepting, mut served) = acceptor(vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")]);
    let theirs = SessionEntry {
        addresses: vec![accepting.address().to_string()],
        ..entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR")
    };
    let (initiating, mut story) = initiator(vec![theirs]);
    let handle = initiating.handle();
    story.logon();
    let ticket = handle.send(0, b"D", b"", &order(1)).unwrap();
    story.until("the number", |told| *told == Told::Command(ticket, 0, Ok(2)));
    for (session, body, code) in
        [(7, order(1), Code::FixSessionUnknown), (0, b"no field".to_vec(), Code::FixFieldInvalid)]
    {
        let ticket = handle.send(session, b"D", b"", &body).unwrap();
        story.until("a refusal", |told| *told == Told::Command(ticket, session, Err(code)));
    }
    handle.logout(0, "lunch").unwrap();
    story.until("the end", |told| *told == Told::Logout(0, None));
    served.until("the end", |told| *told == Told::Logout(0, None));
    std::thread::sleep(Duration::from_millis(400));
    assert!(
        !served
            .look()
            .iter()
            .skip_while(|told| !matches!(told, Told::Logout(..)))
            .any(|told| matches!(told, Told::Logon(_)))
    );
    // Both sides begin at 1 only where both are told.
    accepting.handle().reset(0).unwrap();
    handle.reset(0).unwrap();
    handle.logon(0).unwrap();
    story.logon();
    let ticket = handle.send(0, b"D", b"", &order(2)).unwrap();
    story.until("a low number", |told| *told == Told::Command(ticket, 0, Ok(2)));
}

#[test]
fn a_panic_of_the_application_ends_the_host_and_nothing_else() {
    let (mut teller, _story) = Story::new(true);
    teller.panics = true;
    let sessions = vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")];
    let setup =
        AcceptorSetup { listen: any_port(), tls: None, sessions, admission: None, options: HostOptions::default() };
    let mut accepting = FixAcceptor::start(setup, teller).unwrap();
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.log_on();
    peer.send("D", "11=1|");
    assert_eq!(peer.read(), None);
    let end = Instant::now() + PATIENCE;
    while accepting.handle().send(0, b"D", b"", b"") != Err(Code::FixClosed) {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(accepting.close().unwrap_err().code, Code::NativePanicked);
}

#[test]
fn the_message_log_has_every_message_and_turns_over() {
    let folder = scratch("fix-log");
    let (teller, _story) = Story::new(true);
    let log = MessageLogOptions { file_bytes_max: 4_096, files_kept: 2, ..MessageLogOptions::new(&folder) };
    let setup = AcceptorSetup {
        listen: any_port(),
        tls: None,
        sessions: vec![entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER")],
        admission: None,
        options: HostOptions { log: Some(log), ..HostOptions::default() },
    };
    let mut accepting = FixAcceptor::start(setup, teller).unwrap();
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.log_on();
    for id in 0..200 {
        peer.send("D", &format!("11={id}|"));
        assert_eq!(field(&peer.read().unwrap(), "11"), Some(id.to_string().as_str()));
    }
    accepting.close().unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let name = "FIX.4.4-ACCEPTOR-PEER.messages.log";
    assert_eq!(names, [name.to_string(), format!("{name}.1"), format!("{name}.2")]);
    let text = [&names[1], &names[0]].map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).concat();
    let ids: Vec<u64> = text
        .lines()
        .filter(|line| line.contains(" < ") && line.contains("\x0135=D\x01"))
        .filter_map(|line| field(&line.replace('\x01', "|"), "11").map(|id| id.parse().unwrap()))
        .collect();
    assert!(ids.len() > 10 && ids.last() == Some(&199) && ids.windows(2).all(|two| two[1] == two[0] + 1), "{ids:?}");
    assert!(names.iter().all(|name| std::fs::metadata(folder.join(name)).unwrap().len() <= 4_096 + 300));
    std::fs::remove_dir_all(folder).unwrap();
}
