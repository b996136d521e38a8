//! # Room card: driver/fix
//! In:    FIX sessions to hold, an application, commands from any thread; sockets, files, the clock.
//! Out:   the application's events on the host's thread; bytes on the wire, numbers and messages in stores.
//! Holds: no trading engine: `wire::fix` decides, this moves bytes; what a store did not keep does not leave.
//! Costs: a poll, a store's writes and a send a message; see the stores.
mod application;
mod callers;
mod clock;
mod commands;
mod config;
mod desk;
mod dial;
mod disk;
mod entry;
mod file_store;
mod hall;
mod host;
#[cfg(test)]
mod kill_tests;
mod logons;
mod message_log;
mod port;
mod rules;
mod seat;
mod store;
mod store_files;
mod store_scan;
#[cfg(test)]
mod store_tests;

pub use application::{Drafted, FixApplication, LogonAnswer, LogonDraft, LogonQuestion, Taken};
pub use commands::{COMMAND_BYTES_MAX, FixHandle};
pub use config::{acceptor_setup, initiator_setup};
pub use desk::FIX_SESSIONS_MAX;
pub use entry::{Admission, AtNewWindow, RulesMaker, SessionEntry, StoreChoice, StoreMaker, admit_any};
pub use file_store::{FileStore, FileStoreOptions, STORE_BYTES_LEAST, STORE_BYTES_MOST, StoreSync, folder_name};
pub use host::{AcceptorSetup, FixAcceptor, FixInitiator, HostOptions};
pub use message_log::MessageLogOptions;
pub use port::{FixPort, PEER_BEHIND_BYTES};
pub use rules::{built_in_rules, validator_rules};
pub use store::{FixStore, MEMORY_BYTES_MAX, MEMORY_MESSAGES_MAX, MemoryStore, Stored};
