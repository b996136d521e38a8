//! # Room card: driver/fix/entry
//! In:    what a session is to be: its setup, hours, store, rules, and where its peer is.
//! Out:   `SessionEntry`, which hosts are made of; the policy that lets unknown peers in.
//! Holds: an entry describes and does nothing; it can be copied for another peer.
//! Costs: cold path.
use std::path::PathBuf;
use std::sync::Arc;

use net::TlsClient;
use types::{Fault, UnixNanos};
use wire::fix::schedule::Schedule;
use wire::fix::{LogonFacts, Rules, SessionSetup};

use super::file_store::{FileStore, FileStoreOptions, folder_name};
use super::store::{FixStore, MemoryStore};

/// Makes a store for a session.
pub type StoreMaker = Arc<dyn Fn(&SessionSetup, UnixNanos) -> Result<Box<dyn FixStore>, Fault> + Send + Sync>;
/// Makes the rules of a session.
pub type RulesMaker = Arc<dyn Fn() -> Box<dyn Rules> + Send + Sync>;
/// Asked of a logon with names nobody knows: the session it shall be, or none.
pub type Admission = Box<dyn FnMut(&LogonFacts<'_>) -> Option<SessionEntry> + Send>;

/// Where a session's numbers and messages are kept.
#[derive(Clone)]
pub enum StoreChoice {
    /// For the life of the process.
    Memory,
    /// In a folder of its own inside this one.
    Files(PathBuf, FileStoreOptions),
    /// A store of the user's.
    Custom(StoreMaker),
}

/// What becomes of the numbers when another window of `SessionEntry::numbers` has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AtNewWindow {
    /// Both sides begin at 1.
    #[default]
    Reset,
    /// They go on.
    Keep,
}

/// One session of a host.
#[derive(Clone)]
pub struct SessionEntry {
    /// Who the two sides are, and their rules.
    pub setup: SessionSetup,
    /// When it may be connected. Outside of it an initiator does not connect, an acceptor does not answer; at its end
    /// the session is logged out.
    pub hours: Schedule,
    /// Over which time its numbers go on, where that is not the window of `hours`.
    pub numbers: Option<Schedule>,
    /// What becomes of the numbers after it.
    pub at_new_window: AtNewWindow,
    /// Where they are kept.
    pub store: StoreChoice,
    /// The first number of the peer's that the application has not safely kept itself: where the store says that more
    /// has come, the peer is asked for it again. Looked at once, when the store is opened. `None`: the store is right.
    pub resend_from: Option<u64>,
    /// What judges the peer's messages, a dictionary as a rule.
    pub rules: Option<RulesMaker>,
    /// Is it in the message log, if the host has one?
    pub logged: bool,
    /// Initiator: `host:port` of the peer; after one that fails the next is tried. Acceptor: none.
    pub addresses: Vec<String>,
    /// Initiator: whom to trust and the name to ask for (SNI). `None`: plain TCP.
    pub tls: Option<(TlsClient, String)>,
}

impl SessionEntry {
    /// Always open, kept in memory, without rules, logged.
    pub fn new(setup: SessionSetup) -> SessionEntry {
        SessionEntry {
            setup,
            hours: Schedule::always(),
            numbers: None,
            at_new_window: AtNewWindow::Reset,
            store: StoreChoice::Memory,
            resend_from: None,
            rules: None,
            logged: true,
            addresses: Vec::new(),
            tls: None,
        }
    }

    /// Name of the session in file names: no two share one.
    pub fn name(&self) -> String {
        let setup = &self.setup;
        let or_none = |text: &Option<Vec<u8>>| text.clone().unwrap_or_default();
        let sender = [or_none(&setup.sender_sub), or_none(&setup.sender_location)];
        let target = [or_none(&setup.target_sub), or_none(&setup.target_location)];
        let mut parts: Vec<&[u8]> = vec![setup.begin.as_str().as_bytes(), &setup.sender, &setup.target];
        if sender.iter().chain(&target).any(|part| !part.is_empty()) {
            parts.extend(sender.iter().chain(&target).map(Vec::as_slice));
        }
        folder_name(&parts)
    }

    /// Opens its store. Errors: those of the store.
    pub(super) fn open_store(&self, now: UnixNanos) -> Result<Box<dyn FixStore>, Fault> {
        Ok(match &self.store {
            StoreChoice::Memory => Box::new(MemoryStore::new(now)),
            StoreChoice::Files(folder, options) => Box::new(FileStore::open(folder.join(self.name()), *options, now)?),
            StoreChoice::Custom(make) => make(&self.setup, now)?,
        })
    }

    /// Is another window open now than the one the numbers of a store began in? Outside of all they go on.
    pub(super) fn begins_anew(&self, created: UnixNanos, now: UnixNanos) -> bool {
        let numbers = self.numbers.as_ref().unwrap_or(&self.hours);
        let open = numbers.window(now).is_some();
        self.at_new_window == AtNewWindow::Reset && open && !numbers.same_window(created, now)
    }

    /// When the numbers in force at `now` end.
    pub(super) fn numbers_until(&self, now: UnixNanos) -> UnixNanos {
        let window = self.numbers.as_ref().and_then(|numbers| numbers.window(now));
        match (self.at_new_window, window) {
            (AtNewWindow::Reset, Some(window)) => window.closes,
            _ => UnixNanos(u64::MAX),
        }
    }

    /// Is this the session of a logon with these names?
    pub(super) fn is(&self, name: &LogonFacts<'_>) -> bool {
        let setup = &self.setup;
        let fits = |own: &Option<Vec<u8>>, named: &[u8]| own.as_ref().is_none_or(|own| own == named);
        setup.begin == name.begin
            && setup.sender == name.target
            && setup.target == name.sender
            && fits(&setup.sender_sub, name.target_sub)
            && fits(&setup.sender_location, name.target_location)
            && fits(&setup.target_sub, name.sender_sub)
            && fits(&setup.target_location, name.sender_location)
    }
}

/// Lets in every peer that speaks the entry's version and names its SenderCompID as its target: a session like the
/// entry, with the peer's CompID as target.
pub fn admit_any(entry: SessionEntry) -> Admission {
    Box::new(move |name| {
        (name.begin == entry.setup.begin && name.target == entry.setup.sender).then(|| {
            let mut own = entry.clone();
            own.setup.target = name.sender.to_vec();
            own
        })
    })
}
