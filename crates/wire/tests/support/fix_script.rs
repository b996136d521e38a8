//! Scripts of a FIX session: what the peer sends, what comes back, what time does.
//!
//! A script is lines of words:
//! ```text
//! in D 11=1        the peer's message of type D with its next number; 34=, 43=, 52=, 122= and the like may be given;
//!                  52=-121 and 122=+10 are seconds from now
//! out 2 7=1 16=0   what came back next, whole but for 8, 9, 49, 52, 56, 10; its number is our next, or 34= as given
//! noise D 11=1     a message of the peer whose checksum is wrong
//! rej 2 D 5 11 w   a Reject of the peer's message 2 (type D, reason 5, tag 11 or -), as the version has it; w is 58
//! deliver | handled | on | off | restarted | end CODE   what became of the last message, or of time
//! queued D 3       the next message the queue gives back: type and number
//! none             nothing else came back
//! wait 1200        that many milliseconds pass
//! send D 11=1      an application message of ours
//! numbers 5 7      expected of the peer, next of ours
//! connect | drop | logout TEXT | restore 5 7
//! restart [CODE]   a reset of the open session is asked for, or refused
//! room 3           a resend has room for so many messages; `go on` is the rest of it, if it has room again
//! stored 1 2       what the store goes on with
//! ```
#![allow(dead_code)] // Each test file uses its part.
use std::collections::BTreeMap;

use fafnir_wire::fix::{
    BeginString, BusinessReason, Inbox, Message, Out, Outgoing, Role, Session, SessionSetup, Store, Verdict, is_header,
};
use types::time::civil_utc;
use types::{Nanos, UnixNanos};

pub const START: UnixNanos = UnixNanos(1_709_251_199_007_000_000);

/// Keeps application messages, as a file store does.
#[derive(Default)]
pub struct Kept {
    pub messages: BTreeMap<u64, Vec<u8>>,
    pub numbers: (u64, u64),
    pub resets: usize,
}

impl Store for Kept {
    fn next(&mut self, from: u64) -> Option<(u64, &[u8])> {
        self.messages.range(from..).next().map(|(&sequence, bytes)| (sequence, &bytes[..]))
    }
    fn keep(&mut self, sequence: u64, bytes: &[u8], application: bool) {
        assert!(sequence >= self.numbers.1, "number {sequence} is used twice");
        self.numbers.1 = sequence + 1;
        if application {
            self.messages.insert(sequence, bytes.to_vec());
        }
    }
    fn numbers(&mut self, next_in: u64, next_out: u64) {
        self.numbers = (next_in, next_out);
    }
    fn reset(&mut self, _now: UnixNanos) {
        self.messages.clear();
        self.numbers = (1, 1);
        self.resets += 1;
    }
}

/// What was sent, and how many messages a resend has room for.
struct Line {
    bytes: Vec<u8>,
    room: usize,
}

impl Out for Line {
    fn send(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.room = self.room.saturating_sub(1);
    }
    fn has_room(&self) -> bool {
        self.room > 0
    }
}

pub struct Script {
    name: String,
    begin: BeginString,
    pub session: Session,
    pub kept: Kept,
    out: Line,
    now: UnixNanos,
    /// The peer's next number, and ours as the script counts.
    theirs: u64,
    ours: u64,
    last: Verdict,
}

/// A moment as this version writes it.
fn stamp(at: UnixNanos, begin: BeginString) -> String {
    let (year, month, day, hour, minute, second, nanos) = civil_utc(at);
    let text = format!("{year:04}{month:02}{day:02}-{hour:02}:{minute:02}:{second:02}");
    if begin < BeginString::Fix42 { text } else { format!("{text}.{:03}", nanos / 1_000_000) }
}

/// Fields of a message, framing checked by its definition.
fn fields(message: &[u8], begin: BeginString) -> Vec<(u32, String)> {
    let text = String::from_utf8(message.to_vec()).unwrap();
    let all: Vec<(u32, String)> = text
        .strip_suffix('\x01')
        .unwrap()
        .split('\x01')
        .map(|field| field.split_once('=').map(|(tag, value)| (tag.parse().unwrap(), value.to_string())).unwrap())
        .collect();
    assert_eq!((all[0].0, all[0].1.as_str(), all[1].0, all[2].0), (8, begin.as_str(), 9, 35), "{text}");
    let body = text.find("\x0135=").unwrap() + 1;
    let trailer = text.len() - 7;
    assert_eq!(all[1].1, (trailer - body).to_string(), "{text}");
    let sum = message[..trailer].iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    assert_eq!(&text[trailer..], format!("10={sum:03}\x01"), "{text}");
    let header = all[3..].iter().take_while(|field| is_header(field.0)).count();
    let (head, rest) = all[3..all.len() - 1].split_at(header);
    assert!(head.is_sorted_by(|a, b| a.0 < b.0), "header out of order: {text}");
    assert!(!rest.iter().any(|field| is_header(field.0)), "header fields in the body: {text}");
    if !matches!(all[2].1.as_str(), "D" | "8") {
        assert!(rest.is_sorted_by(|a, b| a.0 < b.0), "body out of order: {text}");
    }
    all
}

impl Script {
    pub fn new(name: &str, setup: SessionSetup) -> Script {
        let begin = setup.begin;
        let name = format!("{name}, {} {:?}", begin.as_str(), setup.role);
        Script {
            name,
            begin,
            session: Session::new(setup).unwrap(),
            kept: Kept { numbers: (1, 1), ..Kept::default() },
            out: Line { bytes: Vec::new(), room: usize::MAX },
            now: START,
            theirs: 1,
            ours: 1,
            last: Verdict::Handled,
        }
    }

    /// Both sides are logged on, each with number 1.
    pub fn open(&mut self) {
        let tail = if self.begin == BeginString::Fixt11 { " 1137=9" } else { "" };
        let (asks, answers) = (format!("in A 98=0 108=10{tail}"), format!("out A 98=0 108=10{tail}"));
        let lines = match self.session.setup().role {
            Role::Acceptor => format!("connect\n{asks}\non\n{answers}"),
            Role::Initiator => format!("connect\n{answers}\n{asks}\non"),
        };
        self.run(&lines);
    }

    pub fn run(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            self.step(line);
        }
        let rest = String::from_utf8_lossy(&self.out.bytes).replace('\x01', "|");
        assert!(self.out.bytes.is_empty(), "{}: more than expected: {rest}", self.name);
    }

    fn step(&mut self, line: &str) {
        let here = format!("{}: `{line}`", self.name);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let number = |text: &str| -> u64 { text.parse().unwrap_or_else(|_| panic!("{here}")) };
        match word {
            "connect" => self.session.connected(self.now, &mut self.kept, &mut self.out),
            "drop" => self.session.disconnected(self.now, &mut self.kept),
            "logout" => self.last = self.session.logout(rest, self.now, &mut self.kept, &mut self.out),
            "refuse" => self.last = self.session.refuse_logon(rest, self.now, &mut self.kept, &mut self.out),
            "in" | "in!" => self.hear(rest, word == "in"),
            "noise" => {
                let mut bytes = self.written(rest, false);
                let last = bytes.len() - 2;
                // Another checksum.
                bytes[last] = b'0' + (bytes[last] - b'0' + 1) % 10;
                self.feed(&bytes);
            }
            "out" => self.expect(rest, &here),
            "rej" => self.expect_reject(rest, &here),
            "none" => assert!(self.out.bytes.is_empty(), "{here}: {}", String::from_utf8_lossy(&self.out.bytes)),
            "deliver" => assert_eq!(self.last, Verdict::Deliver, "{here}"),
            "handled" => assert_eq!(self.last, Verdict::Handled, "{here}"),
            "on" => assert_eq!(self.last, Verdict::LoggedOn, "{here}"),
            "off" => assert_eq!(self.last, Verdict::LoggedOut, "{here}"),
            "end" => assert_eq!(format!("{:?}", self.last), format!("Ended({rest})"), "{here}"),
            "restarted" => assert_eq!(self.last, Verdict::Restarted, "{here}"),
            "restart" => {
                let done = self.session.restart(self.now, &mut self.kept, &mut self.out);
                assert_eq!(done.err().map_or(String::new(), |code| format!("{code:?}")), rest, "{here}");
            }
            "room" => self.out.room = number(rest) as usize,
            "go" => self.session.resend_rest(self.now, &mut self.kept, &mut self.out),
            "stored" => {
                let (next_in, next_out) = rest.split_once(' ').unwrap();
                assert_eq!(self.kept.numbers, (number(next_in), number(next_out)), "{here}");
            }
            "numbers" => {
                let (next_in, next_out) = rest.split_once(' ').unwrap();
                let wanted = (number(next_in), number(next_out));
                assert_eq!((self.session.next_in(), self.session.next_out()), wanted, "{here}");
            }
            "restore" => {
                let (next_in, next_out) = rest.split_once(' ').unwrap();
                self.session.restore(number(next_in), number(next_out));
                (self.theirs, self.ours) = (number(next_in), number(next_out));
                self.kept.numbers = (self.theirs, self.ours);
            }
            "theirs" => self.theirs = number(rest),
            "ours" => self.ours = number(rest),
            "wait" => self.wait(number(rest)),
            "queued" => self.queued(rest, &here),
            "send" => {
                let (kind, body) = rest.split_once(' ').unwrap_or((rest, ""));
                let (header, body) = split_header(body);
                let message = Outgoing { kind: kind.as_bytes(), header: &header, body: &body };
                self.session.send(&message, self.now, &mut self.kept, &mut self.out).expect(&here);
            }
            _ => panic!("{here}: no such word"),
        }
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now.plus(Nanos::from_millis(millis));
        while let Some(due) = self.session.deadline().filter(|&due| due <= until) {
            self.now = due.max(self.now);
            self.last = self.session.on_time(self.now, &mut self.kept, &mut self.out);
            assert!(self.session.deadline().is_none_or(|next| next > due), "{}: stays due", self.name);
        }
        self.now = until;
    }

    /// The peer's message.
    fn hear(&mut self, words: &str, counts: bool) {
        let bytes = self.written(words, counts);
        self.feed(&bytes);
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut inbox = Inbox::new();
        let step = inbox.next(bytes).unwrap();
        let Some(message) = step.message else { return };
        let message = Message::parse(message).unwrap();
        self.last = self.session.on_message(&message, self.now, &mut self.kept, &mut self.out);
        self.session.settle(&mut self.kept);
    }

    fn written(&mut self, words: &str, counts: bool) -> Vec<u8> {
        let mut words = words.split_whitespace();
        let kind = words.next().unwrap();
        let mut begin = self.begin.as_str().to_string();
        let (sender, target) = (self.session.target().to_vec(), self.session.sender().to_vec());
        let name = |text: Vec<u8>| String::from_utf8(text).unwrap();
        let mut header = BTreeMap::from([(49, name(sender)), (52, stamp(self.now, self.begin)), (56, name(target))]);
        let (mut numbered, mut body) = (false, String::new());
        for word in words {
            let (tag, value) = word.split_once('=').unwrap();
            // What is no tag stands in the body as it is.
            let tag: u32 = tag.parse().unwrap_or(0);
            let seconds: Option<i64> = value.strip_prefix('+').unwrap_or(value).parse().ok();
            match tag {
                8 => begin = value.to_string(),
                52 | 122 if let Some(seconds) = seconds => {
                    let at = self.now.0 as i64 + seconds * 1_000_000_000;
                    header.insert(tag, stamp(UnixNanos(at as u64), self.begin));
                }
                34 => {
                    numbered = true;
                    header.insert(tag, value.to_string());
                }
                tag if is_header(tag) => {
                    header.insert(tag, value.to_string());
                }
                _ => body += &format!("{word}\x01").replace('_', " "),
            }
        }
        header.retain(|_, value| value != "-");
        if !numbered {
            header.insert(34, self.theirs.to_string());
        }
        if counts && !numbered {
            self.theirs += 1;
        }
        let header: String = header.iter().map(|(tag, value)| format!("{tag}={value}\x01")).collect();
        let content = format!("35={kind}\x01{header}{body}");
        let mut message = format!("8={begin}\x019={}\x01{content}", content.len()).into_bytes();
        let sum = message.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
        message
    }

    /// Type, number and other fields of the next message that was sent.
    fn next_sent(&mut self, here: &str) -> Vec<(u32, String)> {
        let end = self.out.bytes.windows(4).position(|window| window == b"\x0110=");
        let end = end.unwrap_or_else(|| panic!("{here}: nothing was sent")) + 8;
        let message: Vec<u8> = self.out.bytes.drain(..end).collect();
        let mut fields = fields(&message, self.begin);
        let setup = self.session.setup();
        let value = |tag| fields.iter().find(|field| field.0 == tag).map(|field| field.1.as_bytes());
        assert_eq!((value(49), value(56)), (Some(&setup.sender[..]), Some(&setup.target[..])), "{here}");
        assert_eq!(value(52), Some(stamp(self.now, self.begin).as_bytes()), "{here}");
        fields.retain(|field| !matches!(field.0, 8 | 9 | 10 | 49 | 52 | 56));
        fields
    }

    fn expect(&mut self, words: &str, here: &str) {
        let sent = self.next_sent(here);
        let sent_words: Vec<String> = sent.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
        let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
        let mut wanted = vec![format!("35={kind}")];
        if !rest.contains("34=") {
            wanted.push(format!("34={}", self.ours));
            self.ours += 1;
        }
        for word in rest.split_whitespace() {
            let word = word.replace('_', " ");
            // A moment: now, or seconds from now.
            match word.strip_prefix("122=").and_then(|seconds| seconds.parse::<i64>().ok()) {
                Some(seconds) => {
                    let at = UnixNanos((self.now.0 as i64 + seconds * 1_000_000_000) as u64);
                    wanted.push(format!("122={}", stamp(at, self.begin)));
                }
                None => wanted.push(word),
            }
        }
        assert_eq!(sent_words.join("|"), wanted.join("|"), "{here}");
    }

    /// `rej REF TYPE REASON TAG WORDS`, routing fields before it as `128=X`.
    fn expect_reject(&mut self, line: &str, here: &str) {
        let routing: String =
            line.split_whitespace().take_while(|word| word.contains('=')).map(|w| format!("{w} ")).collect();
        let mut words = line.split_whitespace().skip_while(|word| word.contains('='));
        let mut next = || words.next().unwrap().to_string();
        let (refers, kind, reason, tag) = (next(), next(), next(), next());
        let text = words.collect::<Vec<_>>().join("_");
        let old = self.begin < BeginString::Fix42;
        let text = if old && tag != "-" { format!("{text}_({tag})") } else { text };
        let mut wanted = format!("3 {routing}45={refers} 58={text}");
        if !old {
            if tag != "-" {
                wanted += &format!(" 371={tag}");
            }
            wanted += &format!(" 372={kind}");
            if self.begin > BeginString::Fix42 || reason.parse::<u32>().unwrap() <= 11 {
                wanted += &format!(" 373={reason}");
            }
        }
        self.expect(&wanted, here);
    }

    /// The application refuses a message of this content: it does not take its type.
    pub fn refuse_unsupported(&mut self, content: &str) {
        let mut words = content.replace('|', " ");
        words = words.trim_start_matches("35=").to_string();
        let bytes = self.written(&words, false);
        let message = Message::parse(&bytes).unwrap();
        let reason = BusinessReason::UnsupportedType;
        self.session.business_reject(&message, reason, 0, self.now, &mut self.kept, &mut self.out);
    }

    fn queued(&mut self, rest: &str, here: &str) {
        let mut bytes = Vec::new();
        assert!(self.session.take_queued(&mut bytes), "{here}: nothing is queued");
        let message = Message::parse(&bytes).unwrap();
        let told = format!("{} {}", String::from_utf8_lossy(message.msg_type()), message.sequence());
        assert_eq!(told, rest, "{here}");
        self.last = self.session.on_message(&message, self.now, &mut self.kept, &mut self.out);
    }
}

/// Header fields and body fields of words.
fn split_header(words: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut header, mut body) = (Vec::new(), Vec::new());
    for word in words.split_whitespace() {
        let tag: u32 = word.split_once('=').unwrap().0.parse().unwrap();
        let into = if is_header(tag) { &mut header } else { &mut body };
        into.extend_from_slice(word.replace('_', " ").as_bytes());
        into.push(1);
    }
    (header, body)
}

const HEARTBEAT: Nanos = Nanos(10_000_000_000);

pub fn setup(begin: BeginString, role: Role) -> SessionSetup {
    let (sender, target) = if role == Role::Initiator { (b"CLIENT", b"SERVER") } else { (b"SERVER", b"CLIENT") };
    let mut setup = SessionSetup::full(begin, role, sender, target, HEARTBEAT);
    setup.default_appl_ver = (begin == BeginString::Fixt11).then(|| b"9".to_vec());
    setup
}

/// The script after the logons, for every version from `from` and both roles.
pub fn open_from(from: BeginString, name: &str, change: impl Fn(&mut SessionSetup), lines: &str) {
    for begin in BeginString::ALL.into_iter().filter(|&begin| begin >= from) {
        for role in [Role::Initiator, Role::Acceptor] {
            let mut setup = setup(begin, role);
            change(&mut setup);
            let mut script = Script::new(name, setup);
            script.open();
            let all = if begin < BeginString::Fix42 { "999999" } else { "0" };
            script.run(&lines.replace("ALL", all));
        }
    }
}

pub fn open(name: &str, lines: &str) {
    open_from(BeginString::Fix40, name, |_| {}, lines);
}

/// The whole script, logons included, of one role.
pub fn bare(role: Role, name: &str, change: impl Fn(&mut SessionSetup), lines: &str) {
    for begin in BeginString::ALL {
        let mut setup = setup(begin, role);
        change(&mut setup);
        let all = if begin < BeginString::Fix42 { "999999" } else { "0" };
        let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
        let reset = if begin == BeginString::Fix40 { "" } else { "141=Y" };
        Script::new(name, setup).run(&lines.replace("ALL", all).replace("VER", version).replace("RESET", reset));
    }
}
