//! # Room card: wire/fix/dictionary/tests/refusals
//! In:    messages with one fault each.
//! Out:   failures.
//! Holds: reasons and tags are what QuickFIX 1.15 answers (its test/definitions/server scripts 14a to 14i, 2q, 21 and
//!        ReverseRouteWithEmptyRoutingTags were read for them); messages are our own.
//! Costs: well under a second.
use super::sample::{bars, indexed};
use super::*;

const TIME: &str = "20261121-22:00:00";

/// The verdict as `reason tag`.
fn verdict(validator: &mut Validator, message: &[u8]) -> String {
    match validator.check(&indexed(message), message) {
        Ok(()) => "ok".to_string(),
        Err(MessageRefusal { reason, ref_tag: Some(tag) }) => format!("{} {tag}", reason as u8),
        Err(MessageRefusal { reason, ref_tag: None }) => format!("{}", reason as u8),
    }
}

fn of(version: FixVersion, checks: Checks, fields: &str) -> String {
    let mut validator = Validator::built_in(version, checks);
    let begin = validator.transport().version().to_string();
    let fields = fields.replace("HEAD", &format!("34=2|49=TW|52={TIME}|56=ISLD")).replace("TIME", TIME);
    verdict(&mut validator, &bars(&begin, &fields))
}

/// Each version with a whole NewOrderSingle of its own.
const ORDERS: [(FixVersion, &str); 8] = [
    (FixVersion::Fix40, "35=D|HEAD|11=id|21=1|55=IBM|54=1|38=100|40=1"),
    (FixVersion::Fix41, "35=D|HEAD|11=id|21=1|55=IBM|54=1|40=1"),
    (FixVersion::Fix42, "35=D|HEAD|11=id|21=1|55=IBM|54=1|60=TIME|40=1"),
    (FixVersion::Fix43, "35=D|HEAD|11=id|21=1|55=IBM|54=1|60=TIME|40=1"),
    (FixVersion::Fix44, "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1"),
    (FixVersion::Fix50, "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1"),
    (FixVersion::Fix50Sp1, "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1"),
    (FixVersion::Fix50Sp2, "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1"),
];

#[test]
fn every_version_says_what_quickfix_says() {
    for (version, order) in ORDERS {
        let name = version.name();
        let check = |fields: &str| of(version, Checks::default(), fields);
        let with = |more: &str| check(&format!("{order}|{more}"));
        assert_eq!(check(order), "ok", "{name}");
        assert_eq!(check("35=0|HEAD|999=HI"), "0 999", "{name}");
        assert_eq!(check("35=0|HEAD|0=HI"), "0 0", "{name}");
        assert_eq!(check("35=0|HEAD|-1=HI"), "0 -1", "{name}");
        assert_eq!(check("35=0|HEAD|5000=HI"), "0 5000", "{name}");
        assert_eq!(check("35=0|34=2|49=TW|52=TIME"), "1 56", "{name}");
        assert_eq!(check(&order.replace("|54=1", "")), "1 54", "{name}");
        let stranger = if version < FixVersion::Fix50 { "55=MSFT" } else { "58=Text" };
        let tag = &stranger[..2];
        assert_eq!(check(&format!("35=0|HEAD|{stranger}")), format!("2 {tag}"), "{name}");
        assert_eq!(check("35=0|34=2|49=TW|52=TIME|56="), "4 56", "{name}");
        assert_eq!(check(&order.replace("|54=1", "|54=w")), "5 54", "{name}");
        assert_eq!(check(&order.replace("|54=1", "|54=1|44=+200.00")), "6 44", "{name}");
        assert_eq!(check(&order.replace("|11=id", "").replace("HEAD", "11=id|HEAD")), "14 34", "{name}");
        assert_eq!(with("40=2"), "13 40", "{name}");
        assert_eq!(check("35=*|HEAD"), "11", "{name}");
        // An empty field of the header comes before a wrong one of the body.
        assert_eq!(check(&order.replace("HEAD", "HEAD|115=").replace("40=1", "40=w")), "4 115", "{name}");
        let location = if version == FixVersion::Fix40 { "0 144" } else { "ok" };
        assert_eq!(check(&order.replace("HEAD", "HEAD|144=CHI")), location, "{name}: 144 is of the header in 4.1");
        if version >= FixVersion::Fix42 {
            assert_eq!(with("386=3|336=1|336=2"), "16 386", "{name}");
            assert_eq!(with("386=2|336=1|336=2"), "ok", "{name}");
            assert_eq!(with("386=0"), "ok", "{name}");
            assert_eq!(with("386=-1"), "16 386", "{name}");
            assert_eq!(with("386=x"), "6 386", "{name}");
            assert_eq!(with("78=2|79=a|80=1|79=b"), "ok", "{name}");
        }
    }
}

#[test]
fn order_of_checks() {
    let check = |fields: &str| of(FixVersion::Fix44, Checks::default(), fields);
    // Order before type, type before required, required before values, header before trailer before body.
    assert_eq!(check("35=*|55=x|HEAD"), "14 34");
    assert_eq!(check("35=*|49=TW"), "11");
    assert_eq!(check("35=D|HEAD|54=w|1="), "1 11");
    assert_eq!(check("35=D|34=x|49=TW|52=bad|11=id|54=w|60=TIME|40=1"), "1 56");
    assert_eq!(check("35=D|34=x|49=TW|52=bad|56=|11=id|54=w|60=TIME|40=1|93=x"), "6 34");
    assert_eq!(check("35=D|HEAD|11=id|54=w|60=TIME|40=1|93=x"), "6 93");
    // In the order of tags, wherever they stand.
    assert_eq!(check("35=D|HEAD|60=TIME|54=w|40=1|11=id|1="), "4 1");
    assert_eq!(check("35=D|HEAD|60=TIME|60=TIME|54=w|40=1|11=id"), "5 54");
    // Within a field: value, form, list, tag, message.
    assert_eq!(check("35=0|HEAD|54="), "4 54");
    assert_eq!(check("35=0|HEAD|54=wide"), "6 54");
    assert_eq!(check("35=0|HEAD|54=w"), "5 54");
    assert_eq!(check("35=0|HEAD|54=1"), "2 54");
}

#[test]
fn groups_are_held_to_their_order() {
    let order = "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1";
    let check = |checks: Checks, more: &str| of(FixVersion::Fix44, checks, &format!("{order}|{more}"));
    let strict = |more: &str| check(Checks::default(), more);
    let loose = |more: &str| check(Checks { unordered_group_fields: false, ..Checks::default() }, more);
    assert_eq!(strict("453=1|448=A|447=D|452=1|802=1|523=s|803=4"), "ok");
    assert_eq!(strict("453=1|448=A|452=1|447=D"), "15 447");
    assert_eq!(loose("453=1|448=A|452=1|447=D"), "ok");
    // Without the delimiter, and with it too late.
    assert_eq!(strict("453=1|447=D|452=1"), "15 447");
    assert_eq!(loose("453=1|447=D|452=1"), "ok");
    // A member again begins an entry.
    assert_eq!(loose("453=2|447=D|452=1|447=B"), "ok");
    assert_eq!(loose("453=1|447=D|452=1|447=B"), "16 453");
    // Values inside, counts inside.
    assert_eq!(strict("453=1|448=A|447=D|452=999"), "5 452");
    assert_eq!(strict("453=1|448=A|447=wide|452=1"), "6 447");
    assert_eq!(strict("453=1|448=|447=D|452=1"), "4 448");
    assert_eq!(strict("453=1|448=A|802=2|523=s|803=4"), "16 802");
    // A nested member behind its group is nobody's.
    assert_eq!(strict("453=1|448=A|802=1|523=s|58=x|803=4"), "2 803");
    assert_eq!(of(FixVersion::Fix44, Checks::default(), "35=V|HEAD|262=r|263=1|264=0|267=1|269=0|146=1|55=A"), "ok");
    // Members that entries need: MDEntryType in each of NoMDEntryTypes.
    assert_eq!(of(FixVersion::Fix44, Checks::default(), "35=W|HEAD|55=A|268=2|269=0|270=1|269=1|270=2"), "ok");
}

#[test]
fn required_members_of_entries() {
    let check = |fields: &str| of(FixVersion::Fix44, Checks::default(), fields);
    // News: NoLinesOfText with Text in each entry.
    assert_eq!(check("35=B|HEAD|148=h|33=2|58=a|58=b"), "ok");
    assert_eq!(check("35=B|HEAD|148=h|33=2|58=a|354=1|355=x|58=b"), "ok");
    assert_eq!(check("35=B|HEAD|148=h|33=1|354=1|355=x"), "1 58");
    assert_eq!(check("35=B|HEAD|148=h"), "1 33");
}

#[test]
fn each_check_can_be_off() {
    let order = "35=D|HEAD|11=id|55=IBM|54=1|60=TIME|40=1";
    let all = Checks::default();
    let check = |checks: Checks, more: &str| of(FixVersion::Fix44, checks, &format!("{order}|{more}"));
    assert_eq!(check(Checks { fields_out_of_order: false, ..all }, "115=x"), "ok");
    assert_eq!(check(Checks { repeated_tags: false, ..all }, "40=2"), "ok");
    assert_eq!(check(Checks { data_types: false, ..all }, "44=x"), "ok");
    assert_eq!(check(Checks { enum_values: false, ..all }, "59=x"), "ok");
    assert_eq!(check(Checks { group_counts: false, ..all }, "453=7|448=A"), "ok");
    let test = |checks: Checks, value: &str| of(FixVersion::Fix44, checks, &format!("35=1|HEAD|112={value}"));
    assert_eq!((test(all, ""), test(Checks { fields_have_values: false, ..all }, "")), ("4 112".into(), "ok".into()));
    assert_eq!(of(FixVersion::Fix44, Checks { required_tags: false, ..all }, "35=D|HEAD"), "ok");
    let users = Checks { user_defined_fields: false, ..all };
    assert_eq!((check(users, "5000=x|7001=y"), check(users, "4999=x")), ("ok".into(), "0 4999".into()));
    assert_eq!(check(users, "5000="), "4 5000");
    let unknown = Checks { allow_unknown_msg_fields: true, ..all };
    assert_eq!((check(unknown, "4999=x|37=y"), check(unknown, "5000=x")), ("ok".into(), "0 5000".into()));
    // What is tolerated does not end a group; a field of the message does.
    assert_eq!(check(users, "453=2|448=A|7001=y|447=D|448=B|7001=y"), "ok");
    assert_eq!(check(unknown, "453=2|448=A|4999=y|448=B|58=x"), "ok");
    assert_eq!(check(unknown, "453=2|448=A|58=x|448=B"), "16 453");
}

#[test]
fn fixt_takes_the_dictionary_of_the_message() {
    let applications = [FixVersion::Fix50Sp2, FixVersion::Fix44];
    let dictionaries = applications.map(|version| (version.appl_ver_id().unwrap().to_vec(), version.dictionary()));
    let mut validator = Validator::fixt(FixVersion::Fixt11.dictionary(), dictionaries.to_vec(), Checks::default());
    let message = |version: &str, body: &str| {
        bars("FIXT.1.1", &format!("35=D|{version}34=2|49=TW|52={TIME}|56=ISLD|11=id|55=A|54=1|60={TIME}|40=1{body}"))
    };
    // MinQtyMethod (1822) is of 5.0 SP2 only.
    assert_eq!(verdict(&mut validator, &message("", "")), "18 1128");
    assert_eq!(verdict(&mut validator, &bars("FIXT.1.1", &format!("35=0|34=2|49=TW|52={TIME}|56=ISLD"))), "ok");
    assert!(validator.set_default_appl_ver_id(b"6"));
    assert_eq!(verdict(&mut validator, &message("", "|1822=1")), "0 1822");
    assert_eq!(verdict(&mut validator, &message("1128=9|", "|1822=1")), "ok");
    assert!(validator.set_default_appl_ver_id(b"9"));
    assert_eq!(verdict(&mut validator, &message("", "|1822=1")), "ok");
    assert_eq!(verdict(&mut validator, &message("1128=6|", "")), "ok");
    assert_eq!(verdict(&mut validator, &message("1128=5|", "")), "18 1128");
    assert!(!validator.set_default_appl_ver_id(b"7"));
    assert_eq!(verdict(&mut validator, &message("", "")), "18 1128");
}
