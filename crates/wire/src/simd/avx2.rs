//! # Room card: wire/simd/avx2
//! In:    a message's bytes.
//! Out:   its plain fields.
//! Holds: no byte outside the message is read, no slot outside the buffers written.
//! Costs: some 20 instructions a block of 64 bytes, 25 a field.
use core::arch::x86_64::*;

use super::{BLOCK, Carry, Found, Places, counts, sum};
use crate::fix::{FieldSpan, tag_at};

/// Does this machine have what `scan` needs?
pub(super) fn present() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") && is_x86_feature_detected!("bmi1")
}

/// Finds the plain fields.
#[target_feature(enable = "avx2,popcnt,bmi1")]
pub(super) fn scan(bytes: &[u8], places: &mut Places, spans: &mut [FieldSpan], tags: &mut [u32]) -> Found {
    let Some((count, sum)) = find(bytes, places) else { return Found { count: 0, at: 0, sum: sum(bytes) } };
    let mut first = 0;
    for (done, (span, slot)) in spans.iter_mut().zip(tags).enumerate().take(count) {
        let (equals, end) = (places.equals[done], places.ends[done + 1]);
        let tag = match short_tag(bytes, first, equals as usize) {
            Some(tag) => tag,
            None => match tag_at(bytes, first) {
                Some((tag, start)) if start == equals as usize + 1 => tag,
                _ => return Found { count: done, at: first, sum },
            },
        };
        if counts(tag) {
            return Found { count: done, at: first, sum };
        }
        (*span, *slot) = (FieldSpan { tag, start: equals + 1, end }, tag);
        first = end as usize + 1;
    }
    Found { count, at: bytes.len(), sum }
}

/// A tag of one to four digits that does not begin with zero. The digits are the bytes before `equals`; what stands
/// before them is shifted out of the word.
#[inline(always)]
fn short_tag(bytes: &[u8], first: usize, equals: usize) -> Option<u32> {
    let length = equals.wrapping_sub(first);
    if length.wrapping_sub(1) > 3 {
        return None;
    }
    let word = u32::from_le_bytes(*bytes.get(first..)?.first_chunk()?);
    let digits = word.wrapping_sub(0x3030_3030) << (32 - 8 * length as u32);
    let is_digits = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080 == 0;
    let first_digit = word & 0xff;
    if !is_digits || first_digit == b'0' as u32 {
        return None;
    }
    // Bytes d0 d1 d2 d3: ten times the even ones and the odd ones, then a hundred times the first pair and the second.
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff;
    Some((pairs & 0xff) * 100 + (pairs >> 16))
}

/// As in `avx512`, without the digits.
#[target_feature(enable = "avx2,popcnt,bmi1")]
#[inline]
fn find(bytes: &[u8], places: &mut Places) -> Option<(usize, u8)> {
    let (mut sums, mut carry) = (_mm256_setzero_si256(), Carry::FIRST);
    let (mut ends, mut firsts) = (0, 0);
    let mut at = 0;
    while at < bytes.len() {
        let mut last = [0; BLOCK];
        let block = match bytes[at..].first_chunk::<BLOCK>() {
            Some(block) => block,
            None => {
                last[..bytes.len() - at].copy_from_slice(&bytes[at..]);
                &last
            }
        };
        let (separators, equals) = compare(block, &mut sums);
        let first = carry.firsts(separators, equals);
        ends += list(places.ends.get_mut(1 + ends..)?.first_chunk_mut()?, separators, at as u32);
        firsts += list(places.equals.get_mut(firsts..)?.first_chunk_mut()?, first, at as u32);
        if ends > places.bound || firsts > places.bound {
            return None;
        }
        at += BLOCK;
    }
    let halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sum = _mm_extract_epi64::<0>(halves).wrapping_add(_mm_extract_epi64::<1>(halves));
    (ends == firsts && bytes.last() == Some(&1)).then_some((ends, sum as u8))
}

/// Separators and `=` of a block; adds its bytes to the sums.
#[target_feature(enable = "avx2")]
#[inline]
fn compare(block: &[u8; BLOCK], sums: &mut __m256i) -> (u64, u64) {
    let (mut separators, mut equals) = (0, 0);
    for half in [0, 32] {
        // SAFETY: 32 bytes are read from either half of 64.
        let part = unsafe { _mm256_loadu_si256(block.as_ptr().add(half).cast()) };
        let mask = |byte: i8| _mm256_movemask_epi8(_mm256_cmpeq_epi8(part, _mm256_set1_epi8(byte))) as u32 as u64;
        separators |= mask(1) << half;
        equals |= mask(b'=' as i8) << half;
        *sums = _mm256_add_epi64(*sums, _mm256_sad_epu8(part, _mm256_setzero_si256()));
    }
    (separators, equals)
}

/// The places of a mask's bits; how many there are.
#[inline(always)]
fn list(to: &mut [u32; BLOCK], mut mask: u64, base: u32) -> usize {
    let count = mask.count_ones() as usize;
    for slot in &mut to[..count] {
        *slot = base + mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
    }
    count
}
