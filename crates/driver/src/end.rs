//! # Room card: driver/end
//! In:    a close; the newest state, now and then.
//! Out:   answers to the last cancels awaited, sessions ended, the journal closed, `HostedSummary`; `Stats`.
//! Holds: closing takes no longer than it was given; what is summed up is the engine's own state.
//! Costs: cold path; showing is some dozens of stores every 50 ms.
use net::NetEvent;
use serde::Serialize;
use types::{Code, Fault, InstrumentId, OrderEvent, Side};

use crate::control::KillReason;
use crate::lines::{Counts, END_POLL, Lines, PAPER_TOKEN};
use crate::ports::Producer;
use crate::report::Percentiles;
use crate::stats::{Line, Market, Whole};
use crate::work::Work;

/// Longest wait for what was sent to leave and for sessions to be ended, nanoseconds.
const FAREWELL_MAX: u64 = 500_000_000;

/// What a connection did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionSummary {
    /// Name of its venue.
    pub venue: String,
    /// "market" or "orders".
    pub carries: &'static str,
    /// Connections made.
    pub connects: u64,
    /// Connections lost after they were usable.
    pub lost: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Messages of market data; reads of order entry.
    pub messages: u64,
    /// Faults.
    pub faults: u64,
    /// The last of them.
    pub last_fault: Option<&'static str>,
}

/// What a hosted engine did.
#[derive(Clone, Debug)]
pub struct HostedSummary {
    /// Hash of all effects.
    pub hash: String,
    /// Turns.
    pub turns: u64,
    /// Inputs the command ring held that could not be understood.
    pub malformed: u64,
    /// Order events that found no room in the orders ring (a gap record and an image followed).
    pub dropped: u64,
    /// Timers beyond the bound, refused.
    pub timers_refused: u64,
    /// Why it halted, if not by being closed.
    pub fault: Option<Fault>,
    /// Who pulled the kill switch in this process.
    pub kill: Option<KillReason>,
    /// Market-data messages of native links.
    pub messages: u64,
    /// Order-entry messages for connections that were not there.
    pub sends_dropped: u64,
    /// Steps of the wall clock (CLOCK_STEPPED).
    pub clock_steps: u64,
    /// Orders still open at the end.
    pub open_orders: u64,
    /// Seed of what is random and decides nothing.
    pub entropy_seed: u64,
    /// How long the engine's thread ran.
    pub wall_seconds: f64,
    /// By native connection.
    pub connections: Vec<ConnectionSummary>,
    /// From bytes read to order bytes handed to the socket.
    pub tick_to_order: Percentiles,
    /// The newest state at the end, as `Hosted::stats` gives it. A report like a backtest's is made from the journal.
    pub stats: String,
    /// Our accounts at the paper venues of a session that began in this process: symbol, position in lots, fees in
    /// smallest units, open orders. A resumed one's model knows the position and not what it cost.
    pub accounts: Vec<PaperAccount>,
}

/// Our account at a paper venue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaperAccount {
    /// Symbol.
    pub symbol: String,
    /// Signed position, lots.
    pub position_lots: i64,
    /// Fees paid, smallest units of the settlement currency, as text.
    pub fees: String,
    /// Orders of the venue still open there.
    pub open_orders: u64,
}

impl Work {
    /// Awaits the answers to the last cancels, ends sessions, closes the journal.
    pub(crate) fn end(&mut self, lines: Option<Lines>, producers: &mut [Producer]) -> HostedSummary {
        let native = self.outlet.entries.iter().any(|entry| entry.native);
        let connections = if native || lines.is_some() { self.leave(lines, producers) } else { Vec::new() };
        self.out.close(self.now);
        let hash = self.hash.digest();
        if let Some(journal) = &mut self.journal {
            let closed = match self.fault {
                None => journal.close(self.turn, self.now, hash),
                // The last input has no effects that could be vouched for: it ends like the journal of a crash.
                Some(_) => journal.sync(),
            };
            if let (Err(fault), None) = (closed, &self.fault) {
                self.fault = Some(fault.into());
            }
        }
        self.show(None);
        let stats = self.stats.json(self.engine.setup());
        let panicked = self.fault.as_ref().is_some_and(|fault| fault.code == Code::EnginePanicked);
        let may_work = |event: &OrderEvent| !self.settled[self.facts.venue_of(event.instrument().index()).0 as usize];
        let open_orders = if panicked { self.live.count(may_work) } else { self.engine.orders().open_count() };
        HostedSummary {
            hash: journal::hex(hash),
            turns: self.turn,
            malformed: self.malformed,
            dropped: self.out.dropped(),
            timers_refused: self.timers_refused,
            fault: self.fault.take(),
            kill: self.shared.kill_reason(),
            messages: self.messages,
            sends_dropped: self.outlet.dropped,
            clock_steps: self.clock.steps,
            open_orders: open_orders as u64,
            entropy_seed: self.manner.entropy_seed,
            wall_seconds: self.machine.monotonic() as f64 / 1e9,
            connections,
            tick_to_order: self.stats.tick_to_order.percentiles(),
            stats,
            accounts: self.paper_accounts(),
        }
    }

    fn paper_accounts(&self) -> Vec<PaperAccount> {
        if self.resumed {
            return Vec::new();
        }
        let accounts = self.engine.setup().instruments.iter().filter_map(|instrument| {
            let paper = &self.outlet.papers.get(instrument.venue.0 as usize)?.as_ref()?.paper;
            let ledger = paper.account(instrument.id);
            Some(PaperAccount {
                symbol: instrument.symbol().to_string(),
                position_lots: ledger.map_or(0, |ledger| ledger.position().0),
                fees: ledger.map_or(0, |ledger| ledger.fees()).to_string(),
                open_orders: paper.open_orders() as u64,
            })
        });
        accounts.collect()
    }

    /// The loop itself has panicked: cancels from the plain table, then the end. Nothing that the loop held is used.
    #[cold]
    pub(crate) fn last_resort(&mut self) -> HostedSummary {
        if self.fault.is_none() {
            let turn = vec![("turn", self.turn.to_string())];
            self.halt(Fault::new(Code::EnginePanicked, "the engine's thread panicked and is halted", turn));
        }
        if let Some(net) = &mut self.outlet.net {
            let mut open = 0;
            let tokens = self.outlet.entries.iter().filter_map(|entry| entry.token);
            for token in tokens.filter(|&token| token != PAPER_TOKEN) {
                net.close(token);
                open += 1;
            }
            let begun = self.machine.monotonic();
            while open > 0 && self.machine.monotonic() - begun < FAREWELL_MAX {
                net.poll(END_POLL, &mut |event| open -= matches!(event, NetEvent::Down(..)) as usize);
            }
        }
        self.end(None, &mut [])
    }

    /// Turns on until the cancels are answered or the wait is over, then ends what is connected. After a halt, which
    /// leaves nothing to turn, the last cancels have the same time.
    fn leave(&mut self, mut lines: Option<Lines>, producers: &mut [Producer]) -> Vec<ConnectionSummary> {
        let begun = self.machine.monotonic();
        let waited = |work: &Work| work.machine.monotonic() - begun;
        while self.fault.is_none() && waited(self) < self.manner.close_wait {
            let staying = self.open_native_orders() == 0;
            if staying {
                // The engine logs out; a session that has ended is not begun again.
                if let Some(lines) = &mut lines {
                    lines.stay_down();
                }
                if self.outlet.entries.iter().all(|entry| entry.token.is_none()) {
                    break;
                }
            }
            self.round(&mut lines, producers, staying);
        }
        let halted = |work: &Work| work.fault.is_some() && waited(work) < work.manner.close_wait;
        while halted(self) && lines.as_ref().is_some_and(Lines::has_last_cancels) {
            self.round(&mut lines, producers, true);
        }
        let farewell = self.machine.monotonic();
        let so_long = |work: &Work| work.machine.monotonic() - farewell < FAREWELL_MAX;
        let connections = self.connections(lines.as_ref());
        let Some(mut lines) = lines else { return connections };
        let mut ends = lines.leave(self, true);
        // The engine is not turned any more: only what was sent is awaited.
        while ends > 0 && so_long(self) {
            ends = ends.saturating_sub(lines.ends(self));
        }
        connections
    }

    /// Of every native connection, models included.
    fn counts<'a>(&'a self, lines: Option<&'a Lines>) -> impl Iterator<Item = (usize, bool, u64, Counts)> + 'a {
        let papers = self.outlet.papers.iter().enumerate().filter_map(|(venue, line)| {
            let up = self.outlet.entries[venue].token.is_some();
            line.as_ref().map(|line| (venue, true, if up { 3 } else { 1 }, line.counts))
        });
        lines.into_iter().flat_map(Lines::counts).chain(papers)
    }

    fn connections(&self, lines: Option<&Lines>) -> Vec<ConnectionSummary> {
        let venues = &self.engine.setup().venues;
        let summary = self.counts(lines).map(|(venue, orders, _, counts)| {
            let entry = &self.outlet.entries[venue];
            ConnectionSummary {
                venue: venues[venue].name.clone(),
                carries: if orders { "orders" } else { "market" },
                connects: counts.connects,
                lost: counts.lost,
                bytes_in: counts.bytes_in,
                bytes_out: if orders { entry.bytes_out } else { counts.bytes_out },
                messages: counts.messages,
                faults: counts.faults,
                last_fault: Code::from_u16(counts.last_fault).map(Code::name),
            }
        });
        summary.collect()
    }

    /// Shows the newest state.
    pub(crate) fn show(&mut self, lines: Option<&Lines>) {
        let stats = self.stats.clone();
        stats.show(|shown| {
            self.show_whole(&|word, value| shown.whole(word, value));
            for (venue, orders, state, counts) in self.counts(lines) {
                let line = 2 * venue + orders as usize;
                let entry = &self.outlet.entries[venue];
                let values = [
                    (Line::State, state),
                    (Line::Connects, counts.connects),
                    (Line::Lost, counts.lost),
                    (Line::BytesIn, counts.bytes_in),
                    (Line::BytesOut, if orders { entry.bytes_out } else { counts.bytes_out }),
                    (Line::Messages, counts.messages),
                    (Line::LastFault, counts.last_fault as u64),
                    (Line::Faults, counts.faults),
                ];
                values.into_iter().for_each(|(word, value)| shown.line(line, word, value));
            }
            // After a panic the engine's state is not looked at any more: what was shown last stays.
            if self.fault.is_none() {
                for id in self.facts.instruments.iter().map(|instrument| instrument.id) {
                    self.show_market(id, &|word, value| shown.market(id, word, value));
                }
            }
        });
    }

    fn show_whole(&self, put: &impl Fn(Whole, u64)) {
        put(Whole::Now, self.now.0);
        put(Whole::Turns, self.turn);
        put(Whole::Messages, self.messages);
        put(Whole::Malformed, self.malformed);
        put(Whole::OrdersDropped, self.out.dropped());
        put(Whole::TimersRefused, self.timers_refused);
        put(Whole::ClockSteps, self.clock.steps);
        put(Whole::SendsDropped, self.outlet.dropped);
        put(Whole::Kill, self.shared.kill_reason().map_or(0, |reason| reason as u64));
        put(Whole::Killed, self.killed as u64);
        put(Whole::Fault, self.fault.as_ref().map_or(0, |fault| fault.code as u64));
        if self.fault.is_none() {
            let counts = self.engine.counts();
            put(Whole::OpenOrders, self.engine.orders().open_count() as u64);
            put(Whole::NewOrders, counts.new_orders);
            put(Whole::Cancels, counts.cancels);
            put(Whole::Replaces, counts.replaces);
            put(Whole::Fills, self.fills);
        }
    }

    fn show_market(&self, id: InstrumentId, put: &impl Fn(Market, u64)) {
        let engine = &self.engine;
        let (touch, position) = (engine.touch(id), engine.orders().position(id));
        let quote = |side: Side| {
            let order = engine.quotes(id)[side.index()].and_then(|order| engine.orders().order(order));
            order.filter(|order| order.state.is_open()).map(|order| order.price.0)
        };
        let of = |side: Side| touch.and_then(|touch| touch.price(side)).map(|price| price.0);
        let prices = [of(Side::Buy), of(Side::Sell), quote(Side::Buy), quote(Side::Sell)];
        let have = prices.iter().enumerate().map(|(bit, price)| (price.is_some() as u64) << bit).sum();
        let pnl = touch.and_then(|mark| position.pnl(engine.instrument(id), mark)).map(|pnl| pnl.total);
        put(Market::Valid, engine.book_valid(id) as u64);
        put(Market::Have, have);
        for (word, price) in [Market::Bid, Market::Ask, Market::QuoteBid, Market::QuoteAsk].into_iter().zip(prices) {
            put(word, price.unwrap_or(0) as u64);
        }
        put(Market::Position, position.lots.0 as u64);
        put(Market::Pnl, pnl.map_or(0, |pnl| pnl.clamp(i64::MIN as i128, i64::MAX as i128) as i64 as u64));
        put(Market::HavePnl, pnl.is_some() as u64);
        put(Market::Fills, position.fills.iter().sum());
        put(Market::VolatilityBits, engine.sigma(id).unwrap_or(0.0).to_bits());
    }
}
