//! Resends that are longer than what is kept for a peer.
use std::time::Duration;

use fafnir_driver::fix::{AcceptorSetup, FixAcceptor, HostOptions};
use types::Code;
use wire::fix::{BeginString, Role};

use crate::fix_support::*;

#[test]
fn a_resend_longer_than_what_is_kept_for_a_peer_comes_whole() {
    const MESSAGES: u64 = 3_000;
    let (teller, mut story) = Story::new(false);
    // Some ten times less than what is asked for.
    let options = HostOptions { out_bytes: 1 << 20, ..HostOptions::default() };
    let sessions = vec![
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "SLOW"),
        entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "QUICK"),
    ];
    let setup = AcceptorSetup { listen: any_port(), tls: None, sessions, admission: None, options };
    let accepting = FixAcceptor::start(setup, teller).unwrap();
    let handle = accepting.handle();
    let text = "x".repeat(4_000);
    for id in 1..=MESSAGES {
        let body = format!("11={id}\x0158={text}\x01");
        while handle.send(0, b"C", b"", body.as_bytes()) == Err(Code::FixQueueFull) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let mut slow = ByHand::connect(accepting.address(), "SLOW");
    slow.send("A", "98=0|108=30|");
    assert_eq!(slow.read().as_deref().map(kind_of), Some("A"));
    slow.send("2", "7=1|16=0|");
    // It does not read for a while: the other one is not held up, and nobody is given up.
    let mut quick = ByHand::connect(accepting.address(), "QUICK");
    quick.log_on();
    for turn in 0..20 {
        quick.send("1", &format!("112={turn}|"));
        assert_eq!(field(&quick.read().unwrap(), "112"), Some(turn.to_string().as_str()));
        std::thread::sleep(Duration::from_millis(10));
    }
    let ticket = handle.send(0, b"C", b"", b"11=fresh\x0158=x\x01").unwrap();
    story.until("a number", |told| matches!(told, Told::Command(n, 0, Ok(_)) if *n == ticket));
    let (mut next, mut fresh) = (1, 0);
    while next <= MESSAGES || fresh == 0 {
        let message = slow.read().expect("not given up");
        match field(&message, "11") {
            Some("fresh") => fresh += 1,
            Some(id) => {
                assert_eq!((id, field(&message, "43")), (next.to_string().as_str(), Some("Y")));
                next += 1;
            }
            None => assert_eq!(kind_of(&message), "4"),
        }
    }
    assert!(!story.look().iter().any(|told| matches!(told, Told::Logout(..))));
}
