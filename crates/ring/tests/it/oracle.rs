//! Random operations against naive models: a `VecDeque` for the lossless rings, the whole history for the broadcast.
use crate::common;
use std::collections::VecDeque;

use common::{check, length_of, record, seed};
use fafnir_ring::{
    CommandReader, CommandWriter, Corrupt, MarketReader, MarketWriter, OrdersReader, OrdersWriter, Refusal, Region,
    Written,
};
use types::rng::SplitMix64;

/// First positions: zero, and so close below 2^32 and 2^64 that a test passes them.
const ORIGINS: [u64; 3] = [0, (1 << 32) - 4096, u64::MAX - 4095];

#[test]
fn broadcast_readers_see_a_suffix_and_count_the_rest() {
    for origin in ORIGINS {
        for capacity in [128usize, 256, 1024, 4096] {
            let seed = seed(1) ^ origin ^ capacity as u64;
            let mut rng = SplitMix64::new(seed);
            let region = Region::heap(capacity).unwrap();
            let mut writer = MarketWriter::create_at(region.clone(), origin).unwrap();
            let mut readers: Vec<_> = (0..3).map(|_| (MarketReader::attach(region.clone()).unwrap(), 0u64)).collect();
            let (mut bytes, mut number, mut published) = (vec![], 0, 0);
            for _ in 0..20_000 {
                if rng.below(4) > 0 {
                    let burst = 1 << rng.below(7);
                    for _ in 0..rng.below(burst) {
                        record(number, length_of(number, capacity / 8), &mut bytes);
                        writer.stage(&bytes).unwrap();
                        number += 1;
                    }
                    writer.publish();
                    published = number;
                }
                let which = rng.below(3) as usize;
                let (reader, next) = &mut readers[which];
                let max = rng.below(50) as usize;
                let (before, first) = (reader.missed(), *next);
                let seen = reader.poll(max, |bytes| {
                    let got = check(bytes);
                    assert!(got >= *next, "seed {seed}: {got} again, expected {next}");
                    *next = got + 1;
                });
                let seen = seen.unwrap_or_else(|corrupt| panic!("seed {seed}: {corrupt:?}"));
                let missed = reader.missed() - before;
                // Every record is either seen or missed; a reader that asked for all has all.
                assert_eq!(*next - first, seen as u64 + missed, "seed {seed}");
                assert!(seen == max || *next == published, "seed {seed}");
            }
            assert!(readers.iter().any(|(reader, _)| reader.missed() > 1000), "seed {seed}: nobody was lapped");
            assert_eq!(writer.records(), number);
        }
    }
}

#[test]
fn a_reader_that_keeps_up_misses_nothing_even_with_a_full_ring() {
    let region = Region::heap(1024).unwrap();
    let mut writer = MarketWriter::create(region.clone()).unwrap();
    let mut reader = MarketReader::attach(region.clone()).unwrap();
    let mut bytes = vec![];
    for lap in 0..100u64 {
        for i in 0..16 {
            record(lap * 16 + i, 64, &mut bytes);
            writer.stage(&bytes).unwrap();
        }
        writer.publish();
        assert_eq!(reader.poll(99, |bytes| assert_eq!(check(bytes) / 16, lap)), Ok(16));
    }
    assert_eq!(reader.missed(), 0);
    record(1600, 64, &mut bytes);
    for _ in 0..17 {
        writer.write(&bytes).unwrap();
    }
    // One record too many: it continues half a ring behind the tail, on the boundary of an eighth.
    assert_eq!(reader.poll(99, |_| ()), Ok(9));
    assert_eq!(reader.missed(), 8);
}

#[test]
fn attaching_late_counts_from_the_start_or_from_the_newest() {
    let region = Region::heap(1024).unwrap();
    let mut writer = MarketWriter::create(region.clone()).unwrap();
    assert_eq!(MarketReader::attach_newest(region.clone()).unwrap().poll(9, |_| ()), Ok(0));
    let mut bytes = vec![];
    for number in 0..1000 {
        record(number, 64, &mut bytes);
        writer.write(&bytes).unwrap();
    }
    let mut first = MarketReader::attach(region.clone()).unwrap();
    let mut newest = MarketReader::attach_newest(region).unwrap();
    let (mut of_first, mut of_newest) = (vec![], vec![]);
    first.poll(99, |bytes| of_first.push(check(bytes))).unwrap();
    newest.poll(99, |bytes| of_newest.push(check(bytes))).unwrap();
    assert_eq!(first.missed() + of_first.len() as u64, 1000);
    assert_eq!((of_first.last(), of_newest.last()), (Some(&999), Some(&999)));
    assert!(newest.missed() == 0 && of_newest.len() <= 3, "{of_newest:?}");
}

#[test]
fn commands_are_a_queue_that_refuses() {
    for origin in [0u32, u32::MAX - 2047, 1 << 31] {
        for capacity in [128usize, 512, 4096] {
            let seed = seed(2) ^ u64::from(origin) ^ capacity as u64;
            let mut rng = SplitMix64::new(seed);
            let region = Region::heap(capacity).unwrap();
            let mut reader = CommandReader::create_at(region.clone(), origin).unwrap();
            let mut writer = CommandWriter::attach(region).unwrap();
            let mut queue: VecDeque<(u64, usize)> = VecDeque::new();
            let (mut bytes, mut number, mut refused) = (vec![], 0, 0);
            for _ in 0..50_000 {
                if rng.below(6) > 0 {
                    record(number, length_of(number, capacity / 8), &mut bytes);
                    let written = if rng.below(2) == 0 {
                        writer.try_write(&bytes)
                    } else {
                        let split = 8 + 4 * rng.below((bytes.len() as u64 - 8) / 4 + 1) as usize;
                        writer.try_write_parts(common::TYPE, &bytes[8..split], &bytes[split..])
                    };
                    let queued: usize = queue.iter().map(|(_, bytes)| bytes.next_multiple_of(8)).sum();
                    match written {
                        Ok(()) => queue.push_back((number, bytes.len())),
                        Err(Refusal::Full { needed_bytes, free_bytes }) => {
                            refused += 1;
                            // Free is what is neither queued nor padding, and a padding is shorter than a record.
                            assert!(needed_bytes > free_bytes && free_bytes as usize + queued <= capacity);
                            assert!(queued + capacity / 4 + free_bytes as usize > capacity, "seed {seed}: early");
                            number -= 1;
                        }
                        Err(other) => panic!("seed {seed}: {other:?}"),
                    }
                    number += 1;
                } else {
                    let max = rng.below(8) as usize;
                    let want: Vec<_> = queue.drain(..max.min(queue.len())).collect();
                    let mut got = vec![];
                    let seen = reader.poll(max, |bytes| got.push((check(bytes), bytes.len())));
                    assert_eq!((seen, got), (Ok(want.len()), want), "seed {seed}");
                    assert!(!queue.is_empty() || max == 0 || reader.is_empty() || reader.poll(1, |_| ()) == Ok(0));
                }
            }
            assert!(refused > 100, "seed {seed}: never full");
        }
    }
}

#[test]
fn orders_are_all_there_or_counted_where_they_are_missing() {
    for origin in [0u32, u32::MAX - 2047] {
        for capacity in [256usize, 1024] {
            let seed = seed(3) ^ u64::from(origin) ^ capacity as u64;
            let mut rng = SplitMix64::new(seed);
            let region = Region::heap(capacity).unwrap();
            let mut writer = OrdersWriter::create_at(region.clone(), origin).unwrap();
            let mut reader = OrdersReader::attach(region).unwrap();
            let (mut bytes, mut number, mut dropped) = (vec![], 0u64, 0u64);
            let (mut next, mut counted, mut images, mut asked) = (0u64, 0u64, 0, 0);
            for _ in 0..50_000 {
                if rng.below(3) > 0 {
                    record(number, length_of(number, capacity / 8), &mut bytes);
                    dropped += u64::from(writer.write(&bytes) == Ok(Written::Dropped));
                    number += 1;
                    if writer.image_due() {
                        writer.image_written();
                        asked += 1;
                    }
                } else {
                    let seen = reader.poll(rng.below(12) as usize, |bytes| {
                        if bytes[4] == 7 {
                            let lost = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
                            assert!(lost > 0 && bytes.len() == 16);
                            (next, counted, images) = (next + lost, counted + lost, images + 1);
                        } else {
                            assert_eq!(check(bytes), next, "seed {seed}");
                            next += 1;
                        }
                    });
                    assert!(seen.is_ok(), "seed {seed}: {seen:?}");
                }
            }
            while reader.poll(99, |bytes| match bytes[4] {
                7 => {
                    counted += u64::from_le_bytes(bytes[8..16].try_into().unwrap());
                    images += 1;
                }
                _ => next += 1,
            }) != Ok(0)
            {
                asked += u32::from(writer.image_due());
                writer.image_written();
            }
            assert_eq!((writer.dropped(), counted), (dropped, dropped), "seed {seed}");
            assert!(images > 10 && images == asked, "seed {seed}: {images} gaps, {asked} images");
        }
    }
}

#[test]
fn a_dropped_image_stays_owed() {
    let region = Region::heap(128).unwrap();
    let mut writer = OrdersWriter::create(region.clone()).unwrap();
    let mut reader = OrdersReader::attach(region).unwrap();
    let mut bytes = vec![];
    record(0, 16, &mut bytes);
    while writer.write(&bytes) == Ok(Written::Written) {}
    assert!(!writer.image_due(), "no room yet");
    assert_eq!(reader.poll(3, |_| ()), Ok(3));
    assert!(!writer.image_due(), "less than half free");
    assert_eq!(reader.poll(1, |_| ()), Ok(1));
    assert!(writer.image_due());
    for _ in 0..4 {
        let _ = writer.write(&bytes).unwrap();
    }
    writer.image_written();
    assert!(!writer.image_due(), "the image's last record was dropped, and there is no room to say so");
    let mut gaps = vec![];
    while reader.poll(99, |bytes| gaps.extend((bytes[4] == 7).then_some(bytes[8]))) != Ok(0) {}
    assert!(writer.image_due());
    assert_eq!(reader.poll(99, |bytes| gaps.push(bytes[8])), Ok(1));
    assert_eq!(gaps, [1, 1]);
}

#[test]
fn what_is_no_record_is_refused_by_every_writer() {
    let mut market = MarketWriter::create(Region::heap(256).unwrap()).unwrap();
    let mut orders = OrdersWriter::create(Region::heap(256).unwrap()).unwrap();
    let region = Region::heap(256).unwrap();
    let mut reader = CommandReader::create(region.clone()).unwrap();
    let mut commands = CommandWriter::attach(region).unwrap();
    let mut bad: Vec<(Vec<u8>, Refusal)> = vec![
        (vec![], Refusal::Header { length: 0, bytes: 0 }),
        (vec![7, 0, 0, 0, 1, 0, 0], Refusal::Header { length: 0, bytes: 7 }),
        (vec![16, 0, 0, 0, 1, 0, 0, 0], Refusal::Header { length: 16, bytes: 8 }),
        (vec![8, 0, 0, 0, 255, 255, 255, 255], Refusal::Header { length: 8, bytes: 8 }),
    ];
    let mut long = vec![];
    record(0, 33, &mut long);
    bad.push((long, Refusal::TooLong { bytes: 33, max_bytes: 32 }));
    for (bytes, refusal) in bad {
        assert_eq!(market.write(&bytes), Err(refusal));
        assert_eq!(orders.write(&bytes), Err(refusal));
        assert_eq!(commands.try_write(&bytes), Err(refusal));
    }
    assert_eq!(commands.try_write_parts(1, &[0; 3], &[]), Err(Refusal::Header { length: 11, bytes: 11 }));
    assert_eq!(commands.try_write_parts(1, &[0; 24], &[0]), Err(Refusal::TooLong { bytes: 33, max_bytes: 32 }));
    assert_eq!((market.records(), orders.dropped(), reader.poll(9, |_| ())), (0, 0, Ok(0)));
    assert_eq!(reader.poll(9, |_| ()), Ok::<usize, Corrupt>(0));
}
