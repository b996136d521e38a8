//! # Room card: wire/fix/session/restart
//! In:    the wish to begin at 1 again without ending the session.
//! Out:   a test request, then a logon with ResetSeqNumFlag (141=Y), as FIX has it for sessions that never close.
//! Holds: numbers begin anew only when the peer has everything sent before; its own messages keep their old numbers,
//!        and are taken, until it answers; a wish that is cut off is repeated with the next logon.
//! Costs: cold path.
use types::{Code, UnixNanos};

use super::super::index::BeginString;
use super::super::message::Message;
use super::admin::RESET_ID;
use super::{Out, Session, State, Store, To};

/// A reset of the open session on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Restart {
    since: UnixNanos,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Our test request is not answered.
    Testing,
    /// It is: the peer has all that was sent before it.
    Tested,
    /// Our logon is not answered.
    Asked,
}

impl Session {
    /// Both sides of the open session begin at 1: asks the peer whether it has everything, then for the reset
    /// (35=A, 141=Y). `Verdict::Restarted` tells the end of it; a peer that does not answer within
    /// `SessionSetup::logon_wait` ends the session (`FixLogon`). Asked again while one is under way, nothing happens.
    ///
    /// Errors, after which nothing has changed: `FixNotOpen`; `FixUnsupported` in FIX.4.0, which has no such flag.
    pub fn restart(&mut self, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) -> Result<(), Code> {
        if self.state != State::Open {
            return Err(Code::FixNotOpen);
        }
        if self.setup.begin < BeginString::Fix41 {
            return Err(Code::FixUnsupported);
        }
        if self.restart.is_none() {
            self.restart = Some(Restart { since: now, stage: Stage::Testing });
            self.send_test_request(RESET_ID, &mut To { now, store, out });
        }
        Ok(())
    }

    /// A heartbeat of the peer, in order.
    pub(super) fn note_test_answer(&mut self, message: &Message<'_>, now: UnixNanos) {
        if let Some(restart) = &mut self.restart
            && restart.stage == Stage::Testing
            && message.get(112) == Some(RESET_ID)
        {
            *restart = Restart { since: now, stage: Stage::Tested };
        }
    }

    /// After each message while a reset is on its way: asks for it as soon as neither side misses anything.
    #[cold]
    pub(super) fn tend_restart(&mut self, to: &mut To<'_>) {
        let ready = self.restart.is_some_and(|restart| restart.stage == Stage::Tested);
        if !ready || self.state != State::Open || self.gap.is_some() || self.rest.is_some() {
            return;
        }
        to.store.reset(to.now);
        self.next_out = 1;
        // What the peer sends until it has this has its old numbers.
        let next_in = core::mem::replace(&mut self.next_in, 1);
        self.send_logon(true, false, to);
        self.next_in = next_in;
        self.restart = Some(Restart { since: to.now, stage: Stage::Asked });
        self.restart_owed = true;
    }

    /// The peer's logon with ResetSeqNumFlag came. Was it the answer to ours?
    pub(super) fn take_restart(&mut self) -> bool {
        let is_answer = self.restart.take().is_some_and(|restart| restart.stage == Stage::Asked);
        if is_answer {
            self.restart_owed = false;
        }
        is_answer
    }

    /// When a peer that has not answered is given up. While something is missing its answer may wait for that.
    pub(super) fn restart_ends(&self) -> Option<UnixNanos> {
        let restart = self.restart.filter(|restart| restart.stage == Stage::Asked || self.gap.is_none())?;
        Some(restart.since.plus(self.setup.logon_wait))
    }
}
