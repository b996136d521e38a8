//! Whole runs: counts, determinism, what changes the hash, two instruments at once, the dump, the venue's ledger.
use crate::common;

use common::{fixture, generated, recorded, run, scratch, small_recording, usdm_recording};
use fafnir_backtest::Summary;
use serde_json::json;

#[test]
fn recording_gives_the_known_counts_and_quotes_both_sides() {
    let Some(path) = usdm_recording() else { return };
    let summary = run(&recorded(&path.display().to_string()));
    let counts = &summary.counts;
    assert_eq!((counts.depth, counts.book_ticker, counts.trade, counts.snapshot), (6_551, 66_089, 21_313, 1));
    let book = &summary.book;
    assert_eq!((book.before_join, book.after_join, book.gaps, book.crossed), (4, 6_547, 0, 0));
    assert!(summary.quote_uptime.fraction >= 0.9, "{:?}", summary.quote_uptime);
    let fills = &summary.instruments[0].fills;
    assert!(fills.buy > 0 && fills.sell > 0 && fills.buy + fills.sell >= 100, "{fills:?}");
    assert!(summary.ledger_agrees());
}

#[test]
fn fixture_has_its_own_known_counts() {
    let listed = std::fs::read_to_string(small_recording().with_extension("json")).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let mut config = fixture(&small_recording().display().to_string());
    config["engine"]["volatility"] = json!({ "window": 100 });
    let summary = run(&config);
    let counts = &summary.counts;
    let seen = json!({ "depth": counts.depth, "bookTicker": counts.book_ticker, "trade": counts.trade });
    for key in ["depth", "bookTicker", "trade"] {
        assert_eq!(seen[key], listed[key], "{key} of {listed}");
    }
    assert_eq!((counts.snapshot, summary.book.gaps, summary.book.crossed), (1, 0, 0));
    assert_eq!(listed["diffsBeforeJoin"], summary.book.before_join);
    assert_eq!(listed["diffsFromJoin"], summary.book.after_join);
    assert!(summary.orders.new > 0 && summary.ledger_agrees());
}

#[test]
fn same_configuration_same_hash_and_anything_else_another() {
    let config = generated(7);
    let hash = run(&config).effects_hash;
    assert_eq!(run(&config).effects_hash, hash);
    assert_eq!(hash.len(), 32);
    assert_ne!(run(&generated(9)).effects_hash, hash, "another seed");
    let mut other = config.clone();
    other["engine"]["quoters"][0]["riskAversionPerMoney"] = 0.55.into();
    assert_ne!(run(&other).effects_hash, hash, "another parameter");
    let mut same = config;
    same["output"] = json!({ "samples": 100 });
    assert_eq!(run(&same).effects_hash, hash, "the report is no effect");
}

#[test]
fn two_instruments_trade_side_by_side() {
    let summary = run(&generated(3));
    assert_eq!(summary.seeds, [3, 4]);
    for instrument in &summary.instruments {
        assert!(instrument.fills.buy > 0 && instrument.fills.sell > 0, "{instrument:?}");
        assert!(instrument.ledger.as_ref().is_some_and(|ledger| ledger.agrees), "{instrument:?}");
    }
    assert_eq!((summary.book.gaps, summary.book.crossed), (0, 0));
    // A rebate is negative: the venue pays.
    assert!(summary.instruments[1].pnl.as_ref().unwrap().fees.starts_with('-'));
}

#[test]
fn a_calibration_says_its_prior_and_what_it_came_to() {
    let mut config = generated(3);
    // b0 = a0 / (A·e^(-κ0·d0)) = 2 / (4·e^(-2·0.5)) = e/2; κ of the prior alone is κ0 = 2.
    config["engine"]["quoters"][0]["calibration"] = json!({ "arrivalsPerSecond": 4.0, "priorFills": 2.0,
        "priorDistancePrice": 0.5, "minPerPrice": 0.001, "maxPerPrice": 1000.0 });
    let summary = run(&config);
    assert!(summary.instruments[1].calibration.is_none());
    let got = summary.instruments[0].calibration.as_ref().unwrap();
    assert_eq!((got.arrivals_per_second, got.prior_fills, got.prior_distance_price), (4.0, 2.0, 0.5));
    assert!((got.prior_seconds - std::f64::consts::E / 2.0).abs() < 1e-12, "{got:?}");
    assert!((got.prior_decay_per_price - 2.0).abs() < 1e-12, "{got:?}");
    let fills = &summary.instruments[0].fills;
    assert_eq!((got.fills.buy, got.fills.sell), (fills.buy as f64, fills.sell as f64));
    for (seconds, decay) in
        [(got.quoted_seconds.buy, got.decay_per_price.buy), (got.quoted_seconds.sell, got.decay_per_price.sell)]
    {
        assert!((1.0..=20.0).contains(&seconds) && decay != 2.0 && (0.001..=1000.0).contains(&decay), "{got:?}");
    }
}

#[test]
fn nothing_of_ours_is_open_at_the_venue_at_the_end() {
    let mut config = generated(5);
    // Requests and reports are still on their way when the market ends.
    config["latency"] = json!({ "orderNanos": 700_000_000, "reportNanos": 900_000_000 });
    let summary = run(&config);
    assert!(summary.orders.new > 0 && summary.orders.cancel > 0, "{:?}", summary.orders);
    for instrument in &summary.instruments {
        let ledger = instrument.ledger.as_ref().unwrap();
        assert_eq!((ledger.open_orders, ledger.agrees), (0, true), "{instrument:?}");
    }
}

#[test]
fn dump_holds_exactly_the_hashed_bytes() {
    let path = scratch("dump");
    let mut config = generated(5);
    config["output"] = json!({ "dumpEffects": path.display().to_string() });
    let summary = run(&config);
    let bytes = std::fs::read(&path).unwrap();
    let mut hash = journal::EffectsHash::new();
    hash.update(&bytes);
    assert_eq!(journal::hex(hash.digest()), summary.effects_hash);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn market_time_can_be_cut_short() {
    let mut config = generated(5);
    config["seconds"] = 5.into();
    let short = run(&config);
    let nanos =
        |summary: &Summary| summary.market_end.parse::<u64>().unwrap() - summary.market_start.parse::<u64>().unwrap();
    assert!(nanos(&short) < 5_100_000_000, "{}", nanos(&short));
    assert!(nanos(&run(&generated(5))) > 19_000_000_000);
}
