//! # Room card: driver/recording
//! In:    a file of lines "receive time in ns, space, raw message", plain or gzip.
//! Out:   chunks of lines with their bytes and their decoded meaning, in file order.
//! Holds: memory bounded by four chunks; a damaged gzip stream and a file without one good line are faults, a garbage
//!        line is counted.
//! Costs: decompression and decoding run on a thread of their own, ahead of whoever plays; the result does not
//!        depend on its timing.
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use flate2::bufread::MultiGzDecoder;
use types::limits::INPUT_BYTES_MAX;
use types::{Code, Instrument, Level};
use wire::json::{Decoder, FeedMessage, Scope};

use types::Fault;

/// Lines of one chunk.
const LINES_PER_CHUNK: usize = 512;
/// Chunks in flight between the reading thread and the player.
const CHUNKS_MAX: usize = 4;
/// Without one good line among the first of this number, the file is no recording.
const LINES_TO_JUDGE: u64 = 100;

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct RecordedLine {
    /// Local receive time, ns.
    pub at: u64,
    start: u32,
    length: u32,
    /// What it means, decoded as a venue's own side needs it.
    pub message: Result<FeedMessage, Code>,
    bids: (u32, u32),
    asks: (u32, u32),
}

/// A run of lines with the memory they live in.
#[derive(Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    lines: Vec<RecordedLine>,
    levels: Vec<Level>,
    garbage: u64,
}

impl Chunk {
    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        self.levels.clear();
        self.garbage = 0;
    }
    /// Its lines.
    pub fn lines(&self) -> &[RecordedLine] {
        &self.lines
    }
    /// Lines that are no receive time and message.
    pub fn garbage(&self) -> u64 {
        self.garbage
    }
    /// Gives back memory it does not use; for a chunk that is kept.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.levels.shrink_to_fit();
    }
    /// Memory it holds, bytes.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.lines.capacity() * size_of::<RecordedLine>()
            + self.levels.capacity() * size_of::<Level>()
    }
    /// The message's bytes, exactly as recorded.
    pub fn raw(&self, line: &RecordedLine) -> &[u8] {
        &self.bytes[line.start as usize..][..line.length as usize]
    }
    /// Its bids; empty unless it is a depth message or a snapshot.
    pub fn bids(&self, line: &RecordedLine) -> &[Level] {
        &self.levels[line.bids.0 as usize..line.bids.1 as usize]
    }
    /// Its asks.
    pub fn asks(&self, line: &RecordedLine) -> &[Level] {
        &self.levels[line.asks.0 as usize..line.asks.1 as usize]
    }
}

/// Reads a recording ahead on its own thread.
#[derive(Debug)]
pub struct Recording {
    chunks: Receiver<Result<Chunk, Fault>>,
    spent: SyncSender<Chunk>,
    thread: Option<JoinHandle<()>>,
    current: Chunk,
    next: usize,
    done: bool,
    /// Lines that are no receive time and message.
    pub garbage: u64,
    /// Bytes of the file read so far and in all, for progress.
    pub progress: RecordingProgress,
}

/// How far the reading thread is in the file.
#[derive(Clone, Debug)]
pub struct RecordingProgress {
    read: std::sync::Arc<std::sync::atomic::AtomicU64>,
    total: u64,
}

impl RecordingProgress {
    /// Fraction of the file read, 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.read.load(std::sync::atomic::Ordering::Relaxed) as f64 / self.total.max(1) as f64
    }
}

impl Recording {
    /// Opens the file and starts reading. A missing file is a fault now, damage is one when it is reached.
    pub fn open(path: &Path, instrument: &Instrument, instruments: &[Instrument]) -> Result<Recording, Fault> {
        let missing = |error: std::io::Error| {
            let fields = vec![("path", path.display().to_string()), ("error", error.to_string())];
            Fault::new(Code::RecordingMissing, format!("cannot open {}: {error}", path.display()), fields)
        };
        let file = File::open(path).map_err(missing)?;
        let meta = file.metadata().map_err(missing)?;
        if meta.is_dir() {
            return Err(missing(std::io::Error::other("is a folder")));
        }
        let read = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let progress = RecordingProgress { read: read.clone(), total: meta.len() };
        let (chunk_sender, chunks) = sync_channel(CHUNKS_MAX);
        let (spent, spent_receiver) = sync_channel(CHUNKS_MAX + 2);
        let mut reader = Reading {
            path: path.to_path_buf(),
            decoder: Decoder::new(),
            scope: Scope::Instrument(instrument.id),
            instruments: instruments.to_vec(),
            good: 0,
            bad: 0,
            decoded: 0,
            first_error: None,
        };
        let thread = std::thread::Builder::new()
            .name("fafnir-recording".into())
            .spawn(move || {
                if let Err(fault) = reader.run(Counted { file, read }, &chunk_sender, &spent_receiver) {
                    // The player may be gone already; then nobody wants the fault.
                    let _ = chunk_sender.send(Err(fault));
                }
            })
            .map_err(missing)?;
        let current = Chunk::default();
        Ok(Recording { chunks, spent, thread: Some(thread), current, next: 0, done: false, garbage: 0, progress })
    }

    /// The chunk that comes next, as a whole; `None` at the end. Not to be mixed with `peek`.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Fault> {
        if self.done {
            return Ok(None);
        }
        match self.chunks.recv() {
            Ok(chunk) => chunk.map(Some),
            Err(_) => {
                self.done = true;
                Ok(None)
            }
        }
    }

    /// Gives a chunk's memory back to the reading thread.
    pub fn recycle(&self, chunk: Chunk) {
        let _ = self.spent.try_send(chunk);
    }

    /// The line that comes next, with the chunk it lives in; `None` at the end.
    pub fn peek(&mut self) -> Result<Option<(&Chunk, RecordedLine)>, Fault> {
        while self.next >= self.current.lines.len() {
            let Some(chunk) = self.next_chunk()? else { return Ok(None) };
            let spent = core::mem::replace(&mut self.current, chunk);
            self.garbage += self.current.garbage;
            self.next = 0;
            self.recycle(spent);
        }
        Ok(Some((&self.current, self.current.lines[self.next])))
    }

    /// Moves past the line `peek` showed.
    pub fn advance(&mut self) {
        self.next += 1;
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Closing the channel ends the thread at its next send.
        let (_, closed) = sync_channel(1);
        self.chunks = closed;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Counted {
    file: File,
    read: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

struct Reading {
    path: PathBuf,
    decoder: Decoder,
    scope: Scope,
    instruments: Vec<Instrument>,
    good: u64,
    bad: u64,
    /// Messages of a known type about the instrument.
    decoded: u64,
    first_error: Option<Code>,
}

impl Reading {
    fn run(
        &mut self,
        file: Counted,
        chunks: &SyncSender<Result<Chunk, Fault>>,
        spent: &Receiver<Chunk>,
    ) -> Result<(), Fault> {
        let mut plain = BufReader::with_capacity(1 << 16, file);
        let gzip = plain.fill_buf().map_err(|error| self.damaged(&error))?.starts_with(&[0x1f, 0x8b]);
        let mut lines: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        loop {
            let mut chunk = spent.try_recv().unwrap_or_default();
            chunk.clear();
            let more = self.fill(&mut *lines, &mut chunk)?;
            let empty = chunk.lines.is_empty() && chunk.garbage == 0;
            if !empty && chunks.send(Ok(chunk)).is_err() {
                return Ok(());
            }
            if !more {
                break;
            }
        }
        match (self.good, self.decoded) {
            (0, _) => Err(self.no_recording()),
            (_, 0) => Err(self.nothing_decoded()),
            _ => Ok(()),
        }
    }

    /// Reads lines into the chunk; `false` at the end of the file.
    fn fill(&mut self, lines: &mut dyn BufRead, chunk: &mut Chunk) -> Result<bool, Fault> {
        while chunk.lines.len() < LINES_PER_CHUNK {
            let start = chunk.bytes.len();
            // One byte more than allowed tells a long line from one that just fits.
            let limit = (INPUT_BYTES_MAX + 32) as u64;
            let mut bounded = Read::take(&mut *lines, limit);
            let n = bounded.read_until(b'\n', &mut chunk.bytes).map_err(|error| self.damaged(&error))?;
            if n == 0 {
                return Ok(false);
            }
            if n as u64 == limit && chunk.bytes.last() != Some(&b'\n') {
                lines.skip_until(b'\n').map_err(|error| self.damaged(&error))?;
                chunk.bytes.truncate(start);
                self.bad += 1;
                chunk.garbage += 1;
                continue;
            }
            self.line(chunk, start);
            if self.good == 0 && self.bad >= LINES_TO_JUDGE {
                return Err(self.no_recording());
            }
        }
        Ok(true)
    }

    fn line(&mut self, chunk: &mut Chunk, start: usize) {
        let text = chunk.bytes[start..].trim_ascii_end();
        if text.is_empty() {
            return;
        }
        let Some((at, message_at)) = split(text) else {
            self.bad += 1;
            chunk.garbage += 1;
            return;
        };
        self.good += 1;
        let (from, length) = (start + message_at, text.len() - message_at);
        let message = self.decoder.decode(&chunk.bytes[from..from + length], self.scope, &self.instruments);
        match message {
            // A snapshot names no symbol, so it says nothing about whose market this is.
            Ok(FeedMessage::Other | FeedMessage::Snapshot(_)) => {}
            Ok(_) => self.decoded += 1,
            Err(code) => self.first_error = self.first_error.or(Some(code)),
        }
        let (mut bids, mut asks) = ((0, 0), (0, 0));
        if matches!(message, Ok(FeedMessage::Depth(_) | FeedMessage::Snapshot(_))) {
            let mark = chunk.levels.len() as u32;
            chunk.levels.extend_from_slice(self.decoder.bids());
            bids = (mark, chunk.levels.len() as u32);
            chunk.levels.extend_from_slice(self.decoder.asks());
            asks = (bids.1, chunk.levels.len() as u32);
        }
        chunk.lines.push(RecordedLine { at, start: from as u32, length: length as u32, message, bids, asks });
    }

    fn damaged(&self, error: &std::io::Error) -> Fault {
        let path = self.path.display().to_string();
        let fields = vec![("path", path.clone()), ("error", error.to_string()), ("goodLines", self.good.to_string())];
        Fault::new(
            Code::RecordingTruncated,
            format!("{path} is damaged after {} good lines: {error}", self.good),
            fields,
        )
    }

    /// Lines there are, but none says anything about the instrument: another symbol, another feed.
    fn nothing_decoded(&self) -> Fault {
        let path = self.path.display().to_string();
        let Scope::Instrument(id) = self.scope else { return self.no_recording() };
        let symbol = self.instruments[id.index()].symbol().to_string();
        let cause = self.first_error.map_or("none", Code::name);
        let message = format!("{path} has {} lines and none of them is market data of {symbol}", self.good);
        let fields = vec![("path", path), ("symbol", symbol), ("firstError", cause.to_string())];
        Fault::new(Code::RecordingFormat, message, fields)
    }

    fn no_recording(&self) -> Fault {
        let path = self.path.display().to_string();
        let message = format!("{path} is no recording: no line is a receive time in ns, a space and a message");
        Fault::new(Code::RecordingFormat, message, vec![("path", path)])
    }
}

/// Receive time and place of the message in a line.
fn split(line: &[u8]) -> Option<(u64, usize)> {
    let space = line.iter().take(21).position(|&byte| byte == b' ')?;
    if space == 0 || line.len() == space + 1 {
        return None;
    }
    let mut at: u64 = 0;
    for &byte in &line[..space] {
        if !byte.is_ascii_digit() {
            return None;
        }
        at = at.checked_mul(10)?.checked_add((byte - b'0') as u64)?;
    }
    (at > 0).then_some((at, space + 1))
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_split_only_at_a_receive_time() {
        assert_eq!(super::split(b"12 {}"), Some((12, 3)));
        for bad in [&b""[..], b" {}", b"12", b"12 ", b"1x {}", b"0 {}", b"99999999999999999999 {}", b"{\"a\": 1}"] {
            assert_eq!(super::split(bad), None, "{bad:?}");
        }
    }
}
