//! The acceptance application: an acceptor that sends orders, security definitions and emails back as they came.
//!
//! `cargo run --release -p fafnir-driver --example fix_acceptor -- --port 9878` listens until it is ended.
use fafnir_driver::fix::{
    AcceptorSetup, FixAcceptor, FixApplication, FixPort, HostOptions, MessageLogOptions, SessionEntry, Taken,
    built_in_rules,
};
use types::{Fault, Nanos};
use wire::fix::dictionary::{Checks, FixVersion};
use wire::fix::{BeginString, BusinessReason, FieldIndex, Message, Outgoing, Role, SessionSetup};

/// Who is known: TargetCompID, BeginString, the dictionary of its messages.
const PEERS: [(&str, BeginString, FixVersion); 10] = [
    ("TW40", BeginString::Fix40, FixVersion::Fix40),
    ("TW41", BeginString::Fix41, FixVersion::Fix41),
    ("TW42", BeginString::Fix42, FixVersion::Fix42),
    ("TW43", BeginString::Fix43, FixVersion::Fix43),
    ("TW44", BeginString::Fix44, FixVersion::Fix44),
    ("TW", BeginString::Fix44, FixVersion::Fix44),
    ("NO_CHECK_FIELDS_HAVE_VALUES", BeginString::Fix44, FixVersion::Fix44),
    ("TW50", BeginString::Fixt11, FixVersion::Fix50),
    ("TW50SP1", BeginString::Fixt11, FixVersion::Fix50Sp1),
    ("TW50SP2", BeginString::Fixt11, FixVersion::Fix50Sp2),
];

struct Echo {
    index: FieldIndex,
    header: Vec<u8>,
    body: Vec<u8>,
}

/// Header fields that are the session's own.
const OWN: [u32; 14] = [8, 9, 34, 35, 43, 49, 50, 52, 56, 57, 122, 142, 143, 369];

impl FixApplication for Echo {
    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        let begin = port.setup().map_or(BeginString::Fix44, |setup| setup.begin);
        match message.msg_type() {
            b"3" => return Taken::Yes,
            b"D" | b"C" => {}
            b"d" if begin >= BeginString::Fix42 => {}
            _ => return Taken::Refused(BusinessReason::UnsupportedType, 0),
        }
        self.header.clear();
        self.body.clear();
        let dictionary = PEERS[port.session() as usize].2.dictionary();
        let (Ok(()), Some(kind)) = (self.index.read(message.bytes()), dictionary.message(message.msg_type())) else {
            return Taken::Refused(BusinessReason::UnsupportedType, 0);
        };
        let mut spans: Vec<_> = self.index.header().iter().filter(|span| !OWN.contains(&span.tag)).collect();
        spans.sort_by_key(|span| span.tag);
        for span in spans {
            self.header.extend_from_slice(format!("{}=", span.tag).as_bytes());
            self.header.extend_from_slice(span.of(message.bytes()));
            self.header.push(1);
        }
        kind.write_ordered(self.index.body(), message.bytes(), &mut self.body);
        let outgoing = Outgoing { kind: message.msg_type(), header: &self.header, body: &self.body };
        if let Err(code) = port.send(&outgoing) {
            eprintln!("session {}: {}", port.session(), code.name());
        }
        Taken::Yes
    }
    fn on_fault(&mut self, session: Option<u32>, fault: &Fault) {
        eprintln!("session {session:?}: {fault}");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut log) = (9_878u16, None);
    let mut words = std::env::args().skip(1);
    while let (Some(word), value) = (words.next(), words.next()) {
        match (word.as_str(), value) {
            ("--port", Some(value)) => port = value.parse()?,
            ("--log", Some(value)) => log = Some(MessageLogOptions::new(value)),
            _ => return Err("usage: fix_acceptor --port PORT [--log FOLDER]".into()),
        }
    }
    let sessions = PEERS.map(|(target, begin, version)| {
        let mut setup = SessionSetup::full(begin, Role::Acceptor, b"ISLD", target.as_bytes(), Nanos(30_000_000_000));
        setup.reset_on_logon = true;
        if begin == BeginString::Fixt11 {
            setup.default_appl_ver = version.appl_ver_id().map(<[u8]>::to_vec);
        }
        let fields_have_values = target != "NO_CHECK_FIELDS_HAVE_VALUES";
        let rules = built_in_rules(version, Checks { fields_have_values, ..Checks::default() });
        SessionEntry { rules: Some(rules), ..SessionEntry::new(setup) }
    });
    let setup = AcceptorSetup {
        listen: ([127, 0, 0, 1], port).into(),
        tls: None,
        sessions: sessions.into(),
        admission: None,
        options: HostOptions { log, ..HostOptions::default() },
    };
    let echo = Echo { index: FieldIndex::new(), header: Vec::new(), body: Vec::new() };
    let acceptor = FixAcceptor::start(setup, Box::new(echo))?;
    println!("listening on {}", acceptor.address());
    // Its port and sessions end with the process.
    loop {
        std::thread::park();
    }
}
