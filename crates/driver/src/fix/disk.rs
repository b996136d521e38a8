//! # Room card: driver/fix/disk
//! In:    names of files in one folder; bytes and where they go.
//! Out:   the same bytes back; what the system refused.
//! Holds: one call here is one change of one file, so that a test can stop a process between any two of them.
//! Costs: one system call, or two where the place is not where the last one ended.
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file operations a store is made of.
pub(crate) trait Disk {
    /// An open file.
    type File;
    /// Names of the files there.
    fn list(&mut self) -> io::Result<Vec<String>>;
    /// Opens for reading and writing, made empty if it is not there; and its length.
    fn open(&mut self, name: &str) -> io::Result<(Self::File, u64)>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Reads exactly this many bytes.
    fn read(&mut self, file: &mut Self::File, at: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of the bytes.
    fn write(&mut self, file: &mut Self::File, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to this length.
    fn cut(&mut self, file: &mut Self::File, length: u64) -> io::Result<()>;
    /// The file's bytes are on the medium when it returns.
    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;
    /// The folder's names are on the medium when it returns.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Folder {
        Folder { path: path.to_path_buf() }
    }
}

/// A file and where its next byte would go.
#[derive(Debug)]
pub(crate) struct Placed {
    file: File,
    at: u64,
}

impl Placed {
    fn go(&mut self, at: u64) -> io::Result<()> {
        if self.at != at {
            // Nowhere until the system has said so.
            self.at = u64::MAX;
            self.at = self.file.seek(SeekFrom::Start(at))?;
        }
        Ok(())
    }

    fn done(&mut self, result: io::Result<()>, bytes: usize) -> io::Result<()> {
        self.at = if result.is_ok() { self.at + bytes as u64 } else { u64::MAX };
        result
    }
}

impl Disk for Folder {
    type File = Placed;

    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }
    fn open(&mut self, name: &str) -> io::Result<(Placed, u64)> {
        let at = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(at)?;
        let length = file.metadata()?.len();
        Ok((Placed { file, at: 0 }, length))
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }
    fn read(&mut self, file: &mut Placed, at: u64, into: &mut [u8]) -> io::Result<()> {
        file.go(at)?;
        let result = file.file.read_exact(into);
        file.done(result, into.len())
    }
    fn write(&mut self, file: &mut Placed, at: u64, bytes: &[u8]) -> io::Result<()> {
        file.go(at)?;
        let result = file.file.write_all(bytes);
        file.done(result, bytes.len())
    }
    fn cut(&mut self, file: &mut Placed, length: u64) -> io::Result<()> {
        file.file.set_len(length)
    }
    fn sync(&mut self, file: &mut Placed) -> io::Result<()> {
        file.file.sync_data()
    }
    fn sync_names(&mut self) -> io::Result<()> {
        // Elsewhere a folder cannot be opened, and its names need no such call.
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}
