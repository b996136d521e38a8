//! # Room card: driver/lines/resolver
//! In:    names to look up.
//! Out:   their addresses, later; the loop is woken for them.
//! Holds: the engine's thread never waits for a name server; an address that is none is answered at once.
//! Costs: cold path; one thread, which ends when nobody asks any more.
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};

use net::Waker;
use types::{Code, Fault};

/// Who asked.
pub(crate) type Asker = (usize, u64);
/// An answer.
pub(crate) type Found = Result<Vec<SocketAddr>, Fault>;

/// Looks names up on a thread of its own.
pub(crate) struct Resolver {
    asks: Sender<(Asker, String)>,
    answers: Receiver<(Asker, Found)>,
}

impl Resolver {
    /// Errors: EngineClosed (no thread).
    pub(crate) fn start(waker: Waker) -> Result<Resolver, Fault> {
        let (asks, asked) = channel::<(Asker, String)>();
        let (found, answers) = channel();
        let work = move || {
            // Ends when the asking side is dropped. Nobody joins it: a name server may hang.
            for (asker, name) in asked {
                if found.send((asker, net::resolve(&name))).is_err() {
                    return;
                }
                waker.wake();
            }
        };
        std::thread::Builder::new()
            .name("fafnir-names".into())
            .spawn(work)
            .map_err(|error| Fault::new(Code::EngineClosed, format!("no thread for names: {error}"), vec![]))?;
        Ok(Resolver { asks, answers })
    }

    /// Asks for a name; an address is its own answer.
    pub(crate) fn ask(&self, asker: Asker, name: &str) -> Option<Found> {
        if let Ok(address) = name.parse::<SocketAddr>() {
            return Some(Ok(vec![address]));
        }
        match self.asks.send((asker, name.to_string())) {
            Ok(()) => None,
            Err(_) => Some(Err(Fault::new(Code::ConnectFailed, "names cannot be looked up", vec![]))),
        }
    }

    /// The next answer, if there is one.
    pub(crate) fn answer(&self) -> Option<(Asker, Found)> {
        self.answers.try_recv().ok()
    }
}
