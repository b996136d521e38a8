//! # Room card: xtask/gen/config
//! In:    the JSON schema that `schemars` derives from the configuration structs.
//! Out:   the schema as a file, and TypeScript types: docs kept, fields with a default optional, everything readonly.
//! Holds: a schema shape this generator does not know is an error, never a guess.
//! Costs: cold.
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use types::config::{BacktestConfig, EngineConfig, ExchangeConfig, FixAcceptorConfig, FixInitiatorConfig, HostConfig};

use super::{BANNER, doc_comment, quoted};

fn definitions() -> Result<Map<String, Value>, String> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<BacktestConfig>();
    generator.subschema_for::<EngineConfig>();
    generator.subschema_for::<ExchangeConfig>();
    generator.subschema_for::<HostConfig>();
    generator.subschema_for::<FixAcceptorConfig>();
    generator.subschema_for::<FixInitiatorConfig>();
    let mut definitions = generator.take_definitions(true);
    definitions.sort_keys();
    if definitions.is_empty() { Err("the configuration has no schema".into()) } else { Ok(definitions) }
}

/// The schema file: the configuration of a backtest, an engine, its host, an exchange or FIX sessions without one.
pub fn json_schema() -> Result<String, String> {
    let schema = json!({
        "$comment": BANNER,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Fafnir",
        "anyOf": [
            { "$ref": "#/$defs/BacktestConfig" }, { "$ref": "#/$defs/EngineConfig" },
            { "$ref": "#/$defs/ExchangeConfig" }, { "$ref": "#/$defs/HostConfig" },
            { "$ref": "#/$defs/FixAcceptorConfig" }, { "$ref": "#/$defs/FixInitiatorConfig" },
        ],
        "$defs": definitions()?,
    });
    serde_json::to_string_pretty(&schema).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or("")
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn type_name(schema: &Value, name: &str) -> Result<&'static str, String> {
    Ok(match name {
        "string" => "string",
        "boolean" => "boolean",
        "integer" | "number" => "number",
        _ => return Err(format!("no TypeScript for {schema}")),
    })
}

/// The TypeScript of a field's schema. An absent key says what `null` would, so `null` is left out here.
fn type_of(schema: &Value) -> Result<String, String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return Ok(reference.trim_start_matches("#/$defs/").to_string());
    }
    if let Some(value) = schema["const"].as_str() {
        return Ok(quoted(value));
    }
    if let Some(values) = schema["enum"].as_array() {
        let names: Vec<String> = values.iter().filter_map(Value::as_str).map(quoted).collect();
        return if names.len() == values.len() {
            Ok(names.join(" | "))
        } else {
            Err(format!("no TypeScript for {schema}"))
        };
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let kinds: Vec<String> = choices.iter().filter(|s| !is_null(s)).map(type_of).collect::<Result<_, _>>()?;
        return Ok(kinds.join(" | "));
    }
    match &schema["type"] {
        Value::Array(names) if names.contains(&Value::from("array")) => {
            let mut listed = schema.clone();
            listed["type"] = Value::from("array");
            type_of(&listed)
        }
        Value::String(name) if name == "array" => {
            let item = type_of(&schema["items"])?;
            Ok(if item.contains(' ') { format!("readonly ({item})[]") } else { format!("readonly {item}[]") })
        }
        Value::String(name) => type_name(schema, name).map(str::to_string),
        Value::Array(names) => {
            let kinds = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            Ok(kinds.map(|name| type_name(schema, name)).collect::<Result<Vec<_>, _>>()?.join(" | "))
        }
        _ => Err(format!("no TypeScript for {schema}")),
    }
}

/// Docs of a field, with its default where it is a plain value the prose does not already give.
fn field_doc(schema: &Value) -> String {
    let doc = text(schema, "description");
    match &schema["default"] {
        Value::String(value) => format!("{doc} Default: \"{value}\"."),
        value @ (Value::Number(_) | Value::Bool(_)) if !doc.contains("Default") => format!("{doc} Default: {value}."),
        _ => doc.to_string(),
    }
}

fn fields(schema: &Value, indent: &str) -> Result<String, String> {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let required: Vec<&str> =
        schema["required"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    if schema["additionalProperties"] != false {
        return Err(format!("unknown keys must be errors: {schema}"));
    }
    let mut out = String::new();
    for (name, field) in properties {
        let mut kind = type_of(field)?;
        // Where an absent key means something else, `null` turns it off.
        if field["anyOf"].as_array().is_some_and(|choices| choices.iter().any(is_null)) && field["default"].is_object()
        {
            kind += " | null";
        }
        out += &doc_comment(indent, &field_doc(field));
        out += &if required.contains(&name.as_str()) {
            format!("{indent}readonly {name}: {kind}\n")
        } else {
            format!("{indent}readonly {name}?: {kind} | undefined\n")
        };
    }
    Ok(out)
}

fn variant(schema: &Value) -> Result<String, String> {
    let doc = doc_comment("  ", text(schema, "description"));
    if schema["properties"].is_object() {
        Ok(format!("{doc}  | {{\n{}    }}\n", fields(schema, "      ")?))
    } else {
        Ok(format!("{doc}  | {}\n", type_of(schema)?))
    }
}

fn declaration(name: &str, schema: &Value) -> Result<String, String> {
    let doc = doc_comment("", text(schema, "description"));
    if let Some(variants) = schema["oneOf"].as_array() {
        let variants = variants.iter().map(variant).collect::<Result<String, _>>()?;
        return Ok(format!("{doc}export type {name} =\n{variants}"));
    }
    if schema["type"] == "object" {
        return Ok(format!("{doc}export interface {name} {{\n{}}}\n", fields(schema, "  ")?));
    }
    Ok(format!("{doc}export type {name} = {}\n", type_of(schema)?))
}

pub fn typescript() -> Result<String, String> {
    let mut out = format!("// {BANNER}\n");
    for (name, schema) in definitions()? {
        out += "\n";
        out += &declaration(&name, &schema).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_defaults_are_optional_and_enums_are_unions() {
        let text = typescript().unwrap();
        for line in [
            "  readonly venues: readonly VenueConfig[]\n",
            "  readonly session?: number | undefined\n",
            "  readonly calibration?: IntensityCalibrationConfig | undefined\n",
            "  | 'binanceUsdm'\n",
            "      readonly kind: 'constant'\n",
            "  readonly validation?: FixValidationConfig | null | undefined\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!(text.matches("| null").count(), 1, "elsewhere an absent key says it");
    }

    #[test]
    fn unknown_shapes_are_refused() {
        assert!(type_of(&json!({ "type": "object" })).is_err());
        assert!(type_of(&json!({ "enum": [1] })).is_err());
        assert!(declaration("X", &json!({ "type": "object", "properties": {} })).is_err(), "unknown keys allowed");
    }

    #[test]
    fn the_schema_accepts_what_the_core_parses_and_names_every_type() {
        let schema: Value = serde_json::from_str(&json_schema().unwrap()).unwrap();
        let names = schema["$defs"].as_object().unwrap();
        for name in ["BacktestConfig", "EngineConfig", "QuoterConfig", "HorizonConfig", "RiskConfig"] {
            assert!(names.contains_key(name), "{name}");
        }
        assert_eq!(names["EngineConfig"]["additionalProperties"], false);
    }
}
