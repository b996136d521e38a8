//! # Room card: wire/fix/dictionary/tests
//! In:    the built-in dictionaries; small ones written here; QuickFIX's and Binance's files where they are at hand.
//! Out:   failures.
//! Holds: counts are facts counted by a script from the XML files, not by this code.
//! Costs: under a second.
use super::*;

mod differential;
mod groups;
mod loader;
mod naive;
mod refusals;
pub(super) mod sample;

/// Counted by a Python script (xml.etree) from QuickFIX's files: fields, values, messages, of them administrative,
/// members of message bodies once components are expanded, of them required, groups written down, their members,
/// members of header and trailer.
const COUNTS: [(FixVersion, [usize; 9]); 9] = [
    (FixVersion::Fix40, [138, 235, 27, 7, 330, 96, 6, 28, 21]),
    (FixVersion::Fix41, [206, 342, 28, 7, 513, 97, 10, 66, 25]),
    (FixVersion::Fix42, [405, 629, 46, 7, 885, 142, 38, 549, 30]),
    (FixVersion::Fix43, [635, 1_198, 68, 8, 2_336, 206, 76, 1_436, 31]),
    (FixVersion::Fix44, [912, 1_708, 93, 8, 4_793, 311, 93, 2_138, 30]),
    (FixVersion::Fix50, [1_090, 2_326, 93, 0, 6_357, 273, 106, 2_849, 0]),
    (FixVersion::Fix50Sp1, [1_373, 2_640, 105, 0, 8_131, 285, 137, 3_499, 0]),
    (FixVersion::Fix50Sp2, [6_028, 5_565, 156, 0, 25_756, 354, 561, 15_462, 0]),
    (FixVersion::Fixt11, [71, 56, 8, 8, 43, 8, 2, 6, 33]),
];

fn counts(dictionary: &Dictionary) -> [usize; 9] {
    let bodies = || dictionary.messages().flat_map(|message| message.members());
    [
        dictionary.fields().len(),
        dictionary.fields().map(|field| field.values().len()).sum(),
        dictionary.messages().len(),
        dictionary.messages().filter(|message| message.category() == Category::Admin).count(),
        bodies().count(),
        bodies().filter(|member| member.required).count(),
        dictionary.groups.len(),
        dictionary.groups.iter().map(|group| group.members.slice(&dictionary.members).len()).sum(),
        dictionary.header().len() + dictionary.trailer().len(),
    ]
}

#[test]
fn built_in_dictionaries_have_what_their_files_have() {
    for (version, expected) in COUNTS {
        assert_eq!(counts(&version.dictionary()), expected, "{}", version.name());
    }
}

#[test]
fn names_and_numbers_lead_to_each_other() {
    for version in FixVersion::ALL {
        let dictionary = version.dictionary();
        for field in dictionary.fields() {
            assert_eq!(dictionary.field(field.tag()).unwrap().name(), field.name());
            assert_eq!(dictionary.field_named(field.name()).unwrap().tag(), field.tag());
            for value in field.values() {
                assert_eq!(field.value_name(value.value.as_bytes()), Some(value.name));
            }
        }
        for message in dictionary.messages() {
            assert_eq!(dictionary.message(message.msg_type().as_bytes()).unwrap().name(), message.name());
            assert_eq!(dictionary.message_named(message.name()).unwrap().msg_type(), message.msg_type());
        }
        for stranger in [0, 4_999, 65_535, 65_536, 999_999_999, u32::MAX] {
            assert!(dictionary.field(stranger).is_none());
        }
        assert!(dictionary.field_named("Clordid").is_none() && dictionary.message_named("").is_none());
        for stranger in ["", "*", "AAAAAAAA", "AAAAAAAAA"] {
            assert!(dictionary.message(stranger.as_bytes()).is_none());
        }
    }
}

#[test]
fn fix44_says_what_the_standard_says() {
    let dictionary = FixVersion::Fix44.dictionary();
    assert_eq!(dictionary.version(), "FIX.4.4");
    let side = dictionary.field(54).unwrap();
    assert_eq!((side.name(), side.kind(), side.value_name(b"1")), ("Side", FieldKind::Char, Some("BUY")));
    assert_eq!((side.value_named("SELL"), side.value_named("sell"), side.value_name(b"")), (Some("2"), None, None));
    let order = dictionary.message(b"D").unwrap();
    assert_eq!((order.name(), order.category()), ("NewOrderSingle", Category::Application));
    assert_eq!(dictionary.message(b"A").unwrap().category(), Category::Admin);
    let required: Vec<u32> = order.members().filter(|member| member.required).map(|m| m.field.tag()).collect();
    assert_eq!(required, [11, 54, 60, 40]);
    // Instrument's Symbol is there by way of the component.
    assert!(order.member(55).is_some() && order.member(37).is_none());
    let parties = order.group(453).unwrap();
    assert_eq!(parties.delimiter(), 448);
    let members: Vec<&str> = parties.members().map(|member| member.field.name()).collect();
    assert_eq!(members, ["PartyID", "PartyIDSource", "PartyRole", "NoPartySubIDs"]);
    assert_eq!(parties.group(802).unwrap().delimiter(), 523);
    assert!(order.group(11).is_none() && order.group(1).is_none());
    let header: Vec<u32> = dictionary.header().filter(|member| member.required).map(|m| m.field.tag()).collect();
    assert_eq!(header, [8, 9, 35, 49, 56, 34, 52]);
    assert_eq!(
        dictionary.trailer().map(|member| member.field.name()).collect::<Vec<_>>(),
        ["SignatureLength", "Signature", "CheckSum"]
    );
}

#[test]
fn versions_have_names_and_appl_ver_ids() {
    for (version, appl_ver_id) in FixVersion::ALL.into_iter().zip(b'2'..=b'9') {
        assert_eq!(FixVersion::of_appl_ver_id(&[appl_ver_id]), Some(version));
    }
    for none in [&b""[..], b"1", b":", b"22"] {
        assert_eq!(FixVersion::of_appl_ver_id(none), None);
    }
    assert_eq!(FixVersion::ALL.map(|version| FixVersion::of(version.name())), FixVersion::ALL.map(Some));
    let versions = FixVersion::ALL.map(|version| version.dictionary().version().to_string());
    assert_eq!(
        versions,
        ["FIX.4.0", "FIX.4.1", "FIX.4.2", "FIX.4.3", "FIX.4.4", "FIX.5.0", "FIX.5.0SP1", "FIX.5.0SP2", "FIXT.1.1"]
    );
}

/// QuickFIX's files are not part of the repository.
fn reference(name: &str) -> Option<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/fix").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {name} is not at hand");
    }
    text
}

#[test]
fn tables_are_those_of_the_reference_files() {
    for version in FixVersion::ALL {
        let Some(text) = reference(&format!("{}.xml", version.name())) else { return };
        assert_eq!(Dictionary::pack_xml(&text).unwrap(), version.table(), "{}: run fix-dictionaries", version.name());
        assert_eq!(counts(&Dictionary::from_xml(&text).unwrap()), counts(&version.dictionary()));
    }
}

#[test]
fn binances_dictionaries_load() {
    let Some(orders) = reference("binance-spot-fix-oe.xml") else { return };
    let dictionary = Dictionary::from_xml(&orders).unwrap();
    assert_eq!((dictionary.version(), dictionary.fields().len(), dictionary.messages().len()), ("FIX.4.4", 120, 19));
    assert_eq!(dictionary.field(25_000).unwrap().name(), "RecvWindow");
    assert_eq!(dictionary.message(b"XLQ").unwrap().name(), "LimitQuery");
    let Some(market) = reference("binance-spot-fix-md.xml") else { return };
    let dictionary = Dictionary::from_xml(&market).unwrap();
    assert_eq!((dictionary.fields().len(), dictionary.messages().len()), (67, 14));
    let entries = dictionary.message(b"X").unwrap().group(268).unwrap();
    assert_eq!((entries.delimiter(), entries.members().len()), (279, 10));
}
