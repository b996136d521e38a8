//! # Room card: wire/ws/mask
//! In:    payload bytes, a mask, and how many bytes of the frame the mask has covered already.
//! Out:   the bytes, masked or unmasked in place.
//! Holds: the two directions are one operation (RFC 6455, 5.3); splitting a payload anywhere changes nothing.
//! Costs: eight bytes a step.

/// Masks or unmasks `bytes`, the first of which is byte `from` of its frame's payload.
pub(super) fn apply(bytes: &mut [u8], mask: [u8; 4], from: usize) {
    let turned = core::array::from_fn::<u8, 8, _>(|i| mask[(from + i) % 4]);
    let wide = u64::from_ne_bytes(turned);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(turned) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn any_split_gives_what_one_byte_at_a_time_gives() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..40usize {
            let plain: Vec<u8> = (0..length as u8).collect();
            let expected: Vec<u8> = plain.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect();
            for split in 0..=length {
                let mut bytes = plain.clone();
                let (first, second) = bytes.split_at_mut(split);
                apply(first, mask, 0);
                apply(second, mask, split);
                assert_eq!(bytes, expected, "{length} bytes split at {split}");
            }
        }
    }
}
