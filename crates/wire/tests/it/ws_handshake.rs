//! # Room card: wire/tests/ws_handshake
//! In:    answers and requests written by hand.
//! Out:   which of them open a WebSocket, and what is said of the others.
//! Holds: RFC 6455, 4.1 and 4.2.
//! Costs: tests only.
use fafnir_wire::http::RequestReader;
use fafnir_wire::ws::{ClientHandshake, UpgradeFault, WsRefusal, refuse_upgrade, server_response, upgrade_key};
use types::Code;

/// The nonce of the RFC's example: "the sample nonce".
const NONCE: [u8; 16] = *b"the sample nonce";
const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn answer(text: &str) -> Result<Option<usize>, WsRefusal> {
    let whole = ClientHandshake::new(NONCE).next(text.as_bytes());
    let mut handshake = ClientHandshake::new(NONCE);
    let mut bytewise = Ok(None);
    for (i, byte) in text.as_bytes().chunks(1).enumerate() {
        bytewise = handshake.next(byte).map(|done| done.map(|consumed| consumed + i));
        if !matches!(bytewise, Ok(None)) {
            break;
        }
    }
    assert_eq!(bytewise, whole, "byte by byte: {text}");
    whole
}

#[test]
fn an_answer_that_opens() {
    assert_eq!(answer(GOOD), Ok(Some(GOOD.len())));
    // Names and most values have no case; Connection is a list; what follows are frames.
    let odd = "HTTP/1.1 101 \r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\nServer: x\r\n\
        sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  \r\n\r\n";
    assert_eq!(answer(odd), Ok(Some(odd.len())));
    assert_eq!(answer(&format!("{odd}\u{1}\u{2}")), Ok(Some(odd.len())));
    assert_eq!(answer(&GOOD[..GOOD.len() - 1]), Ok(None));
}

#[test]
fn answers_that_refuse() {
    let refused = |status, retry_after| Err(WsRefusal { code: Code::WsRefused, status, retry_after });
    assert_eq!(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), refused(200, None));
    assert_eq!(answer("HTTP/1.1 404 Not Found\r\n\r\n"), refused(404, None));
    assert_eq!(answer("HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\n\r\n"), refused(429, Some(17)));
    assert_eq!(answer("HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n"), refused(503, None));
    for (from, to) in [
        ("HTTP/1.1", "HTTP/1.0"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket", "X: y"),
        ("Connection: Upgrade", "Connection: close"),
        ("Connection: Upgrade", "X: Upgrade"),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="),
        // Base64 has case.
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "S3PPLMBITXAQ9KYGZZHZRBK+XOO="),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: "),
        ("Connection: Upgrade", "Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate"),
        ("Connection: Upgrade", "Connection: Upgrade\r\nSec-WebSocket-Protocol: chat"),
    ] {
        assert_eq!(answer(&GOOD.replace(from, to)), refused(101, None), "{from} -> {to}");
    }
}

#[test]
fn what_is_no_answer() {
    let malformed = Err(WsRefusal { code: Code::HttpMalformed, status: 0, retry_after: None });
    assert_eq!(answer("SSH-2.0-OpenSSH\r\n\r\n"), malformed);
    assert_eq!(answer("HTTP/2 101\r\n\r\n"), malformed);
    assert_eq!(answer(&format!("HTTP/1.1 101 x\r\nA: {}", "a".repeat(20_000))), malformed);
    assert_eq!(answer(&format!("HTTP/1.1 101 x\r\n{}\r\n", "A: b\r\n".repeat(65))), malformed);
}

const ASK: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn key(text: &str) -> Result<Vec<u8>, UpgradeFault> {
    let mut reader = RequestReader::new(0);
    let request = reader.next(text.as_bytes()).unwrap().message.expect("a whole request");
    upgrade_key(&request).map(<[u8]>::to_vec)
}

#[test]
fn requests_that_are_let_in_and_others() {
    let mut out = Vec::new();
    server_response(&mut out, &key(ASK).unwrap());
    assert_eq!(out, GOOD.as_bytes());
    assert!(key(&ASK.replace("Connection: Upgrade", "connection: keep-alive, Upgrade")).is_ok());
    for (from, to, fault) in [
        ("Upgrade: websocket", "Upgrade: h2c", UpgradeFault::NotAsked),
        ("Connection: Upgrade", "Connection: close", UpgradeFault::NotAsked),
        ("GET", "POST", UpgradeFault::Invalid),
        ("HTTP/1.1", "HTTP/1.0", UpgradeFault::Invalid),
        ("Host: localhost\r\n", "", UpgradeFault::Invalid),
        ("Version: 13", "Version: 8", UpgradeFault::Version),
        ("Sec-WebSocket-Version: 13\r\n", "", UpgradeFault::Version),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", UpgradeFault::Invalid),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ!=", UpgradeFault::Invalid),
    ] {
        assert_eq!(key(&ASK.replace(from, to)), Err(fault), "{from} -> {to}");
    }
}

#[test]
fn refusals_name_the_version() {
    let refusal = |fault| {
        let mut out = Vec::new();
        refuse_upgrade(&mut out, fault);
        String::from_utf8(out).unwrap()
    };
    let version = refusal(UpgradeFault::Version);
    assert!(version.starts_with("HTTP/1.1 426 ") && version.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{version}");
    assert!(refusal(UpgradeFault::Invalid).starts_with("HTTP/1.1 400 "));
}
