//! The breaker: its story step by step, and random events against a naive model.
use fafnir_risk::{Breaker, BreakerState, Failure};
use types::config::BreakerLimits;
use types::rng::SplitMix64;
use types::{Code, Nanos, OrderId, Reject, UnixNanos};

const LIMITS: BreakerLimits = BreakerLimits { failures: 3, window: Nanos(100), recovery: Nanos(50) };

fn at(nanos: u64) -> UnixNanos {
    UnixNanos(1_000 + nanos)
}

fn open(used: i64) -> Result<(), Reject> {
    Err(Reject { code: Code::BreakerOpen, limit: 3, used, asked: 1 })
}

/// Opened at 20 by three time-outs.
fn opened() -> Breaker {
    let mut breaker = Breaker::new(&LIMITS);
    for nanos in [0, 10, 20] {
        assert_eq!(breaker.check(at(nanos)), Ok(()));
        breaker.on_failure(Failure::AckTimeout, Some(OrderId(nanos)), at(nanos));
    }
    breaker
}

#[test]
fn opens_on_failures_within_the_window_only() {
    assert_eq!(opened().check(at(20)), open(3));
    let mut slow = Breaker::new(&LIMITS);
    for nanos in [0, 50, 100, 150, 200] {
        slow.on_failure(Failure::SessionReject, None, at(nanos));
        assert_eq!(slow.state(at(nanos)), BreakerState::Closed, "two in any 100 ns");
    }
    slow.on_failure(Failure::Disconnect, None, at(249));
    assert_eq!(slow.state(at(249)), BreakerState::Open, "150, 200, 249");
}

#[test]
fn a_canary_closes_it() {
    let mut breaker = opened();
    assert_eq!(breaker.check(at(69)), open(3));
    assert_eq!((breaker.check(at(70)), breaker.state(at(70))), (Ok(()), BreakerState::HalfOpen));
    // Allowed and not sent: the place is still free, as often as it takes.
    assert_eq!(breaker.check(at(71)), Ok(()));
    breaker.on_sent(OrderId(7), at(71));
    assert_eq!((breaker.check(at(72)), breaker.state(at(72))), (open(3), BreakerState::HalfOpen));
    breaker.on_sent(OrderId(8), at(72));
    breaker.on_ack(OrderId(8));
    assert_eq!(breaker.check(at(73)), open(3), "another order's answer proves nothing");
    breaker.on_ack(OrderId(7));
    assert_eq!((breaker.check(at(73)), breaker.state(at(73))), (Ok(()), BreakerState::Closed));
    // The window was cleared: two more failures do not open it.
    breaker.on_failure(Failure::AckTimeout, None, at(74));
    breaker.on_failure(Failure::AckTimeout, None, at(75));
    assert_eq!(breaker.state(at(75)), BreakerState::Closed);
    breaker.on_failure(Failure::AckTimeout, None, at(76));
    assert_eq!(breaker.check(at(76)), open(3));
}

#[test]
fn a_failed_canary_reopens_it() {
    for (failure, request) in [
        (Failure::AckTimeout, Some(OrderId(7))),
        (Failure::SessionReject, Some(OrderId(7))),
        (Failure::SessionReject, None),
        (Failure::Disconnect, None),
        (Failure::Disconnect, Some(OrderId(1))),
    ] {
        let mut breaker = opened();
        breaker.on_sent(OrderId(7), at(70));
        breaker.on_failure(failure, request, at(100));
        assert_eq!(breaker.check(at(149)), open(4), "{failure:?} {request:?}: recovery starts anew");
        breaker.on_ack(OrderId(7));
        assert_eq!(breaker.check(at(149)), open(4), "an answer that comes too late");
        assert_eq!(breaker.check(at(150)), Ok(()));
        breaker.on_sent(OrderId(9), at(150));
        breaker.on_ack(OrderId(9));
        assert_eq!(breaker.state(at(150)), BreakerState::Closed);
    }
}

#[test]
fn late_news_of_the_outage_changes_nothing() {
    let mut breaker = opened();
    breaker.on_failure(Failure::Disconnect, None, at(60));
    assert_eq!(breaker.check(at(69)), open(4));
    assert_eq!(breaker.check(at(70)), Ok(()), "recovery is not pushed back while open");
    breaker.on_failure(Failure::AckTimeout, Some(OrderId(3)), at(70));
    assert_eq!(breaker.check(at(71)), Ok(()), "an older request's time-out");
    breaker.on_sent(OrderId(7), at(71));
    breaker.on_failure(Failure::AckTimeout, Some(OrderId(3)), at(72));
    breaker.on_ack(OrderId(7));
    assert_eq!(breaker.state(at(72)), BreakerState::Closed);
    // Half-open, nothing sent yet, and the connection breaks.
    let mut broken = opened();
    broken.on_failure(Failure::Disconnect, None, at(70));
    assert_eq!(broken.check(at(119)), open(4));
    assert_eq!(broken.check(at(120)), Ok(()));
}

#[test]
fn sends_before_recovery_are_no_canary() {
    let mut breaker = opened();
    breaker.on_sent(OrderId(7), at(69));
    breaker.on_ack(OrderId(7));
    assert_eq!((breaker.state(at(69)), breaker.check(at(70))), (BreakerState::Open, Ok(())));
    let mut closed = Breaker::new(&LIMITS);
    closed.on_sent(OrderId(7), at(0));
    assert_eq!(closed.state(at(0)), BreakerState::Closed);
}

#[test]
fn a_limit_of_zero_is_one() {
    let mut breaker = Breaker::new(&BreakerLimits { failures: 0, ..LIMITS });
    assert_eq!(breaker.check(at(0)), Ok(()));
    breaker.on_failure(Failure::AckTimeout, None, at(0));
    assert_eq!(breaker.state(at(0)), BreakerState::Open);
}

/// The same rules, written as a log of everything that happened.
#[derive(Default)]
struct Model {
    failures: Vec<u64>,
    opened_at: Option<u64>,
    canary: Option<u64>,
    counted: i64,
}

impl Model {
    fn state(&self, limits: &BreakerLimits, now: u64) -> BreakerState {
        match (self.opened_at, self.canary) {
            (None, _) => BreakerState::Closed,
            (_, Some(_)) => BreakerState::HalfOpen,
            (Some(since), None) if since + limits.recovery.0 as u64 > now => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }
    fn passes(&self, limits: &BreakerLimits, now: u64) -> bool {
        match self.state(limits, now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.canary.is_none(),
        }
    }
    fn fail(&mut self, limits: &BreakerLimits, failure: Failure, request: Option<u64>, now: u64) {
        match self.state(limits, now) {
            BreakerState::Closed => {
                self.failures.push(now);
                let recent = self.failures.iter().filter(|&&at| at + limits.window.0 as u64 > now).count();
                if recent >= limits.failures as usize {
                    (self.opened_at, self.counted) = (Some(now), limits.failures as i64);
                }
            }
            BreakerState::Open => self.counted += 1,
            BreakerState::HalfOpen => {
                self.counted += 1;
                let canary_failed = self.canary.is_some() && request == self.canary;
                if failure == Failure::Disconnect || request.is_none() || canary_failed {
                    (self.opened_at, self.canary) = (Some(now), None);
                }
            }
        }
    }
}

#[test]
fn random_events_match_the_model() {
    let mut visits = [0u32; 3];
    for seed in 0..1_000u64 {
        let mut rng = SplitMix64::new(seed);
        let limits = BreakerLimits {
            failures: 1 + rng.below(5) as u32,
            window: Nanos(1 + rng.below(200) as i64),
            recovery: Nanos(1 + rng.below(100) as i64),
        };
        let (mut breaker, mut model) = (Breaker::new(&limits), Model::default());
        let (mut now, mut next_request) = (1_000u64, 1u64);
        for step in 0..400 {
            now += rng.below(40);
            let state = model.state(&limits, now);
            visits[state as usize] += 1;
            assert_eq!(breaker.state(UnixNanos(now)), state, "seed {seed} step {step}");
            let passes = breaker.check(UnixNanos(now));
            assert_eq!(passes.is_ok(), model.passes(&limits, now), "seed {seed} step {step}");
            if let Err(reject) = passes {
                assert_eq!((reject.used, reject.limit), (model.counted, limits.failures as i64), "seed {seed}");
            }
            let recent = next_request.saturating_sub(rng.below(4)).max(1);
            match rng.below(6) {
                0 | 1 if passes.is_ok() => {
                    breaker.on_sent(OrderId(next_request), UnixNanos(now));
                    if state == BreakerState::HalfOpen {
                        model.canary = Some(next_request);
                    }
                    next_request += 1;
                }
                2 | 3 => {
                    breaker.on_ack(OrderId(recent));
                    if model.canary == Some(recent) {
                        model = Model::default();
                    }
                }
                4 => {
                    let failure = [Failure::AckTimeout, Failure::SessionReject, Failure::Disconnect];
                    let failure = failure[rng.below(3) as usize];
                    let request = (rng.below(3) > 0).then_some(recent);
                    breaker.on_failure(failure, request.map(OrderId), UnixNanos(now));
                    model.fail(&limits, failure, request, now);
                }
                _ => {}
            }
        }
    }
    assert!(visits.iter().all(|&count| count > 10_000), "{visits:?}");
}
