//! # Room card: xtask/gen/layout
//! In:    the records of `types` as compiled, their docs as written.
//! Out:   byte offsets, record types, kinds, flags and states for TypeScript.
//! Holds: every field of a record is listed, in order and without a hole; a field the list lacks is an error here.
//! Costs: cold.
use std::fmt::Write;
use std::fs;
use std::mem::offset_of;
use std::path::Path;

use types::effect::EFFECT_HEADER_BYTES;
use types::event::{
    RECORD_BYTES, RECORD_COMMAND, RECORD_CONN, RECORD_CONTROL, RECORD_EVENT, RECORD_GAP, RECORD_HEADER_BYTES,
    RECORD_ORDER, RECORD_PADDING,
};
use types::limits::{
    COMMAND_BYTES_MAX, INPUT_BYTES_MAX, INSTRUMENTS_MAX, LEVELS_PER_MESSAGE_MAX, ORDERS_MAX, PRODUCERS_MAX,
};
use types::{
    Command, CommandKind, ConnId, ConnState, Control, EffectKind, Effects, Event, EventKind, Latest, OrderEvent,
    OrderEventKind, OrderState, Side, TimerId, UnixNanos, flag,
};

use super::{BANNER, camel, doc_comment};
use crate::source::{Item, const_items, enum_items, struct_items};

struct Field {
    name: &'static str,
    offset: usize,
    bytes: usize,
}

struct Record {
    name: &'static str,
    bytes: usize,
    fields: Vec<Field>,
}

fn bytes_of<R, F>(_: impl Fn(&R) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! record {
    ($record:ident: $($field:ident)*) => {
        Record {
            name: stringify!($record),
            bytes: size_of::<$record>(),
            fields: vec![$(Field {
                name: stringify!($field),
                offset: offset_of!($record, $field),
                bytes: bytes_of(|record: &$record| &record.$field),
            }),*],
        }
    };
}

macro_rules! constants { ($($name:ident)*) => { vec![$((stringify!($name), $name as u64)),*] }; }
macro_rules! flags { ($($name:ident)*) => { vec![$((stringify!($name), flag::$name as u64)),*] }; }

fn event() -> Record {
    record!(Event: length record sequence time kind flags instrument side detail code price quantity id exchange_time)
}

fn order_event() -> Record {
    record!(OrderEvent: length record sequence time kind flags instrument side state reason price quantity order_id
        client_id algo_id trader_id request filled last_price last_lots decision_time submission_time venue_ack_time
        fee)
}

fn command() -> Record {
    record!(Command: kind flags instrument side reserved client_id price quantity algo_id trader_id reserved_2 at id
        reserved_3)
}

fn latest() -> Record {
    record!(Latest: sequence time bid bid_lots ask ask_lots trade_price trade_lots trade_id trade_time sigma_bits
        samples position valid full trade_side trading closed reserved code reserved_2)
}

/// The list must be the struct: same names in the same order as written, no byte uncovered.
fn check_record(record: &Record, written: &[Item]) -> Result<(), String> {
    let listed: Vec<&str> = record.fields.iter().map(|field| field.name).collect();
    let names: Vec<&str> = written.iter().map(|item| item.name.as_str()).collect();
    if listed != names {
        return Err(format!("layout of {}: listed {listed:?}, written {names:?}", record.name));
    }
    let end = record.fields.iter().try_fold(0, |at, field| (field.offset == at).then_some(at + field.bytes));
    if end != Some(record.bytes) {
        return Err(format!("layout of {}: its fields leave a hole", record.name));
    }
    Ok(())
}

fn record_object(out: &mut String, record: &Record, source: &str) -> Result<(), String> {
    let written = struct_items(source, record.name);
    check_record(record, &written)?;
    let _ = writeln!(out, "/** Bytes and byte offsets of `{}`, little-endian. */", record.name);
    let _ = writeln!(
        out,
        "export const {}Layout = {{\n  /** Length of the whole. */\n  bytes: {},",
        record.name, record.bytes
    );
    for (field, item) in record.fields.iter().zip(&written).filter(|(field, _)| !field.name.starts_with("reserved")) {
        *out += &doc_comment("  ", &format!("{}: {}", item.detail, item.doc));
        let _ = writeln!(out, "  {}: {},", camel(field.name), field.offset);
    }
    *out += "} as const\n\n";
    Ok(())
}

/// Numbers of an enum found by asking the type itself, named as it names itself, documented as written.
fn enum_object(out: &mut String, name: &str, values: &[(u64, String)], source: &str) -> Result<(), String> {
    let written = enum_items(source, name);
    let named: Vec<&str> = values.iter().map(|(_, name)| name.as_str()).collect();
    if named != written.iter().map(|item| item.name.as_str()).collect::<Vec<_>>() {
        return Err(format!("values of {name}: found {named:?}, written {written:?}"));
    }
    let _ = writeln!(out, "/** Numbers of `{name}` in a record. */\nexport const {name} = {{");
    for ((number, value), item) in values.iter().zip(&written) {
        *out += &doc_comment("  ", &item.doc);
        let _ = writeln!(out, "  {value}: {number},");
    }
    let _ = writeln!(out, "}} as const\n\nexport type {name} = (typeof {name})[keyof typeof {name}]\n");
    Ok(())
}

fn constant_object(
    out: &mut String,
    name: &str,
    doc: &str,
    values: &[(&str, u64)],
    written: &[Item],
) -> Result<(), String> {
    if values.iter().map(|(name, _)| *name).ne(written.iter().map(|item| item.name.as_str())) {
        return Err(format!("constants of {name}: listed {values:?}, written {written:?}"));
    }
    *out += &doc_comment("", doc);
    let _ = writeln!(out, "export const {name} = {{");
    for ((constant, number), item) in values.iter().zip(written) {
        *out += &doc_comment("  ", &item.doc);
        let _ = writeln!(out, "  {constant}: {number},");
    }
    *out += "} as const\n\n";
    Ok(())
}

fn ask<K: std::fmt::Debug>(from: impl Fn(u8) -> Option<K>) -> Vec<(u64, String)> {
    (0..=255).filter_map(|byte| from(byte).map(|kind| (byte as u64, format!("{kind:?}")))).collect()
}

fn command_kind(byte: u8) -> Option<CommandKind> {
    let mut bytes = [0; size_of::<Command>()];
    bytes[offset_of!(Command, kind)] = byte;
    bytes[offset_of!(Command, side)] = Side::Buy as u8;
    bytes[offset_of!(Command, client_id)] = 1;
    Command::decode(&bytes).ok().map(|(kind, _, _)| kind)
}

/// Kinds of effect, in the order of their numbers; a new one does not compile here until it is listed.
fn effect_kinds() -> Vec<(u64, String)> {
    let listed = [EffectKind::Send, EffectKind::Event, EffectKind::Order, EffectKind::Timer];
    let known = |kind: &EffectKind| match kind {
        EffectKind::Send | EffectKind::Event | EffectKind::Order | EffectKind::Timer => *kind as u64,
    };
    listed.iter().map(|kind| (known(kind), format!("{kind:?}"))).collect()
}

/// Offsets of the canonical effect header, found by looking at an effect with telling values.
fn effect_header(out: &mut String) -> Result<(), String> {
    let (conn, length, now) = (0xabcd_u16, 0x0201_u32, 0x1817_1615_1413_1211_u64);
    let mut effects = Effects::new();
    effects.begin(UnixNanos(now));
    effects.send(ConnId(conn), &vec![0; length as usize]);
    let header = &effects.bytes()[..EFFECT_HEADER_BYTES];
    let find = |what: &str, bytes: &[u8]| {
        let places: Vec<usize> = (0..header.len()).filter(|&at| header[at..].starts_with(bytes)).collect();
        match places[..] {
            [at] => Ok(at),
            _ => Err(format!("effect header: {what} found at {places:?}")),
        }
    };
    *out +=
        "/** Bytes and byte offsets of the header before each canonical effect; its payload is padded to 8 bytes. */\n";
    let _ = writeln!(
        out,
        "export const EffectHeaderLayout = {{\n  /** Length of the header. */\n  bytes: {EFFECT_HEADER_BYTES},"
    );
    let kind = (EffectKind::Send as u16).to_le_bytes();
    // The length's low bytes must not look like the kind's: 1, 0 against 1, 2.
    for (name, doc, at) in [
        ("kind", "u16: an `EffectKind`.", find("kind", &kind)?),
        ("connection", "u16: where to, for Send; else 0.", find("connection", &conn.to_le_bytes())?),
        ("length", "u32: bytes of the payload before padding.", find("length", &length.to_le_bytes())?),
        ("time", "u64: time of the turn, Unix ns.", find("time", &now.to_le_bytes())?),
    ] {
        let _ = writeln!(out, "  /** {doc} */\n  {name}: {at},");
    }
    *out += "} as const\n\n";
    Ok(())
}

fn record_types(out: &mut String, source: &str) -> Result<(), String> {
    let values: Vec<(&str, u64)> = constants!(RECORD_EVENT RECORD_ORDER RECORD_COMMAND RECORD_BYTES RECORD_CONN
        RECORD_CONTROL RECORD_GAP RECORD_PADDING RECORD_HEADER_BYTES);
    let written: Vec<Item> = const_items(source).into_iter().filter(|item| item.name.starts_with("RECORD_")).collect();
    let doc = "Types of a record in a ring, and the bytes of the ring's header before each.";
    constant_object(out, "record", doc, &values, &written)
}

fn limits(out: &mut String, source: &str) -> Result<(), String> {
    let values: Vec<(&str, u64)> =
        constants!(INSTRUMENTS_MAX LEVELS_PER_MESSAGE_MAX INPUT_BYTES_MAX ORDERS_MAX PRODUCERS_MAX COMMAND_BYTES_MAX);
    let listed = |item: &Item| values.iter().any(|(name, _)| *name == item.name);
    let written: Vec<Item> = const_items(source).into_iter().filter(listed).collect();
    constant_object(out, "limits", "Named bounds of the core that a caller can meet.", &values, &written)
}

pub fn typescript(root: &Path) -> Result<String, String> {
    let read = |name: &str| {
        let path = root.join("crates/types/src").join(name);
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let (events, orders, commands) = (read("event.rs")?, read("order.rs")?, read("command.rs")?);
    let (inputs, effects, numbers) = (read("input.rs")?, read("effect.rs")?, read("num.rs")?);
    let mut out = format!("// {BANNER}\n\n");
    record_object(&mut out, &event(), &events)?;
    record_object(&mut out, &order_event(), &orders)?;
    record_object(&mut out, &command(), &commands)?;
    record_object(&mut out, &latest(), &read("latest.rs")?)?;
    effect_header(&mut out)?;
    record_types(&mut out, &events)?;
    let flag_items: Vec<Item> =
        const_items(&events).into_iter().filter(|item| !item.name.starts_with("RECORD_")).collect();
    let flags = flags!(LAST SNAPSHOT POST_ONLY REDUCE_ONLY TAKER IOC);
    constant_object(&mut out, "flag", "Bits of `flags` in events, order events and commands.", &flags, &flag_items)?;
    let all = types::command::ALL_INSTRUMENTS;
    let _ =
        writeln!(out, "/** Flag of a CancelAll command: every instrument. */\nexport const ALL_INSTRUMENTS = {all}\n");
    enum_object(&mut out, "EventKind", &ask(EventKind::from_u8), &events)?;
    enum_object(&mut out, "OrderEventKind", &ask(OrderEventKind::from_u8), &orders)?;
    enum_object(&mut out, "OrderState", &ask(OrderState::from_u8), &orders)?;
    enum_object(&mut out, "CommandKind", &ask(command_kind), &commands)?;
    enum_object(&mut out, "EffectKind", &effect_kinds(), &effects)?;
    enum_object(&mut out, "ConnState", &ask(ConnState::from_u8), &inputs)?;
    enum_object(&mut out, "Control", &ask(Control::from_u8), &inputs)?;
    enum_object(&mut out, "Side", &ask(Side::from_u8), &numbers)?;
    limits(&mut out, &read("limits.rs")?)?;
    let first = TimerId::FIRST_USER.0;
    let _ = writeln!(out, "/** The first timer id a strategy may use; smaller ones belong to the engine. */");
    let _ = writeln!(out, "export const TIMER_ID_FIRST_USER = {first}");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_the_written_layout() {
        let text = typescript(&crate::root()).unwrap();
        // By hand from the docs of the records.
        for line in ["  exchangeTime: 56,", "  venueAckTime: 112,", "  fee: 120,", "  connection: 2,", "  Quote: 12,"] {
            assert!(text.contains(line), "{line}");
        }
        assert!(!text.contains("reserved"));
    }

    #[test]
    fn a_forgotten_or_swapped_field_is_an_error() {
        let source = fs::read_to_string(crate::root().join("crates/types/src/event.rs")).unwrap();
        let written = struct_items(&source, "Event");
        check_record(&event(), &written).unwrap();
        let mut record = event();
        record.fields.pop();
        assert!(check_record(&record, &written).is_err());
        assert!(check_record(&record, &written[..written.len() - 1]).unwrap_err().contains("hole"));
    }
}
