//! # Room card: driver/fix/rules
//! In:    a dictionary and which of its checks are on.
//! Out:   `RulesMaker`s for sessions: each message held to the dictionary before the session takes it.
//! Holds: one validator a session, made with it.
//! Costs: once a session; a message costs what `DictionaryRules` does.
use std::sync::Arc;

use wire::fix::FIELDS_MAX;
use wire::fix::dictionary::{Checks, DictionaryRules, FixVersion, Validator};

use super::entry::RulesMaker;

/// Holds messages to the built-in dictionary of a version; FIX 5.0 and its service packs come with FIXT 1.1.
pub fn built_in_rules(version: FixVersion, checks: Checks) -> RulesMaker {
    validator_rules(move || Validator::built_in(version, checks))
}

/// Holds messages to a validator of the user's: a venue's own dictionary, or one checked differently.
pub fn validator_rules(make: impl Fn() -> Validator + Send + Sync + 'static) -> RulesMaker {
    Arc::new(move || Box::new(DictionaryRules::new(make(), FIELDS_MAX)))
}
