//! # Room card: ring
//! In:    records of up to an eighth of a ring, each with its 8-byte header; memory that Rust and TypeScript share.
//! Out:   `market` (lossy broadcast, exact miss counts), `orders` (lossless, else a counted gap),
//!        `commands` (refuses when full); `registers` (the newest state, nothing consumed).
//! Holds: a writer never waits; every access is to one aligned 32-bit atomic word inside the region,
//!        whatever the memory says.
//! Costs: a record is one relaxed store per 4 bytes and one release store; nothing allocates after construction.
//!
//! # Who may do what
//! Each ring has one writer. `market` has any number of readers, each with a cursor of its own that the writer never
//! looks at; `orders` and `commands` have one reader. The side of the engine *creates* a ring (formats the region), the
//! other side *attaches* (checks it). Two writers on one ring garble records but break no memory: the only contract
//! that memory safety rests on is that of [`Region::from_raw`].
//!
//! # Why 32-bit words everywhere
//! JavaScript's `Atomics` reads 64 bits only as a BigInt, which allocates; and atomic accesses of different sizes to
//! the same memory are undefined in Rust. So both languages use one size, the positions of `market` are 64 bits in two
//! words with a guard ([`mod@position`]), and the positions of `orders` and `commands`, which are never further apart
//! than the capacity (2^30 at most), are single wrapping words.
//!
//! # Batches
//! `stage` writes a record that nobody sees yet, `publish` shows all staged records with one store, `write` does both.
//! After `publish`, `should_ring` says whether a reader sleeps and wants the doorbell ([`mod@doorbell`]).
//!
//! ```
//! let region = fafnir_ring::Region::heap(4096).unwrap();
//! let mut writer = fafnir_ring::MarketWriter::create(region.clone()).unwrap();
//! let mut reader = fafnir_ring::MarketReader::attach(region).unwrap();
//! let mut record = [0u8; 64];
//! record[..8].copy_from_slice(&[64, 0, 0, 0, 1, 0, 0, 0]);
//! writer.write(&record).unwrap();
//! let mut lengths = vec![];
//! assert_eq!(reader.poll(16, |record| lengths.push(record.len())), Ok(1));
//! assert_eq!((lengths, reader.missed()), (vec![64], 0));
//! ```

pub mod commands;
pub mod doorbell;
pub mod error;
pub mod layout;
pub mod market;
pub mod orders;
pub mod position;
pub mod region;
pub mod registers;
mod spsc;
pub mod words;

pub use commands::{CommandReader, CommandWriter};
pub use error::{Corrupt, Refusal, RegionError};
pub use layout::{Kind, region_bytes};
pub use market::{MarketReader, MarketWriter};
pub use orders::{OrdersReader, OrdersWriter, Written};
pub use region::Region;
pub use registers::{RegistersReader, RegistersWriter};
pub use words::Words;

// Words are shared with TypeScript and with files in one byte order.
const _: () = assert!(cfg!(target_endian = "little"));
