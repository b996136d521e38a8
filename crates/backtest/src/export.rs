//! # Room card: backtest/export
//! In:    a session's journal.
//! Out:   its market data as a recording: receive time in ns, a space, the raw message; gzip when the name ends in .gz.
//! Holds: messages are written as they were received; one that holds a line break cannot be a line and is counted.
//! Costs: one pass over the journal.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use journal::{EndReason, Reader, Record};
use serde::Serialize;
use types::{ConnRole, Fault, InputKind};

/// What was written.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Exported {
    /// Lines.
    pub lines: u64,
    /// Messages left out because they hold a line break.
    pub skipped: u64,
}

enum Out {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Out {
    fn create(path: &Path) -> io::Result<Out> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        let gzip = path.extension().is_some_and(|extension| extension == "gz");
        Ok(if gzip { Out::Gzip(Box::new(GzEncoder::new(file, Compression::default()))) } else { Out::Plain(file) })
    }
    fn line(&mut self, at: u64, message: &[u8]) -> io::Result<()> {
        let out: &mut dyn Write = match self {
            Out::Plain(file) => file,
            Out::Gzip(file) => file,
        };
        write!(out, "{at} ")?;
        out.write_all(message)?;
        out.write_all(b"\n")
    }
    fn finish(self) -> io::Result<()> {
        let file = match self {
            Out::Plain(file) => file,
            Out::Gzip(file) => file.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Writes the market data of a journal as a recording. A journal without its end is read up to it.
///
/// Errors: those of `journal::Reader::open`; JournalCorrupt and JournalTruncated after what is good was written;
/// OutputFailed; Aborted.
pub fn export_recording(
    journal: &Path,
    path: &Path,
    mut progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
) -> Result<Exported, Fault> {
    /// Records between two looks at abort.
    const RECORDS_BETWEEN_LOOKS: u64 = 16_384;
    let failed = |error: io::Error| Fault::output(&path.display().to_string(), &error);
    let mut reader = Reader::open(journal)?;
    let mut out = Out::create(path).map_err(failed)?;
    let (mut exported, mut records) = (Exported::default(), 0_u64);
    while let Some(record) = reader.next() {
        records += 1;
        if records.is_multiple_of(RECORDS_BETWEEN_LOOKS) && !keep_going() {
            return Err(Fault::new(types::Code::Aborted, "the export was stopped before its end", vec![]));
        }
        let Record::Input(input) = record else { continue };
        let InputKind::Bytes { conn, bytes } = input.kind else { continue };
        if matches!(conn.role(), ConnRole::Orders(_)) {
            continue;
        }
        let message = bytes.trim_ascii();
        if message.contains(&b'\n') {
            exported.skipped += 1;
            continue;
        }
        out.line(input.now.0, message).map_err(failed)?;
        exported.lines += 1;
    }
    out.finish().map_err(failed)?;
    progress(1.0);
    let end = reader.end();
    match end.reason {
        EndReason::Closed | EndReason::Unclosed => Ok(exported),
        reason => {
            let code = reason.code().unwrap_or(types::Code::JournalCorrupt);
            let place = vec![("segment", end.segment.to_string()), ("offset", end.offset.to_string())];
            Err(Fault::new(code, "the journal is damaged; what is good of it was written", place))
        }
    }
}
