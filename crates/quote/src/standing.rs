//! # Room card: quote/standing
//! In:    `QuoteView`, the rules, what was published, σ, the flow of trades.
//! Out:   may quotes stand, and if not, why not; the phase of the session; when time alone will change the answer.
//! Holds: staleness is measured by receive time only; the pause has two limits, so that it does not flicker.
//! Costs: a few comparisons for each rule that is on.
use types::config::{FairValue, Model, ToxicitySource, Unwind, UnwindClock};
use types::{Lots, Nanos, UnixNanos};

use crate::quoter::{QuoteView, Quoter};
use crate::terms::Standing;

/// Where a session stands with regard to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Far from it.
    Open,
    /// Only reducing quotes.
    Reducing,
    /// What is left is taken out of the book.
    Crossing,
    /// Nothing is quoted.
    Over,
}

const DAY_NANOS: u64 = 86_400_000_000_000;

fn elapsed(unwind: &Unwind, now: UnixNanos, started: UnixNanos) -> Nanos {
    match unwind.clock {
        UnwindClock::Session => now.since(started).max(Nanos(0)),
        UnwindClock::UtcDay => Nanos((now.0 % DAY_NANOS) as i64),
    }
}

fn phase_of(unwind: &Unwind, elapsed: Nanos) -> Phase {
    if elapsed >= unwind.over {
        Phase::Over
    } else if elapsed >= unwind.cross {
        Phase::Crossing
    } else if elapsed >= unwind.reduce {
        Phase::Reducing
    } else {
        Phase::Open
    }
}

impl Quoter {
    pub(crate) fn phase(&self, view: &QuoteView) -> Phase {
        match &self.params.rules.unwind {
            Some(unwind) => phase_of(unwind, elapsed(unwind, view.now, view.started)),
            None => Phase::Open,
        }
    }

    /// The gate's limit now: in the end phase no inventory is within it, so that only reducing quotes pass.
    #[inline]
    pub(crate) fn limit(&self, phase: Phase) -> Lots {
        if phase == Phase::Open { self.params.max_inventory_lots } else { Lots::ZERO }
    }

    /// Rules 2 and 12 to 15, the first that speaks against a quote.
    #[inline]
    pub(crate) fn standing(&mut self, view: &QuoteView, mid_half_ticks: Option<i64>, phase: Phase) -> Standing {
        let around = if self.ruled { self.pulled(view) } else { None };
        let without_volatility = self.params.model == Model::Strategy || self.params.rules.initial_sigma.is_some();
        if !self.params.enabled {
            Standing::Disabled
        } else if !view.trading {
            Standing::TradingShut
        } else if phase == Phase::Over {
            Standing::SessionOver
        } else if !view.book_valid {
            Standing::BookInvalid
        } else if mid_half_ticks.is_none() {
            Standing::TouchIncomplete
        } else if around == Some(Standing::FeedStale) {
            Standing::FeedStale
        } else if phase == Phase::Crossing {
            Standing::Crossing
        } else if let Some(why) = around {
            why
        } else if view.sigma.is_none() && !without_volatility {
            Standing::VolatilityAbsent
        } else {
            Standing::Quoting
        }
    }

    /// The rules that pull. The pause's state moves with σ even where another rule speaks first.
    fn pulled(&mut self, view: &QuoteView) -> Option<Standing> {
        let rules = &self.params.rules;
        if let (Some((above, below)), Some(sigma)) = (rules.volatility_pause, view.sigma) {
            // A σ that is no number ends no pause.
            self.paused = if self.paused { sigma >= below || sigma.is_nan() } else { sigma > above };
        } else {
            self.paused &= rules.volatility_pause.is_some();
        }
        self.terms.toxicity = match rules.toxicity.map(|toxicity| toxicity.source) {
            None => 0.0,
            Some(ToxicitySource::TradeFlow { half_life_seconds, prior_lots }) => {
                self.flow.toxicity(view.now, half_life_seconds, prior_lots)
            }
            Some(ToxicitySource::Vpin { .. }) => view.signals.vpin.unwrap_or(0.0),
            Some(ToxicitySource::Published(max_age)) => self.published.toxicity.young(view.now, max_age).unwrap_or(1.0),
        };
        if rules.stale_feed.is_some_and(|silence| view.now.since(view.touch_at) >= silence) {
            return Some(Standing::FeedStale);
        }
        if self.paused {
            return Some(Standing::VolatilityPaused);
        }
        if rules.toxicity.is_some_and(|toxicity| self.terms.toxicity > toxicity.pull_above) {
            return Some(Standing::Toxic);
        }
        if self.params.model == Model::Strategy {
            return self.asked.is_none().then_some(Standing::NotAsked);
        }
        match rules.fair_value {
            FairValue::Published(max_age) if self.published.fair_value.young(view.now, max_age).is_none() => {
                Some(Standing::FairValueAbsent)
            }
            _ => None,
        }
    }

    /// When the decision has to be taken again though nothing happens: a feed that stays silent, a published value that
    /// grows old, the next phase of the session. `None`: time alone changes nothing (or only a countdown, which waits
    /// for the next event).
    pub fn wake_at(&self, view: &QuoteView) -> Option<UnixNanos> {
        if !self.ruled {
            return None;
        }
        let (now, rules) = (view.now, &self.params.rules);
        let stale = rules.stale_feed.map(|silence| view.touch_at.plus(silence)).filter(|&at| at > now);
        let fair = match rules.fair_value {
            FairValue::Published(max_age) => self.published.fair_value.ends(now, max_age),
            _ => None,
        };
        let drift = rules.drift.and_then(|(_, max_age)| self.published.drift.ends(now, max_age));
        let toxicity = match rules.toxicity.map(|toxicity| toxicity.source) {
            Some(ToxicitySource::Published(max_age)) => self.published.toxicity.ends(now, max_age),
            _ => None,
        };
        let phase = rules.unwind.and_then(|unwind| {
            let gone = elapsed(&unwind, now, view.started);
            let next = [unwind.reduce, unwind.cross, unwind.over].into_iter().find(|&at| at > gone);
            // After the last one of a day comes midnight.
            let midnight = (unwind.clock == UnwindClock::UtcDay).then_some(Nanos(DAY_NANOS as i64));
            next.or(midnight).map(|at| now.plus(Nanos(at.0.saturating_sub(gone.0))))
        });
        [stale, fair, drift, toxicity, phase].into_iter().flatten().min()
    }
}
