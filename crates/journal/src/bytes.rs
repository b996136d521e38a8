//! # Room card: journal/bytes
//! In:    a path.
//! Out:   `Bytes`: the file's bytes in memory.
//! Holds: on an 8-byte boundary, bounded; a file that is cut meanwhile is read as far as it goes.
//! Costs: one read of the file.
use std::fs::File;
use std::io::Read;
use std::path::Path;

use types::Code;
use zerocopy::IntoBytes;

use crate::fault::JournalFault;
use crate::format::SEGMENT_BYTES_MAX;

/// A file in memory, on an 8-byte boundary.
pub(crate) struct Bytes {
    words: Vec<u64>,
    length: usize,
}

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

impl Bytes {
    /// The bytes.
    pub(crate) fn get(&self) -> &[u8] {
        self.words.as_bytes().get(..self.length).unwrap_or(&[])
    }
    /// Reads a regular file of at most `SEGMENT_BYTES_MAX` bytes. Errors: JournalIo, JournalFormat.
    pub(crate) fn load(path: &Path) -> Result<Bytes, JournalFault> {
        let io = |error: std::io::Error| JournalFault::io(path, &error);
        let meta = std::fs::metadata(path).map_err(io)?;
        if !meta.is_file() || meta.len() > SEGMENT_BYTES_MAX {
            let detail = format!("no regular file of at most {SEGMENT_BYTES_MAX} bytes");
            return Err(JournalFault::new(Code::JournalFormat, path, detail));
        }
        let mut file = File::open(path).map_err(io)?;
        let (mut words, count) = (Vec::<u64>::new(), (meta.len() as usize).div_ceil(8));
        if words.try_reserve_exact(count).is_err() {
            return Err(JournalFault::new(Code::JournalIo, path, format!("no memory for {} bytes", meta.len())));
        }
        words.resize(count, 0);
        let (mut length, limit) = (0, meta.len() as usize);
        // Bound: the file's length when it was opened; a file that has become shorter ends the loop.
        while length < limit {
            match file.read(&mut words.as_mut_bytes()[length..limit]).map_err(io)? {
                0 => break,
                count => length += count,
            }
        }
        Ok(Bytes { words, length })
    }
}
