//! Regions as Rust writes them, kept in testkit/fixtures/ring and read by packages/fafnir/src/ring/fixture.test.ts.
//! `FAFNIR_BLESS=1 cargo test -p fafnir-ring --test fixture` writes them anew after a deliberate change of the layout.
mod common;
use std::path::Path;

use common::{check, record};
use fafnir_ring::{
    CommandReader, CommandWriter, MarketReader, MarketWriter, OrdersReader, OrdersWriter, Region, Written,
};

const CAPACITY: usize = 1024;

/// Length of record `number`, as the TypeScript test computes it too.
fn length(number: u64) -> usize {
    16 + (number as usize * 37) % 113
}

fn compare(name: &str, region: &Region) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/ring").join(name);
    let bytes = region.to_bytes();
    if std::env::var_os("FAFNIR_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(kept == bytes, "{name}: the layout changed; raise the version, then bless");
    kept
}

/// A region with these bytes, as if another process had mapped them.
fn restored(bytes: &[u8]) -> Region {
    let region = Region::heap(CAPACITY).unwrap();
    region.fill_from(bytes);
    region
}

/// Sixty records, most of them overwritten.
#[test]
fn market() {
    let region = Region::heap(CAPACITY).unwrap();
    let mut writer = MarketWriter::create(region.clone()).unwrap();
    let mut bytes = vec![];
    for number in 0..60 {
        record(number, length(number), &mut bytes);
        writer.write(&bytes).unwrap();
    }
    let mut reader = MarketReader::attach(restored(&compare("market.bin", &region))).unwrap();
    let mut numbers = vec![];
    reader.poll(99, |bytes| numbers.push(check(bytes))).unwrap();
    assert_eq!(numbers, (reader.missed()..60).collect::<Vec<_>>());
}

/// Thirty records into a ring that holds fewer, all that fit taken, then the gap and three more.
#[test]
fn orders() {
    let region = Region::heap(CAPACITY).unwrap();
    let mut writer = OrdersWriter::create(region.clone()).unwrap();
    let mut reader = OrdersReader::attach(region.clone()).unwrap();
    let mut bytes = vec![];
    for number in 0..33 {
        if number == 30 {
            assert!(reader.poll(99, |_| ()).unwrap() > 10);
            assert!(writer.image_due());
        }
        record(number, length(number), &mut bytes);
        let _: Written = writer.write(&bytes).unwrap();
    }
    let mut reader = OrdersReader::attach(restored(&compare("orders.bin", &region))).unwrap();
    let mut lost = 0;
    let mut numbers = vec![];
    reader.poll(1, |bytes| lost = u64::from(bytes[8])).unwrap();
    reader.poll(99, |bytes| numbers.push(check(bytes))).unwrap();
    assert_eq!((lost, numbers), (writer.dropped(), vec![30, 31, 32]));
}

/// Thirty-two records, taken four at a time except the last four; `CommandWriter` of TypeScript writes the same bytes.
#[test]
fn commands() {
    let region = Region::heap(CAPACITY).unwrap();
    let mut reader = CommandReader::create(region.clone()).unwrap();
    let mut writer = CommandWriter::attach(region.clone()).unwrap();
    let mut bytes = vec![];
    for number in 0..32 {
        if number % 4 == 0 {
            reader.poll(99, |_| ()).unwrap();
        }
        record(number, length(number), &mut bytes);
        writer.try_write(&bytes).unwrap();
    }
    compare("commands.bin", &region);
    let mut next = 28;
    reader
        .poll(99, |bytes| {
            assert_eq!(check(bytes), next);
            next += 1;
        })
        .unwrap();
    assert_eq!(next, 32);
}
