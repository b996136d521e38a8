//! # Room card: wire/tests/ws_peer
//! In:    random messages and fragments, both directions; both handshakes.
//! Out:   that tungstenite, an independent implementation, and this one understand each other.
//! Holds: bytes pass through memory, no socket; seeds are printed.
//! Costs: about a second.
use crate::ws_support;

use std::io::{self, Cursor, Read, Write};

use fafnir_wire::http::RequestReader;
use fafnir_wire::ws::{
    self, ClientHandshake, Opcode, WsRole, close_frame, frame, frame_part, server_response, upgrade_key,
};
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};
use types::rng::SplitMix64;
use ws_support::{Owned, cut, hear};

const MAX: usize = 1 << 20;

/// Reads from one buffer, writes to another.
struct Pipe {
    from: Cursor<Vec<u8>>,
    to: Vec<u8>,
}

impl Pipe {
    fn new(from: Vec<u8>) -> Pipe {
        Pipe { from: Cursor::new(from), to: Vec::new() }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.from.read(into) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.to.write(from)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is sent: whole messages, or their parts.
fn script(rng: &mut SplitMix64) -> Vec<Owned> {
    let mut messages = Vec::new();
    for _ in 0..1 + rng.below(12) {
        let length = [3, 125, 126, 127, 300, 65_535, 65_536, 70_000][rng.below(8) as usize];
        let bytes =
            |rng: &mut SplitMix64, length: usize| (0..length).map(|_| rng.next_u64() as u8).collect::<Vec<u8>>();
        messages.push(match rng.below(6) {
            0 => Owned::Ping(bytes(rng, length.min(125))),
            1 => Owned::Pong(bytes(rng, length.min(125))),
            2 => Owned::Binary(bytes(rng, length)),
            _ => Owned::Text(
                (0..length / 4)
                    .map(|_| char::from_u32(0x20 + rng.below(0xd000) as u32).unwrap())
                    .collect::<String>()
                    .into(),
            ),
        });
    }
    if rng.below(2) == 0 {
        messages.push(Owned::Close(Some(1000 + rng.below(4) as u16), b"done".into()));
    }
    messages
}

/// Where to part a payload: nowhere, or at up to three places, control frames apart.
fn parts<'a>(payload: &'a [u8], rng: &mut SplitMix64) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = (0..rng.below(4)).map(|_| rng.below(payload.len() as u64 + 1) as usize).collect();
    places.sort_unstable();
    let mut parts = Vec::new();
    let mut from = 0;
    for at in places {
        parts.push(&payload[from..at]);
        from = at;
    }
    parts.push(&payload[from..]);
    parts
}

#[test]
fn what_tungstenite_writes_is_read() {
    for seed in 0..300 {
        let mut rng = SplitMix64::new(seed);
        let messages = script(&mut rng);
        let (peer, role) = [(Role::Server, WsRole::Client), (Role::Client, WsRole::Server)][rng.below(2) as usize];
        let mut socket = WebSocket::from_raw_socket(Pipe::new(Vec::new()), peer, None);
        for message in &messages {
            let mut data = |kind: Data, payload: &[u8]| {
                let parts = parts(payload, &mut rng);
                for (i, part) in parts.iter().enumerate() {
                    let opcode = OpCode::Data(if i == 0 { kind } else { Data::Continue });
                    let frame = Frame::message(part.to_vec(), opcode, i + 1 == parts.len());
                    socket.write(Message::Frame(frame)).unwrap();
                }
            };
            match message {
                Owned::Text(payload) => data(Data::Text, payload),
                Owned::Binary(payload) => data(Data::Binary, payload),
                Owned::Ping(payload) => socket.write(Message::Ping(payload.clone().into())).unwrap(),
                Owned::Pong(payload) => {
                    socket.write(Message::Pong(payload.clone().into())).unwrap();
                    socket.flush().unwrap();
                }
                Owned::Close(code, _) => {
                    let frame = CloseFrame { code: code.unwrap().into(), reason: "done".into() };
                    socket.close(Some(frame)).unwrap();
                }
            }
        }
        let _ = socket.flush();
        let written = std::mem::take(&mut socket.get_mut().to);
        assert_eq!(hear(role, MAX, [&written[..]]), (messages.clone(), None), "seed {seed}, whole");
        assert_eq!(hear(role, MAX, cut(&written, 3_000, &mut rng)), (messages, None), "seed {seed}, in pieces");
    }
}

#[test]
fn what_is_written_tungstenite_reads() {
    for seed in 0..300 {
        let mut rng = SplitMix64::new(seed);
        let messages = script(&mut rng);
        let client = rng.below(2) == 0;
        let mut out = Vec::new();
        for message in &messages {
            let mask = client.then(|| (rng.next_u64() as u32).to_le_bytes());
            match message {
                Owned::Ping(payload) => frame(&mut out, Opcode::Ping, payload, mask),
                Owned::Pong(payload) => frame(&mut out, Opcode::Pong, payload, mask),
                Owned::Close(code, _) => close_frame(&mut out, *code, "done", mask),
                Owned::Text(payload) | Owned::Binary(payload) => {
                    let kind = if matches!(message, Owned::Text(_)) { Opcode::Text } else { Opcode::Binary };
                    let parts = parts(payload, &mut rng);
                    for (i, part) in parts.iter().enumerate() {
                        let opcode = if i == 0 { kind } else { Opcode::Continuation };
                        frame_part(&mut out, opcode, i + 1 == parts.len(), part, mask);
                    }
                }
            }
        }
        let peer = if client { Role::Server } else { Role::Client };
        let mut socket = WebSocket::from_raw_socket(Pipe::new(out), peer, None);
        let mut heard = Vec::new();
        loop {
            match socket.read() {
                Ok(Message::Text(payload)) => heard.push(Owned::Text(payload.as_bytes().to_vec())),
                Ok(Message::Binary(payload)) => heard.push(Owned::Binary(payload.to_vec())),
                Ok(Message::Ping(payload)) => heard.push(Owned::Ping(payload.to_vec())),
                Ok(Message::Pong(payload)) => heard.push(Owned::Pong(payload.to_vec())),
                Ok(Message::Close(Some(close))) => {
                    heard.push(Owned::Close(Some(close.code.into()), close.reason.as_bytes().to_vec()));
                    break;
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        assert_eq!(heard, messages, "seed {seed}");
    }
}

#[test]
fn a_tungstenite_server_is_opened() {
    let nonce = [9; 16];
    let mut request = Vec::new();
    ws::client_request(&mut request, "localhost:9443", "/stream?streams=btcusdt@depth", nonce);
    let mut socket = tungstenite::accept(Pipe::new(request)).unwrap();
    socket.send(Message::text("first")).unwrap();
    let answer = std::mem::take(&mut socket.get_mut().to);
    for at in 0..=answer.len() {
        let mut handshake = ClientHandshake::new(nonce);
        let mut frames = Vec::new();
        let mut open = false;
        for piece in [&answer[..at], &answer[at..]] {
            if open {
                frames.extend_from_slice(piece);
            } else if let Some(consumed) = handshake.next(piece).unwrap() {
                open = true;
                frames.extend_from_slice(&piece[consumed..]);
            }
        }
        assert!(open, "cut at {at}");
        assert_eq!(hear(WsRole::Client, MAX, [&frames[..]]).0, [Owned::Text(b"first".into())], "cut at {at}");
    }
}

/// Answers a client's request as soon as it is whole.
#[derive(Default)]
struct Answering {
    request: Vec<u8>,
    answer: Cursor<Vec<u8>>,
}

impl Read for Answering {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.answer.read(into)
    }
}

impl Write for Answering {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.request.extend_from_slice(from);
        let mut reader = RequestReader::new(0);
        if let Some(request) = reader.next(&self.request).unwrap().message {
            assert_eq!(request.target, "/ws/btcusdt@trade?x=1");
            let mut answer = Vec::new();
            server_response(&mut answer, upgrade_key(&request).unwrap());
            frame(&mut answer, Opcode::Text, b"merged with the answer", None);
            self.answer = Cursor::new(answer);
        }
        Ok(from.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_tungstenite_client_is_let_in() {
    let opened = tungstenite::client("ws://localhost:9443/ws/btcusdt@trade?x=1", Answering::default());
    let (mut socket, response) = opened.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(socket.read().unwrap(), Message::text("merged with the answer"));
}
