//! Attaching: every wrong region is a typed error.
use core::sync::atomic::{AtomicU32, Ordering};
use fafnir_ring::layout::{self, CAPACITY_MAX, CAPACITY_MIN, CONTROL_BYTES};
use fafnir_ring::{CommandReader, CommandWriter, MarketReader, MarketWriter, OrdersReader, OrdersWriter};
use fafnir_ring::{Kind, Region, RegionError, Words, region_bytes};

#[test]
fn record_types_agree_with_the_vocabulary() {
    assert_eq!(layout::RECORD_PADDING, types::event::RECORD_PADDING);
    assert_eq!(layout::RECORD_GAP, types::event::RECORD_GAP);
    assert_eq!(layout::HEADER_BYTES, types::event::RECORD_HEADER_BYTES);
}

#[test]
fn sizes_are_checked() {
    for capacity in [0, 64, 127, 192, CAPACITY_MAX * 2, usize::MAX] {
        let bytes = region_bytes(capacity);
        let size = RegionError::Size { bytes, capacity_min: CAPACITY_MIN, capacity_max: CAPACITY_MAX };
        assert_eq!(Region::heap(capacity).err(), Some(size), "{capacity}");
    }
    for capacity in [128, 4096, 1 << 20] {
        assert_eq!(Region::heap(capacity).unwrap().words() * 4, CONTROL_BYTES + capacity);
    }
}

#[test]
fn raw_memory_is_checked_and_shared() {
    let memory: Vec<AtomicU32> = (0..region_bytes(256) / 4 + 2).map(|_| AtomicU32::new(0)).collect();
    let aligned = (8 - memory.as_ptr().addr() % 8) % 8;
    let start = memory.as_ptr().cast::<u8>().cast_mut().wrapping_add(aligned);
    // SAFETY: `memory` outlives every region made here, is touched through atomics only, and is long enough.
    let raw = |offset: usize, bytes: usize| unsafe { Region::from_raw(start.wrapping_add(offset), bytes) };
    // SAFETY: refused before it is used.
    let null = unsafe { Region::from_raw(core::ptr::null_mut(), region_bytes(256)) };
    assert_eq!(null.err(), Some(RegionError::Misaligned { remainder_bytes: 0, required_bytes: 8 }));
    for offset in 1..8 {
        let misaligned = RegionError::Misaligned { remainder_bytes: offset, required_bytes: 8 };
        assert_eq!(raw(offset, region_bytes(256)).err(), Some(misaligned));
    }
    assert!(matches!(raw(0, region_bytes(256) + 8), Err(RegionError::Size { .. })));
    let region = raw(0, region_bytes(256)).unwrap();
    let mut writer = MarketWriter::create(region.clone()).unwrap();
    writer.write(&[8, 0, 0, 0, 1, 0, 0, 0]).unwrap();
    assert_eq!(memory[aligned / 4].load(Ordering::Relaxed), layout::MAGIC);
    assert_eq!(memory[aligned / 4 + CONTROL_BYTES / 4].load(Ordering::Relaxed), 8);
    let mut reader = MarketReader::attach(region).unwrap();
    assert_eq!(reader.poll(9, |record| assert_eq!(record.len(), 8)), Ok(1));
}

#[test]
fn attaching_checks_every_word_of_the_header() {
    let region = Region::heap(256).unwrap();
    assert_eq!(MarketReader::attach(region.clone()).err(), Some(RegionError::NotARing { magic: 0 }));
    MarketWriter::create(region.clone()).unwrap();
    let wanted = |kind: Kind| Some(RegionError::Kind { found: 1, wanted: kind as u32 });
    assert_eq!(OrdersReader::attach(region.clone()).err(), wanted(Kind::Orders));
    assert_eq!(CommandWriter::attach(region.clone()).err(), wanted(Kind::Commands));
    let broken = |word: usize, value: u32| {
        let before = region.load(word, Ordering::Relaxed);
        region.store(word, value, Ordering::Relaxed);
        let error = MarketReader::attach(region.clone()).err();
        region.store(word, before, Ordering::Relaxed);
        error
    };
    assert_eq!(broken(1, 2), Some(RegionError::Version { found: 2, supported: 1 }));
    assert_eq!(broken(3, 512), Some(RegionError::Capacity { found: 512, expected: 256 }));
    assert_eq!(broken(4, 64), Some(RegionError::Capacity { found: 256, expected: 256 }));
    assert_eq!(broken(5, 8), Some(RegionError::Origin { origin: 8, multiple_of: 256 }));
    assert!(MarketReader::attach(region.clone()).is_ok());
    assert_eq!(
        MarketWriter::create_at(region.clone(), 128).err(),
        Some(RegionError::Origin { origin: 128, multiple_of: 256 })
    );
    assert_eq!(
        OrdersWriter::create_at(region.clone(), 4).err(),
        Some(RegionError::Origin { origin: 4, multiple_of: 8 })
    );
    assert_eq!(CommandReader::create_at(region, 7).err(), Some(RegionError::Origin { origin: 7, multiple_of: 8 }));
}
