//! # Room card: wire/fix/dictionary/tests/differential
//! In:    random messages, right and spoiled, under random checks.
//! Out:   failures, with the seed and the message.
//! Holds: the validator and the naive one give the same verdict; what passes all checks passes in one go.
//! Costs: a few seconds; `FAFNIR_LONG=1` a hundred times as many.
use std::sync::Arc;

use types::rng::SplitMix64;

use super::naive::Naive;
use super::sample::{Text, allowed, indexed, spoil, whole};
use super::*;

/// Groups in groups, a component, every form of value, a user's own fields.
const SMALL: &str = "<fix type='FIX' major='4' minor='4'>
<header><field name='BeginString' required='Y'/><field name='BodyLength' required='Y'/>
  <field name='MsgType' required='Y'/><field name='Seq' required='Y'/><field name='Own' required='N'/>
  <group name='NoHops' required='N'><field name='HopID' required='Y'/><field name='HopTime'/></group></header>
<messages>
  <message name='Order' msgtype='D' msgcat='app'><field name='ID' required='Y'/><component name='Parts' required='Y'/>
    <field name='Price'/><field name='Flag'/><field name='Words'/><field name='When'/><field name='Day'/>
    <field name='Mine' required='N'/><field name='Clock'/></message>
  <message name='Many' msgtype='AE' msgcat='app'><component name='Parts' required='N'/><field name='Letter'/>
    <group name='NoLegs' required='Y'><field name='LegID' required='Y'/><field name='LegQty' required='Y'/>
      <group name='NoSubs' required='N'><field name='SubID' required='Y'/><field name='SubType'/>
        <group name='NoDeep' required='N'><field name='Deep'/><field name='ID'/></group></group>
      <field name='LegSide'/><field name='Mine2'/></group></message>
  <message name='Empty' msgtype='Z' msgcat='admin'/>
</messages>
<trailer><field name='Extra' required='N'/><field name='CheckSum' required='Y'/></trailer>
<components><component name='Parts'><field name='Symbol' required='Y'/>
  <group name='NoParts' required='N'><field name='PartID'/><field name='PartRole' required='Y'/></group></component>
</components>
<fields><field number='8' name='BeginString' type='STRING'/><field number='9' name='BodyLength' type='LENGTH'/>
<field number='35' name='MsgType' type='STRING'/><field number='34' name='Seq' type='SEQNUM'/>
<field number='20001' name='Own' type='CHAR'/><field number='10' name='CheckSum' type='STRING'/>
<field number='627' name='NoHops' type='NUMINGROUP'/><field number='628' name='HopID' type='STRING'/>
<field number='629' name='HopTime' type='UTCTIMESTAMP'/><field number='11' name='ID' type='STRING'/>
<field number='44' name='Price' type='PRICE'/><field number='43' name='Flag' type='BOOLEAN'/>
<field number='18' name='Words' type='MULTIPLECHARVALUE'><value enum='6'/><value enum='E'/></field>
<field number='60' name='When' type='UTCTIMESTAMP'/><field number='64' name='Day' type='UTCDATEONLY'/>
<field number='5001' name='Mine' type='INT'/><field number='70002' name='Mine2' type='QTY'/>
<field number='273' name='Clock' type='UTCTIMEONLY'/><field number='54' name='Letter' type='CHAR'>
<value enum='1'/><value enum='2'/></field><field number='555' name='NoLegs' type='NUMINGROUP'/>
<field number='600' name='LegID' type='STRING'/><field number='601' name='LegQty' type='QTY'/>
<field number='602' name='LegSide' type='INT'><value enum='1'/><value enum='22'/></field>
<field number='700' name='NoSubs' type='NUMINGROUP'/><field number='701' name='SubID' type='STRING'/>
<field number='702' name='SubType' type='PERCENTAGE'/><field number='703' name='NoDeep' type='INT'/>
<field number='704' name='Deep' type='STRING'/><field number='55' name='Symbol' type='STRING'/>
<field number='453' name='NoParts' type='NUMINGROUP'/><field number='448' name='PartID' type='STRING'/>
<field number='452' name='PartRole' type='INT'/><field number='6000' name='Extra' type='FLOAT'/></fields></fix>";

fn random_checks(rng: &mut SplitMix64) -> Checks {
    let mut on = || rng.below(4) > 0;
    Checks {
        fields_out_of_order: on(),
        fields_have_values: on(),
        user_defined_fields: on(),
        allow_unknown_msg_fields: !on(),
        required_tags: on(),
        unordered_group_fields: on(),
        group_counts: on(),
        repeated_tags: on(),
        data_types: on(),
        enum_values: on(),
    }
}

/// What came of many messages: how many were accepted, and refused by reason.
#[derive(Default)]
struct Tally {
    /// Of the message at hand.
    seed: u64,
    accepted: usize,
    refused: std::collections::BTreeMap<u8, usize>,
}

/// One message under one set of checks: both verdicts, and whether it passes in one go.
fn compare(
    transport: &Arc<Dictionary>,
    application: &Arc<Dictionary>,
    checks: Checks,
    fields: &[Text],
    tally: &mut Tally,
) {
    let begin = transport.version();
    let message = whole(begin, fields);
    let index = indexed(&message);
    let mut validator = Validator::fixt(transport.clone(), vec![(b"9".to_vec(), application.clone())], checks);
    validator.set_default_appl_ver_id(b"9");
    if Arc::ptr_eq(transport, application) {
        validator = Validator::new(transport.clone(), checks);
    }
    let body_application = validator.application(&index, &message).cloned();
    let got =
        validator.check(&index, &message).map_err(|refusal| (refusal.reason as u8, refusal.ref_tag.map(i64::from)));
    let Some(body_application) = body_application else {
        assert_eq!(got, Err((18, Some(1128))));
        return;
    };
    let edge = |tag: &str, at: usize| (tag.to_string(), index.spans()[at].of(&message).to_vec());
    let last = index.spans().len() - 1;
    let all = [&[edge("8", 0), edge("9", 1)], fields, &[edge("10", last)]].concat();
    let shown = || format!("seed {}: {}", tally.seed, String::from_utf8_lossy(&message).replace('\x01', "|"));
    let naive = Naive { transport, application: &body_application, checks };
    let expected = naive.judge(&all);
    assert_eq!(got, expected, "{checks:?} {}", shown());
    let strict = Naive { transport, application: &body_application, checks: Checks::default() }.judge(&all).is_ok();
    // Whatever passes in one go is right; what is right passes in one go, but for a count of `-0`.
    let plain = validator.is_plain(&index, &message);
    let signed = fields.iter().any(|(_, value)| value.starts_with(b"-0"));
    assert!(plain == strict || strict && signed, "{}", shown());
    match got {
        Ok(()) => tally.accepted += 1,
        Err((reason, _)) => *tally.refused.entry(reason).or_default() += 1,
    }
}

fn run(transport: &Arc<Dictionary>, application: &Arc<Dictionary>, seed: u64, count: usize) -> Tally {
    let long = if std::env::var_os("FAFNIR_LONG").is_some() { 100 } else { 1 };
    let mut tally = Tally::default();
    for turn in 0..count * long {
        let mut rng = SplitMix64::new(seed + turn as u64);
        tally.seed = seed + turn as u64;
        let book = if rng.below(8) == 0 { transport } else { application };
        let mut fields = allowed(&mut rng, transport, book);
        compare(transport, application, Checks::default(), &fields, &mut tally);
        for _ in 0..3 {
            spoil(&mut rng, &mut fields, application);
            compare(transport, application, Checks::default(), &fields, &mut tally);
            compare(transport, application, random_checks(&mut rng), &fields, &mut tally);
        }
    }
    println!("{} accepted, refused {:?}", tally.accepted, tally.refused);
    assert!(tally.accepted > count * long / 2, "{}", tally.accepted);
    tally
}

#[test]
fn small_dictionary() {
    let dictionary = Arc::new(Dictionary::from_xml(SMALL).unwrap());
    let tally = run(&dictionary, &dictionary, 1, 20_000);
    // Every reason the validator knows came up, often.
    for reason in [0, 1, 2, 4, 5, 6, 11, 13, 14, 15, 16] {
        let times = tally.refused.get(&reason).copied().unwrap_or(0);
        assert!(times > 20 || reason == 11, "reason {reason}: {times}");
    }
}

#[test]
fn built_in_dictionaries() {
    for version in [FixVersion::Fix40, FixVersion::Fix42, FixVersion::Fix44] {
        let dictionary = version.dictionary();
        run(&dictionary, &dictionary, 1_000_000, 500);
    }
    for version in [FixVersion::Fix50, FixVersion::Fix50Sp2] {
        run(&FixVersion::Fixt11.dictionary(), &version.dictionary(), 2_000_000, 300);
    }
}
