//! # Room card: net/token
//! In:    a place in the connection table and how often it was used.
//! Out:   `Token`, the name of a connection or listener.
//! Holds: a token of a connection that is gone names nothing: the generation in it has passed.
//! Costs: two shifts.

/// Bits of the place; the others count its uses.
const PLACE_BITS: u32 = 14;
/// Connections and listeners of one `Net`, at most.
pub const TOKENS_MAX: usize = 1 << PLACE_BITS;
const GENERATIONS: u32 = 1 << (32 - PLACE_BITS);

/// Name of a connection or listener of one `Net`. Places are used in turn and a place comes with the same token again
/// only after 262,143 uses of it, so a token kept too long names nothing rather than another connection.
/// `Token(0)` never names anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u32);

impl Token {
    pub(crate) fn first(place: usize) -> Token {
        debug_assert!(place < TOKENS_MAX);
        Token(1 << PLACE_BITS | place as u32)
    }
    /// The next token of the same place. Generation 0 is skipped.
    pub(crate) fn next(self) -> Token {
        let generation = (self.0 >> PLACE_BITS) + 1;
        let generation = if generation == GENERATIONS { 1 } else { generation };
        Token(generation << PLACE_BITS | self.place() as u32)
    }
    pub(crate) fn place(self) -> usize {
        (self.0 & ((1 << PLACE_BITS) - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_all_its_tokens_before_the_first_comes_again() {
        let first = Token::first(TOKENS_MAX - 1);
        let mut token = first;
        for _ in 0..262_142 {
            token = token.next();
            assert_ne!(token, first);
            assert_ne!(token, Token(0));
            assert_eq!(token.place(), TOKENS_MAX - 1);
        }
        assert_eq!(token.next(), first);
    }
}
