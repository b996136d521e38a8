//! # Room card: wire/http
//! In:    bytes of one HTTP/1.1 connection as they are read, cut anywhere; what to ask and to answer.
//! Out:   requests and responses whole, borrowed from the reader; their bytes; addresses taken apart (`Url`).
//! Holds: sans-I/O; all is bounded; a message is taken whole or refused whole; what is ambiguous is refused.
//! Costs: cold path; one copy of head and body.
//!
//! Enough of RFC 9110 and 9112 for snapshots and upgrades, not a general client: no content coding (none is asked for),
//! no redirects (an answer other than 200 is for the caller to judge), no pipelining of requests by this side.
mod body;
mod head;
mod message;
mod url;
mod write;

pub use head::{FIELDS_MAX, Fields, HEAD_BYTES_MAX};
pub use message::{HttpRequest, HttpResponse, HttpStep, RequestReader, ResponseReader};
pub use url::{Url, UrlFault};
pub use write::{get_request, reason_phrase, response, response_with};

pub(crate) use head::{HeadBytes, response as response_head};
pub(crate) use message::retry_after;
