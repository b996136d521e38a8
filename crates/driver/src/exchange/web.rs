//! # Room card: driver/exchange/web
//! In:    bytes of one connection of the market port.
//! Out:   `WebConn`: the HTTP and WebSocket side of it, its answers in `out`, what it wants of the exchange.
//! Holds: one snapshot request at a time; input that waits for its answer is bounded; a breach ends in a close.
//! Costs: a pong is read and forgotten: a client may answer every ping.
use serde_json::Value;
use types::Code;
use wire::http::{self, HEAD_BYTES_MAX, HttpRequest, RequestReader};
use wire::ws::{self, Opcode, WsDecoder, WsMessage, WsRole};

/// Bytes of one message of a client: a list of subscriptions.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
const JSON: &str = "application/json;charset=UTF-8";
/// Paths of the depth snapshot, futures and spot.
const SNAPSHOT_PATHS: [&str; 2] = ["/fapi/v1/depth", "/api/v3/depth"];

/// What a connection wants of the exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// It is a market-data client from now on.
    Market,
    /// A snapshot of a symbol.
    Snapshot(Vec<u8>),
}

enum Stage {
    Http(RequestReader),
    WebSocket(WsDecoder),
}

/// A connection of the market port.
pub(crate) struct WebConn {
    stage: Stage,
    /// A snapshot request is not answered; keep the connection after it?
    asking: Option<bool>,
    /// Input behind that request.
    behind: Vec<u8>,
    /// To be sent.
    pub out: Vec<u8>,
    /// Send what is in `out`, then close.
    pub closing: bool,
}

/// What came of a request.
enum Routed {
    Answered { keep_alive: bool },
    Upgraded,
    Asked { symbol: Vec<u8>, keep_alive: bool },
}

impl WebConn {
    pub(crate) fn new() -> WebConn {
        WebConn {
            stage: Stage::Http(RequestReader::new(0)),
            asking: None,
            behind: Vec::new(),
            out: Vec::new(),
            closing: false,
        }
    }

    /// Is it a market-data client?
    pub(crate) fn is_market(&self) -> bool {
        matches!(self.stage, Stage::WebSocket(_))
    }

    /// Takes input.
    pub(crate) fn on_bytes(&mut self, bytes: &[u8], wish: &mut dyn FnMut(&mut WebConn, Wish)) {
        let mut rest = bytes;
        // Each round takes a message or ends.
        while !self.closing && !rest.is_empty() {
            if self.asking.is_some() {
                self.closing |= self.behind.len() + rest.len() > HEAD_BYTES_MAX;
                self.behind.extend_from_slice(rest);
                return;
            }
            let taken = match &mut self.stage {
                Stage::Http(_) => self.on_http(rest, wish),
                Stage::WebSocket(_) => self.on_frames(rest),
            };
            if taken == 0 {
                return;
            }
            rest = &rest[taken..];
        }
    }

    /// The answer to its snapshot request.
    pub(crate) fn on_answer(&mut self, status: u16, body: &[u8], wish: &mut dyn FnMut(&mut WebConn, Wish)) {
        let Some(keep_alive) = self.asking.take() else { return };
        http::response(&mut self.out, status, JSON, body, keep_alive);
        self.closing |= !keep_alive;
        let behind = core::mem::take(&mut self.behind);
        self.on_bytes(&behind, wish);
    }

    /// Says goodbye.
    pub(crate) fn say_goodbye(&mut self) {
        if self.is_market() {
            ws::close_frame(&mut self.out, Some(ws::close::GOING_AWAY), "the exchange closes", None);
        }
        self.closing = true;
    }

    fn on_http(&mut self, input: &[u8], wish: &mut dyn FnMut(&mut WebConn, Wish)) -> usize {
        let Stage::Http(reader) = &mut self.stage else { return 0 };
        let (consumed, routed) = match reader.next(input) {
            Ok(step) => (step.consumed, step.message.map(|request| route(&request, &mut self.out))),
            Err(_) => {
                http::response(&mut self.out, 400, JSON, br#"{"code":-1100,"msg":"Bad request."}"#, false);
                self.closing = true;
                return 0;
            }
        };
        match routed {
            None => {}
            Some(Routed::Answered { keep_alive }) => self.closing |= !keep_alive,
            Some(Routed::Upgraded) => {
                self.stage = Stage::WebSocket(WsDecoder::new(WsRole::Server, MESSAGE_BYTES_MAX));
                wish(self, Wish::Market);
            }
            Some(Routed::Asked { symbol, keep_alive }) => {
                self.asking = Some(keep_alive);
                wish(self, Wish::Snapshot(symbol));
            }
        }
        consumed
    }

    fn on_frames(&mut self, input: &[u8]) -> usize {
        let Stage::WebSocket(decoder) = &mut self.stage else { return 0 };
        match decoder.next(input) {
            Ok(step) => {
                match step.message {
                    Some(WsMessage::Text(text)) => answer_text(&mut self.out, text),
                    Some(WsMessage::Ping(payload)) => ws::frame(&mut self.out, Opcode::Pong, payload, None),
                    Some(WsMessage::Close { code, .. }) => {
                        ws::close_frame(&mut self.out, code, "", None);
                        self.closing = true;
                    }
                    Some(WsMessage::Pong(_) | WsMessage::Binary(_)) | None => {}
                }
                step.consumed
            }
            Err(fault) => {
                let reason = if fault.code == Code::WsTooLarge { "too large" } else { "protocol" };
                ws::close_frame(&mut self.out, Some(fault.close_code), reason, None);
                self.closing = true;
                0
            }
        }
    }
}

/// Answers a request, or says what it wants.
fn route(request: &HttpRequest<'_>, out: &mut Vec<u8>) -> Routed {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let keep_alive = request.keep_alive;
    let streams = path == "/stream" || path == "/ws" || path.starts_with("/ws/");
    if streams {
        return match ws::upgrade_key(request) {
            Ok(key) => {
                ws::server_response(out, key);
                Routed::Upgraded
            }
            Err(fault) => {
                ws::refuse_upgrade(out, fault);
                Routed::Answered { keep_alive: false }
            }
        };
    }
    let mut refuse = |status: u16, text: &[u8]| {
        http::response(out, status, JSON, text, keep_alive);
        Routed::Answered { keep_alive }
    };
    if !SNAPSHOT_PATHS.contains(&path) {
        return refuse(404, br#"{"code":-1000,"msg":"No such path."}"#);
    }
    if request.method != "GET" {
        return refuse(405, br#"{"code":-1000,"msg":"Only GET."}"#);
    }
    let symbol = query.split('&').find_map(|pair| pair.strip_prefix("symbol="));
    match symbol.filter(|symbol| !symbol.is_empty()) {
        Some(symbol) => Routed::Asked { symbol: symbol.as_bytes().to_vec(), keep_alive },
        None => refuse(400, br#"{"code":-1102,"msg":"Mandatory parameter 'symbol' was not sent."}"#),
    }
}

/// Answers a request on the stream as Binance does. Every client gets every stream, so there is nothing to change.
fn answer_text(out: &mut Vec<u8>, text: &[u8]) {
    let parsed: Option<Value> = serde_json::from_slice(text).ok();
    let id = parsed.as_ref().map_or(Value::Null, |request| request["id"].clone());
    let method = parsed.as_ref().and_then(|request| request["method"].as_str()).unwrap_or("");
    let answer = match method {
        "SUBSCRIBE" | "UNSUBSCRIBE" => serde_json::json!({ "result": null, "id": id }),
        "LIST_SUBSCRIPTIONS" => serde_json::json!({ "result": [], "id": id }),
        _ => serde_json::json!({ "error": { "code": 2, "msg": "Invalid request" }, "id": id }),
    };
    ws::frame(out, Opcode::Text, answer.to_string().as_bytes(), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a connection in pieces of `size` bytes; returns what it wished and sent.
    fn feed(bytes: &[u8], size: usize) -> (Vec<Wish>, String, bool) {
        let (mut conn, mut wishes) = (WebConn::new(), Vec::new());
        for piece in bytes.chunks(size) {
            conn.on_bytes(piece, &mut |_, wish| wishes.push(wish));
        }
        (wishes, String::from_utf8_lossy(&conn.out).into_owned(), conn.closing)
    }

    #[test]
    fn requests_are_routed_however_they_are_cut() {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
        for size in [1, 3, 1_000] {
            let (wishes, out, _) = feed(&get("/fapi/v1/depth?limit=1000&symbol=ABC"), size);
            assert_eq!((wishes, out.as_str()), (vec![Wish::Snapshot(b"ABC".to_vec())], ""));
            for (target, status) in [("/", "404"), ("/api/v3/depth", "400"), ("/ws/x", "4")] {
                let (wishes, out, _) = feed(&get(target), size);
                assert!(wishes.is_empty() && out.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {out}");
            }
            let (_, out, closing) = feed(b"NONSENSE\r\n\r\n", size);
            assert!(out.starts_with("HTTP/1.1 400") && closing);
        }
    }

    #[test]
    fn a_request_behind_an_unanswered_one_waits() {
        let two = b"GET /api/v3/depth?symbol=A HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut conn = WebConn::new();
        conn.on_bytes(two, &mut |_, _| {});
        assert!(conn.asking.is_some() && conn.out.is_empty());
        conn.on_answer(200, b"{}", &mut |_, _| {});
        let out = String::from_utf8(conn.out.clone()).unwrap();
        assert!(out.starts_with("HTTP/1.1 200") && out.contains("HTTP/1.1 404") && !conn.closing);
        let mut flood = WebConn::new();
        flood.on_bytes(two, &mut |_, _| {});
        flood.on_bytes(&[b'x'; HEAD_BYTES_MAX], &mut |_, _| {});
        assert!(flood.closing);
    }

    #[test]
    fn streams_answer_subscriptions_pings_and_closes() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let mut bytes = format!(
            "GET /stream?streams=a/b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .into_bytes();
        let mask = Some([1, 2, 3, 4]);
        ws::frame(&mut bytes, Opcode::Text, br#"{"method":"SUBSCRIBE","params":["a@trade"],"id":7}"#, mask);
        ws::frame(&mut bytes, Opcode::Pong, b"ignored", mask);
        ws::frame(&mut bytes, Opcode::Ping, b"here", mask);
        ws::frame(&mut bytes, Opcode::Text, b"not json", mask);
        ws::close_frame(&mut bytes, Some(1000), "", mask);
        for size in [1, 2, 5_000] {
            let (wishes, out, closing) = feed(&bytes, size);
            assert_eq!((wishes, closing), (vec![Wish::Market], true));
            // The accept key of RFC 6455, 1.3.
            assert!(out.starts_with("HTTP/1.1 101") && out.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{out}");
            assert!(out.contains(r#"{"result":null,"id":7}"#) && out.contains(r#""code":2"#) && out.contains("here"));
        }
    }
}
