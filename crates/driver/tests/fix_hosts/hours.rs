//! Hours, numbers and stores of hosted sessions; hosts made from a configuration.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fafnir_driver::fix::{FixAcceptor, FixInitiator, FixStore, MemoryStore, StoreChoice, Stored};
use types::{Code, Fault, UnixNanos};
use wire::fix::schedule::{DAY_SECONDS, Days, Schedule};
use wire::fix::{BeginString, Role, Store};

use crate::fix_support::*;

/// Hours of the day, UTC, from an hour ago to some seconds from now.
fn hours_until(seconds: u64) -> Schedule {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let of_day = |at: u64| (at % u64::from(DAY_SECONDS)) as u32;
    Schedule::new("UTC", Days::Each([true; 7]), of_day(now - 3_600), of_day(now + seconds)).unwrap()
}

#[test]
fn a_session_ends_with_its_hours() {
    let mut ours = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER");
    ours.hours = hours_until(3);
    let (accepting, mut story) = acceptor(vec![ours]);
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.log_on();
    let farewell = peer.read().unwrap();
    assert_eq!((kind_of(&farewell), field(&farewell, "58")), ("5", Some("Session hours are over")));
    peer.send("5", "");
    assert_eq!(peer.read(), None);
    story.until("the end", |told| *told == Told::Logout(0, None));
    let mut late = ByHand::connect(accepting.address(), "PEER");
    late.send("A", "98=0|108=30|");
    assert_eq!(late.read(), None, "outside its hours it does not answer");
}

#[test]
fn numbers_that_end_while_connected_end_the_connection() {
    let mut ours = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER");
    ours.numbers = Some(hours_until(3));
    let (accepting, _story) = acceptor(vec![ours]);
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.log_on();
    let farewell = peer.read().unwrap();
    assert_eq!((kind_of(&farewell), field(&farewell, "58")), ("5", Some("Sequence numbers begin at 1")));
}

#[test]
fn a_configuration_makes_hosts_and_its_mistakes_are_named() {
    use fafnir_driver::fix::{acceptor_setup, initiator_setup};
    use types::config::{FixAcceptorConfig, FixInitiatorConfig};
    let folder = scratch("fix-config");
    let dictionary = folder.join("none.xml");
    let ours = format!(
        r#"{{ "sessions": [
            {{ "beginString": "FIX.4.2", "senderCompId": "A", "targetCompId": "I", "validation": null,
               "hours": {{ "start": "00:00", "end": "00:00", "timeZone": "Europe/Zurich" }} }},
            {{ "beginString": "FIXT.1.1", "senderCompId": "A", "targetCompId": "I", "application": "FIX.5.0SP1" }}],
          "templates": [{{ "beginString": "FIX.4.4", "senderCompId": "A", "targetCompId": "ANY" }}],
          "shared": {{ "storeDir": {:?}, "storeSync": "always", "logDir": {:?}, "wait": "park" }} }}"#,
        folder.join("store"),
        folder.join("log")
    );
    let (teller, mut served) = Story::new(true);
    let setup = acceptor_setup(&FixAcceptorConfig::from_json(&ours).unwrap()).unwrap();
    let mut accepting = FixAcceptor::start(setup, teller).unwrap();
    let at = accepting.address();
    let session = |begin: &str, sender: &str, more: &str| {
        format!(
            r#"{{ "beginString": "{begin}", "senderCompId": "{sender}", "targetCompId": "A", "addresses": ["{at}"],
                "heartbeatSeconds": 5{more} }}"#
        )
    };
    let theirs = [
        session("FIX.4.2", "I", ""),
        session("FIXT.1.1", "I", r#", "application": "FIX.5.0SP1""#),
        session("FIX.4.4", "NEW", ""),
    ]
    .join(",");
    let config = FixInitiatorConfig::from_json(&format!(r#"{{ "sessions": [{theirs}] }}"#)).unwrap();
    let (sessions, options) = initiator_setup(&config).unwrap();
    let (teller, mut story) = Story::new(false);
    let mut initiating = FixInitiator::start(sessions, options, teller).unwrap();
    for _ in 0..3 {
        story.logon();
        served.logon();
    }
    initiating.close().unwrap();
    accepting.close().unwrap();
    for name in ["FIX.4.2-A-I", "FIXT.1.1-A-I", "FIX.4.4-A-NEW"] {
        assert!(folder.join("store").join(name).join("numbers").exists(), "{name}");
        assert!(folder.join("log").join(format!("{name}.messages.log")).exists(), "{name}");
    }
    for more in [
        r#", "hours": { "start": "08:00", "end": "09:00", "timeZone": "Mars/Olympus" }"#.to_string(),
        format!(r#", "validation": {{ "dictionaryFile": {dictionary:?} }}"#),
        format!(r#", "tls": true, "caFile": {dictionary:?}"#),
    ] {
        let text = format!(r#"{{ "sessions": [{}] }}"#, session("FIX.4.4", "I", &more));
        let config = FixInitiatorConfig::from_json(&text).unwrap();
        assert_eq!(initiator_setup(&config).err().unwrap().code, Code::ConfigInvalid, "{more}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A store with numbers of yesterday, and one that fails.
struct Old {
    inner: MemoryStore,
    created: UnixNanos,
    /// Application messages it still takes.
    room: Arc<AtomicU64>,
    fault: Option<Fault>,
}

impl Store for Old {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.inner.next(from)
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        if application
            && self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
        {
            self.fault = Some(Fault::new(Code::FixStoreFailed, "the disk is full", vec![]));
        } else {
            self.inner.keep(sequence, bytes, application);
        }
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        self.inner.numbers(next_in, next_out);
    }
    fn reset(&mut self, now: UnixNanos) {
        self.created = now;
        self.inner.reset(now);
    }
}

impl FixStore for Old {
    fn stored(&self) -> Stored {
        Stored { created: self.created, ..self.inner.stored() }
    }
    fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}

fn old_store(age: u64, (next_in, next_out): (u64, u64), room: Arc<AtomicU64>) -> StoreChoice {
    StoreChoice::Custom(Arc::new(move |_, now| {
        let mut inner = MemoryStore::new(now);
        inner.numbers(next_in, next_out);
        let created = UnixNanos(now.0 - age * 1_000_000_000);
        Ok(Box::new(Old { inner, created, room: room.clone(), fault: None }))
    }))
}

fn unbounded() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(u64::MAX))
}

#[test]
fn numbers_of_an_earlier_window_begin_anew_or_go_on_as_said() {
    use fafnir_driver::fix::AtNewWindow::{Keep, Reset};
    let day = 86_400;
    // Age of the numbers, what is said, the number of the logon we send.
    for (age, policy, hours, number) in [
        (60, Reset, Some(5), "21"),
        (2 * day, Reset, Some(5), "1"),
        (2 * day, Keep, Some(5), "21"),
        (400 * day, Reset, None, "21"),
    ] {
        let mut ours = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER");
        ours.at_new_window = policy;
        ours.numbers = hours.map(hours_until);
        ours.store = old_store(age, (11, 21), unbounded());
        let (accepting, _story) = acceptor(vec![ours]);
        let mut peer = ByHand::connect(accepting.address(), "PEER");
        peer.sequence = if number == "1" { 1 } else { 11 };
        peer.send("A", "98=0|108=30|");
        let answer = peer.read().unwrap();
        assert_eq!((kind_of(&answer), field(&answer, "34")), ("A", Some(number)), "{age} s, {policy:?}");
    }
}

#[test]
fn an_initiator_keeps_numbers_and_hours_by_the_same_rules() {
    use fafnir_driver::fix::AtNewWindow::{Keep, Reset};
    let day = 86_400;
    for (age, policy, number) in [(60, Reset, 22), (2 * day, Reset, 2), (2 * day, Keep, 22)] {
        let mut ours = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER");
        let mut theirs = entry(Role::Initiator, BeginString::Fix44, "PEER", "ACCEPTOR");
        ours.store = old_store(age, (21, 11), unbounded());
        theirs.store = old_store(age, (11, 21), unbounded());
        for own in [&mut ours, &mut theirs] {
            own.at_new_window = policy;
            own.numbers = Some(hours_until(60));
        }
        let (accepting, _served) = acceptor(vec![ours]);
        theirs.addresses = vec![accepting.address().to_string()];
        theirs.hours = hours_until(3);
        let (initiating, mut story) = initiator(vec![theirs]);
        story.logon();
        let handle = initiating.handle();
        let ticket = handle.send(0, b"D", b"", b"11=1\x0155=X\x01").unwrap();
        story.until("its number", |told| *told == Told::Command(ticket, 0, Ok(number)));
        if age > 60 {
            continue;
        }
        // At the end of its hours it logs out, and stays away.
        story.until("the end", |told| *told == Told::Logout(0, None));
        std::thread::sleep(std::time::Duration::from_millis(400));
        let stays = !story.look().iter().skip_while(|told| !matches!(told, Told::Logout(..))).any(is_logon);
        assert!(stays, "it came back");
    }
}

fn is_logon(told: &Told) -> bool {
    matches!(told, Told::Logon(_))
}

#[test]
fn what_a_store_cannot_keep_is_not_sent_and_the_session_ends_in_order() {
    let room = Arc::new(AtomicU64::new(3));
    let mut ours = entry(Role::Acceptor, BeginString::Fix44, "ACCEPTOR", "PEER");
    ours.store = old_store(60, (11, 21), room.clone());
    let (accepting, mut story) = acceptor(vec![ours]);
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.sequence = 11;
    peer.log_on();
    for id in 0..5 {
        peer.send("D", &format!("11={id}|"));
    }
    let mut numbers = Vec::new();
    let farewell = loop {
        let message = peer.read().unwrap();
        if kind_of(&message) == "5" {
            break message;
        }
        assert_eq!(kind_of(&message), "D");
        numbers.push(field(&message, "34").unwrap().to_string());
    };
    assert_eq!(numbers, ["22", "23", "24"]);
    assert_eq!((field(&farewell, "34"), field(&farewell, "58")), (Some("26"), Some("Messages cannot be stored")));
    assert_eq!(peer.read(), None);
    story.until("the fault", |told| *told == Told::Fault(Some(0), Code::FixStoreFailed));
    story.until("the end", |told| *told == Told::Logout(0, Some(Code::FixStoreFailed)));
    // There is room again: the session goes on, and the number that was never sent is filled.
    room.store(100, Ordering::SeqCst);
    let mut peer = ByHand::connect(accepting.address(), "PEER");
    peer.sequence = 16;
    peer.log_on();
    peer.send("2", "7=25|16=0|");
    let filled = peer.read().unwrap();
    assert_eq!((kind_of(&filled), field(&filled, "34"), field(&filled, "36")), ("4", Some("25"), Some("28")));
}
