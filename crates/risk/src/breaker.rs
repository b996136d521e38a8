//! # Room card: risk/breaker
//! In:    failures of a venue's connection, sends and answers, each with its time and request id.
//! Out:   whether new orders and replaces may go to that venue.
//! Holds: Closed, Open, HalfOpen; in HalfOpen exactly one order is on trial; business rejects are answers, not
//!        failures.
//! Costs: a comparison where closed; memory for `failures` moments, taken at construction.
//!
//! - **Closed**: everything passes. `failures` of them within (now - window, now] open it.
//! - **Open**: nothing passes until `recovery` has gone by since it opened. Failures of that time belong to the outage:
//!   they are counted for the report and change nothing.
//! - **HalfOpen**: from then on one order may pass, the canary: the first that is *sent*. Being allowed is no claim, so
//!   that an order which passes and then is not sent (another check refuses it, its encoding fails) leaves the place
//!   free. Until the canary is answered nothing else passes. Its answer closes the breaker and clears the window. A
//!   failure opens it again and recovery starts anew: a failure of the canary, one that names no request (whose it is
//!   cannot be told), or any disconnect. A failure that names another request is late news of the outage: counted, no
//!   more.
//!
//! A canary that is never answered ends by its acknowledgement time-out, which is a failure call of whoever keeps the
//! timers. Cancels are neither asked about nor reported as sent; their time-outs are failures like any other.
use types::config::BreakerLimits;
use types::{Code, Nanos, OrderId, Reject, UnixNanos};

use crate::window::StampWindow;

/// What counts against a venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A request was not acknowledged in time.
    AckTimeout,
    /// The session layer refused a message (FIX Reject, 35=3): not a business reject.
    SessionReject,
    /// The order connection went down.
    Disconnect,
}

/// The breaker's state at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    /// Orders pass.
    Closed,
    /// No order passes.
    Open,
    /// One order passes, or has passed and is not answered yet.
    HalfOpen,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Closed,
    /// Open from this moment; half-open once recovery has gone by.
    Open(UnixNanos),
    /// Half-open with this request on trial.
    Trial(OrderId),
}

/// Circuit breaker of one venue.
#[derive(Clone, Debug)]
pub struct Breaker {
    limits: BreakerLimits,
    failed: StampWindow,
    phase: Phase,
    /// Failures that opened it and all since; 0 while closed.
    counted: i64,
}

impl Breaker {
    /// A closed breaker. A limit of zero failures counts as one.
    pub fn new(limits: &BreakerLimits) -> Breaker {
        let failed = StampWindow::new(limits.failures.max(1) as usize);
        Breaker { limits: *limits, failed, phase: Phase::Closed, counted: 0 }
    }

    /// The state at `now`.
    pub fn state(&self, now: UnixNanos) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open(_) if !self.has_recovered(now) => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// May a new order or replace be sent now? Claims nothing. `BreakerOpen`: limit = failures that open it, used =
    /// failures that opened it and all since, asked = 1.
    #[inline]
    pub fn check(&self, now: UnixNanos) -> Result<(), Reject> {
        if self.phase == Phase::Closed || self.has_recovered(now) {
            return Ok(());
        }
        let limit = self.failed.capacity() as i64;
        Err(Reject { code: Code::BreakerOpen, limit, used: self.counted, asked: 1 })
    }

    /// A new order or replace was sent under this request id (the ClOrdID of this very request, not of the order it
    /// changes). The first after recovery is the canary.
    #[inline]
    pub fn on_sent(&mut self, request: OrderId, now: UnixNanos) {
        if self.has_recovered(now) {
            self.phase = Phase::Trial(request);
        }
    }

    /// The venue answered a request: acknowledgement, fill or business reject alike. The canary's answer closes the
    /// breaker.
    #[inline]
    pub fn on_ack(&mut self, request: OrderId) {
        if self.phase == Phase::Trial(request) {
            (self.phase, self.counted) = (Phase::Closed, 0);
            self.failed.clear();
        }
    }

    /// Something failed. `request` is the id of the request it concerns, `None` where it names none.
    pub fn on_failure(&mut self, failure: Failure, request: Option<OrderId>, now: UnixNanos) {
        if self.phase == Phase::Closed {
            self.failed.push(now);
            if self.failed.is_full_within(now, self.limits.window) {
                (self.phase, self.counted) = (Phase::Open(now), self.failed.capacity() as i64);
            }
            return;
        }
        self.counted = self.counted.saturating_add(1);
        let reopens = match (self.phase, request) {
            (Phase::Open(_), _) if !self.has_recovered(now) => false,
            (_, None) => true,
            (_, Some(_)) if failure == Failure::Disconnect => true,
            (phase, Some(request)) => phase == Phase::Trial(request),
        };
        if reopens {
            self.phase = Phase::Open(now);
        }
    }

    /// Open, recovery over, no canary yet.
    #[inline]
    fn has_recovered(&self, now: UnixNanos) -> bool {
        matches!(self.phase, Phase::Open(since) if now.since(since) >= self.limits.recovery.max(Nanos(0)))
    }
}
