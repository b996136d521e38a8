//! # Room card: driver/fix/dial
//! In:    the addresses of an initiator's peer; failures and logons.
//! Out:   when and where to connect.
//! Holds: one attempt at a time; after a failure the next address, after a wait that grows with jitter; a logon makes
//!        the next failure the first again and stays with the address that worked.
//! Costs: cold path.
use types::UnixNanos;
use types::rng::SplitMix64;

use crate::feed_link::Backoff;

/// What an initiator without a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Outside its hours, or told to stay away.
    Idle,
    /// Until then.
    Waiting(UnixNanos),
    /// A name is looked up: the number of the question.
    Resolving(u64),
    /// The connection is being made, or is there.
    Connected,
}

/// How an initiator gets to its peer.
#[derive(Debug)]
pub(super) struct Dial {
    addresses: Vec<String>,
    /// The next to try.
    place: usize,
    backoff: Backoff,
    pub(super) stage: Stage,
    asks: u64,
}

impl Dial {
    pub(super) fn new(addresses: Vec<String>, entropy: SplitMix64) -> Dial {
        Dial { addresses, place: 0, backoff: Backoff::new(entropy), stage: Stage::Idle, asks: 0 }
    }

    /// Where to connect to now.
    pub(super) fn address(&self) -> &str {
        self.addresses.get(self.place).map_or("", String::as_str)
    }

    /// Connecting may begin at once.
    pub(super) fn begin(&mut self, now: UnixNanos) {
        if self.stage == Stage::Idle {
            self.stage = Stage::Waiting(now);
        }
    }

    /// The name is being looked up: the number of the question.
    pub(super) fn resolving(&mut self) -> u64 {
        self.asks += 1;
        self.stage = Stage::Resolving(self.asks);
        self.asks
    }

    /// The attempt came to nothing: the next address, after a wait.
    pub(super) fn failed(&mut self, now: UnixNanos) {
        self.place = (self.place + 1) % self.addresses.len().max(1);
        self.stage = Stage::Waiting(now.plus(self.backoff.failed()));
    }

    /// The session was open and is over: the same address again, after a wait.
    pub(super) fn ended(&mut self, now: UnixNanos) {
        self.stage = Stage::Waiting(now.plus(self.backoff.failed()));
    }

    /// The session is open.
    pub(super) fn worked(&mut self) {
        self.backoff.reset();
    }

    pub(super) fn deadline(&self) -> Option<UnixNanos> {
        if let Stage::Waiting(until) = self.stage { Some(until) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_after_a_failure_and_the_same_after_a_session() {
        let names = ["one:1", "two:2", "three:3"].map(String::from).to_vec();
        let mut dial = Dial::new(names, SplitMix64::new(7));
        let now = UnixNanos(1_000_000_000);
        dial.begin(now);
        assert_eq!((dial.address(), dial.deadline()), ("one:1", Some(now)));
        for address in ["two:2", "three:3", "one:1", "two:2"] {
            assert_eq!(dial.resolving(), dial.asks);
            dial.failed(now);
            assert_eq!(dial.address(), address);
            assert!(dial.deadline().is_some_and(|until| until >= now && until.since(now).0 <= 1_600_000_000));
        }
        dial.stage = Stage::Connected;
        dial.worked();
        dial.ended(now);
        assert_eq!(dial.address(), "two:2");
        assert!(dial.deadline().is_some_and(|until| until.since(now).0 <= 100_000_000), "the first wait again");
    }
}
