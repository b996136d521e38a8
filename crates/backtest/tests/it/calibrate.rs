//! Calibration from recordings: a written one whose A and κ are known, the fixture, the development recording, bad
//! arguments.
use crate::common;

use std::fmt::Write;

use common::{fixture, recorded, scratch, small_recording, usdm_recording};
use fafnir_backtest::{Calibration, calibrate};
use types::Code;
use types::rng::SplitMix64;

const ARRIVALS: f64 = 3.0;
const DECAY: f64 = 4.0;

fn run(path: &str, options: &str) -> Calibration {
    calibrate(&fixture(path).to_string(), options, |_| (), || true).expect("a calibration")
}

/// Twenty minutes in which buyers and sellers reach exponentially far; the touch stands one to three ticks wide. Every
/// order prints each level it reaches, and the touch it leaves behind arrives before its prints.
fn written(seed: u64) -> String {
    let (mut rng, mut text) = (SplitMix64::new(seed), String::new());
    let (mut bid, mut spread, mut update, mut trade) = (1_000_i64, 1_i64, 10_u64, 1_u64);
    let mut touch = |text: &mut String, milli: u64, bid: i64, spread: i64| {
        update += 1;
        let at = 1_700_000_000_000 + milli;
        let (low, high) = (bid as f64 / 10.0, (bid + spread) as f64 / 10.0);
        let _ = writeln!(
            text,
            "{}000000 {{\"stream\":\"s\",\"data\":{{\"e\":\"bookTicker\",\"u\":{update},\"s\":\"FAFUSDT\",\
             \"b\":\"{low:.2}\",\"B\":\"9.000\",\"a\":\"{high:.2}\",\"A\":\"9.000\",\"T\":{at},\"E\":{at}}}}}",
            at + 5
        );
    };
    let mut milli = 0;
    touch(&mut text, milli, bid, spread);
    while milli < 1_200_000 {
        let gap = -(1.0 - rng.unit_f64()).ln() / (2.0 * ARRIVALS);
        milli += 1 + (gap * 1_000.0) as u64;
        let buys = rng.next_u64() >> 63 == 1;
        let reach_half_ticks = -(1.0 - rng.unit_f64()).ln() / DECAY / 0.05;
        let steps = ((reach_half_ticks - spread as f64) / 2.0).floor();
        if steps >= 0.0 {
            // What is left behind arrives first, with the stamp of the trade itself.
            touch(&mut text, milli, bid + if buys { 1 } else { -1 }, spread);
            for step in 0..=steps as i64 {
                let price = if buys { bid + spread + step } else { bid - step };
                let at = 1_700_000_000_000 + milli;
                let _ = writeln!(
                    text,
                    "{}000000 {{\"stream\":\"s\",\"data\":{{\"e\":\"trade\",\"E\":{at},\"T\":{at},\"s\":\"FAFUSDT\",\
                     \"t\":{trade},\"p\":\"{:.2}\",\"q\":\"0.010\",\"X\":\"MARKET\",\"m\":{}}}}}",
                    at + 5,
                    price as f64 / 10.0,
                    !buys
                );
                trade += 1;
            }
            milli += 1;
            bid += rng.below(3) as i64 - 1;
            spread = 1 + rng.below(3) as i64;
            touch(&mut text, milli, bid, spread);
        }
    }
    text
}

#[test]
fn finds_what_a_recording_was_written_with() {
    let path = scratch("calibrate.txt");
    let mut inside = 0;
    for seed in 1..=4 {
        std::fs::write(&path, written(seed)).expect("written");
        let found = run(&path.display().to_string(), "{}");
        for (name, side) in [("bid", &found.bid), ("ask", &found.ask)] {
            let fit = side.fit.unwrap_or_else(|| panic!("seed {seed} {name}: {:?}", side.refusal));
            let (arrivals, decay) = (fit.arrivals_per_second, fit.decay_per_price);
            // Every millisecond stamp is rounded up, which slows arrivals by about 0.3 %.
            inside += u32::from(arrivals.low < ARRIVALS && ARRIVALS < arrivals.high);
            inside += u32::from(decay.low < DECAY && DECAY < decay.high);
            assert!((arrivals.value / ARRIVALS - 1.0).abs() < 0.12, "seed {seed} {name}: {arrivals:?}");
            assert!((decay.value / DECAY - 1.0).abs() < 0.12, "seed {seed} {name}: {decay:?}");
            let line = side.line.expect("a line");
            assert!((line.decay_per_price / DECAY - 1.0).abs() < 0.15 && line.r_squared > 0.9, "{line:?}");
            assert!(fit.goodness.expect("a test").p_value > 1e-4, "seed {seed} {name}: {:?}", fit.goodness);
            assert!(side.orders > 1_500.0 && side.prints as f64 > side.orders, "{} {}", side.orders, side.prints);
            assert_eq!((side.orders_left_out, side.orders_cut), (0, 0.0));
            assert!((side.seconds - found.seconds).abs() < 0.01 && (side.seconds - 1_200.0).abs() < 2.0);
        }
        assert_eq!(found.left_out.prints_without_mid, 0);
        let rolling = &found.volatility.rolling;
        assert!(rolling.low <= rolling.median && rolling.median <= rolling.high && rolling.last.is_some());
    }
    assert!(inside >= 13, "{inside} of 16 intervals of 95 % hold the truth");
    // Nearest levels left out: the same law, fewer orders.
    let all = run(&path.display().to_string(), "{}");
    let far = run(&path.display().to_string(), r#"{"nearestHalfTicks": 4, "levels": 64}"#);
    assert!(far.bid.orders < all.bid.orders && far.bid.orders_left_out > 0);
    let decay = far.bid.fit.expect("a fit").decay_per_price;
    assert!((decay.value / DECAY - 1.0).abs() < 0.2, "{decay:?}");
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn what_is_left_out_is_counted() {
    let mut lines: Vec<String> = written(9).lines().take(2_000).map(str::to_string).collect();
    // An interruption of a minute before the last line, a line that is none, another stream, something unreadable.
    let last = lines.pop().expect("lines");
    let (at, message) = last.split_once(' ').expect("a line");
    let later = at.parse::<u64>().expect("a time") + 60_000_000_000;
    lines.push("no line".into());
    lines.push(format!("{at} {{\"result\":null,\"id\":1}}"));
    lines.push(format!("{at} {}", &message[..message.len() - 9]));
    lines.push(format!("{later} {message}"));
    // A trade before any touch.
    let trade = lines.iter().find(|line| line.contains("\"trade\"")).expect("a trade").clone();
    lines.insert(0, trade);
    let path = scratch("calibrate-left-out.txt");
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    let left = run(&path.display().to_string(), "{}").left_out;
    std::fs::remove_file(&path).expect("removed");
    assert_eq!((left.garbage_lines, left.other_messages, left.unreadable_messages, left.gaps), (1, 1, 1, 1));
    assert!((left.gap_seconds - 60.0).abs() < 1.0 && left.prints_without_mid >= 1, "{left:?}");
}

#[test]
fn the_fixture_and_the_development_recording() {
    let found = run(&small_recording().display().to_string(), "{}");
    assert_eq!((found.lines, found.changed_mids, found.symbol.as_str()), (1_779, 411, "FAFUSDT"));
    assert_eq!(found.bid.prints + found.ask.prints, 560);
    for side in [&found.bid, &found.ask] {
        assert_eq!(side.fit.is_some(), side.refusal.is_none());
    }
    assert_eq!(found, run(&small_recording().display().to_string(), "{}"), "the same again");
    let Some(path) = usdm_recording() else { return };
    let config = recorded(&path.display().to_string()).to_string();
    let found = calibrate(&config, "{}", |_| (), || true).expect("a calibration");
    println!("{}", serde_json::to_string_pretty(&found.volatility).expect("JSON"));
    for side in [&found.bid, &found.ask] {
        println!("{:?}\n{:?}\n{} orders of {} prints", side.fit, side.line, side.orders, side.prints);
        let fit = side.fit.expect("a fit");
        assert!(fit.decay_per_price.low > 0.0 && fit.arrivals_per_second.low > 0.0);
    }
    println!("{:?}", found.left_out);
}

#[test]
fn refuses_what_it_cannot_use() {
    let path = small_recording().display().to_string();
    let good = fixture(&path).to_string();
    let code = |config: &str, options: &str| calibrate(config, options, |_| (), || true).expect_err("refused").code;
    assert_eq!(code("{}", "{}"), Code::ConfigInvalid);
    assert_eq!(code(&recorded("no/such.gz").to_string(), "{}"), Code::RecordingMissing);
    for options in ["", "{\"levels\":\"x\"}", "{\"nothing\":1}", "{\"levels\":-1}"] {
        assert_eq!(code(&good, options), Code::ArgumentInvalid, "{options}");
    }
    for options in ["{\"levels\":3}", "{\"levels\":4097}", "{\"nearestHalfTicks\":4093}"] {
        assert_eq!(code(&good, options), Code::ParameterOutOfRange, "{options}");
    }
    let aborted = calibrate(&good, "{}", |_| (), || false);
    // The fixture is shorter than one look.
    assert!(aborted.is_ok());
}
