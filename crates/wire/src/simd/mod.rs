//! # Room card: wire/simd
//! In:    the bytes of a FIX message.
//! Out:   its fields as far as they are plain, and the sum of its bytes.
//! Holds: the same spans the plain reader gives, bit for bit; what is odd is left to it. The widest path the machine
//!        has is chosen once, when a scanner is made.
//! Costs: about 1.5 ns a field with AVX-512 (VBMI2), 3 ns with AVX2 (rows `fix/index-*` of the bench).
//!
//! Two stages. First the places: 64 bytes at a time, one comparison finds the separators and one the `=`; of those,
//! only the first in each field counts, and an addition finds it (the carry of the field's first bit runs through all
//! that is no `=`). Then the tags: the digits before each such `=`, sixteen fields at a time or one by one.
//!
//! A field without `=` makes the two counts differ, and all is left to the plain reader. So is a message from a data
//! field on, which may hold separators, and from anything that is no tag.
use crate::fix::FieldSpan;
use crate::fix::counted_by;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod tests;

/// Fields whose tags are read at once.
pub(crate) const LANES: usize = 16;
/// Bytes of a message beyond which eight times a place no longer fits a word.
const BYTES_MAX: usize = 1 << 28;
/// Bytes looked at at once.
const BLOCK: usize = 64;

/// The instructions a scanner uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Path {
    /// None: all is left to the plain reader.
    Plain,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with VBMI2.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// All this machine has, the widest last.
    pub(crate) fn all() -> impl Iterator<Item = Path> {
        #[cfg(target_arch = "x86_64")]
        let wide = [(Path::Avx2, avx2::present()), (Path::Avx512, avx512::present())];
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [(Path, bool); 0] = [];
        let present = wide.into_iter().filter(|&(_, present)| present).map(|(path, _)| path);
        core::iter::once(Path::Plain).chain(present)
    }
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// Fields written.
    pub(crate) count: usize,
    /// The byte behind them: the rest is for the plain reader.
    pub(crate) at: usize,
    /// The sum of all bytes.
    pub(crate) sum: u8,
}

/// Finds fields. Made once, with its own room.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    path: Path,
    places: Places,
}

/// Where the fields of one message are, before their tags are known. Each has room for `LANES` and a block more than
/// fields are taken, so that whole registers can be written and read.
#[derive(Clone, Debug)]
struct Places {
    /// Fields that are taken.
    bound: usize,
    /// The byte before each field: `u32::MAX`, which is one before the first, then the separators.
    ends: Box<[u32]>,
    /// The `=` of each field.
    equals: Box<[u32]>,
    /// The four bytes before it.
    digits: Box<[u32]>,
}

impl Scanner {
    /// For messages of at most `bound` fields, on the widest path. The spans it writes to need `Scanner::slots(bound)`.
    pub(crate) fn new(bound: usize) -> Scanner {
        Scanner::on(Path::all().last().unwrap_or(Path::Plain), bound)
    }

    /// The same on a path of `Path::all`.
    pub(crate) fn on(path: Path, bound: usize) -> Scanner {
        let room = || match path {
            Path::Plain => Box::default(),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 | Path::Avx512 => vec![0; bound + 1 + BLOCK + LANES].into_boxed_slice(),
        };
        let mut places = Places { bound, ends: room(), equals: room(), digits: room() };
        if let Some(before) = places.ends.first_mut() {
            *before = u32::MAX;
        }
        Scanner { path, places }
    }

    /// The path's name.
    pub(crate) const fn instructions(&self) -> &'static str {
        match self.path {
            Path::Plain => "none",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => "AVX-512",
        }
    }

    /// Spans needed for `bound` fields.
    pub(crate) const fn slots(bound: usize) -> usize {
        bound + LANES
    }

    /// Finds the fields of `bytes`: their spans, and their tags side by side.
    #[inline]
    pub(crate) fn scan(&mut self, bytes: &[u8], spans: &mut [FieldSpan], tags: &mut [u32]) -> Found {
        assert!(spans.len().min(tags.len()) >= Scanner::slots(self.places.bound));
        match self.path {
            _ if bytes.len() > BYTES_MAX => Found { count: 0, at: 0, sum: sum(bytes) },
            Path::Plain => Found { count: 0, at: 0, sum: sum(bytes) },
            // SAFETY: the path is one of `Path::all`, so the machine has these instructions.
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => unsafe { avx2::scan(bytes, &mut self.places, spans, tags) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => unsafe { avx512::scan(bytes, &mut self.places, spans, tags) },
        }
    }
}

/// Which of sixteen tags are this one.
#[inline(always)]
pub(crate) fn equals(tags: &[u32; LANES], tag: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        equals_sse2(tags, tag)
    }
    #[cfg(not(target_arch = "x86_64"))]
    tags.iter().enumerate().fold(0, |matches, (lane, other)| matches | ((*other == tag) as u32) << lane)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn equals_sse2(tags: &[u32; LANES], tag: u32) -> u32 {
    use core::arch::x86_64::*;
    let wanted = _mm_set1_epi32(tag as i32);
    let [a, b, c, d] = [0, 4, 8, 12].map(|from| {
        // SAFETY: 16 bytes are read from four of sixteen words.
        _mm_cmpeq_epi32(wanted, unsafe { _mm_loadu_si128(tags.as_ptr().add(from).cast()) })
    });
    _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))) as u32
}

/// The sum of bytes, as the checksum has it. Sixteen sums side by side, which compilers make one register of.
#[inline]
pub(crate) fn sum(bytes: &[u8]) -> u8 {
    let (chunks, rest) = bytes.as_chunks::<16>();
    let Some(last) = bytes.last_chunk::<16>() else { return plain_sum(bytes) };
    let mut lanes = [0u8; 16];
    let mut add = |chunk: &[u8; 16]| {
        for (lane, byte) in lanes.iter_mut().zip(chunk) {
            *lane = lane.wrapping_add(*byte);
        }
    };
    chunks.iter().for_each(&mut add);
    if !rest.is_empty() {
        // The last sixteen bytes, without those that were added.
        add(&(u128::from_le_bytes(*last) >> (8 * (16 - rest.len()))).to_le_bytes());
    }
    plain_sum(&lanes)
}

fn plain_sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, &byte| sum.wrapping_add(byte))
}

/// What of one block the next one needs: is its first byte the first of a field, and is a field's `=` still to come?
#[derive(Clone, Copy)]
struct Carry {
    start: u64,
    open: bool,
}

impl Carry {
    /// Before the first block.
    const FIRST: Carry = Carry { start: 1, open: false };

    /// Of a block's separators and `=`: the first `=` of each field. Of a field that has none, nothing.
    #[inline(always)]
    const fn firsts(&mut self, separators: u64, equals: u64) -> u64 {
        let starts = separators << 1 | self.start;
        let (one, over) = (!equals).overflowing_add(starts);
        let (all, over_too) = one.overflowing_add(self.open as u64);
        *self = Carry { start: separators >> (BLOCK - 1), open: over | over_too };
        all & equals
    }
}

/// Tags at and above this are looked at one by one: few know them.
const RARE_FROM: u32 = 40_000;
/// Spreads the length fields' tags over the filter so that no tag venues use often falls on one of them (found by trial
/// over the tags of orders, reports, market data and sessions).
const SPREAD: u32 = 1_004;

/// The place of a tag in the filter.
const fn place(tag: u32) -> usize {
    ((tag ^ (tag >> 10).wrapping_mul(SPREAD)) & 1_023) as usize
}

/// One bit for every place that a length field below `RARE_FROM` has: byte `place % 128`, bit `place / 128`.
const FILTER: [u8; 128] = {
    let mut filter = [0; 128];
    let mut tag = 0;
    while tag < RARE_FROM {
        if counted_by(tag).is_some() {
            filter[place(tag) % 128] |= 1 << (place(tag) / 128);
        }
        tag += 1;
    }
    filter
};

/// Does this tag count the bytes of a data field?
#[inline(always)]
fn counts(tag: u32) -> bool {
    let place = place(tag);
    let may = tag >= RARE_FROM || FILTER[place % 128] >> (place / 128) & 1 != 0;
    may && counted_by(tag).is_some()
}
