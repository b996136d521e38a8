//! # Room card: types/command
//! In:    bytes a strategy wrote into its command ring.
//! Out:   `Command`, decoded and checked for shape; limits are the gate's business.
//! Holds: fixed little-endian layout shared with TypeScript; anything malformed is a typed code, never a guess.
//! Costs: a few loads.
//!
//! Layout, 64 bytes: kind u8, flags u8, instrument u16, side u8, 3 zero bytes, client id u64 (the order it is about),
//! price i64 ticks, quantity i64 lots, algo id u16, trader id u16, 4 zero bytes, at u64 (timer moment), id u64 (timer
//! id), 8 zero bytes.
//! `SetQuoter` is followed by UTF-8 JSON of the new quoter parameters.
//! `Publish`: flags say which values are there (`PUBLISHED_*`); price, quantity and id hold the bits of fair value
//! (price), drift (price per second) and toxicity as f64. `Quote`: flags say which sides are asked for (1 bid, 2 ask;
//! none withdraws both); price and quantity hold the bits of bid and ask in price units as f64, client id and id the
//! lots of each, 0 for those of the parameters.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::codes::Code;
use crate::num::Side;

/// Bytes of the fixed part of a command.
pub const COMMAND_BYTES: usize = 64;

/// What a command asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CommandKind {
    /// Place a limit order; `client_id` names it from now on.
    Place = 1,
    /// Cancel the order `client_id`.
    Cancel = 2,
    /// Give the order `client_id` a new price and total quantity.
    Replace = 3,
    /// Cancel every order of the instrument (or of all, with flag `ALL_INSTRUMENTS`).
    CancelAll = 4,
    /// Set timer `id` to fire at `at`.
    SetTimer = 5,
    /// Replace the native quoter's parameters of the instrument, all at once.
    SetQuoter = 6,
    /// The strategy failed: cancel all its orders, refuse its further ones.
    StrategyFault = 7,
    /// Fair value, drift and toxicity for the native quoter of the instrument, all at once.
    Publish = 8,
    /// The quotes that a strategy wants of the native quoter of the instrument (its model `strategy`).
    Quote = 9,
}

/// Flag of `Publish`: a fair value is there.
pub const PUBLISHED_FAIR_VALUE: u8 = 1;
/// Flag of `Publish`: a drift is there.
pub const PUBLISHED_DRIFT: u8 = 2;
/// Flag of `Publish`: a toxicity is there.
pub const PUBLISHED_TOXICITY: u8 = 4;

/// Flag of `CancelAll`: every instrument.
pub const ALL_INSTRUMENTS: u8 = 128;

/// The fixed part of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Command {
    /// `CommandKind` as a byte.
    pub kind: u8,
    /// Bits of `event::flag` for orders: POST_ONLY, REDUCE_ONLY, IOC.
    pub flags: u8,
    /// Instrument.
    pub instrument: u16,
    /// 1 buy, 2 sell.
    pub side: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// The caller's reference; not zero for orders.
    pub client_id: u64,
    /// Price in ticks.
    pub price: i64,
    /// Quantity in lots.
    pub quantity: i64,
    /// Deciding algorithm.
    pub algo_id: u16,
    /// Trader or desk.
    pub trader_id: u16,
    /// Zero.
    pub reserved_2: [u8; 4],
    /// Moment of a timer, Unix ns.
    pub at: u64,
    /// Timer id.
    pub id: u64,
    /// Zero.
    pub reserved_3: u64,
}

const _: () = assert!(size_of::<Command>() == COMMAND_BYTES);

impl Command {
    /// Splits command bytes into the fixed part and what follows; checks kind, side and reference.
    pub fn decode(bytes: &[u8]) -> Result<(CommandKind, Command, &[u8]), Code> {
        let (command, rest) = Command::read_from_prefix(bytes).map_err(|_| Code::CommandMalformed)?;
        let kind = match command.kind {
            1 => CommandKind::Place,
            2 => CommandKind::Cancel,
            3 => CommandKind::Replace,
            4 => CommandKind::CancelAll,
            5 => CommandKind::SetTimer,
            6 => CommandKind::SetQuoter,
            7 => CommandKind::StrategyFault,
            8 => CommandKind::Publish,
            9 => CommandKind::Quote,
            _ => return Err(Code::CommandMalformed),
        };
        let names_order = matches!(kind, CommandKind::Place | CommandKind::Cancel | CommandKind::Replace);
        if names_order && command.client_id == 0 || kind == CommandKind::Place && Side::from_u8(command.side).is_none()
        {
            return Err(Code::CommandMalformed);
        }
        Ok((kind, command, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_command() {
        assert_eq!(Command::decode(&[1; 63]), Err(Code::CommandMalformed));
        assert_eq!(Command::decode(&[0; 64]), Err(Code::CommandMalformed));
        let mut bytes = [0u8; 64];
        (bytes[0], bytes[4]) = (1, 1);
        assert_eq!(Command::decode(&bytes), Err(Code::CommandMalformed), "no client id");
        bytes[8] = 5;
        assert_eq!(Command::decode(&bytes).unwrap().1.client_id, 5);
        bytes[4] = 3;
        assert_eq!(Command::decode(&bytes), Err(Code::CommandMalformed), "no side");
    }
}
