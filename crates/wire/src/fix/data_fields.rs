//! # Room card: wire/fix/data_fields
//! In:    a tag.
//! Out:   the data field it counts.
//! Holds: every pair of Length and data of FIX 4.0 to 5.0 SP2 and FIXT 1.1; a data field's value may hold separators.
//! Costs: a few comparisons; most tags are told by the first.

/// The data field whose bytes a length field counts. The data field comes next.
#[rustfmt::skip]
pub(crate) const fn counted_by(tag: u32) -> Option<u32> {
    match tag {
        // A tag and the next one, but for some.
        90 | 95 | 212 | 348 | 350 | 352 | 354 | 356 | 358 | 360 | 362 | 364 | 445 | 618 | 621 | 1184 | 1277 | 1280
        | 1282 | 1397 | 1401 | 1403 | 1468 | 1578 | 1620 | 1664 | 1733 | 1871 | 1874 | 2072 | 2074 | 2111 | 2179
        | 2287 | 2351 | 2481 | 2637 | 2651 | 2665 | 2715 | 2718 | 2721 | 2797 | 40004 | 40008 | 40978 | 40980
        | 40982 | 40984 | 40986 | 40988 | 41083 | 41101 | 41107 | 41256 | 41320 | 41324 | 41458 | 41476 | 41482
        | 41653 | 41710 | 41806 | 41811 | 41873 | 41969 | 42025 | 42171 | 42451 | 42652 | 42947 => Some(tag + 1),
        2372 | 2494 | 2522 | 2802 | 2809 | 2815 => Some(tag - 1),
        93 => Some(89),
        1525 => Some(1527),
        1678 => Some(1697),
        43109 => Some(42684),
        43110 => Some(42486),
        43111 => Some(42982),
        _ => None,
    }
}
