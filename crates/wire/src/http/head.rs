//! # Room card: wire/http/head
//! In:    bytes, cut anywhere, that begin with the head of a message.
//! Out:   the head whole; its fields by name.
//! Holds: at most `HEAD_BYTES_MAX` bytes and `FIELDS_MAX` fields; names compare without case.
//! Costs: cold path; each byte is looked at once, then `httparse` reads the whole head once.
use types::Code;

/// Bytes of a head: start line, fields and the empty line.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Fields of a head.
pub const FIELDS_MAX: usize = 64;

/// Gathers the bytes of a head.
#[derive(Debug, Default)]
pub(crate) struct HeadBytes {
    bytes: Vec<u8>,
}

impl HeadBytes {
    /// The head, once `take` has found its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes bytes up to the empty line that ends the head. Returns how many were taken and if the head is whole. Empty
    /// lines before the start line are skipped (RFC 9112, 2.2). `HttpMalformed` if the head is too long.
    pub(crate) fn take(&mut self, input: &[u8]) -> Result<(usize, bool), Code> {
        for (i, &byte) in input.iter().enumerate() {
            if self.bytes.is_empty() && (byte == b'\r' || byte == b'\n') {
                continue;
            }
            if self.bytes.len() == HEAD_BYTES_MAX {
                return Err(Code::HttpMalformed);
            }
            self.bytes.push(byte);
            if byte == b'\n' && (self.bytes.ends_with(b"\n\r\n") || self.bytes.ends_with(b"\n\n")) {
                return Ok((i + 1, true));
            }
        }
        Ok((input.len(), false))
    }
}

/// The fields of a head.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    list: [httparse::Header<'a>; FIELDS_MAX],
    count: usize,
}

impl<'a> Fields<'a> {
    fn of(found: &[httparse::Header<'a>]) -> Fields<'a> {
        let mut list = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let count = found.len().min(FIELDS_MAX);
        list[..count].copy_from_slice(&found[..count]);
        Fields { list, count }
    }

    /// Every value of the field `name`, in order, without the blanks around it.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let fields = self.list[..self.count].iter();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.trim_ascii())
    }

    /// The value of the field `name`, if it is there once. `HttpMalformed` if it is there twice.
    pub fn one(&self, name: &str) -> Result<Option<&'a [u8]>, Code> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Code::HttpMalformed),
        }
    }

    /// True if `token` is an element of the comma-separated lists of the field `name`, without regard to case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        let is_token = |part: &[u8]| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
        self.all(name).any(|value| value.split(|&byte| byte == b',').any(is_token))
    }
}

/// A request's start line and fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) minor: u8,
    pub(crate) fields: Fields<'a>,
}

/// A response's start line and fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseHead<'a> {
    pub(crate) status: u16,
    pub(crate) minor: u8,
    pub(crate) fields: Fields<'a>,
}

/// Reads a whole request head.
pub(crate) fn request(bytes: &[u8]) -> Result<RequestHead<'_>, Code> {
    let mut list = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Request::new(&mut list);
    let parsed = head.parse(bytes).map_err(|_| Code::HttpMalformed)?;
    match (parsed, head.method, head.path, head.version) {
        (httparse::Status::Complete(length), Some(method), Some(target), Some(minor)) if length == bytes.len() => {
            Ok(RequestHead { method, target, minor, fields: Fields::of(head.headers) })
        }
        _ => Err(Code::HttpMalformed),
    }
}

/// Reads a whole response head.
pub(crate) fn response(bytes: &[u8]) -> Result<ResponseHead<'_>, Code> {
    let mut list = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Response::new(&mut list);
    let parsed = head.parse(bytes).map_err(|_| Code::HttpMalformed)?;
    match (parsed, head.code, head.version) {
        (httparse::Status::Complete(length), Some(status), Some(minor)) if length == bytes.len() => {
            Ok(ResponseHead { status, minor, fields: Fields::of(head.headers) })
        }
        _ => Err(Code::HttpMalformed),
    }
}
