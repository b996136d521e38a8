//! What is written is what is read; whatever happens to the files, nothing else ever is.
use crate::common;

use std::fs;
use std::path::Path;

use common::{Item, Row, folder, journal, owned, random_items, read, start, try_write, write};
use fafnir_journal::{End, EndReason, Options, Reader, Writer};
use types::limits::INPUT_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, ConnId, Input, InputKind, UnixNanos};

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn inputs(rows: &[Row]) -> u64 {
    rows.iter().filter(|(_, _, item)| !matches!(item, Item::HashMark(_) | Item::Close(..))).count() as u64
}

/// A closed journal over several segments.
fn closed(name: &str, seed: u64, count: usize, segment_bytes: u64) -> (std::path::PathBuf, Vec<Row>) {
    let dir = folder(name);
    let mut rows = random_items(seed, count);
    let mut writer = journal(&dir, &rows, segment_bytes);
    let last = rows.last().unwrap().0;
    rows.push((last, 9_999_999, Item::Close(77, inputs(&rows))));
    write(&mut writer, &rows[rows.len() - 1]);
    (dir, rows)
}

#[test]
fn what_is_written_is_read_over_several_segments() {
    for seed in 1..=10 {
        let (dir, rows) = closed(&format!("round-{seed}"), seed, 400, 8_192);
        let paths = segments(&dir);
        assert!(paths.len() > 5);
        for from in [dir.clone(), paths[0].clone()] {
            let (seen, end) = read(&from);
            assert_eq!(seen, rows, "seed {seed}");
            let length = fs::metadata(paths.last().unwrap()).unwrap().len();
            let want =
                End { segment: paths.len() as u32, offset: length, turns: inputs(&rows), reason: EndReason::Closed };
            assert_eq!(end, want);
        }
        let fault = Reader::open(&paths[1]).unwrap_err();
        assert_eq!(fault.code, Code::JournalFormat);
        assert!(fault.detail.contains("segment 2"), "{fault}");
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn a_process_that_ends_without_closing_loses_nothing() {
    let dir = folder("crash");
    let rows = random_items(3, 300);
    drop(journal(&dir, &rows, 16_384));
    let (seen, end) = read(&dir);
    assert_eq!((seen, end.reason), (rows, EndReason::Unclosed));
    assert_eq!(fs::metadata(segments(&dir).pop().unwrap()).unwrap().len(), 16_384, "still preallocated");
    fs::remove_dir_all(dir).unwrap();
}

/// Where each record ends, by the documented sizes: after the segment header, 32 bytes and the payload to a multiple of
/// 8.
fn ends(rows: &[Row]) -> Vec<usize> {
    let start_payload = 16 + start().build.len() + start().config.len();
    let mut at = 64 + 32 + start_payload.next_multiple_of(8);
    let payload = |item: &Item| match item {
        Item::Bytes(_, bytes) => bytes.len(),
        Item::Command(_, _, bytes) => 8 + bytes.len(),
        Item::Conn(..) | Item::Timer(_) => 8,
        Item::Market(_) => 64,
        Item::Report(_) => 128,
        Item::Control(_) | Item::Unknown(_) => 0,
        Item::HashMark(_) => 16,
        Item::Close(..) => 24,
    };
    let mut end = |(_, _, item): &Row| {
        at += 32 + payload(item).next_multiple_of(8);
        at
    };
    rows.iter().map(&mut end).collect()
}

#[test]
fn cut_at_a_thousand_random_bytes() {
    let dir = folder("cut");
    let mut rows = random_items(8, 60);
    let mut writer = journal(&dir, &rows, 1 << 20);
    rows.push((rows.last().unwrap().0, 1, Item::Close(5, inputs(&rows))));
    write(&mut writer, rows.last().unwrap());
    let whole = fs::read(dir.join("000001.fafnir")).unwrap();
    let ends = ends(&rows);
    assert_eq!(ends.last(), Some(&whole.len()));
    let cut = folder("cut-copy");
    fs::create_dir_all(&cut).unwrap();
    let (seed, path) = (99, cut.join("000001.fafnir"));
    let mut rng = SplitMix64::new(seed);
    let (mut at_boundary, mut last) = (0, 0);
    for round in 0..1_000 {
        let length = if round < ends.len() - 1 { ends[round] } else { rng.below(whole.len() as u64) as usize };
        fs::write(&path, &whole[..length]).unwrap();
        let why = format!("seed {seed} cut at {length}");
        match Reader::open(&path) {
            Err(fault) => {
                let want = if length == 0 { Code::JournalFormat } else { Code::JournalTruncated };
                assert_eq!(fault.code, want, "{why}");
                assert!(length < 200, "{why}: record 0 is there");
            }
            Ok(mut reader) => {
                let mut seen = Vec::new();
                while let Some(record) = reader.next() {
                    seen.push(owned(&record));
                }
                let end = reader.end();
                assert_eq!(seen[..], rows[..seen.len()], "{why}");
                assert!(end.offset <= length as u64 && seen.len() < rows.len(), "{why}");
                let clean = end.offset == length as u64;
                assert_eq!(end.reason, if clean { EndReason::Unclosed } else { EndReason::Truncated }, "{why}");
                assert_eq!(seen.len(), ends.iter().filter(|&&end| end <= length).count(), "{why}: all before the cut");
                at_boundary += clean as u32;
                last = last.max(seen.len());
            }
        }
    }
    assert!(at_boundary >= 60 && last > 50);
    fs::remove_dir_all(dir).unwrap();
    fs::remove_dir_all(cut).unwrap();
}

#[test]
fn any_flipped_byte_is_found() {
    for (name, rows_count, segment_bytes) in [("flip-one", 120, 1 << 20), ("flip-many", 300, 8_192)] {
        let (dir, rows) = closed(name, 21, rows_count, segment_bytes);
        let paths = segments(&dir);
        let (seed, mut rng) = (4, SplitMix64::new(4));
        for round in 0..600 {
            let path = &paths[rng.below(paths.len() as u64) as usize];
            let good = fs::read(path).unwrap();
            let mut bad = good.clone();
            let at = rng.below(bad.len() as u64) as usize;
            bad[at] ^= if round % 2 == 0 { 1 << rng.below(8) } else { rng.below(255) as u8 + 1 };
            fs::write(path, &bad).unwrap();
            let why = format!("seed {seed} round {round} {} byte {at}", path.display());
            match Reader::open(&dir) {
                Err(fault) => assert!(path == &paths[0] && at < 200, "{why}: {fault}"),
                Ok(mut reader) => {
                    let mut seen = Vec::new();
                    while let Some(record) = reader.next() {
                        seen.push(owned(&record));
                    }
                    assert!(seen.len() < rows.len() && seen[..] == rows[..seen.len()], "{why}");
                    let reason = reader.end().reason;
                    assert!(matches!(reason, EndReason::Corrupt | EndReason::Truncated), "{why}: {reason:?}");
                    assert!(reason.code().is_some());
                }
            }
            fs::write(path, &good).unwrap();
        }
        assert_eq!(read(&dir).0, rows);
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn missing_swapped_and_foreign_segments_end_the_journal() {
    let (dir, rows) = closed("segments", 31, 300, 8_192);
    let paths = segments(&dir);
    let keep = |n: usize| fs::read(&paths[n]).unwrap();
    let (second, third) = (keep(1), keep(2));
    fs::remove_file(&paths[1]).unwrap();
    let (seen, end) = read(&dir);
    assert_eq!((end.segment, end.reason), (1, EndReason::Truncated), "the middle is missing");
    assert_eq!(seen[..], rows[..seen.len()]);
    let first_count = seen.len();
    for (bytes, reason, what) in [
        (vec![], EndReason::Truncated, "empty"),
        (vec![0; 8_192], EndReason::Truncated, "made and not begun"),
        (third.clone(), EndReason::Corrupt, "the third in its place"),
        (vec![0xa5; 500], EndReason::Corrupt, "garbage"),
    ] {
        fs::write(&paths[1], bytes).unwrap();
        let (seen, end) = read(&dir);
        assert_eq!((seen.len(), end.segment, end.reason), (first_count, 1, reason), "{what}");
    }
    // A damaged header of the third.
    fs::write(&paths[1], &second).unwrap();
    let mut damaged = third.clone();
    damaged[16] ^= 1;
    fs::write(&paths[2], &damaged).unwrap();
    assert_eq!(read(&dir).1.reason, EndReason::Corrupt);
    // A segment of another journal with the right number.
    let (other, _) = closed("segments-other", 32, 300, 8_192);
    fs::write(&paths[2], &third).unwrap();
    fs::copy(other.join("000002.fafnir"), &paths[1]).unwrap();
    assert_eq!(read(&dir).1.reason, EndReason::Corrupt, "a chain of another journal");
    fs::remove_dir_all(dir).unwrap();
    fs::remove_dir_all(other).unwrap();
}

#[test]
fn bytes_behind_the_end_are_found() {
    let (dir, rows) = closed("behind", 41, 20, 1 << 20);
    let path = dir.join("000001.fafnir");
    let good = fs::read(&path).unwrap();
    let mut longer = good.clone();
    longer.extend_from_slice(&[0; 100]);
    fs::write(&path, &longer).unwrap();
    assert_eq!(read(&dir).1.reason, EndReason::Closed, "zeros are what is preallocated");
    longer.push(1);
    fs::write(&path, &longer).unwrap();
    let (seen, end) = read(&dir);
    assert_eq!((seen.len(), end.reason), (rows.len(), EndReason::Corrupt));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_is_no_journal_is_said_so() {
    let dir = folder("foreign");
    fs::create_dir_all(&dir).unwrap();
    assert_eq!(Reader::open(&dir).unwrap_err().code, Code::JournalIo, "no first segment");
    assert_eq!(Reader::open(dir.join("none")).unwrap_err().code, Code::JournalIo);
    let path = dir.join("000001.fafnir");
    let mut rng = SplitMix64::new(6);
    for length in [0, 1, 7, 8, 63, 64, 65, 4_096] {
        let garbage: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
        fs::write(&path, garbage).unwrap();
        assert_eq!(Reader::open(&path).unwrap_err().code, Code::JournalFormat, "{length} bytes of garbage");
    }
    fs::create_dir_all(dir.join("x.fafnir")).unwrap();
    assert!(Reader::open(dir.join("x.fafnir")).is_err());
    fs::remove_dir_all(&dir).unwrap();
    drop(journal(&dir, &[], 8_192));
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, bytes).unwrap();
    let fault = Reader::open(&path).unwrap_err();
    assert!(fault.code == Code::JournalFormat && fault.detail.contains("version 2"), "{fault}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let dir = folder("again");
    let mut writer = journal(&dir, &random_items(1, 5), 8_192);
    writer.sync().unwrap();
    writer.close(9, UnixNanos(1), 0).unwrap();
    let before = fs::read(dir.join("000001.fafnir")).unwrap();
    let fault = Writer::create(&dir, &start(), Options::default()).unwrap_err();
    assert_eq!(fault.code, Code::JournalIo);
    assert_eq!(fs::read(dir.join("000001.fafnir")).unwrap(), before, "untouched");
    let input = Input { turn: 1, now: UnixNanos(1), kind: InputKind::Bytes { conn: ConnId(1), bytes: b"x" } };
    assert_eq!(writer.input(&input).unwrap_err().code, Code::JournalIo, "closed is closed");
    assert!(writer.close(9, UnixNanos(1), 0).is_err());
    let tiny = Writer::create(folder("tiny"), &start(), Options { segment_bytes: 100, ..Options::default() });
    assert_eq!(tiny.unwrap_err().code, Code::ConfigInvalid);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_longest_input_gets_a_segment_and_a_longer_one_is_refused() {
    let dir = folder("long");
    let mut writer = journal(&dir, &[], 8_192);
    let bytes = vec![7u8; INPUT_BYTES_MAX + 1];
    let turn = |bytes| Input { turn: 1, now: UnixNanos(1), kind: InputKind::Bytes { conn: ConnId(1), bytes } };
    assert_eq!(writer.input(&turn(&bytes)).unwrap_err().code, Code::InputTooLarge);
    writer.input(&turn(&bytes[1..])).unwrap();
    writer.input(&turn(b"after")).unwrap();
    writer.close(2, UnixNanos(2), 1).unwrap();
    let (rows, end) = read(&dir);
    assert_eq!(rows[0].2, Item::Bytes(1, bytes[1..].to_vec()));
    assert_eq!((rows.len(), end.reason, end.turns), (3, EndReason::Closed, 2));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_journal_that_cannot_grow_says_so_and_keeps_what_it_has() {
    let dir = folder("full");
    let rows = random_items(51, 400);
    let mut writer = Writer::create(&dir, &start(), Options { segment_bytes: 8_192, ..Options::default() }).unwrap();
    // The name of the third segment is taken: growing fails there, as on a full disk.
    fs::create_dir(dir.join("000003.fafnir")).unwrap();
    let mut written = 0;
    let fault = loop {
        match try_write(&mut writer, &rows[written]) {
            Ok(()) => written += 1,
            Err(fault) => break fault,
        }
    };
    assert_eq!(try_write(&mut writer, &rows[written]).unwrap_err(), fault, "no gap: nothing is written after it");
    assert_eq!(fault.code, Code::JournalIo);
    assert_eq!(writer.close(1, UnixNanos(1), 0).unwrap_err(), fault, "the fault stays");
    let (seen, end) = read(&dir);
    assert_eq!((&seen[..], end.reason), (&rows[..written], EndReason::Unclosed));
    fs::remove_dir_all(dir).unwrap();
}

/// A segment written from the documentation of the format alone.
fn by_hand(records: &[(u16, u16, u64, &[u8])]) -> Vec<u8> {
    use twox_hash::xxhash3_64::Hasher;
    let mut file = b"FAFNIRJ\n".to_vec();
    for word in [1u64 | 64 << 32, 1, 0, 0, 0, 0] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    let mut chain = Hasher::oneshot(&file);
    file.extend_from_slice(&chain.to_le_bytes());
    for &(kind, detail, turn, payload) in records {
        let first = payload.len() as u64 | (kind as u64) << 32 | (detail as u64) << 48;
        let mut rest = [turn.to_le_bytes(), 5u64.to_le_bytes()].concat();
        rest.extend_from_slice(payload);
        rest.resize(rest.len().next_multiple_of(8), 0);
        let seed = chain.wrapping_add(first.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chain = Hasher::oneshot_with_seed(seed, &rest);
        file.extend_from_slice(&first.to_le_bytes());
        file.extend_from_slice(&chain.to_le_bytes());
        file.extend_from_slice(&rest);
    }
    file
}

#[test]
fn unknown_kinds_are_skipped_and_impossible_shapes_are_not_guessed() {
    let dir = folder("by-hand");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join("journal.copy");
    let start_bytes = [&[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..], b"b1{ }"].concat();
    let head = (1u16, 0u16, 0u64, &start_bytes[..]);
    fs::write(&path, by_hand(&[head, (99, 4, 1, b"new"), (4, 0, 1, &[9, 0, 0, 0, 0, 0, 0, 0]), (10, 0, 1, &[1; 24])]))
        .unwrap();
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!((reader.start().version, &*reader.start().build, &*reader.start().config), (1, "b1", "{ }"));
    let mut rows = Vec::new();
    while let Some(record) = reader.next() {
        rows.push(owned(&record));
    }
    let ones = u128::from_le_bytes([1; 16]);
    let want = [(0, 0, Item::Unknown(99)), (1, 5, Item::Timer(9)), (1, 5, Item::Close(ones, ones as u64))];
    assert_eq!((&rows[..], reader.unknown(), reader.end().reason), (&want[..], 1, EndReason::Closed));
    for (kind, detail, payload) in [
        (1, 0, &start_bytes[..]),
        (3, 0, &[9, 0, 0, 0, 0, 0, 0, 0]),
        (3, 0, &[1, 1, 0, 0, 0, 0, 0, 0]),
        (4, 0, &[1; 7]),
        (5, 0, &[1; 7]),
        (6, 0, &[1; 63]),
        (7, 0, &[1; 64]),
        (8, 4, &[]),
        (9, 0, &[1; 8]),
        (10, 0, &[1; 16]),
    ] {
        fs::write(&path, by_hand(&[head, (kind, detail, 1, payload)])).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert!(reader.next().is_none() && reader.end().reason == EndReason::Corrupt, "kind {kind} detail {detail}");
    }
    fs::write(&path, by_hand(&[(4, 0, 1, &[9, 0, 0, 0, 0, 0, 0, 0])])).unwrap();
    assert_eq!(Reader::open(&path).unwrap_err().code, Code::JournalFormat, "record 0 is no start");
    fs::remove_dir_all(dir).unwrap();
}
