//! # Room card: wire/fix/session/timers
//! In:    the time.
//! Out:   heartbeats, test requests, the end of a silent session; when to look again.
//! Holds: the peer is silent after 1.2 heartbeat intervals; then it has as long again to answer a test request.
//! Costs: a few comparisons; call it at `deadline`.
use types::{Code, Nanos, UnixNanos};

use super::admin::TEST_ID;
use super::{Out, Session, State, Store, To, Verdict};

impl Session {
    /// What is due by now.
    pub fn on_time(&mut self, now: UnixNanos, store: &mut dyn Store, out: &mut dyn Out) -> Verdict {
        let to = &mut To { now, store, out };
        match self.state {
            State::Down | State::Ended => return Verdict::Handled,
            State::LoggingOn if now >= self.since.plus(self.setup.logon_wait) => return self.end(Code::FixLogon),
            State::LoggingOut if now >= self.since.plus(self.setup.logout_wait) => {
                let code = self.ending.take().unwrap_or(Code::FixSilent);
                return self.end(code);
            }
            State::LoggingOn | State::LoggingOut => return Verdict::Handled,
            State::Open => {}
        }
        if self.restart_ends().is_some_and(|ends| now >= ends) {
            return self.end(Code::FixLogon);
        }
        if self.heartbeat.0 == 0 {
            return Verdict::Handled;
        }
        if now >= self.silence_ends() {
            if self.testing {
                return self.end(Code::FixSilent);
            }
            self.testing = true;
            // The answer is waited for from now on.
            self.last_in = now;
            self.send_test_request(TEST_ID, to);
        }
        // While a test request is out, its answer is waited for, and nothing else said (as QuickFIX).
        if !self.testing && now >= self.last_out.plus(self.heartbeat) {
            self.send_heartbeat(None, to);
        }
        Verdict::Handled
    }

    /// When `on_time` has something to do, if nothing else happens before.
    pub fn deadline(&self) -> Option<UnixNanos> {
        match self.state {
            State::Down | State::Ended => None,
            State::LoggingOn => Some(self.since.plus(self.setup.logon_wait)),
            State::LoggingOut => Some(self.since.plus(self.setup.logout_wait)),
            State::Open => {
                let beats = (self.heartbeat.0 > 0).then(|| self.silence_ends());
                let own = beats.filter(|_| !self.testing).map(|_| self.last_out.plus(self.heartbeat));
                [beats, own, self.restart_ends()].into_iter().flatten().min()
            }
        }
    }

    fn silence_ends(&self) -> UnixNanos {
        self.last_in.plus(Nanos(self.heartbeat.0.saturating_add(self.heartbeat.0 / 5)))
    }
}
