use super::*;

#[test]
fn rust_comments_and_strings_are_blanked_in_place() {
    let text =
        "let a = \"x // {\"; // note {\nlet b = r#\"} \"# ; /* a /* b */ c */ let c = '{'; fn f<'a>(x: &'a u8) {}\n";
    let code = scrub(text, Language::Rust, Blank::CommentsAndStrings);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.lines().count(), 2);
    assert_eq!(code.matches('{').count(), 1, "{code}");
    assert!(code.contains("fn f<'a>(x: &'a u8) {}"), "{code}");
    let kept = scrub(text, Language::Rust, Blank::Comments);
    assert!(kept.contains("\"x // {\"") && !kept.contains("note") && !kept.contains("a /*"));
    let bytes = scrub(
        "let q = b\"\\\"{\"; let c = 'é'; let d = b'{'; let e = '\\''; {",
        Language::Rust,
        Blank::CommentsAndStrings,
    );
    assert_eq!(bytes.matches('{').count(), 1, "{bytes}");
}

#[test]
fn typescript_strings_templates_and_regexes_are_blanked_in_place() {
    let text =
        "const a = `{${f({ b: '}' })}{`; // {\nconst r = /[/{]\\/{/.test(x) / 2; const s = \"{\"\nif (x) return /{/;\n";
    let code = scrub(text, Language::TypeScript, Blank::CommentsAndStrings);
    assert_eq!(code.len(), text.len());
    let (open, close) = (code.matches('{').count(), code.matches('}').count());
    assert_eq!((open, close), (2, 2), "{code}");
    assert!(code.contains(".test(x) / 2;"));
}

#[test]
fn items_carry_their_docs() {
    let text = concat!(
        "/// Doc of it.\npub struct Thing {\n    /// First,\n    /// second line.\n    pub a: u32,\n",
        "    #[x]\n    /// B.\n    pub b: [u8; 3],\n}\n",
        "pub enum Kind {\n    /// One.\n    One = 1,\n}\nimpl Kind {\n    pub const IGNORED: u8 = 2;\n}\n",
        "/// C.\npub const C: u64 = 7;\n",
    );
    let fields = struct_items(text, "Thing");
    assert_eq!(fields.len(), 2);
    assert_eq!((fields[0].name.as_str(), fields[0].doc.as_str()), ("a", "First,\nsecond line."));
    assert_eq!((fields[1].name.as_str(), fields[1].detail.as_str()), ("b", "[u8; 3]"));
    assert_eq!(enum_items(text, "Kind")[0].doc, "One.");
    let constants = const_items(text);
    assert_eq!(constants, [Item { name: "C".into(), doc: "C.".into(), detail: "7".into() }]);
}

#[test]
fn function_lengths_are_counted() {
    let text =
        "fn a(x: [u8; 3]) -> u8\nwhere\n    u8: Copy,\n{\n    1\n}\ntrait T {\n    fn b();\n}\nconst F: fn(u8) = g;\n";
    let functions = rust_functions(text);
    assert_eq!(functions, [Function { name: "a".into(), line: 1, lines: 6 }]);
    let text = "export function a(x: number): Promise<void> {\n  if (x) {\n    y()\n  }\n}\n\
                const b = (x) => {\n  z()\n}\n\
                class C {\n  get d(): number {\n    return 1\n  }\n}\nfor (const e of f()) {\n}\nconst g = { h: 1 }\n";
    let found: Vec<_> = typescript_functions(text).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("a".into(), 1, 5), ("arrow function".into(), 6, 3), ("d".to_string(), 10, 3)]);
}
