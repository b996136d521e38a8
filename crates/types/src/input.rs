//! # Room card: types/input
//! In:    what a driver saw: bytes, connections, timers, commands, normalised events, controls.
//! Out:   `Input`, the only thing that can change a decision of the engine.
//! Holds: borrowed bytes as read (after TLS, before framing, chunk boundaries kept); time is part of the input.
//! Costs: a few words; bytes are borrowed.
use crate::event::Event;
use crate::ids::{ConnId, TimerId};
use crate::order::OrderEvent;
use crate::time::UnixNanos;

/// One input of the state machine.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Number of the turn, from 1, without gaps.
    pub turn: u64,
    /// The driver's time; never steps back.
    pub now: UnixNanos,
    /// What happened.
    pub kind: InputKind<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum InputKind<'a> {
    /// Bytes read from a connection.
    Bytes {
        /// Where from.
        conn: ConnId,
        /// As read.
        bytes: &'a [u8],
    },
    /// A connection changed.
    Conn {
        /// Which.
        conn: ConnId,
        /// To what.
        state: ConnState,
    },
    /// A timer fired.
    Timer {
        /// Which.
        id: TimerId,
    },
    /// A command of a strategy or user.
    Command {
        /// Which producer; its ring is polled in the order of these numbers.
        producer: u16,
        /// Sequence of the last event the sender had consumed.
        cause_seq: u64,
        /// The command's bytes; see `Command`.
        bytes: &'a [u8],
    },
    /// Market data already normalised (a `MarketFeed`).
    Market(&'a Event),
    /// An execution report already normalised (an `OrderGateway`, the venue room).
    Report(&'a OrderEvent),
    /// Stop trading.
    Control(Control),
}

/// State of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ConnState {
    /// Connected and usable.
    Up = 1,
    /// Gone.
    Down = 2,
    /// The peer does not read: nothing more can be sent now.
    Blocked = 3,
    /// It reads again.
    Writable = 4,
}

impl ConnState {
    /// From the byte of a record.
    pub const fn from_u8(byte: u8) -> Option<ConnState> {
        match byte {
            1 => Some(ConnState::Up),
            2 => Some(ConnState::Down),
            3 => Some(ConnState::Blocked),
            4 => Some(ConnState::Writable),
            _ => None,
        }
    }
}

/// Stop trading, or begin again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Control {
    /// Cancel everything in one pass, then refuse every new order.
    Kill = 1,
    /// Cancel everything and end the session.
    Close = 2,
    /// A process goes on with a session that was closed: orders may pass again. A kill switch that was pulled stays so.
    Open = 3,
}

impl Control {
    /// From the byte of a record.
    pub const fn from_u8(byte: u8) -> Option<Control> {
        match byte {
            1 => Some(Control::Kill),
            2 => Some(Control::Close),
            3 => Some(Control::Open),
            _ => None,
        }
    }
}
