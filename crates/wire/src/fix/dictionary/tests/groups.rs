//! # Room card: wire/fix/dictionary/tests/groups
//! In:    messages with groups in groups.
//! Out:   failures.
//! Holds: entries are ranges of the message's spans, as the validator counts them.
//! Costs: well under a second.
use super::sample::{bars, indexed};
use super::*;

fn tags(entry: Entry<'_>) -> Vec<u32> {
    entry.spans().iter().map(|span| span.tag).collect()
}

#[test]
fn entries_are_ranges_and_nest() {
    let dictionary = FixVersion::Fix44.dictionary();
    let order = dictionary.message(b"D").unwrap();
    let message = bars(
        "FIX.4.4",
        "35=D|34=2|11=id|453=3|448=A|447=D|802=2|523=s|803=1|523=t|448=B|448=C|452=1|802=0|78=1|79=acct|80=5|54=1",
    );
    let index = indexed(&message);
    let parties: Vec<Entry<'_>> = order.entries(index.spans(), 453).unwrap().collect();
    assert_eq!(
        parties.iter().copied().map(tags).collect::<Vec<_>>(),
        [vec![448, 447, 802, 523, 803, 523], vec![448], vec![448, 452, 802]]
    );
    let text =
        |entry: Entry<'_>, tag| entry.get(tag).map(|span| String::from_utf8_lossy(span.of(&message)).into_owned());
    assert_eq!(text(parties[0], 448).as_deref(), Some("A"));
    // A field of a group inside is not the entry's own.
    assert_eq!((text(parties[0], 523), text(parties[0], 54)), (None, None));
    let subs: Vec<Vec<u32>> = parties[0].entries(802).unwrap().map(tags).collect();
    assert_eq!(subs, [vec![523, 803], vec![523]]);
    assert!(parties[1].entries(802).is_none() && parties[1].entries(453).is_none());
    assert_eq!(parties[2].entries(802).unwrap().count(), 0);
    // The other group is found behind the first.
    assert_eq!(order.entries(index.spans(), 78).unwrap().map(tags).collect::<Vec<_>>(), [[79, 80]]);
    assert!(order.entries(index.spans(), 555).is_none() && order.entries(index.spans(), 11).is_none());
    assert!(order.entries(&[], 453).is_none());
}

#[test]
fn a_member_again_begins_an_entry() {
    let dictionary = FixVersion::Fix44.dictionary();
    let order = dictionary.message(b"D").unwrap();
    let entries = |fields: &str| -> Vec<Vec<u32>> {
        let message = bars("FIX.4.4", &format!("35=D|{fields}|54=1"));
        let index = indexed(&message);
        order.entries(index.spans(), 453).unwrap().map(tags).collect()
    };
    assert_eq!(entries("453=2|447=D|452=1|447=B"), [vec![447, 452], vec![447]]);
    assert_eq!(entries("453=2|448=A|452=1|447=D|448=B"), [vec![448, 452, 447], vec![448]]);
    assert_eq!(entries("453=2|452=1|802=1|523=x|447=D|802=1|523=y"), [vec![452, 802, 523, 447], vec![802, 523]]);
    assert_eq!(entries("453=5|11=x"), Vec::<Vec<u32>>::new());
}

#[test]
fn a_group_of_a_group_definition() {
    let dictionary = FixVersion::Fix44.dictionary();
    let entries = dictionary.message(b"X").unwrap().group(268).unwrap();
    let message = bars("FIX.4.4", "35=X|262=r|268=2|279=0|269=0|270=1.5|279=1|269=1|346=3");
    let index = indexed(&message);
    let behind = &index.spans()[5..];
    assert_eq!(entries.entries(behind).map(|entry| entry.spans().len()).collect::<Vec<_>>(), [3, 3]);
}
