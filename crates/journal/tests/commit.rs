//! The commit thread: what it says is on the disk is there, it is ahead of the writer, and its faults are the writer's.
mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Item, folder, random_items, read, start, try_write, write};
use fafnir_journal::{Commit, EndReason, Options, Writer};
use testkit::{CountingAllocator, allocations_during};
use types::limits::INPUT_BYTES_MAX;
use types::{Code, ConnId, Input, InputKind, UnixNanos};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn options(segment_bytes: u64, keep_segments: Option<u32>) -> Options {
    Options { segment_bytes, commit: Commit::Thread, keep_segments }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_is_written_is_read_and_closing_leaves_nothing_behind() {
    for seed in 1..=8 {
        let (dir, rows) = (folder(&format!("thread-{seed}")), random_items(seed, 1_500));
        let mut writer = Writer::create(&dir, &start(), options(16_384, None)).unwrap();
        rows.iter().for_each(|row| write(&mut writer, row));
        let (turn, turns, last) = (rows.last().unwrap().0, writer.turns(), writer.segment());
        let acknowledged = writer.acknowledged();
        writer.close(turn, UnixNanos(1), 5).unwrap();
        let acked = rows.iter().rfind(|row| !matches!(row.2, Item::HashMark(_))).unwrap().0;
        assert_eq!((acknowledged.turn(), writer.synced()), (acked, acked));
        assert_eq!(names(&dir).len() as u32, last, "the one made ahead is gone");
        assert!(last > 10 && writer.close(turn, UnixNanos(1), 5).is_err());
        let (mut seen, end) = read(&dir);
        assert_eq!((seen.pop().unwrap().2, end.reason), (Item::Close(5, turns), EndReason::Closed));
        assert!(seen == rows, "seed {seed}");
        for name in names(&dir) {
            let bytes = fs::read(dir.join(&name)).unwrap();
            assert!(bytes.len() < 16_384 && (name != "000001.fafnir" || bytes.len() > 8_192), "cut to its length");
        }
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn turns_are_acknowledged_soon_and_never_early() {
    let (dir, rows) = (folder("acknowledged"), random_items(4, 3_000));
    let mut writer = Writer::create(&dir, &start(), options(1 << 16, None)).unwrap();
    let (acknowledged, mut seen) = (writer.acknowledged(), 0);
    for row in &rows {
        let before = acknowledged.turn();
        assert!(before >= seen && before <= row.0, "it only grows, up to what was written");
        seen = before;
        write(&mut writer, row);
    }
    let turn = rows.iter().rfind(|row| !matches!(row.2, Item::HashMark(_))).unwrap().0;
    eventually("acknowledged without being asked", || acknowledged.turn() == turn);
    write(&mut writer, &(turn + 1, 1, Item::Timer(1)));
    writer.sync().unwrap();
    assert_eq!(writer.synced(), turn + 1, "when asked, at once");
    drop(writer);
    assert_eq!(read(&dir).1.turns, turn + 1);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn rolling_allocates_nothing_when_the_next_segment_is_there() {
    let (dir, rows) = (folder("ahead"), random_items(5, 40));
    let mut writer = Writer::create(&dir, &start(), options(1 << 16, None)).unwrap();
    let mut rolled = 0;
    while rolled < 5 {
        let next = format!("{:06}.fafnir", writer.segment() + 1);
        eventually("made ahead", || dir.join(&next).exists());
        // The file is there a moment before it is mapped and handed over.
        std::thread::sleep(Duration::from_millis(20));
        let before = writer.segment();
        while writer.segment() == before {
            for row in &rows {
                let (_, counted) = allocations_during(|| write(&mut writer, row));
                assert_eq!(counted.count, 0);
            }
        }
        rolled += 1;
    }
    drop(writer);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_input_longer_than_a_segment_gets_one_that_holds_it() {
    let dir = folder("long");
    let mut writer = Writer::create(&dir, &start(), options(4_096, None)).unwrap();
    let bytes = vec![9u8; INPUT_BYTES_MAX];
    for (turn, length) in [(1, 100), (2, INPUT_BYTES_MAX), (3, 5_000), (4, 10), (5, 70_000), (6, 4_000)] {
        let kind = InputKind::Bytes { conn: ConnId(1), bytes: &bytes[..length] };
        writer.input(&Input { turn, now: UnixNanos(turn), kind }).unwrap();
    }
    writer.close(6, UnixNanos(6), 0).unwrap();
    let (rows, end) = read(&dir);
    let lengths: Vec<_> =
        rows.iter().map(|row| if let Item::Bytes(_, bytes) = &row.2 { bytes.len() } else { 0 }).collect();
    assert_eq!(lengths, [100, INPUT_BYTES_MAX, 5_000, 10, 70_000, 4_000, 0]);
    assert_eq!(end.reason, EndReason::Closed);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_disk_found_full_ahead_is_a_fault_while_there_is_room() {
    let dir = folder("full-ahead");
    let rows = random_items(6, 4_000);
    let mut writer = Writer::create(&dir, &start(), options(1 << 16, None)).unwrap();
    // The third segment cannot be made; nothing is wrong with the second when that is found.
    fs::create_dir(dir.join("000003.fafnir")).unwrap();
    let mut written = 0;
    while writer.segment() == 1 {
        write(&mut writer, &rows[written]);
        written += 1;
    }
    std::thread::sleep(Duration::from_millis(200));
    let fault = try_write(&mut writer, &rows[written]).unwrap_err();
    assert_eq!((fault.code, writer.segment()), (Code::JournalIo, 2));
    assert!(fault.path.ends_with("000003.fafnir"), "{fault}");
    assert_eq!(try_write(&mut writer, &rows[written]).unwrap_err(), fault, "no gap");
    assert_eq!(writer.sync().unwrap_err(), fault);
    assert_eq!(writer.close(1, UnixNanos(1), 0).unwrap_err(), fault);
    drop(writer);
    fs::remove_dir(dir.join("000003.fafnir")).unwrap();
    let (seen, end) = read(&dir);
    assert!(seen == rows[..written] && end.reason == EndReason::Unclosed);
    // Once there is room again it goes on.
    let (mut writer, resumed) = Writer::resume(&dir, options(1 << 16, None)).unwrap();
    assert_eq!(resumed.segment, 3);
    write(&mut writer, &rows[written]);
    drop(writer);
    assert!(read(&dir).0 == rows[..=written]);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn only_so_many_full_segments_are_kept() {
    for commit in [Commit::Thread, Commit::AtClose] {
        let (dir, rows) = (folder(&format!("keep-{commit:?}")), random_items(7, 1_000));
        let options = Options { commit, ..options(8_192, Some(3)) };
        let mut writer = Writer::create(&dir, &start(), options).unwrap();
        rows.iter().for_each(|row| write(&mut writer, row));
        let last = writer.segment();
        writer.close(1, UnixNanos(1), 1).unwrap();
        // The last is closed, not full; it counts with the thread, which does not tell them apart.
        let kept = names(&dir);
        assert!(last > 8 && (3..=4).contains(&kept.len()), "{commit:?}: {kept:?}");
        assert_eq!(kept.last(), Some(&format!("{last:06}.fafnir")));
        let fault = fafnir_journal::Reader::open(&dir).unwrap_err();
        assert!(fault.detail.contains("deleted"), "{fault}");
        fs::remove_dir_all(dir).unwrap();
    }
    let none = Writer::create(folder("keep-none"), &start(), options(8_192, Some(0)));
    assert_eq!(none.unwrap_err().code, Code::ConfigInvalid);
}
