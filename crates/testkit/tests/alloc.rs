//! The counting allocator, installed.
use std::hint::black_box;

use fafnir_testkit::{Allocations, CountingAllocator, allocations_during};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn allocations_are_counted_with_their_bytes() {
    let (_, none) = allocations_during(|| black_box(1 + 1));
    assert_eq!(none, Allocations::default());
    let (vector, some) = allocations_during(|| black_box(Vec::<u64>::with_capacity(16)));
    assert_eq!(some, Allocations { count: 1, bytes: 128 });
    let (_, grown) = allocations_during(|| {
        let mut vector = vector;
        vector.reserve_exact(32);
        black_box(vector)
    });
    assert_eq!(grown, Allocations { count: 1, bytes: 256 });
    let (_, zeroed) = allocations_during(|| black_box(vec![0u8; 100]));
    assert_eq!(zeroed, Allocations { count: 1, bytes: 100 });
}

#[test]
fn other_threads_do_not_disturb() {
    let (_, here) = allocations_during(|| {
        // Spawning allocates here; what the thread does is its own.
        let thread = std::thread::spawn(|| (0..10_000).for_each(|n| drop(black_box(Box::new(n)))));
        thread.join().unwrap();
    });
    assert!(here.count < 100, "{here:?}");
}
