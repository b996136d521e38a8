//! # Room card: driver/tests/crash/ledger
//! In:    an exchange's ledger file, whole or with its last line cut.
//! Out:   which requests it received, and the position its fills add up to.
//! Holds: read by serde_json alone: no code of the exchange's.
//! Costs: one pass.
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

#[derive(Debug, Default)]
pub struct Ledger {
    /// ClOrdIDs of orders, cancels and replaces received.
    pub requests: BTreeSet<String>,
    /// New orders whose ClOrdID had been received before.
    pub twice: Vec<String>,
    /// Bought less sold, over all clients.
    pub position_lots: i64,
}

impl Ledger {
    pub fn read(folder: &Path) -> Ledger {
        let mut ledger = Ledger::default();
        let Ok(text) = std::fs::read_to_string(folder.join("ledger.jsonl")) else { return ledger };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut new = BTreeSet::new();
        for line in whole.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            match (line["kind"].as_str(), line["asked"].as_str(), line["reported"].as_str()) {
                (Some("request"), Some(asked @ ("new" | "cancel" | "replace")), _) => {
                    let id = line["id"].as_str().unwrap().to_string();
                    if asked == "new" && !new.insert(id.clone()) {
                        ledger.twice.push(id.clone());
                    }
                    ledger.requests.insert(id);
                }
                (Some("report"), _, Some("fill")) => {
                    let lots = line["lastLots"].as_i64().unwrap();
                    ledger.position_lots += if line["side"] == 1 { lots } else { -lots };
                }
                _ => {}
            }
        }
        ledger
    }
}
