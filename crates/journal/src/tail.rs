//! # Room card: journal/tail
//! In:    the bytes behind the last good record of a segment.
//! Out:   whether they are one record that was not finished, or more.
//! Holds: no record that is whole is ever taken for the rest of a broken one, unless both were damaged; in doubt there
//!        is more.
//! Costs: cold path: a look at each word, and a hash where one could begin a record; bounded by `HASHED_BYTES_MAX`.
use zerocopy::FromBytes;

use crate::format::{
    CHAINED_FROM, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, RecordKind, chain, first_word, record_bytes,
};

/// Most bytes that are hashed in the search; what needs more is no crash's doing.
const HASHED_BYTES_MAX: usize = 1 << 30;

/// Length of `rest` up to its last byte that is not zero.
pub(crate) fn written(rest: &[u8]) -> usize {
    rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// Is there at most one record in `rest`, whole or not?
pub(crate) fn is_last(rest: &[u8]) -> bool {
    let written = written(rest);
    let stated = header(rest, 0).filter(|header| header.kind != 0 && header.length as usize <= PAYLOAD_BYTES_MAX);
    let longest = record_bytes(stated.map_or(PAYLOAD_BYTES_MAX, |header| header.length as usize));
    written <= longest && !holds_record(rest, written)
}

fn header(rest: &[u8], at: usize) -> Option<RecordHeader> {
    RecordHeader::read_from_prefix(rest.get(at..)?).ok().map(|(header, _)| header)
}

/// Does a whole record follow the broken one at the beginning of `rest`? It is known by the chain value of the one
/// before it, which is the broken one, or a record that is itself suspected. It begins before `written` and may end in
/// zeros.
fn holds_record(rest: &[u8], written: usize) -> bool {
    let Some(broken) = header(rest, 0) else { return false };
    let mut budget = HASHED_BYTES_MAX;
    let mut follows = |at: usize, before: u64| -> Option<(usize, u64)> {
        let header = header(rest, at).filter(|header| RecordKind::from_u16(header.kind).is_some())?;
        if header.length as usize > PAYLOAD_BYTES_MAX {
            return None;
        }
        let record = rest.get(at..at + record_bytes(header.length as usize))?;
        budget = budget.saturating_sub(record.len());
        let word = first_word(header.length, header.kind, header.detail);
        let holds = budget == 0 || chain(before, word, &record[CHAINED_FROM..]) == header.chain;
        holds.then_some((at + record.len(), header.chain))
    };
    for at in (RECORD_HEADER_BYTES..written).step_by(8) {
        if follows(at, broken.chain).is_some() {
            return true;
        }
        let Some(suspect) = header(rest, at) else { return false };
        let behind = at + record_bytes(suspect.length.min(PAYLOAD_BYTES_MAX as u32) as usize);
        if RecordKind::from_u16(suspect.kind).is_some() && follows(behind, suspect.chain).is_some() {
            return true;
        }
    }
    false
}
