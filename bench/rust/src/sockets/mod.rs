//! # Room card: bench/sockets
//! In:    two cores (or fewer, said so), loopback, a state folder below the system's temporary one, `node`.
//! Out:   from the bytes of a bookTicker to the first bytes of the orders it makes, over real sockets: the engine, a
//!        bare echo, a market maker in JavaScript.
//! Holds: all three answer the same peer with the same bytes, block after block in turn, so that a machine that is busy
//!        for a while is so for all of them; the engine is the whole one, on its own thread with its journal.
//! Costs: about twenty seconds.
mod echo;
mod entry;
mod peer;
mod rival;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use driver::{Hosted, HostedOptions, HostedSummary};
use hdrhistogram::Histogram;
use net::Backend;
use ring::Region;
use serde_json::{Value, json};
use types::config::{EngineConfig, HostConfig, TransportConfig, WaitConfig};

use crate::timing::median;
use echo::Spin;
use peer::{Answer, CLIENT, Peer, SYMBOL, VENUE};
use rival::Rival;

/// Times every block is run.
const ROUNDS: usize = 15;
/// Ticks of a block that count, and before them those that do not.
const TICKS: usize = 1_000;
const WARM_TICKS: usize = 200;
/// Ticks before the first block of the rival, so that its code is compiled.
const RIVAL_WARM_TICKS: usize = 5_000;
const SEED: u64 = 0x6e65_7431;
/// Ticks before those, until a client's orders rest, at most.
const FIRST_TICKS: usize = 1_000;

/// A way to run the engine.
struct Variant {
    name: &'static str,
    journal: bool,
    transport: TransportConfig,
}

const VARIANTS: [Variant; 3] = [
    Variant { name: "ours", journal: true, transport: TransportConfig::Auto },
    Variant { name: "ours without a journal", journal: false, transport: TransportConfig::Auto },
    Variant { name: "ours over the portable transport", journal: true, transport: TransportConfig::Portable },
];

/// Echoes; the floor is the fastest of them.
const ECHOES: [Spin; 3] = [
    Spin { name: "bare echo that looks at one socket", both: false, hints: 1 },
    Spin { name: "bare echo that looks at both in turn", both: true, hints: 1 },
    Spin { name: "bare echo that looks at one less often", both: false, hints: 30 },
];

/// What the blocks of one runner brought.
struct Times {
    /// Until the first bytes, nanoseconds.
    first: Histogram<u64>,
    /// Until the last.
    whole: Histogram<u64>,
    /// The first bytes of the block that runs, and the p50 of every block before it.
    block: Histogram<u64>,
    blocks: Vec<f64>,
    unanswered: u64,
}

impl Times {
    fn new() -> Times {
        let histogram = || Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("fixed bounds are valid");
        let (first, whole, block) = (histogram(), histogram(), histogram());
        Times { first, whole, block, blocks: Vec::new(), unanswered: 0 }
    }
    fn add(&mut self, answer: Option<Answer>) {
        match answer {
            Some(answer) => {
                self.first.saturating_record(answer.first_nanos);
                self.block.saturating_record(answer.first_nanos);
                self.whole.saturating_record(answer.whole_nanos);
            }
            None => self.unanswered += 1,
        }
    }
    fn end_block(&mut self) {
        self.blocks.push(self.block.value_at_quantile(0.5) as f64 / 1_000.0);
        self.block.reset();
    }
    fn said(&self, name: &str) -> String {
        let at = |quantile| self.first.value_at_quantile(quantile) as f64 / 1_000.0;
        let whole = self.whole.value_at_quantile(0.5) as f64 / 1_000.0;
        format!(
            "{name}: first bytes p10 {:.2} p50 {:.2} p90 {:.2} p99 {:.2} p99.9 {:.2} us, all bytes p50 {whole:.2} us \
             ({} ticks, {} unanswered)",
            at(0.1),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            self.first.len(),
            self.unanswered
        )
    }
}

/// Cores of the peer and of the engine; none where there are not two.
#[derive(Clone, Copy)]
struct Cores {
    peer: Option<usize>,
    engine: Option<u32>,
}

impl Cores {
    /// The engine has the last core, all else the first.
    fn plan() -> Cores {
        match net::cores() {
            0 | 1 => Cores { peer: None, engine: None },
            cores => Cores { peer: Some(0), engine: Some(cores as u32 - 1) },
        }
    }
}

/// Rows of the sockets: `net/tick-to-order-over-floor-us` and `net/node-rival`.
pub fn rows(root: &Path) -> Result<(Vec<Value>, Vec<String>), String> {
    let cores = Cores::plan();
    // Before the peer is pinned, or it would be pinned too.
    let (_, setup) = EngineConfig::from_json(&config((1, 1))).map_err(|fault| fault.to_string())?;
    let mut rival_peer = Peer::new(setup.instruments.clone(), SEED)?;
    let mut rival = Rival::start(&root.join("bench/peers/market-maker.mjs"), rival_peer.ports()?)?;
    if let Some(core) = cores.peer {
        net::pin_thread(core).map_err(|fault| fault.to_string())?;
    }
    rival_peer.await_client(|| rival.is_alive())?;
    rival_peer.await_orders()?;
    (0..RIVAL_WARM_TICKS).try_for_each(|_| tick(&mut rival_peer, &mut None))?;

    let mut ours: Vec<Times> = VARIANTS.iter().map(|_| Times::new()).collect();
    let (mut floors, mut theirs) = (ECHOES.map(|_| Times::new()), Times::new());
    let mut ends = Vec::new();
    for round in 0..ROUNDS {
        // The one that is judged stands beside the echoes.
        for (variant, times) in VARIANTS.iter().zip(&mut ours).rev() {
            let summary = engine_block(variant, cores, SEED + round as u64, times)?;
            times.end_block();
            if variant.name == VARIANTS[0].name {
                ends.push(summary);
            }
        }
        for (spin, times) in ECHOES.into_iter().zip(&mut floors) {
            floor_block(cores, spin, SEED + round as u64, times)?;
            times.end_block();
        }
        let mut into = Some(&mut theirs);
        (0..WARM_TICKS).try_for_each(|_| tick(&mut rival_peer, &mut None))?;
        (0..TICKS).try_for_each(|_| tick(&mut rival_peer, &mut into))?;
        theirs.end_block();
        rival_peer.on_time();
    }
    drop(rival);
    Ok(report(cores, &ours, &floors, &theirs, &ends))
}

fn tick(peer: &mut Peer, into: &mut Option<&mut Times>) -> Result<(), String> {
    let answer = peer.tick()?;
    if let Some(times) = into {
        times.add(answer);
    }
    peer.pause();
    Ok(())
}

/// One engine: started, measured, closed.
fn engine_block(variant: &Variant, cores: Cores, seed: u64, times: &mut Times) -> Result<HostedSummary, String> {
    let (_, setup) = EngineConfig::from_json(&config((1, 1))).map_err(|fault| fault.to_string())?;
    let mut peer = Peer::new(setup.instruments, seed)?;
    let state = variant.journal.then(state_dir);
    let host = HostConfig {
        state_dir: state.as_ref().map(|dir| dir.display().to_string()),
        wait: WaitConfig::Spin,
        core: cores.engine,
        transport: variant.transport,
        entropy_seed: Some(seed),
        close_millis: Some(200),
        ..HostConfig::default()
    };
    let region = |bytes| Region::heap(bytes).map_err(|error| format!("{error:?}"));
    let options = HostedOptions {
        market: region(1 << 20)?,
        orders: region(1 << 22)?,
        commands: region(1 << 18)?,
        // The registers of the newest state, as the library has them.
        latest: Some(region(1 << 12)?),
        doorbell: Box::new(|| ()),
        host,
        fail_at_turn: None,
        build: "bench".into(),
    };
    let mut hosted = Hosted::start(&config(peer.ports()?), options).map_err(|fault| fault.to_string())?;
    let measured =
        measure(&mut peer, || !hosted.is_closed(), times).map_err(|error| format!("{error}; {}", hosted.stats()));
    let summary = std::thread::scope(|scope| {
        let closing = scope.spawn(|| hosted.close());
        let served = peer.await_end(|| closing.is_finished());
        closing.join().map_err(|_| "closing panicked".to_string()).and_then(|summary| served.map(|()| summary))
    })?;
    if let Some(state) = state {
        std::fs::remove_dir_all(state).map_err(|error| error.to_string())?;
    }
    measured?;
    let summary = summary.ok_or("the engine had ended")?;
    match &summary.fault {
        Some(fault) => Err(format!("the engine halted: {fault}")),
        None => Ok(summary),
    }
}

/// The same for whoever trades here.
fn measure(peer: &mut Peer, alive: impl Fn() -> bool, times: &mut Times) -> Result<(), String> {
    peer.await_client(&alive)?;
    peer.await_orders()?;
    (0..WARM_TICKS).try_for_each(|_| tick(peer, &mut None))?;
    let mut into = Some(times);
    (0..TICKS).try_for_each(|_| tick(peer, &mut into))
}

/// One echo: started, measured, stopped.
fn floor_block(cores: Cores, spin: Spin, seed: u64, times: &mut Times) -> Result<(), String> {
    let (_, setup) = EngineConfig::from_json(&config((1, 1))).map_err(|fault| fault.to_string())?;
    let instrument = setup.instruments[0].clone();
    let mut peer = Peer::new(setup.instruments, seed)?;
    let (market, orders) = peer.ports()?;
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let run = || {
            if let Some(core) = cores.engine {
                net::pin_thread(core as usize).map_err(|fault| fault.to_string())?;
            }
            echo::echo((at(market), at(orders)), &instrument, WARM_TICKS + TICKS + FIRST_TICKS, spin, &stop)
        };
        let echoing = scope.spawn(run);
        let measured = measure(&mut peer, || !echoing.is_finished(), times);
        stop.store(true, Ordering::Relaxed);
        let echoed = echoing.join().map_err(|_| "the echo panicked".to_string())?;
        measured.and(echoed)
    })
}

fn state_dir() -> PathBuf {
    std::env::temp_dir().join(format!("fafnir-bench-net-{}", std::process::id()))
}

/// A maker on one instrument that moves both quotes with every tick. Ticks come far faster than in a market, so σ is
/// large, and γ is tiny.
fn config((market, orders): (u16, u16)) -> String {
    json!({
        "volatility": { "window": 50 },
        "venues": [{
            "name": VENUE,
            "senderCompId": CLIENT,
            "market": {
                "url": format!("ws://127.0.0.1:{market}/stream"),
                "snapshotUrl": format!("http://127.0.0.1:{market}/snapshot?symbol={{symbol}}"),
            },
            "orders": { "kind": "fix", "address": format!("127.0.0.1:{orders}") },
        }],
        "instruments": [{
            "symbol": SYMBOL, "venue": VENUE, "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2,
            "risk": { "maxOrderQuantity": "1", "maxPosition": "0.5", "maxOrderValue": "100000",
                      "maxMessages": 1_000_000 },
        }],
        "quoters": [{
            "instrument": SYMBOL, "riskAversionPerMoney": 1e-9, "intensityDecayPerPrice": 4.0,
            "orderQuantity": "0.01", "maxInventory": "0.1",
        }],
    })
    .to_string()
}

fn report(
    cores: Cores,
    ours: &[Times],
    floors: &[Times],
    theirs: &Times,
    ends: &[HostedSummary],
) -> (Vec<Value>, Vec<String>) {
    // A machine that others use too has slow seconds and fast ones. So only what ran in the same round is compared, and
    // the round in the middle is told.
    let fastest = |round: usize| floors.iter().map(|echo| echo.blocks[round]).fold(f64::INFINITY, f64::min);
    let floor = median((0..ROUNDS).map(fastest).collect());
    let over = median((0..ROUNDS).map(|round| ours[0].blocks[round] - fastest(round)).collect());
    let theirs_over = median((0..ROUNDS).map(|round| theirs.blocks[round] - fastest(round)).collect());
    let (us, them) = (median(ours[0].blocks.clone()), median(theirs.blocks.clone()));
    let what = "from a bookTicker's bytes to the orders' first bytes over loopback: p50 less that of the round's \
                fastest bare echo, median of the rounds";
    let rival = "node net + ws: the same round trip, median of the rounds' p50";
    let rows = vec![
        json!({ "id": "net/tick-to-order-over-floor-us", "what": what, "ours": over, "unit": "us" }),
        json!({
            "id": "net/node-rival", "what": rival, "ours": us, "rival": them,
            "rivalName": "net + ws", "unit": "us",
        }),
    ];
    let mut notes = vec![match (cores.peer, cores.engine) {
        (Some(peer), Some(engine)) => format!(
            "engine and echo spin on core {engine}, the peer on core {peer}; backend {:?}, read directly while \
             spinning; {ROUNDS} rounds of {TICKS} ticks for each, in turn",
            Backend::best()
        ),
        _ => "one core: engine and peer share it, and nothing here says how fast they are".to_string(),
    }];
    notes.extend(ECHOES.iter().zip(floors).map(|(spin, times)| times.said(spin.name)));
    notes.extend(VARIANTS.iter().zip(ours).map(|(variant, times)| times.said(variant.name)));
    notes.push(theirs.said("node net + ws"));
    let ratio = theirs_over / over;
    notes.push(format!(
        "both round trips hold the kernel's part, {floor:.2} us; over it the rival takes {theirs_over:.2} us, ours \
         {over:.2} us{}",
        if over > 0.0 { format!(", {ratio:.1} times as long") } else { String::new() },
    ));
    let mut inside: Vec<_> = ends.iter().map(|end| end.tick_to_order.clone()).collect();
    inside.sort_by_key(|percentiles| percentiles.p50);
    if let Some(middle) = inside.get(inside.len() / 2) {
        notes.push(format!("inside the engine's thread, bytes read to bytes handed to the socket: {middle:?}"));
    }
    (rows, notes)
}
