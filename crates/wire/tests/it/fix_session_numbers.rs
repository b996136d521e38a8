//! Numbers, gaps, resends and refusals of a FIX session, as scripts in both roles and all versions. What is expected is
//! what the specification says, and where it leaves a choice what QuickFIX 1.15.1 does (its acceptance scripts; own
//! wording).
use crate::script;

use fafnir_wire::fix::dictionary::{Checks, DictionaryRules, FixVersion, Validator};
use fafnir_wire::fix::{
    BeginString, Breach, BusinessReason, FIELDS_MAX, LogonFacts, Message, RejectReason, Role, Rules, SessionSetup,
};
use script::{Script, bare, open, open_from, setup};

#[test]
fn what_comes_too_early_waits_for_its_turn() {
    open(
        "a gap",
        "in D 34=5 11=d\nhandled\nout 2 7=2 16=ALL\nin 8 34=6 37=e\nin 1 34=7 112=T\nnone\nnumbers 2 3
        in D 34=2 43=Y 122=-1 11=a\ndeliver\nin 4 34=3 43=Y 122=0 36=5 123=Y\nhandled\nnumbers 5 3
        queued D 5\ndeliver\nqueued 8 6\ndeliver\nqueued 1 7\nhandled\nout 0 112=T\nnumbers 8 4
        # The answer goes on with what was queued: it has been seen.
        in D 34=5 43=Y 122=-1 11=d\nhandled\nin 8 34=6 43=Y 122=-1 37=e\nhandled\nnumbers 8 4\nin D 34=8 11=f\n\
            deliver",
    );
    open(
        "two gaps, one question",
        "in D 34=3 11=b\nout 2 7=2 16=ALL\nin D 34=5 11=d\nnone\nin D 34=2 43=Y 122=0 11=a\ndeliver
        queued D 3\ndeliver\nin D 34=4 43=Y 122=0 11=c\ndeliver\nqueued D 5\ndeliver\nnumbers 6 3",
    );
    open(
        "the gap is asked for again when it stays",
        "in D 34=3 11=b\nout 2 7=2 16=ALL\nwait 9999\nin 0 34=4\nnone\nwait 1\nout 0\nin 0 34=5\n\
            out 2 7=2 16=ALL\nnumbers 2 5",
    );
    open("a logout beyond a gap is answered", "in 5 34=9\noff\nout 5\nnumbers 2 3");
    open(
        "a request to send again beyond a gap is answered first",
        "send D 11=x\nout D 11=x\nin 2 34=4 7=2 16=ALL\nhandled\nout D 34=2 43=Y 122=0 11=x\nout 2 7=2 16=ALL
        in D 34=2 43=Y 122=0 11=a\nin D 34=3 43=Y 122=0 11=b\nnumbers 5 4",
    );
    open(
        "both ask at once",
        "send D 11=x\nout D 11=x\nin 0 34=7\nout 2 7=2 16=ALL\nin 2 34=8 7=2 16=2\nout D 34=2 43=Y 122=0 11=x\nnone
        in 4 34=2 43=Y 122=0 36=7 123=Y\nnumbers 7 4\nqueued 0 7\nnumbers 9 4",
    );
    let small = |setup: &mut SessionSetup| setup.queue_messages_max = 1;
    open_from(
        BeginString::Fix40,
        "the queue is full: the rest is asked for again",
        small,
        "in D 34=3 11=b\nout 2 7=2 16=ALL\nin D 34=4 11=c\nnone\nin D 34=2 43=Y 122=0 11=a\ndeliver\n\
            queued D 3\ndeliver
        in D 34=5 43=Y 122=0 11=d\nhandled\nout 2 7=4 16=ALL\nin D 34=4 43=Y 122=0 11=c\ndeliver\nqueued D 5\n\
            deliver\nnumbers 6 4",
    );
    let none = |setup: &mut SessionSetup| setup.queue_messages_max = 0;
    open_from(
        BeginString::Fix40,
        "no queue: everything is asked for",
        none,
        "in D 34=3 11=b\nout 2 7=2 16=ALL\nin D 34=2 43=Y 122=0 11=a\ndeliver\nin D 34=3 43=Y 122=0 11=b\n\
            deliver\nnumbers 4 3",
    );
    let parts = |setup: &mut SessionSetup| setup.resend_chunk = 3;
    open_from(
        BeginString::Fix40,
        "asked for in parts",
        parts,
        "in D 34=9 11=i\nout 2 7=2 16=4\nin D 34=2 43=Y 122=0 11=a\nin 4 34=3 43=Y 122=0 36=5 123=Y\nout 2 7=5 16=7
        in D 34=5 43=Y 122=0 11=d\nin D 34=6 43=Y 122=0 11=e\nin D 34=7 43=Y 122=0 11=f\nout 2 7=8 16=ALL
        in D 34=8 43=Y 122=0 11=h\nqueued D 9\ndeliver\nnone\nnumbers 10 5",
    );
    let singly = |setup: &mut SessionSetup| (setup.queue_messages_max, setup.resend_chunk) = (0, 1);
    open_from(
        BeginString::Fix40,
        "the gap grows as fast as its parts close it: the next part is larger",
        singly,
        "in D 34=4 11=c\nout 2 7=2 16=2\nin D 34=5 11=d\nnone\nin D 34=2 43=Y 122=0 11=a\ndeliver\nout 2 7=3 16=4
        in D 34=3 43=Y 122=0 11=b\nin D 34=4 43=Y 122=0 11=c\nout 2 7=5 16=ALL\nnumbers 5 5",
    );
}

#[test]
fn numbers_used_before() {
    open(
        "too low",
        "in D 11=1\nin D 34=2 11=1\nend FixSequence\nout 5 58=MsgSeqNum_too_low,_expecting_3_but_received_2",
    );
    open("missing", "in D 34=- 11=1\nend FixSequence\nout 5 58=MsgSeqNum_missing_or_out_of_range");
    open("a duplicate that was received", "in D 11=1\nin D 34=2 43=Y 122=-5 11=1\nhandled\nnone\nnumbers 3 2");
    open("a duplicate that was not", "in D 43=Y 122=-5 11=1\ndeliver\nnone\nnumbers 3 2");
    open(
        "no word of when it was first sent",
        "in D 11=1\nin D 34=2 43=Y 11=1\nrej 2 D 1 122 Required tag missing\nnumbers 3 3",
    );
    open(
        "first sent after it was sent",
        "in D 11=1\nin D 34=2 43=Y 122=+10 11=1\nhandled\nrej 2 D 10 - SendingTime accuracy problem\nout 5\n\
            in 5\nend FixRejected",
    );
    open(
        "an old request to send again is answered",
        "in 1 112=A\nout 0 112=A\nin 2 34=2 7=2 16=ALL\nout 4 34=2 43=Y 122=0 36=3 123=Y\nnumbers 3 3",
    );
}

#[test]
fn sequence_resets() {
    open("a fill", "in 4 36=20 123=Y\nhandled\nnone\nnumbers 20 2");
    open(
        "a fill too early",
        "in 4 34=10 36=20 123=Y\nout 2 7=2 16=ALL\nin 4 34=2 43=Y 36=10 123=Y\nqueued 4 10\nnumbers 20 3",
    );
    open("a fill repeated", "in 4 34=1 43=Y 122=-1 36=20 123=Y\nhandled\nnone\nnumbers 2 2");
    open(
        "a fill under an old number",
        "in 4 34=1 36=20 123=Y\nend FixSequence\nout 5 58=MsgSeqNum_too_low,_expecting_2_but_received_1",
    );
    open("a fill back", "in 4 36=2 123=Y\nrej 2 4 5 - Value is incorrect (out of range) for this tag\nnumbers 3 3");
    open(
        "reset, whatever its number",
        "in 4 34=99 36=20\nhandled\nnumbers 20 2\nin 4 34=1 36=30 123=N\nnumbers 30 2\nnone",
    );
    open("reset to where we are", "in 4 34=0 36=2\nnone\nnumbers 2 2");
    open("reset back", "in 4 34=0 36=1\nrej 0 4 5 - Value is incorrect (out of range) for this tag\nnumbers 2 3");
    open("reset over a gap", "in D 34=5 11=d\nout 2 7=2 16=ALL\nin 4 34=2 36=5\nnumbers 5 3\nqueued D 5\ndeliver");
    open("no number", "in 4 123=Y\nrej 2 4 1 36 Required tag missing\nnumbers 3 3");
}

#[test]
fn what_is_refused_and_how() {
    open(
        "CompID",
        "in D 49=NOBODY 11=1\nhandled\nrej 2 D 9 - CompID problem\nout 5\nin 5\nend FixLogon\n\
        numbers 4 4",
    );
    open(
        "CompID, and no answer",
        "in D 56=NOBODY 11=1\nrej 2 D 9 - CompID problem\nout 5\nwait 2000\n\
        end FixLogon",
    );
    // Without a name an administrative message, and any before FIX.4.2, breaks a rule of the session; an application
    // message lacks what it needs (QuickFIX's words, and its way with the number).
    for (tag, name) in [(49, "49=-"), (56, "56=-")] {
        open("no CompID", &format!("in 0 {name}\nhandled\nrej 2 0 1 {tag} Required tag missing\nnumbers 3 3"));
        for begin in BeginString::ALL {
            let version = if begin == BeginString::Fixt11 { " 1137=9" } else { "" };
            let answer = if begin < BeginString::Fix42 {
                format!("rej 2 D 1 {tag} Required tag missing")
            } else {
                format!("out j 45=2 58=Conditionally_Required_Field_Missing_({tag}) 372=D 380=5{version}")
            };
            for role in [Role::Initiator, Role::Acceptor] {
                let mut script = Script::new("no CompID", setup(begin, role));
                script.open();
                script.run(&format!("in D {name} 11=1\nhandled\n{answer}\nnumbers 3 3\nin D 11=2\ndeliver"));
            }
        }
    }
    for far in ["52=-121", "52=+121"] {
        let lines =
            format!("in 0 {far}\nhandled\nrej 2 0 10 - SendingTime accuracy problem\nout 5\nin 5\nend FixRejected");
        open("SendingTime", &lines);
    }
    open("SendingTime at the edge", "in 0 52=-120\nin 0 52=+120\nhandled\nnone\nnumbers 4 2");
    let off = |setup: &mut SessionSetup| setup.latency_max = None;
    open_from(BeginString::Fix40, "SendingTime not judged", off, "in D 52=-99999 11=1\ndeliver");
    open("no SendingTime", "in 0 52=-\nrej 2 0 1 52 Required tag missing\nnumbers 3 3");
    open("a SendingTime that is none", "in 0 52=now\nrej 2 0 6 52 Incorrect data format for value\nnumbers 3 3");
    open("turned around", "in 1 50=S 57=T 115=A 116=B\nrej 50=T 57=S 128=A 129=B 2 1 1 112 Required tag missing");
    open("turned around, the other way", "in 1 128=A 129=B\nrej 115=A 116=B 2 1 1 112 Required tag missing");
    open_from(
        BeginString::Fix41,
        "with locations",
        |_| {},
        "in 1 115=A 116=B 142=L 144=C\nrej 128=A 129=B 143=L 145=C 2 1 1 112 Required tag missing
        in 1 128=A 129=B 143=L 145=C\nrej 115=A 116=B 142=L 144=C 3 1 1 112 Required tag missing",
    );
    open("nothing is turned into nothing", "in 1 115=A 116=\nrej 128=A 2 1 1 112 Required tag missing");
    for begin in BeginString::ALL {
        let other = if begin == BeginString::Fix44 { "FIX.4.2" } else { "FIX.4.4" };
        for role in [Role::Initiator, Role::Acceptor] {
            let mut script = Script::new("another version", setup(begin, role));
            script.open();
            script.run(&format!(
                "in 0 8={other}\nhandled\nout 5 58=Incorrect_BeginString\nin 5\nend FixUnsupported\nnumbers 4 3"
            ));
            let mut script = Script::new("a logout of another version", setup(begin, role));
            script.open();
            script.run(&format!("in 5 8={other}\noff\nout 5"));
        }
    }
    open("a Reject is the application's", "in 3 45=1\ndeliver\nnone");
}

#[test]
fn what_is_sent_again() {
    let kept = "send D 11=a\nout D 11=a\nin 1 112=T\nout 0 112=T\nsend D 97=Y 11=b\nout D 97=Y 11=b\n\
        send 8 37=c\nout 8 37=c\n";
    // 1 logon, 2 D, 3 heartbeat, 4 D, 5 8: numbers of the peer 1 logon, 2 test request.
    for (lines, all) in [
        (
            "in 2 7=1 16=ALL\n",
            "out 4 34=1 43=Y 122=0 36=2 123=Y\nout D 34=2 43=Y 122=0 11=a\nout 4 34=3 43=Y 122=0 36=4 123=Y\n\
                out D 34=4 43=Y 97=Y 122=0 11=b\nout 8 34=5 43=Y 122=0 37=c",
        ),
        ("in 2 7=2 16=2\n", "out D 34=2 43=Y 122=0 11=a"),
        ("in 2 7=3 16=3\n", "out 4 34=3 43=Y 122=0 36=4 123=Y"),
        ("in 2 7=5 16=99\n", "out 8 34=5 43=Y 122=0 37=c"),
        ("in 2 7=6 16=ALL\n", "rej 3 2 5 7 Value is incorrect (out of range) for this tag"),
        ("in 2 7=3 16=2\n", "rej 3 2 5 7 Value is incorrect (out of range) for this tag"),
        ("in 2 7=0 16=ALL\n", "rej 3 2 5 7 Value is incorrect (out of range) for this tag"),
        ("in 2 16=ALL\n", "rej 3 2 1 7 Required tag missing"),
        ("in 2 7=x 16=ALL\n", "rej 3 2 6 7 Incorrect data format for value"),
        ("in 2 7=1\n", "rej 3 2 1 16 Required tag missing"),
    ] {
        open(lines, &format!("{kept}{lines}{all}\nhandled"));
    }
    open(
        "administrative messages are one fill",
        "in 1 112=A\nout 0 112=A\nin 1 112=B\nout 0 112=B\nin 2 7=1 16=2\nout 4 34=1 43=Y 122=0 36=3 123=Y
        in 2 7=1 16=ALL\nout 4 34=1 43=Y 122=0 36=4 123=Y",
    );
    open(
        "the first sending stays",
        "send D 11=a\nout D 11=a\nwait 5000\nin 2 7=2 16=ALL\n\
        out D 34=2 43=Y 122=-5 11=a",
    );
    let keeps = "drop\nsend D 11=a\nnone\nsend D 11=b\nnone\nnumbers 2 4\nours 4\n";
    bare(
        Role::Initiator,
        "messages of a closed session are asked for",
        |_| {},
        &format!(
            "connect\nout A 98=0 108=10 VER\nin A 98=0 108=10 VER\n{keeps}connect\nout A 98=0 108=10 VER\n\
            in A 98=0 108=10 VER\non
        in 2 7=2 16=ALL\nout D 34=2 43=Y 122=0 11=a\nout D 34=3 43=Y 122=0 11=b\nout 4 34=4 43=Y 122=0 36=5 123=Y"
        ),
    );
}

#[test]
fn orders_sent_again_under_another_number() {
    open(
        "seen before",
        "in D 11=id\ndeliver\nin D 97=Y 11=id\nhandled\nnone\nin D 97=Y 11=other\ndeliver\nin D 11=id\ndeliver\n\
            numbers 6 2",
    );
    open("reports repeat their order's id", "in 8 11=id\ndeliver\nin 8 97=Y 11=id\ndeliver");
    let off = |setup: &mut SessionSetup| setup.seen_orders_max = 0;
    open_from(BeginString::Fix40, "not remembered", off, "in D 11=id\nin D 97=Y 11=id\ndeliver");
    bare(
        Role::Acceptor,
        "forgotten at the logout",
        |_| {},
        "connect\nin A 98=0 108=30 VER\nout A 98=0 108=30 VER\nin D 11=id\nin 5\noff\nout 5\ndrop
        connect\nin A 98=0 108=30 VER\nout A 98=0 108=30 VER\nin D 97=Y 11=id\ndeliver",
    );
}

/// Refuses by Text (58).
#[derive(Debug)]
struct Judge;

impl Rules for Judge {
    fn check(&mut self, message: &Message<'_>) -> Result<(), Breach> {
        match message.get(58) {
            Some(b"bad") => Err(Breach::Session(RejectReason::ValueIncorrect, 58)),
            Some(b"twice") => Err(Breach::Session(RejectReason::TagRepeated, 58)),
            Some(b"type") => Err(Breach::Session(RejectReason::MessageType, 0)),
            Some(b"lacks") => Err(Breach::Business(BusinessReason::FieldMissing, 11)),
            Some(b"unknown") => Err(Breach::Business(BusinessReason::UnsupportedType, 0)),
            Some(b"noise") => Err(Breach::Garbled),
            _ => Ok(()),
        }
    }
}

/// The script after the logons, with rules, for every version and both roles.
fn judged(name: &str, rules: impl Fn(BeginString) -> Box<dyn Rules>, lines: impl Fn(BeginString) -> String) {
    for begin in BeginString::ALL {
        for role in [Role::Initiator, Role::Acceptor] {
            let mut script = Script::new(name, setup(begin, role));
            script.session.set_rules(Some(rules(begin)));
            script.open();
            script.run(&lines(begin));
        }
    }
}

/// What `BusinessMessageReject` is in a version.
fn unsupported(begin: BeginString, refers: u64, kind: &str) -> String {
    match begin {
        BeginString::Fix40 | BeginString::Fix41 => format!("out 3 45={refers} 58=Unsupported_message_type"),
        BeginString::Fixt11 => format!("out j 45={refers} 58=Unsupported_Message_Type 372={kind} 380=3 1137=9"),
        _ => format!("out j 45={refers} 58=Unsupported_Message_Type 372={kind} 380=3"),
    }
}

#[test]
fn rules_judge_before_the_number() {
    judged(
        "rules",
        |_| Box::new(Judge),
        |begin| {
            let unsupported = unsupported(begin, 4, "D");
            let lacks = match begin {
                BeginString::Fix40 | BeginString::Fix41 => {
                    "out 3 45=7 58=Conditionally_Required_Field_Missing_(11)".to_string()
                }
                BeginString::Fixt11 => {
                    "out j 45=7 58=Conditionally_Required_Field_Missing_(11) 372=D 380=5 1137=9".to_string()
                }
                _ => "out j 45=7 58=Conditionally_Required_Field_Missing_(11) 372=D 380=5".to_string(),
            };
            format!(
                "in D 11=1 58=bad\nhandled\nrej 2 D 5 58 Value is incorrect (out of range) for this tag\nnumbers 3 3
            in D 11=1 58=twice\nrej 3 D 13 58 Tag appears more than once\nnumbers 4 4
            in D 11=1 58=unknown\nhandled\n{unsupported}\nnumbers 5 5
            # What is no message takes no number, and is not answered.
            in D 34=5 11=1 58=noise\nhandled\nnone\nnumbers 5 5
            in D 34=5 11=1 58=type\nrej 5 D 11 - Invalid MsgType\nnumbers 6 6
            # Refused before its turn: not asked for, not queued.
            in D 34=9 11=1 58=bad\nrej 9 D 5 58 Value is incorrect (out of range) for this tag\nnumbers 6 7
            in D 34=6 11=1\ndeliver\nnone
            in D 34=7 58=lacks\nhandled\n{lacks}\nnumbers 8 8"
            )
        },
    );
    for begin in BeginString::ALL {
        let mut script = Script::new("a logon the rules refuse", setup(begin, Role::Acceptor));
        script.session.set_rules(Some(Box::new(Judge)));
        let version = if begin == BeginString::Fixt11 { "1137=9" } else { "" };
        script.run(&format!("connect\nin A 98=0 108=30 58=bad {version}\nend FixLogon\nnone"));
    }
}

#[test]
fn a_dictionary_judges() {
    let rules = |begin| -> Box<dyn Rules> {
        let version = match begin {
            BeginString::Fix40 => FixVersion::Fix40,
            BeginString::Fix41 => FixVersion::Fix41,
            BeginString::Fix42 => FixVersion::Fix42,
            BeginString::Fix43 => FixVersion::Fix43,
            BeginString::Fix44 => FixVersion::Fix44,
            BeginString::Fixt11 => FixVersion::Fix50Sp2,
        };
        Box::new(DictionaryRules::new(Validator::built_in(version, Checks::default()), FIELDS_MAX))
    };
    judged("dictionary", rules, |_| {
        "in 0 999=HI\nrej 2 0 0 999 Invalid tag number\nin 0 0=HI\nrej 3 0 0 0 Invalid tag number
        in 0 -1=HI\nrej 4 0 0 -1 Invalid tag number\nin 1\nrej 5 1 1 112 Required tag missing
        in 0 112=\nrej 6 0 4 112 Tag specified without a value\nin 0 7=1\n\
            rej 7 0 2 7 Tag not defined for this message type
        in 2 7=x 16=0\nrej 8 2 6 7 Incorrect data format for value\nin ~\nrej 9 ~ 11 - Invalid MsgType
        in 0\nhandled\nnone\nnumbers 11 10"
            .to_string()
    });
}

#[test]
fn the_application_refuses() {
    for begin in BeginString::ALL {
        for role in [Role::Initiator, Role::Acceptor] {
            let mut script = Script::new("refusals of the application", setup(begin, role));
            script.open();
            script.run("in D 115=X 11=1\ndeliver");
            script.refuse_unsupported("35=D|34=2|115=X|11=1|");
            let answer = unsupported(begin, 2, "D").replacen("45=", "128=X 45=", 1);
            script.run(&format!("{answer}\nnumbers 3 3"));
        }
    }
}

#[test]
fn who_logs_on_is_known_before_the_session() {
    let read = |body: &str| {
        let body = body.replace('|', "\x01");
        let mut bytes = format!("8=FIXT.1.1\x019={}\x01{body}", body.len()).into_bytes();
        let sum = bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        bytes.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
        bytes
    };
    let bytes = read(
        "35=A|34=1|49=C|50=DESK|52=20240229-23:59:59|56=S|57=FIX|142=LON|98=0|108=30|141=Y|95=3|96=a\x01b|\
         553=me|554=pw|1137=9|",
    );
    let message = Message::parse(&bytes).unwrap();
    let facts = LogonFacts::of(&message).unwrap();
    let expected = LogonFacts {
        begin: BeginString::Fixt11,
        sender: b"C",
        sender_sub: b"DESK",
        sender_location: b"LON",
        target: b"S",
        target_sub: b"FIX",
        target_location: b"",
        heartbeat: Some(30),
        reset: true,
        default_appl_ver: b"9",
        username: b"me",
        password: b"pw",
        raw_data: b"a\x01b",
    };
    assert_eq!(facts, expected);
    for other in ["35=0|34=1|49=C|52=x|56=S|", "35=A|34=1|52=x|56=S|98=0|", "35=A|34=1|49=C|52=x|98=0|"] {
        assert_eq!(LogonFacts::of(&Message::parse(&read(other)).unwrap()), None, "{other}");
    }
}
