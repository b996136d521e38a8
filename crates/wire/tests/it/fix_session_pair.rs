//! Two engines through loss, repetition, delay, splits, disconnects and crashes of either side: each message arrives in
//! order, at least once, and twice only after a crash and then marked; no number is used twice. `FAFNIR_LONG=1` takes a
//! million messages, `FAFNIR_FIX_SEED=n` one run.
use crate::world;

use world::{Mix, run};

/// Messages of one run.
const RUN_MESSAGES: u64 = 200;

#[test]
fn everything_arrives_in_order_whatever_happens() {
    if let Some(seed) = std::env::var("FAFNIR_FIX_SEED").ok().and_then(|text| text.parse().ok()) {
        println!("{:#?}", run(seed, RUN_MESSAGES));
        return;
    }
    let messages = if std::env::var_os("FAFNIR_LONG").is_some() { 1_000_000 } else { 20_000 };
    let (mut mix, mut runs) = (Mix::default(), 0);
    while mix.sent < messages {
        mix.add(&run(runs, RUN_MESSAGES));
        runs += 1;
    }
    println!("{runs} runs: {mix:#?}");
    assert_eq!(mix.sent, mix.delivered);
    for (name, count) in [
        ("delivered again", mix.delivered_again),
        ("lost", mix.lost),
        ("repeated", mix.repeated),
        ("held back", mix.held_back),
        ("splits", mix.splits),
        ("disconnects", mix.disconnects),
        ("crashes", mix.crashes),
        ("crashes before settling", mix.crashes_before_settling),
        ("logouts", mix.logouts),
        ("resend requests", mix.resend_requests),
        ("queued", mix.queued),
    ] {
        assert!(count > runs / 4, "too few to mean anything: {name} {count} in {runs} runs");
    }
}
