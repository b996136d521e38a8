//! A journal that a process left is gone on with; whatever was half done when the next one was killed, too.
use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Item, Row, folder, journal, random_items, read, start, try_write, write};
use fafnir_journal::{Commit, EndReason, Options, Reader, Resumed, Writer, exists};
use types::rng::SplitMix64;
use types::{Code, UnixNanos};

const COMMITS: [Commit; 2] = [Commit::AtClose, Commit::Thread];

fn options(commit: Commit) -> Options {
    Options { segment_bytes: 8_192, commit, ..Options::default() }
}

fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:06}.fafnir"))
}

fn segments(dir: &Path) -> u32 {
    fs::read_dir(dir).unwrap().count() as u32
}

fn copy(from: &Path, name: &str) -> PathBuf {
    let dir = folder(name);
    fs::create_dir_all(&dir).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
    }
    dir
}

fn inputs(rows: &[Row]) -> u64 {
    rows.iter().filter(|(_, _, item)| !matches!(item, Item::HashMark(_) | Item::Close(..))).count() as u64
}

fn close(writer: &mut Writer, rows: &mut Vec<Row>) {
    let last = rows.last().unwrap().0;
    rows.push((last, 7, Item::Close(77, inputs(rows))));
    write(writer, &rows[rows.len() - 1]);
}

/// Resumes, writes more, closes; then everything is read as it was written.
fn goes_on(dir: &Path, rows: &[Row], why: &str) -> Resumed {
    let (mut writer, resumed) = Writer::resume(dir, options(Commit::AtClose)).unwrap_or_else(|f| panic!("{why}: {f}"));
    assert_eq!(
        (resumed.turns, writer.turns(), writer.synced()),
        (inputs(rows), inputs(rows), resumed.last_turn),
        "{why}"
    );
    let mut all = rows.to_vec();
    for row in random_items(1_000, 40) {
        write(&mut writer, &row);
        all.push(row);
    }
    close(&mut writer, &mut all);
    let (seen, end) = read(dir);
    assert_eq!((end.reason, end.turns), (EndReason::Closed, inputs(&all)), "{why}");
    assert!(seen == all, "{why}");
    resumed
}

#[test]
fn crashed_and_closed_journals_go_on_again_and_again() {
    for commit in COMMITS {
        for seed in 1..=4 {
            let dir = folder(&format!("again-{commit:?}-{seed}"));
            let (mut rng, rows) = (SplitMix64::new(seed), random_items(seed, 600));
            let mut writer = Writer::create(&dir, &start(), options(commit)).unwrap();
            let (mut all, mut written, mut lives) = (Vec::new(), 0, 1);
            while written < rows.len() {
                for row in &rows[written..rows.len().min(written + 1 + rng.below(120) as usize)] {
                    write(&mut writer, row);
                    all.push(row.clone());
                    written += 1;
                }
                let closed = rng.below(2) == 0;
                if closed {
                    close(&mut writer, &mut all);
                }
                drop(writer);
                let before = segments(&dir);
                let resumed;
                (writer, resumed) = Writer::resume(&dir, options(commit)).unwrap();
                lives += 1;
                let last = all.iter().rfind(|row| !matches!(row.2, Item::HashMark(_) | Item::Close(..)));
                let (turn, now) = last.map_or((0, 0), |row| (row.0, row.1));
                let want = Resumed {
                    segment: before + 1,
                    turns: inputs(&all),
                    last_turn: turn,
                    last_now: UnixNanos(now),
                    closed,
                    cut_bytes: 0,
                };
                assert_eq!(resumed, want, "seed {seed}");
            }
            drop(writer);
            let (seen, end) = read(&dir);
            assert_eq!((end.reason, end.turns), (EndReason::Unclosed, inputs(&all)), "seed {seed}");
            assert!(seen == all && lives > 5, "seed {seed}");
            fs::remove_dir_all(dir).unwrap();
        }
    }
}

#[test]
fn a_tail_cut_anywhere_is_cut_off_and_the_journal_goes_on() {
    let (dir, rows) = (folder("tail"), random_items(5, 60));
    drop(journal(&dir, &rows, 1 << 20));
    let whole = fs::read(segment(&dir, 1)).unwrap();
    let used = whole.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let mut rng = SplitMix64::new(3);
    let (mut torn, mut fewer) = (0, 0);
    for round in 0..120 {
        let at = 200 + rng.below(used as u64 - 200) as usize;
        let cut = folder("tail-cut");
        fs::create_dir_all(&cut).unwrap();
        // A file that ends there, or one that was filled only so far; then the last word may be missing.
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(at)
        } else {
            bytes[at..].fill(0)
        }
        fs::write(segment(&cut, 1), &bytes).unwrap();
        let (seen, _) = read(&cut);
        let resumed = goes_on(&cut, &seen, &format!("cut at {at}"));
        torn += (resumed.cut_bytes > 0) as u32;
        fewer += (seen.len() < rows.len()) as u32;
        assert_eq!(seen[..], rows[..seen.len()]);
    }
    assert!(torn > 80 && fewer > 80);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_record_that_was_not_finished_ends_the_journal_without_damage() {
    let (dir, rows) = (folder("unfinished"), random_items(6, 30));
    drop(journal(&dir, &rows[..29], 1 << 20));
    let before = fs::read(segment(&dir, 1)).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    drop(journal(&dir, &rows, 1 << 20));
    let after = fs::read(segment(&dir, 1)).unwrap();
    let at = (0..after.len()).step_by(8).find(|&at| before[at..at + 8] != after[at..at + 8]).unwrap();
    let end = after.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    // Everything but the first word, in the order it is written: turn, time, payload, chain.
    for filled in at + 17..=end {
        let mut bytes = before.clone();
        bytes[at + 16..filled].copy_from_slice(&after[at + 16..filled]);
        if filled == end {
            bytes[at + 8..at + 16].copy_from_slice(&after[at + 8..at + 16]);
        }
        fs::write(segment(&dir, 1), &bytes).unwrap();
        let (seen, found) = read(&dir);
        assert_eq!((seen.len(), found.reason), (29, EndReason::Unclosed), "filled to {filled}");
        if filled % 16 == 0 || filled == end {
            let copied = copy(&dir, "unfinished-copy");
            let resumed = goes_on(&copied, &seen, &format!("filled to {filled}"));
            let last = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
            assert_eq!(resumed.cut_bytes as usize, last.saturating_sub(at));
        }
    }
    fs::remove_dir_all(dir).unwrap();
}

/// Every state of the files while a resumption is on its way, from its documented order.
#[test]
fn killed_at_any_moment_of_a_resumption_it_can_be_resumed() {
    for (commit, closed) in [(Commit::AtClose, false), (Commit::Thread, false), (Commit::AtClose, true)] {
        let (left, mut rows) = (folder("left"), random_items(7, 50));
        let mut writer = Writer::create(&left, &start(), options(commit)).unwrap();
        rows.iter().for_each(|row| write(&mut writer, row));
        if closed {
            close(&mut writer, &mut rows);
        }
        drop(writer);
        let last = segments(&left);
        let done = copy(&left, "done");
        let (writer, resumed) = Writer::resume(&done, options(Commit::AtClose)).unwrap();
        drop(writer);
        assert_eq!(resumed.segment, last + 1);
        let rolled = fs::read(segment(&done, last)).unwrap();
        let offset = rolled.len() - 32;
        let header = fs::read(segment(&done, last + 1)).unwrap()[..64].to_vec();
        let check = |files: &[(u32, &[u8])], why: &str| {
            let dir = copy(&left, "state");
            files.iter().for_each(|(number, bytes)| fs::write(segment(&dir, *number), bytes).unwrap());
            let (seen, end) = read(&dir);
            let want = if closed && end.segment == last { EndReason::Closed } else { EndReason::Unclosed };
            assert!(seen == rows && end.reason == want, "{why}: {end:?}");
            goes_on(&dir, &rows, why);
        };
        check(&[], "not begun");
        // What was made ahead, in any state, and two of it.
        for made in [vec![], vec![0; 100], vec![0; 8_192]] {
            check(&[(last + 1, &made)], "one ahead");
            check(&[(last + 1, &made), (last + 2, &made)], "two ahead");
        }
        let cut = &rolled[..offset];
        check(&[(last, cut)], "the tail is cut");
        for filled in [0, 1, 8, 20, 40, 63, 64] {
            let mut next = vec![0; 8_192];
            next[..filled].copy_from_slice(&header[..filled]);
            check(&[(last, cut), (last + 1, &next)], &format!("{filled} bytes of the next header"));
        }
        let mut next = vec![0; 8_192];
        next[..64].copy_from_slice(&header);
        // The Roll: its rest first, then its first word; a write may be cut anywhere.
        for filled in [0, 1, 8, 9, 23, 24, 25, 28, 31, 32] {
            let mut bytes = cut.to_vec();
            if filled > 0 {
                bytes.resize(offset + 8, 0);
                bytes.extend_from_slice(&rolled[offset + 8..offset + 8 + filled.min(24)]);
            }
            bytes[offset..][..filled.saturating_sub(24)]
                .copy_from_slice(&rolled[offset..][..filled.saturating_sub(24)]);
            check(&[(last, &bytes), (last + 1, &next)], &format!("{filled} bytes of the Roll"));
        }
        // Builds before this one wrote the Roll before the header: the next segment was made and not begun.
        let dir = copy(&left, "old");
        fs::write(segment(&dir, last), &rolled).unwrap();
        fs::write(segment(&dir, last + 1), vec![0; 8_192]).unwrap();
        assert_eq!(read(&dir).1.reason, EndReason::Truncated);
        goes_on(&dir, &rows, "rolled, the next not begun");
        fs::remove_dir_all(left).unwrap();
    }
}

fn refused(dir: &Path, code: Code, why: &str) {
    let files = |dir: &Path| {
        let mut all: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect::<Vec<_>>()
    };
    let before = files(dir);
    let fault = Writer::resume(dir, options(Commit::AtClose)).unwrap_err();
    assert_eq!(fault.code, code, "{why}: {fault}");
    assert!(files(dir) == before, "{why}: nothing was changed");
}

#[test]
fn damage_in_any_other_place_is_refused_and_left_alone() {
    let (dir, rows) = (folder("damaged"), random_items(9, 120));
    drop(journal(&dir, &rows, 8_192));
    let last = segments(&dir);
    let mut rng = SplitMix64::new(12);
    let (mut refusals, mut cuts) = (0, 0);
    for round in 0..200 {
        let number = 1 + rng.below(last as u64) as u32;
        let good = fs::read(segment(&dir, number)).unwrap();
        let used = good.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1;
        let (mut bad, at) = (good.clone(), 200 + rng.below(used - 200) as usize);
        if round % 2 == 0 {
            bad[at] ^= 1 << rng.below(8)
        } else {
            bad[at..(at + 8).min(used as usize)].fill(0xff)
        }
        let copied = copy(&dir, "damaged-copy");
        fs::write(segment(&copied, number), &bad).unwrap();
        let why = format!("round {round} segment {number} byte {at} of {used}");
        match Writer::resume(&copied, options(Commit::AtClose)) {
            Err(fault) => {
                assert!(matches!(fault.code, Code::JournalCorrupt | Code::JournalTruncated), "{why}: {fault}");
                refusals += 1;
                let (seen, end) = read(&copied);
                assert!(end.reason.code().is_some() && seen[..] == rows[..seen.len()], "{why}");
            }
            // Only the very last record may be lost, and only when it is what was hit.
            Ok((_, resumed)) => {
                let (seen, _) = read(&copied);
                assert!(number == last && seen.len() + 1 >= rows.len() && seen[..] == rows[..seen.len()], "{why}");
                cuts += (resumed.cut_bytes > 0) as u32;
            }
        }
        fs::remove_dir_all(copied).unwrap();
    }
    assert!(refusals > 150 && cuts > 0, "{refusals} {cuts}");
    // A middle segment that has lost its end at a record's boundary, Roll and all.
    let copied = copy(&dir, "damaged-copy");
    let second = fs::read(segment(&dir, 2)).unwrap();
    fs::write(segment(&copied, 2), &second[..second.len() - 32]).unwrap();
    assert_eq!(read(&copied).1.reason, EndReason::Truncated);
    refused(&copied, Code::JournalCorrupt, "no Roll, and more behind");
    fs::write(segment(&copied, 2), &second[..second.len() - 20]).unwrap();
    refused(&copied, Code::JournalCorrupt, "half a Roll, and more behind");
    fs::write(segment(&copied, 2), &second).unwrap();
    fs::remove_file(segment(&copied, 3)).unwrap();
    refused(&copied, Code::JournalTruncated, "a segment is missing");
    fs::write(segment(&copied, 3), [0xa5; 500]).unwrap();
    refused(&copied, Code::JournalCorrupt, "a segment is garbage");
    fs::remove_file(segment(&copied, 1)).unwrap();
    let fault = Reader::open(&copied).unwrap_err();
    assert!(fault.code == Code::JournalTruncated && fault.detail.contains("deleted"), "{fault}");
    fs::remove_dir_all(&copied).unwrap();
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_creation_that_was_killed_leaves_no_journal_and_no_obstacle() {
    let dir = folder("begun");
    assert_eq!(exists(&dir), Ok(false));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("begin.tmp"), b"FAFNIRJ\n and half a header").unwrap();
    assert_eq!(exists(&dir), Ok(false));
    assert_eq!(Writer::resume(&dir, options(Commit::AtClose)).unwrap_err().code, Code::JournalIo);
    let mut writer = Writer::create(&dir, &start(), options(Commit::Thread)).unwrap();
    assert_eq!(exists(&dir), Ok(true));
    write(&mut writer, &random_items(1, 1)[0]);
    drop(writer);
    assert_eq!(read(&dir).0.len(), 1);
    let fault = Writer::create(&dir, &start(), options(Commit::Thread)).unwrap_err();
    assert!(fault.code == Code::JournalIo && fault.detail.contains("not empty"));
    let (mut writer, _) = Writer::resume(&dir, options(Commit::Thread)).unwrap();
    try_write(&mut writer, &(9, 9, Item::Timer(1))).unwrap();
    drop(writer);
    fs::remove_dir_all(dir).unwrap();
}
