//! # Room card: wire/http/message
//! In:    bytes of one connection, cut anywhere.
//! Out:   one request or response after the other, each whole.
//! Holds: head and body bounded; after a fault the reader gives it again until it is reset.
//! Costs: cold path; one copy of head and body.
use types::Code;

use super::body::{Framing, decimal, framing};
use super::head::{self, Fields, HeadBytes};

/// What one call of a reader did.
#[derive(Clone, Copy, Debug)]
pub struct HttpStep<M> {
    /// Bytes of the input used up; what is left belongs to the next message, or to the protocol after an upgrade.
    pub consumed: usize,
    /// The message, once it is whole.
    pub message: Option<M>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// Its method, as written: methods have case.
    pub method: &'a str,
    /// Path and query, as written.
    pub target: &'a str,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor: u8,
    /// The client wants the connection kept.
    pub keep_alive: bool,
    /// Its fields.
    pub fields: Fields<'a>,
    /// Its body.
    pub body: &'a [u8],
}

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct HttpResponse<'a> {
    /// Its status, 200 to 999.
    pub status: u16,
    /// `Retry-After` in seconds, if the server gave it as a number.
    pub retry_after: Option<u32>,
    /// The connection can carry another request.
    pub keep_alive: bool,
    /// Its fields.
    pub fields: Fields<'a>,
    /// Its body.
    pub body: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Stage {
    Head,
    Body(Framing),
    /// Given out; the next call begins anew.
    Whole,
    Fault(Code),
}

#[derive(Debug)]
struct Reader {
    head: HeadBytes,
    body: Vec<u8>,
    body_bytes_max: usize,
    stage: Stage,
}

impl Reader {
    fn new(body_bytes_max: usize) -> Reader {
        Reader { head: HeadBytes::default(), body: Vec::new(), body_bytes_max, stage: Stage::Head }
    }

    fn reset(&mut self) {
        self.head.clear();
        self.body.clear();
        self.stage = Stage::Head;
    }

    /// Takes input up to the end of one message; `begin` reads a whole head and says what body follows (`None`: this
    /// head stands for nothing, another follows).
    fn take(
        &mut self,
        input: &[u8],
        begin: fn(&[u8], usize) -> Result<Option<Framing>, Code>,
    ) -> Result<(usize, bool), Code> {
        let taken = self.try_take(input, begin);
        if let Err(code) = taken {
            self.stage = Stage::Fault(code);
        }
        taken
    }

    fn try_take(
        &mut self,
        input: &[u8],
        begin: fn(&[u8], usize) -> Result<Option<Framing>, Code>,
    ) -> Result<(usize, bool), Code> {
        if self.stage == Stage::Whole {
            self.reset();
        }
        let mut used = 0;
        loop {
            match self.stage {
                Stage::Fault(code) => return Err(code),
                Stage::Head | Stage::Whole => {
                    let (taken, whole) = self.head.take(&input[used..])?;
                    used += taken;
                    if !whole {
                        return Ok((used, false));
                    }
                    match begin(self.head.bytes(), self.body_bytes_max)? {
                        Some(framing) => self.stage = Stage::Body(framing),
                        None => self.head.clear(),
                    }
                }
                Stage::Body(mut framing) => {
                    let (taken, whole) = framing.take(&input[used..], &mut self.body, self.body_bytes_max)?;
                    self.stage = if whole { Stage::Whole } else { Stage::Body(framing) };
                    return Ok((used + taken, whole));
                }
            }
        }
    }
}

/// Reads the requests of one client.
#[derive(Debug)]
pub struct RequestReader(Reader);

impl RequestReader {
    /// `body_bytes_max` bounds a body; 0 takes none.
    pub fn new(body_bytes_max: usize) -> RequestReader {
        RequestReader(Reader::new(body_bytes_max))
    }

    /// For a new connection.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Takes input up to the end of one request. `HttpMalformed`: answer 400 and close.
    pub fn next(&mut self, input: &[u8]) -> Result<HttpStep<HttpRequest<'_>>, Code> {
        let begin = |bytes: &[u8], max| {
            let head = head::request(bytes)?;
            Ok(Some(framing(&head.fields, max)?.unwrap_or(Framing::Length(0))))
        };
        let (consumed, whole) = self.0.take(input, begin)?;
        if !whole {
            return Ok(HttpStep { consumed, message: None });
        }
        let head = head::request(self.0.head.bytes())?;
        let message = HttpRequest {
            method: head.method,
            target: head.target,
            minor: head.minor,
            keep_alive: keep_alive(head.minor, &head.fields),
            fields: head.fields,
            body: &self.0.body,
        };
        Ok(HttpStep { consumed, message: Some(message) })
    }
}

/// Reads the responses to requests other than HEAD and CONNECT.
#[derive(Debug)]
pub struct ResponseReader(Reader);

impl ResponseReader {
    /// `body_bytes_max` bounds a body. Memory is taken as a body grows and kept.
    pub fn new(body_bytes_max: usize) -> ResponseReader {
        ResponseReader(Reader::new(body_bytes_max))
    }

    /// For a new connection.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Takes input up to the end of one response. Interim responses (1xx) are skipped; 101 is `HttpMalformed` here, for
    /// nobody asked for it.
    pub fn next(&mut self, input: &[u8]) -> Result<HttpStep<HttpResponse<'_>>, Code> {
        let (consumed, whole) = self.0.take(input, begin_response)?;
        let message = if whole { Some(self.view(true)?) } else { None };
        Ok(HttpStep { consumed, message })
    }

    /// The connection ended: that ends a body without a length. `HttpMalformed` in the midst of anything else;
    /// `None` between two responses.
    pub fn ended(&mut self) -> Result<Option<HttpResponse<'_>>, Code> {
        match self.0.stage {
            Stage::Fault(code) => Err(code),
            Stage::Body(Framing::ToEnd) => {
                self.0.stage = Stage::Whole;
                self.view(false).map(Some)
            }
            Stage::Whole => Ok(None),
            Stage::Head if self.0.head.bytes().is_empty() => Ok(None),
            Stage::Head | Stage::Body(_) => Err(Code::HttpMalformed),
        }
    }

    fn view(&self, may_keep: bool) -> Result<HttpResponse<'_>, Code> {
        let head = head::response(self.0.head.bytes())?;
        Ok(HttpResponse {
            status: head.status,
            retry_after: retry_after(&head.fields),
            keep_alive: may_keep && keep_alive(head.minor, &head.fields),
            fields: head.fields,
            body: &self.0.body,
        })
    }
}

fn begin_response(bytes: &[u8], max: usize) -> Result<Option<Framing>, Code> {
    let head = head::response(bytes)?;
    match head.status {
        100 | 102..=199 => Ok(None),
        204 | 304 => Ok(Some(Framing::Length(0))),
        200.. => Ok(Some(framing(&head.fields, max)?.unwrap_or(Framing::ToEnd))),
        _ => Err(Code::HttpMalformed),
    }
}

/// `Retry-After` as seconds; a date is not read.
pub(crate) fn retry_after(fields: &Fields<'_>) -> Option<u32> {
    let digits = fields.all("retry-after").next()?;
    decimal(digits).map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// HTTP/1.1 keeps a connection unless told to close it, HTTP/1.0 closes it unless told to keep it.
fn keep_alive(minor: u8, fields: &Fields<'_>) -> bool {
    if minor == 0 { fields.has_token("connection", "keep-alive") } else { !fields.has_token("connection", "close") }
}
