//! The books take all their memory when they are made.
use fafnir_book::{DenseIds, L3Book, Ladder, OrderIds, SparseIds, views};
use types::rng::SplitMix64;
use types::{Level, Lots, Side, Ticks};

#[global_allocator]
static ALLOCATOR: testkit::CountingAllocator = testkit::CountingAllocator;

fn orders<I: OrderIds>(seed: u64) -> u64 {
    let mut rng = SplitMix64::new(seed);
    let mut book = L3Book::<I, 4>::with_window(500);
    let ((), allocations) = testkit::allocations_during(|| {
        for _ in 0..100_000 {
            let (id, other) = (rng.below(900), rng.below(900));
            let side = Side::BOTH[rng.below(2) as usize];
            let price = Ticks(-side.sign() * (1 + rng.below(2_000) as i64));
            let lots = Lots(1 + rng.below(9) as i64);
            let _ = match rng.below(8) {
                0..=2 => book.add(id, side, price, lots),
                3 => book.modify(id, price, lots),
                4 => book.execute(id, lots),
                5 => book.replace(id, other, price, lots),
                6 => book.watch(id),
                _ => book.cancel(id),
            };
        }
        book.clear();
    });
    assert!(book.counts().added > 5_000 && book.counts().full > 100, "seed {seed} {:?}", book.counts());
    allocations.count
}

#[test]
fn nothing_is_allocated_after_the_start() {
    assert_eq!((orders::<DenseIds>(1), orders::<SparseIds>(2)), (0, 0));
    let mut rng = SplitMix64::new(3);
    let mut ladder = Ladder::<4>::with_window();
    let ((), allocations) = testkit::allocations_during(|| {
        let mut top = [Level::default(); 20];
        for _ in 0..100_000 {
            let side = Side::BOTH[rng.below(2) as usize];
            let price = Ticks(-side.sign() * (1 + rng.below(30_000) as i64));
            let _ = ladder.set(side, price, Lots(rng.below(3) as i64));
            ladder.top_n(side, &mut top);
            views::cost_to_trade(ladder.levels(side), Lots(10));
            views::weighted_mid_ticks(ladder.levels(Side::Buy), ladder.levels(Side::Sell), 5);
        }
    });
    assert_eq!(allocations.count, 0);
    assert!(ladder.counts().recentred > 10 && ladder.counts().far_sets > 1_000, "{:?}", ladder.counts());
}
