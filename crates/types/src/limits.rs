//! # Room card: types/limits
//! In:    nothing.
//! Out:   the named bound of every queue, loop and table of the core.
//! Holds: nothing in the hot path grows past these; what happens at each bound is named where it is enforced.
//! Costs: constants.

/// Instruments per engine.
pub const INSTRUMENTS_MAX: usize = 256;
/// Venues per engine.
pub const VENUES_MAX: usize = 32;
/// Levels of one side in one market-data message; a longer message is refused whole.
pub const LEVELS_PER_MESSAGE_MAX: usize = 10_000;
/// Bytes of one input; a longer one is refused whole.
pub const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of effects of one turn. Market events stop being published when less than `EFFECT_RESERVE_BYTES` is left,
/// so that orders and cancels always fit.
pub const EFFECT_BYTES_MAX: usize = EFFECT_RESERVE_BYTES + 2 * 1024 * 1024;
/// Part of the effect buffer kept for orders, cancels and timers: a kill cancels `ORDERS_MAX` orders in one turn.
/// Address space only, until a turn needs it.
pub const EFFECT_RESERVE_BYTES: usize = 40 * 1024 * 1024;
/// Bytes of one encoded FIX message.
pub const FIX_MESSAGE_BYTES_MAX: usize = 512;
/// Bytes of one input of a FIX connection; a longer one ends the session. A driver reads at most this much at once.
pub const FIX_INPUT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a symbol.
pub const SYMBOL_BYTES_MAX: usize = 32;
/// Working orders of one engine (upper bound of the configured table).
pub const ORDERS_MAX: usize = 65_536;
/// Command producers over the life of one engine: the threads that ever gave it commands.
pub const PRODUCERS_MAX: usize = 8_192;
/// Bytes of one command of a strategy.
pub const COMMAND_BYTES_MAX: usize = 4 * 1024;
/// Quotes a side of one native quoter.
pub const QUOTE_LEVELS_MAX: usize = 16;
/// Steps of an instrument's price increment table.
pub const INCREMENT_STEPS_MAX: usize = 16;
/// Turns between two effects-hash records in the journal.
pub const TURNS_PER_HASH_RECORD: u64 = 4_096;
