//! Every path gives what the plain reader gives.
use super::*;
use crate::fix::{FieldIndex, Garbled};
use types::rng::SplitMix64;

type Outcome = Result<Vec<FieldSpan>, Garbled>;

fn read(index: &mut FieldIndex, bytes: &[u8]) -> Outcome {
    index.read(bytes).map(|()| index.spans().to_vec())
}

/// A message around a body.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("8=FIX.4.4\x019={}\x01", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    let checksum = sum(&bytes);
    bytes.extend_from_slice(format!("10={checksum:03}\x01").as_bytes());
    bytes
}

fn below_one_of(rng: &mut SplitMix64, bounds: [u64; 4]) -> u64 {
    let bound = bounds[rng.below(4) as usize];
    rng.below(bound)
}

/// Fields of all kinds, most of them plain.
fn body(rng: &mut SplitMix64) -> Vec<u8> {
    let mut body = b"35=D\x01".to_vec();
    for _ in 0..rng.below(60) {
        let tag = match rng.below(40) {
            0 => rng.below(1_200_000_000),
            1 => rng.below(100_000),
            2 => [0, 95, 354, 40_004, 43_109, 1_525][rng.below(6) as usize],
            _ => 1 + below_one_of(rng, [9, 99, 999, 9_999]),
        };
        let odd = ["-", "0", "x", "=", "\x01", " "][rng.below(6) as usize];
        body.extend_from_slice(if rng.below(150) == 0 { odd.as_bytes() } else { b"" });
        body.extend_from_slice(tag.to_string().as_bytes());
        body.extend_from_slice(if rng.below(300) == 0 { b"" } else { b"=" });
        let length = below_one_of(rng, [2, 7, 21, 91]);
        if counted_by(tag as u32).is_some() && rng.below(4) > 0 {
            body.extend_from_slice(format!("{length}\x01{}=", counted_by(tag as u32).unwrap()).as_bytes());
            body.extend((0..length).map(|_| b"a\x01=1"[rng.below(4) as usize]));
        } else {
            body.extend((0..length).map(|_| b"0123456789ABC=.-:"[rng.below(17) as usize]));
        }
        body.push(1);
    }
    body
}

/// Compares all paths; their outcome.
fn same(paths: &mut [FieldIndex], bytes: &[u8], said: &str) -> Outcome {
    let outcomes: Vec<Outcome> = paths.iter_mut().map(|index| read(index, bytes)).collect();
    for (place, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome, &outcomes[0], "path {place}, {said}: {:?}", String::from_utf8_lossy(bytes));
    }
    outcomes.into_iter().next().unwrap()
}

fn paths(bound: usize) -> Vec<FieldIndex> {
    let paths: Vec<Path> = Path::all().collect();
    println!("paths of this machine: {paths:?}");
    paths.into_iter().map(|path| FieldIndex::on(path, bound)).collect()
}

fn rounds() -> usize {
    if std::env::var_os("FAFNIR_LONG").is_some() { 5_000_000 } else { 60_000 }
}

#[test]
fn messages_are_read_alike() {
    let (seed, mut good) = (41, 0);
    let mut rng = SplitMix64::new(seed);
    let mut paths = paths(64);
    for round in 0..rounds() {
        let mut bytes = framed(&body(&mut rng));
        good += same(&mut paths, &bytes, &format!("seed {seed} round {round}")).is_ok() as usize;
        for _ in 0..rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = b"\x01=0189\x00\xffa"[rng.below(9) as usize];
        }
        let _ = same(&mut paths, &bytes, &format!("seed {seed} round {round}, changed"));
    }
    assert!(good > rounds() / 3 && good < rounds(), "{good} good ones: the mix tests little");
}

#[test]
fn hostile_bytes_are_read_alike() {
    let seed = 43;
    let mut rng = SplitMix64::new(seed);
    let mut paths = paths(40);
    for round in 0..rounds() {
        let alphabet = &b"=\x011=\x01890\x01"[..1 + rng.below(9) as usize];
        let mut body = b"35=D\x01".to_vec();
        body.extend((0..rng.below(200)).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]));
        let _ = same(&mut paths, &framed(&body), &format!("seed {seed} round {round}"));
        let _ = same(&mut paths, &body, &format!("seed {seed} round {round}, bare"));
    }
}

#[test]
fn every_length_and_bound_is_read_alike() {
    let text = b"35=D\x0134=12\x0149=A\x0156=B\x011234=x=y\x0158=\x0112345=1\x01".repeat(4);
    for length in 0..text.len() {
        for bound in [4, 15, 16, 17, 31, 32, 33] {
            let mut paths = paths_quietly(bound);
            let _ = same(&mut paths, &framed(&text[..length]), &format!("{length} bytes"));
        }
    }
    // A field over many blocks, a `=` at the first byte of a block.
    let mut paths = paths(64);
    for length in 0..300 {
        let body = [&b"35=D\x0158="[..], &b"x".repeat(length), b"\x011=2\x0195=3\x0196=a\x01b\x0198=0\x01"].concat();
        assert!(same(&mut paths, &framed(&body), &format!("{length}")).is_ok());
    }
}

fn paths_quietly(bound: usize) -> Vec<FieldIndex> {
    Path::all().map(|path| FieldIndex::on(path, bound)).collect()
}

#[test]
fn sums_of_every_length_are_right() {
    let mut rng = SplitMix64::new(47);
    let bytes: Vec<u8> = (0..300).map(|_| rng.next_u64() as u8).collect();
    for from in 0..20 {
        for to in from..bytes.len() {
            assert_eq!(
                sum(&bytes[from..to]) as u32,
                bytes[from..to].iter().map(|&byte| byte as u32).sum::<u32>() % 256
            );
        }
    }
}

#[test]
fn the_filter_lets_no_length_field_by() {
    for tag in (0..100_000).chain([u32::MAX, 1 << 26 | 90, 999_999_999]) {
        assert_eq!(counts(tag), counted_by(tag).is_some(), "{tag}");
    }
    // Tags of everyday messages are told by the filter alone.
    for tag in [8, 9, 35, 34, 49, 52, 56, 11, 17, 37, 38, 39, 40, 44, 54, 55, 59, 60, 150, 151, 269, 270, 271, 279] {
        assert_eq!(FILTER[place(tag) % 128] >> (place(tag) / 128) & 1, 0, "{tag}");
    }
}
