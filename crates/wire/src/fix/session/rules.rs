//! # Room card: wire/fix/session/rules
//! In:    reasons and their numbers.
//! Out:   the words for them; the seam by which a dictionary judges a message.
//! Holds: numbers are those of SessionRejectReason (373) and BusinessRejectReason (380), words those of QuickFIX.
//! Costs: a table.
use super::super::message::Message;

/// What a session asks before it takes a message: a data dictionary, as a rule.
pub trait Rules: core::fmt::Debug + Send {
    /// May this message be taken? Asked once a message, before its number is looked at.
    fn check(&mut self, message: &Message<'_>) -> Result<(), Breach>;
}

/// A rule that a message breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Breach {
    /// Answered with a Reject (35=3): the reason, and the tag it is about, 0 for none.
    Session(RejectReason, u32),
    /// Answered with a BusinessMessageReject (35=j), or before FIX.4.2 a Reject: the reason, and the tag, 0 for none.
    Business(BusinessReason, u32),
    /// No message at all: ignored, as a garbled one is; it takes no number.
    Garbled,
}

/// Why a message of the peer is rejected (SessionRejectReason, 373).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RejectReason {
    /// Bytes where a field should be, or a tag no dictionary has.
    InvalidTag = 0,
    /// A required tag is missing.
    TagMissing = 1,
    /// A tag that this message type does not have.
    TagNotDefined = 2,
    /// A tag of nobody's.
    UndefinedTag = 3,
    /// A tag without a value.
    NoValue = 4,
    /// A value out of its range.
    ValueIncorrect = 5,
    /// A value that is not of its type.
    FormatIncorrect = 6,
    /// What was encrypted cannot be read.
    Decryption = 7,
    /// The signature is wrong.
    Signature = 8,
    /// CompIDs are not those of this session.
    CompId = 9,
    /// SendingTime is too far away, or before OrigSendingTime.
    SendingTime = 10,
    /// A message type this side does not have.
    MessageType = 11,
    /// XML that is not valid.
    Xml = 12,
    /// A tag appears more than once.
    TagRepeated = 13,
    /// A tag is not at its place.
    TagOrder = 14,
    /// Fields of a repeating group are not in their order.
    GroupOrder = 15,
    /// The count of a repeating group is not the number of its entries.
    GroupCount = 16,
    /// A separator inside a value.
    Separator = 17,
    /// An application version that is not supported.
    ApplVersion = 18,
    /// None of these.
    Other = 99,
}

impl RejectReason {
    /// The words for it, of Text (58).
    pub const fn text(self) -> &'static str {
        match self {
            RejectReason::InvalidTag => "Invalid tag number",
            RejectReason::TagMissing => "Required tag missing",
            RejectReason::TagNotDefined => "Tag not defined for this message type",
            RejectReason::UndefinedTag => "Undefined Tag",
            RejectReason::NoValue => "Tag specified without a value",
            RejectReason::ValueIncorrect => "Value is incorrect (out of range) for this tag",
            RejectReason::FormatIncorrect => "Incorrect data format for value",
            RejectReason::Decryption => "Decryption problem",
            RejectReason::Signature => "Signature problem",
            RejectReason::CompId => "CompID problem",
            RejectReason::SendingTime => "SendingTime accuracy problem",
            RejectReason::MessageType => "Invalid MsgType",
            RejectReason::Xml => "XML validation error",
            RejectReason::TagRepeated => "Tag appears more than once",
            RejectReason::TagOrder => "Tag specified out of required order",
            RejectReason::GroupOrder => "Repeating group fields out of order",
            RejectReason::GroupCount => "Incorrect NumInGroup count for repeating group",
            RejectReason::Separator => "Non \"data\" value includes field delimiter",
            RejectReason::ApplVersion => "Invalid/Unsupported Application Version",
            RejectReason::Other => "Other",
        }
    }
}

/// Why an application message is refused (BusinessRejectReason, 380).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BusinessReason {
    /// None of these.
    Other = 0,
    /// An id nobody knows.
    UnknownId = 1,
    /// A security nobody knows.
    UnknownSecurity = 2,
    /// A message type this side does not take.
    UnsupportedType = 3,
    /// The application cannot answer now.
    NotAvailable = 4,
    /// A field this message needs is missing.
    FieldMissing = 5,
    /// Not allowed.
    NotAuthorized = 6,
    /// DeliverTo firm not available at this time.
    FirmNotAvailable = 7,
}

impl BusinessReason {
    /// The words for it, of Text (58).
    pub const fn text(self) -> &'static str {
        match self {
            BusinessReason::Other => "Other",
            BusinessReason::UnknownId => "Unknown ID",
            BusinessReason::UnknownSecurity => "Unknown Security",
            BusinessReason::UnsupportedType => "Unsupported Message Type",
            BusinessReason::NotAvailable => "Application Not Available",
            BusinessReason::FieldMissing => "Conditionally Required Field Missing",
            BusinessReason::NotAuthorized => "Not Authorized",
            BusinessReason::FirmNotAvailable => "Deliver to firm not available at this time",
        }
    }
}
