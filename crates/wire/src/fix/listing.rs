//! # Room card: wire/fix/listing
//! In:    a symbol as a message states it.
//! Out:   the venue's instrument of that name.
//! Holds: two venues may list the same symbol; each session sees its own venue's.
//! Costs: one comparison of lengths an instrument, at most `INSTRUMENTS_MAX`.
use types::{Instrument, VenueId};

/// The instruments of one venue.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// All instruments.
    pub instruments: &'a [Instrument],
    /// Whose are looked at.
    pub venue: VenueId,
}

impl<'a> Listing<'a> {
    /// The instrument with this symbol.
    #[inline]
    pub fn find(&self, symbol: &[u8]) -> Option<&'a Instrument> {
        self.instruments.iter().find(|instrument| instrument.venue == self.venue && instrument.symbol_bytes() == symbol)
    }
}
