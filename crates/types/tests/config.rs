//! Configuration: what is refused, and that what is accepted comes out in ticks, lots and nanoseconds.
use fafnir_types::config::EngineConfig;
use fafnir_types::{Contract, Lots, Side, Ticks};

const GOOD: &str = r#"{
  "venues": [{ "name": "BINANCE" }],
  "instruments": [{ "symbol": "BTCUSDT", "venue": "BINANCE", "tickSize": "0.1", "lotSize": "0.001",
                    "makerFee": "0.0002", "takerFee": "0.0005", "minNotional": "5",
                    "risk": { "maxOrderQuantity": "1" } }],
  "quoters": [{ "instrument": "BTCUSDT", "riskAversionPerMoney": 0.1, "intensityDecayPerPrice": 1.5,
                "orderQuantity": "0.01", "maxInventory": "0.1" }]
}"#;

fn fault(change: impl Fn(&mut serde_json::Value)) -> (String, String) {
    let mut value: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    change(&mut value);
    let fault = EngineConfig::from_json(&value.to_string()).unwrap_err();
    let shown = fault.to_string();
    (fault.path, shown)
}

#[test]
fn good_configuration_resolves() {
    let (config, setup) = EngineConfig::from_json(GOOD).unwrap();
    assert_eq!(config.session, 1);
    let btc = &setup.instruments[0];
    assert_eq!((btc.symbol(), btc.contract, btc.min_notional), ("BTCUSDT", Contract::Linear, 500_000_000));
    assert_eq!(setup.risk[0].max_order_lots, Some(Lots(1_000)));
    assert_eq!(setup.quoters[0].as_ref().unwrap().max_inventory_lots, Lots(100));
    // 61800.2 x 0.003 = 185.4006; maker fee 2 bp = 0.03708012.
    assert_eq!(btc.value(Ticks(618_002), Lots(3)), Some(18_540_060_000));
    assert_eq!(btc.fee(Ticks(618_002), Lots(3), false), Some(3_708_012));
    assert_eq!(btc.cash_flow(Side::Buy, Ticks(618_002), Lots(3)), Some(-18_540_060_000));
}

#[test]
fn inverse_contract_values_by_the_inverse_price() {
    let text = GOOD.replace(
        "\"tickSize\": \"0.1\", \"lotSize\": \"0.001\"",
        "\"tickSize\": \"0.5\", \"lotSize\": \"1\", \"contract\": \"inverse\"",
    );
    let text = text
        .replace("\"minNotional\": \"5\"", "\"minNotional\": \"0\"")
        .replace("\"0.01\"", "\"1\"")
        .replace("\"0.1\" }]", "\"10\" }]");
    let (_, setup) = EngineConfig::from_json(&text).unwrap();
    let btc = &setup.instruments[0];
    // 100 contracts of 1 USD at 50000: 0.002 BTC = 200000 satoshi; long gains when the price rises.
    assert_eq!(btc.value(Ticks(100_000), Lots(100)), Some(200_000));
    let opened = btc.cash_flow(Side::Buy, Ticks(100_000), Lots(100)).unwrap();
    let worth = btc.position_value(Lots(100), Ticks(200_000)).unwrap();
    assert_eq!(opened + worth, 100_000);
    assert_eq!(btc.value(Ticks(0), Lots(1)), None);
}

#[test]
fn faults_name_the_place() {
    assert_eq!(fault(|v| v["instruments"][0]["tickSize"] = "0".into()).0, "instruments[0].tickSize");
    assert_eq!(fault(|v| v["instruments"][0]["venue"] = "X".into()).0, "instruments[0].venue");
    assert_eq!(fault(|v| v["quoters"][0]["orderQuantity"] = "0.0001".into()).0, "quoters[0].orderQuantity");
    assert_eq!(fault(|v| v["quoters"][0]["riskAversionPerMoney"] = (-1.0).into()).0, "quoters[0].riskAversionPerMoney");
    assert_eq!(fault(|v| v["orders"] = serde_json::json!({ "maxOrders": 100 })).0, "orders.maxOrders");
    let (path, shown) = fault(|v| v["instruments"][0]["colour"] = 1.into());
    assert!(path.starts_with("instruments[0]") && shown.contains("unknown field `colour`"), "{path}: {shown}");
    let (path, shown) = fault(|v| v["quoters"][0]["intensityDecayPerPrice"] = "NaN".into());
    assert!(path == "quoters[0].intensityDecayPerPrice" && shown.contains("invalid type"), "{path}: {shown}");
    assert!(EngineConfig::from_json(&format!("{GOOD} x")).is_err());
}
