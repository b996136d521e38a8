//! # Room card: types/config/fix_check
//! In:    FIX configuration as parsed.
//! Out:   the same, or the fault that names path, value and what is allowed.
//! Holds: every number is in its range and every name fits a FIX field; what needs a file, a dictionary or the tz
//!        database is checked by who opens it.
//! Costs: cold path.
use super::fix::{FixAcceptorConfig, FixHoursConfig, FixInitiatorConfig, FixSessionConfig, FixSharedConfig};
use super::live::host_and_port;
use super::ranges::{ascii_name, range};
use super::{ConfigFault, parse};

/// Sessions of one acceptor or initiator.
const SESSIONS_MAX: usize = 4_096;
/// Addresses of one session.
const ADDRESSES_MAX: usize = 16;

impl FixAcceptorConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults.
    pub fn from_json(text: &str) -> Result<FixAcceptorConfig, ConfigFault> {
        let config: FixAcceptorConfig = parse(text)?;
        if config.host.parse::<std::net::IpAddr>().is_err() {
            return Err(ConfigFault::new("host", format!("\"{}\"", config.host), "an IP address"));
        }
        range("sessions.length", config.sessions.len() + config.templates.len(), 1, SESSIONS_MAX)?;
        for (name, sessions) in [("sessions", &config.sessions), ("templates", &config.templates)] {
            for (place, session) in sessions.iter().enumerate() {
                let path = format!("{name}[{place}]");
                session.check(&path)?;
                if !session.addresses.is_empty() {
                    return Err(ConfigFault::new(
                        format!("{path}.addresses"),
                        "an acceptor connects to nobody",
                        "none",
                    ));
                }
            }
        }
        config.shared.check("shared")?;
        Ok(config)
    }
}

impl FixInitiatorConfig {
    /// Parses and checks; unknown keys, wrong types and values out of range are faults.
    pub fn from_json(text: &str) -> Result<FixInitiatorConfig, ConfigFault> {
        let config: FixInitiatorConfig = parse(text)?;
        range("sessions.length", config.sessions.len(), 1, SESSIONS_MAX)?;
        for (place, session) in config.sessions.iter().enumerate() {
            let path = format!("sessions[{place}]");
            session.check(&path)?;
            range(&format!("{path}.addresses.length"), session.addresses.len(), 1, ADDRESSES_MAX)?;
        }
        config.shared.check("shared")?;
        Ok(config)
    }
}

impl FixSharedConfig {
    fn check(&self, path: &str) -> Result<(), ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        for (key, value, low, high) in [
            ("storeBytes", self.store_bytes, 1 << 20, 1 << 40),
            ("logBytes", self.log_bytes, 4_096, 1 << 40),
            ("logFiles", self.log_files.map(u64::from), 0, 999),
            ("outBytes", self.out_bytes, 65_536, 1 << 30),
            ("connections", self.connections.map(u64::from), 1, 16_000),
            ("logonMillis", self.logon_millis.map(u64::from), 10, 600_000),
            ("core", self.core.map(u64::from), 0, 1_023),
        ] {
            if let Some(value) = value {
                range(&at(key), value, low, high)?;
            }
        }
        Ok(())
    }
}

impl FixSessionConfig {
    fn check(&self, path: &str) -> Result<(), ConfigFault> {
        let at = |key: &str| format!("{path}.{key}");
        ascii_name(&at("senderCompId"), &self.sender_comp_id, 64)?;
        ascii_name(&at("targetCompId"), &self.target_comp_id, 64)?;
        for (key, name) in [
            ("senderSubId", &self.sender_sub_id),
            ("senderLocationId", &self.sender_location_id),
            ("targetSubId", &self.target_sub_id),
            ("targetLocationId", &self.target_location_id),
            ("username", &self.username),
            ("password", &self.password),
        ] {
            if let Some(name) = name {
                ascii_name(&at(key), name, 64)?;
            }
        }
        if let Some(bad) = self.addresses.iter().find(|address| !host_and_port(address)) {
            return Err(ConfigFault::new(at("addresses"), format!("\"{bad}\""), "host:port"));
        }
        range(&at("heartbeatSeconds"), self.heartbeat_seconds, 0, 3_600)?;
        range(&at("latencySeconds"), self.latency_seconds, 0, 86_400)?;
        if let Some(from) = self.resend_from {
            range(&at("resendFrom"), from, 1, (1 << 53) - 1)?;
        }
        range(&at("resendChunk"), self.resend_chunk, 0, 1_000_000_000)?;
        for (key, hours) in [("hours", &self.hours), ("numberHours", &self.number_hours)] {
            if let Some(hours) = hours {
                hours.check(&at(key))?;
            }
        }
        Ok(())
    }
}

impl FixHoursConfig {
    fn check(&self, path: &str) -> Result<(), ConfigFault> {
        self.seconds(&format!("{path}.start"), &self.start)?;
        self.seconds(&format!("{path}.end"), &self.end)?;
        match (self.start_day, self.end_day, &self.days) {
            (Some(_), Some(_), None) | (None, None, _) => Ok(()),
            _ => Err(ConfigFault::new(path, "startDay, endDay and days", "startDay and endDay, or days, or none")),
        }
    }

    fn seconds(&self, path: &str, text: &str) -> Result<u32, ConfigFault> {
        let wrong = || ConfigFault::new(path, format!("\"{text}\""), "HH:MM or HH:MM:SS, up to 23:59:59");
        let (mut parts, mut seconds) = (text.split(':'), 0);
        for most in [23, 59, 59] {
            let part = match parts.next() {
                Some(part) if part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()) => part,
                None if most == 59 && text.len() == 5 => "00",
                _ => return Err(wrong()),
            };
            let value: u32 = part.parse().map_err(|_| wrong())?;
            if value > most {
                return Err(wrong());
            }
            seconds = seconds * 60 + value;
        }
        if parts.next().is_none() { Ok(seconds) } else { Err(wrong()) }
    }

    /// Start and end, seconds of the day; 0 for what `from_json` would have refused.
    pub fn start_and_end(&self) -> (u32, u32) {
        let of = |text: &str| self.seconds("", text).unwrap_or(0);
        (of(&self.start), of(&self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::fix::{FixValidationConfig, zone_default};

    const SESSION: &str = r#""beginString":"FIX.4.4","senderCompId":"A","targetCompId":"B""#;

    #[test]
    fn a_session_by_its_names_alone_has_the_defaults() {
        let config = FixAcceptorConfig::from_json(&format!(r#"{{"sessions":[{{{SESSION}}}]}}"#)).unwrap();
        let session = &config.sessions[0];
        assert_eq!((session.heartbeat_seconds, session.latency_seconds, session.keep_when_closed), (30, 120, true));
        assert_eq!(session.validation, Some(FixValidationConfig::default()));
        assert_eq!((config.host.as_str(), config.port, config.shared), ("127.0.0.1", 0, FixSharedConfig::default()));
        let none = format!(r#"{{"sessions":[{{{SESSION},"validation":null}}]}}"#);
        assert_eq!(FixAcceptorConfig::from_json(&none).unwrap().sessions[0].validation, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (more, path) in [
            (r#""senderSubId":"""#, "sessions[0].senderSubId"),
            (r#""addresses":["nowhere"]"#, "sessions[0].addresses"),
            (r#""heartbeatSeconds":3601"#, "sessions[0].heartbeatSeconds"),
            (r#""resendFrom":0"#, "sessions[0].resendFrom"),
            (r#""resendFrom":9007199254740992"#, "sessions[0].resendFrom"),
            (r#""hours":{"start":"8:00","end":"17:00"}"#, "sessions[0].hours.start"),
            (r#""hours":{"start":"08:00","end":"24:00"}"#, "sessions[0].hours.end"),
            (r#""hours":{"start":"08:00:00:00","end":"17:00"}"#, "sessions[0].hours.start"),
            (r#""hours":{"start":"08:00","end":"17:00","startDay":"monday"}"#, "sessions[0].hours"),
            (r#""beginstring":"FIX.4.4""#, "sessions[0].beginstring"),
        ] {
            let text = format!(r#"{{"sessions":[{{{SESSION},{more}}}]}}"#);
            assert_eq!(FixAcceptorConfig::from_json(&text).unwrap_err().path, path, "{more}");
        }
        let nobody = format!(r#"{{"sessions":[{{{SESSION}}}]}}"#);
        assert_eq!(FixInitiatorConfig::from_json(&nobody).unwrap_err().path, "sessions[0].addresses.length");
    }

    #[test]
    fn times_of_day_in_seconds() {
        let hours = |start: &str, end: &str| FixHoursConfig {
            time_zone: zone_default(),
            start: start.into(),
            end: end.into(),
            start_day: None,
            end_day: None,
            days: None,
        };
        assert_eq!(hours("17:00", "23:59:59").start_and_end(), (61_200, 86_399));
        assert_eq!(hours("00:00", "00:00:01").start_and_end(), (0, 1));
    }
}
