//! The partner's side of the memory is not trusted: whatever it holds, reading ends, inside the region, with whole
//! records or a typed error, and writing never overwrites what it should not.
use crate::common;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use common::{check, record, seed};
use fafnir_ring::layout::{CONTROL_BYTES, RECORD_PADDING};
use fafnir_ring::{CommandReader, CommandWriter, Corrupt, MarketReader, MarketWriter, OrdersReader, OrdersWriter};
use fafnir_ring::{Refusal, Region, Words, Written};
use types::rng::SplitMix64;

const CAPACITY: usize = 1024;
const TAIL: usize = 32;
const HEAD: usize = 64;
const DATA: usize = CONTROL_BYTES / 4;

/// A commands ring with three records of 24 bytes.
fn three() -> (Region, CommandReader, CommandWriter) {
    let region = Region::heap(CAPACITY).unwrap();
    let reader = CommandReader::create(region.clone()).unwrap();
    let mut writer = CommandWriter::attach(region.clone()).unwrap();
    let mut bytes = vec![];
    for number in 0..3 {
        record(number, 24, &mut bytes);
        writer.try_write(&bytes).unwrap();
    }
    (region, reader, writer)
}

#[test]
fn lengths_that_cannot_be_are_reported_after_the_good_ones() {
    for length in [0, 7, -8, -24, i32::MIN, i32::MAX, 129, 1 << 20, 49] {
        let (region, mut reader, mut writer) = three();
        region.store(DATA + 6, length as u32, Relaxed);
        assert_eq!(reader.poll(9, |bytes| assert_eq!(bytes[8], 0)), Ok(1), "{length}");
        for _ in 0..3 {
            assert_eq!(reader.poll(9, |_| panic!()), Err(Corrupt::Length { position: 24, length }));
        }
        reader.discard();
        assert_eq!(reader.poll(9, |_| panic!()), Ok(0));
        assert_eq!(writer.try_write_parts(1, &7u64.to_le_bytes(), &[]), Ok(()));
        assert_eq!(reader.poll(9, |bytes| assert_eq!(bytes[8..], 7u64.to_le_bytes())), Ok(1));
    }
}

#[test]
fn a_record_may_not_cross_the_end_of_the_ring() {
    let region = Region::heap(CAPACITY).unwrap();
    let mut reader = CommandReader::create_at(region.clone(), 1000).unwrap();
    region.store(DATA + 250, 32, Relaxed);
    region.store(TAIL, 1032, Relaxed);
    assert_eq!(reader.poll(9, |_| panic!()), Err(Corrupt::Length { position: 1000, length: 32 }));
    region.store(DATA + 251, RECORD_PADDING, Relaxed);
    assert_eq!(reader.poll(9, |_| panic!()), Err(Corrupt::Length { position: 1000, length: 32 }));
}

#[test]
fn a_tail_that_cannot_be_is_reported() {
    for tail in [1025, 1028, 4, 1 << 31, u32::MAX - 7] {
        let (region, mut reader, _) = three();
        region.store(TAIL, tail, Relaxed);
        for _ in 0..3 {
            assert_eq!(reader.poll(9, |_| panic!()), Err(Corrupt::Tail { tail, head: 0 }));
            assert!(!reader.is_empty());
        }
        reader.discard();
        assert!(matches!(reader.poll(9, |_| ()), Ok(0) | Err(Corrupt::Tail { .. })));
    }
}

#[test]
fn a_ring_of_nothing_but_padding_ends() {
    let (region, mut reader, _) = three();
    for pair in 0..CAPACITY / 8 {
        region.store(DATA + 2 * pair, 8, Relaxed);
        region.store(DATA + 2 * pair + 1, RECORD_PADDING, Relaxed);
    }
    region.store(TAIL, CAPACITY as u32, Relaxed);
    assert_eq!(reader.poll(1, |_| panic!()), Ok(0));
    assert!(reader.is_empty());
}

#[test]
fn a_head_that_cannot_be_leaves_the_writer_where_it_was() {
    for head in [8u32, 4, 1 << 31, u32::MAX - 7] {
        let region = Region::heap(CAPACITY).unwrap();
        let mut writer = OrdersWriter::create(region.clone()).unwrap();
        region.store(HEAD, head, Relaxed);
        let mut bytes = vec![];
        record(0, 64, &mut bytes);
        let written = (0..100).filter(|_| writer.write(&bytes) == Ok(Written::Written)).count();
        // 8 is a head the tail reaches, and then it is sound: the ring gets as far as a capacity beyond it, no further.
        assert!(written <= 16, "head {head}: {written}");
        assert_eq!(writer.dropped() as usize, 100 - written);
    }
    let (region, _, mut writer) = three();
    region.store(HEAD, 1 << 30, Relaxed);
    let refused = (0..100).find_map(|_| writer.try_write_parts(1, &[0; 96], &[]).err());
    assert!(matches!(refused, Some(Refusal::Full { .. })));
}

#[test]
fn what_does_not_fit_stays_with_its_owner_and_is_not_counted() {
    let region = Region::heap(CAPACITY).unwrap();
    let mut writer = OrdersWriter::create(region.clone()).unwrap();
    let mut reader = OrdersReader::attach(region).unwrap();
    let (mut bytes, mut next, mut seen) = (vec![], 0, vec![]);
    while seen.len() < 200 {
        record(next, 64, &mut bytes);
        if writer.try_stage(&bytes) == Ok(true) {
            next += 1;
        } else {
            writer.publish();
            assert!(reader.poll(3, |bytes| seen.push(check(bytes))).unwrap() > 0);
        }
    }
    assert_eq!(seen, (0..seen.len() as u64).collect::<Vec<_>>());
    assert_eq!((writer.dropped(), writer.image_due()), (0, false));
    assert!(writer.try_stage(&[0; 4]).is_err());
}

/// Random words anywhere in the region between any two operations of all readers and writers.
#[test]
fn random_scribbling_never_panics_or_hangs() {
    let seed = seed(4);
    let mut rng = SplitMix64::new(seed);
    let mut bytes = vec![];
    let mut errors = [0; 3];
    for _ in 0..3000 {
        let regions: Vec<_> = (0..3).map(|_| Region::heap(CAPACITY).unwrap()).collect();
        let mut market = MarketWriter::create(regions[0].clone()).unwrap();
        let mut market_reader = MarketReader::attach(regions[0].clone()).unwrap();
        let mut orders = OrdersWriter::create(regions[1].clone()).unwrap();
        let mut orders_reader = OrdersReader::attach(regions[1].clone()).unwrap();
        let mut commands_reader = CommandReader::create(regions[2].clone()).unwrap();
        let mut commands = CommandWriter::attach(regions[2].clone()).unwrap();
        for number in 0..40 {
            record(number, 16 + rng.below(113) as usize, &mut bytes);
            market.write(&bytes).unwrap();
            let _ = orders.write(&bytes).unwrap();
            let _ = commands.try_write(&bytes);
            if rng.below(4) == 0 {
                for region in &regions {
                    let controls = [32, 33, 34, 36, 37, 38, 64, 128 + rng.below(32) as usize];
                    let anywhere = rng.below(region.words() as u64) as usize;
                    let word = if rng.below(2) == 0 { controls[rng.below(8) as usize] } else { anywhere };
                    let near = region.load(word, Relaxed).wrapping_add((rng.below(64) as u32 * 4).wrapping_sub(128));
                    region.store(word, if rng.below(2) == 0 { near } else { rng.next_u64() as u32 }, Relaxed);
                }
            }
            let whole = |bytes: &[u8]| {
                assert!(bytes.len() >= 8 && bytes[..4] == (bytes.len() as u32).to_le_bytes(), "seed {seed}");
            };
            let max = 1 + rng.below(20) as usize;
            errors[0] += usize::from(market_reader.poll(max, whole).is_err());
            errors[1] += usize::from(orders_reader.poll(max, whole).is_err());
            errors[2] += usize::from(commands_reader.poll(max, whole).is_err());
            let _ = (orders.image_due(), market_reader.may_sleep(), market.should_ring());
        }
    }
    assert!(errors.iter().all(|&count| count > 100), "seed {seed}: {errors:?}");
}

/// A thread that scribbles while the consumer polls: what is handed out agrees with itself.
#[test]
fn scribbling_while_polling_changes_nothing_that_was_checked() {
    let (region, mut reader, _) = three();
    let stop = AtomicBool::new(false);
    let delivered = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = SplitMix64::new(5);
            while !stop.load(Relaxed) {
                let at = rng.below(8) as usize;
                region.store(DATA + 6 * at, [24, 16, 128, 0, 0x8000_0000][rng.below(5) as usize], Relaxed);
                region.store(TAIL, region.load(HEAD, Relaxed).wrapping_add(rng.below(140) as u32 & !7), Relaxed);
            }
        });
        let mut delivered = 0;
        let mut polls = 0_u64;
        // Until the other thread has had its say, however late it is given a core.
        while polls < 300_000 || delivered == 0 && polls < 10_000_000_000 {
            polls += 1;
            let polled = reader.poll(4, |bytes| {
                assert_eq!(bytes[..4], (bytes.len() as u32).to_le_bytes());
            });
            match polled {
                Ok(count) => delivered += count,
                Err(_) => reader.discard(),
            }
        }
        stop.store(true, Relaxed);
        delivered
    });
    assert!(delivered > 0);
}
