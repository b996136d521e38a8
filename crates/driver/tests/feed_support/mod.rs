//! # Room card: driver/tests/feed_support
//! In:    a seed.
//! Out:   a `FeedLink` in virtual time with a venue that reads what it sends.
//! Holds: every frame the link sends must be valid to a server.
//! Costs: tests only.
use fafnir_driver::feed_link::{FeedLink, LinkAction, LinkEvent, LinkFault, LinkState};
use types::config::MarketLink;
use types::rng::SplitMix64;
use types::{Code, Nanos, UnixNanos};
use wire::http::RequestReader;
use wire::ws::{WsDecoder, WsMessage, WsRole, server_response, upgrade_key};

pub const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);
pub const STALE: Nanos = Nanos::from_millis(4_000);

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    Up,
    Message(String),
    Stamp(u64, u32),
    Down,
    Fault(Code, u16),
}

pub fn own(event: LinkEvent<'_>) -> Told {
    match event {
        LinkEvent::Up => Told::Up,
        LinkEvent::Message(payload) => Told::Message(String::from_utf8(payload.to_vec()).unwrap()),
        LinkEvent::Stamp(stamp) => Told::Stamp(stamp.at.0, stamp.speed),
        LinkEvent::Down => Told::Down,
        LinkEvent::Fault(LinkFault { code, detail }) => Told::Fault(code, detail),
    }
}

/// A link, its time, and what it told.
pub struct Scene {
    pub link: FeedLink,
    pub now: UnixNanos,
    pub told: Vec<Told>,
}

impl Scene {
    pub fn new(seed: u64) -> Scene {
        let setup = MarketLink {
            url: "ws://127.0.0.1:9001/stream?streams=x".into(),
            snapshot_url: None,
            stale: STALE,
            follow_clock: true,
            ca_file: None,
        };
        Scene { link: FeedLink::new(&setup, SplitMix64::new(seed)).unwrap(), now: START, told: Vec::new() }
    }
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
    pub fn sent(&mut self) -> Vec<u8> {
        let sent = self.link.out().to_vec();
        self.link.out_taken();
        sent
    }
    pub fn time(&mut self) {
        self.link.on_time(self.now, &mut |event| self.told.push(own(event)));
    }
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.link.on_bytes(self.now, bytes, &mut |event| self.told.push(own(event)));
    }
    pub fn down(&mut self, code: Code) {
        self.link.on_down(self.now, code, &mut |event| self.told.push(own(event)));
    }
    /// Goes to the next deadline.
    pub fn wait(&mut self) {
        self.now = self.now.max(self.link.deadline().unwrap());
        self.time();
    }
    /// Goes on to the request for a connection.
    pub fn until_connect(&mut self) {
        assert!(matches!(self.link.state(), LinkState::Down(_)), "{:?}", self.link.state());
        self.wait();
        assert_eq!(self.link.action(), Some(LinkAction::Connect));
        assert_eq!(self.link.state(), LinkState::Connecting);
    }
    /// Connected; the venue's answer to the upgrade.
    pub fn answer(&mut self) -> Vec<u8> {
        self.link.on_up(self.now);
        let request = self.sent();
        let mut reader = RequestReader::new(0);
        let request = reader.next(&request).unwrap().message.expect("one whole request");
        assert_eq!(request.target, "/stream?streams=x");
        assert_eq!(request.fields.one("host"), Ok(Some(&b"127.0.0.1:9001"[..])));
        let mut answer = Vec::new();
        server_response(&mut answer, upgrade_key(&request).unwrap());
        answer
    }
    pub fn open(&mut self) {
        self.until_connect();
        let answer = self.answer();
        self.bytes(&answer);
        assert_eq!(self.told(), [Told::Up]);
        assert_eq!(self.link.state(), LinkState::Open);
    }
    /// What the link sent, read as a server reads.
    pub fn frames(&mut self) -> Vec<String> {
        let sent = self.sent();
        let (mut decoder, mut rest, mut frames) = (WsDecoder::new(WsRole::Server, 1 << 10), &sent[..], Vec::new());
        while !rest.is_empty() {
            let step = decoder.next(rest).expect("valid, masked frames");
            rest = &rest[step.consumed..];
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            frames.extend(step.message.map(|message| match message {
                WsMessage::Ping(payload) => format!("ping {}", text(payload)),
                WsMessage::Pong(payload) => format!("pong {}", text(payload)),
                WsMessage::Close { code, .. } => format!("close {code:?}"),
                other => format!("{other:?}"),
            }));
        }
        frames
    }
    /// How long the link means to wait before it connects again.
    pub fn pause(&self) -> Nanos {
        match self.link.state() {
            LinkState::Down(until) => until.since(self.now),
            state => panic!("{state:?}"),
        }
    }
}

pub fn message(text: &str) -> Told {
    Told::Message(text.into())
}

pub fn later(scene: &mut Scene, by: Nanos) {
    scene.now = scene.now.plus(by);
}
