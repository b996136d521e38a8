//! # Room card: driver/tests/faults/world
//! In:    a seed.
//! Out:   one episode: trouble, calm, agreement, the end; what happened, in numbers.
//! Holds: virtual time goes to the earliest thing that is due; same seed, same episode.
//! Costs: tests only; a few thousand turns an episode.
use types::rng::SplitMix64;
use types::{Control, Effects, InputKind, OrderState, VenueId};

use super::checks::{Checks, open_orders};
use super::client::{Around, Client};
use super::pipes::{Carries, Net};
use super::plan::{CLIENT, Mishap, Plan, SECOND, START};
use super::truth::Truth;
use super::venue::Venue;

/// What an episode was.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub turns: u64,
    pub fills: u64,
    pub requests: u64,
    pub agreements: u64,
    pub book_losses: u64,
    pub books_compared: u64,
    pub unreported: u64,
    pub engine_lives: u64,
    pub venue_lives: u64,
    pub killed: bool,
    pub faults: std::collections::BTreeMap<&'static str, u64>,
}

impl Outcome {
    /// Sums of two.
    pub fn add(&mut self, other: &Outcome) {
        for (into, from) in [
            (&mut self.turns, other.turns),
            (&mut self.fills, other.fills),
            (&mut self.requests, other.requests),
            (&mut self.agreements, other.agreements),
            (&mut self.book_losses, other.book_losses),
            (&mut self.books_compared, other.books_compared),
            (&mut self.unreported, other.unreported),
            (&mut self.engine_lives, other.engine_lives),
            (&mut self.venue_lives, other.venue_lives),
        ] {
            *into += from;
        }
        for (code, count) in &other.faults {
            *self.faults.entry(code).or_default() += count;
        }
    }
}

/// Everything there is.
pub struct World {
    pub now: u64,
    pub steps: u64,
    plan: Plan,
    rng: SplitMix64,
    net: Net,
    truth: Truth,
    checks: Checks,
    client: Client,
    venue: Venue,
    mishaps: Vec<(u64, Mishap)>,
    calm: bool,
    killed: bool,
    loud: bool,
    /// When the accounts are compared next.
    look: u64,
}

macro_rules! around {
    ($world:expr) => {
        Around {
            now: $world.now,
            plan: &$world.plan,
            rng: &mut $world.rng,
            net: &mut $world.net,
            truth: &mut $world.truth,
            checks: &mut $world.checks,
            calm: $world.calm,
            venue_open: $world.venue.is_open(),
            loud: $world.loud,
        }
    };
}

impl World {
    pub fn new(seed: u64, effects: Box<Effects>, loud: bool) -> World {
        let mut rng = SplitMix64::new(seed);
        let plan = Plan::new(seed, &mut rng);
        if loud {
            println!("{plan:#?}");
        }
        let client = Client::new(&plan, effects, &mut rng);
        let mut truth = Truth::new(&client.engine.setup().instruments);
        let mut mishaps = plan.mishaps.clone();
        mishaps.reverse();
        World {
            now: START.0,
            steps: 0,
            net: Net::default(),
            look: START.0,
            checks: Checks::new(plan.instruments),
            venue: Venue::new(&plan, &mut truth),
            truth,
            client,
            mishaps,
            plan,
            rng,
            calm: false,
            killed: false,
            loud,
        }
    }

    /// Goes to the next thing that is due.
    fn step(&mut self) {
        self.steps += 1;
        let mishap = self.mishaps.last().map_or(u64::MAX, |mishap| START.0 + mishap.0);
        let net = self.net.due().unwrap_or(u64::MAX);
        let due = net.min(self.client.due()).min(self.venue.due()).min(mishap);
        self.now = due.max(self.now);
        if mishap <= self.now
            && let Some((_, mishap)) = self.mishaps.pop()
        {
            self.strike(mishap);
        }
        let mut news = Vec::new();
        self.net.take(self.now, &mut news);
        for news in news {
            let mut around = around!(self);
            match news {
                super::pipes::News::Accepted(..)
                | super::pipes::News::AtVenue(..)
                | super::pipes::News::VenueEnd(_) => self.venue.on_news(news, &mut around),
                _ => self.client.on_news(news, &mut around),
            }
        }
        if self.venue.due() <= self.now {
            self.venue.on_time(&mut around!(self));
        }
        if self.client.due() <= self.now {
            self.client.on_time(&mut around!(self));
        }
        self.compare();
    }

    /// Whenever each side has read all the other sent, they have the same positions. But for a fill that the venue
    /// hides on purpose: nothing tells of it before the next statement.
    fn compare(&mut self) {
        if self.now < self.look || self.plan.drop_fill.is_some() || !self.client.engine.is_venue_up(VenueId(0)) {
            return;
        }
        if self.is_level() {
            self.look = self.now + SECOND / 4;
            self.checks.equal(&self.client.engine, &self.truth, "on the way");
        }
    }

    fn strike(&mut self, mishap: Mishap) {
        let now = self.now;
        let mut around = around!(self);
        around.say(|| format!("{mishap:?}"));
        match mishap {
            Mishap::CutMarket => around.net.cut(Carries::Market, now, around.rng),
            Mishap::CutOrders => around.net.cut(Carries::Orders, now, around.rng),
            Mishap::CloseMarket => self.venue.close_market(&mut around),
            Mishap::HoldMarket(time) => around.net.hold(Carries::Market, true, now + time),
            Mishap::HoldToVenue(time) => around.net.hold(Carries::Orders, false, now + time),
            Mishap::HoldToEngine(time) => around.net.hold(Carries::Orders, true, now + time),
            Mishap::Block(_) => self.client.block(true, &mut around),
            Mishap::Unblock => self.client.block(false, &mut around),
            Mishap::CrashVenue => self.venue.doomed = true,
            Mishap::CrashEngine(sends) => self.client.doom = Some(sends),
            Mishap::Kill => {
                self.client.input(InputKind::Control(Control::Kill), &mut around);
                // A dead process has no kill switch; the owner pulls it when it is back.
                self.killed = self.client.engine.is_killed();
            }
        }
    }

    /// Steps until something holds, or fails with what it waited for.
    fn until(&mut self, what: &str, seconds: u64, done: impl Fn(&World) -> bool) {
        let limit = self.now + seconds * SECOND;
        while !done(self) {
            assert!(self.now < limit, "not within {seconds} s: {what}; {}", self.standing());
            self.step();
        }
    }

    fn standing(&self) -> String {
        format!(
            "engine {:?}, venue {} open, gate {}, positions {:?} and {:?}, faults {:?}",
            open_orders(&self.client.engine),
            self.truth.open,
            self.client.engine.is_venue_up(VenueId(0)),
            self.client
                .engine
                .setup()
                .instruments
                .iter()
                .map(|i| self.client.engine.orders().position(i.id).lots.0)
                .collect::<Vec<_>>(),
            self.truth.traded,
            self.checks.faults
        )
    }

    /// Has each side read all the other sent?
    fn is_level(&self) -> bool {
        let numbers = self.client.engine.session_numbers(VenueId(0));
        if !self.net.orders_quiet() || !self.client.is_alive() {
            return false;
        }
        let Some(stats) = self.venue.stats(self.now) else { return false };
        let session = stats.sessions.iter().find(|session| session.client == CLIENT);
        session.is_some_and(|session| numbers == Some((session.next_out, session.next_in)))
    }

    /// Does a quote stand in each instrument?
    fn is_quoting(&self) -> bool {
        let engine = &self.client.engine;
        let stands = |id| engine.orders().order(id).is_some_and(|order| order.state == OrderState::Live);
        engine.setup().instruments.iter().all(|i| engine.quotes(i.id).into_iter().flatten().any(stands))
    }

    fn heal(&mut self) {
        self.calm = true;
        self.mishaps.clear();
        self.client.doom = None;
        self.net.heal();
        let mut around = around!(self);
        around.say(|| "calm".into());
        self.client.block(false, &mut around);
        self.venue.heal(&mut around);
    }

    /// The whole episode.
    pub fn run(&mut self) -> Outcome {
        let end = START.0 + self.plan.trouble;
        while self.now < end {
            self.step();
        }
        self.heal();
        let venue = VenueId(0);
        self.until("the engine and the venue agree again", 120, |world| {
            world.client.is_alive() && world.venue.is_open() && world.client.engine.is_venue_up(venue)
        });
        if !self.client.engine.is_killed() {
            self.until("every instrument is quoted again", 60, World::is_quoting);
        }
        let later = self.now + SECOND;
        self.until("a second of trading", 2, |world| world.now >= later);
        self.until("both sides have read everything and have the same orders", 30, |world| {
            let open = world.client.engine.orders().open_count();
            world.is_level() && open == world.truth.open && (open == 0 || !world.client.engine.is_killed())
        });
        if self.plan.drop_fill.is_none() {
            self.checks.equal(&self.client.engine, &self.truth, "in calm");
        }
        self.close();
        Outcome {
            turns: self.client.memory.turns() as u64,
            fills: self.truth.fills,
            requests: self.checks.requests,
            agreements: self.checks.agreements,
            book_losses: self.checks.book_losses,
            books_compared: self.truth.books.compared,
            unreported: self.truth.unreported,
            engine_lives: self.client.lives,
            venue_lives: self.venue.lives(),
            killed: self.killed,
            faults: core::mem::take(&mut self.checks.faults),
        }
    }

    /// The session ends: nothing is open on either side, both have the same account, and a replay is the same.
    fn close(&mut self) {
        let mut around = around!(self);
        self.client.input(InputKind::Control(Control::Close), &mut around);
        self.client.leaving = true;
        self.until("the engine logs out with nothing open", 30, |world| {
            world.client.engine.orders().open_count() == 0 && !world.client.orders_are_up()
        });
        let later = self.now + SECOND;
        self.until("the venue hears of it", 2, |world| world.now >= later);
        assert_eq!(self.truth.open, 0, "orders open at the venue after the end");
        self.checks.equal(&self.client.engine, &self.truth, "at the end");
        self.checks.named(&self.truth);
        let stats = self.venue.stats(self.now).expect("it is open");
        assert_eq!(stats.open_orders, 0);
        for account in &stats.accounts {
            let engine = &self.client.engine;
            let at = engine.setup().instruments.iter().find(|known| known.symbol() == account.symbol).unwrap();
            assert_eq!(
                account.position_lots,
                self.truth.position(at.id),
                "the venue's account is the sum of its ledger"
            );
        }
        self.client.replay();
    }

    /// The effects buffer, for the next episode.
    pub fn into_effects(self) -> Box<Effects> {
        self.client.into_effects()
    }
}
