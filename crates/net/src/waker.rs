//! # Room card: net/waker
//! In:    `wake()` from any thread.
//! Out:   the poll of one `Net` ends, or the next one does not sleep.
//! Holds: no wake is lost: flag and sleep announcement are both sequentially consistent, so one side sees the other.
//! Costs: two atomic accesses while the loop is awake; one system call more when it sleeps.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What makes a sleeping wait return.
pub(crate) trait Bell: Send + Sync {
    /// Ends the wait that is going on, or the next one.
    fn ring(&self);
}

struct Shared {
    woken: AtomicBool,
    asleep: AtomicBool,
    bell: Box<dyn Bell>,
}

/// Ends a poll from another thread. Wakes while one is not yet seen are one.
#[derive(Clone)]
pub struct Waker {
    shared: Arc<Shared>,
}

impl core::fmt::Debug for Waker {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Waker")
    }
}

impl Waker {
    pub(crate) fn new(bell: Box<dyn Bell>) -> Waker {
        let (woken, asleep) = (AtomicBool::new(false), AtomicBool::new(false));
        Waker { shared: Arc::new(Shared { woken, asleep, bell }) }
    }

    /// Ends the poll that is going on, or keeps the next one from sleeping. May be called from any thread.
    pub fn wake(&self) {
        // The loop says "asleep", then looks at "woken"; we say "woken", then look at "asleep". In the one order of
        // these four accesses the later saying is seen by the other side, so a wake is either taken or rung for.
        self.shared.woken.store(true, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.shared.bell.ring();
        }
    }

    /// Says that the loop is about to sleep. False: it was woken already and must not.
    pub(crate) fn sleeps(&self) -> bool {
        self.shared.asleep.store(true, Ordering::SeqCst);
        !self.shared.woken.load(Ordering::SeqCst)
    }

    /// Says that the loop is awake, and takes the wake if there is one.
    #[inline]
    pub(crate) fn awake(&self) {
        if self.shared.asleep.load(Ordering::Relaxed) {
            self.shared.asleep.store(false, Ordering::SeqCst);
        }
        if self.shared.woken.load(Ordering::Relaxed) {
            self.shared.woken.swap(false, Ordering::SeqCst);
        }
    }
}
