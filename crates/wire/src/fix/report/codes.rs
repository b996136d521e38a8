//! # Room card: wire/fix/report/codes
//! In:    our codes and order states, FIX's letters and numbers for them.
//! Out:   each in the other's terms; one place for both directions.
//! Holds: what `letter_of` and `reason_of` write, `state_of` and `code_of` read back.
//! Costs: a match; names are compared only when a venue refuses.
use types::{Code, OrderState};

/// OrdStatus (39) of a state.
pub(super) const fn letter_of(state: OrderState) -> u8 {
    match state {
        OrderState::New | OrderState::PendingNew => b'A',
        OrderState::Live => b'0',
        OrderState::PartiallyFilled => b'1',
        OrderState::Filled => b'2',
        OrderState::Cancelled => b'4',
        OrderState::PendingCancel => b'6',
        OrderState::Rejected => b'8',
        OrderState::Expired => b'C',
        OrderState::PendingReplace => b'E',
    }
}

/// State an OrdStatus (39) states; an open one says whether anything is filled.
pub(super) const fn state_of(status: u8, filled: i64) -> Option<OrderState> {
    Some(match status {
        // New, partially filled, replaced, pending (cancel, new, replace), stopped, suspended.
        b'0' | b'1' | b'5' | b'6' | b'7' | b'9' | b'A' | b'E' => {
            if filled > 0 {
                OrderState::PartiallyFilled
            } else {
                OrderState::Live
            }
        }
        b'2' => OrderState::Filled,
        b'4' => OrderState::Cancelled,
        b'8' => OrderState::Rejected,
        // Done for the day, calculated, expired: over for us.
        b'3' | b'B' | b'C' => OrderState::Expired,
        _ => return None,
    })
}

/// Codes a venue states by name in Text (58).
const NAMED: [Code; 8] = [
    Code::VenueUnknownOrder,
    Code::VenuePostOnly,
    Code::VenueInvalid,
    Code::VenueFull,
    Code::VenueClosed,
    Code::VenueUnsupported,
    Code::VenueDuplicate,
    Code::UnknownSymbol,
];

/// OrdRejReason (103) of a code.
pub(super) const fn order_reason_of(code: Option<Code>) -> u64 {
    match code {
        Some(Code::UnknownSymbol) => 1,
        Some(Code::VenueClosed) => 2,
        Some(Code::VenueFull) => 3,
        Some(Code::VenueUnknownOrder) => 5,
        Some(Code::VenueDuplicate) => 6,
        Some(Code::VenueUnsupported) => 11,
        _ => 99,
    }
}

/// CxlRejReason (102) of a code.
pub(super) const fn cancel_reason_of(code: Option<Code>) -> u64 {
    match code {
        Some(Code::VenueUnknownOrder) => 1,
        Some(Code::VenueDuplicate) => 6,
        _ => 99,
    }
}

fn named(text: &[u8]) -> Option<Code> {
    NAMED.into_iter().find(|code| code.name().as_bytes() == text)
}

/// Code of an OrdRejReason (103), or the one Text (58) names.
#[cold]
pub(super) fn order_code_of(reason: Option<u64>, text: &[u8]) -> Code {
    named(text).unwrap_or(match reason {
        Some(1) => Code::UnknownSymbol,
        Some(2 | 4) => Code::VenueClosed,
        Some(5) => Code::VenueUnknownOrder,
        Some(6 | 7) => Code::VenueDuplicate,
        Some(11) => Code::VenueUnsupported,
        _ => Code::VenueInvalid,
    })
}

/// Code of a CxlRejReason (102), or the one Text (58) names.
#[cold]
pub(super) fn cancel_code_of(reason: Option<u64>, text: &[u8]) -> Code {
    named(text).unwrap_or(match reason {
        // Too late to cancel, unknown order: either way it is not there any more.
        Some(0 | 1) => Code::VenueUnknownOrder,
        Some(6) => Code::VenueDuplicate,
        _ => Code::VenueInvalid,
    })
}
