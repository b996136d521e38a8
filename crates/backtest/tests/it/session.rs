//! A session's journal sums up to what the run itself did, and its market data comes out as it went in.
use std::io::Read;
use std::path::PathBuf;

use fafnir_backtest::{export_recording, session_summary};

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fafnir-session-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn config(recording: &str, journal: &str) -> String {
    format!(
        r#"{{ "engine": {{ "venues": [{{ "name": "SIM" }}], "volatility": {{ "window": 50 }},
            "instruments": [{{ "symbol": "FAFUSDT", "venue": "SIM", "tickSize": "0.1", "lotSize": "0.001" }}],
            "quoters": [{{ "instrument": "FAFUSDT", "riskAversionPerMoney": 0.5, "intensityDecayPerPrice": 2,
                "orderQuantity": "0.010", "maxInventory": "0.100" }}] }},
        "sources": [{{ "kind": "recording", "instrument": "FAFUSDT", "path": {recording:?} }}],
        "output": {{ "journalDir": {journal:?}, "samples": 100 }} }}"#
    )
}

#[test]
fn a_journal_sums_up_to_the_run_and_exports_its_market() {
    let folder = folder("sum");
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/fixtures/usdm-small.txt");
    let journal = folder.join("journal");
    let run = fafnir_backtest::run(&config(recording, journal.to_str().unwrap()), |_| (), || true).unwrap();
    let account = run.instruments[0].ledger.as_ref().unwrap();
    let lots = (account.position.parse::<f64>().unwrap() * 1_000.0).round() as i64;
    let facts = format!(
        r#"{{ "samples": 100, "wallSeconds": 2.0, "accounts": [
            {{ "symbol": "FAFUSDT", "positionLots": {lots}, "fees": "0", "openOrders": 0 }}] }}"#
    );
    let session = session_summary(&journal, &facts, |_| (), || true).unwrap();
    assert_eq!((&session.effects_hash, session.turns), (&run.effects_hash, run.turns));
    assert_eq!((&session.market_start, &session.market_end), (&run.market_start, &run.market_end));
    assert_eq!(session.quote_uptime.eligible_nanos, run.quote_uptime.eligible_nanos);
    assert_eq!(session.quote_uptime.both_sides_nanos, run.quote_uptime.both_sides_nanos);
    assert_eq!(session.fills.len(), run.fills.len());
    assert!(run.fills.len() > 3, "{}", run.fills.len());
    assert_eq!(session.series.instruments[0].pnl, run.series.instruments[0].pnl);
    assert_eq!(session.order_to_ack_nanos.p50, run.order_to_ack_nanos.p50);
    assert!(session.ledger_agrees() && session.wall_seconds == 2.0);
    let off = facts.replace(&format!("\"positionLots\": {lots}"), "\"positionLots\": 123456");
    assert!(!session_summary(&journal, &off, |_| (), || true).unwrap().ledger_agrees());

    let out = folder.join("again.gz");
    let exported = export_recording(&journal, &out, |_| (), || true).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(&out).unwrap()).read_to_string(&mut text).unwrap();
    let messages =
        |text: &str| -> Vec<String> { text.lines().map(|line| line.split_once(' ').unwrap().1.to_string()).collect() };
    let original = messages(&std::fs::read_to_string(recording).unwrap());
    assert_eq!(messages(&text), original);
    assert_eq!((exported.lines, exported.skipped), (original.len() as u64, 0));
    std::fs::remove_dir_all(&folder).unwrap();
}
