//! # Room card: journal/map
//! In:    a path that does not exist yet and a size.
//! Out:   `Segment`: the file's bytes in memory, shared with the page cache, every page present and every block
//!        allocated.
//! Holds: the file is created by us alone (`create_new`) and keeps its size while mapped; a full disk is an error here,
//!        not a SIGBUS later. The crate's only unsafe code.
//! Costs: creation is one pass over the pages (tens of milliseconds for 64 MiB); after that plain stores.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapMut, MmapOptions};

const PAGE_BYTES: usize = 4096;

/// A segment file mapped for writing.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    file: File,
    map: MmapMut,
}

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
        let mapped = allocate(&file, bytes).and_then(|()| {
            // SAFETY: the caller created the file or found it without a record; nothing in this process truncates it
            // before `close`, which unmaps first; that others keep off a journal in use is the contract of the room.
            unsafe { MmapOptions::new().map_mut(&file) }
        });
        let mut map = mapped?;
        for page in map.chunks_mut(PAGE_BYTES) {
            // A store, so that the page is there for writing; black_box, because zero is what it holds already.
            page[0] = core::hint::black_box(0);
        }
        Ok(Segment { path: path.to_path_buf(), file, map })
    }

    /// The bytes of the file.
    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Stores a word at an offset that is a multiple of 8, after every store before it.
    #[inline]
    pub(crate) fn publish(&mut self, offset: usize, word: u64) {
        let bytes = &mut self.map[offset..offset + 8];
        assert!(bytes.as_ptr().addr().is_multiple_of(8));
        // SAFETY: the pointer is to 8 bytes of the mapping, writable, borrowed exclusively here, aligned by the line
        // above.
        let place = unsafe { AtomicU64::from_ptr(bytes.as_mut_ptr().cast()) };
        // Release: a reader of the file after a crash of this process never sees the word without the record behind it.
        place.store(word, Ordering::Release);
    }

    /// Writes what is in memory to the disk and waits for it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.map.flush()?;
        self.file.sync_all()
    }

    /// Unmaps and cuts the file to `length`.
    pub(crate) fn close(self, length: u64) -> io::Result<()> {
        let Segment { file, map, .. } = self;
        drop(map);
        file.set_len(length)
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
