//! Real threads: every record seen whole, or counted.
mod common;
use common::{check, length_of, record};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;

use fafnir_ring::{CommandReader, CommandWriter, MarketReader, MarketWriter, OrdersReader, OrdersWriter, Region};

/// One writer, two readers of which one dawdles: seen plus missed is written, for each.
#[test]
fn broadcast_accounts_for_every_record() {
    const RECORDS: u64 = 400_000;
    let region = Region::heap(16 * 1024).unwrap();
    let mut writer = MarketWriter::create_at(region.clone(), (1 << 32) - 16 * 1024).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = [0u32, 200]
            .map(|dawdle| {
                let mut reader = MarketReader::attach(region.clone()).unwrap();
                let done = &done;
                scope.spawn(move || {
                    let (mut next, mut seen) = (0, 0u64);
                    loop {
                        let last = done.load(SeqCst);
                        let taken = reader.poll(64, |bytes| {
                            let number = check(bytes);
                            assert!(number >= next);
                            (next, seen) = (number + 1, seen + 1);
                        });
                        assert_eq!(seen + reader.missed(), next);
                        if taken == Ok(0) && last {
                            return (seen, reader.missed());
                        }
                        taken.unwrap();
                        (0..dawdle).for_each(|_| core::hint::spin_loop());
                        if taken == Ok(0) {
                            thread::yield_now();
                        }
                    }
                })
            })
            .into();
        let mut bytes = vec![];
        for number in 0..RECORDS {
            record(number, length_of(number, 200), &mut bytes);
            writer.stage(&bytes).unwrap();
            if number % 7 == 0 {
                writer.publish();
            }
            if number % 4096 == 0 {
                thread::yield_now();
            }
        }
        writer.publish();
        done.store(true, SeqCst);
        for reader in readers {
            let (seen, missed) = reader.join().unwrap();
            assert_eq!(seen + missed, RECORDS);
            assert!(seen > 1000, "saw {seen}");
        }
    });
}

/// Nothing is lost when the producer tries again.
#[test]
fn commands_arrive_in_order() {
    const RECORDS: u64 = 300_000;
    let region = Region::heap(4096).unwrap();
    let mut reader = CommandReader::create_at(region.clone(), u32::MAX - 4095).unwrap();
    let mut writer = CommandWriter::attach(region).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = vec![];
            for number in 0..RECORDS {
                record(number, length_of(number, 512), &mut bytes);
                while writer.try_write(&bytes).is_err() {
                    thread::yield_now();
                }
            }
        });
        let mut next = 0;
        while next < RECORDS {
            let taken = reader.poll(16, |bytes| {
                assert_eq!(check(bytes), next);
                next += 1;
            });
            if taken == Ok(0) {
                thread::yield_now();
            }
            taken.unwrap();
        }
    });
    // All taken, none invented.
}

/// Gaps stand where records are missing and sum up to what the writer dropped.
#[test]
fn orders_gaps_sum_up() {
    const RECORDS: u64 = 300_000;
    let region = Region::heap(4096).unwrap();
    let mut writer = OrdersWriter::create(region.clone()).unwrap();
    let mut reader = OrdersReader::attach(region).unwrap();
    let done = AtomicBool::new(false);
    let dropped = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = vec![];
            for number in 0..RECORDS {
                record(number, length_of(number, 128), &mut bytes);
                let _ = writer.write(&bytes).unwrap();
                if number % 512 == 0 {
                    thread::yield_now();
                }
            }
            dropped.store(writer.dropped(), SeqCst);
            // The reader empties the ring, so the last gap finds room.
            while dropped.load(SeqCst) > 0 && !writer.image_due() {
                thread::yield_now();
            }
            done.store(true, SeqCst);
        });
        let (mut next, mut lost) = (0, 0);
        loop {
            let last = done.load(SeqCst);
            let taken = reader.poll(8, |bytes| {
                if bytes[4] == 7 {
                    let count = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
                    (next, lost) = (next + count, lost + count);
                } else {
                    assert_eq!(check(bytes), next);
                    next += 1;
                }
            });
            if taken.unwrap() == 0 {
                if last {
                    break;
                }
                thread::yield_now();
            }
        }
        assert_eq!((next, lost), (RECORDS, dropped.load(Relaxed)));
    });
}

/// Ping-pong through sleep and doorbell: a lost wake-up would hang, so the reader gives up loudly.
#[test]
fn doorbell_wakes_a_sleeper() {
    let region = Region::heap(4096).unwrap();
    let mut writer = MarketWriter::create(region.clone()).unwrap();
    let mut reader = MarketReader::attach(region).unwrap();
    let taken = AtomicU64::new(0);
    const RECORDS: u64 = 20_000;
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut slept = 0u64;
            while taken.load(Relaxed) < RECORDS {
                if reader.may_sleep() {
                    slept += 1;
                    let (asleep, limit) = (std::time::Instant::now(), std::time::Duration::from_secs(10));
                    thread::park_timeout(limit);
                    assert!(asleep.elapsed() < limit, "not woken");
                }
                let seen = reader.poll(99, |_| ()).unwrap();
                taken.fetch_add(seen as u64, SeqCst);
            }
            slept
        });
        let mut bytes = vec![];
        for number in 0..RECORDS {
            record(number, 64, &mut bytes);
            writer.write(&bytes).unwrap();
            if writer.should_ring() {
                sleeper.thread().unpark();
            }
            while taken.load(SeqCst) + 32 < number {
                thread::yield_now();
            }
        }
        assert!(sleeper.join().unwrap() > 0);
    });
}
