//! # Room card: wire/simd/avx512
//! In:    a message's bytes.
//! Out:   its plain fields.
//! Holds: no byte outside the message is read, no slot outside the buffers written.
//! Costs: some 15 instructions a block of 64 bytes, 40 for sixteen fields.
use core::arch::x86_64::*;

use super::{BLOCK, Carry, FILTER, Found, LANES, Places, RARE_FROM, SPREAD, counts, sum};
use crate::fix::{FieldSpan, tag_at};

/// Places of the bytes of a block.
const BYTES: [u8; BLOCK] = {
    let mut bytes = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};
/// Each of sixteen bytes four times.
const FOURFOLD: [u8; BLOCK] = {
    let mut bytes = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        bytes[at] = (at / 4) as u8;
        at += 1;
    }
    bytes
};

/// Where the words of sixteen spans come from: (tag or start, by `permutex2var`), end, and which are ends.
const WOVEN: [([u32; LANES], [u32; LANES], u16); 3] = {
    let mut woven = [([0; LANES], [0; LANES], 0); 3];
    let mut at = 0;
    while at < 3 * LANES {
        let (lane, word) = (at / 3, at % 3);
        woven[at / LANES].0[at % LANES] = (lane + if word == 1 { LANES } else { 0 }) as u32;
        woven[at / LANES].1[at % LANES] = lane as u32;
        if word == 2 {
            woven[at / LANES].2 |= 1 << (at % LANES);
        }
        at += 1;
    }
    woven
};

const _: () = assert!(size_of::<FieldSpan>() == 12 && align_of::<FieldSpan>() == 4);

/// Does this machine have what `scan` needs?
pub(super) fn present() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi2")
}

/// Sixty-four bytes of a constant.
#[target_feature(enable = "avx512f")]
#[inline]
fn constant(bytes: &[u8; BLOCK]) -> __m512i {
    // SAFETY: 64 bytes are read from 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Sixteen words.
#[target_feature(enable = "avx512f")]
#[inline]
fn words(from: &[u32; LANES]) -> __m512i {
    // SAFETY: 64 bytes are read from 16 words.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// Writes sixteen words.
#[target_feature(enable = "avx512f")]
#[inline]
fn put(to: &mut [u32; LANES], values: __m512i) {
    // SAFETY: 64 bytes are written over 16 words.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), values) }
}

/// Finds the plain fields.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi1,bmi2")]
pub(super) fn scan(bytes: &[u8], places: &mut Places, spans: &mut [FieldSpan], tags: &mut [u32]) -> Found {
    match find(bytes, places) {
        Some((count, sum)) => read(bytes, places, spans, tags, (count, sum)),
        None => Found { count: 0, at: 0, sum: sum(bytes) },
    }
}

/// Separators and the first `=` of each field, the bytes before those, and the sum of all bytes. `None` when there are
/// too many fields, or some without `=`, or bytes behind the last separator.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi1,bmi2")]
#[inline]
fn find(bytes: &[u8], places: &mut Places) -> Option<(usize, u8)> {
    let zero = _mm512_setzero_si512();
    let (mut before, mut sums, mut carry) = (zero, zero, Carry::FIRST);
    let (mut ends, mut firsts) = (0, 0);
    let (separator, equals, numbers) = (_mm512_set1_epi8(1), _mm512_set1_epi8(b'=' as i8), constant(&BYTES));
    let (fourfold, back) = (constant(&FOURFOLD), _mm512_set1_epi32(0x3f3e_3d3c));
    let mut at = 0;
    while at < bytes.len() {
        let left = bytes.len() - at;
        let mask = if left >= BLOCK { u64::MAX } else { (1 << left) - 1 };
        // SAFETY: at most `left` bytes are read, all of them within `bytes`; those masked out are not touched.
        let block = unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().add(at).cast()) };
        let found = _mm512_cmpeq_epi8_mask(block, separator);
        let first = carry.firsts(found, _mm512_cmpeq_epi8_mask(block, equals));
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(block, zero));
        let base = _mm512_set1_epi32(at as i32);
        let (here, there) = (_mm512_maskz_compress_epi8(found, numbers), _mm512_maskz_compress_epi8(first, numbers));
        let many = found.count_ones().max(first.count_ones()) as usize;
        let mut part = 0;
        loop {
            let (here, there) = (quarter(here, part), quarter(there, part));
            let done = part * LANES;
            put(places.ends[1 + ends + done..].first_chunk_mut()?, _mm512_add_epi32(_mm512_cvtepu8_epi32(here), base));
            let from = _mm512_add_epi32(_mm512_cvtepu8_epi32(there), base);
            put(places.equals[firsts + done..].first_chunk_mut()?, from);
            // The bytes at 4, 3, 2 and 1 before each `=`, counted from the block before this one.
            let wanted = _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(there), fourfold), back);
            let digits = _mm512_permutex2var_epi8(before, wanted, block);
            put(places.digits[firsts + done..].first_chunk_mut()?, digits);
            part += 1;
            if part * LANES >= many {
                break;
            }
        }
        (ends, firsts) = (ends + found.count_ones() as usize, firsts + first.count_ones() as usize);
        if ends > places.bound || firsts > places.bound {
            return None;
        }
        before = block;
        at += BLOCK;
    }
    (ends == firsts && bytes.last() == Some(&1)).then(|| (ends, _mm512_reduce_add_epi64(sums) as u8))
}

/// Sixteen bytes of a register.
#[target_feature(enable = "avx512f")]
#[inline]
fn quarter(bytes: __m512i, part: usize) -> __m128i {
    match part {
        0 => _mm512_castsi512_si128(bytes),
        1 => _mm512_extracti32x4_epi32::<1>(bytes),
        2 => _mm512_extracti32x4_epi32::<2>(bytes),
        _ => _mm512_extracti32x4_epi32::<3>(bytes),
    }
}

/// The tags of `count` fields, sixteen at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi1,bmi2")]
#[inline]
fn read(bytes: &[u8], places: &Places, spans: &mut [FieldSpan], tags: &mut [u32], (count, sum): (usize, u8)) -> Found {
    let (one, four_bytes) = (_mm512_set1_epi32(1), _mm512_set1_epi32(32));
    let (ascii, nine) = (_mm512_set1_epi8(b'0' as i8), _mm512_set1_epi8(9));
    let mut done = 0;
    while done < count {
        let lanes = (count - done).min(LANES);
        let active = (u32::MAX >> (32 - lanes as u32)) as u16;
        let (Some(ends), Some(befores), Some(firsts), Some(digits), Some(slots)) = (
            places.ends[done + 1..].first_chunk(),
            places.ends[done..].first_chunk(),
            places.equals[done..].first_chunk(),
            places.digits[done..].first_chunk(),
            tags[done..].first_chunk_mut(),
        ) else {
            break;
        };
        let (end, equals) = (words(ends), words(firsts));
        let start = _mm512_add_epi32(equals, one);
        // 32 bits less 8 for each digit: what the digits are not. Beyond 31 when there are more than four or none.
        let length = _mm512_sub_epi32(equals, _mm512_add_epi32(words(befores), one));
        let other = _mm512_sub_epi32(four_bytes, _mm512_slli_epi32::<3>(length));
        let values = _mm512_srlv_epi32(_mm512_sub_epi8(words(digits), ascii), other);
        // The first digit is a zero, or there is none, or a fifth before it.
        let odd = _mm512_mask_testn_epi32_mask(active, values, _mm512_set1_epi32(0xff));
        let not_digits = _mm512_cmpgt_epu8_mask(_mm512_maskz_mov_epi32(active, values), nine);
        let padded = _mm512_sllv_epi32(values, other);
        let pairs = _mm512_maddubs_epi16(padded, _mm512_set1_epi16(0x010a));
        let tag = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064));
        weave(&mut spans[done..], tag, start, end);
        put(slots, tag);
        let flagged = may_count(tag) & active;
        if (odd as u64 | not_digits | flagged as u64) != 0
            && let Some(lane) = one_by_one(bytes, places, (done, lanes), spans, tags)
        {
            let count = done + lane;
            return Found { count, at: places.ends[count].wrapping_add(1) as usize, sum };
        }
        done += lanes;
    }
    Found { count, at: bytes.len(), sum }
}

/// Writes sixteen spans.
#[target_feature(enable = "avx512f")]
#[inline]
fn weave(spans: &mut [FieldSpan], tag: __m512i, start: __m512i, end: __m512i) {
    let Some(spans) = spans.first_chunk_mut::<LANES>() else { return };
    for (part, (pair, last, ends)) in WOVEN.iter().enumerate() {
        let mixed = _mm512_permutex2var_epi32(tag, words(pair), start);
        let mixed = _mm512_mask_permutexvar_epi32(mixed, *ends, words(last), end);
        // SAFETY: sixteen spans are three times sixteen words; any words are spans.
        unsafe { _mm512_storeu_si512(spans.as_mut_ptr().cast::<u32>().add(part * LANES).cast(), mixed) }
    }
}

/// Which of sixteen tags may be those of length fields.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn may_count(tag: __m512i) -> u16 {
    let [low, high] = [0, BLOCK].map(|from| {
        // SAFETY: 64 bytes are read from either half of 128.
        unsafe { _mm512_loadu_si512(FILTER.as_ptr().add(from).cast()) }
    });
    let spread = _mm512_mullo_epi16(_mm512_srli_epi32::<10>(tag), _mm512_set1_epi16(SPREAD as i16));
    let place = _mm512_xor_si512(tag, spread);
    let bits = _mm512_permutex2var_epi8(low, place, high);
    let bit = _mm512_and_si512(_mm512_srli_epi32::<7>(place), _mm512_set1_epi32(7));
    _mm512_test_epi32_mask(_mm512_srlv_epi32(bits, bit), _mm512_set1_epi32(1))
        | _mm512_cmpge_epu32_mask(tag, _mm512_set1_epi32(RARE_FROM as i32))
}

/// Tags of other than one to four digits, and what may be a length field. The first lane that is neither a field here
/// nor a plain one.
#[cold]
#[inline(never)]
fn one_by_one(
    bytes: &[u8],
    places: &Places,
    (done, lanes): (usize, usize),
    spans: &mut [FieldSpan],
    tags: &mut [u32],
) -> Option<usize> {
    for lane in 0..lanes {
        let first = places.ends[done + lane].wrapping_add(1) as usize;
        let span = &mut spans[done + lane];
        match tag_at(bytes, first) {
            Some((tag, start)) if start == span.start as usize && !counts(tag) => {
                (span.tag, tags[done + lane]) = (tag, tag)
            }
            _ => return Some(lane),
        }
    }
    None
}
