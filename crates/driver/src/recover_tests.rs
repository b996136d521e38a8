//! An engine that was killed and recovered is the engine that was not.
use super::*;

#[test]
fn the_last_number_of_several_messages_is_found() {
    let two = b"8=FIX.4.4\x019=5\x0135=D\x0134=17\x0149=A\x0110=001\x018=FIX.4.4\x019=5\x0135=F\x0134=18\x0149=A\x0110=002\x01";
    assert_eq!(last_sequence(two), Some(18));
    assert_eq!((last_sequence(b""), last_sequence(b"\x0134=x\x01"), last_sequence(b"34=1")), (None, None, None));
}
