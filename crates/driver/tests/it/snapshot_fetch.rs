//! # Room card: driver/tests/snapshot_fetch
//! In:    an HTTP server played by hand, in virtual time.
//! Out:   what a `SnapshotFetch` tells, sends and asks for.
//! Holds: nothing waits in real time.
//! Costs: tests only.
use fafnir_driver::feed_link::{
    BACKOFF_MAX, FETCH_WAIT, LinkAction, LinkEvent, LinkFault, SNAPSHOT_SPACING, SnapshotFetch,
};
use types::limits::INPUT_BYTES_MAX;
use types::rng::SplitMix64;
use types::{Code, Nanos, UnixNanos};
use wire::http::{RequestReader, response, response_with};

const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Told {
    Body(Vec<u8>),
    Fault(Code, u16),
}

fn own(event: LinkEvent<'_>) -> Told {
    match event {
        LinkEvent::Message(body) => Told::Body(body.to_vec()),
        LinkEvent::Fault(LinkFault { code, detail }) => Told::Fault(code, detail),
        other => panic!("a snapshot tells no {other:?}"),
    }
}

struct Scene {
    fetch: SnapshotFetch,
    now: UnixNanos,
    told: Vec<Told>,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let url = "http://[::1]:9002/depth?symbol={symbol}&limit=1000";
        let fetch = SnapshotFetch::new(url, "BTCUSDT", SNAPSHOT_SPACING, SplitMix64::new(seed)).unwrap();
        Scene { fetch, now: START, told: Vec::new() }
    }
    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.fetch.on_bytes(self.now, bytes, &mut |event| self.told.push(own(event)));
    }
    fn down(&mut self, code: Code) {
        self.fetch.on_down(self.now, code, &mut |event| self.told.push(own(event)));
    }
    fn wait(&mut self) {
        self.now = self.now.max(self.fetch.deadline().unwrap());
        self.fetch.on_time(self.now, &mut |event| self.told.push(own(event)));
    }
    /// Goes on until the GET is sent.
    fn ask(&mut self) {
        self.wait();
        assert_eq!(self.fetch.action(), Some(LinkAction::Connect));
        self.fetch.on_up();
        let mut reader = RequestReader::new(0);
        let request = reader.next(self.fetch.out()).unwrap().message.expect("one whole request");
        assert_eq!((request.method, request.target), ("GET", "/depth?symbol=BTCUSDT&limit=1000"));
        assert_eq!(request.fields.one("host"), Ok(Some(&b"[::1]:9002"[..])));
        assert!(!request.keep_alive);
        self.fetch.out_taken();
    }
    /// How long until the next attempt.
    fn pause(&self) -> Nanos {
        assert!(self.fetch.is_busy());
        self.fetch.deadline().unwrap().since(self.now)
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    response(&mut out, 200, "application/json", body, false);
    out
}

#[test]
fn one_wish_is_one_body_wherever_the_answer_is_cut() {
    let answer = ok(b"{\"lastUpdateId\":1}");
    for at in 0..=answer.len() {
        let mut scene = Scene::new(1);
        assert_eq!((scene.fetch.is_busy(), scene.fetch.deadline(), scene.fetch.action()), (false, None, None));
        scene.fetch.want(scene.now);
        scene.ask();
        // Wished again meanwhile: the answer on its way is for that too.
        scene.fetch.want(scene.now);
        scene.bytes(&answer[..at]);
        scene.bytes(&answer[at..]);
        assert_eq!(scene.told(), [Told::Body(b"{\"lastUpdateId\":1}".to_vec())], "cut at {at}");
        assert_eq!((scene.fetch.is_busy(), scene.fetch.action()), (false, Some(LinkAction::Abort)));
        scene.bytes(b"more");
        scene.down(Code::ConnectionLost);
        assert_eq!((scene.told(), scene.fetch.action()), (vec![], None));
    }
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let mut scene = Scene::new(2);
    scene.fetch.want(scene.now);
    scene.ask();
    scene.bytes(b"HTTP/1.1 200 OK\r\n\r\n{}");
    assert_eq!(scene.told(), []);
    scene.down(Code::ConnectionLost);
    assert_eq!((scene.told(), scene.fetch.is_busy()), (vec![Told::Body(b"{}".to_vec())], false));
    // One with a length does not.
    scene.fetch.want(scene.now);
    scene.ask();
    scene.bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}");
    scene.down(Code::ConnectionLost);
    assert_eq!(scene.told(), [Told::Fault(Code::HttpMalformed, 0)]);
    assert!(scene.fetch.is_busy());
}

#[test]
fn two_fetches_begin_a_spacing_apart() {
    let mut scene = Scene::new(3);
    scene.fetch.want(scene.now);
    scene.ask();
    assert_eq!(scene.now, START, "the first at once");
    scene.bytes(&ok(b"{}"));
    scene.fetch.want(scene.now);
    scene.ask();
    assert_eq!(scene.now, START.plus(SNAPSHOT_SPACING));
    scene.bytes(&ok(b"{}"));
    scene.now = scene.now.plus(Nanos(SNAPSHOT_SPACING.0 * 3));
    scene.fetch.want(scene.now);
    assert_eq!(scene.pause(), Nanos(0));
}

#[test]
fn refusals_are_retried_after_the_pause_the_server_names() {
    for (status, seconds) in [(429, 30), (418, 120)] {
        let mut scene = Scene::new(4);
        scene.fetch.want(scene.now);
        scene.ask();
        let mut answer = Vec::new();
        response_with(&mut answer, status, &[("Retry-After", &format!("{seconds}"))], b"{\"code\":-1003}");
        scene.bytes(&answer);
        assert_eq!(scene.told(), [Told::Fault(Code::HttpRefused, status)]);
        assert_eq!(scene.fetch.action(), Some(LinkAction::Abort));
        let until = START.plus(Nanos::from_millis(seconds * 1_000));
        assert_eq!((scene.fetch.paused_until(), scene.fetch.deadline()), (until, Some(until)));
        // The same venue's other instruments are told.
        let mut other = Scene::new(5);
        other.fetch.want(other.now);
        other.fetch.pause(until);
        assert_eq!(other.fetch.deadline(), Some(until));
        let mut idle = Scene::new(6);
        idle.fetch.pause(until);
        idle.fetch.want(idle.now);
        assert_eq!(idle.fetch.deadline(), Some(until));
        scene.ask();
        scene.bytes(&ok(b"{}"));
        assert_eq!(scene.told(), [Told::Body(b"{}".to_vec())]);
    }
}

#[test]
fn failures_of_every_kind_are_retried_ever_more_slowly() {
    for seed in 0..100 {
        let mut scene = Scene::new(seed);
        scene.fetch.want(scene.now);
        let mut ceiling = Nanos::from_millis(100);
        for attempt in 0..20 {
            let (code, detail) = match attempt % 5 {
                0 => {
                    scene.wait();
                    scene.down(Code::ConnectFailed);
                    (Code::ConnectFailed, 0)
                }
                1 => {
                    scene.wait();
                    scene.wait();
                    (Code::ConnectFailed, 0)
                }
                2 => {
                    scene.ask();
                    scene.wait();
                    (Code::HttpRefused, 0)
                }
                3 => {
                    scene.ask();
                    scene.bytes(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
                    (Code::HttpRefused, 500)
                }
                _ => {
                    scene.ask();
                    scene.bytes(b"220 mail.example ESMTP\r\n\r\n");
                    (Code::HttpMalformed, 0)
                }
            };
            assert_eq!(scene.told(), [Told::Fault(code, detail)], "seed {seed}, attempt {attempt}");
            let longest = ceiling.max(SNAPSHOT_SPACING);
            assert!(
                (Nanos(0)..=longest).contains(&scene.pause()),
                "seed {seed}, attempt {attempt}: {:?}",
                scene.pause()
            );
            ceiling = Nanos(ceiling.0 * 2).min(BACKOFF_MAX);
        }
        scene.ask();
        scene.bytes(&ok(b"{}"));
        assert_eq!(scene.told(), [Told::Body(b"{}".to_vec())]);
    }
}

#[test]
fn an_answer_that_trickles_is_given_up_in_time() {
    let mut scene = Scene::new(7);
    scene.fetch.want(scene.now);
    scene.ask();
    let answer = ok(&[b'x'; 100]);
    for byte in answer[..50].chunks(1) {
        scene.now = scene.now.plus(Nanos(FETCH_WAIT.0 / 60));
        scene.bytes(byte);
    }
    scene.wait();
    assert_eq!(scene.now, START.plus(FETCH_WAIT));
    assert_eq!(scene.told(), [Told::Fault(Code::HttpRefused, 0)]);
    assert_eq!(scene.fetch.action(), Some(LinkAction::Abort));
}

#[test]
fn a_body_has_a_longest_length() {
    let mut scene = Scene::new(8);
    scene.fetch.want(scene.now);
    scene.ask();
    scene.bytes(&ok(&vec![b'x'; INPUT_BYTES_MAX]));
    assert!(matches!(&scene.told()[..], [Told::Body(body)] if body.len() == INPUT_BYTES_MAX));
    scene.fetch.want(scene.now);
    scene.ask();
    scene.bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", INPUT_BYTES_MAX + 1).as_bytes());
    assert_eq!(scene.told(), [Told::Fault(Code::HttpMalformed, 0)]);
}

#[test]
fn an_address_that_cannot_be_used_is_named() {
    let fetch = |url: &str, symbol: &str| SnapshotFetch::new(url, symbol, SNAPSHOT_SPACING, SplitMix64::new(0));
    assert_eq!(fetch("http://a/{symbol}", "A B").unwrap_err().code, Code::ConfigInvalid);
    assert_eq!(fetch("a/{symbol}", "AB").unwrap_err().code, Code::ConfigInvalid);
    assert_eq!(fetch("http://a/{symbol}/{symbol}", "AB").unwrap().url().path, "/AB/AB");
}
