//! # Room card: wire/json/tests
//! In:    one message of each kind, its faults, and random mutations of it.
//! Out:   what is said about each, and that the quick way says nothing that the plain way does not.
//! Holds: every message goes both ways; what an independent reader refuses is refused here.
//! Costs: under a second.
use types::config::{EngineConfig, Feed};
use types::rng::SplitMix64;
use types::{Lots, Side, Ticks, Touch, UnixNanos};

use super::encode::{self, Envelope};
use super::*;

const VENUE: Scope = Scope::Venue(VenueId(0));
const TRADE: &str = concat!(
    r#"{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT","t":5266583935,"p":"61800.30","#,
    r#""q":"0.006","X":"MARKET","m":false}"#,
);
const TOUCH: &str = concat!(
    r#"{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","#,
    r#""A":"2.510","T":1723161256313,"E":1723161256314}"#,
);
const DEPTH: &str = concat!(
    r#"{"e":"depthUpdate","E":1723161256352,"T":1723161256351,"s":"BTCUSDT","U":5,"u":9,"pu":4,"#,
    r#""b":[["1000.00","606.675"],["61799.90","0.000"]],"a":[["61800.30","12.5"]]}"#,
);
const SNAPSHOT: &str = concat!(
    r#"{"lastUpdateId":7,"E":1723161256501,"T":1723161256493,"bids":[["61800.20","2.909"],["61800.10","#,
    r#""0.696"]],"asks":[["61800.30","1.000"]]}"#,
);

fn instruments(list: &str) -> Vec<Instrument> {
    let text = format!(r#"{{ "venues": [{{ "name": "A" }}, {{ "name": "B" }}], "instruments": [{list}] }}"#);
    EngineConfig::from_json(&text).unwrap().1.instruments
}

fn btc() -> Vec<Instrument> {
    instruments(r#"{ "symbol": "BTCUSDT", "venue": "A", "tickSize": "0.1", "lotSize": "0.001", "priceDecimals": 2 }"#)
}

fn two() -> Vec<Instrument> {
    instruments(
        r#"{ "symbol": "BTCUSDT", "venue": "A", "tickSize": "0.1", "lotSize": "0.001" },
           { "symbol": "ODD", "venue": "A", "tickSize": "0.0025", "lotSize": "5" }"#,
    )
}

/// Both ways must agree on every message; the answer is the plain one's, with the levels.
fn both(
    message: &[u8],
    scope: Scope,
    instruments: &[Instrument],
) -> Result<(FeedMessage, Vec<Level>, Vec<Level>), Code> {
    let mut plain = Decoder::new();
    let expected = plain.decode_plain(message, scope, instruments);
    let mut decoder = Decoder::new();
    decoder.scratch.clear();
    let quick = quick::decode(&mut decoder.scratch, &mut decoder.symbols, message, scope, instruments);
    if let Some(quick) = quick {
        assert_eq!(Ok(quick), expected, "{}", message.escape_ascii());
        assert_eq!((decoder.bids(), decoder.asks()), (plain.bids(), plain.asks()), "{}", message.escape_ascii());
    }
    assert_eq!(decoder.decode(message, scope, instruments), expected, "{}", message.escape_ascii());
    assert_eq!((decoder.bids(), decoder.asks()), (plain.bids(), plain.asks()), "{}", message.escape_ascii());
    if !matches!(expected, Ok(FeedMessage::Depth(_) | FeedMessage::Snapshot(_))) {
        assert!(plain.bids().is_empty() && plain.asks().is_empty(), "{}", message.escape_ascii());
    }
    expected.map(|known| (known, plain.bids().to_vec(), plain.asks().to_vec()))
}

fn said(message: &str) -> Result<FeedMessage, Code> {
    let (bare, wrapped) =
        (both(message.as_bytes(), VENUE, &btc()), format!(r#"{{"stream":"btcusdt@x","data":{message}}}"#));
    if !message.contains("lastUpdateId") {
        assert_eq!(both(wrapped.as_bytes(), VENUE, &btc()), bare, "{wrapped}");
    }
    bare.map(|(known, ..)| known)
}

fn is_quick(message: &str) -> bool {
    let mut decoder = Decoder::new();
    quick::decode(&mut decoder.scratch, &mut decoder.symbols, message.as_bytes(), VENUE, &btc()).is_some()
}

fn level(price: i64, quantity: i64) -> Level {
    Level { price: Ticks(price), quantity: Lots(quantity) }
}

fn trade_print() -> TradePrint {
    TradePrint {
        instrument: InstrumentId(0),
        trade_id: 5_266_583_935,
        price: Ticks(618_003),
        quantity: Lots(6),
        aggressor: Side::Buy,
        exchange_time: UnixNanos(1_723_161_256_321_000_000),
    }
}

#[test]
fn kinds_of_usdm() {
    for message in [TRADE, TOUCH, DEPTH, SNAPSHOT] {
        assert!(is_quick(message), "{message}");
    }
    assert_eq!(said(TRADE), Ok(FeedMessage::Trade(trade_print())));
    let sell = TRADE.replace("false", "true");
    assert_eq!(said(&sell), Ok(FeedMessage::Trade(TradePrint { aggressor: Side::Sell, ..trade_print() })));
    let touch = Touch { bid: Ticks(618_002), bid_lots: Lots(2_507), ask: Ticks(618_003), ask_lots: Lots(2_510) };
    let exchange_time = UnixNanos(1_723_161_256_313_000_000);
    let print = TouchPrint { instrument: InstrumentId(0), update_id: 5_123_107_839_020, touch, exchange_time };
    assert_eq!(said(TOUCH), Ok(FeedMessage::Touch(print)));
    let header = DepthHeader {
        instrument: InstrumentId(0),
        first_id: 5,
        last_id: 9,
        previous_id: Some(4),
        exchange_time: UnixNanos(1_723_161_256_351_000_000),
    };
    let levels = (vec![level(10_000, 606_675), level(617_999, 0)], vec![level(618_003, 12_500)]);
    assert_eq!(both(DEPTH.as_bytes(), VENUE, &btc()), Ok((FeedMessage::Depth(header), levels.0, levels.1)));
    let header =
        SnapshotHeader { instrument: InstrumentId(0), last_id: 7, exchange_time: UnixNanos(1_723_161_256_493_000_000) };
    let levels = (vec![level(618_002, 2_909), level(618_001, 696)], vec![level(618_003, 1_000)]);
    assert_eq!(both(SNAPSHOT.as_bytes(), VENUE, &btc()), Ok((FeedMessage::Snapshot(header), levels.0, levels.1)));
}

#[test]
fn kinds_of_spot() {
    let touch = r#"{"u":5,"s":"BTCUSDT","b":"61685.90000000","B":"1.25800000","a":"61686.00000000","A":"0.00000000"}"#;
    let trade =
        r#"{"e":"trade","E":9,"s":"BTCUSDT","t":3,"p":"61685.90000000","q":"0.01700000","T":8,"m":true,"M":true}"#;
    let depth = r#"{"e":"depthUpdate","E":9,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[["1.00000000","0.00000000"]]}"#;
    let snapshot = r#"{"lastUpdateId":7,"bids":[],"asks":[]}"#;
    for message in [touch, trade, depth, snapshot] {
        assert!(is_quick(message), "{message}");
    }
    match said(touch) {
        Ok(FeedMessage::Touch(print)) => {
            assert_eq!(
                (print.touch.bid, print.touch.bid_lots, print.touch.ask_lots),
                (Ticks(616_859), Lots(1_258), Lots(0))
            );
            assert_eq!(print.exchange_time, UnixNanos::NONE);
        }
        other => panic!("{other:?}"),
    }
    match said(trade) {
        Ok(FeedMessage::Trade(print)) => {
            assert_eq!(
                (print.quantity, print.aggressor, print.exchange_time),
                (Lots(17), Side::Sell, UnixNanos(8_000_000))
            );
        }
        other => panic!("{other:?}"),
    }
    match said(depth) {
        Ok(FeedMessage::Depth(header)) => {
            assert_eq!((header.previous_id, header.exchange_time), (None, UnixNanos(9_000_000)));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(said(snapshot), Ok(FeedMessage::Snapshot(header)) if header.exchange_time == UnixNanos::NONE));
}

#[test]
fn any_order_white_space_and_unknown_keys() {
    let late = r#" { "a" : [ [ "61800.30" , "12.5" ] ] , "pu":4, "b":[["1000.00","606.675"] ,["61799.90","0.000"]],
        "new" : {"x":[1,{"y":"\u00e9\"]}"},null,-1.5e3]} , "u":9,"T":1723161256351,"U":5,"E":1723161256352,
        "e":"depthUpdate","s":"BTCUSDT" } "#;
    assert!(!is_quick(late));
    assert_eq!(both(late.as_bytes(), VENUE, &btc()), both(DEPTH.as_bytes(), VENUE, &btc()));
    let reversed = format!(r#"{{ "more":1, "data":{TRADE}, "stream":"x" }}"#);
    assert_eq!(both(reversed.as_bytes(), VENUE, &btc()).unwrap().0, FeedMessage::Trade(trade_print()));
    let aggregate = concat!(
        r#"{"e":"aggTrade","E":1723161256322,"a":5266583935,"s":"BTCUSDT","p":"61800.30","q":"0.006","f":1,"#,
        r#""l":2,"T":1723161256321,"m":false}"#,
    );
    assert_eq!(said(aggregate), Ok(FeedMessage::Trade(trade_print())));
    let zero_stamp = TRADE.replace("\"T\":1723161256321", "\"T\":0");
    assert!(
        matches!(said(&zero_stamp), Ok(FeedMessage::Trade(print)) if print.exchange_time.0 == 1_723_161_256_322_000_000)
    );
}

#[test]
fn what_says_nothing_about_a_book_is_other() {
    for other in [
        r#"{"result":null,"id":1}"#,
        "{}",
        "[]",
        "3",
        "\"text\"",
        " null ",
        r#"{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1,"T":2}}"#,
        r#"{"e":"trade","T":1,"E":1,"s":"BTCUSDT","t":1,"p":"0","q":"0","X":"NA","m":true}"#,
    ] {
        assert_eq!(said(other), Ok(FeedMessage::Other), "{other}");
    }
    for other in [
        TRADE.replace("MARKET", "INSURANCE_FUND"),
        TRADE.replace("MARKET", "ADL"),
        TRADE.replace("0.006", "0.000"),
        format!(r#"{{"stream":"btcusdt@depth20","data":{SNAPSHOT}}}"#),
        r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}"#.to_string(),
        format!(r#"{{"data":{TRADE}}}"#),
    ] {
        assert_eq!(both(other.as_bytes(), VENUE, &btc()).map(|said| said.0), Ok(FeedMessage::Other), "{other}");
    }
}

/// Each change of a good message is refused with its code.
fn refused(good: &str, changes: &[(&str, &str, Code)]) {
    for &(from, to, expected) in changes {
        let message = good.replace(from, to);
        assert_ne!(message, good);
        assert_eq!(both(message.as_bytes(), VENUE, &btc()).err(), Some(expected), "{message}");
    }
}

#[test]
fn faults_of_a_trade_have_their_code() {
    let changes = [
        ("61800.30", "61800.31", Code::OffGrid),
        ("0.006", "0.0060001", Code::OffGrid),
        ("0.006", "-0.006", Code::BookNegative),
        ("61800.30", "-61800.30", Code::JsonMalformed),
        ("61800.30", "+61800.30", Code::JsonMalformed),
        ("61800.30", "", Code::JsonMalformed),
        ("61800.30", "6.18e4", Code::JsonMalformed),
        ("61800.30", "\\u0036", Code::JsonMalformed),
        ("61800.30", "1000000000000000000.0", Code::NumberOverflow),
        ("61800.30", "99999999999999999999999999999999999999999999.0", Code::NumberOverflow),
        ("\"61800.30\"", "61800.30", Code::JsonMalformed),
        ("\"61800.30\"", "null", Code::JsonMalformed),
        ("5266583935", "18446744073709551616", Code::NumberOverflow),
        ("5266583935", "-1", Code::JsonMalformed),
        ("5266583935", "1.0", Code::JsonMalformed),
        ("5266583935", "1e3", Code::JsonMalformed),
        ("5266583935", "007", Code::JsonMalformed),
        ("5266583935", "\"7\"", Code::JsonMalformed),
        ("1723161256321", "18446744073710", Code::NumberOverflow),
        ("1723161256322", "18446744073710", Code::NumberOverflow),
        ("false", "0", Code::JsonMalformed),
        ("BTCUSDT", "ETHUSDT", Code::UnknownSymbol),
        ("BTCUSDT", "BTC\\u0055SDT", Code::JsonMalformed),
        ("\"t\":", "\"tt\":", Code::FieldMissing),
        ("\"p\":", "\"pp\":", Code::FieldMissing),
        ("\"s\":", "\"ss\":", Code::FieldMissing),
        ("\"m\":", "\"mm\":", Code::FieldMissing),
        ("\"m\":", "\"E\":1,\"m\":", Code::JsonMalformed),
        ("\"m\":", "\"p\":\"61800.30\",\"m\":", Code::JsonMalformed),
        ("\"m\":", "\"\\u0070\":\"1.0\",\"m\":", Code::JsonMalformed),
        ("{\"e\":\"trade\"", "{\"e\":\"trade\",\"e\":\"trade\"", Code::JsonMalformed),
        ("{\"e\":\"trade\"", "{\"e\":7", Code::JsonMalformed),
        ("}", "}}", Code::JsonMalformed),
        ("}", "", Code::JsonMalformed),
        ("}", ",}", Code::JsonMalformed),
    ];
    refused(TRADE, &changes);
}

#[test]
fn faults_of_levels_have_their_code() {
    let changes = [
        ("\"606.675\"]", "\"606.675\",[]]", Code::JsonMalformed),
        (",\"606.675\"]", "]", Code::JsonMalformed),
        ("[\"1000.00\"", "[1000.00", Code::JsonMalformed),
        ("606.675", "-606.675", Code::BookNegative),
        ("606.675", "606.6755", Code::OffGrid),
        ("[[\"1000.00\",\"606.675\"],", "[[],", Code::JsonMalformed),
        ("\"a\":[[\"61800.30\",\"12.5\"]]", "\"a\":{}", Code::JsonMalformed),
        ("\"a\":", "\"aa\":", Code::FieldMissing),
        ("\"U\":", "\"V\":", Code::FieldMissing),
        ("\"pu\":4", "\"pu\":null", Code::JsonMalformed),
    ];
    refused(DEPTH, &changes);
    let missing = SNAPSHOT.replace("\"asks\"", "\"ask\"");
    assert_eq!(both(missing.as_bytes(), VENUE, &btc()).err(), Some(Code::FieldMissing));
    let half_touch = r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"1.000","a":"2.0"}"#;
    assert_eq!(said(half_touch), Err(Code::FieldMissing));
}

#[test]
fn garbage_cut_messages_and_long_ones_have_their_code() {
    for garbage in
        [&b""[..], b" ", b"\xff\xfe", b"{", b"nonsense", b"{\"e\":\"tra\xffde\"}", b"\0", b"{\"x\":\"\xc3\x28\"}"]
    {
        assert_eq!(both(garbage, VENUE, &btc()).err(), Some(Code::JsonMalformed), "{}", garbage.escape_ascii());
    }
    for length in 0..DEPTH.len() {
        assert_eq!(both(&DEPTH.as_bytes()[..length], VENUE, &btc()).err(), Some(Code::JsonMalformed), "{length}");
    }
    let long = vec![b' '; INPUT_BYTES_MAX + 1];
    assert_eq!(Decoder::new().decode(&long, VENUE, &btc()), Err(Code::InputTooLarge));
}

#[test]
fn a_refused_message_leaves_no_level() {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(DEPTH.as_bytes(), VENUE, &btc()).is_ok());
    assert_eq!((decoder.bids().len(), decoder.asks().len()), (2, 1));
    let bad = DEPTH.replace("12.5", "12.5005");
    assert_eq!(decoder.decode(bad.as_bytes(), VENUE, &btc()), Err(Code::OffGrid));
    assert!(decoder.bids().is_empty() && decoder.asks().is_empty());
}

#[test]
fn levels_are_bounded() {
    let message = |levels: usize| {
        let side = vec!["[\"1.0\",\"1.000\"]"; levels].join(",");
        format!(r#"{{"lastUpdateId":7,"bids":[],"asks":[{side}]}}"#)
    };
    let most = both(message(LEVELS_PER_MESSAGE_MAX).as_bytes(), VENUE, &btc()).unwrap();
    assert_eq!(most.2.len(), LEVELS_PER_MESSAGE_MAX);
    let too_many = message(LEVELS_PER_MESSAGE_MAX + 1);
    assert_eq!(both(too_many.as_bytes(), VENUE, &btc()).err(), Some(Code::TooManyLevels));
}

#[test]
fn scope_says_which_instrument() {
    let (one, two) = (btc(), two());
    let instrument =
        |message: &str, scope, list: &[Instrument]| both(message.as_bytes(), scope, list).map(|said| said.0);
    assert!(matches!(instrument(SNAPSHOT, VENUE, &one), Ok(FeedMessage::Snapshot(_))));
    assert_eq!(instrument(SNAPSHOT, VENUE, &two), Err(Code::UnknownSymbol));
    assert_eq!(instrument(SNAPSHOT, Scope::Venue(VenueId(1)), &one), Err(Code::UnknownSymbol));
    let odd = Scope::Instrument(InstrumentId(1));
    let odd_snapshot = r#"{"lastUpdateId":7,"bids":[["0.0075","15"]],"asks":[]}"#;
    let said = both(odd_snapshot.as_bytes(), odd, &two).unwrap();
    assert_eq!(said.1, [level(3, 3)]);
    let off = odd_snapshot.replace("\"15\"", "\"16\"");
    assert_eq!(instrument(&off, odd, &two), Err(Code::OffGrid));
    assert_eq!(instrument(TRADE, odd, &two), Err(Code::UnknownSymbol));
    assert_eq!(instrument(TRADE, Scope::Venue(VenueId(1)), &two), Err(Code::UnknownSymbol));
    assert_eq!(instrument(TRADE, Scope::Instrument(InstrumentId(9)), &two), Err(Code::UnknownSymbol));
    assert!(matches!(instrument(TRADE, Scope::Instrument(InstrumentId(0)), &two), Ok(FeedMessage::Trade(_))));
}

#[test]
fn symbols_are_found_among_many_whatever_came_before() {
    let list: Vec<String> = (0..256)
        .map(|i| {
            format!(
                r#"{{ "symbol": "S{i}USDT", "venue": "{}", "tickSize": "0.1", "lotSize": "0.001" }}"#,
                ["A", "B"][i % 2]
            )
        })
        .collect();
    let list = instruments(&list.join(","));
    let mut decoder = Decoder::new();
    let mut rng = SplitMix64::new(23);
    for _ in 0..20_000 {
        let (i, venue) = (rng.below(258), rng.below(2));
        let message = TRADE.replace("BTCUSDT", &format!("S{i}USDT"));
        let decoded = decoder.decode(message.as_bytes(), Scope::Venue(VenueId(venue as u8)), &list);
        if i < 256 && i % 2 == venue {
            assert!(
                matches!(decoded, Ok(FeedMessage::Trade(print)) if print.instrument.0 as u64 == i),
                "{i} {decoded:?}"
            );
        } else {
            assert_eq!(decoded, Err(Code::UnknownSymbol), "{i}");
        }
    }
}

/// Mutated messages: the quick way never says more than the plain one, and the plain one never takes what an
/// independent
/// reader refuses.
#[test]
fn mutations_are_refused_or_read_alike() {
    let seed = 0x5eed;
    let mut rng = SplitMix64::new(seed);
    let instruments = btc();
    let mut out = Vec::new();
    let header = DepthHeader {
        instrument: InstrumentId(0),
        first_id: 1,
        last_id: 2,
        previous_id: None,
        exchange_time: UnixNanos(5_000_000),
    };
    encode::depth(
        &mut out,
        Feed::BinanceSpot,
        Envelope::Stream,
        &instruments[0],
        &header,
        &[level(1, 2), level(30, 4)],
        &[],
    );
    let valid: Vec<Vec<u8>> =
        [TRADE, TOUCH, DEPTH, SNAPSHOT].map(|text| text.as_bytes().to_vec()).into_iter().chain([out]).collect();
    let mut decoder = Decoder::new();
    let mut plain = Decoder::new();
    let (mut taken, mut refused) = (0, 0);
    for round in 0..120_000 {
        let mut message = valid[rng.below(valid.len() as u64) as usize].clone();
        for _ in 0..1 + rng.below(3) {
            mutate(&mut message, &mut rng);
        }
        let said = decoder.decode(&message, VENUE, &instruments);
        let expected = plain.decode_plain(&message, VENUE, &instruments);
        assert_eq!(said, expected, "seed {seed} round {round}: {}", message.escape_ascii());
        assert_eq!((decoder.bids(), decoder.asks()), (plain.bids(), plain.asks()), "seed {seed} round {round}");
        let independent = serde_json::from_slice::<serde::de::IgnoredAny>(&message);
        if independent.is_err() {
            assert_eq!(said, Err(Code::JsonMalformed), "seed {seed} round {round}: {}", message.escape_ascii());
        }
        *(if said.is_ok() { &mut taken } else { &mut refused }) += 1;
    }
    assert!(taken > 5_000 && refused > 50_000, "{taken} taken, {refused} refused");
}

fn mutate(message: &mut Vec<u8>, rng: &mut SplitMix64) {
    let place = rng.below(message.len().max(1) as u64) as usize;
    if message.is_empty() {
        return message.push(rng.next_u64() as u8);
    }
    match rng.below(8) {
        0 => message[place] = rng.next_u64() as u8,
        1 => message[place] = b"{}[]\",:.-0123456789eEtfn\\ "[rng.below(26) as usize],
        2 => drop(message.remove(place)),
        3 => message.insert(place, b"{}[]\",:.-0123456789eEtfn\\ "[rng.below(26) as usize]),
        4 => message.truncate(place),
        5 => {
            let end = (place + rng.below(20) as usize).min(message.len());
            let piece = message[place..end].to_vec();
            let to = rng.below(message.len() as u64 + 1) as usize;
            message.splice(to..to, piece);
        }
        6 => {
            let other = rng.below(message.len() as u64) as usize;
            message.swap(place, other);
        }
        _ if message[place].is_ascii_digit() => message[place] = b'0' + rng.below(10) as u8,
        _ => {}
    }
}
