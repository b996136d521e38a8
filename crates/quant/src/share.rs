//! # Room card: quant/share
//! In:    pieces of work that do not depend on each other.
//! Out:   all of them done, on as many threads as there are cores.
//! Holds: a piece has the same bits on any thread, and no sum crosses pieces: the number of threads changes the time
//!        alone.
//! Costs: some tens of microseconds a thread; what takes less is done by the caller alone.
use std::sync::OnceLock;
use std::thread;

use crate::QuantError;

/// Most threads of one call.
const THREADS_MAX: usize = 8;

/// Cores that a call may use.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX))
}

/// Does every piece; with `wide` on all cores, each taking every so many-th.
///
/// Errors: the first of a piece; `QUANT_UNDEFINED` where the system gives no thread.
pub(crate) fn share<T: Send>(
    pieces: Vec<T>,
    wide: bool,
    work: impl Fn(T) -> Result<(), QuantError> + Sync,
) -> Result<(), QuantError> {
    let threads = if wide { cores().min(pieces.len()) } else { 1 };
    if threads < 2 {
        return pieces.into_iter().try_for_each(work);
    }
    let mut hands: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, piece) in pieces.into_iter().enumerate() {
        hands[at % threads].push(piece);
    }
    let own = hands.swap_remove(0);
    let work = &work;
    thread::scope(|scope| {
        let begin = |hand: Vec<T>| {
            let named = thread::Builder::new().name("quant-share".into());
            named.spawn_scoped(scope, move || hand.into_iter().try_for_each(work))
        };
        let helpers: Vec<_> = hands.into_iter().map(begin).collect();
        let mut result = own.into_iter().try_for_each(work);
        for helper in helpers {
            let theirs = match helper {
                Ok(helper) => helper.join().unwrap_or(Err(LOST)),
                Err(_) => Err(NO_THREAD),
            };
            result = result.and(theirs);
        }
        result
    })
}

const LOST: QuantError = QuantError::Undefined { what: "threads", why: "one ended early" };
const NO_THREAD: QuantError = QuantError::Undefined { what: "threads", why: "the system gives no more" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once_and_an_error_is_told() {
        for wide in [false, true] {
            let mut cells = vec![0u64; 1_003];
            let pieces: Vec<(usize, &mut [u64])> = cells.chunks_mut(10).enumerate().collect();
            let done = share(pieces, wide, |(at, cells)| {
                cells.iter_mut().for_each(|cell| *cell += at as u64 + 1);
                Ok(())
            });
            assert_eq!(done, Ok(()));
            assert!(cells.iter().enumerate().all(|(at, cell)| *cell == at as u64 / 10 + 1));
            let told = share((0..40).collect(), wide, |at| if at == 33 { Err(QuantError::Cancelled) } else { Ok(()) });
            assert_eq!(told, Err(QuantError::Cancelled));
        }
    }
}
