//! Journals of runs: the replay prints the run's hash, from the folder and from the segment; a journal cut anywhere
//! replays to what was before the cut; a changed byte is found.
use crate::common;

use std::path::Path;

use common::{generated, run, scratch};
use driver::{ReplayOutcome, replay};
use engine::Engine;
use journal::{EffectsHash, Reader, Record};
use serde_json::{Value, json};
use types::Effects;
use types::config::EngineConfig;
use types::rng::SplitMix64;

const SEED: u64 = 411;

fn short() -> Value {
    let mut config = generated(SEED);
    config["engine"]["instruments"].as_array_mut().unwrap().truncate(1);
    config["engine"]["quoters"].as_array_mut().unwrap().truncate(1);
    config["engine"]["volatility"] = json!({ "window": 40 });
    config["sources"].as_array_mut().unwrap().truncate(1);
    config["sources"][0]["market"]["seconds"] = 3.into();
    config
}

fn replayed(path: &Path) -> ReplayOutcome {
    replay(path, None, |_| (), || true).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn folder_and_segment_replay_to_the_runs_hash() {
    let dir = scratch("journal");
    let mut config = generated(SEED);
    config["output"] = json!({ "journalDir": dir.display().to_string() });
    let summary = run(&config);
    for path in [dir.clone(), dir.join("000001.fafnir")] {
        let found = replayed(&path);
        assert_eq!((found.hash.as_str(), found.turns), (summary.effects_hash.as_str(), summary.turns));
        assert!(found.matches && found.marks_checked > 1 && found.reason == "closed", "{found:?}");
    }
    // A dump of the replay is the same bytes.
    let dump = scratch("replay-dump");
    replay(&dir, Some(&dump), |_| (), || true).unwrap();
    let mut hash = EffectsHash::new();
    hash.update(&std::fs::read(&dump).unwrap());
    assert_eq!(journal::hex(hash.digest()), summary.effects_hash);
    std::fs::remove_dir_all(dir).unwrap();
    std::fs::remove_file(dump).unwrap();
}

#[test]
fn a_cut_journal_replays_to_the_cut() {
    let dir = scratch("cut-journal");
    let mut config = short();
    config["output"] = json!({ "journalDir": dir.display().to_string() });
    run(&config);
    let prefix = prefix_hashes(&dir);
    let segment = dir.join("000001.fafnir");
    let whole = std::fs::read(&segment).unwrap();
    let mut rng = SplitMix64::new(SEED);
    let (mut replays, mut refused) = (0, 0);
    for _ in 0..1_000 {
        let cut = rng.below(whole.len() as u64) as usize;
        std::fs::write(&segment, &whole[..cut]).unwrap();
        match replay(&dir, None, |_| (), || true) {
            Ok(found) => {
                replays += 1;
                assert_eq!(found.hash, prefix[found.turns as usize], "cut at {cut} of seed {SEED}");
                assert!(found.matches && found.ended_at.offset <= cut as u64, "cut at {cut}: {found:?}");
                assert!(matches!(found.reason, "truncated" | "unclosed"), "cut at {cut}: {found:?}");
                // Nothing whole was left out: the next record would end beyond the cut.
                if (found.turns as usize) < prefix.len() - 1 {
                    assert!(found.ended_at.offset + 8_192 > cut as u64, "cut at {cut}: {found:?}");
                }
            }
            // Only a cut inside the first record leaves nothing to replay.
            Err(_) => refused += 1,
        }
    }
    assert!(replays > 900, "{replays} replays, {refused} refused");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_changed_byte_ends_the_replay_there() {
    let dir = scratch("flipped-journal");
    let mut config = short();
    config["output"] = json!({ "journalDir": dir.display().to_string() });
    run(&config);
    let prefix = prefix_hashes(&dir);
    let segment = dir.join("000001.fafnir");
    let whole = std::fs::read(&segment).unwrap();
    let mut rng = SplitMix64::new(SEED + 1);
    for _ in 0..50 {
        let (place, mut bytes) = (rng.below(whole.len() as u64) as usize, whole.clone());
        bytes[place] ^= 1 << rng.below(8);
        std::fs::write(&segment, &bytes).unwrap();
        if let Ok(found) = replay(&dir, None, |_| (), || true) {
            assert_eq!(found.hash, prefix[found.turns as usize], "byte {place} of seed {}", SEED + 1);
            assert!(found.reason != "closed" && found.ended_at.offset <= place as u64, "byte {place}: {found:?}");
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// Hash after 0, 1, 2, … turns.
fn prefix_hashes(dir: &Path) -> Vec<String> {
    let mut reader = Reader::open(dir).unwrap();
    let config: Value = serde_json::from_str(&reader.start().config).unwrap();
    let (_, setup) = EngineConfig::from_json(&config["engine"].to_string()).unwrap();
    let (mut engine, mut effects, mut hash) = (Engine::new(setup), Effects::new(), EffectsHash::new());
    let mut hashes = vec![journal::hex(hash.digest())];
    while let Some(record) = reader.next() {
        if let Record::Input(input) = record {
            engine.turn(&input, &mut effects);
            hash.update(effects.bytes());
            hashes.push(journal::hex(hash.digest()));
        }
    }
    hashes
}
