//! Records whose every byte follows from their number, so that a reader can check what it was given.
#![allow(dead_code)]
use types::rng::SplitMix64;

/// Type of test records.
pub const TYPE: u32 = 1;

/// Record `number` of `length` bytes (16 or more): header, number, then bytes that depend on number and place.
pub fn record(number: u64, length: usize, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&(length as u32).to_le_bytes());
    into.extend_from_slice(&TYPE.to_le_bytes());
    into.extend_from_slice(&number.to_le_bytes());
    into.extend((16..length).map(|i| (number as usize).wrapping_mul(31).wrapping_add(i * 7) as u8));
}

/// The number of a record, after checking every byte of it.
pub fn check(bytes: &[u8]) -> u64 {
    assert!(bytes.len() >= 16, "short record {bytes:?}");
    assert_eq!(bytes.as_ptr().addr() % 8, 0, "record not aligned");
    let number = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    let mut want = vec![];
    record(number, bytes.len(), &mut want);
    assert_eq!(bytes, want, "record {number} is torn");
    number
}

/// Length of test record `number`: 16 to `max`, any remainder by 8.
pub fn length_of(number: u64, max: usize) -> usize {
    16 + SplitMix64::new(number ^ 0x5eed).below(max as u64 - 15) as usize
}

/// The seed of a random test: from `FAFNIR_SEED` if set. It stands in every assertion's message.
pub fn seed(default: u64) -> u64 {
    std::env::var("FAFNIR_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
