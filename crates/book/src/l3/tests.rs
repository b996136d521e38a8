//! What only the inside can reach.
use super::*;

/// Places known in a queue that is never empty, of watched orders and others.
#[test]
fn quantity_ahead_is_exact_in_a_queue_that_is_never_empty() {
    let mut book = L3Book::<DenseIds, 4>::with_window(64);
    let mut queue: Vec<(u64, i64)> = Vec::new();
    let mut rng = types::rng::SplitMix64::new(1);
    for id in 0..20_000u64 {
        let lots = 1 + rng.below(9) as i64;
        book.add(id, Side::Sell, Ticks(5), Lots(lots)).unwrap();
        queue.push((id, lots));
        if rng.below(4) == 0 {
            book.watch(id).unwrap();
        }
        if queue.len() > 20 {
            let (gone, _) = queue.remove(rng.below(20) as usize);
            book.cancel(gone).unwrap();
        }
        let mut ahead = 0;
        for &(id, lots) in &queue {
            assert_eq!(book.quantity_ahead(id), Some(Lots(ahead)), "order {id}");
            ahead += lots;
        }
        assert!(book.queue(Side::Sell, Ticks(5)).eq(queue.iter().map(|&(id, lots)| (id, Lots(lots)))));
        for half in &book.halves {
            half.check();
        }
    }
}

#[test]
fn a_size_out_of_range_is_brought_into_it() {
    let mut book = L3Book::<SparseIds, 1>::with_window(0);
    assert_eq!(book.add(7, Side::Buy, Ticks(1), Lots(1)), Ok(()));
    assert_eq!(book.add(8, Side::Buy, Ticks(1), Lots(1)), Err(Code::BookOrdersFull));
}
