//! # Room card: ring/error
//! In:    what attaching, writing and reading find wrong.
//! Out:   three closed enums with fields, no prose: `RegionError`, `Refusal`, `Corrupt`.
//! Holds: building one allocates nothing.
//! Costs: a few words.

/// Why a region cannot be created or attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError {
    /// The address is not a multiple of `required_bytes`.
    Misaligned {
        /// Address modulo `required_bytes`.
        remainder_bytes: usize,
        /// Needed alignment.
        required_bytes: usize,
    },
    /// The region is not a control block plus a power of two between the stated bounds.
    Size {
        /// Bytes of the region.
        bytes: usize,
        /// Smallest capacity behind the control block.
        capacity_min: usize,
        /// Largest capacity behind the control block.
        capacity_max: usize,
    },
    /// The first word is not the magic number: nobody created a ring here.
    NotARing {
        /// The word found.
        magic: u32,
    },
    /// The ring was created by a build with another layout.
    Version {
        /// Version found.
        found: u32,
        /// Version this build reads.
        supported: u32,
    },
    /// The ring is one of the other kinds.
    Kind {
        /// Kind found, as in `layout::Kind`.
        found: u32,
        /// Kind asked for.
        wanted: u32,
    },
    /// The capacity or record bound in the control block does not belong to a region of this size.
    Capacity {
        /// Capacity found.
        found: u32,
        /// Capacity of a region of this size.
        expected: u32,
    },
    /// A first position is not on the boundary it must be on.
    Origin {
        /// The position asked for or found.
        origin: u64,
        /// What it must be a multiple of.
        multiple_of: u64,
    },
}

/// Why a record was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No room now; nothing was written. Only `commands` refuses so.
    Full {
        /// Bytes the record needs, padding included.
        needed_bytes: u32,
        /// Bytes that are free.
        free_bytes: u32,
    },
    /// The record is longer than the ring takes (an eighth of its capacity).
    TooLong {
        /// Bytes of the record.
        bytes: usize,
        /// Bytes the ring takes.
        max_bytes: usize,
    },
    /// The record's header does not say its length, or its type is the padding type.
    Header {
        /// Length the header says.
        length: u32,
        /// Bytes of the record.
        bytes: usize,
    },
}

/// What a reader found that no writer writes: the shared memory was overwritten by somebody else. The reader stops
/// there; what it delivered before was whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Corrupt {
    /// The writer's position is not between the reader's and a capacity beyond it, or not on a record boundary.
    Tail {
        /// Low 32 bits of the writer's position.
        tail: u32,
        /// Low 32 bits of the reader's position.
        head: u32,
    },
    /// A record's length is negative, too small, beyond the bound, or beyond what was published.
    Length {
        /// Low 32 bits of the record's position.
        position: u32,
        /// Length found.
        length: i32,
    },
    /// A checkpoint of `market` does not belong to the part of the ring it stands for.
    Checkpoint {
        /// Low 32 bits of the position found.
        position: u32,
    },
}
