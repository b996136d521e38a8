//! An order's whole life allocates nothing.
mod common;

use common::{Desk, fill, report};
use testkit::{CountingAllocator, allocations_during};
use types::{OrderEventKind as Kind, Side, Ticks, UnixNanos};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn no_allocation_after_construction() {
    let mut desk = Desk::new(64);
    let (_, counted) = allocations_during(|| {
        for round in 0..5_000 {
            let new = desk.place(Side::BOTH[round % 2], 1_000, 10);
            let id = new.order_id();
            desk.send(&report(Kind::Accepted, &new)).unwrap();
            desk.send(&fill(&new, 1_000, 4, 4, 1)).unwrap();
            desk.orders.replace(id, Ticks(1_001), types::Lots(12), UnixNanos(20)).unwrap();
            desk.send(&report(Kind::Replaced, &new)).unwrap();
            desk.orders.cancel(id, UnixNanos(30)).unwrap();
            desk.orders.take_overdue(UnixNanos(5_000));
            desk.send(&report(Kind::Cancelled, &new)).unwrap();
            assert!(desk.send(&report(Kind::Cancelled, &new)).is_err());
        }
        desk.orders.open_orders().count()
    });
    assert_eq!(counted.count, 0);
}
