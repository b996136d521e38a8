//! # Room card: types/config/fix
//! In:    the user's JSON, by serde.
//! Out:   FIX sessions without an engine: an acceptor, an initiator, their sessions, hours, stores and logs.
//! Holds: every number states its range; `fix_check` holds them to it.
//! Costs: cold path.
use serde::{Deserialize, Serialize};

use super::live::{ExchangeTlsConfig, TransportConfig, WaitConfig};

/// Many FIX sessions on one port, without an engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixAcceptorConfig {
    /// Address it listens on.
    #[serde(default = "host_default")]
    pub host: String,
    /// Port it listens on; 0 takes a free one.
    #[serde(default)]
    pub port: u16,
    /// Certificate chain and key as PEM files: then the port speaks TLS.
    #[serde(default)]
    pub tls: Option<ExchangeTlsConfig>,
    /// Sessions it knows, up to 4096.
    #[serde(default)]
    pub sessions: Vec<FixSessionConfig>,
    /// Who else is let in: any TargetCompID that logs on with the version and to the SenderCompID of one of these gets
    /// a session like it. The `targetCompId` of these says nothing.
    #[serde(default)]
    pub templates: Vec<FixSessionConfig>,
    /// What sessions share.
    #[serde(default)]
    pub shared: FixSharedConfig,
}

/// FIX sessions to peers that are connected to, without an engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixInitiatorConfig {
    /// Its sessions, 1 to 4096.
    pub sessions: Vec<FixSessionConfig>,
    /// What sessions share.
    #[serde(default)]
    pub shared: FixSharedConfig,
}

/// What the sessions of one acceptor or initiator share.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FixSharedConfig {
    /// Folder of the sessions' numbers and messages, a folder each; one process at a time may use one. Default: memory,
    /// and a restart begins at 1.
    pub store_dir: Option<String>,
    /// When what was stored is on the medium.
    pub store_sync: FixStoreSyncConfig,
    /// Bytes of messages kept for each session, 1048576 to 2^40; what is older is gap-filled. Default: 4 GiB.
    pub store_bytes: Option<u64>,
    /// Folder of the message logs. Default: none.
    pub log_dir: Option<String>,
    /// Bytes of one message log, 4096 to 2^40; then it is renamed and a new one begun. Default: 64 MiB.
    pub log_bytes: Option<u64>,
    /// Message logs kept beside the current one, 0 to 999. Default: 10.
    pub log_files: Option<u32>,
    /// Bytes kept for a peer that does not read (a resend waits well below them), 65536 to 2^30; beyond it the
    /// connection is ended. Default: 64 MiB.
    pub out_bytes: Option<u64>,
    /// Connections at a time, 1 to 16000. Default: 4200.
    pub connections: Option<u32>,
    /// How long a connection may take to log on, milliseconds, 10 to 600000. Default: 10000.
    pub logon_millis: Option<u32>,
    /// How the thread waits for input. Default: park; another pays where thread and program have a core each.
    pub wait: Option<WaitConfig>,
    /// Core to pin the thread to, 0 to 1023. Default: not pinned.
    pub core: Option<u32>,
    /// Which calls move bytes.
    pub transport: TransportConfig,
}

/// When what a FIX session stores is on the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FixStoreSyncConfig {
    /// When the system writes it: it survives the process, not a loss of power.
    #[default]
    Never,
    /// Before a message leaves.
    Always,
}

/// BeginString of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FixBeginStringConfig {
    /// FIX 4.0.
    #[serde(rename = "FIX.4.0")]
    Fix40,
    /// FIX 4.1.
    #[serde(rename = "FIX.4.1")]
    Fix41,
    /// FIX 4.2.
    #[serde(rename = "FIX.4.2")]
    Fix42,
    /// FIX 4.3.
    #[serde(rename = "FIX.4.3")]
    Fix43,
    /// FIX 4.4.
    #[serde(rename = "FIX.4.4")]
    Fix44,
    /// FIXT 1.1, the transport of FIX 5.0 and later.
    #[serde(rename = "FIXT.1.1")]
    Fixt11,
}

/// Application version of a FIXT 1.1 session, its DefaultApplVerID (1137).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FixApplicationConfig {
    /// FIX 5.0 (7).
    #[serde(rename = "FIX.5.0")]
    Fix50,
    /// FIX 5.0 with service pack 1 (8).
    #[serde(rename = "FIX.5.0SP1")]
    Fix50Sp1,
    /// FIX 5.0 with service pack 2 (9).
    #[default]
    #[serde(rename = "FIX.5.0SP2")]
    Fix50Sp2,
}

/// Decimals of a session's times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FixPrecisionConfig {
    /// None.
    Seconds,
    /// Three.
    Millis,
    /// Six.
    Micros,
    /// Nine.
    Nanos,
}

/// What becomes of a session's numbers when another window of its hours begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FixNewWindowConfig {
    /// Both sides begin at 1.
    #[default]
    Reset,
    /// They go on.
    Keep,
}

/// One FIX session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixSessionConfig {
    /// BeginString (8).
    pub begin_string: FixBeginStringConfig,
    /// SenderCompID (49): ours.
    pub sender_comp_id: String,
    /// SenderSubID (50): ours.
    #[serde(default)]
    pub sender_sub_id: Option<String>,
    /// SenderLocationID (142): ours.
    #[serde(default)]
    pub sender_location_id: Option<String>,
    /// TargetCompID (56): the peer's.
    pub target_comp_id: String,
    /// TargetSubID (57): the peer's.
    #[serde(default)]
    pub target_sub_id: Option<String>,
    /// TargetLocationID (143): the peer's.
    #[serde(default)]
    pub target_location_id: Option<String>,
    /// FIXT.1.1: what its messages are.
    #[serde(default)]
    pub application: FixApplicationConfig,
    /// Initiator: host:port of the peer, and of others to try in turn when one fails.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Initiator: speak TLS.
    #[serde(default)]
    pub tls: bool,
    /// Initiator: name to ask for and to find in the certificate. Default: the host of the first address.
    #[serde(default)]
    pub server_name: Option<String>,
    /// Initiator: PEM file of the certificate authorities to trust. Default: the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Initiator: HeartBtInt (108), seconds, 0 to 3600; 0 turns heartbeats off.
    #[serde(default = "heartbeat_default")]
    pub heartbeat_seconds: u32,
    /// Initiator: Username (553).
    #[serde(default)]
    pub username: Option<String>,
    /// Initiator: Password (554).
    #[serde(default)]
    pub password: Option<String>,
    /// Both sides begin at 1 with each logon.
    #[serde(default)]
    pub reset_on_logon: bool,
    /// Acceptor, with `resetOnLogon`: its Logon says so (141=Y from FIX.4.1) also to a peer that did not ask for it.
    #[serde(default = "yes")]
    pub announce_reset: bool,
    /// Both sides begin at 1 after each logout.
    #[serde(default)]
    pub reset_on_logout: bool,
    /// Both sides begin at 1 after each connection.
    #[serde(default)]
    pub reset_on_disconnect: bool,
    /// When it may be connected. Default: always.
    #[serde(default)]
    pub hours: Option<FixHoursConfig>,
    /// Over which time its numbers go on. Default: its hours.
    #[serde(default)]
    pub number_hours: Option<FixHoursConfig>,
    /// What becomes of the numbers after that time.
    #[serde(default)]
    pub at_new_window: FixNewWindowConfig,
    /// First MsgSeqNum (34) of the peer that the program has not safely kept itself, 1 to 2^53 - 1: where the store
    /// says that more has come, the peer is asked for it again, and sends it with PossDupFlag (43). Looked at once, at
    /// the start. Default: the store is right.
    #[serde(default)]
    pub resend_from: Option<u64>,
    /// How the peer's messages are held to a dictionary; `null` lets every well-formed message through.
    #[serde(default = "validation_default")]
    pub validation: Option<FixValidationConfig>,
    /// How far SendingTime may be from our clock, seconds, 0 to 86400; 0 does not look.
    #[serde(default = "latency_default")]
    pub latency_seconds: u32,
    /// Decimals of our times. Default: seconds before FIX.4.2, milliseconds since.
    #[serde(default)]
    pub precision: Option<FixPrecisionConfig>,
    /// The most messages asked for with one ResendRequest, 0 to 1000000000; 0 asks for all at once.
    #[serde(default)]
    pub resend_chunk: u64,
    /// Says with each message what was processed last (369, from FIX.4.2).
    #[serde(default)]
    pub last_processed: bool,
    /// Says with the logon what is expected (789, from FIX.4.4), and sends what the peer says it has missed.
    #[serde(default)]
    pub next_expected: bool,
    /// Nothing is ever resent: both sides begin at 1 with each logon, as Binance asks for.
    #[serde(default)]
    pub no_resend: bool,
    /// Messages sent while the session is not open are kept and sent when the peer asks; else they are refused.
    #[serde(default = "yes")]
    pub keep_when_closed: bool,
    /// In the message log, if there is one.
    #[serde(default = "yes")]
    pub logged: bool,
}

/// Opening hours by the wall clock of a time zone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixHoursConfig {
    /// Name in the tz database, such as "America/New_York".
    #[serde(default = "zone_default")]
    pub time_zone: String,
    /// "HH:MM" or "HH:MM:SS".
    pub start: String,
    /// The same; not after `start`: on the next day, or in the next week.
    pub end: String,
    /// One window a week from this day on; then `endDay` is needed, and `days` is none.
    #[serde(default)]
    pub start_day: Option<FixDayConfig>,
    /// Day of the end of a week's window.
    #[serde(default)]
    pub end_day: Option<FixDayConfig>,
    /// Days on which a window starts. Default: every day.
    #[serde(default)]
    pub days: Option<Vec<FixDayConfig>>,
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum FixDayConfig {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How messages are held to a dictionary: QuickFIX's switches, under their names there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FixValidationConfig {
    /// XML file of the dictionary, in QuickFIX's form. Default: the built-in one of the version.
    pub dictionary_file: Option<String>,
    /// FIXT.1.1: XML file of header, trailer and the session's messages. Default: the built-in one.
    pub transport_dictionary_file: Option<String>,
    /// Header, body and trailer stand in this order.
    pub fields_out_of_order: bool,
    /// Fields have values.
    pub fields_have_values: bool,
    /// Tags from 5000 on must be in the dictionary too.
    pub user_defined_fields: bool,
    /// Other tags need not be.
    pub allow_unknown_msg_fields: bool,
    /// Required fields are there.
    pub required_tags: bool,
    /// Members of a group stand in the dictionary's order.
    pub unordered_group_fields: bool,
}

impl Default for FixValidationConfig {
    fn default() -> FixValidationConfig {
        FixValidationConfig {
            dictionary_file: None,
            transport_dictionary_file: None,
            fields_out_of_order: true,
            fields_have_values: true,
            user_defined_fields: true,
            allow_unknown_msg_fields: false,
            required_tags: true,
            unordered_group_fields: true,
        }
    }
}

fn host_default() -> String {
    "127.0.0.1".into()
}
pub(super) fn zone_default() -> String {
    "UTC".into()
}
fn heartbeat_default() -> u32 {
    30
}
fn latency_default() -> u32 {
    120
}
fn validation_default() -> Option<FixValidationConfig> {
    Some(FixValidationConfig::default())
}
fn yes() -> bool {
    true
}
