//! # Room card: testkit/alloc
//! In:    every allocation of a test or bench binary that installs `CountingAllocator`.
//! Out:   how many allocations, and of how many bytes, one thread made during a call.
//! Holds: counters are per thread, so that other tests do not disturb; forwards to the system's allocator.
//! Costs: two thread-local additions an allocation.
#![allow(unsafe_code)] // `GlobalAlloc` is an unsafe trait; nothing else in the crate is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constant and without a destructor: touching it allocates nothing, so it may be used inside the allocator.
    static COUNTS: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
}

/// Allocations of one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allocations {
    /// Calls that asked for memory: new, zeroed and grown or shrunk blocks. Freeing is not counted.
    pub count: u64,
    /// Bytes asked for in those calls.
    pub bytes: u64,
}

/// The system's allocator, counted. Install it in the test or bench binary:
/// `#[global_allocator] static ALLOCATOR: CountingAllocator = CountingAllocator;`
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

fn count(bytes: usize) {
    // A thread that is being torn down has no counter any more, and nobody who would read it.
    let _ = COUNTS.try_with(|counts| {
        let before = counts.get();
        counts.set(Allocations { count: before.count + 1, bytes: before.bytes + bytes as u64 });
    });
}

// SAFETY: every method forwards its arguments unchanged to `System` and returns its answer; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of `System`.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: `layout` is the caller's, of non-zero size by contract.
        unsafe { System.alloc(layout) }
    }
    // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`, which is that of `System`.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: `layout` is the caller's, of non-zero size by contract.
        unsafe { System.alloc_zeroed(layout) }
    }
    // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`, which is that of `System`.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        // SAFETY: `block` came from this allocator with `layout`, so from `System`; `bytes` is non-zero by contract.
        unsafe { System.realloc(block, layout, bytes) }
    }
    // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`, which is that of `System`.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from this allocator with `layout`, so from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Is the counting allocator really the binary's? Asked once a thread, so that a measured loop does not pay for it.
fn installed() -> bool {
    if !INSTALLED.get() {
        let before = COUNTS.get().count;
        drop(std::hint::black_box(Box::new(0u8)));
        INSTALLED.set(COUNTS.get().count > before);
    }
    INSTALLED.get()
}

/// Runs `work` and counts what this thread allocated meanwhile. A few nanoseconds beside the work itself.
///
/// # Panics
/// When `CountingAllocator` is not the binary's global allocator: a count of zero would then prove nothing.
pub fn allocations_during<R>(work: impl FnOnce() -> R) -> (R, Allocations) {
    assert!(installed(), "CountingAllocator is not installed as #[global_allocator] of this binary");
    let before = COUNTS.get();
    let result = work();
    let after = COUNTS.get();
    (result, Allocations { count: after.count - before.count, bytes: after.bytes - before.bytes })
}
