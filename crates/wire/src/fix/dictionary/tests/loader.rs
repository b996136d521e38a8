//! # Room card: wire/fix/dictionary/tests/loader
//! In:    dictionaries written here, right and wrong.
//! Out:   failures.
//! Holds: every fault is named with its line and element; bounds hold at, above and below.
//! Costs: well under a second.
use super::super::source::Source;
use super::*;

/// A dictionary of one header field and what is given.
fn xml(messages: &str, components: &str, fields: &str) -> String {
    format!(
        "<fix type='FIX' major='4' minor='4' servicepack='0'>
<header><field name='MsgType' required='Y'/></header>
<messages>{messages}</messages>
<trailer/>
<components>{components}</components>
<fields><field number='35' name='MsgType' type='STRING'/>{fields}</fields>
</fix>"
    )
}

fn field(number: u32, name: &str) -> String {
    format!("<field number='{number}' name='{name}' type='INT'/>")
}

fn fault(text: &str) -> (u32, String, DictionaryFault) {
    let error = Dictionary::from_xml(text).unwrap_err();
    assert!(!error.to_string().is_empty());
    (error.line, error.element, error.fault)
}

#[test]
fn components_in_components_are_expanded_where_they_stand() {
    let text = xml(
        "<message name='Order' msgtype='D' msgcat='app'>
          <field name='A' required='Y'/><component name='Outer' required='Y'/><component name='Loose' required='N'/>
          <field name='B' required='Y'/>
        </message>",
        "<component name='Outer'><field name='C' required='y'/><component name='Inner' required='Y'/></component>
        <component name='Inner'><group name='N' required='Y'><field name='D' required='Y'/><field name='E'/></group>
          <field name='F' required='N'/></component>
        <component name='Loose'><field name='F' required='Y'/><field name='A' required='N'/></component>",
        &["A", "B", "C", "D", "E", "F", "N"].iter().zip(1..).map(|(name, tag)| field(tag, name)).collect::<String>(),
    );
    let dictionary = Dictionary::from_xml(&text).unwrap();
    let order = dictionary.message(b"D").unwrap();
    let members: Vec<_> = order.members().map(|member| (member.field.name(), member.required)).collect();
    // F is required in Loose only, and Loose is not: nobody has to send it.
    assert_eq!(members, [("A", true), ("C", true), ("N", true), ("F", false), ("B", true)]);
    let group = order.group(7).unwrap();
    assert_eq!(
        group.members().map(|member| (member.field.tag(), member.required)).collect::<Vec<_>>(),
        [(4, true), (5, false)]
    );
}

#[test]
fn order_of_attributes_and_sections_and_strangers_do_not_matter() {
    let text = "\u{feff}<?xml version='1.0'?><!-- a comment -->
<fix minor='0' servicepack='2' major='5' other='x'>
  <fields><!-- --><field type='CHAR' name='Side' number='54'><value description='BUY' enum='1'/><value enum='&amp;'/>
    <note/></field><field type='STRANGE' number='70000' name='Far'/></fields>
  <messages><message msgtype='D' name='Order'><field required='Y' name='Far'/><note/></message></messages>
  <unknown/>
</fix>";
    let dictionary = Dictionary::from_xml(text).unwrap();
    assert_eq!(dictionary.version(), "FIX.5.0SP2");
    let side: Vec<_> = dictionary.field(54).unwrap().values().map(|value| (value.value, value.name)).collect();
    assert_eq!(side, [("&", ""), ("1", "BUY")]);
    let far = dictionary.field(70_000).unwrap();
    assert_eq!((far.name(), far.kind()), ("Far", FieldKind::Unknown));
    assert_eq!(dictionary.message(b"D").unwrap().category(), Category::Application);
    assert!(dictionary.message(b"D").unwrap().member(70_000).unwrap().required);
}

#[test]
fn faults_are_named_with_line_and_element() {
    let order = |members: &str| xml(&format!("\n\n<message name='O' msgtype='D'>{members}</message>"), "", "");
    let named = |text: &str| DictionaryFault::FieldUnknown(text.to_string());
    assert_eq!(fault(&order("<field name='Nobody'/>")), (5, "field".to_string(), named("Nobody")));
    let unknown = DictionaryFault::ComponentUnknown("Nobody".to_string());
    assert_eq!(fault(&order("<component name='Nobody'/>")), (5, "component".to_string(), unknown));
    let empty = DictionaryFault::GroupEmpty("MsgType".to_string());
    assert_eq!(fault(&order("<group name='MsgType'/>")), (5, "group".to_string(), empty));
    assert_eq!(fault(&order("<field/>")), (5, "field".to_string(), DictionaryFault::AttributeMissing("name")));
    let fields = |text: &str| fault(&xml("", "", &format!("\n{text}")));
    let twice = |text: &str| DictionaryFault::Twice(text.to_string());
    assert_eq!(fields("<field number='1' name='MsgType' type='INT'/>"), (7, "field".to_string(), twice("MsgType")));
    assert_eq!(fields("<field number='35' name='A' type='INT'/>"), (7, "field".to_string(), twice("35")));
    assert_eq!(fields("<field number='1' name='A'/>").2, DictionaryFault::AttributeMissing("type"));
    for number in ["0", "-1", "+1", "1.5", "", "x", "1000000000", "99999999999999999999"] {
        let value = number.to_string();
        let invalid = DictionaryFault::AttributeInvalid { attribute: "number", value };
        assert_eq!(fields(&format!("<field number='{number}' name='A' type='INT'/>")).2, invalid);
    }
    let value = |value: &str| fields(&format!("<field number='1' name='A' type='INT'>{value}</field>")).2;
    assert_eq!(value("<value/>"), DictionaryFault::AttributeMissing("enum"));
    let invalid = DictionaryFault::AttributeInvalid { attribute: "enum", value: String::new() };
    assert_eq!(value("<value enum=''/>"), invalid);
    let message = |text: &str| fault(&xml(text, "", "")).2;
    let pair = |second: &str| message(&format!("<message name='A' msgtype='B'/><message {second}/>"));
    assert_eq!(pair("name='A' msgtype='C'"), twice("A"));
    assert_eq!(pair("name='C' msgtype='B'"), twice("B"));
    assert!(matches!(pair("name='C' msgtype='123456789'"), DictionaryFault::AttributeInvalid { .. }));
    assert_eq!(fault(&xml("", "<component name='A'/><component name='A'/>", "")).2, twice("A"));
}

#[test]
fn what_is_no_dictionary_is_refused() {
    assert!(matches!(fault("").2, DictionaryFault::NotXml(_)));
    assert!(matches!(fault("<fix").2, DictionaryFault::NotXml(_)));
    assert_eq!(fault("<a>\n<b></a></b>").0, 2);
    // A document type could hold entities that grow without end.
    let document_type = "<!DOCTYPE fix [<!ENTITY a 'aaaa'>]><fix/>";
    assert!(matches!(fault(document_type).2, DictionaryFault::NotXml(_)));
    assert_eq!(fault("<fox major='4' minor='4'/>").2, DictionaryFault::NotADictionary);
    assert_eq!(fault("<fix type='FAX' major='4' minor='4'/>").2, DictionaryFault::NotADictionary);
    assert_eq!(fault("<fix type='FIX' major='4'/>").2, DictionaryFault::AttributeMissing("minor"));
    assert!(matches!(fault("<fix major='four' minor='4'/>").2, DictionaryFault::AttributeInvalid { .. }));
    assert_eq!(fault("<fix major='4' minor='4'/>").2, DictionaryFault::SectionMissing("fields"));
    assert_eq!(fault("<fix major='4' minor='4'><fields/></fix>").2, DictionaryFault::SectionMissing("header"));
    assert_eq!(fault("<fix major='5' minor='0'><fields/></fix>").2, DictionaryFault::SectionMissing("messages"));
    assert!(Dictionary::from_xml("<fix major='5' minor='0'><fields/><messages/></fix>").is_ok());
}

#[test]
fn what_contains_itself_is_refused() {
    let cycle = |components: &str| fault(&xml("", components, &field(1, "N"))).2;
    let named = |name: &str| DictionaryFault::Cycle(name.to_string());
    assert_eq!(cycle("<component name='A'><component name='A'/></component>"), named("A"));
    let two =
        "<component name='A'><component name='B'/></component><component name='B'><component name='A'/></component>";
    assert_eq!(cycle(two), named("A"));
    let by_group = "<component name='A'><group name='N'><component name='A'/></group></component>";
    assert_eq!(cycle(by_group), named("A"));
}

/// A chain of components, each in the one before.
fn chain(length: usize) -> String {
    let one = |i: usize| format!("<component name='C{i}'><component name='C{}'/></component>", i + 1);
    (1..length).map(one).collect::<String>() + &format!("<component name='C{length}'/>")
}

#[test]
fn nesting_has_a_bound() {
    let too_deep = DictionaryFault::TooDeep { max: DICTIONARY_DEPTH_MAX };
    assert!(Dictionary::from_xml(&xml("", &chain(DICTIONARY_DEPTH_MAX), "")).is_ok());
    assert_eq!(fault(&xml("", &chain(DICTIONARY_DEPTH_MAX + 1), "")).2, too_deep);
    // The other way round the inner ones are known before the outer ones.
    let reversed = |length: usize| {
        let one = |i: usize| format!("<component name='C{i}'><component name='C{}'/></component>", i - 1);
        "<component name='C1'/>".to_string() + &(2..=length).map(one).collect::<String>()
    };
    assert!(Dictionary::from_xml(&xml("", &reversed(DICTIONARY_DEPTH_MAX), "")).is_ok());
    assert_eq!(fault(&xml("", &reversed(DICTIONARY_DEPTH_MAX + 1), "")).2, too_deep);
    let groups = |depth: usize| {
        let (open, close) = ("<group name='N'>".repeat(depth), "</group>".repeat(depth));
        xml(&format!("<message name='M' msgtype='M'>{open}<field name='N'/>{close}</message>"), "", &field(1, "N"))
    };
    assert!(Dictionary::from_xml(&groups(DICTIONARY_DEPTH_MAX)).is_ok());
    assert_eq!(fault(&groups(DICTIONARY_DEPTH_MAX + 1)).2, too_deep);
    assert_eq!(fault(&groups(100_000)).2, too_deep);
}

#[test]
fn components_that_double_are_refused_before_they_fill_the_memory() {
    let one = |i: usize| {
        let inner = format!("<component name='C{}'/>", i + 1);
        format!("<component name='C{i}'>{inner}{inner}</component>")
    };
    let all: String = (1..60).map(one).collect::<String>() + "<component name='C60'><field name='N'/></component>";
    let text = xml("<message name='M' msgtype='M'><component name='C1'/></message>", &all, &field(1, "N"));
    let too_many = DictionaryFault::TooMany { what: "members", max: DICTIONARY_MEMBERS_MAX };
    assert_eq!(fault(&text).2, too_many);
}

#[test]
fn counts_have_bounds() {
    let mut source = Source::of("FIX.4.4".to_string());
    for tag in 1..=DICTIONARY_FIELDS_MAX {
        source.add_field(&tag.to_string(), &format!("F{tag}"), "INT").unwrap();
    }
    let too_many = |what, max| Err(DictionaryFault::TooMany { what, max });
    assert_eq!(source.add_field("70000", "G", "INT"), too_many("fields", DICTIONARY_FIELDS_MAX));
    for value in 0..DICTIONARY_VALUES_MAX {
        source.add_value(&value.to_string(), "").unwrap();
    }
    assert_eq!(source.add_value("x", ""), too_many("values", DICTIONARY_VALUES_MAX));
    for place in 0..DICTIONARY_MESSAGES_MAX {
        let (name, msg_type) = (format!("M{place}"), format!("m{place}"));
        source.add_message(&name, &msg_type, Category::Admin, Vec::new()).unwrap();
    }
    let above = source.add_message("N", "n", Category::Admin, Vec::new());
    assert_eq!(above, too_many("messages", DICTIONARY_MESSAGES_MAX));
    for place in 0..DICTIONARY_COMPONENTS_MAX {
        source.add_component(&format!("C{place}")).unwrap();
    }
    assert_eq!(source.add_component("D"), too_many("components", DICTIONARY_COMPONENTS_MAX));
    for _ in 0..DICTIONARY_MEMBERS_MAX {
        source.count_member().unwrap();
    }
    assert_eq!(source.count_member(), too_many("members", DICTIONARY_MEMBERS_MAX));
    let dictionary = resolve::dictionary(&source).unwrap();
    assert_eq!(dictionary.field(DICTIONARY_FIELDS_MAX as u32).unwrap().values().len(), DICTIONARY_VALUES_MAX);
    let last = format!("m{}", DICTIONARY_MESSAGES_MAX - 1);
    assert_eq!(dictionary.message(last.as_bytes()).unwrap().msg_type(), last);
    let long = "x".repeat(DICTIONARY_TEXT_BYTES_MAX);
    let mut source = Source::of("FIX.4.4".to_string());
    source.add_field("1", &long, "INT").unwrap();
    assert!(source.add_field("2", &(long + "x"), "INT").is_err() && source.add_field("2", "a\tb", "INT").is_err());
    let bytes = " ".repeat(DICTIONARY_XML_BYTES_MAX + 1);
    assert_eq!(fault(&bytes).2, DictionaryFault::TooMany { what: "bytes", max: DICTIONARY_XML_BYTES_MAX });
}

#[test]
fn damaged_tables_are_refused() {
    let table = FixVersion::Fix40.table();
    for length in [0, 1, table.len() / 2, table.len() - 1] {
        assert!(compact::unpack(&table[..length]).is_err(), "{length}");
    }
    let mut rng = types::rng::SplitMix64::new(7);
    for _ in 0..500 {
        let mut damaged = table.to_vec();
        let at = rng.below(damaged.len() as u64) as usize;
        damaged[at] ^= 1 << rng.below(8);
        // Most are refused; none does harm.
        let _ = compact::unpack(&damaged).and_then(|source| resolve::dictionary(&source));
    }
}
