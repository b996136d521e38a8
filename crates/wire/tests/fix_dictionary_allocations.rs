//! Holding a message to a dictionary allocates nothing, nor does refusing it.
use fafnir_wire::fix::FieldIndex;
use fafnir_wire::fix::dictionary::{Checks, FixVersion, Validator};
use testkit::{CountingAllocator, allocations_during};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn whole(fields: &str) -> Vec<u8> {
    let body = fields.replace('|', "\x01");
    let mut message = format!("8=FIX.4.4\x019={}\x01{body}", body.len()).into_bytes();
    let sum = message.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}

#[test]
fn no_allocation_per_message() {
    let order = "35=D|34=2|49=A|52=20261121-22:00:00|56=B|11=id|453=2|448=X|447=D|452=1|448=Y|802=1|523=s|803=1|55=IBM|\
        54=1|60=20261121-22:00:00.123|40=2|44=151.25|";
    let messages = [
        whole(order),
        whole(&order.replace("|40=2", "|40=?")),
        whole(&order.replace("|448=Y", "|447=D|448=Y")),
        whole(&order.replace("|55=IBM", "|9999=x")),
        whole("35=0|34=3|49=A|52=20261121-22:00:00|56=B|"),
    ];
    let mut index = FieldIndex::new();
    let mut validator = Validator::built_in(FixVersion::Fix44, Checks::default());
    let mut verdicts = || {
        messages.each_ref().map(|message| {
            index.read(message).unwrap();
            validator.check(&index, message).is_ok()
        })
    };
    // The first of each length grows the scratch.
    assert_eq!(verdicts(), [true, false, false, false, true]);
    let (again, counted) = allocations_during(|| (0..1_000).all(|_| verdicts() == [true, false, false, false, true]));
    assert_eq!((again, counted.count), (true, 0));
}
