//! # Room card: bindings/node/fix_events
//! In:    what happens in FIX sessions, on their thread; the reader's word that it has read.
//! Out:   records in an orders ring: header of twelve words, spans of the fields, bytes of the message.
//! Holds: records keep their order; what does not fit waits, up to `WAITING_BYTES_MAX`; a message beyond it is refused
//!        (BusinessMessageReject 380=4) and counted. The sessions never wait for the reader.
//! Costs: an index and one copy a message; a lock nobody else holds but for a moment.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use driver::fix::{Drafted, FixApplication, FixPort, LogonAnswer, LogonDraft, LogonQuestion, Taken};
use ring::{OrdersWriter, Region};
use types::{Code, Fault, UnixNanos};
use wire::fix::{BusinessReason, FieldIndex, Message, SessionSetup};

use crate::errors::argument;
use crate::fix::FixOptions;
use crate::port::locked;

/// Bytes of records that wait for room in the ring, at most.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Of them, bytes kept free of messages, for logons, logouts and faults.
const RESERVED_BYTES: usize = 8 << 20;
/// Words of a record before its spans.
const WORDS: usize = 12;
/// The least largest record: a message of 64 KiB with as many fields as an index holds.
const RECORD_BYTES_LEAST: usize = 128 << 10;

/// Types of records. `packages/fafnir/src/fix/records.ts` has them too.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Kind {
    Session = 16,
    Logon,
    Logout,
    Message,
    Admin,
    Result,
    Fault,
    Restart,
    /// Questions, which do not stand in the ring.
    LogonAsked,
    LogonDraft,
}

/// What a record says beside its spans and bytes.
#[derive(Default)]
struct Facts {
    session: u32,
    /// Of a message: 1 PossDup, 2 PossResend. Of what failed: the number of its code.
    word: u32,
    time: u64,
    /// MsgSeqNum, or what a command got.
    number: u64,
    /// Of a result: the command's.
    ticket: u64,
}

struct Ring {
    writer: OrdersWriter,
    /// Records that wait, from `from` on.
    waiting: Vec<u8>,
    from: usize,
    record: Vec<u8>,
    refused: u64,
    lost: u64,
}

/// The ring between the sessions' thread and the reader's.
pub(crate) struct FixOutlet {
    ring: Mutex<Ring>,
    waits: AtomicBool,
    bell: Box<dyn Fn() + Send + Sync>,
}

impl FixOutlet {
    /// Errors: ARGUMENT_INVALID when the memory is no ring's, or too small.
    pub(crate) fn new(region: Region, bell: Box<dyn Fn() + Send + Sync>) -> Result<FixOutlet, Fault> {
        let writer = OrdersWriter::create(region).map_err(|error| argument(format!("no ring: {error:?}")))?;
        if writer.record_bytes_max() < RECORD_BYTES_LEAST {
            return Err(argument("the ring of FIX events has at least 1048576 bytes"));
        }
        let (waiting, record) = (Vec::new(), Vec::with_capacity(RECORD_BYTES_LEAST));
        let ring = Ring { writer, waiting, from: 0, record, refused: 0, lost: 0 };
        Ok(FixOutlet { ring: Mutex::new(ring), waits: AtomicBool::new(false), bell })
    }

    /// Writes a record or lets it wait; false when there is no room even to wait.
    fn put(&self, kind: Kind, facts: &Facts, index: Option<&FieldIndex>, bytes: &[u8]) -> bool {
        let ring = &mut *locked(&self.ring);
        ring.record.clear();
        write(&mut ring.record, kind, facts, index, bytes);
        let kept = ring.put_made(matches!(kind, Kind::Message));
        self.waits.store(ring.waits(), Ordering::Release);
        kept
    }

    /// Shows what was written, and rings for a reader that sleeps.
    fn publish(&self) {
        let ring = &mut *locked(&self.ring);
        ring.flush();
        ring.writer.publish();
        self.waits.store(ring.waits(), Ordering::Release);
        if ring.writer.should_ring() {
            (self.bell)();
        }
    }

    /// The reader has read; true when something still waits.
    pub(crate) fn drained(&self) -> bool {
        if !self.waits.load(Ordering::Acquire) {
            return false;
        }
        let ring = &mut *locked(&self.ring);
        ring.flush();
        ring.writer.publish();
        self.waits.store(ring.waits(), Ordering::Release);
        ring.waits()
    }

    pub(crate) fn stats(&self) -> String {
        let ring = locked(&self.ring);
        let waiting = ring.waiting.len() - ring.from;
        serde_json::json!({ "waitingBytes": waiting, "refused": ring.refused, "lost": ring.lost }).to_string()
    }
}

/// Writes a record behind what `record` holds.
fn write(record: &mut Vec<u8>, kind: Kind, facts: &Facts, index: Option<&FieldIndex>, bytes: &[u8]) {
    let spans = index.map_or(&[][..], FieldIndex::spans);
    let length = WORDS * 4 + spans.len() * 12 + bytes.len();
    let mut word = |value: u32| record.extend_from_slice(&value.to_le_bytes());
    word(length as u32);
    word(kind as u32);
    word(facts.session);
    word(facts.word);
    for wide in [facts.time, facts.number] {
        word(wide as u32);
        word((wide >> 32) as u32);
    }
    if matches!(kind, Kind::Result) {
        word(facts.ticket as u32);
        word((facts.ticket >> 32) as u32);
    } else {
        word(spans.len() as u32);
        word(bytes.len() as u32);
    }
    word(index.map_or(0, |index| index.header_len() as u32));
    word(index.map_or(0, |index| index.trailer_start() as u32));
    for span in spans {
        word(span.tag);
        word(span.start);
        word(span.end);
    }
    record.extend_from_slice(bytes);
}

impl Ring {
    fn waits(&self) -> bool {
        self.from < self.waiting.len()
    }

    fn put_made(&mut self, is_message: bool) -> bool {
        self.flush();
        if !self.waits() && self.writer.try_stage(&self.record).is_ok_and(|written| written) {
            return true;
        }
        let bound = WAITING_BYTES_MAX - if is_message { RESERVED_BYTES } else { 0 };
        let padded = self.record.len().next_multiple_of(8);
        if self.waiting.len() - self.from + padded > bound || self.record.len() > self.writer.record_bytes_max() {
            let count = if is_message { &mut self.refused } else { &mut self.lost };
            *count += 1;
            return false;
        }
        if self.from > self.waiting.len() / 2 {
            self.waiting.drain(..self.from);
            self.from = 0;
        }
        self.waiting.extend_from_slice(&self.record);
        let whole = self.waiting.len().next_multiple_of(8);
        self.waiting.resize(whole, 0);
        true
    }

    /// Writes what waits, as far as there is room.
    fn flush(&mut self) {
        while let Some(four) = self.waiting.get(self.from..).and_then(<[u8]>::first_chunk::<4>) {
            let length = u32::from_le_bytes(*four) as usize;
            let Some(record) = self.waiting.get(self.from..self.from + length) else { break };
            if !self.writer.try_stage(record).is_ok_and(|written| written) {
                return;
            }
            self.from += length.next_multiple_of(8);
        }
        self.waiting.clear();
        self.from = 0;
    }
}

fn facts_of(session: u32, message: &Message<'_>, now: UnixNanos) -> Facts {
    let word = u32::from(message.poss_dup()) | u32::from(message.poss_resend()) << 1;
    Facts { session, word, time: now.0, number: message.sequence(), ticket: 0 }
}

/// The application of sessions whose real one is in TypeScript.
pub(crate) struct FixEvents {
    outlet: std::sync::Arc<FixOutlet>,
    options: FixOptions,
    index: FieldIndex,
    now: UnixNanos,
    /// Hands a question over; false when there is no room.
    ask: Box<dyn Fn(Vec<u8>) -> bool + Send>,
    /// Names of the sessions, as JSON.
    names: Vec<String>,
}

impl FixEvents {
    pub(crate) fn new(
        outlet: std::sync::Arc<FixOutlet>,
        options: FixOptions,
        ask: Box<dyn Fn(Vec<u8>) -> bool + Send>,
    ) -> FixEvents {
        FixEvents { outlet, options, index: FieldIndex::new(), now: UnixNanos(0), ask, names: Vec::new() }
    }

    /// Asks about a Logon: number of the question, length of what follows, names of the session and of the caller as
    /// JSON, a record; each part begins at a multiple of eight bytes.
    fn put_question(&self, ask: u64, peer: &str, kind: Kind, facts: &Facts, bytes: &[u8]) -> bool {
        let names = self.names.get(facts.session as usize).map_or("null", String::as_str);
        let told = format!(r#"{{"name":{names},"peer":"{peer}"}}"#);
        let mut question = Vec::with_capacity(told.len() + bytes.len() + 1_024);
        question.extend_from_slice(&ask.to_le_bytes());
        question.extend_from_slice(&(told.len() as u64).to_le_bytes());
        question.extend_from_slice(told.as_bytes());
        question.resize(question.len().next_multiple_of(8), 0);
        let index = matches!(kind, Kind::LogonAsked).then_some(&self.index);
        write(&mut question, kind, facts, index, bytes);
        (self.ask)(question)
    }

    fn show(&mut self, kind: Kind, session: u32, message: &Message<'_>) -> bool {
        if self.index.read(message.bytes()).is_err() {
            return false;
        }
        let facts = facts_of(session, message, self.now);
        self.outlet.put(kind, &facts, Some(&self.index), message.bytes())
    }

    fn is_accepted(&self, kind: &[u8]) -> bool {
        let Some(accepts) = &self.options.accepts else { return true };
        // Refusals always: two sides that refused each other's would go on for ever.
        matches!(kind, b"3" | b"j") || accepts.iter().any(|own| own.as_bytes() == kind)
    }
}

impl FixApplication for FixEvents {
    fn on_session(&mut self, session: u32, setup: &SessionSetup) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let or_none = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(text);
        let told = serde_json::json!({
            "beginString": setup.begin.as_str(),
            "senderCompId": text(&setup.sender), "targetCompId": text(&setup.target),
            "senderSubId": or_none(&setup.sender_sub), "targetSubId": or_none(&setup.target_sub),
            "senderLocationId": or_none(&setup.sender_location), "targetLocationId": or_none(&setup.target_location),
            "defaultApplVerId": or_none(&setup.default_appl_ver),
        });
        let (facts, told) = (Facts { session, ..Facts::default() }, told.to_string());
        self.outlet.put(Kind::Session, &facts, None, told.as_bytes());
        // Sessions are introduced in the order of their numbers.
        self.names.push(told);
    }

    fn on_logon_asked(&mut self, question: &LogonQuestion, logon: &Message<'_>) -> Option<LogonAnswer> {
        if !self.options.decides {
            return Some(LogonAnswer::Accept(Vec::new()));
        }
        let facts = facts_of(question.session, logon, question.now);
        let peer = question.peer.to_string();
        let shown = self.index.read(logon.bytes()).is_ok()
            && self.put_question(question.ask, &peer, Kind::LogonAsked, &facts, logon.bytes());
        if shown { None } else { Some(LogonAnswer::Close) }
    }

    fn to_logon(&mut self, draft: &LogonDraft<'_>, _fields: &mut Vec<u8>) -> Drafted {
        if !self.options.signs {
            return Drafted::Now;
        }
        // Where there is no room the Logon is given up when its time is over.
        let facts = Facts { session: draft.session, ..Facts::default() };
        self.put_question(draft.ask, "", Kind::LogonDraft, &facts, draft.signing_text);
        Drafted::Later
    }

    fn on_restart(&mut self, session: u32) {
        let facts = Facts { session, ..Facts::default() };
        self.outlet.put(Kind::Restart, &facts, None, b"");
    }

    fn on_logon(&mut self, port: &mut FixPort<'_>) {
        self.now = port.now();
        let facts = Facts { session: port.session(), time: self.now.0, ..Facts::default() };
        self.outlet.put(Kind::Logon, &facts, None, b"");
    }

    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        self.now = port.now();
        if !self.is_accepted(message.msg_type()) {
            return Taken::Refused(BusinessReason::UnsupportedType, 0);
        }
        // The reader is too far behind, or the message has more fields than can be shown.
        if !self.show(Kind::Message, port.session(), message) {
            return Taken::Refused(BusinessReason::NotAvailable, 0);
        }
        Taken::Yes
    }

    fn on_admin(&mut self, session: u32, message: &Message<'_>) {
        if self.options.admin {
            self.show(Kind::Admin, session, message);
        }
    }

    fn on_logout(&mut self, session: u32, why: Option<Code>, text: &str) {
        let facts = Facts { session, word: why.map_or(0, |code| code as u32), ..Facts::default() };
        self.outlet.put(Kind::Logout, &facts, None, text.as_bytes());
    }

    fn on_command(&mut self, ticket: u64, session: u32, result: Result<u64, Code>) {
        let (word, number) = match result {
            Ok(_) if !self.options.results => return,
            Ok(number) => (0, number),
            Err(code) => (code as u32, 0),
        };
        let facts = Facts { session, word, number, ticket, ..Facts::default() };
        self.outlet.put(Kind::Result, &facts, None, b"");
    }

    fn on_fault(&mut self, session: Option<u32>, fault: &Fault) {
        let fields: serde_json::Map<String, serde_json::Value> =
            fault.fields.iter().map(|(key, value)| ((*key).to_string(), value.clone().into())).collect();
        let told = serde_json::json!({ "message": fault.message, "fields": fields }).to_string();
        let facts = Facts { session: session.unwrap_or(u32::MAX), word: fault.code as u32, ..Facts::default() };
        self.outlet.put(Kind::Fault, &facts, None, told.as_bytes());
    }

    fn on_turn_end(&mut self) {
        self.outlet.publish();
    }
}
