//! Model checking: the rings over loom's atomics, every interleaving and every stale value the memory model allows, up
//! to a bound of preemptions. Runs in a plain `cargo test`: the algorithms are generic over `Words`.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32 as Plain, Ordering};

use fafnir_ring::{
    CommandReader, CommandWriter, MarketReader, MarketWriter, OrdersReader, OrdersWriter, RegistersReader,
    RegistersWriter, Words, Written,
};
use loom::sync::atomic::{AtomicU32, fence};

/// The smallest ring: eight records of 16 bytes.
const CAPACITY: usize = 128;
const RECORD: usize = 16;

/// A region of loom atomics. Words of the header line never change once threads run, so they are plain.
#[derive(Clone)]
struct Checked(Arc<Vec<Word>>);

enum Word {
    Fixed(Plain),
    Shared(AtomicU32),
}

impl Checked {
    fn new() -> Checked {
        let words = fafnir_ring::region_bytes(CAPACITY) / 4;
        let shared = |word: usize| matches!(word, 32..39 | 64 | 96 | 97 | 128..);
        let word = |i| if shared(i) { Word::Shared(AtomicU32::new(0)) } else { Word::Fixed(Plain::new(0)) };
        Checked(Arc::new((0..words).map(word).collect()))
    }
}

impl Words for Checked {
    fn words(&self) -> usize {
        self.0.len()
    }
    fn load(&self, word: usize, order: Ordering) -> u32 {
        match &self.0[word] {
            Word::Fixed(plain) => plain.load(order),
            Word::Shared(shared) => shared.load(order),
        }
    }
    fn store(&self, word: usize, value: u32, order: Ordering) {
        match &self.0[word] {
            Word::Fixed(plain) => plain.store(value, order),
            Word::Shared(shared) => shared.store(value, order),
        }
    }
    fn fence(order: Ordering) {
        fence(order);
    }
}

/// Record `number`: both payload words say the number, so that a torn one is seen.
fn record(number: u32) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([RECORD as u32, 1, number, number]) {
        *chunk = word.to_le_bytes();
    }
    bytes
}

fn number(bytes: &[u8]) -> u32 {
    let word = |i: usize| u32::from_le_bytes(bytes[i..i + 4].try_into().unwrap());
    assert_eq!((bytes.len(), word(4), word(8)), (RECORD, 1, word(12)), "torn");
    word(8)
}

fn model(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(check);
}

/// A nearly full queue: the producer needs room the consumer is just giving back, across the end of the ring and of
/// 2^32.
#[test]
fn commands_arrive_once_and_whole() {
    model(3, || {
        let words = Checked::new();
        let mut reader = CommandReader::create_at(words.clone(), 32u32.wrapping_neg()).unwrap();
        let mut writer = CommandWriter::attach(words).unwrap();
        let prefilled = 7;
        for i in 0..prefilled {
            writer.try_write(&record(i)).unwrap();
        }
        let producer = loom::thread::spawn(move || {
            let mut written = prefilled;
            for _ in 0..3 {
                written += u32::from(writer.try_write(&record(written)).is_ok());
            }
            written
        });
        let mut next = 0;
        let mut take = |reader: &mut CommandReader<Checked>, max| {
            reader.poll(max, |bytes| {
                assert_eq!(number(bytes), next);
                next += 1;
            })
        };
        take(&mut reader, 1).unwrap();
        take(&mut reader, 9).unwrap();
        let written = producer.join().unwrap();
        while take(&mut reader, 9).unwrap() > 0 {}
        assert_eq!(next, written);
        assert!(written > prefilled);
    });
}

/// A full orders ring: what is dropped while the reader makes room is counted where it is missing.
#[test]
fn orders_count_what_they_drop() {
    model(2, || {
        let words = Checked::new();
        let mut writer = OrdersWriter::create(words.clone()).unwrap();
        let mut reader = OrdersReader::attach(words).unwrap();
        let prefilled = 8;
        for i in 0..prefilled {
            assert_eq!(writer.write(&record(i)), Ok(Written::Written));
        }
        let producer = loom::thread::spawn(move || {
            for i in 0..2 {
                let _ = writer.write(&record(prefilled + i)).unwrap();
            }
            writer
        });
        let mut next = 0;
        let mut take = |reader: &mut OrdersReader<Checked>, max| {
            reader.poll(max, |bytes| {
                if bytes[4] == 7 {
                    next += u32::from(bytes[8]);
                } else {
                    assert_eq!(number(bytes), next);
                    next += 1;
                }
            })
        };
        take(&mut reader, 4).unwrap();
        let mut writer = producer.join().unwrap();
        while take(&mut reader, 9).unwrap() > 0 {}
        let _ = writer.image_due();
        take(&mut reader, 9).unwrap();
        assert_eq!(next, prefilled + 2);
    });
}

/// `prefilled` records before the threads start, `more` while the reader polls twice.
fn broadcast(origin: u64, prefilled: u32, more: u32, max: usize) {
    let words = Checked::new();
    let mut writer = MarketWriter::create_at(words.clone(), origin).unwrap();
    let mut reader = MarketReader::attach(words).unwrap();
    for i in 0..prefilled {
        writer.write(&record(i)).unwrap();
    }
    let producer = loom::thread::spawn(move || {
        for i in 0..more {
            writer.write(&record(prefilled + i)).unwrap();
        }
    });
    let (mut next, mut seen) = (0, 0u32);
    let mut take = |reader: &mut MarketReader<Checked>, max| {
        let taken = reader.poll(max, |bytes| {
            let number = number(bytes);
            assert!(number >= next, "{number} again");
            (next, seen) = (number + 1, seen + 1);
        });
        assert_eq!(u64::from(seen) + reader.missed(), u64::from(next), "neither seen nor missed");
        taken.unwrap()
    };
    take(&mut reader, max);
    producer.join().unwrap();
    while take(&mut reader, 99) > 0 {}
    assert_eq!(next, prefilled + more);
    assert!(prefilled + more > 8 || reader.missed() == 0, "nobody was lapped");
}

/// The writer overwrites the very record that is being copied.
#[test]
fn broadcast_never_hands_out_a_torn_record() {
    model(3, || broadcast(0, 7, 2, 2));
}

/// The same while the high half of the positions changes.
#[test]
fn broadcast_positions_carry_into_the_high_half() {
    model(3, || broadcast((1 << 32) - CAPACITY as u64, 7, 1, 9));
    model(2, || broadcast((1 << 32) - CAPACITY as u64, 7, 2, 1));
}

/// A lapped reader looks for its place while the writer goes on and reuses checkpoints.
#[test]
fn broadcast_counts_misses_exactly_while_it_is_lapped_again() {
    model(2, || broadcast(0, 12, 5, 1));
}

/// Nobody sleeps on a record: a reader that goes to sleep on what it saw as empty is rung, or there is nothing.
#[test]
fn doorbell_is_never_lost() {
    model(3, || {
        let words = Checked::new();
        let mut writer = MarketWriter::create(words.clone()).unwrap();
        let mut reader = MarketReader::attach(words).unwrap();
        let rings = Arc::new(AtomicU32::new(0));
        let bell = rings.clone();
        let producer = loom::thread::spawn(move || {
            for i in 0..2 {
                writer.write(&record(i)).unwrap();
                if writer.should_ring() {
                    bell.fetch_add(1, Ordering::AcqRel);
                }
            }
        });
        let mut taken = 0;
        let mut asleep_at = None;
        for _ in 0..3 {
            let heard = rings.load(Ordering::Acquire);
            if reader.may_sleep() {
                asleep_at = Some(heard);
                break;
            }
            taken += reader.poll(9, |_| ()).unwrap();
        }
        producer.join().unwrap();
        if let Some(heard) = asleep_at {
            assert!(taken == 2 || rings.load(Ordering::Acquire) > heard, "asleep on {} records", 2 - taken);
        }
    });
}

/// A register changes while it is read: whole, never older than what was read before.
#[test]
fn registers_are_read_whole() {
    model(2, || {
        let words = Checked::new();
        let mut writer = RegistersWriter::create(words.clone()).unwrap();
        let reader = RegistersReader::attach(words).unwrap();
        assert_eq!((writer.count(), reader.count()), (1, 1));
        writer.write(0, &[1; 16]);
        let producer = loom::thread::spawn(move || writer.write(0, &[2; 16]));
        let mut state = [0; 120];
        if reader.read(0, &mut state) {
            assert!(state[0] > 0 && state[..16].iter().all(|byte| *byte == state[0]), "torn: {state:?}");
            assert!(state[16..].iter().all(|byte| *byte == 0));
        }
        producer.join().unwrap();
        let mut state = [0; 120];
        assert!(reader.read(0, &mut state) && state[15] == 2 && !reader.read(1, &mut state));
    });
}
