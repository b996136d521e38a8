//! # Room card: driver/fix/logons
//! In:    Logons that come or are to be sent; what the application says of them, at once or later.
//! Out:   sessions that log on, with the fields asked for; refusals, with a word or without.
//! Holds: a question has one answer, and one that comes when its connection is gone does nothing; a Logon leaves with
//!        the number and the time it was signed with.
//! Costs: once a connection.
use std::net::SocketAddr;

use types::{Code, Fault, UnixNanos};
use wire::fix::Message;

use super::application::{Drafted, LogonAnswer, LogonDraft, LogonQuestion};
use super::commands::Reply;
use super::desk::Desk;
use super::seat::Asked;

impl Desk {
    fn next_ask(&mut self) -> u64 {
        self.asks += 1;
        self.asks
    }

    /// Asks whether a peer may log on. False when the answer comes later.
    pub(super) fn ask(&mut self, id: u32, peer: SocketAddr, logon: &Message<'_>, now: UnixNanos) -> bool {
        let ask = self.next_ask();
        self.told = true;
        let answer = self.app.on_logon_asked(&LogonQuestion { session: id, ask, now, peer }, logon);
        match &answer {
            None => self.seats[id as usize].asked = Some(Asked { ask, draft: None }),
            Some(LogonAnswer::Accept(fields)) => self.add_to_logon(id, fields),
            Some(LogonAnswer::Refuse(text)) => self.refuse(id, text, now),
            Some(LogonAnswer::Close) => self.seats[id as usize].end(None),
        }
        answer.is_some()
    }

    /// Lets the application add to an initiator's Logon, and sends it unless that comes later.
    pub(super) fn draft(&mut self, id: u32, now: UnixNanos) {
        let ask = self.next_ask();
        self.told = true;
        let seat = &mut self.seats[id as usize];
        let mut fields = seat.entry.setup.logon_extra.clone();
        let signing_text = &seat.session.logon_signing_text(now);
        match self.app.to_logon(&LogonDraft { session: id, ask, signing_text }, &mut fields) {
            Drafted::Now => self.log_on(id, &fields, now, now),
            Drafted::Later => seat.asked = Some(Asked { ask, draft: Some((now, seat.session.logon_sequence())) }),
        }
    }

    fn log_on(&mut self, id: u32, fields: &[u8], drafted: UnixNanos, now: UnixNanos) {
        self.add_to_logon(id, fields);
        let seat = &mut self.seats[id as usize];
        if !seat.closing {
            seat.step(&mut self.log, now, |session, store, out| session.connected(drafted, store, out));
        }
    }

    /// The session ends when these are no fields.
    fn add_to_logon(&mut self, id: u32, fields: &[u8]) {
        let seat = &mut self.seats[id as usize];
        if fields.is_empty() {
            return;
        }
        if let Err(code) = seat.session.set_logon_extra(fields) {
            seat.end(Some(code));
            let fault = Fault::new(code, "what the application adds to a Logon is no field", vec![]);
            self.fault(Some(id), &fault);
        }
    }

    fn refuse(&mut self, id: u32, text: &str, now: UnixNanos) {
        let seat = &mut self.seats[id as usize];
        seat.step(&mut self.log, now, |session, store, out| session.refuse_logon(text, now, store, out));
        seat.end(None);
    }

    /// The application's answer to a question it had put off.
    pub(super) fn answer(&mut self, id: u32, ask: u64, reply: Reply<'_>, now: UnixNanos) {
        let Some(seat) = self.seats.get_mut(id as usize) else { return };
        let Some(asked) = seat.asked.take_if(|asked| asked.ask == ask && !seat.closing) else { return };
        match (asked.draft, reply) {
            (None, Reply::Accept(fields)) => {
                self.add_to_logon(id, fields);
                self.resume(id);
            }
            (None, Reply::Refuse(text)) => self.refuse(id, text, now),
            (None, Reply::Close) => seat.end(None),
            // A message has taken the number: signed anew.
            (Some((_, sequence)), Reply::Accept(_)) if sequence != seat.session.logon_sequence() => self.draft(id, now),
            (Some((drafted, _)), Reply::Accept(fields)) => self.log_on(id, fields, drafted, now),
            (Some(_), Reply::Refuse(_) | Reply::Close) => seat.end(Some(Code::FixLogon)),
        }
        self.touch(id);
    }

    /// Reads on where a connection waited for the answer.
    fn resume(&mut self, id: u32) {
        let Some(token) = self.seats[id as usize].token else { return };
        let Some(mut conn) = self.conns.remove(&token) else { return };
        let bytes = core::mem::take(&mut conn.held);
        self.read(token, &mut conn, &bytes);
        self.conns.insert(token, conn);
    }
}
