//! # Room card: xtask/gen/codes
//! In:    `types::Code`, `types::Parameter`, `types::LimitBreach`.
//! Out:   the union of code names and their table in TypeScript; the table of the docs.
//! Holds: every code once, by number.
//! Costs: cold.
use types::{Code, LimitBreach, Parameter};

use super::{BANNER, quoted};

fn rooms() -> Vec<&'static str> {
    let mut rooms: Vec<&str> = Vec::new();
    for code in Code::ALL {
        if !rooms.contains(&code.room()) {
            rooms.push(code.room());
        }
    }
    rooms
}

pub fn typescript() -> String {
    let union = |names: Vec<&str>| names.iter().map(|name| format!("\n  | {}", quoted(name))).collect::<String>();
    let names = Code::ALL.iter().map(|code| code.name()).collect();
    let mut out = format!("// {BANNER}\n\n");
    out += &format!(
        "/** Name of a reject or fault. Users match on it, never on a message. */\nexport type Code ={}\n\n",
        union(names)
    );
    out += &format!("/** The room a code comes from. */\nexport type CodeRoom ={}\n\n", union(rooms()));
    out += "/** What is known of a code. */\nexport interface CodeEntry {\n";
    out += "  readonly name: Code\n  readonly room: CodeRoom\n  /** What it means. */\n  readonly doc: string\n}\n\n";
    out += "/** The code of a record's number. */\n";
    out += "export const codeTable: { readonly [number: number]: CodeEntry | undefined } = {\n";
    for code in Code::ALL {
        let (name, room, doc) = (quoted(code.name()), quoted(code.room()), quoted(code.doc()));
        out += &format!("  {}: {{ name: {name}, room: {room}, doc: {doc} }},\n", *code as u16);
    }
    out += "}\n\n/** The number of a code in a record. */\n";
    out += "export const codeNumber: { readonly [name in Code]: number } = {\n";
    for code in Code::ALL {
        out += &format!("  {}: {},\n", code.name(), *code as u16);
    }
    out += "}\n\n/** Names of a quoter's parameters by the number in a refusal. */\n";
    out += "export const PARAMETER_NAMES: { readonly [number: number]: string | undefined } = {\n";
    for (number, name) in Parameter::PARAMETER_NAMES {
        out += &format!("  {number}: {},\n", quoted(name));
    }
    out += "}\n\n/** Which limit a refused parameter did not keep, by the number in a refusal less one. */\n";
    let breaches = LimitBreach::BREACH_NAMES.map(quoted).join(", ");
    out + &format!("export const BREACH_NAMES = [{breaches}] as const\n")
}

pub fn markdown() -> String {
    let mut out = format!("<!-- {BANNER} -->\n\n# Codes\n\n");
    out += "Every reject and fault has one number and one name, the same in Rust, in a record and in TypeScript. ";
    out += "Match on `code`.\n";
    for room in rooms() {
        out += &format!("\n## {room}\n\n| number | code | meaning |\n| ---: | --- | --- |\n");
        for code in Code::ALL.iter().filter(|code| code.room() == room) {
            out += &format!("| {} | `{}` | {} |\n", *code as u16, code.name(), code.doc().replace('|', "\\|"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_both_tables() {
        let (ts, md) = (typescript(), markdown());
        for code in Code::ALL {
            assert!(ts.contains(&format!("\n  {}: {{ name: '{}', ", *code as u16, code.name())), "{code:?}");
            assert!(md.contains(&format!("| {} | `{}` |", *code as u16, code.name())), "{code:?}");
        }
    }
}
