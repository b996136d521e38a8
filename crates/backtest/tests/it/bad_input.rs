//! Bad recordings: each gets one typed fault or a counted behaviour, and never a summary that hides it.
use crate::common;

use std::io::Write;

use common::{fixture, recorded, run, scratch, small_recording};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use types::Code;

fn fault_of(bytes: &[u8], name: &str) -> types::Fault {
    let path = scratch(name);
    std::fs::write(&path, bytes).unwrap();
    let config = fixture(&path.display().to_string()).to_string();
    let fault = fafnir_backtest::run(&config, |_| (), || true).expect_err("must not run");
    std::fs::remove_file(&path).unwrap();
    fault
}

fn plain_fixture() -> Vec<u8> {
    let mut plain = Vec::new();
    let packed = std::fs::read(small_recording()).unwrap();
    std::io::copy(&mut MultiGzDecoder::new(&packed[..]), &mut plain).unwrap();
    plain
}

#[test]
fn missing_file_and_folder() {
    let config = recorded("no/such/file.gz").to_string();
    let fault = fafnir_backtest::run(&config, |_| (), || true).expect_err("missing");
    assert_eq!(fault.code, Code::RecordingMissing);
    let config = recorded(env!("CARGO_MANIFEST_DIR")).to_string();
    assert_eq!(fafnir_backtest::run(&config, |_| (), || true).expect_err("folder").code, Code::RecordingMissing);
}

#[test]
fn truncated_gzip_is_a_fault() {
    let packed = std::fs::read(small_recording()).unwrap();
    for share in [3, 2] {
        let cut = packed.len() - packed.len() / share;
        assert_eq!(fault_of(&packed[..cut], "cut.gz").code, Code::RecordingTruncated);
    }
    let mut flipped = packed.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    assert_eq!(fault_of(&flipped, "flipped.gz").code, Code::RecordingTruncated, "checksum of the stream");
}

#[test]
fn another_format_is_a_fault() {
    assert_eq!(fault_of(b"", "empty").code, Code::RecordingFormat);
    assert_eq!(fault_of(b"time,price\n1,2\n", "csv").code, Code::RecordingFormat);
    assert_eq!(fault_of(&[0xff; 4_096], "binary").code, Code::RecordingFormat);
    assert_eq!(fault_of("{\"e\":\"trade\"}\n".repeat(500).as_bytes(), "bare").code, Code::RecordingFormat);
}

#[test]
fn a_recording_of_something_else_is_a_fault() {
    let mut config = fixture(&small_recording().display().to_string());
    let text = config.to_string().replace("FAFUSDT", "OTHERUSDT");
    config = serde_json::from_str(&text).unwrap();
    let fault = fafnir_backtest::run(&config.to_string(), |_| (), || true).expect_err("another symbol");
    assert_eq!(fault.code, Code::RecordingFormat, "{fault}");
    assert!(fault.fields.contains(&("firstError", "UNKNOWN_SYMBOL".to_string())), "{fault:?}");
    let other = "1700000000000000000 {\"channel\":\"book\",\"data\":[]}\n".repeat(50);
    assert_eq!(fault_of(other.as_bytes(), "other-feed").code, Code::RecordingFormat);
}

#[test]
fn garbage_lines_are_counted_and_change_nothing() {
    let plain = plain_fixture();
    let text = String::from_utf8(plain).unwrap();
    let clean = scratch("clean");
    std::fs::write(&clean, &text).unwrap();
    let mut dirty_text = String::new();
    for (i, line) in text.lines().enumerate() {
        dirty_text.push_str(line);
        dirty_text.push('\n');
        if i % 500 == 3 {
            dirty_text.push_str("what is this\n");
        }
    }
    let added = (text.lines().count() - 4) / 500 + 1;
    let dirty = scratch("dirty.gz");
    let mut packed = GzEncoder::new(std::fs::File::create(&dirty).unwrap(), Compression::fast());
    packed.write_all(dirty_text.as_bytes()).unwrap();
    packed.finish().unwrap();
    let (want, got) = (run(&fixture(&clean.display().to_string())), run(&fixture(&dirty.display().to_string())));
    assert_eq!(got.counts.garbage, added as u64);
    assert_eq!(want.effects_hash, got.effects_hash);
    std::fs::remove_file(clean).unwrap();
    std::fs::remove_file(dirty).unwrap();
}

#[test]
fn undecodable_messages_are_counted_by_code() {
    let text = String::from_utf8(plain_fixture()).unwrap();
    let first = text.lines().next().unwrap().split(' ').next().unwrap().to_string();
    let path = scratch("undecodable");
    let bad = [
        "{\"e\":\"trade\"",
        "{\"e\":\"trade\",\"s\":\"FAFUSDT\"}",
        "{\"e\":\"bookTicker\",\"u\":1,\"s\":\"NOPE\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        "{\"e\":\"bookTicker\",\"u\":1,\"s\":\"FAFUSDT\",\"b\":\"1.05\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        "{\"result\":null,\"id\":1}",
    ];
    let mut mixed: String = bad.iter().map(|message| format!("{first} {message}\n")).collect();
    mixed.push_str(&text);
    std::fs::write(&path, mixed).unwrap();
    let counts = run(&fixture(&path.display().to_string())).counts;
    for code in ["JSON_MALFORMED", "FIELD_MISSING", "UNKNOWN_SYMBOL", "OFF_GRID"] {
        assert_eq!(counts.errors.get(code), Some(&1), "{code} in {:?}", counts.errors);
    }
    assert_eq!(counts.other, 1);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_missing_diff_pulls_the_quotes_until_a_snapshot() {
    let text = String::from_utf8(plain_fixture()).unwrap();
    let mut diffs = 0;
    let holed: String = text
        .lines()
        .filter(|line| {
            diffs += line.contains("depthUpdate") as u32;
            !(line.contains("depthUpdate") && diffs == 40)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let path = scratch("holed");
    std::fs::write(&path, holed).unwrap();
    let mut config = fixture(&path.display().to_string());
    config["engine"]["volatility"] = serde_json::json!({ "window": 20 });
    let summary = run(&config);
    assert_eq!(summary.book.gaps, 1);
    assert!(summary.book.valid_fraction < 0.6, "{}", summary.book.valid_fraction);
    assert!(summary.ledger_agrees());
    std::fs::remove_file(path).unwrap();
}
