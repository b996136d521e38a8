//! # Room card: wire/http/write
//! In:    what to ask or to answer.
//! Out:   one request or response appended to the caller's bytes.
//! Holds: always with a length, so that the reader knows the end.
//! Costs: cold path.

/// Appends a GET. `host` is the Host field (`Url::authority`), `target` path and query. The connection is kept if
/// `keep_alive`.
pub fn get_request(out: &mut Vec<u8>, host: &str, target: &str, keep_alive: bool) {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    for part in ["GET ", target, " HTTP/1.1\r\nHost: ", host, "\r\nAccept: */*\r\nConnection: ", connection, "\r\n\r\n"]
    {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a response with a body.
pub fn response(out: &mut Vec<u8>, status: u16, content_type: &str, body: &[u8], keep_alive: bool) {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    response_with(out, status, &[("Content-Type", content_type), ("Connection", connection)], body);
}

/// Appends a response with these fields, `Content-Length` and a body.
pub fn response_with(out: &mut Vec<u8>, status: u16, fields: &[(&str, &str)], body: &[u8]) {
    out.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status)).as_bytes());
    for (name, value) in fields {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend_from_slice(body);
}

/// The words for a status, for people only.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        400 => "Bad HttpRequest",
        404 => "Not Found",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
