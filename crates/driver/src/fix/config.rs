//! # Room card: driver/fix/config
//! In:    a checked configuration of an acceptor or an initiator.
//! Out:   what `FixAcceptor::start` and `FixInitiator::start` take: entries with hours, rules, stores and TLS.
//! Holds: files, dictionaries and time zones are opened here, once; a fault names the session it is about.
//! Costs: cold path; a dictionary file is read once a session that names it.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use net::{TlsClient, TlsServer, Wait};
use types::config::{
    FixAcceptorConfig, FixApplicationConfig, FixBeginStringConfig, FixDayConfig, FixHoursConfig, FixInitiatorConfig,
    FixNewWindowConfig, FixPrecisionConfig, FixSessionConfig, FixSharedConfig, FixStoreSyncConfig, FixValidationConfig,
};
use types::{Code, Fault, Nanos};
use wire::fix::dictionary::{Checks, DICTIONARY_XML_BYTES_MAX, Dictionary, FixVersion, Validator};
use wire::fix::schedule::{Days, Schedule};
use wire::fix::{BeginString, LogonFacts, Precision, Role, SessionSetup};

use super::entry::{Admission, AtNewWindow, RulesMaker, SessionEntry, StoreChoice, admit_any};
use super::file_store::{FileStoreOptions, StoreSync};
use super::host::{AcceptorSetup, HostOptions};
use super::message_log::MessageLogOptions;
use super::rules::{built_in_rules, validator_rules};
use crate::hosted::wait;
use crate::lines::backend;

/// An acceptor as configured.
///
/// # Errors
/// `CONFIG_INVALID`: a time zone, a dictionary or certificate file, or what does not fit a session's version.
pub fn acceptor_setup(config: &FixAcceptorConfig) -> Result<AcceptorSetup, Fault> {
    let host = config.host.parse().map_err(|_| invalid("host", "no IP address"))?;
    let tls = match &config.tls {
        Some(files) => Some(TlsServer::from_files(&files.certificate_file, &files.key_file)?),
        None => None,
    };
    let entries = |sessions: &[FixSessionConfig]| -> Result<Vec<SessionEntry>, Fault> {
        sessions.iter().map(|session| entry(session, Role::Acceptor, &config.shared)).collect()
    };
    let mut templates: Vec<Admission> = entries(&config.templates)?.into_iter().map(admit_any).collect();
    let admit = move |name: &LogonFacts<'_>| templates.iter_mut().find_map(|template| template(name));
    let admission: Option<Admission> = if config.templates.is_empty() { None } else { Some(Box::new(admit)) };
    Ok(AcceptorSetup {
        listen: SocketAddr::new(host, config.port),
        tls,
        sessions: entries(&config.sessions)?,
        admission,
        options: options(&config.shared),
    })
}

/// An initiator's sessions and options as configured. Errors: as of `acceptor_setup`.
pub fn initiator_setup(config: &FixInitiatorConfig) -> Result<(Vec<SessionEntry>, HostOptions), Fault> {
    let entries = config.sessions.iter().map(|session| entry(session, Role::Initiator, &config.shared));
    Ok((entries.collect::<Result<_, _>>()?, options(&config.shared)))
}

fn invalid(path: &str, what: impl core::fmt::Display) -> Fault {
    let fields = vec![("path", path.to_string()), ("error", what.to_string())];
    Fault::new(Code::ConfigInvalid, format!("{path}: {what}"), fields)
}

fn options(shared: &FixSharedConfig) -> HostOptions {
    let defaults = HostOptions::default();
    let log = shared.log_dir.as_ref().map(|folder| {
        let own = MessageLogOptions::new(folder);
        MessageLogOptions {
            file_bytes_max: shared.log_bytes.unwrap_or(own.file_bytes_max),
            files_kept: shared.log_files.unwrap_or(own.files_kept),
            ..own
        }
    });
    HostOptions {
        connections: shared.connections.map_or(defaults.connections, |connections| connections as usize),
        out_bytes: shared.out_bytes.map_or(defaults.out_bytes, |bytes| bytes as usize),
        logon_wait: shared.logon_millis.map_or(defaults.logon_wait, |millis| Nanos::from_millis(u64::from(millis))),
        wait: shared.wait.map_or(Wait::Park, wait),
        core: shared.core.map(|core| core as usize),
        backend: backend(shared.transport),
        log,
    }
}

fn entry(config: &FixSessionConfig, role: Role, shared: &FixSharedConfig) -> Result<SessionEntry, Fault> {
    let store = shared.store_dir.as_ref().map_or(StoreChoice::Memory, |folder| {
        let sync = match shared.store_sync {
            FixStoreSyncConfig::Never => StoreSync::Never,
            FixStoreSyncConfig::Always => StoreSync::Always,
        };
        let bytes_max = shared.store_bytes.unwrap_or(FileStoreOptions::default().bytes_max);
        StoreChoice::Files(folder.into(), FileStoreOptions { sync, bytes_max })
    });
    Ok(SessionEntry {
        hours: config.hours.as_ref().map_or(Ok(Schedule::always()), hours)?,
        numbers: config.number_hours.as_ref().map(hours).transpose()?,
        at_new_window: match config.at_new_window {
            FixNewWindowConfig::Reset => AtNewWindow::Reset,
            FixNewWindowConfig::Keep => AtNewWindow::Keep,
        },
        store,
        resend_from: config.resend_from,
        rules: config.validation.as_ref().map(|validation| rules(config, validation)).transpose()?,
        logged: config.logged,
        addresses: config.addresses.clone(),
        tls: tls(config)?,
        ..SessionEntry::new(setup(config, role))
    })
}

fn setup(config: &FixSessionConfig, role: Role) -> SessionSetup {
    let bytes = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
    let begin = match config.begin_string {
        FixBeginStringConfig::Fix40 => BeginString::Fix40,
        FixBeginStringConfig::Fix41 => BeginString::Fix41,
        FixBeginStringConfig::Fix42 => BeginString::Fix42,
        FixBeginStringConfig::Fix43 => BeginString::Fix43,
        FixBeginStringConfig::Fix44 => BeginString::Fix44,
        FixBeginStringConfig::Fixt11 => BeginString::Fixt11,
    };
    let application = application(config).and_then(FixVersion::appl_ver_id).map(<[u8]>::to_vec);
    let seconds = |seconds: u32| Nanos(i64::from(seconds) * 1_000_000_000);
    let (sender, target) = (config.sender_comp_id.as_bytes(), config.target_comp_id.as_bytes());
    SessionSetup {
        sender_sub: bytes(&config.sender_sub_id),
        sender_location: bytes(&config.sender_location_id),
        target_sub: bytes(&config.target_sub_id),
        target_location: bytes(&config.target_location_id),
        default_appl_ver: application,
        reset_on_logon: config.reset_on_logon,
        announce_reset: config.announce_reset && config.reset_on_logon && role == Role::Acceptor,
        reset_on_logout: config.reset_on_logout,
        reset_on_disconnect: config.reset_on_disconnect,
        username: bytes(&config.username),
        password: bytes(&config.password),
        latency_max: (config.latency_seconds > 0).then(|| seconds(config.latency_seconds)),
        precision: config.precision.map(|precision| match precision {
            FixPrecisionConfig::Seconds => Precision::Seconds,
            FixPrecisionConfig::Millis => Precision::Millis,
            FixPrecisionConfig::Micros => Precision::Micros,
            FixPrecisionConfig::Nanos => Precision::Nanos,
        }),
        resend_chunk: config.resend_chunk,
        last_processed: config.last_processed,
        next_expected: config.next_expected,
        no_resend: config.no_resend,
        keep_when_closed: config.keep_when_closed,
        ..SessionSetup::full(begin, role, sender, target, seconds(config.heartbeat_seconds))
    }
}

/// Of a FIXT session: what its messages are.
fn application(config: &FixSessionConfig) -> Option<FixVersion> {
    (config.begin_string == FixBeginStringConfig::Fixt11).then_some(match config.application {
        FixApplicationConfig::Fix50 => FixVersion::Fix50,
        FixApplicationConfig::Fix50Sp1 => FixVersion::Fix50Sp1,
        FixApplicationConfig::Fix50Sp2 => FixVersion::Fix50Sp2,
    })
}

fn rules(config: &FixSessionConfig, validation: &FixValidationConfig) -> Result<RulesMaker, Fault> {
    let checks = Checks {
        fields_out_of_order: validation.fields_out_of_order,
        fields_have_values: validation.fields_have_values,
        user_defined_fields: validation.user_defined_fields,
        allow_unknown_msg_fields: validation.allow_unknown_msg_fields,
        required_tags: validation.required_tags,
        unordered_group_fields: validation.unordered_group_fields,
        ..Checks::default()
    };
    let version = application(config).unwrap_or(match config.begin_string {
        FixBeginStringConfig::Fix40 => FixVersion::Fix40,
        FixBeginStringConfig::Fix41 => FixVersion::Fix41,
        FixBeginStringConfig::Fix42 => FixVersion::Fix42,
        FixBeginStringConfig::Fix43 => FixVersion::Fix43,
        _ => FixVersion::Fix44,
    });
    if validation.dictionary_file.is_none() && validation.transport_dictionary_file.is_none() {
        return Ok(built_in_rules(version, checks));
    }
    let read = |file: &Option<String>, otherwise: FixVersion| match file {
        Some(path) => dictionary(Path::new(path)),
        None => Ok(otherwise.dictionary()),
    };
    let own = read(&validation.dictionary_file, version)?;
    let Some(id) = application(config).and_then(FixVersion::appl_ver_id) else {
        return Ok(validator_rules(move || Validator::new(own.clone(), checks)));
    };
    let transport = read(&validation.transport_dictionary_file, FixVersion::Fixt11)?;
    Ok(validator_rules(move || {
        let mut validator = Validator::fixt(transport.clone(), vec![(id.to_vec(), own.clone())], checks);
        validator.set_default_appl_ver_id(id);
        validator
    }))
}

fn dictionary(path: &Path) -> Result<Arc<Dictionary>, Fault> {
    let shown = path.display().to_string();
    let length = std::fs::metadata(path).map_err(|error| invalid(&shown, error))?.len();
    if length > DICTIONARY_XML_BYTES_MAX as u64 {
        return Err(invalid(&shown, format!("longer than {DICTIONARY_XML_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| invalid(&shown, error))?;
    Dictionary::from_xml(&text).map(Arc::new).map_err(|error| invalid(&shown, error))
}

fn hours(config: &FixHoursConfig) -> Result<Schedule, Fault> {
    let (start, end) = config.start_and_end();
    let days = match (config.start_day, config.end_day, &config.days) {
        (Some(from), Some(to), _) => Days::Week { from: number_of(from), to: number_of(to) },
        (_, _, Some(days)) => {
            let mut each = [false; 7];
            days.iter().for_each(|&day| each[number_of(day) as usize] = true);
            Days::Each(each)
        }
        _ => Days::Each([true; 7]),
    };
    Schedule::new(&config.time_zone, days, start, end)
}

const fn number_of(day: FixDayConfig) -> u8 {
    match day {
        FixDayConfig::Monday => 0,
        FixDayConfig::Tuesday => 1,
        FixDayConfig::Wednesday => 2,
        FixDayConfig::Thursday => 3,
        FixDayConfig::Friday => 4,
        FixDayConfig::Saturday => 5,
        FixDayConfig::Sunday => 6,
    }
}

fn tls(config: &FixSessionConfig) -> Result<Option<(TlsClient, String)>, Fault> {
    if !config.tls {
        return Ok(None);
    }
    let client = match &config.ca_file {
        Some(path) => TlsClient::with_ca_file(path)?,
        None => TlsClient::system()?,
    };
    let host = config.addresses.first().and_then(|address| address.rsplit_once(':')).map_or("", |(host, _)| host);
    // An IPv6 address stands in brackets before its port.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok(Some((client, config.server_name.clone().unwrap_or_else(|| host.to_string()))))
}
