//! Order entry of the test's venue: FIX by hand.
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Resting, Shared, Stream};

/// A FIX message by hand.
fn fix(msg_type: &str, sequence: u64, fields: &str) -> Vec<u8> {
    let body = format!("35={msg_type}|49=BINANCE|56=FAFNIR|34={sequence}|52=20240808-10:00:00.000|{fields}");
    let text = format!("8=FIX.4.4|9={}|{body}", body.len()).replace('|', "\x01");
    let sum = text.bytes().map(u64::from).sum::<u64>() % 256;
    format!("{text}10={sum:03}\x01").into_bytes()
}

/// The whole messages at the start of `bytes`, as fields; what is left stays.
fn take_messages(bytes: &mut Vec<u8>) -> Vec<BTreeMap<u32, String>> {
    let mut messages = Vec::new();
    while let Some(at) = bytes.windows(4).position(|window| window == b"\x0110=") {
        let Some(end) = bytes[at + 4..].iter().position(|&byte| byte == 1).map(|end| at + 5 + end) else { break };
        let message: Vec<u8> = bytes.drain(..end).collect();
        let text = String::from_utf8(message).unwrap();
        let sum = text[..text.len() - 7].bytes().map(u64::from).sum::<u64>() % 256;
        assert!(text.ends_with(&format!("10={sum:03}\x01")), "checksum of {text}");
        let field = |field: &str| field.split_once('=').map(|(tag, value)| (tag.parse().unwrap(), value.to_string()));
        messages.push(text.split('\x01').filter_map(field).collect());
    }
    messages
}

struct Desk {
    /// Number of its logon; a later one ends the session of this.
    logon: u64,
    stream: Stream,
    shared: Shared,
    /// ExecIDs.
    number: u64,
    closed: bool,
}

pub fn serve(stream: Stream, shared: Shared) {
    let connection = {
        let mut seen = shared.seen();
        seen.orders_connections += 1;
        seen.orders_connections
    };
    let mut desk = Desk { logon: 0, stream, shared: shared.clone(), number: 0, closed: false };
    let (mut bytes, mut chunk, mut chatted) = (Vec::new(), [0; 4_096], Instant::now());
    while !shared.stopped() && !shared.faults.drop_orders.load(Ordering::Relaxed) && !desk.closed {
        if shared.faults.deaf_through.load(Ordering::Relaxed) >= connection {
            if shared.faults.chatty.load(Ordering::Relaxed) && chatted.elapsed() > Duration::from_millis(200) {
                chatted = Instant::now();
                desk.send("0", "");
            }
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        match desk.stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => bytes.extend(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => return,
        }
        for message in take_messages(&mut bytes) {
            desk.on_message(&message);
        }
    }
}

impl Desk {
    fn send(&mut self, msg_type: &str, fields: &str) {
        if !self.shared.faults.mute.load(Ordering::Relaxed) {
            let mut seen = self.shared.seen();
            let message = fix(msg_type, seen.next_out, fields);
            // Of a session that has ended nothing counts.
            seen.next_out += (self.logon == seen.logons) as u64;
            drop(seen);
            let _ = self.stream.write_all(&message).and_then(|()| self.stream.flush());
        }
    }

    /// The numbers of a message; `false` when it is not to be looked at.
    fn in_order(&mut self, message: &BTreeMap<u32, String>) -> bool {
        let field = |tag: u32| message.get(&tag).cloned().unwrap_or_default();
        let (msg_type, keeps) = (field(35), self.shared.faults.keeps_numbers.load(Ordering::Relaxed));
        let sequence: u64 = field(34).parse().unwrap();
        let mut seen = self.shared.seen.lock().unwrap();
        if msg_type != "A" && self.logon != seen.logons {
            seen.late.push(msg_type);
            return false;
        }
        seen.types.push(msg_type.clone());
        if msg_type == "A" {
            let resets = field(141) == "Y";
            seen.logons += 1;
            seen.logon_numbers.push((sequence, resets));
            self.logon = seen.logons;
            if self.shared.faults.refused_logons.load(Ordering::Relaxed) > 0 {
                self.shared.faults.refused_logons.fetch_sub(1, Ordering::Relaxed);
                drop(seen);
                self.send("5", "58=not today|");
                self.closed = true;
                return false;
            }
            if !keeps || resets || seen.next_in == 0 {
                // Our answer resets the numbers (141=Y): the logon counts as 1.
                (seen.next_in, seen.next_out) = (2, 1);
                drop(seen);
                self.send("A", &format!("98=0|108={}|141=Y|", field(108)));
                return false;
            }
            drop(seen);
            self.send("A", &format!("98=0|108={}|", field(108)));
            seen = self.shared.seen.lock().unwrap();
        }
        if keeps && msg_type == "4" && field(123) == "Y" {
            assert!(sequence <= seen.next_in, "a gap fill from {sequence}, {} expected", seen.next_in);
            seen.next_in = field(36).parse().unwrap();
            return false;
        }
        if keeps && sequence > seen.next_in {
            let missing = seen.next_in;
            drop(seen);
            self.send("2", &format!("7={missing}|16=0|"));
            return false;
        }
        if sequence != seen.next_in {
            let what = format!("expected {} got {sequence} {msg_type}", seen.next_in);
            seen.bad_sequence.push(what);
        }
        seen.next_in = sequence + 1;
        true
    }

    fn on_message(&mut self, message: &BTreeMap<u32, String>) {
        if !self.in_order(message) {
            return;
        }
        let field = |tag: u32| message.get(&tag).cloned().unwrap_or_default();
        let msg_type = field(35);
        match msg_type.as_str() {
            "1" => self.send("0", &format!("112={}|", field(112))),
            "5" => {
                self.shared.seen().logouts += 1;
                self.send("5", "");
            }
            "D" => self.on_new(&field(11), Resting { side: field(54), price: field(44), quantity: field(38) }),
            "F" => self.on_cancel(&field(11), &field(41)),
            "G" => self.on_replace(&field(11), &field(41), &field(44), &field(38)),
            "q" => {
                let all = core::mem::take(&mut self.shared.seen().resting);
                for (id, order) in &all {
                    self.report("4", "4", id, "", order);
                }
                self.send("r", &format!("11={}|37=1|530=7|531=7|533={}|", field(11), all.len()));
            }
            "AN" => {
                let fields = "581=1|55=FAFUSDT|730=0|731=1|734=0|702=1|703=TQ|704=0|705=0|";
                self.send("AP", &format!("721=1|710={}|728=0|715=20240808|1={}|{fields}", field(710), field(1)));
            }
            "H" => {
                let known = self.shared.seen().resting.get(&field(11)).cloned();
                match known {
                    Some(order) => self.report("I", "0", &field(11), "", &order),
                    None => {
                        let fields = "17=0|150=I|39=8|103=5|55=FAFUSDT|54=1|151=0|14=0|6=0|58=VENUE_UNKNOWN_ORDER|";
                        self.send("8", &format!("37=NONE|11={}|{fields}", field(11)));
                    }
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, kind: &str, state: &str, id: &str, orig: &str, order: &Resting) {
        self.number += 1;
        let orig = if orig.is_empty() { String::new() } else { format!("41={orig}|") };
        let leaves = if state == "4" { "0" } else { &order.quantity };
        self.send(
            "8",
            &format!(
                "37=7|11={id}|{orig}17={}|150={kind}|39={state}|55=FAFUSDT|54={}|38={}|40=2|44={}|59=1|\
                 151={leaves}|14=0|6=0|60=20240808-10:00:00.000|",
                self.number, order.side, order.quantity, order.price,
            ),
        );
    }

    fn on_new(&mut self, id: &str, order: Resting) {
        let mut seen = self.shared.seen();
        assert!(!seen.news.iter().any(|known| known == id), "{id} came twice");
        seen.news.push(id.to_string());
        seen.resting.insert(id.to_string(), order.clone());
        drop(seen);
        self.report("0", "0", id, "", &order);
    }

    fn on_cancel(&mut self, id: &str, orig: &str) {
        let mut seen = self.shared.seen();
        seen.cancels.push((orig.to_string(), Instant::now()));
        let known = seen.resting.remove(orig);
        drop(seen);
        match known {
            Some(order) => self.report("4", "4", id, orig, &order),
            None => self.send("9", &format!("37=NONE|11={id}|41={orig}|39=8|434=1|102=1|")),
        }
    }

    fn on_replace(&mut self, id: &str, orig: &str, price: &str, quantity: &str) {
        let known = self.shared.seen().resting.remove(orig);
        match known {
            Some(order) => {
                let order = Resting { price: price.into(), quantity: quantity.into(), ..order };
                self.shared.seen().resting.insert(id.to_string(), order.clone());
                self.report("5", "0", id, orig, &order);
            }
            None => self.send("9", &format!("37=NONE|11={id}|41={orig}|39=8|434=2|102=1|")),
        }
    }
}
