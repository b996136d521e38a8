//! # Room card: driver/lines
//! In:    a setup's native links; one poll of the sockets after the other.
//! Out:   what they bring as inputs of the engine: reports, then market data, then snapshots; connections kept up.
//! Holds: the loop never waits for a name, a handshake or a peer; what a poll brings is all used before the next.
//! Costs: one poll and one copy of what was read; a few branches for each line with nothing new.
mod last_cancels;
mod line;
mod orders;
mod outlet;
mod paper;
mod resolver;
mod socket;

use std::collections::BTreeMap;
use std::time::Duration;

use net::{Backend, Net, NetEvent, NetLimits, TlsClient, Token};
use types::config::{OrdersLink, Setup, TransportConfig};
use types::rng::SplitMix64;
use types::{ConnId, ConnState, Fault, InputKind, InstrumentId, Nanos, UnixNanos, VenueId};

use crate::feed_link::{Backoff, FeedLink, LinkEvent, SNAPSHOT_SPACING, SnapshotFetch};
use crate::ports::Producer;
use crate::work::Work;
use line::Line;
use orders::OrdersLine;
pub(crate) use outlet::{Entry, Outlet, PAPER_TOKEN};
pub(crate) use paper::PaperLine;
pub(crate) use resolver::Resolver;
pub(crate) use socket::Counts;
use socket::Socket;

/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;
/// Bytes kept for a peer that reads slowly, beside the cancels of every order.
const OUT_BYTES: usize = 1 << 20;
/// Longest FIX cancel, as the engine bounds it, and what TLS adds to it.
const CANCEL_BYTES_MAX: usize = 320 + 32;
/// Shortest time between two snapshots of an exchange of our own.
const OWN_SPACING: types::Nanos = types::Nanos::from_millis(10);
/// How often deadlines of the lines are looked at, nanoseconds.
const TIMED_EVERY: u64 = 1_000_000;
/// Where the clock follows a venue, its first stamp is awaited for this long before anything is said of it.
const STAMP_WAIT: Nanos = Nanos::from_millis(1_000);

/// Longest wait of one poll for the ends of connections.
pub(crate) const END_POLL: Duration = Duration::from_millis(5);

/// Market data of one venue.
struct MarketLine {
    conn: ConnId,
    line: Line<FeedLink>,
    told_up: bool,
    /// Up, but the first stamp of the clock that follows it has not come; since when.
    held: Option<UnixNanos>,
    follows: bool,
}

/// Snapshots of one instrument.
struct SnapshotLine {
    instrument: InstrumentId,
    venue: VenueId,
    line: Line<SnapshotFetch>,
}

/// Every native connection of an engine.
pub(crate) struct Lines {
    markets: Vec<(usize, MarketLine)>,
    orders: Vec<(usize, OrdersLine)>,
    snapshots: Vec<SnapshotLine>,
    resolver: Resolver,
    /// For order entry alone: a name server that hangs on a market's name must not keep cancels from a venue.
    order_resolver: Resolver,
    /// When deadlines are looked at next, monotonic.
    timed_at: u64,
    /// Nothing is connected any more.
    leaving: bool,
    began: Option<UnixNanos>,
    /// Ends of connections that were closed here.
    ends: usize,
}

/// Does the setup have a native link?
pub(crate) fn has_native(setup: &Setup) -> bool {
    setup.venues.iter().any(|venue| venue.market.is_some() || matches!(venue.orders, Some(OrdersLink::Fix { .. })))
}

/// The calls a configuration names.
pub(crate) fn backend(transport: TransportConfig) -> Backend {
    match transport {
        TransportConfig::Auto => Backend::best(),
        TransportConfig::Portable => Backend::Portable,
        TransportConfig::Epoll => Backend::Epoll,
    }
}

/// The loop of sockets for a setup. Errors: those of `Net::new`.
pub(crate) fn new_net(setup: &Setup, transport: TransportConfig) -> Result<Net, Fault> {
    let backend = backend(transport);
    // Twice: a connection that is being closed has its place until its bytes are gone.
    let connections = 2 * (2 * setup.venues.len() + setup.instruments.len());
    Net::new(backend, NetLimits { connections, out_bytes: out_bytes(setup), read_bytes: READ_BYTES })
}

/// A kill cancels every order in one turn, a panic some by two ids. A peer that does not read in that moment must not
/// make it drop the connection with the cancels. Memory is taken when it is needed.
fn out_bytes(setup: &Setup) -> usize {
    OUT_BYTES + 2 * setup.orders.max_orders * CANCEL_BYTES_MAX
}

/// TLS clients by the file of their authorities.
#[derive(Default)]
struct Clients(BTreeMap<Option<String>, TlsClient>);

impl Clients {
    fn of(&mut self, ca_file: &Option<String>) -> Result<TlsClient, Fault> {
        if let Some(client) = self.0.get(ca_file) {
            return Ok(client.clone());
        }
        let client = match ca_file {
            Some(file) => TlsClient::with_ca_file(file)?,
            None => TlsClient::system()?,
        };
        self.0.insert(ca_file.clone(), client.clone());
        Ok(client)
    }
}

impl Lines {
    /// The lines of a setup, none connected. Errors: ConfigInvalid (an address, a certificate file); EngineClosed (no
    /// thread).
    pub(crate) fn new(setup: &Setup, waker: net::Waker, mut entropy: SplitMix64) -> Result<Lines, Fault> {
        let mut clients = Clients::default();
        let mut lines = Lines {
            markets: Vec::new(),
            orders: Vec::new(),
            snapshots: Vec::new(),
            resolver: Resolver::start(waker.clone())?,
            order_resolver: Resolver::start(waker)?,
            timed_at: 0,
            leaving: false,
            began: None,
            ends: 0,
        };
        for (venue, config) in setup.venues.iter().enumerate() {
            let mut seed = || SplitMix64::new(entropy.next_u64());
            if let Some(market) = &config.market {
                let link = FeedLink::new(market, seed())?;
                let url = link.url();
                let tls = if url.tls { Some((clients.of(&market.ca_file)?, url.host.clone())) } else { None };
                let socket = Socket::new(2 * venue, url.address(), tls, 2 * READ_BYTES);
                let conn = ConnId::market(VenueId(venue as u8));
                let line = Line { link, socket };
                let market_line = MarketLine { conn, line, told_up: false, held: None, follows: market.follow_clock };
                lines.markets.push((venue, market_line));
                let own = setup.instruments.iter().filter(|instrument| instrument.venue.0 as usize == venue);
                for instrument in own {
                    let Some(template) = &market.snapshot_url else { break };
                    // An exchange of our own, told by its clock, counts no requests.
                    let spacing = if market.follow_clock { OWN_SPACING } else { SNAPSHOT_SPACING };
                    let link = SnapshotFetch::new(template, instrument.symbol(), spacing, seed())?;
                    let url = link.url();
                    let tls = if url.tls { Some((clients.of(&market.ca_file)?, url.host.clone())) } else { None };
                    let place = 2 * setup.venues.len() + instrument.id.index();
                    let socket = Socket::new(place, url.address(), tls, 0);
                    let line = Line { link, socket };
                    lines.snapshots.push(SnapshotLine { instrument: instrument.id, venue: instrument.venue, line });
                }
            }
            if let Some(OrdersLink::Fix { address, tls, ca_file }) = &config.orders {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                let name = host.trim_matches(['[', ']']).to_string();
                let tls = if *tls { Some((clients.of(ca_file)?, name)) } else { None };
                let socket = Socket::new(2 * venue + 1, address.clone(), tls, 2 * READ_BYTES);
                lines.orders.push((venue, OrdersLine::new(venue, socket, Backoff::new(seed()))));
            }
        }
        Ok(lines)
    }

    /// Polls the sockets, sleeping up to `timeout`; how many events.
    pub(crate) fn poll(&mut self, work: &mut Work, timeout: Duration) -> usize {
        let Outlet { net: Some(net), .. } = &mut work.outlet else { return 0 };
        let machine = &work.machine;
        let mut read_at = 0;
        let events = net.poll(timeout, &mut |event| {
            if read_at == 0 {
                read_at = machine.monotonic();
            }
            let token = match event {
                NetEvent::Up(token) | NetEvent::Bytes(token, _) | NetEvent::Blocked(token) => token,
                NetEvent::Writable(token) | NetEvent::Down(token, _) => token,
                NetEvent::Accepted { .. } => return,
            };
            match self.socket_of(token) {
                Some(socket) => socket.take(&event, read_at),
                None => self.ends += matches!(event, NetEvent::Down(..)) as usize,
            }
        });
        work.looked_at = if read_at == 0 { machine.monotonic() } else { read_at };
        events
    }

    fn socket_of(&mut self, token: Token) -> Option<&mut Socket> {
        let markets = self.markets.iter_mut().map(|(_, market)| &mut market.line.socket);
        let orders = self.orders.iter_mut().map(|(_, orders)| &mut orders.socket);
        let snapshots = self.snapshots.iter_mut().map(|snapshot| &mut snapshot.line.socket);
        markets.chain(orders).chain(snapshots).find(|socket| socket.token == Some(token))
    }

    /// Is there something to be done although the last poll brought nothing?
    #[inline]
    pub(crate) fn is_due(&self, work: &Work) -> bool {
        work.looked_at >= self.timed_at || work.outlet.any_wanted
    }

    /// Makes turns of what the last poll brought.
    pub(crate) fn serve(&mut self, work: &mut Work, producers: &mut [Producer]) {
        let monotonic = work.looked_at;
        let now = work.local(monotonic);
        let began = *self.began.get_or_insert(now);
        let timed = monotonic >= self.timed_at;
        if timed {
            self.timed_at = monotonic + TIMED_EVERY;
            self.answers(work);
        }
        // Where the clock follows a venue, its time comes before everything that is stamped with it.
        let awaits_stamp = self.markets.iter().any(|(_, market)| market.follows) && !work.clock.followed;
        let may_connect = timed && !self.leaving && (!awaits_stamp || now >= began.plus(STAMP_WAIT));
        for (_, line) in &mut self.orders {
            match work.fault {
                None => line.serve(now, may_connect, &self.order_resolver, work, producers),
                Some(_) => line.serve_halted(now, timed, &self.order_resolver, work),
            }
        }
        for (_, market) in &mut self.markets {
            let MarketLine { line, conn, told_up, held, follows } = market;
            if held.is_some_and(|since| now >= since.plus(STAMP_WAIT)) {
                (*held, *told_up) = (None, true);
                work.conn(*conn, ConnState::Up);
            }
            line.serve(now, timed, &self.resolver, work, &mut |work, event, read_at| {
                let mut hold = Held { conn: *conn, told_up, held, follows: *follows, now };
                hold.told(work, producers, event, read_at);
            });
        }
        self.serve_snapshots(now, timed, work);
    }

    fn serve_snapshots(&mut self, now: UnixNanos, timed: bool, work: &mut Work) {
        let wanted = core::mem::take(&mut work.outlet.any_wanted);
        for snapshot in &mut self.snapshots {
            let SnapshotLine { instrument, line, .. } = snapshot;
            if wanted && core::mem::take(&mut work.outlet.wanted[instrument.index()]) && !self.leaving {
                line.link.want(now);
            }
            let before = line.link.paused_until();
            let conn = ConnId::snapshot(*instrument);
            // A wish is new: its deadline may be now.
            line.serve(now, timed || wanted, &self.resolver, work, &mut |work, event, read_at| {
                if let LinkEvent::Message(bytes) = event {
                    work.input(InputKind::Bytes { conn, bytes }, read_at);
                }
            });
            let (venue, until) = (snapshot.venue, snapshot.line.link.paused_until());
            if until != before {
                self.snapshots
                    .iter_mut()
                    .filter(|other| other.venue == venue)
                    .for_each(|other| other.line.link.pause(until));
                break;
            }
        }
    }

    /// Answers of the resolver.
    fn answers(&mut self, work: &mut Work) {
        let Some(net) = &mut work.outlet.net else { return };
        while let Some(((place, ask), found)) = self.order_resolver.answer().or_else(|| self.resolver.answer()) {
            let orders = self.orders.iter_mut().map(|(venue, line)| (2 * *venue + 1, &mut line.socket));
            let markets = self.markets.iter_mut().map(|(venue, market)| (2 * *venue, &mut market.line.socket));
            let base = 2 * work.outlet.entries.len();
            let snapshots = self.snapshots.iter_mut().map(|one| (base + one.instrument.index(), &mut one.line.socket));
            if let Some((_, socket)) = orders.chain(markets).chain(snapshots).find(|(known, _)| *known == place) {
                socket.found(ask, found, net);
            }
        }
    }

    /// After a halt: are there venues that the last cancels have still to reach, or that have still to answer them?
    pub(crate) fn has_last_cancels(&self) -> bool {
        self.orders.iter().any(|(_, line)| line.has_last_cancels())
    }

    /// No connection is made from here on.
    pub(crate) fn stay_down(&mut self) {
        self.leaving = true;
    }

    /// Closes the market data; with `orders` the order entry too. Nothing is connected after it. Returns of how many
    /// connections the end is to be awaited.
    pub(crate) fn leave(&mut self, work: &mut Work, orders: bool) -> usize {
        let connected = |lines: &Lines| {
            let markets = lines.markets.iter().map(|(_, market)| &market.line.socket);
            let orders = lines.orders.iter().map(|(_, orders)| &orders.socket);
            markets.chain(orders).filter(|socket| socket.token.is_some()).count()
        };
        let before = connected(self);
        let now = work.local(work.machine.monotonic());
        self.leaving = true;
        for (_, market) in &mut self.markets {
            market.line.link.close(now, &mut |_| ());
            market.line.obey(now, &self.resolver, work, &mut |_, _, _| ());
        }
        if orders {
            self.orders.iter_mut().for_each(|(_, line)| line.close(work));
        }
        self.ends = 0;
        before - connected(self)
    }

    /// Polls the sockets for the ends of connections that were closed; how many since the last call.
    pub(crate) fn ends(&mut self, work: &mut Work) -> usize {
        self.poll(work, END_POLL);
        core::mem::take(&mut self.ends)
    }

    /// By venue and whether it carries orders: state and counts.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (usize, bool, u64, Counts)> + '_ {
        let markets = self.markets.iter().map(|(venue, market)| (*venue, false, &market.line.socket));
        let orders = self.orders.iter().map(|(venue, line)| (*venue, true, &line.socket));
        markets.chain(orders).map(|(venue, orders, socket)| (venue, orders, socket.state(), socket.counts))
    }
}

/// What a venue's market data is to the engine.
struct Held<'a> {
    conn: ConnId,
    told_up: &'a mut bool,
    held: &'a mut Option<UnixNanos>,
    follows: bool,
    now: UnixNanos,
}

impl Held<'_> {
    #[inline]
    fn told(&mut self, work: &mut Work, producers: &mut [Producer], event: LinkEvent<'_>, read_at: u64) {
        match event {
            LinkEvent::Message(bytes) => {
                self.release(work);
                work.messages += 1;
                work.input(InputKind::Bytes { conn: self.conn, bytes }, read_at);
                work.look(producers);
            }
            LinkEvent::Stamp(_) => self.release(work),
            LinkEvent::Up => {
                *self.held = Some(self.now);
                if !self.follows || work.clock.followed {
                    self.release(work);
                }
            }
            LinkEvent::Down => {
                *self.held = None;
                if self.follows {
                    work.follow_no_more();
                }
                if core::mem::take(self.told_up) {
                    work.conn(self.conn, ConnState::Down);
                }
            }
            LinkEvent::Fault(_) => {}
        }
    }

    fn release(&mut self, work: &mut Work) {
        if self.held.take().is_some() {
            *self.told_up = true;
            work.conn(self.conn, ConnState::Up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::config::EngineConfig;
    use types::{Lots, OrderId, Side};

    #[test]
    fn the_cancels_of_a_full_table_find_room() {
        let name = "N".repeat(32);
        let config = format!(
            r#"{{ "session": 2097151, "orders": {{ "maxOrders": 65536 }}, "venues": [{{ "name": "V" }}],
            "instruments": [{{ "symbol": "{name}", "venue": "V", "tickSize": "0.1", "lotSize": "0.00000001",
                             "quantityDecimals": 8 }}] }}"#
        );
        let (_, setup) = EngineConfig::from_json(&config).unwrap();
        let (mut bytes, id) = ([0; 512], OrderId::new(2_097_151, u32::MAX));
        let header = wire::fix::Header {
            sender: name.as_bytes(),
            target: name.as_bytes(),
            sequence: wire::fix::SEQUENCE_MAX,
            time: UnixNanos(1_723_075_200_000_000_000),
        };
        let cancel = wire::fix::CancelOrder {
            cl_ord_id: id,
            orig_cl_ord_id: id,
            instrument: &setup.instruments[0],
            side: Side::Buy,
            quantity: Lots(i64::MAX),
        };
        let length = wire::fix::cancel_order(&mut bytes, &header, &cancel).unwrap();
        assert!(length + 32 <= CANCEL_BYTES_MAX, "{length}");
        assert!(out_bytes(&setup) >= 2 * 65_536 * (length + 32));
    }
}
