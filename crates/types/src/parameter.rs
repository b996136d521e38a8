//! # Room card: types/parameter
//! In:    the path of a quoter's parameter, as a configuration fault has it.
//! Out:   `Parameter`: a number that fits an event, with its name; `LimitBreach`: which limit was not kept.
//! Holds: every key of the quoter's schema has a number; numbers are never reused; the table is generated into
//!        TypeScript.
//! Costs: a scan of the table on the cold path of a refusal.
//!
//! A refused set is one event: `Fault` with code PARAMETER_OUT_OF_RANGE, quantity = number of the parameter, detail =
//! number of the breach, price = bits of the limit as f64 (0 where a breach has none). Limits are in the parameter's
//! own unit, those of quantities in lots.

/// A value that can be refused, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter(pub u16);

impl Parameter {
    /// The set as a whole: no JSON, a key that is unknown, one that is missing.
    pub const SET: Parameter = Parameter(0);
    /// The instrument: another than the command's, or one without a native quoter.
    pub const INSTRUMENT: Parameter = Parameter(1);
    /// A published fair value.
    pub const PUBLISHED_FAIR_VALUE: Parameter = Parameter(200);
    /// A published drift.
    pub const PUBLISHED_DRIFT: Parameter = Parameter(201);
    /// A published toxicity.
    pub const PUBLISHED_TOXICITY: Parameter = Parameter(202);
    /// Price of a quote asked for, by `Side::index`.
    pub const ASKED_PRICES: [Parameter; 2] = [Parameter(210), Parameter(211)];
    /// Lots of a quote asked for, by `Side::index`.
    pub const ASKED_LOTS: [Parameter; 2] = [Parameter(212), Parameter(213)];

    /// Every number with its name: the path in the set, or what was published or asked for.
    pub const PARAMETER_NAMES: &'static [(u16, &'static str)] = &[
        (0, "set"),
        (1, "instrument"),
        (2, "enabled"),
        (3, "riskAversionPerMoney"),
        (4, "intensityDecayPerPrice"),
        (5, "horizon"),
        (6, "horizon.seconds"),
        (7, "inventorySpreadTerm"),
        (8, "orderQuantity"),
        (9, "maxInventory"),
        (10, "requoteTicks"),
        (11, "calibration"),
        (12, "calibration.arrivalsPerSecond"),
        (13, "calibration.priorFills"),
        (14, "calibration.priorSeconds"),
        (15, "calibration.priorDistancePrice"),
        (16, "calibration.minPerPrice"),
        (17, "calibration.maxPerPrice"),
        (18, "algoId"),
        (19, "traderId"),
        (20, "model"),
        (21, "model.arrivalsPerSecond"),
        (22, "model.askArrivalsPerSecond"),
        (23, "model.fillAversionPerMoney"),
        (24, "fairValue"),
        (25, "fairValue.maxAgeMillis"),
        (26, "drift"),
        (27, "drift.horizonSeconds"),
        (28, "drift.maxAgeMillis"),
        (29, "minSpreadTicks"),
        (30, "maxSpreadTicks"),
        (31, "coverFees"),
        (32, "sizing"),
        (33, "sizing.shape"),
        (34, "sizing.fraction"),
        (35, "sizing.minQuantity"),
        (36, "ladder"),
        (37, "ladder.levels"),
        (38, "ladder.spacingTicks"),
        (39, "ladder.sizeGrowth"),
        (40, "toxicity"),
        (41, "toxicity.source"),
        (42, "toxicity.source.halfLifeSeconds"),
        (43, "toxicity.source.priorQuantity"),
        (44, "toxicity.source.maxAgeMillis"),
        (45, "toxicity.widening"),
        (46, "toxicity.pullAbove"),
        (47, "volatilityPause"),
        (48, "volatilityPause.abovePricePerSqrtSecond"),
        (49, "volatilityPause.resumeBelowPricePerSqrtSecond"),
        (50, "initialVolatilityPricePerSqrtSecond"),
        (51, "staleFeedMillis"),
        (52, "unwind"),
        (53, "unwind.clock"),
        (54, "unwind.fromSeconds"),
        (55, "unwind.crossFromSeconds"),
        (56, "unwind.toSeconds"),
        (57, "unwind.crossLimitTicks"),
        (58, "marketCalibration"),
        (59, "marketCalibration.everySeconds"),
        (60, "marketCalibration.halfLifeSeconds"),
        (61, "marketCalibration.minOrders"),
        (62, "marketCalibration.nearestHalfTicks"),
        (63, "marketCalibration.levels"),
        (64, "marketCalibration.minPerPrice"),
        (65, "marketCalibration.maxPerPrice"),
        (66, "fairValue.imbalanceBuckets"),
        (67, "fairValue.adjustmentsTicks"),
        (68, "toxicity.source.bucketQuantity"),
        (69, "toxicity.source.buckets"),
        (200, "publish.fairValuePrice"),
        (201, "publish.driftPricePerSecond"),
        (202, "publish.toxicity"),
        (210, "quote.bidPrice"),
        (211, "quote.askPrice"),
        (212, "quote.bidLots"),
        (213, "quote.askLots"),
    ];

    /// The parameter a path of a configuration fault stands at, or the nearest above it that has a number.
    pub fn of_path(path: &str) -> Parameter {
        let mut path = path.strip_prefix("quoter.").unwrap_or(path);
        loop {
            if let Some((number, _)) = Parameter::PARAMETER_NAMES.iter().find(|(_, name)| *name == path) {
                return Parameter(*number);
            }
            match path.rfind('.') {
                Some(end) => path = &path[..end],
                None => return Parameter::SET,
            }
        }
    }

    /// Its name; `None` for a number this build does not know.
    pub fn name(self) -> Option<&'static str> {
        Parameter::PARAMETER_NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

/// Which limit a value did not keep.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LimitBreach {
    /// It is below the limit, or at one that it must be above.
    Below(f64),
    /// It is above the limit.
    Above(f64),
    /// It is no whole number of lots, ticks or steps.
    OffGrid,
    /// It has no limit to break: a wrong type, an unknown or missing key, another instrument.
    Unsound,
}

impl LimitBreach {
    /// Names by number, from 1 on.
    pub const BREACH_NAMES: [&'static str; 4] = ["below", "above", "offGrid", "unsound"];

    /// Its number in an event, from 1 on.
    pub const fn number(self) -> u8 {
        match self {
            LimitBreach::Below(_) => 1,
            LimitBreach::Above(_) => 2,
            LimitBreach::OffGrid => 3,
            LimitBreach::Unsound => 4,
        }
    }

    /// The limit, where there is one.
    pub const fn limit(self) -> Option<f64> {
        match self {
            LimitBreach::Below(limit) | LimitBreach::Above(limit) => Some(limit),
            LimitBreach::OffGrid | LimitBreach::Unsound => None,
        }
    }
}

/// A value that was refused. The code of all of them is `Code::ParameterOutOfRange`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ParameterFault {
    /// Which value.
    pub parameter: Parameter,
    /// Why.
    pub breach: LimitBreach,
}

impl ParameterFault {
    /// From its parts.
    pub const fn new(parameter: Parameter, breach: LimitBreach) -> ParameterFault {
        ParameterFault { parameter, breach }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        for pair in Parameter::PARAMETER_NAMES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        let mut names: Vec<_> = Parameter::PARAMETER_NAMES.iter().map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Parameter::PARAMETER_NAMES.len());
        assert_eq!(Parameter(300).name(), None);
        let named = [
            Parameter::SET,
            Parameter::INSTRUMENT,
            Parameter::PUBLISHED_FAIR_VALUE,
            Parameter::PUBLISHED_DRIFT,
            Parameter::PUBLISHED_TOXICITY,
            Parameter::ASKED_PRICES[1],
            Parameter::ASKED_LOTS[0],
        ]
        .map(|parameter| parameter.name().unwrap_or_default());
        let published = ["publish.fairValuePrice", "publish.driftPricePerSecond", "publish.toxicity"];
        assert_eq!(named[..2], ["set", "instrument"]);
        assert_eq!(named[2..5], published);
        assert_eq!(named[5..], ["quote.askPrice", "quote.bidLots"]);
    }

    #[test]
    fn paths_find_their_number_or_that_of_the_nearest_above() {
        let name = |path: &str| Parameter::of_path(path).name().expect("a name");
        assert_eq!(name("quoter.ladder.levels"), "ladder.levels");
        assert_eq!(name("model"), "model");
        assert_eq!(name("quoter.toxicity.source.somethingNew"), "toxicity.source");
        for whole in ["", ".", "quoter", "unknownKey", "quoter.unknownKey", "?.?"] {
            assert_eq!(name(whole), "set", "{whole}");
        }
    }

    /// Every path of a schema, references followed; `kind` only says which variant it is.
    fn paths(schema: &Value, all: &Value, prefix: &str, found: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            paths(&all["$defs"][name], all, prefix, found);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for variant in schema[key].as_array().into_iter().flatten() {
                paths(variant, all, prefix, found);
            }
        }
        for (key, value) in schema["properties"].as_object().into_iter().flatten().filter(|(key, _)| *key != "kind") {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            paths(value, all, &path, found);
            found.push(path);
        }
    }

    #[test]
    fn every_key_of_the_schema_has_a_number() {
        let schema = serde_json::to_value(schemars::schema_for!(crate::config::QuoterConfig)).expect("a schema");
        let mut found = Vec::new();
        paths(&schema, &schema, "", &mut found);
        assert!(found.len() > 50, "{found:?}");
        for path in found {
            assert_eq!(Parameter::of_path(&path).name(), Some(path.as_str()));
        }
    }
}
