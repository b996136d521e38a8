//! Writing an input allocates nothing.
mod common;

use common::{folder, random_items, start, write};
use fafnir_journal::{EffectsHash, Options, Writer};
use testkit::{CountingAllocator, allocations_during};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn no_allocation_per_input() {
    let dir = folder("allocations");
    let rows = random_items(12, 2_000);
    let mut writer = Writer::create(&dir, &start(), Options { segment_bytes: 8 << 20, ..Options::default() }).unwrap();
    let ((), counted) = allocations_during(|| rows.iter().for_each(|row| write(&mut writer, row)));
    assert_eq!((counted.count, writer.segment()), (0, 1));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn no_allocation_per_hashed_piece() {
    let bytes = vec![3; 5_000];
    let mut hash = EffectsHash::new();
    let (_, counted) = allocations_during(|| {
        for length in 0..5_000 {
            hash.update(&bytes[..length]);
        }
        hash.digest()
    });
    assert_eq!(counted.count, 0);
}
