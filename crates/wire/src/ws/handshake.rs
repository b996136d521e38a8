//! # Room card: wire/ws/handshake
//! In:    a nonce and an address (client), or a request (server); then the answer's bytes, cut anywhere.
//! Out:   the request or the answer; whether the connection now speaks WebSocket, and where its frames begin.
//! Holds: only 101 with the right Sec-WebSocket-Accept opens (RFC 6455, 4); an extension nobody asked for does not.
//! Costs: cold path.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use types::Code;

use crate::http::{Fields, HttpRequest, response_with};

/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Base64 of 16 bytes.
const KEY_BYTES: usize = 24;

/// Appends the client's request. `host` is the Host field (`Url::authority`), `target` path and query; `nonce` is fresh
/// randomness, the same that `ClientHandshake::new` gets.
pub fn client_request(out: &mut Vec<u8>, host: &str, target: &str, nonce: [u8; 16]) {
    let key = STANDARD.encode(nonce);
    let lines = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    for part in ["GET ", target, " HTTP/1.1\r\nHost: ", host, lines, &key, "\r\n\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The server did not open the WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WsRefusal {
    /// `WsRefused`, or `HttpMalformed` if the answer is no HTTP.
    pub code: Code,
    /// The answer's status; 101 if its fields are wrong, 0 if there is none.
    pub status: u16,
    /// `Retry-After` in seconds, if the server gave it as a number.
    pub retry_after: Option<u32>,
}

/// Waits for the server's answer.
#[derive(Debug)]
pub struct ClientHandshake {
    accept: String,
    head: crate::http::HeadBytes,
}

impl ClientHandshake {
    /// For the request made with this nonce.
    pub fn new(nonce: [u8; 16]) -> ClientHandshake {
        ClientHandshake { accept: accept(STANDARD.encode(nonce).as_bytes()), head: Default::default() }
    }

    /// Takes bytes of the answer. `Some(consumed)`: open, and what is left of the input are frames. `None`: all was
    /// taken and more is needed. The body of a refusal is not read.
    pub fn next(&mut self, input: &[u8]) -> Result<Option<usize>, WsRefusal> {
        let refused = |code, status, retry_after| WsRefusal { code, status, retry_after };
        let (consumed, whole) = self.head.take(input).map_err(|code| refused(code, 0, None))?;
        if !whole {
            return Ok(None);
        }
        let head = crate::http::response_head(self.head.bytes()).map_err(|code| refused(code, 0, None))?;
        let fields = &head.fields;
        let opened = head.status == 101
            && head.minor == 1
            && is(fields, "upgrade", b"websocket")
            && fields.has_token("connection", "upgrade")
            && fields.one("sec-websocket-accept") == Ok(Some(self.accept.as_bytes()))
            && fields.all("sec-websocket-extensions").all(<[u8]>::is_empty)
            && fields.all("sec-websocket-protocol").all(<[u8]>::is_empty);
        if opened {
            Ok(Some(consumed))
        } else {
            Err(refused(Code::WsRefused, head.status, crate::http::retry_after(fields)))
        }
    }
}

/// Why a request opens no WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeFault {
    /// It does not ask for one: an ordinary request. 426.
    NotAsked,
    /// It asks for another version than 13. 426.
    Version,
    /// No GET, not HTTP/1.1, no host, or no key of 16 bytes. 400.
    Invalid,
}

/// The key of a request that may be upgraded: what `server_response` needs.
pub fn upgrade_key<'a>(request: &HttpRequest<'a>) -> Result<&'a [u8], UpgradeFault> {
    let fields = &request.fields;
    if !fields.has_token("upgrade", "websocket") || !fields.has_token("connection", "upgrade") {
        return Err(UpgradeFault::NotAsked);
    }
    if request.method != "GET" || request.minor != 1 || !matches!(fields.one("host"), Ok(Some(_))) {
        return Err(UpgradeFault::Invalid);
    }
    match fields.one("sec-websocket-version") {
        Ok(Some(b"13")) => {}
        Ok(_) => return Err(UpgradeFault::Version),
        Err(_) => return Err(UpgradeFault::Invalid),
    }
    match fields.one("sec-websocket-key") {
        Ok(Some(key)) if key.len() == KEY_BYTES && STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) => Ok(key),
        _ => Err(UpgradeFault::Invalid),
    }
}

/// Appends the answer that opens the WebSocket asked for with `key`.
pub fn server_response(out: &mut Vec<u8>, key: &[u8]) {
    let lines =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    for part in [lines, &accept(key), "\r\n\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends the answer that refuses; the connection is to be closed after it.
pub fn refuse_upgrade(out: &mut Vec<u8>, fault: UpgradeFault) {
    match fault {
        UpgradeFault::Invalid => response_with(out, 400, &[("Connection", "close")], &[]),
        UpgradeFault::NotAsked | UpgradeFault::Version => {
            let fields = [("Upgrade", "websocket"), ("Connection", "Upgrade, close"), ("Sec-WebSocket-Version", "13")];
            response_with(out, 426, &fields, &[]);
        }
    }
}

/// Sec-WebSocket-Accept for a key (RFC 6455, 4.2.2).
fn accept(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

fn is(fields: &Fields<'_>, name: &str, value: &[u8]) -> bool {
    matches!(fields.one(name), Ok(Some(found)) if found.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_the_rfc() {
        // RFC 6455, 1.3.
        assert_eq!(super::accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
