//! The generated recording, read back by an independent reader.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};

use fafnir_testkit::fixture;
use fafnir_testkit::usdm::{Contents, LOT_SIZE, SYMBOL, TICK_SIZE, generate};
use serde_json::{Value, json};

const SEED: u64 = 20_240_808;
const SECONDS: u64 = 120;

fn number(value: &Value, decimals: u32) -> i64 {
    let text = value.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap();
    let fraction = format!("{fraction:0<6}");
    let (kept, rest) = fraction.split_at(decimals as usize);
    assert!(rest.bytes().all(|digit| digit == b'0'), "{text} is off the grid");
    whole.parse::<i64>().unwrap() * 10i64.pow(decimals) + kept.parse::<i64>().unwrap()
}

#[derive(Default)]
struct Reader {
    seen: Contents,
    book: [BTreeMap<i64, i64>; 2],
    buffered: Vec<Value>,
    valid: bool,
    previous: Option<u64>,
    mid: Option<i64>,
}

impl Reader {
    fn apply(&mut self, bids: &Value, asks: &Value) {
        for (half, levels) in [(0, bids), (1, asks)] {
            for level in levels.as_array().unwrap() {
                let (ticks, lots) = (number(&level[0], 1), number(&level[1], 3));
                if lots == 0 {
                    self.book[half].remove(&ticks)
                } else {
                    self.book[half].insert(ticks, lots)
                };
            }
        }
        let (bid, ask) = (self.book[0].last_key_value().unwrap(), self.book[1].first_key_value().unwrap());
        assert!(bid.0 < ask.0, "crossed");
        (self.seen.last_bid, self.seen.last_ask) = ((*bid.0, *bid.1), (*ask.0, *ask.1));
    }
    fn diff(&mut self, data: &Value) {
        let (first, last, previous) = (&data["U"], &data["u"], &data["pu"]);
        assert!(previous.as_u64() < first.as_u64() && first.as_u64() <= last.as_u64());
        assert!(self.previous.is_none() || self.previous == previous.as_u64(), "gap");
        self.previous = last.as_u64();
        self.seen.depth += 1;
        self.seen.last_update_id = last.as_u64().unwrap();
        let levels = data["b"].as_array().unwrap().len() + data["a"].as_array().unwrap().len();
        self.seen.levels_max = self.seen.levels_max.max(levels as u64);
        if self.valid {
            self.seen.diffs_from_join += 1;
            self.apply(&data["b"], &data["a"]);
        } else {
            self.buffered.push(data.clone());
        }
    }
    fn snapshot(&mut self, message: &Value) {
        self.seen.snapshot += 1;
        let id = message["lastUpdateId"].as_u64();
        self.apply(&message["bids"], &message["asks"]);
        let (old, from): (Vec<Value>, Vec<Value>) = self.buffered.drain(..).partition(|diff| diff["u"].as_u64() < id);
        assert!(from[0]["U"].as_u64() <= id, "the first diff from the snapshot on must span it");
        self.seen.diffs_before_join = old.len() as u64;
        self.seen.diffs_from_join = from.len() as u64;
        from.iter().for_each(|diff| self.apply(&diff["b"], &diff["a"]));
        self.valid = true;
    }
    fn touch(&mut self, data: &Value) {
        self.seen.book_ticker += 1;
        let (bid, ask) = (number(&data["b"], 1), number(&data["a"], 1));
        assert!(bid < ask && number(&data["B"], 3) > 0 && number(&data["A"], 3) > 0);
        self.seen.changed_mids += self.mid.is_some_and(|mid| mid != bid + ask) as u64;
        self.mid = Some(bid + ask);
    }
    fn line(&mut self, line: &str) {
        let (time, message) = line.split_once(' ').unwrap();
        let time: u64 = time.parse().unwrap();
        assert!(time > self.seen.last_ns);
        if self.seen.lines == 0 {
            self.seen.first_ns = time;
        }
        (self.seen.lines, self.seen.last_ns) = (self.seen.lines + 1, time);
        let message: Value = serde_json::from_str(message).unwrap();
        let data = &message["data"];
        match data["e"].as_str() {
            Some("depthUpdate") => self.diff(data),
            Some("bookTicker") => self.touch(data),
            Some("trade") => {
                self.seen.trade += 1;
                let lots = number(&data["q"], 3);
                *(if data["m"] == true { &mut self.seen.sold_lots } else { &mut self.seen.bought_lots }) += lots;
            }
            _ => self.snapshot(&message),
        }
    }
}

fn read(text: &str) -> Contents {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    reader.seen
}

fn described(contents: &Contents) -> Value {
    json!({
        "symbol": SYMBOL, "tickSize": TICK_SIZE, "lotSize": LOT_SIZE, "seed": SEED, "seconds": SECONDS,
        "lines": contents.lines, "depth": contents.depth, "bookTicker": contents.book_ticker,
        "trade": contents.trade, "snapshot": contents.snapshot,
        "diffsBeforeJoin": contents.diffs_before_join, "diffsFromJoin": contents.diffs_from_join,
        "changedMids": contents.changed_mids, "levelsMax": contents.levels_max,
        "boughtLots": contents.bought_lots, "soldLots": contents.sold_lots,
        "firstReceiveNs": contents.first_ns.to_string(), "lastReceiveNs": contents.last_ns.to_string(),
        "lastUpdateId": contents.last_update_id,
        "lastBid": { "ticks": contents.last_bid.0, "lots": contents.last_bid.1 },
        "lastAsk": { "ticks": contents.last_ask.0, "lots": contents.last_ask.1 },
    })
}

/// With FAFNIR_WRITE_FIXTURES=1 in the environment the files are written anew, then compared like any others.
fn write_fixtures() {
    let recording = generate(SEED, SECONDS);
    let mut gzip = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::best());
    gzip.write_all(recording.text.as_bytes()).unwrap();
    fs::write(fixture("usdm-small.gz"), gzip.finish().unwrap()).unwrap();
    let described = serde_json::to_string_pretty(&described(&recording.contents)).unwrap() + "\n";
    fs::write(fixture("usdm-small.json"), described).unwrap();
    fs::write(fixture("usdm-small.txt"), recording.text).unwrap();
}

#[test]
fn fixtures_are_what_the_generator_writes() {
    if std::env::var_os("FAFNIR_WRITE_FIXTURES").is_some() {
        write_fixtures();
    }
    let recording = generate(SEED, SECONDS);
    let plain = fs::read_to_string(fixture("usdm-small.txt")).unwrap();
    assert!(plain == recording.text, "usdm-small.txt is not what seed {SEED} gives");
    let mut unpacked = String::new();
    let packed = fs::File::open(fixture("usdm-small.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked == plain, "usdm-small.gz differs from usdm-small.txt");
    let listed: Value = serde_json::from_str(&fs::read_to_string(fixture("usdm-small.json")).unwrap()).unwrap();
    assert_eq!(listed, described(&recording.contents));
}

#[test]
fn the_small_recording_has_what_tests_need() {
    let contents = generate(SEED, SECONDS).contents;
    assert!((1_500..=2_500).contains(&contents.lines), "{contents:?}");
    assert!(contents.changed_mids >= 300 && contents.trade >= 200 && contents.depth >= 300, "{contents:?}");
    assert_eq!((contents.snapshot, contents.diffs_before_join), (1, 4));
    assert_eq!(contents.diffs_from_join + 4, contents.depth);
}

#[test]
fn recordings_of_any_seed_are_gapless_uncrossed_and_counted() {
    for seed in 0..40 {
        let recording = generate(seed, 60);
        assert_eq!(read(&recording.text), recording.contents, "seed {seed}");
        assert_eq!(recording, generate(seed, 60), "seed {seed}");
    }
    assert_ne!(generate(1, 10).text, generate(2, 10).text);
}
