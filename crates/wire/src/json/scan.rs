//! # Room card: wire/json/scan
//! In:    bytes that should be JSON.
//! Out:   strings and whole values as slices of the message, each checked against the grammar (RFC 8259).
//! Holds: no recursion; nesting is bounded; nothing is copied or unescaped.
//! Costs: about 1 ns a byte; only messages in an unusual order come here.
use types::Code;

use super::number::load8;

/// Deepest nesting of a value that is read; a deeper one is refused.
pub const NESTING_MAX: u32 = 64;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Index of the first byte that ends or interrupts plain text: a quote, a backslash, a control character, a byte over
/// 127.
/// The length of `rest` when there is none.
#[inline(always)]
pub(super) fn plain_length(rest: &[u8]) -> usize {
    let mut length = 0;
    while let Some(tail) = rest.get(length..).filter(|tail| !tail.is_empty()) {
        let word = load8(tail);
        let quote = word ^ (LOW_BITS * b'"' as u64);
        let backslash = word ^ (LOW_BITS * b'\\' as u64);
        // Borrows run upwards only, so the lowest bit set is exact; zeros after the end count as control characters.
        let stops = (quote.wrapping_sub(LOW_BITS)
            | backslash.wrapping_sub(LOW_BITS)
            | word.wrapping_sub(LOW_BITS * 0x20)
            | word)
            & HIGH_BITS;
        if stops != 0 {
            return length + (stops.trailing_zeros() >> 3) as usize;
        }
        length += 8;
    }
    rest.len()
}

/// A place in a message.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// What is left of the message.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// Goes on at `rest`, which is an end of `self.rest()`.
    #[inline(always)]
    pub(super) fn advance_to(&mut self, rest: &[u8]) {
        self.at = self.bytes.len().saturating_sub(rest.len());
    }

    #[inline(always)]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes `byte` if it is next.
    #[inline(always)]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += there as usize;
        there
    }

    /// Takes `byte`, or the message is malformed.
    #[inline(always)]
    pub(super) fn need(&mut self, byte: u8) -> Result<(), Code> {
        if self.eat(byte) { Ok(()) } else { Err(Code::JsonMalformed) }
    }

    /// Only white space is left.
    pub(super) fn need_end(&mut self) -> Result<(), Code> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Code::JsonMalformed) }
    }

    /// A string; what stands between its quotes, escapes left as they are.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<&'a [u8], Code> {
        self.need(b'"')?;
        let start = self.at;
        loop {
            self.at += plain_length(self.rest());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.bytes[start..self.at - 1]);
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return Err(Code::JsonMalformed),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Code> {
        let tail = self.bytes.get(self.at + 1..).unwrap_or(&[]);
        self.at += match tail {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => 6,
            _ => return Err(Code::JsonMalformed),
        };
        Ok(())
    }

    /// A key and its colon, up to the value.
    pub(super) fn key(&mut self) -> Result<&'a [u8], Code> {
        let key = self.string()?;
        self.skip_space();
        self.need(b':')?;
        self.skip_space();
        Ok(key)
    }

    fn literal(&mut self, text: &[u8]) -> Result<(), Code> {
        if !self.bytes[self.at..].starts_with(text) {
            return Err(Code::JsonMalformed);
        }
        self.at += text.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Code> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Code::JsonMalformed) }
    }

    fn number(&mut self) -> Result<(), Code> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// Any value, whole. One loop with one bit a level (object or array) in place of recursion.
    pub(super) fn value(&mut self) -> Result<&'a [u8], Code> {
        let start = self.at;
        let (mut depth, mut objects) = (0u32, 0u64);
        loop {
            let opens = self.peek().ok_or(Code::JsonMalformed)?;
            match opens {
                b'{' | b'[' => {
                    self.at += 1;
                    self.skip_space();
                    // '}' and ']' stand two places after '{' and '['.
                    if !self.eat(opens + 2) {
                        if depth == NESTING_MAX {
                            return Err(Code::JsonMalformed);
                        }
                        depth += 1;
                        objects = objects << 1 | (opens == b'{') as u64;
                        if opens == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            while depth > 0 {
                let in_object = objects & 1 == 1;
                self.skip_space();
                if self.eat(b',') {
                    self.skip_space();
                    if in_object {
                        self.key()?;
                    }
                    break;
                }
                self.need(if in_object { b'}' } else { b']' })?;
                (depth, objects) = (depth - 1, objects >> 1);
            }
            // Either the value is closed, or a comma says that another one follows inside it.
            if depth == 0 {
                return Ok(&self.bytes[start..self.at]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &[u8]) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        cursor.value().is_ok() && cursor.need_end().is_ok()
    }

    #[test]
    fn plain_length_equals_the_byte_loop() {
        let mut rng = types::rng::SplitMix64::new(3);
        for _ in 0..200_000 {
            let mut text: Vec<u8> = (0..rng.below(30)).map(|_| 0x20 + rng.below(0x60) as u8).collect();
            for _ in 0..rng.below(3) {
                if !text.is_empty() {
                    let place = rng.below(text.len() as u64) as usize;
                    text[place] = b"\"\\\x00\x1f\x80\xff\x7f!#["[rng.below(10) as usize];
                }
            }
            let stop = |&byte: &u8| byte == b'"' || byte == b'\\' || !(0x20..0x80).contains(&byte);
            let expected = text.iter().position(stop).unwrap_or(text.len());
            assert_eq!(plain_length(&text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn grammar() {
        for good in [
            "0",
            "-0",
            "-1.5e+10",
            "1E5",
            "true",
            "false",
            "null",
            "\"\"",
            "[]",
            "{}",
            " [ ] ",
            "{ \"a\" : [ 1 , { } , \"x\" ] }",
            r#""\"\\\/\b\f\n\r\t\u00e9é""#,
            "[[[]],{\"k\":{\"l\":[]}}]",
            "\t1\r\n",
        ] {
            assert!(valid(good.as_bytes()), "{good}");
            assert!(serde_json::from_str::<serde_json::Value>(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "{",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1]",
            "[1}",
            "1 2",
            "{}{}",
            "[1 2]",
            "'a'",
            "NaN",
        ] {
            assert!(!valid(bad.as_bytes()), "{bad}");
            assert!(serde_json::from_str::<serde_json::Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        // The innermost empty pair opens no level of its own.
        assert!(valid(&nested(NESTING_MAX as usize + 1)));
        assert!(!valid(&nested(NESTING_MAX as usize + 2)));
        assert!(!valid(&nested(1_000_000)));
    }
}
