//! # Room card: journal/map
//! In:    the path of a file to be made and a size.
//! Out:   `Segment`: the file's bytes in memory, shared with the page cache, every page present and every block
//!        allocated; `Mapped`: the same file for whoever syncs it.
//! Holds: the file keeps its size while mapped; a full disk is an error here, not a SIGBUS later. One `Segment` for
//!        each `Mapped`, and only it touches the bytes. The crate's only unsafe code.
//! Costs: creation is one pass over the pages (tens of milliseconds for 64 MiB); after that plain stores.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use memmap2::{MmapOptions, MmapRaw};

const PAGE_BYTES: usize = 4096;

/// A mapped file. Nothing here reads or writes its bytes.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) path: PathBuf,
    file: File,
    map: MmapRaw,
    /// Bytes written so far.
    written: AtomicUsize,
    /// Its length once nothing more is written; 0 before.
    length: AtomicUsize,
}

/// The one writer of a mapped file.
#[derive(Debug)]
pub(crate) struct Segment(Arc<Mapped>);

impl Segment {
    /// Creates, allocates, maps and touches. On an error no file is left behind.
    pub(crate) fn create(path: &Path, bytes: u64) -> io::Result<Segment> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Segment::map(path, file, bytes).inspect_err(|_| drop(std::fs::remove_file(path)))
    }

    /// The same with a file that is there and holds no record. On an error the file stays.
    pub(crate) fn reopen(path: &Path, bytes: u64) -> io::Result<Segment> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Segment::map(path, file, bytes)
    }

    fn map(path: &Path, file: File, bytes: u64) -> io::Result<Segment> {
        allocate(&file, bytes)?;
        let map = MmapOptions::new().map_raw(&file)?;
        let (written, length) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut segment = Segment(Arc::new(Mapped { path: path.to_path_buf(), file, map, written, length }));
        for page in segment.bytes().chunks_mut(PAGE_BYTES) {
            // A store, so that the page is there for writing; black_box, because zero is what it holds already.
            page[0] = core::hint::black_box(0);
        }
        Ok(segment)
    }

    /// The bytes of the file.
    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        let map = &self.0.map;
        // SAFETY: the mapping is valid for its length as long as `Mapped` lives, which the borrow of `self` outlasts;
        // there is one `Segment` for each mapping and only it makes references into it, so `&mut self` is exclusive.
        // The file is made or found without a record by the caller, nothing in this process cuts it before it is
        // unmapped, and that others keep off a journal in use is the contract of the room.
        unsafe { core::slice::from_raw_parts_mut(map.as_mut_ptr(), map.len()) }
    }

    /// Stores a word at an offset that is a multiple of 8, after every store before it; `end` is what is written then.
    #[inline]
    pub(crate) fn publish(&mut self, offset: usize, word: u64, end: usize) {
        let bytes = &mut self.bytes()[offset..offset + 8];
        assert!(bytes.as_ptr().addr().is_multiple_of(8));
        // SAFETY: the pointer is to 8 bytes of the mapping, writable, borrowed exclusively here, aligned by the line
        // above.
        let place = unsafe { AtomicU64::from_ptr(bytes.as_mut_ptr().cast()) };
        // Release: a reader of the file after a crash of this process never sees the word without the record behind it.
        place.store(word, Ordering::Release);
        // Release: who syncs up to here syncs the record.
        self.0.written.store(end, Ordering::Release);
    }

    /// For whoever syncs and closes it.
    pub(crate) fn mapped(&self) -> Arc<Mapped> {
        self.0.clone()
    }

    /// Nothing more is written: the file is to be cut to `length` by who has its `Mapped`.
    pub(crate) fn retire(self, length: usize) {
        self.0.length.store(length, Ordering::Release);
    }

    /// Unmaps and cuts the file to `length`; nobody else may have its `Mapped`.
    pub(crate) fn close(self, length: usize) -> io::Result<()> {
        let mapped = Arc::into_inner(self.0).ok_or(io::ErrorKind::ResourceBusy)?;
        mapped.cut(length).map(|_| ())
    }

    /// Gives the file its name; nobody else may have its `Mapped`.
    pub(crate) fn rename(&mut self, path: &Path) -> io::Result<()> {
        let mapped = Arc::get_mut(&mut self.0).ok_or(io::ErrorKind::ResourceBusy)?;
        std::fs::rename(&mapped.path, path)?;
        mapped.path = path.to_path_buf();
        Ok(())
    }
}

impl Mapped {
    /// Bytes written so far.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::Acquire)
    }
    /// Its length when nothing more will be written; else 0.
    pub(crate) fn retired(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    /// Writes bytes of the file to the disk and waits for it.
    pub(crate) fn sync(&self, from: usize, to: usize) -> io::Result<()> {
        let (from, to) = (from / PAGE_BYTES * PAGE_BYTES, to.min(self.map.len()));
        if from < to { self.map.flush_range(from, to - from) } else { Ok(()) }
    }

    /// Makes pages from `from` on ready for writing: what was written to the disk is protected by the kernel until it
    /// is touched again, and that fault is better taken here. Advice only: where it is not known nothing happens.
    pub(crate) fn populate(&self, from: usize, bytes: usize) {
        let from = from / PAGE_BYTES * PAGE_BYTES;
        let to = from.saturating_add(bytes).min(self.map.len());
        #[cfg(target_os = "linux")]
        if from < to {
            let _ = self.map.advise_range(memmap2::Advice::PopulateWrite, from, to - from);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (from, to);
    }

    /// Unmaps and cuts the file; the file, to be synced or dropped.
    pub(crate) fn cut(self, length: usize) -> io::Result<File> {
        let Mapped { file, map, .. } = self;
        drop(map);
        file.set_len(length as u64)?;
        Ok(file)
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let length = i64::try_from(bytes).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    // SAFETY: the descriptor is open and owned by `file` for the length of the call; the call touches no memory of
    // ours.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        // The file system cannot: allocate by writing.
        libc::EINVAL | libc::EOPNOTSUPP | libc::ENOSYS => write_zeros(file, bytes),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    write_zeros(file, bytes)
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    use std::io::{Read, Write};
    let mut file = file;
    io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_can_be_written_where_they_cannot_be_allocated() {
        let path = std::env::temp_dir().join(format!("fafnir-zeros-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let file = File::create_new(&path).unwrap();
        write_zeros(&file, 10_000).unwrap();
        let written = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(written, vec![0; 10_000]);
    }

    #[test]
    fn a_segment_that_cannot_be_allocated_is_an_error_and_leaves_no_file() {
        let path = std::env::temp_dir().join(format!("fafnir-huge-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        // More than any disk has: the same way an ordinary full disk is met.
        assert!(Segment::create(&path, 1 << 62).is_err());
        assert!(!path.exists());
    }
}
