//! # Room card: bench/fix
//! In:    nothing.
//! Out:   µs from an order to its ExecutionReport between two hosts of `driver::fix` over loopback, which poll for it
//!        or sleep.
//! Holds: one order is under way at a time; each report is of the order asked; the median of all trips.
//! Costs: half a minute; a thread a host.
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use driver::fix::{FixAcceptor, FixApplication, FixInitiator, FixPort, Taken, acceptor_setup, initiator_setup};
use serde_json::{Value, json};
use types::config::{FixAcceptorConfig, FixInitiatorConfig};
use types::{Decimal, Fault};
use wire::fix::{BeginString, BusinessReason, Message, MessageBuilder, Outgoing, Precision};

use crate::timing::median;

const WARMUP_TRIPS: u64 = 20_000;
const TRIPS: u64 = 200_000;
/// All of it takes seconds; a peer that does not answer must not hold up the bench.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends what a builder holds.
fn send(port: &mut FixPort<'_>, kind: &[u8], builder: &mut MessageBuilder) -> bool {
    let Ok((header, body)) = builder.parts() else { return false };
    port.send(&Outgoing { kind, header, body }).is_ok()
}

/// The side that is asked.
struct Venue {
    builder: MessageBuilder,
    reports: u64,
}

impl FixApplication for Venue {
    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        let Some(id) = message.get(11) else { return Taken::Refused(BusinessReason::NotAvailable, 0) };
        self.reports += 1;
        let number = self.reports as i64;
        let report = self.builder.open(b"8");
        report.integer(6, 0).text(11, id).integer(14, 0).integer(17, number).integer(37, number).integer(38, 3);
        report.character(39, b'0').character(54, b'1').text(55, b"BTCUSDT");
        report.timestamp(60, port.now(), Precision::Millis).character(150, b'0').integer(151, 3);
        send(port, b"8", &mut self.builder);
        Taken::Yes
    }
}

/// The side that asks.
struct Client {
    builder: MessageBuilder,
    asked: u64,
    begun: Instant,
    nanos: Vec<f64>,
    done: Sender<Result<Vec<f64>, String>>,
}

impl Client {
    fn ask(&mut self, port: &mut FixPort<'_>) {
        self.asked += 1;
        self.begun = Instant::now();
        let order = self.builder.open(b"D");
        order.integer(11, self.asked as i64).character(21, b'1').integer(38, 3).character(40, b'2');
        order.decimal(44, Decimal { mantissa: 6_012_345, scale: 2 }).character(54, b'1').text(55, b"BTCUSDT");
        order.character(59, b'1').timestamp(60, port.now(), Precision::Millis);
        if !send(port, b"D", &mut self.builder) {
            self.end(Err("an order could not be sent".into()));
        }
    }

    fn end(&mut self, with: Result<Vec<f64>, String>) {
        // A bench that was given up listens no more.
        let _ = self.done.send(with);
    }
}

impl FixApplication for Client {
    fn on_logon(&mut self, port: &mut FixPort<'_>) {
        self.ask(port);
    }

    fn on_message(&mut self, message: &Message<'_>, port: &mut FixPort<'_>) -> Taken {
        let took = self.begun.elapsed().as_nanos() as f64;
        if message.integer(11) != Some(self.asked) {
            self.end(Err("a report is not of the order that was asked".into()));
            return Taken::Yes;
        }
        if self.asked > WARMUP_TRIPS {
            self.nanos.push(took);
        }
        if self.asked == WARMUP_TRIPS + TRIPS {
            let nanos = std::mem::take(&mut self.nanos);
            self.end(Ok(nanos));
        } else {
            self.ask(port);
        }
        Taken::Yes
    }
}

/// Two hosts that trade with each other and wait as told.
fn start(wait: &str, venue: Venue, client: Client) -> Result<(FixAcceptor, FixInitiator), Fault> {
    let names = |own: &str, peer: &str| json!({ "beginString": "FIX.4.4", "senderCompId": own, "targetCompId": peer });
    let config = json!({ "shared": { "wait": wait }, "sessions": [names("VENUE", "CLIENT")] }).to_string();
    let setup = acceptor_setup(&FixAcceptorConfig::from_json(&config)?)?;
    let acceptor = FixAcceptor::start(setup, Box::new(venue))?;
    let mut session = names("CLIENT", "VENUE");
    session["addresses"] = json!([acceptor.address().to_string()]);
    let config = json!({ "shared": { "wait": wait }, "sessions": [session] }).to_string();
    let (sessions, options) = initiator_setup(&FixInitiatorConfig::from_json(&config)?)?;
    Ok((acceptor, FixInitiator::start(sessions, options, Box::new(client))?))
}

/// The row of the trip, without its rival, which is JavaScript's.
pub fn rows() -> Result<(Vec<Value>, Vec<String>), String> {
    let (spinning, sleeping) = (trip("spin")?, trip("park")?);
    let what = "order to ExecutionReport over loopback, two hosts that poll, one at a time";
    let row = json!({ "id": "fix/trip", "what": what, "ours": spinning, "unit": "µs" });
    Ok((vec![row], vec![format!("fix/trip: two hosts that sleep between messages: {sleeping:.1} µs")]))
}

/// The median of all trips, µs.
fn trip(wait: &str) -> Result<f64, String> {
    let told = |fault: Fault| format!("{}: {}", fault.code.name(), fault.message);
    let builder = || MessageBuilder::new(BeginString::Fix44);
    let (done, result) = channel();
    let nanos = Vec::with_capacity(TRIPS as usize);
    let client = Client { builder: builder(), asked: 0, begun: Instant::now(), nanos, done };
    let (mut acceptor, mut initiator) = start(wait, Venue { builder: builder(), reports: 0 }, client).map_err(told)?;
    let nanos = result.recv_timeout(PATIENCE).map_err(|error| format!("the trips did not end: {error}"))??;
    initiator.close().map_err(told)?;
    acceptor.close().map_err(told)?;
    Ok(median(nanos) / 1_000.0)
}
