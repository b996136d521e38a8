//! # Room card: wire/tests/http_messages
//! In:    requests, responses and addresses written by hand from RFC 9112 and 3986; damaged ones.
//! Out:   that they are read alike wherever they are cut, and that what is ambiguous is refused.
//! Holds: expected values are of the RFCs' text; seeds are printed.
//! Costs: tests only.
use fafnir_wire::http::{
    HEAD_BYTES_MAX, RequestReader, ResponseReader, Url, UrlFault, get_request, response, response_with,
};
use types::Code;
use types::rng::SplitMix64;

const MAX: usize = 1_000;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    status: u16,
    retry_after: Option<u32>,
    keep_alive: bool,
    body: Vec<u8>,
}

/// The answers in pieces of bytes; with the connection's end after them.
fn answers<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Answer>, Code> {
    let mut reader = ResponseReader::new(MAX);
    let mut all = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let step = reader.next(rest)?;
            assert!((1..=rest.len()).contains(&step.consumed));
            rest = &rest[step.consumed..];
            all.extend(step.message.map(|m| Answer {
                status: m.status,
                retry_after: m.retry_after,
                keep_alive: m.keep_alive,
                body: m.body.to_vec(),
            }));
        }
    }
    if let Some(m) = reader.ended()? {
        all.push(Answer {
            status: m.status,
            retry_after: m.retry_after,
            keep_alive: m.keep_alive,
            body: m.body.to_vec(),
        });
    }
    assert_eq!(reader.ended().unwrap().map(|m| m.status), None, "once ended, nothing more");
    Ok(all)
}

fn check(text: &str, expected: &Result<Vec<(u16, &str)>, Code>) {
    let short = |found: Result<Vec<Answer>, Code>| {
        let pair = |a: Answer| (a.status, String::from_utf8(a.body).unwrap());
        found.map(|all| all.into_iter().map(pair).collect::<Vec<_>>())
    };
    let expected: Result<Vec<_>, Code> =
        expected.clone().map(|all| all.into_iter().map(|(status, body)| (status, body.to_string())).collect());
    let bytes = text.as_bytes();
    assert_eq!(short(answers([bytes])), expected, "{text}");
    assert_eq!(short(answers(bytes.chunks(1))), expected, "byte by byte: {text}");
    for at in 0..=bytes.len().min(600) {
        assert_eq!(short(answers([&bytes[..at], &bytes[at..]])), expected, "cut at {at}: {text}");
    }
}

#[test]
fn bodies_by_length_chunks_and_end() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &Ok(vec![(200, "hello")]));
    check("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", &Ok(vec![(200, "")]));
    check("HTTP/1.1 200 OK\r\n\r\nto the end", &Ok(vec![(200, "to the end")]));
    check("HTTP/1.0 200\r\n\r\n", &Ok(vec![(200, "")]));
    check("HTTP/1.1 204 No\r\n\r\n", &Ok(vec![(204, "")]));
    check("HTTP/1.1 304 Not\r\nContent-Length: 10\r\n\r\n", &Ok(vec![(304, "")]));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
    check(&format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), &Ok(vec![(200, "hello")]));
    check(
        &format!("{chunked}00a;name=\"v\"\r\n0123456789\r\nA \r\nabcdefghij\r\n0;x\r\nTrailer: 1\r\nB: 2\r\n\r\n"),
        &Ok(vec![(200, "0123456789abcdefghij")]),
    );
    check(&format!("{chunked}0\r\n\r\n"), &Ok(vec![(200, "")]));
    // One after the other, interim ones skipped.
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na\
         HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nbc",
        &Ok(vec![(200, "a"), (404, "bc")]),
    );
}

#[test]
fn what_is_ambiguous_cut_short_or_too_long_is_refused() {
    let bad = Err(Code::HttpMalformed);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nBad Field: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/3.1 200 OK\r\n\r\n",
        "\u{16}\u{3}\u{1}\n\n",
    ] {
        check(text, &bad);
    }
    for chunks in [
        "5\r\nhello\r\n",
        "\r\n",
        "x\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "3e9\r\n",
        "ffffffffffffffffffffff\r\n",
        "-1\r\n",
        ";\r\n",
    ] {
        check(&format!("{chunked}{chunks}"), &bad);
    }
    check(&format!("{chunked}1;{}\r\na\r\n0\r\n\r\n", "e".repeat(300)), &bad);
    // Bounds hold over all chunks, to the end, and in trailers and heads.
    assert_eq!(
        answers([format!("{chunked}3e8\r\n{}\r\n1\r\na\r\n0\r\n\r\n", "a".repeat(1_000)).as_bytes()]).err(),
        bad.clone().err()
    );
    assert_eq!(answers([format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(1_001)).as_bytes()]).err(), bad.clone().err());
    assert_eq!(answers([format!("{chunked}0\r\n{}", "A: b\r\n".repeat(4_000)).as_bytes()]).err(), bad.clone().err());
    assert_eq!(answers([format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(HEAD_BYTES_MAX)).as_bytes()]).err(), bad.err());
}

#[test]
fn fields_that_matter() {
    let one = |text: &str| answers([text.as_bytes()]).unwrap().remove(0);
    assert_eq!(one("HTTP/1.1 429 No\r\nretry-after: 120\r\nContent-Length: 0\r\n\r\n").retry_after, Some(120));
    assert_eq!(one("HTTP/1.1 429 No\r\nretry-after: soon\r\nContent-Length: 0\r\n\r\n").retry_after, None);
    assert_eq!(
        one("HTTP/1.1 429 No\r\nretry-after: 99999999999\r\nContent-Length: 0\r\n\r\n").retry_after,
        Some(u32::MAX)
    );
    assert!(one("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    assert!(!one("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").keep_alive);
    assert!(!one("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    assert!(!one("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
}

#[test]
fn requests_are_read_as_written() {
    let mut bytes = Vec::new();
    get_request(&mut bytes, "[::1]:8080", "/depth?symbol=BTCUSDT&limit=1000", false);
    get_request(&mut bytes, "localhost", "/", true);
    for at in 0..=bytes.len() {
        let mut reader = RequestReader::new(0);
        let mut seen = Vec::new();
        for piece in [&bytes[..at], &bytes[at..]] {
            let mut rest = piece;
            while !rest.is_empty() {
                let step = reader.next(rest).unwrap();
                rest = &rest[step.consumed..];
                let own = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                seen.extend(step.message.map(|request| {
                    assert_eq!((request.method, request.minor, request.body), ("GET", 1, &b""[..]));
                    (request.target.to_string(), own(request.fields.one("HOST").unwrap().unwrap()), request.keep_alive)
                }));
            }
        }
        let expected = [("/depth?symbol=BTCUSDT&limit=1000", "[::1]:8080", false), ("/", "localhost", true)];
        assert_eq!(seen, expected.map(|(target, host, keep)| (target.into(), host.into(), keep)), "cut at {at}");
    }
    let mut reader = RequestReader::new(4);
    let step = reader.next(b"\r\n\r\nPOST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyGET").unwrap();
    assert_eq!(step.message.map(|request| request.body), Some(&b"body"[..]));
    for text in [
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n",
    ] {
        let mut reader = RequestReader::new(4);
        assert_eq!(reader.next(text.as_bytes()).map(|_| ()), Err(Code::HttpMalformed), "{text}");
        assert_eq!(reader.next(b"GET / HTTP/1.1\r\n\r\n").map(|_| ()), Err(Code::HttpMalformed), "a fault stays");
    }
}

#[test]
fn responses_are_read_as_written() {
    let mut bytes = Vec::new();
    response(&mut bytes, 200, "application/json", b"{}", true);
    response_with(&mut bytes, 429, &[("Retry-After", "3")], b"");
    let read = answers(bytes.chunks(7)).unwrap();
    assert_eq!(read[0], Answer { status: 200, retry_after: None, keep_alive: true, body: b"{}".to_vec() });
    assert_eq!(read[1], Answer { status: 429, retry_after: Some(3), keep_alive: true, body: vec![] });
}

#[test]
fn damaged_responses_are_read_alike_however_they_are_cut() {
    let good = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;a=b\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nT: 1\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..3_000 {
        let mut rng = SplitMix64::new(seed);
        let mut bytes = good.to_vec();
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(3) {
                0 => bytes[at] = rng.next_u64() as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"\r\n0;: ,"[rng.below(7) as usize]),
            }
        }
        let whole = answers([&bytes[..]]);
        assert_eq!(answers(bytes.chunks(1 + rng.below(9) as usize)), whole, "seed {seed}");
        if whole.is_ok() { taken += 1 } else { refused += 1 }
    }
    assert!(taken > 300 && refused > 300, "{taken} taken, {refused} refused");
}

#[test]
fn addresses() {
    let parts = |text: &str| {
        Url::parse(text)
            .map(|url| (url.websocket, url.tls, url.host.clone(), url.port, url.path.clone(), url.authority()))
    };
    let ok = |ws, tls, host: &str, port, path: &str, authority: &str| {
        Ok((ws, tls, host.to_string(), port, path.to_string(), authority.to_string()))
    };
    assert_eq!(
        parts("wss://fstream.binance.com/stream?streams=a@depth/b"),
        ok(true, true, "fstream.binance.com", 443, "/stream?streams=a@depth/b", "fstream.binance.com")
    );
    assert_eq!(parts("ws://127.0.0.1:9001"), ok(true, false, "127.0.0.1", 9_001, "/", "127.0.0.1:9001"));
    assert_eq!(parts("HTTP://Example.COM?x=1"), ok(false, false, "example.com", 80, "/?x=1", "example.com"));
    assert_eq!(parts("https://[::1]:8443/a"), ok(false, true, "::1", 8_443, "/a", "[::1]:8443"));
    assert_eq!(parts("ws://[2001:db8::2]/"), ok(true, false, "2001:db8::2", 80, "/", "[2001:db8::2]"));
    assert_eq!(parts("wss://a:80/"), ok(true, true, "a", 80, "/", "a:80"));
    assert_eq!(Url::parse("http://[::1]").unwrap().address(), "[::1]:80");
    assert_eq!(Url::parse("wss://venue").unwrap().address(), "venue:443");
    for (text, fault) in [
        ("", UrlFault::Scheme),
        ("ftp://a", UrlFault::Scheme),
        ("localhost:80", UrlFault::Scheme),
        ("ws://", UrlFault::Host),
        ("ws://:80", UrlFault::Host),
        ("ws://user@host", UrlFault::Host),
        ("ws://a b", UrlFault::Host),
        ("ws://a\r\nX: y", UrlFault::Host),
        ("ws://[::1", UrlFault::Host),
        ("ws://[zz]", UrlFault::Host),
        ("ws://[::1]x", UrlFault::Host),
        ("ws://ä", UrlFault::Host),
        ("ws://a:", UrlFault::Port),
        ("ws://a:0", UrlFault::Port),
        ("ws://a:65536", UrlFault::Port),
        ("ws://a:+1", UrlFault::Port),
        ("ws://a:1:2", UrlFault::Port),
        ("ws://a/b c", UrlFault::Path),
        ("ws://a/\r\n", UrlFault::Path),
        ("ws://a/#x", UrlFault::Path),
        ("ws://a/ü", UrlFault::Path),
    ] {
        assert_eq!(Url::parse(text).map(|_| ()), Err(fault), "{text}");
    }
}
