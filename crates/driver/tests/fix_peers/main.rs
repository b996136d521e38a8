//! Sessions with engines that are not ours, in both roles: QuickFIX (C++, Debian's package) and QuickFIX/J (Maven
//! Central), and trades with the latter's order match. `FAFNIR_LONG=1` fetches what is missing and fails without it.
//!
//! What a session must survive is told to either side as it goes: a gap in the middle, numbers the peer has forgotten,
//! a reset by SequenceReset and by logon, messages sent while the other was away. After it each report has come once.
mod ours;
mod ready;
mod terminal;

use std::net::TcpListener;

use fafnir_driver::fix::SessionEntry;
use ours::Ours;
use terminal::{Peer, Settings};
use types::Nanos;
use wire::fix::{BeginString, Role, SessionSetup};

const HEARTBEAT: Nanos = Nanos(30_000_000_000);

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A version and how its messages look.
#[derive(Clone, Copy)]
struct Version {
    begin: BeginString,
    /// What the other engine must be told to speak it.
    settings: &'static str,
    /// DefaultApplVerID.
    appl: Option<&'static str>,
    /// Fields that this version's ExecutionReport has beside the others.
    report: &'static str,
}

const FIX42: Version = Version { begin: BeginString::Fix42, settings: "", appl: None, report: "|20=0" };
const FIX44: Version = Version { begin: BeginString::Fix44, settings: "", appl: None, report: "" };
const FIX50SP2: Version =
    Version { begin: BeginString::Fixt11, settings: "\nDefaultApplVerID=FIX.5.0SP2", appl: Some("9"), report: "" };

impl Version {
    fn order(self, id: &str) -> String {
        format!("11={id}|21=1|38=100|40=2|44=10.5|54=1|55=FAF|60=20260102-03:04:05|")
    }

    /// What the terminal is told to send.
    fn report(self, id: &str) -> String {
        let more = self.report;
        format!("send 35=8|37=O1|17={id}|150=0|39=0|55=FAF|54=1|38=100|151=100|14=0|6=0{more}")
    }

    fn entry(self, role: Role) -> SessionEntry {
        let mut setup = SessionSetup::full(self.begin, role, b"FAFNIR", b"PEER", HEARTBEAT);
        setup.default_appl_ver = self.appl.map(|id| id.as_bytes().to_vec());
        SessionEntry::new(setup)
    }
}

/// Another engine under test.
struct Engine {
    words: Vec<String>,
    /// How it is told to judge what it gets.
    settings: &'static str,
    validates: bool,
}

fn quickfix() -> Option<Engine> {
    // Debian's package has no dictionaries.
    ready::quickfix().map(|words| Engine { words, settings: "UseDataDictionary=N", validates: false })
}

fn quickfix_j() -> Option<Engine> {
    ready::quickfix_j().map(|words| Engine { words, settings: "UseDataDictionary=Y", validates: true })
}

impl Engine {
    fn start(&self, connection: &'static str, version: Version, name: &'static str, port: u16) -> Peer {
        let more = [self.settings, version.settings].concat();
        let words = [&self.words[..], &[connection.to_string()]].concat();
        let begin = version.begin.as_str();
        let (sender, target) = ("PEER", "FAFNIR");
        let mut peer = Peer::start(&words, &Settings { name, connection, begin, sender, target, port, more: &more });
        peer.expect(&["ready"]);
        peer
    }
}

/// An order there, its report back, a test request; a message the other refuses.
fn trade(ours: &mut Ours, peer: &mut Peer, version: Version, validates: bool) {
    ours.send("D", &version.order("A1"));
    peer.expect(&["app ", "|35=D|", "|11=A1|"]);
    peer.tell(&version.report("E1"));
    ours.expect(&["app ", "|35=8|", "|17=E1|"]);
    peer.tell("send 35=1|112=PING");
    peer.expect(&["< ", "|35=0|", "|112=PING|"]);
    if validates {
        ours.send("D", "11=BAD|");
        let reject = ours.expect(&["app ", "|35=3|", "|372=D|", "|373=1|"]);
        assert!(reject.contains("|58=Required tag missing"), "{reject}");
    }
}

/// Gaps in an open session, seen by either side, and the other side's SequenceReset.
fn lose(ours: &mut Ours, peer: &mut Peer, version: Version, validates: bool) {
    // Numbers of the peer that never come: it is asked, and fills the gap.
    peer.tell("out 50");
    peer.tell(&version.report("E2"));
    peer.expect(&["< ", "|35=2|", "|16=0|"]);
    peer.expect(&["> ", "|35=4|", "|43=Y|", "|123=Y|"]);
    ours.expect(&["app ", "|34=50|", "|17=E2|"]);
    // Numbers of ours that the peer has forgotten: it asks, and gets the order again, marked.
    // Logon, order, heartbeat, perhaps the order it refused, our request: when it has dealt with them.
    peer.tell(if validates { "await 6" } else { "await 5" });
    peer.tell("in 2");
    ours.send("D", &version.order("A2"));
    peer.expect(&["> ", "|35=2|", "|7=2|"]);
    peer.expect(&["app ", "|43=Y|", "|122=", "|11=A1|"]);
    peer.expect(&["app ", "|11=A2|"]);
    peer.tell("send 35=4|36=200");
    peer.expect(&["> ", "|35=4|", "|36=200|"]);
    peer.tell("out 200");
    peer.tell(&version.report("E3"));
    ours.expect(&["app ", "|34=200|", "|17=E3|"]);
}

/// Both sides have sent while the session was closed.
fn come_back(ours: &mut Ours, peer: &mut Peer, again: impl FnOnce(&mut Ours, &mut Peer)) {
    again(ours, peer);
    ours.expect(&["logon"]);
    ours.expect(&["app ", "|43=Y|", "|17=E4|"]);
    peer.expect(&["app ", "|43=Y|", "|11=A3|"]);
    // Nothing is missing any more: the next ones come as they are.
    ours.send("D", &FIX44.order("A4"));
    let order = peer.expect(&["app ", "|11=A4|"]);
    assert!(!order.contains("|43=Y|"), "{order}");
}

/// Each report came once, in order.
fn check_reports(ours: &mut Ours, last: usize) {
    let ids: Vec<String> = ours
        .applications()
        .iter()
        .filter(|message| message.contains("|35=8|"))
        .map(|message| message.split("|17=").nth(1).unwrap().split('|').next().unwrap().to_string())
        .collect();
    assert_eq!(ids, (1..=last).map(|n| format!("E{n}")).collect::<Vec<_>>());
}

fn we_initiate(engine: &Engine, version: Version, name: &'static str) {
    let port = free_port();
    let mut peer = engine.start("acceptor", version, name, port);
    let mut ours = Ours::initiate(version.entry(Role::Initiator), port);
    ours.expect(&["logon"]);
    peer.expect(&["logon"]);
    trade(&mut ours, &mut peer, version, engine.validates);
    lose(&mut ours, &mut peer, version, engine.validates);
    ours.handle.logout(0, "for a while").unwrap();
    ours.expect(&["logout None"]);
    peer.expect(&["< ", "|35=5|", "|58=for a while|"]);
    peer.expect(&["logout"]);
    peer.tell("rest");
    peer.tell(&version.report("E4"));
    ours.send("D", &version.order("A3"));
    come_back(&mut ours, &mut peer, |ours, _| {
        ours.handle.logon(0).unwrap();
    });
    check_reports(&mut ours, 4);
    // From the beginning, as two desks agree by telephone.
    ours.handle.logout(0, "").unwrap();
    ours.expect(&["logout None"]);
    peer.expect(&["logout"]);
    peer.tell("rest");
    peer.tell("out 1");
    peer.tell("in 1");
    ours.handle.reset(0).unwrap();
    ours.handle.logon(0).unwrap();
    peer.expect(&["< ", "|35=A|", "|34=1|"]);
    peer.expect(&["> ", "|35=A|", "|34=1|"]);
    ours.expect(&["logon"]);
    ours.send("D", &version.order("A5"));
    peer.expect(&["app ", "|11=A5|"]);
    peer.tell("logout");
    ours.expect(&["logout None"]);
    peer.expect(&["logout"]);
    ours.close();
}

fn they_initiate(engine: &Engine, version: Version, name: &'static str) {
    let (mut ours, port) = Ours::accept(version.entry(Role::Acceptor));
    let mut peer = engine.start("initiator", version, name, port);
    ours.expect(&["logon"]);
    peer.expect(&["logon"]);
    trade(&mut ours, &mut peer, version, engine.validates);
    lose(&mut ours, &mut peer, version, engine.validates);
    peer.tell("logout");
    ours.expect(&["logout None"]);
    peer.expect(&["< ", "|35=5|"]);
    peer.expect(&["logout"]);
    peer.tell(&version.report("E4"));
    ours.send("D", &version.order("A3"));
    come_back(&mut ours, &mut peer, |_, peer| peer.tell("logon"));
    check_reports(&mut ours, 4);
    // We end it, and it is told why.
    ours.handle.logout(0, "the day is over").unwrap();
    peer.expect(&["< ", "|35=5|", "|58=the day is over|"]);
    peer.expect(&["logout"]);
    ours.expect(&["logout None"]);
    ours.close();
}

#[test]
fn quickfix_accepts() {
    let Some(engine) = quickfix() else { return };
    we_initiate(&engine, FIX42, "cpp-acceptor-42");
    we_initiate(&engine, FIX44, "cpp-acceptor-44");
    we_initiate(&engine, FIX50SP2, "cpp-acceptor-50");
}

#[test]
fn quickfix_initiates() {
    let Some(engine) = quickfix() else { return };
    they_initiate(&engine, FIX42, "cpp-initiator-42");
    they_initiate(&engine, FIX44, "cpp-initiator-44");
    they_initiate(&engine, FIX50SP2, "cpp-initiator-50");
}

#[test]
fn quickfix_j_accepts() {
    let Some(engine) = quickfix_j() else { return };
    we_initiate(&engine, FIX44, "java-acceptor-44");
    we_initiate(&engine, FIX50SP2, "java-acceptor-50");
}

#[test]
fn quickfix_j_initiates() {
    let Some(engine) = quickfix_j() else { return };
    they_initiate(&engine, FIX42, "java-initiator-42");
    they_initiate(&engine, FIX50SP2, "java-initiator-50");
}

/// QuickFIX/J puts the end of a connection in a queue: one dealt with late ends the connection that came after it.
fn until_it_has_dealt_with_the_end() {
    std::thread::sleep(std::time::Duration::from_millis(500));
}

/// One report of the order match: of this order, with this status.
fn expect_report(ours: &mut Ours, id: &str, status: &str) -> String {
    ours.expect(&["app ", "|35=8|", &format!("|11={id}|"), &format!("|39={status}|")])
}

#[test]
fn the_order_match_of_quickfix_j_is_traded_with() {
    let Some(words) = ready::order_match() else { return };
    let port = free_port();
    let (begin, sender, target) = (FIX42.begin.as_str(), "PEER", "FAFNIR");
    let name = "order-match";
    let mut market =
        Peer::start(&words, &Settings { name, connection: "acceptor", begin, sender, target, port, more: "" });
    market.expect(&["type #quit to quit"]);
    let mut ours = Ours::initiate(FIX42.entry(Role::Initiator), port);
    ours.expect(&["logon"]);
    let order = |id: &str, side: u8, quantity: u32, price: &str, more: &str| {
        format!("11={id}|21=1|38={quantity}|40=2|44={price}|54={side}|55=FAF|{more}60=20260102-03:04:05|")
    };
    ours.send("D", &order("B1", 1, 100, "10.5", ""));
    expect_report(&mut ours, "B1", "0");
    ours.send("D", &order("S1", 2, 60, "10.25", ""));
    expect_report(&mut ours, "S1", "0");
    // It tells the side that came last first.
    let filled = expect_report(&mut ours, "S1", "2");
    assert!(filled.contains("|151=0|") && filled.contains("|14=60|"), "{filled}");
    let partly = expect_report(&mut ours, "B1", "1");
    assert!(partly.contains("|151=40|") && partly.contains("|14=60|") && partly.contains("|32=60|"), "{partly}");
    ours.send("F", "11=C1|41=B1|54=1|55=FAF|60=20260102-03:04:06|");
    let cancelled = expect_report(&mut ours, "B1", "4");
    assert!(cancelled.contains("|151=0|"), "{cancelled}");
    ours.send("D", &order("T1", 1, 10, "9", "59=3|"));
    let refused = expect_report(&mut ours, "T1", "8");
    assert!(refused.contains("|58=Unsupported TIF, use Day|"), "{refused}");
    // Orders that were sent before the market opens again are asked for and matched.
    ours.handle.logout(0, "").unwrap();
    ours.expect(&["logout None"]);
    ours.send("D", &order("B2", 1, 5, "11", ""));
    ours.send("D", &order("S2", 2, 5, "11", ""));
    until_it_has_dealt_with_the_end();
    ours.handle.logon(0).unwrap();
    ours.expect(&["logon"]);
    expect_report(&mut ours, "S2", "2");
    expect_report(&mut ours, "B2", "2");
    ours.close();
    // Another process of ours, which has lost its numbers and says so.
    let mut entry = FIX42.entry(Role::Initiator);
    entry.setup.reset_on_logon = true;
    until_it_has_dealt_with_the_end();
    let mut ours = Ours::initiate(entry, port);
    ours.expect(&["admin ", "|35=A|", "|34=1|", "|141=Y|"]);
    ours.expect(&["logon"]);
    ours.send("D", &order("B3", 1, 5, "11", ""));
    expect_report(&mut ours, "B3", "0");
    ours.close();
}
