//! # Room card: wire/fix/dictionary/built_in
//! In:    a version.
//! Out:   its dictionary, read when it is first asked for and shared from then on.
//! Holds: the tables of this folder, made from QuickFIX's files by `cargo run -p xtask -- fix-dictionaries FOLDER`.
//! Costs: once a version and process: all nine together 15 ms; the tables are 226 KB together.
use std::sync::{Arc, OnceLock};

use super::{Dictionary, compact, resolve};

/// A version of FIX that has a built-in dictionary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FixVersion {
    /// FIX 4.0.
    Fix40,
    /// FIX 4.1.
    Fix41,
    /// FIX 4.2.
    Fix42,
    /// FIX 4.3.
    Fix43,
    /// FIX 4.4.
    Fix44,
    /// FIX 5.0: application messages only.
    Fix50,
    /// FIX 5.0 with service pack 1: application messages only.
    Fix50Sp1,
    /// FIX 5.0 with service pack 2: application messages only.
    Fix50Sp2,
    /// FIXT 1.1, the transport of FIX 5.0: header, trailer and administrative messages.
    Fixt11,
}

impl FixVersion {
    /// Every version.
    pub const ALL: [FixVersion; 9] = [
        FixVersion::Fix40,
        FixVersion::Fix41,
        FixVersion::Fix42,
        FixVersion::Fix43,
        FixVersion::Fix44,
        FixVersion::Fix50,
        FixVersion::Fix50Sp1,
        FixVersion::Fix50Sp2,
        FixVersion::Fixt11,
    ];

    /// Its short name, that of QuickFIX's file without the ending: `FIX44`, `FIX50SP2`, `FIXT11`.
    pub const fn name(self) -> &'static str {
        match self {
            FixVersion::Fix40 => "FIX40",
            FixVersion::Fix41 => "FIX41",
            FixVersion::Fix42 => "FIX42",
            FixVersion::Fix43 => "FIX43",
            FixVersion::Fix44 => "FIX44",
            FixVersion::Fix50 => "FIX50",
            FixVersion::Fix50Sp1 => "FIX50SP1",
            FixVersion::Fix50Sp2 => "FIX50SP2",
            FixVersion::Fixt11 => "FIXT11",
        }
    }

    /// The version of this short name.
    pub fn of(name: &str) -> Option<FixVersion> {
        FixVersion::ALL.into_iter().find(|version| version.name() == name)
    }

    /// The version of this ApplVerID (1128, 1137): `2` is FIX 4.0, `9` FIX 5.0 SP2.
    pub fn of_appl_ver_id(value: &[u8]) -> Option<FixVersion> {
        let &[digit @ b'2'..=b'9'] = value else { return None };
        FixVersion::ALL.get((digit - b'2') as usize).copied()
    }

    /// Its ApplVerID (1128, 1137); none for FIXT 1.1, which is no application's.
    pub fn appl_ver_id(self) -> Option<&'static [u8]> {
        b"23456789".chunks(1).nth(self as usize)
    }

    /// Its dictionary.
    pub fn dictionary(self) -> Arc<Dictionary> {
        static LOADED: [OnceLock<Arc<Dictionary>>; 9] = [const { OnceLock::new() }; 9];
        let read = || compact::unpack(self.table()).and_then(|source| resolve::dictionary(&source));
        // A table of this library that cannot be read is a damaged build; the tests read every one.
        LOADED[self as usize].get_or_init(|| Arc::new(read().expect("built-in table"))).clone()
    }

    /// Its deflated table.
    pub(super) fn table(self) -> &'static [u8] {
        match self {
            FixVersion::Fix40 => include_bytes!("tables/FIX40.bin"),
            FixVersion::Fix41 => include_bytes!("tables/FIX41.bin"),
            FixVersion::Fix42 => include_bytes!("tables/FIX42.bin"),
            FixVersion::Fix43 => include_bytes!("tables/FIX43.bin"),
            FixVersion::Fix44 => include_bytes!("tables/FIX44.bin"),
            FixVersion::Fix50 => include_bytes!("tables/FIX50.bin"),
            FixVersion::Fix50Sp1 => include_bytes!("tables/FIX50SP1.bin"),
            FixVersion::Fix50Sp2 => include_bytes!("tables/FIX50SP2.bin"),
            FixVersion::Fixt11 => include_bytes!("tables/FIXT11.bin"),
        }
    }
}
