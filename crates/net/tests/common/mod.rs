//! # Room card: net/tests/common
//! In:    a `Net`.
//! Out:   what it told, by token; waits that end in a panic instead of never; certificates made on the spot.
//! Holds: the order of events of one token is checked as they come: Up, then bytes, then one Down.
//! Costs: test code.
#![allow(dead_code)] // Each test binary uses its part.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fafnir_net::{Backend, DownReason, Net, NetEvent, NetLimits, Token};

pub fn backends() -> Vec<Backend> {
    let all = [Backend::Portable, Backend::Epoll];
    all.into_iter().filter(|&backend| backend == Backend::Portable || cfg!(target_os = "linux")).collect()
}

pub fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// What one connection went through.
#[derive(Default, Debug)]
pub struct Story {
    pub listener: Option<Token>,
    pub up: bool,
    pub bytes: Vec<u8>,
    pub blocked: u32,
    pub writable: u32,
    pub down: Option<DownReason>,
}

/// A loop, and what it told.
pub struct Side {
    pub net: Net,
    pub stories: BTreeMap<Token, Story>,
    /// In the order of their Accepted.
    pub accepted: Vec<Token>,
    /// Send back what comes.
    pub echo: bool,
}

impl Side {
    pub fn new(backend: Backend) -> Side {
        Side::with(backend, NetLimits::default())
    }
    pub fn with(backend: Backend, limits: NetLimits) -> Side {
        let net = Net::new(backend, limits).unwrap();
        Side { net, stories: BTreeMap::new(), accepted: Vec::new(), echo: false }
    }
    pub fn story(&self, token: Token) -> &Story {
        static NONE: Story =
            Story { listener: None, up: false, bytes: Vec::new(), blocked: 0, writable: 0, down: None };
        self.stories.get(&token).unwrap_or(&NONE)
    }
    pub fn down(&self, token: Token) -> Option<DownReason> {
        self.story(token).down
    }
    pub fn poll(&mut self, timeout: Duration) -> usize {
        let (stories, accepted) = (&mut self.stories, &mut self.accepted);
        let mut answers: Vec<(Token, Vec<u8>)> = Vec::new();
        let mut told = 0;
        let returned = self.net.poll(timeout, &mut |event| {
            told += 1;
            let (NetEvent::Accepted { token, .. }
            | NetEvent::Up(token)
            | NetEvent::Bytes(token, _)
            | NetEvent::Blocked(token)
            | NetEvent::Writable(token)
            | NetEvent::Down(token, _)) = event;
            let story = stories.entry(token).or_default();
            assert!(story.down.is_none(), "{event:?} after Down");
            match event {
                NetEvent::Accepted { listener, peer, .. } => {
                    assert!(peer.ip().is_loopback());
                    assert!(story.listener.replace(listener).is_none());
                    accepted.push(token);
                }
                NetEvent::Up(_) => assert!(!std::mem::replace(&mut story.up, true)),
                NetEvent::Bytes(_, bytes) => {
                    assert!(story.up && !bytes.is_empty());
                    story.bytes.extend(bytes);
                    answers.push((token, bytes.to_vec()));
                }
                NetEvent::Blocked(_) => {
                    assert_eq!(story.blocked, story.writable);
                    story.blocked += 1;
                }
                NetEvent::Writable(_) => story.writable += 1,
                NetEvent::Down(_, reason) => story.down = Some(reason),
            }
        });
        assert_eq!(returned, told);
        if self.echo {
            for (token, bytes) in answers {
                self.net.send(token, &bytes).unwrap();
            }
        }
        told
    }
}

/// Polls both until it is so; panics after ten seconds.
pub fn until(a: &mut Side, b: &mut Side, what: &str, so: impl Fn(&Side, &Side) -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !so(a, b) {
        assert!(Instant::now() < end, "not in ten seconds: {what}: {:?} {:?}", a.stories, b.stories);
        a.poll(Duration::from_millis(1));
        b.poll(Duration::ZERO);
    }
}

/// Polls until it is so; panics after ten seconds.
pub fn alone(side: &mut Side, what: &str, so: impl Fn(&Side) -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !so(side) {
        assert!(Instant::now() < end, "not in ten seconds: {what}: {:?}", side.stories);
        side.poll(Duration::from_millis(5));
    }
}

/// A certificate authority and a server's certificate in files of a folder of their own.
pub struct Certificates {
    folder: PathBuf,
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn new(names: &[&str]) -> Certificates {
        use std::sync::atomic::{AtomicU32, Ordering};
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("fafnir-net-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, format!("authority {number}"));
        let signed = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let server = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        Certificates {
            authority: write("authority.pem", signed.pem()),
            certificate: write("certificate.pem", server.pem()),
            key: write("key.pem", key.serialize_pem()),
            folder,
        }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
